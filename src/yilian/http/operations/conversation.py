"""The operations of the conversation on a referral (沟通): $say, $conversation, $heard. docs/reference/notifications.md"""

from __future__ import annotations

from typing import Any

from yilian.audit.record import note_read
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.http.answer import Answer, etag, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.referral import conversation
from yilian.referral.conversation import Saying
from yilian.store.scope import Scope

SAY = (Parameter("kind"), Parameter("text"), Parameter("answers"), Parameter("file", many=True))


async def say(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$say with kind, text, answers, file (many): 201 and the Communication."""
    called = await called_with(request, SAY)
    saying = Saying(called.text("kind") or "remark", called.text("text"), called.text("answers"), tuple(called.all("file")))
    async with house.db.transaction() as tx:
        done = await conversation.say(tx, asker, request.segments[1], saying)
    location = f"{request.base}/Communication/{done.id}".encode()
    return Answer(201, done.body, [(b"etag", etag(done.version)), (b"location", location)])


async def said(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$conversation: how much is unread, whether one may say something, and the Communications, oldest first."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        found = await conversation.conversation(tx, asker, request.segments[1])
    await note_read(house.reads, asker, [found.task, *found.lines], "conversation", request.address)
    parts: list[dict[str, Any]] = [
        {"name": "unread", "valueInteger": found.unread},
        {"name": "may-say", "valueBoolean": found.may_say},
    ]
    parts += [{"name": "line", "resource": parse(one.body)} for one in found.lines]
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def unread(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/$unread?task=id,id: how many lines the asker has not read on each, for the rows of a list; none is left out but with 0."""
    called = await called_with(request, (Parameter("task", many=True),))
    wanted = [id.strip() for text in called.all("task") for id in text.split(",") if id.strip()]
    async with house.db.reading() as tx:
        found = await conversation.unread_of(tx, asker, wanted)
    parts = [
        {"name": "unread", "part": [{"name": "task", "valueId": id}, {"name": "lines", "valueInteger": many}]} for id, many in found.items()
    ]
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def heard(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$heard: this person has read the conversation until now."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        await conversation.heard(tx, asker, request.segments[1])
    return of_json({"resourceType": "Parameters"})


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Task", "instance", "say", say, True, "Say something on a referral", OURS + "referral-say"),
    Operation("Task", "instance", "conversation", said, False, "What was said on a referral", OURS + "referral-conversation"),
    Operation("Task", "type", "unread", unread, False, "How much of the conversations on referrals is unread", OURS + "referral-unread"),
    Operation("Task", "instance", "heard", heard, True, "Note that the conversation was read", OURS + "referral-heard"),
)
