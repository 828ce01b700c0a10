"""A ViewDefinition as a value, or an error that says what is wrong with it.

SQL-on-FHIR v2: https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from yilian.errors import InvalidResource
from yilian.fhir.definitions import is_resource_type
from yilian.fhir.path import PathError, parse
from yilian.fhir.path.syntax import Node

Json = dict[str, Any]
Expansion = Literal["", "each", "each-or-null", "repeat"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
CONSTANTS = frozenset(
    f"value{kind}"
    for kind in (
        "Base64Binary", "Boolean", "Canonical", "Code", "Date", "DateTime", "Decimal", "Id", "Instant", "Integer", "Oid", "PositiveInt",
        "String", "Time", "UnsignedInt", "Uri", "Url", "Uuid",
    )
)  # fmt: skip
_SELECT = frozenset({"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll", "id", "extension"})
_COLUMN = frozenset({"name", "path", "type", "collection", "description", "tag", "id", "extension"})
MOST_COLUMNS = 1000
DEEPEST = 16
LARGEST = 100
"""Digits of a number; 1e999999999 written out would fill the memory."""
LONGEST_PATH = 10_000


@dataclass(frozen=True, slots=True)
class Path:
    """An expression as it was written, and parsed. `place`: where it stands in the view, for errors."""

    text: str
    node: Node
    place: str


@dataclass(frozen=True, slots=True)
class Column:
    """collection: all values as one list; otherwise there must not be more than one."""

    name: str
    path: Path
    collection: bool


@dataclass(frozen=True, slots=True)
class Select:
    """One level of a view. `over`: what it is repeated for; several expressions only for `repeat`."""

    expansion: Expansion
    over: tuple[Path, ...]
    columns: tuple[Column, ...]
    selects: tuple[Select, ...]
    unions: tuple[Select, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns in the order of the standard: own ones, those of inner selects, those of the union."""
        inner = tuple(name for select in self.selects for name in select.names)
        return tuple(column.name for column in self.columns) + inner + (self.unions[0].names if self.unions else ())


@dataclass(frozen=True, slots=True)
class View:
    """name: what it is called, for files and errors. constants: name → (FHIR type, value)."""

    name: str
    resource: str
    select: Select
    where: tuple[Path, ...]
    constants: dict[str, tuple[str, Any]]


def read(view: Json) -> View:
    """Raises InvalidResource, naming the place."""
    resource = view.get("resource")
    if not isinstance(resource, str) or not is_resource_type(resource):
        raise wrong(f"resource is a resource type of FHIR R4, not {str(resource)[:40]!r}.", "ViewDefinition.resource")
    selects = _list(view, "select", "ViewDefinition", needed=True)
    whole = Select("", (), (), tuple(_select(one, f"ViewDefinition.select[{n}]", 1) for n, one in enumerate(selects)), ())
    names = whole.names
    if not names or len(names) > MOST_COLUMNS:
        raise wrong(f"A view has 1 to {MOST_COLUMNS} columns.", "ViewDefinition.select")
    for name, times in Counter(names).items():
        if times > 1:
            raise wrong(f"The column {name!r} is there twice.", "ViewDefinition.select")
    where = tuple(_path(one.get("path"), f"ViewDefinition.where[{n}].path") for n, one in enumerate(_list(view, "where", "ViewDefinition")))
    called = view.get("name")
    return View(
        called if isinstance(called, str) and NAME.fullmatch(called) else resource.lower(), resource, whole, where, _constants(view)
    )


def _select(value: Json, place: str, depth: int) -> Select:
    if depth > DEEPEST:
        raise wrong(f"Selects nest at most {DEEPEST} deep.", place)
    if unknown := value.keys() - _SELECT:
        raise wrong(f"There is no {sorted(unknown)[0][:40]!r} in a select.", place)
    ways = [name for name in ("forEach", "forEachOrNull", "repeat") if name in value]
    if len(ways) > 1:
        raise wrong(f"A select has one of {' and '.join(ways)}.", place)
    expansion: Expansion = ""
    over: tuple[Path, ...] = ()
    if ways == ["repeat"]:
        paths = value["repeat"]
        if type(paths) is not list or not paths:
            raise wrong("repeat is a list of expressions.", f"{place}.repeat")
        expansion, over = "repeat", tuple(_path(one, f"{place}.repeat[{n}]") for n, one in enumerate(paths))
    elif ways:
        expansion, over = "each" if ways == ["forEach"] else "each-or-null", (_path(value[ways[0]], f"{place}.{ways[0]}"),)
    columns = tuple(_column(one, f"{place}.column[{n}]") for n, one in enumerate(_list(value, "column", place)))
    selects = tuple(_select(one, f"{place}.select[{n}]", depth + 1) for n, one in enumerate(_list(value, "select", place)))
    unions = tuple(_select(one, f"{place}.unionAll[{n}]", depth + 1) for n, one in enumerate(_list(value, "unionAll", place)))
    for n, union in enumerate(unions):
        if union.names != unions[0].names:
            raise wrong("All parts of a unionAll have the same columns in the same order.", f"{place}.unionAll[{n}]")
    if not (columns or selects or unions):
        raise wrong("A select has columns, selects or a unionAll.", place)
    return Select(expansion, over, columns, selects, unions)


def _column(value: Json, place: str) -> Column:
    if unknown := value.keys() - _COLUMN:
        raise wrong(f"There is no {sorted(unknown)[0][:40]!r} in a column.", place)
    name = value.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise wrong("The name of a column is letters, digits and _, at most 63, and begins with a letter.", f"{place}.name")
    collection = value.get("collection", False)
    if type(collection) is not bool:
        raise wrong("collection is true or false.", f"{place}.collection")
    return Column(name, _path(value.get("path"), f"{place}.path"), collection)


def _constants(view: Json) -> dict[str, tuple[str, Any]]:
    found: dict[str, tuple[str, Any]] = {}
    for n, one in enumerate(_list(view, "constant", "ViewDefinition")):
        place = f"ViewDefinition.constant[{n}]"
        name = one.get("name")
        values = [key for key in one if key.startswith("value")]
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in found:
            raise wrong("A constant has a name of its own: letters, digits and _.", f"{place}.name")
        if len(values) != 1 or values[0] not in CONSTANTS or type(one[values[0]]) in (dict, list, type(None)):
            raise wrong("A constant has one value of a primitive type.", place)
        value = one[values[0]]
        if isinstance(value, Decimal) and not (
            value.is_finite() and abs(value.adjusted()) <= LARGEST and len(value.as_tuple().digits) <= LARGEST
        ):
            raise wrong(f"A constant has at most {LARGEST} digits.", place)
        kind = values[0].removeprefix("value")
        found[name] = (kind[0].lower() + kind[1:], value)
    return found


def _path(text: Any, place: str) -> Path:
    if not isinstance(text, str) or not text.strip():
        raise wrong("An expression is missing.", place)
    if len(text) > LONGEST_PATH:
        raise wrong(f"An expression has at most {LONGEST_PATH} characters.", place)
    try:
        return Path(text, parse(text), place)
    except PathError as error:
        raise wrong(f"{text[:80]!r} is no FHIRPath: {error}", place) from None


def _list(value: Json, name: str, place: str, *, needed: bool = False) -> list[Json]:
    found = value.get(name, [])
    if type(found) is not list or any(type(one) is not dict for one in found) or (needed and not found):
        raise wrong(f"{name} is a list of objects.", f"{place}.{name}")
    return found


def wrong(diagnostics: str, place: str = "") -> InvalidResource:
    """What is wrong with a view, and where in it."""
    return InvalidResource(diagnostics, expression=place, zh="视图定义有误,请按提示修改。")
