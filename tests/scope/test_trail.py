"""The trail itself: each sees the own doings, a resident what was done with the own record, and nobody learns of others from it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.http.house import Server
from tests.scope.people import NO_PATIENTS, OTHERS, OWN_RECORD, client_of, sees
from tests.scope.test_conditions import fresh
from tests.scope.world import LAB, World
from yilian.fhir.definitions import type_id

Json = dict[str, Any]

NEVER = "999999999999"
AGENT = {
    "regulator": "Practitioner/office",
    "privacy": "Practitioner/office",
    "admin": "Practitioner/gp",
    "resident": "Patient/p1",
    "resident3": "Patient/p3",
}


async def events(client: httpx.AsyncClient, query: str = "") -> list[Json]:
    found: list[Json] = []
    url: str | None = f"/fhir/AuditEvent?_count=1000{query}"
    while url:
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        found += [one["resource"] for one in answer.json().get("entry", [])]
        url = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), None)
    return found


def who(event: Json) -> str:
    return next((str(one["who"].get("reference", "")) for one in event["agent"] if one.get("requestor")), "")


def patient(event: Json) -> str:
    named = [str(one.get("what", {}).get("reference", "")) for one in event.get("entity", [])]
    return next((name[8:] for name in named if name.startswith("Patient/") and "_history" not in name), "")


@pytest.mark.parametrize("role", OTHERS)
async def test_the_trail_shows_each_the_own_doings_and_residents_their_record(own_server: Server, world: World, role: str) -> None:
    everything = await events(await client_of(own_server, "bench"))
    client = await client_of(own_server, role)
    seen = await events(client)
    assert len(seen) < len(everything)
    for event in seen:
        mine = who(event) in (AGENT.get(role, f"Practitioner/{role}"), f"Device/{role}")
        if role in OWN_RECORD:
            assert mine or patient(event) == OWN_RECORD[role]
            for one in event.get("entity", []):
                name, _, version = one.get("what", {}).get("reference", "").partition("/_history/")
                assert not version or mine or any(sees(role, thing) for thing in world.versions[name]), name
        elif role == "admin":
            assert mine or (event["type"]["code"] in ("110114", "110113") and not patient(event))
        elif role == "privacy":
            houses = [agent["who"].get("reference", "") for agent in event["agent"]]
            assert mine or "Organization/county" in houses
        else:
            assert mine
        if role in NO_PATIENTS and role != "privacy":
            assert not patient(event)
    known = {one["id"] for one in seen}
    hidden = [one["id"] for one in everything if one["id"] not in known]
    nothing = await client.get(f"/fhir/AuditEvent/{NEVER}")
    assert nothing.status_code == 404
    for id in hidden[:: max(1, len(hidden) // 40)]:
        told = await client.get(f"/fhir/AuditEvent/{id}")
        assert (told.status_code, told.text.replace(f"/{id} ", f"/{NEVER} ")) == (404, nothing.text)
        assert (await client.get(f"/fhir/AuditEvent?_id={id}")).json().get("entry") is None


@pytest.mark.parametrize("role", ["gp2", "county", "coordinator", "admin", "regulator", "resident3"])
async def test_asking_for_a_strangers_trail_leaves_nothing_that_tells_of_the_stranger(own_server: Server, role: str) -> None:
    client = await client_of(own_server, role)
    for way in ("patient=p1", "patient=Patient/p1", "entity=Patient/p1", "patient=p1&action=R", "entity=Observation/sugar-p1"):
        for _ in range(2):
            assert await events(client, f"&{way}") == [], way
    assert not [one for one in await events(client) if patient(one) == "p1"]


async def test_who_asks_for_the_trail_of_an_own_patient_is_in_it(own_server: Server) -> None:
    gp = await client_of(own_server, "gp")
    await events(gp, "&patient=p1")
    looked = [one for one in await events(await client_of(own_server, "resident")) if who(one) == "Practitioner/gp"]
    assert looked[0]["subtype"][0]["code"] == "search-type"


async def test_the_trail_of_a_draft_says_that_something_was_done_and_not_with_what(own_server: Server, world: World) -> None:
    """The resident learns who worked on the record; of a referral that waits for the head, once it is sent."""
    waiting = f"Task/{world.tasks['waiting']}"
    resident, bench = await client_of(own_server, "resident"), await client_of(own_server, "bench")
    assert len(await events(bench, f"&entity={waiting}")) >= 1
    assert await events(resident, f"&entity={waiting}") == []
    everything = await events(resident)
    assert waiting not in str(everything)
    assert [one for one in everything if who(one) == "Practitioner/gp" and one["action"] == "C"]


async def test_what_a_condition_gives_back_was_read(own_server: Server, world: World) -> None:
    """A conditional creation that finds one answers with it: somebody's data has been read."""
    gp, resident = await client_of(own_server, "gp"), await client_of(own_server, "resident")
    condition = f"identifier={LAB}|sugar-p1"
    entry = {"resource": fresh("p1"), "request": {"method": "POST", "url": "Observation", "ifNoneExist": condition}}
    for path, body, headers in (
        ("/fhir/Observation", fresh("p1"), {"if-none-exist": condition}),
        ("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}, {"prefer": "return=representation"}),
        ("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": [entry]}, {}),
    ):
        before = len(await events(resident))
        answer = await gp.post(path, json=body, headers=headers)
        assert (answer.status_code, "sugar-p1" in answer.text) == (200, True), answer.text
        await asyncio.sleep(0.3)  # notes of reads are written together, at the latest after so long
        after = await events(resident)
        (event,) = after[: len(after) - before]
        assert (who(event), patient(event), event["action"]) == ("Practitioner/gp", "p1", "E")
        assert "Observation/sugar-p1/_history/2" in str(event["entity"])


@pytest.mark.parametrize("role", ["bench", "gp", "admin"])
async def test_nobody_writes_the_trail_in_a_bundle_either(own_server: Server, role: str) -> None:
    client = await client_of(own_server, role)
    event = (await events(await client_of(own_server, "bench")))[0]
    for kind in ("transaction", "batch"):
        for method, url, resource in (
            ("POST", "AuditEvent", {key: value for key, value in event.items() if key != "id"}),
            ("PUT", f"AuditEvent/{event['id']}", event),
            ("DELETE", f"AuditEvent/{event['id']}", None),
        ):
            entry: Json = {"request": {"method": method, "url": url}, **({"resource": resource} if resource else {})}
            answer = await client.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})
            status = answer.status_code if kind == "transaction" else int(answer.json()["entry"][0]["response"]["status"])
            assert status == 405, (kind, method, answer.text)
    assert await own_server.value("select count(*) from resource where type = $1", type_id("AuditEvent")) == 0
