"""Which institution an Organization speaks for.

A department speaks for its hospital, and a village post (村卫生室, 社区卫生服务站) for the township or community centre it belongs to:
under 乡村一体化管理 the centre keeps the record and answers for it. So one goes up `Organization.partOf` to the first Organization that
is an institution of its own: it has a tier other than village (`urls.TIER`), or, without a tier, a national kind (WS 218) other than
B200 and D600. Where nothing on the way is one, the topmost counts. A tree deeper than `DEEPEST`, or one that bites its tail, is a
mistake in the data: there the Organization speaks for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse as parse_json
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.search.folding import fold
from yilian.search.parameters import parameters_of

if TYPE_CHECKING:
    from yilian.db import Database, Tx

DEEPEST = 8
VILLAGE = "village"
POSTS = ("B200", "D600")
"""WS 218: 社区卫生服务站, 村卫生室."""


@dataclass(frozen=True, slots=True)
class Institution:
    """`reference` is "Organization/…"; `tier` is a code of `urls.INSTITUTION_TIER` or ""."""

    rid: int
    reference: str
    name: str
    tier: str


@dataclass(frozen=True, slots=True)
class _Organization:
    institution: Institution
    own: bool
    part_of: str


async def by_reference(tx: Tx, reference: str) -> Institution | None:
    """The institution that the Organization of this reference speaks for; None when there is no such Organization."""
    target = parse_reference(reference)
    if not isinstance(target, Local) or target.type != "Organization":
        return None
    rid = await tx.fetchval("select rid from resource where type = $1 and id = $2 and not deleted", type_id("Organization"), target.id)
    return (await of(tx, [rid])).get(rid) if rid is not None else None


async def named(tx: Tx, name: str) -> list[str]:
    """The Organizations ("Organization/…") with just this name or alias, in the order they came to be."""
    rows = await tx.fetch(
        """
        select distinct r.rid, r.id from index_string s join resource r using (rid)
        where s.param = $1 and s.value = $2 and s.exact = $3 and not r.deleted order by r.rid
        """,
        parameters_of("Organization")["name"].id,
        fold(name),
        name,
    )
    return [f"Organization/{row['id']}" for row in rows]


async def of(tx: Tx, rids: Iterable[int]) -> dict[int, Institution]:
    """For each of these Organizations (by rid) the institution it speaks for. What is deleted or no Organization is left out.

    One statement for each level of the tree.
    """
    wanted = set(rids)
    known: dict[int, _Organization] = {}
    by_id: dict[str, int] = {}
    level = await _read(tx, "rid = any($1::bigint[])", list(wanted)) if wanted else []
    above: set[str] = set()
    for _ in range(DEEPEST + 1):
        for one in level:
            known[one.institution.rid] = one
            by_id[one.institution.reference] = one.institution.rid
        above = {one.part_of for one in level if one.part_of and not one.own} - by_id.keys()
        if not above:
            break
        level = await _read(tx, "id = any($1::text[])", [reference.removeprefix("Organization/") for reference in above])
    return {rid: _climb(known[rid], known, by_id, unread=above) for rid in wanted if rid in known}


KEEP_S = 60.0
"""How long `speaks_for` goes on with what it has read."""

_known: WeakKeyDictionary[Database, tuple[float, dict[int, int]]] = WeakKeyDictionary()


async def speaks_for(tx: Tx, organizations: Iterable[int]) -> Mapping[int, int]:
    """Organizations → the institution each speaks for, by rid; may be up to `KEEP_S` old. For what systems write (`store.origins`)."""
    read_at, known = _known.get(tx.db, (0.0, {}))
    if time.monotonic() - read_at > KEEP_S:
        known = {}
        _known[tx.db] = (time.monotonic(), known)
    wanted = list(organizations)
    if unknown := [rid for rid in wanted if rid not in known]:
        known.update({rid: one.rid for rid, one in (await of(tx, unknown)).items()})
    return {rid: known[rid] for rid in wanted if rid in known}


def _climb(start: _Organization, known: dict[int, _Organization], by_id: dict[str, int], unread: set[str]) -> Institution:
    here = start
    for _ in range(DEEPEST + 1):
        if here.own or not here.part_of:
            return here.institution
        if here.part_of not in by_id:
            return start.institution if here.part_of in unread else here.institution
        here = known[by_id[here.part_of]]
    return start.institution


async def _read(tx: Tx, which: str, argument: list[Any]) -> list[_Organization]:
    rows = await tx.fetch(
        f"select rid, id, body from resource where type = $2 and not deleted and {which}", argument, type_id("Organization")
    )
    return [_organization(row["rid"], row["id"], parse_json(row["body"].encode())) for row in rows]


def _organization(rid: int, id: str, resource: dict[str, Any]) -> _Organization:
    part_of = parse_reference(str((resource.get("partOf") or {}).get("reference", "")))
    tier, kinds = tier_of(resource), _codes(resource, urls.INSTITUTION_KIND)
    own = tier != VILLAGE if tier else bool(kinds) and not any(kind in POSTS for kind in kinds)
    above = f"Organization/{part_of.id}" if isinstance(part_of, Local) and part_of.type == "Organization" else ""
    return _Organization(Institution(rid, f"Organization/{id}", str(resource.get("name", id)), tier), own, above)


def tier_of(organization: dict[str, Any]) -> str:
    """The tier an Organization says it has (`urls.TIER` as valueCode or valueCoding), "" for none."""
    for extension in organization.get("extension", ()):
        if extension.get("url") == urls.TIER:
            return str(extension.get("valueCode") or (extension.get("valueCoding") or {}).get("code", ""))
    return ""


def _codes(organization: dict[str, Any], system: str) -> list[str]:
    return [c.get("code", "") for kind in organization.get("type", ()) for c in kind.get("coding", ()) if c.get("system") == system]
