"""What a check says when something is wrong: a place, an issue code, and the message in both languages.

A check returns None when all is well, so the hot path makes no objects; places are put together only on the way out of a fault.
Values are quoted through `shown`, which keeps messages short and free of characters that cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LONGEST_TEXT = 1024 * 1024
"""Characters in one string (http://hl7.org/fhir/R4/datatypes.html#string: 1 MB)."""

ENOUGH = 100
"""Faults after which a check stops looking; a body that is wrong throughout need not be described in full, nor be walked to its end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`place` is relative to the value that was checked: `.birthDate`, `[2].code`, "" for the value itself. `code` is a FHIR issue type."""

    place: str
    code: str
    diagnostics: str
    zh: str
    severity: str = "error"


class Seen(list[str]):
    """What the check of one resource meets on its way: local references (`#id`), and in `suspects` (structure, object) where an invariant
    does not surely hold."""

    __slots__ = ("suspects",)

    def __init__(self) -> None:
        super().__init__()
        self.suspects: list[tuple[str, dict[str, Any]]] = []


Faults = list[Fault] | None
Check = Callable[[Any, Seen], Faults]
"""(value, seen) → faults or None."""


_JSON_NAMES: dict[type, tuple[str, str]] = {
    dict: ("an object", "对象"),
    list: ("an array", "数组"),
    str: ("a string", "字符串"),
    bool: ("true or false", "布尔值"),
    int: ("a number", "数字"),
    type(None): ("null", "null"),
}


def fault(code: str, diagnostics: str, zh: str, place: str = "") -> list[Fault]:
    return [Fault(place, code, diagnostics, zh)]


def below(step: str, faults: list[Fault]) -> list[Fault]:
    """The same faults, seen from one level up."""
    return [Fault(step + f.place, f.code, f.diagnostics, f.zh, f.severity) for f in faults]


def shown(value: object) -> str:
    """A value as a message may quote it: at most 60 characters of a string, control characters and surrogates escaped; else its kind."""
    if not isinstance(value, str):
        return _JSON_NAMES.get(type(value), ("a number", "数字"))[0]
    return repr(value) if len(value) <= 60 else repr(value[:60])[:-1] + "…'"


def name_shown(name: object) -> str:
    """A property name as a place may hold it."""
    return name if isinstance(name, str) and len(name) <= 64 and name.isidentifier() and name.isascii() else shown(name)


def wrong_shape(value: object, expected: str, expected_zh: str) -> list[Fault]:
    """The JSON type is not the one this element has."""
    found, found_zh = _JSON_NAMES.get(type(value), ("a number", "数字"))
    return fault("structure", f"Expected {expected}, found {found}.", f"此处应为{expected_zh},实际为{found_zh}。")


def empty_object() -> list[Fault]:
    return fault("structure", "An object must not be empty; leave the element out (ele-1).", "对象不能为空,没有内容请省略该项。")


def empty_array() -> list[Fault]:
    return fault("structure", "An array must not be empty; leave the element out.", "数组不能为空,没有内容请省略该项。")


def no_value() -> list[Fault]:
    return fault("structure", "An element must have more than an id (ele-1).", "除 id 外还应有内容。")
