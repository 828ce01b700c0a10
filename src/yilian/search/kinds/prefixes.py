"""The prefixes of ordered values: `gt5.4`, `le2020-03`. FHIR R4: http://hl7.org/fhir/R4/search.html#prefix"""

from __future__ import annotations

from yilian.errors import BadRequest

PREFIXES = {
    "eq": "equal",
    "ne": "not equal",
    "gt": "greater",
    "lt": "less",
    "ge": "greater or equal",
    "le": "less or equal",
    "sa": "starts after",
    "eb": "ends before",
    "ap": "about the same",
}


def split(name: str, text: str) -> tuple[str, str]:
    """("ge", "2020") from "ge2020"; "eq" where there is none. Raises BadRequest for two letters that are no prefix."""
    if text[:1].isalpha():
        if text[:2] not in PREFIXES:
            raise BadRequest(f"{name}: {text[:60]!r} does not begin with a prefix that exists: {', '.join(PREFIXES)}.")
        return text[:2], text[2:]
    return "eq", text
