"""What applications do with subscriptions, in the words of the tests: ask, write what is told, wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.http.house import PASSWORD, Server, running
from tests.http.receiver import Receiver
from yilian import app, config
from yilian.access import clients
from yilian.exchange.subscriptions.definition import BACKPORT
from yilian.exchange.subscriptions.topics import CANONICAL

Json = dict[str, Any]


def wanted(
    url: str, *, topic: str = "resource-changed", filters: tuple[str, ...] = ("Observation?",), content: str = "", **channel: Any
) -> Json:
    found: Json = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": CANONICAL + topic,
        "channel": {"type": "rest-hook", "endpoint": url, "payload": "application/fhir+json", **channel},
    }
    if filters:
        found["_criteria"] = {"extension": [{"url": BACKPORT + "backport-filter-criteria", "valueString": text} for text in filters]}
    if content:
        found["channel"]["_payload"] = {"extension": [{"url": BACKPORT + "backport-payload-content", "valueCode": content}]}
    return found


def listening(**more: Any) -> Json:
    found = wanted("", **more)
    del found["channel"]["endpoint"]
    found["channel"]["type"] = "websocket"
    return found


def observation(patient: str = "p1", status: str = "final", **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


async def add_client(dsn: str, id: str, institution: str) -> None:
    database = app.database(config.Settings(), dsn)
    await database.open()
    async with database.transaction() as tx:
        await clients.add(
            tx, id, name=id, secret=PASSWORD, scope="system/*.*", grant_types=("client_credentials",), institution=institution
        )
    await database.close()


@asynccontextmanager
async def house(dsn: str, receiver: Receiver, **settings: Any) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    async with running(dsn, subscription_hosts=receiver.host, **settings) as server, await server.as_("bench") as bench:
        yield server, bench


async def put(client: httpx.AsyncClient, id: str, resource: Json) -> Json:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{id}", json={**resource, "id": id})
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


async def ask(client: httpx.AsyncClient, id: str, resource: Json, state: str = "active") -> Json:
    """Put a Subscription and wait until it stands so."""
    await put(client, id, resource)
    return await until_it_is(client, id, state)


async def begin(client: httpx.AsyncClient, resource: Json, state: str = "active") -> str:
    """Post a Subscription and wait until it stands so; its id, which is given to who sees less than everything."""
    answer = await client.post("/fhir/Subscription", json=resource)
    assert answer.status_code == 201, answer.text
    id = str(answer.json()["id"])
    await until_it_is(client, id, state)
    return id


async def until_it_is(client: httpx.AsyncClient, id: str, state: str) -> Json:
    async with asyncio.timeout(40):
        while True:
            found: Json = (await client.get(f"/fhir/Subscription/{id}")).json()
            if found["status"] == state:
                return found
            await asyncio.sleep(0.05)


async def token_of(server: Server, client: str, scope: str = "system/*.*") -> str:
    """An access token of an application, for so much."""
    answer = await server.nobody().post("/oauth2/token", data={"grant_type": "client_credentials", "scope": scope}, auth=(client, PASSWORD))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def signed_in(server: Server, client: str, scope: str = "system/*.*") -> httpx.AsyncClient:
    """An application's client, to be closed by who asks."""
    found = server.nobody()
    found.headers["authorization"] = f"Bearer {await token_of(server, client, scope)}"
    return found
