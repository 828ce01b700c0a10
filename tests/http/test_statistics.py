"""Measure/$evaluate-measure: tables counted by hand, who may see them, and that small cells are withheld."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.http.house import Server
from yilian.analytics.statistics import figures
from yilian.fhir import urls
from yilian.fhir.definitions import type_id

Json = dict[str, Any]
Numbers = dict[tuple[str, ...], int | None]
CODES = {statistic.code: statistic for statistic in figures.ALL}


async def regulator(server: Server) -> Any:
    await server.value("update post set role = 'regulator' where account = 'gp' returning 1")
    return await server.as_("gp")


async def asked(client: Any, code: str, year: int, **more: str) -> Any:
    query = {"measure": CODES[code].url, "periodStart": f"{year}-01-01", "periodEnd": f"{year}-12-31", **more}
    return await client.get("/fhir/Measure/$evaluate-measure", params=query)


def numbers(report: Json) -> Numbers:
    """The numbers by the names of row and column, totals by one of them; the whole under ()."""
    [group] = report["group"]
    found: Numbers = {}
    for stratum in group["stratifier"][0]["stratum"]:
        found[tuple(part["value"]["text"] for part in stratum["component"])] = count(stratum["population"][0])
    if "population" in group:
        found[()] = count(group["population"][0])
    return found


def count(population: Json) -> int | None:
    if "count" in population:
        return int(population["count"])
    assert [e["valueCode"] for e in population["_count"]["extension"]] == ["masked"]
    return None


async def put(server: Server, *resources: Json) -> None:
    bench = await server.as_("bench")
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text


def person(id: str, sex: str | None, born: str | None, **more: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"text": "张三"}],
        **({"gender": sex} if sex else {}),
        **({"birthDate": born} if born else {}),
        **more,
    }


def condition(id: str, patient: str, code: str, status: str = "confirmed", system: str = urls.ICD10) -> Json:
    return {
        "resourceType": "Condition",
        "id": id,
        "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": status}]},
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "recordedDate": "2024-03-01",
    }


def encounter(id: str, patient: str, institution: str | None, start: str, status: str = "finished") -> Json:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": start},
        **({"serviceProvider": {"reference": f"Organization/{institution}"}} if institution else {}),
    }


async def this_year(server: Server) -> int:
    moment: datetime = await server.value("select now()")
    return moment.year


async def test_residents_are_counted_once_by_age_and_sex_and_the_dead_are_not(server: Server) -> None:
    year = await this_year(server)
    await put(
        server,
        *(person(f"old-{n}", "female", f"{year - 70}-01-01") for n in range(6)),
        *(person(f"old-man-{n}", "male", f"{year - 70}-01-01") for n in range(6)),
        *(person(f"child-{n}", "male", f"{year - 3}-01-01") for n in range(6)),
        *(person(f"young-{n}", "male", f"{year - 30}-01-01") for n in range(7)),
        *(person(f"late-{n}", "male", f"{year - 30}-01-01", deceasedDateTime="2020-01-01") for n in range(9)),
        *(person(f"nameless-{n}", None, None) for n in range(5)),
    )
    before = numbers((await asked(await regulator(server), "residents", year)).json())
    assert before["18～44岁", "男"] == 7
    assert before["18～44岁",] == 7
    assert before["未填写", "未填写"] == 5
    alive = await server.value(
        "select count(*) from resource where type = $1 and not deleted and body not like '%\"deceased%'", type_id("Patient")
    )
    assert before[()] == alive

    steward = await server.as_("bench")
    linked = await steward.post(
        "/fhir/Patient/young-0/$link",
        json={
            "resourceType": "Parameters",
            "parameter": [
                {"name": "other", "valueString": "Patient/young-1"},
                {"name": "reason", "valueString": "本人出示两张就诊卡"},
            ],
        },
    )
    assert linked.status_code == 200, linked.text
    after = numbers((await asked(await regulator(server), "residents", year)).json())
    assert after["18～44岁", "男"] == 6
    assert after[()] == before[()] - 1  # type: ignore[operator]


async def test_diagnoses_are_counted_by_chapter_once_a_person_and_what_was_refuted_is_not(server: Server) -> None:
    year = await this_year(server)
    await put(
        server,
        *(person(f"c{n}", "male", f"{year - 50}-01-01") for n in range(8)),
        *(condition(f"i{n}", f"c{n}", "I10") for n in range(8)),
        *(condition(f"j{n}", f"c{n}", "I25.1") for n in range(8)),
        *(condition(f"r{n}", f"c{n}", "J44.9", "refuted") for n in range(8)),
        *(condition(f"o{n}", f"c{n}", "H61.2") for n in range(6)),
        *(condition(f"e{n}", f"c{n}", "H26.9") for n in range(5)),
        *(condition(f"s{n}", f"c{n}", "38341003", system="http://snomed.info/sct") for n in range(7)),
    )
    found = numbers((await asked(await regulator(server), "diagnoses", year)).json())
    assert found["循环系统疾病", "45～64岁"] == 8
    assert found["呼吸系统疾病", "45～64岁"] == 0
    assert found["耳和乳突疾病", "45～64岁"] == 6
    assert found["眼和附器疾病", "45～64岁"] == 5
    assert found["未按 ICD-10 编码", "45～64岁"] == 7
    assert () not in found, "a person stands in several rows: the columns do not add up"


async def test_encounters_count_for_the_institution_and_the_month_of_the_region_in_which_they_began(server: Server) -> None:
    year = await this_year(server) - 1
    department = {"resourceType": "Organization", "id": "ward", "name": "心内科", "partOf": {"reference": "Organization/first"}}
    await put(
        server,
        department,
        person("e", "male", "1990-01-01"),
        *(encounter(f"a{n}", "e", "first", f"{year}-03-10") for n in range(6)),
        *(encounter(f"b{n}", "e", "ward", f"{year}-03-11") for n in range(5)),
        *(encounter(f"c{n}", "e", "second", f"{year}-01-31T23:00:00Z") for n in range(5)),
        *(encounter(f"d{n}", "e", "second", f"{year}-04-01", "planned") for n in range(9)),
        *(encounter(f"f{n}", "e", None, f"{year}-12-31") for n in range(5)),
        *(encounter(f"g{n}", "e", "first", f"{year + 1}-01-01") for n in range(6)),
    )
    found = numbers((await asked(await regulator(server), "encounters", year)).json())
    assert found["云溪市第一人民医院", "3月"] == 11
    assert found["云溪市第二人民医院", "2月"] == 5
    assert found["云溪市第二人民医院", "4月"] == 0
    assert found["未注明机构", "12月"] == 5
    assert found[()] == 21
    assert not [key for key in found if "心内科" in key]


async def test_a_small_cell_is_withheld_and_the_totals_do_not_tell_it(server: Server) -> None:
    year = await this_year(server) - 1
    await put(
        server,
        person("e", "male", "1990-01-01"),
        encounter("one", "e", "first", f"{year}-05-10"),
        *(encounter(f"a{n}", "e", "first", f"{year}-06-10") for n in range(20)),
        *(encounter(f"b{n}", "e", "second", f"{year}-05-10") for n in range(20)),
        *(encounter(f"c{n}", "e", "second", f"{year}-06-10") for n in range(20)),
    )
    answer = await asked(await regulator(server), "encounters", year)
    found = numbers(answer.json())
    assert found["云溪市第一人民医院", "5月"] is None
    line = [found["云溪市第一人民医院",], *(found["云溪市第一人民医院", f"{month}月"] for month in range(1, 13))]
    assert line.count(None) > 1
    column = [found["5月",], *(found[name, "5月"] for name in ("云溪市第一人民医院", "云溪市第二人民医院"))]
    assert column.count(None) > 1
    assert answer.json()["extension"] == [{"url": "https://yilian.example/fhir/StructureDefinition/smallest-cell", "valueInteger": 5}]


async def test_months_that_are_not_over_are_not_counted(server: Server) -> None:
    moment: datetime = await server.value("select now()")
    await put(server, person("e", "male", "1990-01-01"), *(encounter(f"n{n}", "e", "first", moment.isoformat()) for n in range(9)))
    answer = await asked(await regulator(server), "encounters", moment.year)
    if moment.month == 1:
        assert answer.status_code == 400
    else:
        assert numbers(answer.json())[()] == 0
    assert (await asked(await regulator(server), "encounters", moment.year + 1)).status_code == 400


@pytest.mark.parametrize("who", ["head", "office", "resident", "pharmacist"])
async def test_who_treats_or_is_treated_is_not_told_the_numbers_of_the_region(server: Server, who: str) -> None:
    assert (await asked(await server.as_(who), "residents", 2025)).status_code == 403


@pytest.mark.parametrize(
    "more",
    [
        {"periodStart": "2025-02-01"}, {"periodEnd": "2025-12-30"}, {"periodEnd": "2026-12-31"}, {"reportType": "subject-list"},
        {"subject": "Patient/p1"}, {"periodStart": ""}, {"periodStart": "2025-12-31"}, {"periodEnd": "2025-01-01"},
    ],
)  # fmt: skip
async def test_what_could_be_subtracted_or_would_tell_of_persons_is_refused(server: Server, more: dict[str, str]) -> None:
    answer = await asked(await regulator(server), "encounters", 2025, **more)
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["diagnostics"]


async def test_no_such_table(server: Server) -> None:
    answer = await asked(await regulator(server), "encounters", 2025, measure="https://yilian.example/fhir/Measure/everything")
    assert answer.status_code == 404


async def test_that_numbers_were_seen_is_in_the_trail(server: Server) -> None:
    assert (await asked(await regulator(server), "residents", 2025)).status_code == 200
    looked = "select count(*) from audit_event where operation = 'evaluate-measure' and account = 'gp' and query like '%Measure/residents%'"
    for _ in range(100):  # reads are written in groups, within a second
        if await server.value(looked):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("no trail of it")
