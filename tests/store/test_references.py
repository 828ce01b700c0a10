"""References hold: nothing points to nothing, and nothing that is pointed to is deleted."""

from __future__ import annotations

import pytest

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database
from yilian.errors import Conflict, InvalidResource, YilianError
from yilian.fhir.json import parse
from yilian.store import read
from yilian.store.scope import SYSTEM
from yilian.store.write import Change, write

BASE = "https://here.example/fhir"


def issues(error: YilianError) -> list[tuple[str, str]]:
    return [(issue.expression, issue.code) for issue in error.issues]


async def test_a_reference_to_nothing_is_refused_with_its_place(db: Database) -> None:
    with pytest.raises(InvalidResource, match="no Patient/nobody that you may refer to") as refused:
        await put(db, observation("nobody", performer=[{"display": "x"}, {"reference": "Practitioner/none"}]))
    assert issues(refused.value) == [
        ("Observation.subject.reference", "not-found"),
        ("Observation.performer[1].reference", "not-found"),
    ]


async def test_a_reference_to_a_deleted_resource_is_refused(db: Database) -> None:
    await put(db, patient("wang"))
    await delete(db, "Patient", "wang")
    with pytest.raises(InvalidResource):
        await put(db, observation("wang"))


async def test_references_elsewhere_contained_and_logical_ones_need_no_target(db: Database) -> None:
    await put(db, patient("wang"))
    done = await put(
        db,
        observation(
            "wang",
            contained=[{"resourceType": "Device", "id": "cuff"}],
            device={"reference": "#cuff"},
            performer=[{"reference": "https://other.example/fhir/Practitioner/1"}, {"identifier": {"value": "7"}}],
        ),
    )
    assert done.created


async def test_a_reference_inside_a_contained_resource_must_hold_too(db: Database) -> None:
    await put(db, patient("wang"))
    inside = {"resourceType": "Device", "id": "cuff", "owner": {"reference": "Organization/none"}}
    with pytest.raises(InvalidResource) as refused:
        await put(db, observation("wang", contained=[inside], device={"reference": "#cuff"}))
    assert issues(refused.value) == [("Observation.contained[0].owner.reference", "not-found")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("urn:uuid:4861d01f-019c-3dac-a153-8334e50919f9", "no fullUrl of an entry"),
        ("Patient?identifier=x|1", "for transaction Bundles only"),
        ("Potient/1", "is not a reference"),
        ("Patient/", "is not a reference"),
    ],
)
async def test_what_cannot_be_followed_is_refused(db: Database, text: str, said: str) -> None:
    with pytest.raises(InvalidResource, match=said) as refused:
        await put(db, {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": text}})
    assert refused.value.issues[0].expression == "Basic.subject.reference"


async def test_an_absolute_reference_below_our_address_is_our_own_and_stored_relative(db: Database) -> None:
    wang = await put(db, patient("wang"))
    sent = observation("wang", subject={"reference": f"{BASE}/Patient/wang"})
    async with db.transaction() as tx:
        (done,) = await write(tx, SYSTEM, [Change("POST", "Observation", None, sent)], base=BASE)
    assert parse(done.body)["subject"] == {"reference": "Patient/wang"}
    assert done.patient == wang.rid
    assert sent["subject"] == {"reference": f"{BASE}/Patient/wang"}
    async with db.transaction() as tx:
        with pytest.raises(InvalidResource):
            await write(
                tx, SYSTEM, [Change("POST", "Observation", None, observation("x", subject={"reference": f"{BASE}/Patient/x"}))], base=BASE
            )


async def test_what_is_referred_to_is_not_deleted(db: Database) -> None:
    await put(db, patient("wang"))
    seen = await put(db, observation("wang"))
    with pytest.raises(Conflict, match=f"Patient/wang is still referred to, by Observation/{seen.id}"):
        await delete(db, "Patient", "wang")
    await delete(db, "Observation", seen.id)
    assert (await delete(db, "Patient", "wang")).deleted


@pytest.mark.parametrize(
    "referring",
    [
        {"resourceType": "Group", "type": "person", "actual": True, "managingEntity": {"reference": "Organization/o"}},
        {
            "resourceType": "Basic",
            "code": {"text": "x"},
            "extension": [{"url": "http://e", "valueReference": {"reference": "Organization/o"}}],
        },
        {
            "resourceType": "Basic",
            "code": {"text": "x"},
            "contained": [{"resourceType": "Device", "owner": {"reference": "Organization/o"}}],
        },
        {"resourceType": "Practitioner", "qualification": [{"code": {"text": "x"}, "issuer": {"reference": "Organization/o/_history/1"}}]},
    ],
)
async def test_that_holds_for_references_no_search_parameter_covers(db: Database, referring: dict[str, object]) -> None:
    await put(db, {"resourceType": "Organization", "id": "o", "name": "x"})
    done = await put(db, referring)
    with pytest.raises(Conflict):
        await delete(db, "Organization", "o")
    await delete(db, done.type, done.id)
    assert (await delete(db, "Organization", "o")).deleted


async def test_a_resource_may_refer_to_itself_and_be_deleted(db: Database) -> None:
    await put(db, {"resourceType": "Organization", "id": "o", "name": "x"})
    await put(db, {"resourceType": "Organization", "id": "o", "name": "x", "partOf": {"reference": "Organization/o"}})
    assert (await delete(db, "Organization", "o")).deleted


async def test_a_reference_given_up_lets_go(db: Database) -> None:
    await put(db, {"resourceType": "Organization", "id": "o", "name": "x"})
    await put(db, patient("wang", managingOrganization={"reference": "Organization/o"}))
    await put(db, patient("wang"))
    assert (await delete(db, "Organization", "o")).deleted


async def test_all_may_be_deleted_together_in_any_order(db: Database) -> None:
    await put(db, patient("wang"))
    await put(db, observation("wang", "bp"))
    async with db.transaction() as tx:
        done = await write(tx, SYSTEM, [Change("DELETE", "Patient", "wang", None), Change("DELETE", "Observation", "bp", None)])
    assert all(one.deleted for one in done)


async def test_a_reference_and_the_deletion_of_its_target_do_not_go_together(db: Database) -> None:
    await put(db, patient("wang"))
    async with db.transaction() as tx:
        with pytest.raises((InvalidResource, Conflict)):
            await write(tx, SYSTEM, [Change("DELETE", "Patient", "wang", None), Change("POST", "Observation", None, observation("wang"))])


async def test_resources_written_together_refer_to_each_other_in_circles(db: Database) -> None:
    def part(id: str, of: str) -> Change:
        return Change(
            "PUT", "Organization", id, {"resourceType": "Organization", "id": id, "name": id, "partOf": {"reference": f"Organization/{of}"}}
        )

    async with db.transaction() as tx:
        done = await write(tx, SYSTEM, [part("a", "b"), part("b", "c"), part("c", "a")])
    assert [one.created for one in done] == [True] * 3


async def test_a_document_is_stored_as_it_is_whatever_its_parts_refer_to(db: Database) -> None:
    await put(db, {"resourceType": "Organization", "id": "o", "name": "x"})
    composition = {
        "resourceType": "Composition",
        "subject": {"reference": "urn:uuid:1"},
        "author": [{"reference": "Practitioner/elsewhere"}],
    }
    document = {
        "resourceType": "Bundle",
        "id": "d",
        "type": "document",
        "identifier": {"value": "1", "assigner": {"reference": "Organization/o"}},
        "entry": [{"fullUrl": "urn:uuid:0", "resource": composition}, {"fullUrl": "urn:uuid:1", "resource": patient()}],
    }
    done = await put(db, document)
    assert parse(done.body)["entry"] == document["entry"]
    with pytest.raises(Conflict, match="by Bundle/d"):
        await delete(db, "Organization", "o")
    with pytest.raises(InvalidResource) as refused:
        await put(db, {**document, "identifier": {"value": "1", "assigner": {"reference": "Organization/none"}}})
    assert issues(refused.value) == [("Bundle.identifier.assigner.reference", "not-found")]
    assert (await put(db, {**document, "entry": [*document["entry"], {"resource": patient()}]})).version == 2


# --- what the writer may not see


async def test_a_reference_to_another_houses_patient_is_answered_like_one_to_nothing(db: Database, region: Region) -> None:
    texts = []
    for id in ("there", "nobody"):
        with pytest.raises(InvalidResource) as refused:
            await put(db, observation(id), region.qingshi)
        texts.append(str(refused.value).replace(id, "…"))
        assert issues(refused.value) == [("Observation.subject.reference", "not-found")]
    assert texts[0] == texts[1]
    assert (await put(db, observation("here"), region.qingshi)).patient == region.qingshi_patient.rid


async def test_the_names_of_what_refers_are_told_only_to_those_who_may_read_it(db: Database, region: Region) -> None:
    await region.ground(region.liuhe, region.qingshi_patient)
    list_ = {"resourceType": "Organization", "id": "o", "name": "x"}
    await put(db, list_)
    async with db.transaction() as tx:
        hidden = Change(
            "PUT",
            "Observation",
            "secret",
            observation("here", "secret", performer=[{"reference": "Organization/o"}]),
            confined=region.liuhe.institution_rid,
        )
        await write(tx, SYSTEM, [hidden])
    keeper = region.qingshi.__class__(
        "grounds", "k", "Practitioner/k", "k", frozenset({"admin"}), "Organization/qingshi", region.qingshi.institution_rid
    )
    with pytest.raises(Conflict, match="by other records"):
        await delete(db, "Organization", "o", keeper)


async def test_what_it_pointed_to_before_may_stay_in_an_update_by_somebody_who_does_not_see_it(db: Database, region: Region) -> None:
    async with db.transaction() as tx:
        await write(
            tx,
            SYSTEM,
            [Change("PUT", "Observation", "theirs", observation("here", "theirs"), confined=region.liuhe.institution_rid)],
        )
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "preliminary",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/here"},
        "result": [{"reference": "Observation/theirs"}],
    }
    with pytest.raises(InvalidResource):
        await put(db, report, region.qingshi)
    bare = {name: value for name, value in report.items() if name not in ("id", "result")}
    async with db.transaction() as tx:
        (made,) = await write(tx, region.qingshi, [Change("POST", "DiagnosticReport", None, bare)])
    report["id"] = made.id
    await put(db, report)
    assert (await put(db, {**report, "status": "final"}, region.qingshi)).version == 3
    with pytest.raises(InvalidResource):
        await put(db, {**report, "basedOn": [{"reference": "ServiceRequest/none"}]}, region.qingshi)
    async with db.reading() as tx:
        assert (await read.by_id(tx, region.qingshi, "DiagnosticReport", made.id)).version == 3
