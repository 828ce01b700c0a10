"""Functions of texts. http://hl7.org/fhirpath/N1/#string-manipulation

A regular expression is Perl's as Python knows it; `.` matches a line's end too. One that could take for ever on purpose is bounded by the
length of the text it is let loose on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Plain, integer, text, value_of
from yilian.fhir.path.items import Collection, one
from yilian.fhir.path.scope import Scope

LONGEST_MATCHED = 100_000
"""Characters a regular expression is asked about."""


@lru_cache(maxsize=512)
def _pattern(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"), re.DOTALL)
    except (re.error, RecursionError, OverflowError) as error:
        raise PathExecutionError(f"{expression[:100]!r} is not a regular expression: {error}.") from None


def _searchable(value: str) -> str:
    if len(value) > LONGEST_MATCHED:
        raise PathExecutionError(f"A text of more than {LONGEST_MATCHED} characters is not matched with a regular expression.")
    return value


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
    try:
        return pattern.sub(template, _searchable(value))
    except (re.error, IndexError) as error:
        raise PathExecutionError(f"{substitution[:100]!r} cannot be substituted: {error}.") from None


def _join(scope: Scope, items: Collection, separator: Collection | None = None) -> Collection:
    between = text(separator) if separator is not None else ""
    values = [text([item]) for item in items]
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
    "replace": Plain(_with_texts(lambda value, part, other: value.replace(part, other)), 2, 2),
    "matches": Plain(_with_texts(lambda value, form: _pattern(form).search(_searchable(value)) is not None), 1, 1),
    "matchesFull": Plain(_with_texts(lambda value, form: _pattern(form).fullmatch(_searchable(value)) is not None), 1, 1),
    "replaceMatches": Plain(_with_texts(_replace_matches), 2, 2),
    "length": Plain(_with_texts(len)),
    "trim": Plain(_with_texts(lambda value: value.strip())),
    "toChars": Plain(_to_chars),
    "split": Plain(_split, 1, 1),
    "join": Plain(_join, 0, 1),
}
