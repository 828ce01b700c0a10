"""A ConceptMap taken apart: one row for each target of each code. Pure.

FHIR R4: http://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yilian.fhir.json import dump

Json = dict[str, Any]
MEANS_A_MATCH = frozenset({"relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact"})
"""Equivalences that are a translation; `unmatched` and `disjoint` say that there is none."""

BACKWARDS = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
"""What an equivalence is when the map is read from target to source; the others stay."""


def head_of(concept_map: Json) -> Json:
    """The map without its elements and narrative: its groups keep only systems and what becomes of unmapped codes."""
    head = {key: value for key, value in concept_map.items() if key not in ("text", "meta")}
    head["group"] = [{key: value for key, value in group.items() if key != "element"} for group in concept_map.get("group") or ()]
    return head


def scope_of(concept_map: Json, side: str) -> str | None:
    """The value set (or system) it maps from or to, without version: source[x] or target[x]."""
    value = concept_map.get(f"{side}Uri") or concept_map.get(f"{side}Canonical")
    return value.partition("|")[0] if type(value) is str else None


def rows_of(concept_map: Json) -> Iterator[tuple[int, str, str, str, str, str, str | None]]:
    """(nth, source system, source code, target system, target code, equivalence, detail), in the order of the map."""
    nth = 0
    for group in concept_map.get("group") or ():
        source, target = str(group.get("source") or ""), str(group.get("target") or "")
        for element in group.get("element") or ():
            for one in element.get("target") or ():
                kept = {key: one[key] for key in ("display", "comment", "dependsOn", "product") if key in one}
                if "display" in element:
                    kept["source"] = element["display"]
                detail = dump(kept).decode() if kept else None
                code, to = str(element.get("code") or ""), str(one.get("code") or "")
                yield nth, source, code, target, to, str(one.get("equivalence") or "relatedto"), detail
                nth += 1
