"""Rows of codings and concepts, in one pass over both the codes and the words beside them.

The same coding comes again and again: a hundred thousand blood pressures have one code. So what a coding comes to is remembered for each
element, and most are read at the price of looking that up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from yilian.search.folding import bounded, clipped, fold
from yilian.search.rows import IndexRows, Token

Take = Callable[[Any, IndexRows], None]
Found = tuple[tuple[Token, ...], bool]
"""Rows, and whether there is a code among them."""

REMEMBERED = 1024
"""Codings of one element; some 300 kB where an element has that many."""

LONGEST_REMEMBERED = 300


@lru_cache(maxsize=8192)
def _short_words(text: str) -> str:
    return "" if "\0" in text else clipped(fold(text))


def words(text: Any) -> str:
    """The words beside a code as they are compared; "" where there are none."""
    if type(text) is not str:
        return ""
    if len(text) <= LONGEST_REMEMBERED:
        return _short_words(text)
    return "" if "\0" in text else clipped(fold(text))


def coding_taker(ids: list[int], group: tuple[int, str] | None) -> Take:
    """For a Coding: rows of these parameters for its code, and of `group` for its words where that is given."""
    found_in = _reader(ids, group)
    absent = tuple((param, "", "") for param in ids)

    def take(value: Any, rows: IndexRows) -> None:
        found, coded = found_in(value)
        rows.tokens += found
        if not coded:
            rows.tokens += absent

    return take


def concept_taker(ids: list[int], group: tuple[int, str] | None) -> Take:
    """The same for a CodeableConcept. One in words alone has no code, but `:missing=false` has to find it."""
    found_in = _reader(ids, group)
    absent = tuple((param, "", "") for param in ids)

    def rows_of(text: Any, codings: list[Any]) -> list[Token]:
        coded = False
        rows: list[Token] = []
        for coding in codings:
            found, has_code = found_in(coding)
            rows += found
            coded = coded or has_code
        if group is not None and (folded := words(text)):
            rows.append((*group, folded))
        return list(dict.fromkeys(rows if coded else [*rows, *absent]))

    @lru_cache(maxsize=REMEMBERED)
    def remembered(text: str | None, code: str | None, system: str | None, display: str | None) -> list[Token]:
        return rows_of(text, [{"code": code, "system": system, "display": display}])

    def take(value: Any, rows: IndexRows) -> None:
        if type(value) is not dict:
            rows.tokens += absent
            return
        text, codings = value.get("text"), value.get("coding")
        if type(codings) is not list:
            rows.tokens += rows_of(text, [])
            return
        if len(codings) == 1:
            try:
                get = codings[0].get
                code, system, display = get("code"), get("system"), get("display")
                if len(text or "") + len(code or "") + len(system or "") + len(display or "") <= LONGEST_REMEMBERED:
                    rows.tokens += remembered(text, code, system, display)
                    return
            except (AttributeError, TypeError):  # not of the types they should be
                pass
        rows.tokens += rows_of(text, codings)

    return take


def _reader(ids: list[int], group: tuple[int, str] | None) -> Callable[[Any], Found]:
    def rows_of(system: str | None, code: str | None, display: str | None) -> Found:
        rows: list[Token] = []
        if code and "\0" not in code:
            rows += [(param, bounded(system or ""), bounded(code)) for param in ids]
        coded = bool(rows)
        if group is not None and (folded := words(display)):
            rows.append((*group, folded))
        return tuple(rows), coded

    remembered = lru_cache(maxsize=REMEMBERED)(rows_of)

    def of(coding: Any) -> Found:
        if type(coding) is not dict:
            return (), False
        code, system, display = coding.get("code"), coding.get("system"), coding.get("display")
        code, system, display = (
            code if type(code) is str else None,
            system if type(system) is str else None,
            display if type(display) is str else None,
        )
        if display is not None and len(display) > LONGEST_REMEMBERED:
            return rows_of(system, code, display)
        return remembered(system, code, display)

    return of
