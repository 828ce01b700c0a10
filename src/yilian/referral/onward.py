"""To another institution: forwarded by the receiver, offered elsewhere by the sender, or by the platform where the sender agreed to it.

Each makes a successor: the same wish under the same requisition, whose ServiceRequest `replaces` the one before. It never goes back to one
who had it already. A declined referral is settled by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.errors import YilianError
from yilian.referral import marks, next_receiver, numbers, register, resources, states
from yilian.referral.beginning import begin
from yilian.referral.outcome import fault
from yilian.referral.parameters import Act
from yilian.referral.resources import Named
from yilian.referral.sending import OpenReferral, Sending, prepare
from yilian.referral.step import Step, bodies, finish, named
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

HOUSE = Scope(reach="everything", user="yilian", agent="Device/yilian", name="平台自动办理", purpose="HOPERAT")
"""As whom the platform takes a step by itself."""


async def forward(step: Step, row: states.Row) -> None:
    """The receiver sends it on."""
    sending = await _to(step, step.asked.to)
    step.change(state="referred-onward", closed_at=step.now)
    step.afterwards.append(lambda: successor(step, sending))


async def redirect(step: Step, row: states.Row) -> None:
    """The sender offers it elsewhere: nobody answered in time, or it was declined."""
    sending = await _to(step, step.asked.to)
    if step.after.state == "declined":
        await close(step, row)
    else:
        step.change(state="referred-onward", closed_at=step.now)
    step.afterwards.append(lambda: successor(step, sending))


async def close(step: Step, row: states.Row) -> None:
    """The sender takes note of a declined one: its request is revoked."""
    step.reason = step.task.get("statusReason")
    step.change(acknowledged_at=step.now)
    step.request_changed = True


def settle_replaced(step: Step, sending: Sending) -> None:
    """A declined referral that is sent anew is done with."""
    replaced = sending.replaced
    if replaced is None or replaced.acknowledged_at is not None:
        return

    async def settle() -> None:
        locked = await register.lock(step.tx, replaced.task_rid)
        if locked is not None and locked.state == "declined" and locked.acknowledged_at is None:
            request, task = await bodies(step.tx, locked)
            closing = Step(step.tx, step.scope, "close", Act("close", frozenset()), locked, locked, request, task)
            await close(closing, states.ROWS[0])
            await finish(closing)

    step.afterwards.append(settle)


def ask_the_next(step: Step) -> None:
    """After a referral was declined: who is next gets it, if the sender agreed to that."""
    if step.after.automatic:
        step.afterwards.append(lambda: _ask_the_next(step.tx, step.after.task_rid))


async def _ask_the_next(tx: Tx, task_rid: int) -> None:
    declined = await register.lock(tx, task_rid)
    assert declined is not None  # it was written just now
    row = states.row("declined", "redirect")
    assert row is not None
    others = [] if await next_receiver.is_spent(tx, declined) else await next_receiver.following(tx, declined)
    for other in others:
        request, task = await bodies(tx, declined)
        asked = Act("redirect", frozenset({"to"}), to=other.receiver.reference)
        step = Step(tx, HOUSE, "redirect", asked, declined, declined, request, task)
        try:
            async with tx.savepoint():
                await redirect(step, row)
                await finish(step)
            return
        except (YilianError, register.AlreadyOpen):
            continue  # had it already, closed meanwhile, or stands where the direction does not lead: the one after that
    await next_receiver.give_up(tx, declined)


async def successor(step: Step, sending: Sending) -> None:
    """The referral that takes this one's place, sent and on its way."""
    old, tx = step.after, step.tx
    assert sending.receiver is not None  # `check` refused everything else
    before = {key: value for key, value in step.request.items() if key != "meta"}
    receiver = named(sending.receiver)
    request = resources.forwarded_request(before, id=tx.new_id(), number=await numbers.take(tx), receiver=receiver, at=step.now)
    marks.ask_for_green_channel_again(request)
    author = Named(before["requester"]["reference"], before["requester"].get("display", ""))
    onward = begin(tx, step.scope, step.asked, sending, request, author)
    onward.change(state="submitted", applied_at=old.applied_at, submitted_at=step.now, replaces_task=old.task_rid)
    left = tuple(one for one in old.alternatives if one != sending.receiver.reference)
    automatic = old.automatic and bool(left or not old.alternatives)  # whom the sender did not name is asked only where nobody was named
    onward.change(alternatives=left, automatic=automatic)
    marks.set_alternatives(onward.task, left, automatic)
    if step.action == "redirect":
        marks.set_chosen(onward.task, await next_receiver.reasons_for(tx, old, sending.receiver.rid), by_house=step.scope is HOUSE)
    onward.say(step.asked.note)
    try:
        await finish(onward)
    except register.AlreadyOpen:
        live = await register.live(tx, onward.after.patient, onward.after.specialty or "")
        raise await OpenReferral.of(tx, step.scope, live) from None


async def _to(step: Step, to: str) -> Sending:
    """The wish, looked up for another receiver, which must not have had it. Raises InvalidResource, OpenReferral."""
    old, tx = step.after, step.tx
    sending = await prepare(tx, step.scope, step.request, sender=old.from_org, author=old.referrer, to=to)
    passed = await register.institutions_passed(tx, old.task_rid)
    if sending.receiver is not None and sending.receiver.rid in passed:
        text = f"{sending.receiver.name} has had this referral already; send it on to somebody else, or decline."
        raise fault("to", text, f"{sending.receiver.name}已处理过此转诊,不能再转回。请选择其他机构,或选择不予接收。")
    await sending.check(tx, step.scope, besides=old.task_rid)
    return sending


__all__ = ["HOUSE", "ask_the_next", "close", "forward", "redirect", "settle_replaced", "successor"]
