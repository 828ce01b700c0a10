"""What is said of one code that is validated: its issues, and what is known of it. Put together as the Parameters R4 asks for.

R4 wants `result`, `message` and `display`; code, system, version, inactive, status, codeableConcept and issues are R5's, and say the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yilian.errors import Issue
from yilian.fhir.outcome import outcome

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One coding that is asked about.

    place     where it stands in the question, for issues: "" for code and system as parameters, "Coding", "CodeableConcept.coding[0]"
    system    "" where none is given; version and display likewise
    """

    system: str
    code: str
    version: str = ""
    display: str = ""
    place: str = ""

    def at(self, element: str = "") -> str:
        return ".".join(part for part in (self.place, element) if part)

    @property
    def named(self) -> str:
        version = f"|{self.version}" if self.version else ""
        display = f" ('{self.display}')" if self.display else ""
        return f"'{self.system}{version}#{self.code}{display}'"


@dataclass(slots=True)
class Verdict:
    """system, version, display, status: of the concept, "" where unknown. member: whether it belongs. known: whether it exists.

    unknown_system: the system that is not held here, of the coding; caused_by: the same, of the value set.
    """

    asked: Asked
    code: str = ""
    system: str = ""
    version: str = ""
    display: str = ""
    inactive: bool = False
    status: str = ""
    member: bool = False
    known: bool = False
    unknown_system: str = ""
    caused_by: str = ""
    issues: list[Issue] = field(default_factory=list)


def parameters(verdict: Verdict | None, issues: Sequence[Issue], concept: Json | None, others: Sequence[Verdict]) -> Json:
    """`verdict`: of the coding that counts, None when none does; `concept`: the CodeableConcept as it came."""
    errors = [one for one in issues if one.severity in ("error", "fatal")]
    told: list[Json] = [{"name": "result", "valueBoolean": not errors}]
    if issues:
        texts = sorted({one.diagnostics for one in (errors or issues)})
        told.append({"name": "message", "valueString": "; ".join(texts)})
    if verdict is not None:
        for name, type_, value in (
            ("display", "String", verdict.display),
            ("code", "Code", verdict.code),
            ("system", "Uri", verdict.system),
            ("version", "String", verdict.version),
            ("status", "Code", verdict.status if verdict.inactive else ""),
        ):
            if value:
                told.append({"name": name, f"value{type_}": value})
        if verdict.inactive:
            told.append({"name": "inactive", "valueBoolean": True})
    if concept is not None:
        told.append({"name": "codeableConcept", "valueCodeableConcept": concept})
    for one in others:
        if one.unknown_system:
            told.append({"name": "x-unknown-system", "valueCanonical": one.unknown_system})
        if one.caused_by:
            told.append({"name": "x-caused-by-unknown-system", "valueCanonical": one.caused_by})
    if issues:
        told.append({"name": "issues", "resource": outcome(issues)})
    return {"resourceType": "Parameters", "parameter": told}
