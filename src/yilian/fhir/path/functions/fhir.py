"""What R4 adds to FHIRPath: extensions, references, terminology, profiles. http://hl7.org/fhir/R4/fhirpath.html#functions

What lies outside the resource is asked of `Outside`. `elementDefinition`, `slice` and `checkModifiers` need a profile and are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Plain, text
from yilian.fhir.path.items import Collection, Item, ancestors, child, known, one, root_item, system_value, type_of_resource
from yilian.fhir.path.scope import Scope
from yilian.fhir.path.types import is_a

PROFILES = "http://hl7.org/fhir/StructureDefinition/"


def _extension(scope: Scope, items: Collection, url: Collection) -> Collection:
    wanted = text(url)
    found: Collection = []
    for item in items:
        child(item, "extension", found)
    return [item for item in found if wanted is not None and isinstance(item.value, dict) and item.value.get("url") == wanted]


def _has_value(scope: Scope, items: Collection) -> Collection:
    return one(len(items) == 1 and not isinstance(items[0].value, dict) and items[0].value is not None)


def _get_value(scope: Scope, items: Collection) -> Collection:
    if len(items) != 1 or isinstance(items[0].value, dict):
        return []
    value = system_value(items[0])
    return one(value)


# --- references


def _resolve(scope: Scope, items: Collection) -> Collection:
    out: Collection = []
    for item in items:
        reference = item.value.get("reference") if isinstance(item.value, dict) else item.value
        found = resolved(scope, item, reference) if isinstance(reference, str) and reference else None
        if found is not None:
            out.append(found)
    return out


def resolved(scope: Scope, item: Item, reference: str) -> Item | None:
    """What a reference is to: contained, an entry of the Bundle around it, or what the resolver outside knows."""
    if reference.startswith("#"):
        return _contained(item, reference[1:])
    found = _bundled(item, reference)
    if found is None and scope.run.outside.resolve is not None:
        value = scope.run.outside.resolve(reference)
        found = root_item(value) if value is not None else None
    return found


def _contained(item: Item, name: str) -> Item | None:
    container = next((at for at in ancestors(item) if is_a(at.type, "Resource") and at.key != "contained"), None)
    if container is None or not isinstance(container.value, dict):
        return None
    if not name:
        return container
    for index, value in enumerate(container.value.get("contained") or ()):
        if isinstance(value, dict) and value.get("id") == name:
            return Item(value, type_of_resource(value, "Resource"), None, container, "contained", index)
    return None


def _bundled(item: Item, reference: str) -> Item | None:
    """By fullUrl; a relative reference by the base of the fullUrl of the entry it stands in. http://hl7.org/fhir/R4/bundle.html#references"""
    entry = next((at for at in ancestors(item) if at.type == "Bundle.entry"), None)
    bundle = entry.parent if entry is not None else None
    if entry is None or bundle is None or not isinstance(bundle.value, dict):
        return None
    wanted = reference
    own = entry.value.get("fullUrl") if isinstance(entry.value, dict) else None
    if ":" not in reference and isinstance(own, str) and own.count("/") > 3:
        wanted = f"{own.rsplit('/', 2)[0]}/{reference}"
    base, _, version = wanted.partition("/_history/")
    for index, other in enumerate(bundle.value.get("entry") or ()):
        resource = other.get("resource") if isinstance(other, dict) else None
        if isinstance(resource, dict) and other.get("fullUrl") == base and (not version or _version(resource) == version):
            at = Item(other, "Bundle.entry", None, bundle, "entry", index)
            return Item(resource, type_of_resource(resource, "Resource"), None, at, "resource")
    return None


def _version(resource: dict[str, Any]) -> Any:
    meta = resource.get("meta")
    return meta.get("versionId") if isinstance(meta, dict) else None


# --- asked outside


def _outside(given: Callable[..., Any] | None, name: str) -> Callable[..., Any]:
    if given is None:
        raise PathExecutionError(f"{name}() cannot be answered here: nobody was named to ask.")
    return given


def _member_of(scope: Scope, items: Collection, value_set: Collection) -> Collection:
    canonical = text(value_set)
    if len(items) != 1 or canonical is None:
        return []
    answer = _outside(scope.run.outside.member_of, "memberOf")(items[0].value, canonical)
    return one(answer)


def _subsumes(*, reverse: bool) -> Callable[[Scope, Collection, Collection], Collection]:
    def of(scope: Scope, items: Collection, other: Collection) -> Collection:
        if len(items) != 1 or len(other) != 1:
            return []
        general, special = (other[0], items[0]) if reverse else (items[0], other[0])
        return one(_outside(scope.run.outside.subsumes, "subsumes")(general.value, special.value))

    return of


def _conforms_to(scope: Scope, items: Collection, canonical: Collection) -> Collection:
    """To a type of R4 itself whoever is of that type conforms, as far as is known here; other profiles are asked outside."""
    url = text(canonical)
    if len(items) != 1 or url is None:
        return []
    name = url.removeprefix(PROFILES)
    if url.startswith(PROFILES) and known(name) and not is_a(items[0].type, name):
        return one(False)
    if scope.run.outside.conforms_to is not None:
        answer = scope.run.outside.conforms_to(items[0].value, url)
    else:
        answer = True if url.startswith(PROFILES) and known(name) else None
    if answer is None:
        raise PathExecutionError(f"The profile {url[:200]!r} is not known here.")
    return one(answer)


def _html_checks(scope: Scope, items: Collection) -> Collection:
    """The rules of a narrative are checked with the type xhtml, where it is written."""
    return one(True) if items else []


def _refused(name: str) -> Function:
    def of(scope: Scope, items: Collection, *arguments: Collection) -> Collection:
        raise PathExecutionError(f"{name}() needs a profile and is not done here.")

    return Plain(of, 0, 20)


FUNCTIONS: dict[str, Function] = {
    "extension": Plain(_extension, 1, 1),
    "hasExtension": Plain(lambda scope, items, url: one(bool(_extension(scope, items, url))), 1, 1),
    "hasValue": Plain(_has_value),
    "getValue": Plain(_get_value),
    "resolve": Plain(_resolve),
    "memberOf": Plain(_member_of, 1, 1),
    "subsumes": Plain(_subsumes(reverse=False), 1, 1),
    "subsumedBy": Plain(_subsumes(reverse=True), 1, 1),
    "conformsTo": Plain(_conforms_to, 1, 1),
    "htmlChecks": Plain(_html_checks),
    "elementDefinition": _refused("elementDefinition"),
    "slice": _refused("slice"),
    "checkModifiers": _refused("checkModifiers"),
}
