"""`_include` and `_revinclude`: what goes along with the matches. FHIR R4: http://hl7.org/fhir/R4/search.html#revinclude"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.definitions import RESOURCE_TYPES, is_resource_type
from yilian.search.parameters import Parameter, parameters_of
from yilian.search.unknown import no_parameter

ANY = "*"


@dataclass(frozen=True, slots=True)
class Include:
    """`Observation:encounter:Encounter`, `Observation:*`, `*`.

    parameter  the reference that is followed; None for every one (`*`)
    target     the type it is followed to; "" for any type it points to
    source     the type it is followed from; "" for any
    iterate    also from and to what goes along already, until nothing new comes
    """

    parameter: Parameter | None
    target: str = ""
    source: str = ""
    iterate: bool = False


def including(searched: Sequence[str], name: str, value: str) -> Include:
    """`_include`, `_include:iterate`: what the matches, of the types `searched`, point to. Raises BadRequest, NotSupported."""
    found = _read(name, value)
    if not found.iterate and found.source and found.source not in searched:
        raise BadRequest(
            f"{name}={value[:80]}: the matches are of type {_or(searched)}, so it begins with {_or(f'{kind}:' for kind in searched)};"
            f" what goes along already is followed by _include:iterate."
        )
    return found


def included_by(searched: Sequence[str], name: str, value: str) -> Include:
    """`_revinclude`, `_revinclude:iterate`: what points to the matches. Raises BadRequest, NotSupported.

    The target is filled in where the matches are of one type.
    """
    found = _read(name, value)
    if found.iterate:
        return found
    targets = found.parameter.targets if found.parameter else searched
    if found.target not in ("", *searched) or not set(searched) & set(targets):
        to = found.target or ", ".join(targets[:12])
        raise BadRequest(
            f"{name}={value[:80]}: the matches are of type {_or(searched)}, but {':'.join(value.split(':')[:2])} points to {to}."
        )
    return Include(found.parameter, searched[0] if len(searched) == 1 else found.target, found.source)


def along(includes: Sequence[Include], revincludes: Sequence[Include]) -> tuple[str, ...]:
    """Every type that can go along, in the order of `RESOURCE_TYPES`."""
    found: set[str] = set()
    for one in includes:
        found.update((one.target,) if one.target else one.parameter.targets if one.parameter else RESOURCE_TYPES)
    for one in revincludes:
        found.update((one.source,) if one.source else RESOURCE_TYPES)
    return tuple(kind for kind in RESOURCE_TYPES if kind in found)


def is_inclusion(name: str) -> bool:
    """Whether a parameter of this name says what goes along. Raises NotSupported for a modifier there is not, and for `_includes`."""
    if not name.startswith(("_include", "_revinclude")):
        return False
    plain, colon, modifier = name.partition(":")
    if plain not in ("_include", "_revinclude"):
        raise NotSupported(f"There is no parameter {name[:60]!r}; there are _include and _revinclude.")
    if modifier == "recurse":
        raise NotSupported(f"{name}: FHIR R4 calls this {plain}:iterate; :recurse was its name in STU3.")
    if colon and modifier != "iterate":
        raise BadRequest(f"{name[:60]!r}: there is no such modifier; {plain} takes :iterate.")
    return True


def _read(name: str, value: str) -> Include:
    iterate = name.endswith(":iterate")
    if value == ANY:
        return Include(None, iterate=iterate)
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        plain = name.partition(":")[0]
        raise BadRequest(f"{name}={value[:80]}: write {plain}=Type:parameter or Type:parameter:TargetType, as in Observation:encounter.")
    source, code, target = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
    if source == "AuditEvent":
        raise NotSupported(
            f"{name}={value[:80]}: AuditEvents are kept apart and never go along; ask for them at /AuditEvent?entity=Type/id.",
            zh="审计记录不能随检索结果一并返回,请单独查询 AuditEvent。",
        )
    if not is_resource_type(source):
        raise BadRequest(f"{name}={value[:80]}: {source[:60]!r} is not a resource type of FHIR R4.")
    if target and not is_resource_type(target):
        raise BadRequest(f"{name}={value[:80]}: {target[:60]!r} is not a resource type of FHIR R4.")
    if code == ANY:
        return Include(None, target, source, iterate)
    parameter = parameters_of(source).get(code)
    if parameter is None:
        raise no_parameter(source, code)
    if parameter.type != "reference":
        raise BadRequest(f"{name}={value[:80]}: {code} is no reference; {source} has {', '.join(sorted(_references(source)))}.")
    if target and target not in parameter.targets:
        raise BadRequest(f"{name}={value[:80]}: {code} never points to a {target[:60]}, only to {', '.join(parameter.targets[:12])}.")
    return Include(parameter, target, source, iterate)


def _references(kind: str) -> list[str]:
    return [p.code for p in parameters_of(kind).values() if p.type == "reference"]


def _or(names: Iterable[str]) -> str:
    return " or ".join(islice(names, 12))
