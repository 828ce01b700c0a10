"""Who may sign a Consent for a patient: a parent for a child under fourteen, a legal guardian for a ward.

A guardian is a RelatedPerson of that patient, active, with a `relationship` of `PARENTS` or `WARDENS` (v3-RoleCode). The paper that shows
it is in the hands of the institution that records the Consent, which writes the RelatedPerson as well; what a guardian signed stands until
it is withdrawn, also when the child has turned fourteen.

个人信息保护法 第三十一条 (under fourteen the parents or other guardians consent), 民法典 第二十七条, 第二十八条 (who is a guardian).
Codes: http://terminology.hl7.org/CodeSystem/v3-RoleCode
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yilian.errors import InvalidResource
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse

if TYPE_CHECKING:
    from yilian.db import Tx

ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PARENTS = frozenset({"PRN", "FTH", "MTH", "NFTH", "NMTH", "ADOPTF", "ADOPTM", "ADOPTP"})
WARDENS = frozenset({"GUARD", "HPOWATT"})
OF_AGE = 14
"""From this birthday on the patient consents; a parent does not."""

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
