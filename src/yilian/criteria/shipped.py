"""The library that comes with the platform: one TOML for each illness in `library/`, compiled into PlanDefinitions. Pure.

[[criterion]]
key, title, rule     the rule in the words of its source; `{name}` stands for the limit of that finding
direction, urgency, reason, specialty
source, evidence     document and paragraph; S, S2, example or M (from memory: to be confirmed by the region), as in policy.toml
applies              names of diagnoses, any of which makes it somebody's; or a FHIRPath in `applies_path`
needs                "any" or "all" of the findings, or a FHIRPath in `met`
[[criterion.finding]]
name                 how it is called in paths
measure, compare, value, mode, times, days   a value against a limit, see `_measured`
has, times           a diagnosis, symptom or drug of `measures.toml`; so many different medicines
lacks                none of them
path, text           a FHIRPath of its own, and how it is told
ask                  a question to the doctor, for what the record seldom knows
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from yilian.criteria.criterion import COMPARES, FHIRPATH
from yilian.criteria.vocabulary import DAILY, vocabulary
from yilian.directory import specialties
from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept

Resource = dict[str, Any]

FOLDER = Path(__file__).with_name("library")
PREFIX = "criterion-"
VERSION = "2026.1"
FROM = "2026-01-01"
TOPICS = {
    "emergency": "急危重症",
    "hypertension": "高血压",
    "diabetes": "2 型糖尿病",
    "copd": "慢阻肺",
    "coronary": "冠心病",
    "stroke": "脑卒中",
    "general": "通用标准",
}
DIRECTION_ZH = {"up": "上转", "down": "下转"}


@cache
def plans() -> tuple[Resource, ...]:
    """Every PlanDefinition of the library, in the order of the topics."""
    return tuple(_plan(topic, row) for topic, row in _rows())


@cache
def templates() -> dict[str, str]:
    """The rule of each by its url, with `{finding}` where the limit of that finding stands."""
    return {f"{urls.BASE}PlanDefinition/{PREFIX}{topic}-{row['key']}": row["rule"] for topic, row in _rows()}


def _rows() -> list[tuple[str, Mapping[str, Any]]]:
    return [(topic, row) for topic in TOPICS for row in tomllib.loads((FOLDER / f"{topic}.toml").read_text(encoding="utf-8"))["criterion"]]


def definitions() -> list[Resource]:
    """What this room has stored when the server starts: the library and its words."""
    answers = {"followed": "已采纳", "overridden": "未采纳", "shown": "仅提示"}
    return [
        code_system(urls.CRITERION_TOPIC, "CriterionTopic", "转诊标准病种", [concept(code, zh) for code, zh in TOPICS.items()]),
        code_system(urls.CRITERION_ANSWER, "CriterionAnswer", "转诊标准处理结果", [concept(code, zh) for code, zh in answers.items()]),
        *plans(),
    ]


def _plan(topic: str, row: Mapping[str, Any]) -> Resource:
    key = f"{PREFIX}{topic}-{row['key']}"
    findings = [_finding(one) for one in row["finding"]]
    limits = {one["name"]: f"{one['value']:g}" for one in row["finding"] if "value" in one}
    applies = row.get("applies_path") or " or ".join(f"%{name}.exists()" for name in row.get("applies", ()))
    joined = " and " if row.get("needs", "any") == "all" else " or "
    met = row.get("met") or joined.join(f"%{one['name']}.exists()" for one in row["finding"])
    codes = [_coded(urls.REFERRAL_DIRECTION, row["direction"], DIRECTION_ZH[row["direction"]])]
    if row.get("specialty"):
        codes.append(_coded(urls.SPECIALTY, row["specialty"], specialties.name(row["specialty"])))
    return {
        "resourceType": "PlanDefinition",
        "id": key,
        "language": "zh-CN",
        "extension": [{"url": urls.CRITERION_EVIDENCE, "valueCode": row["evidence"]}],
        "url": f"{urls.BASE}PlanDefinition/{key}",
        "version": VERSION,
        "name": "".join(part.capitalize() for part in key.split("-")),
        "title": row["title"],
        "type": _coded("http://terminology.hl7.org/CodeSystem/plan-definition-type", "eca-rule", "ECA Rule"),
        "status": "active",
        "experimental": False,
        "description": row["rule"].format(**limits),
        "topic": [_coded(urls.CRITERION_TOPIC, topic, TOPICS[topic])],
        "effectivePeriod": {"start": FROM},
        "relatedArtifact": [{"type": "citation", "citation": row["source"]}],
        "action": [
            {
                "extension": [{"url": urls.CRITERION_FINDING, "extension": parts} for parts in findings],
                "title": row["title"],
                "priority": row["urgency"],
                "code": codes,
                "reason": [_coded(urls.REFERRAL_REASON, row["reason"])],
                "condition": [
                    {"kind": "applicability", "expression": {"name": name, "language": FHIRPATH, "expression": text}}
                    for name, text in (("population", applies), ("met", met))
                    if text
                ],
            }
        ],
    }


def _finding(row: Mapping[str, Any]) -> list[Resource]:
    """The parts of the extension."""
    parts: list[Resource] = []
    if "measure" in row:
        text, path, parts = _measured(row)
    elif "has" in row and "times" in row:
        text = row.get("text") or f"使用{vocabulary().codes[row['has']].zh}不少于 {row['times']} 种"
        path = f"iif(%{row['has']}.medication.coding.code.distinct().count() >= %times, %{row['has']}, {{}})"
        parts = [{"url": "times", "valuePositiveInt": row["times"]}]
    elif "has" in row:
        text, path = row.get("text") or f"{vocabulary().codes[row['has']].zh}", f"%{row['has']}"
    elif "lacks" in row:
        text = row.get("text") or f"无{vocabulary().codes[row['lacks']].zh}"
        path = f"%{row['lacks']}.empty().where($this)"
    else:
        text, path = row["text"], row.get("path", "{}")
        if "value" in row:
            unit = row.get("unit", "1")
            parts = [{"url": "limit", "valueQuantity": {"value": row["value"], "system": urls.UCUM, "code": unit}}]
    if "days" in row:
        parts.append({"url": "days", "valuePositiveInt": row["days"]})
    if "ask" in row:
        parts.append({"url": "ask", "valueString": row["ask"]})
    head = {"name": row["name"], "description": text, "language": FHIRPATH, "expression": path}
    return [{"url": "finding", "valueExpression": head}, *parts]


def _measured(row: Mapping[str, Any]) -> tuple[str, str, list[Resource]]:
    """A value against a limit: (text, path, parts). mode:

    latest   the newest value
    any      any value of the time looked at
    running  `times` days one after the other on which it was measured, each with its newest value
    all      every value of the time looked at, at least `times` of them
    """
    measure, mode, times = vocabulary().measures[row["measure"]], row.get("mode", "latest"), row.get("times", 1)
    test, name = f"value {row['compare']} %limit", f"%{measure.name}"
    days = f"{name}{DAILY}.take(%times)"
    path = {
        "latest": f"{name}.first().where({test})",
        "any": f"{name}.where({test})",
        "running": f"{days}.where({days}.count() = %times and {days}.all({test}))",
        "all": f"{name}.where({name}.count() >= %times and {name}.all({test}))",
    }[mode]
    ends = {"latest": "", "any": f"(近 {row.get('days', 0)} 天内任一次)", "running": f"(非同日连续 {times} 次)"}
    ends["all"] = f"(近 {row.get('days', 0)} 天内每次,至少 {times} 次)"
    shown = f" {measure.shown}" if measure.shown and measure.shown != "%" else measure.shown
    text = row.get("text") or f"{measure.zh} {COMPARES[row['compare']]}{row['value']:g}{shown}{ends[mode]}"
    parts: list[Resource] = [
        {"url": "measure", "valueCode": measure.name},
        {"url": "compare", "valueCode": row["compare"]},
        {"url": "mode", "valueCode": mode},
        {
            "url": "limit",
            "valueQuantity": {"value": row["value"], "unit": measure.shown or measure.unit, "system": urls.UCUM, "code": measure.unit},
        },
    ]
    if times > 1:
        parts.append({"url": "times", "valuePositiveInt": times})
    return text, path, parts


def _coded(system: str, code: str, display: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}
