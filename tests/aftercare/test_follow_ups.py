"""The visits after a down-referral: dated, made, told to the hospital that sent the patient down."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aftercare.threads import dated, sent_down
from tests.referral.region import OUTCOME, Region
from yilian.aftercare import follow_ups, form, lists
from yilian.aftercare.form import Visit
from yilian.aftercare.plan import visits
from yilian.errors import Conflict, Forbidden, InvalidResource, NotFound
from yilian.store.change import Change
from yilian.store.page import Page
from yilian.store.write import write

Resource = dict[str, Any]
TODAY = date(2026, 11, 23)


def a_visit(**more: Any) -> Visit:
    fields: dict[str, Any] = {"on": TODAY, "way": "clinic", "measures": {"systolic": Decimal(132), "diastolic": Decimal(80)}}
    return Visit(**(fields | more))


async def listed(region: Region, who: str, name: str = "due", **more: Any) -> Page:
    async with region.db.reading() as tx:
        return await lists.follow_ups(tx, region.scope(who), name, **more)


async def due(region: Region, who: str = "gp", name: str = "due") -> list[tuple[str, str]]:
    """(task id, day) of a list."""
    page = await listed(region, who, name)
    tasks = [await region.read("system", f"Task/{one.id}") for one in page.matches]
    return [(task["id"], task["restriction"]["period"]["end"]) for task in tasks]


async def record(region: Region, who: str, task: str, visit: Visit) -> follow_ups.Recorded:
    async with region.db.transaction() as tx:
        return await follow_ups.record(tx, region.scope(who), task, visit)


async def told(region: Region) -> list[tuple[str, str]]:
    async with region.db.reading() as tx:
        return [(row["event"], row["about"]) for row in await tx.fetch("select event, about from message order by 1, 2")]


async def test_a_plan_without_days_has_the_visits_of_the_policy_and_the_first_within_two_weeks(region: Region) -> None:
    await sent_down(region)
    found = await due(region)
    assert [day for _, day in found] == ["2026-12-07", "2026-12-21", "2027-02-21"]
    task = await region.read("gp", f"Task/{found[0][0]}")
    assert task["requester"]["display"] == "云溪市第一人民医院"
    assert task["owner"]["display"] == "青石镇卫生院"
    assert (await listed(region, "gp")).included[0].type == "Patient"
    assert len(await due(region, "coordinator", "sent")) == 3
    assert await due(region, "gp2") == []
    assert len(await due(region, "p1")) == 3


async def test_the_days_a_plan_names_are_the_visits_and_a_late_first_one_is_refused(region: Region) -> None:
    with pytest.raises(InvalidResource, match="within 14 days"):
        await sent_down(region, plan=dated("2026-12-20"))
    assert await due(region) == []


async def test_a_named_day_stands(region: Region) -> None:
    await sent_down(region, plan=dated("2026-11-30", "2026-12-20"))
    assert [day for _, day in await due(region)] == ["2026-11-30", "2026-12-20"]


async def test_a_visit_is_in_the_record_done_and_told_to_the_sender(region: Region) -> None:
    await sent_down(region)
    [(first, _), *_] = await due(region)
    made = await record(
        region, "gp", first, a_visit(measures={"systolic": Decimal(136), "diastolic": Decimal(84), "fastingGlucose": Decimal("6.8")},
                                     symptoms=("none",), adherence="regular", assessment="controlled", next_on=date(2026, 12, 14))
    )  # fmt: skip
    assert (made.alarms, made.proposal) == ((), None)
    assert made.task["status"] == "completed"
    values = [one["valueReference"]["reference"] for one in made.task["output"]]
    resources = [await region.read("expert", reference) for reference in values]  # the sender reads them
    assert sorted(one["resourceType"] for one in resources) == ["Observation", "Observation", "QuestionnaireResponse"]
    pressure = next(one for one in resources if "component" in one)
    assert [part["valueQuantity"]["value"] for part in pressure["component"]] == [136, 84]
    assert ("follow-up.recorded", f"Task/{first}") in await told(region)
    assert [day for _, day in await due(region)] == ["2026-12-14", "2027-02-21"], "the next one was moved"
    with pytest.raises(Conflict):
        await record(region, "gp", first, a_visit())


async def test_an_alarming_value_proposes_the_way_back_up(region: Region) -> None:
    await sent_down(region)
    [(first, _), *_] = await due(region)
    made = await record(region, "gp", first, a_visit(measures={"systolic": Decimal(186), "diastolic": Decimal(112)}, symptoms=("chest",)))
    assert made.alarms == ("收缩压 186 mmHg,达到 180", "舒张压 112 mmHg,达到 110", "症状:心悸胸闷")
    assert made.proposal is not None
    proposal = {key: value for key, value in made.proposal.items() if key not in ("status", "intent")}
    assert ("follow-up.alarm", f"Task/{first}") in await told(region)
    back = await region.act("gp", await region.read("gp", await of_visit(region, first)), "arrive")
    await region.act("gp", back, "complete", **OUTCOME)
    _, task = await region.refer("gp", proposal)  # what is proposed can be sent as it is
    assert task["owner"]["display"] == "云溪市第一人民医院"


async def of_visit(region: Region, task: str) -> str:
    """The down-referral a visit belongs to."""
    async with region.db.reading() as tx:
        sql = "select t.id from follow_up f join resource v on v.rid = f.task_rid join resource t on t.rid = f.referral where v.id = $1"
        return f"Task/{await tx.fetchval(sql, task)}"


async def test_only_doctors_of_the_visiting_house_record_and_nobody_writes_around(region: Region) -> None:
    await sent_down(region)
    [(first, _), *_] = await due(region)
    for who, error in (("expert", Forbidden), ("gp2", NotFound), ("p1", Forbidden)):
        with pytest.raises(error):
            await record(region, who, first, a_visit())
    task = await region.read("gp", f"Task/{first}")
    with pytest.raises(Conflict):
        async with region.db.transaction() as tx:
            await write(tx, region.scope("gp"), [Change("PUT", "Task", first, {**task, "status": "completed"})])


async def test_what_was_mistyped_is_refused_whole(region: Region) -> None:
    await sent_down(region)
    [(first, _), *_] = await due(region)
    bad = a_visit(on=TODAY + timedelta(days=2), measures={"systolic": Decimal(80), "diastolic": Decimal(130), "weight": Decimal(700)})
    with pytest.raises(InvalidResource) as caught:
        await record(region, "gp", first, bad)
    assert {issue.expression.split("'")[1] for issue in caught.value.issues} == {"on", "weight", "diastolic"}
    assert len(await due(region)) == 3


async def test_who_was_not_reached_stays_due_and_who_died_is_visited_no_more(region: Region) -> None:
    await sent_down(region)
    [(first, _), *_] = await due(region)
    made = await record(region, "gp", first, a_visit(measures={}, outcome="paused", next_on=date(2026, 11, 25)))
    assert made.task["status"] == "requested"
    assert (await due(region))[0] == (first, "2026-11-25")
    patient = await region.read("system", "Patient/p1")
    await region.write({**patient, "deceasedDateTime": "2026-11-24"})
    assert await due(region) == []
    assert (await region.read("gp", f"Task/{first}"))["status"] == "cancelled"


async def test_overdue_is_listed_and_told_once(region: Region) -> None:
    await sent_down(region)
    assert await due(region, name="overdue") == []
    region.clock.later(days=15)
    assert [day for _, day in await due(region, name="overdue")] == ["2026-12-07"]
    for _ in range(2):
        async with region.db.transaction() as tx:
            await follow_ups.remind(tx)
    assert sum(event == "follow-up.overdue" for event, _ in await told(region)) == 1


async def test_the_lists_are_paged_and_counted(region: Region) -> None:
    await sent_down(region, plan=dated("2026-11-25", "2026-11-27", "2026-11-29", "2026-12-01"))
    first = await listed(region, "gp", count=3)
    assert (first.total, len(first.matches)) == (4, 3)
    second = await listed(region, "gp", count=3, cursor=first.next)
    assert second.next is None
    assert len({one.id for one in (*first.matches, *second.matches)}) == 4
    async with region.db.reading() as tx:
        assert await lists.counts(tx, region.scope("gp")) == {"overdue": 0, "due": 4, "sent": 0, "today": 0}


async def test_the_rate_of_first_visits_within_two_weeks_is_counted(region: Region) -> None:
    await sent_down(region, "p1")
    await sent_down(region, "p2")
    [(first, _), *_] = await due(region)
    region.clock.later(days=5)
    await record(region, "gp", first, a_visit(on=TODAY + timedelta(days=5)))
    region.clock.later(days=12)
    async with region.db.reading() as tx:
        [rate] = await lists.first_visits(tx, TODAY, TODAY)
    assert (rate.institution, rate.sent, rate.in_time) == (region.rids["Organization/qingshi"], 2, 1)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sent=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    late=st.integers(0, 60),
    days=st.lists(st.integers(0, 400), max_size=6),
    named=st.lists(st.integers(0, 14), max_size=6),
)
def test_visits_lie_in_order_once_a_day_and_never_before_today(sent: date, late: int, days: list[int], named: list[int]) -> None:
    today = sent + timedelta(days=late)
    plan = dated(*((sent + timedelta(days=n)).isoformat() for n in named))
    found = visits(plan, sent, today, days, 14)
    assert found == sorted(set(found))
    assert all(day >= today for day in found)
    assert bool(found) == bool(named or days)


def test_the_form_has_a_word_for_every_code_and_no_code_twice() -> None:
    codes = [code for _, table in form.CODED.values() for code in table]
    assert len(codes) == len(set(codes))
