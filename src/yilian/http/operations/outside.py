"""Institutions outside the platform: $outside and what is done about it on a referral, $referral-window on an institution.

docs/reference/outside.md
"""

from __future__ import annotations

from typing import Any

from yilian.audit.record import note_read
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.http.ward_board import instant
from yilian.referral.outside import keeping, windows
from yilian.referral.outside.keeping import Outside
from yilian.referral.outside.windows import Window
from yilian.store.scope import Scope

Json = dict[str, Any]
WINDOW = (Parameter("outside", "boolean"), Parameter("email"), Parameter("sms"))


async def outside(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Task/{id}/$outside: the link, what became of its letters, who opened it when, and what may be done."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = await keeping.look(tx, asker, request.segments[1])
        alive = found.link is not None and found.link.is_alive(tx.now)
    await note_read(house.reads, asker, [found.task], "outside", request.address)
    return _parameters(_told(found, alive))


async def send_anew(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$outside-send: another link and code; those before end."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        await keeping.send_anew(tx, asker, request.segments[1])
    return _parameters([])


async def take_back(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$outside-end: the link is good no more."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        await keeping.take_back(tx, asker, request.segments[1])
    return _parameters([])


async def code(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Task/{id}/$outside-code: what the sender tells by telephone."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        told, digits = await keeping.code(tx, asker, request.segments[1])
    return _parameters([{"name": "code", "valueString": told}, {"name": "number", "valueString": digits}])


async def window(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$referral-window: whether it is outside the platform, and where its referral window is reached."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        institution, kept = await windows.look(tx, asker, request.segments[1])
    parts: list[Json] = [{"name": "outside", "valueBoolean": institution.outside}]
    if kept is not None:
        parts += [{"name": name, "valueString": to} for name, to in (("email", kept.email), ("sms", kept.sms)) if to]
    parts += [{"name": "offered", "valueCode": channel} for channel in house.message_channels if channel in ("email", "sms")]
    return _parameters(parts)


async def keep_window(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Organization/{id}/$keep-referral-window with outside, email, sms; outside=false: it is on the platform."""
    called = await called_with(request, WINDOW)
    async with house.db.transaction() as tx:
        if called.flag("outside", True):
            kept = Window(called.text("email").strip(), called.text("sms").strip())
            await windows.keep(tx, asker, request.segments[1], kept, offered=house.message_channels)
        else:
            await windows.give_up(tx, asker, request.segments[1])
    return _parameters([])


def _told(found: Outside, alive: bool) -> list[Json]:
    parts: list[Json] = [
        {"name": "institution", "valueReference": {"reference": found.institution.reference, "display": found.institution.name}},
        {"name": "phone", "valueString": found.institution.phone or "-"},
        *({"name": "way", "valueCode": way} for way in found.ways),
    ]
    if (link := found.link) is not None:
        state = "alive" if alive else link.ended_why or "expired"
        parts += [
            {"name": "state", "valueCode": state},
            instant("made", link.made),
            instant("expires", link.expires),
            {"name": "tries", "valueInteger": link.tries},
            {"name": "code-used", "valueBoolean": link.code_used is not None},
        ]
        if link.opened is not None:
            parts += [instant("opened", link.opened), {"name": "opened-by", "valueString": link.opened_by}]
        if link.code_used is not None:
            parts.append(instant("opened-last", link.code_used))
    for one in found.letters:
        letter: list[Json] = [
            {"name": "what", "valueCode": one.event.rpartition("-")[2]},
            {"name": "channel", "valueCode": one.channel},
            {"name": "to", "valueString": one.shown},
            {"name": "state", "valueCode": one.state},
        ]
        parts.append({"name": "letter", "part": letter})
    for name, may in (("may-send", found.may_send), ("may-end", found.may_end), ("may-tell", found.may_tell)):
        parts.append({"name": name, "valueBoolean": may})
    return parts


def _parameters(parts: list[Json]) -> Answer:
    return of_json({"resourceType": "Parameters"} | ({"parameter": parts} if parts else {}))


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Task", "instance", "outside", outside, False, "How a referral to an institution outside stands", OURS + "referral-outside"),
    Operation("Task", "instance", "outside-send", send_anew, True, "Send the link outside anew", OURS + "referral-outside-send"),
    Operation("Task", "instance", "outside-end", take_back, True, "End the link outside", OURS + "referral-outside-end"),
    Operation("Task", "instance", "outside-code", code, True, "The one-time code, to be told by telephone", OURS + "referral-outside-code"),
    Operation(
        "Organization", "instance", "referral-window", window, False, "Where an institution outside is reached", OURS + "referral-window"
    ),
    Operation(
        "Organization",
        "instance",
        "keep-referral-window",
        keep_window,
        True,
        "Say that an institution is outside the platform, and where it is reached",
        OURS + "keep-referral-window",
    ),
)
