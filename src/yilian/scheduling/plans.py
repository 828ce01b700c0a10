"""Which schedules are made ahead, and whether their templates keep to the rules of the region. Kept in step by `slots.follow`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import institutions
from yilian.directory.tiers import tier
from yilian.errors import InvalidResource
from yilian.fhir.dates import region_zone
from yilian.scheduling.pools import own_shares, rules_of
from yilian.scheduling.templates import Template, template_of

if TYPE_CHECKING:
    from yilian.db import Tx

Json = Mapping[str, Any]

TIMED = ("clinic", "expert")
"""Kinds whose slots may be no longer than the region's rule says (APT-2)."""


async def checked(tx: Tx, schedule: Json, kind: str, institution: int) -> Template:
    """The template of a Schedule of this kind and institution (rid). Raises InvalidResource for one that makes no sense, slots that are
    longer than the region allows, and shares below the region's."""
    template = template_of(schedule)
    hours = [row.hours for row in template.rows] + [extra.hours for extra in template.extras]
    if kind in TIMED and hours:
        here = (await institutions.of(tx, [institution])).get(institution)
        longest = (await policy.value(tx, "booking.longest_slot_minutes", tx.now, institution)).get(tier(here.tier) if here else "")
        if longest and max(one.minutes for one in hours) > longest:
            raise InvalidResource(
                f"Slots of clinics and experts are at most {longest} minutes long here.",
                expression="Schedule.extension",
                zh=f"本机构门诊号源须分时段,每个时段不超过 {longest} 分钟。",
            )
    if template.shares:
        rules = rules_of((await policy.value(tx, "booking.pools", tx.now, institution)).get(kind, ()))
        try:
            own_shares(rules, template.shares)
        except ValueError as error:
            raise InvalidResource(
                f"The shares of this schedule do not fit: {error}.",
                expression="Schedule.extension",
                zh="号源池比例不得低于区域规定,且合计不超过 100%。",
            ) from None
    return template


async def keep(tx: Tx, schedule: int, template: Template) -> None:
    """Note that the slots of this schedule (rid) are to be made, or made anew, from its template."""
    if template:
        today = tx.now.astimezone(region_zone()).date()
        await tx.execute(
            """
            insert into schedule_plan (schedule, made_until, is_stale) values ($1, $2, true)
            on conflict (schedule) do update set is_stale = true
            """,
            schedule,
            today,
        )
    else:
        await tx.execute("update schedule_plan set is_stale = true where schedule = $1", schedule)
