"""What must hold of every answer, whatever was asked."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx

from tests.conftest import REGION_ZONE
from tests.http.house import ORIGIN, Server
from tests.properties.asked import Asked, Generator
from yilian.errors import NotSupported, YilianError
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse as parse_json
from yilian.search.match import check, matches
from yilian.search.query import parse

Json = dict[str, Any]
LONGEST_S = 10.0
STORED = "select (select count(*) from resource), (select sum(ver) from resource), (select count(*) from history)"


@dataclass(slots=True)
class Told:
    """How it went: answers by status, what broke a law, what was answered with 503 and when to come again, how many searches were held
    to the oracle, the slowest answer in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    compared: int = 0
    slowest_s: float = 0.0
    slowest: str = ""


class Judge:
    """Sends requests of a generator to a running application, one after the other, and holds each answer to the laws."""

    def __init__(self, server: Server, generator: Generator, connection: asyncpg.Connection[asyncpg.Record], told: Told) -> None:
        self.server = server
        self.generator = generator
        self.connection = connection
        self.told = told
        self.stored: tuple[Any, ...] = ()
        self.clients: dict[str, httpx.AsyncClient] = {}
        self.signed_in = 0.0

    async def send(self, number: int, asked: Asked) -> None:
        """One request. What is wrong with the answer goes to `told.broken`, with the number it has."""
        if time.monotonic() - self.signed_in > 600:
            self.server.tokens.clear()
            for who in ("bench", "gp", "resident", "admin"):
                self.clients[who] = await self.server.as_(who)
            self.clients["nobody"] = self.server.nobody()
            self.signed_in = time.monotonic()
            self.stored = await self._stored()
        started = time.monotonic()
        try:
            headers = {name: value.encode("latin-1") for name, value in asked.headers.items()}
            answer = await self.clients[asked.who].request(asked.method, asked.path, headers=headers, content=asked.content, timeout=60)
        except httpx.InvalidURL:
            return  # the client itself does not send it
        took = time.monotonic() - started
        if took > self.told.slowest_s:
            self.told.slowest_s, self.told.slowest = took, f"{asked.method} {asked.path[:300]}"
        self.told.statuses[answer.status_code] += 1
        if answer.status_code == 503:
            self.told.busy.append(f"#{number} {asked.who} {asked.method} {asked.path[:300]} {asked.content[:800]!r}: {answer.text[:300]}")
        for wrong in await self._wrong(asked, answer, took):
            self.told.broken.append(
                f"#{number} {asked.who} {asked.method} {asked.path[:600]} → {answer.status_code}: {wrong}\n"
                f"    sent {asked.headers} {asked.content[:1500]!r}\n    got {answer.content[:600]!r}"
            )

    async def _wrong(self, asked: Asked, answer: httpx.Response, took: float) -> list[str]:
        if not answer.request.url.path.startswith("/fhir"):
            return []  # the client resolves .. in a path by itself
        wrong: list[str] = []
        status = answer.status_code
        if status >= 500 and not (status == 503 and answer.headers.get("retry-after")):
            wrong.append("a fault of the server")
        if took > LONGEST_S:
            wrong.append(f"took {took:.1f} s")
        if status >= 400 and asked.method != "HEAD" and not _explained(answer):
            wrong.append("an error without an OperationOutcome that says what is wrong")
        if status == 200 and answer.headers.get("content-type", "").startswith("application/fhir+json") and asked.method != "HEAD":
            body = answer.json()
            self.generator.seen(body)
            if body.get("type") in ("batch-response", "transaction-response"):
                wrong += [
                    f"an entry with {e['response']['status']}"
                    for e in body.get("entry", ())
                    if e.get("response", {}).get("status", "200") >= "5"
                ]
        if asked.method not in ("GET", "HEAD"):
            now = await self._stored()
            if status >= 400 and now != self.stored:
                wrong.append(f"refused, yet something was stored: {self.stored} → {now}")
            self.stored = now
        if asked.search is not None and status in (200, 400) and asked.search[0] != "AuditEvent":  # which is no resource of the store
            wrong += await self._held_to_oracle(*asked.search, answer)
        return wrong

    async def _stored(self) -> tuple[Any, ...]:
        return tuple(await self.connection.fetchrow(STORED) or ())

    async def _held_to_oracle(self, kind: str, pairs: list[tuple[str, str]], answer: httpx.Response) -> list[str]:
        """Whether the search finds what each resource by itself says, over all its pages."""
        try:
            query = parse(kind, pairs, zone=ZoneInfo(REGION_ZONE), base=f"{ORIGIN}/fhir")
            for clause in query.clauses:
                check(clause)
            now = datetime.now(UTC)
            bodies = await self.connection.fetch("select body from resource where type = $1 and not deleted", type_id(kind))
            expected = {
                one["id"] for row in bodies if matches(query, one := parse_json(row["body"].encode()), now=now, base=f"{ORIGIN}/fhir")
            }
        except NotSupported:
            return []
        except YilianError as error:
            return [] if answer.status_code == 400 else [f"answered, though it cannot be understood: {error}"]
        if answer.status_code != 200:
            return [f"refused, though it can be understood: {answer.text[:300]}"]
        found: list[str] = []
        page = answer.json()
        while True:
            found += [entry["resource"]["id"] for entry in page.get("entry", ()) if entry["search"]["mode"] == "match"]
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                break
            page = (await self.clients["bench"].get(following[0])).json()
        self.told.compared += 1
        if len(found) != len(set(found)):
            return ["the same resource on two pages"]
        if set(found) != expected:
            return [f"found and should not: {sorted(set(found) - expected)[:5]}; not found: {sorted(expected - set(found))[:5]}"]
        return []


def _explained(answer: httpx.Response) -> bool:
    if answer.headers.get("content-type", "").startswith("application/fhir+xml"):
        return b"<OperationOutcome" in answer.content and b"<diagnostics" in answer.content
    try:
        outcome = answer.json()
        return outcome["resourceType"] == "OperationOutcome" and all(issue["diagnostics"] for issue in outcome["issue"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return False
