"""A criterion as a value, and the way from a PlanDefinition to it. Pure.

A PlanDefinition is a criterion for referral when it is an eca-rule whose one action has a code of the referral directions:

    action.code        the direction (`urls.REFERRAL_DIRECTION`), and the specialty asked for (`urls.SPECIALTY`)
    action.priority    how urgent; action.reason: a code of `urls.REFERRAL_REASON`
    action.extension   `urls.CRITERION_FINDING`, each one thing that is looked for: a FHIRPath that gives what was found, and what a
                       threshold is compared with. It can be used in the conditions by its name
    action.condition   the first says for whom it is (where there are two), the last when it is met

FHIR R4: http://hl7.org/fhir/R4/plandefinition.html, http://hl7.org/fhir/R4/metadatatypes.html#Expression
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from yilian.criteria.vocabulary import DAILY, Measure, vocabulary
from yilian.errors import Issue
from yilian.fhir import urls
from yilian.fhir.path import Expression, PathError, compile
from yilian.fhir.path.quantity import Quantity

Resource = dict[str, Any]

FHIRPATH = "text/fhirpath"
DIRECTIONS = ("up", "down")
URGENCIES = ("stat", "urgent", "asap", "routine")
COMPARES = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}
MODES = ("latest", "any", "running", "all")
LIMIT = "limit"
TIMES = "times"
NAME = re.compile(r"[a-z][A-Za-z0-9]{0,40}")
VARIABLE = re.compile(r"%`?([A-Za-z_][A-Za-z0-9_]*)`?")
FIXED = frozenset({"resource", "rootResource", "context", "sct", "loinc", "ucum"})
LONGEST = 2000
MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a criterion looks for.

    text        as people read it: "收缩压 ≥180 mmHg"
    expression  gives what was found (Observations, Conditions …); nothing: not found
    uses        names of variables in it
    measure     the name of what is compared with `limit`, "" where no value is; compare: ≥ and its like, "" for an expression of its own
    times       how many measurements it takes; days: how old they may be, 0: as long as the policy says
    ask         the question to the doctor, where the record can hardly know; "" otherwise
    """

    name: str
    text: str
    expression: Expression
    uses: frozenset[str]
    measure: str = ""
    compare: str = ""
    mode: str = "latest"
    limit: Quantity | None = None
    times: int = 1
    days: int = 0
    ask: str = ""

    @property
    def looks_at(self) -> tuple[Measure, ...]:
        """The measures it needs a value of."""
        known = vocabulary().measures
        return tuple(known[name] for name in sorted({use.removesuffix(DAILY) for use in self.uses} & known.keys()))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One rule of the library. `rule` is its text; `evidence` as in policy.toml, M for what was never checked; `since`: from which day.

    `id` is that of the PlanDefinition, `url` and `version` are what verdicts and statistics call it by; `active` False: switched off.
    """

    id: str
    url: str
    version: str
    title: str
    rule: str
    direction: str
    specialty: str
    reason: str
    urgency: str
    topic: str
    topic_zh: str
    source: str
    evidence: str
    findings: tuple[Finding, ...]
    applies: Expression | None
    met: Expression
    active: bool
    since: date

    @property
    def key(self) -> str:
        """The last part of its address: "hypertension-severe"."""
        return self.url.rsplit("/", 1)[1].removeprefix("criterion-")


class NotSound(Exception):
    """A PlanDefinition that cannot be a criterion; `issues` says why, each with its place."""

    def __init__(self, issues: list[Issue]) -> None:
        self.issues = issues
        super().__init__(issues[0].diagnostics)


def is_criterion(plan: Mapping[str, Any]) -> bool:
    """Whether this PlanDefinition wants to be one of ours; others are nobody's business here."""
    actions = plan.get("action")
    first = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    return bool(_code(first.get("code"), urls.REFERRAL_DIRECTION))


def read(plan: Resource) -> Criterion:
    """The criterion in a structurally valid PlanDefinition. Raises NotSound."""
    faults: list[Issue] = []
    action: Resource = plan["action"][0]
    if len(plan["action"]) > 1:
        faults.append(_fault("PlanDefinition.action", "A criterion has one action.", "一条转诊标准只能有一个动作。"))
    for name in ("url", "version", "title"):
        if not plan.get(name):
            faults.append(_fault(f"PlanDefinition.{name}", f"A criterion needs {name}.", f"转诊标准缺少 {name}。"))
    direction = _code(action.get("code"), urls.REFERRAL_DIRECTION)
    if direction not in DIRECTIONS:
        faults.append(_fault("PlanDefinition.action[0].code", "The direction is up or down.", "方向应为上转或下转。"))
    urgency = str(action.get("priority", "routine"))
    findings = _findings(action, faults)
    names = frozenset(one.name for one in findings)
    conditions = [c.get("expression", {}) for c in action.get("condition", [])]
    if not 1 <= len(conditions) <= 2:
        faults.append(
            _fault("PlanDefinition.action[0].condition", "A criterion has one or two conditions.", "转诊标准应有一至两个条件表达式。")
        )
    compiled = [
        _compiled(expression, f"PlanDefinition.action[0].condition[{place}].expression", vocabulary().names | names, faults)
        for place, expression in enumerate(conditions)
    ]
    if faults:
        raise NotSound(faults)
    met = compiled[-1]
    assert met is not None
    evidence = next((e.get("valueCode", "") for e in plan.get("extension", []) if e.get("url") == urls.CRITERION_EVIDENCE), "")
    topic: Resource = next((c for t in plan.get("topic", []) for c in t.get("coding", []) if c.get("system") == urls.CRITERION_TOPIC), {})
    return Criterion(
        id=plan.get("id", ""),
        url=plan["url"],
        version=plan["version"],
        title=plan["title"],
        rule=plan.get("description", ""),
        direction=direction,
        specialty=_code(action.get("code"), urls.SPECIALTY),
        reason=_code(action.get("reason"), urls.REFERRAL_REASON),
        urgency=urgency if urgency in URGENCIES else "routine",
        topic=topic.get("code", ""),
        topic_zh=topic.get("display", ""),
        source="；".join(r["citation"] for r in plan.get("relatedArtifact", []) if r.get("citation")),
        evidence=evidence,
        findings=findings,
        applies=compiled[0] if len(compiled) == 2 else None,
        met=met,
        active=plan.get("status") == "active",
        since=_day(plan.get("effectivePeriod", {}).get("start")),
    )


def _findings(action: Resource, faults: list[Issue]) -> tuple[Finding, ...]:
    given = [e for e in action.get("extension", []) if e.get("url") == urls.CRITERION_FINDING]
    if len(given) > MOST_FINDINGS:
        faults.append(_fault("PlanDefinition.action[0].extension", f"More than {MOST_FINDINGS} findings.", "判断项过多。"))
        return ()
    found: dict[str, Finding] = {}
    for place, extension in enumerate(given):
        where = f"PlanDefinition.action[0].extension[{place}]"
        one = _finding({p.get("url"): p for p in extension.get("extension", [])}, where, faults)
        if one is not None and one.name in found:
            faults.append(_fault(where, f"Two findings are called {one.name!r}.", "判断项名称重复。"))
        if one is not None:
            found[one.name] = one
    return tuple(found.values())


def _finding(parts: Mapping[Any, Resource], where: str, faults: list[Issue]) -> Finding | None:
    expression = parts.get("finding", {}).get("valueExpression", {})
    name = str(expression.get("name", ""))
    if not NAME.fullmatch(name) or name in vocabulary().names or name in FIXED or name in (LIMIT, TIMES):
        faults.append(
            _fault(where, f"A finding needs a name of its own, of letters and digits; {name[:40]!r} is none.", "判断项名称不正确。")
        )
        return None
    measure = str(parts.get("measure", {}).get("valueCode", ""))
    compare = str(parts.get("compare", {}).get("valueCode", ""))
    mode = str(parts.get("mode", {}).get("valueCode", "latest"))
    if measure and (measure not in vocabulary().measures or compare not in COMPARES or mode not in MODES):
        faults.append(
            _fault(where, f"The finding {name!r} measures {measure[:40]!r}, which is not known.", f"判断项 {name} 的指标不正确。")
        )
        return None
    limit = _limit(parts.get("limit", {}).get("valueQuantity"), measure, where, faults)
    own = {LIMIT} if limit is not None else set()
    compiled = _compiled(expression, f"{where}.extension(finding)", vocabulary().names | own | {TIMES}, faults)
    if measure and limit is None:
        faults.append(_fault(where, f"The finding {name!r} needs a limit.", f"判断项 {name} 缺少阈值。"))
    if compiled is None:
        return None
    return Finding(
        name,
        str(expression.get("description") or name),
        compiled,
        frozenset(VARIABLE.findall(compiled.text)),
        measure,
        compare,
        mode,
        limit,
        max(int(parts.get("times", {}).get("valuePositiveInt", 1)), 1),
        int(parts.get("days", {}).get("valuePositiveInt", 0)),
        str(parts.get("ask", {}).get("valueString", "")),
    )


def _limit(given: Any, measure: str, where: str, faults: list[Issue]) -> Quantity | None:
    if not isinstance(given, Mapping) or given.get("value") is None:
        return None
    code = str(given.get("code", ""))
    known = vocabulary().measures.get(measure)
    if known is not None and code != known.unit:
        faults.append(
            _fault(where, f"The limit of {measure} is given in {known.unit}, not {code[:20]!r}.", f"阈值单位应为 {known.shown}。")
        )
    return Quantity(Decimal(str(given["value"])), code or "1")


def _compiled(expression: Mapping[str, Any], where: str, names: frozenset[str], faults: list[Issue]) -> Expression | None:
    text = expression.get("expression")
    if expression.get("language") != FHIRPATH or not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        faults.append(_fault(where, f"An expression is FHIRPath ({FHIRPATH}) of at most {LONGEST} characters.", "表达式应为 FHIRPath。"))
        return None
    unknown = sorted(set(VARIABLE.findall(text)) - names - FIXED)
    if unknown:
        known = ", ".join(sorted(names))
        faults.append(_fault(where, f"There is no variable %{unknown[0]}; known are {known}.", f"表达式中没有变量 %{unknown[0]}。"))
        return None
    try:
        return compile(text)
    except PathError as error:
        faults.append(_fault(where, f"The expression cannot be understood: {error}", f"表达式有误:{error}"[:300]))
        return None


def _code(concepts: Any, system: str) -> str:
    for concept in concepts if isinstance(concepts, list) else []:
        for coding in concept.get("coding", ()) if isinstance(concept, dict) else ():
            if isinstance(coding, dict) and coding.get("system") == system and isinstance(coding.get("code"), str):
                return str(coding["code"])
    return ""


def _day(text: Any) -> date:
    """The first day of a date of any precision; the beginning of time without one."""
    if not isinstance(text, str) or len(text) < 4:
        return date.min
    parts = [int(part) for part in text[:10].split("-")]
    return date(*[*parts, 1, 1][:3])


def _fault(place: str, diagnostics: str, zh: str) -> Issue:
    return Issue("error", "invariant", diagnostics, place, zh)
