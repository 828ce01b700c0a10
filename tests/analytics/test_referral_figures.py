"""Referrals counted: what counts as what, whose they are, and that the list behind a number has as many."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.conftest import REGION_ZONE
from tests.referral.region import HOOKS, OUTCOME, Region, decline_reason, down, opened, patient, up
from yilian.analytics.referrals import figures
from yilian.analytics.referrals.asked import Asked, read
from yilian.analytics.referrals.figures import FIGURES, Table, table
from yilian.analytics.referrals.listing import listing
from yilian.analytics.referrals.workbook import workbook
from yilian.errors import BadRequest, Forbidden
from yilian.fhir import urls
from yilian.fhir.dates import zone_named

ZONE = zone_named(REGION_ZONE)
YEAR = {"since": "2026-01-01", "until": "2026-12-31"}


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, HOOKS) as made:
        yield made


def asked(by: str = "institution", **words: str) -> Asked:
    return replace(read({**YEAR, **words}, ZONE, date(2026, 12, 31)), by=by)


async def counted(region: Region, who: str, by: str = "institution", **words: str) -> Table:
    async with region.db.reading() as tx:
        return await table(tx, region.scope(who), asked(by, **words))


async def listed(region: Region, who: str, figure: str, count: int = 200, cursor: str | None = None, **words: str) -> Any:
    async with region.db.reading() as tx:
        return await listing(tx, region.scope(who), asked(**words), figure, count=count, cursor=cursor)


def by_name(found: Table, figure: str = "sent") -> Mapping[str, int]:
    return {line.zh: line.numbers[figure] for line in found.lines}


async def residents(region: Region, *ids: str, at: str = "liuhe") -> None:
    people = [patient(id, "赵甲", "male", "1960-01-01", at) for id in ids]
    await region.write(*({key: value for key, value in one.items() if key != "identifier"} for one in people))


async def test_each_step_is_counted_once_and_where_it_belongs(region: Region) -> None:
    """Five referrals of one township: one comes back, one is missed and cancelled, one is declined, one is asked about, one waits."""
    await residents(region, "a", "b", "c", "d", "e")
    sent = {one: (await region.refer("gp2", up(one, "first"))) for one in "abcde"}
    request, task = sent["a"]
    region.clock.later(hours=2)
    task = await region.act("coordinator", task, "accept", practitioner="Practitioner/expert", start="2026-11-24T08:30:00+08:00")
    await region.act("coordinator", sent["c"][1], "decline", reason=decline_reason())
    region.clock.later(hours=26)
    asked_about = await region.act("coordinator", sent["d"][1], "ask", question="近期有无出血史?")
    task = await region.act("expert", task, "arrive")
    task = await region.act("expert", task, "complete", **OUTCOME)
    home, _ = await region.refer("expert", down("a", "liuhe", request))
    await region.act("gp2", asked_about, "cancel", reason={"text": "患者自行就诊"})

    found = await counted(region, "gp2")
    [line] = found.lines
    assert line.zh == "云溪市第一人民医院"
    assert line.code == "first"
    assert line.numbers == found.whole.numbers
    assert line.numbers == {
        "sent": 5, "answered": 3, "in-time": 2, "accepted": 1, "refused": 1, "booked": 0, "arrived": 1, "missed": 0, "completed": 1,
        "returned": 1, "cancelled": 1, "against-advice": 0, "open": 2, "overdue": 2,
    }  # fmt: skip
    assert line.median is not None
    assert line.median.total_seconds() == 2 * 3600
    for figure, number in line.numbers.items():
        page = await listed(region, "gp2", figure)
        assert (page.total, len(page.matches)) == (number, number), figure

    assert home["basedOn"]
    here = await counted(region, "coordinator", "direction", side="received")
    assert by_name(here) == {"上转": 5}
    assert by_name(await counted(region, "coordinator", "direction", side="sent")) == {"下转": 1}
    assert by_name(await counted(region, "coordinator", side="received")) == {"柳河镇卫生院": 5}


async def test_the_year_of_a_county_hospital_is_told_as_the_requirement_does(region: Region) -> None:
    """REF-16: 10 up, 1 back, 7 lateral, 256 received, 43 sent down: 317 together; what is critical all goes up; of twenty treated one goes
    back, 5 %."""
    await region.write({**(await region.read("system", "Organization/second")), "id": "county2", "name": "云溪县中医院", "extension": [
        {"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": "county"}}]})  # fmt: skip
    ids = [f"n{nth}" for nth in range(256)]
    await residents(region, *ids)
    received = [await region.refer("gp2", up(id, "county", priority="stat" if nth < 3 else "routine")) for nth, id in enumerate(ids)]
    for nth in range(10):
        await region.refer("county", up(ids[nth], "first", specialty="03.07", priority="stat" if nth < 4 else "routine"))
    for nth in range(10, 17):
        await region.refer("county", up(ids[nth], "county2", specialty="03.07", direction="lateral", reason="other-limits"))
    for nth in range(17, 60):
        await region.refer("county", down(ids[nth], "liuhe", specialty="03.07"))
    await region.refer("coordinator", down(ids[0], "county", specialty="03.01"))

    sent, got = await counted(region, "county", "direction"), await counted(region, "county", "direction", side="received")
    assert by_name(sent) == {"下转": 43, "上转": 10, "平级转诊": 7}
    assert by_name(got) == {"上转": 256, "下转": 1}
    assert sent.whole.numbers["sent"] + got.whole.numbers["sent"] == 317
    critical = await counted(region, "county", "direction", priority="stat")
    assert by_name(critical) == {"上转": 4}

    for nth in range(60, 80):
        request, task = received[nth]
        task = await region.act("county", task, "accept")
        task = await region.act("county", task, "arrive")
        await region.act("county", task, "complete", **OUTCOME)
        if nth == 60:
            await region.refer("county", down(ids[nth], "liuhe", request, specialty="03.01"))
    numbers = (await counted(region, "county", side="received", direction="up")).whole.numbers
    assert numbers["returned"] / numbers["completed"] == 0.05

    pages, cursor, seen = 0, None, []
    while True:
        page = await listed(region, "county", "sent", 100, cursor, side="received")
        seen += [match.id for match in page.matches]
        pages, cursor = pages + 1, page.next
        if cursor is None:
            break
    assert pages == 3
    assert len(seen) == len(set(seen)) == page.total == 257


async def test_lines_are_named_and_what_nobody_named_has_a_line_of_its_own(region: Region) -> None:
    await residents(region, "a", "b", "c")
    uncoded = up("b", "first", specialty="03.07")
    uncoded["reasonCode"] = [uncoded["reasonCode"][0], {"text": "乏力待查"}]
    await region.refer("gp2", up("a", "first"))
    await region.refer("gp2", uncoded)
    another = up("c", "first")
    another["reasonCode"][1]["coding"][0] |= {"code": "I20.8", "display": "其他型心绞痛"}
    await region.refer("gp2", another)
    found = await counted(region, "gp2", "disease")
    assert {line.code: line.numbers["sent"] for line in found.lines} == {"I20": 2, "unknown": 1}
    assert next(line.zh for line in found.lines if line.code == "unknown") == "未注明"
    assert next(line.zh for line in found.lines if line.code == "I20").endswith("等")
    assert (await listed(region, "gp2", "sent", disease="unknown")).total == 1
    assert by_name(await counted(region, "gp2", "specialty")) == {"心血管内科专业": 2, "内分泌专业": 1}
    assert by_name(await counted(region, "gp2", "month")) == {"2026年11月": 3}
    assert by_name(await counted(region, "gp2", "priority")) == {"普通": 3}


async def test_the_same_days_of_the_year_before_stand_beside(region: Region) -> None:
    await residents(region, "a", "b", "c")
    await region.refer("gp2", up("a", "first"))
    region.clock.later(days=365)
    await region.refer("gp2", up("b", "first"))
    await region.refer("gp2", up("c", "second"))
    found = await counted(region, "gp2", since="2027-11-01", until="2027-11-30")
    assert {line.zh: (line.numbers["sent"], line.before) for line in found.lines} == {
        "云溪市第一人民医院": (1, 1),
        "云溪市第二人民医院": (1, 0),
    }
    assert (found.whole.numbers["sent"], found.whole.before) == (2, 1)
    leap = read({"since": "2028-02-29", "until": "2028-02-29"}, ZONE, date(2028, 3, 1)).a_year_before()
    assert (leap.since, leap.until) == (date(2027, 2, 28), date(2027, 2, 28))


async def test_nobody_counts_what_nobody_may_see(region: Region) -> None:
    """Another institution's referrals, drafts and what still is in approval are in no number; who is no institution counts nothing."""
    await region.refer("gp", up("p1", "first"))  # waits for approval
    await region.refer("gp", up("p2", "first"), submit=False)
    await residents(region, "a")
    await region.refer("gp2", up("a", "second"))
    for who, side in (("gp", "sent"), ("gp2", "received"), ("coordinator", "received"), ("expert", "sent")):
        assert (await counted(region, who, side=side)).whole.numbers["sent"] == 0, who
    assert (await counted(region, "expert2", side="received")).whole.numbers["sent"] == 1
    for who in ("admin", "p1"):
        with pytest.raises(Forbidden):
            await counted(region, who)
        with pytest.raises(Forbidden):
            await listed(region, who, "sent")


@pytest.mark.parametrize(
    "words",
    [
        {"since": "2026-13-01"}, {"since": "2026-05-02", "until": "2026-05-01"}, {"since": "2020-01-01"}, {"side": "both"},
        {"direction": "sideways"}, {"specialty": "99.99"}, {"disease": "I2"}, {"disease": "'; drop"}, {"priority": "soon"},
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused(words: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        read({**YEAR, **words}, ZONE, date(2026, 12, 31))


async def test_the_workbook_says_the_same_numbers_and_no_name_becomes_a_formula(region: Region) -> None:
    await region.write({**(await region.read("system", "Organization/second")), "name": "=1+1"})
    await residents(region, "a", "b")
    await region.refer("gp2", up("a", "second"))
    await region.refer("gp2", up("b", "first"))
    found = await counted(region, "gp2")
    sheet = load_workbook(BytesIO(workbook(found, "柳河镇卫生院"))).active
    assert sheet is not None
    heads = [cell.value for cell in sheet[2]]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=3)}
    assert rows["=1+1"][0].data_type == "s"
    assert rows["合计"][heads.index("转诊")].value == 2
    assert len(heads) == len(FIGURES) + 2 + 5 + 3
    assert set(figures.LINES) == {"institution", "specialty", "disease", "month", "direction", "priority"}
