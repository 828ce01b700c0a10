"""$match: is this person here already? $match-explain: why two records look like one person, step by step. $match-model: what is weighed.

FHIR R4: http://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yilian.access.policy import require_matching
from yilian.audit.record import note_read
from yilian.errors import BadRequest, InvalidResource, NotFound
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import HL7, Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.identity import matching
from yilian.identity.matching import models
from yilian.identity.matching.model import levels_of
from yilian.identity.matching.online import Candidate
from yilian.identity.matching.shown import recognisable
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope

Json = dict[str, Any]

MOST = 50
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
MATCH = (Parameter("resource", "resource", of="Patient"), Parameter("onlyCertainMatches", "boolean"), Parameter("count", "integer"))
EXPLAIN = (Parameter("other"),)


async def match(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/$match: Parameters with resource (a Patient), onlyCertainMatches, count; a Bundle, the likeliest first.

    Of patients the asker may not read only what it takes to recognise them is told (`shown.recognisable`).
    """
    require_matching(asker)
    called = await called_with(request, MATCH)
    patient = called.one("resource")
    if patient is None:
        raise BadRequest("resource is missing: the Patient to find.", expression="Parameters.parameter", zh="缺少要匹配的患者信息。")
    faults = [issue for issue in house.db.hooks.validate(patient) if issue.severity in ("fatal", "error")]
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    count = _count(called.one("count"))
    async with house.db.reading() as tx:
        found = await matching.find(tx, asker, patient)
        only = called.flag("onlyCertainMatches")
        candidates = _certain(found.candidates, await _persons(tx, found.candidates)) if only else found.candidates[:count]
        seen, others = await _read(tx, asker, candidates)
        moment = tx.now
    await note_read(
        house.reads, asker, [*seen.values(), *others.values()], "match", request.address, query="Patient/$match", kind="Patient"
    )
    entries = [_entry(request, one, seen.get(one.patient), others.get(one.patient)) for one in candidates if one.patient in seen | others]
    if found.too_common:
        entries.append(_too_common())
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "total": sum(entry["search"]["mode"] == "match" for entry in entries),
    }
    if entries:
        bundle["entry"] = entries
    return of_json(bundle)


async def explain(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$match-explain?other=Patient/x: how the model weighs these two, both of whom the asker may read."""
    require_matching(asker)
    called = await called_with(request, EXPLAIN)
    other = parse_reference(called.text("other"))
    if not isinstance(other, Local) or other.type != "Patient":
        raise BadRequest("other is the other patient: Patient/id.", expression="other", zh="请指定要比较的另一名患者。")
    async with house.db.reading() as tx:
        first = await read.by_id(tx, asker, "Patient", request.segments[1])
        second = await read.by_id(tx, asker, "Patient", other.id)
        told = await matching.explain(tx, first.rid, second.rid)
    if told is None:
        raise NotFound("These patients are not indexed for matching yet; try again in a minute.", zh="匹配索引尚未建好,请稍后再试。")
    await note_read(house.reads, asker, [first, second], "match-explain", request.address)
    parts: list[Json] = [
        {"name": "score", "valueDecimal": round(told.scored.score, 6)},
        {"name": "weight", "valueDecimal": round(told.scored.weight, 3)},
        {"name": "grade", "valueCode": told.grade},
        {"name": "model", "valueInteger": told.model},
    ]
    for step in told.steps:
        inside: list[Json] = [
            {"name": "comparison", "valueCode": step.comparison},
            {"name": "display", "valueString": step.zh},
            {"name": "bits", "valueDecimal": round(step.bits, 3)},
        ]
        if step.level:
            inside.insert(1, {"name": "level", "valueCode": step.level})
            inside += [{"name": name, "valueDecimal": float(f"{share:.4g}")} for name, share in (("m", step.m), ("u", step.u)) if share]
        parts.append({"name": "correction" if step.term else "step", "part": inside})
    return of_json({"resourceType": "Parameters", "parameter": parts})


def _count(asked: int | None) -> int:
    if asked is None:
        return 10
    if not 1 <= asked <= MOST:
        raise BadRequest(f"count is a whole number from 1 to {MOST}.", expression="count", zh=f"count 应为 1 到 {MOST} 的整数。")
    return asked


def _certain(candidates: tuple[Candidate, ...], persons: Mapping[int, int]) -> tuple[Candidate, ...]:
    """The one who is certain, by the likeliest of the records that are linked. Two persons who are certain leave a choice to make, and then
    none is (FHIR R4, onlyCertainMatches)."""
    sure = tuple(one for one in candidates if one.grade == "certain")
    whoever = {persons.get(one.patient, -one.patient) for one in sure}
    return sure[:1] if len(whoever) == 1 else ()


async def _persons(tx: Any, candidates: tuple[Candidate, ...]) -> dict[int, int]:
    """Patient → the Person it is linked to, both rids; who is linked to nobody is left out."""
    if not candidates:
        return {}
    rows = await tx.fetch(
        "select patient, person from person_member where patient = any($1::bigint[])", [one.patient for one in candidates]
    )
    return {row["patient"]: row["person"] for row in rows}


async def _read(tx: Any, asker: Scope, candidates: tuple[Candidate, ...]) -> tuple[dict[int, Stored], dict[int, Stored]]:
    """The candidates the asker may read, and the others, by rid."""
    if not candidates:
        return {}, {}
    rows = await tx.fetch("select id from resource where rid = any($1::bigint[])", [one.patient for one in candidates])
    named = [("Patient", row["id"]) for row in rows]
    seen = {one.rid: one for one in (await read.many(tx, asker, named)).values()}
    others = {one.rid: one for one in (await read.many(tx, SYSTEM, named)).values() if one.rid not in seen}
    return seen, others


def _entry(request: Request, one: Candidate, seen: Stored | None, other: Stored | None) -> Json:
    stored = seen or other
    assert stored is not None
    resource = parse(stored.body)
    return {
        "fullUrl": f"{request.base}/Patient/{stored.id}",
        "resource": resource if seen else recognisable(resource),
        "search": {
            "extension": [{"url": GRADE, "valueCode": one.grade}],
            "mode": "match",
            "score": round(one.scored.score, 6),
        },
    }


def _too_common() -> Json:
    text = (
        "Too many patients share everything that was told of this one, so nobody was compared."
        " Add an identifier, the date of birth or a telephone number."
    )
    zh = "所给信息过于常见,未能比对。请补充证件号码、出生日期或电话。"
    issue = {"severity": "warning", "code": "too-costly", "details": {"text": zh}, "diagnostics": text}
    return {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}, "search": {"mode": "outcome"}}


async def model(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$match-model: what the model in use weighs, level by level: nothing about anybody. For who may match, and administrators."""
    if "admin" not in asker.roles:
        require_matching(asker)
    await called_with(request, ())
    async with house.db.reading() as tx:
        used = await models.active(tx)
    parts: list[Json] = [
        {"name": "version", "valueInteger": used.version},
        {"name": "note", "valueString": used.note or "-"},
        {"name": "prior", "valueDecimal": float(f"{used.prior:.4g}")},
        {"name": "patients", "valueInteger": int(used.counts.get("patients", 0))},
    ]
    for comparison, level, zh, m, u, bits in levels_of(used):
        shares: list[Json] = [{"name": name, "valueDecimal": float(f"{share:.4g}")} for name, share in (("m", m), ("u", u))]
        inside: list[Json] = [
            {"name": "comparison", "valueCode": comparison},
            {"name": "level", "valueCode": level},
            {"name": "display", "valueString": zh},
            *shares,
            {"name": "bits", "valueDecimal": round(bits, 3)},
        ]
        parts.append({"name": "weight", "part": inside})
    return of_json({"resourceType": "Parameters", "parameter": parts})


OPERATIONS = (
    Operation("", "system", "match-model", model, False, "What the model in use weighs", urls.BASE + "OperationDefinition/match-model"),
    Operation("Patient", "type", "match", match, False, "Who may be this person, with score and grade", HL7 + "Patient-match", ("POST",)),
    Operation(
        "Patient",
        "instance",
        "match-explain",
        explain,
        False,
        "Why two records look like one person, step by step",
        urls.BASE + "OperationDefinition/patient-match-explain",
    ),
)
