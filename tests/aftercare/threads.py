"""What the tests of this room start from: patients sent up and down again."""

from __future__ import annotations

from typing import Any

from tests.referral.region import OUTCOME, Region, a_plan, down, up

Resource = dict[str, Any]


async def completed_up(region: Region, patient: str = "p1") -> Resource:
    """An up-referral of a patient of 青石镇卫生院, completed."""
    _, task = await region.refer("gp", up(patient, priority="stat", reason="critical-beyond-capability"))
    task = await region.act("coordinator", task, "accept")
    task = await region.act("coordinator", task, "arrive")
    return await region.act("expert", task, "complete", **OUTCOME)


async def sent_down(region: Region, patient: str = "p1", plan: Resource | None = None, **more: Any) -> Resource:
    """The down-referral that answers it, accepted with a plan."""
    task = await completed_up(region, patient)
    request = await region.read("expert", task["focus"]["reference"])
    region.clock.later(minutes=1)
    _, back = await region.refer("expert", down(patient, "qingshi", request, **more))
    return await region.act("gp", back, "accept", plan=plan or a_plan())


def dated(*days: str) -> Resource:
    """A plan with visits on these days."""
    detail = [{"detail": {"status": "scheduled", "description": "随访", "scheduledTiming": {"event": [day]}}} for day in days]
    return {**a_plan(), "activity": detail}
