"""The server's clock jumps forward a day and back an hour: what is stored keeps its order, nothing asked for since then is missed, nobody
sees more or longer, and what waits for a time does not wait for the clock to catch up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from tests.http.bulk.asking import lines, manifest, names
from tests.http.house import Server, running
from tests.http.test_interactions import FHIR, observation
from tests.jobs.queueing import Json, enqueue, entry, until_idle
from yilian import jobs
from yilian.access import grounds
from yilian.db import Database
from yilian.exchange.subscriptions.collect import held
from yilian.exchange.subscriptions.rows import Subscription
from yilian.exchange.subscriptions.upkeep import _due
from yilian.jobs import Job, Kind, Periodic, Worker
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM

FORWARD, BACK = timedelta(days=1), timedelta(hours=-1)


class Clock:
    """A clock that can be set. `by`: how far it is from the right time."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.fixture
async def server(furnished_dsn: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(furnished_dsn, bulk_folder=str(tmp_path)) as started:
        yield started


@pytest.fixture
def clock(server: Server) -> Clock:
    found = Clock()
    server.application.fhir.house.db.clock = found
    return found


async def create(client: httpx.AsyncClient) -> Json:
    answer = await client.post("/fhir/Observation", json=observation(), headers=FHIR)
    assert answer.status_code == 201, answer.text
    return cast(Json, answer.json())


async def update(client: httpx.AsyncClient, id: str, note: str) -> Json:
    answer = await client.put(f"/fhir/Observation/{id}", json={**observation(note=[{"text": note}]), "id": id}, headers=FHIR)
    assert answer.status_code == 200, answer.text
    return cast(Json, answer.json())


def dated(resource: Json) -> str:
    return str(resource["meta"]["lastUpdated"])


async def history(client: httpx.AsyncClient, asked: str) -> list[str]:
    """The versions on all pages, as `id/version`."""
    found: list[str] = []
    url: str | None = f"/fhir/{asked}"
    while url is not None:
        page = (await client.get(url)).json()
        assert page["resourceType"] == "Bundle", page
        found += [f"{e['resource']['id']}/{e['resource']['meta']['versionId']}" for e in page.get("entry", []) if "resource" in e]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return found


async def signed_in_at(server: Server, clock: Clock, by: timedelta, who: str = "gp") -> httpx.AsyncClient:
    """Somebody who signs in while the clock is `by` wrong."""
    clock.by = by
    database = Database(server.dsn, Hooks(validate=lambda resource: []), clock=clock)
    await database.open()
    try:
        from yilian.access import tokens

        async with database.transaction() as tx:
            issue = tokens.issue_for_client if who == "bench" else tokens.issue_for_user
            server.tokens[who] = await issue(tx, who)
    finally:
        await database.close()
    return await server.as_(who)


async def test_versions_and_what_is_asked_for_since_keep_their_order(server: Server, clock: Clock) -> None:
    gp = await signed_in_at(server, clock, FORWARD)
    first = await create(gp)
    second = await update(gp, first["id"], "tomorrow")
    gp = await signed_in_at(server, clock, timedelta())
    third = await update(gp, first["id"], "today")
    gp = await signed_in_at(server, clock, BACK)
    fourth = await update(gp, first["id"], "an hour ago")
    other = await create(gp)
    stamps = [dated(one) for one in (first, second, third, fourth, other)]
    assert stamps == sorted(stamps)
    assert dated(other) > dated(second)
    assert dated(second)[:10] == (datetime.now(UTC) + FORWARD).isoformat()[:10]
    versions = [f"{first['id']}/{n}" for n in (1, 2, 3, 4)]
    assert await history(gp, f"Observation/{first['id']}/_history?_count=1") == versions[::-1]
    assert await history(gp, f"Observation/{first['id']}/_history?_count=1&_sort=_lastUpdated") == versions
    assert await history(gp, "Observation/_history?_count=2&_sort=_lastUpdated") == [*versions, f"{other['id']}/1"]
    since = await history(gp, f"Observation/_history?_since={dated(third)}")
    assert {f"{first['id']}/4", f"{other['id']}/1"} <= set(since)
    found = (await gp.get(f"/fhir/Observation?_lastUpdated=gt{dated(third)}&_sort=_lastUpdated")).json()
    assert [e["resource"]["id"] for e in found["entry"]] == [first["id"], other["id"]]


async def test_pages_begun_before_the_clock_was_set_back_end_where_they_would_have(server: Server, clock: Clock) -> None:
    gp = await server.as_("gp")
    made = [(await create(gp))["id"] for _ in range(4)]
    page = (await gp.get("/fhir/Observation?_sort=_lastUpdated&_count=2")).json()
    shown = [e["resource"]["id"] for e in page["entry"]]
    clock.by = BACK
    gp = await signed_in_at(server, clock, BACK)
    late = (await create(gp))["id"]
    rest = (await gp.get(next(link["url"] for link in page["link"] if link["relation"] == "next"))).json()
    shown += [e["resource"]["id"] for e in rest["entry"]]
    rest = (await gp.get("/fhir/Observation?_sort=_lastUpdated&_count=9")).json()
    assert shown == made
    assert [e["resource"]["id"] for e in rest["entry"]] == [*made, late]


async def test_once_the_clock_has_caught_up_it_is_believed_again(dsn: str) -> None:
    from yilian.store import moments
    from yilian.store.change import Change
    from yilian.store.write import write

    clock = Clock()
    db = Database(dsn, Hooks(validate=lambda resource: []), clock=clock)
    await db.open()

    async def put(name: str) -> datetime:
        async with db.transaction() as tx:
            (done,) = await write(tx, SYSTEM, [Change("PUT", "Location", "l", {"resourceType": "Location", "id": "l", "name": name})])
        return done.updated

    try:
        before = await put("one")
        clock.by = BACK
        assert await put("two") == before + moments.MILLISECOND
        assert await put("three") == before + 2 * moments.MILLISECOND
        assert db.went_back
        clock.by = timedelta(seconds=5)
        after = await put("four")
        assert not db.went_back
        assert abs(after - clock()) < timedelta(seconds=3)
    finally:
        await db.close()


async def test_an_export_since_the_last_one_misses_nothing_that_was_written_after_the_clock_was_set_back(
    server: Server, clock: Clock
) -> None:
    gp, bench = await server.as_("gp"), await server.as_("bench")
    before = await create(gp)
    first = await manifest(bench, "/fhir/$export?_type=Observation")
    assert names(await lines(bench, first["output"])) == {f"Observation/{before['id']}"}
    gp = await signed_in_at(server, clock, BACK)
    bench = await signed_in_at(server, clock, BACK, "bench")
    after = await create(gp)
    second = await manifest(bench, f"/fhir/$export?_type=Observation&_since={first['transactionTime']}")
    assert f"Observation/{after['id']}" in names(await lines(bench, second["output"]))
    whole = await manifest(bench, "/fhir/$export?_type=Observation")
    assert names(await lines(bench, whole["output"])) == {f"Observation/{before['id']}", f"Observation/{after['id']}"}


async def test_tokens_end_by_the_clock_and_who_is_disabled_is_out_at_once_though_it_was_set_back(server: Server, clock: Clock) -> None:
    gp = await server.as_("gp")
    assert (await gp.get("/fhir/Patient/p1")).status_code == 200
    clock.by = FORWARD
    answer = await gp.get("/fhir/Patient/p1")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (401, "login")
    clock.by = timedelta()
    assert (await gp.get("/fhir/Patient/p1")).status_code == 200, "signing in again is not needed once the clock is right"
    clock.by = BACK
    await server.value("update account set disabled = now() where name = 'gp' returning 1")
    assert (await gp.get("/fhir/Patient/p1")).status_code == 401


async def test_the_servers_clock_neither_opens_nor_closes_a_record_and_the_trail_names_the_ground(server: Server, clock: Clock) -> None:
    institution, patient = "(select rid from resource where id = $1)", "(select rid from resource where id = 'p1')"
    await server.value(f"update access_ground set until = now() - interval '1 minute' where patient = {patient} returning 1")
    own = await server.value(f"select i.id from access_ground g join resource i on i.rid = g.institution where g.patient = {patient}")
    db = Database(server.dsn, Hooks(validate=lambda resource: []), clock=clock)
    await db.open()
    try:
        for by, days, status in ((FORWARD, 0.5, 200), (BACK, 0.5, 200), (BACK, 0, 404), (FORWARD, 0, 404)):
            gp = await signed_in_at(server, clock, by)
            rid, here = await server.value(f"select {patient}"), await server.value(f"select {institution}", own)
            async with db.transaction() as tx:
                await grounds.open_referral_ground(tx, here, rid, 77)
                await grounds.close_ground(tx, 77, tx.now + timedelta(days=days))
            assert (await gp.get("/fhir/Patient/p1")).status_code == status, (by, days)
            if status == 200:
                await asyncio.sleep(0.5)
                assert await server.value("select ground from audit_event where subtype = 'read' order by seq desc limit 1") == "referral"
    finally:
        await db.close()


async def test_what_a_lost_worker_held_is_taken_up_though_the_databases_clock_was_set_back(db: Database) -> None:
    done: list[int] = []

    async def handler(db: Database, job: Job) -> None:
        done.append(job.id)

    id = await enqueue(db, "x")
    async with db.transaction() as tx:  # as it stands after the clock has been set back an hour
        await tx.execute(
            "update job set state = 'running', worker = 'gone', attempt = 1, lease = now() + interval '1 hour' where id = $1", id
        )
    worker = Worker(db, {"x": Kind(handler)}, lease=timedelta(seconds=1))
    worker.start()
    try:
        await until_idle(db, 30)
    finally:
        await worker.stop()
    assert done == [id]
    assert (await entry(db, id)).attempt == 2


async def test_what_is_done_every_minute_does_not_wait_for_the_clock_to_catch_up(db: Database) -> None:
    done = asyncio.Event()

    async def handler(db: Database, job: Job) -> None:
        done.set()

    async with db.transaction() as tx:
        await tx.execute("insert into job_schedule (name, next_at) values ('every', now() + interval '1 hour 1 minute')")
    worker = Worker(db, {"x": Kind(handler)}, periodic=[Periodic("every", "x", timedelta(minutes=1))])
    worker.start()
    try:
        await asyncio.wait_for(done.wait(), 20)
    finally:
        await worker.stop()
    async with db.reading() as tx:
        ahead = await tx.fetchval("select next_at - now() from job_schedule where name = 'every'")
    assert timedelta() < ahead <= timedelta(minutes=1), "and the next time is a minute from now, not an hour"


async def test_a_receiver_is_left_alone_no_longer_than_its_pause_and_hears_heartbeats_though_the_clock_was_set_back(db: Database) -> None:
    async with db.transaction() as tx:

        def row(**more: Any) -> Subscription:
            definition = SimpleNamespace(channel="rest-hook", heartbeat_s=60)
            told = {"rid": 1, "state": "active", "delivered": 0, "events": 0, "failures": 3, "retry_at": None, "last_sent": None}
            return cast(Subscription, SimpleNamespace(**(told | {"definition": definition} | more)))

        assert await held(row(retry_at=tx.now + timedelta(seconds=5)), tx) == timedelta(seconds=5)
        assert await held(row(retry_at=tx.now + timedelta(hours=1)), tx) == timedelta(seconds=8)
        assert await held(row(retry_at=tx.now + timedelta(hours=3), failures=40), tx) == timedelta(minutes=15)
        assert await held(row(retry_at=tx.now - FORWARD), tx) == timedelta()
        assert await _due(row(last_sent=tx.now - timedelta(seconds=30)), tx) is None
        assert isinstance(await _due(row(last_sent=tx.now + timedelta(hours=1)), tx), jobs.NewJob)
