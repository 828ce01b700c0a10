"""Which Patients are one person: the links of FHIR Person as the table `person_member`, kept in the transaction that writes the Person.

Records stay as the institutions gave them; a Person only gathers them. A Patient belongs to one Person at most, and one without a second
record needs none. Grounds follow in the database (`derive_grounds`, migration 0020): what an institution may read of one member it may read
of all.
FHIR R4: http://hl7.org/fhir/R4/person.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian.errors import Conflict
from yilian.fhir.definitions import type_id
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Change, Written

Json = dict[str, Any]

HOLD = "select pg_advisory_xact_lock(hashtext('yilian persons'))"
"""One link at a time in the whole region: they take milliseconds, and whom a third one joins depends on the two before."""

MEMBERS = "select person, patient from person_member where person = any($1::bigint[])"

LOCK = "select rid, id from resource where type = $1 and id = any($2::text[]) or rid = any($3::bigint[]) order by rid for update"
"""Whoever is giving a ground for one of them holds its row (the foreign key of access_ground): they are waited for, and wait for us."""

PART = """
delete from person_member m using unnest($1::bigint[], $2::bigint[]) as g (person, patient)
where m.person = g.person and m.patient = g.patient
"""
JOIN = """
insert into person_member (person, patient) select person, patient from unnest($1::bigint[], $2::bigint[]) as n (person, patient)
on conflict (patient) do nothing returning patient
"""


AMISS = """
with m as (select person, patient from person_member where person = any($1::bigint[])),
wanted as (
    select m.person, g.institution, o.patient, g.kind, g.source
    from m join access_ground g on g.patient = m.patient and g.derived_from is null
    join m o on o.person = m.person and o.patient <> m.patient
    where not exists (
        select from access_ground x where x.institution = g.institution and x.patient = o.patient and x.kind = g.kind
        and x.source = g.source and x.derived_from is null)),
there as (
    select m.person, g.institution, g.patient, g.kind, g.source
    from m join access_ground g on g.patient = m.patient and g.derived_from is not null)
select distinct person from ((table wanted except table there) union all (table there except table wanted)) differing
"""
"""Persons among whose members a ground is not derived that should be, or is that should not."""


async def hold(tx: Tx) -> None:
    """Wait for other links to be made and keep others back until `tx` ends."""
    await tx.execute(HOLD)


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: who writes a Person waits for other links before anything they need is locked."""
    if any(change.type == "Person" for change in changes):
        await hold(tx)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: brings `person_member` in step with the Persons just written, in `tx`.

    Raises Conflict when a Patient belongs to another Person already.
    """
    persons = [one for one in written if one.type == "Person" and not one.unchanged]
    if not persons:
        return
    await hold(tx)
    rids = [one.rid for one in persons]
    there = {(row["person"], row["patient"]) for row in await tx.fetch(MEMBERS, rids)}
    named = {one.rid: patients_of(one.resource) for one in persons}
    ids = sorted(set().union(*named.values()))
    locked = await tx.fetch(LOCK, type_id("Patient"), ids, sorted({patient for _, patient in there}))
    keys = {row["id"]: row["rid"] for row in locked}
    wanted = {(person, keys[id_]) for person, some in named.items() for id_ in some if id_ in keys}
    if gone := sorted(there - wanted):
        await tx.execute(PART, [person for person, _ in gone], [patient for _, patient in gone])
    if new := sorted(wanted - there):
        rows = await tx.fetch(JOIN, [person for person, _ in new], [patient for _, patient in new])
        if missing := {patient for _, patient in new} - {row["patient"] for row in rows}:
            raise _taken(next(id_ for id_, rid in keys.items() if rid in missing))


def patients_of(person: Json | None) -> set[str]:
    """The ids of the Patients a Person links to."""
    found = set()
    for one in (person or {}).get("link", ()):
        target = parse_reference(str((one.get("target") or {}).get("reference", "")))
        if isinstance(target, Local) and target.type == "Patient":
            found.add(target.id)
    return found


async def out_of_step(tx: Tx, sources: Sequence[Written]) -> list[tuple[Written, str]]:
    """Those of these Persons whose members or grounds are not what they should be. Changes nothing; for `yilian check --deep`."""
    persons = [one for one in sources if one.type == "Person"]
    if not persons:
        return []
    rows = await tx.fetch(
        "select m.person, r.id from person_member m join resource r on r.rid = m.patient where m.person = any($1::bigint[])",
        [one.rid for one in persons],
    )
    there: dict[int, set[str]] = {}
    for row in rows:
        there.setdefault(row["person"], set()).add(row["id"])
    found = [(one, "its members are not those it links to") for one in persons if there.get(one.rid, set()) != patients_of(one.resource)]
    amiss = {row["person"] for row in await tx.fetch(AMISS, [one.rid for one in persons])}
    return found + [(one, "a ground of one member does not hold for another, or holds too long") for one in persons if one.rid in amiss]


def _taken(patient: str) -> Conflict:
    return Conflict(
        f"Patient/{patient} belongs to another Person already. Take it out there first ($unlink), or link the two with $link.",
        expression="Person.link",
        zh="该患者登记已归入另一个人,请先解除原有关联。",
        code="duplicate",
    )
