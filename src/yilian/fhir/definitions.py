"""The definitions of FHIR R4 (4.0.1): resource types, structures, required codes, search parameters.

Read from `tables/`, which `tools/make_definitions.py` makes from HL7's own files; nothing here is picked by hand.
http://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from yilian.errors import NotSupported

TABLES = Path(__file__).parent / "tables"

Kind = Literal["resource", "complex", "primitive", "backbone"]


@dataclass(frozen=True, slots=True)
class Element:
    """One key of a JSON object. A choice such as `value[x]` is one Element for each type it may take.

    key      as it stands in JSON: `status`, `valueQuantity`
    path     where HL7 defines it: `Observation.value[x]`
    type     name of a structure: `code`, `HumanName`, `Patient.contact`; "Resource" for any resource
    min, max cardinality; max None is unbounded. For a choice, `min` is that of the whole choice
    many     a JSON array (max is not 1)
    binding  (strength, canonical of the value set with its version)
    targets  resource types a Reference or canonical may point to; "Resource" for any
    choice   `value[x]` when this is one of a choice, else None
    profile  a constraint on the type: "SimpleQuantity"
    summary  part of the resource's summary (`_summary=true`); modifier: it changes what others mean, so it is never left out
    """

    key: str
    path: str
    type: str
    min: int
    max: int | None
    many: bool
    binding: tuple[str, str] | None = None
    targets: tuple[str, ...] = ()
    choice: str | None = None
    profile: str | None = None
    summary: bool = False
    modifier: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """A resource, data type or backbone element with all its elements, inherited ones first.

    `regex` is HL7's for a primitive, "" where there is none; `base` is the structure it specialises ("" for the roots).
    """

    name: str
    kind: Kind
    base: str
    elements: Mapping[str, Element] = field(hash=False)
    abstract: bool = False
    regex: str = ""


def _table(name: str) -> Any:
    return msgspec.json.decode((TABLES / name).read_bytes())


_structures: dict[str, dict[str, Any]] = _table("structures.json")

RESOURCE_TYPES: tuple[str, ...] = tuple(sorted(n for n, s in _structures.items() if s["kind"] == "resource" and not s.get("abstract")))
"""The 146 concrete resource types of R4, sorted. Their places are stored in the database: the order never changes."""

ADDRESSED_TYPES: tuple[str, ...] = tuple(name for name in RESOURCE_TYPES if name != "Parameters")
"""Those with an address: Parameters only carries what operations take and give. http://hl7.org/fhir/R4/parameters.html"""

_ids = {name: place for place, name in enumerate(RESOURCE_TYPES, 1)}


def is_resource_type(name: object) -> bool:
    """Whether this is one of the concrete resource types."""
    return isinstance(name, str) and name in _ids


def type_id(name: str) -> int:
    """The number of a resource type in the database, from 1. Raises NotSupported for a name that is no type of R4."""
    try:
        return _ids[name]
    except KeyError:
        raise NotSupported(f"{name[:80]!r} is not a resource type of FHIR R4.", zh=f"“{name[:80]}”不是 FHIR R4 的资源类型。") from None


def type_name(number: int) -> str:
    """The resource type with this number. Raises NotSupported for a number that is none."""
    if not 1 <= number <= len(RESOURCE_TYPES):
        raise NotSupported(f"There is no resource type number {number}.")
    return RESOURCE_TYPES[number - 1]


@cache
def structure(name: str) -> Structure:
    """The structure called `Patient`, `HumanName`, `Patient.contact` or `string`. Raises NotSupported when there is none."""
    try:
        raw = _structures[name]
    except KeyError:
        raise NotSupported(f"{name[:80]!r} is not a structure of FHIR R4.") from None
    base = raw["base"]
    elements: dict[str, Element] = dict(structure(base).elements) if base else {}
    for row in raw.get("elements", ()):
        if row.get("max") == "0":
            elements.pop(row["name"], None)
            continue
        for element in _expanded(name, row):
            elements[element.key] = element
    return Structure(name, raw["kind"], base, elements, raw.get("abstract", False), raw.get("regex", ""))


def structure_names() -> tuple[str, ...]:
    """Every name `structure` knows, sorted."""
    return tuple(_structures)


def _expanded(owner: str, row: dict[str, Any]) -> list[Element]:
    name, low, high = row["name"], row.get("min", 0), row.get("max", "1")
    bound = None if high == "*" else int(high)
    binding = (row["binding"][0], row["binding"][1] if len(row["binding"]) > 1 else "") if "binding" in row else None
    path = f"{owner}.{name}"
    summary, modifier = row.get("summary", False), row.get("modifier", False)
    if "same_as" in row:
        return [Element(name, path, row["same_as"], low, bound, bound != 1, binding, summary=summary, modifier=modifier)]
    choice = name if name.endswith("[x]") else None
    return [
        Element(
            key=name.removesuffix("[x]") + kind[0].upper() + kind[1:] if choice else name,
            path=path,
            type=kind,
            min=low,
            max=bound,
            many=bound != 1,
            binding=binding,
            targets=tuple(row.get("targets", {}).get(kind, ())),
            choice=choice,
            profile=row.get("profiles", {}).get(kind),
            summary=summary,
            modifier=modifier,
        )
        for kind in row["types"]
    ]


@cache
def constraints() -> dict[str, list[dict[str, str]]]:
    """structure → HL7's invariants defined there: key, severity, human, expression; `at` names the element when it is about one of its own.

    Those of a base or of an element's type are not repeated. http://hl7.org/fhir/R4/conformance-rules.html#constraints
    """
    table: dict[str, list[dict[str, str]]] = _table("constraints.json")
    return table


# --- required codes


@cache
def _value_sets() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = _table("value_sets.json")
    return table


@cache
def required_codes(value_set: str) -> frozenset[str] | None:
    """The codes of a value set that is required somewhere in R4, for elements of type code. The version behind `|` is ignored.

    None where the value set is no list (BCP 13 media types, ISO 4217 currencies, UCUM units, a LOINC answer list).
    """
    table = _value_sets().get(value_set.partition("|")[0])
    return frozenset(code for codes in table.values() for code in codes) if table is not None else None


@cache
def required_codings(value_set: str) -> frozenset[tuple[str, str]] | None:
    """The same as (system, code), for elements of type Coding and CodeableConcept."""
    table = _value_sets().get(value_set.partition("|")[0])
    return frozenset((system, code) for system, codes in table.items() for code in codes) if table is not None else None


# --- search parameters and compartments


@cache
def search_parameters() -> list[dict[str, Any]]:
    """HL7's 1,400 search parameters, sorted by url, with `url, code, base, type, expression, target, component …` as HL7 gives them.

    Thirteen of them serve no search: ten lack base and expression, three are HL7's examples (`…/SearchParameter/example…`).
    """
    table: list[dict[str, Any]] = _table("search_parameters.json")
    return table


@cache
def compartment_table() -> dict[str, dict[str, Any]]:
    """`Patient`, `Encounter` …: resource type → search parameters that put it into that compartment; see `compartments`."""
    table: dict[str, dict[str, Any]] = _table("compartments.json")
    return table
