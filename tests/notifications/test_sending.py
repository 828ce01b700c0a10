"""Letters: to whom, by which way, when, how often, and what becomes of them. Mail goes to a real mail server."""

from __future__ import annotations

import asyncio
import base64
import email
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email.message import Message as Mailed
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from tests.http.house import Server
from tests.notifications.conftest import Region
from tests.notifications.letters import NUMBER, Kept, accepted, patient, proven, states, work
from yilian.access import keys
from yilian.errors import Conflict, Forbidden, NotFound
from yilian.notifications import Message, Reader, choices, deliveries, tell
from yilian.notifications.addresses import masked
from yilian.notifications.gateways import Letter, Mail, NotSent, Outbox, Post, Sent
from yilian.notifications.quiet import not_before
from yilian.notifications.sending import DELIVER
from yilian.notifications.telling import SEND
from yilian.policy import put
from yilian.store.scope import SYSTEM


async def test_a_resident_without_an_account_is_written_to_by_the_number_of_the_record(daytime: Region) -> None:
    async with daytime.db.transaction() as tx:
        await tx.execute("update account set disabled = now() where name = 'resident'")
    sms = Kept()
    await accepted(daytime, await patient(daytime))
    await work(daytime, sms=sms)
    (letter,) = sms.letters
    assert (letter.to, letter.text) == (NUMBER, "您的转诊已有答复，请登录平台查看。时间：11月24日 9:00。")
    for told in ("李秀英", "530900-1", "糖尿病", "内分泌"):
        assert told not in letter.text + letter.title
    assert await states(daytime) == ["sent"]


async def test_everybody_who_holds_the_post_then_is_written_to(daytime: Region) -> None:
    sms = Kept()
    async with daytime.db.transaction() as tx:
        for who, number in (("gp", "13800000002"), ("gp-colleague", "13800000003"), ("gp2", "13800000004")):
            await proven(tx, await daytime.scope(tx, who), "sms", number)
        sealed = await tx.fetchval("select address from message_address where account = 'gp'")
    assert b"138" not in sealed
    await accepted(daytime, Reader.post(await daytime.rid("Organization", "qingshi"), "gp"))
    await work(daytime, sms=sms)
    assert sorted(letter.to for letter in sms.letters) == ["13800000002", "13800000003"]


async def test_a_way_nobody_chose_is_not_gone_and_one_that_must_be_is(daytime: Region) -> None:
    sms, mail = Kept(), Kept()
    async with daytime.db.transaction() as tx:
        gp = await daytime.scope(tx, "gp")
        await proven(tx, gp, "sms", "+86 13800000002")
        await proven(tx, gp, "email", "gp@example.org")
        await choices.choose(tx, gp, [("referral", "sms", False), ("referral", "email", True)])
    here = (Reader.account("Practitioner/gp"),)
    await accepted(daytime, *here)
    await accepted(daytime, *here, event="referral.overdue")
    await work(daytime, sms=sms, email=mail)
    assert [letter.title for letter in sms.letters] == ["【医联】转诊已超时"]
    assert sorted(letter.title for letter in mail.letters) == ["【医联】转诊已同意接诊", "【医联】转诊已超时"]


async def test_what_is_told_again_while_nobody_looked_goes_outside_once_an_hour_and_a_storm_stops(daytime: Region) -> None:
    sms = Kept()
    reader = await patient(daytime)
    for _ in range(3):
        await accepted(daytime, reader)
        await work(daytime, sms=sms)
    assert len(sms.letters) == 1
    async with daytime.db.transaction() as tx:
        await put(tx, "notifications.most_outside_per_hour", 3, valid_from=tx.now.date() - timedelta(days=2), source="test")
        await proven(tx, await daytime.scope(tx, "gp"), "sms", "13800000002")
    for n in range(10):
        await accepted(daytime, Reader.account("Practitioner/gp"), about=f"Task/{n}")
    await accepted(daytime, Reader.account("Practitioner/gp"), about="Task/x", urgent=True)
    await work(daytime, sms=sms)
    assert sum(letter.to == "13800000002" for letter in sms.letters) == 4
    assert (await states(daytime)).count("withheld") == 7


async def test_a_letter_is_tried_again_and_given_up_where_nobody_is_there(daytime: Region) -> None:
    sms = Kept(refuses=[NotSent("busy"), NotSent("busy")])
    await accepted(daytime, await patient(daytime))
    await work(daytime, sms=sms)
    assert len({letter.key for letter in sms.letters}) == 1
    assert (len(sms.letters), await states(daytime)) == (3, ["sent"])
    sms.refuses = [NotSent("nobody", bounced=True)]
    await accepted(daytime, await patient(daytime), about="Task/2")
    await work(daytime, sms=sms)
    assert await states(daytime) == ["sent", "bounced"]


async def test_killed_between_the_sending_and_its_record_it_is_sent_again_under_the_same_key(daytime: Region) -> None:
    sms = Kept()

    class Killed(Kept):
        async def send(self, letter: Letter) -> Sent:
            await sms.send(letter)
            raise asyncio.CancelledError

    await accepted(daytime, await patient(daytime))
    with pytest.raises(asyncio.CancelledError):
        await work(daytime, sms=Killed())
    assert await states(daytime) == ["waiting"]
    async with daytime.db.transaction() as tx:  # the lease runs out, and another worker begins it anew
        await tx.execute("update job set state = 'waiting', worker = null, lease = null where kind = $1", DELIVER)
    await work(daytime, sms=sms)
    assert [letter.key for letter in sms.letters] == [sms.letters[0].key] * 2
    assert await states(daytime) == ["sent"]


async def test_finding_the_addresses_twice_writes_no_letter_twice(daytime: Region) -> None:
    sms = Kept()
    await accepted(daytime, await patient(daytime))
    await work(daytime, sms=sms)
    async with daytime.db.transaction() as tx:
        await tx.execute("update job set state = 'waiting', finished = null where kind = $1", SEND)
    await work(daytime, sms=sms)
    assert len(sms.letters) == 1


async def test_the_office_sees_what_was_sent_about_its_patients_and_sends_it_again(daytime: Region) -> None:
    sms = Kept(refuses=[NotSent("no", never=True)])
    await accepted(daytime, await patient(daytime))
    await work(daytime, sms=sms)
    async with daytime.db.transaction() as tx:
        here, admin, gp = [await daytime.scope(tx, who) for who in ("office", "admin", "gp")]
        assert (await deliveries.deliveries(tx, here)).entries == ()  # of 市一院, which has no ground for p1
        with pytest.raises(Forbidden):
            await deliveries.deliveries(tx, gp)
        page = await deliveries.deliveries(tx, admin, state="failed")
        (one,) = page.entries
        assert (page.total, one.shown, one.state, one.error) == (1, "138****0001", "failed", "no")
        with pytest.raises(NotFound):
            await deliveries.resend(tx, here, one.id)
        office_at_home = replace(here, institution_rid=await daytime.rid("Organization", "qingshi"), institution="Organization/qingshi")
        assert len((await deliveries.deliveries(tx, office_at_home)).entries) == 1
        await deliveries.resend(tx, office_at_home, one.id)
        with pytest.raises(Conflict):
            await deliveries.resend(tx, admin, one.id)
    await work(daytime, sms=sms)
    assert await states(daytime) == ["sent"]
    async with daytime.db.transaction() as tx:
        with pytest.raises(Forbidden):
            await deliveries.receipt(tx, here, "kept-2", bounced=True)
        await deliveries.receipt(tx, replace(SYSTEM, user="gateway"), "kept-2", bounced=True, why="空号")
        assert (await deliveries.deliveries(tx, admin)).entries[0].error == "空号"
    assert await states(daytime) == ["bounced"]
    first, second = sms.letters
    assert first.key == second.key, "what failed may have been taken"
    async with daytime.db.transaction() as tx:
        await deliveries.resend(tx, admin, one.id)
    await work(daytime, sms=sms)
    assert sms.letters[2].key == f"{first.key}-1", "what was taken would be known for a repetition"


async def test_an_outside_institution_is_written_to_at_its_address_and_the_code_is_in_no_record(daytime: Region) -> None:
    mail = Kept()
    says = {"link": "https://yilian.example/x", "code": "735912", "until": "18:00"}
    async with daytime.db.transaction() as tx:
        await tell(tx, Message("referral.outside", (Reader.address("email", "desk@elsewhere.example"),), "Task/1", None, says))
    await work(daytime, email=mail)
    (letter,) = mail.letters
    assert letter.to == "desk@elsewhere.example"
    assert "735912" in letter.text
    assert "https://yilian.example/x" in letter.text
    async with daytime.db.reading() as tx:
        kept = await tx.fetchrow("select m.says::text as says, s.says as secrets from message m join message_secret s on s.message = m.id")
        assert kept is not None
        assert "735912" not in kept["says"] + kept["secrets"].decode()
    async with daytime.db.transaction() as tx:
        (one,) = (await deliveries.deliveries(tx, await daytime.scope(tx, "admin"))).entries
        assert "735912" not in one.text
        assert one.shown == "d***@elsewhere.example"


# --- gateways


class Postbox:
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        self.mails: list[Mailed] = []

    async def handle_RCPT(self, server: object, session: object, envelope: Any, address: str, options: object) -> str:
        if address.startswith("nobody"):
            return "550 No such user"
        if address.startswith("later"):
            return "450 Try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK queued as 42"


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, Mail]]:
    box = Postbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield box, Mail("127.0.0.1", port, "yilian@yunxi.example", security="none")
    finally:
        server.stop()


LETTER = Letter("0b6f-key", "email", "gp@example.org", "【医联】转诊", "您有一份转诊,请登录平台查看。", datetime(2026, 11, 23, tzinfo=UTC))


async def test_a_mail_reaches_a_mail_server(postbox: tuple[Postbox, Mail]) -> None:
    box, mail = postbox
    assert "42" in (await mail.send(LETTER)).answer
    (one,) = box.mails
    assert one["Message-ID"] == "<0b6f-key@yunxi.example>"
    assert one["Auto-Submitted"] == "auto-generated"
    assert base64.b64decode(str(one.get_payload())).decode().strip() == LETTER.text
    with pytest.raises(NotSent) as nobody:
        await mail.send(replace(LETTER, to="nobody@example.org"))
    assert nobody.value.bounced
    with pytest.raises(NotSent) as later:
        await mail.send(replace(LETTER, to="later@example.org"))
    assert not later.value.never
    with pytest.raises(NotSent) as none:
        await mail.send(replace(LETTER, to="a@b.example\r\nBcc: c@d.example"))
    assert none.value.bounced
    with pytest.raises(NotSent) as away:
        await Mail("127.0.0.1", 1, "yilian@yunxi.example", security="none").send(LETTER)
    assert not away.value.never
    assert len(box.mails) == 1


@asynccontextmanager
async def gateway(status: int = 200) -> AsyncIterator[tuple[list[tuple[dict[str, str], bytes]], Post]]:
    taken: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        taken.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.json_response({"id": f"sms-{len(taken)}"}, status=status)

    application = web.Application()
    application.router.add_post("/sms", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield taken, Post(f"http://127.0.0.1:{port}/sms")
    finally:
        await runner.cleanup()


async def test_a_gateway_is_posted_signed_json_with_a_key(region: Region) -> None:
    async with region.db.transaction() as tx:
        key = (await keys.usable(tx))[0]
    async with gateway() as (taken, post):
        letter = replace(LETTER, channel="sms", to=NUMBER, sign_with=key)
        assert (await post.send(letter)).answer == "sms-1"
        ((headers, body),) = taken
        assert headers["idempotency-key"] == letter.key
        head, _, tail = headers["x-yilian-signature"].split(".")
        inside = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
        public = ECKey.import_key(keys.published([key])["keys"][0])
        seen = jws.deserialize_compact(f"{head}.{inside}.{tail}", public, [keys.ALGORITHM], jws.JWSRegistry(strict_check_header=False))
        assert msgspec.json.decode(seen.payload)["to"] == NUMBER
        assert seen.protected["aud"] == post.url


@pytest.mark.parametrize(("status", "never"), [(422, True), (503, False), (429, False), (302, False)])
async def test_what_a_gateway_does_not_take_is_tried_again_or_not(status: int, never: bool) -> None:
    async with gateway(status) as (_, post):
        with pytest.raises(NotSent) as why:
            await post.send(replace(LETTER, channel="sms", to=NUMBER))
        assert why.value.never is never


async def test_the_outbox_keeps_one_file_for_one_letter(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    for _ in range(2):
        await outbox.send(LETTER)
    (file,) = (tmp_path / "outbox").iterdir()
    assert msgspec.json.decode(file.read_bytes())["text"] == LETTER.text


# --- quiet hours and the rest


@given(st.timedeltas(timedelta(), timedelta(days=366)), st.times(), st.times(), st.sampled_from(("Asia/Kathmandu", "Europe/Berlin")))
def test_nothing_goes_out_in_quiet_hours_and_nothing_waits_longer_than_they_last(
    after: timedelta, begins: time, ends: time, zone: str
) -> None:
    place = ZoneInfo(zone)
    now = datetime(2026, 1, 1, tzinfo=UTC) + after
    later = not_before((begins, ends), now, place)
    assert now <= later <= now + timedelta(hours=25)
    if later == now and begins != ends:
        local = now.astimezone(place).time()
        assert not (begins <= local < ends if begins < ends else local >= begins or local < ends)
    else:
        assert later == now or later.astimezone(place).time() >= min(ends, time(23)) or later.astimezone(place).hour == (ends.hour + 1) % 24


async def test_what_is_not_urgent_waits_for_the_morning(daytime: Region) -> None:
    sms = Kept()
    async with daytime.db.transaction() as tx:
        await proven(tx, await daytime.scope(tx, "gp"), "sms", "13800000002")
        now = tx.now.astimezone(ZoneInfo("Asia/Kathmandu"))
        hours = (now - timedelta(hours=1)).time().replace(tzinfo=None), (now + timedelta(hours=9)).time().replace(tzinfo=None)
        await choices.put_quiet(tx, await daytime.scope(tx, "gp"), hours)
    await accepted(daytime, Reader.account("Practitioner/gp"))
    await accepted(daytime, Reader.account("Practitioner/gp"), urgent=True, about="Task/2")
    await work(daytime, sms=sms)
    assert len(sms.letters) == 1
    assert sorted(await states(daytime)) == ["sent", "waiting"]


@pytest.mark.parametrize(
    ("address", "shown"), [("13800000001", "138****0001"), ("zhang@example.org", "z***@example.org"), ("o6_b", "o6****")]
)
def test_an_address_is_shown_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


async def test_four_hundred_tellings_of_one_hundred_things_are_one_hundred_entries(daytime: Region) -> None:
    here = await daytime.rid("Organization", "qingshi")
    async with daytime.db.transaction() as tx:
        for n in range(400):
            await tell(tx, Message("referral.ask", (Reader.post(here, "gp"),), f"Task/{n % 100}", None, {"patient": "李", "number": "1"}))
        assert await tx.fetchval("select count(*) from message_reader") == 100
        assert await tx.fetchval("select sum(times) from message_reader") == 400


async def test_the_settings_of_messages_over_http(server: Server) -> None:
    gp = await server.as_("gp")
    changed = await gp.post(
        "/fhir/$change-message-settings",
        json={
            "resourceType": "Parameters",
            "parameter": [
                {"name": "choice", "valueString": "referral|sms|false"},
                {"name": "address", "valueString": "sms|13800000009"},
                {"name": "quiet", "valueString": "21:30-06:30"},
                {"name": "digest", "valueString": "08:15"},
            ],
        },
    )
    assert changed.status_code == 200, changed.text
    parts = (await gp.get("/fhir/$message-settings")).json()["parameter"]
    assert next(one for one in parts if one["name"] == "quiet")["part"] == [
        {"name": "hours", "valueString": "21:30-06:30"},
        {"name": "own", "valueBoolean": True},
    ]
    assert parts[-1]["part"] == [{"name": "at", "valueString": "08:15"}, {"name": "own", "valueBoolean": True}]
    for wrong in (
        "address=sms|12",
        "choice=gossip|sms|true",
        "choice=referral|sms",
        "quiet=25:00-07:00",
        "digest=8",
        "address=email|nobody",
    ):
        name, _, value = wrong.partition("=")
        body = {"resourceType": "Parameters", "parameter": [{"name": name, "valueString": value}]}
        assert (await gp.post("/fhir/$change-message-settings", json=body)).status_code == 400, wrong
    assert (await (await server.as_("bench")).get("/fhir/$message-settings")).status_code == 403
