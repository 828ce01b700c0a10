"""A transaction Bundle: all or nothing, entries that point to each other, conditions, and what is answered."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.store.region import Json, Region, delete, observation, patient, put
from yilian.db import Database
from yilian.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidResource,
    Issue,
    NotFound,
    NotSupported,
    TooLarge,
    VersionStale,
    YilianError,
)
from yilian.fhir.json import dump, parse
from yilian.store import read
from yilian.store.bundle import transaction
from yilian.store.entries import MOST_ENTRIES
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM, Scope

U = "urn:uuid:00000000-0000-4000-8000-00000000000"


def bundle(*entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def entry(method: str, url: str, resource: Json | None = None, full_url: str | None = None, **request: Any) -> Json:
    made: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


async def send(db: Database, *entries: Json, scope: Scope = SYSTEM, **more: Any) -> list[Json]:
    async with db.transaction() as tx:
        answer = await transaction(tx, scope, bundle(*entries), **more)
    assert (answer["resourceType"], answer["type"]) == ("Bundle", "transaction-response")
    return answer["entry"]


async def stored(db: Database, reference: str) -> Json:
    kind, id = reference.split("/")[:2]
    return parse((await read.body(db, SYSTEM, kind, id)).body)


async def everything_stored(db: Database) -> int:
    async with db.reading() as tx:
        return int(await tx.fetchval("select count(*) from resource"))


async def test_entries_point_to_each_other_by_urn_in_any_order(db: Database) -> None:
    answers = await send(
        db,
        entry("POST", "Observation", observation("x", subject={"reference": U + "1"}, device={"reference": U + "3"})),
        entry("POST", "Patient", patient(), U + "1"),
        entry("POST", "Device", {"resourceType": "Device", "patient": {"reference": U + "1"}, "parent": {"reference": U + "3"}}, U + "3"),
    )
    assert [answer["response"]["status"] for answer in answers] == ["201 Created"] * 3
    observed = await stored(db, answers[0]["response"]["location"])
    wang = "/".join(answers[1]["response"]["location"].split("/")[:2])
    assert observed["subject"] == {"reference": wang}
    device = await stored(db, observed["device"]["reference"])
    assert device["patient"] == {"reference": wang}
    assert device["parent"] == {"reference": f"Device/{device['id']}"}


async def test_urns_are_replaced_where_uris_stand_and_nowhere_else(db: Database) -> None:
    questionnaire = {"resourceType": "Questionnaire", "status": "active"}
    answered = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": U + "1",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": U + "1"},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{U}1">q</a></div>'},
    }
    before = parse(dump(answered))
    answers = await send(db, entry("POST", "Questionnaire", questionnaire, U + "1"), entry("POST", "QuestionnaireResponse", answered))
    back = await stored(db, answers[1]["response"]["location"])
    where = "/".join(answers[0]["response"]["location"].split("/")[:2])
    assert back["questionnaire"] == where
    assert f'href="{where}"' in back["text"]["div"]
    assert back["identifier"]["value"] == U + "1"
    assert answered == before, "what was sent is not altered, so that it can be sent again"


async def test_a_fault_in_entry_40_leaves_nothing(db: Database) -> None:
    entries = [entry("PUT", f"Patient/p{n}", patient(f"p{n}")) for n in range(60)]
    entries[40]["resource"]["generalPractitioner"] = [{"reference": "Practitioner/none"}]
    with pytest.raises(InvalidResource) as refused:
        await send(db, *entries)
    assert refused.value.issues[0].expression == "Bundle.entry[40].resource.generalPractitioner[0].reference"
    assert await everything_stored(db) == 0
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from index_token") == 0


async def test_a_fault_found_by_the_database_leaves_nothing(db: Database) -> None:
    async def reaction(tx: Any, scope: Any, written: Any) -> None:
        await tx.execute("insert into resource select * from resource limit 1")

    db.hooks = Hooks(validate=lambda resource: [], reactions=(reaction,))
    with pytest.raises(Conflict):
        await send(db, *(entry("PUT", f"Patient/p{n}", patient(f"p{n}")) for n in range(20)))
    assert await everything_stored(db) == 0


async def test_faults_of_validation_carry_their_entry(db: Database) -> None:
    db.hooks = Hooks(validate=lambda resource: [Issue("error", "value", "bad", "Patient.gender")] if resource.get("gender") == "x" else [])
    with pytest.raises(InvalidResource) as refused:
        await send(db, *(entry("POST", "Patient", patient(gender=gender)) for gender in ("male", "x", "x")))
    assert [issue.expression for issue in refused.value.issues] == [f"Bundle.entry[{n}].resource.gender" for n in (1, 2)]


async def test_verbs_take_effect_in_the_order_of_the_standard(db: Database) -> None:
    await put(db, patient("old"))
    await put(db, observation("old", "o"))
    await put(db, patient("kept"))
    answers = await send(
        db,
        entry("GET", "Patient/kept"),
        entry("PUT", "Patient/kept", patient("kept", gender="other")),
        entry("PUT", "Observation/o", observation("kept", "o")),
        entry("POST", "Patient", patient()),
        entry("DELETE", "Patient/old"),
    )
    assert answers[0] == {}, "left to the caller"
    assert [answer["response"]["status"] for answer in answers[1:]] == ["200 OK", "200 OK", "201 Created", "204 No Content"]


async def test_gets_are_answered_after_the_writes(db: Database) -> None:
    await put(db, patient("kept"))
    async with db.transaction() as tx:

        async def get(number: int, asked: Json) -> Json:
            kind, id = asked["request"]["url"].split("/")
            return {"resource": parse((await read.by_id(tx, SYSTEM, kind, id)).body), "response": {"status": f"200 {number}"}}

        entries = bundle(entry("GET", "Patient/kept"), entry("PUT", "Patient/kept", patient("kept", gender="other")))
        answer = await transaction(tx, SYSTEM, entries, get=get)
    assert answer["entry"][0]["resource"]["gender"] == "other"
    assert answer["entry"][0]["response"]["status"] == "200 0"


async def test_the_answer_says_where_what_and_when(db: Database) -> None:
    (answer,) = await send(db, entry("PUT", "Patient/wang", patient("wang")), base="https://here.example/fhir", representation=True)
    response = answer["response"]
    assert response["location"] == "https://here.example/fhir/Patient/wang/_history/1"
    assert response["etag"] == 'W/"1"'
    body = (await read.body(db, SYSTEM, "Patient", "wang")).body
    assert response["lastModified"] == parse(body)["meta"]["lastUpdated"]
    assert parse(dump(answer))["resource"] == parse(body)
    (plain,) = await send(db, entry("PUT", "Patient/wang", patient("wang")))
    assert "resource" not in plain
    assert plain["response"]["etag"] == 'W/"1"', "the same content made no new version"


async def test_a_conditional_creation_creates_once_and_others_may_refer_to_what_was_found(db: Database) -> None:
    identified = patient(identifier=[{"system": "http://id", "value": "7"}])
    entries = [
        entry("POST", "Patient", identified, U + "1", ifNoneExist="identifier=http://id|7"),
        entry("POST", "Observation", observation("x", subject={"reference": U + "1"})),
    ]
    first = await send(db, *entries)
    second = await send(db, *entries)
    assert [answer["response"]["status"] for answer in first] == ["201 Created", "201 Created"]
    assert [answer["response"]["status"] for answer in second] == ["200 OK", "201 Created"]
    assert second[0]["response"]["location"] == first[0]["response"]["location"]
    assert await everything_stored(db) == 3


async def test_conditional_updates_and_deletions_find_their_resource(db: Database) -> None:
    await put(db, patient("wang", identifier=[{"system": "http://id", "value": "7"}]))
    renamed = patient(name=[{"text": "x"}], identifier=[{"system": "http://id", "value": "7"}])
    answers = await send(
        db,
        entry("PUT", "Patient?identifier=http://id|7", renamed),
        entry("PUT", "Patient?identifier=http%3A%2F%2Fid%7C8", patient(identifier=[{"system": "http://id", "value": "8"}])),
        entry("DELETE", "Patient?identifier=http://id|9"),
    )
    assert [answer["response"]["status"] for answer in answers] == ["200 OK", "201 Created", "204 No Content"]
    assert answers[0]["response"]["location"] == "Patient/wang/_history/2"
    (gone,) = await send(db, entry("DELETE", "Patient?identifier=http://id|8"))
    assert gone["response"]["status"] == "204 No Content"
    with pytest.raises(BadRequest, match="the resource has the id other"):
        await send(db, entry("PUT", "Patient?identifier=http://id|7", {**renamed, "id": "other"}))
    await put(db, patient("li", identifier=[{"system": "http://id", "value": "7"}]))
    with pytest.raises(VersionStale) as refused:
        await send(db, entry("PUT", "Patient?identifier=http://id|7", renamed))
    assert refused.value.issues[0].expression == "Bundle.entry[0].request"


async def test_conditional_references_are_resolved_together(db: Database) -> None:
    await put(
        db,
        {"resourceType": "Practitioner", "id": "doc", "identifier": [{"system": "http://npi", "value": "1"}], "name": [{"family": "Li"}]},
    )
    await put(db, patient("wang", identifier=[{"system": "http://id", "value": "7"}]))
    asked = observation(
        "x",
        subject={"reference": "Patient?identifier=http://id|7"},
        performer=[{"reference": "Practitioner?identifier=http://npi|1"}, {"reference": "Practitioner?family=li"}],
    )
    (answer,) = await send(db, entry("POST", "Observation", asked))
    back = await stored(db, answer["response"]["location"])
    assert back["subject"] == {"reference": "Patient/wang"}
    assert back["performer"] == [{"reference": "Practitioner/doc"}] * 2
    await put(db, patient("li", identifier=[{"system": "http://id", "value": "7"}]))
    with pytest.raises(InvalidResource) as refused:
        await send(
            db,
            entry("POST", "Patient", patient()),
            entry("POST", "Observation", asked),
            entry(
                "POST",
                "Basic",
                {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "Patient?identifier=http://id|9"}},
            ),
        )
    assert [issue.expression for issue in refused.value.issues] == [
        "Bundle.entry[1].resource.subject.reference",
        "Bundle.entry[2].resource.subject.reference",
    ]
    assert "finds more than one" in refused.value.issues[0].diagnostics
    assert "There is no" in refused.value.issues[1].diagnostics


async def test_relative_references_go_by_the_server_the_entries_came_from(db: Database) -> None:
    other = "http://other.example/fhir"
    answers = await send(
        db,
        entry("POST", "Patient", patient("7"), f"{other}/Patient/7"),
        entry("POST", "Observation", observation("7", "8"), f"{other}/Observation/8"),
        entry("POST", "Observation", observation("x", subject={"reference": f"{other}/Patient/7"}), U + "1"),
    )
    wang = "/".join(answers[0]["response"]["location"].split("/")[:2])
    assert wang != "Patient/7"
    for answer in answers[1:]:
        assert (await stored(db, answer["response"]["location"]))["subject"] == {"reference": wang}


async def test_many_entries_of_other_servers_are_renamed_in_good_time(db: Database) -> None:
    roots = [f"http://server{n}.example/fhir" for n in range(3)]
    entries = [entry("POST", "Patient", patient(str(n)), f"{root}/Patient/{n}") for root in roots for n in range(300)]
    entries += [entry("POST", "Observation", observation(str(n)), f"{root}/Observation/{n}") for root in roots for n in range(300)]
    answers = await send(db, *entries)
    patients = ["/".join(answer["response"]["location"].split("/")[:2]) for answer in answers[:900]]
    async with db.reading() as tx:
        bodies = await tx.fetch('select r.body from resource r where body like \'{"resourceType":"Observation"%\' order by rid')
    assert [parse(row["body"].encode())["subject"]["reference"] for row in bodies] == patients


async def test_versions_are_checked_in_a_transaction(db: Database) -> None:
    await put(db, patient("wang"))
    with pytest.raises(VersionStale) as refused:
        await send(db, entry("PUT", "Patient/wang", patient("wang", gender="other"), ifMatch='W/"2"'))
    assert refused.value.issues[0].expression == "Bundle.entry[0].resource"
    (answer,) = await send(db, entry("PUT", "Patient/wang", patient("wang", gender="other"), ifMatch='W/"1"'))
    assert answer["response"]["etag"] == 'W/"2"'
    with pytest.raises(VersionStale):
        await send(db, entry("PUT", "Patient/wang", patient("wang"), ifNoneMatch="*"))


def json_patch(*operations: Json) -> Json:
    data = b64encode(dump(list(operations))).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


async def test_a_patch_is_carried_out_with_everything_else_or_not_at_all(db: Database) -> None:
    await put(db, patient("wang"))
    other = json_patch({"op": "replace", "path": "/gender", "value": "other"})
    answers = await send(db, entry("PATCH", "Patient/wang", other, ifMatch='W/"1"'), entry("POST", "Observation", observation("wang")))
    assert [answer["response"]["status"] for answer in answers] == ["200 OK", "201 Created"]
    assert (await stored(db, "Patient/wang"))["gender"] == "other"
    failing = json_patch({"op": "test", "path": "/gender", "value": "female"})
    with pytest.raises(Conflict) as refused:
        await send(db, entry("POST", "Observation", observation("wang")), entry("PATCH", "Patient/wang", failing))
    assert refused.value.issues[0].expression == "Bundle.entry[1].resource"
    with pytest.raises(NotFound) as nothing:
        await send(db, entry("PATCH", "Patient?identifier=http://id|none", other))
    assert nothing.value.issues[0].expression == "Bundle.entry[0].request.url"
    assert await everything_stored(db) == 2


async def test_an_id_sent_with_a_condition_that_finds_nothing_overwrites_nothing(db: Database) -> None:
    await put(db, patient("wang"))
    (made,) = await send(
        db, entry("PUT", "Patient?identifier=http://id|8", patient("li", identifier=[{"system": "http://id", "value": "8"}]))
    )
    assert made["response"]["location"] == "Patient/li/_history/1"
    with pytest.raises(Conflict) as refused:
        await send(db, entry("PUT", "Patient?identifier=http://id|9", patient("wang")))
    assert refused.value.issues[0].expression == "Bundle.entry[0].resource.id"


async def test_one_resource_is_not_touched_twice_however_it_is_named(db: Database) -> None:
    identified = patient("wang", identifier=[{"system": "http://id", "value": "7"}, {"system": "http://no", "value": "8"}])
    await put(db, identified)
    by_id, by_condition = entry("PUT", "Patient/wang", identified), entry("PUT", "Patient?identifier=http://id|7", identified)
    for entries in (
        (by_id, by_condition),
        (by_condition, entry("DELETE", "Patient?identifier=http://no|8")),
        (by_condition, entry("PATCH", "Patient?identifier=http://no|8", json_patch())),
    ):
        with pytest.raises(BadRequest, match="changed twice"):
            await send(db, *entries)


WANG = patient("wang")


@pytest.mark.parametrize(
    ("entries", "error", "expression"),
    [
        ([{}], BadRequest, "Bundle.entry[0].request"),
        (["x"], BadRequest, "Bundle.entry[0].request"),
        ([entry("FETCH", "Patient/1")], BadRequest, "Bundle.entry[0].request.method"),
        ([entry("PUT", "", WANG)], BadRequest, "Bundle.entry[0].request.url"),
        ([entry("PUT", "Patient", WANG)], BadRequest, "Bundle.entry[0].request.url"),
        ([entry("POST", "Patient/1", WANG)], BadRequest, "Bundle.entry[0].request.url"),
        ([entry("PUT", "Potient/1", WANG)], BadRequest, "Bundle.entry[0].request.url"),
        ([entry("PUT", "Patient/1/2", WANG)], BadRequest, "Bundle.entry[0].request.url"),
        ([entry("PUT", "http://other.example/Patient/1", WANG)], BadRequest, "Bundle.entry[0].request.url"),
        ([entry("POST", "Patient/$match", WANG)], NotSupported, "Bundle.entry[0].request.url"),
        ([entry("POST", "Patient")], BadRequest, "Bundle.entry[0].resource"),
        ([entry("POST", "Observation", WANG)], BadRequest, "Bundle.entry[0].resource.resourceType"),
        ([entry("PUT", "Patient/li", WANG)], InvalidResource, "Bundle.entry[0].resource.id"),
        ([entry("PUT", "Patient/wang", WANG, ifMatch="1")], BadRequest, "Bundle.entry[0].request.ifMatch"),
        ([entry("POST", "Patient", WANG, ifNoneExist="")], BadRequest, "Bundle.entry[0].request.ifNoneExist"),
        ([entry("POST", "Patient", WANG, ifNoneExist="nonsense=1")], YilianError, "Bundle.entry[0].request"),
        ([entry("PUT", "Patient/wang", WANG), entry("PUT", "Patient/wang", WANG)], BadRequest, "Bundle.entry[1].resource"),
        ([entry("PUT", "Patient/wang", WANG), entry("DELETE", "Patient/wang")], YilianError, None),
        ([entry("POST", "Patient", WANG, U + "1"), entry("POST", "Patient", WANG, U + "1")], BadRequest, "Bundle.entry[1].fullUrl"),
        ([entry("POST", "Patient", WANG, ifNoneExist="_id=x"), entry("POST", "Patient", WANG, ifNoneExist="_id=x")], BadRequest, None),
        ([entry("DELETE", "Patient/none")], NotFound, "Bundle.entry[0]"),
        (
            [entry("POST", "Observation", observation("x", subject={"reference": U + "9"}))],
            InvalidResource,
            "Bundle.entry[0].resource.subject.reference",
        ),
        ([entry("GET", "x")] * (MOST_ENTRIES + 1), TooLarge, "Bundle.entry"),
    ],
)
async def test_a_broken_bundle_is_refused_with_the_place(
    db: Database, entries: list[Any], error: type[YilianError], expression: str | None
) -> None:
    with pytest.raises(error) as refused:
        await send(db, *entries)
    if expression is not None:
        assert refused.value.issues[0].expression == expression
    assert await everything_stored(db) == 0


@pytest.mark.parametrize("sent", [{"resourceType": "Bundle", "type": "batch"}, {"resourceType": "Patient"}, bundle() | {"entry": {}}])
async def test_what_is_no_transaction_is_refused(db: Database, sent: Json) -> None:
    async with db.transaction() as tx:
        with pytest.raises(BadRequest):
            await transaction(tx, SYSTEM, sent)


async def test_an_empty_transaction_does_nothing(db: Database) -> None:
    assert await send(db) == []


async def test_the_scope_holds_in_a_transaction(db: Database, region: Region) -> None:
    mine = patient("new", managingOrganization={"reference": "Organization/qingshi"})
    await send(
        db,
        entry("POST", "Patient", mine, U + "1"),
        entry("POST", "Observation", observation("x", subject={"reference": U + "1"})),
        scope=region.qingshi,
    )
    with pytest.raises(InvalidResource) as refused:
        await send(db, entry("POST", "Observation", observation("there")), scope=region.qingshi)
    assert refused.value.issues[0].expression == "Bundle.entry[0].resource.subject.reference"
    with pytest.raises(NotFound):
        await send(db, entry("DELETE", "Patient/there"), scope=region.qingshi)
    with pytest.raises(Forbidden):
        await send(db, entry("POST", "Organization", {"resourceType": "Organization", "name": "x"}), scope=region.qingshi)
    (nothing,) = await send(db, entry("DELETE", "Patient?_id=there"), scope=region.qingshi)
    assert nothing["response"]["status"] == "204 No Content"
    assert (await read.body(db, SYSTEM, "Patient", "there")).version == 1


async def test_a_large_transaction_is_stored_as_a_small_one_is(db: Database) -> None:
    await put(db, patient("wang"))
    await delete(db, "Patient", "wang")
    many = [entry("PUT", f"Observation/o{n}", observation("wang", f"o{n}", valueString=str(n))) for n in range(100)]
    await send(db, entry("PUT", "Patient/wang", patient("wang")), *many)
    changed = [entry("PUT", f"Observation/o{n}", observation("wang", f"o{n}", valueString=str(n), status="amended")) for n in range(50)]
    gone = [entry("DELETE", f"Observation/o{n}") for n in range(50, 100)]
    answers = await send(db, *changed, *gone, entry("PUT", "Patient/wang", patient("wang", gender="other")))
    assert [answer["response"]["etag"] for answer in answers] == ['W/"2"'] * 100 + ['W/"4"']
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from history") == 103
        assert await tx.fetchval("select count(*) from index_clinical") == 50
