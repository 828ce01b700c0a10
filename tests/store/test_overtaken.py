"""Who looks without locking and is overtaken before writing: told the truth or done again, never half done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from tests.store.region import Region, delete, observation, patient, put
from tests.store.test_races import outcomes
from yilian.db import Database, Tx
from yilian.errors import Conflict, Gone, InvalidResource, MethodNotAllowed, VersionStale
from yilian.store import read
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, Written, write

Meanwhile = Callable[[], Awaitable[Any]]


async def hopefully(db: Database, change: Change, scope: Scope = SYSTEM, meanwhile: Meanwhile | None = None) -> Written:
    """One change the short way; `meanwhile` happens once, when everything was looked at and nothing is written."""
    calls: list[Meanwhile] = [meanwhile] if meanwhile else []

    async def step(tx: Tx) -> Written:
        (done,) = await write(tx, scope, [change])
        if calls:
            await calls.pop()()
        return done

    return await db.carry_out(step)


def change(resource: dict[str, Any], **more: Any) -> Change:
    return Change("PUT" if "id" in resource else "POST", resource["resourceType"], resource.get("id"), resource, **more)


def named(id: str, text: str) -> dict[str, Any]:
    return patient(id, name=[{"text": text}])


async def test_of_many_updates_of_one_version_exactly_one_wins(db: Database) -> None:
    await put(db, patient("wang"))
    for version in range(1, 8):
        attempts = (hopefully(db, change(named("wang", f"{version}-{n}"), if_match=version)) for n in range(8))
        won, lost = await outcomes(*attempts)
        assert [done.version for done in won] == [version + 1]
        assert [type(error) for error in lost] == [VersionStale] * 7
    async with db.reading() as tx:
        assert await tx.fetchval("select array_agg(ver order by ver) from history") == list(range(1, 8))


async def test_updates_without_a_version_each_make_one(db: Database) -> None:
    await put(db, patient("wang"))
    won, lost = await outcomes(*(hopefully(db, change(named("wang", str(n)))) for n in range(24)))
    assert not lost
    assert sorted(done.version for done in won) == list(range(2, 26))
    async with db.reading() as tx:
        assert await tx.fetchval("select array_agg(ver order by ver) from history") == list(range(1, 25))
        assert await tx.fetchval("select count(distinct body) from (select body from history union all select body from resource) b") == 25


async def test_an_update_that_is_overtaken_is_stale_or_made_anew(db: Database) -> None:
    await put(db, named("wang", "1"))
    with pytest.raises(VersionStale, match="version 2 now"):
        await hopefully(db, change(named("wang", "mine"), if_match=1), meanwhile=lambda: put(db, named("wang", "2")))
    done = await hopefully(db, change(named("wang", "mine")), meanwhile=lambda: put(db, named("wang", "3")))
    assert done.version == 4
    assert b'"text":"3"' in (done.previous or b"")


async def test_a_patch_that_is_overtaken_is_applied_to_what_there_is_then(db: Database) -> None:
    await put(db, named("wang", "1"))
    seen: list[str] = []

    def married(resource: dict[str, Any]) -> dict[str, Any]:
        seen.append(resource["name"][0]["text"])
        return {**resource, "maritalStatus": {"text": resource["name"][0]["text"]}}

    patched = Change("PATCH", "Patient", "wang", None, patch=married)
    done = await hopefully(db, patched, meanwhile=lambda: put(db, named("wang", "2")))
    assert seen == ["1", "2"]
    assert done.version == 3
    assert b'"maritalStatus":{"text":"2"}' in done.body


async def test_an_update_against_a_deletion_leaves_one_of_the_two_orders(db: Database) -> None:
    for n in range(8):
        id = f"p{n}"
        await put(db, patient(id))
        won, lost = await outcomes(hopefully(db, change(named(id, "new"), if_match=1)), delete(db, "Patient", id))
        async with db.reading() as tx:
            if lost:  # deleted first
                assert [type(error) for error in lost] == [VersionStale]
                with pytest.raises(Gone):
                    await read.by_id(tx, SYSTEM, "Patient", id)
            else:  # written first, then deleted
                assert sorted(done.version for done in won) == [2, 3]
            words = await tx.fetchval("select count(*) from index_string s join resource r using (rid) where r.id = $1", id)
            assert words == 0, "a deleted resource has no index rows"


async def test_what_was_deleted_meanwhile_is_written_anew(db: Database) -> None:
    await put(db, patient("wang"))
    done = await hopefully(db, change(named("wang", "new")), meanwhile=lambda: delete(db, "Patient", "wang"))
    assert (done.version, done.created) == (3, True)
    async with db.reading() as tx:
        assert (await read.by_id(tx, SYSTEM, "Patient", "wang")).version == 3


async def test_a_target_that_is_deleted_is_refused_although_it_was_seen_before(db: Database) -> None:
    await put(db, patient("wang"))
    await put(db, patient("li"))
    await hopefully(db, change(observation("li")))
    assert db.seen, "it is remembered"
    for target in ("wang", "li"):
        if target == "li":
            async with db.transaction() as tx:
                await tx.execute("delete from index_clinical")  # nothing points to it any more
        with pytest.raises(InvalidResource) as refused:
            await hopefully(db, change(observation(target)), meanwhile=lambda target=target: delete(db, "Patient", target))  # type: ignore[misc]
        assert refused.value.issues[0].expression == "Observation.subject.reference"
    assert not db.seen, "what turned out to be gone is forgotten"
    with pytest.raises(InvalidResource):
        await hopefully(db, change(observation("li")))


async def test_creations_against_the_deletion_of_their_target_leave_no_reference_to_nothing(db: Database) -> None:
    for n in range(8):
        id = f"p{n}"
        await put(db, patient(id))
        attempts = [*(hopefully(db, change(observation(id))) for _ in range(6)), delete(db, "Patient", id)]
        won, lost = await outcomes(*attempts)
        assert len(won) == (6 if any(isinstance(error, Conflict) for error in lost) else 1)
        assert all(isinstance(error, InvalidResource | Conflict) for error in lost)
        async with db.reading() as tx:
            assert await tx.fetchval("select count(*) from index_clinical c join resource r on r.rid = c.patient where r.deleted") == 0


async def test_a_ground_that_ended_is_noticed_although_the_patient_was_seen_before(db: Database, region: Region) -> None:
    await hopefully(db, change(observation("here")), region.qingshi)
    await hopefully(db, change(observation("here")), region.qingshi)
    async with db.transaction() as tx:
        await tx.execute("delete from access_ground")
    with pytest.raises(InvalidResource, match="There is no Patient/here that you may refer to"):
        await hopefully(db, change(observation("here")), region.qingshi)
    with pytest.raises(InvalidResource):
        await hopefully(db, change(observation("here")), region.liuhe)
    assert (await hopefully(db, change(observation("here")))).created, "systems still see it"


async def test_what_one_asker_has_seen_another_has_not(db: Database, region: Region) -> None:
    await hopefully(db, change(observation("here")), region.qingshi)
    for target in ("here", "nobody"):
        with pytest.raises(InvalidResource, match=f"There is no Patient/{target} that you may refer to"):
            await hopefully(db, change(observation(target)), region.liuhe)
    made = await hopefully(db, change(observation("here")), region.qingshi)
    with pytest.raises(MethodNotAllowed, match="that you may change"):
        await hopefully(db, change(observation("there", made.id)), region.liuhe)


async def test_of_many_who_create_under_one_id_one_creates(db: Database) -> None:
    for n in range(5):
        won, lost = await outcomes(*(hopefully(db, change(named(f"p{n}", str(i)))) for i in range(6)))
        assert sum(done.created for done in won) == 1
        assert all(isinstance(error, Conflict) for error in lost)
        async with db.reading() as tx:
            assert (await read.by_id(tx, SYSTEM, "Patient", f"p{n}")).version == len(won)


class Generations:
    """A house that knows the parameters of one generation, until it is told to look again."""

    def __init__(self) -> None:
        self.knows = 1
        self.stale = False
        self.asked = 0

    async def refresh(self, tx: Tx) -> int:
        if self.stale:
            self.knows = (await tx.ahead("select generation from parameter_generation"))[0][0]
            self.stale = False
        self.asked += 1
        return self.knows

    def look_again(self) -> None:
        self.stale = True


@pytest.fixture
async def knowing(dsn: str) -> AsyncIterator[tuple[Database, Generations]]:
    generations = Generations()
    database = Database(dsn, Hooks(validate=lambda resource: [], refresh=generations.refresh, outdated=generations.look_again))
    await database.open()
    yield database, generations
    await database.close()


async def test_rows_made_by_older_parameters_are_made_anew(knowing: tuple[Database, Generations]) -> None:
    db, generations = knowing
    await put(db, patient("wang"))

    async def defined() -> None:
        connection = await asyncpg.connect(db.dsn)
        await connection.execute("update parameter_generation set generation = generation + 1")
        await connection.close()

    for sent in (patient("wang", gender="other"), observation("wang")):
        before = generations.knows
        done = await hopefully(db, change(sent), meanwhile=defined)
        assert generations.knows == before + 1
        async with db.reading() as tx:
            assert await tx.fetchval("select ver from resource where rid = $1", done.rid) == done.version


async def test_what_was_made_too_long_ago_is_made_anew(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(db, patient("wang"))  # its words are known now, or the transaction would begin with them
    monkeypatch.setattr("yilian.tx.SENT_WITHIN_S", 0.05)
    moments: list[Any] = []

    async def step(tx: Tx) -> Written:
        (done,) = await write(tx, SYSTEM, [Change("POST", "Patient", None, patient())])
        moments.append(done.updated)
        if len(moments) == 1:
            await asyncio.sleep(0.1)
        return done

    done = await db.carry_out(step)
    assert len(moments) >= 2
    async with db.reading() as tx:
        assert await tx.fetchval("select array_agg(updated) from resource where id <> 'wang'") == [done.updated]


async def test_an_error_of_the_step_is_not_tried_again(db: Database) -> None:
    calls: list[int] = []

    async def step(tx: Tx) -> None:
        calls.append(1)
        await tx.execute("insert into namespace (uri) values ('x')")
        raise Conflict("no")

    with pytest.raises(Conflict):
        await db.carry_out(step)
    assert calls == [1]
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from namespace") == 0
