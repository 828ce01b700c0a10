"""What a search should find, worked out one resource at a time from the words of the standard, without any of the code under test.

Only FHIRPath (compared with another implementation elsewhere), the definitions and the reading of one date are shared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from tests.search.loader import Kept, Shelf
from yilian.fhir.dates import FIRST, LAST, interval
from yilian.fhir.definitions import required_codings
from yilian.fhir.fhirpath import compile_path
from yilian.search.parameters import Parameter, parameters_of
from yilian.search.pinyin import spellings

Span = tuple[datetime, datetime]
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class Oracle:
    """zone: of dates in questions and records alike. seen: whether the asker may see a resource."""

    shelf: Shelf
    zone: tzinfo
    seen: Callable[[Kept], bool] = lambda kept: True

    def search(self, kind: str, pairs: list[tuple[str, str]]) -> set[str]:
        """Ids of what matches all pairs."""
        return {
            kept.resource["id"]
            for kept in self.shelf.of(kind)
            if self.seen(kept) and all(self.holds(kept, name, value) for name, value in pairs)
        }

    def holds(self, kept: Kept, name: str, value: str) -> bool:
        link, dot, rest = name.partition(".")
        code, _, modifier = link.partition(":")
        parameter = parameters_of(kept.resource["resourceType"])[code]
        if dot:
            return any(
                self.holds(target, rest, value)
                for target in self.targets(kept, parameter)
                if self.seen(target) and self.fits(target, modifier, parameter)
            )
        if modifier == "missing":
            return (not self.values(kept, parameter)) is (value == "true")
        found = any(self.one(kept, parameter, modifier, text) for text in value.split(","))
        return not found if modifier == "not" else found

    def fits(self, target: Kept, modifier: str, parameter: Parameter) -> bool:
        return target.resource["resourceType"] == modifier if modifier else target.resource["resourceType"] in parameter.targets

    def values(self, kept: Kept, parameter: Parameter) -> list[tuple[Any, str]]:
        """What stands in the resource. An onset in words or years of age is no date, and a Period that ends before it starts is nothing."""
        found = compile_path(parameter.expression, parameter.base)(kept.resource)
        return [(value, kind) for value, kind in found if parameter.type != "date" or self.span(value, kind)]

    def targets(self, kept: Kept, parameter: Parameter) -> list[Kept]:
        texts = [value.get("reference") for value, _ in self.values(kept, parameter)]
        return [self.shelf.kept[text] for text in texts if text in self.shelf.kept]

    def one(self, kept: Kept, parameter: Parameter, modifier: str, text: str) -> bool:
        if parameter.code == "_id":
            return bool(kept.resource["id"] == text)
        if parameter.code == "_lastUpdated":
            prefix, wanted = self.date(text)
            return compare(prefix, wanted, (kept.updated, kept.updated), self.zone)
        return self.fitting(self.values(kept, parameter), parameter, modifier, text)

    def fitting(self, values: list[tuple[Any, str]], parameter: Parameter, modifier: str, text: str) -> bool:
        """Whether one of the values a parameter looks at is what is asked for."""
        if parameter.type == "string":
            return any(string(part, modifier, text, sound) for part, sound in parts(values, parameter))
        if parameter.type == "token":
            wanted = contact(text) if "ContactPoint" in {kind for _, kind in values} else text
            return any(token(system, code, wanted) for system, code in codes(values, parameter))
        if parameter.type == "date":
            prefix, wanted = self.date(text)
            return any(compare(prefix, wanted, span, self.zone) for value, kind in values if (span := self.span(value, kind)))
        if parameter.type == "number":
            return any(number(text, end) for value, kind in values for end in ends(value, kind))
        if parameter.type == "quantity":
            return any(quantity(text, value) for value, _ in values)
        if parameter.type == "uri":
            return any(text in (value, value.partition("|")[0]) for value, _ in values)
        assert parameter.type == "reference"
        return any(reference(text, modifier, value.get("reference", ""), parameter) for value, _ in values)

    def date(self, text: str) -> tuple[str, Span]:
        prefix = text[:2] if text[:2] in PREFIXES else ""
        return prefix or "eq", interval(text[len(prefix) :], self.zone)

    def span(self, value: Any, kind: str) -> Span | None:
        if kind in ("dateTime", "date", "instant"):
            return interval(value, self.zone)
        if kind == "Period" and value:
            start = interval(value["start"], self.zone)[0] if "start" in value else FIRST
            end = interval(value["end"], self.zone)[1] if "end" in value else LAST
            return (start, end) if start < end else None
        if kind == "Timing":
            spans = [interval(event, self.zone) for event in value["event"]]
            return min(spans)[0], max(span[1] for span in spans)
        return None


def compare(prefix: str, wanted: Span, there: Span, zone: tzinfo) -> bool:
    """R4 search, "Prefixes": what each says about the range of the search value and the range of the target."""
    (start, end), (lo, hi) = wanted, there
    instant = lo == hi
    inside = start <= lo and (hi <= end if not instant else hi < end)
    above = hi > end or (instant and hi >= end)
    below = lo < start
    if prefix == "ap":
        now = datetime.now(start.tzinfo)
        start, end = start - abs(now - start) / 10, end + abs(now - end) / 10
        return lo < end and (hi > start or (instant and hi >= start))
    return {
        "eq": inside,
        "ne": not inside,
        "gt": above,
        "lt": below,
        "ge": above or inside,
        "le": below or inside,
        "sa": lo >= end,
        "eb": hi <= start if not instant else hi < start,
    }[prefix]


# --- strings


def bare(text: str) -> str:
    return " ".join("".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c)).split())


def parts(values: list[tuple[Any, str]], parameter: Parameter) -> list[tuple[str, bool | None]]:
    """(text, whether its sound counts as that of a person's name)"""
    found: list[tuple[str, bool | None]] = []
    for value, kind in values:
        if kind == "HumanName":
            family, given = value.get("family", ""), value.get("given", [])
            found += [(value.get("text", ""), True), (family, True), *((g, False) for g in given)]
            if "text" not in value and not family.isascii() and unicodedata.name(family[0]).startswith("CJK"):
                found.append((family + "".join(given), True))
        elif kind == "Address":
            for item in value.values():
                found += [(one, None) for one in (item if isinstance(item, list) else [item])]
        else:
            found.append((value, {"family": True, "given": False, "name": False}.get(parameter.code)))
    return [(text, sound) for text, sound in found if text]


def string(there: str, modifier: str, text: str, sound: bool | None) -> bool:
    if modifier == "exact":
        return there == text
    spelled = list(spellings(bare(there), is_person=sound)) if sound is not None else []
    wanted = bare(text)
    if modifier == "contains":
        return any(wanted in one for one in [bare(there), *spelled])
    return bare(there).startswith(wanted) or any(one.startswith(wanted.replace(" ", "")) for one in spelled)


# --- tokens


def codes(values: list[tuple[Any, str]], parameter: Parameter) -> list[tuple[str | None, str]]:
    """(system, code); a code-typed element has the system of its value set and none as well"""
    found: list[tuple[str | None, str]] = []
    for value, kind in values:
        if kind == "CodeableConcept":
            found += [(c.get("system"), c["code"]) for c in value.get("coding", []) if "code" in c]
        elif kind == "Coding":
            found += [(value.get("system"), value["code"])] if "code" in value else []
        elif kind == "Identifier":
            found.append((value.get("system"), value["value"]))
        elif kind == "ContactPoint":
            found.append((value["system"], contact(value["value"])))
        elif kind == "boolean":
            found += [(None, str(value).lower()), ("http://hl7.org/fhir/special-values", str(value).lower())]
        else:
            found.append((None, value))
            for branch in parameter.branches:
                if branch.element and branch.element.binding and branch.element.binding[0] == "required":
                    found += [(system, code) for system, code in required_codings(branch.element.binding[1]) or () if code == value]
    return found


def contact(text: str) -> str:
    """Telephone numbers without country code and blanks, mail without case."""
    return re.sub(r"(^|(?<=\|))\+86|[ -]", "", text).casefold()


def token(system: str | None, code: str, text: str) -> bool:
    if "|" not in text:
        return code == text
    wanted_system, wanted_code = text.split("|")
    return (system or "") == wanted_system and (not wanted_code or code == wanted_code)


# --- numbers


def ends(value: Any, kind: str) -> list[Decimal]:
    return [value["low"]["value"], value["high"]["value"]] if kind == "Range" else [value]


def number(text: str, there: Decimal) -> bool:
    prefix = text[:2] if text[:2] in PREFIXES else "eq"
    digits = text.removeprefix(prefix)
    value = Decimal(digits)
    places = len(digits.partition(".")[2])
    half = Decimal(1) / (2 * 10**places)
    near = value - half <= there < value + half
    return {
        "eq": near,
        "ne": not near,
        "gt": there > value,
        "sa": there > value,
        "lt": there < value,
        "eb": there < value,
        "ge": there >= value,
        "le": there <= value,
        "ap": abs(there - value) <= max(abs(value) / 10, half),
    }[prefix]


def quantity(text: str, there: dict[str, Any]) -> bool:
    amount, *unit = text.split("|")
    if not number(amount, there["value"]):
        return False
    if not unit:
        return True
    system, code = unit
    if system:
        return (there.get("system"), there.get("code")) == (system, code)
    return code in (there.get("code"), there.get("unit"))


def reference(text: str, modifier: str, there: str, parameter: Parameter) -> bool:
    if "/" not in text:
        kinds = [modifier] if modifier else parameter.targets
        return any(there == f"{kind}/{text}" for kind in kinds)
    return there == text
