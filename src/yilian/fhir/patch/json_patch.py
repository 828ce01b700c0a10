"""JSON Patch (RFC 6902), carried out by the library `jsonpatch`, with bounds on what one patch may cost.

A list or object that a `remove` or `move` leaves empty goes too, since FHIR's JSON has none (http://hl7.org/fhir/R4/json.html#null): who
removes the only phone number means to remove `telecom`.
RFC 6902: https://www.rfc-editor.org/rfc/rfc6902, errors as RFC 5789 §2.2 has them: a patch that is none 400, one that does not fit what is
there (a path that leads nowhere, a `test` that fails) 409.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonpatch import InvalidJsonPatch, JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointer, JsonPointerException

from yilian.errors import BadRequest, Conflict, TooLarge

MOST_OPERATIONS = 1_000
MOST_COPIED = 100_000
"""Values that all `copy` operations of one patch may make: copying a list into itself doubles it each time."""

LONGEST_SHOWN = 120


def patch(operations: list[Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The function these operations are. Raises BadRequest or TooLarge when they are no patch; the function raises Conflict or TooLarge."""
    if len(operations) > MOST_OPERATIONS:
        raise TooLarge(f"A patch has at most {MOST_OPERATIONS} operations, this one has {len(operations)}.")
    steps = [_step(number, operation) for number, operation in enumerate(operations)]

    def apply(resource: dict[str, Any]) -> dict[str, Any]:
        found: Any = resource
        copied_values = 0
        left: list[str] = []
        for number, (operation, step) in enumerate(zip(operations, steps, strict=True)):
            if operation["op"] == "copy":
                copied_values += _size(_at(found, operation["from"]))
                if copied_values > MOST_COPIED:
                    raise TooLarge(f"{_named(number, operation)} copies more than {MOST_COPIED} values; write them out.")
            try:
                found = step.apply(found, in_place=True)
            except JsonPatchTestFailed:
                raise Conflict(
                    f"{_named(number, operation)} failed: the resource has another value there. Nothing was changed.",
                    zh="补丁中的检查(test)不成立,未作任何修改。",
                ) from None
            except InvalidJsonPatch as error:
                raise _unsound(number, operation, error) from None
            except (JsonPatchException, JsonPointerException, TypeError, KeyError, IndexError) as error:
                raise Conflict(
                    f"{_named(number, operation)} cannot be applied: {_said(error)}. Nothing was changed.",
                    zh="补丁与资源当前内容不符,未作任何修改。",
                ) from None
            if operation["op"] in ("remove", "move"):
                left.append(operation["path" if operation["op"] == "remove" else "from"])
        for path in left:
            _clear_away(found, path)
        return found  # type: ignore[no-any-return]

    return apply


def copied(value: Any) -> Any:
    """A copy of JSON that shares nothing with it."""
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if type(value) is list else value


def _step(number: int, operation: Any) -> JsonPatch:
    try:
        step = JsonPatch([operation])
        kind = operation["op"]
        if kind in ("add", "replace", "test") and "value" not in operation:
            raise InvalidJsonPatch(f"{kind} needs a value")
        if kind in ("move", "copy"):
            JsonPointer(operation["from"])
        return step
    except (JsonPatchException, JsonPointerException, TypeError, KeyError, AttributeError) as error:
        raise _unsound(number, operation, error) from None


def _unsound(number: int, operation: Any, error: Exception) -> BadRequest:
    why = "from is missing" if isinstance(error, KeyError) else "path and from are texts" if isinstance(error, TypeError) else _said(error)
    return BadRequest(f"{_named(number, operation)} is no operation of JSON Patch: {why}.", zh="补丁格式不正确(RFC 6902)。")


def _named(number: int, operation: Any) -> str:
    """Operation 3 (replace /name/0/text)"""
    if not isinstance(operation, dict):
        return f"Operation {number}"
    return f"Operation {number} ({operation.get('op')} {operation.get('path')})"[:LONGEST_SHOWN]


def _said(error: Exception) -> str:
    text = error.args[0] if error.args and isinstance(error.args[0], str) else type(error).__name__
    return text[:LONGEST_SHOWN]


def _at(document: Any, path: str) -> Any:
    try:
        return JsonPointer(path).resolve(document)
    except (JsonPointerException, TypeError):
        return None  # applying it says why


def _size(value: Any) -> int:
    count, waiting = 0, [value]
    while waiting and count <= MOST_COPIED:
        one = waiting.pop()
        count += 1
        if type(one) is dict:
            waiting.extend(one.values())
        elif type(one) is list:
            waiting.extend(one)
    return count


def _clear_away(document: Any, path: str) -> None:
    """Take out what is empty on the way to where something was removed, from the inside out."""
    parts = JsonPointer(path).parts[:-1]
    while parts:
        pointer = JsonPointer.from_parts(parts)
        if _at(document, pointer.path) not in ([], {}):
            return
        holder, key = pointer.to_last(document)
        del holder[key]
        parts = parts[:-1]
