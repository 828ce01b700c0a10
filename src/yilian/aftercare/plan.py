"""The dated visits of a follow-up plan. Pure.

两周内首次随访: 国家基本公共卫生服务规范(第三版) (after a referral, visited within two weeks); 2–3 follow-ups after discharge: DAY-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from yilian.errors import InvalidResource
from yilian.fhir.dates import interval, region_zone

Resource = dict[str, Any]

MOST = 24
"""Visits of one plan; a longer care is a contract, not the end of a referral."""


def visits(plan: Resource, sent_on: date, today: date, days: Sequence[int], first_within: int) -> list[date]:
    """When the patient is visited, in order, each day once.

    The days the plan's activities name (scheduledTiming.event, scheduledPeriod.start); where it names none, `days` after the patient was
    sent down. What would lie before today is today. Raises InvalidResource where the first day it names lies more than `first_within` days
    after the patient was sent down, or it names too many.
    """
    named = sorted({day for activity in plan.get("activity", []) for day in _days(activity.get("detail", {}))})
    if len(named) > MOST:
        raise _fault(f"A plan has at most {MOST} visits.", f"一份随访计划最多 {MOST} 次随访。")
    latest = max(sent_on + timedelta(days=first_within), today)
    if named and named[0] > latest:
        raise _fault(
            f"The first visit is due by {latest.isoformat()}: within {first_within} days of the referral.",
            f"首次随访应在下转后 {first_within} 天内(不晚于 {latest.isoformat()})。",
        )
    wanted = named or [sent_on + timedelta(days=number) for number in days]
    return sorted({max(day, today) for day in wanted})


def _days(detail: Resource) -> list[date]:
    """The days an activity names, in the region's zone."""
    texts = [*detail.get("scheduledTiming", {}).get("event", [])]
    if start := detail.get("scheduledPeriod", {}).get("start"):
        texts.append(start)
    zone = region_zone()
    return [interval(text, zone)[0].astimezone(zone).date() for text in texts if len(text) >= len("2026-01-01")]


def _fault(diagnostics: str, zh: str) -> InvalidResource:
    return InvalidResource(diagnostics, expression="CarePlan.activity", zh=zh, code="business-rule")
