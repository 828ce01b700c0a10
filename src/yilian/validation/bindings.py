"""Required bindings: a code, Coding or CodeableConcept from exactly this value set.

The lists come from HL7's definitions. Value sets that are no list are checked by their form. http://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

import re
from typing import Any

from yilian.fhir.definitions import Element, required_codes, required_codings
from yilian.validation.faults import Check, Faults, Seen, fault, shown
from yilian.validation.primitives import PRIMITIVES

CURRENCIES = "http://hl7.org/fhir/ValueSet/currencies"

FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "http://hl7.org/fhir/ValueSet/mimetypes": (
        re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+*-]{1,127}(\s*;.*)?"),
        "text/plain",
    ),
    CURRENCIES: (re.compile(r"[A-Z]{3}"), "CNY"),
}
"""Canonical → form and example, for code elements: BCP 13 media types, ISO 4217 currencies."""

_FORMAT_WORDS = frozenset(("xml", "json", "ttl"))
"""What CapabilityStatement.format may say besides media types (http://hl7.org/fhir/R4/capabilitystatement-definitions.html)."""


def bound(element: Element, check: Check) -> Check:
    """`check` of the element's type, narrowed by its binding where that is required."""
    if element.binding is None or element.binding[0] != "required":
        return check
    value_set = element.binding[1].partition("|")[0]
    if element.type == "code":
        codes = required_codes(value_set)
        if codes is not None:
            return _one_of(codes, value_set)
        return _of_form(element, value_set, check)
    codings = required_codings(value_set)
    if codings is None:
        return check
    if element.type == "CodeableConcept":
        return _concept(codings, value_set, check)
    return _coding(codings, value_set, check) if element.type == "Coding" else check


def _one_of(codes: frozenset[str], value_set: str) -> Check:
    listed = ", ".join(sorted(codes)) if len(codes) <= 20 else f"the codes of {value_set}"
    plain = PRIMITIVES["code"]

    def check(value: Any, seen: Seen) -> Faults:
        if type(value) is str and value in codes:
            return None
        return plain(value, seen) or fault(
            "code-invalid", f"{shown(value)} is not one of {listed}.", f"{shown(value)} 不在允许的取值范围内({listed})。"
        )

    return check


def _of_form(element: Element, value_set: str, plain: Check) -> Check:
    if value_set not in FORMS:
        return plain
    form, example = FORMS[value_set]
    words = _FORMAT_WORDS if element.path == "CapabilityStatement.format" else frozenset[str]()

    def check(value: Any, seen: Seen) -> Faults:
        if type(value) is str and (value in words or form.fullmatch(value)):
            return plain(value, seen)
        return plain(value, seen) or fault(
            "code-invalid",
            f"{shown(value)} is not a code of {value_set}, such as {example}.",
            f"{shown(value)} 不是有效取值,示例:{example}。",
        )

    return check


def _coding(codings: frozenset[tuple[str, str]], value_set: str, plain: Check) -> Check:
    def check(value: Any, seen: Seen) -> Faults:
        found = plain(value, seen)
        if found is not None or (value.get("system"), value.get("code")) in codings:
            return found
        return _not_in(value_set, codings)

    return check


def _concept(codings: frozenset[tuple[str, str]], value_set: str, plain: Check) -> Check:
    def check(value: Any, seen: Seen) -> Faults:
        found = plain(value, seen)
        if found is not None:
            return found
        for coding in value.get("coding", ()):
            if (coding.get("system"), coding.get("code")) in codings:
                return None
        return _not_in(value_set, codings)

    return check


def _not_in(value_set: str, codings: frozenset[tuple[str, str]]) -> Faults:
    listed = ", ".join(sorted(f"{system}|{code}" for system, code in codings)) if len(codings) <= 12 else f"the codes of {value_set}"
    return fault("code-invalid", f"A coding from {value_set} is required: {listed}.", f"必须使用值集 {value_set} 中的编码:{listed}。")
