"""The tables in `yilian/fhir/tables` say what HL7 published: compared, one by one, with the package hl7.fhir.r4.core 4.0.1.

The comparison is written from HL7's side and shares no code with `tools/make_definitions.py`. What differs stands in `differences.json`,
each with its reason; a difference that is not listed fails, and so does one that is listed and no longer there.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from yilian.fhir import definitions

pytestmark = pytest.mark.shared_data

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
DIFFERENCES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "differences.json").read_text("utf-8"))


@cache
def official(folder: Path, kind: str) -> list[dict[str, Any]]:
    with gzip.open(folder / "fhir-r4-definitions" / f"{kind}.ndjson.gz") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def structures(shared_data: Path) -> list[dict[str, Any]]:
    """Everything that is a type: no profiles, no logical models."""
    return [s for s in official(shared_data, "StructureDefinition") if s.get("derivation") != "constraint" and s["kind"] != "logical"]


def without_listed(area: str, found: dict[str, Any]) -> dict[str, Any]:
    """What differs and is not listed; and what is listed and does not differ."""
    listed = DIFFERENCES[area]
    unexpected = {key: value for key, value in found.items() if key not in listed}
    return unexpected | {key: "listed, but it does not differ" for key in listed if key not in found}


def test_there_are_the_146_concrete_resource_types_of_r4(structures: list[dict[str, Any]]) -> None:
    concrete = sorted(s["name"] for s in structures if s["kind"] == "resource" and not s["abstract"])
    assert list(definitions.RESOURCE_TYPES) == concrete
    assert len(concrete) == 146


def test_every_structure_is_there_and_none_besides(structures: list[dict[str, Any]]) -> None:
    wanted = {s["name"] for s in structures}
    for s in structures:
        wanted |= {e["path"] for e in s["snapshot"]["element"] if "." in e["path"] and is_backbone(e)}
    assert set(definitions.structure_names()) - wanted == {"SimpleQuantity"}
    assert wanted <= set(definitions.structure_names())


def is_backbone(element: dict[str, Any]) -> bool:
    return [t["code"] for t in element.get("type", [])] in (["BackboneElement"], ["Element"])


def rows(structure: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(owner, JSON key, what HL7 says) of every element of a structure, one for each type of a choice."""
    for element in structure["snapshot"]["element"]:
        owner, _, name = element["path"].rpartition(".")
        if not owner or element["max"] == "0" or (structure["kind"] == "primitive-type" and name == "value"):
            continue
        binding = element.get("binding")
        fixed = {
            "path": element.get("base", element)["path"],
            "min": element["min"],
            "max": None if element["max"] == "*" else int(element["max"]),
            "binding": (binding["strength"], binding.get("valueSet", "")) if binding else None,
            "summary": element.get("isSummary", False),
            "modifier": element.get("isModifier", False),
        }
        if "contentReference" in element:
            yield owner, name, fixed | {"type": element["contentReference"][1:], "targets": (), "choice": None, "profile": None}
            continue
        for kind in element["type"]:
            code = kind["code"]
            if code.startswith("http://hl7.org/fhirpath/"):
                said = (e["valueUrl"] for e in kind.get("extension", ()) if e["url"].endswith("structuredefinition-fhir-type"))
                code = next(said, "string")
            choice = name if name.endswith("[x]") else None
            yield (
                owner,
                name[:-3] + code[0].upper() + code[1:] if choice else name,
                fixed
                | {
                    "type": element["path"] if is_backbone(element) else code,
                    "targets": tuple(t.removeprefix(STRUCTURE) for t in kind.get("targetProfile", ())),
                    "choice": choice,
                    "profile": next((p.removeprefix(STRUCTURE) for p in kind.get("profile", ())), None),
                },
            )


def test_every_element_has_hl7s_place_cardinality_type_targets_binding_and_flags(structures: list[dict[str, Any]]) -> None:
    found: dict[str, Any] = {}
    counted = 0
    for s in structures:
        by_owner: dict[str, set[str]] = {}
        for owner, key, said in rows(s):
            counted += 1
            by_owner.setdefault(owner, set()).add(key)
            ours = definitions.structure(owner).elements.get(key)
            if ours is None:
                found[f"{owner}.{key}"] = "missing"
                continue
            for name, value in said.items():
                if getattr(ours, name) != value:
                    found[f"{said['path']} {name}"] = (value, getattr(ours, name))
            if ours.many != (said["max"] != 1):
                found[f"{said['path']} many"] = ours.many
        for owner, keys in by_owner.items():
            for extra in set(definitions.structure(owner).elements) - keys:
                found[f"{owner}.{extra}"] = "not HL7's"
    assert without_listed("elements", found) == {}
    assert counted > 8000


def test_every_primitive_has_hl7s_regular_expression(structures: list[dict[str, Any]]) -> None:
    for s in structures:
        if s["kind"] == "primitive-type":
            value = next(e for e in s["snapshot"]["element"] if e["path"] == s["name"] + ".value")
            said = [x["valueString"] for x in value["type"][0].get("extension", []) if x["url"].endswith("/regex")]
            assert definitions.structure(s["name"]).regex == "".join(said), s["name"]


def test_a_simple_quantity_is_a_quantity_without_comparator() -> None:
    simple, quantity = definitions.structure("SimpleQuantity").elements, definitions.structure("Quantity").elements
    assert set(quantity) - set(simple) == {"comparator"}
    assert all(simple[key] == quantity[key] for key in simple)


def test_all_1400_search_parameters_are_there_and_equal(shared_data: Path) -> None:
    said = {p["url"]: p for p in official(shared_data, "SearchParameter")}
    ours = {p["url"]: p for p in definitions.search_parameters()}
    assert len(said) == len(ours) == len(definitions.search_parameters()) == 1400
    assert set(said) == set(ours)
    found: dict[str, Any] = {}
    for url, parameter in ours.items():
        for key in ("code", "base", "type", "expression", "target", "component", "comparator", "multipleOr", "multipleAnd", "xpathUsage"):
            if parameter.get(key) != said[url].get(key):
                found[f"{url} {key}"] = (said[url].get(key), parameter.get(key))
    assert without_listed("search_parameters", found) == {}


def test_the_compartments_are_hl7s(shared_data: Path) -> None:
    table = definitions.compartment_table()
    for compartment in official(shared_data, "CompartmentDefinition"):
        if compartment["id"] != "example":
            said = {r["code"]: r["param"] for r in compartment["resource"] if r.get("param")}
            assert table[compartment["code"]] == said, compartment["code"]
    assert set(table) == {"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson", "patients"}


def required_value_sets() -> dict[str, set[str]]:
    """Canonical without version → types of the elements that require it."""
    wanted: dict[str, set[str]] = {}
    for name in definitions.structure_names():
        for element in definitions.structure(name).elements.values():
            if element.binding and element.binding[0] == "required":
                wanted.setdefault(element.binding[1].split("|")[0], set()).add(element.type)
    return wanted


def test_every_required_value_set_has_exactly_hl7s_codes(shared_data: Path) -> None:
    sets = {v["url"]: v for v in official(shared_data, "ValueSet")}
    systems = {c["url"]: c for c in official(shared_data, "CodeSystem")}
    found: dict[str, Any] = {}
    for url in required_value_sets():
        ours = definitions.required_codings(url + "|4.0.1")
        said = codes_of(sets[url], sets, systems) if url in sets else None
        if ours is None or ours != said:
            found[url] = "no list" if ours is None else sorted(ours ^ (said or set()))
        else:
            assert definitions.required_codes(url) == {code for _, code in ours}
    assert without_listed("value_sets", found) == {}


def codes_of(value_set: dict[str, Any], sets: dict[str, Any], systems: dict[str, Any]) -> set[tuple[str, str]] | None:
    codes: set[tuple[str, str]] = set()
    assert "exclude" not in value_set["compose"]
    for part in value_set["compose"]["include"]:
        if "valueSet" in part:
            assert "system" not in part
            assert len(part["valueSet"]) == 1
            codes |= codes_of(sets[part["valueSet"][0].split("|")[0]], sets, systems) or set()
        elif "concept" in part:
            codes |= {(part["system"], c["code"]) for c in part["concept"]}
        elif part["system"] not in systems:
            return None
        else:
            concepts = list(every(systems[part["system"]].get("concept", [])))
            for rule in part.get("filter", ()):
                assert (rule["property"], rule["op"]) == ("concept", "is-a")
                concepts = descendants(concepts, rule["value"])
            codes |= {(part["system"], c["code"]) for c in concepts}
    return codes


def every(concepts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for concept in concepts:
        yield concept
        yield from every(concept.get("concept", []))


def descendants(concepts: list[dict[str, Any]], root: str) -> list[dict[str, Any]]:
    """The concept and what is below it, by nesting and by `subsumedBy`, followed until nothing is added."""
    below = {root}
    while True:
        more = {inner["code"] for c in concepts if c["code"] in below for inner in every(c.get("concept", []))}
        more |= {
            c["code"] for c in concepts if any(p.get("valueCode") in below for p in c.get("property", ()) if p["code"] == "subsumedBy")
        }
        if more <= below:
            return [c for c in concepts if c["code"] in below]
        below |= more
