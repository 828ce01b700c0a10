"""Whole records and lists hold what the asker may know of: versions, histories, `$everything`, `$timeline`, worklists, batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.http.house import Server
from tests.scope.asks import Ask, tell
from tests.scope.people import GROUNDS, INSTITUTION, OTHERS, OWN_RECORD, ROLES, Version, client_of, sees
from tests.scope.world import PATIENTS, TYPES, World
from yilian.fhir.compartments import CLINICAL

Json = dict[str, Any]


def names(bundle: Json) -> list[str]:
    return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle.get("entry", [])]


async def read(client: httpx.AsyncClient, path: str) -> Json:
    answer = await client.get(f"/fhir/{path}")
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return dict(answer.json())


@pytest.mark.parametrize("role", ROLES)
async def test_each_version_is_read_by_whom_it_concerned(
    server: Server, world: World, role: str, record_property: Callable[[str, object], None]
) -> None:
    client = await client_of(server, role)
    compared = 0
    for name, versions in world.versions.items():
        id = versions[0].id
        known = [one for one in versions if sees(role, one)]
        nothing = await tell(client, Ask("vread", f"{name}/_history/999"), id)
        for one in versions:
            told = await tell(client, Ask("vread", f"{name}/_history/{one.number}"), id)
            if one not in known:
                assert told == nothing, (name, one.number)
            else:
                assert told.status == (410 if one.deleted else 200), (name, one.number)
        history = await client.get(f"/fhir/{name}/_history")
        assert history.status_code == (200 if known else 404), name
        listed = [entry["response"]["etag"] for entry in history.json().get("entry", [])]
        assert listed == [f'W/"{one.number}"' for one in reversed(known)], name
        current = versions[-1]
        status = (await client.get(f"/fhir/{name}")).status_code
        assert status == (404 if not sees(role, current) else 410 if current.deleted else 200), name
        compared += len(versions) + 2
    record_property("compared", compared)


@pytest.mark.parametrize("role", OTHERS)
async def test_the_history_of_a_type_holds_the_versions_in_scope(server: Server, world: World, role: str) -> None:
    def listed(history: Json) -> list[tuple[str, str]]:
        found = history.get("entry", [])
        return [("/".join(one["fullUrl"].split("/")[-2:]), one["response"]["etag"]) for one in found]

    versions = {(one.name, f'W/"{one.number}"'): one for each in world.versions.values() for one in each}
    bench, client = await client_of(server, "bench"), await client_of(server, role)
    for kind in TYPES:
        all_there = listed(await read(bench, f"{kind}/_history?_count=1000"))
        expected = [one for one in all_there if sees(role, versions[one])]
        whole = await read(client, f"{kind}/_history?_count=1000")
        assert listed(whole) == expected, kind
        assert "total" not in whole or whole["total"] == len(expected)
        first = await read(client, f"{kind}/_history?_count=3")
        assert listed(first) == expected[:3], kind
        assert any(link["relation"] == "next" for link in first["link"]) == (len(expected) > 3), kind


@pytest.mark.parametrize("role", OTHERS)
async def test_a_record_holds_what_is_in_scope(server: Server, world: World, role: str) -> None:
    bench, client = await client_of(server, "bench"), await client_of(server, role)
    visible = GROUNDS.get(INSTITUTION.get(role, ""), frozenset()) | {OWN_RECORD.get(role, "")}
    for who in PATIENTS:
        for operation in (
            "$everything",
            "$everything?_type=Task,ServiceRequest,Provenance",
            "$timeline",
            "$timeline?_type=Task,Observation",
        ):
            path = f"Patient/{who}/{operation}"
            if who not in visible:
                assert (await client.get(f"/fhir/{path}")).status_code == 404, path
                continue
            all_there = names(await read(bench, path))
            page = await read(client, path)
            visible_there = [name for name in all_there if sees(role, world.current(name))]
            said = str([world.bodies[name] for name in visible_there if world.current(name).patient])
            expected = [name for name in visible_there if world.current(name).patient or f"'{name}'" in said]
            assert names(page) == expected, path  # nor what only a draft refers to
            matches = [one for one in page["entry"] if one["search"]["mode"] == "match"]
            assert page["total"] == len(matches), path
            between = "&" if "?" in path else "?"
            walked: list[str] = []
            url: str | None = f"/fhir/{path}{between}_count=3"
            while url:
                part = (await client.get(url)).json()
                walked += [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in part["entry"] if one in matches]
                url = next((link["url"] for link in part["link"] if link["relation"] == "next"), None)
            assert walked == [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in matches], path


@pytest.mark.parametrize("role", OTHERS)
async def test_a_worklist_holds_what_is_in_scope(server: Server, world: World, role: str) -> None:
    expected: dict[str, dict[str, list[str]]] = {
        "gp": {"sent": ["waiting", "accepted"], "drafts": ["draft"], "away": ["accepted"]},
        "head": {"approval": ["waiting"], "sent": ["waiting", "accepted"], "drafts": ["draft"]},
        "gp2": {"drafts": ["theirs"], "closed": ["over"]},
        "liuhe-system": {"drafts": ["theirs"], "closed": ["over"]},
        **{who: {"expected": ["accepted"]} for who in ("coordinator", "expert", "pharmacist", "office")},
    }
    client = await client_of(server, role)
    counts = {one["name"]: one["valueInteger"] for one in (await read(client, "Task/$worklist-counts"))["parameter"]}
    for name in (*counts, "closed"):
        ids = [world.tasks[word] for word in expected.get(role, {}).get(name, [])]
        page = await read(client, f"Task/$worklist?list={name}")
        matches = [one["resource"]["id"] for one in page.get("entry", []) if one["search"]["mode"] == "match"]
        assert sorted(matches) == sorted(ids), name
        assert page["total"] == len(ids) == counts.get(name, len(ids)), name
        assert all(sees(role, world.current(one)) for one in names(page)), name
        for q in ("lixiuying", "shanxiong", "zha", "p1", "000000-"):
            assert set(names(await read(client, f"Task/$worklist?list={name}&q={q}"))) <= set(names(page)), (name, q)


async def test_a_resident_has_the_own_referrals_in_the_lists_once_they_are_sent(server: Server) -> None:
    for role in OWN_RECORD:
        client = await client_of(server, role)
        for name in ("sent", "closed", "drafts", "inbox"):
            assert (await read(client, f"Task/$worklist?list={name}"))["total"] == 0, (role, name)


@pytest.mark.parametrize("role", OTHERS)
async def test_a_batch_gives_each_entry_what_it_would_get_alone(server: Server, world: World, role: str) -> None:
    client = await client_of(server, role)
    some = [one for one in world.things if one.type in ("Patient", "Observation", "Task", "List", "Group")]
    urls = [url for one in some for url in (one.name, f"{one.name}/_history", f"{one.type}?_id={one.id}&_total=accurate")]
    alone = {url: await client.get(f"/fhir/{url}") for url in urls}
    for kind, asked in (("batch", urls), ("transaction", [url for url in urls if alone[url].status_code == 200])):
        entries = [{"request": {"method": "GET", "url": url}} for url in asked]
        answer = await client.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries})
        assert answer.status_code == 200, answer.text
        for url, entry in zip(asked, answer.json().get("entry", []), strict=True):
            told = entry.get("resource") or entry["response"]["outcome"]
            assert int(entry["response"]["status"][:3]) == alone[url].status_code, url
            assert {**told, "timestamp": ""} == {**alone[url].json(), "timestamp": ""}, url


async def test_the_code_on_a_paper_is_known_to_those_who_see_the_referral(server: Server, world: World) -> None:
    bench = await client_of(server, "bench")
    assert (await bench.get(f"/fhir/Task/{world.tasks['accepted']}/$slip")).status_code == 200
    code = await server.value("select code from referral_slip")
    nobody = "ZZZZ-ZZZZ-ZZZZ"
    for role in ROLES:
        client = await client_of(server, role)
        told = await tell(client, Ask("$verify-slip", f"Task/$verify-slip?code={code}"), code)
        if sees(role, world.current(f"Task/{world.tasks['accepted']}")):
            assert told.status == 200, role
        else:
            assert told == await tell(client, Ask("$verify-slip", f"Task/$verify-slip?code={nobody}"), nobody), role
            assert told.status == 404, role


def test_everybody_sees_something_and_nobody_but_the_region_sees_everything(world: World) -> None:
    """The model these tests go by is not empty, and its people differ."""
    everything = [one for versions in world.versions.values() for one in versions]
    views: dict[str, frozenset[Version]] = {role: frozenset(one for one in everything if sees(role, one)) for role in ROLES}
    assert len({views[role] for role in ("gp", "gp2", "county", "coordinator", "resident", "resident3", "bench")}) == 7
    assert all(len(views[role]) < len(everything) for role in OTHERS)
    assert {one.type for one in views["gp"] - views["county"]} >= set(CLINICAL) & set(TYPES) - {"Communication"}  # told of emergencies only
    assert not [one for one in views["admin"] if not one.shared]
