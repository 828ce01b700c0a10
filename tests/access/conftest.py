"""Two townships and a hospital, a few people with accounts, and a server of nothing but sign-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from tests import writing
from yilian import policy, validation
from yilian.access import accounts, clients, grounds, keys, passwords
from yilian.access.accounts import Post
from yilian.access.settings import AccessSettings
from yilian.access.tokens import Verifier
from yilian.audit.record import follow_writes
from yilian.config import Settings
from yilian.db import Database
from yilian.fhir import urls
from yilian.http.limits import NONE, Limits
from yilian.http.oauth import routes
from yilian.store import data_keys
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import Written

Json = dict[str, Any]
PASSWORD = "yilian-demo"
ORIGIN = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with the smallest cost: what is tested is what happens with the answer."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    passwords._nobody.cache_clear()


class Clock:
    """A time the test moves. Starts now, since `access_ground` is compared with the database's own clock."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(slots=True)
class House:
    db: Database
    clock: Clock
    settings: AccessSettings
    verifier: Verifier

    async def put(self, resource: Json, scope: Any = SYSTEM) -> Written:
        async with self.db.transaction() as tx:
            return await writing.put(tx, resource, scope)

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.reading() as tx:
            return await tx.fetch(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        async with self.db.reading() as tx:
            return await tx.fetchval(sql, *args)

    def browser(self, origin: str = ORIGIN, *, address: str = "10.0.0.7", limits: Limits = NONE) -> httpx.AsyncClient:
        app = Starlette(routes=routes(self.db, self.verifier, self.settings, limits))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=(address, 1234)), base_url=origin)

    async def rule(self, name: str, value: Any) -> None:
        """A rule of the region's own from the beginning on."""
        async with self.db.transaction() as tx:
            await policy.put(tx, f"access.{name}", value, valid_from=policy.FROM_THE_START, source="test")


def organization(id: str, tier: str = "", **more: Any) -> Json:
    extension = [{"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": tier}}] if tier else []
    return {"resourceType": "Organization", "id": id, "name": id, **({"extension": extension} if extension else {}), **more}


def part_of(id: str) -> Json:
    return {"partOf": {"reference": f"Organization/{id}"}}


def patient(id: str, organization: str = "", **more: Any) -> Json:
    managing = {"managingOrganization": {"reference": f"Organization/{organization}"}} if organization else {}
    return {"resourceType": "Patient", "id": id, "name": [{"text": "王秀英"}], **managing, **more}


def encounter(id: str, patient: str, organization: str = "", status: str = "finished") -> Json:
    provider = {"serviceProvider": {"reference": f"Organization/{organization}"}} if organization else {}
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        **provider,
    }


@pytest.fixture
async def house(dsn: str) -> AsyncIterator[House]:
    """An open database wired as the server wires it, with the institutions and a key; nobody in it yet."""
    clock, settings, key = Clock(), AccessSettings(), Settings().key_path  # that of whole servers on this database
    await data_keys.ensure(dsn, key, "aes", may_make=True)
    db = Database(dsn, Hooks(validation.issues, (), (grounds.follow, follow_writes)), clock=clock, keys=key)
    await db.open()
    found = House(db, clock, settings, Verifier(db, settings))
    async with db.transaction() as tx:
        await keys.ensure(tx)
    for one in (
        organization("qingshi", "township"),
        organization("qingshi-v01", "village", **part_of("qingshi")),
        organization("liuhe", "township"),
        organization("first", "city"),
        organization("first-cardiology", **part_of("first")),
    ):
        await found.put(one)
    yield found
    await db.close()


@pytest.fixture
async def people(house: House) -> House:
    """gp at qingshi, gp2 at liuhe, expert at the hospital, admin, regulator and a resident; the system client `bench`."""
    await house.put(patient("here", "qingshi"))
    await house.put(patient("there", "liuhe"))
    everyone: list[tuple[str, str, str, str, str]] = [
        ("gp", "Practitioner/gp", "gp", "Organization/qingshi", ""),
        ("gp2", "Practitioner/gp2", "gp", "Organization/liuhe", ""),
        ("expert", "Practitioner/expert", "consultant", "Organization/first", ""),
        ("admin", "Practitioner/admin", "admin", "", ""),
        ("regulator", "Practitioner/regulator", "regulator", "", ""),
        ("resident", "Patient/here", "resident", "", "Patient/here"),
    ]
    async with house.db.transaction() as tx:
        for name, agent, role, institution, own in everyone:
            await accounts.add(tx, name, PASSWORD, display=name, agent=agent, posts=[Post(role, institution)], patient=own)
        await clients.add(
            tx, "bench", name="bench", secret=PASSWORD, scope="system/*.*", grant_types=["client_credentials"], agent="Device/bench"
        )
    return house


SignIn = Callable[..., Awaitable[httpx.Response]]
