"""`_include` and `_revinclude`: what goes along with the matches. FHIR R4: http://hl7.org/fhir/R4/search.html#revinclude"""

from __future__ import annotations

from dataclasses import dataclass

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.definitions import is_resource_type
from yilian.search.parameters import Parameter, parameters_of
from yilian.search.unknown import no_parameter


@dataclass(frozen=True, slots=True)
class Include:
    """`Observation:encounter:Encounter`. target "" for any type the parameter points to."""

    parameter: Parameter
    target: str = ""


def including(kind: str, value: str) -> Include:
    """`_include` of a search for `kind`: what its matches point to. Raises BadRequest, NotSupported."""
    found = _read("_include", value)
    if found.parameter.base != kind:
        raise BadRequest(f"_include={value[:80]}: the matches are of type {kind}, so it begins with {kind}:.")
    return found


def included_by(kind: str, value: str) -> Include:
    """`_revinclude` of a search for `kind`: what points to its matches. Raises BadRequest, NotSupported."""
    found = _read("_revinclude", value)
    if kind not in found.parameter.targets or found.target not in ("", kind):
        to = found.target or ", ".join(found.parameter.targets[:12])
        raise BadRequest(
            f"_revinclude={value[:80]}: the matches are of type {kind}, but {found.parameter.base}:{found.parameter.code} points to {to}."
        )
    return Include(found.parameter, kind)


def _read(name: str, value: str) -> Include:
    parts = value.split(":")
    if value == "*" or "*" in parts:
        raise NotSupported(
            f"{name}={value[:80]}: including everything (*) is not supported yet; name the parameter, as in Observation:encounter."
        )
    if len(parts) not in (2, 3) or not all(parts):
        raise BadRequest(f"{name}={value[:80]}: write {name}=Type:parameter or Type:parameter:TargetType, as in Observation:encounter.")
    source, code, target = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
    if not is_resource_type(source):
        raise BadRequest(f"{name}={value[:80]}: {source[:60]!r} is not a resource type of FHIR R4.")
    parameter = parameters_of(source).get(code)
    if parameter is None:
        raise no_parameter(source, code)
    if parameter.type != "reference":
        raise BadRequest(f"{name}={value[:80]}: {code} is no reference; {source} has {', '.join(sorted(_references(source)))}.")
    if "Reference" not in parameter.value_types:
        raise NotSupported(f"{name}={value[:80]}: {code} holds canonical addresses; following those is not supported yet.")
    if target and target not in parameter.targets:
        raise BadRequest(f"{name}={value[:80]}: {code} never points to a {target[:60]}, only to {', '.join(parameter.targets[:12])}.")
    return Include(parameter, target)


def _references(kind: str) -> list[str]:
    return [p.code for p in parameters_of(kind).values() if p.type == "reference" and "Reference" in p.value_types]
