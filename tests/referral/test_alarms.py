"""The clocks: warned, overdue, escalated, each told once to the right people; and nothing of it moves a referral."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.referral.region import Region, state_of, up
from yilian import policy, referral
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.jobs import Job
from yilian.referral import alarms
from yilian.store.scope import SYSTEM

Resource = dict[str, Any]


async def people(region: Region) -> None:
    async with region.db.transaction() as tx:
        for name, where, role in (("county", "county", "physician"), ("head2", "county", "head"), ("office", "first", "office")):
            await accounts.add(
                tx, name, "yilian-demo", display=name, agent="Practitioner/county", posts=[Post(role, f"Organization/{where}")], by=SYSTEM
            )


async def told(region: Region) -> list[tuple[str, str]]:
    async with region.db.reading() as tx:
        rows = await tx.fetch(
            """
            select event, coalesce(agent, role, 'patient') as who from message_reader
            where event in ('referral.due-soon', 'referral.overdue', 'referral.escalated', 'referral.offer-elsewhere') order by id
            """
        )
    return [(row["event"].removeprefix("referral."), row["who"]) for row in rows]


async def clock_jobs(region: Region) -> list[dict[str, Any]]:
    async with region.db.reading() as tx:
        rows = await tx.fetch(
            "select id, payload::text as payload, run_at, now() as now from job where kind = $1 order by id", alarms.CLOCK
        )
    return [dict(row) for row in rows]


async def ring(region: Region, task: Resource) -> datetime | None:
    row = await region.row(task)
    since = row["submitted_at"]
    async with region.db.transaction() as tx:
        return await alarms.ring_at(tx, row["task_rid"], row["due_at"], since)


async def test_a_clock_warns_then_is_overdue_then_goes_to_the_duty_officer_and_the_office(region: Region) -> None:
    await people(region)
    _, task = await region.refer("gp2", up("p3", "county"), alternatives=["Organization/first"])
    (job,) = await clock_jobs(region)
    assert abs(job["run_at"] - job["now"] - timedelta(hours=18)) < timedelta(minutes=1)
    assert await ring(region, task) == region.clock.now + timedelta(hours=18)
    assert await told(region) == []
    region.clock.later(hours=18)
    assert await ring(region, task) == region.clock.now + timedelta(hours=6)
    assert await told(region) == [("due-soon", "physician")]
    region.clock.later(hours=6)
    for _ in range(3):
        await ring(region, task)
    assert await told(region) == [("due-soon", "physician"), ("overdue", "physician"), ("offer-elsewhere", "Practitioner/gp2")]
    region.clock.later(hours=2)
    await ring(region, task)
    region.clock.later(hours=6)
    assert await ring(region, task) is None
    assert (await told(region))[3:] == [("escalated", "head"), ("escalated", "office")]
    after = await region.read("system", f"Task/{task['id']}")
    assert after["meta"] == task["meta"]
    row = await region.row(task)
    async with region.db.reading() as tx:
        said = await alarms.told(tx, row["task_rid"])
    assert [one.stage for one in said] == ["warn", "overdue", "duty", "office"]
    assert [one.to for one in said] == [
        ("云溪县人民医院医师",),
        ("云溪县人民医院医师", "王芳"),
        ("云溪县人民医院科主任",),
        ("云溪市第一人民医院医联体办公室",),
    ]
    async with region.db.reading() as tx:
        assert (await referral.actions(tx, region.scope("gp2"), task["id"])).told == said
        assert (await referral.actions(tx, region.scope("p3"), task["id"])).told == []  # it is the houses' own matter


async def test_who_slept_tells_what_is_and_not_what_was(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3", "county"))
    region.clock.later(days=3)
    assert await ring(region, task) is None
    assert [event for event, _ in await told(region)] == ["overdue", "offer-elsewhere", "escalated"]  # nobody is an office here


async def test_a_clock_that_does_not_run_any_more_tells_nothing(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3", "county"))
    row = await region.row(task)
    await region.act("county", task, "accept", start="2026-11-24")
    region.clock.later(days=3)
    async with region.db.transaction() as tx:
        assert await alarms.ring_at(tx, row["task_rid"], row["due_at"], row["submitted_at"]) is None
    assert await told(region) == []


async def test_an_emergency_is_overdue_within_minutes_and_its_office_knows_soon(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3", "county", priority="stat"))
    assert await ring(region, task) == region.clock.now + timedelta(minutes=10)
    region.clock.later(minutes=15)
    assert await ring(region, task) == region.clock.now + timedelta(minutes=10)
    assert [event for event, _ in await told(region)] == ["overdue", "offer-elsewhere", "escalated"]


async def test_the_handler_enqueues_the_next_moment_and_ends_its_job_together(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3", "county"))
    row = await region.row(task)
    region.clock.later(hours=19)
    async with region.db.transaction() as tx:
        id = await tx.fetchval(
            "update job set state = 'running', worker = 'w', lease = now() + interval '1 min' where kind = $1 returning id", alarms.CLOCK
        )
    payload = {"task": row["task_rid"], "due": row["due_at"].isoformat(), "since": row["submitted_at"].isoformat()}
    await alarms.ring(region.db, Job(id, alarms.CLOCK, payload, None, 1, {}, "w"))
    first, second = await clock_jobs(region)
    assert first["id"] == id
    assert abs(second["run_at"] - second["now"] - timedelta(hours=5)) < timedelta(minutes=1)
    assert [event for event, _ in await told(region)] == ["due-soon"]
    assert state_of(await region.read("system", f"Task/{task['id']}")) == "submitted"


async def test_an_institution_may_keep_office_hours_but_not_for_what_is_urgent(region: Region) -> None:
    async with region.db.transaction() as tx:
        await policy.put(
            tx,
            "referral.working_hours",
            {"from": "08:00", "to": "17:00", "weekdays": [1, 2, 3, 4, 5], "holidays": True},
            valid_from=policy.FROM_THE_START,
            source="test",
            institution=region.rids["Organization/county"],
        )
    _, task = await region.refer("gp2", up("p3", "county"))
    row = await region.row(task)  # Monday 07:15 in the region: 24 working hours of 9 a day end on Wednesday at 14:00
    assert row["due_at"] == datetime.fromisoformat("2026-11-25T14:00:00+05:45")
    task = await region.act("county", task, "ask", question="?")
    region.clock.later(days=1)
    task = await region.act("gp2", task, "answer", answer="!")
    assert (await region.row(task))["due_at"] == datetime.fromisoformat("2026-11-26T14:00:00+05:45")
    await region.act("gp2", task, "cancel", reason="x")
    _, task = await region.refer("gp2", up("p3", "county", priority="urgent"))
    assert (await region.row(task))["due_at"] == region.clock.now + timedelta(hours=2)
