"""Nobody writes a referral around its table of states: the plain interactions on its Task and ServiceRequest are refused here.

The database refuses it too, at commit (migration 0004); this guard says so earlier and in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.errors import Conflict
from yilian.fhir import json
from yilian.fhir.definitions import type_id
from yilian.referral.resources import is_referral
from yilian.store.scope import Scope, lent, readable

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Change

GUARDED = ("ServiceRequest", "Task")


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The room's own permission: who acts stays who acted, but what is written was checked against the table already."""


def permission(scope: Scope) -> RoomScope:
    """The scope in which a step of a referral is written for `scope`. Made by `commands` alone.

    People of institutions keep their reach, so that every reference is still looked up within it. Residents write nothing otherwise: for
    the one step that is theirs they are lent the reach that takes.
    """
    return lent(scope, RoomScope, "everything" if scope.reach == "self" else scope.reach)


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: refuse a create, update, patch or delete of what is, or would become, part of a referral. Raises Conflict.

    What the asker may not see is left to the store, which answers as if it were not there.
    """
    if isinstance(scope, RoomScope):
        return
    guarded = [change for change in changes if change.type in GUARDED]
    if not guarded:
        return
    known = [(change.type, change.id) for change in guarded if change.id is not None]
    bodies = {}
    if known:
        rows = await tx.fetch(
            f"""
            select r.type, r.id, r.body from unnest($1::smallint[], $2::text[]) as asked (type, id)
            join resource r on r.type = asked.type and r.id = asked.id where not r.deleted and {readable("r", 3)}
            """,
            [type_id(kind) for kind, _ in known],
            [id for _, id in known],
            *scope.keys(of_a_write=True),
        )
        bodies = {(row["type"], row["id"]): row["body"] for row in rows}
    for change in guarded:
        body = bodies.get((type_id(change.type), change.id or ""))
        if body is not None and is_referral(json.parse(body.encode())):
            raise _refused(change)
        if change.resource is not None and is_referral({**change.resource, "resourceType": change.type}):
            raise _refused(change)


def _refused(change: Change) -> Conflict:
    where = f"{change.type}/{change.id}" if change.id else change.type
    return Conflict(
        f"{where} belongs to a referral. Referrals are written with ServiceRequest/$refer and moved with Task/{{id}}/$act, not with a plain"
        f" {change.method}.",
        zh="转诊单不能直接修改,请使用转诊操作(提交、接收、退回等)。",
        expression=change.place,
        code="business-rule",
    )


__all__ = ["RoomScope", "guard", "permission"]
