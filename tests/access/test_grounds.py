"""Grounds follow what is written, in the same transaction, and nobody writes themselves one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.access.conftest import House, encounter, organization, part_of, patient
from tests.access.test_policy_and_scopes import scope_of
from yilian.access import grounds, institutions
from yilian.errors import Forbidden, NotFound, YilianError
from yilian.fhir import urls
from yilian.store import read
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, write

Json = dict[str, Any]


async def grounds_of(house: House, patient: str) -> list[tuple[str, str, str]]:
    """(institution, kind, source) of a patient, sorted."""
    rows = await house.rows(
        """
        select o.id as institution, g.kind, s.id as source from access_ground g
        join resource o on o.rid = g.institution join resource p on p.rid = g.patient join resource s on s.rid = g.source
        where p.id = $1 and (g.until is null or g.until > $2) order by 1, 2, 3
        """,
        patient,
        house.clock.now,
    )
    return [tuple(row) for row in rows]


async def test_registering_and_treating_a_patient_give_a_ground(house: House) -> None:
    await house.put(patient("p", "qingshi"))
    await house.put(encounter("e1", "p", "first"))
    await house.put(encounter("e2", "p"))
    assert await grounds_of(house, "p") == [("first", "encounter", "e1"), ("qingshi", "registered", "p")]


async def test_a_ward_and_a_village_post_give_the_ground_to_the_institution_above(house: House) -> None:
    await house.put(patient("p", "qingshi-v01"))
    await house.put(encounter("e", "p", "first-cardiology"))
    assert await grounds_of(house, "p") == [("first", "encounter", "e"), ("qingshi", "registered", "p")]


async def test_handing_a_patient_over_moves_the_ground(house: House) -> None:
    await house.put(patient("p", "qingshi"))
    await house.put(patient("p", "liuhe"))
    assert await grounds_of(house, "p") == [("liuhe", "registered", "p")]
    await house.put(patient("p"))
    assert await grounds_of(house, "p") == []
    await house.put(patient("p", "liuhe"))
    assert await grounds_of(house, "p") == [("liuhe", "registered", "p")]


async def test_an_encounter_that_never_was_or_is_deleted_gives_none(house: House) -> None:
    await house.put(patient("p", "qingshi"))
    for status, there in (("planned", True), ("entered-in-error", False), ("in-progress", True), ("cancelled", False), ("finished", True)):
        await house.put(encounter("e", "p", "first", status))
        assert (("first", "encounter", "e") in await grounds_of(house, "p")) == there, status
    async with house.db.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "Encounter", "e", None)])
    assert await grounds_of(house, "p") == [("qingshi", "registered", "p")]
    await house.put(encounter("e", "p", "first"))
    assert ("first", "encounter", "e") in await grounds_of(house, "p")


async def test_an_encounter_corrected_to_another_patient_or_place_takes_its_ground_along(house: House) -> None:
    await house.put(patient("p"))
    await house.put(patient("q"))
    await house.put(encounter("e", "p", "first"))
    await house.put(encounter("e", "q", "first"))
    assert (await grounds_of(house, "p"), await grounds_of(house, "q")) == ([], [("first", "encounter", "e")])
    await house.put(encounter("e", "q", "liuhe"))
    assert await grounds_of(house, "q") == [("liuhe", "encounter", "e")]
    await house.put(encounter("e", "q"))
    assert await grounds_of(house, "q") == []


async def test_a_bundle_of_five_hundred_encounters_is_a_fixed_number_of_statements(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    follow = grounds.follow

    class Counting:
        def __init__(self, tx: Any) -> None:
            self.tx = tx

        def __getattr__(self, name: str) -> Any:
            return getattr(self.tx, name)

        async def fetch(self, sql: str, *args: Any) -> Any:
            asked.append(sql)
            return await self.tx.fetch(sql, *args)

        async def execute(self, sql: str, *args: Any) -> Any:
            asked.append(sql)
            return await self.tx.execute(sql, *args)

    async def counting(tx: Any, scope: Scope, written: Any) -> None:
        await follow(Counting(tx), scope, written)  # type: ignore[arg-type]

    hooks = house.db.hooks
    object.__setattr__(hooks, "reactions", (counting, *hooks.reactions[1:]))
    changes = [Change("PUT", "Patient", f"p{n}", patient(f"p{n}", "qingshi")) for n in range(10)]
    changes += [
        Change("PUT", "Encounter", f"e{n}", encounter(f"e{n}", f"p{n % 10}", ("first-cardiology", "liuhe")[n % 2])) for n in range(500)
    ]
    async with house.db.transaction() as tx:
        await write(tx, SYSTEM, changes)
    assert await house.value("select count(*) from access_ground") == 510
    assert len(asked) == 4, asked


async def test_the_ground_is_there_for_the_rest_of_the_transaction_and_gone_with_its_rollback(people: House) -> None:
    scope = await scope_of(people, "expert")
    with pytest.raises(NotFound):
        async with people.db.reading() as tx:
            await read.by_id(tx, scope, "Patient", "here")

    async def treat_and_fail() -> None:
        async with people.db.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", "Encounter", "e", encounter("e", "here", "first"))])
            assert (await read.by_id(tx, scope, "Patient", "here")).id == "here"
            raise RuntimeError("and back")

    with pytest.raises(RuntimeError, match="and back"):
        await treat_and_fail()
    assert await grounds_of(people, "here") == [("qingshi", "registered", "here")]


# --- nobody writes themselves a ground


async def test_a_doctor_registers_and_treats_patients_of_the_own_institution(people: House) -> None:
    gp = await scope_of(people, "gp")
    await people.put(patient("new", "qingshi"), gp)
    await people.put(encounter("e", "new", "qingshi"), gp)
    await people.put(encounter("v", "new", "qingshi-v01"), gp)
    assert await grounds_of(people, "new") == [
        ("qingshi", "encounter", "e"),
        ("qingshi", "encounter", "v"),
        ("qingshi", "registered", "new"),
    ]


@pytest.mark.parametrize(
    "resource",
    [
        patient("there", "qingshi"),
        patient("new", "liuhe"),
        encounter("e", "there", "qingshi"),
        encounter("e", "here", "liuhe"),
        encounter("theirs", "here", "qingshi"),
        encounter("theirs", "here", "liuhe", "entered-in-error"),
    ],
    ids=["take over", "register elsewhere", "treat whom one may not see", "treat for another", "claim an encounter", "undo an encounter"],
)
async def test_a_doctor_neither_takes_nor_gives_a_ground_of_another_institution(people: House, resource: Json) -> None:
    await people.put(encounter("theirs", "here", "liuhe"))
    before = [await grounds_of(people, one) for one in ("here", "there", "new")]
    gp = await scope_of(people, "gp")
    with pytest.raises(YilianError) as refused:
        await people.put(resource, gp)
    assert refused.value.status in (403, 404, 405, 422)
    assert [await grounds_of(people, one) for one in ("here", "there", "new")] == before


async def test_another_institutions_encounter_may_be_annotated_but_not_deleted(people: House) -> None:
    await people.put(encounter("theirs", "here", "liuhe"))
    gp = await scope_of(people, "gp")
    with pytest.raises(Forbidden):
        async with people.db.transaction() as tx:
            await write(tx, gp, [Change("DELETE", "Encounter", "theirs", None)])
    assert ("liuhe", "encounter", "theirs") in await grounds_of(people, "here")


async def test_a_referral_ground_is_no_way_to_take_a_patient_over(people: House) -> None:
    expert = await scope_of(people, "expert")
    rid = await people.value("select rid from resource where id = 'here' and patient = rid")
    async with people.db.transaction() as tx:
        await grounds.open_referral_ground(tx, expert.institution_rid, rid, 999)
    with pytest.raises(Forbidden):
        await people.put(patient("here", "first"), expert)
    with pytest.raises(Forbidden):
        await people.put(patient("here"), expert)
    await people.put(patient("here", "qingshi", birthDate="1960-01-01"), expert)
    await people.put(encounter("own", "here", "first"), expert)
    assert await grounds_of(people, "here") == [("first", "encounter", "own"), ("qingshi", "registered", "here")]


async def test_the_institution_a_patient_is_registered_with_may_hand_the_patient_over(people: House) -> None:
    gp = await scope_of(people, "gp")
    await people.put(patient("here", "liuhe"), gp)
    assert await grounds_of(people, "here") == [("liuhe", "registered", "here")]


# --- referrals


async def test_a_referral_opens_a_ground_that_ends_when_it_is_told_to(people: House) -> None:
    expert = await scope_of(people, "expert")
    rid = await people.value("select rid from resource where id = 'here' and patient = rid")

    async def sees() -> bool:
        async with people.db.reading() as tx:
            try:
                await read.by_id(tx, expert, "Patient", "here")
            except NotFound:
                return False
            return True

    assert not await sees()
    async with people.db.transaction() as tx:
        await grounds.open_referral_ground(tx, expert.institution_rid, rid, 4711)
        await grounds.open_referral_ground(tx, expert.institution_rid, rid, 4712)
    assert await sees()
    async with people.db.transaction() as tx:
        await grounds.close_ground(tx, 4711, tx.now - timedelta(seconds=5))
    assert await sees(), "there is another referral"
    async with people.db.transaction() as tx:
        await grounds.close_ground(tx, 4712, tx.now + timedelta(days=30))
    assert await sees(), "for thirty days more"
    async with people.db.transaction() as tx:
        await grounds.close_ground(tx, 4712, tx.now - timedelta(seconds=5))
        await grounds.close_ground(tx, 4712, tx.now + timedelta(days=30))
    assert not await sees(), "closing again makes nothing longer"
    async with people.db.transaction() as tx:
        await grounds.open_referral_ground(tx, expert.institution_rid, rid, 4711)
    assert await sees()


# --- institutions


async def institution_of(house: House, id: str) -> str:
    async with house.db.reading() as tx:
        found = await institutions.by_reference(tx, f"Organization/{id}")
    return found.reference.removeprefix("Organization/") if found else ""


def of_kind(id: str, kind: str, above: str = "") -> Json:
    more = part_of(above) if above else {}
    return organization(id, **more) | {"type": [{"coding": [{"system": urls.INSTITUTION_KIND, "code": kind}]}]}


async def test_which_institution_an_organization_speaks_for(house: House) -> None:
    await house.put(organization("commission"))
    await house.put(of_kind("county", "A100", "commission"))
    await house.put(organization("surgery", **part_of("county")))
    await house.put(organization("ward-7", **part_of("surgery")))
    await house.put(of_kind("station", "B200", "county"))
    await house.put(of_kind("post", "D600", "station"))
    await house.put(of_kind("lonely-post", "D600"))
    expected = {
        "commission": "commission",
        "county": "county",
        "surgery": "county",
        "ward-7": "county",
        "station": "county",
        "post": "county",
        "lonely-post": "lonely-post",
        "qingshi-v01": "qingshi",
        "qingshi": "qingshi",
        "first-cardiology": "first",
        "nowhere": "",
    }
    assert {id: await institution_of(house, id) for id in expected} == expected


async def test_a_tree_that_bites_its_tail_or_is_too_deep_speaks_for_itself(house: House) -> None:
    await house.put(organization("a"))
    await house.put(organization("b", **part_of("a")))
    await house.put(organization("a", **part_of("b")))
    assert await institution_of(house, "a") == "a"
    assert await institution_of(house, "b") == "b"
    await house.put(organization("d0"))
    for n in range(1, 12):
        await house.put(organization(f"d{n}", **part_of(f"d{n - 1}")))
    assert await institution_of(house, "d3") == "d0"
    assert await institution_of(house, "d11") == "d11"


async def test_an_organization_that_moves_takes_its_grounds_along(house: House) -> None:
    await house.put(organization("team", **part_of("qingshi-v01")))
    await house.put(patient("p", "qingshi-v01"))
    await house.put(encounter("e", "p", "team"))
    assert await grounds_of(house, "p") == [("qingshi", "encounter", "e"), ("qingshi", "registered", "p")]
    await house.put(organization("qingshi-v01", "village", **part_of("liuhe")))
    assert await grounds_of(house, "p") == [("liuhe", "encounter", "e"), ("liuhe", "registered", "p")]
    await house.put(organization("qingshi-v01", "township", **part_of("liuhe")))
    assert await grounds_of(house, "p") == [("qingshi-v01", "encounter", "e"), ("qingshi-v01", "registered", "p")]
