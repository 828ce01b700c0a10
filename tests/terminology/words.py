"""Small definitions for tests, and the two things done with them most: storing and expanding."""

from __future__ import annotations

from typing import Any

from yilian.db import Database
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write
from yilian.terminology.expand import Wanted, expand

Json = dict[str, Any]
BASE = "https://region.example/"
SIGNS = BASE + "CodeSystem/signs"


def concept(code: str, display: str = "", *children: Json, **more: Any) -> Json:
    return {"code": code, "display": display or code.upper(), **more, **({"concept": [*children]} if children else {})}


def code_system(*concepts: Json, url: str = SIGNS, **more: Any) -> Json:
    found = {"resourceType": "CodeSystem", "id": url.rsplit("/", 1)[1], "url": url, "status": "active", "content": "complete"}
    return found | {"concept": [*concepts]} | more


def value_set(name: str, *include: Json, exclude: list[Json] | None = None, **more: Any) -> Json:
    compose: Json = {"include": [*include]} | ({"exclude": exclude} if exclude else {})
    found = {"resourceType": "ValueSet", "id": name, "url": f"{BASE}ValueSet/{name}", "status": "active", "compose": compose}
    return found | more


def by_filter(property_: str, op: str, value: str, system: str = SIGNS) -> Json:
    return {"system": system, "filter": [{"property": property_, "op": op, "value": value}]}


def listed(*codes: str, system: str = SIGNS) -> Json:
    return {"system": system, "concept": [{"code": code} for code in codes]}


async def store(db: Database, *resources: Json) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])


async def remove(db: Database, *resources: Json) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", one["resourceType"], one["id"], None) for one in resources])


async def codes(db: Database, asked: Json | str, **wanted: Any) -> list[str]:
    """The codes of an expansion, flat and in its order."""
    async with db.reading() as tx:
        found = await expand(tx, asked, Wanted(**{"nested": False, **wanted}))
    return [one["code"] for one in found["expansion"].get("contains", [])]
