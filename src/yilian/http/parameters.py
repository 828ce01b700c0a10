"""What an operation is called with: a query string, or a Parameters resource in the body, read the same way.

Strict: a name that is not known, a value of another type, a parameter that comes twice but may not, is refused.
FHIR R4: http://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from yilian.errors import BadRequest, NotSupported
from yilian.http.request import Request

Json = dict[str, Any]
Kind = Literal["text", "boolean", "integer", "Coding", "CodeableConcept", "resource"]

TEXT = (
    *("valueUri", "valueCanonical", "valueCode", "valueString", "valueId", "valueUrl", "valueUuid", "valueOid"),
    *("valueDate", "valueDateTime", "valueInstant"),
)
KEYS: Mapping[str, tuple[str, ...]] = {
    "text": TEXT,
    "boolean": ("valueBoolean",),
    "integer": ("valueInteger", "valuePositiveInt", "valueUnsignedInt"),
    "Coding": ("valueCoding",),
    "CodeableConcept": ("valueCodeableConcept",),
    "resource": ("resource",),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """kind: text (uri, code, string …), boolean, integer, Coding, CodeableConcept, or a resource of type `of`. many: may come again."""

    name: str
    kind: Kind = "text"
    many: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """The values by name, in the order they came; `echo`: the parameters as elements of a Parameters resource."""

    values: Mapping[str, list[Any]]
    echo: tuple[Json, ...]

    def one(self, name: str) -> Any:
        found = self.values.get(name)
        return found[0] if found else None

    def text(self, name: str) -> str:
        return str(self.one(name) or "")

    def all(self, name: str) -> list[Any]:
        return self.values.get(name, [])

    def flag(self, name: str, default: bool = False) -> bool:
        found = self.one(name)
        return default if found is None else bool(found)


async def called_with(request: Request, known: tuple[Parameter, ...]) -> Called:
    """Raises NotSupported for an unknown name, BadRequest for a value that is not of its kind or comes too often."""
    by_name = {parameter.name: parameter for parameter in known}
    values: dict[str, list[Any]] = {}
    echo: list[Json] = []
    for name, value in request.query:
        parameter = _known(by_name, name, request)
        found = _from_query(parameter, value)
        _take(parameter, found, values)
        echo.append({"name": name, _KEY_OF_ECHO.get(parameter.kind, "valueString"): found})
    if request.method == "POST":
        for place, given in enumerate(_parts(await request.resource())):
            called = given.get("name")
            where = f"Parameters.parameter[{place}]"
            if type(called) is not str:
                raise BadRequest("Each parameter needs a name.", expression=where)
            parameter = _known(by_name, called, request)
            _take(parameter, _from_part(parameter, given, where), values)
            if parameter.kind != "resource":
                echo.append(given)
    return Called(values, tuple(echo))


_KEY_OF_ECHO = {"boolean": "valueBoolean", "integer": "valueInteger"}


def _parts(resource: Json) -> list[Json]:
    if resource.get("resourceType") != "Parameters":
        raise BadRequest("The body of an operation is a Parameters resource.", expression="resourceType")
    parts = resource.get("parameter") or []
    if type(parts) is not list or any(type(part) is not dict for part in parts):
        raise BadRequest("Parameters.parameter is a list of objects.", expression="Parameters.parameter")
    return parts


def _known(by_name: Mapping[str, Parameter], name: str, request: Request) -> Parameter:
    if name not in by_name:
        known = ", ".join(sorted(by_name))
        raise NotSupported(f"Parameter {name[:80]!r} is not known for {request.segments[-1]}; known: {known}.")
    return by_name[name]


def _take(parameter: Parameter, value: Any, values: dict[str, list[Any]]) -> None:
    if parameter.name in values and not parameter.many:
        raise BadRequest(f"Parameter {parameter.name!r} came twice.")
    values.setdefault(parameter.name, []).append(value)


def _from_query(parameter: Parameter, value: str) -> Any:
    if parameter.kind == "text":
        return _text(parameter.name, value)
    if parameter.kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if parameter.kind == "integer" and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if parameter.kind in ("boolean", "integer"):
        raise BadRequest(
            f"{parameter.name} takes {'true or false' if parameter.kind == 'boolean' else 'a whole number'}, not {value[:40]!r}."
        )
    raise BadRequest(f"{parameter.name} does not go into a query string; POST it in a Parameters resource.")


def _from_part(parameter: Parameter, given: Json, where: str) -> Any:
    keys = [key for key in given if key.startswith("value") or key in ("resource", "part")]
    if len(keys) != 1 or keys[0] not in KEYS[parameter.kind]:
        wanted = " or ".join(KEYS[parameter.kind][:4])
        raise BadRequest(f"{parameter.name} takes {wanted}, not {', '.join(keys) or 'nothing'}.", expression=where)
    value: Any = given[keys[0]]
    if parameter.kind == "text" and type(value) is str:
        return _text(parameter.name, value)
    right: type = {"boolean": bool, "integer": int, "text": str}.get(parameter.kind, dict)
    if not _is(value, right) or (parameter.kind == "integer" and value < 0):
        raise BadRequest(f"{parameter.name}: {str(value)[:40]!r} is not of its type.", expression=f"{where}.{keys[0]}")
    if parameter.kind == "resource" and value.get("resourceType") != parameter.of:
        raise BadRequest(f"{parameter.name} takes a {parameter.of}.", expression=f"{where}.resource")
    return value


def _is(value: Any, kind: type) -> bool:
    return type(value) is kind


def _text(name: str, value: str) -> str:
    if not value.strip() or "\0" in value:
        raise BadRequest(f"{name} is empty.")
    return value


def query_words(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """The query of an operation that is only asked by GET, by name. NotSupported for a name that is not one of `known`, BadRequest for one
    that comes twice."""
    found: dict[str, str] = {}
    for name, value in request.query:
        if name not in known:
            raise NotSupported(f"Parameter {name!r} is not known for {request.segments[-1]}; known: {', '.join(known) or 'none'}.")
        if name in found:
            raise BadRequest(f"Parameter {name!r} came twice.")
        found[name] = value
    return found
