"""The first half of a write: which row each change is about, and whether the change may be made at all.

The rows are locked, unless the transaction looks first (`Tx.looks_first`): then nothing is, and the statement that writes the new version
locks the row and ends where it is not the version that was looked at (`store.rows`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest, Conflict, Gone, InvalidResource, NotFound, VersionStale, YilianError
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.readers import ByKey
from yilian.sealing.keyring import opened
from yilian.store import permission
from yilian.store.change import Change
from yilian.store.scope import Scope, readable, readable_by

if TYPE_CHECKING:
    from yilian.db import Tx

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

LOCKED = f"""
select r.rid, r.type, r.id, r.ver, r.updated, r.deleted, r.patient, r.confined, r.origin, r.sensitive, r.body, {readable("r", 3)} as seen
from unnest($1::smallint[], $2::text[]) as wanted (type, id)
join resource r on r.type = wanted.type and r.id = wanted.id
order by r.rid
"""
"""Rows are locked in the order of their keys, so that two writers of the same resources wait for each other instead of deadlocking."""

_SEEN = "r.rid, r.ver, r.updated, r.deleted, r.patient, r.confined, r.origin, r.sensitive, r.body"
LOOK = ByKey(
    f"select {_SEEN}, {readable_by('r', '$3::boolean', '$4::bigint', '$5::bigint')} as seen"
    " from resource r where r.type = $1 and r.id = $2",
    f"""
select r.*, w.nth
from unnest($1::smallint[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[])
    with ordinality as w (type, id, everything, here, own, nth)
cross join lateral (
    select {_SEEN}, {readable_by("r", "w.everything", "w.here", "w.own")} as seen
    from resource r where r.type = w.type and r.id = w.id limit 1
) r
""",
    at_once=1,
)
"""What a change is about, as it is at this moment; nothing is locked."""

FOR_CHANGE = LOCKED + "for no key update of r"
FOR_DELETION = LOCKED + "for update of r"
"""A deletion also shuts out those who are about to refer to the row (they hold it `for key share`)."""


@dataclass(frozen=True, slots=True)
class Current:
    """The row as it is before the change; `body` is open."""

    rid: int
    version: int
    updated: datetime
    deleted: bool
    patient: int | None
    confined: int | None
    origin: int | None
    sensitive: int
    body: str


@dataclass(slots=True)
class Plan:
    """One change on its way into the tables.

    current   the row there is; None when there is none
    resource  what is to be stored, of the store's own making and without meta.versionId yet; None for a deletion
    same      the version there is already has this content: nothing is to be done
    pointing  (type, id) → rid of every resource of ours it refers to, once they are resolved
    before    the version before as a dict, once somebody needed it
    """

    change: Change
    id: str
    rid: int
    current: Current | None
    resource: dict[str, Any] | None
    same: bool = False
    pointing: dict[tuple[str, str], int] = field(default_factory=dict)
    before: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.change.type, self.id)

    def previous(self) -> dict[str, Any] | None:
        """The version before, parsed; None when there is none or it was deleted."""
        if self.before is None and self.current is not None and not self.current.deleted:
            self.before = parse(self.current.body.encode())
        return self.before


async def claim(tx: Tx, scope: Scope, changes: Sequence[Change]) -> list[Plan]:
    """Find what the changes are about, in `tx`, lock it unless it is only looked at, and hold the changes against it.

    A change whose resource exists but lies outside the scope is answered like one to nothing: NotFound, and MethodNotAllowed for a PUT
    (`permission.may_name`). Raises besides VersionStale, Gone, Conflict, BadRequest, InvalidResource.
    """
    for change in changes:
        _check_form(change)
    looks = tx.looks_first and len(changes) == 1 and changes[0].method != "DELETE"
    rows, unseen = await (_look if looks else _lock)(tx, scope, changes)
    plans: list[Plan] = []
    missing: list[Plan] = []
    for change in changes:
        current = rows.get((change.type, change.id)) if change.id is not None else None
        _may_be(change, current)
        if current is None and change.method == "PUT":
            permission.may_name(scope, change)
        if (change.type, change.id) in unseen:
            raise _not_found(change)
        if current is None:
            plan = Plan(change, change.id or tx.new_id(), 0, None, change.resource)
            missing.append(plan)
        else:
            plan = Plan(change, change.id or "", current.rid, current, None if change.method == "DELETE" else change.resource)
            if change.method == "PATCH" and change.patch is not None:
                plan.resource = change.patch(parse(current.body.encode()))
        plans.append(plan)
    if missing:
        for plan, rid in zip(missing, await tx.db.take_rids(tx, len(missing)), strict=True):
            plan.rid = rid
    _check_twice(plans)
    return plans


Found = tuple[dict[tuple[str, str | None], Current], set[tuple[str, str | None]]]
"""The rows there are within the scope, and the keys of those outside of it."""


async def _look(tx: Tx, scope: Scope, changes: Sequence[Change]) -> Found:
    """The same as `_lock` for a single change, without a lock and without a transaction."""
    change = changes[0]
    if change.method == "POST" or change.id is None:
        return {}, set()
    row = await tx.db.by_key(LOOK, type_id(change.type), change.id, *scope.sees())
    if row is None:
        return {}, set()
    if not row["seen"]:
        return {}, {(change.type, change.id)}
    return {(change.type, change.id): _current(row)}, set()


def _current(row: Any) -> Current:
    """A row whose first columns are those of `_SEEN`."""
    return Current(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], opened(row[0], row[8]))


async def _lock(tx: Tx, scope: Scope, changes: Sequence[Change]) -> Found:
    wanted = [change for change in changes if change.id is not None and change.method != "POST"]
    found: dict[tuple[str, str | None], Current] = {}
    unseen: set[tuple[str, str | None]] = set()
    for sql, some in (
        (FOR_CHANGE, [change for change in wanted if change.method != "DELETE"]),
        (FOR_DELETION, [change for change in wanted if change.method == "DELETE"]),
    ):
        if not some:
            continue
        types, ids = [type_id(change.type) for change in some], [change.id for change in some]
        for rid, type_, id_, *rest, seen in await tx.fetch(sql, types, ids, *scope.keys(of_a_write=True)):
            kind = RESOURCE_TYPES[type_ - 1]
            if seen:
                found[kind, id_] = _current((rid, *rest))
            else:
                unseen.add((kind, id_))
    return found, unseen


def _check_form(change: Change) -> None:
    kind = change.type
    type_id(kind)
    if change.id is not None and ID.fullmatch(change.id) is None:
        raise _at(BadRequest, change, "An id has 1 to 64 letters, digits, '-' and '.'.", ".id")
    if change.method in ("PUT", "PATCH", "DELETE") and change.id is None:
        raise _at(BadRequest, change, f"{change.method} needs an id.", ".id")
    if change.method == "PATCH" and change.patch is None:
        raise _at(BadRequest, change, "PATCH needs a patch.")
    if change.method in ("POST", "PUT"):
        check_resource(change, change.resource)


def check_resource(change: Change, resource: dict[str, Any] | None) -> None:
    """What the store itself relies on in a resource, whatever `validate` is wired. Raises InvalidResource."""
    if not isinstance(resource, dict) or resource.get("resourceType") != change.type:
        raise _at(InvalidResource, change, f"A {change.type} was expected here.", ".resourceType")
    own = resource.get("id")
    if change.method != "POST" and own is not None and own != change.id:
        raise _at(InvalidResource, change, f"The id in the resource must be the one it is written to, {change.id!r}.", ".id")
    if not isinstance(resource.get("meta", {}), dict):
        raise _at(InvalidResource, change, "meta is an object.", ".meta")


def _may_be(change: Change, current: Current | None) -> None:
    exists = current is not None and not current.deleted
    where = f"{change.type}/{change.id}"
    if change.if_match is not None and not (exists and current is not None and current.version == change.if_match):
        now = f"it is version {current.version} now" if exists and current is not None else "it is not there"
        raise _at(
            VersionStale,
            change,
            f"{where} was changed since you read version {change.if_match}: {now}. Read it again and repeat your change.",
            zh="该记录已被他人修改,请刷新后重试。",
        )
    if change.if_none_match_any and exists:
        raise _at(VersionStale, change, f"{where} exists already.", zh="该记录已存在。")
    if change.fresh and exists:
        raise _at(
            Conflict,
            change,
            f"The condition finds nothing, and {where} is another resource already. Leave the id out to create a new one.",
            ".id",
            zh="条件没有匹配到记录,而该 id 已被其他记录占用。",
        )
    if current is None and change.method in ("PATCH", "DELETE"):
        raise _not_found(change)
    if change.method == "PATCH" and not exists:
        raise _at(Gone, change, f"{where} was deleted; PUT it anew to bring it back.", zh="该记录已被删除。")


def _check_twice(plans: Sequence[Plan]) -> None:
    seen: set[tuple[str, str]] = set()
    for plan in plans:
        if plan.key in seen:
            raise _at(BadRequest, plan.change, f"{plan.change.type}/{plan.id} is changed twice in one transaction.")
        seen.add(plan.key)


def _not_found(change: Change) -> YilianError:
    return _at(NotFound, change, f"There is no {change.type}/{change.id} that you may change.", zh="没有找到该记录,或您无权修改。")


def _at(kind: type[YilianError], change: Change, diagnostics: str, below: str = "", zh: str = "") -> YilianError:
    place = change.place or (change.type if below else "")
    return kind(diagnostics, expression=f"{place}{below}" if place else "", zh=zh)
