"""Create, read, update and delete one resource: what comes back is what went in, and every version is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from tests.store.region import delete, observation, patient, put
from yilian.db import Database, Tx
from yilian.errors import BadRequest, Conflict, Gone, InvalidResource, Issue, NotFound, VersionStale
from yilian.fhir.json import dump, parse
from yilian.store import read
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, Written, write


async def current(db: Database, type: str, id: str) -> read.Stored:
    async with db.reading() as tx:
        return await read.by_id(tx, SYSTEM, type, id)


async def test_a_resource_comes_back_as_it_went_in(db: Database) -> None:
    sent = parse(
        b'{"resourceType":"Observation","status":"final","code":{"text":"\xe8\xa1\x80\xe7\xb3\x96"},'
        b'"valueQuantity":{"value":6.0,"unit":"mmol/L"},"component":[{"code":{"text":"x"},"valueQuantity":{"value":0.30000000000000004000}},'
        b'{"code":{"text":"y"},"valueQuantity":{"value":1e-7}}],"meta":{"tag":[{"code":"a"}]}}'
    )
    done = await put(db, sent)
    stored = await current(db, "Observation", done.id)
    assert stored.body == done.body
    back = parse(stored.body)
    assert list(back)[:3] == ["resourceType", "id", "meta"]
    meta = back.pop("meta")
    assert meta == {"versionId": "1", "lastUpdated": meta["lastUpdated"], "tag": [{"code": "a"}]}
    assert back.pop("id") == done.id
    expected = {key: value for key, value in sent.items() if key != "meta"}
    assert dump(back) == dump(expected)
    assert b'"value":6.0,' in stored.body
    assert b"0.30000000000000004000" in stored.body
    assert back["component"][1]["valueQuantity"]["value"] == Decimal("1e-7")


async def test_what_was_sent_is_not_altered(db: Database) -> None:
    sent = patient(meta={"profile": ["http://example.org/p"]})
    before = parse(dump(sent))
    await put(db, sent)
    assert sent == before


async def test_the_time_of_a_version_is_in_milliseconds_with_an_offset(db: Database) -> None:
    db.clock = lambda: datetime(2026, 2, 28, 23, 59, 59, 123987, tzinfo=UTC)
    done = await put(db, patient())
    assert done.updated == datetime(2026, 2, 28, 23, 59, 59, 123000, tzinfo=UTC)
    assert parse(done.body)["meta"]["lastUpdated"] == "2026-02-28T23:59:59.123Z"


async def test_ids_come_from_the_id_source(db: Database) -> None:
    numbers = count(1)
    db.ids = lambda: f"made-{next(numbers)}"
    assert [(await put(db, patient())).id for _ in range(2)] == ["made-1", "made-2"]


async def test_a_put_to_a_free_id_creates(db: Database) -> None:
    done = await put(db, patient("wang"))
    assert (done.created, done.version, done.id) == (True, 1, "wang")


async def test_an_update_makes_a_new_version_and_keeps_the_old(db: Database) -> None:
    first = await put(db, patient("wang"))
    second = await put(db, patient("wang", gender="other"))
    assert (second.created, second.version, second.previous) == (False, 2, first.body)
    assert (await current(db, "Patient", "wang")).body == second.body
    async with db.reading() as tx:
        assert (await read.version(tx, SYSTEM, "Patient", "wang", 1)).body == first.body
        assert (await read.version(tx, SYSTEM, "Patient", "wang", 2)).body == second.body
        with pytest.raises(NotFound):
            await read.version(tx, SYSTEM, "Patient", "wang", 3)
        with pytest.raises(NotFound):
            await read.version(tx, SYSTEM, "Patient", "wang", 2**40)


async def test_the_time_of_a_version_never_runs_backwards(db: Database) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    db.clock = lambda: start
    first = await put(db, patient("wang"))
    db.clock = lambda: start - timedelta(hours=1)
    second = await put(db, patient("wang", gender="other"))
    assert second.updated == first.updated + timedelta(milliseconds=1)


async def test_an_update_with_the_same_content_makes_no_new_version(db: Database) -> None:
    first = await put(db, patient("wang", meta={"tag": [{"code": "a"}]}))
    again = await put(db, patient("wang", meta={"tag": [{"code": "a"}], "versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z"}))
    assert (again.unchanged, again.created, again.version, again.body) == (True, False, 1, first.body)
    other_tag = await put(db, patient("wang", meta={"tag": [{"code": "b"}]}))
    assert (other_tag.unchanged, other_tag.version) == (False, 2)


async def test_a_finer_precision_is_a_change(db: Database) -> None:
    await put(db, observation_of(b"6.0"))
    assert (await put(db, observation_of(b"6.0"))).unchanged
    assert (await put(db, observation_of(b"6.00"))).version == 2


def observation_of(value: bytes) -> dict[str, object]:
    return parse(b'{"resourceType":"Observation","id":"k","status":"final","code":{"text":"K"},"valueQuantity":{"value":' + value + b"}}")


async def test_a_stale_version_is_refused(db: Database) -> None:
    await put(db, patient("wang"))
    await put(db, patient("wang", gender="other"))
    with pytest.raises(VersionStale, match="version 2 now"):
        await put(db, patient("wang", gender="male"), if_match=1)
    done = await put(db, patient("wang", gender="male"), if_match=2)
    assert done.version == 3
    with pytest.raises(VersionStale, match="not there"):
        await put(db, patient("nobody"), if_match=1)


async def test_if_none_match_creates_once(db: Database) -> None:
    await put(db, patient("wang"), if_none_match_any=True)
    with pytest.raises(VersionStale, match="exists already"):
        await put(db, patient("wang", gender="other"), if_none_match_any=True)


async def test_a_deleted_resource_is_gone_and_its_versions_stay(db: Database) -> None:
    first = await put(db, patient("wang"))
    done = await delete(db, "Patient", "wang")
    assert (done.deleted, done.version, done.previous, done.body) == (True, 2, first.body, b"")
    async with db.reading() as tx:
        with pytest.raises(Gone):
            await read.by_id(tx, SYSTEM, "Patient", "wang")
        with pytest.raises(Gone):
            await read.version(tx, SYSTEM, "Patient", "wang", 2)
        assert (await read.version(tx, SYSTEM, "Patient", "wang", 1)).body == first.body


async def test_deleting_twice_changes_nothing(db: Database) -> None:
    await put(db, patient("wang"))
    await delete(db, "Patient", "wang")
    again = await delete(db, "Patient", "wang")
    assert (again.unchanged, again.deleted, again.version) == (True, True, 2)
    with pytest.raises(NotFound):
        await delete(db, "Patient", "nobody")


async def test_versions_go_on_counting_through_a_deletion(db: Database) -> None:
    await put(db, patient("wang"))
    await delete(db, "Patient", "wang")
    with pytest.raises(VersionStale):
        await put(db, patient("wang"), if_match=2)
    back = await put(db, patient("wang"))
    assert (back.created, back.version, back.previous) == (True, 3, None)
    assert (await current(db, "Patient", "wang")).version == 3


async def test_a_patch_works_on_the_version_that_is_there(db: Database) -> None:
    await put(db, patient("wang"))
    async with db.transaction() as tx:
        (done,) = await write(tx, SYSTEM, [Change("PATCH", "Patient", "wang", None, patch=lambda now: {**now, "gender": "other"})])
    assert (done.version, parse(done.body)["gender"]) == (2, "other")
    with pytest.raises(NotFound):
        async with db.transaction() as tx:
            await write(tx, SYSTEM, [Change("PATCH", "Patient", "nobody", None, patch=lambda now: now)])


async def test_what_is_invalid_is_refused_with_every_fault(db: Database) -> None:
    faults = [Issue("error", "value", "bad", "Patient.gender"), Issue("warning", "value", "odd", "Patient.name")]
    db.hooks = Hooks(validate=lambda resource: faults)
    with pytest.raises(InvalidResource) as refused:
        await put(db, patient("wang"))
    assert [issue.expression for issue in refused.value.issues] == ["Patient.gender"]
    db.hooks = Hooks(validate=lambda resource: faults[1:])
    assert (await put(db, patient("wang"))).created


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Change("PUT", "Patient", "a/b", {"resourceType": "Patient"}), BadRequest),
        (Change("PUT", "Patient", "x" * 65, {"resourceType": "Patient"}), BadRequest),
        (Change("PUT", "Patient", "a\n", {"resourceType": "Patient"}), BadRequest),
        (Change("PUT", "Patient", None, {"resourceType": "Patient"}), BadRequest),
        (Change("PUT", "Patient", "a", {"resourceType": "Patient", "id": "b"}), InvalidResource),
        (Change("PUT", "Patient", "a", {"resourceType": "Practitioner"}), InvalidResource),
        (Change("POST", "Patient", None, None), InvalidResource),
        (Change("POST", "Patient", None, {"resourceType": "Patient", "meta": []}), InvalidResource),
        (Change("PATCH", "Patient", "a", None), BadRequest),
    ],
)
async def test_a_malformed_change_is_refused(db: Database, change: Change, error: type[Exception]) -> None:
    async with db.transaction() as tx:
        with pytest.raises(error):
            await write(tx, SYSTEM, [change])


async def test_one_resource_twice_in_a_write_is_refused(db: Database) -> None:
    await put(db, patient("a"))
    async with db.transaction() as tx:
        with pytest.raises(BadRequest, match="changed twice"):
            await write(tx, SYSTEM, [Change("PUT", "Patient", "a", patient("a")), Change("DELETE", "Patient", "a", None)])


async def test_guards_see_every_change_as_it_would_be_stored_and_may_refuse(db: Database) -> None:
    seen: list[Change] = []

    async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
        seen.extend(changes)
        if changes[-1].type == "Task":
            raise Conflict("not so")

    db.hooks = Hooks(validate=lambda resource: [], guards=(guard,))
    await put(db, patient("wang"))
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PATCH", "Patient", "wang", None, patch=lambda now: {**now, "gender": "other"})])
    with pytest.raises(Conflict, match="not so"):
        await put(db, {"resourceType": "Task", "status": "draft", "intent": "order"})
    assert [(change.method, change.type) for change in seen] == [("PUT", "Patient"), ("PATCH", "Patient"), ("POST", "Task")]
    assert seen[1].resource is not None
    assert seen[1].resource["gender"] == "other"
    assert seen[2].id, "the id it would get is known"
    with pytest.raises(NotFound):
        await current(db, "Task", seen[2].id)


async def test_reactions_are_told_once_of_everything_and_share_the_transaction(db: Database) -> None:
    told: list[list[Written]] = []

    async def reaction(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
        told.append(list(written))
        if len(told) > 1:
            raise Conflict("no")

    db.hooks = Hooks(validate=lambda resource: [], reactions=(reaction,))
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "a", patient("a")), Change("POST", "Observation", None, observation("a"))])
    assert [(done.type, done.patient) for done in told[0]] == [("Patient", told[0][0].rid), ("Observation", told[0][0].rid)]
    with pytest.raises(Conflict):
        await put(db, patient("a", gender="other"))
    assert told[1][0].previous == told[0][0].body
    assert (await current(db, "Patient", "a")).version == 1


async def test_many_reads_in_one_statement_leave_out_what_is_not_there(db: Database) -> None:
    await put(db, patient("a"))
    await put(db, patient("b"))
    await delete(db, "Patient", "b")
    async with db.reading() as tx:
        found = await read.many(tx, SYSTEM, [("Patient", "a"), ("Patient", "b"), ("Patient", "c"), ("Patient", "a")])
        assert list(found) == [("Patient", "a")]
        assert await read.many(tx, SYSTEM, []) == {}


async def test_the_short_way_to_read_gives_the_same(db: Database) -> None:
    await put(db, patient("a"))
    assert await read.body(db, SYSTEM, "Patient", "a") == await current(db, "Patient", "a")
    with pytest.raises(NotFound):
        await read.body(db, SYSTEM, "Patient", "b")
