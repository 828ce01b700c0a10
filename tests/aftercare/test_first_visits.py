"""两周内首访: due from the discharge, known to both sides, and told where it was missed, with a plan or without one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aftercare.test_follow_ups import a_visit, due, record, told
from tests.aftercare.threads import completed_up, sent_down
from tests.referral.region import Region, down
from yilian.aftercare import first_visits
from yilian.referral import marks

Resource = dict[str, Any]


def stay(end: str, house: str = "first", code: str = "IMP") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"stay-{house}-{end}-{code}",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code},
        "subject": {"reference": "Patient/p1"},
        "serviceProvider": {"reference": f"Organization/{house}"},
        "period": {"start": "2026-10-01", "end": end},
    }


async def remind(region: Region) -> int:
    async with region.db.transaction() as tx:
        return await first_visits.remind(tx)


async def missed(region: Region) -> int:
    return sum(event == "follow-up.first-missed" for event, _ in await told(region))


@pytest.mark.parametrize(
    ("stays", "day"),
    [
        ([stay("2026-11-20"), stay("2026-11-22", "county"), stay("2026-11-22", code="AMB")], "2026-12-04"),
        ([stay("2026-10-05")], "2026-12-07"),  # too long ago to be what the referral follows
        ([], "2026-12-07"),  # nobody was discharged: from the day the patient was sent down
    ],
)
async def test_the_first_visit_is_due_two_weeks_after_the_discharge(region: Region, stays: list[Resource], day: str) -> None:
    await region.write(*stays)
    task = await sent_down(region)
    assert marks.first_visit(task) == day
    assert (await due(region))[0][1] == day
    assert marks.first_visit(await region.read("expert", f"Task/{task['id']}")) == day  # the sender reads it too


async def test_a_missed_first_visit_is_told_to_both_sides_once_also_without_a_plan(region: Region) -> None:
    task = await completed_up(region)
    request = await region.read("expert", task["focus"]["reference"])
    _, back = await region.refer("expert", down("p1", "qingshi", request))
    await region.act("gp", back, "accept")
    assert await remind(region) == 0
    region.clock.later(days=15)
    for _ in range(2):
        assert await remind(region) == 1
    assert await missed(region) == 1


async def test_who_was_visited_in_time_is_not_told_of(region: Region) -> None:
    await sent_down(region)
    [(first, _), *_] = await due(region)
    await record(region, "gp", first, a_visit())
    assert "follow-up.recorded" in [event for event, _ in await told(region)]  # the hospital knows the result
    region.clock.later(days=20)
    assert await remind(region) == 0
    assert await missed(region) == 0
