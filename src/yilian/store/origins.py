"""Which institution a new resource comes from: `resource.origin`, for good.

What people and applications of an institution write comes from that institution. A system of the region that hands on what hospitals sent
writes for others: there the resource itself says whose it is, as the first of

- the Organization that answers for it (`NAMED`), or the institution it speaks for;
- the Encounter it belongs to (`encounter`, `context`): what that one comes from.

Where it says neither, it is the region's: of an institution's own writing for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yilian.fhir import references
from yilian.fhir.compartments import SHARED_TYPES
from yilian.store.plan import Plan
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

NAMED: Mapping[str, tuple[str, ...]] = {
    "Patient": ("managingOrganization",),
    "Encounter": ("serviceProvider",),
    "EpisodeOfCare": ("managingOrganization",),
    "Composition": ("custodian",),
    "DocumentReference": ("custodian",),
    "Consent": ("organization",),
    "Claim": ("provider",),
    "DiagnosticReport": ("performer",),
    "Observation": ("performer",),
}
"""The elements that name the Organization that answers for a resource; of several Organizations in one the first."""

WITHIN = ("encounter", "context")

ORIGINS = "select r.rid, r.origin from resource r where r.rid = any($1::bigint[])"

MOST_REMEMBERED = 50_000


async def of(tx: Tx, scope: Scope, plans: Sequence[Plan]) -> dict[int, int]:
    """Where the new ones among these come from: rid → rid of the institution. The references of the plans are resolved by now.

    Reads only; nothing is locked. An Organization that moves within its hospital keeps what it wrote.
    """
    new = [p for p in plans if p.current is None and p.resource is not None and p.change.type not in SHARED_TYPES]
    if not new:
        return {}
    if scope.institution_rid:
        return {p.rid: scope.institution_rid for p in new}
    if scope.reach != "everything" or tx.hooks.speaks_for is None:
        return {}
    named = {p.rid: rid for p in new if (rid := _pointed(p, NAMED.get(p.change.type, ()), ("Organization",)))}
    speaks_for = await _speak_for(tx, list(dict.fromkeys(named.values()))) if named else {}
    found = {rid: speaks_for[organization] for rid, organization in named.items() if organization in speaks_for}
    within = {p.rid: rid for p in new if p.rid not in found and (rid := _pointed(p, WITHIN, ("Encounter",)))}
    if within:
        there = await _origins(tx, [rid for rid in dict.fromkeys(within.values()) if rid not in found])
        found |= {rid: origin for rid, encounter in within.items() if (origin := found.get(encounter) or there.get(encounter))}
    return found


def _pointed(p: Plan, elements: Sequence[str], kinds: Sequence[str]) -> int | None:
    """The rid of the first resource of one of these types that one of these elements refers to."""
    resource = p.resource or {}
    for element in elements:
        value = resource.get(element)
        for one in value if isinstance(value, list) else [value]:
            rid = _target(p, one, kinds)
            if rid is not None:
                return rid
    return None


def _target(p: Plan, reference: Any, kinds: Sequence[str]) -> int | None:
    """Of a Reference, or of a BackboneElement around some (`context.encounter`)."""
    if not isinstance(reference, dict):
        return None
    text = reference.get("reference")
    if isinstance(text, str):
        target = references.parse(text)
        return p.pointing.get((target.type, target.id)) if isinstance(target, references.Local) and target.type in kinds else None
    inside = reference.get("encounter")
    return next((rid for one in inside if (rid := _target(p, one, kinds)) is not None), None) if isinstance(inside, list) else None


async def _origins(tx: Tx, encounters: list[int]) -> dict[int, int]:
    """Where these come from. It never changes, so it is remembered."""
    memory = tx.db.origins
    unknown = [rid for rid in encounters if rid not in memory]
    if unknown:
        if len(memory) >= MOST_REMEMBERED:
            memory.clear()
        for rid, origin in await tx.ahead(ORIGINS, unknown):
            memory[rid] = origin or 0
    return {rid: origin for rid in encounters if (origin := memory.get(rid))}


async def _speak_for(tx: Tx, organizations: list[int]) -> Mapping[int, int]:
    assert tx.hooks.speaks_for is not None
    return await tx.hooks.speaks_for(tx, organizations)
