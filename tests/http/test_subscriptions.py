"""Subscriptions from the outside: asked for, told, replayed, ended.

What is told is signed, in order, and no more than its owner may see.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from aiohttp import web
from joserfc import jws
from joserfc.jwk import KeySet

from tests.http.house import ORIGIN, Server, running
from tests.http.receiver import events_of, receiving, status_of, value_of
from tests.http.subscribing import add_client, ask, begin, house, listening, observation, put, token_of, until_it_is, wanted
from yilian import app, config
from yilian.exchange.subscriptions import upkeep
from yilian.exchange.subscriptions.binding import Listener
from yilian.exchange.subscriptions.definition import BACKPORT, CHANNELS
from yilian.exchange.subscriptions.listeners import Listeners
from yilian.exchange.subscriptions.stream import stream
from yilian.exchange.subscriptions.topics import CANONICAL, catalogue
from yilian.jobs import Job

Json = dict[str, Any]


async def test_a_receiver_is_told_of_what_was_written_and_nothing_else(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (_, bench):
        await ask(bench, "s1", wanted(receiver.url, filters=("Observation?status=final",), header=["Authorization: Bearer geheim"]))
        assert [one.type for one in receiver.got] == ["handshake"]
        assert receiver.got[0].said("subscription") == {"reference": "Subscription/s1"}
        await put(bench, "o1", observation())
        await put(bench, "o2", observation(status="preliminary"))
        await put(bench, "o2", observation(status="final"))
        await put(bench, "o2", observation(status="final"))  # nothing new
        await receiver.told(2)
        assert receiver.events == [(1, "Observation/o1"), (2, "Observation/o2")]
        got = receiver.got[1]
        assert got.headers["authorization"] == "Bearer geheim"
        assert got.headers["content-type"] == "application/fhir+json"
        assert got.bundle["type"] == "history"
        assert len(got.bundle["entry"]) == 1, "id-only is the default"
        assert got.said("topic") == CANONICAL + "resource-changed"
        assert (await bench.delete("/fhir/Observation/o1")).status_code == 204
        await receiver.told(3)
        assert receiver.events[2] == (3, "Observation/o1")
        checked = await bench.post("/fhir/Bundle/$validate", json=receiver.got[-1].bundle)
        assert [i for i in checked.json()["issue"] if i["severity"] in ("error", "fatal")] == []


async def test_the_signature_is_good_for_this_body_and_no_other(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        await ask(bench, "s1", wanted(receiver.url))
        published = KeySet.import_key_set((await server.nobody().get("/oauth2/jwks")).json())
        (got,) = receiver.got
        head, empty, tail = got.headers["x-yilian-signature"].split(".")
        assert not empty

        def verified(body: bytes) -> jws.CompactSignature:
            payload = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
            registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
            return jws.deserialize_compact(f"{head}.{payload}.{tail}", published, ["ES256"], registry)

        found = verified(got.body).headers()
        assert (found["aud"], found["sub"]) == (receiver.url, "s1")
        assert found["typ"] == "yilian-notification+jws"
        assert isinstance(found["iat"], int)
        with pytest.raises(jws.BadSignatureError):
            verified(got.body + b" ")
        refused = await server.nobody().get("/fhir/Patient/p1", headers={"authorization": f"Bearer {head}.e30.{tail}"})
        assert refused.status_code == 401


async def test_full_resources_come_as_the_version_the_event_is_about(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (_, bench):
        await ask(bench, "s1", wanted(receiver.url, content="full-resource"))
        first = await put(bench, "o1", observation(note=[{"text": "一"}]))
        second = await put(bench, "o1", observation(note=[{"text": "二"}]))
        await receiver.told(2)
        entries = [entry for got in receiver.got for entry in got.bundle["entry"][1:]]
        assert [entry["resource"] for entry in entries] == [first, second]
        assert [entry["request"]["method"] for entry in entries] == ["POST", "PUT"]


async def test_a_topic_is_told_when_the_state_is_entered(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (_, bench):
        await ask(bench, "s1", wanted(receiver.url, topic="encounter-start", filters=("patient=Patient/p1",)))

        async def encounter(id: str, patient: str, status: str) -> None:
            code = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
            subject = {"reference": f"Patient/{patient}"}
            await put(bench, id, {"resourceType": "Encounter", "status": status, "class": code, "subject": subject})

        for status in ("planned", "in-progress", "finished"):
            await encounter("e1", "p1", status)
            await encounter("e2", "p2", status)
        await encounter("e3", "p1", "in-progress")
        await receiver.told(2)
        assert receiver.events == [(1, "Encounter/e1"), (2, "Encounter/e3")]


async def test_r4_criteria_without_payload_are_told_by_an_empty_body(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (_, bench):
        plain = wanted(receiver.url, filters=())
        plain["criteria"] = "Observation?code=http://loinc.org|8480-6"
        del plain["channel"]["payload"]
        await ask(bench, "s1", plain)
        await put(bench, "o1", observation())
        await receiver.until(lambda: len(receiver.got) == 2)
        assert [got.body for got in receiver.got] == [b"", b""]
        assert "content-type" not in receiver.got[1].headers


async def test_secrets_are_sent_and_never_shown(furnished_dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        secret = "Bearer sehr-geheim-4711"
        stored = await ask(bench, "s1", wanted(receiver.url, header=[f"Authorization: {secret}"]))
        assert stored["channel"]["header"] == ["Authorization: ********"]
        stored.pop("meta")
        await ask(bench, "s1", {**stored, "status": "requested", "reason": "again"})
        assert [got.headers["authorization"] for got in receiver.got] == [secret, secret], "what was masked is kept"
        for way in ("/Subscription/s1/_history", "/Subscription?status=active", "/_history", "/Subscription/s1/$status"):
            assert "geheim" not in (await bench.get("/fhir" + way)).text
        moved = {**stored, "status": "requested", "channel": {**stored["channel"], "endpoint": receiver.url + "&elsewhere"}}
        refused = await bench.put("/fhir/Subscription/s1", json=moved)
        assert refused.status_code == 422, "a secret does not go to another address"
        tables = await server.value("select string_agg(body, '') from (select body from resource union all select body from history) r")
        assert "geheim" not in tables
        assert "geheim" not in caplog.text


REFUSED = {
    "unknown topic": (wanted("URL") | {"criteria": CANONICAL + "nothing"}, "There is no topic"),
    "unknown parameter": (wanted("URL", filters=("Observation?colour=red",)), "colour"),
    "a chain": (wanted("URL", filters=("Observation?patient.name=x",)), "patient.name"),
    "value set": (wanted("URL", filters=("Observation?code:in=http://x/vs",)), ":in"),
    "no filter": (wanted("URL", filters=()), "name the types"),
    "other type": (wanted("URL", topic="encounter-start", filters=("Patient?",)), "Patient"),
    "the trail": (wanted("URL", filters=("AuditEvent?",)), "AuditEvent"),
    "looks": (wanted("URL", filters=("Observation?_count=3",)), "_count"),
    "email": (wanted("URL", type="email"), "email"),
    "xml": (wanted("URL", payload="application/fhir+xml"), "application/fhir+xml"),
    "content": (wanted("URL", content="half"), "half"),
    "plain http elsewhere": (wanted("http://example.org/told"), "https"),
    "private address": (wanted("https://10.1.2.3/told"), "private"),
    "loopback": (wanted("https://[::1]/told"), "private"),
    "short address": (wanted("https://127.1/told"), "private"),
    "user in the address": (wanted("https://me:secret@example.org/told"), "address"),
    "our header": (wanted("URL", header=["Content-Length: 3"]), "Content-Length"),
    "no header": (wanted("URL", header=["gibberish"]), "Name: value"),
    "active": (wanted("URL") | {"status": "active"}, "given by the server"),
    "past": (wanted("URL") | {"end": "2020-01-01T00:00:00Z"}, "passed"),
    "endpoint of a socket": (wanted("URL", type="websocket"), "leave the endpoint out"),
}


async def test_what_could_not_be_kept_to_is_refused_by_name(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        for name, (resource, says) in REFUSED.items():
            sent = json.loads(json.dumps(resource).replace('"URL"', json.dumps(receiver.url)))
            answer = await bench.post("/fhir/Subscription", json=sent)
            assert answer.status_code == 422, (name, answer.text)
            assert any(says in issue["diagnostics"] for issue in answer.json()["issue"]), (name, answer.text)
        assert await server.value("select count(*) from subscription") == 0
        async with await server.as_("gp") as gp:
            assert (await gp.post("/fhir/Subscription", json=wanted(receiver.url))).status_code == 403
        assert receiver.got == []


async def test_what_is_out_of_the_owners_scope_is_never_told_not_even_by_a_gap(furnished_dsn: str) -> None:
    await add_client(furnished_dsn, "lis", "Organization/liuhe")
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        server.tokens["lis"] = await token_of(server, "lis")
        async with await server.as_("lis") as lis:
            s1 = await begin(lis, wanted(receiver.url, content="full-resource"))
            await put(bench, "o1", observation("p1"))  # registered elsewhere
            await put(bench, "o2", observation("p3"))  # registered here
            await put(bench, "o3", observation("p2"))
            await put(bench, "o4", observation("p3"))
            await receiver.told(2)
            assert receiver.events == [(1, "Observation/o2"), (2, "Observation/o4")]
            assert all("p1" not in got.body.decode() and "o1" not in got.body.decode() for got in receiver.got)
            replayed = (await lis.get(f"/fhir/Subscription/{s1}/$events")).json()
            assert events_of(replayed) == [(n, f"{ORIGIN}/fhir/{focus}") for n, focus in receiver.events]
            notes = await server.value(
                "select string_agg(entities::text, ' ') from audit_event where operation = 'notification' and client = 'lis'"
            )
            assert "Observation/o2" in notes
            assert "Observation/o1" not in notes
            # What could be seen when it happened and cannot be seen now is withheld.
            await server.value("delete from access_ground where patient = (select rid from resource where id = 'p3') returning 1")
            replayed = (await lis.get(f"/fhir/Subscription/{s1}/$events?content=full-resource")).json()
            assert events_of(replayed) == [(1, ""), (2, "")]
            assert len(replayed["entry"]) == 1


async def test_a_disabled_application_is_told_nothing_more(furnished_dsn: str) -> None:
    await add_client(furnished_dsn, "lis", "Organization/qingshi")
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        server.tokens["lis"] = await token_of(server, "lis")
        async with await server.as_("lis") as lis:
            s1 = await begin(lis, wanted(receiver.url))
        await server.value("update client set disabled = now() where id = 'lis' returning 1")
        await put(bench, "o1", observation("p1"))
        await until_it_is(bench, s1, "off")
        assert receiver.events == []


async def test_a_receiver_that_was_down_is_told_in_order_when_it_is_back(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (_, bench):
        await ask(bench, "s1", wanted(receiver.url, extension=[{"url": BACKPORT + "backport-max-count", "valuePositiveInt": 2}]))
        receiver.answer = lambda got: web.Response(status=503)
        for n in range(5):
            await put(bench, f"o{n}", observation())
        await receiver.until(lambda: len(receiver.got) >= 3)
        stands = (await bench.get("/fhir/Subscription/s1/$status")).json()
        told = {one["name"]: value_of(one) for one in stands["entry"][0]["resource"]["parameter"]}
        assert told["events-since-subscription-start"] == "5"
        assert "503" in told["error"]["text"]
        receiver.got.clear()
        receiver.answer = lambda got: web.Response(status=200)
        await receiver.told(5)
        assert receiver.events == [(n + 1, f"Observation/o{n}") for n in range(5)]
        assert [len(got.events) for got in receiver.got] == [2, 2, 1]


async def test_an_end_410_and_patience_end_it_and_put_begins_it_again(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        receiver.answer = lambda got: web.Response(status=302, headers={"location": receiver.url})
        failed = await ask(bench, "s1", wanted(receiver.url), "error")
        assert "redirects are not followed" in failed["error"]
        assert len(receiver.got) == 1, "an error in the handshake is one at once"
        await put(bench, "o1", observation())
        receiver.answer = lambda got: web.Response(status=200)
        begun = await ask(bench, "s1", wanted(receiver.url))
        assert "error" not in begun
        await receiver.told(1)
        receiver.answer = lambda got: web.Response(status=500)
        await server.value(
            "insert into policy (name, value, valid_from, source, evidence) values"
            " ('subscription.error_after_minutes', '0', '2020-01-01', 'test', 'house') returning 1"
        )
        await asyncio.sleep(5.1)  # policies are read anew every five seconds
        await put(bench, "o2", observation())
        assert "500" in (await until_it_is(bench, "s1", "error"))["error"]
        await put(bench, "o3", observation())
        receiver.answer = lambda got: web.Response(status=410 if got.type == "event-notification" else 200)
        receiver.got.clear()
        await put(bench, "s1", wanted(receiver.url))
        await until_it_is(bench, "s1", "off")
        assert receiver.events == [(2, "Observation/o2"), (3, "Observation/o3")]


async def test_the_end_comes(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        await ask(bench, "s1", wanted(receiver.url))
        await server.value("update subscription set ends = now() - interval '1 s' returning 1")
        await look_after(server)
        assert (await bench.get("/fhir/Subscription/s1")).json()["status"] == "off"
        await put(bench, "o1", observation())
        assert await server.value("select count(*) from subscription_event where number is not null") == 0


async def test_heartbeats_come_when_there_is_nothing_to_tell(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        beat = [{"url": BACKPORT + "backport-heartbeat-period", "valueUnsignedInt": 60}]
        await ask(bench, "s1", wanted(receiver.url, extension=beat))
        await server.value("update subscription set last_sent = now() - interval '61 s' returning 1")
        await look_after(server)
        await receiver.until(lambda: any(got.type == "heartbeat" for got in receiver.got))
        await asyncio.sleep(0.3)
        await look_after(server)
        await asyncio.sleep(0.3)
        assert [got.type for got in receiver.got].count("heartbeat") == 1


async def test_events_can_be_asked_for_again_and_sent_again(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        await ask(bench, "s1", wanted(receiver.url))
        for n in range(4):
            await put(bench, f"o{n}", observation())
        await receiver.told(4)
        found = (await bench.get("/fhir/Subscription/s1/$events?eventsSinceNumber=2&eventsUntilNumber=3&content=full-resource")).json()
        assert [number for number, _ in events_of(found)] == [2, 3]
        assert [entry["resource"]["id"] for entry in found["entry"][1:]] == ["o1", "o2"]
        assert next(value_of(one) for one in status_of(found)["parameter"] if one["name"] == "type") == "query-event"
        assert (await bench.get("/fhir/Subscription/s1/$events?eventsSinceNumber=x")).status_code == 400
        receiver.got.clear()
        async with await server.as_("admin") as admin:
            stands = await admin.get("/fhir/Subscription/s1/$status")
            assert stands.status_code == 200
            answer = await admin.post(
                "/fhir/Subscription/s1/$resend",
                json={"resourceType": "Parameters", "parameter": [{"name": "eventsSinceNumber", "valueString": "3"}]},
            )
            assert answer.status_code == 200, answer.text
            withheld = (await admin.get("/fhir/Subscription/s1/$events")).json()
            assert events_of(withheld) == [(n, "") for n in range(1, 5)], "an administrator sees no patients"
        await receiver.told(2)
        assert receiver.events == [(3, "Observation/o2"), (4, "Observation/o3")]
        async with await server.as_("gp") as gp:
            assert (await gp.get("/fhir/Subscription/s1/$status")).status_code == 404
            assert (await gp.get("/fhir/Subscription/$status")).json()["total"] == 0


async def test_topics_are_listed_for_everyone_and_written_by_nobody(furnished_dsn: str) -> None:
    async with running(furnished_dsn) as server, await server.as_("gp") as gp, await server.as_("bench") as bench:
        found = (await gp.get("/fhir/Basic?code=SubscriptionTopic")).json()
        urls = {one["valueUri"] for entry in found["entry"] for one in entry["resource"]["extension"] if one["url"].endswith(".url")}
        assert urls == set(catalogue())
        one = await gp.get("/fhir/Basic/topic-encounter-start")
        assert (await bench.post("/fhir/Basic/$validate", json=one.json())).json()["issue"][0]["severity"] != "error"
        assert (await bench.put("/fhir/Basic/topic-encounter-start", json=one.json())).status_code == 403
        offered = (await gp.get("/fhir/metadata")).json()["rest"][0]
        (subscription,) = [one for one in offered["resource"] if one["type"] == "Subscription"]
        assert {one["valueCanonical"] for one in subscription["extension"]} == set(catalogue())
        assert {"status", "events", "resend", "get-ws-binding-token", "stream"} <= {one["name"] for one in subscription["operation"]}
        assert offered["extension"][0]["valueUri"].startswith("ws://")


async def test_writers_at_the_same_time_leave_no_gap_and_keep_the_order_of_each_resource(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver, connections=20) as (_, bench):
        await ask(bench, "s1", wanted(receiver.url, content="full-resource"))

        async def write(id: str) -> None:
            for n in range(8):
                await put(bench, id, observation(note=[{"text": str(n)}]))

        await asyncio.gather(*(write(f"o{n}") for n in range(6)))
        await receiver.told(48)
        assert [number for number, _ in receiver.events] == list(range(1, 49)), "numbers have no gaps and come in order"
        entries = [entry["resource"] for got in receiver.got for entry in got.bundle["entry"][1:]]
        for n in range(6):
            versions = [int(one["meta"]["versionId"]) for one in entries if one["id"] == f"o{n}"]
            assert versions == list(range(1, 9))


async def test_server_sent_events_go_on_after_the_last_number(furnished_dsn: str) -> None:
    async with receiving() as receiver, house(furnished_dsn, receiver) as (server, bench):
        wish = listening()
        wish["channel"]["_type"] = {
            "extension": [{"url": BACKPORT + "backport-channel-type", "valueCoding": {"system": CHANNELS, "code": "sse"}}]
        }
        await ask(bench, "s1", wish)
        await put(bench, "o1", observation())
        await put(bench, "o2", observation())
        await _numbered(server, 2)
        database = app.database(config.Settings(), furnished_dsn)
        await database.open()
        listeners = Listeners(furnished_dsn)
        rid = await server.value("select rid from subscription")
        async with database.transaction() as tx:
            grant = await tx.fetchval("select id from token_grant where client = 'bench' and expires > now() limit 1")
        told = stream(database, listeners, rid, "http://x/fhir", who=lambda: Listener(grant, "bench", None), after=1)
        async with asyncio.timeout(20):
            kinds = [await anext(told), await anext(told)]
            assert [(one.kind, one.number) for one in kinds] == [("handshake", 1), ("event-notification", 2)]
            coming = asyncio.ensure_future(anext(told))
            await put(bench, "o3", observation())  # by another process, as far as this stream can tell
            third = await coming
        assert events_of(json.loads(third.body)) == [(3, "http://x/fhir/Observation/o3")]
        await told.aclose()
        await listeners.close()
        await database.close()
        refused = await bench.get("/fhir/Subscription/s1/$get-ws-binding-token")
        assert refused.status_code == 400


async def _numbered(server: Server, count: int) -> None:
    async with asyncio.timeout(20):
        while await server.value("select coalesce(max(events), 0) from subscription") < count:  # noqa: ASYNC110 it happens in the database
            await asyncio.sleep(0.02)


async def look_after(server: Server) -> None:
    database = app.database(config.Settings(), server.dsn)
    await database.open()
    await upkeep.look_after(database, Job(0, "", {}, None, 1, {}, ""))
    await database.close()
