"""The timeline of a patient: everything clinical, newest first, over all institutions, and only what the asker may see."""

from __future__ import annotations

from typing import Any

import pytest

from tests.referral.region import Region, up
from yilian.errors import BadRequest, NotFound, NotSupported
from yilian.records.timeline import timeline
from yilian.store.page import Page


async def read(region: Region, who: str, patient: str = "p1", **more: Any) -> Page:
    async with region.db.reading() as tx:
        return await timeline(tx, region.scope(who), patient, **more)


def observation(number: int, patient: str = "p1", day: str | None = None) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"o{patient}{number:02d}",
        "status": "final",
        "code": {"text": "血糖"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    return resource | ({"effectiveDateTime": day} if day else {})


def condition(day: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"c-{day}",
        "code": {"text": "高血压"},
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": day,
    }


def clinical(page: Page) -> list[str]:
    return [one.id for one in page.matches if one.type in ("Observation", "Condition")]


async def test_the_newest_comes_first_over_all_types_and_what_has_no_date_last(region: Region) -> None:
    await region.write(
        observation(1, day="2026-01-01"), observation(2), condition("2026-06"), observation(3, day="2026-11-01T08:00:00+08:00")
    )
    page = await read(region, "gp")
    assert clinical(page) == ["op103", "c-2026-06", "op101", "op102"]
    assert page.total == len(page.matches)


async def test_pages_follow_each_other_without_gaps(region: Region) -> None:
    await region.write(*(observation(number, day=f"2026-01-{1 + number % 9:02d}") for number in range(20)), condition("2026-01-05"))
    whole = clinical(await read(region, "gp", count=100))
    walked: list[str] = []
    cursor = None
    while True:
        page = await read(region, "gp", count=4, cursor=cursor)
        assert page.total == len(whole)
        walked += [one.id for one in page.matches]
        cursor = page.next
        if cursor is None:
            break
    assert walked == whole


async def test_types_narrow_the_timeline_and_its_total(region: Region) -> None:
    await region.write(observation(1, day="2026-01-01"), condition("2026-06"))
    page = await read(region, "gp", types=("Condition",))
    assert ([one.type for one in page.matches], page.total) == (["Condition"], 1)
    with pytest.raises(NotSupported):
        await read(region, "gp", types=("Organization",))


async def test_a_strange_cursor_is_refused(region: Region) -> None:
    with pytest.raises(BadRequest):
        await read(region, "gp", cursor="nonsense")


async def test_who_has_no_ground_sees_no_timeline(region: Region) -> None:
    for who in ("gp2", "coordinator", "admin", "p2"):
        with pytest.raises(NotFound):
            await read(region, who)
    await region.write(observation(1, day="2026-01-01"))
    assert clinical(await read(region, "p1")) == ["op101"]
    await region.refer("gp", up("p1", priority="stat"))
    assert clinical(await read(region, "coordinator")) == ["op101"]


async def test_what_another_institution_keeps_to_itself_is_neither_shown_nor_counted(region: Region) -> None:
    _, sent = await region.refer("gp", up("p1", priority="stat"))
    _, draft = await region.refer("gp", up("p1", specialty="04.03"), submit=False)
    own, theirs = await read(region, "gp", types=("Task",)), await read(region, "coordinator", types=("Task",))
    assert {one.id for one in own.matches} == {sent["id"], draft["id"]}
    assert ([one.id for one in theirs.matches], theirs.total) == ([sent["id"]], 1)
    first = await read(region, "coordinator", types=("Task", "ServiceRequest"), count=1)
    assert first.total == 2
