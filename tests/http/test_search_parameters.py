"""A SearchParameter an administrator posts becomes searchable while the server goes on, in every server process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Any

import httpx
import pytest

from tests.http.house import Server, running
from tests.search.test_custom import EYES, definition
from yilian import app, config
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.search import parameters
from yilian.store import custom_parameters, reindex
from yilian.store.change import Change
from yilian.store.rows import Work
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes look after a tenth of a second, so runs need not wait long; the rule between the two stays."""
    monkeypatch.setattr(custom_parameters, "EVERY_S", 0.1)
    monkeypatch.setattr(reindex, "SETTLING_S", 0.2)
    yield
    parameters.use((), {})
    custom_parameters.look_again()


async def carry_out(server: Server) -> None:
    """What the worker would do within a minute."""
    db = app.database(config.Settings(), server.dsn)
    await db.open()
    try:
        await reindex.carry_out_due(db)
    finally:
        await db.close()
    await asyncio.sleep(0.15)


async def ids(client: httpx.AsyncClient, query: str) -> list[str]:
    found = await client.get(f"/fhir/{query}")
    assert found.status_code == 200, found.text
    return [entry["resource"]["id"] for entry in found.json().get("entry", []) if entry["search"]["mode"] == "match"]


@pytest.fixture
async def bench(server: Server) -> httpx.AsyncClient:
    return await server.as_("bench")


async def put(client: httpx.AsyncClient, resource: Json, *, status: tuple[int, ...] = (200, 201)) -> httpx.Response:
    done = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert done.status_code in status, done.text
    return done


def person(id_: str, colour: str = "brown") -> Json:
    return {"resourceType": "Person", "id": id_, "extension": [{"url": EYES, "valueCode": colour}]}


def of_persons(**more: Any) -> Json:
    return {**definition(id="eyes", base=["Person"], expression=f"Person.extension.where(url='{EYES}').value"), **more}


async def test_a_parameter_is_taken_up_searched_by_and_taken_away(server: Server, bench: httpx.AsyncClient) -> None:
    for n in range(5):
        await put(bench, person(f"old{n}", "brown" if n % 2 else "blue"))
    await put(bench, of_persons())
    refused = await bench.get("/fhir/Person?eye-colour=brown")
    assert refused.status_code == 400
    assert "being taken up" in refused.text
    status = (await bench.get("/fhir/SearchParameter/eyes/$status")).json()
    assert {part["name"]: part.get("valueCode") for part in status["parameter"][0]["part"]}["state"] == "indexing"
    await put(bench, person("new", "brown"))
    await carry_out(server)
    assert sorted(await ids(bench, "Person?eye-colour=brown")) == ["new", "old1", "old3"]
    assert (await ids(bench, "Person?eye-colour:missing=false&_sort=eye-colour"))[:3] == ["old0", "old2", "old4"]
    status = (await bench.get("/fhir/SearchParameter/eyes/$status")).json()
    parts = {part["name"]: part.get("valueCode", part.get("valueInteger")) for part in status["parameter"][0]["part"]}
    assert parts["state"] == "ready"
    assert parts["done"] == parts["total"] >= 6
    others = (await (await server.as_("gp")).get("/fhir/SearchParameter/eyes/$status")).json()
    assert [part["name"] for part in others["parameter"][0]["part"]] == ["base", "code", "state"], "how many there are is not told"
    capabilities = (await bench.get("/fhir/metadata")).json()["rest"][0]["resource"]
    (persons,) = (one for one in capabilities if one["type"] == "Person")
    assert "eye-colour" in {one["name"] for one in persons["searchParam"]}
    await put(bench, person("old1", "green"))
    assert sorted(await ids(bench, "Person?eye-colour=brown")) == ["new", "old3"]

    await put(bench, of_persons(status="retired"))
    assert "no search parameter" in (await bench.get("/fhir/Person?eye-colour=brown")).text
    assert await server.value("select count(*) from concept where param >= 10000") > 0
    await carry_out(server)
    assert await server.value("select count(*) from index_token where h in (select h from concept where param >= 10000)") == 0


async def test_a_new_expression_is_a_new_parameter(server: Server, bench: httpx.AsyncClient) -> None:
    await put(bench, {**person("one"), "gender": "female"})
    await put(bench, of_persons())
    await carry_out(server)
    assert await ids(bench, "Person?eye-colour=brown") == ["one"]
    await put(bench, of_persons(description="other words, same rows"))
    assert await ids(bench, "Person?eye-colour=brown") == ["one"]
    await put(bench, of_persons(expression="Person.gender"))
    await carry_out(server)
    assert await ids(bench, "Person?eye-colour=brown") == []
    assert await ids(bench, "Person?eye-colour=female") == ["one"]
    assert await server.value("select array_agg(id order by id)::text from custom_parameter") == "{10000,10001}"


async def test_what_is_not_understood_is_refused_and_a_draft_is_kept(server: Server, bench: httpx.AsyncClient) -> None:
    bad = of_persons(expression="Person.eyes")
    refused = await put(bench, bad, status=(422,))
    assert "no element 'eyes'" in refused.text
    assert "draft" in refused.text
    assert await server.value("select count(*) from custom_parameter") == 0
    await put(bench, {**bad, "status": "draft"})
    await put(bench, {**of_persons(), "id": "first"})
    taken = await put(bench, of_persons(url="https://region.example/other"), status=(409,))
    assert "SearchParameter/first" in taken.text


async def test_only_administrators_define_parameters(server: Server) -> None:
    for who, status in (("gp", 403), ("admin", 201)):
        client = await server.as_(who)
        done = await client.put("/fhir/SearchParameter/eyes", json=of_persons())
        assert done.status_code == status, (who, done.text)


async def test_deleting_the_definition_takes_it_away(server: Server, bench: httpx.AsyncClient) -> None:
    await put(bench, person("one"))
    await put(bench, of_persons())
    await carry_out(server)
    assert (await bench.delete("/fhir/SearchParameter/eyes")).status_code in (200, 204)
    assert "no search parameter" in (await bench.get("/fhir/Person?eye-colour=brown")).text


async def test_a_writer_who_does_not_know_the_parameter_yet_loses_no_row(server: Server, bench: httpx.AsyncClient) -> None:
    """A transaction that began before the definition, in a process that has not looked since, writes after it; the run waits for it."""
    old = app.database(config.Settings(), server.dsn)
    await old.open()
    try:
        async with old.transaction() as tx:
            await tx.fetchval("select 1")  # it has begun,
            await put(bench, of_persons())
            running = asyncio.create_task(carry_out(server))
            await asyncio.sleep(0.8)
            assert await server.value("select state from reindex_run") == "due", "the run must wait for this transaction"
            parameters.use((), {})  # whose process knows nothing of the parameter
            tx.knows = 0
            await write(tx, SYSTEM, [Change("PUT", "Person", "late", person("late"))])
            custom_parameters.look_again()
        await running
    finally:
        await old.close()
    assert await server.value("select count(*) from index_token t join concept c using (h) where c.param >= 10000") == 1
    assert await ids(bench, "Person?eye-colour=brown") == ["late"]


async def test_a_write_prepared_before_a_definition_and_sent_after_it_is_refused(server: Server, bench: httpx.AsyncClient) -> None:
    """Its rows were made without knowing the parameter, and no transaction was open that the run could have waited for."""
    old = app.database(config.Settings(), server.dsn)
    await old.open()
    try:
        with pytest.raises(Unavailable, match="Send it again"):
            await prepared(old, put(bench, of_persons()))
        await prepared(old, asyncio.sleep(0))  # it looked again
    finally:
        await old.close()


async def prepared(db: Database, meanwhile: Awaitable[object]) -> None:
    async with db.transaction() as tx:
        await tx.later("rows", Work(forgotten=[0]))
        await meanwhile


async def test_two_servers_agree(furnished_dsn: str) -> None:
    """Both applications share this process's memory, so the second is played by its connection alone: what it writes is indexed."""
    async with running(furnished_dsn) as one, running(furnished_dsn) as other:
        here, there = await one.as_("bench"), await other.as_("bench")
        await put(here, of_persons())
        await put(there, person("there"))
        await carry_out(one)
        assert await ids(there, "Person?eye-colour=brown") == ["there"]
