"""Calls of open pages: who is called, what a call says, and that it comes without the page asking."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.house import Server
from tests.notifications.conftest import Region
from tests.referral.region import refer_parameters, up
from yilian.errors import TooManyRequests
from yilian.hearing import Hearing, pause_s
from yilian.notifications import Message, Reader, tell
from yilian.notifications.callers import MOST_OF_ONE, Callers, Page
from yilian.notifications.live import MOST_BYTES, Hint, packed, send, tag_of, unpacked

hints = st.builds(
    Hint,
    st.sampled_from(("inbox", "referrals")),
    st.integers(0, 2**32 - 1),
    st.frozensets(st.integers(1, 10**9), max_size=40),
    st.frozensets(st.text(max_size=20), max_size=5),
    st.frozensets(st.integers(1, 10**9), max_size=5),
)


@given(st.lists(hints, max_size=60))
def test_hints_come_out_as_they_went_in_and_fit_a_notify(some: list[Hint]) -> None:
    payloads = list(packed(some))
    assert all(len(one.encode()) < MOST_BYTES + 1000 for one in payloads)
    assert [one for payload in payloads for one in unpacked(payload)] == some


def test_one_that_is_too_long_is_told_to_everybody() -> None:
    (payload,) = packed([Hint("referrals", 7, frozenset(range(10**9, 10**9 + 2000)))])
    (one,) = unpacked(payload)
    assert one.concerns_everybody
    assert one.tag == 7
    assert unpacked("[[1]]") == []


@asynccontextmanager
async def page(callers: Callers, account: str = "gp", institution: int = 0) -> AsyncIterator[Page]:
    one = Page(account, institution, f"Practitioner/{account}", frozenset())
    await callers.attend(one)
    one.take()
    try:
        yield one
    finally:
        callers.leave(one)


async def test_who_is_told_something_is_called_after_the_commit_and_nobody_else(region: Region) -> None:
    callers = Callers(region.db.dsn)
    try:
        async with page(callers) as mine, page(callers, "gp2") as other:
            async with region.db.transaction() as tx:
                told = Message("referral.submit", (Reader.account("Practitioner/gp"),), "Task/1", None, {"patient": "李", "number": "1"})
                await tell(tx, told)
            await callers.wait(mine, 5)
            assert mine.take() == ([("inbox", 0)], False)
            assert other.take() == ([], False)
    finally:
        await callers.close()


async def test_a_page_that_was_not_heard_looks_at_everything_when_the_connection_is_back(region: Region) -> None:
    callers = Callers(region.db.dsn)
    try:
        async with page(callers) as mine:
            await cut(region, "yilian live")
            send(region.db, Hint("inbox", agents=frozenset({"Practitioner/gp"})))
            await asyncio.sleep(0.2)
            await callers.wait(mine, 5)
            assert mine.take()[1]
    finally:
        await callers.close()


async def cut(region: Region, name: str) -> int:
    """Cut the connections of this name in this database; how many there were."""
    async with region.db.transaction() as tx:
        rows = await tx.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()", name
        )
    return len(rows)


async def test_who_waits_when_the_connection_is_cut_is_called_as_soon_as_it_is_back(region: Region) -> None:
    callers = Callers(region.db.dsn)
    try:
        async with page(callers) as mine:
            waiting = asyncio.create_task(callers.wait(mine, 30))
            assert await cut(region, "yilian live") == 1
            async with asyncio.timeout(20):
                await waiting
            assert mine.take() == ([], True)
            send(region.db, Hint("inbox", agents=frozenset({"Practitioner/gp"})))
            await callers.wait(mine, 5)
            assert mine.take() == ([("inbox", 0)], False)
    finally:
        await callers.close()


async def test_a_database_that_is_away_is_asked_with_growing_pauses_until_it_is_back(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    connect = asyncpg.connect

    async def at_the_fifth(*args: object, **more: object) -> object:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 5:
            raise ConnectionRefusedError("away")
        return await connect(dsn)

    monkeypatch.setattr(asyncpg, "connect", at_the_fifth)
    missed = asyncio.Event()
    hearing = Hearing(dsn, "c", lambda payload: None, missed.set, name="yilian test", chance=lambda: 0.0)
    await hearing.begin()
    await asyncio.gather(*(hearing.begin() for _ in range(20)))
    assert len(times) == 1, "who asks again does not hurry it"
    assert not hearing.hears
    async with asyncio.timeout(20):
        await missed.wait()
    assert hearing.hears
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(pause >= pause_s(nth + 1, 0.0) for nth, pause in enumerate(pauses))
    await hearing.close()
    await hearing.begin()
    assert not hearing.hears
    assert [pause_s(nth, 0.0) for nth in (0, 1, 7, 1000)] == [0.1, 0.2, 10.0, 10.0]


async def test_one_account_has_only_so_many_pages(region: Region) -> None:
    callers = Callers(region.db.dsn)
    try:
        for _ in range(MOST_OF_ONE):
            await callers.attend(Page("gp", 0, "", frozenset()))
        with pytest.raises(TooManyRequests):
            await callers.attend(Page("gp", 0, "", frozenset()))
        async with page(callers, "gp2"):
            pass
    finally:
        await callers.close()


async def test_events_are_for_who_is_signed_in(server: Server) -> None:
    answer = await server.nobody().get("/events")
    assert answer.status_code == 401
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_referral_calls_both_sides_with_nothing_but_topic_and_tag(server: Server) -> None:
    callers = Callers(server.dsn)
    rids = [int(await server.value("select rid from resource where id = $1", id)) for id in ("qingshi", "liuhe", "first")]
    try:
        async with page(callers, "gp", rids[0]) as ours, page(callers, "gp2", rids[1]) as theirs, page(callers, "expert", rids[2]) as other:
            head = await server.as_("gp2")
            answer = await head.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3", to="county")))
            assert answer.status_code == 201, answer.text
            task = next(part["resource"] for part in answer.json()["parameter"] if part["name"] == "task")
            await callers.wait(theirs, 5)
            await asyncio.sleep(0.3)
            assert ("referrals", tag_of(f"Task/{task['id']}")) in theirs.take()[0]
            assert ours.take() == other.take() == ([], False)
    finally:
        await callers.close()
