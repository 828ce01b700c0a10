"""The search parameters of every resource type, taken from HL7's definitions; none is picked by hand.

The number of a parameter stands in the index tables. It is the place of (type, code) in the sorted list of all such pairs, so it is the
same on every server and for ever; numbers from 10,000 are free for parameters that a region defines itself.
FHIR R4: http://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.definitions import RESOURCE_TYPES, search_parameters, structure
from yilian.fhir.fhirpath import Branch, Step, Truth, branches

INDEXED_TYPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "token": frozenset(
            {
                "code",
                "Coding",
                "CodeableConcept",
                "Identifier",
                "ContactPoint",
                "boolean",
                "string",
                "id",
                "uri",
                "url",
                "canonical",
                "oid",
                "uuid",
            }
        ),
        "string": frozenset({"string", "markdown", "HumanName", "Address"}),
        "reference": frozenset({"Reference", "canonical", "uri"}),
        "date": frozenset({"date", "dateTime", "instant", "Period", "Timing"}),
        "number": frozenset({"integer", "positiveInt", "unsignedInt", "decimal", "Range"}),
        "quantity": frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "Money", "Range", "SampledData"}),
        "uri": frozenset({"uri", "url", "canonical", "oid", "uuid"}),
        "special": frozenset({"Location.position"}),
    }
)
"""What each type of parameter takes up from a resource. A text in a date's place ("in spring") is not searchable as a date."""

SUPPORTED_TYPES = frozenset(INDEXED_TYPES)
INCLUDABLE_TYPES = frozenset({"reference"})

COMPUTED = frozenset({"_id", "_lastUpdated"})
"""Answered from the resource row itself; no index rows."""

_EXAMPLES = frozenset(f"http://hl7.org/fhir/SearchParameter/{name}" for name in ("example", "example-extension", "example-reference"))
"""HL7 publishes these three to show what a SearchParameter looks like; they are not meant to be searched by."""


_WITHOUT_EXPRESSION = {
    "age": "it is another every day while the record stays the same; ask by birthdate (birthdate=le2006-11-22)",
    "birthOrderBoolean": "HL7 does not say where its values are; the element is Patient.multipleBirthBoolean",
}


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """One search parameter of one resource type. There is one object for each, so they compare by identity.

    id          what stands in the index tables, 1 to 9,999
    base, code  Observation, "code"
    type        token | string | reference | date | number | quantity | uri | composite | special
    targets     types a reference may point to, as its element and its expression allow; empty for other parameters
    components  (definition, expression) of a composite
    branches    the ways to its values in a resource, each with the type found there; empty for truth values, composites and computed ones
    refused     why it cannot be searched by yet; "" when it can
    """

    id: int
    base: str
    code: str
    type: str
    expression: str
    url: str
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()
    branches: tuple[Branch, ...] = ()
    refused: str = ""

    @property
    def value_types(self) -> frozenset[str]:
        """Types of the values it is found in: `CodeableConcept`, `Period` …"""
        return _value_types(self)

    @property
    def is_identifying(self) -> bool:
        """A token kept as exact value in index_identifier: identifiers, telephone numbers, addresses of mail."""
        return self.type == "token" and self.value_types <= {"Identifier", "ContactPoint"}

    @property
    def is_clinical_patient(self) -> bool:
        """Whether index_clinical holds the patients this parameter points to."""
        return self.code in patient_codes(self.base)

    @property
    def is_clinical_code(self) -> bool:
        key = CLINICAL.get(self.base)
        return key is not None and key.code == self.code

    @property
    def is_clinical_date(self) -> bool:
        key = CLINICAL.get(self.base)
        return key is not None and key.date == self.code


@lru_cache(maxsize=8192)
def _value_types(parameter: Parameter) -> frozenset[str]:
    if not parameter.branches:
        return frozenset({"boolean"}) if parameter.type == "token" else frozenset()
    return frozenset(branch.type for branch in parameter.branches)


@cache
def parameters_of(kind: str) -> Mapping[str, Parameter]:
    """Code → parameter, for all that `kind` can be searched by here, the common ones (`_id`, `_tag` …) included."""
    return MappingProxyType({code: p for code, p in indexed_parameters_of(kind).items() if not p.refused})


@cache
def indexed_parameters_of(kind: str) -> Mapping[str, Parameter]:
    """The same with those of the region that are still being taken up (`refused` says how far): rows are made for them already."""
    standard = {code: p for code, p in _all_of(kind).items() if not p.refused}
    return MappingProxyType({**standard, **{p.code: p for p in _of_the_region if p.base == kind}})


@cache
def refused_parameters_of(kind: str) -> Mapping[str, Parameter]:
    """Code → parameter, for those that are defined but cannot be searched by yet; `refused` says why."""
    every = [*_all_of(kind).values(), *(p for p in _of_the_region if p.base == kind)]
    return MappingProxyType({p.code: p for p in every if p.refused})


@cache
def patient_codes(kind: str) -> frozenset[str]:
    """The parameters that stand for the patient in index_clinical: the one CLINICAL names, and those on the same element beside it."""
    if kind not in CLINICAL:
        return frozenset()
    every = _all_of(kind)
    place = _place(every[CLINICAL[kind].patient])
    return frozenset(p.code for p in every.values() if p.type == "reference" and "Patient" in p.targets and _place(p) == place)


def by_id(number: int) -> Parameter:
    """The parameter with this number. Raises KeyError."""
    if number >= FIRST_OF_THE_REGION:
        return {p.id: p for p in _of_the_region}[number]
    base, code = _pairs()[number - 1]
    return _all_of(base)[code]


# --- the region's own


FIRST_OF_THE_REGION = 10_000
"""Numbers from here on are given out by `store.custom_parameters`, once each."""

_of_the_region: tuple[Parameter, ...] = ()
_withheld: Mapping[str, str] = MappingProxyType({})
_hanging_on: list[Callable[[], None]] = []


def use(of_the_region: Sequence[Parameter], withheld: Mapping[str, str]) -> None:
    """From now on these are there besides HL7's, in this process; called by whoever knows the database (`store.custom_parameters`).

    withheld: type of parameter ("quantity"), modifier ("text") or "contained" → why nobody is answered by such a one just now.
    Objects of parameters that stay are to be handed in again as they were: they compare by identity.
    """
    global _of_the_region, _withheld
    _of_the_region, _withheld = tuple(of_the_region), MappingProxyType(dict(withheld))
    for forget in (parameters_of.cache_clear, indexed_parameters_of.cache_clear, refused_parameters_of.cache_clear, *_hanging_on):
        forget()


def is_anything_refused_for_now() -> bool:
    """Whether something is being taken up or withheld, so that it is worth looking how far it is."""
    return bool(_withheld) or any(p.refused for p in _of_the_region)


def when_redefined(forget: Callable[[], None]) -> None:
    """Have this called whenever the parameters change: for what is remembered of them elsewhere."""
    _hanging_on.append(forget)


def withheld(parameter: Parameter, modifier: str = "") -> str:
    """Why nobody is answered by this parameter, or by it with this modifier, just now; "" when everybody is."""
    if not _withheld:
        return ""
    parts = [_type_of(definition) for definition, _ in parameter.components]
    return next((why for kind, why in _withheld.items() if kind in (parameter.type, modifier, *parts)), "")


def withheld_by_name(name: str) -> str:
    """The same for what is no parameter: "contained"."""
    return _withheld.get(name, "")


@cache
def _type_of(url: str) -> str:
    """The type of HL7's parameter with this address; "" for any other."""
    return next((str(row["type"]) for row in search_parameters() if row["url"] == url), "")


def standard(base: str, code: str) -> str | None:
    """The address of HL7's parameter of this type and code; None where there is none."""
    row = _definitions().get((base, code))
    return str(row["url"]) if row is not None else None


def made(number: int, base: str, definition: Mapping[str, Any]) -> Parameter:
    """The parameter a SearchParameter defines for one of its types. Raises NotSupported for an expression that is not understood.

    `refused` says so where what it points to cannot be indexed.
    """
    return _parameter(number, base, definition["code"], dict(definition))


def _place(parameter: Parameter) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(step.key for step in branch.steps) for branch in parameter.branches)


@cache
def _definitions() -> Mapping[tuple[str, str], dict[str, Any]]:
    """(type, code) → HL7's definition, for concrete types; what Resource and DomainResource define is given to each."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in search_parameters():
        if row["url"] in _EXAMPLES:
            continue
        for base in row.get("base", ()):
            for kind in RESOURCE_TYPES if base in ("Resource", "DomainResource") else (base,):
                if base != "DomainResource" or structure(kind).base == "DomainResource":
                    found[kind, row["code"]] = row
    return found


@cache
def _pairs() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_definitions()))


@cache
def _all_of(kind: str) -> Mapping[str, Parameter]:
    found = {}
    for number, (base, code) in enumerate(_pairs(), 1):
        if base == kind:
            found[code] = _parameter(number, base, code, _definitions()[base, code])
    return MappingProxyType(found)


def _parameter(number: int, base: str, code: str, row: dict[str, Any]) -> Parameter:
    parameter = Parameter(
        number,
        base,
        code,
        row["type"],
        row.get("expression", ""),
        row["url"],
        components=tuple((part["definition"], part["expression"]) for part in row.get("component", ())),
    )
    if code in COMPUTED:
        return parameter
    if parameter.type == "composite":
        return parameter
    if not parameter.expression:
        return replace(parameter, refused=_WITHOUT_EXPRESSION.get(code, "HL7 does not say where its values are"))
    compiled = branches(parameter.expression, base)
    if isinstance(compiled, Truth):
        return parameter
    ways = tuple(way for branch in compiled for way in _indexed(branch, parameter.type))
    if not ways:
        return replace(parameter, refused="it points into the Bundle itself, whose entries are not resources of their own here")
    return replace(parameter, branches=ways, targets=_targets(row, ways) if parameter.type == "reference" else ())


def _indexed(branch: Branch, kind: str) -> list[Branch]:
    """The branch itself where the parameter takes such values up; for an extension the values it may hold."""
    if branch.type in INDEXED_TYPES[kind]:
        return [branch]
    if branch.type != "Extension":
        return []
    return [
        replace(branch, steps=(*branch.steps, Step(element.key, element.many)), type=element.type, element=element)
        for element in structure("Extension").elements.values()
        if element.choice == "value[x]" and element.type in INDEXED_TYPES[kind]
    ]


def _targets(row: dict[str, Any], ways: tuple[Branch, ...]) -> tuple[str, ...]:
    """Where the element may point, narrowed by what the parameter names; for some, HL7 names more types than the element allows."""
    named = set(row.get("target", ()))
    allowed: set[str] = set()
    for way in ways:
        if way.type in ("Reference", "canonical", "uri"):
            allowed |= set(way.targets) or set(RESOURCE_TYPES)
    return tuple(sorted(allowed & named if named & allowed else allowed))
