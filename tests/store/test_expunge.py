"""Removed for good: what goes, what stays, and what keeps it from being done."""

from __future__ import annotations

import hashlib

import pytest

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database
from yilian.errors import BadRequest, Conflict, Gone, MethodNotAllowed, NotFound
from yilian.fhir.definitions import type_id
from yilian.store import history, read
from yilian.store.expunge import Expunged, expunge
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, write

ADMIN = Scope("nothing", user="admin", agent="Practitioner/admin", name="管理员", roles=frozenset({"admin"}), writes=frozenset())
REASON = "写错患者,应患者要求删除"


async def remove(db: Database, type: str, id: str, versions: list[int] | None = None, scope: Scope = ADMIN) -> Expunged:
    async with db.transaction() as tx:
        return await expunge(tx, scope, type, id, reason=REASON, versions=versions)


async def test_nothing_of_it_is_left_but_that_it_was_done(db: Database) -> None:
    await put(db, patient("wang"))
    first = await put(db, observation("wang", "o", valueString="secret"))
    await put(db, observation("wang", "o", valueString="secret as well"))
    done = await remove(db, "Observation", "o")
    assert list(done.versions) == [1, 2]
    assert done.versions[1] == hashlib.sha256(first.body).hexdigest()
    async with db.reading() as tx:
        for table in ("resource", "history"):
            assert await tx.fetchval(f"select count(*) from {table} where body like '%secret%'") == 0
        tables = await tx.fetch("select table_name from information_schema.columns where column_name = 'rid' and table_name like 'index_%'")
        assert len(tables) >= 9
        for row in tables:
            assert await tx.fetchval(f"select count(*) from {row['table_name']} where rid = $1", first.rid) == 0
        kept = await tx.fetchrow("select * from expunged")
        assert (kept["type"], kept["id"], kept["whole"], kept["versions"]) == (type_id("Observation"), "o", True, [1, 2])
        assert (kept["reason"], kept["account"], kept["hashes"][0].hex()) == (REASON, "admin", done.versions[1])
        with pytest.raises(Gone):
            await read.by_id(tx, SYSTEM, "Observation", "o")
        assert [(one.version, one.body) for one, _ in (await history.versions(tx, SYSTEM, "Observation", "o")).versions] == [(3, b"")]


async def test_the_record_cannot_be_altered(db: Database) -> None:
    await put(db, patient("wang"))
    await remove(db, "Patient", "wang")
    async with db.reading() as tx:
        for sql in ("update expunged set reason = 'something else'", "delete from expunged", "truncate expunged"):
            with pytest.raises(Exception, match="append-only"):
                await tx.execute(sql)


async def test_its_id_is_not_used_again_with_the_first_version(db: Database, region: Region) -> None:
    await put(db, observation("here", "o"), region.qingshi)
    await remove(db, "Observation", "o")
    with pytest.raises(MethodNotAllowed):
        await put(db, observation("here", "o"), region.qingshi)
    async with db.reading() as tx:
        with pytest.raises(NotFound):
            await read.by_id(tx, region.qingshi, "Observation", "o")
        with pytest.raises(NotFound):
            await history.versions(tx, region.qingshi, "Observation", "o")
    assert (await put(db, observation("here", "o"))).version == 3, "a system of the region may, and goes on counting"
    with pytest.raises(NotFound):
        await remove(db, "Observation", "never")


async def test_what_was_deleted_before_is_removed_as_well_and_only_once(db: Database) -> None:
    await put(db, patient("wang"))
    await delete(db, "Patient", "wang")
    assert list((await remove(db, "Patient", "wang")).versions) == [1]
    with pytest.raises(NotFound):
        await remove(db, "Patient", "wang")


async def test_what_is_referred_to_stays(db: Database, region: Region) -> None:
    await put(db, observation("here", "o"))
    await put(db, observation("here", "p", hasMember=[{"reference": "Observation/o"}]))
    for scope, named in ((ADMIN, False), (region.qingshi, True)):
        with pytest.raises(Conflict) as refused:
            await remove(db, "Observation", "o", scope=scope)
        assert "referred to by 1 resources" in str(refused.value)
        assert ("Observation/p" in str(refused.value)) is named
    async with db.reading() as tx:
        assert (await read.by_id(tx, SYSTEM, "Observation", "o")).version == 1
        assert await tx.fetchval("select count(*) from expunged") == 0


async def test_a_patient_stays_while_anything_is_about_them(db: Database, region: Region) -> None:
    await put(db, observation("here", "o"))
    with pytest.raises(Conflict, match="referred to by"):
        await remove(db, "Patient", "here")
    await delete(db, "Observation", "o")
    with pytest.raises(Conflict, match="2 versions of other resources, deleted ones included"):
        await remove(db, "Patient", "here")
    await remove(db, "Observation", "o")
    await remove(db, "Patient", "here")
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from access_ground where patient = $1", region.qingshi_patient.rid) == 0


async def test_older_versions_go_and_the_current_one_stays(db: Database) -> None:
    for gender in ("male", "female", "other", "unknown"):
        await put(db, patient("wang", gender=gender))
    assert list((await remove(db, "Patient", "wang", [2])).versions) == [2]
    async with db.reading() as tx:
        with pytest.raises(NotFound):
            await read.version(tx, SYSTEM, "Patient", "wang", 2)
        assert [one.version for one, _ in (await history.versions(tx, SYSTEM, "Patient", "wang")).versions] == [4, 3, 1]
    for version in (4, 2, 9):
        with pytest.raises(BadRequest):
            await remove(db, "Patient", "wang", [version])
    assert list((await remove(db, "Patient", "wang", [])).versions) == [1, 3]
    async with db.reading() as tx:
        assert (await read.by_id(tx, SYSTEM, "Patient", "wang")).version == 4


async def test_a_version_that_is_referred_to_stays(db: Database) -> None:
    await put(db, patient("wang"))
    await put(db, patient("wang", gender="other"))
    await put(db, patient("wang", gender="unknown"))
    await put(db, observation("wang", "o", focus=[{"reference": "Patient/wang/_history/2"}]))
    with pytest.raises(Conflict, match="Version 2 of Patient/wang"):
        await remove(db, "Patient", "wang", [])
    assert list((await remove(db, "Patient", "wang", [1])).versions) == [1]


@pytest.mark.parametrize("reason", ["", "    ", "why", "x" * 2001])
async def test_a_reason_has_to_be_one(db: Database, reason: str) -> None:
    await put(db, patient("wang"))
    async with db.transaction() as tx:
        with pytest.raises(BadRequest):
            await expunge(tx, ADMIN, "Patient", "wang", reason=reason)


async def test_guards_may_refuse(db: Database) -> None:
    from yilian.store.hooks import Hooks

    await put(db, patient("wang"))

    async def guard(tx: object, scope: Scope, changes: object) -> None:
        raise Conflict("not this one")

    db.hooks = Hooks(validate=lambda resource: [], guards=(guard,))
    with pytest.raises(Conflict, match="not this one"):
        await remove(db, "Patient", "wang")
    async with db.transaction() as tx:
        db.hooks = Hooks(validate=lambda resource: [])
        assert (await tx.fetchval("select ver from resource")) == 1
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "wang", patient("wang", gender="other"))])
