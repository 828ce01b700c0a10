"""The oracle for what a search may ask beyond single values: words, value sets, hierarchies, links both ways, lists, pairs, places.

Worked out from the words of the standard and the tables of `wide_world`, one resource at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import acos, cos, radians, sin
from typing import Any

from tests.search.loader import Kept
from tests.search.oracle import Oracle, bare, codes
from tests.search.wide_world import BODY, HIERARCHY, VALUE_SETS
from yilian.search.parameters import Parameter, parameters_of

Values = list[tuple[Any, str]]
LISTS = {
    "$current-allergies": [("clinical-status", "active"), ("verification-status:not", "refuted,entered-in-error")],
    "$current-drug-allergies": [
        ("clinical-status", "active"),
        ("verification-status:not", "refuted,entered-in-error"),
        ("category", "medication"),
    ],
    "$current-medications": [("status", "active")],
}


@dataclass(frozen=True, slots=True)
class WideOracle(Oracle):
    def holds(self, kept: Kept, name: str, value: str) -> bool:
        if name.startswith("_has:"):
            _, kind, code, rest = name.split(":", 3)
            parameter = parameters_of(kind)[code]
            return any(
                self.seen(other) and any(target is kept for target in self.targets(other, parameter)) and self.holds(other, rest, value)
                for other in self.shelf.of(kind)
            )
        if name == "_list":
            if value.startswith("$"):
                return all(self.holds(kept, code, text) for code, text in LISTS[value])
            lists = [self.shelf.kept.get(f"List/{text.removeprefix('List/')}") for text in value.split(",")]
            members = [entry["item"]["reference"] for one in lists if one and self.seen(one) for entry in one.resource["entry"]]
            return f"{kept.resource['resourceType']}/{kept.resource['id']}" in members
        code, _, modifier = name.partition(":")
        if "." not in name and modifier == "not-in":
            return not any(self.one(kept, parameters_of(kept.resource["resourceType"])[code], "in", text) for text in value.split(","))
        if "." not in name and modifier == "missing" and parameters_of(kept.resource["resourceType"])[code].type == "composite":
            return (not any(all(row) for row, _ in pairs(kept.resource, code))) is (value == "true")
        parameter_type = parameters_of(kept.resource["resourceType"])[code.partition(".")[0]].type
        if parameter_type == "composite" and not modifier:
            return any(self.composite(kept, code, text.split("$")) for text in value.split(","))
        if parameter_type == "special" and not modifier:
            return any(near(text, kept.resource.get("position")) for text in value.split(","))
        return Oracle.holds(self, kept, name, value)

    def values(self, kept: Kept, parameter: Parameter) -> Values:
        return [(kept.updated, "instant")] if parameter.code == "_lastUpdated" else Oracle.values(self, kept, parameter)

    def fitting(self, values: Values, parameter: Parameter, modifier: str, text: str) -> bool:
        if modifier == "text":
            wanted = bare(text)
            return any(has(wanted, bare(one)) for one in worded(values))
        if modifier == "of-type":
            system, code, value = text.replace("\\|", "\0").split("|")
            return any(
                one.get("value") == value.replace("\0", "|")
                and any(c.get("system") == system and c.get("code") == code for c in one.get("type", {}).get("coding", []))
                for one, _ in values
            )
        if parameter.type == "quantity" and any(kind == "Range" for _, kind in values):
            return any(within(text, value) for value, _ in values)
        if modifier == "identifier":
            return Oracle.fitting(
                self, [(v["identifier"], "Identifier") for v, _ in values if "identifier" in v], parameter_of_identifiers(), "", text
            )
        if modifier == "in":
            return any((system, code) in VALUE_SETS[text] for system, code in codes(values, parameter))
        if modifier in ("above", "below") and parameter.type == "token":
            wanted = text.partition("|")[2]
            found = [code for system, code in codes(values, parameter) if system == BODY]
            return any(wanted in line(code) if modifier == "below" else code in line(wanted) for code in found)
        if modifier in ("above", "below"):
            found = [value for value, _ in values]
            if modifier == "below":
                return any(under(one, text) for one in found)
            if "|" in text:
                return any("|" in one and under(text, one) for one in found)
            return any(under(text, one.partition("|")[0]) for one in found)
        return Oracle.fitting(self, values, parameter, modifier, text)

    def composite(self, kept: Kept, code: str, texts: list[str]) -> bool:
        known = parameters_of(kept.resource["resourceType"])
        return any(
            all(self.fitting(found, known[name], "", text) for found, name, text in zip(row, names, texts, strict=True))
            for row, names in pairs(kept.resource, code)
        )

    def targets(self, kept: Kept, parameter: Parameter) -> list[Kept]:
        texts = [value.get("reference") for value, kind in self.values(kept, parameter) if kind == "Reference"]
        return [self.shelf.kept[text] for text in texts if text in self.shelf.kept]


def parameter_of_identifiers() -> Parameter:
    return parameters_of("Patient")["identifier"]


def within(text: str, value: dict[str, Any]) -> bool:
    """A Range is all between its ends: greater where some of it is, equal where all of it is."""
    amount, *unit = text.split("|")
    if unit and unit[1] not in (value["low"].get("code"), value["low"].get("unit")):
        return False
    low, high = value["low"]["value"], value["high"]["value"]
    prefix, wanted = ("eq", Decimal(amount)) if amount[0].isdigit() else (amount[:2], Decimal(amount[2:]))
    return {"gt": high > wanted, "lt": low < wanted, "eq": wanted - Decimal("0.5") <= low and high < wanted + Decimal("0.5")}[prefix]


def worded(values: Values) -> list[str]:
    """CodeableConcept.text, Coding.display, Identifier.type.text."""
    found = []
    for value, kind in values:
        if kind == "CodeableConcept":
            found += [value.get("text", ""), *(coding.get("display", "") for coding in value.get("coding", []))]
        elif kind == "Coding":
            found.append(value.get("display", ""))
        elif kind == "Identifier":
            found.append(value.get("type", {}).get("text", ""))
    return [text for text in found if text]


def has(wanted: str, there: str) -> bool:
    return wanted in there if any("\u4e00" <= sign <= "\u9fff" for sign in wanted) else there.startswith(wanted)


def line(code: str) -> Iterator[str]:
    """The code and all above it."""
    while code:
        yield code
        code = HIERARCHY[code]


def under(there: str, wanted: str) -> bool:
    """Whether `there` is `wanted` or below it: step by step, and after a bar part by part of the version."""
    url, bar, version = there.partition("|")
    above, other_bar, other = wanted.partition("|")
    if other_bar:
        return url == above and bool(bar) and version.split(".")[: len(other.split("."))] == other.split(".")
    return url.rstrip("/").split("/")[: len(above.rstrip("/").split("/"))] == above.rstrip("/").split("/")


def near(text: str, position: dict[str, Any] | None) -> bool:
    """On a sphere, by the law of cosines; 10 km where no distance is named."""
    if position is None:
        return False
    latitude, longitude, distance, unit = (*text.split("|"), "", "")[:4]
    metres = float(distance or "10") * {"": 1000.0, "km": 1000.0, "m": 1.0, "[mi_i]": 1609.344}[unit]
    here, there = radians(float(latitude)), radians(float(position["latitude"]))
    between = radians(float(longitude) - float(position["longitude"]))
    angle = acos(max(-1.0, min(1.0, sin(here) * sin(there) + cos(here) * cos(there) * cos(between))))
    return angle * 6371008.8 <= metres


def values_of(element: dict[str, Any], key: str) -> Values:
    """`code`, or `value` in whatever type it has; a list is taken apart."""
    kinds = {"code": "CodeableConcept", "start": "integer", "end": "integer", "windowStart": "integer", "windowEnd": "integer"}
    if key != "value":
        found = element.get(key, [])
        return [(one, kinds.get(key, "CodeableConcept")) for one in (found if isinstance(found, list) else [found])]
    names = {"DateTime": "dateTime", "String": "string", "Boolean": "boolean"}
    return [(value, names.get(name[5:], name[5:])) for name, value in element.items() if name.startswith("value")]


def of(values: Values, *kinds: str) -> Values:
    return [(value, kind) for value, kind in values if kind in kinds]


def pairs(resource: dict[str, Any], code: str) -> Iterator[tuple[list[Values], list[str]]]:
    """The rows of a composite: for each element the values of its parts, and which parameter reads each part."""
    kinds = {
        "quantity": ("Quantity", "Range"),
        "concept": ("CodeableConcept",),
        "string": ("string",),
        "date": ("dateTime", "Period"),
    }
    last = code.rpartition("-")[2]
    if code.startswith("context-type"):
        names = ["context-type", "context-quantity" if last == "quantity" else "context"]
        wanted = kinds["quantity" if last == "quantity" else "concept"]
        for element in resource.get("useContext", []):
            yield [[(element["code"], "Coding")], of(values_of(element, "value"), *wanted)], names
    elif code == "characteristic-value":
        for element in resource.get("characteristic", []):
            yield [values_of(element, "code"), of(values_of(element, "value"), "CodeableConcept", "boolean")], ["characteristic", "value"]
    elif code == "relationship":
        for element in resource.get("relatesTo", []):
            yield [[(element["code"], "code")], [(element["target"], "Reference")]], ["relation", "relatesto"]
    elif resource["resourceType"] == "MolecularSequence":
        first, kind = code.split("-")[:2]
        key = "chromosome" if first == "chromosome" else "referenceSeqId"
        name = "chromosome" if first == "chromosome" else "referenceseqid"
        for element in resource["variant"] if kind == "variant" else [resource["referenceSeq"]]:
            ends = ("start", "end") if kind == "variant" else ("windowStart", "windowEnd")
            yield (
                [values_of(resource["referenceSeq"], key), values_of(element, ends[0]), values_of(element, ends[1])],
                [name, f"{kind}-start", f"{kind}-end"],
            )
    else:
        if not code.startswith("component"):
            yield [values_of(resource, "code"), of(values_of(resource, "value"), *kinds[last])], ["code", f"value-{last}"]
        if not code.startswith("code"):
            for element in resource.get("component", []):
                yield (
                    [values_of(element, "code"), of(values_of(element, "value"), *kinds[last])],
                    ["component-code", f"component-value-{last}"],
                )
