"""A CodeSystem taken apart: one row a concept, and rows for its parents, its properties and the words it is found by. Pure.

What a property means is told by its uri, or by its code where none is given (http://hl7.org/fhir/R4/codesystem.html#defined-props).
Nesting makes a parent whatever `hierarchyMeaning` says: who searches below a group means the group's members.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yilian.fhir.json import dump
from yilian.search.folding import bounded, fold
from yilian.search.pinyin import spellings

Json = dict[str, Any]
DEFINED = "http://hl7.org/fhir/concept-properties#"
DEEPEST = 60
OUT_OF_USE = ("retired", "inactive")
"""Values of the property `status` that mean: not to be chosen any more. What is merely deprecated still may be."""

BUILT_IN = frozenset(
    {"code", "concept", "display", "definition", "designation", "parent", "child", "inactive", "status", "notSelectable", "deprecated"}
)
"""Properties every code system has without declaring them."""


@dataclass(slots=True)
class Rows:
    """What is written for one code system; the columns of the tables `code_system_*` without `cs`.

    concepts    (nth, code, display, inactive, abstract, detail as JSON or None)
    parents     (parent, code)
    properties  (property, value as text, code)
    texts       (code, everything it is found by: folded texts, a line each)
    """

    concepts: list[tuple[int, str, str | None, bool, bool, str | None]] = field(default_factory=list)
    parents: set[tuple[str, str]] = field(default_factory=set)
    properties: set[tuple[str, str, str]] = field(default_factory=set)
    texts: list[tuple[str, str]] = field(default_factory=list)


def rows_of(system: Json) -> Rows:
    """Every row of a CodeSystem. A code that comes twice counts where it came first; every place it has gives it a parent."""
    rows = Rows()
    meaning = meanings(system)
    seen: set[str] = set()
    for concept, above in _walk(system.get("concept"), None, 0):
        code = concept.get("code")
        if type(code) is not str or not code or "\0" in code:
            continue
        if above is not None and above != code:
            rows.parents.add((above, code))
        if code not in seen:
            seen.add(code)
            _concept(concept, code, meaning, rows)
    return rows


def meanings(system: Json) -> dict[str, str]:
    """Property code → which of the properties R4 defines it is, for those that are one."""
    found = {name: name for name in BUILT_IN}
    for declared in _objects(system.get("property")):
        uri, code = declared.get("uri"), declared.get("code")
        if type(uri) is str and type(code) is str and uri.startswith(DEFINED):
            found[code] = uri.removeprefix(DEFINED)
    return found


def head_of(system: Json) -> Json:
    """The resource without its concepts and narrative."""
    return {key: value for key, value in system.items() if key not in ("concept", "text", "meta")}


def plain_value(property_: Json) -> Any:
    """The value of a concept's property, whichever type it has; a Coding's code; None where there is none."""
    for key, value in property_.items():
        if key.startswith("value"):
            return value.get("code") if type(value) is dict else value
    return None


def as_text(value: Any) -> str:
    """A property's value as filters compare it."""
    return ("true" if value else "false") if type(value) is bool else str(value)


def _walk(concepts: Any, above: str | None, depth: int) -> Iterator[tuple[Json, str | None]]:
    """Every concept with the code it is nested in, parents before children."""
    for concept in _objects(concepts) if depth < DEEPEST else ():
        yield concept, above
        if concept.get("concept"):
            yield from _walk(concept["concept"], concept.get("code"), depth + 1)


def _concept(concept: Json, code: str, meaning: dict[str, str], rows: Rows) -> None:
    inactive = abstract = False
    for one in _objects(concept.get("property")):
        name, value = one.get("code"), plain_value(one)
        if type(name) is not str or value is None:
            continue
        text = as_text(value)
        means = meaning.get(name, name)
        if means in ("parent", "subsumedBy"):
            rows.parents.add((text, code))
        elif means == "child":
            rows.parents.add((code, text))
        elif (means == "inactive" and text == "true") or (means == "status" and text in OUT_OF_USE):
            inactive = True
        elif means in ("notSelectable", "abstract") and text == "true":
            abstract = True
        rows.properties.add((name, bounded(text), code))
    display = concept.get("display")
    display = display if type(display) is str else None
    kept = {key: concept[key] for key in ("definition", "designation", "property", "extension") if key in concept}
    rows.concepts.append((len(rows.concepts), code, display, inactive, abstract, dump(kept).decode() if kept else None))
    _texts(code, [code, display, *(d.get("value") for d in _objects(concept.get("designation")))], rows)


def _texts(code: str, texts: list[Any], rows: Rows) -> None:
    lines: dict[str, None] = {}
    for text in texts:
        if type(text) is not str or not (folded := fold(text)):
            continue
        lines[folded] = None
        if not text.isascii():
            lines.update(dict.fromkeys(spellings(folded, is_person=False)))
    rows.texts.append((code, "\n".join(lines)))


def _objects(value: Any) -> Iterator[Json]:
    return (one for one in value if type(one) is dict) if type(value) is list else iter(())
