"""Which places of a slot are kept for whom, and until when. Pure; the rules are the policies `booking.release` and `booking.pools`.

Rules are shares of all places of a schedule on one day. Every place is told at once when it opens and from when it is anybody's, so nothing
has to happen at those moments: a server that slept, or a clock that was put right, makes nothing late.
北京市: at least 30 % for the grassroots of the consortium, 50 % of experts', two weeks before the rest opens; 山西: 30 % for two days
(china-facts §5; APT-3, APT-4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count, islice
from typing import Any, Literal

PUBLIC = "public"
POOLS = (PUBLIC, "grassroots", "family-doctor", "follow-up", "on-site", "emergency")
Anchor = Literal["release", "start"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pool's part of a day.

    share            of all places, above 0 and at most 1
    opens_days       so many days before the rest opens
    anchor, hours    unused places become public so long after the release, or before the slot starts
    """

    pool: str
    share: float
    opens_days: int
    anchor: Anchor
    hours: float


@dataclass(frozen=True, slots=True)
class Release:
    """When the places of a day open to the public: so many days before, at this time of the region."""

    days: int
    at: time


@dataclass(frozen=True, slots=True)
class Reserved:
    """What becomes of one place; times aware, UTC."""

    pool: str
    opens: datetime
    public_from: datetime


def release_of(value: Mapping[str, Any]) -> Release:
    """The policy `booking.release`. ValueError for what makes no sense."""
    days = int(value["days"])
    if not 0 <= days <= 366:
        raise ValueError("booking.release: days is 0 to 366")
    return Release(days, time.fromisoformat(value["at"]))


def rules_of(value: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The policy `booking.pools` for one kind of slot. ValueError for what makes no sense."""
    rules = tuple(Rule(row["pool"], float(row["share"]), int(row["opens_days"]), row["anchor"], float(row["hours"])) for row in value)
    for rule in rules:
        if (
            rule.pool not in POOLS
            or rule.pool == PUBLIC
            or rule.anchor not in ("release", "start")
            or rule.opens_days < 0
            or rule.hours < 0
        ):
            raise ValueError(f"booking.pools: {rule} makes no sense")
        if not 0 < rule.share <= 1:
            raise ValueError("booking.pools: a share is above 0 and at most 1")
    if sum(rule.share for rule in rules) > 1 + 1e-9:
        raise ValueError("booking.pools: the shares of a day are more than the whole")
    return rules


USUAL = Rule("", 0, 14, "release", 48)
"""When a pool's places open and fall to the public where a schedule keeps some for a pool the rules do not know."""


def own_shares(rules: Sequence[Rule], shares: Mapping[str, float]) -> tuple[Rule, ...]:
    """These rules with a schedule's own shares. ValueError where these are less than a rule asks for, or more than the whole."""
    known = {rule.pool: rule for rule in rules}
    for pool, share in shares.items():
        if share < known.get(pool, USUAL).share - 1e-9:
            raise ValueError(f"{pool}: the rule keeps {known[pool].share:.0%} for it")
        known[pool] = replace(known.get(pool, USUAL), pool=pool, share=share)
    if sum(rule.share for rule in known.values()) > 1 + 1e-9:
        raise ValueError("the shares of a day are more than the whole")
    return tuple(known.values())


def at_least(rules: Sequence[Rule], shares: Mapping[str, float]) -> tuple[Rule, ...]:
    """These rules with a schedule's own shares where these are more: rules that came later may ask for more than the schedule gave. Where
    both together are more than the whole, the rules alone hold."""
    known = {rule.pool: rule.share for rule in rules}
    try:
        return own_shares(rules, {pool: max(share, known.get(pool, 0)) for pool, share in shares.items()})
    except ValueError:
        return tuple(rules)


def turns(rules: Sequence[Rule]) -> Iterator[Rule | None]:
    """Under which rule the places of a day fall, one after the other without end; None: public.

    With one rule, of the first n places at least `share` × n are the pool's, for every n: whoever adds places later, and however many, the
    pool never has less than its share. With several, none is ever a whole place short for each of the others; the one most behind is next.
    """
    given = [0] * len(rules)
    for number in count(1):
        behind = [rule.share * number - have for rule, have in zip(rules, given, strict=True)]
        most = max(range(len(rules)), key=behind.__getitem__, default=None)
        if most is None or behind[most] <= 1e-9:
            yield None
        else:
            given[most] += 1
            yield rules[most]


def reserved(
    first: int, many: int, rules: Sequence[Rule], release: Release, day: date, starts: datetime, zone: tzinfo
) -> Iterator[Reserved]:
    """The places `first` to `first` + `many` - 1 of a day, of which those of one slot; `starts` aware.

    Nothing opens after the slot has begun: a slot that is added on the day is open at once.
    """
    for rule in islice(turns(rules), first, first + many):
        yield of_rule(rule, release, day, starts, zone)


def of_rule(rule: Rule | None, release: Release, day: date, starts: datetime, zone: tzinfo) -> Reserved:
    """What becomes of a place under this rule (None: the public's).

    Days are the calendar's and the release is at the time on the wall, in an hour that comes twice the first time; hours are true hours,
    also where clocks are changed in between (all is compared and added in UTC: of two times of one zone Python compares the walls').
    """
    starts = starts.astimezone(UTC)
    public = min(_at(day - timedelta(days=release.days), release.at, zone), starts)
    if rule is None:
        return Reserved(PUBLIC, public, public)
    opens = min(_at(day - timedelta(days=release.days + rule.opens_days), release.at, zone), public)
    falls = public + timedelta(hours=rule.hours) if rule.anchor == "release" else starts - timedelta(hours=rule.hours)
    return Reserved(rule.pool, opens, min(max(falls, opens), starts))


def _at(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


def dealt(places: Sequence[tuple[str, bool]], rules: Sequence[Rule]) -> list[Rule | Literal["stays"] | None]:
    """How the places of a day, in their order, would be shared out by other rules: of each its rule, None for the public's, or that it
    stays as it is. places: the pool each counts for, and whether it stays (somebody has it, or everybody may take it already).

    What stays counts for its pool, so that the day comes as near to its shares as what is left allows.
    """
    left = list(islice(turns(rules), len(places)))
    for pool, stays in places:
        if stays:
            left.pop(next((nth for nth, rule in enumerate(left) if (rule.pool if rule else PUBLIC) == pool), _spare(left)))
    rest = iter(left)
    return ["stays" if stays else next(rest) for _, stays in places]


def _spare(left: Sequence[Rule | None]) -> int:
    """Which turn is given up for a place that stays with a pool nothing is left for: the last of the public's, else the last."""
    return max((nth for nth, rule in enumerate(left) if rule is None), default=len(left) - 1)
