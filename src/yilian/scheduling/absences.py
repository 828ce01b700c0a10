"""爽约与取消: what is marked against somebody, when a patient may still cancel, and the sweep that finds who did not come.

A mark is a row of `absence`; what follows from marks is worked out each time (`rulebooks`). Only what patients do themselves is marked:
what a desk, a referral or a stopped clinic cancels is nobody's fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.errors import Conflict
from yilian.fhir.dates import region_zone
from yilian.scheduling import allowed, days
from yilian.scheduling.rulebooks import Rulebook, is_weekday
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

SWEEP = "scheduling.missed"
"""Marks who did not come. Every minute: nothing has to run at the moment itself, and a server that slept finds all of them."""
AT_ONCE = 200
LOOK_BACK = timedelta(days=40)
"""No holiday is longer than that, however many working days one looks back for."""
LONGEST = "interval '7 days'"
"""No policy may let one check in later than this after the slot."""

MISSED = f"""
select r.id, a.rid, a.institution, a.ends, now() - a.ends as since
from appointment a join resource r on r.rid = a.rid
where a.state = 'booked' and a.starts < now() and a.ends < now() and ($1::bigint[] is null or a.rid <> all($1::bigint[]))
order by a.ends + {LONGEST}, a.rid limit {AT_ONCE}
"""
STOPPED = "select exists (select from place p join slot s on s.rid = p.slot where p.appointment = $1 and s.stopped)"
"""Whether the house stopped what somebody had a place of: whatever becomes of it, the patient is not to blame."""
MARK = """
insert into absence (appointment, kind, patient, institution, at) values ($1, $2, $3, $4, now()) on conflict (appointment) do nothing
"""


async def note_cancelled(tx: Tx, scope: Scope, row: Any) -> None:
    """Before an appointment (its locked row) is cancelled, in `tx`: marks it where its patient does it. Raises Conflict as
    `require_in_time`. A hold that is let go is no cancellation."""
    if scope.reach != "self" or row["state"] == "held" or await tx.fetchval(STOPPED, row["rid"]):
        return
    in_time = await require_in_time(tx, scope, row)
    await tx.execute(MARK, row["rid"], "cancel" if in_time else "late-cancel", row["patient"], row["institution"])


async def require_in_time(tx: Tx, scope: Scope, row: Any) -> bool:
    """Whether a patient is in time to cancel or move an appointment (its row). Raises Conflict where the rules refuse a later one."""
    if scope.reach != "self" or row["state"] == "held" or await tx.fetchval(STOPPED, row["rid"]):
        return True
    book = await allowed.rulebook(tx, row["institution"])
    until = await cancels_until(tx, row, book)
    if await tx.fetchval("select now() <= $1::timestamptz", until):
        return True
    if book.late_is_marked:
        return False
    local = until.astimezone(region_zone())
    raise Conflict(
        f"Appointments of this institution are cancelled or moved until {local:%Y-%m-%d %H:%M}; ask its desk.",
        zh=f"已超过取消(改约)时限({local:%m-%d %H:%M}),请联系该机构预约服务台办理。",
    )


async def cancels_until(tx: Tx, row: Any, book: Rulebook) -> datetime:
    """The last moment the patient cancels this appointment (rid, schedule, starts); aware."""
    kind = row["kind"] if "kind" in row else await tx.fetchval("select kind from schedule where rid = $1", row["schedule"])
    calendar = await days.days(tx, row["day"] - LOOK_BACK, row["day"]) if book.working_days else None

    def is_working(day: date) -> bool:
        found = calendar.days.get(day) if calendar else None
        return is_weekday(day) if found is None else found.works

    return book.cancels_until(kind or "", row["starts"], region_zone(), is_working)


async def sweep(db: Database, job: jobs.Job) -> dict[str, int]:
    """The job: marks whoever did not come in time, each in a transaction of its own. Returns how many."""
    from yilian.scheduling import bookings

    done, waits = 0, list[int]()
    while True:
        async with db.reading() as tx:
            rows = await tx.fetch(MISSED, waits or None)
            late = {row["institution"]: (await allowed.rulebook(tx, row["institution"])).late for row in rows}
        for row in rows:
            if row["since"] <= late[row["institution"]]:
                waits.append(row["rid"])
                continue
            async with db.transaction() as tx:
                done += await _miss(tx, bookings, row["id"])
        if len(rows) < AT_ONCE:
            return {"missed": done}


async def _miss(tx: Tx, bookings: Any, id: str) -> bool:
    stored, row = await bookings.locked(tx, SYSTEM, id)
    late = (await allowed.rulebook(tx, row["institution"])).late
    if row["state"] != "booked" or not await tx.fetchval("select $1::timestamptz + $2::interval < now()", row["ends"], late):
        return False
    if await tx.fetchval(STOPPED, row["rid"]):
        await bookings.cancel(tx, SYSTEM, id, "停诊")
        return False
    await bookings.step(tx, SYSTEM, stored, row, "no-show")
    await tx.execute(MARK, row["rid"], "no-show", row["patient"], row["institution"])
    return True


async def of_patient(tx: Tx, patient: int) -> Sequence[Any]:
    """Everything marked against a person by any record (rid), the newest first, with what became of appeals."""
    return await tx.fetch(
        f"""
        select b.kind, b.at, b.lifted, r.id as appointment, a.starts, i.id as institution, i.body as institution_body,
            p.id as appeal, p.state as appeal_state, p.reason, p.answer, b.id as absence
        from absence b join appointment a on a.rid = b.appointment join resource r on r.rid = a.rid join resource i on i.rid = b.institution
        left join lateral (select * from appeal p where p.absence = b.id order by p.asked desc limit 1) p on true
        where b.patient in ({allowed.RECORDS}) order by b.at desc limit 100
        """,
        patient,
    )
