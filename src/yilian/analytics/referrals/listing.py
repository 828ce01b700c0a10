"""The referrals behind a number, newest first: what a line of the statistics opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.analytics.referrals.asked import Asked, where
from yilian.analytics.referrals.figures import FIGURES, condition
from yilian.errors import Forbidden
from yilian.store import cursor as cursors
from yilian.store.page import Page
from yilian.store.read import COLUMNS, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx


async def listing(tx: Tx, scope: Scope, asked: Asked, figure: str, *, count: int, cursor: str | None = None) -> Page:
    """One page: Tasks, beside them their Patients and ServiceRequests; `total` counts them all. figure: a code of FIGURES.

    Writes nothing. Raises BadRequest for a cursor that is none, Forbidden as `where`.
    """
    if asked.side == "consortium":
        raise Forbidden(
            "The numbers of a consortium tell of no person; look at your own institution's referrals.",
            zh="医联体统计不含个人信息,不能查看转诊单。",
        )
    args: list[Any] = []
    source, _ = where(scope, asked, args)
    hours = int(await policy.value(tx, "referral.answered_within_hours", tx.now))
    source += f" and {condition(FIGURES[figure], hours, tx.now)}"
    total = await tx.fetchval(f"select count(*) from {source}", *args)
    after = ""
    if cursor is not None:
        sent, rid = cursors.unpack(cursor, 2)
        args += [cursors.moment(sent), rid]
        after = f" and (f.submitted_at, f.task_rid) < (${len(args) - 1}::timestamptz, ${len(args)}::bigint)"
    rows = await tx.fetch(
        f"select {COLUMNS}, f.request_rid, f.whom, f.submitted_at from (select f.task_rid, f.request_rid, f.patient as whom, f.submitted_at"
        f" from {source}{after} order by f.submitted_at desc, f.task_rid desc limit {count + 1}) f"
        " join resource r on r.rid = f.task_rid order by f.submitted_at desc, f.task_rid desc",
        *args,
    )
    here = rows[:count]
    beside = await tx.fetch(
        f"select {COLUMNS} from resource r where r.rid = any($5::bigint[]) and not r.deleted and {readable('r', 1)}",
        *scope.keys(),
        list({row[key] for row in here for key in ("request_rid", "whom")}),
    )
    following = cursors.pack(here[-1]["submitted_at"], here[-1]["rid"]) if len(rows) > count else None
    return Page([stored(row) for row in here], [stored(row) for row in beside], total, following)
