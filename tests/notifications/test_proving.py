"""An address is the account's own once a code that was sent there was typed in; nothing else is sent there before."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from tests.http.house import Server, running
from tests.notifications.conftest import NUMBER, Region
from tests.notifications.letters import Kept, accepted, states, work
from yilian.errors import Conflict, NotFound, TooManyRequests
from yilian.notifications import Reader, choices, proving
from yilian.notifications.proving import MOST_AN_HOUR, MOST_TRIES

MINE = "13800000009"


async def given(region: Region, who: str = "gp", address: str = MINE) -> None:
    async with region.db.transaction() as tx:
        await choices.put_address(tx, await region.scope(tx, who), "sms", address)


async def send(region: Region, who: str = "gp") -> None:
    async with region.db.transaction() as tx:
        await proving.send_code(tx, await region.scope(tx, who), "sms")


async def prove(region: Region, code: str, who: str = "gp") -> bool:
    async with region.db.transaction() as tx:
        return await proving.prove(tx, await region.scope(tx, who), "sms", code)


async def earlier(region: Region, **by: float) -> None:
    """As if everything sent had been sent so long ago."""
    async with region.db.transaction() as tx:
        await tx.execute("update message_code set sent = sent - $1::interval, until = until - $1::interval", timedelta(**by))


def code_of(sms: Kept) -> str:
    found = re.search(r"验证码 (\d{6}),15 分钟内有效".replace(",", "，"), sms.letters[-1].text)
    assert found, sms.letters[-1].text
    return found[1]


async def test_a_number_is_written_to_once_its_code_was_typed_in(daytime: Region) -> None:
    sms = Kept()
    gp = Reader.account("Practitioner/gp")
    await given(daytime)
    await accepted(daytime, gp)
    await work(daytime, sms=sms)
    assert sms.letters == [], "an address nobody has proven"
    await send(daytime)
    await work(daytime, sms=sms)
    assert [letter.to for letter in sms.letters] == [MINE]
    code = code_of(sms)
    async with daytime.db.transaction() as tx:
        assert (await choices.choices(tx, await daytime.scope(tx, "gp"), ("sms",))).unverified == {"sms"}
        rows = await tx.fetch("select c::text as row from message_code c union all select m::text from message m")
        assert all(code not in row["row"] for row in rows)
    assert not await prove(daytime, "000000" if code != "000000" else "111111")
    assert await prove(daytime, f" {code} ")
    with pytest.raises(Conflict):
        await prove(daytime, code)
    await accepted(daytime, gp, urgent=True)
    await work(daytime, sms=sms)
    assert [letter.to for letter in sms.letters] == [MINE, MINE]
    await given(daytime)  # the same again stays proven; another one does not
    async with daytime.db.transaction() as tx:
        assert not (await choices.choices(tx, await daytime.scope(tx, "gp"), ("sms",))).unverified
    await given(daytime, address="13800000010")
    async with daytime.db.transaction() as tx:
        found = await choices.choices(tx, await daytime.scope(tx, "gp"), ("sms",))
        assert (found.addresses, found.unverified) == ({"sms": "13800000010"}, {"sms"})
    assert not await prove(daytime, code)
    assert await states(daytime) == ["sent", "sent"]


async def test_the_number_of_the_record_goes_on_until_the_new_one_is_proven(daytime: Region) -> None:
    sms = Kept()
    await given(daytime, "resident")
    await accepted(daytime, Reader.patient(await daytime.rid("Patient", "p1")))
    await work(daytime, sms=sms)
    assert [letter.to for letter in sms.letters] == [NUMBER]


async def test_tries_and_codes_are_limited_and_codes_end(daytime: Region) -> None:
    sms = Kept()
    with pytest.raises(NotFound):
        await send(daytime)
    await given(daytime)
    await send(daytime)
    with pytest.raises(TooManyRequests):
        await send(daytime)
    await work(daytime, sms=sms)
    code = code_of(sms)
    wrong = "123456" if code != "123456" else "654321"
    for _ in range(MOST_TRIES):
        assert not await prove(daytime, wrong)
    assert not await prove(daytime, code), "tried too often"
    await earlier(daytime, minutes=2)
    await send(daytime)
    await work(daytime, sms=sms)
    first, code = code, code_of(sms)
    assert first == code or not await prove(daytime, first), "only the newest counts"
    await earlier(daytime, minutes=15)
    assert not await prove(daytime, code), "over"
    for _ in range(MOST_AN_HOUR - 2):
        await send(daytime)
        await earlier(daytime, minutes=2)
    with pytest.raises(TooManyRequests):
        await send(daytime)
    await given(daytime, "gp2")
    with pytest.raises(TooManyRequests):
        await send(daytime, "gp2")  # nobody floods a number from several accounts
    await earlier(daytime, hours=2)
    await send(daytime, "gp2")


async def ask(client: httpx.AsyncClient, **values: str) -> httpx.Response:
    parts = [{"name": name, "valueString": value} for name, value in values.items()]
    return await client.post("/fhir/$verify-address", json={"resourceType": "Parameters", "parameter": parts})


async def test_over_http_a_wrong_code_is_counted_though_it_is_refused(furnished_dsn: str, tmp_path: object) -> None:
    async with running(furnished_dsn, outbox_folder=str(tmp_path), jobs_at_once=0) as server:
        gp = await server.as_("gp")
        assert (await ask(gp, channel="sms")).status_code == 404
        body = {"resourceType": "Parameters", "parameter": [{"name": "address", "valueString": f"sms|{MINE}"}]}
        assert (await gp.post("/fhir/$change-message-settings", json=body)).status_code == 200
        assert unverified(await ask(gp, channel="sms")) == ["sms"]
        assert (await ask(gp, channel="sms", code="12")).status_code == 400
        assert await server.value("select tries from message_code") == 1
        assert (await ask(gp, channel="pigeon")).status_code == 400
        assert (await ask(await server.as_("bench"), channel="sms")).status_code == 403


async def test_without_a_gateway_nothing_is_verified(server: Server) -> None:
    assert (await ask(await server.as_("gp"), channel="sms")).status_code == 400


def unverified(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    addresses = [{part["name"]: part for part in one["part"]} for one in answer.json()["parameter"] if one["name"] == "address"]
    return [one["channel"]["valueCode"] for one in addresses if one.get("verified", {}).get("valueBoolean") is False]
