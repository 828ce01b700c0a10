"""The operations on messages (消息) of whoever asks, as `notifications/` carries them out, and on what was sent outside (发送记录).

docs/reference/notifications.md
"""

from __future__ import annotations

from typing import Any

from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link, plain
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.notifications import choices, deliveries, inbox, proving
from yilian.notifications.templates import LANGUAGES
from yilian.store.scope import Scope

Json = dict[str, Any]

INBOX = (Parameter("kind"), Parameter("which"), Parameter("language"), Parameter("_count", "integer"), Parameter("_cursor"))
DELIVERIES = (Parameter("state"), Parameter("channel"), Parameter("language"), Parameter("_count", "integer"), Parameter("_cursor"))
CHOICES = (Parameter("choice", many=True), Parameter("address", many=True), Parameter("quiet"), Parameter("digest"))
ENTRY = urls.BASE + "StructureDefinition/message-"
"""Extensions of an entry: message-unread, message-times, message-handled-by, message-handled, message-post."""
KIND = urls.BASE + "CodeSystem/message-kind"
EVENT = urls.BASE + "CodeSystem/message-event"


async def messages(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$messages?kind=&which=all|unread|open: the asker's entries, newest first, as Communications."""
    called = await called_with(request, INBOX)
    async with house.db.transaction() as tx:
        page = await inbox.inbox(
            tx,
            asker,
            language=_language(called.text("language")),
            kind=called.text("kind"),
            which=called.text("which") or "all",
            count=_count(called.one("_count"), 20, inbox.MOST),
            cursor=called.text("_cursor") or None,
        )
    await note_read(house.reads, asker, page.looked_at, "messages", request.address)
    for acting, ward in page.wards:
        await note_read(house.reads, acting, [ward], "messages", request.address)
    return _bundle(request, [_communication(one, asker) for one in page.entries], page.next)


async def counts(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$messages-counts: how many entries are unread, by kind; 100 means that or more."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        found = await inbox.counts(tx, asker)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": kind, "valueInteger": many} for kind, many in found.items()]})


async def read(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$messages-read with message (many; none: all): the asker has read them."""
    called = await called_with(request, (Parameter("message", many=True),))
    async with house.db.transaction() as tx:
        many = await inbox.mark_read(tx, asker, [_number(text) for text in called.all("message")])
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "marked", "valueInteger": many}]})


async def handled(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$message-handled with message: what it asks for was seen to, so that others of the post need not."""
    called = await called_with(request, (Parameter("message"),))
    async with house.db.transaction() as tx:
        await inbox.handle(tx, asker, _number(called.text("message")))
    return of_json({"resourceType": "Parameters"})


async def settings(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$message-settings: which kinds come by which ways, where, and when not."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        return of_json(_settings(await choices.choices(tx, asker, house.message_channels)))


async def change_settings(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$change-message-settings with choice ("referral|sms|true", many), address ("sms|138…", many), quiet ("22:00-07:00", never or
    region), digest ("08:00", never or region)."""
    called = await called_with(request, CHOICES)
    async with house.db.transaction() as tx:
        wanted = []
        for text in called.all("choice"):
            kind, channel, yes = _parts(text, 3)
            wanted.append((kind, channel, {"true": True, "false": False}.get(yes)))
        if any(yes is None for _, _, yes in wanted):
            raise BadRequest("choice is kind|channel|true or false.", zh="消息设置格式不正确。")
        await choices.choose(tx, asker, [(kind, channel, bool(yes)) for kind, channel, yes in wanted])
        for text in called.all("address"):
            channel, address = _parts(text, 2)
            await choices.put_address(tx, asker, channel, address)
        if at := called.text("digest"):
            by_itself = at in ("region", "never")
            await choices.put_digest(tx, asker, None if by_itself else choices.clock_time(at), as_region=at == "region")
        if hours := called.text("quiet"):
            if hours in ("region", "never"):
                await choices.put_quiet(tx, asker, None, as_region=hours == "region")
            else:
                begins, _, ends = hours.partition("-")
                await choices.put_quiet(tx, asker, (choices.clock_time(begins), choices.clock_time(ends)))
        found = await choices.choices(tx, asker, house.message_channels)
    return of_json(_settings(found))


async def verify_address(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$verify-address with channel, to be sent a code; with code too, to show that one has it. Answers with the settings."""
    called = await called_with(request, (Parameter("channel"), Parameter("code")))
    channel, code = called.text("channel"), called.text("code")
    async with house.db.transaction() as tx:
        choices.require_channel(asker, channel, house.message_channels)
        right = True
        if code:
            right = await proving.prove(tx, asker, channel, code)
        else:
            await proving.send_code(tx, asker, channel)
        found = await choices.choices(tx, asker, house.message_channels)
    if not right:  # after the commit, so that the try counts
        raise BadRequest(
            "This is not the newest code, or it is over, or was tried too often.",
            expression="code",
            zh="验证码不正确或已失效,请核对或重新获取。",
        )
    return of_json(_settings(found))


async def sent(house: House, asker: Scope, request: Request) -> Answer:
    """GET /$deliveries?state=&channel=: what was sent outside, newest first."""
    called = await called_with(request, DELIVERIES)
    async with house.db.transaction() as tx:
        page = await deliveries.deliveries(
            tx,
            asker,
            state=called.text("state"),
            channel=called.text("channel"),
            language=_language(called.text("language")),
            count=_count(called.one("_count"), 50, 200),
            cursor=called.text("_cursor") or None,
        )
    return _bundle(request, [_delivery(one) for one in page.entries], page.next, page.total)


async def resend(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$resend-delivery with delivery."""
    called = await called_with(request, (Parameter("delivery"),))
    async with house.db.transaction() as tx:
        await deliveries.resend(tx, asker, called.text("delivery"))
    return of_json({"resourceType": "Parameters"})


async def receipt(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$delivery-receipt with id (what the gateway called it), state (delivered | bounced) and reason: by a gateway, as a client."""
    called = await called_with(request, (Parameter("id"), Parameter("state"), Parameter("reason")))
    if called.text("state") not in ("delivered", "bounced") or not called.text("id"):
        raise BadRequest("Say which letter (id), and whether it was delivered or bounced (state).", zh="请提供 id 和 state。")
    async with house.db.transaction() as tx:
        await deliveries.receipt(tx, asker, called.text("id"), bounced=called.text("state") == "bounced", why=called.text("reason"))
    return of_json({"resourceType": "Parameters"})


def _communication(one: inbox.Entry, asker: Scope) -> Json:
    extension: list[Json] = [
        {"url": ENTRY + "unread", "valueBoolean": not one.read},
        {"url": ENTRY + "times", "valueInteger": one.times},
    ]
    if one.post:
        extension.append({"url": ENTRY + "post", "valueCode": one.post})
    if one.handled is not None:
        extension.append({"url": ENTRY + "handled", "valueInstant": one.handled.isoformat(timespec="milliseconds")})
        extension.append({"url": ENTRY + "handled-by", "valueString": one.handled_by})
    found: Json = {
        "resourceType": "Communication",
        "id": f"message-{one.id}",
        "extension": extension,
        "status": "completed",
        "category": [{"coding": [{"system": KIND, "code": one.kind}]}],
        "priority": "urgent" if one.urgent else "routine",
        "topic": {"coding": [{"system": EVENT, "code": one.event}], "text": one.title},
        "sent": one.due.isoformat(timespec="milliseconds"),
        "recipient": [{"reference": asker.institution if one.post else asker.agent}],
        "payload": [{"contentString": one.text or one.title}],
    }
    if one.about:
        found["about"] = [{"reference": one.about}]
    if one.ward:
        found["subject"] = {"reference": f"Patient/{one.ward}"}
    return found


def _delivery(one: deliveries.Delivery) -> Json:
    parts: list[Json] = [
        {"name": "id", "valueString": one.id},
        {"name": "title", "valueString": one.title},
        {"name": "text", "valueString": one.text or "-"},
        {"name": "channel", "valueCode": one.channel},
        {"name": "address", "valueString": one.shown},
        {"name": "state", "valueCode": one.state},
        {"name": "attempts", "valueInteger": one.attempts},
        {"name": "created", "valueInstant": one.created.isoformat(timespec="milliseconds")},
        {"name": "changed", "valueInstant": one.changed.isoformat(timespec="milliseconds")},
    ]
    parts += [
        {"name": name, "valueString": value} for name, value in (("to", one.to), ("answer", one.answer), ("error", one.error)) if value
    ]
    if one.outside:
        parts.append({"name": "outside", "valueBoolean": True})
    if one.next_try is not None:
        parts.append({"name": "next-try", "valueInstant": one.next_try.isoformat(timespec="milliseconds")})
    return {"resourceType": "Parameters", "parameter": parts}


def _settings(found: choices.Choices) -> Json:
    parts: list[Json] = [
        {
            "name": "choice",
            "part": [
                {"name": "kind", "valueCode": one.kind},
                {"name": "channel", "valueCode": one.channel},
                {"name": "wanted", "valueBoolean": one.wanted},
                {"name": "fixed", "valueBoolean": one.fixed},
            ],
        }
        for one in found.choices
    ]
    for channel, address in found.addresses.items():
        part: list[Json] = [{"name": "channel", "valueCode": channel}, {"name": "own", "valueBoolean": channel in found.own}]
        if address:
            part.append({"name": "verified", "valueBoolean": channel not in found.unverified})
        parts.append({"name": "address", "part": part + ([{"name": "value", "valueString": address}] if address else [])})
    hours = f"{found.quiet[0]:%H:%M}-{found.quiet[1]:%H:%M}" if found.quiet else "never"
    parts.append({"name": "quiet", "part": [{"name": "hours", "valueString": hours}, {"name": "own", "valueBoolean": found.quiet_is_own}]})
    at = f"{found.digest:%H:%M}" if found.digest else "never"
    parts.append({"name": "digest", "part": [{"name": "at", "valueString": at}, {"name": "own", "valueBoolean": found.digest_is_own}]})
    return {"resourceType": "Parameters", "parameter": parts}


def _bundle(request: Request, resources: list[Json], following: str | None, total: int | None = None) -> Answer:
    way = "/".join(request.segments)
    links = [{"relation": "self", "url": link(request.base, way, plain(request.query))}]
    if following is not None:
        rest = [(name, value) for name, value in request.query if name != "_cursor"]
        links.append({"relation": "next", "url": link(request.base, way, plain([*rest, ("_cursor", following)]))})
    bundle: Json = {"resourceType": "Bundle", "type": "collection", "link": links, "entry": [{"resource": one} for one in resources]}
    if total is not None:
        bundle |= {"type": "searchset", "total": total}
    return of_json(bundle)


def _number(text: str) -> int:
    digits = text.removeprefix("message-")
    if not digits.isdigit() or len(digits) > 18:
        raise BadRequest(f"{text[:40]!r} is no message.", zh="消息编号不正确。")
    return int(digits)


def _parts(text: str, many: int) -> list[str]:
    parts = text.split("|", many - 1)
    if len(parts) != many:
        raise BadRequest(f"{text[:60]!r} should have {many} parts with | between them.", zh="消息设置格式不正确。")
    return parts


def _language(text: str) -> str:
    if text not in ("", *LANGUAGES):
        raise BadRequest(f"language is {' or '.join(LANGUAGES)}.", zh="语言不正确。")
    return text or "zh"


def _count(given: int | None, usual: int, most: int) -> int:
    if given is not None and not 1 <= given <= most:
        raise BadRequest(f"_count must be a whole number from 1 to {most}.", zh=f"_count 应为 1 至 {most} 的整数。")
    return given or usual


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("", "system", "messages", messages, False, "What the asker was told, newest first", OURS + "messages"),
    Operation("", "system", "messages-counts", counts, False, "How many messages are unread, by kind", OURS + "messages-counts"),
    Operation("", "system", "messages-read", read, True, "Note that messages were read", OURS + "messages-read"),
    Operation("", "system", "message-handled", handled, True, "Note that what a message asks for was seen to", OURS + "message-handled"),
    Operation("", "system", "message-settings", settings, False, "How the asker is told", OURS + "message-settings"),
    Operation("", "system", "change-message-settings", change_settings, True, "Change how one is told", OURS + "change-message-settings"),
    Operation("", "system", "verify-address", verify_address, True, "Show by a code that an address is one's own", OURS + "verify-address"),
    Operation("", "system", "deliveries", sent, False, "What was sent outside, and how it stands", OURS + "deliveries"),
    Operation("", "system", "resend-delivery", resend, True, "Send a letter again", OURS + "resend-delivery"),
    Operation("", "system", "delivery-receipt", receipt, True, "What became of a letter, said by a gateway", OURS + "delivery-receipt"),
)
