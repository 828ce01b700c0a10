"""Servers as programs: one is killed between a commit and its delivery, one tells what another wrote, sockets go on where they were."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.http.receiver import Got, events_of, receiving, status_of, value_of
from tests.http.subscribing import ask, listening, observation, put, wanted
from tests.journeys.serving import Killable

Json = dict[str, Any]


@pytest.fixture
async def token(house: Killable) -> str:
    return await house.prepare([{"resourceType": "Patient", "id": "p1"}])


async def test_what_was_committed_is_told_after_the_server_was_killed(house: Killable, token: str) -> None:
    async with receiving() as receiver:
        async with house.serving(YILIAN_SUBSCRIPTION_HOSTS=receiver.host) as server, server.client(token) as client:
            await ask(client, "s1", wanted(receiver.url))

            def kill_first(got: Got) -> web.Response:
                if got.type == "event-notification":
                    server.process.kill()  # it was sent, and the server will never know that it was taken
                return web.Response(status=200)

            receiver.answer = kill_first
            await put(client, "o1", observation())
            await server.process.wait()
        assert receiver.events == [(1, "Observation/o1")]
        receiver.answer = lambda got: web.Response(status=503)
        async with house.serving(YILIAN_SUBSCRIPTION_HOSTS=receiver.host) as server, server.client(token) as client:
            await put(client, "o2", observation())
            await server.killed()  # at once: whatever is not in the transaction of the write is lost
        receiver.got.clear()
        receiver.answer = lambda got: web.Response(status=200)
        async with house.serving(YILIAN_SUBSCRIPTION_HOSTS=receiver.host):
            await receiver.told(2)
        numbers = [number for number, _ in receiver.events]
        assert sorted(set(numbers)) == [1, 2], "told again, by the same number"
        assert numbers == sorted(numbers)
        assert dict(receiver.events) == {1: "Observation/o1", 2: "Observation/o2"}


async def test_sockets_are_told_of_what_another_process_wrote_and_come_back_where_they_were(house: Killable, token: str) -> None:
    async with house.serving() as one, house.serving() as other, one.client(token) as reader, other.client(token) as writer:
        here = one.url
        await ask(reader, "s1", listening())
        async with await bound(reader) as socket:
            assert type_of(await heard(socket)) == "handshake"
            await socket.send("ping")
            assert await socket.recv() == "pong"
            await put(writer, "o1", observation())
            first = await heard(socket)
            assert events_of(first) == [(1, f"{here}/fhir/Observation/o1")]
        await put(writer, "o2", observation())
        async with await bound(reader, since=2) as socket:
            assert type_of(await heard(socket)) == "handshake"
            assert [number for number, _ in events_of(await heard(socket))] == [2]
            async with reader.stream("GET", "/fhir/Subscription/s1/$stream", headers={"last-event-id": "0"}) as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                told = sse(stream)
                assert [(await anext(told))[:2] for _ in range(2)] == [("handshake", 0), ("event-notification", 2)]
                await put(writer, "o3", observation())
                kind, number, bundle = await anext(told)
                assert (kind, number) == ("event-notification", 3)
                assert events_of(bundle) == [(3, f"{here}/fhir/Observation/o3")]
            assert [number for number, _ in events_of(await heard(socket))] == [3]
            stopped = (await reader.get("/fhir/Subscription/s1")).json()
            await put(reader, "s1", {**stopped, "status": "off"})
            last = await heard(socket)
            assert (type_of(last), said(last, "status")) == ("heartbeat", "off")
            with pytest.raises(ConnectionClosed):
                await heard(socket)
        async with connect(here.replace("http", "ws") + "/subscriptions/websocket", proxy=None) as socket:
            await socket.send("bind-with-token: " + token)  # an access token is no binding token
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


async def bound(client: httpx.AsyncClient, since: int | None = None) -> ClientConnection:
    found = (await client.get("/fhir/Subscription/s1/$get-ws-binding-token")).json()
    given = {one["name"]: value_of(one) for one in found["parameter"]}
    socket = await connect(given["websocket-url"], proxy=None)
    await socket.send(f"bind-with-token: {given['token']}" + (f" eventsSinceNumber={since}" if since is not None else ""))
    return socket


async def heard(socket: ClientConnection) -> Json:
    async with asyncio.timeout(20):
        found: Json = json.loads(await socket.recv())
    return found


def said(bundle: Json, name: str) -> Any:
    return next((value_of(one) for one in status_of(bundle)["parameter"] if one["name"] == name), None)


def type_of(bundle: Json) -> str:
    return str(said(bundle, "type"))


async def sse(stream: httpx.Response) -> AsyncIterator[tuple[str, int, Json]]:
    fields: dict[str, str] = {}
    async for line in stream.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield fields["event"], int(fields["id"]), json.loads(fields["data"])
            fields = {}
