"""As whom the person behind a link acts: for one institution, in one referral, with nothing else in sight.

It is a Scope like any other, so every read and step goes the usual ways and leaves the usual trail: the agent is the institution itself,
named with who typed a name and that a one-time code was all the proof there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.directory.institutions import Institution
from yilian.referral.rules import OUTSIDE
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from uuid import UUID

    from yilian.referral.register import Referral

CLIENT = "yilian-outside"
PROOF = "一次性验证码"


@dataclass(frozen=True, slots=True)
class OutsideScope(Scope):
    """Made by `speaker` alone. `only` keeps it to one patient; whoever holds it names no Task but that of the link."""


def speaker(
    link: UUID, institution: Institution, referral: Referral, name: str, *, request_id: str = "", address: str = ""
) -> OutsideScope:
    """Who answers this referral for this institution, under this name."""
    return OutsideScope(
        reach="grounds",
        user=f"outside/{link}",
        agent=institution.reference,
        name=f"{name}·{PROOF}",
        roles=frozenset({OUTSIDE}),
        institution=institution.reference,
        institution_rid=institution.rid,
        institution_name=institution.name,
        purpose="TREAT",
        request_id=request_id,
        client=CLIENT,
        address=address,
        only=referral.patient,
    )


__all__ = ["CLIENT", "PROOF", "OutsideScope", "speaker"]
