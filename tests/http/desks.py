"""Two desks and what is done at them: registrars of two rival hospitals, and a resident who shows the health card."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.http.house import PASSWORD, RESIDENT, Server
from yilian import app, config
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.db import Database
from yilian.identity import card_code, card_keys
from yilian.identity.card_code import Claims
from yilian.store.scope import SYSTEM

Json = dict[str, Any]

DESKS = {"desk": "county", "desk-first": "first"}
"""Registrars, and where they sit."""
OTHER_RESIDENT = "resident2"
"""The account of patient p2."""


async def open_desks(server: Server) -> None:
    """Accounts of the registrars and of a second resident."""
    async with opened(server) as db, db.transaction() as tx:
        for name, where in DESKS.items():
            posts = [Post("registrar", f"Organization/{where}")]
            await accounts.add(tx, name, PASSWORD, display="登记员", agent="Practitioner/county", posts=posts, by=SYSTEM)
        await accounts.add(
            tx, OTHER_RESIDENT, PASSWORD, display="欧阳建国", agent="Patient/p2", patient="Patient/p2", posts=[Post("resident")], by=SYSTEM
        )


class opened:
    """The database of a server, opened beside it."""

    def __init__(self, server: Server) -> None:
        self.db = app.database(config.Settings(), server.dsn)

    async def __aenter__(self) -> Database:
        await self.db.open()
        return self.db

    async def __aexit__(self, *_: object) -> None:
        await self.db.close()


def parameters(**values: Any) -> Json:
    """Text, booleans and resources as a Parameters resource."""
    parts: list[Json] = []
    for name, value in values.items():
        key = "resource" if isinstance(value, dict) else "valueBoolean" if isinstance(value, bool) else "valueString"
        parts.append({"name": name, key: value})
    return {"resourceType": "Parameters", "parameter": parts}


def part(answer: httpx.Response, name: str) -> Any:
    """The value of one part of the Parameters that came back."""
    found = next(one for one in answer.json()["parameter"] if one["name"] == name)
    return next(value for key, value in found.items() if key != "name")


def coding(answer: httpx.Response) -> str:
    """The finer code of a refusal."""
    details: Json = answer.json()["issue"][0]["details"]
    return str(details["coding"][0]["code"])


async def show(server: Server, who: str = RESIDENT, patient: str = "p1") -> httpx.Response:
    async with await server.as_(who) as client:
        return await client.post(f"/fhir/Patient/{patient}/$card", json=parameters(apply=True))


async def code_of(server: Server, who: str = RESIDENT, patient: str = "p1") -> str:
    answer = await show(server, who, patient)
    assert answer.status_code == 200, answer.text
    return str(part(answer, "code"))


async def scan(server: Server, code: str, who: str = "desk") -> httpx.Response:
    async with await server.as_(who) as client:
        return await client.post("/fhir/Patient/$scan-card", json=parameters(code=code))


async def may_read(server: Server, who: str, patient: str = "p1") -> bool:
    async with await server.as_(who) as client:
        answer = await client.get(f"/fhir/Patient/{patient}")
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


async def signed(server: Server, claims: Claims) -> str:
    """A code with these claims by the region's own key."""
    async with opened(server) as db, db.transaction() as tx:
        return card_code.sign(claims, await card_keys.signing(tx))


async def claims_of(server: Server, code: str, now: datetime) -> Claims:
    """What a good code says."""
    async with opened(server) as db, db.transaction() as tx:
        return card_code.verify(code, await card_keys.usable(tx), now=now, leeway=timedelta(days=1))
