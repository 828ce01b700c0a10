"""我的预约: what a patient has booked, holds and waits for, the latest first, with what can still be done about each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.scheduling import allowed
from yilian.scheduling.absences import cancels_until
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

MOST = 100

BOOKED = f"""
select a.*, r.id, s.kind, s.actor, c.id as schedule_id, i.id as institution_id, (i.body::json ->> 'name') as institution_name,
    t.number, t.session, t.state as queue_state, (select count(*) from attendance o where o.schedule = t.schedule and o.day = t.day
        and o.state = 'waiting' and t.state = 'waiting' and (o.rank, o.turn, o.number) < (t.rank, t.turn, t.number)) as before,
    case when a.series is not null then (select count(*) from appointment o where o.series = a.series) end as series_of,
    (select count(*) from appointment o where o.series = a.series and (o.starts, o.rid) <= (a.starts, a.rid)) as series_number,
    b.kind as mark, b.lifted, now() as asked_at, w.rid is not null as from_wait, p.state as appeal
from appointment a join resource r on r.rid = a.rid and not r.deleted join schedule s on s.rid = a.schedule
join resource c on c.rid = a.schedule
join resource i on i.rid = a.institution left join attendance t on t.appointment = a.rid left join absence b on b.appointment = a.rid
left join waiting w on w.offer = a.rid and w.state = 'offered'
left join lateral (select p.state from appeal p where p.absence = b.id order by p.asked desc limit 1) p on true
where a.patient in ({allowed.RECORDS}) and a.state <> 'expired' and {readable("r", 2)}
order by a.starts desc, a.rid desc limit {MOST}
"""
WAITS = f"""
select w.*, r.id, s.actor, c.id as schedule_id, i.id as institution_id, (i.body::json ->> 'name') as institution_name,
    (select count(*) from waiting o where w.state = 'waiting' and o.state = 'waiting' and o.institution = w.institution
        and o.specialty = w.specialty and o.schedule is not distinct from w.schedule and (o.line, o.rid) < (w.line, w.rid)) as before,
    (select q.id from resource q where q.rid = w.offer) as offer_id
from waiting w join resource r on r.rid = w.rid and not r.deleted left join schedule s on s.rid = w.schedule
left join resource c on c.rid = w.schedule join resource i on i.rid = w.institution
where w.patient in ({allowed.RECORDS}) and w.state in ('waiting', 'offered') and {readable("r", 2)}
order by w.line desc limit {MOST}
"""


@dataclass(frozen=True, slots=True)
class Mine:
    """A row of `BOOKED`, and until when the patient may cancel or move it (None where nothing can be)."""

    row: Any
    cancels_until: datetime | None
    late_is_marked: bool


async def bookings(tx: Tx, scope: Scope, patient: int) -> list[Mine]:
    """Appointments of this patient (rid) within the scope, the latest first."""
    found = []
    for row in await tx.fetch(scope.finely(BOOKED), patient, *scope.keys()):
        until = marked = None
        if row["state"] in ("held", "booked"):
            book = await allowed.rulebook(tx, row["institution"])
            until, marked = await cancels_until(tx, dict(row), book), book.late_is_marked
        found.append(Mine(row, until, bool(marked)))
    return found


async def waits(tx: Tx, scope: Scope, patient: int) -> list[Any]:
    """In which lines this patient (rid) is, within the scope; `before`: how many are earlier in the same line."""
    return await tx.fetch(scope.finely(WAITS), patient, *scope.keys())
