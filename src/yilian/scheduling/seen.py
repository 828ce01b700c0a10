"""Which appointments somebody may deal with: those within the scope, and those at one's own institution, which has to know who comes.

A booking opens no ground to the record: the institution sees the appointment and whose it is, nothing besides, until that person checks in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.access.policy import may
from yilian.errors import Forbidden, NotFound
from yilian.fhir.definitions import type_id
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope, lent

if TYPE_CHECKING:
    from yilian.db import Tx


@dataclass(frozen=True, slots=True)
class _Ours(Scope):
    """To read an Appointment at one's own institution."""


async def appointment(tx: Tx, scope: Scope, id: str) -> Stored:
    """The Appointment, in `tx`. Raises NotFound for what is neither within the scope nor at the scope's institution."""
    try:
        return await read.by_id(tx, scope, "Appointment", id)
    except NotFound:
        if not await _is_ours(tx, scope, id):
            raise
    return await read.by_id(tx, lent(scope, _Ours, "everything"), "Appointment", id)


def is_staff(scope: Scope) -> bool:
    """Whether this scope works with the appointments of its institution: speaks for one, and may read them."""
    return scope.reach == "grounds" and bool(scope.institution_rid) and may(scope, "read", "Appointment") and not scope.is_partial


def require_staff(scope: Scope, *, writes: bool = False) -> None:
    """Raises Forbidden unless `is_staff`, and where it `writes`, one that may."""
    if not is_staff(scope) or (writes and not may(scope, "write", "Appointment")):
        raise Forbidden(
            "This is for those who work at an institution with its appointments.",
            zh="此功能仅限医疗机构中办理预约的岗位,请以相应岗位登录。",
        )


def require_booking(scope: Scope) -> None:
    """Raises Forbidden for posts and tokens that write no Appointments."""
    if not may(scope, "write", "Appointment"):
        raise Forbidden("Neither your post nor your token's scope allows you to book.", zh="您的岗位或所用应用无权办理预约。")


async def _is_ours(tx: Tx, scope: Scope, id: str) -> bool:
    if not is_staff(scope):
        return False
    return bool(
        await tx.fetchval(
            """
            select exists (select from resource r where r.type = $1 and r.id = $2 and not r.deleted and (
                exists (select from appointment a where a.rid = r.rid and a.institution = $3)
                or exists (select from waiting w where w.rid = r.rid and w.institution = $3)))
            """,
            type_id("Appointment"),
            id,
            scope.institution_rid,
        )
    )
