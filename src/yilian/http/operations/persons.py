"""Who is one person: $link and $unlink of a record, and the worklist of pairs ($match-worklist, $match-task, $match-decide, $match-undo).

FHIR R4 has no operations for this; the links themselves are Persons: http://hl7.org/fhir/R4/person.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian.access.policy import require_linking
from yilian.audit.record import note_read
from yilian.errors import BadRequest, Conflict
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link as address_of
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.identity import links, review
from yilian.store import read
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]
MOST = 100
LINK = (Parameter("other"), Parameter("reason"))
UNLINK = (Parameter("reason"),)
LIST = (Parameter("state"), Parameter("_count", "integer"), Parameter("_cursor"))
DECIDE = (Parameter("id", "integer"), Parameter("decision"), Parameter("reason"))
DECISIONS = ("same", "different", "later")


async def link(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/{id}/$link with other (Patient/x) and reason: the two records are one person from now on."""
    require_linking(asker)
    called = await called_with(request, LINK)
    other = parse_reference(called.text("other"))
    if not isinstance(other, Local) or other.type != "Patient":
        raise BadRequest("other is the other record: Patient/id.", expression="other", zh="请指定要关联的另一份患者登记。")
    reason = links.reason_of(called.text("reason"))
    another = other.id

    async def join(tx: Tx) -> Answer:
        first = await read.by_id(tx, SYSTEM, "Patient", request.segments[1])
        second = await read.by_id(tx, SYSTEM, "Patient", another)
        person = await links.link(tx, asker, first.rid, second.rid, reason=reason)
        return of_json(_parameters(person, await _names(tx, await links.members(tx, first.rid))))

    return await house.db.insist(join)


async def unlink(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/{id}/$unlink with reason: the record is nobody's other record any more."""
    require_linking(asker)
    reason = links.reason_of((await called_with(request, UNLINK)).text("reason"))

    async def part(tx: Tx) -> Answer:
        patient = await read.by_id(tx, SYSTEM, "Patient", request.segments[1])
        return of_json(_parameters("", await _names(tx, await links.unlink(tx, asker, patient.rid, reason=reason))))

    return await house.db.insist(part)


async def worklist(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$match-worklist?state=open|later|same|different: pairs as Tasks that are not stored, the likeliest first; paged."""
    require_linking(asker)
    called = await called_with(request, LIST)
    state, count = called.text("state") or "open", _count(called)
    async with house.db.reading() as tx:
        listed = await review.page(tx, state, count=count, cursor=called.text("_cursor") or None)
        moment = tx.now
    await note_read(
        house.reads, asker, listed.shown, "match-worklist", request.address, query=f"$match-worklist?state={state}", kind="Patient"
    )
    asked = [("state", state), ("_count", str(count))]
    found = [{"relation": "self", "url": address_of(request.base, "$match-worklist", asked)}]
    if listed.next:
        found.append({"relation": "next", "url": address_of(request.base, "$match-worklist", [*asked, ("_cursor", listed.next)])})
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "total": listed.total,
        "link": found,
    }
    if listed.tasks:
        bundle["entry"] = [{"resource": task, "search": {"mode": "match"}} for task in listed.tasks]
    return of_json(bundle)


async def counts(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$match-worklist-counts: how many pairs there are in each state."""
    require_linking(asker)
    await called_with(request, ())
    async with house.db.reading() as tx:
        many = await review.counts(tx)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": state, "valueInteger": n} for state, n in many.items()]})


async def task(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$match-task?id=1: one pair side by side, what differs, and why they look alike, step by step."""
    require_linking(asker)
    called = await called_with(request, DECIDE[:1])
    async with house.db.reading() as tx:
        found = await review.pair(tx, _id(called))
    await note_read(house.reads, asker, [found.first, found.second], "match-task", request.address)
    return of_json(_told(found))


async def decide(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$match-decide with id, decision (same, different, later) and reason. Conflict for a pair that was decided already."""
    require_linking(asker)
    called = await called_with(request, DECIDE)
    decision, reason = called.text("decision"), links.reason_of(called.text("reason"))
    if decision not in DECISIONS:
        raise BadRequest(f"decision is one of {', '.join(DECISIONS)}.", expression="decision", zh="请选择是同一人、不是同一人或稍后再核。")
    async with house.db.transaction() as tx:
        row = await review.of_pair(tx, _id(called))
        if row["state"] not in ("open", "later"):
            raise Conflict("This pair was decided already; undo that first.", zh="该核对任务已有结论,请先撤销。")
        if decision == "same":
            await links.link(tx, asker, row["first"], row["second"], reason=reason)
        else:
            do = links.keep_apart if decision == "different" else links.put_off
            await do(tx, asker, row["first"], row["second"], reason=reason)
        found = await review.pair(tx, row["id"])
    return of_json(_told(found))


async def undo(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$match-undo with id and reason: what was decided is taken back, and the pair waits for somebody again."""
    require_linking(asker)
    called = await called_with(request, (DECIDE[0], DECIDE[2]))
    reason = links.reason_of(called.text("reason"))
    async with house.db.transaction() as tx:
        row = await review.of_pair(tx, _id(called))
        if row["state"] == "open":
            raise Conflict("Nothing was decided of this pair yet.", zh="该核对任务尚无结论。")
        await links.undo(tx, asker, row["first"], row["second"], reason=reason)
        found = await review.pair(tx, row["id"])
    return of_json(_told(found))


def _told(pair: review.Pair) -> Json:
    parts: list[Json] = [{"name": "task", "resource": review.task_of(pair)}]
    parts += [
        {"name": "record", "part": [{"name": "reference", "valueString": f"Patient/{one.id}"}, {"name": "linked", "valueInteger": others}]}
        for one, others in zip((pair.first, pair.second), pair.others, strict=True)
    ]
    for one in pair.fields:
        inside: list[Json] = [
            {"name": "code", "valueCode": one.code},
            {"name": "display", "valueString": one.zh},
            {"name": "agreement", "valueCode": one.agreement},
        ]
        inside += [{"name": name, "valueString": text} for name, text in (("first", one.first), ("second", one.second)) if text]
        parts.append({"name": "field", "part": inside})
    if pair.why is not None:
        parts.append({"name": "score", "valueDecimal": round(pair.why.scored.score, 6)})
        parts.append({"name": "weight", "valueDecimal": round(pair.why.scored.weight, 3)})
        parts.append({"name": "model", "valueInteger": pair.why.model})
        for step in pair.why.steps:
            told: list[Json] = [
                {"name": "comparison", "valueCode": step.comparison},
                {"name": "display", "valueString": step.zh},
                {"name": "bits", "valueDecimal": round(step.bits, 3)},
            ]
            if step.level:
                told.append({"name": "level", "valueCode": step.level})
            parts.append({"name": "correction" if step.term else "step", "part": told})
    return {"resourceType": "Parameters", "parameter": parts}


def _parameters(person: str, records: list[str]) -> Json:
    parts: list[Json] = [{"name": "person", "valueReference": {"reference": person}}] if person else []
    parts += [{"name": "record", "valueReference": {"reference": f"Patient/{id_}"}} for id_ in records]
    return {"resourceType": "Parameters", "parameter": parts}


async def _names(tx: Any, rids: list[int]) -> list[str]:
    rows = await tx.fetch("select id from resource where type = $1 and rid = any($2::bigint[]) order by rid", type_id("Patient"), rids)
    return [row["id"] for row in rows]


def _id(called: Called) -> int:
    asked = called.one("id")
    if asked is None:
        raise BadRequest("id is missing: which pair of the worklist.", expression="id", zh="请指定核对任务。")
    return int(asked)


def _count(called: Called) -> int:
    count = called.one("_count")
    if count is None:
        return 20
    if not 1 <= count <= MOST:
        raise BadRequest(f"_count is a whole number from 1 to {MOST}.", expression="_count")
    return int(count)


_DEFINITION = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Patient", "instance", "link", link, True, "Two records are one person", _DEFINITION + "patient-link"),
    Operation("Patient", "instance", "unlink", unlink, True, "A record is taken out of its person", _DEFINITION + "patient-unlink"),
    Operation("", "system", "match-worklist", worklist, False, "Pairs that may be one person", _DEFINITION + "match-worklist"),
    Operation("", "system", "match-worklist-counts", counts, False, "How many pairs wait", _DEFINITION + "match-worklist-counts"),
    Operation("", "system", "match-task", task, False, "A pair side by side, and why it looks alike", _DEFINITION + "match-task"),
    Operation("", "system", "match-decide", decide, True, "One person, two, or not to be told yet", _DEFINITION + "match-decide"),
    Operation("", "system", "match-undo", undo, True, "A decision is taken back", _DEFINITION + "match-undo"),
)
