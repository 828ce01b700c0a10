"""A referral walked at random by whoever may act, while holds run out and desks cancel: it never leaves the road, everything written about
it agrees, no place is lost, and somebody always owes the next step."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.directory.region import service
from tests.referral.region import OUTCOME, Region, a_plan, decline_reason, down, leave_reason, state_of, up
from tests.scheduling.region import put, role, schedule, slot
from yilian.directory.offers import Settings
from yilian.errors import YilianError
from yilian.referral import following, rules, states
from yilian.referral.register import of_task
from yilian.referral.states import CLOSED, CONFINED, STATES, roads
from yilian.scheduling import bookings

EVERYBODY = ("gp", "gp-colleague", "head", "coordinator", "expert", "expert2", "p1", "county", "gp2")
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
SLOTS = ("a", "b", "echo")
MAY_BE_REFUSED = ("forward", "redirect", "hold", "book")
"""To one of the chain, or a tier the direction does not lead to; places of another house, taken ones, a second one of a day."""


def given_for(state: str, action: str, chance: random.Random, way: str = "up") -> dict[str, Any]:
    places = {"slot": [f"Slot/{id}" for id in chance.sample(SLOTS, chance.randint(1, 2))]}
    to = {"to": chance.choice(["Organization/second", "Organization/county", "Organization/first"])}
    request = up("p1", priority=chance.choice(["routine", "urgent"])) if way == "up" else down("p2", "liuhe")
    return {
        "return": {"reason": "请补充"},
        "revise": {"request": request},
        "accept": places if chance.random() < 0.2 else {},
        "decline": {"reason": decline_reason()},
        "forward": to,
        "redirect": to,
        "ask": {"question": "?"},
        "answer": {"answer": "!"},
        "hold": places,
        "book": {} if state == "held" else places,
        "plan": {"plan": a_plan()},
        "report": {"note": "好转"},
        "complete": OUTCOME,
        "cancel": {"reason": "x"},
        "stay": {"reason": "x", "informed": "y", "expert": "z"},
        "leave": {"reason": leave_reason(), "witness": "z"},
        "end": {"reason": "x"},
        "green": {"reason": "急性心肌梗死"},
    }.get(action, {})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(1, 16),
    submit=st.booleans(),
    priority=st.sampled_from(["routine", "urgent", "stat"]),
    way=st.sampled_from(["up", "up", "down"]),
    more=st.fixed_dictionaries({"automatic": st.booleans(), "direct": st.booleans()}),
)
async def test_a_random_walk_stays_on_the_road(
    region: Region, seed: int, steps: int, submit: bool, priority: str, way: str, more: dict[str, bool]
) -> None:
    chance = random.Random(seed)
    await _furnish(region, direct=more["direct"])
    asked: dict[str, Any] = {
        "submit": submit,
        "alternatives": ["Organization/second", "Organization/county"],
        "automatic": more["automatic"],
    }
    if way == "up":
        _, task = await region.refer("gp", up("p1", priority=priority), **asked)
    else:
        _, task = await region.refer("county", down("p2", "liuhe", priority=priority), submit=submit)
    for _ in range(steps):
        state = state_of(task)
        if chance.random() < 0.15:
            await _meanwhile(region, task, chance)
            before, task = state, await region.read("system", f"Task/{task['id']}")
            assert before == state_of(task) or (before, state_of(task)) in roads()
            await _agrees(region, task)
            continue
        open_to = {who: found for who in EVERYBODY if (found := await _actions(region, who, task))}
        if state in CLOSED:
            assert {action for found in open_to.values() for action in found} <= {"close", "redirect", "endorse"}
            break
        assert open_to, f"nobody can move a referral that is {state}"
        who = chance.choice(sorted(open_to))
        action = chance.choice([one for one in open_to[who] if one != "cancel"] or open_to[who])
        region.clock.later(minutes=chance.randint(1, 600))
        try:
            task = await region.act(who, task, action, **given_for(state, action, chance, way))
        except YilianError:
            assert action in MAY_BE_REFUSED or (action == "accept") or (action == "complete" and way == "down")
            await _agrees(region, await region.read("system", f"Task/{task['id']}"))
            continue
        accepted_and_booked = (state, state_of(task)) in {(one, "booked") for one in ("submitted", "received")} and action == "accept"
        assert (state, state_of(task)) in roads() or accepted_and_booked
        await _agrees(region, task)
    await _close_everything(region)


async def _furnish(region: Region, *, direct: bool) -> None:
    if "places" not in region.made:
        await put(region.db, role("cardio", "first"), role("echo", "first"))
        await put(region.db, schedule("s", "PractitionerRole/cardio"), schedule("e", "PractitionerRole/echo", "examination"))
        await put(region.db, slot("a", "s", SOON), slot("b", "s", SOON + timedelta(hours=1)), slot("echo", "e", SOON))
        await region.write(
            {
                "resourceType": "Patient",
                "id": "p2",
                "name": [{"text": "欧阳建国"}],
                "gender": "male",
                "birthDate": "1949-11-02",
                "managingOrganization": {"reference": "Organization/county"},
            }
        )
        region.made["places"] = {}
    await put(region.db, service("heart", "first", "03.04", Settings(direct_booking=direct)))


async def _meanwhile(region: Region, task: dict[str, Any], chance: random.Random) -> None:
    """What happens without anybody's acting on the referral: time passes, a desk cancels or checks in; then the referral follows."""
    row = await region.row(task)
    async with region.db.transaction() as tx:
        if row["state"] == "held":
            await tx.execute("update place set held_until = now() - interval '1 s' where held_until is not null")
            await tx.execute("update appointment set held_until = now() - interval '1 s' where state = 'held'")
        elif row["state"] == "booked" and row["appointment_id"]:
            if chance.random() < 0.5:
                await bookings.cancel(tx, region.scope("coordinator"), row["appointment_id"], "x")
            else:
                what = chance.choice(["no-show", "fulfilled"])
                await bookings.conclude(tx, region.scope("coordinator"), row["appointment_id"], what)
    async with region.db.transaction() as tx:
        await following.follow(tx, row["task_rid"])


async def _actions(region: Region, who: str, task: dict[str, Any]) -> list[str]:
    try:
        return await region.actions(who, task)
    except YilianError:
        return []


async def _agrees(region: Region, task: dict[str, Any]) -> None:
    """Row, Task and ServiceRequest say the same, the receiver sees it exactly when it was sent, and places are neither lost nor doubled."""
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
        astray = await tx.fetchval(
            """
            select count(*) from appointment a join resource r using (rid)
            where a.state in ('held', 'booked') and not exists (
                select from referral f where f.appointment_id = r.id and f.state = a.state)
            """
        )
        places = await tx.fetchval(
            "select count(*) from place p join appointment a on a.rid = p.appointment where a.state in ('cancelled', 'expired')"
        )
        referral = await of_task(tx, row["task_rid"])
        now = tx.now
    assert (confined is None) == (row["submitted_at"] is not None)
    assert live <= 1
    assert astray == places == 0
    if state.code in CONFINED:
        assert row["submitted_at"] is None
    if state.open:  # exactly one part owes the next step, and it has one to take
        assert referral is not None
        steps = [one for one in rules.legal(referral, frozenset({state.turn}), now) if one.code != "cancel"]
        assert steps
        assert steps[0].primary
        owner = referral.from_org if state.turn in (states.REFERRER, states.APPROVER) else referral.to_org
        assert owner is not None or state.code == "draft"


async def _close_everything(region: Region) -> None:
    """So that the next walk finds no referral under way, and no place taken."""
    async with region.db.reading() as tx:
        rows = await tx.fetch("select f.task_id, r.id from referral f join resource r on r.rid = f.from_org where f.closed_at is null")
    for row in rows:
        who = "gp" if row["id"] == "qingshi" else "county"
        await region.act(who, await region.read("system", f"Task/{row['task_id']}"), "cancel", reason="x")
    async with region.db.transaction() as tx:
        assert await tx.fetchval("select count(*) from appointment where state in ('held', 'booked')") == 0
        await tx.execute("update place set appointment = null, held_until = null")  # those that were used
