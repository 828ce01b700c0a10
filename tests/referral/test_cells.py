"""Each cell of state, action and person, at the commands and on a real database: allowed by the table or refused for the right reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.referral.region import OUTCOME, Region, a_plan, act_parameters, decline_reason, leave_reason, state_of, up, version_of
from tests.scheduling.region import put, role, schedule, slot
from yilian import referral
from yilian.errors import Forbidden, NotFound
from yilian.referral import states
from yilian.referral.commands import NotLegalNow
from yilian.referral.states import ACTIONS, CONFINED, ROWS

Task = dict[str, Any]
PEOPLE = {
    # who           their part in a referral of `gp` to the city hospital; {} for none
    "gp": {"referrer"},
    "gp-colleague": {"referrer"},
    "head": {"approver"},
    "coordinator": {"receiver"},
    "expert": {"receiver"},
    "p1": {"patient"},
    "pharmacist": set(),
    "office": set(),
    "gp2": set(),
    "expert2": set(),
    "admin": set(),
    "p3": set(),
}
STRANGERS = {"gp2", "expert2", "admin", "p3"}
RECEIVING = {"coordinator", "expert", "pharmacist", "office"}


async def places(region: Region) -> None:
    """Two free places of a cardiologist at the city hospital."""
    soon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
    await put(region.db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio"))
    await put(region.db, slot("a", "s", soon), slot("b", "s", soon + timedelta(hours=24)))


async def draft(region: Region) -> Task:
    return (await region.refer("gp", submit=False))[1]


async def in_approval(region: Region) -> Task:
    return (await region.refer("gp"))[1]


async def submitted(region: Region) -> Task:
    return (await region.refer("gp", up("p1", priority="stat")))[1]


async def received(region: Region) -> Task:
    return await region.act("coordinator", await submitted(region), "receive")


async def need_info(region: Region) -> Task:
    return await region.act("coordinator", await submitted(region), "ask", question="?")


async def accepted(region: Region) -> Task:
    await places(region)
    return await region.act("coordinator", await submitted(region), "accept")


async def held(region: Region) -> Task:
    return await region.act("coordinator", await accepted(region), "hold", slot="Slot/a")


async def booked(region: Region) -> Task:
    return await region.act("coordinator", await held(region), "book")


async def deferred(region: Region) -> Task:
    return await region.act("coordinator", await accepted(region), "defer")


async def no_show(region: Region) -> Task:
    task = await booked(region)
    region.clock.now = datetime.now(UTC) + timedelta(hours=31)  # its time has come
    return await region.act("coordinator", task, "no-show")


async def arrived(region: Region) -> Task:
    return await region.act("coordinator", await accepted(region), "arrive")


async def completed(region: Region) -> Task:
    return await region.act("expert", await arrived(region), "complete", **OUTCOME)


async def declined(region: Region) -> Task:
    return await region.act("coordinator", await submitted(region), "decline", reason=decline_reason())


async def referred_onward(region: Region) -> Task:
    return await region.act("coordinator", await submitted(region), "forward", to="Organization/second")


async def cancelled(region: Region) -> Task:
    return await region.act("gp", await submitted(region), "cancel", reason="患者要求")


async def in_place(region: Region) -> Task:
    return await region.act("gp", await accepted(region), "stay", reason="血压不稳", informed="女儿李红")


async def against_advice(region: Region) -> Task:
    return await region.act("gp", await submitted(region), "leave", reason=leave_reason(), witness="护士王丽")


REACHED: dict[str, Callable[[Region], Awaitable[Task]]] = {
    "draft": draft,
    "in-approval": in_approval,
    "submitted": submitted,
    "received": received,
    "need-info": need_info,
    "accepted": accepted,
    "held": held,
    "booked": booked,
    "deferred": deferred,
    "no-show": no_show,
    "arrived": arrived,
    "completed": completed,
    "declined": declined,
    "referred-onward": referred_onward,
    "cancelled": cancelled,
    "in-place": in_place,
    "against-advice": against_advice,
}

GIVEN: dict[str, Callable[[], dict[str, Any]]] = {
    "revise": lambda: {"request": up("p1", specialty="04.03")},
    "return": lambda: {"reason": "请补充"},
    "decline": lambda: {"reason": decline_reason()},
    "forward": lambda: {"to": "Organization/second"},
    "ask": lambda: {"question": "?"},
    "answer": lambda: {"answer": "!"},
    "redirect": lambda: {"to": "Organization/second"},
    "hold": lambda: {"slot": "Slot/b"},
    "book": lambda: {"slot": "Slot/b"},
    "plan": lambda: {"plan": a_plan()},
    "report": lambda: {"findings": "x"},
    "complete": lambda: OUTCOME,
    "cancel": lambda: {"reason": "x"},
    "stay": lambda: {"reason": "x", "informed": "y"},
    "leave": lambda: {"reason": leave_reason(), "witness": "z"},
    "end": lambda: {"reason": "x"},
    "green": lambda: {"reason": "急性心肌梗死"},
}


ELSEWHERE = ("down", "begun", "marked")
"""Conditions that do not hold here: these are up-referrals of the living, and their appointments are still to come."""


class _Undo(Exception):
    """Rolls an allowed step back, so that the next cell starts from the same state."""


@pytest.mark.parametrize("state", REACHED)
async def test_each_person_may_take_the_steps_of_the_table_and_no_others(region: Region, state: str) -> None:
    task = await REACHED[state](region)
    assert state_of(task) == state
    for who, parts in PEOPLE.items():
        hidden = who in STRANGERS and not (who == "expert2" and state == "referred-onward")
        hidden = hidden or (state in CONFINED and who in RECEIVING | {"p1"})
        allowed = {row.action for row in ROWS if state in row.start and parts & set(row.who) and row.when not in ELSEWHERE}
        if hidden:
            with pytest.raises(NotFound):
                await region.actions(who, task)
        else:
            assert set(await region.actions(who, task)) == allowed
        for action in ACTIONS:
            outcome = await _try(region, who, task, action)
            row = states.row(state, action)
            if hidden:
                assert outcome is NotFound, (who, action)
            elif row is None or row.when in ELSEWHERE:
                assert outcome is NotLegalNow, (who, action)
            elif action in allowed:
                assert outcome in row.end, (who, action)
            else:
                assert outcome is Forbidden, (who, action)


async def _try(region: Region, who: str, task: Task, action: str) -> Any:
    """The state a step led to, or the class of the error it met. Nothing is kept."""
    done: Task = {}
    try:
        async with region.db.transaction() as tx:
            given = act_parameters(action, **({} if (state_of(task), action) == ("held", "book") else GIVEN.get(action, dict)()))
            done = await referral.act(tx, region.scope(who), task["id"], version_of(task), given)
            raise _Undo
    except _Undo:
        return state_of(done)
    except (NotFound, NotLegalNow, Forbidden) as error:
        return type(error)
