"""The region in a real database, wired as the server is: played through the real commands, interrupted, and gone on with.

The clock is the real one: what a closed referral still lets somebody read is decided by the database's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from yilian import policy, referral, validation
from yilian.access import accounts, grounds
from yilian.audit.record import follow_writes
from yilian.db import Database, Tx
from yilian.demo import bookings as demo_bookings
from yilian.demo import guardianship, play, privacy, schedules
from yilian.demo.region import build
from yilian.errors import NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.scheduling import bookings, making, slots, stops
from yilian.store import read
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM, Scope

HOOKS = Hooks(validate=validation.issues, guards=(referral.guard, bookings.guard), reactions=(grounds.follow, follow_writes, slots.follow))
FEW = 60
OF_THE_RUN = (
    "DetectedIssue", "Appointment", "Basic", "CarePlan", "DocumentReference", "Provenance", "ServiceRequest", "Slot", "Task",
)  # fmt: skip
"""Types of which the commands make some, beside what is planned."""


@pytest.fixture
async def house(dsn: str) -> AsyncIterator[Database]:
    db = Database(dsn, HOOKS)
    await db.open()
    try:
        async with db.transaction() as tx:
            await policy.seed(tx)
        yield db
    finally:
        await db.close()


def quiet(what: str, done: int, total: int) -> None:
    """Nobody watches."""


async def _contents(db: Database) -> dict[str, tuple[int, str]]:
    """Every resource but the marker and what carries the time of the run: version and body."""
    async with db.reading() as tx:
        rows = await tx.fetch(
            "select type, id, ver, body from resource where not deleted"
            " and rid not in (select encounter from attendance where encounter is not null)"
        )
    found = {}
    for row in rows:
        body = parse(row["body"].encode())
        if body["resourceType"] in OF_THE_RUN:
            continue
        body.pop("meta")
        found[f"{body['resourceType']}/{body['id']}"] = (row["ver"], str(body))
    return found


async def test_the_region_is_played_as_planned_and_then_left_alone(house: Database) -> None:
    """Made once for all of this, since it takes a few seconds."""
    told: list[tuple[str, int, int]] = []
    await play.make(house, lambda *what: told.append(what), residents=FEW)
    async with house.transaction() as tx:
        marker = parse((await read.by_id(tx, SYSTEM, "Basic", play.MARKER)).body)
        names = {account.name for account in await accounts.every(tx)}
        requests = {
            e["extension"][0]["valueString"].removeprefix("referral "): e["extension"][1]["valueString"]
            for e in marker["extension"]
            if e["extension"][0]["valueString"].startswith("referral ")
        }
        rows = await tx.fetch("select request_id, state, created_at, moved_at from referral")
        states, written = {row["request_id"]: row["state"] for row in rows}, {row["request_id"]: row["created_at"] for row in rows}
        present = tx.now
    region = build(1, FEW, date.fromisoformat(marker["created"]))
    assert {plan.key: states[requests[plan.key]] for plan in region.referrals} == {plan.key: plan.ends for plan in region.referrals}
    for plan in region.referrals:
        if plan.made.days:
            assert written[requests[plan.key]] == plan.made.instant(region.today, present), plan.key
    assert len({row["moved_at"].date() for row in rows}) > 5  # steps are taken on their own days
    onward = sum(plan.ends == "referred-onward" for plan in region.referrals)
    assert len(states) == len(region.referrals) + onward + 1, "and the one to an institution outside, which is no plan"
    async with house.reading() as tx:
        assert await tx.fetchval("select state from referral join outside_link using (task_rid) where opened is not null") == "accepted"
    assert names >= {account.name for account in region.accounts}
    assert {what for what, _, _ in told} == {"机构与人员", "居民健康档案", "重复登记", "演示账号", "排班与号源", "预约", "转诊"}
    assert all(done <= total for _, done, total in told)
    assert await play.is_complete(house)
    await _a_finished_region_is_left_alone(house)
    await _there_are_free_places_for_a_fortnight(house)
    await _the_lists_of_bookings_have_something(house)
    await _the_other_township_sees_no_patient_without_a_ground(house)
    async with house.reading() as tx:
        found = await tx.fetch("select rule, state from referral_suspicion")
    assert [tuple(row) for row in found] == [("repeated", "open")], "the office has one to look into"
    await _referral_numbers_begin_with_the_code_of_the_region(house)


async def _a_finished_region_is_left_alone(house: Database) -> None:
    async with house.reading() as tx:
        before = await tx.fetchrow("select count(*) as n, sum(ver) as versions, max(updated) as last from resource")
    await play.make(house, quiet, residents=FEW, seed=5)
    async with house.reading() as tx:
        assert await tx.fetchrow("select count(*) as n, sum(ver) as versions, max(updated) as last from resource") == before


async def _there_are_free_places_for_a_fortnight(house: Database) -> None:
    """Of every schedule, for the public; and every schedule is made as far as the nightly job makes it."""
    async with house.transaction() as tx:
        rows = await tx.fetch(
            """
            select s.rid, count(distinct t.day) as days from schedule s
            left join slot t on t.schedule = s.rid and t.starts > now() and t.starts < now() + interval '14 days'
                and exists (select from place p where p.slot = t.rid and p.opens <= now() and p.public_from <= now())
            group by 1
            """
        )
        assert len(rows) > 30
        assert min(row["days"] for row in rows) >= 3
    assert await making.ahead(house) == 0


async def _the_lists_of_bookings_have_something(house: Database) -> None:
    """On several days and at several institutions, by all who book; nothing twice, and every act done once."""
    async with house.reading() as tx:
        rows = await tx.fetch("select agent, pool, state, day, institution, patient from appointment")
        waits = await tx.fetch("select state from waiting")
        stopped = await tx.fetchval(
            "select count(*) from appointment a where state = 'booked' and exists"
            " (select from place p join slot s on s.rid = p.slot where p.appointment = a.rid and s.stopped)"
        )
        resident = await tx.fetchval("select rid from resource where type = $1 and id = 'resident-0001'", type_id("Patient"))
        moved = await stops.waiting(tx, await _head(tx))
    orders = [act for act in demo_bookings.acts() if isinstance(act, demo_bookings.Order)]
    assert len(rows) == len(orders)
    assert sum(row["state"] == "cancelled" for row in rows) == sum(bool(one.cancelled) for one in orders) >= 3
    assert {row["agent"] for row in rows} == {"Patient/resident-0001", *(f"Practitioner/{o.who}" for o in orders if o.who != "resident")}
    assert {"grassroots", "on-site", "public"} <= {row["pool"] for row in rows}
    assert len({row["day"] for row in rows}) >= 6
    assert len({row["institution"] for row in rows}) >= 4
    assert sum(row["patient"] == resident and row["state"] == "booked" for row in rows) == 2
    assert [row["state"] for row in waits] == ["waiting", "waiting"]
    assert stopped == len(moved[0]) >= 1
    assert all(one.proposal for one in moved[0])


async def _head(tx: Tx) -> Scope:
    rid = await tx.fetchval("select rid from resource where type = $1 and id = 'qingshi'", type_id("Organization"))
    return _scope("head", "head", "qingshi", {"qingshi": rid})


async def _the_other_township_sees_no_patient_without_a_ground(house: Database) -> None:
    async with house.reading() as tx:
        rids = {row["id"]: row["rid"] for row in await tx.fetch("select id, rid from resource where type = $1", type_id("Organization"))}
        gp = _scope("gp", "gp", "qingshi", rids)
        gp2 = _scope("gp2", "gp", "liuhe", rids)
        expert = _scope("expert", "consultant", "yunxi-first", rids)
        for scope in (gp, expert):
            assert parse((await read.by_id(tx, scope, "Patient", "resident-0001")).body)["id"] == "resident-0001"
        with pytest.raises(NotFound):
            await read.by_id(tx, gp2, "Patient", "resident-0001")
        moving = await tx.fetchval(
            "select p.id from referral r join resource p on p.rid = r.patient where r.direction = 'lateral' and r.to_org = $1",
            rids["qingshi"],
        )
        assert await read.by_id(tx, gp, "Patient", moving)
        assert await read.by_id(tx, gp2, "Patient", moving)


async def _referral_numbers_begin_with_the_code_of_the_region(house: Database) -> None:
    async with house.reading() as tx:
        numbers = [row["number"] for row in await tx.fetch("select number from referral")]
        written = parse((await read.by_id(tx, SYSTEM, "Organization", "qingshi")).body)
    assert all(number.startswith("516600-") for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert any(e["url"] == urls.NEEDS_APPROVAL and e["valueBoolean"] for e in written["extension"])


async def test_what_was_interrupted_goes_on_and_nothing_is_there_twice(house: Database) -> None:
    class Interrupted(Exception):
        pass

    for stop in (("机构与人员", 600), ("居民健康档案", 50), ("演示账号", 4), ("排班与号源", 5), ("预约", 20), ("转诊", 7)):

        def report(what: str, done: int, total: int, stop: tuple[str, int] = stop) -> None:
            if (what, done) == stop:
                raise Interrupted

        with pytest.raises(Interrupted):
            await play.make(house, report, residents=FEW)
        assert not await play.is_complete(house)
    await play.make(house, quiet, residents=FEW)
    assert await play.is_complete(house)

    contents = await _contents(house)
    async with house.reading() as tx:
        marker = parse((await read.by_id(tx, SYSTEM, "Basic", play.MARKER)).body)
        doubled = await tx.fetchval(
            "select count(*) from (select from referral group by patient, specialty, created_at having count(*) > 1) as r"
        )
    region = build(1, FEW, date.fromisoformat(marker["created"]))
    planned = [one.resource for one in schedules.schedules(region.staff, region.places)]
    written = [
        *region.directory,
        *region.duplicates,
        *(r for b in region.bundles() for r in b),
        *privacy.resources(region),
        *guardianship.resources(region),
        *planned,
    ]
    expected = {f"{one['resourceType']}/{one['id']}" for one in written}
    expected = {one for one in expected if one.split("/")[0] not in OF_THE_RUN}
    assert set(contents) ^ expected == set()
    assert {version for version, _ in contents.values()} == {1}
    assert doubled == 0
    await _the_lists_of_bookings_have_something(house)


def _scope(user: str, role: str, institution: str, rids: dict[str, int]) -> Scope:
    return Scope(
        "grounds", user, f"Practitioner/{user}", user, frozenset({role}), f"Organization/{institution}", rids[institution], institution
    )
