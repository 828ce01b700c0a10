"""How much of what was found goes out: `_summary` and `_elements`, on searches and on reads alike.

FHIR R4: http://hl7.org/fhir/R4/search.html#summary, http://hl7.org/fhir/R4/http.html#general
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from yilian.errors import BadRequest, NotSupported
from yilian.http.request import Request
from yilian.search.shape import Shape, shape_of, shaped
from yilian.store.contained import Inside
from yilian.store.page import Page
from yilian.store.read import Stored


def asked_of_read(request: Request, kind: str) -> Shape | None:
    """What the parameters of a read ask for; None for the whole resource. Raises NotSupported for any other parameter."""
    given: dict[str, str] = {}
    for name, value in request.query:
        if name not in ("_summary", "_elements"):
            raise NotSupported(f"A read takes no parameter {name[:60]!r}; it takes _summary, _elements and _format.")
        if name in given:
            raise BadRequest(f"{name} is given twice.")
        given[name] = value
    if given.get("_summary") == "count":
        raise BadRequest("_summary=count goes with a search; there is one resource here.")
    return shape_of(given.get("_summary"), given.get("_elements"), (kind,))


def page(found: Page, shape: Shape | None) -> Page:
    """The page with as much of each resource as is asked for."""
    if shape is None:
        return found
    return replace(found, matches=[part(one, shape) for one in found.matches], included=[part(one, shape) for one in found.included])


def part(found: Stored, shape: Shape) -> Stored:
    """The part of one resource that is asked for."""
    kind = found.kind if isinstance(found, Inside) else found.type
    return structs.replace(found, body=shaped(found.body, kind, shape))
