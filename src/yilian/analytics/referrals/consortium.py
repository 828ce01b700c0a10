"""Who belongs to the consortia an institution leads: whose referrals its consortium office sees as numbers (GOV-2, GOV-3)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from yilian.access.policy import require_leading
from yilian.errors import Forbidden
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MEMBERS = """
select distinct m.member from membership m
join membership l on l.consortium = m.consortium and l.lead and l.member = $1 and l.period @> $2::date
where m.period @> $2::date
"""


async def led_by(tx: Tx, scope: Scope, today: date) -> tuple[int, ...]:
    """Their keys, the leading institution's too, as of today. Raises Forbidden for other posts, and where it leads none."""
    require_leading(scope)
    members = [row["member"] for row in await tx.fetch(MEMBERS, scope.institution_rid, today)]
    if not members:
        raise Forbidden(
            f"{scope.institution_name or 'Your institution'} leads no consortium today.", zh="本机构目前不是任何医联体的牵头单位。"
        )
    return tuple(sorted(members))
