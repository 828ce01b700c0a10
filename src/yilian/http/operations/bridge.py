"""The bridge to other platforms: $process-message takes a message in, $bridge-message gives one out. See exchange/bridge.

FHIR R4: http://hl7.org/fhir/R4/messageheader-operation-process-message.html; always answered at once.
"""

from __future__ import annotations

from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.exchange import bridge
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import HL7, Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import Scope


async def process(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$process-message with the message Bundle as the body. Out: the message that answers it."""
    for kind in ("Task", "ServiceRequest"):
        require(asker, "write", kind)
    if request.query:
        raise BadRequest("$process-message takes no parameters; it is always answered at once.")
    bundle = await request.resource()
    async with house.db.transaction() as tx:
        _, task = await bridge.take_in(tx, asker, bundle)
        at = tx.now.astimezone(house.zone).isoformat(timespec="milliseconds")
    number = next((str(i["value"]) for i in task.get("identifier", []) if i.get("system") == urls.REFERRAL_NO), "")
    return of_json(bridge.acknowledged(bundle, number=number, at=at))


async def give(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$bridge-message?step=apply|answer|arrival|record"""
    called = await called_with(request, (Parameter("step"),))
    async with house.db.reading() as tx:
        stored = await read.by_id(tx, asker, "Task", request.segments[1])
        message = await bridge.give_out(tx, asker, request.segments[1], called.text("step"))
    await note_read(house.reads, asker, [stored], "bridge-message", request.address, strict=True)
    return of_json(message)


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("", "system", "process-message", process, True, "A message of another platform", HL7 + "MessageHeader-process-message"),
    Operation("Task", "instance", "bridge-message", give, False, "A referral as a message for another platform", OURS + "bridge-message"),
)
