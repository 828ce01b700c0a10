"""Who can take a patient: the rule of tiers, what services accept, places, memberships, waits; and with two hundred institutions."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.directory.region import affiliation, organization, put, service, site
from tests.referral.region import HOOKS, opened, up
from tests.scheduling.region import role, schedule, slot
from yilian.db import Database
from yilian.directory import candidates, columns, waits
from yilian.directory.candidates import Candidate, Need
from yilian.directory.offers import Settings
from yilian.directory.roads import Point
from yilian.errors import BadRequest
from yilian.fhir.definitions import type_id
from yilian.scheduling import slots
from yilian.store.scope import Scope

Json = dict[str, Any]
WIRED = replace(HOOKS, reactions=(*HOOKS.reactions, slots.follow, columns.follow, waits.follow))
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
HEART = "03.04"


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, WIRED)
    await database.open()
    await put(
        database,
        *(organization(id, tier) for id, tier in (("town", "township"), ("county", "county"), ("first", "city"), ("second", "city"))),
        organization("post", "village") | {"partOf": {"reference": "Organization/town"}},
        organization("net"),
    )
    await put(
        database, site("town", 31.60, 106.28), site("county", 31.56, 106.24), site("first", 31.42, 106.12), site("second", 31.43, 106.13)
    )
    await put(database, *(service(f"{id}-heart", id, HEART) for id in ("county", "first", "second")), service("town-ward", "town", "03"))
    await put(database, service("post-all", "post", "03"))
    yield database
    await database.close()


async def rid(db: Database, id: str) -> int:
    async with db.reading() as tx:
        return int(await tx.fetchval("select rid from resource where id = $1 and type = $2", id, type_id("Organization")))


async def asker(db: Database, id: str) -> Scope:
    return Scope("grounds", "someone", "Practitioner/x", "某医生", frozenset({"gp"}), f"Organization/{id}", await rid(db, id))


async def find(db: Database, at: str, need: Need) -> list[Candidate]:
    scope = await asker(db, at)
    async with db.reading() as tx:
        return await candidates.find(tx, scope, need)


def ids(found: list[Candidate]) -> list[str]:
    return [one.institution.reference.removeprefix("Organization/") for one in found]


def codes(one: Candidate) -> set[str]:
    return {reason.code for reason in one.reasons}


async def test_patients_go_up_step_by_step_and_down_to_whom_is_lower(db: Database) -> None:
    up = await find(db, "town", Need(HEART, "up"))
    assert ids(up) == ["county", "first", "second"] or ids(up) == ["county", "second", "first"]
    assert "tier" in codes(up[1])
    assert ids(await find(db, "first", Need(HEART, "lateral"))) == ["second"]
    down = await find(db, "first", Need(HEART, "down"))
    assert ids(down) == ["county", "town"], "a village post receives nothing itself: its centre does"
    assert "scope-broader" in codes(down[1])
    assert "scope" in codes(down[0])


async def test_a_service_that_takes_no_such_referrals_is_no_candidate(db: Database) -> None:
    await put(db, service("county-heart", "county", HEART, Settings(("down",), direct_booking=True)))
    assert "county" not in ids(await find(db, "town", Need(HEART, "up")))
    [county, *_] = await find(db, "first", Need(HEART, "down"))
    assert county.settings.direct_booking


async def test_the_patient_may_always_go_back_where_they_came_from(dsn: str) -> None:
    async with opened(dsn, WIRED) as region:
        await put(region.db, *(service(f"{id}-heart", id, HEART) for id in ("county", "first", "second", "qingshi")))
        await region.refer("gp", up("p1", priority="stat"))
        async with region.db.reading() as tx:
            patient = await tx.fetchval("select rid from resource where id = 'p1'")
            found = await candidates.find(tx, region.scope("expert"), Need(HEART, "lateral", patient=patient))
            assert ids(found) == ["qingshi", "second"]
            assert "origin" in codes(found[0])
            assert ids(await candidates.find(tx, region.scope("expert"), Need(HEART, "lateral"))) == ["second"]
            elsewhere = await candidates.find(tx, region.scope("expert2"), Need(HEART, "lateral", patient=patient))
            assert ids(elsewhere) == ["first"], "what was sent to others is theirs"


async def test_a_consortium_goes_before_who_is_outside_and_its_end_is_kept(db: Database) -> None:
    await put(db, affiliation("a", "net", "town", "2023-01-01"), affiliation("b", "net", "second", "2023-01-01"))
    found = await find(db, "town", Need(HEART, "up"))
    assert ids(found).index("second") < ids(found).index("first")
    by = {one.institution.reference: codes(one) for one in found}
    assert "consortium" in by["Organization/second"]
    assert "outside" in by["Organization/first"]
    await put(db, affiliation("b", "net", "second", "2023-01-01", "2024-01-01"))
    found = await find(db, "town", Need(HEART, "up"))
    assert all("consortium" not in codes(one) for one in found)


async def test_the_next_place_is_one_that_is_open_to_the_asker(db: Database) -> None:
    await put(db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio"))
    await put(db, slot("a", "s", SOON), slot("b", "s", SOON + timedelta(hours=2)), slot("c", "s", SOON + timedelta(days=3)))
    async with db.transaction() as tx:
        await tx.execute("update place set pool = 'grassroots', public_from = $1", SOON)
    public = {one.institution.name: one for one in await find(db, "town", Need(HEART, "up"))}
    assert public["first院"].slot == ""
    ours = {one.institution.name: one for one in await find(db, "town", Need(HEART, "up", pools=("public", "grassroots")))}
    assert (ours["first院"].slot, ours["first院"].next_place) == ("Slot/a", SOON)
    later = await find(db, "town", Need(HEART, "up", since=SOON + timedelta(hours=1), pools=("public", "grassroots")))
    assert {one.institution.name: one.slot for one in later}["first院"] == "Slot/b"
    assert "place-none" in codes(public["second院"])


async def test_where_the_patient_is_decides_who_is_near(db: Database) -> None:
    [first, *_] = await find(db, "county", Need(HEART, "up", near=Point(31.42, 106.12)))
    assert first.institution.name == "first院"
    assert first.way is not None
    assert first.way.road_km == pytest.approx(0, abs=0.01)
    [second, *_] = await find(db, "county", Need(HEART, "up", near=Point(31.43, 106.13)))
    assert second.institution.name == "second院"


@pytest.mark.parametrize("need", [Need("99"), Need(HEART, "sideways"), Need(HEART, priority="soon"), Need(HEART, count=0)])
async def test_a_need_that_makes_no_sense_is_refused(db: Database, need: Need) -> None:
    with pytest.raises(BadRequest):
        await find(db, "town", need)


async def test_waits_are_counted_from_what_happened_and_told_from_some_cases_on(db: Database) -> None:
    await put(db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio"))
    await put(db, *({"resourceType": "Patient", "id": f"w{n}"} for n in range(7)))
    first = await rid(db, "first")
    async with db.transaction() as tx:
        patients = [row["rid"] for row in await tx.fetch("select rid from resource where id like 'w_' order by id")]
        plan = await tx.fetchval("select rid from schedule")
        for nth, patient in enumerate(patients):
            await tx.execute(
                """
                insert into appointment (rid, ver, patient, person, schedule, day, starts, ends, institution, specialty, state, channel,
                    pool, created)
                select $1, 1, $1, $1, $2, '2026-12-01', at, at + interval '1 hour', $4, $5, 'booked', 'web', 'public', now()
                from (select now() + make_interval(hours => $3) as at) t
                """,
                patient, plan, 10 * (nth + 1), first, HEART if nth < 6 else "03.01",
            )  # fmt: skip
        assert await waits.count(tx) == 1, "one case of another department is none"
        assert await waits.count(tx) == 1, "counted twice it is the same"
    async with db.reading() as tx:
        [wait] = (await waits.latest(tx, [first], [HEART]))[first]
        assert await waits.of_institution(tx, first) == [wait]
    assert (wait.measure, wait.cases) == ("booking", 6)
    assert wait.median_h == pytest.approx(35, abs=0.1)
    assert wait.most_h == pytest.approx(55, abs=0.1)
    found = {one.institution.name: one.waits for one in await find(db, "town", Need(HEART, "up"))}
    assert found["first院"] == (wait,)
    assert found["second院"] == ()


async def test_two_hundred_institutions_are_ranked_quickly(db: Database) -> None:
    many = range(200)
    await put(db, *(organization(f"h{n}", "county") for n in many))
    await put(db, *(site(f"h{n}", 31 + n / 400, 106 + n / 500) for n in many), *(service(f"s{n}", f"h{n}", HEART) for n in many))
    await put(db, *(role(f"r{n}", f"h{n}") for n in many), *(schedule(f"p{n}", f"PractitionerRole/r{n}") for n in many))
    await put(db, *(slot(f"t{n}-{day}", f"p{n}", SOON + timedelta(days=day), places=4) for n in many for day in range(5)))
    async with db.transaction() as tx:
        await tx.execute("update place set public_from = opens where slot % 2 = 0")
        await tx.execute("analyze")
    await find(db, "town", Need(HEART, "up", count=200))
    began = time.process_time()
    found = await find(db, "town", Need(HEART, "up", count=200))
    ours = time.process_time() - began
    assert len(found) == 200
    assert ours < 0.15, "what the program itself needs, CPU seconds"
    scope = await asker(db, "town")
    async with db.reading() as tx:
        today = tx.now.date()
        plan = await tx.fetch(
            "explain (analyze, buffers, format json) " + candidates.FIND,
            HEART, [HEART, "03"], scope.institution_rid, today, tx.now, tx.now + candidates.AHEAD, ["public"],
        )  # fmt: skip
    told = json.loads(plan[0][0])[0]
    assert told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"] < 25_000, (
        "some hundred pages for each institution at most"
    )
