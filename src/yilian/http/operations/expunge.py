"""$expunge: a resource, or versions of it, removed for good, with a reason that is kept.

In: Parameters with `mode` (all | versions), `reason`, and for versions optionally `version` (positiveInt, repeats; without it every version
that is not current). Out: Parameters with what was removed: each version with the SHA-256 of its body.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from yilian.access.policy import require_expunge
from yilian.audit.note import by
from yilian.audit.record import note_event
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import EVERY_TYPE, Operation
from yilian.http.request import Request
from yilian.store.expunge import expunge as store_expunge
from yilian.store.scope import Scope

KNOWN = {"mode": "valueCode", "reason": "valueString", "version": "valuePositiveInt"}


async def expunge(house: House, asker: Scope, request: Request) -> Answer:
    """POST /{type}/{id}/$expunge"""
    require_expunge(asker)
    mode, reason, versions = _asked(await request.resource())
    kind, id_ = request.segments[:2]
    async with house.db.transaction() as tx:
        done = await store_expunge(tx, asker, kind, id_, reason=reason, versions=versions if mode == "versions" else None)
        entities = tuple(f"{kind}/{id_}/_history/{version}" for version in done.versions) or (f"{kind}/{id_}",)
        patient = done.patient if done.patient is not None and done.patient > 0 else None
        note = by(asker, tx.now, "operation", "D", operation="expunge", patient=patient, entities=entities, address=request.address)
        await note_event(tx, structs.replace(note, outcome_text=reason.strip()))
    removed = [
        {"name": "removed", "part": [{"name": "version", "valuePositiveInt": version}, {"name": "sha256", "valueString": digest}]}
        for version, digest in done.versions.items()
    ]
    parameters = [{"name": "resource", "valueString": f"{kind}/{id_}"}, {"name": "mode", "valueCode": mode}, *removed]
    return of_json({"resourceType": "Parameters", "parameter": parameters})


def _asked(parameters: dict[str, Any]) -> tuple[str, str, list[int]]:
    """(mode, reason, versions). BadRequest for what is missing, said twice, or unknown."""
    if parameters.get("resourceType") != "Parameters" or not isinstance(parameters.get("parameter"), list):
        raise BadRequest("$expunge takes a Parameters resource with mode and reason.", expression="Parameters.parameter")
    found: dict[str, list[Any]] = {}
    for number, one in enumerate(parameters["parameter"]):
        name = str(one.get("name")) if isinstance(one, dict) else ""
        key = KNOWN.get(name)
        if key is None or set(one) != {"name", key}:
            wanted = ", ".join(f"{known} ({kind})" for known, kind in KNOWN.items())
            raise BadRequest(f"$expunge knows the parameters {wanted}.", expression=f"Parameters.parameter[{number}]")
        found.setdefault(name, []).append(one[key])
    modes, reasons, versions = (found.get(name, []) for name in KNOWN)
    if len(modes) != 1 or modes[0] not in ("all", "versions"):
        raise BadRequest("mode is all or versions.", expression="Parameters.parameter.where(name='mode')", code="required")
    if len(reasons) != 1 or not isinstance(reasons[0], str):
        raise BadRequest("reason says why, in one text.", expression="Parameters.parameter.where(name='reason')", code="required")
    if (versions and modes[0] == "all") or any(type(version) is not int or not 0 < version < 2**31 for version in versions):
        raise BadRequest("version is a whole number from 1 and goes with mode versions.", expression="Parameters.parameter")
    return modes[0], reasons[0], versions


OPERATIONS = (
    Operation(
        EVERY_TYPE,
        "instance",
        "expunge",
        expunge,
        True,
        "A resource or versions of it, removed for good by an administrator, with a reason that is kept",
        urls.BASE + "OperationDefinition/expunge",
    ),
)
