"""转诊单号: region code, day, and the count of the day: 516600-20261122-00042. Read out on the telephone, so it is short and says when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian import policy
from yilian.fhir.dates import region_zone

if TYPE_CHECKING:
    from yilian.db import Tx


async def take(tx: Tx) -> str:
    """The next number of today in the region's zone, in `tx`; given back when `tx` is rolled back, so there are no gaps.

    Whoever takes one waits for the transaction that took the one before: take it late.
    """
    region = await policy.value(tx, "region.code", tx.now)
    today = tx.now.astimezone(region_zone()).date()
    count = await tx.fetchval(
        """
        insert into referral_number (region, day, last) values ($1, $2, 1)
        on conflict (region, day) do update set last = referral_number.last + 1 returning last
        """,
        region,
        today,
    )
    return f"{region}-{today:%Y%m%d}-{count:05d}"
