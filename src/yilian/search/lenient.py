"""`Prefer: handling=lenient`: what cannot be understood is left out of the search, and said.

Strict is the default, since a condition that is dropped gives a wider answer; here the caller has asked for that.
FHIR R4: http://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from yilian.errors import BadRequest, Issue, NotSupported

T = TypeVar("T")
Pair = tuple[str, str]
NEVER_IGNORED = ("_cursor", "_type")
"""Without the one the answer would be another page, without the other another search altogether."""


def understood(read: Callable[[Sequence[Pair]], T], pairs: Sequence[Pair]) -> tuple[T, list[Pair], list[Issue]]:
    """What `read` makes of as many of the pairs as it can: the value, the pairs that were used, a warning for each that was not.

    Raises what `read` raises for what is never ignored.
    """
    try:
        return read(pairs), list(pairs), []
    except (BadRequest, NotSupported):
        pass
    ignored: list[Issue] = []
    alone = [pair for pair in pairs if _fits(read, [], pair, ignored)]
    try:
        return read(alone), alone, ignored
    except (BadRequest, NotSupported):
        pass
    used: list[Pair] = []
    for pair in alone:
        if _fits(read, used, pair, ignored):
            used.append(pair)
    return read(used), used, ignored


def _fits(read: Callable[[Sequence[Pair]], T], used: Sequence[Pair], pair: Pair, ignored: list[Issue]) -> bool:
    if pair[0] in NEVER_IGNORED:
        return True
    try:
        read([*used, pair])
    except (BadRequest, NotSupported) as error:
        name, value = pair[0][:100], pair[1][:100]
        ignored.append(
            Issue("warning", error.issues[0].code, f"{name}={value} was ignored. {error}", zh=f"检索参数“{name}”无法识别,已忽略。")
        )
        return False
    return True
