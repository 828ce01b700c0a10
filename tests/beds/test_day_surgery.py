"""日间手术占择期手术的比例."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.beds.places import bed, encounter, stay, ward
from tests.referral.region import Region
from yilian.beds import day_surgery
from yilian.beds.day_surgery import OPERATION, Share
from yilian.errors import BadRequest
from yilian.search.parameters import parameters_of

Json = dict[str, Any]
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
THEN = datetime(2026, 11, 10, 1, tzinfo=UTC)


def operated(id: str, *stays: Json, code: str = "47.01", status: str = "completed", at: str = "first", **more: Any) -> list[Json]:
    period = {"start": THEN.isoformat(), "end": (THEN + timedelta(hours=9)).isoformat()}
    visit = encounter(id, "p1", *stays, status="finished", at=at) | {"period": period, **more}
    done = {
        "resourceType": "Procedure", "id": f"{id}-op", "status": status, "code": {"coding": [{"system": OPERATION, "code": code}]},
        "subject": {"reference": "Patient/p1"}, "encounter": {"reference": f"Encounter/{id}"},
    }  # fmt: skip
    return [visit, done]


async def share(region: Region, house: str = "first") -> Share:
    async with region.db.reading() as tx:
        return await day_surgery.share(tx, region.rids[f"Organization/{house}"], *NOVEMBER)


def of_class(code: str) -> Json:
    return {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}}


async def test_only_what_was_planned_and_is_an_operation_counts(region: Region) -> None:
    assert (await share(region)).share is None
    await region.write(ward("day", kind="day"), bed("chair", "day"))
    leaves = THEN + timedelta(hours=9)
    urgent = {"priority": {"coding": [{"code": "EM"}]}}
    through_emergency = {"hospitalization": {"admitSource": {"coding": [{"code": "emd"}]}}}
    late = {"period": {"start": "2026-10-01", "end": "2026-12-02"}}
    await region.write(
        *operated("whole"), *operated("short", **of_class("SS")), *operated("chair", stay("chair", THEN, leaves, "completed")),
        *operated("another"),
        *operated("urgent", **urgent), *operated("emergency", **through_emergency), *operated("late", **late),
        *operated("acupuncture", code="99.92"), *operated("stopped", status="stopped"), *operated("ambulant", **of_class("AMB")),
        *operated("elsewhere", at="second"),
    )  # fmt: skip
    assert await share(region) == Share(elective=4, day=2)
    assert (await share(region)).share == 0.5
    assert (await share(region, "second")).share == 0
    with pytest.raises(BadRequest):
        async with region.db.reading() as tx:
            await day_surgery.share(tx, 1, NOVEMBER[1], NOVEMBER[0])


def test_the_number_in_the_statement_is_that_of_the_parameter() -> None:
    assert f"i.param = {parameters_of('Procedure')['encounter'].id}" in day_surgery.FIND
