"""References hold: what is pointed to exists, may be pointed to by this writer, and is not deleted while something points to it.

A reference to what the writer may not see is answered exactly like a reference to nothing.
FHIR R4 asks for no such thing (http://hl7.org/fhir/R4/references.html); our users lost records to references that led nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yilian.errors import Conflict, InvalidResource, Issue
from yilian.fhir import references
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.references import Conditional, Contained, Elsewhere, Local, Target
from yilian.readers import ByKey
from yilian.store import versioned
from yilian.store.change import independent
from yilian.store.index_rows import Row
from yilian.store.plan import Plan
from yilian.store.scope import SYSTEM, Scope, readable, readable_by

if TYPE_CHECKING:
    from yilian.db import Tx

Key = tuple[str, str]

TARGETS = f"""
select r.type, r.id, r.rid
from unnest($1::smallint[], $2::text[]) as wanted (type, id)
join resource r on r.type = wanted.type and r.id = wanted.id
where not r.deleted and {readable("r", 3)}
order by r.rid
"""
HELD = "for key share of r"
"""Held until the transaction ends, so that nobody deletes a target while a reference to it is being written."""

TARGET = ByKey(
    f"select r.rid from resource r where r.type = $1 and r.id = $2 and not r.deleted"
    f" and {readable_by('r', '$3::boolean', '$4::bigint', '$5::bigint')}",
    f"""
select r.rid, w.nth
from unnest($1::smallint[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[])
    with ordinality as w (type, id, everything, here, own, nth)
cross join lateral (
    select r.rid from resource r
    where r.type = w.type and r.id = w.id and not r.deleted and {readable_by("r", "w.everything", "w.here", "w.own")} limit 1
) r
""",
    at_once=1,
)
"""One of them, not locked, for who looks first."""

MOST_REMEMBERED = 50_000
"""Keys of resources kept in memory, some 15 MB; beyond that the memory starts anew."""

KEYS = """
select r.type, r.id, r.rid
from unnest($1::smallint[], $2::text[]) as wanted (type, id)
join resource r on r.type = wanted.type and r.id = wanted.id
"""

POINTING = """
select distinct target from (
    select p.target from index_reference p where p.target = any($1::bigint[]) and p.rid <> p.target
    union all
    select c.patient from index_clinical c where c.patient = any($1::bigint[])
) as pointing (target)
"""

POINTING_NAMES = f"""
select r.type, r.id from resource r
where r.rid in (
    select p.rid from index_reference p where p.target = $1 and p.rid <> p.target
    union select c.rid from index_clinical c where c.patient = $1
) and {readable("r", 2)}
order by r.type, r.rid limit 3
"""


async def resolve(tx: Tx, scope: Scope, plans: Sequence[Plan], base: str, held: list[Row] | None = None) -> None:
    """Look up every local reference of `plans` in one statement and lock what it finds against deletion, in `tx`; fills `Plan.pointing`.

    With `held` nothing is locked yet: what is to be locked and looked at again when the rows are written is put there (`rows.HELD`). Then
    what this process has seen before need not be looked up now.

    References below our own address `base` are made relative on the way, in the plans' resources. What a resource pointed to before may
    stay though the writer does not see it, as long as it exists. Raises InvalidResource with one issue for each place at fault.
    """
    inside = {plan.key: plan.rid for plan in plans if plan.resource is not None}
    meanings: dict[str, Target] = {}
    relative: dict[str, str] = {}
    pointing: list[tuple[Plan, list[str]]] = []
    for plan in plans:
        if plan.resource is not None and not plan.same:
            texts = [reference["reference"] for reference in _references_of(plan)]
            if texts:
                pointing.append((plan, texts))
            for text in texts:
                if text not in meanings:
                    target = meanings[text] = references.parse(text, base)
                    if isinstance(target, Local) and base and text.startswith(base):
                        relative[text] = f"{target.type}/{target.id}" + (f"/_history/{target.version}" if target.version else "")
    keys = {text: (target.type, target.id) for text, target in meanings.items() if isinstance(target, Local)}
    bad = {text for text, target in meanings.items() if not isinstance(target, Local | Contained | Elsewhere)}
    wanted = set(keys.values()) - inside.keys()
    targets = await _look_up(tx, scope, wanted, held=held)
    if missing := wanted - targets.keys():
        targets.update(await _kept(tx, plans, missing, held))
        missing -= targets.keys()
    named = {
        text: (targets[keys[text]], target.version)
        for text, target in meanings.items()
        if isinstance(target, Local) and target.version is not None and keys[text] in targets and keys[text] not in inside
    }
    if named:
        bad |= await versioned.missing(tx, named)
    if bad or missing:
        raise _refused(plans, meanings, bad, missing)
    targets.update(inside)
    for plan, texts in pointing:
        plan.pointing = {key: targets[key] for text in texts if (key := keys.get(text)) is not None}
        if relative and not relative.keys().isdisjoint(texts):
            plan.resource = independent(plan.resource)
            references.rewrite(plan.resource or {}, relative)


def _references_of(plan: Plan) -> list[dict[str, Any]]:
    known = plan.change.references
    if known is not None and plan.resource is plan.change.resource and plan.change.type != "Bundle":
        return known
    return own_references(plan.resource or {})


def own_references(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The References a resource answers for; those of the entries of a stored Bundle (a document, a message), and who signed it, are its
    sender's."""
    if resource.get("resourceType") == "Bundle":
        return references.found({key: value for key, value in resource.items() if key not in ("entry", "signature")})
    return references.found(resource)


async def _look_up(tx: Tx, scope: Scope, wanted: Iterable[Key], *, held: list[Row] | None = None) -> dict[Key, int]:
    keys = list(wanted)
    if not keys:
        return {}
    if held is not None:
        return await _looked_at(tx, scope, keys, held)
    rows = await tx.fetch(TARGETS + HELD, [type_id(kind) for kind, _ in keys], [id_ for _, id_ in keys], *scope.keys(of_a_write=True))
    return {(RESOURCE_TYPES[row[0] - 1], row[1]): row[2] for row in rows}


async def _looked_at(tx: Tx, scope: Scope, keys: Sequence[Key], held: list[Row]) -> dict[Key, int]:
    """The same from memory, or with a look that locks nothing. A resource keeps its rid for ever; the rest is asked when it is written."""
    sees = scope.sees()
    seen = tx.db.seen
    found: dict[Key, int] = {}
    unknown: list[Key] = []
    for kind, id_ in keys:
        rid = seen.get((*sees, kind, id_))
        if rid is None:
            unknown.append((kind, id_))
        else:
            found[kind, id_] = rid
    if unknown:
        rows = await asyncio.gather(*(tx.db.by_key(TARGET, type_id(kind), id_, *sees) for kind, id_ in unknown))
        if len(seen) >= MOST_REMEMBERED:
            seen.clear()
        for (kind, id_), row in zip(unknown, rows, strict=True):
            if row is not None:
                found[kind, id_] = seen[*sees, kind, id_] = row["rid"]
    held.extend((rid, *sees) for rid in found.values())
    tx.relied_on.extend((*sees, kind, id_) for kind, id_ in found)
    return found


async def keys_of(tx: Tx, wanted: Iterable[Key]) -> dict[Key, int]:
    """The rids of resources that were pointed to before; nothing is locked, nothing is told to the asker."""
    keys = list(wanted)
    if not keys:
        return {}
    rows = await tx.ahead(KEYS, [type_id(kind) for kind, _ in keys], [id_ for _, id_ in keys])
    return {(RESOURCE_TYPES[row[0] - 1], row[1]): row[2] for row in rows}


async def _kept(tx: Tx, plans: Sequence[Plan], missing: set[Key], held: list[Row] | None) -> dict[Key, int]:
    """Those of `missing` that the same resource pointed to in its version before."""
    kept: set[Key] = set()
    for plan in plans:
        if plan.resource is None or not (now := missing & pointed_to(plan.resource)):
            continue
        before = pointed_to(plan.previous())
        if now - before:
            return {}  # something is at fault in any case
        kept |= now
    return await _look_up(tx, SYSTEM, kept, held=held)


def pointed_to(resource: dict[str, Any] | None) -> set[Key]:
    """(type, id) of every resource of ours a resource refers to."""
    targets = (references.parse(reference["reference"]) for reference in own_references(resource or {}))
    return {(target.type, target.id) for target in targets if isinstance(target, Local)}


def _refused(plans: Sequence[Plan], meanings: Mapping[str, Target], bad: set[str], missing: set[Key]) -> InvalidResource:
    issues = []
    for plan in plans:
        own = {id(reference) for reference in own_references(plan.resource or {})}
        for place, reference in references.walk(plan.resource or {}):
            if id(reference) not in own:
                continue
            text = reference["reference"]
            target = meanings.get(text)
            if text in bad or (isinstance(target, Local) and (target.type, target.id) in missing):
                where = f"{plan.change.place}{place[len(plan.change.type) :]}" if plan.change.place else place
                issues.append(_issue(f"{where}.reference", text, target))
        if len(issues) >= 50:
            break
    return InvalidResource(issues[0].diagnostics if issues else "A reference leads nowhere.", issues=issues)


def _issue(place: str, text: str, target: Target | None) -> Issue:
    shown = text[:120]
    if isinstance(target, Local):
        return Issue("error", "not-found", f"There is no {shown} that you may refer to.", place, f"引用的 {shown} 不存在,或您无权引用。")
    if isinstance(target, Conditional):
        return Issue("error", "invalid", f"{shown} is a search; such references are for transaction Bundles only.", place)
    if text.startswith("urn:"):
        return Issue("error", "not-found", f"{shown} is no fullUrl of an entry in this Bundle.", place)
    return Issue("error", "value", f"{shown!r} is not a reference: write Type/id, an absolute URL or #id of a contained resource.", place)


async def refuse_dangling(tx: Tx, scope: Scope, plans: Sequence[Plan]) -> None:
    """After the rows are written: nothing may point to what was deleted. Raises Conflict, naming up to three the writer may see."""
    deleted = {plan.rid: plan for plan in plans if plan.resource is None and plan.current is not None}
    if not deleted:
        return
    pointed = await tx.fetchval(POINTING, list(deleted))
    if pointed is None:
        return
    plan = deleted[pointed]
    rows = await tx.fetch(scope.finely(POINTING_NAMES), pointed, *scope.keys())
    names = ", ".join(f"{RESOURCE_TYPES[row[0] - 1]}/{row[1]}" for row in rows) or "other records"
    raise Conflict(
        f"{plan.change.type}/{plan.id} is still referred to, by {names}. Delete or change those first.",
        zh="仍有其他资料引用该记录,不能删除。",
        expression=plan.change.place,
    )
