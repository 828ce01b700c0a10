"""Which of a concept's names is shown to somebody who asked for certain languages.

A wish is written as in Accept-Language (RFC 9110 §12.5.4): `zh-CN, en;q=0.5`; `*;q=0` says: nothing rather than another language.
A language is met by itself, by its regional forms (de by de-CH) and, when nothing is nearer, by its general form (zh-CN by zh).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yilian.errors import BadRequest

Json = dict[str, Any]
WISH_IN_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter"
PREFERRED = {
    "system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "code": "preferredForLanguage",
    "display": "Preferred For Language",
}
MOST = 30


@dataclass(frozen=True, slots=True)
class Wish:
    """text: as it was written. languages: wanted, best first. only: no other language will do."""

    text: str = ""
    languages: tuple[str, ...] = ()
    only: bool = False

    def __bool__(self) -> bool:
        return bool(self.languages)


NO_WISH = Wish()


def wish(text: str, *, strict: bool = True) -> Wish:
    """Read one. BadRequest for what is none, or no wish where it came from a header that others fill (`strict` false)."""
    weighed: list[tuple[float, int, str]] = []
    only = False
    for place, part in enumerate(text.split(",")[:MOST]):
        tag, _, weight = part.strip().partition(";")
        tag = tag.strip()
        name, _, number = weight.strip().partition("=")
        try:
            q = float(number) if weight and name.strip() == "q" else 1.0
        except ValueError:
            q = -1.0
        if not tag or q < 0 or not all(piece.isalnum() and piece.isascii() for piece in tag.replace("*", "any").split("-")):
            if strict:
                raise BadRequest(f"{text[:80]!r} is no list of languages; write them as zh-CN,en;q=0.5.")
            return Wish()
        if tag == "*":
            only = only or q == 0
        elif q > 0:
            weighed.append((-q, place, tag))
    return Wish(text, tuple(tag for _, _, tag in sorted(weighed)), only)


def of_value_set(value_set: Json) -> Wish:
    """What a value set itself asks its expansions to be shown in; else nothing."""
    compose = value_set.get("compose")
    for extension in (compose.get("extension") or ()) if type(compose) is dict else ():
        if extension.get("url") == WISH_IN_VALUE_SET:
            inner = {one.get("url"): next((v for k, v in one.items() if k.startswith("value")), None) for one in extension["extension"]}
            value = inner.get("value")
            if inner.get("name") == "displayLanguage" and isinstance(value, str):
                return wish(value, strict=False)
    return Wish()


def nearness(language: str, wanted: str) -> int:
    """0: the same; 1: a regional form of what is wanted; 2: its general form; 9: another."""
    language, wanted = language.lower(), wanted.lower()
    if language == wanted:
        return 0
    if language.startswith(wanted + "-"):
        return 1
    return 2 if wanted.startswith(language + "-") and language else 9


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a concept: the text, its language ("" where none is said), the designation it comes from (None: the display)."""

    text: str
    language: str
    designation: Json | None = None


def names(display: str | None, language: str, designations: Sequence[Json]) -> list[Name]:
    """Every name of a concept, the display first."""
    found = [Name(display, language)] if display else []
    found += [Name(d["value"], str(d.get("language") or ""), d) for d in designations if type(d.get("value")) is str]
    return found


def chosen(all_names: Sequence[Name], wished: Wish) -> Name | None:
    """The name to show; None where only other languages have one and no other will do, or there is none at all."""
    for wanted in wished.languages:
        near = [(nearness(name.language, wanted), place, name) for place, name in enumerate(all_names) if is_name(name)]
        best = min(near, key=lambda one: one[:2], default=None)
        if best is not None and best[0] < 9:
            return best[2]
    if wished.only:
        return None
    return next((name for name in all_names if name.designation is None), None)


def is_name(name: Name) -> bool:
    """Whether it may stand as the display: the display itself, and designations that are not said to be something else."""
    use = (name.designation or {}).get("use")
    return not use or use.get("code") in ("preferredForLanguage", "display", "preferred", "900000000000003001", "900000000000013009")
