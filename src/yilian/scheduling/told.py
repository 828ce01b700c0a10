"""What patients are told of their bookings: reminders, offers of the waiting list, and what became of an appeal.

Templates are `notifications/templates.toml`; how and when it reaches somebody (channels, quiet hours) is the notifications' own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import jobs, policy
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.notifications import Message, Reader, tell
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Database, Tx

REMIND = "scheduling.remind"
"""Reminders, every minute: what was cancelled or moved meanwhile is then not booked, or at another time; nothing has to be taken back."""

DUE = """
select a.rid, r.id, a.patient, a.institution, a.starts, a.created, a.reminded, a.starts - now() as ahead
from appointment a join resource r on r.rid = a.rid
where a.state = 'booked' and a.starts > now() and a.starts <= now() + $1::interval and a.reminded < $2
order by a.starts limit 500
"""


async def remind(db: Database, job: jobs.Job) -> dict[str, int]:
    """The job: whoever has an appointment in so many hours (policy `booking.reminders`) is told once for each of these. What was booked
    later than that is not reminded of at once."""
    done = 0
    async with db.reading() as tx:
        region = await _hours(tx, None)
        rows = await tx.fetch(DUE, timedelta(hours=max(region, default=0)), len(region))
    for row in rows:
        async with db.transaction() as tx:
            done += await _remind(tx, row)
    return {"reminded": done}


async def offered(tx: Tx, wait: Any, appointment: str, until: datetime) -> None:
    """A place is held for somebody who waits (the row, with `starts`), until then."""
    values = {"patient": await _name(tx, wait["patient"]), "institution": await _name(tx, wait["institution"])}
    values |= {"when": _when(wait["starts"]), "until": _when(until)}
    about = f"Appointment/{appointment}"
    await tell(
        tx, Message("waitlist.offer", (Reader.patient(wait["patient"]),), about, wait["patient"], values, urgent=True, key=f"offer {about}")
    )


async def wait_over(tx: Tx, wait: Any) -> None:
    """Somebody (the row of `waiting`) waited in vain."""
    about = f"Appointment/{await tx.fetchval('select id from resource where rid = $1', wait['rid'])}"
    values = {"patient": await _name(tx, wait["patient"]), "institution": await _name(tx, wait["institution"])}
    await tell(tx, Message("waitlist.over", (Reader.patient(wait["patient"]),), about, wait["patient"], values, key=f"over {about}"))


async def appeal_decided(tx: Tx, absence: Any, granted: bool) -> None:
    """What became of an appeal; `absence`: patient, institution (rids), appointment (logical id), starts."""
    values = {"patient": await _name(tx, absence["patient"]), "institution": await _name(tx, absence["institution"])}
    values |= {"when": _when(absence["starts"])}
    event = "booking.appeal-granted" if granted else "booking.appeal-refused"
    about = f"Appointment/{absence['id']}"
    await tell(tx, Message(event, (Reader.patient(absence["patient"]),), about, absence["patient"], values, key=f"{event} {about}"))


async def _remind(tx: Tx, row: Any) -> int:
    hours = sorted(await _hours(tx, row["institution"]), reverse=True)
    due = [hour for hour in hours if row["ahead"] <= timedelta(hours=hour)]
    changed = await tx.fetchval(
        "update appointment set reminded = $2 where rid = $1 and state = 'booked' and starts = $3 and reminded < $2 returning true",
        row["rid"],
        len(due),
        row["starts"],
    )
    if not due or not changed or row["created"] > row["starts"] - timedelta(hours=due[-1]):
        return 0
    about = f"Appointment/{row['id']}"
    values = {"patient": await _name(tx, row["patient"]), "institution": await _name(tx, row["institution"]), "when": _when(row["starts"])}
    key = f"reminder {about} {row['starts'].isoformat()} {due[-1]}"
    await tell(tx, Message("booking.reminder", (Reader.patient(row["patient"]),), about, row["patient"], values, key=key))
    return 1


async def _hours(tx: Tx, institution: int | None) -> list[float]:
    return [float(hours) for hours in await policy.value(tx, "booking.reminders", tx.now, institution)]


async def _name(tx: Tx, rid: int) -> str:
    body = parse(opened(rid, await tx.fetchval("select body from resource where rid = $1", rid)).encode())
    name = body.get("name", "")
    if isinstance(name, str):
        return name
    first: dict[str, Any] = next(iter(name), {})
    return str(first.get("text") or first.get("family", "") + "".join(first.get("given", ())))


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(region_zone()):%Y-%m-%d %H:%M}"
