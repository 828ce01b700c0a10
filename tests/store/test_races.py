"""Two at once, on connections of their own: exactly one wins, and nobody loses what was acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from tests.store.region import delete, observation, patient, put
from yilian.db import Database
from yilian.errors import Conflict, InvalidResource, Unavailable, VersionStale
from yilian.store import bundle, find, read
from yilian.store.scope import SYSTEM
from yilian.store.write import Change, Written, write


async def outcomes(*attempts: Awaitable[Written]) -> tuple[list[Written], list[BaseException]]:
    results = await asyncio.gather(*attempts, return_exceptions=True)
    return [r for r in results if not isinstance(r, BaseException)], [r for r in results if isinstance(r, BaseException)]


async def test_of_two_updates_of_one_version_exactly_one_wins(db: Database) -> None:
    await put(db, patient("wang"))
    for version in range(1, 8):
        won, lost = await outcomes(*(put(db, patient("wang", name=[{"text": f"{version}-{n}"}]), if_match=version) for n in range(4)))
        assert [done.version for done in won] == [version + 1]
        assert [type(error) for error in lost] == [VersionStale] * 3


async def test_updates_without_a_version_each_make_one(db: Database) -> None:
    await put(db, patient("wang"))
    won, lost = await outcomes(*(put(db, patient("wang", name=[{"text": str(n)}])) for n in range(12)))
    assert not lost
    assert sorted(done.version for done in won) == list(range(2, 14))
    async with db.reading() as tx:
        assert await tx.fetchval("select array_agg(ver order by ver) from history") == list(range(1, 13))


async def test_of_many_who_create_under_one_id_one_creates(db: Database) -> None:
    for n in range(5):
        won, lost = await outcomes(*(put(db, patient(f"p{n}", name=[{"text": str(i)}])) for i in range(4)))
        assert sum(done.created for done in won) == 1
        assert all(isinstance(error, Conflict) for error in lost)
        async with db.reading() as tx:
            assert (await read.by_id(tx, SYSTEM, "Patient", f"p{n}")).version == len(won)


async def test_of_many_who_create_if_there_is_none_one_creates(db: Database) -> None:
    won, lost = await outcomes(*(put(db, patient("p", name=[{"text": str(i)}]), if_none_match_any=True) for i in range(6)))
    assert [done.created for done in won] == [True]
    assert all(isinstance(error, Conflict | VersionStale) for error in lost)


async def test_of_two_conditional_creations_one_creates(db: Database) -> None:
    async def create(n: int) -> bool:
        condition = [("identifier", f"urn:oid:2.16.156.10011.1.3|{n // 4}")]
        async with db.transaction() as tx:
            if await find.only(tx, SYSTEM, "Patient", condition, creating=True) is not None:
                return False
            await asyncio.sleep(0.01)
            identified = patient(identifier=[{"system": "urn:oid:2.16.156.10011.1.3", "value": str(n // 4)}])
            await write(tx, SYSTEM, [Change("POST", "Patient", None, identified)])
        return True

    made = await asyncio.gather(*(create(n) for n in range(12)))
    assert [sum(made[n : n + 4]) for n in (0, 4, 8)] == [1, 1, 1]


async def test_of_two_transactions_with_one_condition_one_creates(db: Database) -> None:
    def conditional(n: int) -> dict[str, object]:
        identified = {"resourceType": "Organization", "name": str(n), "identifier": [{"system": "http://usci", "value": "1"}]}
        request = {"method": "POST", "url": "Organization", "ifNoneExist": "identifier=http://usci|1"}
        return {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": identified, "request": request}]}

    async def send(n: int) -> str:
        async with db.transaction() as tx:
            answer = await bundle.transaction(tx, SYSTEM, conditional(n))
        return str(answer["entry"][0]["response"]["status"])

    assert sorted(await asyncio.gather(*(send(n) for n in range(5)))) == ["200 OK"] * 4 + ["201 Created"]


async def test_a_target_is_not_deleted_under_a_new_reference(db: Database) -> None:
    for n in range(10):
        id = f"p{n}"
        await put(db, patient(id))
        won, lost = await outcomes(put(db, observation(id)), delete(db, "Patient", id))
        assert len(won) == 1, "either the reference stands or the deletion"
        assert isinstance(lost[0], InvalidResource | Conflict | Unavailable)
        async with db.reading() as tx:
            dangling = "select count(*) from index_clinical c join resource r on r.rid = c.patient where r.deleted"
            assert await tx.fetchval(dangling) == 0


async def test_a_deletion_waits_for_a_reference_that_is_being_written(db: Database) -> None:
    await put(db, patient("wang"))
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("POST", "Observation", None, observation("wang"))])
        await tx.settle()
        deleting = asyncio.create_task(delete(db, "Patient", "wang"))
        await asyncio.sleep(0.1)
        assert not deleting.done()
    with pytest.raises(Conflict):
        await deleting


async def test_writers_of_the_same_resources_in_opposite_order_do_not_deadlock(db: Database) -> None:
    ids = [f"p{n}" for n in range(20)]
    for id in ids:
        await put(db, patient(id))

    async def all_of(order: list[str], name: str) -> None:
        async with db.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", "Patient", id, patient(id, name=[{"text": name}])) for id in order])

    await asyncio.gather(*(all_of(ids if n % 2 else ids[::-1], str(n)) for n in range(8)))
    async with db.reading() as tx:
        assert await tx.fetchval("select array_agg(distinct ver) from resource") == [9]


async def test_a_deadlock_is_answered_with_send_it_again(db: Database) -> None:
    for id, gender in (("a", "male"), ("b", "other"), ("a", "unknown"), ("b", "unknown")):  # no word is new later
        await put(db, patient(id, gender=gender))
    both = asyncio.Barrier(2)

    async def crossing(first: str, second: str) -> None:
        async with db.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", "Patient", first, patient(first, gender="male"))])
            await both.wait()
            await write(tx, SYSTEM, [Change("PUT", "Patient", second, patient(second, gender="other"))])

    results = await asyncio.gather(crossing("a", "b"), crossing("b", "a"), return_exceptions=True)
    (error,) = [result for result in results if result is not None]
    assert isinstance(error, Unavailable)
    assert error.retry_after_s


async def test_new_words_written_by_many_at_once_are_spelled_out_once(db: Database) -> None:
    def coded(n: int) -> Change:
        codings = [{"system": f"http://s{i % 7}", "code": str(i)} for i in range(30)]
        resource = {
            "resourceType": "Basic",
            "code": {"coding": codings if n % 2 else codings[::-1]},
            "identifier": [{"system": f"http://id{i}", "value": "1"} for i in range(5)],
        }
        return Change("POST", "Basic", None, resource)

    async def one(n: int) -> None:
        async with db.transaction() as tx:
            await write(tx, SYSTEM, [coded(n)])

    await asyncio.gather(*(one(n) for n in range(8)))
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from concept") == 30
        assert await tx.fetchval("select count(*) from namespace") == 5
