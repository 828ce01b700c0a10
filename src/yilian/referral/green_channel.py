"""绿色通道: a mark of its own, beside the urgency. Asked for by the sender or opened by the receiver, each with a reason.

Open, it lends the referral the emergency pool and stands in every list. It skips no approval: only an emergency (`stat`) does. Who may open
it is policy `referral.green_channel_opened_by`; a sender who may not asks for it. Another receiver opens it anew.
REF-7; 医联体管理办法 (国卫医发〔2020〕13号): 建立转诊绿色通道.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian import policy
from yilian.referral import marks, resources, states

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.register import Referral
    from yilian.referral.states import Row
    from yilian.referral.step import Step
    from yilian.store.scope import Scope

ASKED, OPEN = "asked", "open"


async def opens(tx: Tx, scope: Scope, referral: Referral) -> bool:
    """Whether this person opens it by pressing; whoever does not asks for it."""
    side = "sender" if scope.institution_rid == referral.from_org else "receiver"
    allowed = await policy.value(tx, "referral.green_channel_opened_by", tx.now, scope.institution_rid or None)
    return bool(scope.roles & set(allowed.get(side, ())))


async def may(tx: Tx, scope: Scope, referral: Referral, mine: frozenset[str]) -> bool:
    """Whether there is something to press: to open it, or for the sender to ask for it once."""
    if await opens(tx, scope, referral):
        return referral.green != OPEN
    return states.REFERRER in mine and referral.green is None


async def ask_or_open(step: Step, reason: str) -> None:
    """The mark on the request, and on its row."""
    state = OPEN if await opens(step.tx, step.scope, step.after) else ASKED
    marks.set_green_channel(step.request, state, reason, resources.stamp(step.now), step.me.json)
    step.request_changed = True
    step.change(green=state)


async def green(step: Step, row: Row) -> None:
    """Neither the state nor its reason nor its clock changes."""
    reason = step.asked.reason or {}
    step.reason = step.task.get("statusReason")
    words = str(reason.get("text") or next((one.get("display", "") for one in reason.get("coding", ())), ""))
    await ask_or_open(step, words)


__all__ = ["ASKED", "OPEN", "ask_or_open", "green", "may", "opens"]
