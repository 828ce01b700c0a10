"""Type names: which type an item has, and whether that is the one an expression asks for.

A name without a namespace is looked up in FHIR first and then among the system types. http://hl7.org/fhirpath/N1/#types-and-reflection
"""

from __future__ import annotations

from functools import cache

from yilian.fhir.definitions import structure
from yilian.fhir.path.errors import PathSemanticError
from yilian.fhir.path.items import SYSTEM_TYPES, is_primitive, known
from yilian.fhir.path.syntax import TypeName


def wanted(name: TypeName) -> tuple[str, ...]:
    """The types a name may mean; a qualified one that does not exist means none. Raises PathSemanticError for an unknown bare name."""
    if name.space == "System":
        return (f"System.{name.name}",) if f"System.{name.name}" in SYSTEM_TYPES else ()
    if name.space == "FHIR":
        return (name.name,) if known(name.name) else ()
    if name.space:
        raise PathSemanticError(f"There is no namespace {name.space[:60]!r} of types; FHIR and System are known.")
    found = (*((name.name,) if known(name.name) else ()), *((f"System.{name.name}",) if f"System.{name.name}" in SYSTEM_TYPES else ()))
    if not found:
        raise PathSemanticError(f"There is no type {name.name[:60]!r}.")
    return found


@cache
def is_a(type: str, kind: str) -> bool:
    """Whether a type is another or a specialisation of it: code is a string, Age a Quantity, Patient a DomainResource."""
    if type == kind or kind == "System.Any":
        return type == kind or type.startswith("System.")
    while known(type):
        if type == kind:
            return True
        type = structure(type).base
    return False


@cache
def fits(type: str, kind: str) -> bool:
    """`is_a` as `as` and `ofType` mean it: a primitive is of its own type only, a code no string."""
    return type == kind if is_primitive(type) else is_a(type, kind)


def reflected(type: str) -> tuple[str, str]:
    """Namespace and name as `type()` tells them; a part of a resource is a BackboneElement."""
    if type.startswith("System."):
        return "System", type[7:]
    return "FHIR", structure(type).base if "." in type else type
