"""Whose a subscription is: who may see, change, end it and learn of its events. Rivals, colleagues and narrow tokens may not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.http.house import Server, running
from tests.http.receiver import Receiver, events_of, receiving, status_of, value_of
from tests.http.subscribing import add_client, ask, begin, house, listening, observation, put, signed_in, until_it_is, wanted
from yilian.exchange.subscriptions import matching

Json = dict[str, Any]

LISTENS = ("$status", "$events", "$events?content=full-resource", "$stream", "$get-ws-binding-token")


@asynccontextmanager
async def region(
    dsn: str, *others: Receiver, **institutions: str
) -> AsyncIterator[tuple[Receiver, Server, httpx.AsyncClient, list[httpx.AsyncClient]]]:
    """A receiver that may be sent to, a server, the region's system, and applications of these institutions, in their order."""
    for name, institution in institutions.items():
        await add_client(dsn, name, f"Organization/{institution}")
    async with AsyncExitStack() as open_until_the_end:
        receiver = await open_until_the_end.enter_async_context(receiving())
        hosts = ",".join(one.host for one in (receiver, *others))
        server = await open_until_the_end.enter_async_context(running(dsn, subscription_hosts=hosts))
        bench = await open_until_the_end.enter_async_context(await server.as_("bench"))
        clients = [await open_until_the_end.enter_async_context(await signed_in(server, name)) for name in institutions]
        yield receiver, server, bench, clients


async def everything_refused(client: httpx.AsyncClient, id: str, status: int) -> None:
    """Looking at how it stands, listening, having it sent again, changing and ending it."""
    for way in LISTENS:
        answer = await client.get(f"/fhir/Subscription/{id}/{way}")
        assert answer.status_code == status, (way, answer.text)
        assert "events-since" not in answer.text
    again = await client.post(f"/fhir/Subscription/{id}/$resend", json={"resourceType": "Parameters", "parameter": []})
    assert again.status_code == status, again.text
    listed = (await client.get("/fhir/Subscription/$status")).json()
    assert (listed["total"], "entry" in listed) == (0, False)
    token = await client.get(f"/fhir/Subscription/$get-ws-binding-token?id={id}")
    assert token.status_code == status
    await changing_refused(client, id, status)


async def changing_refused(client: httpx.AsyncClient, id: str, status: int) -> None:
    patch = [{"op": "replace", "path": "/status", "value": "off"}]
    answers = [
        await client.patch(f"/fhir/Subscription/{id}", content=json.dumps(patch), headers={"content-type": "application/json-patch+json"}),
        await client.delete(f"/fhir/Subscription/{id}"),
        await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [_gone(id)]}),
    ]
    batch = await client.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [_gone(id)]})
    assert [one.status_code for one in answers] == [status] * 3, [one.text for one in answers]
    assert batch.json()["entry"][0]["response"]["status"] == str(status)


def _gone(id: str) -> Json:
    return {"request": {"method": "DELETE", "url": f"Subscription/{id}"}}


async def test_a_rival_cannot_tell_a_subscription_from_none(furnished_dsn: str) -> None:
    async with region(furnished_dsn, lis="liuhe", rival="qingshi") as (receiver, _, _, (lis, rival)):
        mine = await begin(lis, wanted(receiver.url, header=["Authorization: Bearer geheim"]))
        await everything_refused(rival, mine, 404)
        for way in (*LISTENS, "", "$meta", "_history"):
            told = [await rival.get(f"/fhir/Subscription/{id}/{way}".rstrip("/")) for id in (mine, "none")]
            assert told[0].text.replace(mine, "none") == told[1].text, way
            assert told[0].status_code == told[1].status_code == 404
        for query in (f"_id={mine}", "status=active", f"url={receiver.url}", "type=rest-hook", "payload=application/fhir%2Bjson"):
            assert (await rival.get(f"/fhir/Subscription?{query}&_total=accurate")).json()["total"] == 0, query
        assert (await lis.get(f"/fhir/Subscription/{mine}")).json()["status"] == "active"


async def test_a_colleague_reads_a_subscription_and_neither_listens_nor_changes_it(furnished_dsn: str) -> None:
    async with region(furnished_dsn, lis="liuhe", his="liuhe") as (receiver, server, bench, (lis, his)), await server.as_("gp2") as gp2:
        mine = await begin(lis, wanted(receiver.url, header=["Authorization: Bearer geheim"]))
        stored = (await lis.get(f"/fhir/Subscription/{mine}")).json()
        for reader in (his, gp2):
            assert (await reader.get(f"/fhir/Subscription/{mine}")).json()["channel"]["header"] == ["Authorization: ********"]
            await everything_refused(reader, mine, 403)
        plain = {key: value for key, value in stored.items() if key != "meta"}
        elsewhere = {
            **plain,
            "status": "requested",
            "channel": {**plain["channel"], "endpoint": receiver.url + "&by=his", "header": []},
        }
        for body in (plain, {**plain, "reason": "mine now"}, {**elsewhere, "channel": wanted(receiver.url + "&by=his")["channel"]}):
            refused = await his.put(f"/fhir/Subscription/{mine}", json=body)
            assert refused.status_code in (403, 422), refused.text
        await put(bench, "o1", observation("p3"))
        await receiver.told(1)
        assert receiver.got[-1].headers["authorization"] == "Bearer geheim"


async def test_a_narrow_token_of_the_same_application_learns_nothing_of_other_types(furnished_dsn: str) -> None:
    """Neither contents nor how many there are: the token was made narrow for whoever holds it."""
    await add_client(furnished_dsn, "lis", "Organization/liuhe")
    async with (
        running(furnished_dsn) as server,
        await signed_in(server, "lis") as lis,
        await signed_in(server, "lis", "system/Subscription.* system/Patient.read") as narrow,
    ):
        mine = await begin(lis, listening(filters=("Observation?",), content="full-resource"))
        assert (await narrow.get(f"/fhir/Subscription/{mine}")).status_code == 200
        for way in LISTENS:
            answer = await narrow.get(f"/fhir/Subscription/{mine}/{way}")
            assert answer.status_code == 403, (way, answer.text)
            assert "events-since" not in answer.text
        assert (await narrow.get("/fhir/Subscription/$status")).json()["total"] == 0
        assert (await narrow.get("/fhir/Subscription/$get-ws-binding-token")).status_code == 404
        assert (await narrow.post("/fhir/Subscription", json=listening(filters=("Observation?",)))).status_code == 403
        assert (await lis.get(f"/fhir/Subscription/{mine}/$status")).json()["total"] == 1


async def test_a_system_of_the_region_ends_a_subscription_and_does_not_take_it_over(furnished_dsn: str) -> None:
    async with region(furnished_dsn, lis="liuhe", his="liuhe") as (receiver, _, bench, (lis, his)):
        mine = await begin(lis, wanted(receiver.url, header=["Authorization: Bearer geheim"]))
        stored = (await lis.get(f"/fhir/Subscription/{mine}")).json()
        for n in range(3):
            await put(bench, f"o{n}", observation("p3"))
        await receiver.told(3)
        assert (await bench.put(f"/fhir/Subscription/{mine}", json=wanted(receiver.url) | {"id": mine})).status_code == 403
        assert (await bench.get(f"/fhir/Subscription/{mine}/$events")).status_code == 403
        stored.pop("meta")
        ended = await bench.put(f"/fhir/Subscription/{mine}", json={**stored, "status": "off"})
        assert ended.status_code == 200, ended.text
        # Who had asked may begin again, with what was put away …
        await ask(lis, mine, {**stored, "status": "requested"})
        assert receiver.got[-1].headers["authorization"] == "Bearer geheim"
        assert (await bench.put(f"/fhir/Subscription/{mine}", json={**stored, "status": "off"})).status_code == 200
        # … and somebody else without it, and without what was told before.
        refused = await his.put(f"/fhir/Subscription/{mine}", json={**stored, "status": "requested"})
        assert refused.status_code == 422
        await ask(his, mine, wanted(receiver.url))
        assert "authorization" not in receiver.got[-1].headers
        stands = (await his.get(f"/fhir/Subscription/{mine}/$status")).json()["entry"][0]["resource"]
        told = {one["name"]: value_of(one) for one in stands["parameter"]}
        assert told["events-since-subscription-start"] == "0"
        assert events_of((await his.get(f"/fhir/Subscription/{mine}/$events")).json()) == []
        assert (await lis.get(f"/fhir/Subscription/{mine}/$events")).status_code == 403
        receiver.got.clear()
        await put(bench, "o9", observation("p3"))
        await receiver.told(1)
        assert receiver.events == [(1, "Observation/o9")]


async def test_an_application_has_so_many_and_no_more(furnished_dsn: str) -> None:
    async with running(furnished_dsn) as server, await server.as_("bench") as bench:
        await server.value(
            "insert into policy (name, value, valid_from, source, evidence) values"
            " ('subscription.most_of_an_application', '2', '2020-01-01', 'test', 'house') returning 1"
        )
        for n in range(2):
            await put(bench, f"s{n}", listening())
        refused = await bench.put("/fhir/Subscription/s2", json=listening() | {"id": "s2"})
        assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "too-costly")
        await put(bench, "s1", listening())  # one that is there is changed
        await until_it_is(bench, "s0", "active")
        await put(bench, "s0", listening() | {"status": "off"})
        await put(bench, "s2", listening())


async def test_secrets_are_put_away_by_whatever_road_they_come(furnished_dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        secret = "Authorization: Bearer sehr-geheim-0815"
        wish = wanted(receiver.url, header=[secret])
        entry: Json = {"resource": wish, "request": {"method": "POST", "url": "Subscription"}}
        told = [await bench.post("/fhir/Subscription", json=wish, headers={"prefer": "return=representation"})]
        for kind in ("transaction", "batch"):
            body = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
            told.append(await bench.post("/fhir", json=body, headers={"prefer": "return=representation"}))
        told.append(await bench.put("/fhir/Subscription?status=error&_id=s9", json=wish | {"id": "s9"}))
        await put(bench, "s8", wanted(receiver.url))
        patch = [{"op": "add", "path": "/channel/header", "value": [secret]}, {"op": "replace", "path": "/status", "value": "requested"}]
        headers = {"content-type": "application/json-patch+json"}
        told.append(await bench.patch("/fhir/Subscription/s8", content=json.dumps(patch), headers=headers))
        told.append(await bench.post("/fhir/Subscription/$validate", json=wish))
        told.append(await bench.put("/fhir/Subscription/s7", json=wish | {"id": "s7", "status": "strange"}))
        told.append(await bench.put("/fhir/Subscription/s7", json=wanted(receiver.url, header=[secret + "\r\nX: y"]) | {"id": "s7"}))
        assert [one.status_code for one in told] == [201, 200, 200, 201, 200, 200, 422, 422], [one.text for one in told]
        for one in told[:6]:
            assert "geheim" not in one.text
        await asyncio.sleep(0.5)
        for table in ("resource", "history", "audit_event", "job", "subscription", "subscription_event", "string_value"):
            if await server.value("select to_regclass($1) is not null", table):
                found = await server.value(f"select count(*) from {table} t where t::text like '%geheim%'")
                assert found == 0, table
        assert "geheim" not in caplog.text
        assert all("geheim" not in one.body.decode() for one in receiver.got)


async def test_what_an_application_may_not_read_any_more_is_a_number_when_it_is_delivered(furnished_dsn: str) -> None:
    """The ground ends while the receiver is away: what is sent then tells neither whom nor what."""
    async with region(furnished_dsn, lis="liuhe") as (receiver, server, bench, (lis,)):
        mine = await begin(lis, wanted(receiver.url, content="full-resource", filters=("Observation?", "Patient?")))
        receiver.answer = lambda got: web.Response(status=503)
        await put(bench, "o1", observation("p3", note=[{"text": "隐私"}]))
        await bench.delete("/fhir/Observation/o1")
        await receiver.until(lambda: len(receiver.got) >= 2)
        await _until_numbered(server, 2)
        await server.value("update access_ground set until = now() where patient = (select rid from resource where id = 'p3') returning 1")
        receiver.got.clear()
        receiver.answer = lambda got: web.Response(status=200)
        await receiver.told(2)
        assert receiver.events == [(1, ""), (2, "")]
        for word in ("o1", "p3", "隐私", "Observation"):
            assert all(word not in got.body.decode() for got in receiver.got), word
        assert all(len(got.bundle["entry"]) == 1 for got in receiver.got)
        # New things are not even counted.
        await put(bench, "o2", observation("p3"))
        await bench.put("/fhir/Patient/p3", json=(await bench.get("/fhir/Patient/p3")).json() | {"gender": "unknown"})
        await put(bench, "o3", observation("p4") | {"subject": {"reference": "Patient/p3"}})
        await asyncio.sleep(1)
        stands = (await lis.get(f"/fhir/Subscription/{mine}/$status")).json()["entry"][0]["resource"]
        assert next(value_of(one) for one in stands["parameter"] if one["name"] == "events-since-subscription-start") == "2"


async def test_a_result_that_moves_between_records_is_told_to_who_may_read_that_version(furnished_dsn: str) -> None:
    async with receiving() as other, region(furnished_dsn, other, lis="liuhe", rival="qingshi") as (one, _, bench, (lis, rival)):
        for client, receiver in ((lis, one), (rival, other)):
            await begin(client, wanted(receiver.url, content="full-resource", filters=("Observation?patient=Patient/p3,Patient/p1",)))
        await put(bench, "o1", observation("p3"))
        await put(bench, "o1", observation("p1"))  # it was p1's all along
        await bench.delete("/fhir/Observation/o1")
        await one.told(1)
        await other.told(2)
        await asyncio.sleep(0.5)
        assert [[event for got in each.got for event in got.events] for each in (one, other)] == [
            [(1, "Observation/o1")],
            [(1, "Observation/o1"), (2, "Observation/o1")],
        ]
        assert all("Patient/p1" not in got.body.decode() for got in one.got)
        assert all("Patient/p3" not in got.body.decode() for got in other.got)


async def test_a_type_taken_from_an_application_is_told_no_more(furnished_dsn: str) -> None:
    async with region(furnished_dsn, lis="liuhe") as (receiver, server, bench, (lis,)):
        await begin(lis, wanted(receiver.url, filters=("Observation?", "Encounter?")))
        await server.value("update client set scope = 'system/Subscription.* system/Encounter.read' where id = 'lis' returning 1")
        await put(bench, "o1", observation("p3"))
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
        about = {"subject": {"reference": "Patient/p3"}}
        await put(bench, "e1", {"resourceType": "Encounter", "status": "planned", "class": kind, **about})
        await receiver.told(1)
        assert receiver.events == [(1, "Encounter/e1")]


async def test_somebody_elses_filter_never_fails_a_write(
    furnished_dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(furnished_dsn) as server, await server.as_("bench") as bench:
        await ask(bench, "s1", listening(filters=("Observation?status=final",)))

        def broken(*args: Any, **more: Any) -> bool:
            raise RecursionError

        monkeypatch.setattr(matching, "matches", broken)
        await put(bench, "o1", observation())
        await _until_numbered(server, 1)
        assert events_of((await bench.get("/fhir/Subscription/s1/$events")).json())[0][0] == 1
        assert "cannot be held against the filters" in caplog.text


async def test_an_empty_notification_names_neither_topic_nor_resource(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (_, bench):
        await ask(bench, "s1", wanted(receiver.url, content="empty"))
        await put(bench, "o1", observation())
        await receiver.told(1)
        names = {one["name"] for one in status_of(receiver.got[-1].bundle)["parameter"]}
        assert names == {"subscription", "status", "type", "events-since-subscription-start", "notification-event"}
        assert "Observation" not in receiver.got[-1].body.decode()


async def _until_numbered(server: Server, count: int) -> None:
    async with asyncio.timeout(20):
        while await server.value("select coalesce(max(events), 0) from subscription") < count:  # noqa: ASYNC110 it happens in the database
            await asyncio.sleep(0.02)
