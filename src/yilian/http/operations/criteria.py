"""Criteria of referral: $criteria of a patient, $apply and $adjust of a PlanDefinition, $in-force and $answers of the library.

docs/reference/criteria.md; FHIR R4: http://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.criteria import adjust as adjusting
from yilian.criteria import answer, answers, apply, keeping
from yilian.criteria.cds import opening
from yilian.criteria.criterion import Criterion
from yilian.criteria.evaluate import STATES
from yilian.criteria.stable import Stable, stable
from yilian.criteria.suggest import suggest
from yilian.errors import BadRequest, Conflict
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import HL7, Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.store.scope import Scope

Json = dict[str, Any]

OF_PATIENT = (Parameter("direction"), Parameter("state"), Parameter("confirmed", many=True))
MOST_CONFIRMED = 100
STAYS, MOST_STAYS = 50, 200


async def criteria(house: House, asker: Scope, request: Request) -> Answer:
    """/Patient/{id}/$criteria with direction (up, down), state (several, by comma) and confirmed (what the doctor says is so)."""
    called = await called_with(request, OF_PATIENT)
    direction = called.text("direction")
    if direction not in ("", "up", "down"):
        raise BadRequest(f"direction is up or down, not {direction[:40]!r}.", zh="方向应为上转或下转。")
    states = tuple(one for one in called.text("state").split(",") if one)
    if strange := [one for one in states if one not in STATES]:
        raise BadRequest(f"state is one of {', '.join(STATES)}, not {strange[0][:40]!r}.", zh="状态不正确。")
    confirmed = called.all("confirmed")
    if len(confirmed) > MOST_CONFIRMED:
        raise BadRequest(f"More than {MOST_CONFIRMED} findings are confirmed.")
    async with house.db.reading() as tx:
        found = await suggest(tx, asker, request.segments[1], direction=direction, confirmed=confirmed)
        now = tx.now
    await note_read(house.reads, asker, found.looked_at, "criteria", request.address)
    told = [one for one in found.verdicts if not states or one.state in states]
    return of_json(answer.parameters(f"Patient/{found.patient['id']}", told, now))


async def of_card(house: House, asker: Scope, request: Request) -> Answer:
    """/Patient/{id}/$card-referral with card: the draft ServiceRequest a card of CDS Hooks proposed, for who follows its link."""
    called = await called_with(request, (Parameter("card"),))
    async with house.db.reading() as tx:
        drafted, found = await opening.opened(tx, asker, request.segments[1], called.text("card"))
    await note_read(house.reads, asker, found.looked_at, "card-referral", request.address)
    return of_json(drafted)


async def apply_to(house: House, asker: Scope, request: Request) -> Answer:
    """/PlanDefinition/{id}/$apply with subject: "Patient/…"."""
    subject = (await called_with(request, (Parameter("subject"),))).text("subject")
    kind, _, id = subject.partition("/")
    if kind != "Patient" or not id:
        raise BadRequest("Say for whom: subject=Patient/….", expression="subject", zh="请指定患者。")
    async with house.db.reading() as tx:
        only = await keeping.by_id(tx, request.segments[1])
        if not only.active:
            raise Conflict(f"{only.url}|{only.version} is switched off.", zh="该转诊标准已停用。")
        found = await suggest(tx, asker, id, only=[only, *(one for one in await keeping.urgent(tx) if one is not only)])
        now = tx.now
    await note_read(house.reads, asker, found.looked_at, "apply", request.address)
    verdict = next(one for one in found.verdicts if one.criterion is only)
    return of_json(apply.care_plan(f"Patient/{found.patient['id']}", verdict, now))


async def in_force(house: House, asker: Scope, request: Request) -> Answer:
    """/PlanDefinition/$in-force with day: every criterion that holds on that day, one for each url; and how often it was changed."""
    called = await called_with(request, (Parameter("day"),))
    require(asker, "read", "PlanDefinition")
    day = _day(called, "day")
    async with house.db.reading() as tx:
        listed = await keeping.in_force(tx, day)
        changed = await keeping.changes(tx)
    return of_json(_listed(listed, changed))


async def adjust(house: House, asker: Scope, request: Request) -> Answer:
    """/PlanDefinition/{id}/$adjust with since, active, reason, and limits as "finding=number"."""
    known = (Parameter("since"), Parameter("active", "boolean"), Parameter("reason"), Parameter("limit", many=True))
    called = await called_with(request, known)
    require(asker, "write", "PlanDefinition")
    since = _day(called, "since")
    if since is None:
        raise BadRequest("Say from which day on: since=2026-12-01.", expression="since", zh="请填写生效日期。")
    async with house.db.transaction() as tx:
        made = await adjusting.adjust(
            tx,
            asker,
            request.segments[1],
            since=since,
            limits=_limits(called),
            active=called.flag("active", default=True),
            reason=called.text("reason"),
        )
    return of_json(made, 201)


async def answered(house: House, asker: Scope, request: Request) -> Answer:
    """/PlanDefinition/$answers with start and end (whole days): how often each criterion was followed, overridden, only shown."""
    called = await called_with(request, (Parameter("start"), Parameter("end")))
    start, end = _day(called, "start"), _day(called, "end")
    if start is None or end is None or end < start:
        raise BadRequest("Say from which to which day: start=2026-01-01&end=2026-12-31.", zh="请填写统计起止日期。")
    async with house.db.reading() as tx:
        counts = await answers.counts(tx, asker, _midnight(house, start), _midnight(house, end + timedelta(days=1)))
    parts = [
        {"name": "criterion", "part": [{"name": "url", "valueCanonical": url}, *({"name": k, "valueInteger": n} for k, n in by.items())]}
        for url, by in sorted(counts.items())
    ]
    return of_json({"resourceType": "Parameters"} | ({"parameter": parts} if parts else {}))


async def can_go_down(house: House, asker: Scope, request: Request) -> Answer:
    """/Encounter/$can-go-down with department, _count (in-patients looked at) and _cursor: who of ours can go down, and to whom."""
    called = await called_with(request, (Parameter("department"), Parameter("_count", "integer"), Parameter("_cursor")))
    count = called.one("_count") or STAYS
    if count > MOST_STAYS:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST_STAYS}.")
    async with house.db.reading() as tx:
        found = await stable(tx, asker, department=called.text("department"), count=count, cursor=called.text("_cursor") or None)
    await note_read(house.reads, asker, found.rows, "can-go-down", request.address)
    parts: list[Json] = [{"name": "looked", "valueInteger": found.looked}]
    if found.next:
        parts.append({"name": "next", "valueString": found.next})
    parts += [{"name": "department", "valueCoding": {"code": code, "display": name}} for code, name in sorted(found.departments.items())]
    parts += [{"name": "stable", "part": _stable(one)} for one in found.stable]
    return of_json({"resourceType": "Parameters", "parameter": parts})


def _stable(one: Stable) -> list[Json]:
    parts: list[Json] = [{"name": "patient", "resource": one.patient}, {"name": "encounter", "resource": one.encounter}]
    parts += [
        {
            "name": "criterion",
            "part": [
                {"name": "criterion", "valueCanonical": answer.canonical(verdict.criterion)},
                {"name": "title", "valueString": verdict.criterion.title},
                {"name": "explanation", "valueString": answer.explanation(verdict)},
            ],
        }
        for verdict in one.verdicts
    ]
    for place in one.places:
        institution = place.institution
        inside: list[Json] = [
            {"name": "institution", "valueReference": {"reference": institution.reference, "display": institution.name}},
            {"name": "service", "valueReference": {"reference": place.service}},
            {"name": "home", "valueBoolean": institution.reference == one.home},
        ]
        if place.way is not None:
            inside.append({"name": "km", "valueDecimal": round(place.way.road_km, 1)})
            inside.append({"name": "minutes", "valueInteger": round(place.way.minutes)})
        if place.beds:
            inside.append({"name": "bedsFree", "valueInteger": place.beds_free})
        inside += [{"name": "reason", "valueString": reason.zh} for reason in place.reasons]
        parts.append({"name": "place", "part": inside})
    return parts


def _listed(criteria: list[Criterion], changed: dict[str, int]) -> Json:
    parts: list[Json] = []
    for one in criteria:
        part: list[Json] = [
            {"name": "plan", "valueReference": {"reference": f"PlanDefinition/{one.id}"}},
            {"name": "url", "valueCanonical": one.url},
            {"name": "version", "valueString": one.version},
            {"name": "title", "valueString": one.title},
            {"name": "rule", "valueString": one.rule},
            {"name": "direction", "valueCode": one.direction},
            {"name": "urgency", "valueCode": one.urgency},
            {"name": "topic", "valueCoding": {"system": urls.CRITERION_TOPIC, "code": one.topic or "general", "display": one.topic_zh}},
            {"name": "reason", "valueCode": one.reason},
            {"name": "specialty", "valueCode": one.specialty},
            {"name": "source", "valueString": one.source},
            {"name": "evidence", "valueCode": one.evidence or "house"},
            {"name": "active", "valueBoolean": one.active},
            {"name": "since", "valueDate": one.since.isoformat()},
            {"name": "changes", "valueInteger": changed.get(one.url, 0)},
        ]
        part = [p for p in part if p.get("valueCode", "x") != "" and p.get("valueString", "x") != ""]
        for finding in one.findings:
            inside: list[Json] = [{"name": "name", "valueString": finding.name}, {"name": "text", "valueString": finding.text}]
            inside.append({"name": "expression", "valueString": finding.expression.text})
            if finding.limit is not None and finding.measure:
                quantity = {"value": finding.limit.value, "unit": finding.looks_at[0].shown, "code": finding.limit.unit}
                inside.append({"name": "limit", "valueQuantity": {k: v for k, v in quantity.items() if v != ""} | {"system": urls.UCUM}})
                inside.append({"name": "measure", "valueString": finding.looks_at[0].zh})
                inside.append({"name": "compare", "valueCode": finding.compare})
            if finding.ask:
                inside.append({"name": "ask", "valueString": finding.ask})
            part.append({"name": "finding", "part": inside})
        parts.append({"name": "criterion", "part": part})
    return {"resourceType": "Parameters"} | ({"parameter": parts} if parts else {})


def _limits(called: Called) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for text in called.all("limit"):
        name, _, number = text.partition("=")
        try:
            found[name] = Decimal(number)
        except InvalidOperation:
            raise BadRequest(f"A limit is written finding=number, not {text[:60]!r}.", expression="limit", zh="阈值应为数字。") from None
    return found


def _day(called: Called, name: str) -> date | None:
    text = called.text(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"{name} is a day such as 2026-12-01, not {text[:40]!r}.", expression=name, zh="日期格式应为 2026-12-01。"
        ) from None


def _midnight(house: House, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=house.zone)


OURS = urls.BASE + "OperationDefinition/"
BOTH = ("GET", "POST")
OPERATIONS = (
    Operation(
        "Patient",
        "instance",
        "card-referral",
        of_card,
        False,
        "The referral a card of CDS Hooks proposed",
        urls.BASE + "OperationDefinition/card-referral",
    ),
    Operation(
        "Patient",
        "instance",
        "criteria",
        criteria,
        False,
        "Which criteria of referral are met, nearly met, or lack data, and by which value",
        OURS + "patient-criteria",
        BOTH,
    ),
    Operation(
        "PlanDefinition", "instance", "apply", apply_to, False, "One criterion applied to a patient", HL7 + "PlanDefinition-apply", BOTH
    ),
    Operation("PlanDefinition", "type", "in-force", in_force, False, "The criteria that hold on a day", OURS + "criteria-in-force"),
    Operation(
        "PlanDefinition",
        "instance",
        "adjust",
        adjust,
        True,
        "Other limits for a criterion from a day on",
        OURS + "criterion-adjust",
    ),
    Operation(
        "Encounter", "type", "can-go-down", can_go_down, False, "In-patients who can go down, and to whom", OURS + "encounter-can-go-down"
    ),
    Operation("PlanDefinition", "type", "answers", answered, False, "How criteria were followed and overridden", OURS + "criteria-answers"),
)
