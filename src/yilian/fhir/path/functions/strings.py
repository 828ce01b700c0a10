"""Functions of texts. http://hl7.org/fhirpath/N1/#string-manipulation

A regular expression is Perl's as Python knows it; `.` matches a line's end too. One that would take for ever, by mistake or on purpose, is
ended after `LONGEST_MATCH_S`: whoever patches a resource or writes a profile may send one. Python's own `re` cannot be stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import regex

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Plain, integer, text, value_of
from yilian.fhir.path.items import Collection, one
from yilian.fhir.path.scope import LONGEST_TEXT, Scope, too_much

LONGEST_MATCHED = 100_000
"""Characters a regular expression is asked about."""
LONGEST_PATTERN = 4_000
"""Characters of a regular expression."""
LONGEST_MATCH_S = 0.5


@lru_cache(maxsize=512)
def _pattern(expression: str) -> regex.Pattern[str]:
    if len(expression) > LONGEST_PATTERN:
        raise PathExecutionError(f"A regular expression has at most {LONGEST_PATTERN} characters.")
    try:
        written = expression.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
        return regex.compile(written, regex.DOTALL | regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise PathExecutionError(f"{expression[:100]!r} is not a regular expression: {error}.") from None


def _searchable(value: str) -> str:
    if len(value) > LONGEST_MATCHED:
        raise PathExecutionError(f"A text of more than {LONGEST_MATCHED} characters is not matched with a regular expression.")
    return value


@contextmanager
def _not_for_ever(expression: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        said = f"The regular expression {expression[:100]!r} takes too long."
        raise PathExecutionError(said, zh="正则表达式计算量过大,请简化。") from None


def _matches(value: str, expression: str) -> bool:
    with _not_for_ever(expression):
        return _pattern(expression).search(_searchable(value), timeout=LONGEST_MATCH_S) is not None


def _matches_full(value: str, expression: str) -> bool:
    with _not_for_ever(expression):
        return _pattern(expression).fullmatch(_searchable(value), timeout=LONGEST_MATCH_S) is not None


def _replaced(value: str, part: str, other: str) -> str:
    _bounded(value.count(part) * len(other))
    return value.replace(part, other)


def _bounded(characters: int) -> None:
    if characters > LONGEST_TEXT:
        raise too_much()


def _with_texts(how: Callable[..., Any]) -> Callable[..., Collection]:
    """A function of the input and its arguments, all texts; empty as soon as one of them is."""

    def of(scope: Scope, items: Collection, *arguments: Collection) -> Collection:
        values = [text(items), *(text(argument) for argument in arguments)]
        return [] if None in values else one(how(*values))

    return of


def _substring(scope: Scope, items: Collection, start: Collection, length: Collection | None = None) -> Collection:
    value, begin = text(items), integer(start)
    count = integer(length) if length is not None else None
    if value is None or begin is None or not 0 <= begin < len(value):
        return []
    return one(value[begin:] if count is None else value[begin : begin + max(0, count)])


def _replace_matches(value: str, expression: str, substitution: str) -> str:
    if not expression:
        return value
    pattern = _pattern(expression)
    template = re.sub(r"\\(?![\\0-9g<])", r"\\\\", substitution)
    template = re.sub(r"\$(\d+|\{\w+\})", lambda m: rf"\g<{m[1].strip('{}')}>", template)
    _bounded((len(value) + 1) * (len(template) + 1) if len(template) > len(expression) else 0)
    try:
        with _not_for_ever(expression):
            found: str = pattern.sub(template, _searchable(value), timeout=LONGEST_MATCH_S)
            return found
    except (regex.error, IndexError) as error:
        raise PathExecutionError(f"{substitution[:100]!r} cannot be substituted: {error}.") from None


def _join(scope: Scope, items: Collection, separator: Collection | None = None) -> Collection:
    between = text(separator) if separator is not None else ""
    values = [text([item]) for item in items]
    _bounded(sum(len(value or "") for value in values) + len(values) * len(between or ""))
    return one((between or "").join(value for value in values if value is not None)) if items else []


def _split(scope: Scope, items: Collection, separator: Collection) -> Collection:
    value, between = text(items), text(separator)
    if value is None or between is None:
        return []
    return [found for part in (value.split(between) if between else list(value)) for found in one(part)]


def _to_chars(scope: Scope, items: Collection) -> Collection:
    return [found for character in text(items) or "" for found in one(character)]


def as_text(items: Collection) -> str:
    """For `&`: the text of one item, "" for none."""
    value = value_of(items)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PathExecutionError(f"A String is needed, there is a {type(value).__name__}.")
    return value


FUNCTIONS: dict[str, Function] = {
    "indexOf": Plain(_with_texts(lambda value, part: value.find(part)), 1, 1),
    "lastIndexOf": Plain(_with_texts(lambda value, part: value.rfind(part)), 1, 1),
    "substring": Plain(_substring, 1, 2),
    "startsWith": Plain(_with_texts(lambda value, part: value.startswith(part)), 1, 1),
    "endsWith": Plain(_with_texts(lambda value, part: value.endswith(part)), 1, 1),
    "contains": Plain(_with_texts(lambda value, part: part in value), 1, 1),
    "upper": Plain(_with_texts(lambda value: value.upper())),
    "lower": Plain(_with_texts(lambda value: value.lower())),
    "replace": Plain(_with_texts(_replaced), 2, 2),
    "matches": Plain(_with_texts(_matches), 1, 1),
    "matchesFull": Plain(_with_texts(_matches_full), 1, 1),
    "replaceMatches": Plain(_with_texts(_replace_matches), 2, 2),
    "length": Plain(_with_texts(len)),
    "trim": Plain(_with_texts(lambda value: value.strip())),
    "toChars": Plain(_to_chars),
    "split": Plain(_split, 1, 1),
    "join": Plain(_join, 0, 1),
}
