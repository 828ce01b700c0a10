"""Who comes first of those who can take a patient. Pure.

Everything that counts is turned into minutes of travel it weighs as much as (policy `directory.candidate_weights`, by urgency), and added
up: the sum is the cost, lowest first. So each reason can be told with what it weighed, and whoever is better in one thing and equal in all
others never comes later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yilian.directory.roads import Way

URGENCIES = ("routine", "urgent", "stat")
SCORE_MINUTES = 60.0
"""A cost of so many minutes is half a score."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Minutes of travel that weigh as much as: a minute of travel; a day until the next place; a day usually waited for an answer; a tier
    further than the next one; being in no common consortium; offering only the broader department; no place known; no free bed where there
    are beds; a way that is not known."""

    travel_minute: float
    place_day: float
    wait_day: float
    tier_step: float
    outside: float
    broader: float
    no_place: float
    no_bed: float
    unknown_way: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a candidate.

    way           None: somebody's place is not known
    steps         tiers between the two, without the next one; equal tiers: 0 for a lateral referral
    consortium    in one consortium with the sender; None: the sender is in none
    exact         offers the department itself, not only the broader one
    next_place    aware; None: none within the time that is looked at
    beds_free, beds   of the department; beds 0: nothing is known of beds
    answer_h      median hours until an answer; None: not known
    had_patient   the patient came from there
    """

    way: Way | None
    steps: int
    consortium: bool | None
    exact: bool
    next_place: datetime | None
    beds_free: int = 0
    beds: int = 0
    answer_h: float | None = None
    had_patient: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that counted. minutes: what it added to the cost."""

    code: str
    zh: str
    en: str
    minutes: float = 0.0


def weights_of(value: Mapping[str, Mapping[str, Any]], priority: str) -> Weights:
    """The policy for a priority of FHIR (asap counts as urgent). ValueError for what makes no sense."""
    row = value[{"asap": "urgent"}.get(priority, priority)]
    weights = Weights(**{name: float(row[name]) for name in Weights.__slots__})
    if any(getattr(weights, name) < 0 for name in Weights.__slots__):
        raise ValueError("directory.candidate_weights: no weight is below 0")
    return weights


def reasons(facts: Facts, weights: Weights, since: datetime) -> tuple[Reason, ...]:
    """What counts, in the order a person reads it. since: from when a place is looked for (aware)."""
    found = []
    if facts.had_patient:
        found.append(Reason("origin", "患者由该机构转来，可转回", "The patient came from there and can go back"))
    if facts.exact:
        found.append(Reason("scope", "设有所需专科", "Has the department that is asked for"))
    else:
        found.append(
            Reason("scope-broader", "仅设上级科目，请电话确认能否收治", "Has the broader department only: telephone first", weights.broader)
        )
    if facts.steps:
        found.append(Reason("tier", f"跨 {facts.steps} 级转诊", f"Skips {facts.steps} tier(s)", facts.steps * weights.tier_step))
    if facts.consortium:
        found.append(Reason("consortium", "同一医联体", "In the same consortium"))
    elif facts.consortium is False:
        found.append(Reason("outside", "不在同一医联体", "In no consortium with you", weights.outside))
    found.append(_way(facts.way, weights))
    found.append(_place(facts.next_place, weights, since))
    if facts.beds:
        found.append(
            Reason("beds", f"空床 {facts.beds_free} / {facts.beds}", f"{facts.beds_free} of {facts.beds} beds free")
            if facts.beds_free
            else Reason("beds-none", f"暂无空床（共 {facts.beds} 张）", f"None of {facts.beds} beds free", weights.no_bed)
        )
    if facts.answer_h is not None:
        zh, en = _span(facts.answer_h)
        found.append(Reason("wait", f"通常 {zh}内安排接诊", f"Usually arranged within {en}", facts.answer_h / 24 * weights.wait_day))
    return tuple(found)


def cost(found: tuple[Reason, ...]) -> float:
    """Minutes; lowest comes first."""
    return sum(one.minutes for one in found)


def score(minutes: float) -> float:
    """1 for a cost of nothing, towards 0 for a high one: for `Bundle.entry.search.score`."""
    return SCORE_MINUTES / (SCORE_MINUTES + minutes)


def _way(way: Way | None, weights: Weights) -> Reason:
    if way is None:
        return Reason("way-unknown", "距离不详", "Distance not known", weights.unknown_way)
    km, minutes = f"{way.road_km:.0f}" if way.road_km >= 10 else f"{way.road_km:.1f}", round(way.minutes)
    return Reason(
        "way", f"约 {km} 公里，车程约 {minutes} 分钟", f"About {km} km, {minutes} min by road", way.minutes * weights.travel_minute
    )


def _place(next_place: datetime | None, weights: Weights, since: datetime) -> Reason:
    if next_place is None:
        return Reason("place-none", "近期无可约号源", "No place to be booked soon", weights.no_place)
    days = max(0.0, (next_place - since).total_seconds() / 86400)
    zh, en = _span(days * 24)
    return Reason(
        "place",
        f"最早可约号源在 {zh}后" if days >= 1 / 24 else "现有可约号源",
        f"Next place in {en}" if days >= 1 / 24 else "A place is free now",
        min(days * weights.place_day, weights.no_place),
    )


def _span(hours: float) -> tuple[str, str]:
    """How long, as one says it."""
    if hours < 1:
        return "1 小时", "1 h"
    if hours < 48:
        return f"{hours:.0f} 小时", f"{hours:.0f} h"
    return f"{hours / 24:.0f} 天", f"{hours / 24:.0f} days"
