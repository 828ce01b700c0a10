"""Booking: many schedules at once, one schedule everybody wants, and looking for free places among 200 schedules over 14 days."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from bench.bench_read import ids_of
from bench.bench_write import dumped
from bench.client import Ask, Told, ask
from bench.ground import Ground, Row, Server
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running

SCHEDULES, DAYS = 200, 14
ROUNDS = 3
MANY, HOT = 600, 300
"""Bookings in a round."""
HOURS = 8
ZONE = ZoneInfo("Asia/Shanghai")
ORGANIZATION, SPECIALTY = "yunxi-first", "03.10"
HOT_PLACES = 500


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.new_data()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        _furnish(server, token)
        patients = asyncio.run(ids_of(dsn, "Patient"))
        chance = random.Random(7)
        slots = asyncio.run(_slots(dsn, "bench-s"))
        pairs = _pairs(slots, patients, chance)
        told, spent = _rounds(server, token, pairs, MANY)
        yield Row(f"bookings a second, {SCHEDULES} schedules, 32 connections", _rate(told), "/s", 150.0, "promised at least")
        yield Row("p50", statistics.median(one.p50 for one in told), "ms")
        yield Row("CPU of the server a booking", spent[0], "ms")
        yield Row("CPU of the database a booking", spent[1], "ms")
        hot = asyncio.run(_slots(dsn, "bench-hot"))
        days: dict[date, list[str]] = {}
        for slot, (_, day) in hot.items():
            days.setdefault(day, []).append(slot)
        wanted = [(patient, chance.choice(of_day)) for of_day in days.values() for patient in patients]
        chance.shuffle(wanted)
        told, spent = _rounds(server, token, wanted, HOT)
        yield Row("bookings a second, one hot schedule", _rate(told), "/s", 60.0, "promised at least")
        yield Row("CPU of server and database a booking", sum(spent), "ms")
        yield from _find(server, token)


def _rounds(server: Server, token: str, pairs: Sequence[tuple[str, str]], many: int) -> tuple[list[Told], tuple[float, float]]:
    """Rates of rounds of bookings that are each asked for once, and milliseconds of CPU for one, of server and database."""
    rounds = (pairs[start : start + many] for start in range(0, len(pairs), many))
    ask(server.url, [_book(*pair) for pair in next(rounds)][:64], token=token, seconds=60, once=True)
    before, told = server.spent(), []
    for _ in range(ROUNDS):
        told.append(ask(server.url, [_book(*pair) for pair in next(rounds)], token=token, seconds=120, once=True))
    each = server.spent().each(before, sum(one.count for one in told))
    assert not any(one.wrong for one in told), f"{sum(one.wrong for one in told)} bookings were refused"
    return told, (each.server, each.database)


def _pairs(slots: dict[str, tuple[str, date]], patients: Sequence[str], chance: random.Random) -> list[tuple[str, str]]:
    """Whom to book where: nobody twice a day with one schedule, which would be refused."""
    seen: set[tuple[str, str, date]] = set()
    pairs = []
    for slot, (schedule, day) in slots.items():
        for patient in chance.sample(patients, 4):
            if (patient, schedule, day) not in seen:
                seen.add((patient, schedule, day))
                pairs.append((patient, slot))
    chance.shuffle(pairs)
    return pairs


def _rate(told: Sequence[Told]) -> float:
    return statistics.median(one.rate for one in told)


def _find(server: Server, token: str) -> Iterator[Row]:
    first = datetime.now(ZONE).date() + timedelta(days=1)
    window = f"start={first}&end={first + timedelta(days=DAYS - 1)}"
    asks = [
        Ask(f"/fhir/Appointment/$find?{window}&specialty={SPECIALTY}"),
        Ask(f"/fhir/Appointment/$find?{window}&organization=Organization/{ORGANIZATION}&specialty={SPECIALTY}"),
        *(Ask(f"/fhir/Appointment/$find?{window}&schedule=Schedule/bench-s{n}") for n in range(4)),
    ]
    for what, some, connections in (("4 connections", asks, 4), ("one client alone, by specialty", asks[:1], 1)):
        told = [ask(server.url, some, token=token, connections=connections) for _ in range(ROUNDS)]
        assert not any(one.wrong for one in told)
        p95 = statistics.median(one.p95 for one in told)
        yield Row(f"$find over {SCHEDULES} schedules and {DAYS} days, p95, {what}", p95, "ms", 60.0, "promised at most")


def _book(patient: str, slot: str) -> Ask:
    appointment = {
        "resourceType": "Appointment",
        "status": "proposed",
        "slot": [{"reference": f"Slot/{slot}"}],
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }
    parameters = [{"name": "appointment-resource", "resource": appointment}, {"name": "channel", "valueString": "system"}]
    return Ask("/fhir/Appointment/$book", "POST", dumped({"resourceType": "Parameters", "parameter": parameters}))


def _furnish(server: Server, token: str) -> None:
    """Schedules with templates for the days that are looked at, and their slots."""
    ids = [f"bench-s{n}" for n in range(SCHEDULES)]
    asks = [Ask(f"/fhir/PractitionerRole/{id}", "PUT", dumped(_role(id))) for id in [*ids, "bench-hot"]]
    asks += [Ask(f"/fhir/Schedule/{id}", "PUT", dumped(_schedule(id, 10))) for id in ids]
    asks.append(Ask("/fhir/Schedule/bench-hot", "PUT", dumped(_schedule("bench-hot", HOT_PLACES))))
    empty = dumped({"resourceType": "Parameters"})
    asks += [Ask(f"/fhir/Schedule/{id}/$apply", "POST", empty) for id in [*ids, "bench-hot"]]
    told = ask(server.url, asks, token=token, connections=1, seconds=600, once=True)
    assert not told.wrong, f"{told.wrong} of {told.count} schedules could not be made"


def _role(id: str) -> dict[str, Any]:
    return {"resourceType": "PractitionerRole", "id": id, "organization": {"reference": f"Organization/{ORGANIZATION}"}}


def _schedule(id: str, places: int) -> dict[str, Any]:
    first = datetime.now(ZONE).date() + timedelta(days=1)
    parts: list[dict[str, Any]] = [{"url": "weekday", "valueCode": day} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    parts += [{"url": "from", "valueTime": "08:00:00"}, {"url": "to", "valueTime": f"{8 + HOURS // 2:02d}:00:00"}]
    parts += [{"url": "minutes", "valuePositiveInt": 30}, {"url": "places", "valuePositiveInt": places}]
    parts.append({"url": "period", "valuePeriod": {"start": first.isoformat(), "end": (first + timedelta(days=DAYS - 1)).isoformat()}})
    parts.append({"url": "holidays", "valueBoolean": True})
    return {
        "resourceType": "Schedule",
        "id": id,
        "extension": [{"url": urls.SCHEDULE_TEMPLATE, "extension": parts}],
        "active": True,
        "serviceCategory": [{"coding": [{"system": urls.BOOKING_KIND, "code": "day-surgery"}]}],
        "specialty": [{"coding": [{"system": urls.SPECIALTY, "code": SPECIALTY}]}],
        "actor": [{"reference": f"PractitionerRole/{id}"}],
    }


async def _slots(dsn: str, prefix: str) -> dict[str, tuple[str, date]]:
    """The slots of the schedules whose ids begin so, with schedule and day; of those that are open to the public."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """
            select r.id, c.id as schedule, s.day from slot s join resource r using (rid) join resource c on c.rid = s.schedule
            where c.type = $1 and c.id like $2 and exists (select from place p where p.slot = s.rid and p.public_from <= now())
            order by r.id
            """,
            type_id("Schedule"),
            prefix + "%",
        )
    finally:
        await connection.close()
    return {row["id"]: (row["schedule"], row["day"]) for row in rows}
