"""入院、转床、出院: thin writers of the Encounter, for houses whose own system does not send it.

What they write is what ADT A01, A02, A03 and A08 mean, and nothing a plain update could not: the bed follows (`occupation`). Unlike what a
feed tells, they refuse what contradicts: the bed is locked, looked at, and then written. HL7 v2.5.1 chapter 3; FHIR R4:
http://hl7.org/fhir/R4/encounter.html, the state of things at http://hl7.org/fhir/R4/encounter-definitions.html#Encounter.location.status
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.beds import holds
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.identity import visits
from yilian.store import read
from yilian.store.change import Change, Written
from yilian.store.read import Stored
from yilian.store.scope import Scope
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

DISPOSITIONS = {
    "1": "医嘱离院",
    "2": "医嘱转院",
    "3": "医嘱转社区卫生服务机构/乡镇卫生院",
    "4": "非医嘱离院",
    "5": "死亡",
    "9": "其他",
}
"""离院方式 (RC019)."""
TO_COME = ("planned", "arrived", "triaged")
OCCUPANT = """
select e.id, b.institution from resource r join bed b using (rid) join bed_claim c on c.bed = r.rid and c.stands and c.ends is null
join resource e on e.rid = c.encounter where r.type = $1 and r.id = $2
"""
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('yilian bed ' || $1::bigint, 0))"
"""One who moves a patient, to a bed or out of one."""
LIES_IN = """
select r.id from bed_claim c join bed b on b.rid = c.bed join resource r on r.rid = c.bed
where c.patient = $1 and c.ends is null and c.stands and b.institution = $2 limit 1
"""


@dataclass(frozen=True, slots=True)
class _Bed:
    rid: int
    institution: int
    specialty: str
    reference: Json


async def admit(
    tx: Tx,
    scope: Scope,
    place: str,
    *,
    patient: str = "",
    encounter: str = "",
    specialty: str = "",
    kind: str = "",
    expected: datetime | None = None,
) -> Written:
    """入院 (A01): the patient gets a bed of `place`, in `tx`; the Encounter, in progress.

    place      a bed, or a ward for any of its beds that suits (`holds.hold`); a bed kept for this patient before others
    patient, encounter   logical ids, one of them: a new inpatient Encounter with the next 住院号, or one that is planned or has arrived
    specialty  诊疗科目 of a new Encounter; "": the bed's
    expected   expected discharge, aware
    Raises BadRequest for anything but one of the two, NotFound outside the scope, Forbidden for another house's bed, Conflict where no bed
    is free, where the patient lies in one already, and for an Encounter that is over.
    """
    if bool(patient) == bool(encounter):
        raise BadRequest("Give the patient, or the encounter that was planned.", expression="patient", zh="请指定患者或其待入院登记。")
    resource: Json = {}
    if encounter:
        resource = _body(await read.by_id(tx, scope, "Encounter", encounter))
        if resource.get("status") not in TO_COME:
            raise Conflict("This Encounter is under way in a bed, or over.", zh="该就诊已在院或已结束,不能再次入院。")
        patient = str((resource.get("subject") or {}).get("reference", "")).removeprefix("Patient/")
    who = await read.by_id(tx, scope, "Patient", patient)
    await tx.execute(ONE_AT_A_TIME, who.rid)
    lies = await tx.fetchval(LIES_IN, who.rid, scope.institution_rid) if scope.institution_rid else None
    bed = await _lock(tx, scope, place, who.rid, kind) if lies is None else None
    if bed is None or (lies := await tx.fetchval(LIES_IN, who.rid, bed.institution)):
        raise Conflict(f"The patient lies in Location/{lies} already: transfer.", zh="该患者已在本院占床,请办理转床。")
    if not resource:
        resource = await visits.drafted(tx, scope, patient, kind="inpatient", specialty=specialty or bed.specialty)
    _become(resource, "in-progress", tx.now)
    resource.setdefault("period", {}).setdefault("start", stamp(tx.now))
    resource["location"] = [*resource.get("location", ()), _stay(bed, tx.now)]
    if expected is not None:
        _expect(resource, expected, tx.now)
    change = Change("PUT", "Encounter", encounter, resource) if encounter else Change("POST", "Encounter", None, resource)
    [written] = await write(tx, scope, [change])
    return written


async def transfer(tx: Tx, scope: Scope, bed: str, to: str, *, kind: str = "") -> Written:
    """转床、转科 (A02): who lies in this bed (logical id) goes to `to`, a bed or ward of the house, in `tx`.

    Raises as `admit`; NotFound where nobody lies there whom the asker may see."""
    stored = await _lies_there(tx, scope, bed)
    resource = _body(stored)
    goal = await _lock(tx, scope, to, stored.patient or 0, kind)
    _leave(resource, tx.now)
    resource["location"].append(_stay(goal, tx.now))
    if goal.specialty:
        resource["serviceType"] = {"coding": [{"system": urls.SPECIALTY, "code": goal.specialty}]}
    return await _put(tx, scope, stored, resource)


async def discharge(tx: Tx, scope: Scope, bed: str, *, disposition: str = "1", destination: str = "") -> Written:
    """出院 (A03): who lies in this bed (logical id) leaves, in `tx`.

    disposition   离院方式, a key of `DISPOSITIONS`
    destination   reference of the Organization that goes on, for 2 and 3; "": none
    Raises BadRequest for a disposition there is not, NotFound where nobody lies there whom the asker may see.
    """
    if disposition not in DISPOSITIONS:
        raise BadRequest(f"disposition is one of {', '.join(DISPOSITIONS)}.", expression="disposition", zh="离院方式不正确。")
    stored = await _lies_there(tx, scope, bed)
    resource = _body(stored)
    _leave(resource, tx.now)
    _become(resource, "finished", tx.now)
    resource.setdefault("period", {})["end"] = stamp(tx.now)
    stay = resource.setdefault("hospitalization", {})
    stay["dischargeDisposition"] = {
        "coding": [{"system": urls.DISPOSITION, "code": disposition, "display": DISPOSITIONS[disposition]}],
        "text": DISPOSITIONS[disposition],
    }
    if destination:
        stay["destination"] = {"reference": destination}
    return await _put(tx, scope, stored, resource)


async def expect(tx: Tx, scope: Scope, bed: str, when: datetime) -> Written:
    """预计出院 (A08): when whoever lies in this bed is expected to leave (aware), in `tx`.

    Raises BadRequest for a time that is over, NotFound where nobody lies there whom the asker may see."""
    stored = await occupant(tx, scope, bed)
    resource = _body(stored)
    _expect(resource, when, tx.now)
    return await _put(tx, scope, stored, resource)


async def occupant(tx: Tx, scope: Scope, bed: str) -> Stored:
    """The Encounter that stands in this bed (logical id), for the house whose bed it is. Raises NotFound where there is none the asker may
    see, whether or not somebody lies there, Forbidden for another house's."""
    row = await tx.fetchrow(OCCUPANT, type_id("Location"), bed)
    if row is not None:
        try:
            found = await read.by_id(tx, scope, "Encounter", row["id"])
        except NotFound:
            pass
        else:
            own_house(scope, row["institution"])
            return found
    raise NotFound(f"Nobody lies in Location/{bed[:64]} whom you may see.", zh="该床位上没有您可以查看的在院患者。")


async def _lies_there(tx: Tx, scope: Scope, bed: str) -> Stored:
    """The `occupant`, whom nobody else moves until `tx` ends: looked at again once that is so, since somebody may just have."""
    first = await occupant(tx, scope, bed)
    await tx.execute(ONE_AT_A_TIME, first.patient)
    return await occupant(tx, scope, bed)


async def _lock(tx: Tx, scope: Scope, place: str, patient: int, kind: str) -> _Bed:
    rid = await holds.lock_free(tx, place, patient, kind=kind, also_held=True)
    row = await tx.fetchrow("select b.institution, b.specialty, r.id, r.body from bed b join resource r using (rid) where b.rid = $1", rid)
    assert row is not None
    own_house(scope, row["institution"])
    reference = {"reference": f"Location/{row['id']}", "display": str(parse(row["body"].encode()).get("name", row["id"]))}
    return _Bed(rid, row["institution"], row["specialty"], reference)


def own_house(scope: Scope, institution: int) -> None:
    """Raises Forbidden unless this scope speaks for the house (rid), or for the region."""
    if scope.reach != "everything" and (scope.reach != "grounds" or scope.institution_rid != institution):
        raise Forbidden(
            "The beds of a house are given by the house itself; refer the patient there.", zh="床位由所属机构安排,请通过转诊申请。"
        )


def _body(stored: Stored) -> Json:
    found = parse(stored.body)
    found.pop("meta", None)
    return found


async def _put(tx: Tx, scope: Scope, stored: Stored, resource: Json) -> Written:
    [written] = await write(tx, scope, [Change("PUT", "Encounter", stored.id, resource, if_match=stored.version)])
    return written


def _stay(bed: _Bed, now: datetime) -> Json:
    return {"location": bed.reference, "status": "active", "period": {"start": stamp(now)}}


def _leave(resource: Json, now: datetime) -> None:
    """Every stay that is open ends now."""
    for entry in resource.get("location", ()):
        if entry.get("status", "active") == "active":
            entry["status"] = "completed"
            entry["period"] = {**entry.get("period", {}), "end": stamp(now)}


def _become(resource: Json, status: str, now: datetime) -> None:
    """The next state, and the one before in the history. FHIR R4 Encounter.statusHistory."""
    before = resource.get("status")
    history = resource.get("statusHistory", [])
    if before and before != status and resource.get("id"):
        last = history[-1].get("period", {}).get("end") if history else resource.get("period", {}).get("start")
        period = ({"start": last} if last else {}) | {"end": stamp(now)}
        resource["statusHistory"] = [*history, {"status": before, "period": period}]
    resource["status"] = status


def _expect(resource: Json, when: datetime, now: datetime) -> None:
    if when <= now:
        raise BadRequest("A discharge is expected at a time to come.", expression="expected", zh="预计出院时间须晚于当前时间。")
    others = [one for one in resource.get("extension", ()) if one.get("url") != urls.PLANNED_END]
    resource["extension"] = [*others, {"url": urls.PLANNED_END, "valueDateTime": stamp(when)}]
