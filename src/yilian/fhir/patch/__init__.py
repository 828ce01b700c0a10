"""PATCH: a document that says what to change becomes a function from the resource as it is to the resource as it shall be.

    json_patch      JSON Patch (RFC 6902), `application/json-patch+json`
    fhirpath_patch  FHIRPath Patch, a Parameters resource
    narrative       text that was made from the data does not outlive a change of the data

What comes out is checked by the store like any update; id, type, version and time are not a patch's to change.
FHIR R4: http://hl7.org/fhir/R4/http.html#patch, http://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from yilian.errors import BadRequest, InvalidResource, TooLarge
from yilian.fhir.json import DEEPEST, parse
from yilian.fhir.patch import fhirpath_patch, json_patch
from yilian.fhir.patch.narrative import keep_safe

Patch = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the resource as it is, which it may alter, and gives it as it shall be. Raises a YilianError when it cannot be applied."""

JSON_PATCH = "application/json-patch+json"


def of_json(data: bytes) -> Patch:
    """The JSON Patch in these bytes. BadRequest when it is not a sound one."""
    return _safe(json_patch.patch(_list(data)))


def of_parameters(parameters: dict[str, Any]) -> Patch:
    """The FHIRPath Patch in this Parameters resource. BadRequest when it is not a sound one."""
    return _safe(fhirpath_patch.patch(parameters))


def of_resource(resource: dict[str, Any]) -> Patch:
    """The patch an entry of a Bundle carries: Parameters, or a Binary whose data is a JSON Patch. BadRequest for anything else."""
    kind = resource.get("resourceType")
    if kind == "Parameters":
        return of_parameters(resource)
    if kind == "Binary":
        return of_json(binary_data(resource))
    raise BadRequest(f"A PATCH is a Parameters resource or a Binary with {JSON_PATCH}, not a {str(kind)[:64]}.", expression="resourceType")


def binary_data(binary: dict[str, Any]) -> bytes:
    """The bytes of a Binary that holds a JSON Patch. BadRequest when it holds something else."""
    if str(binary.get("contentType", "")).partition(";")[0].strip().lower() != JSON_PATCH:
        raise BadRequest(f"The Binary of a PATCH has the contentType {JSON_PATCH}.", expression="Binary.contentType")
    try:
        return base64.b64decode(str(binary.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("The data of the Binary is not base64.", expression="Binary.data") from None


def _list(data: bytes) -> list[Any]:
    """One JSON array, read as strictly as a resource is."""
    value = parse(b'{"patch":' + data + b"}")
    if len(value) != 1 or type(value["patch"]) is not list:
        raise BadRequest("A JSON Patch is an array of operations.", code="structure", zh="JSON Patch 应为操作数组。")
    operations: list[Any] = value["patch"]
    return operations


def _is_shallow(resource: dict[str, Any]) -> bool:
    level: list[Any] = [resource]
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return True
    return False


def _safe(apply: Patch) -> Patch:
    def patched(resource: dict[str, Any]) -> dict[str, Any]:
        kind, id_ = resource.get("resourceType"), resource.get("id")
        before = {key: value for key, value in resource.items() if key not in ("id", "meta")}
        before = json_patch.copied(before)
        after = apply(resource)
        if type(after) is not dict or after.get("resourceType") != kind:
            raise InvalidResource("A patch cannot make another type of a resource.", expression="resourceType", zh="补丁不能改变资源类型。")
        if after.get("id") != id_:
            raise InvalidResource("A patch cannot change the id of a resource.", expression=f"{kind}.id", zh="补丁不能改变资源的 id。")
        if not _is_shallow(after):
            raise TooLarge(f"After this patch the resource nests deeper than {DEEPEST} levels.", code="too-costly")
        return keep_safe(before, after)

    return patched


__all__ = ["JSON_PATCH", "Patch", "binary_data", "of_json", "of_parameters", "of_resource"]
