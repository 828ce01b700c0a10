"""Criteria tried on the facts of one patient: which are met and by which value, which nearly, and what is missing. Pure.

A criterion is asked up to four times: with what was found; with values that lie close to their limit taken for found; with what the record
cannot know and only the doctor can say; and with what was not measured in time. The first that makes it hold is its state. So whatever way
its findings are joined, "nearly" and "lacking" mean what they say.

It suggests and never decides. Expressions may be a region's own: one that fails is told of as such and never stops the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from yilian.criteria.criterion import LIMIT, TIMES, Criterion, Finding
from yilian.criteria.facts import DAILY, PRESSURE, Facts, Value, daily
from yilian.criteria.vocabulary import vocabulary
from yilian.fhir.dates import interval
from yilian.fhir.path import Item, PathError

Resource = dict[str, Any]

MET, NEARLY, ASK, LACKING, NOT_MET, NOT_FOR, FAILED = "met", "nearly", "ask", "lacking", "not-met", "not-applicable", "failed"
STATES = {
    MET: "符合",
    NEARLY: "接近",
    ASK: "需医生确认",
    LACKING: "缺少数据",
    NOT_MET: "不符合",
    NOT_FOR: "不适用",
    FAILED: "无法判断",
}
ORDER = tuple(STATES)
URGENT = ("stat", "urgent")
URGENCY_ORDER = ("stat", "urgent", "asap", "routine")
SYMPTOM = "symptom"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a region sets: how many days a value of each group holds (`criteria.valid_days`), and within which share of its limit a value is
    close to it (`criteria.near_percent`)."""

    valid_days: Mapping[str, int]
    near_percent: Decimal


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a finding rests on: a reference ("" where the doctor said so), when, and the value in the measure's unit where there is one."""

    reference: str
    at: datetime | None
    amount: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding and how it stands: found, near, missing (nothing measured in time), ask (only the doctor can say), not-found.

    `newest` is the last value that could be compared, also when it was not found by it; `unreadable`: a unit nobody could read.
    """

    finding: Finding
    state: str
    evidence: tuple[Evidence, ...] = ()
    newest: Evidence | None = None
    days: int = 0
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one criterion stands. `held_by`: titles of urgent up-criteria that are met, for a down-criterion that is met as well."""

    criterion: Criterion
    state: str
    findings: tuple[Found, ...] = ()
    held_by: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def may_go(self) -> bool:
        """Met, and nothing urgent speaks against it."""
        return self.state == MET and not self.held_by


def evaluate(criteria: Iterable[Criterion], facts: Facts, rules: Rules, confirmed: Collection[str] = ()) -> list[Verdict]:
    """Every criterion that is switched on, the weightiest first. `confirmed`: what the doctor has said is so, as "key.finding"."""
    verdicts = [_verdict(one, facts, rules, confirmed) for one in criteria if one.active]
    urgent = tuple(
        v.criterion.title for v in verdicts if v.state == MET and v.criterion.direction == "up" and v.criterion.urgency in URGENT
    )
    if urgent:
        verdicts = [
            replace(verdict, held_by=urgent) if verdict.state == MET and verdict.criterion.direction == "down" else verdict
            for verdict in verdicts
        ]
    verdicts.sort(key=lambda v: (ORDER.index(v.state), URGENCY_ORDER.index(v.criterion.urgency)))
    return verdicts


def _verdict(criterion: Criterion, facts: Facts, rules: Rules, confirmed: Collection[str]) -> Verdict:
    try:
        if criterion.applies is not None:
            uses = {name: facts.variables.get(name) for name in vocabulary().codes}
            everything = {**facts.variables, **uses, **_bound_names(criterion, facts, rules)}
            if criterion.applies.truth(facts.patient, variables=everything, now=facts.now) is not True:
                return Verdict(criterion, NOT_FOR)
        found = tuple(_found(criterion, one, facts, rules, confirmed) for one in criterion.findings)
        return Verdict(criterion, _state(criterion, found, facts, rules), found)
    except PathError as error:
        return Verdict(criterion, FAILED, trouble=str(error)[:300])


def _state(criterion: Criterion, found: Sequence[Found], facts: Facts, rules: Rules) -> str:
    known = {**facts.variables, **_bound_names(criterion, facts, rules)}
    taken: list[str] = ["found"]
    for state, more in ((MET, ""), (NEARLY, "near"), (ASK, "ask"), (LACKING, "missing")):
        if more:
            taken.append(more)
            if all(one.state != more for one in found):
                continue
        variables = known | {one.finding.name: [True] if one.state in taken else [] for one in found}
        if criterion.met.truth(facts.patient, variables=variables, now=facts.now) is True:
            return state
    return NOT_MET


def _bound_names(criterion: Criterion, facts: Facts, rules: Rules) -> dict[str, Any]:
    """Measures that the conditions name themselves, without a finding; as long as the policy says."""
    uses = set()
    for expression in (criterion.applies, criterion.met):
        if expression is not None:
            uses |= {name for name in (*vocabulary().measures, PRESSURE) if f"%{name}" in expression.text}
    return {name: value for use in uses for name, value in _values(use, facts, rules, 0, "").items()}


def _found(criterion: Criterion, finding: Finding, facts: Facts, rules: Rules, confirmed: Collection[str]) -> Found:
    variables: dict[str, Any] = {name: facts.variables.get(name) for name in finding.uses if name in facts.variables}
    direction = finding.compare[:1]
    for use in {name.removesuffix(DAILY) for name in finding.uses}:
        if use in vocabulary().measures or use == PRESSURE:
            variables |= _values(use, facts, rules, finding.days, direction)
        elif use in vocabulary().codes:
            variables[use] = _coded(use, facts, rules, finding.days)
    variables |= {LIMIT: finding.limit, TIMES: finding.times}
    items = finding.expression.items(facts.patient, variables=variables, now=facts.now)
    newest, days = _newest(finding, facts, rules)
    if items:
        return Found(finding, "found", tuple(_evidence(item, facts) for item in items[:5]), newest=newest, days=days)
    if finding.ask:
        if f"{criterion.key}.{finding.name}" in confirmed:
            return Found(finding, "found", (Evidence("", facts.now, text="医生确认"),), newest=newest, days=days)
        return Found(finding, "ask", newest=newest, days=days)
    unreadable = next((facts.unreadable[one.name] for one in finding.looks_at if one.name in facts.unreadable), "")
    if (finding.measure or finding.looks_at or PRESSURE in {u.removesuffix(DAILY) for u in finding.uses}) and _too_few(finding, variables):
        return Found(finding, "missing", unreadable=unreadable, newest=newest, days=days)
    if newest is not None and newest.amount is not None and _is_near(finding, newest.amount, rules):
        return Found(finding, "near", (newest,), newest=newest, days=days)
    return Found(finding, "not-found", newest=newest, days=days)


def _values(name: str, facts: Facts, rules: Rules, days: int, direction: str) -> dict[str, Any]:
    """A measure as its two variables, of the days that count."""
    if name == PRESSURE:
        days = days or rules.valid_days["vital"]
        values = [one for one in facts.pressures if one.at >= facts.now - timedelta(days=days)]
    else:
        days = days or rules.valid_days[vocabulary().measures[name].group]
        values = facts.within(name, days, direction=direction)
    return {name: [one.item for one in values], name + DAILY: [one.item for one in daily(values, facts.zone)]}


def _coded(name: str, facts: Facts, rules: Rules, days: int) -> list[Resource]:
    """Conditions or medicines of a set; symptoms only of the last days, as are others where the finding says so."""
    listed: list[Resource] = facts.variables[name]
    if not days and vocabulary().codes[name].kind == SYMPTOM:
        days = rules.valid_days[SYMPTOM]
    if not days:
        return listed
    oldest = facts.now - timedelta(days=days)
    return [one for one in listed if (at := _when(one, facts)) is not None and at >= oldest]


def _too_few(finding: Finding, variables: Mapping[str, Any]) -> bool:
    """Whether there are not as many values as it takes to say yes or no: it is then not known."""
    counted = finding.mode in ("running", "all") or PRESSURE + DAILY in finding.uses
    wanted = max(finding.times, 1) if counted else 1
    if PRESSURE + DAILY in finding.uses:
        wanted = max(wanted, 2)
    names = [n for n in finding.uses if n.removesuffix(DAILY) in vocabulary().measures or n.removesuffix(DAILY) == PRESSURE]
    if not names:
        return False
    return all(len(variables.get(name) or ()) < wanted for name in names)


def _newest(finding: Finding, facts: Facts, rules: Rules) -> tuple[Evidence | None, int]:
    """The newest value of what the finding measures that still counts, and for how many days values of it do."""
    if not finding.measure:
        return None, finding.days
    days = finding.days or rules.valid_days[vocabulary().measures[finding.measure].group]
    values = facts.within(finding.measure, days, direction=finding.compare[:1])
    return (_of_value(values[0]) if values else None), days


def _is_near(finding: Finding, amount: Decimal, rules: Rules) -> bool:
    if finding.limit is None or not finding.measure:
        return False
    return abs(amount - finding.limit.value) <= abs(finding.limit.value) * rules.near_percent / 100


def _of_value(value: Value) -> Evidence:
    return Evidence(value.source, value.at, value.amount)


def _evidence(item: Item, facts: Facts) -> Evidence:
    resource = item.value
    if not isinstance(resource, dict) or "resourceType" not in resource:
        return Evidence("", None, text="")
    reference = f"{resource['resourceType']}/{resource['id']}" if "id" in resource else ""
    quantity = resource.get("valueQuantity") or {}
    return Evidence(reference, _when(resource, facts), quantity.get("value"), _words(resource))


def _words(resource: Resource) -> str:
    if "component" in resource and resource["resourceType"] == "Observation":
        return "/".join(f"{part['valueQuantity']['value']:f}".split(".")[0] for part in resource["component"]) + " mmHg"
    concept = resource.get("code") or resource.get("medicationCodeableConcept") or {}
    if resource["resourceType"] == "Encounter":
        return str((resource.get("type") or [{}])[0].get("text", "")) or "就诊"
    return str(concept.get("text") or next((c.get("display", "") for c in concept.get("coding", ())), ""))


def _when(resource: Resource, facts: Facts) -> datetime | None:
    text = (
        resource.get("effectiveDateTime")
        or resource.get("onsetDateTime")
        or resource.get("recordedDate")
        or resource.get("authoredOn")
        or resource.get("period", {}).get("start")
    )
    return interval(text, facts.zone)[0] if isinstance(text, str) else None
