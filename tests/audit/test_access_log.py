"""Who had to do with a record, by the day: whole days, one line for a person and a ground, and only what the asker may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.audit.conftest import Region, observation
from yilian import validation
from yilian.audit import access_log, events
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir.json import parse
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo("Asia/Shanghai")
Json = dict[str, Any]


async def lines(region: Region, scope: Scope, patient: str = "here", **more: Any) -> tuple[list[Json], str | None]:
    async with region.db.transaction() as tx:
        page = await access_log.lines(tx, scope, patient, zone=ZONE, base="https://x/fhir", **more)
    return [parse(one.body) for one in page.matches], page.next


def times(line: Json) -> int:
    return int(next(one["valuePositiveInt"] for one in line["extension"] if one["url"] == access_log.COUNT))


def kinds(line: Json) -> list[str]:
    return [one["name"] for one in line["entity"] if "name" in one]


def by_whom(line: Json) -> str:
    return str(next(agent["name"] for agent in line["agent"] if agent["requestor"] and agent.get("name")))


def privacy_of(region: Region, doctor: Scope) -> Scope:
    name = f"officer-beside-{doctor.user}"
    return replace(doctor, reach="nothing", user=name, agent=f"Practitioner/{name}", name=name, roles=frozenset({"privacy"}))


@pytest.fixture
async def told(region: Region) -> Region:
    """For three days gp reads `here` twice a day; on the last gp2 and gp write about their own patients."""
    region.clock.now = datetime(2026, 3, 2, 9, tzinfo=ZONE)
    await region.put(observation("o1", "here"), region.gp)
    log = region.log()
    for day in range(3):
        for _ in range(2):
            await note_read(log, region.gp, await region.stored(region.gp, "Observation", "o1"), "read")
            await note_read(log, region.gp, await region.stored(region.gp, "Patient", "here"), "everything")
            region.clock.move(hours=1)
        region.clock.now = datetime(2026, 3, 3 + day, 9, tzinfo=ZONE)
    await log.close()
    await region.put(observation("o2", "there"), region.gp2)
    return region


async def test_what_somebody_did_in_a_day_is_one_line_with_how_often_and_what_of(told: Region) -> None:
    found, more = await lines(told, told.resident)
    assert more is None
    days = [datetime.fromisoformat(line["recorded"]).astimezone(ZONE).date() for line in found]
    reads = [line for line in found if line["action"] == "R" and by_whom(line) == "gp 医生"]
    assert days == sorted(days, reverse=True)
    assert [times(line) for line in reads] == [4, 4, 4]
    assert all(kinds(line) == ["Observation", "Patient"] for line in reads)
    assert all(
        timedelta(minutes=59) < datetime.fromisoformat(line["period"]["end"]) - datetime.fromisoformat(line["period"]["start"])
        for line in reads
    )
    assert ["C", "U"].count(next(line["action"] for line in found if line["action"] not in "R")) == 1
    agents = [agent["who"] for line in reads for agent in line["agent"]]
    assert {who["display"] for who in agents if who.get("reference") == "Organization/qingshi"} == {"qingshi"}


async def test_a_line_is_a_valid_resource_whose_id_leads_to_its_last_event(told: Region) -> None:
    found, _ = await lines(told, told.resident)
    for line in found:
        assert [issue for issue in validation.issues(line) if issue.severity == "error"] == []
        async with told.db.reading() as tx:
            last = parse((await events.by_id(tx, told.resident, line["id"])).body)
        assert last["recorded"] == line["recorded"]


async def test_pages_are_whole_days_and_together_everything_once(told: Region) -> None:
    whole, _ = await lines(told, told.resident)
    seen: list[Json] = []
    cursor, pages = "", 0
    while True:
        page, more = await lines(told, told.resident, count=1, cursor=cursor)
        assert len({datetime.fromisoformat(line["recorded"]).astimezone(ZONE).date() for line in page}) == 1
        seen += page
        pages += 1
        if more is None:
            break
        assert date.fromisoformat(more)
        cursor = more
    assert pages >= 3
    assert [line["id"] for line in seen] == [line["id"] for line in whole]


async def test_what_lies_months_back_is_found_without_the_days_between(told: Region) -> None:
    told.clock.now = datetime(2026, 9, 1, 9, tzinfo=ZONE)
    log = told.log()
    await note_read(log, told.gp, await told.stored(told.gp, "Observation", "o1"), "read")
    await log.close()
    found, more = await lines(told, told.resident)
    assert more is None
    assert sum(times(line) for line in found if line["action"] == "R") == 13


async def test_everybody_sees_what_may_be_seen_of_the_trail_and_no_more(told: Region) -> None:
    house, _ = await lines(told, privacy_of(told, told.gp))
    own, _ = await lines(told, told.gp)
    assert {by_whom(line) for line in own} == {"gp 医生"}
    assert [line["id"] for line in own] == [line["id"] for line in house]
    assert (await lines(told, told.gp2))[0] == []
    assert (await lines(told, told.resident, "there"))[0] == []
    assert (await lines(told, told.admin))[0] == []
    assert (await lines(told, privacy_of(told, told.gp2)))[0] == []
    assert (await lines(told, SYSTEM, "nobody"))[0] == []


async def test_the_resident_learns_no_account_address_or_words_of_a_query(told: Region) -> None:
    found, _ = await lines(told, told.resident)
    for line in found:
        assert not [agent for agent in line["agent"] if "altId" in agent or agent.get("network", {}).get("address", "").startswith("10.")]
        assert not [entity for entity in line.get("entity", []) if "query" in entity]


async def test_who_is_not_the_patient_leaves_a_trace_of_looking_and_names_the_patient_only_where_known(told: Region) -> None:
    officer = privacy_of(told, told.gp)
    await lines(told, told.resident)
    await lines(told, officer)
    await lines(told, officer, "there")
    rows = await told.rows("operation = 'access-log'")
    assert [(row["account"], row["patient"]) for row in rows] == [(officer.user, told.resident.patient_rid), (officer.user, None)]


async def test_the_privacy_officer_sees_the_trail_of_the_own_institution_in_full(told: Region) -> None:
    officer = privacy_of(told, told.gp)
    async with told.db.transaction() as tx:
        page = await events.search(tx, officer, [("_count", "1000")], zone=ZONE)
        named = await events.search(tx, officer, [("agent-name:contains", "医"), ("_count", "1000")], zone=ZONE)
        begun = await events.search(tx, officer, [("agent-name", "GP"), ("_count", "1000")], zone=ZONE)
    rows = await told.rows("institution = 'Organization/qingshi'")
    assert {one.rid for one in page.matches} == {
        row["seq"] for row in rows if row["operation"] != "access-log" and row["account"] != officer.user
    }
    assert {one.rid for one in named.matches} == {one.rid for one in begun.matches} == {one.rid for one in page.matches}
    assert any(agent.get("altId") == "gp" for agent in parse(page.matches[0].body)["agent"])


@pytest.mark.parametrize("cursor", ["x", "2026-13-01", "2026-02-30", "1.2"])
async def test_a_cursor_of_another_search_is_refused(told: Region, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await lines(told, told.resident, cursor=cursor)
