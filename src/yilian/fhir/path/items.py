"""The items of a collection: a value, its type, and where it stands.

An element of a resource knows the one it lies in, so that a place can be named and `#id` looked up. A primitive carries what JSON keeps
beside it (`_birthDate`: id and extensions) and may have no value but that. http://hl7.org/fhir/R4/fhirpath.html#polymorphism
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from yilian.fhir.definitions import is_resource_type, structure, structure_names
from yilian.fhir.path.quantity import Quantity
from yilian.fhir.path.temporal import Date, DateTime, Time, date_of, datetime_of, time_of

UCUM = "http://unitsofmeasure.org"


class Item:
    """One item. `type` is a structure of R4 (`string`, `HumanName`, `Patient.contact`) or a system type (`System.String`).

    `value` is JSON for a structure (None for a primitive that has only extensions), a Python value for a system type.
    """

    __slots__ = ("beside", "index", "key", "parent", "type", "value")

    def __init__(
        self, value: Any, type: str, beside: Any = None, parent: Item | None = None, key: str = "", index: int | None = None
    ) -> None:
        self.value = value
        self.type = type
        self.beside = beside
        self.parent = parent
        self.key = key
        self.index = index

    @property
    def plain(self) -> str:
        """The key as FHIRPath names it: `value` for `valueQuantity`."""
        holder = self.parent.type if self.parent is not None else ""
        way = ways("Element" if is_primitive(holder) else holder).get(self.key)
        return way.plain if way is not None else self.key

    def __repr__(self) -> str:
        return f"Item({self.value!r}, {self.type!r})"


Collection = list[Item]


@dataclass(frozen=True, slots=True)
class Way:
    """From an element down one JSON key. `plain` is the name in FHIRPath (`value` for `valueQuantity`), `primitive` has a `_key` beside."""

    key: str
    plain: str
    type: str
    many: bool
    primitive: bool


@cache
def known(name: str) -> bool:
    """Whether this is a structure of R4."""
    return name in _names


_names = frozenset(structure_names())


@cache
def ways(type: str) -> dict[str, Way]:
    """JSON key → way, for all elements of a structure; none for system types and unknown ones."""
    if type not in _names:
        return {}
    return {
        e.key: Way(e.key, e.choice[:-3] if e.choice else e.key, e.type, e.many, structure(e.type).kind == "primitive")
        for e in structure(type).elements.values()
    }


@cache
def ways_named(type: str, name: str) -> tuple[Way, ...]:
    """The ways FHIRPath takes for `.name`: one, or as many as a choice has types."""
    return tuple(way for way in ways(type).values() if way.plain == name)


@cache
def is_primitive(type: str) -> bool:
    """Whether a structure is a primitive type of R4."""
    return type in _names and structure(type).kind == "primitive"


def root_item(resource: Any, type: str | None = None) -> Item:
    """A resource, or an element whose type is given, as the item an evaluation starts from."""
    if type is None:
        type = type_of_resource(resource, "Resource")
    return Item(resource, type)


def type_of_resource(value: Any, otherwise: str) -> str:
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and is_resource_type(kind) else otherwise


def down(item: Item, way: Way, out: Collection) -> None:
    """Adds what lies below one key, in order; where there is a value, its extensions come with it."""
    source = item.beside if item.value is None or not isinstance(item.value, dict) else item.value
    if not isinstance(source, dict):
        return
    key, type = way.key, way.type
    value = source.get(key)
    if not way.primitive:
        if value is None:
            return
        if isinstance(value, list):
            for index, one in enumerate(value):
                if one is not None:
                    out.append(Item(one, type_of_resource(one, type) if type == "Resource" else type, None, item, key, index))
        else:
            out.append(Item(value, type_of_resource(value, type) if type == "Resource" else type, None, item, key))
        return
    beside = source.get("_" + key)
    if isinstance(value, list) or isinstance(beside, list):
        values = value if isinstance(value, list) else []
        besides = beside if isinstance(beside, list) else []
        for index in range(max(len(values), len(besides))):
            one = values[index] if index < len(values) else None
            other = besides[index] if index < len(besides) else None
            if one is not None or other is not None:
                out.append(Item(one, type, other, item, key, index))
    elif value is not None or beside is not None:
        out.append(Item(value, type, beside, item, key))


def child(item: Item, name: str, out: Collection) -> None:
    """Adds the elements `.name` of an item."""
    for way in ways_named("Element" if item.value is None or is_primitive(item.type) else item.type, name):
        down(item, way, out)


def children(item: Item) -> Collection:
    """All elements of an item, in the order they are written in."""
    out: Collection = []
    primitive = is_primitive(item.type)
    source = item.beside if primitive else item.value
    if isinstance(source, dict):
        found = ways("Element" if primitive else item.type)
        seen: set[str] = set()
        for written in source:
            key = written.removeprefix("_") if isinstance(written, str) else ""
            if key in found and key not in seen:
                seen.add(key)
                down(item, found[key], out)
    return out


def descendants(items: Collection) -> Collection:
    """The children, then theirs, and so on: generation by generation."""
    out: Collection = []
    level = items
    while level:
        level = [below for item in level for below in children(item)]
        out += level
    return out


def ancestors(item: Item) -> Iterator[Item]:
    """The item itself, what it lies in, and so on to the root."""
    at: Item | None = item
    while at is not None:
        yield at
        at = at.parent


# --- system values

System = bool | int | Decimal | str | Date | DateTime | Time | Quantity


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value
    return Decimal(repr(value)) if isinstance(value, int | float) else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _quantity(value: Any) -> Quantity | None:
    """A FHIR Quantity; one with a comparator is no single value and none for the system."""
    if not isinstance(value, dict) or value.get("comparator") is not None:
        return None
    number = _decimal(value.get("value"))
    if number is None:
        return None
    system, code = value.get("system"), value.get("code")
    if system == UCUM:
        return Quantity(number, code if isinstance(code, str) else "1")
    if system is None:
        unit = code or value.get("unit") or "1"
        return Quantity(number, unit if isinstance(unit, str) else "1")
    return Quantity(number, f"{system}|{code}")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


READERS: dict[str, Callable[[Any], System | None]] = {
    "boolean": lambda value: value if isinstance(value, bool) else None,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": _decimal,
    "date": lambda value: date_of(value) if isinstance(value, str) else None,
    "dateTime": lambda value: datetime_of(value) if isinstance(value, str) else None,
    "instant": lambda value: datetime_of(value) if isinstance(value, str) else None,
    "time": lambda value: time_of(value) if isinstance(value, str) else None,
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity"), _quantity),
    **dict.fromkeys(("string", "code", "id", "uri", "url", "canonical", "uuid", "oid", "markdown", "base64Binary", "xhtml"), _text),
}
"""FHIR type → its value as a system type. http://hl7.org/fhir/R4/fhirpath.html#types"""

_SYSTEM: dict[type, str] = {
    bool: "System.Boolean",
    int: "System.Integer",
    Decimal: "System.Decimal",
    str: "System.String",
    Date: "System.Date",
    DateTime: "System.DateTime",
    Time: "System.Time",
    Quantity: "System.Quantity",
}
SYSTEM_TYPES = frozenset((*_SYSTEM.values(), "System.Any"))


def system_value(item: Item) -> System | None:
    """The value as a system type: as it is, or converted from the FHIR type; None where there is no such."""
    kind = item.type
    if kind.startswith("System."):
        value: System = item.value
        return value
    reader = READERS.get(kind)
    return reader(item.value) if reader is not None and item.value is not None else None


def wrap(value: System) -> Item:
    """A value of a system type as an item."""
    return Item(value, _SYSTEM[type(value)])


def one(value: System | None) -> Collection:
    """A collection of this value; the empty one for None."""
    return [] if value is None else [wrap(value)]
