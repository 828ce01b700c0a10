"""Consents over HTTP, by everybody who may write one: what they open, what they bar, and that a withdrawal counts at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.access.consents import PAPER, consent
from tests.http.house import PASSWORD, Server, running
from yilian import app, config
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.errors import BadRequest

Json = dict[str, Any]

DEPRESSION = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.1"}]}


@pytest.fixture
async def server(furnished_dsn: str) -> AsyncIterator[Server]:
    async with running(furnished_dsn) as started:
        yield started


def diagnosis(id: str, who: str, code: Json = DEPRESSION, **more: Any) -> Json:
    return {"resourceType": "Condition", "id": id, "code": code, "subject": {"reference": f"Patient/{who}"}, **more}


async def put(client: httpx.AsyncClient, resource: Json, status: int = 201) -> httpx.Response:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code == status, answer.text
    return answer


async def post(client: httpx.AsyncClient, resource: Json, status: int = 201) -> Json:
    answer = await client.post(f"/fhir/{resource['resourceType']}", json=resource)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def sees(client: httpx.AsyncClient, name: str) -> bool:
    answer = await client.get(f"/fhir/{name}")
    assert answer.status_code in (200, 404), answer.text
    kind, _, id = name.partition("/")
    found = (await client.get(f"/fhir/{kind}?_id={id}")).json()["total"]
    assert found == (answer.status_code == 200)
    return bool(found)


async def test_what_a_doctor_finds_sensitive_is_seen_by_the_own_institution_and_the_patient(server: Server) -> None:
    gp, colleague, resident, bench = [await server.as_(who) for who in ("gp", "gp-colleague", "resident", "bench")]
    made = await post(gp, diagnosis("x", "p1"))
    name = f"Condition/{made['id']}"
    assert [await sees(one, name) for one in (gp, colleague, resident, bench)] == [True] * 4
    await put(bench, diagnosis("by-the-region", "p1"))
    assert [await sees(one, "Condition/by-the-region") for one in (gp, colleague, resident, bench)] == [False, False, True, True]


async def test_a_system_that_hands_on_what_a_hospital_sent_writes_for_the_hospital(server: Server) -> None:
    bench = await server.as_("bench")
    visit = {
        "resourceType": "Encounter",
        "id": "visit",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "serviceProvider": {"reference": "Organization/first"},
    }
    await put(bench, visit)
    await put(bench, diagnosis("there", "p1", encounter={"reference": "Encounter/visit"}))
    assert [await sees(await server.as_(who), "Condition/there") for who in ("expert", "gp")] == [True, False]
    # in one Bundle with the encounter it belongs to, and named by full URL
    other = {**visit, "id": "other"}
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in (diagnosis("together", "p1", encounter={"reference": "Encounter/other"}), other)
    ]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    assert [await sees(await server.as_(who), "Condition/together") for who in ("expert", "gp")] == [True, False]


async def test_what_becomes_sensitive_was_so_in_all_its_versions(server: Server) -> None:
    bench, gp = await server.as_("bench"), await server.as_("gp")
    plain = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}]}
    for nth, code in enumerate((plain, {**plain, "text": "二级"}, {**plain, "text": "三级"}, DEPRESSION, plain)):
        await put(bench, diagnosis("c", "p1", code), 200 if nth else 201)
        assert await sees(gp, "Condition/c") == (nth < 3)
    for version in range(1, 6):
        assert (await gp.get(f"/fhir/Condition/c/_history/{version}")).status_code == 404
    assert (await gp.get("/fhir/Condition/c/_history")).status_code == 404
    assert (await bench.delete("/fhir/Condition/c")).status_code == 204
    assert (await gp.get("/fhir/Condition/c")).status_code == 404
    assert (await bench.get("/fhir/Condition/c")).status_code == 410


async def test_a_resident_grants_an_institution_the_record_and_takes_it_back(server: Server) -> None:
    resident, expert = await server.as_("resident"), await server.as_("expert")
    assert not await sees(expert, "Patient/p1")
    made = await post(resident, consent("p1", "permit", "first"))
    assert await sees(expert, "Patient/p1")
    assert not await sees(await server.as_("county"), "Patient/p1")
    await put(resident, {**made, "status": "inactive"}, 200)
    assert not await sees(expert, "Patient/p1")
    await put(resident, {**made, "status": "active"}, 200)
    assert await sees(expert, "Patient/p1")
    assert (await resident.delete(f"/fhir/Consent/{made['id']}")).status_code == 204
    assert not await sees(expert, "Patient/p1")


async def test_a_grant_for_care_is_none_for_running_the_institution(server: Server) -> None:
    await post(await server.as_("resident"), consent("p1", "permit", "first", purposes=("TREAT",)))
    assert await sees(await server.as_("expert"), "Patient/p1")
    assert not await sees(await server.as_("office"), "Patient/p1")


async def test_a_sensitive_kind_is_granted_by_itself_and_opens_nothing_else(server: Server) -> None:
    bench, gp, expert, resident = [await server.as_(who) for who in ("bench", "gp", "expert", "resident")]
    await put(bench, diagnosis("mind", "p1"))
    await put(bench, diagnosis("virus", "p1", {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B24"}]}))
    both = {"coding": [*DEPRESSION["coding"], {"system": "http://hl7.org/fhir/sid/icd-10", "code": "B24"}]}
    await put(bench, diagnosis("both", "p1", both))
    await post(resident, consent("p1", "permit", "qingshi", "first", labels=("PSY",)))
    names = ("Condition/mind", "Condition/virus", "Condition/both")
    assert [await sees(gp, name) for name in names] == [True, False, False]
    assert [await sees(expert, name) for name in (*names, "Patient/p1")] == [False] * 4
    await post(resident, consent("p1", "permit", "qingshi", labels=("HIV",)))
    assert [await sees(gp, name) for name in names] == [True, True, True]
    await post(resident, consent("p1", "deny", "qingshi", labels=("HIV",)))
    assert [await sees(gp, name) for name in names] == [True, False, False]


async def test_a_refusal_bars_what_others_wrote_and_not_the_own_writing(server: Server) -> None:
    bench, gp, resident = [await server.as_(who) for who in ("bench", "gp", "resident")]
    plain = {"text": "高血压"}
    own = await post(gp, diagnosis("x", "p1", plain))
    await put(bench, diagnosis("other", "p1", plain))
    assert await sees(gp, "Condition/other")
    made = await post(resident, consent("p1", "deny", "qingshi"))
    assert not await sees(gp, "Condition/other")
    assert await sees(gp, f"Condition/{own['id']}")
    found = (await gp.get("/fhir/Condition?patient=p1&_total=accurate")).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [own["id"]]
    assert found["total"] == 1
    record = (await gp.get("/fhir/Patient/p1/$everything")).json()
    assert "Condition/other" not in str(record)
    await put(resident, {**made, "status": "entered-in-error"}, 200)
    assert await sees(gp, "Condition/other")


async def test_a_refusal_of_everybody_bars_everybody_and_for_one_purpose_that_alone(server: Server) -> None:
    resident, bench = await server.as_("resident"), await server.as_("bench")
    await post(resident, consent("p1", "permit", "first"))
    await put(bench, diagnosis("other", "p1", {"text": "高血压"}))
    everybody = await post(resident, consent("p1", "deny"))
    seen = [await sees(await server.as_(who), "Condition/other") for who in ("gp", "expert", "office", "resident", "bench")]
    assert seen == [False, False, False, True, True]
    await put(resident, {**everybody, **consent("p1", "deny", purposes=("HOPERAT",)), "id": everybody["id"]}, 200)
    seen = [await sees(await server.as_(who), "Condition/other") for who in ("gp", "expert", "office")]
    assert seen == [True, True, False]


async def test_a_consent_ends_with_its_period(server: Server) -> None:
    resident, expert = await server.as_("resident"), await server.as_("expert")
    over = {"period": {"start": "2020-01-01", "end": "2020-12-31"}}
    await post(resident, consent("p1", "permit", "first", provision=over))
    assert not await sees(expert, "Patient/p1")
    await post(resident, consent("p1", "deny", "qingshi", provision=over))
    assert await sees(await server.as_("gp"), "Patient/p1")


async def test_a_resident_writes_about_nobody_else_and_nothing_but_consents(server: Server) -> None:
    resident = await server.as_("resident")
    assert (await resident.post("/fhir/Consent", json=consent("p2", "permit", "first"))).status_code == 422
    assert (await resident.post("/fhir/Condition", json=diagnosis("x", "p1"))).status_code == 403
    assert (await resident.put("/fhir/Consent/mine", json={"id": "mine", **consent("p1", "deny")})).status_code == 405


async def test_an_institution_records_a_consent_with_its_paper_and_changes_only_its_own(server: Server) -> None:
    gp, resident, bench = [await server.as_(who) for who in ("gp", "resident", "bench")]
    answer = await gp.post("/fhir/Consent", json=consent("p1", "permit", "first"))
    assert answer.status_code == 422
    assert "纸" in answer.text or "书面材料" in answer.text
    made = await post(gp, consent("p1", "permit", "first", sourceAttachment=PAPER))
    assert await sees(await server.as_("expert"), "Patient/p1")
    await put(gp, {**made, "status": "inactive"}, 200)
    assert not await sees(await server.as_("expert"), "Patient/p1")
    theirs = await post(resident, consent("p1", "deny", "county"))
    changed = {**theirs, "status": "inactive", "sourceAttachment": PAPER}
    assert (await gp.put(f"/fhir/Consent/{theirs['id']}", json=changed)).status_code == 403
    assert (await gp.delete(f"/fhir/Consent/{theirs['id']}")).status_code == 403
    patch = [{"op": "replace", "path": "/status", "value": "inactive"}]
    headers = {"content-type": "application/json-patch+json"}
    assert (await gp.patch(f"/fhir/Consent/{theirs['id']}", json=patch, headers=headers)).status_code == 403
    await put(bench, changed, 200)


async def test_what_could_not_be_kept_is_not_stored(server: Server) -> None:
    resident = await server.as_("resident")
    research = consent("p1", "permit", "first", purposes=("HRESCH",))
    assert (await resident.post("/fhir/Consent", json=research)).status_code == 422
    assert (await resident.get("/fhir/Consent?patient=p1")).json()["total"] == 0
    assert (await resident.post("/fhir/Consent", json=consent("p1", "permit", "nobody"))).status_code == 422
    assert await server.value("select count(*) from consent_rule") == 0


async def test_a_department_stands_for_its_hospital(server: Server) -> None:
    ward = {"resourceType": "Organization", "id": "ward", "name": "心内科", "partOf": {"reference": "Organization/first"}}
    await put(await server.as_("bench"), ward)
    await post(await server.as_("resident"), consent("p1", "permit", "ward"))
    assert await sees(await server.as_("expert"), "Patient/p1")


async def test_nothing_is_read_after_a_withdrawal_has_been_answered(server: Server) -> None:
    """Reads go on all the while, over every road there is; whatever was asked after the answer to the withdrawal finds nothing."""
    resident, expert, bench = [await server.as_(who) for who in ("resident", "expert", "bench")]
    await put(bench, diagnosis("other", "p1", {"text": "高血压"}))
    roads = ("Condition/other", "Condition?patient=p1", "Patient/p1/$everything", "Patient/p1/$timeline", "Condition/other/_history")
    withdrawn = asyncio.Event()
    late: list[str] = []
    looks = 0

    async def reading(road: str) -> None:
        nonlocal looks
        after = 0
        while after < 3:
            was = withdrawn.is_set()
            answer = await expert.get(f"/fhir/{road}")
            looks += 1
            if was:
                after += 1
                if "高血压" in answer.text:
                    late.append(road)

    for _ in range(3):
        withdrawn.clear()
        made = await post(resident, consent("p1", "permit", "first"))
        readers = [asyncio.create_task(reading(road)) for road in roads]
        await asyncio.sleep(0.05)
        await put(resident, {**made, "status": "inactive"}, 200)
        withdrawn.set()
        await asyncio.gather(*readers)
    assert not late
    assert looks > 45


async def test_what_is_expunged_leaves_no_rule(server: Server) -> None:
    bench, resident = await server.as_("bench"), await server.as_("resident")
    made = await post(resident, consent("p1", "permit", "first"))
    asked = [{"name": "mode", "valueCode": "all"}, {"name": "reason", "valueString": "误登记,依申请清除"}]
    answer = await bench.post(f"/fhir/Consent/{made['id']}/$expunge", json={"resourceType": "Parameters", "parameter": asked})
    assert answer.status_code == 200, answer.text
    assert await server.value("select count(*) from consent_rule") == 0
    assert not await sees(await server.as_("expert"), "Patient/p1")


async def test_three_posts_are_not_held_together(furnished_dsn: str) -> None:
    database = app.database(config.Settings(), furnished_dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            with pytest.raises(BadRequest, match="not held by one person"):
                await accounts.add(tx, "both", PASSWORD, display="x", agent="Practitioner/gp", posts=[Post("admin"), Post("privacy")])
    finally:
        await database.close()
