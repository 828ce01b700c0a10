"""Verdicts as FHIR: a GuidanceResponse for each, a DetectedIssue for what is met, and the parts a page draws. Pure; nothing is stored.

FHIR R4: http://hl7.org/fhir/R4/guidanceresponse.html, http://hl7.org/fhir/R4/detectedissue.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from yilian.criteria.criterion import Criterion
from yilian.criteria.evaluate import ASK, FAILED, LACKING, MET, NEARLY, NOT_FOR, NOT_MET, STATES, Evidence, Found, Verdict
from yilian.criteria.vocabulary import vocabulary
from yilian.fhir import urls
from yilian.fhir.dates import region_zone

Resource = dict[str, Any]

STATUS = {MET: "success", NEARLY: "success", NOT_MET: "success", NOT_FOR: "success", ASK: "data-required", LACKING: "data-required"}
SEVERITY = {"stat": "high", "urgent": "high", "asap": "moderate", "routine": "low"}


def parameters(subject: str, verdicts: Iterable[Verdict], now: datetime) -> Resource:
    """`Patient/{id}/$criteria`: one part a criterion. `subject` is "Patient/…"."""
    return {"resourceType": "Parameters"} | _some({"parameter": [part(subject, one, now) for one in verdicts]})


def part(subject: str, verdict: Verdict, now: datetime) -> Resource:
    """One verdict with everything that explains it."""
    one = verdict.criterion
    parts: list[Resource] = [
        {"name": "criterion", "valueCanonical": canonical(one)},
        {"name": "plan", "valueReference": {"reference": f"PlanDefinition/{one.id}"}},
        {"name": "title", "valueString": one.title},
        {"name": "rule", "valueString": one.rule},
        {"name": "direction", "valueCode": one.direction},
        {"name": "urgency", "valueCode": one.urgency},
        {"name": "state", "valueCoding": {"code": verdict.state, "display": STATES[verdict.state]}},
        {"name": "source", "valueString": one.source},
        {"name": "evidence", "valueCode": one.evidence or "house"},
    ]
    for name, value in (("reason", one.reason), ("specialty", one.specialty), ("topic", one.topic_zh)):
        if value:
            parts.append({"name": name, "valueString" if name == "topic" else "valueCode": value})
    parts += [{"name": "heldBy", "valueString": title} for title in verdict.held_by]
    if verdict.trouble:
        parts.append({"name": "trouble", "valueString": verdict.trouble})
    parts += [{"name": "finding", "part": _finding(one, found)} for found in verdict.findings]
    parts.append({"name": "guidance", "resource": guidance(subject, verdict, now)})
    if verdict.state == MET:
        parts.append({"name": "issue", "resource": issue(subject, verdict, now)})
    return {"name": "criterion", "part": parts}


def canonical(one: Criterion) -> str:
    return f"{one.url}|{one.version}"


def guidance(subject: str, verdict: Verdict, now: datetime) -> Resource:
    """What the standard calls the answer of a decision support module; with what would have to be measured."""
    one = verdict.criterion
    wanted = [_wanted(found) for found in verdict.findings if found.state == "missing"]
    return {
        "resourceType": "GuidanceResponse",
        "moduleCanonical": canonical(one),
        "status": STATUS.get(verdict.state, "failure"),
        "subject": {"reference": subject},
        "occurrenceDateTime": _day(now),
        "note": [{"text": explanation(verdict)}],
    } | _some(
        {
            "reasonCode": [{"coding": [{"system": urls.REFERRAL_REASON, "code": one.reason}]}] if one.reason else [],
            "dataRequirement": [entry for listed in wanted for entry in listed] if verdict.state == LACKING else [],
        }
    )


def issue(subject: str, verdict: Verdict, now: datetime) -> Resource:
    """What was found, with the resources it rests on."""
    one = verdict.criterion
    evidence = [
        {"code": [{"text": found.finding.text}]} | _some({"detail": [{"reference": e.reference} for e in found.evidence if e.reference]})
        for found in verdict.findings
        if found.state == "found"
    ]
    return {
        "resourceType": "DetectedIssue",
        "status": "preliminary",
        "code": {"text": one.title},
        "severity": SEVERITY[one.urgency],
        "patient": {"reference": subject},
        "identifiedDateTime": _day(now),
        "detail": explanation(verdict),
        "reference": one.url,
    } | _some({"evidence": evidence})


def explanation(verdict: Verdict) -> str:
    """One Chinese sentence: which value met which rule, or what is missing."""
    if verdict.state == FAILED:
        return "该标准的表达式无法在此病历上计算。"
    told = [_told(found) for found in verdict.findings if found.state in _TOLD[verdict.state]]
    head = f"{STATES[verdict.state]}“{verdict.criterion.title}”"
    held = f"(同时存在:{'、'.join(verdict.held_by)},暂不宜下转)" if verdict.held_by else ""
    return f"{head}{held}{':' if told else '。'}{';'.join(told)}"


_TOLD = {
    MET: ("found",),
    NEARLY: ("found", "near"),
    ASK: ("found", "ask"),
    LACKING: ("found", "missing", "ask"),
    NOT_MET: ("not-found", "near"),
    NOT_FOR: (),
}


def _told(found: Found) -> str:
    if found.state == "ask":
        return f"需确认:{found.finding.ask}"
    if found.state == "missing":
        names = "、".join(one.zh for one in found.finding.looks_at) or found.finding.text
        why = f"(单位“{found.unreadable}”无法识别)" if found.unreadable else f"(近 {found.days} 天无足够结果)" if found.days else ""
        return f"缺少{names}{why}"
    shown = found.evidence or ((found.newest,) if found.newest else ())
    values = "、".join(text for text in (_shown(found, one) for one in shown) if text)
    return f"{found.finding.text}" + (f",实际 {values}" if values else "")


def _shown(found: Found, evidence: Evidence) -> str:
    """ "158 mmHg(2026-11-20)"."""
    value = f"{_number(evidence)} {_unit(found)}".strip() if evidence.amount is not None else evidence.text
    on = f"{evidence.at.astimezone(region_zone()):%Y-%m-%d}" if evidence.at is not None else ""
    return f"{value}({on})" if value and on else value or on


def _number(evidence: Evidence) -> str:
    """As it was written, without the zeros a conversion adds; at most two places."""
    if evidence.amount is None:
        return ""
    text = f"{evidence.amount:.2f}"
    return text.rstrip("0").rstrip(".")


def _unit(found: Found) -> str:
    known = vocabulary().measures.get(found.finding.measure) or (found.finding.looks_at[0] if found.finding.looks_at else None)
    return known.shown if known is not None else ""


def _finding(criterion: Criterion, found: Found) -> list[Resource]:
    """key: what `confirmed` takes; state; the limit; each piece of evidence."""
    finding = found.finding
    parts: list[Resource] = [
        {"name": "key", "valueString": f"{criterion.key}.{finding.name}"},
        {"name": "text", "valueString": finding.text},
        {"name": "state", "valueCode": found.state},
    ]
    if finding.ask:
        parts.append({"name": "ask", "valueString": finding.ask})
    if finding.measure and finding.limit is not None:
        known = vocabulary().measures[finding.measure]
        limit = {"value": finding.limit.value, "unit": known.shown or known.unit, "system": urls.UCUM, "code": known.unit}
        parts.append({"name": "compare", "valueCode": finding.compare})
        parts.append({"name": "limit", "valueQuantity": limit})
    if found.days:
        parts.append({"name": "days", "valuePositiveInt": found.days})
    if found.unreadable:
        parts.append({"name": "unreadable", "valueString": found.unreadable})
    for one in found.evidence or ((found.newest,) if found.newest else ()):
        parts.append({"name": "value", "part": _evidence(found, one)})
    if found.state == "missing":
        parts += [{"name": "measure", "valueString": measure.zh} for measure in finding.looks_at]
    return parts


def _evidence(found: Found, one: Evidence) -> list[Resource]:
    shown = f"{_number(one)} {_unit(found)}".strip() if one.amount is not None else one.text
    parts: list[Resource] = [{"name": "text", "valueString": shown}] if shown else []
    if one.reference:
        parts.append({"name": "reference", "valueReference": {"reference": one.reference}})
    if one.at is not None:
        parts.append({"name": "at", "valueDateTime": _stamp(one.at)})
    if one.amount is not None and found.finding.measure:
        known = vocabulary().measures[found.finding.measure]
        parts.append({"name": "amount", "valueQuantity": {"value": one.amount, "system": urls.UCUM, "code": known.unit}})
    return parts or [{"name": "text", "valueString": found.finding.text}]


def _wanted(found: Found) -> list[Resource]:
    """What to measure, as DataRequirements: http://hl7.org/fhir/R4/metadatatypes.html#DataRequirement"""
    return [
        {
            "type": "Observation",
            "codeFilter": [{"path": "code", "code": [{"system": urls.LOINC, "code": min(one.codes), "display": one.zh}]}],
        }
        for one in found.finding.looks_at
    ]


def _some(elements: Resource) -> Resource:
    return {name: value for name, value in elements.items() if value}


def _day(at: datetime) -> str:
    """Verdicts are of a day: rules count in days, and the same record gives the same answer all day."""
    return at.astimezone(region_zone()).date().isoformat()


def _stamp(at: datetime) -> str:
    return at.astimezone(region_zone()).isoformat(timespec="milliseconds")
