"""FHIRPath Patch: operations in a Parameters resource, whose paths name elements of the resource.

    add      path, name, value          to the element, under that name; at the end where there may be many
    insert   path, index, value         into the list
    delete   path                       the element, if it is there
    replace  path, value                the element, with its extensions
    move     path, source, destination  within the list

A path names exactly one element (insert, move: exactly one whole list) of this resource. Errors: what is no such operation 400, what does
not fit what is there 409. FHIR R4: http://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from yilian.errors import BadRequest, Conflict, TooLarge, YilianError
from yilian.fhir.patch.values import Value, fits, insert_one, json_of, listed, put, read_value, remove_one, set_one, way_for
from yilian.fhir.path import Item, compile, parse
from yilian.fhir.path.items import Way, is_primitive, ways

MOST_OPERATIONS = 1_000
LONGEST_PATH = 1_000
LONGEST_S = 2.0
"""Seconds of the processor all operations of a patch may take together, the last of them not counted."""
NEEDED = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
TEXTS = {"type": ("valueCode", "valueString"), "path": ("valueString",), "name": ("valueString", "valueCode")}
NUMBERS = ("index", "source", "destination")
_LAST_NAME = re.compile(r"(.+)\.\s*`?([A-Za-z_][A-Za-z0-9_]*)`?\s*", re.S)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, read and checked for form. `place` is where it stands: `Parameters.parameter[2]`."""

    type: str
    path: str
    name: str
    value: Value | None
    index: int
    source: int
    destination: int
    place: str


def patch(parameters: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The function these Parameters are. BadRequest or TooLarge when they are no patch; the function raises BadRequest and Conflict."""
    raw = parameters.get("parameter", [])
    if not isinstance(raw, list):
        raise BadRequest("Parameters.parameter is a list.", expression="Parameters.parameter")
    if len(raw) > MOST_OPERATIONS:
        raise TooLarge(f"A patch has at most {MOST_OPERATIONS} operations, this one has {len(raw)}.")
    operations = [_read(one, f"Parameters.parameter[{number}]") for number, one in enumerate(raw)]

    def apply(resource: dict[str, Any]) -> dict[str, Any]:
        begun_s = time.process_time()
        for operation in operations:
            if time.process_time() - begun_s > LONGEST_S:
                raise TooLarge("The patch takes too long; send it in several, with simpler paths.", zh="补丁计算量过大,请分次提交。")
            try:
                APPLY[operation.type](resource, operation)
            except YilianError as error:
                if not error.issues[0].expression:
                    error.issues = (replace(error.issues[0], expression=operation.place), *error.issues[1:])
                raise
        return resource

    return apply


def _read(parameter: Any, place: str) -> Operation:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation" or not isinstance(parameter.get("part"), list):
        raise BadRequest("Each parameter of a FHIRPath Patch is an operation with parts.", expression=place)
    found: dict[str, Any] = {}
    for number, part in enumerate(parameter["part"]):
        at = f"{place}.part[{number}]"
        name = str(part.get("name")) if isinstance(part, dict) else ""
        if name in found:
            raise BadRequest(f"{name} is given twice.", expression=at)
        if name == "value":
            found[name] = read_value(part, at)
        elif name in TEXTS:
            found[name] = next((part[key] for key in TEXTS[name] if isinstance(part.get(key), str)), None)
        elif name in NUMBERS:
            number_ = part.get("valueInteger")
            found[name] = number_ if type(number_) is int and 0 <= number_ < 2**31 else None
        else:
            raise BadRequest(f"An operation has no part {name[:64]!r}.", expression=at)
        if found[name] is None:
            kinds = TEXTS.get(name, ("valueInteger",))
            raise BadRequest(f"{name} is given as {' or '.join(kinds)}{', from 0' if name in NUMBERS else ''}.", expression=at)
    kind = found.get("type")
    if kind not in NEEDED:
        raise BadRequest(f"type is one of {', '.join(NEEDED)}.", expression=place, code="required")
    if set(found) != {"type", *NEEDED[kind]}:
        raise BadRequest(f"{kind} takes {', '.join(NEEDED[kind])}, and nothing else.", expression=place, code="required")
    path = found["path"]
    if len(path) > LONGEST_PATH:
        raise BadRequest(f"A path has at most {LONGEST_PATH} characters.", expression=place)
    try:
        parse(path)
    except BadRequest as error:
        error.issues = tuple(replace(issue, expression=place) for issue in error.issues)
        raise
    return Operation(
        kind,
        path,
        found.get("name", ""),
        found.get("value"),
        found.get("index", 0),
        found.get("source", 0),
        found.get("destination", 0),
        place,
    )


def _items(resource: dict[str, Any], path: str) -> list[Item]:
    found = compile(path, str(resource.get("resourceType"))).items(resource)
    for item in found:
        top = item
        while top.parent is not None:
            top = top.parent
        if top.value is not resource:
            raise BadRequest("The path names no element of this resource.")
    return found


def _one(resource: dict[str, Any], path: str) -> Item:
    found = _items(resource, path)
    if len(found) != 1:
        raise Conflict(
            f"{path[:200]} finds {len(found) or 'nothing'}, where it has to find one element. Nothing was changed.",
            zh="补丁路径必须恰好对应一个元素,未作任何修改。",
        )
    return found[0]


def _holder(item: Item) -> dict[str, Any]:
    """The object in which an element stands. BadRequest for the resource itself."""
    parent = item.parent
    holder = None if parent is None else parent.beside if parent.value is None or is_primitive(parent.type) else parent.value
    if not isinstance(holder, dict):
        raise BadRequest("The resource itself cannot be deleted, replaced or moved by a patch.")
    return holder


def _inside(item: Item) -> dict[str, Any]:
    """The object that holds the elements of an element; for a primitive that of its id and extensions, made where there is none."""
    if not is_primitive(item.type):
        if not isinstance(item.value, dict):
            raise Conflict("There is no element to add to.")
        return item.value
    if isinstance(item.beside, dict):
        return item.beside
    holder, made = _holder(item), dict[str, Any]()
    if item.index is None:
        holder["_" + item.key] = made
    else:
        array = holder.setdefault("_" + item.key, [])
        array.extend([None] * (item.index + 1 - len(array)))
        array[item.index] = made
    return made


def _add(resource: dict[str, Any], operation: Operation) -> None:
    assert operation.value is not None
    item = _one(resource, operation.path)
    put(_inside(item), way_for(item.type, operation.name, operation.value), operation.value)


def _delete(resource: dict[str, Any], operation: Operation) -> None:
    if not _items(resource, operation.path):
        return
    item = _one(resource, operation.path)
    holder = _holder(item)
    if item.index is None:
        holder.pop(item.key, None)
        holder.pop("_" + item.key, None)
    else:
        remove_one(holder, item.key, item.index)
    _clear_away(item.parent)


def _clear_away(item: Item | None) -> None:
    """An element that holds nothing any more goes too: FHIR has no empty ones."""
    while item is not None and item.parent is not None:
        empty = item.beside == {} if is_primitive(item.type) else item.value == {}
        if not empty:
            return
        holder = _holder(item)
        if is_primitive(item.type):
            if item.index is None:
                holder.pop("_" + item.key, None)
            else:
                holder["_" + item.key][item.index] = None
            if item.value is not None:
                return
        if item.index is None:
            holder.pop(item.key, None)
        else:
            remove_one(holder, item.key, item.index)
        item = item.parent


def _replace(resource: dict[str, Any], operation: Operation) -> None:
    assert operation.value is not None
    item = _one(resource, operation.path)
    holder = _holder(item)
    assert item.parent is not None
    way = way_for(item.parent.type, item.plain, operation.value)
    if item.index is not None:
        json, beside = json_of(operation.value, way.type)
        remove_one(holder, item.key, item.index)
        insert_one(holder, way, item.index, json, beside)
        return
    json, beside = json_of(operation.value, way.type)
    if way.key != item.key or json is None:
        holder.pop(item.key, None)
    if way.key != item.key or beside is None:
        holder.pop("_" + item.key, None)
    set_one(holder, way, json, beside)


def _list(resource: dict[str, Any], operation: Operation) -> tuple[dict[str, Any], Way]:
    """The list a path names: (the object it stands in, its way). A list that is not there yet is named by its last name."""
    found = _items(resource, operation.path)
    if found:
        first = found[0]
        holder = _holder(first)
        assert first.parent is not None
        way = ways("Element" if is_primitive(first.parent.type) else first.parent.type)[first.key]
        same = all(item.parent is first.parent and item.key == first.key for item in found)
        if not way.many or not same or len(found) != len(listed(holder, way)):
            raise Conflict(f"{operation.path[:200]} names no whole list. Nothing was changed.", zh="补丁路径必须对应一个完整的列表。")
        return holder, way
    split = _LAST_NAME.fullmatch(operation.path)
    if split is None:
        raise Conflict(f"{operation.path[:200]} finds nothing. Nothing was changed.", zh="补丁路径没有找到任何内容。")
    item = _one(resource, split[1])
    named = ways("Element" if is_primitive(item.type) else item.type).get(split[2])
    if named is None or not named.many:
        raise BadRequest(f"{operation.path[:200]} is no list.")
    return _inside(item), named


def _insert(resource: dict[str, Any], operation: Operation) -> None:
    assert operation.value is not None
    holder, way = _list(resource, operation)
    length = len(listed(holder, way))
    if operation.index > length:
        raise Conflict(f"The list has {length} elements; index is at most that.", zh="插入位置超出列表范围。")
    if not fits(operation.value, way):
        raise BadRequest(f"{way.key} takes no {operation.value.type or 'parts'}.", expression=operation.value.place)
    json, beside = json_of(operation.value, way.type)
    insert_one(holder, way, operation.index, json, beside)


def _move(resource: dict[str, Any], operation: Operation) -> None:
    holder, way = _list(resource, operation)
    length = len(listed(holder, way))
    if operation.source >= length or operation.destination >= length:
        raise Conflict(f"The list has {length} elements; source and destination are less than that.", zh="移动位置超出列表范围。")
    for key in (way.key, "_" + way.key):
        array = holder.get(key)
        if isinstance(array, list):
            array.extend([None] * (length - len(array)))
            array.insert(operation.destination, array.pop(operation.source))


APPLY: dict[str, Callable[[dict[str, Any], Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
