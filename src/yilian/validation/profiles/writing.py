"""How our profiles are written: an element id and what is asked of it; everything else of a StructureDefinition follows.

FHIR R4: http://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from typing import Any

from yilian.fhir import urls

Json = dict[str, Any]
Element = tuple[str, Json]
CORE = "http://hl7.org/fhir/StructureDefinition/"
TRANSLATION = CORE + "translation"
VERSION = "1.0.0"


def profile(key: str, kind: str, title: str, description: str, elements: list[Element]) -> Json:
    """A profile on a resource type, with its differential. `elements`: (id, ElementDefinition without id and path), the root left out."""
    return {
        "resourceType": "StructureDefinition",
        "id": key,
        "language": "zh-CN",
        "url": f"{urls.BASE}StructureDefinition/{key}",
        "version": VERSION,
        "name": "".join(part.capitalize() for part in key.split("-")),
        "title": title,
        "status": "active",
        "experimental": False,
        "description": description,
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": CORE + kind,
        "derivation": "constraint",
        "differential": {"element": [_element(kind, {}), *(_element(id, what) for id, what in elements)]},
    }


def extension(url: str, title: str, contexts: tuple[str, ...], elements: list[Element]) -> Json:
    """The definition of an extension of ours, on these elements. `elements` as for `profile`; the url is fixed here."""
    made = profile(url.rsplit("/", 1)[1], "Extension", title, title, [*elements, ("Extension.url", {"fixedUri": url})])
    made["kind"] = "complex-type"
    made["context"] = [{"type": "element", "expression": context} for context in contexts]
    made["differential"]["element"].sort(key=lambda element: _order(element["id"]))
    return made


def simple(url: str, title: str, contexts: tuple[str, ...], kind: str, **more: Any) -> Json:
    """An extension that is one value of one type."""
    value = {"min": 1, "type": [{"code": kind}], **more}
    return extension(url, title, contexts, [("Extension.extension", {"max": "0"}), ("Extension.value[x]", value)])


def parts(url: str, title: str, contexts: tuple[str, ...], values: dict[str, tuple[Json, bool]]) -> Json:
    """An extension of named parts: name → (its type as ElementDefinition.type has it, whether it must be there)."""
    elements: list[Element] = [("Extension.extension", {"slicing": by("value", "url")}), ("Extension.value[x]", {"max": "0"})]
    for name, (kind, needed) in values.items():
        start = f"Extension.extension:{name}"
        elements += [
            (start, {"sliceName": name, "min": int(needed), "max": "1"}),
            (f"{start}.url", {"fixedUri": name}),
            (f"{start}.value[x]", {"min": 1, "type": [kind]}),
        ]
    return extension(url, title, contexts, elements)


def by(kind: str, path: str, *, rules: str = "open") -> Json:
    """Slicing by one discriminator."""
    return {"discriminator": [{"type": kind, "path": path}], "rules": rules}


def rule(key: str, human: str, zh: str, expression: str, severity: str = "error") -> Json:
    """A constraint, told in both languages."""
    words = [{"url": "lang", "valueCode": "zh-CN"}, {"url": "content", "valueString": zh}]
    translated = {"extension": [{"url": TRANSLATION, "extension": words}]}
    return {"key": key, "severity": severity, "human": human, "_human": translated, "expression": expression}


def bound(value_set: str, strength: str = "required") -> Json:
    return {"strength": strength, "valueSet": f"{urls.BASE}ValueSet/{value_set}"}


def _element(id: str, what: Json) -> Json:
    return {"id": id, "path": ".".join(step.partition(":")[0] for step in id.split(".")), **what}


def _order(id: str) -> int:
    """The root first, then as R4 has the elements of an extension."""
    return next(
        (place for place, start in enumerate(("Extension.extension", "Extension.url", "Extension.value"), 1) if id.startswith(start)), 0
    )
