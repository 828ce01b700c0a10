"""The whole server as the tests reach it: the application of `app.build` on a database of its own, and people with tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.conftest import REGION_ZONE, cheap_passwords
from tests.referral.region import ORGANIZATIONS, PATIENTS, PEOPLE, organization, patient
from yilian import app, config
from yilian.access import accounts, clients, tokens
from yilian.access.accounts import Post
from yilian.db import Database
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
ORIGIN = "http://127.0.0.1:8080"
PASSWORD = "yilian-demo"
RESIDENT = "resident"
"""The account of patient p1."""


class Server:
    """A running application. `as_` gives a client who is signed in as somebody; `tokens` by account are kept, or given beforehand."""

    def __init__(self, dsn: str, application: Any) -> None:
        self.dsn = dsn
        self.application = application
        self.tokens: dict[str, str] = {}

    def nobody(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.application, raise_app_exceptions=False, client=("10.0.0.7", 1234))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async def as_(self, who: str) -> httpx.AsyncClient:
        if who not in self.tokens:
            async with self.application.fhir.house.db.transaction() as tx:
                issue = tokens.issue_for_client if who == "bench" else tokens.issue_for_user
                self.tokens[who] = await issue(tx, who)
        client = self.nobody()
        client.headers["authorization"] = f"Bearer {self.tokens[who]}"
        return client

    async def value(self, sql: str, *args: Any) -> Any:
        """One value straight from the database."""
        import asyncpg

        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(sql, *args)
        finally:
            await connection.close()


@asynccontextmanager
async def running(dsn: str, **settings: Any) -> AsyncIterator[Server]:
    """The application on a prepared database, started and stopped as a server would; without limits of requests, unless said."""
    application: Any = app.build(config.Settings(zone=REGION_ZONE, **(NO_LIMITS | settings)), dsn)
    async with application.others.router.lifespan_context(application.others):
        yield Server(dsn, application)


NO_LIMITS = {"person_requests_per_min": 0, "address_sign_ins_per_min": 0, "address_refused_per_min": 0}


async def furnish(dsn: str) -> None:
    """Prepare a database and put the small region into it. On the tests' own cluster a copy of `furnished` is the quicker way."""
    await app.prepare(config.Settings(), dsn)
    with cheap_passwords():
        await settle(dsn)


async def settle(dsn: str) -> None:
    """Put the small region of the referral tests into a prepared database, with accounts."""
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        await _people(database)
    finally:
        await database.close()


async def _people(database: Database) -> None:
    resources = [organization(id, *rest) for id, rest in ORGANIZATIONS.items()]
    resources += [{"resourceType": "Practitioner", "id": id, "name": [{"text": name}]} for id, (name, _, _) in PEOPLE.items()]
    resources += [patient(id, *rest) for id, rest in PATIENTS.items()]
    async with database.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])
    async with database.transaction() as tx:
        for id, (name, where, role) in PEOPLE.items():
            await accounts.add(
                tx, id, PASSWORD, display=name, agent=f"Practitioner/{id}", posts=[Post(role, f"Organization/{where}")], by=SYSTEM
            )
        await accounts.add(tx, "admin", PASSWORD, display="管理员", agent="Practitioner/gp", posts=[Post("admin")], by=SYSTEM)
        await accounts.add(
            tx, RESIDENT, PASSWORD, display="李秀英", agent="Patient/p1", patient="Patient/p1", posts=[Post("resident")], by=SYSTEM
        )
        await clients.add(tx, "bench", name="bench", secret=PASSWORD, scope="system/*.*", grant_types=("client_credentials",))
