"""Patient/$everything: all of one record and nothing of another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database
from yilian.errors import BadRequest, Gone, NotFound, NotSupported
from yilian.store.everything import Wish, everything, of_encounter
from yilian.store.page import Page
from yilian.store.scope import SYSTEM, Scope

START = datetime(2026, 1, 1, tzinfo=UTC)


async def page_of(db: Database, scope: Scope, id: str = "here", *, count: int = 1000, cursor: str | None = None, **wish: Any) -> Page:
    async with db.reading() as tx:
        return await everything(tx, scope, id, Wish(**wish), count=count, cursor=cursor)


def names(page: Page) -> list[str]:
    return [f"{found.type}/{found.id}" for found in page.matches]


async def record(db: Database) -> None:
    await put(db, {"resourceType": "Practitioner", "id": "gp", "name": [{"text": "李"}]})
    for n in range(5):
        await put(db, observation("here", f"o{n}", performer=[{"reference": "Practitioner/gp"}, {"reference": "Organization/qingshi"}]))
    await put(
        db,
        {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}, "subject": {"reference": "Patient/here"}},
    )
    await put(db, observation("there", "theirs"))
    await put(db, observation("here", "gone"))
    await delete(db, "Observation", "gone")


async def test_it_is_the_patient_and_all_that_is_about_the_patient(db: Database, region: Region) -> None:
    await record(db)
    page = await page_of(db, region.qingshi)
    assert names(page) == ["Patient/here", "Encounter/e", *(f"Observation/o{n}" for n in range(5))]
    assert [f"{found.type}/{found.id}" for found in page.included] == ["Organization/qingshi", "Practitioner/gp"]
    assert (page.total, page.next) == (7, None)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
async def test_pages_together_are_everything(db: Database, region: Region, count: int) -> None:
    await record(db)
    whole = names(await page_of(db, region.qingshi))
    found: list[str] = []
    following = None
    while True:
        page = await page_of(db, region.qingshi, count=count, cursor=following)
        assert 0 < len(page.matches) <= count
        found += names(page)
        if page.next is None:
            break
        assert page.total is None
        following = page.next
    assert found == whole


async def test_types_narrow_it_and_what_goes_with_it(db: Database, region: Region) -> None:
    await record(db)
    page = await page_of(db, region.qingshi, types=("Observation", "Practitioner"))
    assert names(page) == [f"Observation/o{n}" for n in range(5)]
    assert [found.id for found in page.included] == ["gp"]
    with pytest.raises(NotSupported):
        await page_of(db, region.qingshi, types=("Observations",))


async def test_since_leaves_out_what_was_not_touched(db: Database, region: Region) -> None:
    db.clock = lambda: START + timedelta(days=400 * 10)
    await record(db)
    db.clock = lambda: START + timedelta(days=400 * 11)
    await put(db, observation("here", "o3", status="amended"))
    page = await page_of(db, region.qingshi, since=START + timedelta(days=400 * 10 + 1))
    assert names(page) == ["Observation/o3"]


async def test_it_is_for_those_who_may_read_the_patient(db: Database, region: Region) -> None:
    await record(db)
    for id in ("here", "nobody"):
        with pytest.raises(NotFound):
            await page_of(db, region.liuhe, id)
    assert names(await page_of(db, SYSTEM))[0] == "Patient/here"
    resident = Scope("self", "r", "Patient/here", "r", patient_rid=region.qingshi_patient.rid)
    assert len((await page_of(db, resident)).matches) == 7


async def test_a_deleted_patient_is_gone(db: Database) -> None:
    await put(db, patient("p"))
    await delete(db, "Patient", "p")
    with pytest.raises(Gone):
        await page_of(db, SYSTEM, "p")


async def test_a_strange_cursor_is_refused(db: Database, region: Region) -> None:
    with pytest.raises(BadRequest):
        await page_of(db, region.qingshi, cursor="nonsense")


async def test_a_time_of_care_leaves_out_what_was_at_another_but_not_what_has_none(db: Database, region: Region) -> None:
    undated = observation("here", "undated")
    del undated["effectiveDateTime"]
    await put(db, undated)
    await put(db, {**undated, "id": "before", "effectiveDateTime": "2025-12-31"})
    await put(db, {**undated, "id": "within", "effectivePeriod": {"start": "2025-12-01", "end": "2026-01-02T00:00:00Z"}})
    await put(db, {**undated, "id": "after", "effectiveDateTime": "2026-02-01T00:00:00Z"})
    page = await page_of(db, region.qingshi, types=("Observation",), start=START, end=START + timedelta(days=20))
    assert sorted(names(page)) == ["Observation/undated", "Observation/within"]
    page = await page_of(db, region.qingshi, types=("Observation",), start=START + timedelta(days=20))
    assert sorted(names(page)) == ["Observation/after", "Observation/undated"]


async def test_an_encounter_comes_with_all_that_belongs_to_it(db: Database, region: Region) -> None:
    await record(db)
    here = {"encounter": {"reference": "Encounter/e"}}
    for n in range(3):
        await put(db, observation("here", f"x{n}", **here))
    async with db.reading() as tx:
        page = await of_encounter(tx, region.qingshi, "e")
        assert names(page) == ["Encounter/e", "Observation/x0", "Observation/x1", "Observation/x2"]
        assert "Patient/here" in [f"{found.type}/{found.id}" for found in page.included]
        assert page.total == 4
        found: list[str] = []
        following = None
        while True:
            page = await of_encounter(tx, region.qingshi, "e", count=2, cursor=following)
            found += names(page)
            following = page.next
            if following is None:
                break
        assert found == ["Encounter/e", "Observation/x0", "Observation/x1", "Observation/x2"]
        with pytest.raises(NotFound):
            await of_encounter(tx, region.liuhe, "e")
