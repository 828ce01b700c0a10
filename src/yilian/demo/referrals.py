"""What is to be referred: plans that are played through the real commands, so that every worklist of the demo has something in it.

A plan says whom, from where to where, why, in whose words, and the steps with the person who takes each. It holds no state: the state
comes from the referral room when the steps are played. `ends` says where it should then stand, so that a test can hold the two against
each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Resource = dict[str, Any]
ZONE = ZoneInfo("Asia/Shanghai")
"""Where the region lies, whatever the zone of the server."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a step is taken: so many days before the day of the region at a local time; with `days` 0, so long before the demo is made."""

    days: int
    hour: int
    minute: int = 0

    def instant(self, today: date, now: datetime) -> datetime:
        """As an aware moment, never after `now`."""
        if self.days == 0:
            return now - timedelta(hours=self.hour, minutes=self.minute)
        local = datetime.combine(today - timedelta(days=self.days), time(self.hour, self.minute), ZONE)
        return min(local.astimezone(now.tzinfo), now)


@dataclass(frozen=True, slots=True)
class Step:
    """One action. `who` is a Practitioner id (the demo account where there is one); `gives` are the parameters of `$act` by their names."""

    action: str
    who: str
    when: Moment
    gives: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """One referral from its first word on.

    sender, receiver    Organization ids             referrer   Practitioner id
    diagnoses           (ICD-10 code, name) pairs    reason     code of the direction's value set
    evidence            references into the chart    based_on   key of the up-referral a down-referral answers
    made                when it is written           submit     false leaves a draft that the steps may submit
    """

    key: str
    patient: str
    direction: str
    sender: str
    receiver: str
    referrer: str
    specialty: str
    priority: str
    reason: str
    diagnoses: tuple[tuple[str, str], ...]
    note: str
    made: Moment
    ends: str
    steps: tuple[Step, ...] = ()
    evidence: tuple[Resource, ...] = ()
    submit: bool = True
    consent: str = "written"  # a code of the referral room: written | oral | guardian | emergency; "" for none
    based_on: str = ""
    instruction: str = ""
