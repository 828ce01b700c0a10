"""Who is asked next where a receiver declined or stays silent: whom the sender named, else the best of `$candidates` that had it not yet.

Nobody is asked twice in one chain, and nobody who sent the patient on. What spoke for a receiver is kept with the offer (`Task.extension`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.directory import candidates
from yilian.directory.candidates import Need
from yilian.directory.institutions import institution
from yilian.fhir import references
from yilian.notifications import Message, Reader, tell
from yilian.referral import booking, marks, register
from yilian.referral.informing import URGENT, desk, values_of
from yilian.referral.outcome import fault
from yilian.referral.register import Referral
from yilian.referral.resources import Named
from yilian.store.scope import SYSTEM

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.step import Step

MOST_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Next:
    """An institution that may be asked, and what counts for and against it, in 中文, as `$candidates` says it; () where it says nothing."""

    receiver: Named
    why: tuple[str, ...]


async def name(step: Step, institutions: Iterable[dict[str, Any]], *, automatic: bool) -> None:
    """Keep whom the sender would ask next: References to institutions of the directory. Raises InvalidResource."""
    named: list[str] = []
    for one in institutions:
        target = references.parse(str(one.get("reference", "")))
        found = await institution(step.tx, target.id) if isinstance(target, references.Local) and target.type == "Organization" else None
        if found is None or not found.tier:
            raise fault(
                "alternatives", f"{str(one.get('reference', ''))[:80]!r} is no institution of the directory.", "备选机构不在机构目录中。"
            )
        if found.rid not in (step.after.from_org, step.after.to_org) and found.reference not in named:
            named.append(found.reference)
    step.change(alternatives=tuple(named), automatic=automatic)
    marks.set_alternatives(step.task, named, automatic)


async def following(tx: Tx, referral: Referral) -> list[Next]:
    """Who may be asked after this one, best first: those the sender named in their order; only where none was named, the candidates."""
    passed = await register.institutions_passed(tx, referral.task_rid)
    found = await _candidates(tx, referral)
    if not referral.alternatives:
        return [one for rid, one in found if rid not in passed]
    known = dict(found)
    named = []
    for reference in referral.alternatives:
        one = await institution(tx, reference.removeprefix("Organization/"))
        if one is not None and one.active and one.rid not in passed:
            named.append(known.get(one.rid, Next(Named(one.reference, one.name), ())))
    return named


async def reasons_for(tx: Tx, referral: Referral, receiver: int) -> tuple[str, ...]:
    """What `$candidates` says of this institution (rid) for this referral."""
    return next((one.why for rid, one in await _candidates(tx, referral) if rid == receiver), ())


async def is_spent(tx: Tx, referral: Referral) -> bool:
    """Whether the platform has offered this one on as often as it may (policy `referral.offered_on_most`)."""
    most = int(await policy.value(tx, "referral.offered_on_most", tx.now, referral.from_org))
    return await register.offers_before(tx, referral.task_rid) >= most


async def give_up(tx: Tx, referral: Referral) -> None:
    """Tell the sender that nobody is asked any more by the platform: the doctor who referred, and the referral office."""
    to = (Reader.account(referral.referrer), await desk(tx, referral.from_org))
    values = {key: text for key, text in (await values_of(tx, referral)).items() if key != "until"}
    urgent = referral.priority in URGENT
    await tell(tx, Message("referral.offers-exhausted", to, f"Task/{referral.task_id}", referral.patient, values, urgent=urgent))


async def _candidates(tx: Tx, referral: Referral) -> Sequence[tuple[int, Next]]:
    """As the sender would find them."""
    need = Need(
        referral.specialty or "",
        referral.direction,
        referral.priority,
        patient=referral.patient,
        pools=("public", *await booking.pools(tx, referral)),
        count=MOST_LOOKED_AT,
    )
    found = await candidates.find(tx, replace(SYSTEM, institution_rid=referral.from_org), need)
    return [
        (one.institution.rid, Next(Named(one.institution.reference, one.institution.name), tuple(reason.zh for reason in one.reasons)))
        for one in found
    ]


__all__ = ["Next", "following", "give_up", "is_spent", "name", "reasons_for"]
