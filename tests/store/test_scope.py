"""Who may read and write what, at the store: every way in gives the same answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database
from yilian.errors import Forbidden, InvalidResource, MethodNotAllowed, NotFound, VersionStale
from yilian.fhir.definitions import type_id
from yilian.store import everything, find, history, read
from yilian.store.scope import SYSTEM, Scope, readable
from yilian.store.write import Change, write

CONFINED = {"resourceType": "ServiceRequest", "id": "sr", "status": "draft", "intent": "order", "subject": {"reference": "Patient/here"}}


async def test_every_read_of_another_houses_patient_is_like_a_read_of_nothing(db: Database, region: Region) -> None:
    await put(db, observation("there", "bp"))
    await put(db, observation("there", "bp", status="amended"))
    async with db.reading() as tx:
        for id in ("there", "nobody"):
            with pytest.raises(NotFound, match=f"There is no Patient/{id} that you may read"):
                await read.by_id(tx, region.qingshi, "Patient", id)
            with pytest.raises(NotFound):
                await read.version(tx, region.qingshi, "Patient", id, 1)
            with pytest.raises(NotFound):
                await history.versions(tx, region.qingshi, "Patient", id)
            with pytest.raises(NotFound):
                await everything.everything(tx, region.qingshi, id)
            assert await read.many(tx, region.qingshi, [("Patient", id)]) == {}
            assert await find.only(tx, region.qingshi, "Patient", [("_id", id)]) is None
        assert (await history.versions(tx, region.qingshi, "Observation")).versions == []
        assert len((await history.versions(tx, region.liuhe, "Observation")).versions) == 2
        assert (await read.by_id(tx, region.liuhe, "Observation", "bp")).version == 2
    with pytest.raises(NotFound):
        await read.body(db, region.qingshi, "Observation", "bp")


async def test_every_write_to_another_houses_patient_is_like_one_to_nothing(db: Database, region: Region) -> None:
    await put(db, observation("there", "bp"))
    for change, refused in (
        (Change("DELETE", "Observation", "bp", None), NotFound),
        (Change("PATCH", "Observation", "bp", None, patch=lambda now: now), NotFound),
        (Change("PUT", "Observation", "bp", observation("here", "bp")), MethodNotAllowed),
        (Change("PUT", "Patient", "there", patient("there", managingOrganization={"reference": "Organization/qingshi"})), MethodNotAllowed),
    ):
        async with db.transaction() as tx:
            with pytest.raises(refused):
                await write(tx, region.qingshi, [change])
    for id in ("bp", "nothing"):
        async with db.transaction() as tx:
            with pytest.raises(MethodNotAllowed, match=f"There is no Observation/{id} that you may change"):
                await write(tx, region.qingshi, [Change("PUT", "Observation", id, observation("here", id))])
        for change in (
            Change("PUT", "Observation", id, observation("here", id), if_match=1),
            Change("DELETE", "Observation", id, None, if_match=1),
        ):
            async with db.transaction() as tx:
                with pytest.raises(VersionStale, match="it is not there"):
                    await write(tx, region.qingshi, [change])


async def test_a_ground_opens_and_its_end_closes(db: Database, region: Region) -> None:
    await put(db, observation("there", "bp"))
    await region.ground(region.qingshi, region.liuhe_patient)
    assert (await read.body(db, region.qingshi, "Observation", "bp")).id == "bp"
    async with db.transaction() as tx:
        await tx.execute(
            "update access_ground set until = now() - interval '1 second' where institution = $1", region.qingshi.institution_rid
        )
    with pytest.raises(NotFound):
        await read.body(db, region.qingshi, "Observation", "bp")


async def test_what_is_confined_is_for_one_institution_and_systems(db: Database, region: Region) -> None:
    await region.ground(region.liuhe, region.qingshi_patient)
    async with db.transaction() as tx:
        await write(tx, region.qingshi, [Change("POST", "ServiceRequest", "sr", CONFINED, confined=region.qingshi.institution_rid)])
    resident = Scope("self", "r", "Patient/here", "r", patient_rid=region.qingshi_patient.rid)
    assert (await read.body(db, region.qingshi, "ServiceRequest", "sr")).version == 1
    assert (await read.body(db, SYSTEM, "ServiceRequest", "sr")).version == 1
    for other in (region.liuhe, resident):
        with pytest.raises(NotFound):
            await read.body(db, other, "ServiceRequest", "sr")
        async with db.reading() as tx:
            page = await everything.everything(tx, other, "here")
            assert [found.type for found in page.matches] == ["Patient"]
    kept = await put(db, {**CONFINED, "priority": "urgent"}, region.qingshi)
    assert kept.confined == region.qingshi.institution_rid, "an ordinary update does not open it"
    async with db.transaction() as tx:
        await write(tx, region.qingshi, [Change("PUT", "ServiceRequest", "sr", {**CONFINED, "status": "active"}, confined=None)])
    async with db.reading() as tx:
        assert (await read.by_id(tx, region.liuhe, "ServiceRequest", "sr")).version == 3
        assert [one.version for one, _ in (await history.versions(tx, region.liuhe, "ServiceRequest", "sr")).versions] == [3]
        assert [one.version for one, _ in (await history.versions(tx, region.qingshi, "ServiceRequest", "sr")).versions] == [3, 2, 1]
        with pytest.raises(NotFound):
            await read.version(tx, region.liuhe, "ServiceRequest", "sr", 1)


async def test_opening_what_was_confined_is_a_version_of_its_own(db: Database, region: Region) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "ServiceRequest", "sr", CONFINED, confined=region.qingshi.institution_rid)])
        (done,) = await write(tx, SYSTEM, [Change("PUT", "ServiceRequest", "sr", CONFINED, confined=None)])
    assert (done.version, done.unchanged, done.confined) == (2, False, None)


async def test_a_corrected_patient_takes_the_new_version_along_and_leaves_the_old_one(db: Database, region: Region) -> None:
    await put(db, observation("there", "bp"))
    moved = await put(db, observation("here", "bp"))
    assert (moved.previous_patient, moved.patient) == (region.liuhe_patient.rid, region.qingshi_patient.rid)
    async with db.reading() as tx:
        assert (await read.by_id(tx, region.qingshi, "Observation", "bp")).version == 2
        with pytest.raises(NotFound):
            await read.by_id(tx, region.liuhe, "Observation", "bp")
        assert (await read.version(tx, region.liuhe, "Observation", "bp", 1)).version == 1
        with pytest.raises(NotFound):
            await read.version(tx, region.qingshi, "Observation", "bp", 1)


async def test_the_directory_is_read_by_everyone_and_kept_by_few(db: Database, region: Region) -> None:
    admin = Scope("nothing", "admin", "Device/admin", "admin", frozenset({"admin"}))
    regulator = Scope("nothing", "reg", "Practitioner/reg", "reg", frozenset({"regulator"}))
    for asker in (admin, regulator, region.liuhe):
        assert (await read.body(db, asker, "Organization", "qingshi")).id == "qingshi"
    made = await put(db, {"resourceType": "Organization", "name": "x"}, admin)
    assert made.created
    assert made.confined is None
    for asker in (regulator, region.liuhe):
        with pytest.raises(Forbidden, match="kept by administrators"):
            await put(db, {"resourceType": "Organization", "name": "x"}, asker)
        with pytest.raises(Forbidden):
            await delete(db, "Organization", made.id, asker)


async def test_nobody_without_an_institution_touches_clinical_data(db: Database, region: Region) -> None:
    admin = Scope("nothing", "admin", "Device/admin", "admin", frozenset({"admin"}))
    resident = Scope("self", "r", "Patient/here", "r", frozenset({"resident"}), patient_rid=region.qingshi_patient.rid)
    for asker in (admin, resident):
        with pytest.raises(Forbidden):
            await put(db, observation("here"), asker)
    with pytest.raises(NotFound):
        await read.body(db, admin, "Patient", "here")
    assert (await read.body(db, resident, "Patient", "here")).id == "here"
    with pytest.raises(NotFound):
        await read.body(db, resident, "Patient", "there")


async def test_a_scope_that_may_not_write_writes_nothing(db: Database, region: Region) -> None:
    for asker in (
        replace(region.qingshi, may_write=False),
        replace(region.qingshi, writes=frozenset({"Condition"})),
        replace(SYSTEM, may_write=False),
    ):
        with pytest.raises(Forbidden, match="does not allow writing Observation"):
            await put(db, observation("here"), asker)
    assert (await put(db, observation("here"), replace(region.qingshi, writes=frozenset({"Observation"}), reads=frozenset()))).created


async def test_a_patient_is_registered_with_ones_own_institution(db: Database, region: Region) -> None:
    with pytest.raises(InvalidResource, match="needs managingOrganization") as refused:
        await put(db, patient("new"), region.qingshi)
    assert refused.value.issues[0].expression == "Patient.managingOrganization"
    with pytest.raises(Forbidden, match="your own institution"):
        await put(db, patient("new", managingOrganization={"reference": "Organization/liuhe"}), region.qingshi)
    assert (await put(db, patient("new", managingOrganization={"reference": "Organization/qingshi"}), region.qingshi)).created
    assert (await put(db, patient("any"))).created, "a system may leave it open"


async def test_a_patient_is_handed_over_by_the_institution_that_manages_it(db: Database, region: Region) -> None:
    await region.ground(region.liuhe, region.qingshi_patient)
    taken = patient("here", managingOrganization={"reference": "Organization/liuhe"})
    with pytest.raises(Forbidden, match="Only the institution that manages"):
        await put(db, taken, region.liuhe)
    with pytest.raises(Forbidden):
        await put(db, patient("here"), region.liuhe)
    kept = patient("here", gender="other", managingOrganization={"reference": "Organization/qingshi"})
    assert (await put(db, kept, region.liuhe)).version == 2
    with pytest.raises(Forbidden, match="deletes the registration"):
        await delete(db, "Patient", "here", region.liuhe)
    assert (await put(db, taken, region.qingshi)).version == 3


async def test_what_is_about_nobody_belongs_to_the_house_that_wrote_it(db: Database, region: Region) -> None:
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": False}
    mine = await put(db, group, region.qingshi)
    assert mine.confined == region.qingshi.institution_rid
    assert (await read.body(db, region.qingshi, "Group", "g")).id == "g"
    with pytest.raises(NotFound):
        await read.body(db, region.liuhe, "Group", "g")
    await put(db, {**group, "id": "of-the-region"})
    for asker in (region.qingshi, region.liuhe):
        with pytest.raises(NotFound):
            await read.body(db, asker, "Group", "of-the-region")
    unassigned = {**observation("here", "o")}
    del unassigned["subject"]
    assert (await put(db, unassigned, region.qingshi)).confined == region.qingshi.institution_rid
    found = await put(db, observation("here", "o"), region.qingshi)
    assert found.confined is None, "once it is about a patient it is part of the record"


async def test_what_is_about_several_patients_is_for_systems(db: Database, region: Region) -> None:
    await region.ground(region.qingshi, region.liuhe_patient)
    both = {
        "resourceType": "Appointment",
        "id": "a",
        "status": "booked",
        "participant": [{"actor": {"reference": f"Patient/{id}"}, "status": "accepted"} for id in ("here", "there")],
    }
    with pytest.raises(Forbidden, match="several patients"):
        await put(db, both, region.qingshi)
    done = await put(db, both)
    assert done.patient == -1
    for asker in (region.qingshi, region.liuhe):
        with pytest.raises(NotFound):
            await read.body(db, asker, "Appointment", "a")


async def test_conditions_look_within_the_scope_only(db: Database, region: Region) -> None:
    identified = {"identifier": [{"system": "http://id", "value": "7"}]}
    await put(db, patient("there", managingOrganization={"reference": "Organization/liuhe"}, **identified))
    condition = [("identifier", "http://id|7")]
    async with db.reading() as tx:
        assert await find.only(tx, region.qingshi, "Patient", condition) is None
        found = await find.only(tx, region.liuhe, "Patient", condition)
        assert found is not None
        each = await find.only_each(tx, region.qingshi, {"x": ("Patient", "identifier=http://id|7")})
        assert each == {"x": "There is no x."}
    await put(db, patient("here", managingOrganization={"reference": "Organization/qingshi"}, **identified))
    async with db.reading() as tx:
        with pytest.raises(VersionStale, match="more than one"):
            await find.only(tx, SYSTEM, "Patient", condition)


async def test_a_token_narrowed_to_types_reads_no_others(db: Database, region: Region) -> None:
    await put(db, observation("here", "bp"))
    narrow = replace(region.qingshi, reads=frozenset({"Observation"}))
    assert (await read.body(db, narrow, "Observation", "bp")).id == "bp"
    for kind, id in (("Patient", "here"), ("Organization", "qingshi")):
        with pytest.raises(NotFound):
            await read.body(db, narrow, kind, id)
        async with db.reading() as tx:
            assert await find.only(tx, narrow, kind, [("_id", id)]) is None


SCOPES = st.builds(
    Scope,
    reach=st.sampled_from(["everything", "grounds", "self", "nothing"]),
    user=st.just("u"),
    agent=st.just("a"),
    name=st.just("n"),
    institution_rid=st.sampled_from([0, 1, 2]),
    patient_rid=st.sampled_from([0, 11, 12]),
    reads=st.none() | st.frozensets(st.sampled_from(["Patient", "Observation", "Organization", "Basic"])),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(scope=SCOPES)
async def test_the_scope_as_parameters_and_as_condition_agree(db: Database, scope: Scope) -> None:
    """`readable` (one text for all askers) and `Scope.condition` (literals) are two spellings of one rule."""
    kinds = ("Patient", "Observation", "Organization", "Basic")
    rows = [
        (kind, patient_rid, confined)
        for kind in kinds
        for patient_rid in ((None,) if kind == "Organization" else (None, 11, 12, -1))
        for confined in (None, 1, 2)
        if not (kind == "Organization" and confined)
    ]
    rows_given = "unnest($1::smallint[], $2::boolean[], $3::bigint[], $4::bigint[]) with ordinality"
    beside = "null::bigint as rid, null::bigint as origin, 0::smallint as sensitive"
    table = f"(select t.*, {beside} from {rows_given} as t (type, shared, patient, confined, n)) r"
    columns = ([type_id(r[0]) for r in rows], [r[0] == "Organization" for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    async with db.transaction() as tx:
        await tx.execute(
            "insert into resource (rid, type, id, ver, updated, method, body)"
            " select n, 1, 'r' || n, 1, now(), 'PUT', '{}' from unnest('{1,2,11,12}'::int[]) n on conflict do nothing"
        )
        grounds = "(1, 11, 'registered', 11), (2, 12, 'registered', 12), (2, 11, 'encounter', 1)"
        await tx.execute(f"insert into access_ground values {grounds} on conflict do nothing")
        await tx.execute("update access_ground set until = now() - interval '1 hour' where source = 1")
    async with db.reading() as tx:
        by_parameters = await tx.fetch(f"select n from {table} where {readable('r', 5)} order by n", *columns, *scope.keys())
        by_condition = await tx.fetch(f"select n from {table} where {scope.condition('r', kinds)} order by n", *columns)
        assert by_parameters == by_condition
        for kind in kinds:
            condition = f"r.type = {type_id(kind)} and {scope.condition('r', (kind,))}"
            of_kind = await tx.fetch(f"select n from {table} where {condition} order by n", *columns)
            assert [row["n"] for row in of_kind] == [row["n"] for row in by_parameters if rows[row["n"] - 1][0] == kind]


def test_another_request_of_the_same_asker_differs_in_nothing_else() -> None:
    asker = Scope(
        "self", "u", "Patient/p", "n", frozenset({"resident"}), "Organization/o", 7, "机构", 9, "PATRQT", "before", False,
        frozenset({"Patient"}), frozenset(), "client", "10.0.0.1",
    )  # fmt: skip
    assert asker.asked("now", "10.0.0.2") == replace(asker, request_id="now", address="10.0.0.2")
