"""All functions by name. Each file has those of one chapter of N1, or what R4 adds."""

from __future__ import annotations

from yilian.fhir.path.functions import (
    combining,
    conversion,
    encoding,
    existence,
    fhir,
    filtering,
    mathematics,
    precision,
    strings,
    subsetting,
    tree,
    utility,
)
from yilian.fhir.path.functions.kinds import Function

FUNCTIONS: dict[str, Function] = {}
for _room in (
    combining,
    conversion,
    encoding,
    existence,
    fhir,
    filtering,
    mathematics,
    precision,
    strings,
    subsetting,
    tree,
    utility,
):
    FUNCTIONS.update(_room.FUNCTIONS)
