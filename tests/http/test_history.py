"""History over HTTP: of a resource, of a type, of everything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.http.house import Server
from tests.http.test_interactions import observation


async def walked(client: Any, url: str | None) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    while url:
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        entries += answer.json().get("entry", [])
        url = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), None)
    return entries


async def test_history_at_all_levels_tells_what_was_done_to_what(server: Server) -> None:
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=observation())).json()["id"]
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    await gp.patch(f"/fhir/Observation/{id}", json=patch, headers={"content-type": "application/json-patch+json"})
    await gp.delete(f"/fhir/Observation/{id}")
    expected = [("DELETE", f"Observation/{id}", "204"), ("PATCH", f"Observation/{id}", "200"), ("POST", "Observation", "201")]
    for url in (f"/fhir/Observation/{id}/_history", "/fhir/Observation/_history?_count=2", "/fhir/_history?_count=2&_since=2026-11-01"):
        entries = await walked(gp, url)
        told = [(one["request"]["method"], one["request"]["url"], one["response"]["status"]) for one in entries]
        assert told[:3] == expected, url
        assert all(one["fullUrl"].endswith(f"Observation/{id}") for one in entries[:3])
    oldest_first = await walked(gp, f"/fhir/Observation/{id}/_history?_sort=_lastUpdated&_count=1")
    assert [one["request"]["method"] for one in oldest_first] == ["POST", "PATCH", "DELETE"]
    whole = (await gp.get(f"/fhir/Observation/{id}/_history?_count=1")).json()
    assert (whole["total"], len(whole["entry"])) == (3, 1)
    assert (await gp.get("/fhir/Observation/_history?_count=1&_total=accurate")).json()["total"] == 3
    assert "total" not in (await gp.get("/fhir/Observation/_history?_count=1")).json()
    nothing = (await gp.get("/fhir/Observation/_history?_count=0")).json()
    assert (nothing["total"], nothing.get("entry")) == (3, None)
    assert (await gp.get("/fhir/Observation/_history?_at=2020")).json().get("entry") is None
    assert await _told(server) == {"history-instance", "history-type", "history-system"}


async def _told(server: Server) -> set[str]:
    """What the trail calls these reads; notes of reads are written a moment later."""
    found: set[str] = set()
    for _ in range(40):
        found = set(await server.value("select array_agg(distinct subtype) from audit_event where subtype like 'history-%'") or [])
        if len(found) == 3:
            break
        await asyncio.sleep(0.1)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "_count=x",
        "_count=-1",
        "_count=1001",
        "_count=%C2%B2",
        "_since=soon",
        "_at=2026-13",
        "_sort=date",
        "_sort=_lastUpdated,_id",
        "_total=estimate",
        "_cursor=x",
        "_count=1&_count=2",
        "status=final",
    ],
)
async def test_what_history_does_not_know_is_refused(server: Server, query: str) -> None:
    gp = await server.as_("gp")
    for path in ("Patient/p1/_history", "Patient/_history", "_history"):
        answer = await gp.get(f"/fhir/{path}?{query}")
        assert answer.status_code == 400, (path, answer.text)


async def test_history_ends_at_the_scope(server: Server) -> None:
    system, gp = await server.as_("bench"), await server.as_("gp")
    other = (await system.post("/fhir/Observation", json=observation("p3"))).json()["id"]
    assert (await gp.get(f"/fhir/Observation/{other}/_history")).status_code == 404
    for path in ("Observation/_history", "_history"):
        assert other not in (await gp.get(f"/fhir/{path}?_count=1000")).text
        assert other in (await system.get(f"/fhir/{path}?_count=1000")).text
    admin = await server.as_("admin")
    kinds = {entry["fullUrl"].split("/")[-2] for entry in await walked(admin, "/fhir/_history?_count=500")}
    assert "Organization" in kinds
    assert not kinds & {"Patient", "Observation", "Task", "ServiceRequest"}
