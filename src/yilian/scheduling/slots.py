"""Schedules and slots as columns, and the places of a slot, kept in step with the Schedules and Slots that are written, in the same
transaction. Whoever writes them: our own templates, an administrator, a hospital's own system.

    Schedule.actor             whose time it is: one PractitionerRole, Device, Location or HealthcareService, which names the institution.
                               Of anything else the schedule is stored like any resource, and nothing of it can be booked here
    Schedule.serviceCategory   the kind, a code of `urls.BOOKING_KIND`; without one a doctor's is clinic, a device's equipment
    Schedule.specialty         诊疗科目
    Slot.status                free and busy are ours to say; busy-unavailable stops it (停诊), what was booked stays to be moved
    Slot.extension             `urls.SLOT_CAPACITY`: how many places, 1 without

A slot of which something is taken keeps its time and at least that many places; whoever wants it otherwise stops it and moves the patients.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from asyncpg.exceptions import ExclusionViolationError

from yilian import policy
from yilian.access import institutions
from yilian.errors import Conflict, Forbidden, InvalidResource
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.scheduling import plans
from yilian.scheduling.pools import Rule, at_least, release_of, reserved, rules_of
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Written

Json = Mapping[str, Any]

KINDS = ("clinic", "expert", "examination", "equipment", "day-surgery", "bed")
MOST_PLACES = 500
OWNERS = {"PractitionerRole": "organization", "HealthcareService": "providedBy", "Location": "managingOrganization", "Device": "owner"}
"""Where an actor names its institution."""
THERE = """
select s.rid, s.schedule, s.starts, s.ends, s.capacity, (select max(nth) from place p where p.slot = s.rid) as last,
    (select count(*) from place p where p.slot = s.rid and p.appointment is not null and (p.held_until is null or p.held_until > now()))
        as taken
from slot s where s.rid = any($1::bigint[]) for update of s
"""
LOCK = "select from place where slot = any($1::bigint[]) order by slot, nth for update"
"""Before anything is counted that decides whether places are made anew: who is just taking one has it by then, or finds none."""
FEWER = """
delete from place where (slot, nth) in (
    select slot, nth from place where slot = $1 and (appointment is null or held_until <= now()) order by nth desc limit $2 for update)
"""
GONE = ("entered-in-error",)
STOPPED = ("busy-unavailable", "entered-in-error")


@dataclass(frozen=True, slots=True)
class _Slot:
    rid: int
    schedule: int
    day: date
    starts: datetime
    ends: datetime
    capacity: int
    stopped: bool


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store. Raises InvalidResource for a kind or a number of places there is not, Forbidden for another
    institution's, Conflict for two slots at one time and for a change that would take a place from somebody."""
    changed = [one for one in written if not one.unchanged]
    schedules = [one for one in changed if one.type == "Schedule"]
    slots = [one for one in changed if one.type == "Slot"]
    if schedules:
        await _follow_schedules(tx, scope, schedules)
    if slots:
        await _follow_slots(tx, scope, slots)


async def _follow_schedules(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    for one in written:
        if one.resource is None:
            await tx.execute("update schedule set active = false where rid = $1", one.rid)
            continue
        found = await _actor(tx, one.resource)
        if found is None:
            await tx.execute("update schedule set active = false where rid = $1", one.rid)
            continue
        actor_rid, institution = found
        _own(scope, institution)
        kind = _kind(one.resource)
        template = await plans.checked(tx, one.resource, kind, institution)
        await tx.execute(
            """
            insert into schedule (rid, institution, kind, specialty, actor, active, shares) values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
            on conflict (rid) do update set institution = excluded.institution, kind = excluded.kind, specialty = excluded.specialty,
                actor = excluded.actor, active = excluded.active, shares = excluded.shares
            """,
            one.rid,
            institution,
            kind,
            _specialty(one.resource),
            actor_rid,
            one.resource.get("active", True),
            json.dumps(template.shares) if template.shares else None,
        )
        await plans.keep(tx, one.rid, template)


def _kind(schedule: Json) -> str:
    codes = [
        c.get("code")
        for part in schedule.get("serviceCategory", ())
        for c in part.get("coding", ())
        if c.get("system") == urls.BOOKING_KIND
    ]
    if not codes:
        return "equipment" if any(str(a.get("reference", "")).startswith("Device/") for a in schedule["actor"]) else "clinic"
    if len(set(codes)) > 1 or codes[0] not in KINDS:
        raise InvalidResource(
            f"A schedule is of one kind: {', '.join(KINDS)}.", expression="Schedule.serviceCategory", zh="排班的类别不明确,请选择一种。"
        )
    return str(codes[0])


def _specialty(schedule: Json) -> str:
    found = [c.get("code") for part in schedule.get("specialty", ()) for c in part.get("coding", ()) if c.get("system") == urls.SPECIALTY]
    return str(found[0]) if found else ""


async def _actor(tx: Tx, schedule: Json) -> tuple[int, int] | None:
    """Whose time it is, and the institution it speaks for, both as rids; None where that cannot be told."""
    targets = [
        t for one in schedule["actor"] if isinstance(t := parse_reference(str(one.get("reference", ""))), Local) and t.type in OWNERS
    ]
    if len(targets) != 1:
        return None
    [target] = targets
    row = await tx.fetchrow("select rid, body from resource where type = $1 and id = $2 and not deleted", type_id(target.type), target.id)
    owner: Json = parse(row["body"].encode()).get(OWNERS[target.type], {}) if row else {}
    institution = await institutions.by_reference(tx, str(owner.get("reference", "")))
    if row is None or institution is None:
        return None
    return row["rid"], institution.rid


def _own(scope: Scope, institution: int) -> None:
    if scope.reach != "everything" and scope.institution_rid != institution:
        raise Forbidden("Schedules and slots are written by their own institution.", zh="只能维护本机构的排班和号源。")


async def _follow_slots(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    gone = [one.rid for one in written if one.resource is None or one.resource.get("status") in GONE]
    if gone:
        await _remove(tx, gone)
    read = [one for one in written if one.resource is not None and one.rid not in gone]
    of = await _schedules(tx, read)
    made: list[_Slot] = []
    for one in read:
        schedule = of.get(str((one.resource or {})["schedule"].get("reference", "")))
        if schedule is None:
            continue
        _own(scope, schedule["institution"])
        made.append(_slot(one.rid, schedule["rid"], one.resource or {}))
    if made:
        await _put(tx, made, {row["rid"]: row for row in of.values()})


async def _schedules(tx: Tx, slots: Iterable[Written]) -> dict[str, Any]:
    names = {str((one.resource or {})["schedule"].get("reference", "")) for one in slots}
    ids = [name.removeprefix("Schedule/") for name in names]
    rows = await tx.fetch(
        "select r.id, s.* from schedule s join resource r using (rid) where r.type = $1 and r.id = any($2::text[])",
        type_id("Schedule"),
        ids,
    )
    return {f"Schedule/{row['id']}": row for row in rows}


def _slot(rid: int, schedule: int, slot: Json) -> _Slot:
    zone = region_zone()
    starts, ends = interval(slot["start"], zone)[0], interval(slot["end"], zone)[0]
    if ends <= starts:
        raise InvalidResource("A slot ends after it starts.", expression="Slot.end", zh="号源的结束时间须晚于开始时间。")
    capacity = next((e.get("valuePositiveInt") for e in slot.get("extension", ()) if e.get("url") == urls.SLOT_CAPACITY), 1)
    if type(capacity) is not int or not 1 <= capacity <= MOST_PLACES:
        raise InvalidResource(
            f"A slot has 1 to {MOST_PLACES} places.", expression="Slot.extension", zh=f"每个时段的号源数为 1 至 {MOST_PLACES}。"
        )
    return _Slot(rid, schedule, starts.astimezone(zone).date(), starts, ends, capacity, slot["status"] in STOPPED)


async def _put(tx: Tx, slots: Sequence[_Slot], schedules: Mapping[int, Any]) -> None:
    """The rows of these slots. Raises Conflict, see `follow`."""
    await tx.execute(LOCK, [slot.rid for slot in slots])
    there = {row["rid"]: row for row in await tx.fetch(THERE, [slot.rid for slot in slots])}
    for slot in slots:
        old = there.get(slot.rid)
        if old is None or not old["taken"]:
            continue
        moved = (old["schedule"], old["starts"], old["ends"]) != (slot.schedule, slot.starts, slot.ends)
        if moved or slot.capacity < old["taken"]:
            raise Conflict(
                f"{old['taken']} places of this slot are taken: stop it (busy-unavailable) and move them first.",
                expression="Slot.start" if moved else "Slot.extension",
                zh=f"该时段已有 {old['taken']} 个号被预约,请先停诊并改约。",
            )
    fresh = [slot for slot in slots if slot.rid not in there or (not there[slot.rid]["taken"] and _other(slot, there[slot.rid]))]
    resized = [slot for slot in slots if slot.rid in there and slot not in fresh and slot.capacity != there[slot.rid]["capacity"]]
    try:
        await tx.execute("delete from place where slot = any($1::bigint[])", [slot.rid for slot in fresh if slot.rid in there])
        await tx.execute(
            """
            insert into slot (rid, schedule, institution, kind, specialty, actor, day, starts, ends, capacity, stopped)
            select n.rid, s.rid, s.institution, s.kind, s.specialty, s.actor, n.day, n.starts, n.ends, n.capacity, n.stopped
            from unnest($1::bigint[], $2::bigint[], $3::date[], $4::timestamptz[], $5::timestamptz[], $6::smallint[], $7::boolean[])
                as n (rid, schedule, day, starts, ends, capacity, stopped) join schedule s on s.rid = n.schedule
            on conflict (rid) do update set schedule = excluded.schedule, institution = excluded.institution, kind = excluded.kind,
                specialty = excluded.specialty, actor = excluded.actor, day = excluded.day, starts = excluded.starts, ends = excluded.ends,
                capacity = excluded.capacity, stopped = excluded.stopped
            """,
            *([getattr(slot, name) for slot in slots] for name in ("rid", "schedule", "day", "starts", "ends", "capacity", "stopped")),
        )
    except ExclusionViolationError:
        raise Conflict(
            "The schedule has a slot at this time already.", expression="Slot.start", zh="该排班在这一时间已有号源,时段不能重叠。"
        ) from None
    await _make_places(tx, [(slot, 0, slot.capacity) for slot in fresh], schedules)
    for slot in resized:
        if (more := slot.capacity - there[slot.rid]["capacity"]) > 0:
            await _make_places(tx, [(slot, there[slot.rid]["last"] + 1, more)], schedules)
        else:
            await tx.execute(FEWER, slot.rid, -more)


def _other(slot: _Slot, old: Any) -> bool:
    """Whether its places have to be made anew."""
    return (old["schedule"], old["starts"], old["ends"], old["capacity"]) != (slot.schedule, slot.starts, slot.ends, slot.capacity)


async def _make_places(tx: Tx, slots: Sequence[tuple[_Slot, int, int]], schedules: Mapping[int, Any]) -> None:
    """Places for these slots (the first number, and how many), after those the schedule has on that day already: the pools' shares are of
    the day."""
    if not slots:
        return
    zone = region_zone()
    counted = await tx.fetch(
        """
        select s.schedule, s.day, count(*) as many from slot s join place p on p.slot = s.rid
        where (s.schedule, s.day) in (select * from unnest($1::bigint[], $2::date[])) group by 1, 2
        """,
        [slot.schedule for slot, _, _ in slots],
        [slot.day for slot, _, _ in slots],
    )
    given = {(row["schedule"], row["day"]): row["many"] for row in counted}
    rows: list[tuple[int, int, str, datetime, datetime]] = []
    for slot, number, many in sorted(slots, key=lambda one: (one[0].schedule, one[0].starts)):
        schedule = schedules[slot.schedule]
        on = datetime.combine(slot.day, time(12), zone)
        release = release_of(await policy.value(tx, "booking.release", on, schedule["institution"]))
        rules = await _rules(tx, schedule, on)
        first = given.get((slot.schedule, slot.day), 0)
        given[slot.schedule, slot.day] = first + many
        places = reserved(first, many, rules, release, slot.day, slot.starts, zone)
        rows += [(slot.rid, nth, place.pool, place.opens, place.public_from) for nth, place in enumerate(places, number)]
    await tx.execute(
        """
        insert into place (slot, nth, pool, opens, public_from)
        select * from unnest($1::bigint[], $2::smallint[], $3::text[], $4::timestamptz[], $5::timestamptz[])
        """,
        *(list(column) for column in zip(*rows, strict=True)),
    )


async def _rules(tx: Tx, schedule: Any, on: datetime) -> tuple[Rule, ...]:
    """The rules of the schedule's kind in its institution that hold on the day of the slot, with the schedule's own shares."""
    value = await policy.value(tx, "booking.pools", on, schedule["institution"])
    return at_least(rules_of(value.get(schedule["kind"], ())), json.loads(schedule["shares"]) if schedule["shares"] else {})


async def _remove(tx: Tx, slots: Sequence[int]) -> None:
    await tx.execute(LOCK, list(slots))
    taken = await tx.fetchval("select count(*) from place where slot = any($1::bigint[]) and appointment is not null", list(slots))
    if taken:
        raise Conflict("Places of this slot are taken: stop it (busy-unavailable) instead.", zh="该时段已有预约,不能删除,请改为停诊。")
    await tx.execute("delete from slot where rid = any($1::bigint[])", list(slots))
