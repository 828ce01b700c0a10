"""What `$actions` tells a user of a referral: the steps that are open to them now, when time alone will change these, and who was told that
it is late. Nothing is written here; `commands.act` takes the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.errors import BadRequest
from yilian.referral import alarms, approvals, booking, green_channel, proposals, register, rules, states
from yilian.referral.parameters import Allowed, LegalAction
from yilian.referral.register import Referral
from yilian.store import members, read
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx


async def actions(tx: Tx, scope: Scope, task_id: str) -> Allowed:
    """`$actions`: what this user may do with this referral now, and what goes with it. Writes nothing. Raises NotFound; BadRequest for a
    Task that is none."""
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, stored.rid)
    if referral is None:
        raise no_referral(task_id)
    alarmed = await alarms.told(tx, referral.task_rid) if _is_of_a_side(scope, referral) else []
    if not writes(scope):
        return Allowed([], alarmed, tx.now)
    mine = await parts(tx, scope, referral)
    now_legal = await proposals.complete(tx, referral, mine, await legal(tx, scope, referral, mine))
    return Allowed(now_legal, alarmed, tx.now, rules.changes_at(referral, mine, tx.now))


def _is_of_a_side(scope: Scope, referral: Referral) -> bool:
    """Whether somebody of the sender or the receiver asks; alarms are the houses' own matter, not the patient's."""
    return scope.reach == "grounds" and scope.institution_rid in (referral.from_org, referral.to_org)


async def legal(tx: Tx, scope: Scope, referral: Referral, mine: frozenset[str]) -> list[LegalAction]:
    """What these parts may do, without the green channel where it is not this person's to press."""
    legal = rules.legal(referral, mine, tx.now)
    may_green = any(one.code == "green" for one in legal) and await green_channel.may(tx, scope, referral, mine)
    return [one for one in legal if one.code != "green" or may_green]


async def parts(tx: Tx, scope: Scope, referral: Referral) -> frozenset[str]:
    """The parts this person has in it. A resident is the patient of a referral of any record that is linked to the own one."""
    if scope.reach == "self" and referral.patient in await members.others_of(tx, scope.patient_rid):
        return frozenset({states.PATIENT})
    mine = await approvals.parts(tx, scope, referral)
    if states.REFERRER in mine and await booking.is_direct(tx, referral):
        mine |= {states.BOOKER}
    return mine


def writes(scope: Scope) -> bool:
    """Whether the sign-in allows steps at all."""
    return scope.may_write and (scope.writes is None or "Task" in scope.writes)


def no_referral(task_id: str) -> BadRequest:
    return BadRequest(f"Task/{task_id} is no referral; only those are moved with $act.", zh="该任务不是转诊。", code="not-supported")
