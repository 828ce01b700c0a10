"""签到、叫号、爽约、申诉: who comes has a number without gaps, who does not come has a mark, and the office may take it away."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import zone_at_noon
from tests.referral.region import Region
from tests.scheduling.region import put, role, schedule, slot
from yilian import policy
from yilian.errors import Conflict, Forbidden, NotFound
from yilian.fhir.dates import use_region_zone
from yilian.fhir.definitions import type_id
from yilian.identity import visits
from yilian.jobs import Job
from yilian.scheduling import absences, allowed, appeals, attendance, bookings, day_list, leaving, told
from yilian.scheduling.attendance import Here
from yilian.scheduling.bookings import Wish
from yilian.scheduling.day_list import Question
from yilian.store.scope import SYSTEM

SOON = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=50)


@pytest.fixture(autouse=True, scope="module")
def soon() -> None:
    """Counted from the first test here: a run of everything gets to it long after it was read."""
    global SOON
    SOON = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=50)


"""Of the database's clock: within the time one may check in, also when the tests before these took most of an hour."""


@pytest.fixture(autouse=True)
def noon(region: Region) -> None:
    """What is done here is done on one day of the region."""
    use_region_zone(zone_at_noon())


DESK = "coordinator"
"""At the institution whose clinic it is; "county" is at another."""
CROWD = 200 if os.environ.get("YILIAN_TEST_LONG") else 24
JOB = Job(1, "x", {}, None, 1, {}, "worker")


async def clinic(region: Region, *slots: dict[str, Any], kind: str = "clinic") -> None:
    await put(region.db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio", kind), *slots)


async def book(region: Region, who: str, patient: str, slot: str, channel: str = "web") -> str:
    async with region.db.transaction() as tx:
        return (await bookings.book(tx, region.scope(who), Wish(patient, (slot,), channel))).id


async def check_in(region: Region, who: str, id: str, why: str = "") -> Here:
    async with region.db.transaction() as tx:
        return await attendance.check_in(tx, SYSTEM if who == "system" else region.scope(who), id, why=why)


async def at_another_time(region: Region, id: str, by: str) -> None:
    """The appointment (not its slot) some time from when it was, by the database's clock."""
    async with region.db.transaction() as tx:
        await tx.execute(
            "update appointment a set starts = starts + $2::text::interval, ends = ends + $2::text::interval from resource r"
            " where r.rid = a.rid and r.id = $1",
            id, by,
        )  # fmt: skip


async def rule(region: Region, name: str, value: object) -> None:
    async with region.db.transaction() as tx:
        await policy.put(tx, name, value, valid_from=date(2020, 1, 1), source="测试")


async def miss(region: Region, id: str) -> None:
    await at_another_time(region, id, "-3 hours")
    await absences.sweep(region.db, JOB)


async def test_a_booking_opens_no_record_and_a_check_in_does(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    mine = await book(region, "p3", "p3", "a")
    with pytest.raises(NotFound):
        await region.read(DESK, "Patient/p3")
    here = await check_in(region, DESK, mine)
    assert (here.number, here.before, here.state) == (1, 0, "waiting")
    assert here.appointment["status"] == "checked-in"
    assert (await region.read(DESK, "Patient/p3"))["id"] == "p3"
    visit = await region.read(DESK, f"Encounter/{here.encounter}")
    assert (visit["status"], visit["appointment"]) == ("arrived", [{"reference": f"Appointment/{mine}"}])
    with pytest.raises(NotFound):
        await region.read("county", "Patient/p3")
    again = await check_in(region, DESK, mine)
    assert again.number == 1, "who checks in twice has one number"


async def test_a_resident_checks_in_alone_and_the_visit_is_the_institutions(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    mine = await book(region, "p1", "p1", "a")
    here = await check_in(region, "p1", mine)
    visit = await region.read(DESK, f"Encounter/{here.encounter}")
    assert visit["serviceProvider"]["reference"] == "Organization/first"


async def test_nobody_checks_in_too_early_too_late_or_elsewhere(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON + timedelta(hours=5)))
    mine = await book(region, "p1", "p1", "a")
    with pytest.raises(Conflict, match="begins at"):
        await check_in(region, DESK, mine)
    await at_another_time(region, mine, "-8 hours")
    with pytest.raises(Conflict, match="too late"):
        await check_in(region, DESK, mine)
    with pytest.raises(NotFound):
        await check_in(region, "county", mine)
    await rule(region, "booking.self_check_in", False)
    with pytest.raises(Forbidden, match="at the desk"):
        await check_in(region, "p1", mine)


async def test_numbers_have_no_gaps_and_nobody_is_called_twice_under_races(region: Region) -> None:
    people = [f"crowd-{n}" for n in range(CROWD)]
    await put(region.db, *({"resourceType": "Patient", "id": one, "name": [{"text": one}]} for one in people))
    await clinic(region, slot("a", "s", SOON, places=CROWD))
    ids = []
    for one in people:
        async with region.db.transaction() as tx:
            ids.append((await bookings.book(tx, SYSTEM, Wish(one, ("a",), "phone"))).id)

    async def come(id: str, gives_up: bool) -> int | None:
        try:
            async with region.db.transaction() as tx:
                number = (await attendance.check_in(tx, SYSTEM, id)).number
                if gives_up:
                    raise RuntimeError
                return number
        except RuntimeError:
            return None

    numbers = await asyncio.gather(*(come(id, n % 3 == 0) for n, id in enumerate(ids)))
    there = sorted(number for number in numbers if number is not None)
    assert there == list(range(1, len(there) + 1))

    async def next_one() -> str | None:
        async with region.db.transaction() as tx:
            here = await attendance.call_next(tx, region.scope(DESK), "s")
            return here.appointment["id"] if here else None

    called = [id for id in await asyncio.gather(*(next_one() for _ in range(8))) if id]
    assert len(called) == len(set(called)) == 8


async def test_the_order_of_calls_is_priority_then_the_time_booked(region: Region) -> None:
    """p2 is 77 and goes before; p3 has the earlier time but is a child."""
    await clinic(region, slot("a", "s", SOON, minutes=30), slot("b", "s", SOON + timedelta(minutes=30), minutes=30, places=2))
    child, old, other = await book(region, "p3", "p3", "a"), await book(region, "p2", "p2", "b"), await book(region, "p1", "p1", "b")
    await rule(region, "booking.priority_age", 75)
    assert (await check_in(region, DESK, other)).number == 1
    assert (await check_in(region, DESK, child)).before == 0
    assert (await check_in(region, DESK, old)).before == 0
    order = []
    for _ in range(4):
        async with region.db.transaction() as tx:
            here = await attendance.call_next(tx, region.scope(DESK), "s")
        order.append(here.appointment["id"] if here else None)
    assert order == [old, child, other, None]
    async with region.db.transaction() as tx:
        assert (await attendance.pass_over(tx, region.scope(DESK), child)).state == "passed"
        assert (await attendance.call(tx, region.scope(DESK), child)).state == "called"
        done = await attendance.fulfil(tx, region.scope(DESK), child)
    assert done.appointment["status"] == "fulfilled"
    with pytest.raises(Conflict):
        async with region.db.transaction() as tx:
            await attendance.call(tx, region.scope(DESK), child)


async def fulfil(region: Region, id: str) -> Here:
    async with region.db.transaction() as tx:
        return await attendance.fulfil(tx, region.scope(DESK), id)


async def visits_of(region: Region, patient: str) -> list[dict[str, Any]]:
    async with region.db.transaction() as tx:
        rows = await tx.fetch(
            "select e.id from resource e join resource p on p.rid = e.patient"
            " where p.id = $1 and e.type = $2 and not e.deleted order by e.rid",
            patient,
            type_id("Encounter"),
        )
    return [await region.read(DESK, f"Encounter/{row['id']}") for row in rows]


async def test_who_is_done_has_left_and_the_visit_is_one(region: Region) -> None:
    """A visit the desk registered before the check-in is the same one; with two doctors it ends when the second is done."""
    await put(region.db, role("other", "first"), schedule("t", "PractitionerRole/other"))
    await clinic(region, slot("a", "s", SOON))
    await put(region.db, slot("b", "t", SOON))
    one, two = await book(region, "p1", "p1", "a"), await book(region, "p1", "p1", "b")
    await check_in(region, "p1", one)
    (before,) = await visits_of(region, "p1")
    await check_in(region, DESK, two)
    (visit,) = await visits_of(region, "p1")
    assert visit["identifier"] == before["identifier"]
    assert [link["reference"] for link in visit["appointment"]] == [f"Appointment/{one}", f"Appointment/{two}"]
    await fulfil(region, one)
    assert (await visits_of(region, "p1"))[0]["status"] == "arrived"
    here = await fulfil(region, two)
    (visit,) = await visits_of(region, "p1")
    assert (visit["id"], visit["status"], visit["statusHistory"][-1]["status"]) == (here.encounter, "finished", "arrived")
    assert visit["period"]["start"] <= visit["period"]["end"]


async def test_a_check_in_joins_the_visit_of_the_same_department_and_no_other(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    mine = await book(region, "p1", "p1", "a")
    async with region.db.transaction() as tx:
        desk = await leaving.desk_of(tx, region.scope(DESK), region.scope(DESK).institution_rid)
        elsewhere = (await visits.register(tx, desk, "p1", kind="outpatient", specialty="07")).id
        ours = (await visits.register(tx, desk, "p1", kind="outpatient")).id
    here = await check_in(region, DESK, mine)
    assert here.encounter == ours
    joined = await region.read(DESK, f"Encounter/{ours}")
    assert joined["serviceType"]["coding"][0]["code"] == "03.04", "the desk had not said which department"
    await fulfil(region, mine)
    assert (await region.read(DESK, f"Encounter/{ours}"))["status"] == "finished"
    assert (await region.read(DESK, f"Encounter/{elsewhere}"))["status"] == "arrived"


async def test_who_is_admitted_out_of_the_clinic_and_what_its_system_ended_stays_as_it_is(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON, places=2))
    ids = [await book(region, who, who, "a") for who in ("p1", "p2")]
    admitted, ended = [(await check_in(region, DESK, id)).encounter for id in ids]
    for id, change in ((admitted, {"class": {"system": visits.ACT, "code": "IMP"}}), (ended, {"status": "finished"})):
        body = {key: value for key, value in (await region.read(DESK, f"Encounter/{id}")).items() if key != "meta"}
        await put(region.db, {**body, **change})
    for id in ids:
        await fulfil(region, id)
    assert (await region.read(DESK, f"Encounter/{admitted}"))["status"] == "arrived"
    after = await region.read(DESK, f"Encounter/{ended}")
    assert (after["status"], after["meta"]["versionId"]) == ("finished", "2")


async def test_who_cancels_after_checking_in_is_no_longer_in_the_queue(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    mine = await book(region, "p1", "p1", "a")
    await check_in(region, DESK, mine)
    async with region.db.transaction() as tx:
        await bookings.cancel(tx, region.scope(DESK), mine, "患者离开")
        assert await attendance.call_next(tx, region.scope(DESK), "s") is None


async def test_a_visit_nobody_began_is_cancelled_with_the_last_appointment_in_it(region: Region) -> None:
    """Two doctors in one visit: it goes on while one has still to see the patient, and is finished where one has."""
    await put(region.db, role("other", "first"), schedule("t", "PractitionerRole/other"))
    await clinic(region, slot("a", "s", SOON, places=3))
    await put(region.db, slot("b", "t", SOON, places=3))

    async def give_up(id: str) -> None:
        async with region.db.transaction() as tx:
            await bookings.cancel(tx, region.scope(DESK), id, "患者离开")

    async def both(who: str) -> list[str]:
        ids = [await book(region, who, who, one) for one in ("a", "b")]
        assert len({(await check_in(region, DESK, id)).encounter for id in ids}) == 1
        return ids

    ids = await both("p1")
    await give_up(ids[0])
    assert (await visits_of(region, "p1"))[0]["status"] == "arrived"
    await give_up(ids[1])
    (gone,) = await visits_of(region, "p1")
    assert (gone["status"], gone["statusHistory"][-1]["status"]) == ("cancelled", "arrived")
    assert gone["period"]["start"] <= gone["period"]["end"]

    ids = await both("p2")
    await fulfil(region, ids[0])
    await give_up(ids[1])
    assert (await visits_of(region, "p2"))[0]["status"] == "finished", "one of the doctors has seen the patient"

    ids = await both("p3")
    [begun] = await visits_of(region, "p3")
    await put(region.db, {key: value for key, value in begun.items() if key != "meta"} | {"status": visits.BEGUN})
    for id in ids:
        await give_up(id)
    assert (await visits_of(region, "p3"))[0]["status"] == "finished", "what was begun took place"


async def test_who_does_not_come_is_marked_after_the_time_of_grace_and_three_bar_booking(region: Region) -> None:
    days = [SOON + timedelta(days=n) for n in (1, 2, 3, 4)]
    await clinic(region, *(slot(f"d{n}", "s", day, places=3) for n, day in enumerate(days)))
    ids = [await book(region, "p1", "p1", f"d{n}") for n in range(3)]
    for n, id in enumerate(ids):
        await at_another_time(region, id, f"-{n + 1} days")
        await at_another_time(region, id, "-80 minutes")
    await absences.sweep(region.db, JOB)
    assert (await region.read("p1", f"Appointment/{ids[0]}"))["status"] == "booked", "within half an hour after the slot"
    for id in ids:
        await at_another_time(region, id, "-1 hour")
    assert await absences.sweep(region.db, JOB) == {"missed": 3}
    assert await absences.sweep(region.db, JOB) == {"missed": 0}
    assert (await region.read("p1", f"Appointment/{ids[0]}"))["status"] == "noshow"
    with pytest.raises(Conflict, match=r"rules region\): booking is barred until"):
        await book(region, "p1", "p1", "d3")
    await book(region, "p2", "p2", "d3")
    async with region.db.transaction() as tx:
        appeal = await appeals.appeal(tx, region.scope("p1"), ids[1], "当天住院,无法到诊")
    with pytest.raises(Conflict, match="already"):
        async with region.db.transaction() as tx:
            await appeals.appeal(tx, region.scope("p1"), ids[1], "再申诉一次")
    for who, error in (("p2", NotFound), ("p1", Forbidden), ("coordinator", Forbidden), ("county", NotFound)):
        with pytest.raises(error):
            async with region.db.transaction() as tx:
                await appeals.decide(tx, region.scope(who), appeal, "grant")
    async with region.db.reading() as tx:
        assert [row["id"] for row in await appeals.listed(tx, region.scope("office"), "open", count=10)] == [appeal]
    async with region.db.transaction() as tx:
        assert await appeals.decide(tx, region.scope("office"), appeal, "grant") == "granted"
    await book(region, "p1", "p1", "d3")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from message where event = 'booking.appeal-granted'") == 1


async def test_what_others_cancel_is_nobodys_fault_and_what_the_patient_cancels_is_told_by_the_rules(region: Region) -> None:
    await clinic(region, *(slot(f"d{n}", "s", SOON + timedelta(days=1 + n)) for n in range(3)))
    await rule(region, "booking.rulebook", "A")
    early, late, by_desk = [await book(region, "p1", "p1", f"d{n}") for n in (2, 0, 1)]
    for who, id in (("p1", early), (DESK, by_desk)):
        async with region.db.transaction() as tx:
            await bookings.cancel(tx, region.scope(who), id, "有事")
    await at_another_time(region, late, "-1 day")
    async with region.db.transaction() as tx:
        await bookings.cancel(tx, region.scope("p1"), late, "有事")
    async with region.db.reading() as tx:
        rid = region.rids["Patient/p1"]
        assert sorted(mark.kind for mark in await allowed.marks(tx, rid)) == ["cancel", "late-cancel"]
    await rule(region, "booking.rulebook", "C")
    other = await book(region, "p2", "p2", "d0")
    await at_another_time(region, other, "-1 day")
    with pytest.raises(Conflict, match="cancelled or moved until"):
        async with region.db.transaction() as tx:
            await bookings.cancel(tx, region.scope("p2"), other, "有事")


async def test_booking_alone_is_by_real_name_and_within_limits(region: Region) -> None:
    await put(
        region.db, role("other", "first"), schedule("t", "PractitionerRole/other"), slot("c", "t", SOON + timedelta(days=1), places=3)
    )
    await clinic(region, slot("a", "s", SOON + timedelta(days=1), places=3))
    await rule(region, "booking.most", {"day": 1, "week": 5})
    await book(region, "p1", "p1", "a")
    with pytest.raises(Conflict, match="at most 1 appointments a day"):
        await book(region, "p1", "p1", "c")
    await book(region, "gp", "p1", "c", "referral")
    told = await region.read("system", "Patient/p2")
    await put(region.db, {key: value for key, value in told.items() if key not in ("meta", "identifier")})
    with pytest.raises(Conflict, match="real name"):
        await book(region, "p2", "p2", "a")


async def test_the_list_of_a_day_is_for_those_who_work_there(region: Region) -> None:
    day = SOON.astimezone(policy.region_zone()).date()
    await clinic(region, slot("a", "s", SOON, places=5), slot("b", "s", SOON + timedelta(hours=1), places=5))
    first, second = await book(region, "p1", "p1", "a"), await book(region, "p3", "p3", "b")
    await check_in(region, DESK, first)

    async def seen(who: str, question: Question, count: int = 10, after: str | None = None) -> tuple[list[str], str | None, dict[str, int]]:
        async with region.db.reading() as tx:
            rows, following, counts = await day_list.listed(tx, region.scope(who), question, count=count, after=after)
        return [row["id"] for row in rows], following, counts

    ids, _, counts = await seen(DESK, Question(day))
    assert ids == [first, second]
    assert counts == {"waiting": 1, "expected": 1}
    assert (await seen(DESK, Question(day, group="expected")))[0] == [second]
    assert (await seen(DESK, Question(day, schedules=("s",))))[0] == [first, second]
    assert (await seen(DESK, Question(day, schedules=("none",))))[0] == []
    page, following, _ = await seen(DESK, Question(day), count=1)
    assert page == [first]
    assert (await seen(DESK, Question(day), count=1, after=following))[0] == [second]
    assert (await seen("county", Question(day)))[0] == []
    for who in ("p1", "admin"):
        with pytest.raises(Forbidden):
            await seen(who, Question(day))


async def test_reminders_are_told_once_each_and_not_of_what_was_cancelled(region: Region) -> None:
    await clinic(region, *(slot(f"d{n}", "s", SOON + timedelta(days=2 + n)) for n in range(2)))
    mine, gone = await book(region, "p1", "p1", "d0"), await book(region, "p2", "p2", "d1")

    async def reminded() -> int:
        await told.remind(region.db, JOB)
        async with region.db.reading() as tx:
            return int(await tx.fetchval("select count(*) from message where event = 'booking.reminder'"))

    assert await reminded() == 0
    async with region.db.transaction() as tx:
        await bookings.cancel(tx, region.scope("p2"), gone, "有事")
        await tx.execute("update appointment set created = created - interval '3 days'")
    await at_another_time(region, mine, "-25 hours")
    assert [await reminded(), await reminded()] == [1, 1]
    await at_another_time(region, mine, "-22 hours")
    assert [await reminded(), await reminded()] == [2, 2]
