"""$rate and $rating of a referral, $ratings of the institutions; $suspicions and $decide of the office. See aftercare/."""

from __future__ import annotations

from typing import Any

from yilian.access.policy import require
from yilian.aftercare import ratings, suspicions
from yilian.aftercare.ratings import ASPECTS, Rating
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import Scope

RATE = (*(Parameter(name, "integer") for name in ASPECTS), Parameter("text"), Parameter("guardian"))
MOST = 200


async def rate(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$rate with level, attitude, cost (1–5), text, guardian"""
    require(asker, "write", "Task")
    called = await called_with(request, RATE)
    guardian = called.text("guardian")
    if guardian and not guardian.startswith("RelatedPerson/"):
        raise BadRequest("guardian is a RelatedPerson/….", expression="guardian", zh="请选择监护人。")
    marks = {name: int(called.one(name) or 0) for name in ASPECTS}
    async with house.db.transaction() as tx:
        at = await ratings.rate(tx, asker, request.segments[1], Rating(marks, called.text("text").strip(), guardian))
    when = {"name": "rated", "valueDateTime": at.astimezone(house.zone).isoformat(timespec="seconds")}
    return of_json(_parameters([*_marks(marks), when]), 201)


async def rating(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$rating: what the asking patient said of this referral; empty where that is nothing yet."""
    require(asker, "read", "Task")
    await called_with(request, ())
    async with house.db.reading() as tx:
        stored = await read.by_id(tx, asker, "Task", request.segments[1])
        found = await ratings.rated(tx, asker, request.segments[1])
    await note_read(house.reads, asker, [stored], "rating", request.address)
    return of_json(_parameters(_marks(found or {})))


async def standings(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$ratings: what patients said of each institution in a year, small cells withheld. For everybody who is signed in."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = await ratings.standings(tx)
    parts = []
    for one in found:
        part: list[dict[str, Any]] = [{"name": "institution", "valueReference": {"reference": one.institution, "display": one.name}}]
        if one.many is None or one.means is None:
            part.append({"name": "withheld", "valueBoolean": True})
        else:
            part.append({"name": "many", "valueInteger": one.many})
            part += [{"name": name, "valueDecimal": value} for name, value in one.means.items()]
        parts.append({"name": "standing", "part": part})
    return of_json(_parameters(parts))


async def listed(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$suspicions?state=open|justified|not-justified: referrals that look wrong, for the office."""
    called = await called_with(request, (Parameter("state"), Parameter("_count", "integer")))
    count = called.one("_count")
    if count is not None and not 1 <= count <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
    async with house.db.reading() as tx:
        found, total = await suspicions.findings(tx, asker, called.text("state") or "open", count or 50)
        seen = list((await read.many(tx, asker, [("Task", one.task.removeprefix("Task/")) for one in found if one.task])).values())
    await note_read(house.reads, asker, seen, "suspicions", request.address, query="Task/$suspicions", kind="Task")
    parts: list[dict[str, Any]] = [{"name": "total", "valueInteger": total}]
    for one in found:
        texts = {
            "ruleName": suspicions.RULES[one.rule], "why": one.why, "number": one.number, "sender": one.sender, "receiver": one.receiver,
            "note": one.note, "decidedBy": one.decided_by,
        }  # fmt: skip
        part: list[dict[str, Any]] = [
            {"name": "issue", "valueReference": {"reference": one.issue}},
            {"name": "rule", "valueCode": one.rule},
            {"name": "state", "valueCode": one.state},
            {"name": "found", "valueInstant": one.found_at.isoformat(timespec="milliseconds")},
            *({"name": name, "valueString": text} for name, text in texts.items() if text),
        ]
        if one.task:
            part.append({"name": "task", "valueReference": {"reference": one.task}})
        if one.decided_at is not None:
            part.append({"name": "decided", "valueInstant": one.decided_at.isoformat(timespec="milliseconds")})
        parts.append({"name": "finding", "part": part})
    return of_json(_parameters(parts))


async def decide(house: House, asker: Scope, request: Request) -> Answer:
    """POST /DetectedIssue/{id}/$decide with decision (justified | not-justified) and note"""
    called = await called_with(request, (Parameter("decision"), Parameter("note")))
    async with house.db.transaction() as tx:
        await suspicions.decide(tx, asker, request.segments[1], called.text("decision"), called.text("note"))
    return of_json(_parameters([{"name": "state", "valueCode": called.text("decision")}]))


def _marks(marks: dict[str, int]) -> list[dict[str, Any]]:
    return [{"name": name, "valueInteger": value} for name, value in marks.items()]


def _parameters(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Parameters"} | ({"parameter": parts} if parts else {})


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Task", "instance", "rate", rate, True, "What a patient says of the receiver, once", OURS + "referral-rate"),
    Operation("Task", "instance", "rating", rating, False, "What the asking patient said", OURS + "referral-rating"),
    Operation("Task", "type", "ratings", standings, False, "What patients say of each institution", OURS + "referral-ratings"),
    Operation("Task", "type", "suspicions", listed, False, "Referrals that look wrong, for the office", OURS + "referral-suspicions"),
    Operation("DetectedIssue", "instance", "decide", decide, True, "Decide of such a finding", OURS + "suspicion-decide"),
)
