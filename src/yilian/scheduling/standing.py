"""As whom somebody books: which pools' places are open to them, before these become everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.access import institutions
from yilian.directory.tiers import GRASSROOTS, tier
from yilian.scheduling.pools import PUBLIC
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx


OF_THE_HOUSE = ("follow-up", "on-site", "emergency")
"""Pools of an institution's own desks and doctors."""


@dataclass(frozen=True, slots=True)
class Standing:
    """grassroots: speaks for a village, township or community house; contract: has the family-doctor contract of the patient; institution:
    rid of the one it speaks for, 0 for none; also: further pools, opened to it by what it books for (a referral of the grassroots)."""

    grassroots: bool
    contract: bool
    institution: int
    also: tuple[str, ...] = ()

    def pools(self, institution: int) -> tuple[str, ...]:
        """The pools of this institution's slots (by rid) that are open to the asker."""
        own = OF_THE_HOUSE if self.institution == institution else ()
        return (
            PUBLIC,
            *(("grassroots",) if self.grassroots else ()),
            *(("family-doctor",) if self.contract else ()),
            *own,
            *self.also,
        )

    def name(self, institution: int) -> str:
        """As whom an appointment is counted in the reports."""
        if self.also:
            return self.also[0]
        if self.institution == institution:
            return "on-site"
        return "family-doctor" if self.contract else "grassroots" if self.grassroots else PUBLIC


async def standing(tx: Tx, scope: Scope, patient: int) -> Standing:
    """Of this asker, for this patient (by rid)."""
    return await of_institution(tx, scope.institution_rid if scope.reach == "grounds" else 0, patient)


async def of_institution(tx: Tx, institution: int, patient: int) -> Standing:
    """Of who speaks for this institution (rid; 0: for none), for this patient (by rid)."""
    if not institution:
        return Standing(False, False, 0)
    here = (await institutions.of(tx, [institution])).get(institution)
    contract = await tx.fetchval(
        """
        select exists (select from access_ground where institution = $1 and patient = $2 and kind = 'contract'
            and (until is null or until > now()))
        """,
        institution,
        patient,
    )
    return Standing(here is not None and tier(here.tier) in GRASSROOTS, bool(contract), institution)
