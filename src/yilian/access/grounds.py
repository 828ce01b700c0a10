"""Why an institution may read a patient's record, kept in step with what is written, in the same transaction.

    registered  Patient.managingOrganization               as long as it stands
    encounter   Encounter.serviceProvider                  as long as the Encounter stands and is not entered in error or cancelled
    referral    opened and ended by the referral room      from submission until some time after closing
    visit       a health card shown at the desk            some hours from then, by policy

A ground given for one record of a person holds for all of them: those rows are made by the database (`derived_from`, migration 0020)
and are not looked at here.

The ground is that of the institution the Organization speaks for (`institutions`). What would give or take a ground of another
institution is refused: nobody writes another institution's encounter, takes a patient over who is registered elsewhere, or puts a
patient into somebody else's hands, except that the institution a patient is registered with may hand the patient over. Systems of the
region may do all of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.access import institutions
from yilian.errors import Forbidden
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse as parse_json
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.search.parameters import parameters_of
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.write import Written

Ground = tuple[int, int, str, int]
"""(institution, patient, kind, source), all rids; the key of access_ground"""

_NO_CONTACT = ("entered-in-error", "cancelled")


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: brings `access_ground` in step with the Patients, Encounters and Organizations just written.

    A fixed number of statements, however many they are. Raises Forbidden where the writer would give or take another institution's ground.
    """
    changed = [one for one in written if not one.unchanged]
    moved = [one for one in changed if one.type == "Organization" and not one.created and _moved(one)]
    if moved:
        await _follow_organizations(tx, [one.rid for one in moved])
    sources = [one for one in changed if one.type in ("Patient", "Encounter")]
    if not sources:
        return
    wanted = await _wanted(tx, sources)
    there = await _there(tx, [one.rid for one in sources if not one.created or one.version > 1])
    added, removed = wanted - there, there - wanted
    _refuse_meddling(scope, added, removed)
    if removed:
        await tx.execute(
            """
            delete from access_ground g
            using unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) as r (institution, patient, kind, source)
            where g.institution = r.institution and g.patient = r.patient and g.kind = r.kind and g.source = r.source
              and g.derived_from is null
            """,
            *_columns(removed),
        )
    if added:
        await tx.execute(
            """
            insert into access_ground as g (institution, patient, kind, source, since)
            select institution, patient, kind, source, $5
            from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) as a (institution, patient, kind, source)
            on conflict (institution, patient, kind, source) do update set derived_from = null, since = excluded.since, until = null
            where g.derived_from is not null
            """,
            *_columns(added),
            tx.now,
        )


async def open_referral_ground(tx: Tx, institution: int, patient: int, task_rid: int) -> None:
    """From now on this institution may read this patient (both by rid), because of this referral. Opening it again undoes
    `close_ground`."""
    await tx.execute(
        """
        insert into access_ground (institution, patient, kind, source, since) values ($1, $2, 'referral', $3, $4)
        on conflict (institution, patient, kind, source) do update set until = null, derived_from = null
        """,
        institution,
        patient,
        task_rid,
        tx.now,
    )


async def open_visit_ground(tx: Tx, institution: int, patient: int, until: datetime) -> None:
    """This institution may read this patient (both by rid) until then, because the patient showed the health card there. There is one such
    ground at a time: showing the card again makes it last longer. `until` is aware and dated by the database's clock, see `close_ground`.
    """
    await tx.execute(
        """
        insert into access_ground (institution, patient, kind, source, since, until) values ($1, $2, 'visit', $2, $3, now() + $4::interval)
        on conflict (institution, patient, kind, source) do update
            set until = greatest(access_ground.until, excluded.until),
                since = case when access_ground.until > now() then access_ground.since else excluded.since end
        """,
        institution,
        patient,
        tx.now,
        until - tx.now,
    )


async def close_ground(tx: Tx, task_rid: int, until: datetime, institution: int | None = None) -> None:
    """What this referral opened, for one institution (by rid) or for all, ends at `until` (aware); `tx.now` ends it with this transaction.
    Never made longer by closing it again.

    The database's clock is the one every server asks by (`store.scope`), so the end is dated by it too: as long after now as was said.
    A server whose clock is wrong then neither opens nor closes a record to anybody.
    """
    await tx.execute(
        "update access_ground set until = now() + $2::interval where source = $1 and kind = 'referral'"
        " and (until is null or until > now() + $2::interval) and ($3::bigint is null or institution = $3)",
        task_rid,
        until - tx.now,
        institution,
    )


async def out_of_step(tx: Tx, sources: Sequence[Written]) -> list[tuple[Written, str]]:
    """Those of these resources whose grounds are not the ones they should be, and how. Changes nothing; for `yilian check --deep`."""
    some = [one for one in sources if one.type in ("Patient", "Encounter")]
    if not some:
        return []
    wanted, there = await _wanted(tx, some), await _there(tx, [one.rid for one in some])
    by_rid = {one.rid: one for one in some}
    found = [(by_rid[ground[3]], "a ground it gives is missing") for ground in sorted(wanted - there)]
    return found + [(by_rid[ground[3]], "a ground stands that it does not give") for ground in sorted(there - wanted)]


def _moved(one: Written) -> bool:
    """Whether the place of an Organization in the tree may have changed."""
    before, after = (parse_json(one.previous) if one.previous else {}), one.resource or {}
    return any(before.get(key) != after.get(key) for key in ("partOf", "type", "extension"))


def _organization_of(one: Written) -> str:
    """The logical id of the Organization a Patient or Encounter names, "" for none that counts."""
    resource = one.resource
    if one.deleted or resource is None:
        return ""
    if one.type == "Encounter" and resource.get("status") in _NO_CONTACT:
        return ""
    named = resource.get("managingOrganization" if one.type == "Patient" else "serviceProvider") or {}
    target = parse_reference(str(named.get("reference", "")))
    return target.id if isinstance(target, Local) and target.type == "Organization" else ""


async def _wanted(tx: Tx, sources: Sequence[Written]) -> set[Ground]:
    named = {one.rid: id for one in sources if (id := _organization_of(one)) and one.patient is not None and one.patient > 0}
    if not named:
        return set()
    rows = await tx.fetch(
        "select id, rid from resource where type = $1 and id = any($2::text[]) and not deleted",
        type_id("Organization"),
        list(set(named.values())),
    )
    rids = {row["id"]: row["rid"] for row in rows}
    speaks_for = await institutions.of(tx, rids.values())
    found: set[Ground] = set()
    for one in sources:
        institution = speaks_for.get(rids.get(named.get(one.rid, ""), 0))
        if institution is not None and one.patient is not None:
            found.add((institution.rid, one.patient, "registered" if one.type == "Patient" else "encounter", one.rid))
    return found


async def _there(tx: Tx, sources: list[int]) -> set[Ground]:
    if not sources:
        return set()
    rows = await tx.fetch(
        "select institution, patient, kind, source from access_ground"
        " where source = any($1::bigint[]) and kind in ('registered', 'encounter') and derived_from is null",
        sources,
    )
    return {(row["institution"], row["patient"], row["kind"], row["source"]) for row in rows}


def _refuse_meddling(scope: Scope, added: set[Ground], removed: set[Ground]) -> None:
    """Forbidden where somebody gives or takes another institution's ground."""
    if scope.reach == "everything":
        return
    own = scope.institution_rid
    handed_over = {source for institution, _, kind, source in removed if kind == "registered" and institution == own}
    for institution, _, kind, source in added | removed:
        if institution == own or (kind == "registered" and source in handed_over):
            continue
        if kind == "encounter":
            raise Forbidden(
                "An Encounter is written by the institution that provides it (serviceProvider).",
                expression="Encounter.serviceProvider",
                zh="就诊记录只能由接诊机构填写或修改。",
            )
        raise Forbidden(
            "Only the institution a patient is registered with hands the patient over (managingOrganization).",
            expression="Patient.managingOrganization",
            zh="只有患者的登记机构可以变更其管理机构。",
        )


async def _follow_organizations(tx: Tx, moved: list[int]) -> None:
    """Organizations found another place in the tree: what rests on them, and on those below them, now gives the ground to whom they
    speak for."""
    below = await tx.fetch(
        """
        with recursive below (rid) as (
            select unnest($1::bigint[])
            union
            select i.rid from index_reference i join below b on i.target = b.rid and i.param = $2
        )
        select rid from below
        """,
        moved,
        parameters_of("Organization")["partof"].id,
    )
    speaks_for = await institutions.of(tx, [row["rid"] for row in below])
    await tx.execute(
        """
        update access_ground g set institution = m.institution
        from unnest($1::bigint[], $2::bigint[]) as m (organization, institution)
        join index_reference i on i.target = m.organization and i.param in ($3, $4)
        where g.source = i.rid and g.kind in ('registered', 'encounter') and g.institution <> m.institution and g.derived_from is null
        """,
        list(speaks_for),
        [institution.rid for institution in speaks_for.values()],
        parameters_of("Patient")["organization"].id,
        parameters_of("Encounter")["service-provider"].id,
    )


def _columns(grounds: set[Ground]) -> tuple[list[Any], ...]:
    rows = sorted(grounds)
    return tuple([row[n] for row in rows] for n in range(4))
