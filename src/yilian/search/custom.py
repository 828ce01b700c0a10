"""Search parameters a region defines itself: what of a SearchParameter is understood, and what is not.

A SearchParameter with status `active` and an address that is not HL7's becomes searchable; any other is kept like every resource and does
nothing. It must be of a kind the index tables hold, and its expression one that can be compiled (`fhir.fhirpath`): paths, `where`, `as`,
`ofType`, `extension`, unions; so extensions of the region can be searched by.
FHIR R4: http://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from yilian.errors import Issue, NotSupported
from yilian.fhir.definitions import is_resource_type
from yilian.search.parameters import INDEXED_TYPES, Parameter, made, standard

TYPES = tuple(kind for kind in INDEXED_TYPES if kind not in ("composite", "special"))
_code = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}", re.ASCII)


def is_live(definition: Mapping[str, Any]) -> bool:
    """Whether it asks to be searched by: active, and none of HL7's own, which are here already."""
    if definition.get("status") != "active":
        return False
    bases = definition.get("base")
    urls = [standard(base, definition.get("code", "")) for base in bases] if isinstance(bases, list) else []
    return not urls or any(url != definition.get("url") for url in urls)


def faults(definition: Mapping[str, Any]) -> list[Issue]:
    """Why it cannot be searched by, each with its place; nothing when it can. For one that `is_live` and sound as a resource."""
    found = [*_form(definition), *_collisions(definition)]
    if found:
        return found
    for base in definition["base"]:
        try:
            parameter = made(0, base, definition)
        except NotSupported as error:
            found.append(_issue("expression", str(error)))
            continue
        found += _of_parameter(parameter)
    return found


def parameter(number: int, base: str, definition: Mapping[str, Any], refused: str = "") -> Parameter:
    """The parameter with its number, for a definition without faults. `refused`: why it is not to be searched by yet."""
    return replace(made(number, base, definition), refused=refused)


def essence(definition: Mapping[str, Any]) -> tuple[Any, ...]:
    """What its index rows depend on; a change of anything else (the description) takes up nothing anew."""
    return definition["type"], definition.get("expression"), tuple(sorted(definition.get("target", ()))), definition.get("url")


def _form(definition: Mapping[str, Any]) -> list[Issue]:
    found = []
    for base in definition["base"]:
        if not is_resource_type(base):
            found.append(_issue("base", f"{base} is no concrete resource type; name each type it is for."))
    if not _code.fullmatch(definition["code"]):
        found.append(_issue("code", "The code is 1 to 64 letters, digits and dashes, a letter first; names with _ are the standard's."))
    if definition["type"] not in TYPES:
        found.append(_issue("type", f"{definition['type']} parameters cannot be defined here; {', '.join(TYPES)} can."))
    if not definition.get("expression"):
        found.append(_issue("expression", "An expression is needed: it says where in the resource the values are."))
    for target in definition.get("target", ()):
        if not is_resource_type(target):
            found.append(_issue("target", f"{target} is no resource type."))
    return found


def _collisions(definition: Mapping[str, Any]) -> list[Issue]:
    code = definition["code"]
    return [
        _issue("code", f"{base} has a parameter {code!r} already, HL7's {url}; choose another code.")
        for base in definition["base"]
        if (url := standard(base, code)) is not None
    ]


def _of_parameter(parameter: Parameter) -> list[Issue]:
    where = f"{parameter.expression!r} for {parameter.base}"
    if not parameter.branches and not parameter.refused:  # a truth value
        return [] if parameter.type == "token" else [_issue("type", f"{where} is true or false; such a parameter is a token.")]
    if parameter.refused:
        known = ", ".join(sorted(INDEXED_TYPES[parameter.type]))
        return [_issue("expression", f"{where} leads to nothing a {parameter.type} parameter takes up: {known}.")]
    if any(step.first for branch in parameter.branches for step in branch.steps):
        return [_issue("expression", f"{where}: the first of several (first(), [0]) cannot be indexed; ask for all of them.")]
    return []


def _issue(place: str, text: str) -> Issue:
    return Issue("error", "not-supported", text, f"SearchParameter.{place}")
