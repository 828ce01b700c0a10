"""What became of cards: which were given to whom, and what the user made of them.

CDS Hooks 2.0: https://cds-hooks.hl7.org/2.0/#feedback. Feedback is taken for a card that this client was given by this service, and for
none else. Who the user was is not asked: it is about the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from yilian import policy
from yilian.criteria.cds.cards import Card
from yilian.criteria.cds.services import Service
from yilian.errors import BadRequest, NotFound
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.definitions import type_id
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

OUTCOMES = ("accepted", "overridden")
MOST = 100
LONGEST_COMMENT = 2000
MOST_OF_ONE = 20
CLEAR = "criteria.clear"


async def remember(tx: Tx, scope: Scope, service: Service, given: Sequence[Card], patient: str = "") -> None:
    """Keep which cards were given, in `tx`, and about whom: id of a Patient here, "" for nobody."""
    sql = "select rid from resource where type = $1 and id = $2"
    rid = await tx.fetchval(sql, type_id("Patient"), patient) if patient and given else None
    await tx.executemany(
        "insert into cds_card (id, client, service, institution, url, version, at, patient) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                one.id,
                scope.client,
                service.id,
                scope.institution_rid or None,
                one.criterion.url if one.criterion else "",
                one.criterion.version if one.criterion else "",
                tx.now,
                rid,
            )
            for one in given
        ],
    )


async def take(tx: Tx, scope: Scope, service: Service, body: Any) -> None:
    """Store the feedback in a request's body, all or nothing. Raises BadRequest; NotFound for a card this client was not given."""
    entries = body.get("feedback") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST:
        raise _bad(f"feedback is a list of 1 to {MOST} entries.", "feedback")
    for place, entry in enumerate(entries):
        where = f"feedback[{place}]"
        if not isinstance(entry, dict) or entry.get("outcome") not in OUTCOMES:
            raise _bad(f"outcome is {' or '.join(OUTCOMES)}.", f"{where}.outcome")
        card = _uuid(entry.get("card"), f"{where}.card")
        suggestions = _suggestions(entry, where)
        reason, comment = _reason(entry, where)
        at = _moment(entry.get("outcomeTimestamp"), where)
        mine = await tx.fetchval(
            "select true from cds_card where id = $1 and client = $2 and service = $3 for update", card, scope.client, service.id
        )
        if not mine:
            raise NotFound(
                f"There is no card {card} that {service.id} gave to this client.", zh="没有这张提示卡片。", expression=f"{where}.card"
            )
        nth = await tx.fetchval("select count(*) from cds_feedback where card = $1", card)
        if nth >= MOST_OF_ONE:
            raise _bad(f"More than {MOST_OF_ONE} times feedback to one card.", where)
        await tx.execute(
            "insert into cds_feedback (card, nth, outcome, suggestions, reason, comment, at, received)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            card,
            nth,
            entry["outcome"],
            suggestions,
            reason,
            comment,
            at,
            tx.now,
        )


async def clear(tx: Tx) -> None:
    """Forget cards that are older than the policy keeps them."""
    days = int(await policy.value(tx, "criteria.cards_kept_days", tx.now))
    await tx.execute("delete from cds_card where at < $1", tx.now - timedelta(days=days))


def _suggestions(entry: dict[str, Any], where: str) -> list[UUID]:
    listed = entry.get("acceptedSuggestions", [])
    if entry["outcome"] == "accepted" and not listed:
        raise _bad("What was accepted names its suggestions.", f"{where}.acceptedSuggestions")
    if not isinstance(listed, list) or len(listed) > MOST or not all(isinstance(one, dict) for one in listed):
        raise _bad("acceptedSuggestions is a list of objects with an id.", f"{where}.acceptedSuggestions")
    return [_uuid(one.get("id"), f"{where}.acceptedSuggestions") for one in listed]


def _reason(entry: dict[str, Any], where: str) -> tuple[str, str]:
    given = entry.get("overrideReason") or {}
    reason = given.get("reason") or {} if isinstance(given, dict) else None
    comment = given.get("userComment", "") if isinstance(given, dict) else None
    code = reason.get("code", "") if isinstance(reason, dict) else None
    if (
        not isinstance(code, str)
        or not isinstance(comment, str)
        or len(code) > 200
        or len(comment) > LONGEST_COMMENT
        or "\0" in code + comment
    ):
        raise _bad("overrideReason has a reason (a Coding) and a userComment.", f"{where}.overrideReason")
    return code, comment


def _moment(text: Any, where: str) -> datetime:
    if not isinstance(text, str) or len(text) < 20:
        raise _bad("outcomeTimestamp is an instant such as 2026-11-23T08:30:00Z.", f"{where}.outcomeTimestamp")
    return interval(text, region_zone())[0]


def _uuid(text: Any, where: str) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise _bad("An id is a UUID.", where) from None


def _bad(diagnostics: str, place: str) -> BadRequest:
    return BadRequest(diagnostics, expression=place, zh="反馈内容格式不正确。")
