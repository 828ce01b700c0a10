"""Patient/$match and $match-explain over HTTP: who may ask, what is answered of whom, and what is left in the trail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.http.house import Server
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_id_from_15

Json = dict[str, Any]
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
DOCUMENT = resident_id_from_15("516621560312003")


def person(**more: Any) -> Json:
    """A Patient; what is given as [] is left out."""
    whole = {
        "resourceType": "Patient",
        "identifier": [{"system": urls.RESIDENT_ID, "value": DOCUMENT}],
        "name": [{"text": "单雄信", "family": "单", "given": ["雄信"]}],
        "telecom": [{"system": "phone", "value": "16900123456"}],
        "gender": "male",
        "birthDate": "1956-03-12",
        "address": [{"text": "四川省云溪市云溪县柳河镇柳荫村3组12号"}],
        "contact": [{"name": {"text": "程咬金"}}],
        **more,
    }
    return {key: value for key, value in whole.items() if value != []}


def asking(patient: Json | None = None, **more: Any) -> Json:
    parts: list[Json] = [{"name": "resource", "resource": patient or person()}]
    for name, value in more.items():
        parts.append({"name": name, "valueBoolean" if isinstance(value, bool) else "valueInteger": value})
    return {"resourceType": "Parameters", "parameter": parts}


async def register(server: Server, id: str, at: str, **more: Any) -> None:
    bench = await server.as_("bench")
    resource = {**person(**more), "id": id, "managingOrganization": {"reference": f"Organization/{at}"}}
    answer = await bench.put(f"/fhir/Patient/{id}", json=resource)
    assert answer.status_code == 201, answer.text


async def match(server: Server, who: str, body: Json) -> Any:
    return await (await server.as_(who)).post("/fhir/Patient/$match", json=body)


async def test_a_patient_of_ones_own_is_answered_whole_and_with_grade_and_score(server: Server) -> None:
    await register(server, "shan", "qingshi")
    answer = await match(server, "gp", asking())
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()["entry"]
    assert entry["search"]["mode"] == "match"
    assert entry["search"]["score"] > 0.999
    assert entry["search"]["extension"] == [{"url": GRADE, "valueCode": "certain"}]
    assert entry["resource"]["contact"]
    assert answer.json()["total"] == 1
    assert answer.json()["type"] == "searchset"


async def test_of_a_patient_of_others_only_what_it_takes_to_recognise_is_told(server: Server) -> None:
    await register(server, "shan", "liuhe")
    (entry,) = (await match(server, "gp", asking())).json()["entry"]
    told = entry["resource"]
    assert told["name"][0]["text"] == "单雄信"
    assert told["identifier"][0]["value"] == "*" * 14 + DOCUMENT[-4:]
    assert told["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "contact" not in told
    assert "柳荫" not in str(told)
    assert (await (await server.as_("gp")).get("/fhir/Patient/shan")).status_code == 404
    assert (await match(server, "bench", asking())).json()["entry"][0]["resource"]["contact"]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("gp", 200),
        ("coordinator", 200),
        ("bench", 200),
        ("county", 403),
        ("pharmacist", 403),
        ("office", 403),
        ("admin", 403),
        ("resident", 403),
    ],
)
async def test_who_registers_patients_may_ask(server: Server, who: str, status: int) -> None:
    assert (await match(server, who, asking())).status_code == status


async def test_it_is_in_the_trail_of_whom_it_was_about(server: Server) -> None:
    await register(server, "shan", "liuhe")
    await match(server, "gp", asking())
    await match(server, "gp", asking(person(name=[{"text": "王五"}], birthDate="1999-01-01", identifier=[], telecom=[], address=[])))
    bench = await server.as_("bench")
    for _ in range(50):
        kept = await server.value("select count(*) from audit_event where operation = 'match' and agent = 'Practitioner/gp'")
        if kept == 2:
            break
        await (await server.as_("gp")).get("/fhir/metadata")
        await asyncio.sleep(0.1)
    assert kept == 2
    assert (
        await server.value(
            "select count(*) from audit_event where operation = 'match' and patient = (select rid from resource where id = 'shan')"
        )
        == 1
    )
    assert DOCUMENT not in (await bench.get("/fhir/AuditEvent?agent=Practitioner/gp")).text


async def test_only_certain_matches_leave_no_choice(server: Server) -> None:
    await register(server, "shan", "qingshi")
    assert (await match(server, "gp", asking(onlyCertainMatches=True))).json()["total"] == 1
    await register(server, "again", "liuhe")
    assert (await match(server, "gp", asking())).json()["total"] == 2
    assert (await match(server, "gp", asking(count=1))).json()["total"] == 1
    await linked(server)
    steward = await server.as_("bench")
    body = {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": "核对有误"}]}
    assert (await steward.post("/fhir/Patient/again/$unlink", json=body)).status_code == 200
    assert (await match(server, "gp", asking(onlyCertainMatches=True))).json()["total"] == 0


async def test_two_records_that_are_linked_are_one_answer(server: Server) -> None:
    """The job that looks up whoever was registered links them: all of it agrees."""
    await register(server, "shan", "qingshi")
    await register(server, "again", "liuhe")
    await linked(server)
    (entry,) = (await match(server, "gp", asking(onlyCertainMatches=True))).json()["entry"]
    assert entry["resource"]["id"] in ("shan", "again")
    assert entry["resource"]["contact"], "by the link the institution of one has a ground for the other"


async def linked(server: Server) -> None:
    for _ in range(100):
        if await server.value("select count(*) from person_member") == 2:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody linked them")


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": []},
        {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Practitioner"}}]},
        asking(count=0),
        asking(colour=True),
        asking(person(gender="x")),
        asking(person(birthDate="yesterday")),
        asking(person(identifier=[{"system": urls.RESIDENT_ID, "value": "516621195603120031"}])),
    ],
)
async def test_what_cannot_be_understood_is_refused(server: Server, body: Json) -> None:
    answer = await match(server, "gp", body)
    assert answer.status_code in (400, 422)
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_why_two_look_alike_is_told_to_who_sees_both(server: Server) -> None:
    await register(server, "shan", "qingshi")
    await register(server, "again", "qingshi", name=[{"text": "单雄新"}], telecom=[])
    await register(server, "far", "liuhe", name=[{"text": "程咬金"}], birthDate="1980-01-01", identifier=[], telecom=[], address=[])
    gp = await server.as_("gp")
    answer = await gp.get("/fhir/Patient/shan/$match-explain?other=Patient/again")
    assert answer.status_code == 200, answer.text
    parts = answer.json()["parameter"]
    weight = next(part["valueDecimal"] for part in parts if part["name"] == "weight")
    bits = [inner["valueDecimal"] for part in parts if "part" in part for inner in part["part"] if inner["name"] == "bits"]
    assert abs(sum(bits) - weight) < 0.01
    assert "姓名:同音" in answer.text
    assert (await gp.get("/fhir/Patient/shan/$match-explain?other=Patient/far")).status_code == 404
    assert (await gp.get("/fhir/Patient/shan/$match-explain")).status_code == 400
    assert (await gp.get("/fhir/Patient/shan/$match-explain?other=Practitioner/gp")).status_code == 400


async def test_too_little_is_said_instead_of_answered_with_nobody(server: Server) -> None:
    for start in range(0, 120, 60):
        bench = await server.as_("bench")
        entries = [
            {
                "resource": person(name=[{"text": f"赵{chr(0x4E00 + n)}"}], identifier=[], birthDate=f"{1900 + n}"),
                "request": {"method": "POST", "url": "Patient"},
            }
            for n in range(start, start + 60)
        ]
        answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status_code == 200, answer.text
    answer = await match(server, "gp", asking({"resourceType": "Patient", "telecom": [{"system": "phone", "value": "16900123456"}]}))
    assert answer.json()["total"] == 0
    assert answer.json()["entry"][0]["search"]["mode"] == "outcome"
