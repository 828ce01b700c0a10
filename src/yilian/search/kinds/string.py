"""string: names, addresses, words; by their beginning, whole (`:exact`) or anywhere (`:contains`), and Chinese names by their sound.

FHIR R4: http://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain
from yilian.search.folding import AFTER_ALL, bounded, clipped, fold, pattern
from yilian.search.parameters import Parameter
from yilian.search.pinyin import has_han, spellings
from yilian.search.rows import IndexRows

MODIFIERS = ("exact", "contains")


@dataclass(frozen=True, slots=True)
class Text:
    """`folded` is compared by default and with `:contains`, `text` with `:exact`."""

    text: str
    folded: str


# --- values


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Text:
    text = plain(text)
    folded = fold(text)
    if not folded:
        raise BadRequest(f"{parameter.code}: there is nothing to compare in {text[:60]!r}; give at least one letter or digit.")
    return Text(text, folded)


# --- rows


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    """How one value of `branch.type` becomes rows of all these parameters."""
    ids = [p.id for p in parameters]
    if branch.type == "HumanName":
        return lambda value, rows: _human_name(value, ids, rows)
    if branch.type == "Address":
        return lambda value, rows: _address(value, ids, rows)
    by_sound = _sound(parameters, branch)
    return lambda value, rows: _text(value, ids, rows, by_sound)


def _sound(parameters: Sequence[Parameter], branch: Branch) -> bool | None:
    """Whether the text is spelled in pinyin: True as a person's name with the surname in front, False as a plain name, None not at all."""
    path = branch.element.path if branch.element else ""
    if path == "HumanName.family":
        return True
    return False if path == "HumanName.given" or any(p.code == "name" for p in parameters) else None


def _text(value: Any, ids: list[int], rows: IndexRows, by_sound: bool | None) -> None:
    if type(value) is not str or "\0" in value:
        return
    folded = fold(value)
    if not folded:
        return
    exact, clip = bounded(value), clipped(folded)
    for param in ids:
        rows.strings.append((param, clip, exact))
    if by_sound is not None and not value.isascii():
        for spelling in spellings(folded, is_person=by_sound):
            for param in ids:
                rows.strings.append((param, spelling, None))


def _human_name(value: Any, ids: list[int], rows: IndexRows) -> None:
    """Every part of a name; and a Chinese one whole, 张 + 伟, because nobody there asks for half a name."""
    if type(value) is not dict:
        return
    text, family, given = value.get("text"), value.get("family"), value.get("given") or []
    _text(text, ids, rows, True)
    if not text and type(family) is str and type(given) is list and has_han(family):
        _text("".join([family, *(g for g in given if type(g) is str)]), ids, rows, True)
    _text(family, ids, rows, True)
    for key in ("given", "prefix", "suffix"):
        part = value.get(key)
        if type(part) is list:
            for one in part:
                _text(one, ids, rows, False if key == "given" else None)


def _address(value: Any, ids: list[int], rows: IndexRows) -> None:
    if type(value) is dict:
        for key in ("text", "line", "city", "district", "state", "postalCode", "country"):
            part = value.get(key)
            for one in part if type(part) is list else (part,):
                _text(one, ids, rows, None)


# --- conditions


def conditions(parameter: Parameter, modifier: str, values: Sequence[Text], args: Args) -> list[Condition]:
    found = []
    for value in values:
        if modifier == "exact":
            found.append(f"(@.value = {args.add(clipped(value.folded))} and @.exact = {args.add(bounded(value.text))})")
        elif modifier == "contains":
            found.append(f"@.value like {args.add('%' + pattern(clipped(value.folded)) + '%')}")
        else:
            found.append(_beginning(value.folded, args))
            if " " in value.folded and value.folded.isascii():  # "zhang wei" for 张伟
                found.append(f"({_beginning(value.folded.replace(' ', ''), args)} and @.exact is null)")
    # One stretch of the index gives a page in its order; of several stretches only some would.
    return [Condition("index_string", f"@.param = {parameter.id} and {either(found)}", natural="value" if len(found) == 1 else "")]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_string", f"@.param = {parameter.id}")]


def _beginning(folded: str, args: Args) -> str:
    clip = clipped(folded)
    return f"(@.value >= {args.add(clip)} and @.value < {args.add(clip + AFTER_ALL)})"


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    """The first (or last) of its texts; Chinese names stand where their pinyin stands. Returns the expression and its SQL type."""
    here = f"from index_string x where x.rid = {rid} and x.param = {parameter.id}"
    pick = "max" if descending else "min"
    return (
        f"coalesce((select x.value {here} and x.exact is null order by length(x.value) desc, x.value limit 1),"
        f" (select {pick}(x.value) {here}), '')"
    ), "text"
