"""Which institution's office decides what looks wrong with a referral, and reads what patients say of those who treated them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.errors import Forbidden
from yilian.fhir.definitions import type_id
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

OFFICE = "office"


async def office_of(tx: Tx, from_org: int, to_org: int) -> int | None:
    """The institution (rid) whose 医联体办公室 this referral is for: the receiver's, the sender's, or the region's; None: there is none.

    Known by the posts of accounts.
    """
    rows = await tx.fetch(
        "select distinct r.rid from post p join resource r on r.type = $1 and 'Organization/' || r.id = p.institution and not r.deleted"
        " where p.role = 'office' order by r.rid",
        type_id("Organization"),
    )
    offices = [row["rid"] for row in rows]
    return next((one for one in (to_org, from_org) if one in offices), offices[0] if offices else None)


def require_office(scope: Scope) -> None:
    """Raises Forbidden unless the asker is the office of an institution."""
    if scope.reach != "grounds" or not scope.institution_rid or OFFICE not in scope.roles:
        raise Forbidden("This is for the consortium office.", zh="此功能仅限医联体办公室使用。")
