"""虚拟健康卡: a resident shows a code on the phone, a desk scans it, and the record is open to that institution for this visit.

    health_card   whose card is whose; the holder withdraws it, and no code of it opens anything any more
    card_scan     which codes were used; its primary key refuses the second time
    access_ground a ground of kind `visit` for the institution, until policy `card.visit_hours` later

电子健康卡 shows such codes too, made by the national platform and signed with SM2 (WS/T 543 tells of the card of plastic); a region that is
joined to it verifies those by its provincial card centre, which is not this module's business.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from yilian import policy
from yilian.access import grounds
from yilian.access.policy import require_scanning
from yilian.audit.note import by
from yilian.audit.record import note_event
from yilian.errors import Conflict, Forbidden, NotFound
from yilian.fhir.json import parse
from yilian.identity import card_code, card_keys
from yilian.identity.card_code import CardRefused, Claims
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

BYTES = 12
"""Of a nonce: 16 characters."""
REMEMBERED = timedelta(days=1)
"""A used code is remembered this long after its end; by then it is refused for its age by any clock."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A fresh code and the card it is of. `expires` is UTC; `opens`: how long the record is open to an institution that scans it."""

    code: str
    expires: datetime
    life: timedelta
    card: str
    issued: datetime
    opens: timedelta


@dataclass(frozen=True, slots=True)
class Scanned:
    """Who showed the code, and until when the record is open to the institution by it."""

    patient: Stored
    card: str
    until: datetime


async def show(tx: Tx, scope: Scope, patient: str, *, create: bool = False) -> Shown:
    """A fresh code of the card of Patient/`patient`, for the holder alone, in `tx`. With `create` a card is issued where there is none.

    Nothing is kept of the code itself: what counts is its signature. Raises Forbidden for anybody else, NotFound for another's record,
    Conflict without a card (apply for one) and for somebody who has died.
    """
    row = await _current(tx, (await _own(tx, scope, patient)).rid)
    if row is None:
        if not create:
            raise Conflict("There is no card, or it was withdrawn; apply for one: apply=true.", zh="您还没有启用健康卡,请先申领。")
        row = await apply(tx, scope, patient)
    number, issued = row
    life = timedelta(seconds=int(await policy.value(tx, "card.life_seconds", tx.now)))
    expires = (tx.now + life).replace(microsecond=0)
    region = str(await policy.value(tx, "region.code", tx.now))
    code = card_code.sign(Claims(region, number, secrets.token_urlsafe(BYTES), expires), await card_keys.signing(tx))
    opens = timedelta(hours=float(await policy.value(tx, "card.visit_hours", tx.now)))
    return Shown(code, expires, life, number, issued, opens)


async def apply(tx: Tx, scope: Scope, patient: str) -> tuple[str, datetime]:
    """申领: a card for the holder of Patient/`patient`, in `tx`; the one there is, where there is one. Returns its number and when it was
    issued. Raises as `show`.

    Two pages that apply at once get the same card.
    """
    holder = await _own(tx, scope, patient)
    number = await tx.fetchval(
        "insert into health_card (number, patient, issued) values ($1, $2, $3)"
        " on conflict (patient) where withdrawn is null do nothing returning number",
        _number(),
        holder.rid,
        tx.now,
    )
    if number is not None:
        await note_event(tx, by(scope, tx.now, "operation", "C", operation="issue-card", patient=holder.rid))
        return number, tx.now
    found = await _current(tx, holder.rid)
    if found is None:
        raise Conflict("The card was withdrawn at this very moment; apply again.", zh="健康卡刚刚被停用,请重新申领。")
    return found


async def withdraw(tx: Tx, scope: Scope, patient: str) -> None:
    """停用: from now on no code of the card opens anything, shown already or not; in `tx`. Withdrawing again changes nothing.

    What desks opened before stays open until its end: they have the patient before them. Raises as `show`.
    """
    holder = await _own(tx, scope, patient)
    number = await tx.fetchval(
        "update health_card set withdrawn = $2 where patient = $1 and withdrawn is null returning number", holder.rid, tx.now
    )
    if number is not None:
        await note_event(tx, by(scope, tx.now, "operation", "U", operation="withdraw-card", patient=holder.rid))


async def scan(tx: Tx, scope: Scope, code: str) -> Scanned:
    """Open the record of whoever shows this code to the scope's institution, in `tx`, once; leaves one row in the trail.

    Raises Forbidden unless the post scans cards and speaks for an institution, CardRefused for a code that opens nothing.
    """
    require_scanning(scope)
    region = str(await policy.value(tx, "region.code", tx.now))
    claims = card_code.verify(code, await card_keys.usable(tx), now=tx.now, region=region)
    card = await tx.fetchrow(
        "select c.patient, c.withdrawn, r.id from health_card c join resource r on r.rid = c.patient and not r.deleted"
        " where c.number = $1 for share of c",
        claims.card,
    )
    if card is None or card["withdrawn"] is not None:
        raise CardRefused("withdrawn", patient=None if card is None else card["patient"])
    first = await tx.fetchval(
        "insert into card_scan (nonce, card, institution, scanned, expires) values ($1, $2, $3, $4, $5)"
        " on conflict (nonce) do nothing returning true",
        claims.nonce,
        claims.card,
        scope.institution_rid,
        tx.now,
        claims.expires,
    )
    if not first:
        raise CardRefused("used", patient=card["patient"])
    hours = await policy.value(tx, "card.visit_hours", tx.now, scope.institution_rid)
    until = tx.now + timedelta(hours=float(hours))
    await grounds.open_visit_ground(tx, scope.institution_rid, card["patient"], until)
    try:
        patient = await read.by_id(tx, scope, "Patient", card["id"])
    except NotFound:  # confined to another institution
        raise CardRefused("withdrawn", patient=card["patient"]) from None
    seen = f"Patient/{patient.id}/_history/{patient.version}"
    await note_event(tx, by(scope, tx.now, "operation", "E", operation="scan-card", patient=patient.rid, entities=(seen,)))
    return Scanned(patient, claims.card, until)


async def clear(tx: Tx) -> int:
    """Forget used codes that are long over; returns how many."""
    done = await tx.execute("delete from card_scan where expires < $1", tx.now - REMEMBERED)
    return int(done.rpartition(" ")[2])


async def _own(tx: Tx, scope: Scope, patient: str) -> Stored:
    """The holder's own record. An application that may only read does not get codes: they open the record to others."""
    if scope.reach != "self" or not scope.may_write:
        raise Forbidden("A card is shown by its holder alone, in the holder's own pages.", zh="健康卡只能由本人出示。")
    holder = await read.by_id(tx, scope, "Patient", patient)
    told = parse(holder.body)
    if told.get("active") is False or told.get("deceasedBoolean") or told.get("deceasedDateTime"):
        raise Conflict("This record is no longer in use; it has no card.", zh="该档案已停用,不能出示健康卡。")
    return holder


def _number() -> str:
    """16 digits at random, such as can be read out. It tells nothing and opens nothing: the signature does."""
    return str(10**15 + secrets.randbelow(9 * 10**15))


async def _current(tx: Tx, patient: int) -> tuple[str, datetime] | None:
    """Number of the valid card of a patient (by rid), and when it was issued."""
    row = await tx.fetchrow("select number, issued from health_card where patient = $1 and withdrawn is null", patient)
    return None if row is None else (row["number"], row["issued"])
