"""The value of a FHIRPath Patch operation: parts of a Parameters resource become the JSON that stands at a place.

A value is a `value[x]`, a `resource`, or, for types that have no name of their own, parts named like the elements.
FHIR R4: http://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.path.items import Way, is_primitive, ways, ways_named

ALIKE: tuple[frozenset[str], ...] = (
    frozenset({"string", "code", "id", "markdown", "xhtml"}),
    frozenset({"uri", "url", "canonical", "oid", "uuid"}),
    frozenset({"integer", "positiveInt", "unsignedInt"}),
    frozenset({"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration"}),
)
"""Types of which one may be sent for another; what is sent is held to the rules of the place all the same."""

DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Value:
    """What is to be put somewhere.

    type    the data type it was sent as; "" when it came as parts and takes the type of the place
    json    the value, None where only `beside` was sent
    beside  id and extensions of a primitive, None for none
    parts   the parts it came as
    place   of the part in the Parameters, for errors
    """

    type: str
    json: Any
    beside: Any
    parts: tuple[Named, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Named:
    """A value for the element of this name."""

    name: str
    value: Value


def read_value(part: dict[str, Any], place: str, depth: int = 0) -> Value:
    """The value of a part. BadRequest when it is not exactly one."""
    if depth > DEEPEST:
        raise BadRequest(f"Parts nest deeper than {DEEPEST} levels.", expression=place)
    keys = [key for key in part if key not in ("name", "id", "extension")]
    if keys == ["part"] and isinstance(part["part"], list) and part["part"]:
        return Value("", None, None, tuple(_named(one, f"{place}.part[{n}]", depth) for n, one in enumerate(part["part"])), place)
    if keys == ["resource"]:
        return Value("Resource", part["resource"], None, (), place)
    plain = {key.removeprefix("_") for key in keys}
    key = next(iter(plain), "")
    way = ways("Parameters.parameter").get(key)
    if len(plain) != 1 or way is None or way.plain != "value":
        raise BadRequest("A value is one value[x], one resource, or parts.", expression=place)
    return Value(way.type, part.get(key), part.get("_" + key), (), place)


def _named(part: Any, place: str, depth: int) -> Named:
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise BadRequest("A part has a name.", expression=place, code="required")
    return Named(part["name"], read_value(part, place, depth + 1))


def way_for(type: str, name: str, value: Value) -> Way:
    """The key of `type` under which this value goes by this name. BadRequest for a name that is none, or a value of another type."""
    found = ways_named("Element" if is_primitive(type) else type, name)
    if not found:
        exact = ways(type).get(name)
        found = (exact,) if exact is not None else ()
    if not found:
        raise BadRequest(f"{type} has no element {name[:64]!r}.", expression=value.place)
    if len(found) > 1:
        found = tuple(way for way in found if way.type == value.type)
    elif not fits(value, found[0]):
        found = ()
    if not found:
        raise BadRequest(f"{type}.{name} takes no {value.type or 'parts'}.", expression=value.place)
    return found[0]


def fits(value: Value, way: Way) -> bool:
    """Whether the value may stand there, by its type. Parts may, wherever no primitive stands."""
    if value.parts:
        return not way.primitive
    return value.type == way.type or any(value.type in group and way.type in group for group in ALIKE)


def json_of(value: Value, type: str) -> tuple[Any, Any]:
    """(JSON, what stands beside it under `_key`) of a value that goes where a `type` stands."""
    if not value.parts:
        return value.json, value.beside
    made: dict[str, Any] = {}
    for part in value.parts:
        put(made, way_for(type, part.name, part.value), part.value)
    return made, None


def put(holder: dict[str, Any], way: Way, value: Value) -> None:
    """Add the value to `holder`, at the end where there may be many. BadRequest where there is one already and may be no second."""
    json, beside = json_of(value, way.type)
    if not way.many:
        if any(_is_of(way, key) for key in holder):
            raise BadRequest(f"There is a {way.plain} already; replace it.", expression=value.place)
        set_one(holder, way, json, beside)
        return
    insert_one(holder, way, len(listed(holder, way)), json, beside)


def _is_of(way: Way, key: str) -> bool:
    """Whether this key is the one of `way`, or another type of the same choice."""
    bare = key.removeprefix("_")
    if bare == way.key or way.key == way.plain:
        return bare == way.key
    return bare.startswith(way.plain) and bare[len(way.plain) : len(way.plain) + 1].isupper()


def set_one(holder: dict[str, Any], way: Way, json: Any, beside: Any) -> None:
    """Set what may stand once, and what is beside it."""
    if json is not None:
        holder[way.key] = json
    if beside is not None:
        holder["_" + way.key] = beside


def listed(holder: dict[str, Any], way: Way) -> list[Any]:
    """The longer of the two arrays a list of primitives is written as."""
    values, besides = holder.get(way.key), holder.get("_" + way.key)
    values = values if isinstance(values, list) else []
    besides = besides if isinstance(besides, list) else []
    return values if len(values) >= len(besides) else besides


def insert_one(holder: dict[str, Any], way: Way, index: int, json: Any, beside: Any) -> None:
    """Insert into a list; the arrays of values and of what is beside them stay in step."""
    length = len(listed(holder, way))
    for key, one in ((way.key, json), ("_" + way.key, beside)):
        if key in holder or one is not None:
            array = holder.setdefault(key, [])
            array.extend([None] * (length - len(array)))
            array.insert(index, one)


def remove_one(holder: dict[str, Any], way_key: str, index: int) -> None:
    """Take out of a list and of what is beside it; arrays that hold nothing any more go."""
    for key in (way_key, "_" + way_key):
        array = holder.get(key)
        if isinstance(array, list):
            if index < len(array):
                del array[index]
            if all(one is None for one in array):
                del holder[key]
