"""停诊: closing what a schedule has between two moments, and what becomes of those who have a place there.

Free places are closed at once, and what is only held is let go. Who has booked is told, listed for the house with the nearest equal slot,
and moved, all who fit in one act, or cancelled; nothing of it counts against the patient (`absences`).
Equal is a slot of the same institution, kind and specialty, not earlier than the one that was stopped: rather the same doctor's within
three days than another's at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.notifications import Message, Reader, tell
from yilian.scheduling import bookings, names, places, told
from yilian.scheduling.making import PlanScope
from yilian.scheduling.pools import PUBLIC
from yilian.scheduling.standing import OF_THE_HOUSE
from yilian.sealing.keyring import opened
from yilian.store import cursor as cursors
from yilian.store.change import Change
from yilian.store.scope import Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

LONGEST = timedelta(days=366)
LATEST = "interval '30 days'"
"""How long after its time somebody is moved without being asked."""
SOON = timedelta(hours=24)
"""Who was to come within this time is told at any hour of the day."""
RATHER_THE_SAME = "interval '3 days'"

SLOTS = """
select s.rid, r.id, r.body, s.stopped from slot s join resource r using (rid)
where s.schedule = $1 and s.starts < $3 and s.ends > $2 and s.stopped = $4 order by s.starts for update of s
"""
CONCERNED = """
select a.rid, r.id, a.patient, p.id as patient_id, a.person, a.state, a.starts, a.institution, a.pool, a.agent, c.id as schedule
from appointment a join resource r on r.rid = a.rid join resource p on p.rid = a.patient join resource c on c.rid = a.schedule
where a.institution = $1 and a.state in ('held', 'booked', 'checked-in') and ($2::bigint is null or a.schedule = $2) and (a.starts, a.rid) > ($3, $4::bigint)
    and a.rid in (
        select t.appointment from slot s join place t on t.slot = s.rid
        where s.institution = $1 and s.stopped and s.ends > now() and t.appointment is not null and (t.held_until is null or t.held_until > now()))
order by a.starts, a.rid limit $5
"""  # noqa: E501
HAS = """
select distinct s.rid, r.id, s.schedule, s.institution, s.kind, s.specialty, s.actor, s.starts, s.ends, s.stopped
from place t join slot s on s.rid = t.slot join resource r on r.rid = s.rid where t.appointment = $1 order by s.starts, s.rid
"""
NEAREST = f"""
select r.id, s.starts, s.actor from slot s join resource r using (rid)
where s.specialty = $1 and s.kind = $2 and s.institution = $3 and not s.stopped and s.starts >= greatest($4, now())
    and s.starts < greatest($4, now()) + {LATEST} and s.rid <> all($8::bigint[])
    and not exists (select from appointment o where o.person = $6 and o.schedule = s.schedule and o.day = s.day and o.rid <> $7
        and o.state in ('held', 'booked', 'checked-in'))
    and exists (select from place p where p.slot = s.rid and {places.FREE} and {places.open_to("$9")})
order by s.starts + case when s.actor = $5 then interval '0' else {RATHER_THE_SAME} end, s.rid limit 1
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where somebody could go: the slots (logical ids) of the new visit, when the first begins, and whether it is with the same doctor."""

    slots: tuple[str, ...]
    starts: datetime
    same: bool
    actor: int


@dataclass(frozen=True, slots=True)
class Concerned:
    """Somebody who has a place in what was stopped. rid: of the Appointment; proposal: None where nothing equal is free."""

    rid: int
    id: str
    schedule: str
    patient: int
    patient_id: str
    state: str
    starts: datetime
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Stop:
    """What was done: slots that were stopped, holds that were let go, how many were told."""

    slots: int
    holds: int
    told: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of those who were to be moved, as logical ids of Appointments."""

    moved: tuple[str, ...]
    left: tuple[str, ...]


async def stop(tx: Tx, scope: Scope, schedule: str, since: datetime, until: datetime, reason: str) -> Stop:
    """Stop what a schedule (logical id) has in [since, until), in `tx`, and tell who booked.

    Raises NotFound for a schedule there is not, Forbidden for another institution's, BadRequest for times that make no sense and where no
    reason is given.
    """
    if not reason.strip():
        raise BadRequest("reason is missing: patients are told.", expression="reason", zh="请填写停诊原因,将告知患者。")
    here = await _schedule(tx, scope, schedule)
    slots = await _slots(tx, here["rid"], since, until, stopped=False)
    await _say(tx, scope, slots, "busy-unavailable", reason.strip()[:200])
    there = await _concerned(tx, here["institution"], [row["rid"] for row in slots])
    house = bookings.of_the_house(scope)
    held = [row for row in there if row["state"] == "held"]
    for row in held:
        await bookings.cancel(tx, house, row["id"], "停诊")
    booked = [row for row in there if row["state"] != "held"]
    for row in booked:
        await _tell(tx, row, "booking.stopped", {"when": _when(row["starts"]), "reason": reason.strip()[:200]})
    return Stop(len(slots), len(held), len(booked))


async def resume(tx: Tx, scope: Scope, schedule: str, since: datetime, until: datetime) -> int:
    """Open again what was stopped in [since, until), in `tx`: how many slots. Raises as `stop`."""
    here = await _schedule(tx, scope, schedule)
    slots = await _slots(tx, here["rid"], since, until, stopped=True)
    await _say(tx, scope, slots, "free", "")
    return len(slots)


async def waiting(
    tx: Tx, scope: Scope, *, schedule: str = "", count: int = 50, after: str | None = None
) -> tuple[list[Concerned], str | None]:
    """Those of the asker's institution who have a place in something stopped that is not over, earliest first, each with where they could
    go; and the cursor for the page that follows. Raises Forbidden for who speaks for no institution, BadRequest for a strange cursor."""
    institution = _institution(scope)
    rid = (await _schedule(tx, scope, schedule))["rid"] if schedule else None
    starts, last = cursors.unpack(after, 2) if after else (0, 0)
    rows = await tx.fetch(CONCERNED, institution, rid, cursors.moment(starts), last, count + 1)
    found = [await _with_proposal(tx, row) for row in rows[:count]]
    return found, cursors.pack(found[-1].starts, found[-1].rid) if len(rows) > count else None


async def move_all(tx: Tx, scope: Scope, *, schedule: str = "", only: Sequence[str] = (), most: int = 200) -> Moved:
    """Move all who fit, or `only` these Appointments (logical ids), to the nearest equal slots, earliest first, in `tx`; each is told.
    Whoever has come already, or for whom nothing is free, is left. Raises as `waiting`."""
    house, moved, left = bookings.of_the_house(scope), list[str](), list[str]()
    institution = _institution(scope)
    rid = (await _schedule(tx, scope, schedule))["rid"] if schedule else None
    rows = await tx.fetch(CONCERNED, institution, rid, cursors.moment(0), 0, most)
    for row in rows:
        if only and row["id"] not in only:
            continue
        proposal = (await _with_proposal(tx, row)).proposal if row["state"] == "booked" else None
        if proposal is None:
            left.append(row["id"])
            continue
        try:
            async with tx.savepoint():
                await bookings.move(tx, house, row["id"], proposal.slots, also=_also(row))
                values = {"before": _when(row["starts"]), "when": _when(proposal.starts)}
                await _tell(tx, row, "booking.moved", values)
            moved.append(row["id"])
        except Conflict:  # somebody was quicker
            left.append(row["id"])
    missing = [id for id in only if id not in moved and id not in left]
    if missing:
        raise NotFound(f"Appointment/{missing[0]} has no place in anything stopped here.", zh="该预约不在停诊待改约名单中。")
    return Moved(tuple(moved), tuple(left))


async def _with_proposal(tx: Tx, row: Any) -> Concerned:
    has = await tx.fetch(HAS, row["rid"])
    chosen, first, same, actor = list[str](), row["starts"], True, 0
    taken = [slot["rid"] for slot in has]
    for slot in has:
        if not slot["stopped"]:
            chosen.append(slot["id"])
            continue
        near = await tx.fetchrow(
            NEAREST, slot["specialty"], slot["kind"], slot["institution"], slot["starts"], slot["actor"], row["person"], row["rid"], taken,
            [PUBLIC, *_also(row)],
        )  # fmt: skip
        if near is None:
            return _concerned_by(row, None)
        if slot["rid"] == has[0]["rid"]:
            first, same, actor = near["starts"], near["actor"] == slot["actor"], near["actor"]
        chosen.append(near["id"])
    return _concerned_by(row, Proposal(tuple(chosen), first, same, actor or has[0]["actor"]) if has else None)


def _concerned_by(row: Any, proposal: Proposal | None) -> Concerned:
    return Concerned(row["rid"], row["id"], row["schedule"], row["patient"], row["patient_id"], row["state"], row["starts"], proposal)


def _also(row: Any) -> tuple[str, ...]:
    """Who was stopped is moved as whom they booked, and into the places the house keeps for itself."""
    return (*((row["pool"],) if row["pool"] in ("grassroots", "family-doctor") else ()), *OF_THE_HOUSE)


async def _schedule(tx: Tx, scope: Scope, id: str) -> Any:
    row = await tx.fetchrow(
        "select s.rid, s.institution from schedule s join resource r using (rid) where r.type = $1 and r.id = $2 and not r.deleted",
        type_id("Schedule"),
        id,
    )
    if row is None:
        raise NotFound(f"There is no Schedule/{id} with slots.", zh="没有找到该排班。")
    if scope.reach != "everything" and scope.institution_rid != row["institution"]:
        raise Forbidden("Schedules are stopped by their own institution.", zh="只能对本机构的排班停诊。")
    return row


def _institution(scope: Scope) -> int:
    if scope.reach != "grounds" or not scope.institution_rid:
        raise Forbidden("What was stopped is dealt with by its own institution.", zh="只有医疗机构可以处理本机构的停诊。")
    return scope.institution_rid


async def _slots(tx: Tx, schedule: int, since: datetime, until: datetime, *, stopped: bool) -> list[Any]:
    if not timedelta() < until - since <= LONGEST:
        raise BadRequest("end is after start, by a year at most.", expression="end", zh="停诊的起止时间不正确。")
    return await tx.fetch(SLOTS, schedule, max(since, tx.now), until, stopped)


async def _say(tx: Tx, scope: Scope, slots: Sequence[Any], status: str, comment: str) -> None:
    changes = []
    for row in slots:
        resource = {key: value for key, value in parse(opened(row["rid"], row["body"]).encode()).items() if key not in ("meta", "comment")}
        said = {"comment": comment} if comment else {}
        changes.append(Change("PUT", "Slot", row["id"], {**resource, "status": status, **said}))
    if changes:
        await write(tx, lent(scope, PlanScope, "everything"), changes)


async def _concerned(tx: Tx, institution: int, slots: Sequence[int]) -> list[Any]:
    return await tx.fetch(
        """
        select a.rid, r.id, a.patient, a.state, a.starts, a.institution, a.agent from appointment a join resource r on r.rid = a.rid
        where a.institution = $1 and a.state in ('held', 'booked', 'checked-in')
            and a.rid in (select t.appointment from place t where t.slot = any($2::bigint[]) and t.appointment is not null)
        order by a.starts, a.rid
        """,
        institution,
        list(slots),
    )


async def _tell(tx: Tx, row: Any, event: str, values: dict[str, str]) -> None:
    """The patient, and whoever booked for the patient."""
    named = await names.patients(tx, [row["patient"]])
    patient = names.person_name(parse(named[row["patient"]].body)) if row["patient"] in named else ""
    house = parse((await tx.fetchval("select body from resource where rid = $1", row["institution"])).encode())
    about = f"Appointment/{row['id']}"
    readers = [Reader.patient(row["patient"])]
    if row["agent"].startswith("Practitioner"):
        readers.append(Reader.account(row["agent"]))
    elif (guardian := await told.guardian(tx, row)) is not None:
        readers.append(guardian)
    given = {"patient": patient or "患者", "institution": str(house.get("name", "")), **values}
    soon = row["starts"] - tx.now < SOON
    await tell(tx, Message(event, tuple(readers), about, row["patient"], given, urgent=soon))


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(region_zone()):%Y-%m-%d %H:%M}"
