"""Random walks through real referrals: they never leave the table, and no patient is ever lost on the way."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.referral.region import OUTCOME, Region, a_plan, decline_reason, state_of, up
from yilian.errors import YilianError
from yilian.referral.states import CLOSED, CONFINED, STATES, roads

EVERYBODY = ("gp", "gp-colleague", "head", "coordinator", "expert", "expert2", "p1", "county", "gp2")


def given_for(action: str, chance: random.Random) -> dict[str, Any]:
    return {
        "return": {"reason": "请补充"},
        "revise": {"request": up("p1", priority=chance.choice(["routine", "urgent"]))},
        "decline": {"reason": decline_reason()},
        "forward": {"to": chance.choice(["Organization/second", "Organization/county", "Organization/first"])},
        "ask": {"question": "?"},
        "answer": {"answer": "!"},
        "plan": {"plan": a_plan()},
        "report": {"note": "好转"},
        "complete": OUTCOME,
        "cancel": {"reason": "x"},
    }.get(action, {})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 14), submit=st.booleans(), priority=st.sampled_from(["routine", "urgent", "stat"]))
async def test_a_random_walk_stays_on_the_road(region: Region, seed: int, steps: int, submit: bool, priority: str) -> None:
    chance = random.Random(seed)
    _, task = await region.refer("gp", up("p1", priority=priority), submit=submit)
    for _ in range(steps):
        state = state_of(task)
        open_to = {who: found for who in EVERYBODY if (found := await _actions(region, who, task))}
        if state in CLOSED:
            assert {action for found in open_to.values() for action in found} <= {"close"}
            break
        assert open_to, f"nobody can move a referral that is {state}"
        who = chance.choice(sorted(open_to))
        action = chance.choice([one for one in open_to[who] if one != "cancel"] or open_to[who])
        region.clock.later(minutes=chance.randint(1, 600))
        try:
            task = await region.act(who, task, action, **given_for(action, chance))
        except YilianError:
            assert action == "forward"  # to one of the chain, or to a tier the direction does not lead to
            continue
        assert (state, state_of(task)) in roads()
        await _agrees(region, task)
    await _close_everything(region)


async def _actions(region: Region, who: str, task: dict[str, Any]) -> list[str]:
    try:
        return await region.actions(who, task)
    except YilianError:
        return []


async def _agrees(region: Region, task: dict[str, Any]) -> None:
    """Row, Task and ServiceRequest say the same, and the receiver sees it exactly when it was sent."""
    row, state = await region.row(task), STATES[state_of(task)]
    request = await region.read("system", task["focus"]["reference"])
    assert row["state"] == state.code
    assert task["status"] == state.task
    assert request["status"] == ("revoked" if row["acknowledged_at"] else state.request)
    assert (row["closed_at"] is None) == state.open
    assert str(row["task_ver"]) == task["meta"]["versionId"]
    assert str(row["request_ver"]) == request["meta"]["versionId"]
    async with region.db.reading() as tx:
        confined = await tx.fetchval("select confined from resource where rid = $1", row["task_rid"])
        live = await tx.fetchval(
            "select count(*) from referral where patient = $1 and closed_at is null and state <> 'draft'", row["patient"]
        )
    assert (confined is None) == (row["submitted_at"] is not None)
    assert live <= 1
    if state.code in CONFINED:
        assert row["submitted_at"] is None


async def _close_everything(region: Region) -> None:
    """So that the next walk finds no referral under way."""
    async with region.db.reading() as tx:
        rows = await tx.fetch("select task_id from referral where closed_at is null")
    for row in rows:
        await region.act("gp", await region.read("system", f"Task/{row['task_id']}"), "cancel", reason="x")
