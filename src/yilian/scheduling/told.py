"""What patients, and the guardians who booked for them, are told: reminders, offers of the waiting list, and what became of an appeal.

Templates are `notifications/templates.toml`; how and when it reaches somebody (channels, quiet hours) is the notifications' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import jobs, policy
from yilian.access import guardians
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.notifications import Message, Reader, tell
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Database, Tx

REMIND = "scheduling.remind"
"""Reminders, every minute: what was cancelled or moved meanwhile is then not booked, or at another time; nothing has to be taken back."""

DUE = """
select a.rid, r.id, a.patient, a.institution, a.agent, a.starts, a.created, a.reminded, a.starts - now() as ahead
from appointment a join resource r on r.rid = a.rid
where a.state = 'booked' and a.starts > now() and a.starts <= now() + $1::interval and a.reminded < $2
order by a.starts limit 500
"""
WARD = "-ward"
"""What ends the name of an event that is told to a guardian."""
WARDS = tuple(f"{event}{WARD}" for event in (
    "booking.reminder", "waitlist.offer", "waitlist.over", "booking.appeal-granted", "booking.appeal-refused",
))  # fmt: skip
WHOSE = """
select r.patient, coalesce(a.agent, w.agent) as agent from resource r
left join appointment a on a.rid = r.rid left join waiting w on w.rid = r.rid where r.type = $1 and r.id = $2
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
    about, values = f"Appointment/{appointment}", {"when": _when(wait["starts"]), "until": _when(until)}
    await _tell(tx, "waitlist.offer", wait, about, values, key=f"offer {about}", urgent=True)


async def wait_over(tx: Tx, wait: Any) -> None:
    """Somebody (the row of `waiting`) waited in vain."""
    about = f"Appointment/{await tx.fetchval('select id from resource where rid = $1', wait['rid'])}"
    await _tell(tx, "waitlist.over", wait, about, {}, key=f"over {about}")


async def appeal_decided(tx: Tx, absence: Any, granted: bool) -> None:
    """What became of an appeal; `absence`: patient, institution (rids), appointment (logical id), starts, agent (who appealed)."""
    event = "booking.appeal-granted" if granted else "booking.appeal-refused"
    about = f"Appointment/{absence['id']}"
    await _tell(tx, event, absence, about, {"when": _when(absence["starts"])}, key=f"{event} {about}")


async def guardian(tx: Tx, row: Any) -> Reader | None:
    """Whoever booked, waited or appealed (`agent` of the row) as the guardian of its patient, and still is; None where nobody did."""
    return Reader.account(row["agent"]) if row["agent"] and await guardians.stands(tx, row["agent"], row["patient"]) else None


async def still_guardian(tx: Tx, event: str, about: str) -> Mapping[str, str] | None:
    """Before a letter of an event of `WARDS` leaves (`sending.Mint`): it adds nothing, and does not leave where the guardianship has ended
    meanwhile."""
    row = await tx.fetchrow(WHOSE, type_id("Appointment"), about.partition("/")[2])
    return {} if row is not None and await guardian(tx, row) is not None else None


async def _tell(tx: Tx, event: str, row: Any, about: str, values: dict[str, str], *, key: str, urgent: bool = False) -> None:
    """The patient, and the guardian who did it for the patient, in words of its own: it is not about them, and they may have several wards.
    `row`: patient, institution (rids) and agent."""
    values |= {"patient": await _name(tx, row["patient"]), "institution": await _name(tx, row["institution"])}
    await tell(tx, Message(event, (Reader.patient(row["patient"]),), about, row["patient"], values, urgent=urgent, key=key))
    if (reader := await guardian(tx, row)) is not None:
        key = f"{key} {reader.agent}"
        await tell(tx, Message(f"{event}{WARD}", (reader,), about, row["patient"], values, urgent=urgent, key=key))


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
    key = f"reminder {about} {row['starts'].isoformat()} {due[-1]}"
    await _tell(tx, "booking.reminder", row, about, {"when": _when(row["starts"])}, key=key)
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
