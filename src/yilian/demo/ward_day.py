"""A day on the wards of the hospital as they are looked at: beds that are kept for somebody, one thing that cannot be, and two weeks of
beds that were used."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian.beds import days, holds
from yilian.errors import Conflict, NotFound
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx

WHO = "expert"
"""Keeps the beds."""
KEPT = (("yunxi-first-cardiology", "resident-0031", 20), ("yunxi-first-respiratory", "resident-0038", 6))
"""Ward, for whom, for how many hours."""
TWICE = "yunxi-first-orthopaedics"
"""The ward where somebody lies in a second bed: a transfer of which only the arrival was told."""
BEFORE = timedelta(days=14)

LIES = """
select n.patient, n.since from bed_now n join resource w on w.rid = n.ward
where n.institution = $1 and n.patient is not null and w.id <> $2 order by n.since, n.rid limit 1
"""
FREE = """
select r.id from bed_now n join resource r using (rid) join resource w on w.rid = n.ward
where w.type = $1 and w.id = $2 and n.state = 'free' and n.sex = '' order by r.id limit 1
"""


async def play(tx: Tx, scope: Scope) -> None:
    """All of it, in `tx`; a ward that is full or not there, and a region without in-patients, do without."""
    for ward, patient, hours in KEPT:
        whose = await tx.fetchval("select rid from resource where type = $1 and id = $2 and not deleted", type_id("Patient"), patient)
        if whose is not None:
            try:
                async with tx.savepoint():
                    await holds.hold(tx, scope, f"Location/{ward}", whose, tx.now + timedelta(hours=hours))
            except (Conflict, NotFound):
                continue
    await _in_two_beds(tx, scope)
    await days.close(tx, tx.now, since=tx.now.astimezone(region_zone()).date() - BEFORE)


async def _in_two_beds(tx: Tx, scope: Scope) -> None:
    lies = await tx.fetchrow(LIES, scope.institution_rid, TWICE)
    bed = await tx.fetchval(FREE, type_id("Location"), TWICE)
    if lies is None or bed is None:
        return
    patient = await tx.fetchval("select id from resource where rid = $1", lies["patient"])
    person = parse((await read.by_id(tx, SYSTEM, "Patient", patient)).body)
    began = {"start": stamp(max(lies["since"], tx.now - timedelta(hours=5)))}
    arrived: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": "demo-second-bed",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP", "display": "住院"},
        "subject": {"reference": f"Patient/{patient}", "display": person["name"][0]["text"]},
        "period": began,
        "location": [{"location": {"reference": f"Location/{bed}"}, "status": "active", "period": began}],
        "serviceProvider": {"reference": scope.institution, "display": scope.institution_name},
    }
    await write(tx, SYSTEM, [Change("PUT", "Encounter", arrived["id"], arrived)])
