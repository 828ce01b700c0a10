"""How members and expansions are shown: entries of ValueSet.expansion.contains, and the ValueSet around them.

Properties of members are R5's; in R4 they stand in the extension that carries that element back.
http://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion, http://hl7.org/fhir/R5/versions.html#extensions
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian.terminology.concepts import DEFINED
from yilian.terminology.context import Context
from yilian.terminology.languages import PREFERRED, Name, Wish, chosen, names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yilian.terminology.compose import Members
    from yilian.terminology.expand import Wanted
    from yilian.terminology.reading import Concept

Json = dict[str, Any]
FROM_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion"
PROPERTY = FROM_R5 + ".contains.property"
DECLARED = FROM_R5 + ".property"
BCP_47 = "urn:ietf:bcp:47"

KEPT_EXTENSIONS = frozenset(
    "http://hl7.org/fhir/StructureDefinition/" + name
    for name in (
        "valueset-deprecated",
        "valueset-concept-definition",
        "rendering-style",
        "rendering-xhtml",
        "coding-sctdescid",
        "structuredefinition-standards-status",
    )
)
"""Extensions of concepts and designations that say something of the member itself."""

AS_PROPERTY = {
    "http://hl7.org/fhir/StructureDefinition/codesystem-conceptOrder": ("order", "itemOrder"),
    "http://hl7.org/fhir/StructureDefinition/valueset-conceptOrder": ("order", "itemOrder"),
    "http://hl7.org/fhir/StructureDefinition/codesystem-label": ("label", "label"),
    "http://hl7.org/fhir/StructureDefinition/valueset-label": ("label", "label"),
    "http://hl7.org/fhir/StructureDefinition/itemWeight": ("weight", "itemWeight"),
    "http://hl7.org/fhir/StructureDefinition/ordinalValue": ("weight", "itemWeight"),
}
"""Extensions of R4 that became properties of members in R5: code, and the last part of the property's uri."""


def entry(row: Mapping[str, Any], concept: Concept | None, made_of: Members, wanted: Wanted, language: Wish) -> Json:
    """One member. What the value set itself says of a code stands before what the system says."""
    system, code = row["system"], row["code"]
    given = made_of.given.get((system, code), {})
    found: Json = {}
    extensions = [one for one in _extensions(given, concept) if one.get("url") in KEPT_EXTENSIONS and one["url"] != STANDING]
    properties = _properties(given, concept, wanted)
    if properties:
        extensions += [{"url": PROPERTY, "extension": one} for one in properties]
    if extensions:
        found["extension"] = extensions
    found["system"] = system
    if concept is not None and concept.abstract:
        found["abstract"] = True
    if concept is not None and concept.inactive:
        found["inactive"] = True
    found["code"] = code
    own_language = concept.system.language if concept is not None else ""
    all_names = names(
        given.get("display") or (concept.display if concept is not None else None),
        own_language,
        [*(given.get("designation") or ()), *(concept.designations if concept is not None else ())],
    )
    best = chosen(all_names, language)
    if best is not None:
        found["display"] = best.text
    if wanted.designations:
        others = [name for name in all_names if name is not best and _is_asked_for(name, wanted.which_designations)]
        if others:
            found["designation"] = [_designation(name) for name in others]
    return found


STANDING = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"


def _extensions(given: Json, concept: Concept | None) -> list[Json]:
    own = list(given.get("extension") or ())
    said = {one.get("url") for one in own}
    return own + [one for one in (concept.extensions if concept is not None else ()) if one.get("url") not in said]


def _properties(given: Json, concept: Concept | None, wanted: Wanted) -> list[list[Json]]:
    """Properties asked for, as extensions of extension; and what R4 says by extensions (order, label, weight)."""
    found: list[list[Json]] = []
    if "definition" in wanted.properties and concept is not None and concept.definition:
        found.append(_pair("definition", {"valueString": concept.definition}))
    for one in concept.properties if concept is not None and wanted.properties else ():
        if one.get("code") in wanted.properties:
            found.append(_pair(str(one["code"]), {key: value for key, value in one.items() if key.startswith("value")}))
    told: set[str] = set()
    for extension in _extensions(given, concept):
        code = AS_PROPERTY.get(str(extension.get("url")), ("", ""))[0]
        if code and code not in told:
            told.add(code)
            value = next((value for key, value in extension.items() if key.startswith("value")), None)
            found.append(_pair(code, {"valueString" if code == "label" else "valueDecimal": value}))
    status = "" if concept is None or any(pair[0]["valueCode"] == "status" for pair in found) else concept.status()
    if status not in ("", "active"):
        found.append(_pair("status", {"valueCode": status}))
    return found


def _pair(code: str, value: Json) -> list[Json]:
    return [{"url": "code", "valueCode": code}, *({"url": "value", key: one} for key, one in value.items())]


def _is_asked_for(name: Name, which: Sequence[str]) -> bool:
    """`designation` of $expand: `urn:ietf:bcp:47|de` for a language, `system|code` for a use. FHIR R4 valueset-operation-expand."""
    if not which:
        return True
    if name.designation is None:
        return False
    use = name.designation.get("use") or {}
    for token in which:
        system, bar, code = token.rpartition("|")
        if (system == BCP_47 or not bar) and name.language.lower() == code.lower():
            return True
        if use and use.get("code") == code and system in ("", use.get("system")):
            return True
    return False


def _designation(name: Name) -> Json:
    if name.designation is None:
        return ({"language": name.language} if name.language else {}) | {"use": PREFERRED, "value": name.text}
    found = {key: name.designation[key] for key in ("language", "use", "value") if key in name.designation}
    kept = [one for one in name.designation.get("extension") or () if one.get("url") in KEPT_EXTENSIONS]
    return ({"extension": kept} if kept else {}) | found


def answer(context: Context, value_set: Json, entries: list[Json], total: int, wanted: Wanted, language: Wish, made_of: Members) -> Json:
    """The ValueSet with its expansion. Its own definition comes with it where that was asked for."""
    hidden = {"text", "expansion", "meta"} | (set() if wanted.definition else {"compose", "contained"})
    found = {key: value for key, value in value_set.items() if key not in hidden}
    found.setdefault("status", "active")
    parameters = list(wanted.echo)
    if language and not wanted.language and language is not None:
        parameters.append({"name": "displayLanguage", "valueCode": language.text})
    for canonical, system in context.used_systems.items():
        parameters.append({"name": "used-codesystem", "valueUri": system.canonical if system is not None else canonical})
    parameters += [{"name": "used-valueset", "valueUri": canonical} for canonical in context.used_value_sets]
    parameters += [{"name": "used-supplement", "valueUri": one.canonical} for one in context.supplements]
    parameters += [{"name": "warning-incomplete", "valueString": one.diagnostics} for one in made_of.partial]
    expansion: Json = {
        "identifier": f"urn:uuid:{context.tx.new_id()}",
        "timestamp": context.tx.now.isoformat(timespec="milliseconds"),
        "total": total,
        "offset": wanted.offset,
    }
    if not wanted.pages:
        del expansion["offset"]
    if parameters:
        expansion["parameter"] = parameters
    declared = _declared(context, entries)
    if declared:
        expansion = {"extension": declared} | expansion
    if entries:
        expansion["contains"] = entries
    return {"resourceType": "ValueSet"} | found | {"expansion": expansion}


def _declared(context: Context, entries: Sequence[Json]) -> list[Json]:
    """What each property of the members is, as R5's ValueSet.expansion.property."""
    codes: dict[str, None] = {}
    pending = list(entries)
    while pending:
        one = pending.pop()
        pending += one.get("contains") or ()
        for extension in one.get("extension") or ():
            if extension["url"] == PROPERTY:
                codes[extension["extension"][0]["valueCode"]] = None
    uris = {code: DEFINED + last for code, last in AS_PROPERTY.values()} | {"order": DEFINED + "order"}
    uris |= {"definition": DEFINED + "definition", "status": DEFINED + "status"}
    for system in (*context.used_systems.values(), *context.supplements):
        for one in (system.head.get("property") or ()) if system is not None else ():
            if "uri" in one:
                uris[one["code"]] = one["uri"]
    return [
        {
            "url": DECLARED,
            "extension": [{"url": "code", "valueCode": code}, *([{"url": "uri", "valueUri": uris[code]}] if code in uris else [])],
        }
        for code in codes
    ]
