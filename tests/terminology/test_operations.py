"""The operations as a hospital's software calls them. What HL7's own tests cover is in tests/conformance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.http.conftest import server
from tests.http.house import Server
from tests.terminology.words import SIGNS, by_filter, code_system, concept, value_set
from yilian.fhir import urls

__all__ = ["server"]

Json = dict[str, Any]
ICD = "http://hl7.org/fhir/sid/icd-10"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
UNITS = "http://unitsofmeasure.org"


@pytest.fixture
async def gp(server: Server) -> Any:
    keeper = await server.as_("admin")
    system = code_system(
        concept(
            "pain", "疼痛", concept("headache", "头痛", designation=[{"language": "en", "value": "Headache"}]), concept("backache", "背痛")
        ),
        concept("fever", "发热"),
        language="zh-CN",
        version="1",
    )
    for one in (system, value_set("signs", {"system": SIGNS}), value_set("pains", by_filter("concept", "descendent-of", "pain"))):
        answer = await keeper.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code == 201, answer.text
    return await server.as_("gp")


def told(answer: Any) -> Json:
    """Parameters by name; the status must be 200."""
    assert answer.status_code == 200, answer.text
    return {one["name"]: next(value for key, value in one.items() if key != "name") for one in answer.json()["parameter"]}


def entries(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["expansion"].get("contains", [])]


async def test_one_asks_by_get_or_by_post_by_url_or_by_id(gp: Any) -> None:
    url = value_set("pains")["url"]
    ways = [
        await gp.get("/fhir/ValueSet/$expand", params={"url": url}),
        await gp.get("/fhir/ValueSet/pains/$expand"),
        await gp.post("/fhir/ValueSet/$expand", json={"resourceType": "Parameters", "parameter": [{"name": "url", "valueUri": url}]}),
        await gp.post("/fhir/ValueSet/pains/$expand", json={"resourceType": "Parameters"}),
    ]
    assert [entries(answer) for answer in ways] == [["headache", "backache"]] * 4
    found = told(await gp.get("/fhir/CodeSystem/$subsumes", params={"system": SIGNS, "codeA": "pain", "codeB": "headache"}))
    assert found == {"outcome": "subsumes"}
    assert told(await gp.get("/fhir/CodeSystem/signs/$subsumes", params={"codeA": "headache", "codeB": "fever"})) == {
        "outcome": "not-subsumed"
    }
    assert told(await gp.get("/fhir/CodeSystem/signs/$validate-code", params={"code": "fever"}))["display"] == "发热"


async def test_a_batch_asks_several_things_at_once(gp: Any) -> None:
    asked = [f"ValueSet/$validate-code?url={value_set('pains')['url']}&system={SIGNS}&code={code}" for code in ("headache", "fever")]
    entry = [{"request": {"method": "GET", "url": url}} for url in asked]
    answer = await gp.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entry})
    results = [{p["name"]: p for p in one["resource"]["parameter"]}["result"]["valueBoolean"] for one in answer.json()["entry"]]
    assert results == [True, False]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("头", ["headache"]),
        ("toutong", ["headache"]),
        ("tt", ["pain", "headache"]),
        ("HEAD", ["headache"]),
        ("痛 背", ["backache"]),
        ("%", []),
    ],
)
async def test_words_are_found_in_codes_names_and_pinyin(gp: Any, words: str, found: list[str]) -> None:
    assert entries(await gp.get("/fhir/ValueSet/signs/$expand", params={"filter": words})) == found


async def test_names_come_in_the_language_that_is_asked_for(gp: Any) -> None:
    for asked, name in (({}, "头痛"), ({"displayLanguage": "en"}, "Headache"), ({"displayLanguage": "zh"}, "头痛")):
        found = told(await gp.get("/fhir/CodeSystem/$lookup", params={"system": SIGNS, "code": "headache", **asked}))
        assert found["display"] == name
    answer = await gp.get(
        "/fhir/CodeSystem/$lookup", params={"system": SIGNS, "code": "headache"}, headers={"accept-language": "en-GB,en;q=0.8"}
    )
    assert told(answer)["display"] == "Headache"


async def test_our_own_words_and_hl7s_are_answered_alike(gp: Any) -> None:
    ours = told(await gp.get("/fhir/CodeSystem/$lookup", params={"system": urls.REFERRAL_DIRECTION, "code": "up", "displayLanguage": "en"}))
    assert ours["display"] == "Up: to a higher tier"
    theirs = told(
        await gp.get("/fhir/CodeSystem/$lookup", params={"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"})
    )
    assert theirs["display"] == "ambulatory"
    assert entries(await gp.get("/fhir/ValueSet/$expand", params={"url": GENDERS})) == ["male", "female", "other", "unknown"]


async def test_a_code_is_translated_and_translated_back(gp: Any, server: Server) -> None:
    keeper = await server.as_("admin")
    elements = [{"code": "headache", "target": [{"code": "R51", "equivalence": "equivalent"}]}]
    elements.append({"code": "fever", "target": [{"equivalence": "unmatched"}]})
    rule = {"mode": "fixed", "code": "R69"}
    group = [{"source": SIGNS, "target": ICD, "element": elements, "unmapped": rule}]
    concept_map = {
        "resourceType": "ConceptMap",
        "id": "to-icd",
        "url": "https://region.example/ConceptMap/to-icd",
        "status": "active",
        "group": group,
    }
    assert (await keeper.put("/fhir/ConceptMap/to-icd", json=concept_map)).status_code == 201

    async def asked(way: str = "/fhir/ConceptMap/$translate", **params: str) -> tuple[bool, list[tuple[str, str]]]:
        answer = await gp.get(way, params=params)
        assert answer.status_code == 200, answer.text
        given = answer.json()["parameter"]
        parts = [{part["name"]: part for part in one["part"]} for one in given if one["name"] == "match"]
        codes = [(one["equivalence"]["valueCode"], one.get("concept", {}).get("valueCoding", {}).get("code", "")) for one in parts]
        return given[0]["valueBoolean"], codes

    assert await asked(system=SIGNS, code="headache") == (True, [("equivalent", "R51")])
    assert await asked(system=ICD, code="R51", reverse="true", targetsystem=SIGNS) == (True, [("equivalent", "headache")])
    assert await asked(system=SIGNS, code="fever", targetsystem=ICD) == (False, [("unmatched", "")])
    assert await asked(system=SIGNS, code="headache", targetsystem="http://snomed.info/sct") == (False, [])
    assert await asked("/fhir/ConceptMap/to-icd/$translate", system=SIGNS, code="pain") == (True, [("inexact", "R69")])
    assert await asked(url=concept_map["url"], system=SIGNS, code="pain") == (True, [("inexact", "R69")])
    assert (
        await gp.get("/fhir/ConceptMap/$translate", params={"url": "https://nowhere.example", "system": SIGNS, "code": "a"})
    ).status_code == 404


async def test_units_are_read_not_looked_up(gp: Any) -> None:
    units = "http://hl7.org/fhir/ValueSet/ucum-units"
    for code, right in (("mmol/L", True), ("mmol/parsnip", False)):
        assert told(await gp.get("/fhir/ValueSet/$validate-code", params={"url": units, "system": UNITS, "code": code}))["result"] is right
        assert told(await gp.get("/fhir/CodeSystem/$validate-code", params={"url": UNITS, "code": code}))["result"] is right
    answer = await gp.get("/fhir/ValueSet/$expand", params={"url": units})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-costly")


REFUSED = [
    ("ValueSet/$expand", {}, 400),
    ("ValueSet/$expand", {"url": "https://nowhere.example"}, 404),
    ("ValueSet/$expand", {"url": GENDERS, "colour": "red"}, 400),
    ("ValueSet/$expand", {"url": GENDERS, "count": "many"}, 400),
    ("ValueSet/$expand", {"url": GENDERS, "count": "10001"}, 413),
    ("ValueSet/$expand", {"url": GENDERS, "activeOnly": "perhaps"}, 400),
    ("ValueSet/$expand", {"url": GENDERS, "displayLanguage": "not a language"}, 400),
    ("ValueSet/$expand", {"url": GENDERS, "check-system-version": "http://hl7.org/fhir/administrative-gender|9"}, 422),
    ("ValueSet/$expand", {"url": GENDERS, "useSupplement": "https://nowhere.example"}, 404),
    ("ValueSet/signs/$expand", {"url": GENDERS}, 400),
    ("ValueSet/nothing/$expand", {}, 404),
    ("ValueSet/$validate-code", {"url": GENDERS}, 400),
    ("ValueSet/$validate-code", {"url": GENDERS, "code": "male"}, 400),
    ("ValueSet/$validate-code", {"url": "https://nowhere.example", "code": "a", "system": SIGNS}, 404),
    ("CodeSystem/$lookup", {"code": "a"}, 400),
    ("CodeSystem/$lookup", {"code": "a", "system": SIGNS}, 404),
    ("CodeSystem/$lookup", {"code": "8867-4", "system": "http://loinc.org"}, 404),
    ("CodeSystem/$subsumes", {"codeA": "pain", "codeB": "nothing", "system": SIGNS}, 404),
    ("CodeSystem/$subsumes", {"codeA": "pain", "system": SIGNS}, 400),
    ("ConceptMap/$translate", {"code": "pain"}, 400),
    ("ValueSet/$nothing", {}, 404),
]


@pytest.mark.parametrize(("way", "params", "status"), REFUSED)
async def test_what_cannot_be_answered_is_an_outcome_that_says_why(gp: Any, way: str, params: Json, status: int) -> None:
    answer = await gp.get(f"/fhir/{way}", params=params)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert len(answer.json()["issue"][0]["diagnostics"]) > 20


async def test_bodies_are_as_strict_as_query_strings(gp: Any) -> None:
    for parameters in (
        [{"name": "url", "valueUri": GENDERS}, {"name": "url", "valueUri": GENDERS}],
        [{"name": "url", "valueBoolean": True}],
        [{"name": "valueSet", "resource": {"resourceType": "Patient"}}],
        [{"name": "url", "valueUri": GENDERS}, {"name": "count", "valueInteger": -1}],
        [{"valueUri": GENDERS}],
        {"name": "url"},
    ):
        answer = await gp.post("/fhir/ValueSet/$expand", json={"resourceType": "Parameters", "parameter": parameters})
        assert answer.status_code == 400, (parameters, answer.text)


async def test_whoever_is_not_signed_in_is_told_to_sign_in(server: Server) -> None:
    answer = await server.nobody().get("/fhir/ValueSet/$expand", params={"url": GENDERS})
    assert answer.status_code == 401


async def test_a_resident_may_ask_what_a_code_means_but_not_write_one(server: Server) -> None:
    resident = await server.as_("resident")
    assert entries(await resident.get("/fhir/ValueSet/$expand", params={"url": GENDERS, "count": "1"})) == ["male"]
    assert (await resident.put("/fhir/CodeSystem/signs", json=code_system(concept("a")))).status_code == 403


@pytest.mark.shared_data
async def test_the_chinese_icd_10_of_a_region_is_searched_by_its_names_and_blocks(gp: Any, server: Server, shared_data: Path) -> None:
    keeper = await server.as_("admin")
    rows = [line.split("\t") for line in (shared_data / "icd10-cn" / "disease.csv").read_text("utf-8-sig").splitlines()[1:]]
    chapters: dict[str, list[Json]] = {}
    for code, name in dict(rows).items():
        chapters.setdefault(code[0], []).append({"code": code, "display": name})
    nested = [
        concept(letter, f"{letter} 章", *inside, property=[{"code": "notSelectable", "valueBoolean": True}])
        for letter, inside in chapters.items()
    ]
    system = code_system(*nested, url=ICD, language="zh-CN", caseSensitive=False) | {"id": "icd10"}
    assert (await keeper.put("/fhir/CodeSystem/icd10", json=system)).status_code == 201
    circulation = value_set("circulation", by_filter("concept", "is-a", "I", ICD))
    assert (await keeper.put("/fhir/ValueSet/circulation", json=circulation)).status_code == 201
    answer = await gp.get("/fhir/ValueSet/circulation/$expand", params={"filter": "gaoxueya", "count": "50", "excludeNotForUI": "true"})
    assert {"I10", "I11", "I15"} <= set(entries(answer))
    assert all(code.startswith("I") and len(code) == 3 for code in entries(answer))
    asked = {"url": circulation["url"], "system": ICD, "code": "i10"}
    found = told(await gp.get("/fhir/ValueSet/$validate-code", params=asked))
    assert (found["result"], found["code"]) == (True, "I10")
    assert told(await gp.get("/fhir/ValueSet/$validate-code", params=asked | {"code": "J45"}))["result"] is False
