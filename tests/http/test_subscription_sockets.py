"""Connections that stay open: they end with the sign-in they were opened with, and with the right to what they tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.http.house import PASSWORD, Server, running
from tests.http.receiver import events_of, status_of, value_of
from tests.http.subscribing import add_client, ask, begin, listening, observation, put, signed_in, token_of
from yilian import app, config
from yilian.errors import Forbidden, NotSignedIn, Unavailable
from yilian.exchange.subscriptions import listeners, stream
from yilian.exchange.subscriptions.binding import Listener

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server does every ten seconds."""
    monkeypatch.setattr(listeners, "LOOK_S", 0.1)
    monkeypatch.setattr(stream, "LOOK_S", 0.1)


class Socket:
    """The other end of a websocket, as the server under test sees it. `code`: why it was closed, 0 as long as it is open."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Json] = asyncio.Queue()
        self.came: asyncio.Queue[str] = asyncio.Queue()
        self.closed = asyncio.Event()
        self.code = 0
        self.reason = ""
        self.sent.put_nowait({"type": "websocket.connect"})

    async def say(self, text: str) -> None:
        await self.sent.put({"type": "websocket.receive", "text": text})

    async def heard(self) -> Json:
        async with asyncio.timeout(20):
            found: Json = json.loads(await self.came.get())
        return found

    async def until_closed(self) -> tuple[int, str]:
        async with asyncio.timeout(20):
            await self.closed.wait()
        return self.code, self.reason

    async def take(self, message: Json) -> None:
        if message["type"] == "websocket.send":
            self.came.put_nowait(message["text"])
        elif message["type"] == "websocket.close":
            self.code, self.reason = message["code"], message.get("reason", "")
            self.closed.set()
            self.sent.put_nowait({"type": "websocket.disconnect", "code": self.code})


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Socket]:
    socket = Socket()
    where = {"path": "/subscriptions/websocket", "raw_path": b"/subscriptions/websocket", "query_string": b"", "root_path": ""}
    asked = {"type": "websocket", "scheme": "ws", "headers": [(b"host", b"127.0.0.1:8080")], "client": ("10.0.0.7", 1), "subprotocols": []}
    task = asyncio.create_task(server.application({**where, **asked}, socket.sent.get, socket.take))
    try:
        yield socket
    finally:
        socket.sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await task


async def binding_token(client: httpx.AsyncClient, id: str) -> str:
    found = await client.get(f"/fhir/Subscription/{id}/$get-ws-binding-token")
    assert found.status_code == 200, found.text
    return str(next(value_of(one) for one in found.json()["parameter"] if one["name"] == "token"))


def kind_of(bundle: Json) -> str:
    return str(next(value_of(one) for one in status_of(bundle)["parameter"] if one["name"] == "type"))


async def revoke(server: Server, client: str, token: str) -> None:
    answer = await server.nobody().post("/oauth2/revoke", data={"token": token}, auth=(client, PASSWORD))
    assert answer.status_code == 200, answer.text


async def test_a_socket_ends_with_the_sign_in_it_was_opened_with(furnished_dsn: str) -> None:
    await add_client(furnished_dsn, "lis", "Organization/liuhe")
    async with running(furnished_dsn) as server, await server.as_("bench") as bench, await signed_in(server, "lis") as lis:
        s1 = await begin(lis, listening())
        token = lis.headers["authorization"].removeprefix("Bearer ")
        bound = await binding_token(lis, s1)
        async with connected(server) as socket:
            await socket.say(f"bind-with-token: {bound}")
            assert kind_of(await socket.heard()) == "handshake"
            await put(bench, "o1", observation("p3"))
            assert events_of(await socket.heard()) == [(1, "http://127.0.0.1:8080/fhir/Observation/o1")]
            await revoke(server, "lis", token)
            assert await socket.until_closed() == (1008, "the sign-in has ended; fetch another token")
            await put(bench, "o2", observation("p3"))
            await asyncio.sleep(0.5)
            assert socket.came.empty(), "nothing is told after the sign-in has ended"
        async with connected(server) as socket:
            await socket.say(f"bind-with-token: {bound}")
            assert (await socket.until_closed())[0] == 1008, "nor does the binding token outlive it"


async def test_a_socket_goes_on_when_it_is_bound_again_with_a_newer_sign_in(furnished_dsn: str) -> None:
    await add_client(furnished_dsn, "lis", "Organization/liuhe")
    async with (
        running(furnished_dsn) as server,
        await server.as_("bench") as bench,
        connected(server) as socket,
        await signed_in(server, "lis") as old,
        await signed_in(server, "lis") as new,
    ):
        s1 = await begin(old, listening())
        await socket.say(f"bind-with-token: {await binding_token(old, s1)}")
        assert kind_of(await socket.heard()) == "handshake"
        await socket.say(f"bind-with-token: {await binding_token(new, s1)}")
        await socket.say("ping")
        async with asyncio.timeout(20):
            assert await socket.came.get() == "pong"
        await revoke(server, "lis", old.headers["authorization"].removeprefix("Bearer "))
        await asyncio.sleep(0.5)
        await put(bench, "o1", observation("p3"))
        assert [number for number, _ in events_of(await socket.heard())] == [1]
        assert not socket.closed.is_set()


async def test_a_socket_ends_with_the_application(furnished_dsn: str) -> None:
    await add_client(furnished_dsn, "lis", "Organization/liuhe")
    async with running(furnished_dsn) as server, await signed_in(server, "lis") as lis, connected(server) as socket:
        s1 = await begin(lis, listening())
        await socket.say(f"bind-with-token: {await binding_token(lis, s1)}")
        await socket.heard()
        await server.value("update client set disabled = now() where id = 'lis' returning 1")
        assert (await socket.until_closed())[0] == 1008


async def test_what_becomes_another_applications_is_not_heard_over_an_old_socket(furnished_dsn: str) -> None:
    """The id is the same, the row is the same; the application, and what it may read, are not."""
    for name in ("lis", "his"):
        await add_client(furnished_dsn, name, "Organization/liuhe")
    async with running(furnished_dsn) as server, await signed_in(server, "lis") as lis, await signed_in(server, "his") as his:
        s1 = await begin(lis, listening())
        bound = await binding_token(lis, s1)
        off = (await lis.get(f"/fhir/Subscription/{s1}")).json() | {"status": "off"}
        assert (await lis.put(f"/fhir/Subscription/{s1}", json=off)).status_code == 200
        await ask(his, s1, listening(content="full-resource"))
        async with connected(server) as socket:
            await socket.say(f"bind-with-token: {bound}")
            assert (await socket.until_closed())[0] == 1008
            assert socket.came.empty()
        for reads, refusal in ((None, "lis"), (frozenset({"Subscription"}), "his")):
            grant = UUID(str(await server.value("select id::text from token_grant where client = $1 limit 1", refusal)))
            async with told(server, Listener(grant, refusal, reads)) as events:
                with pytest.raises(Forbidden):
                    await anext(events)


async def test_a_stream_ends_with_the_sign_in_it_was_opened_with(furnished_dsn: str) -> None:
    await add_client(furnished_dsn, "lis", "Organization/liuhe")
    async with running(furnished_dsn) as server, await signed_in(server, "lis") as lis, await server.as_("bench") as bench:
        s1 = await begin(lis, listening())
        token = await token_of(server, "lis")
        grant = UUID(str(await server.value("select id::text from token_grant where client = 'lis' order by started desc limit 1")))
        async with told(server, Listener(grant, "lis", None)) as events:
            assert (await anext(events)).kind == "handshake"
            await put(bench, "o1", observation("p3"))
            assert (await anext(events)).number == 1
            coming = asyncio.ensure_future(anext(events))
            await revoke(server, "lis", token)
            await put(bench, "o2", observation("p3"))
            with pytest.raises(NotSignedIn):
                await coming
        # Over HTTP the answer ends, as it does when the server is stopped: who comes back is told why.
        whole = await lis.get(f"/fhir/Subscription/{s1}/$stream?eventsSinceNumber=1", headers={"authorization": f"Bearer {token}"})
        assert whole.status_code in (200, 401)
        assert "event:" not in whole.text


async def test_more_than_so_many_do_not_wait(furnished_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "MOST", 1)
    here = listeners.Listeners(furnished_dsn)
    called = await here.attend(1)
    with pytest.raises(Unavailable):
        await here.attend(1)
    here.leave(1, called)
    here.leave(2, await here.attend(2))
    await here.close()


@asynccontextmanager
async def told(server: Server, listener: Listener) -> AsyncIterator[AsyncGenerator[stream.Told]]:
    """What a stream of the one subscription there is tells this listener."""
    database, here = app.database(config.Settings(), server.dsn), listeners.Listeners(server.dsn)
    await database.open()
    try:
        rid = await server.value("select rid from subscription")
        async with aclosing(stream.stream(database, here, rid, "", who=lambda: listener)) as found:
            yield found
    finally:
        await here.close()
        await database.close()
