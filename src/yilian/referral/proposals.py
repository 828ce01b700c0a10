"""What the platform proposes with an action, so that one press is enough: the next receiver, the end of a referral that became void.

A proposal is only ever made to whose turn it is; it fills parameters in, and whoever takes the step may say otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from yilian.referral import next_receiver, states
from yilian.referral.codes import CIRCUMSTANCES
from yilian.referral.parameters import LegalAction, Proposed
from yilian.referral.register import Referral

if TYPE_CHECKING:
    from yilian.db import Tx


async def complete(tx: Tx, referral: Referral, mine: frozenset[str], legal: list[LegalAction]) -> list[LegalAction]:
    """The same actions, with what is proposed for them."""
    return [replace(one, proposed=await _proposed(tx, referral, mine, one.code)) for one in legal]


async def _proposed(tx: Tx, referral: Referral, mine: frozenset[str], action: str) -> Proposed | None:
    if action == "redirect" and states.REFERRER in mine and referral.ending is None:
        found = next(iter(await next_receiver.following(tx, referral)), None)
        return Proposed("to", {"valueReference": found.receiver.json}, found.why) if found is not None else None
    if action == "end" and referral.ending is not None and states.STATES[referral.state].turn in mine:
        words = CIRCUMSTANCES[referral.ending][0]
        return Proposed("reason", {"valueCodeableConcept": {"text": words}}, (words,))
    return None
