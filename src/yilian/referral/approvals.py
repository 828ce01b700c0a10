"""Approval chains as data: which posts approve a referral, who stands in for whom, and what an emergency owes afterwards (补录).

Policies `referral.approval_chain`, `.approval_skipped_for`, `.deputies` and `.retro_hours`, each by institution and dated.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.directory import offers
from yilian.notifications import Message, Reader, tell
from yilian.referral import resources, rules, states
from yilian.referral.informing import local, values_of
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yilian.db import Tx
    from yilian.directory.institutions import Institution
    from yilian.referral.register import Referral
    from yilian.referral.step import Step

Resource = dict[str, Any]


async def chain(tx: Tx, sender: Institution, referral: Referral, request: Resource) -> tuple[str, ...]:
    """The posts that approve, one after the other; none where neither the sender nor the receiver's service asks for approval."""
    asked = sender.needs_approval
    if not asked and referral.to_org is not None:
        asked = (await offers.of_receiver(tx, referral.to_org, referral.specialty or "")).needs_approval
    if not asked:
        return ()
    value = await policy.value(tx, "referral.approval_chain", tx.now, sender.rid)
    return chosen(value, referral.direction, referral.priority, resources.payment_of(request))


def chosen(value: Sequence[Mapping[str, Any]], direction: str, priority: str, payment: str) -> tuple[str, ...]:
    """The chain of the first rule that fits; () where none does. Pure."""
    said = {"direction": direction, "priority": priority, "coverage": payment}
    for rule in value:
        if all(key not in rule or text in rule[key] for key, text in said.items()):
            return tuple(rule["chain"])
    return ()


async def is_skipped(tx: Tx, sender: Institution, priority: str) -> bool:
    """Whether an emergency goes at once."""
    return priority in await policy.value(tx, "referral.approval_skipped_for", tx.now, sender.rid)


async def posts(tx: Tx, scope: Scope) -> frozenset[str]:
    """The posts whose approvals this person may give at the scope's institution: those held, and those stood in for."""
    if scope.reach != "grounds" or not scope.institution_rid:
        return frozenset()
    deputies = await policy.value(tx, "referral.deputies", tx.now, scope.institution_rid)
    return scope.roles | {post for post, people in deputies.items() if scope.agent in people}


async def parts(tx: Tx, scope: Scope, referral: Referral) -> frozenset[str]:
    """`rules.parts` with those that are not in the person's own posts: who stands in for an approver."""
    mine = rules.parts(scope, referral)
    wanted = referral.post or (referral.retro_post if referral.retro_at is None else None)
    if wanted and scope.institution_rid == referral.from_org and scope.agent != referral.referrer and wanted in await posts(tx, scope):
        mine |= {states.APPROVER}
    return mine


async def owe(step: Step, post: str) -> None:
    """An emergency leaves without approval; its approver records it afterwards within policy `referral.retro_hours`."""
    hours = float(await policy.value(step.tx, "referral.retro_hours", step.now, step.after.from_org))
    step.change(retro_post=post, retro_due_at=step.now + timedelta(hours=hours))


async def remind(step: Step) -> None:
    """Tell the approver what is owed, once the referral is written."""
    after = step.after
    if after.retro_post is None or after.retro_due_at is None:
        return
    values = {**(await values_of(step.tx, after)), "until": local(after.retro_due_at)}
    to = (Reader.post(after.from_org, after.retro_post),)
    await tell(step.tx, Message("referral.retro", to, f"Task/{after.task_id}", after.patient, values))


async def endorse(step: Step, row: states.Row) -> None:
    """The approver's later record. It changes nothing else: not the state, not its reason, not its clock."""
    step.reason = step.task.get("statusReason")
    step.change(retro_at=step.now)
