"""The SQL finds what the standard's words say, for every type of parameter, alone and together, in one page and in many."""

from __future__ import annotations

from random import Random

import pytest

from tests.search.conftest import ZONE, World
from tests.search.oracle import PREFIXES, Oracle
from tests.search.world import CODES, DATES, ELSEWHERE, LOCAL, LOINC, SNOMED, UCUM, VALUES

Question = tuple[str, list[tuple[str, str]]]


def strings() -> list[Question]:
    texts = [
        "张",
        "zhang",
        "zhangwei",
        "zw",
        "Zhang Wei",
        "shan",
        "dan",
        "ouyang",
        "oyx",
        "lv",
        "lu",
        "zeng",
        "mull",
        "MÜLLER",
        "ＬＩＵ",
        "liu",
        "o'n",
        "wei",
        "x",
    ]
    found: list[Question] = []
    for text in texts:
        for name in ("name", "family", "given", "name:contains", "family:exact", "name:exact", "phonetic"):
            found.append(("Patient", [(name, text)]))
    found += [
        ("Patient", [("name", "张,Müller")]),
        ("Patient", [("name:exact", "Müller,Zoë")]),
        ("Patient", [("name", "张"), ("given", "伟")]),
    ]
    found += [("Patient", [("address", text)]) for text in ("中山路", "apt", "zurich", "310", "云溪", "路")]
    found += [
        ("Patient", [("address:contains", "路 1")]),
        ("Patient", [("address-city", "ZÜRICH")]),
        ("Organization", [("name", "qszwsy")]),
    ]
    found += [("Observation", [("value-string:contains", text)]) for text in ("0% off", "f_s", "%", "_", "NEG", "strasse", "性")]
    return found


def tokens() -> list[Question]:
    found: list[Question] = []
    for code, _ in CODES:
        found += [
            ("Observation", [("code", text)])
            for text in (code, f"{LOINC}|{code}", f"{LOCAL}|{code}", f"|{code}", f"{LOINC}|{code},{LOCAL}|BP")
        ]
    more = ["bare", "|bare", f"{LOCAL}|", f"{LOINC}|", "BP,GLU", "urn:nowhere|x", "nothing", f"{LOCAL}|GLU,bare"]
    for modifier in ("", ":not"):
        found += [("Observation", [(f"code{modifier}", text)]) for text in more]
        found += [
            ("Observation", [(f"status{modifier}", text)])
            for text in ("final", "http://hl7.org/fhir/observation-status|final", "urn:other|final", "|final")
        ]
        found += [
            ("Patient", [(f"gender{modifier}", text)]) for text in ("male", "http://hl7.org/fhir/administrative-gender|male", "male,female")
        ]
        found += [
            ("Patient", [(f"identifier{modifier}", text)])
            for text in ("3", "urn:oid:1.2|3", "|3", "|no-system-3", "urn:oid:1.3|", "3,urn:oid:1.2|4")
        ]
    found += [
        ("Patient", [("gender", "http://hl7.org/fhir/administrative-gender|")]),
        ("Patient", [("deceased", "true")]),
        ("Patient", [("deceased", "false")]),
    ]
    found += [
        ("Patient", [("telecom", text)])
        for text in ("13800000001", "138 0000 0001", "p3@EXAMPLE.cn", "phone|13800000003", "email|13800000003")
    ]
    found += [("Patient", [("phone", "+86 13800000005")]), ("Patient", [("_tag", "urn:tag|a")]), ("Patient", [("_tag:not", "b")])]
    found += [
        ("Observation", [("value-concept", f"{SNOMED}|260385009")]),
        ("Observation", [("combo-code", CODES[0][0])]),
        ("Encounter", [("class", "AMB")]),
    ]
    found += [("Patient", [("deceased", "http://hl7.org/fhir/special-values|true")])]
    return found


def dates() -> list[Question]:
    found: list[Question] = []
    places = [
        ("Observation", "date"),
        ("Encounter", "date"),
        ("Condition", "onset-date"),
        ("Condition", "recorded-date"),
        ("Patient", "birthdate"),
    ]
    for kind, name in places:
        for prefix in ("", *PREFIXES):
            found += [(kind, [(name, prefix + date)]) for date in (*DATES, "1960", "2020-03-01T08:30")]
    found += [("Patient", [("death-date", "2022-05")]), ("Patient", [("_lastUpdated", "gt2026-01-01T00:05:00Z")])]
    found += [("Patient", [("_lastUpdated", f"{prefix}2026-01-01T00:05:00Z")]) for prefix in PREFIXES]
    found += [("Observation", [("date", "ge2020"), ("date", "lt2021")]), ("Observation", [("date", "2019,2022-01-01")])]
    return found


def numbers() -> list[Question]:
    found: list[Question] = []
    for prefix in ("", *PREFIXES):
        for value in [*(v for v in VALUES if "E" not in v), "5.395", "70", "-3.0", "0"]:
            found.append(("RiskAssessment", [("probability", prefix + value)]))
            for unit in ("", f"|{UCUM}|mmol/L", "||mmHg", "||次/分", "||/min", f"|{UCUM}|次/分", "||nothing"):
                found.append(("Observation", [("value-quantity", prefix + value + unit)]))
    found += [
        ("Encounter", [("length", "ge5||小时")]),
        ("Condition", [("onset-age", "lt45")]),
        ("Observation", [("value-quantity", "6,100||mmHg")]),
    ]
    return found


def references() -> list[Question]:
    found: list[Question] = []
    for name in ("subject", "patient", "subject:Patient", "subject:Device", "subject:Group"):
        for text in (
            "Patient/p1",
            "Patient/p7",
            "p1",
            "Device/p1",
            "g0",
            "Patient/p1,Patient/p2",
            "p1,p3",
            "Patient/nobody",
            ELSEWHERE,
            f"{ELSEWHERE},p2",
        ):
            kind = name.partition(":")[2] or ("Patient" if name == "patient" else "")
            if "/" not in text or not kind or all(part.startswith((kind + "/", "http")) or "/" not in part for part in text.split(",")):
                found.append(("Observation", [(name, text)]))
    found += [("Observation", [("performer", text)]) for text in ("Practitioner/d0", "o1", "Organization/o1,Practitioner/d0", "d0,o2")]
    found += [
        ("Encounter", [("service-provider", "Organization/o1")]),
        ("Encounter", [("patient", "p3")]),
        ("Patient", [("organization", "o0,o2")]),
    ]
    found += [
        ("Observation", [("encounter", "Encounter/e5")]),
        ("ValueSet", [("url", "https://vs.example/3")]),
        ("Patient", [("_profile", "https://p.example/Patient")]),
    ]
    found += [
        ("Patient", [("_profile", "https://p.example/Patient|1")]),
        ("ValueSet", [("url", "https://vs.example/3,https://vs.example/1")]),
    ]
    found += [("Patient", [("_id", "p1")]), ("Patient", [("_id", "p1,p5,nobody")])]
    return found


def missing() -> list[Question]:
    names = {
        "Patient": [
            "name",
            "gender",
            "birthdate",
            "telecom",
            "identifier",
            "organization",
            "address",
            "deceased",
            "death-date",
            "_tag",
            "_profile",
            "_source",
        ],
        "Observation": [
            "code",
            "date",
            "subject",
            "patient",
            "performer",
            "value-quantity",
            "value-string",
            "value-concept",
            "category",
            "encounter",
        ],
        "Encounter": ["date", "length", "patient", "service-provider"],
        "RiskAssessment": ["probability"],
        "ValueSet": ["url"],
    }
    return [(kind, [(f"{name}:missing", value)]) for kind, every in names.items() for name in every for value in ("true", "false")]


def chains() -> list[Question]:
    return [
        ("Observation", [("patient.identifier", "urn:oid:1.2|3")]),
        ("Observation", [("patient.name", "zhang")]),
        ("Observation", [("subject:Patient.gender:not", "male")]),
        ("Observation", [("subject:Patient.birthdate:missing", "true")]),
        ("Observation", [("subject:Device.identifier:missing", "true")]),
        ("Observation", [("patient.birthdate", "lt1970")]),
        ("Observation", [("patient._id", "p2")]),
        ("Observation", [("patient.organization", "Organization/o1")]),
        ("Observation", [("performer:Organization.name", "qingshi")]),
        ("Observation", [("encounter.date", "ge2020")]),
        ("Observation", [("encounter.class", "AMB"), ("patient.gender", "female")]),
        ("Encounter", [("service-provider.name", "云溪")]),
        ("Encounter", [("subject:Patient.name:exact", "欧阳修"), ("status", "finished")]),
        ("Patient", [("organization.name:contains", "卫生")]),
        ("Condition", [("patient.identifier", "no-system-2"), ("code", "I10")]),
    ]


def together(random: Random) -> list[Question]:
    """Two to four conditions at random."""
    pools: dict[str, list[tuple[str, str]]] = {}
    for kind, pairs in [*strings(), *tokens(), *dates(), *numbers(), *references(), *missing(), *chains()]:
        pools.setdefault(kind, []).extend(pairs)
    return [
        (kind, random.sample(pools[kind], random.randint(2, 4)))
        for kind in random.choices(["Observation", "Patient", "Encounter", "Condition"], k=250)
    ]


SORTS = {
    "Observation": ["", "date", "-date", "code,-date", "-value-quantity", "status,-_lastUpdated", "_id", "value-string"],
    "Patient": ["", "name", "-name", "birthdate,-family", "-_lastUpdated", "_lastUpdated", "gender,-_id"],
    "Encounter": ["", "-date", "date,_id", "length"],
    "Condition": ["", "-recorded-date", "onset-date"],
}


@pytest.mark.parametrize("questions", [strings, tokens, dates, numbers, references, missing, chains])
async def test_every_type_of_parameter_finds_what_the_standard_says(small_world: World, questions: object) -> None:
    oracle = Oracle(small_world.shelf, ZONE)
    empty = 0
    asked = questions()  # type: ignore[operator]
    for kind, pairs in asked:
        expected = oracle.search(kind, pairs)
        found = await small_world.ids(kind, *pairs)
        assert set(found) == expected, (kind, pairs)
        assert len(found) == len(expected), ("twice", kind, pairs)
        assert await small_world.total(kind, *pairs) == len(expected), (kind, pairs)
        empty += not expected
    assert empty < len(asked) * 0.6, "most questions should find something, or nothing is tested"


async def test_conditions_together_and_pages_walked_in_any_order_give_each_match_once(small_world: World) -> None:
    random = Random(3)
    oracle = Oracle(small_world.shelf, ZONE)
    for kind, pairs in together(random):
        expected = oracle.search(kind, pairs)
        sort = random.choice(SORTS[kind])
        asked = [*pairs, ("_sort", sort)] if sort else pairs
        found = await small_world.walk(kind, asked, random.choice([1, 3, 10]))
        assert len(found) == len(set(found)), ("twice", kind, asked)
        assert set(found) == expected, (kind, asked)
        assert await small_world.total(kind, *pairs) == len(expected), (kind, pairs)


async def test_whole_types_are_walked_in_every_order_exactly_once(small_world: World) -> None:
    for kind, sorts in SORTS.items():
        everyone = {kept.resource["id"] for kept in small_world.shelf.of(kind)}
        for sort in sorts:
            at_once = await small_world.ids(kind, *([("_sort", sort)] if sort else []))
            found = await small_world.walk(kind, [("_sort", sort)] if sort else [], 7)
            assert found == at_once, (kind, sort)
            assert sorted(found) == sorted(everyone), (kind, sort)
