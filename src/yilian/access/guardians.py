"""Who may sign a Consent for a patient, and book for one: a parent for a child under fourteen, a legal guardian for a ward.

A guardian is a RelatedPerson of that patient, active, with a `relationship` of `PARENTS` or `WARDENS` (v3-RoleCode). The paper that shows
it is in the hands of the institution that records the Consent, which writes the RelatedPerson as well; what a guardian signed stands until
it is withdrawn, also when the child has turned fourteen.

An account of a guardian's (`acting`) books for the ward, sees the bookings and is told of them (`stands`); the record stays closed. That
the holder of an account is the RelatedPerson is known by the number of an identity document both have: the institution that wrote the
RelatedPerson has seen it, as the one that made the account has seen the patient's.

个人信息保护法 第三十一条 (under fourteen the parents or other guardians consent), 民法典 第二十七条, 第二十八条 (who is a guardian).
Codes: http://terminology.hl7.org/CodeSystem/v3-RoleCode
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from yilian.audit.note import FOR_ANOTHER
from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.search import query
from yilian.store import find, read
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.read import Stored

ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PARENTS = frozenset({"PRN", "FTH", "MTH", "NFTH", "NMTH", "ADOPTF", "ADOPTM", "ADOPTP"})
WARDENS = frozenset({"GUARD", "HPOWATT"})
OF_AGE = 14
"""From this birthday on the patient consents; a parent does not."""

DOCUMENTS = (urls.RESIDENT_ID, urls.FOREIGN_RESIDENT_ID, urls.HK_MACAO_PERMIT, urls.TAIWAN_PERMIT)
"""Numbers by which a RelatedPerson is the holder of an account; besides, passports of any country."""
TO_BOOK = frozenset(
    ("Patient", "Appointment", "Slot", "Schedule", "Organization", "Location", "PractitionerRole", "Practitioner", "HealthcareService")
)
"""What a guardian reads of a ward, and of the directory, in order to book. Nothing of it is the record."""
MOST_WARDS = 20

BODIES = "select id, body from resource where type = $1 and id = any($2::text[]) and not deleted"
PATIENT = "select id, body from resource where rid = $1"


async def require(tx: Tx, guardians: Sequence[str], patient: int, today: date) -> None:
    """Raises InvalidResource unless each of these RelatedPersons (ids) may sign for the patient (rid) today, the date of the region."""
    if not guardians:
        return
    row = await tx.fetchrow(PATIENT, patient)
    whose, born = (f"Patient/{row['id']}", parse(row["body"].encode()).get("birthDate")) if row else ("", None)
    there = {one["id"]: parse(one["body"].encode()) for one in await tx.fetch(BODIES, type_id("RelatedPerson"), list(guardians))}
    for number, id_ in enumerate(guardians):
        if not _may_sign(there.get(id_), whose, born, today):
            raise InvalidResource(
                "Who signs for the patient is an active RelatedPerson of that patient: a parent of a child under fourteen (relationship"
                f" {', '.join(sorted(PARENTS))}), or a legal guardian ({', '.join(sorted(WARDENS))}).",
                expression=f"Consent.performer[{number}]",
                zh="代为授权者须为该患者的监护人:未满十四周岁儿童的父母,或法定监护人。",
            )


def _may_sign(person: Mapping[str, Any] | None, whose: str, born: Any, today: date) -> bool:
    if person is None or person.get("active") is False or (person.get("patient") or {}).get("reference") != whose:
        return False
    codes = {
        coding.get("code")
        for concept in person.get("relationship") or ()
        for coding in concept.get("coding") or ()
        if coding.get("system") == ROLES
    }
    return bool(codes & WARDENS) or bool(codes & PARENTS and is_child(born, today))


def is_child(born: Any, today: date) -> bool:
    """Whether somebody born then is surely under `OF_AGE`; of whom the day is not known, not."""
    if not isinstance(born, str) or len(born) != 10:
        return False
    year, month, day = (int(part) for part in born.split("-"))
    return (today.year - year, today.month, today.day) < (OF_AGE, month, day)


@dataclass(frozen=True, slots=True)
class Ward:
    """Somebody the asker is the guardian of: the Patient's key, logical id, and resource."""

    rid: int
    id: str
    patient: Mapping[str, Any]


async def wards(tx: Tx, scope: Scope) -> list[Ward]:
    """Those whom the resident who asks is the guardian of today, the oldest record first. None for whoever is no resident, or whose token
    is for parts of what a resident may do."""
    if scope.reach != "self" or not scope.patient_rid or scope.is_partial or scope.rights is not None or not scope.may_read("Patient"):
        return []
    own = await tx.fetchval("select id from resource where rid = $1 and not deleted", scope.patient_rid)
    return [] if own is None else await _wards(tx, await read.by_id(tx, scope, "Patient", own))


async def stands(tx: Tx, agent: str, patient: int) -> bool:
    """Whether the resident "Patient/…" is the guardian of this patient (rid) today. For what is told to one; whoever asks for themselves
    asks `wards`."""
    kind, _, id_ = agent.partition("/")
    for own in (await read.many(tx, SYSTEM, [("Patient", id_)])).values() if kind == "Patient" else ():
        return any(one.rid == patient for one in await _wards(tx, own))
    return False


async def _wards(tx: Tx, own: Stored) -> list[Ward]:
    """Those of whom the holder of this Patient is the guardian today."""
    numbers = [
        f"{one['system']}|{one['value']}"
        for one in parse(own.body).get("identifier", ())
        if _is_document(one) and one.get("use") not in ("old", "temp")
    ]
    if not numbers:
        return []
    asked = [("identifier", ",".join(numbers)), ("_count", str(MOST_WARDS))]
    related = await find.find(tx, SYSTEM, query.parse("RelatedPerson", asked, zone=region_zone()))
    today, found = tx.now.astimezone(region_zone()).date(), dict[int, Ward]()
    for one in related.matches:
        person = parse(one.body)
        whose = str((person.get("patient") or {}).get("reference", ""))
        [stored] = (await read.many(tx, SYSTEM, [("Patient", whose.removeprefix("Patient/"))])).values() or [None]
        patient = parse(stored.body) if stored is not None else {}
        if stored is None or patient.get("deceasedDateTime") or patient.get("deceasedBoolean") or stored.rid == own.rid:
            continue
        if _may_sign(person, whose, patient.get("birthDate"), today):
            found[stored.rid] = Ward(stored.rid, stored.id, patient)
    return [found[rid] for rid in sorted(found)]


async def acting(tx: Tx, scope: Scope, patient: str) -> Scope:
    """The scope in which the asker books for Patient/`patient`: as the guardian of a ward, or unchanged for anybody else, who then sees as
    much or as little as ever."""
    if scope.reach != "self":
        return scope
    ward = next((one for one in await wards(tx, scope) if one.id == patient), None)
    if ward is None:
        return scope
    return replace(
        scope,
        patient_rid=ward.rid,
        purpose=FOR_ANOTHER,
        reads=TO_BOOK if scope.reads is None else TO_BOOK & scope.reads,
        writes=frozenset({"Appointment"}) if scope.writes is None else frozenset({"Appointment"}) & scope.writes,
    )


async def acting_on(tx: Tx, scope: Scope, appointment: str) -> Scope:
    """The same for Appointment/`appointment`, whosever it is."""
    if scope.reach != "self":
        return scope
    whose = await tx.fetchrow(WHOSE, type_id("Appointment"), appointment)
    return scope if whose is None or whose["rid"] == scope.patient_rid else await acting(tx, scope, whose["id"])


WHOSE = "select p.id, p.rid from resource r join resource p on p.rid = r.patient where r.type = $1 and r.id = $2 and not r.deleted"


def _is_document(identifier: Mapping[str, Any]) -> bool:
    system, value = str(identifier.get("system", "")), str(identifier.get("value", ""))
    return (system in DOCUMENTS or system.startswith(urls.PASSPORT)) and value.isalnum()
