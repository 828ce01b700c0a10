"""床位: wards and beds, who lies in them, for whom they are kept.

    wards        the beds there are                              Location (wa, ro, bd) → tables ward, bed
    occupation   who lies in them                                Encounter.location    → bed_claim
    holds        keeping a bed for somebody                      bed_hold
    moves        admitting, transferring, discharging            writes the Encounter
    board        what is free, held, occupied                    view bed_now
    days         how much of what was open was used, by day      bed_day

Nobody types the state of a bed. docs/reference/beds.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yilian.beds import occupation, wards

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope
    from yilian.store.write import Written


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: wards and beds in step with the Locations just written, then who lies in them with the Encounters."""
    changed = [one for one in written if not one.unchanged]
    places = [one for one in changed if one.type == "Location"]
    if places:
        await wards.follow(tx, places)
    stays = [one for one in changed if one.type == "Encounter"]
    if stays:
        await occupation.follow(tx, stays)
