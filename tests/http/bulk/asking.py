"""Short ways to ask for exports and imports, to wait for them and to fetch what came out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]


ASYNC = {"prefer": "respond-async"}


NDJSON = {"content-type": "application/fhir+ndjson", **ASYNC}


def observation(id: str, patient: str, status: str = "final", code: str = "8480-6") -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "note": [{"text": '引号 " 反斜杠 \\ 换行 \n 逗号 , é 🙂'}],
    }


def there(folder: Path) -> list[str]:
    """Every file and folder below it."""
    return [path.name for path in folder.rglob("*")]


async def put(client: httpx.AsyncClient, *resources: Json) -> None:
    for one in resources:
        answer = await client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code in (200, 201), answer.text


async def ended(client: httpx.AsyncClient, kickoff: httpx.Response, *, seconds: float = 60) -> httpx.Response:
    """The first answer of the status that is not 202."""
    assert kickoff.status_code == 202, kickoff.text
    async with asyncio.timeout(seconds):
        while True:
            status = await client.get(kickoff.headers["content-location"])
            if status.status_code != 202:
                return status
            assert int(status.headers["retry-after"]) >= 1
            assert "resources" in status.headers["x-progress"]
            await asyncio.sleep(0.05)


async def manifest(client: httpx.AsyncClient, path: str, **more: Any) -> Json:
    status = await ended(client, await client.get(path, headers=ASYNC, **more))
    assert status.status_code == 200, status.text
    assert status.headers["content-type"] == "application/json"
    found: Json = status.json()
    return found


async def lines(client: httpx.AsyncClient, files: list[Json]) -> list[Json]:
    found = []
    for file in files:
        answer = await client.get(file["url"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+ndjson"), answer.text
        own = [json.loads(line) for line in answer.text.split("\n")[:-1]]
        assert len(own) == file["count"]
        found += own
    return found


def names(resources: list[Json]) -> set[str]:
    listed = [f"{one['resourceType']}/{one['id']}" for one in resources]
    assert len(set(listed)) == len(listed), "something came twice"
    return set(listed)
