"""Who has a copy of the database and not the master key reads no number and no telephone of anybody, and none of the house's secrets."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.http.house import Server
from tests.sealing.dump import found
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_check_digit

Json = dict[str, Any]


def document(seventeen: str) -> str:
    return seventeen + resident_check_digit(seventeen)


NUMBERS = {
    "identity card": document("51662119560312003"),
    "identity card of the kin": document("51662119800101001"),
    "identity card of the doctor": document("51662119700101001"),
    "identity card of somebody nobody knows": document("51662119900101003"),
    "health card": "A51662100112233",
    "passport": "E98765432",
    "file": "51662110010100777",
    "phone": "13812345678",
    "other phone": "18698765432",
    "phone of the kin": "15911112222",
    "phone of the doctor": "13700001111",
    "phone of somebody nobody knows": "13611119999",
    "mail": "shan.xiongxin@example.cn",
}


def shan(**more: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": "shan",
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">电话:{NUMBERS["phone"]}</div>'},
        "identifier": [
            {"system": urls.RESIDENT_ID, "value": NUMBERS["identity card"]},
            {"system": urls.HEALTH_CARD, "value": NUMBERS["health card"]},
            {"system": urls.PASSPORT + "CHN", "value": NUMBERS["passport"]},
            {"system": urls.HEALTH_FILE, "value": NUMBERS["file"]},
        ],
        "name": [{"text": "单雄信"}],
        "telecom": [
            {"system": "phone", "value": NUMBERS["phone"]},
            {"system": "phone", "value": f"+86 {NUMBERS['other phone']}"},
            {"system": "email", "value": NUMBERS["mail"]},
        ],
        "gender": "male",
        "birthDate": "1956-03-12",
        "contact": [{"name": {"text": "程咬金"}, "telecom": [{"system": "phone", "value": NUMBERS["phone of the kin"]}]}],
        "managingOrganization": {"reference": "Organization/qingshi"},
        **more,
    }


KIN = {
    "resourceType": "RelatedPerson",
    "id": "kin",
    "patient": {"reference": "Patient/shan"},
    "identifier": [{"system": urls.RESIDENT_ID, "value": NUMBERS["identity card of the kin"]}],
    "telecom": [{"system": "phone", "value": NUMBERS["phone of the kin"]}],
}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "doctor",
    "identifier": [{"system": urls.RESIDENT_ID, "value": NUMBERS["identity card of the doctor"]}],
    "telecom": [{"system": "phone", "value": NUMBERS["phone of the doctor"]}],
}
CONTAINS = {
    "resourceType": "Observation",
    "id": "contains",
    "status": "final",
    "code": {"text": "x"},
    "subject": {"reference": "Patient/shan"},
    "performer": [
        {"reference": "#she"},
        {"identifier": {"system": urls.RESIDENT_ID, "value": NUMBERS["identity card of the doctor"]}, "display": "王医生"},
    ],
    "contained": [{"resourceType": "Practitioner", "id": "she", "telecom": [{"system": "phone", "value": NUMBERS["phone of the doctor"]}]}],
}
SEARCHES = [
    f"Patient?identifier={urls.RESIDENT_ID}|{NUMBERS['identity card']}",
    f"Patient?identifier={NUMBERS['identity card']}",
    f"Patient?phone={NUMBERS['phone']}",
    f"Patient?phone=%2B86{NUMBERS['phone']}",
    f"Patient?phone={NUMBERS['other phone']}",
    f"Patient?telecom=phone|{NUMBERS['phone']}",
    f"Patient?email={NUMBERS['mail']}",
    f"RelatedPerson?identifier={NUMBERS['identity card of the kin']}",
    f"Observation?patient.identifier={NUMBERS['identity card']}",
    f"Observation?performer:identifier={urls.RESIDENT_ID}|{NUMBERS['identity card of the doctor']}",
    f"Patient?_has:Observation:patient:performer:identifier={NUMBERS['identity card of the doctor']}",
]
NOTHING = [
    f"Patient?identifier={NUMBERS['identity card of somebody nobody knows']}",
    f"Patient?phone={NUMBERS['phone of somebody nobody knows']}",
    f"Patient?name={NUMBERS['phone of somebody nobody knows']}",
]


async def everything_done(server: Server, *, export: bool = True) -> None:
    """The numbers written, changed, found, asked for in vain, matched, exported and deleted again."""
    bench = await server.as_("bench")
    for resource in (shan(), KIN, DOCTOR, CONTAINS):
        answer = await bench.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code == 201, answer.text
    other = {**shan(id="shan2", managingOrganization={"reference": "Organization/liuhe"}), "text": None}
    del other["text"]
    assert (await bench.put("/fhir/Patient/shan2", json=other)).status_code == 201
    assert (await bench.put("/fhir/Patient/shan", json=shan(birthDate="1956-03-13"))).status_code == 200
    for search in SEARCHES:
        answer = await bench.get(f"/fhir/{search}")
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            assert answer.json()["entry"], search
    for search in NOTHING:
        assert "entry" not in (await bench.get(f"/fhir/{search}")).json(), search
    gp = await server.as_("gp")
    asked = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": shan()}]}
    assert (await gp.post("/fhir/Patient/$match", json=asked)).status_code == 200
    condition = {"if-none-exist": f"identifier={urls.RESIDENT_ID}|{NUMBERS['identity card']}&birthdate=1956-03-13"}
    assert (await bench.post("/fhir/Patient", json=shan(), headers=condition)).status_code == 200
    assert (await bench.delete("/fhir/RelatedPerson/kin")).status_code in (200, 204)
    if not export:
        return
    begun = await bench.get("/fhir/$export", headers={"prefer": "respond-async", "accept": "application/fhir+json"})
    assert begun.status_code == 202, begun.text
    for _ in range(200):
        if (await bench.get(begun.headers["content-location"])).status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the export does not end")


async def test_nothing_of_anybody_is_to_be_seen_in_any_table(server: Server) -> None:
    await everything_done(server)
    await asyncio.sleep(0.5)  # the trail of reads is written
    assert await found(server.dsn, NUMBERS) == {}
    assert await found(server.dsn, {"the looking itself": "单雄信"}) != {}


async def test_none_of_the_secrets_of_the_house_is_to_be_seen(server: Server) -> None:
    assert await found(server.dsn, {"a private key": '""d"":""'}) == {}
    assert len(await server.value("select secret from match_state")) > 32


async def test_what_was_sealed_is_told_as_it_was_given(server: Server) -> None:
    await everything_done(server)
    bench = await server.as_("bench")
    told = (await bench.get("/fhir/Patient/shan")).json()
    assert {key: value for key, value in told.items() if key != "meta"} == shan(birthDate="1956-03-13")
    versions = (await bench.get("/fhir/Patient/shan/_history")).json()["entry"]
    assert [one["resource"]["telecom"] for one in versions] == [shan()["telecom"]] * 2
    everything = (await bench.get("/fhir/Patient/shan/$everything")).text
    assert NUMBERS["phone of the doctor"] in everything
    assert "\ufdd0" not in everything
