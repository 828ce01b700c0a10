"""HL7's invariants of each structure, corrected where 4.0.1 slips (`slips.toml`), and rules that R4 has in its text (`text_rules.toml`).

`surely_sound(structure)` is the quick look at one JSON object, `rules_of(structure)` what FHIRPath is asked when that look is not enough.
http://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from yilian.fhir.definitions import constraints, structure
from yilian.fhir.path import Expression, compile, parse
from yilian.validation.surely import FALSE, HELPERS, TRUE, Writer

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Rule:
    """One invariant. `at`: the element of the structure it is about, "" for the structure itself; `whole`: it looks beyond its element."""

    of: str
    key: str
    severity: str
    human: str
    zh: str
    at: str
    text: str
    whole: bool

    @property
    def expression(self) -> Expression:
        return compile(self.text)


@cache
def slips() -> dict[tuple[str, str], dict[str, str]]:
    """(structure, key) → reason, and the expression that is evaluated instead if there is one."""
    rows = tomllib.loads((HERE / "slips.toml").read_text("utf-8"))["slip"]
    return {(row["of"], row["key"]): row for row in rows}


@cache
def chinese() -> dict[str, str]:
    """What a rule asks for, in Chinese: key or `structure/key` → words."""
    table: dict[str, str] = tomllib.loads((HERE / "invariants_zh.toml").read_text("utf-8"))["rules"]
    return table


@cache
def text_rules() -> dict[str, list[dict[str, str]]]:
    """Structure → rules that R4 gives in its text only, in the form of its invariants (`text_rules.toml`)."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in tomllib.loads((HERE / "text_rules.toml").read_text("utf-8"))["rule"]:
        for name in row["of"] if isinstance(row["of"], list) else [row["of"]]:
            found.setdefault(name, []).append({**row, "of": name, "severity": "error"})
    return found


def _rule(of: str, row: dict[str, str]) -> Rule | None:
    slip = slips().get((of, row["key"]))
    text = row["expression"] if slip is None else slip.get("expression", "")
    if not text:
        return None
    words = chinese()
    whole = any(mark in text for mark in ("%resource", "%rootResource", "%context", "resolve("))
    human = row["human"].strip().rstrip(".")
    return Rule(
        of=of,
        key=row["key"],
        severity=row["severity"],
        human=human,
        zh=row.get("zh") or words.get(f"{of}/{row['key']}", words.get(row["key"], "")),
        at=row.get("at", ""),
        text=text,
        whole=whole,
    )


@cache
def rules_of(name: str, severity: str = "error") -> tuple[Rule, ...]:
    """The rules of a structure, those of what it specialises first."""
    base = structure(name).base
    above = rules_of(base, severity) if base else ()
    rows = (*constraints().get(name, ()), *text_rules().get(name, ()))
    own = (_rule(name, row) for row in rows if row["severity"] == severity)
    return (*above, *(rule for rule in own if rule is not None))


Look = Callable[[dict[str, Any]], bool]


@cache
def surely(name: str, rule: Rule) -> Look:
    """Whether one rule surely holds for an object of this structure."""
    return _look(name, (rule,)) or (lambda value: True)


@cache
def surely_sound(name: str) -> Look | None:
    """Whether all rules surely hold for an object of this structure; None where there are no rules."""
    return _look(name, rules_of(name))


def written(name: str, rules: tuple[Rule, ...]) -> tuple[str, dict[str, Any]]:
    """When these rules surely hold for an object `v` of this structure, as Python, and the names it uses."""
    writer = Writer(name, is_resource=structure(name).kind == "resource")
    parts = [writer.holds(parse(rule.text), rule.at or None) for rule in rules]
    text = FALSE if FALSE in parts else " and ".join(part for part in parts if part != TRUE) or TRUE
    return text, {**HELPERS, **writer.constants, "__builtins__": {"any": any, "all": all}}


def _look(name: str, rules: tuple[Rule, ...]) -> Look | None:
    text, names = written(name, rules)
    if text == TRUE:
        return None
    look: Look = eval(f"lambda v: {text}", names)
    return look
