"""What this process knows of who wants to be told of what, by resource type.

Every process looks at the generation of the subscriptions when it opens a transaction, at most once in `EVERY_S`. A Subscription
becomes active only when every transaction that began in the database earlier than `EVERY_S` after it was asked for has ended
(`deliver.begin`): from then on no process writes without knowing of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from yilian.errors import YilianError
from yilian.exchange.subscriptions.definition import Definition
from yilian.exchange.subscriptions.matching import Watch, watches
from yilian.fhir.dates import region_zone
from yilian.search.parameters import when_redefined

if TYPE_CHECKING:
    from yilian.db import Tx

log = logging.getLogger("yilian.subscriptions")

EVERY_S = 1.0
NONE = -1
"""No generation: what was taken up is to be taken up anew."""

GENERATION = "select generation from subscription_generation"
IN_FORCE = "select rid, id, definition::text as definition from subscription where state <> 'off'"
COUNT_UP = "update subscription_generation set generation = generation + 1"


@dataclass(slots=True)
class _Seen:
    """What was taken up: of which database, which generation, when (steady clock)."""

    dsn: str = ""
    generation: int = 0
    at: float = float("-inf")
    by_type: Mapping[str, tuple[Watch, ...]] = field(default_factory=dict)


_seen = _Seen()


async def keep_fresh(tx: Tx) -> None:
    """Know in this process every subscription asked for more than `EVERY_S` ago. One statement a second at most, on the connection as it
    is; the second statement only when something has changed."""
    asked = time.monotonic()
    same = _seen.dsn == tx.db.dsn
    if same and asked - _seen.at < EVERY_S:
        return
    generation = (await tx.ahead(GENERATION))[0][0]
    if not same or generation != _seen.generation:
        found: dict[str, list[Watch]] = {}
        complete = True
        for row in await tx.ahead(IN_FORCE):
            try:
                each = watches(row["rid"], Definition.of_json(msgspec.json.decode(row["definition"])), region_zone())
            except YilianError as error:  # a search parameter it used is gone; `deliver.look_after` says so in the Subscription
                log.warning("Subscription/%s cannot be followed: %s", row["id"], error)
                complete = False
                continue
            for kind, watch in each.items():
                found.setdefault(kind, []).append(watch)
        generation = generation if complete else NONE
        _seen.by_type = {kind: tuple(some) for kind, some in found.items()}
    _seen.dsn, _seen.generation, _seen.at = tx.db.dsn, generation, asked


async def changed(tx: Tx) -> None:
    """What is asked for has changed in `tx`: every process shall look again once it is committed."""
    await tx.execute(COUNT_UP)
    tx.after_commit.append(_forget)


def by_type(dsn: str) -> Mapping[str, tuple[Watch, ...]]:
    """Resource type → who watches it; {} for a database this process has not looked at."""
    return _seen.by_type if _seen.dsn == dsn else {}


def _forget() -> None:
    _seen.at = float("-inf")


def _redefined() -> None:
    """Search parameters are others than before, and the searches of filters with them."""
    _seen.generation = NONE
    _forget()


when_redefined(_redefined)
