"""What leaves a trace, and what it says: who, what, whose, when, on which ground."""

from __future__ import annotations

import asyncpg
import pytest

from tests.audit.conftest import Region, observation, patient
from yilian.access import grounds
from yilian.audit.record import note_read, notes_of_read
from yilian.store.scope import SYSTEM
from yilian.store.write import Change


async def test_a_write_leaves_its_trace_in_the_same_transaction(region: Region) -> None:
    await region.put(observation("o", "here"), region.gp)
    (row,) = await region.rows("account = 'gp'")
    assert (row["type"], row["subtype"], row["action"], row["outcome"]) == ("rest", "create", "C", "0")
    assert row["recorded"] == region.clock.now
    assert (row["agent"], row["name"], row["roles"], row["institution"]) == ("Practitioner/gp", "gp 医生", "gp", "Organization/qingshi")
    assert (row["client"], row["request_id"], row["address"], row["purpose"]) == ("yilian-web", "r-gp", "10.0.0.7", "TREAT")
    assert row["entities"] == ["Observation/o/_history/1"]
    assert row["patient"] == region.resident.patient_rid
    assert (row["ground"], row["ground_source"]) == ("registered", region.resident.patient_rid)


async def test_a_write_that_is_rolled_back_leaves_none(region: Region) -> None:
    async def fail() -> None:
        async with region.db.transaction() as tx:
            from yilian.store.write import write

            await write(tx, region.gp, [Change("POST", "Observation", "o", observation("o", "here"))])
            raise RuntimeError("and back")

    with pytest.raises(RuntimeError, match="and back"):
        await fail()
    assert await region.rows("account = 'gp'") == []


async def test_one_row_for_each_patient_and_kind_of_change(region: Region) -> None:
    await region.put(observation("old", "here"))
    await region.put(observation("same", "here"))
    changes = [
        Change("PUT", "Observation", "a", observation("a", "here")),
        Change("PUT", "Observation", "b", observation("b", "there")),
        Change("PUT", "Observation", "c", observation("c", "here")),
        Change("PUT", "Observation", "old", observation("old", "here", status="amended")),
        Change("PUT", "Observation", "same", observation("same", "here")),
        Change("PUT", "Location", "l", {"resourceType": "Location", "id": "l", "name": "一楼"}),
    ]
    before = len(await region.rows())
    await region.write(SYSTEM, *changes)
    await region.write(SYSTEM, Change("DELETE", "Observation", "a", None))
    rows = (await region.rows())[before:]
    assert [(row["action"], row["entities"], row["patient"] is not None) for row in rows] == [
        ("C", ["Observation/a/_history/1", "Observation/c/_history/1"], True),
        ("C", ["Observation/b/_history/1"], True),
        ("U", ["Observation/old/_history/2"], True),
        ("C", ["Location/l/_history/1"], False),
        ("D", ["Observation/a/_history/2"], True),
    ]
    assert {row["ground"] for row in rows if row["patient"]} == {"region"}


async def test_a_read_leaves_one_row_for_each_patient_concerned_with_what_was_seen(region: Region) -> None:
    for id, of in (("o1", "here"), ("o2", "there"), ("o3", "here")):
        await region.put(observation(id, of))
    log = region.log()
    found = [*await region.stored(SYSTEM, "Observation", "o1", "o2", "o3"), *await region.stored(SYSTEM, "Organization", "qingshi")]
    await note_read(log, SYSTEM, found, "search", "10.9.9.9", query="Observation?status=final", kind="Observation")
    await log.close()
    rows = await region.rows("subtype = 'search-type'")
    assert [(row["entities"], row["query"], row["action"], row["address"]) for row in rows] == [
        (["Observation/o1/_history/1", "Observation/o3/_history/1"], "Observation?status=final", "E", "10.9.9.9"),
        (["Observation/o2/_history/1"], "Observation?status=final", "E", "10.9.9.9"),
    ]


async def test_each_way_of_reading_has_its_name(region: Region) -> None:
    found = await region.stored(region.gp, "Patient", "here")
    log = region.log()
    for action in ("read", "vread", "history", "search", "everything", "timeline", "slip"):
        await note_read(
            log, region.gp, found, action, query="q" if action == "search" else "", kind="Patient" if action == "history" else ""
        )
    await log.close()
    assert [(row["subtype"], row["operation"], row["action"]) for row in await region.rows("account = 'gp'")] == [
        ("read", "", "R"),
        ("vread", "", "R"),
        ("history-instance", "", "R"),
        ("search-type", "", "E"),
        ("operation", "everything", "E"),
        ("operation", "timeline", "E"),
        ("operation", "slip", "E"),
    ]


async def test_the_directory_leaves_no_trace_and_a_search_for_people_does_even_if_it_finds_nobody(region: Region) -> None:
    (organization,) = await region.stored(region.gp, "Organization", "qingshi")
    now = region.clock.now
    assert notes_of_read(region.gp, [organization], "read", now) == []
    assert notes_of_read(region.gp, [organization], "search", now, query="Organization?name=x", kind="Organization") == []
    assert notes_of_read(region.gp, [], "search", now, query="Organization?name=x", kind="Organization") == []
    (note,) = notes_of_read(region.gp, [], "search", now, query="Patient?name=x", kind="Patient")
    assert (note.patient, note.entities, note.query) == (None, (), "Patient?name=x")
    (here,) = await region.stored(region.gp, "Patient", "here")
    (note,) = notes_of_read(region.gp, [organization, here], "search", now, query="Organization?_revinclude=x", kind="Organization")
    assert note.entities == ("Patient/here/_history/1",)


async def test_the_ground_named_is_the_most_immediate_one_there_is(region: Region) -> None:
    rid, there = region.resident.patient_rid, (await region.stored(SYSTEM, "Patient", "there"))[0].rid
    async with region.db.transaction() as tx:
        await grounds.open_referral_ground(tx, region.gp.institution_rid, there, 77)
        await tx.execute(
            "insert into access_ground (institution, patient, kind, source, until) values ($1, $2, 'encounter', 88, $3)",
            region.gp.institution_rid,
            rid,
            tx.now,
        )
        await tx.execute(
            "insert into access_ground (institution, patient, kind, source) values ($1, $2, 'consent', 99)", region.gp.institution_rid, rid
        )
    log = region.log()
    found = [*await region.stored(region.gp, "Patient", "here"), *await region.stored(region.gp, "Patient", "there")]
    await note_read(log, region.gp, found, "search", query="Patient?", kind="Patient")
    await note_read(log, region.resident, found[:1], "read")
    await note_read(log, SYSTEM, found[:1], "read")
    await log.close()
    rows = await region.rows("subtype in ('search-type', 'read')")
    assert [(row["ground"], row["ground_source"]) for row in rows] == [
        ("registered", rid),
        ("referral", 77),
        ("self", None),
        ("region", None),
    ]


async def test_the_trail_can_be_neither_changed_nor_emptied(region: Region) -> None:
    before = await region.rows()
    for statement in (
        "update audit_event set account = 'nobody'",
        "update audit_event set account = 'nobody' where false",
        "delete from audit_event",
        "delete from audit_event where seq = 1",
        "truncate audit_event",
        "truncate audit_event cascade",
    ):
        async with region.db.transaction() as tx:
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                async with tx.savepoint():
                    await tx.execute(statement)
    assert await region.rows() == before


async def test_rows_can_not_be_put_into_the_past_of_the_sequence(region: Region) -> None:
    async with region.db.transaction() as tx:
        with pytest.raises(asyncpg.PostgresError):
            async with tx.savepoint():
                await tx.execute("insert into audit_event (seq) values (1)")


async def test_the_trail_of_a_deleted_patient_stays(region: Region) -> None:
    await region.put(patient("gone", "qingshi"), region.gp)
    await region.write(region.gp, Change("DELETE", "Patient", "gone", None))
    rows = await region.rows("account = 'gp'")
    assert [(row["action"], row["ground"]) for row in rows] == [("C", "registered"), ("D", "")]
    assert rows[0]["patient"] == rows[1]["patient"]
