"""GET /SearchParameter/{id}/$status: whether one can search by it yet, and how far the resources stored before are taken up.

The operation is ours: R4 leaves open how a server tells of a parameter that is not in force at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.request import Request
from yilian.store import custom_parameters, read
from yilian.store.scope import Scope


async def status(house: House, asker: Scope, request: Request) -> Answer:
    """Parameters: one `parameter` for each type, with code, state (ready, indexing, inactive) and what is done of the total."""
    require(asker, "read", "SearchParameter")
    if request.query:
        raise BadRequest("$status takes no parameters.")
    async with house.db.reading() as tx:
        definition = await read.by_id(tx, asker, "SearchParameter", request.segments[1])
        found = await custom_parameters.standing(tx, definition.rid)
    if asker.reach != "everything" and "admin" not in asker.roles:  # how many resources there are is told to nobody who does not see them
        found = [replace(one, total=None) for one in found]
    await note_read(house.reads, asker, [definition], "status", request.address)
    parts = [_part(one) for one in found] or [{"name": "parameter", "part": [{"name": "state", "valueCode": "inactive"}]}]
    return of_json({"resourceType": "Parameters", "parameter": parts})


def _part(one: custom_parameters.Standing) -> dict[str, Any]:
    part: list[dict[str, Any]] = [
        {"name": "base", "valueCode": one.base},
        {"name": "code", "valueCode": one.code},
        {"name": "state", "valueCode": "ready" if one.ready else "indexing"},
    ]
    if one.total is not None:
        part += [{"name": "done", "valueInteger": one.done}, {"name": "total", "valueInteger": one.total}]
    return {"name": "parameter", "part": part}


OPERATIONS = (
    Operation(
        "SearchParameter",
        "instance",
        "status",
        status,
        False,
        "Whether one can search by this parameter yet, and how far the resources stored before it are taken up.",
        urls.BASE + "OperationDefinition/search-parameter-status",
    ),
)
