"""The row of a subscription: reading it, and saying in the Subscription itself how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.access.policy import may, require
from yilian.errors import Forbidden, NotFound
from yilian.exchange.subscriptions.definition import Definition
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Database, Tx

LONGEST_ERROR = 500
COLUMNS = """
s.rid, s.id, s.version, s.state, s.definition::text as definition, s.asker::text as asker, s.ends, s.events, s.delivered, s.audited,
s.failures, s.failing_since, s.retry_at, s.last_sent, coalesce(s.error, '') as error
"""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One row; see migration 0013 for each field. Times are aware."""

    rid: int
    id: str
    version: int
    state: str
    definition: Definition
    asker: dict[str, Any]
    ends: datetime | None
    events: int
    delivered: int
    audited: int
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    last_sent: datetime | None
    error: str

    def is_of(self, scope: Scope) -> bool:
        """Whether this is who asked for it: the same application for the same institution."""
        now = (scope.user, scope.client, scope.institution, scope.reach)
        return now == tuple(self.asker.get(name) for name in ("user", "client", "institution", "reach"))


def subscription(row: Any) -> Subscription:
    """A row of `COLUMNS`."""
    values = list(row)
    values[4] = Definition.of_json(msgspec.json.decode(values[4]))
    values[5] = msgspec.json.decode(values[5])
    return Subscription(*values)


async def by_rid(tx: Tx, rid: int, *, lock: bool = False) -> Subscription | None:
    """None when it was deleted. `lock`: until `tx` ends nobody else gives its numbers or moves its marks; never before the resource is
    written in the same transaction, whose writers lock the other way round."""
    row = await tx.fetchrow(f"select {COLUMNS} from subscription s where s.rid = $1" + (" for no key update" if lock else ""), rid)
    return subscription(row) if row is not None else None


async def of_caller(tx: Tx, scope: Scope, id: str) -> Subscription:
    """The one of this id, for the application that asked for it, and for administrators, who see how it stands and nothing of any patient.

    Numbers tell how much has happened. Who asked was allowed to know; another application of the house, or the same one with a token for
    fewer types, perhaps is not, although it may read the Subscription: Forbidden. NotFound for what the caller may not read, and for a
    Subscription that was never asked for by anybody (one that was loaded).
    """
    administers = "admin" in scope.roles
    if not administers:
        await read.by_id(tx, scope, "Subscription", id)
    row = await tx.fetchrow(f"select {COLUMNS} from subscription s where s.id = $1", id)
    if row is None:
        raise NotFound(f"No application asked for Subscription/{id[:64]}; PUT it with status requested.")
    found = subscription(row)
    if not administers:
        _require_own(found, scope)
    return found


def _require_own(row: Subscription, scope: Scope) -> None:
    if not row.is_of(scope):
        raise Forbidden(
            "Only the application that asked for a subscription learns of its events.", zh="仅限创建该订阅的应用查看和接收通知。"
        )
    for kind in sorted(row.definition.types()):
        require(scope, "read", kind)


async def every(tx: Tx, scope: Scope) -> list[Subscription]:
    """The caller's own, in the order they were made; for administrators all. How many there are is bounded: `take_in`."""
    administers = "admin" in scope.roles
    seen = "true" if administers else scope.condition("r", ("Subscription",))
    rows = await tx.fetch(
        f"select {COLUMNS} from subscription s join resource r on r.rid = s.rid"
        f" where not r.deleted and {seen} and ($1 or s.asker ->> 'client' = $2) order by s.rid",
        administers,
        scope.client,
    )
    found = [subscription(row) for row in rows]
    return [one for one in found if administers or (one.is_of(scope) and all(may(scope, "read", kind) for kind in one.definition.types()))]


async def put_state(db: Database, row: Subscription, state: str, error: str = "") -> bool:
    """Write how it stands into the Subscription, in a transaction of its own. False when it has changed meanwhile, and nothing was written.

    The row of the subscription follows by the reaction of the store (`outbox.follow`).
    """
    async with db.transaction() as tx:
        now = await tx.fetchrow("select r.body, r.ver from resource r where r.rid = $1 and not r.deleted for no key update", row.rid)
        here = await by_rid(tx, row.rid)
        if now is None or here is None or here.state != row.state or here.version != row.version:
            return False

        def said(resource: dict[str, Any]) -> dict[str, Any]:
            resource["status"] = state
            resource.pop("error", None)
            if error:
                resource["error"] = error[:LONGEST_ERROR]
            return resource

        await write(tx, SYSTEM, [Change("PATCH", "Subscription", row.id, None, patch=said)])
    return True
