"""Modifiers, chains, `_has` and lists find what the standard says, one by one and in any combination, and never beyond the scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import asyncpg
import pytest

from tests.search.conftest import ZONE, World, terminology
from tests.search.loader import Kept, load
from tests.search.wide_oracle import WideOracle
from tests.search.wide_world import BODY, CODED, FORMS, HIERARCHY, LOCALS, PLACES, STATUSES, TYPES, URLS, VITALS, wide_world
from tests.search.world import LOCAL, LOINC
from yilian.store.scope import SYSTEM

Question = tuple[str, list[tuple[str, str]]]


def modifiers() -> list[Question]:
    found: list[Question] = []
    for text in ("头痛", "head", "HEAD ache", "痛", "偏头痛", "ache", "50%", "_", "arzt", "nothing", "head,痛", "急性头痛"):
        found += [("Observation", [(f"{name}:text", text)]) for name in ("code", "combo-code", "category")]
        found.append(("Observation", [("code:text", text), ("category:text", "head,痛")]))
    found += [("Patient", [("identifier:text", text)]) for text in ("病历", "lic", "mr")]
    found += [("Observation", [("value-concept:text", "阴")]), ("Observation", [("component-value-concept:text", "高")])]
    for text in (
        f"{TYPES}|MR|A\\|1",
        f"{TYPES}|DL|A\\|1",
        f"{TYPES}|MR|Z",
        f"{TYPES}|DL|Z",
        f"{TYPES}|MR|A",
        f"{TYPES}|MR|Z,{TYPES}|DL|A\\|2",
    ):
        found.append(("Patient", [("identifier:of-type", text)]))
    for text in ("urn:who|1", "1", "|1", "urn:who|", "urn:who|1,urn:who|2", "urn:other|1"):
        found += [("Observation", [(f"{name}:identifier", text)]) for name in ("subject", "patient")]
    found += [("Observation", [("performer:identifier", text)]) for text in ("plain1", "|plain1", "urn:who|plain1")]
    found += [
        ("Patient", [("general-practitioner:identifier", "urn:licence|D1")]),
        ("Patient", [("general-practitioner", "Practitioner/d1")]),
    ]
    for modifier in ("in", "not-in"):
        found += [
            ("Observation", [(f"{name}:{modifier}", url)]) for name in ("code", "combo-code", "component-code") for url in (VITALS, LOCALS)
        ]
        found += [("Observation", [(f"status:{modifier}", STATUSES)]), ("Encounter", [(f"status:{modifier}", STATUSES)])]
        found += [
            ("Observation", [(f"code:{modifier}", f"{VITALS},{LOCALS}")]),
            ("Observation", [(f"code:{modifier}", VITALS), ("status", "final")]),
        ]
    for code in HIERARCHY:
        found += [("Observation", [(f"code:{modifier}", f"{BODY}|{code}")]) for modifier in ("below", "above")]
    found += [("Observation", [("code:below", f"{BODY}|face,{BODY}|arm"), ("subject:Patient.gender", "male")])]
    for modifier in ("below", "above"):
        found += [("ValueSet", [(f"url:{modifier}", url)]) for url in URLS if "://" in url]
        found += [("QuestionnaireResponse", [(f"questionnaire:{modifier}", url)]) for url in FORMS]
    found += [
        ("ValueSet", [("url:below", "http://a.example/fhir/ValueSet,https://a.example")]),
        ("ValueSet", [("url:below", "http://a.example/f")]),
    ]
    found += [(kind, [(f"{name}:missing", value)]) for value in ("true", "false") for kind, name in MISSING]
    return found


MISSING = [
    ("Patient", "_id"),
    ("Patient", "_lastUpdated"),
    ("Observation", "performer"),
    ("Observation", "code"),
    ("Patient", "general-practitioner"),
]


def chains() -> list[Question]:
    return [
        ("Observation", [("subject:Patient.organization.name", "机构3")]),
        ("Observation", [("subject:Patient.organization.partof.name", "机构1")]),
        ("Observation", [("patient.organization.partof.partof.partof:missing", "true")]),
        ("Observation", [("patient.organization.partof.partof.name", "机构0")]),
        ("Observation", [("patient.organization.active", "true"), ("code", "arm")]),
        ("Observation", [("patient.organization.partof.active:not", "true")]),
        ("Observation", [("has-member:Observation.component-code", f"{LOINC}|8462-4")]),
        ("Observation", [("has-member:Observation.subject:Patient.name", "zhang")]),
        ("Observation", [("patient.organization:Organization.partof:Organization._id", "i2")]),
        ("Observation", [("patient.general-practitioner:identifier", "urn:licence|D1")]),
        ("Observation", [("patient.general-practitioner:Practitioner.name", "王")]),
        ("Observation", [("patient.identifier:of-type", f"{TYPES}|MR|A\\|1")]),
        ("Location", [("organization.partof.partof.name", "机构0")]),
        ("Organization", [("partof.partof.partof._id", "i0")]),
        ("Observation", [("patient.gender", "male"), ("patient.organization.name", "机构")]),
        ("Observation", [("encounter.patient.identifier", "urn:oid:1.2|3")]),
        ("Observation", [("encounter.service-provider.name", "云溪"), ("status", "final")]),
    ]


def backwards() -> list[Question]:
    return [
        ("Patient", [("_has:Observation:patient:code", f"{BODY}|head")]),
        ("Patient", [("_has:Observation:patient:code", f"{LOINC}|8480-6")]),
        ("Patient", [("_has:Observation:subject:code", "head,arm")]),
        ("Patient", [("_has:Observation:patient:code:text", "头痛")]),
        ("Patient", [("_has:Observation:patient:code:in", VITALS)]),
        ("Patient", [("_has:Observation:patient:code:not", f"{LOINC}|8480-6")]),
        ("Patient", [("_has:Observation:patient:date", "ge2021")]),
        ("Patient", [("_has:Observation:patient:status", "amended")]),
        ("Patient", [("_has:Observation:patient:status", "amended"), ("gender", "female")]),
        ("Patient", [("_has:Observation:patient:performer:missing", "false")]),
        ("Patient", [("_has:Observation:patient:encounter.class", "AMB")]),
        ("Patient", [("_has:Observation:patient:encounter.service-provider.name", "云溪")]),
        ("Patient", [("_has:Observation:patient:code", "head"), ("_has:Observation:patient:code", "arm")]),
        ("Patient", [("_has:Observation:patient:code", "head"), ("name", "李")]),
        ("Patient", [("_has:Group:member:characteristic", "risk")]),
        ("Patient", [("_has:Group:member:_id", "h1,h2")]),
        ("Patient", [("_has:List:item:_id", "t3")]),
        ("Patient", [("_has:Observation:patient:_has:Observation:has-member:code", "head")]),
        ("Patient", [("_has:Observation:patient:_has:List:item:status", "current")]),
        ("Organization", [("_has:Organization:partof:name", "机构5")]),
        ("Organization", [("_has:Organization:partof:_has:Organization:partof:name", "机构5")]),
        ("Organization", [("_has:Patient:organization:_has:Observation:patient:code", "head")]),
        ("Organization", [("_has:Patient:organization:gender", "male")]),
        ("Organization", [("_has:Patient:organization:_has:Observation:patient:performer:Organization.active", "true")]),
        ("Organization", [("_has:Encounter:service-provider:patient.gender", "female"), ("name", "云")]),
        ("Organization", [("_has:Observation:performer:status", "final")]),
        ("Organization", [("_has:Location:organization:name", "place 2")]),
        ("Observation", [("patient._has:Group:member:characteristic", "smoker")]),
        ("Observation", [("patient._has:Group:member:actual", "true"), ("status", "final")]),
        ("Observation", [("subject:Group._has:Observation:subject:status", "final")]),
        ("Observation", [("patient._has:Encounter:patient:class", "IMP"), ("code", "8480-6")]),
        ("Observation", [("_has:Observation:has-member:code:text", "head")]),
        ("Device", [("_has:Observation:device:code", "head")]),
        ("Observation", [("_list", "t5")]),
        ("Observation", [("_list", "t5,List/t6"), ("status", "final")]),
        ("Patient", [("_list", "t7")]),
        ("Organization", [("_list", "t6,t7")]),
        ("Patient", [("_list", "nothing")]),
        ("Observation", [("patient._list", "t7")]),
        ("AllergyIntolerance", [("_list", "$current-allergies")]),
        ("AllergyIntolerance", [("_list", "$current-drug-allergies"), ("patient.gender", "male")]),
        ("MedicationStatement", [("_list", "$current-medications")]),
    ]


def composites() -> list[Question]:
    found: list[Question] = []
    for name in ("code", "combo-code", "component-code"):
        for code in (f"{LOINC}|8480-6", f"{LOCAL}|", "BP", "85354-9"):
            found += [
                ("Observation", [(f"{name}-value-quantity", f"{code}${value}")])
                for value in ("gt100", "120", "le140||mmHg", "ne80", "ap120||kPa")
            ]
            found += [
                ("Observation", [(f"{name}-value-concept", f"{code}${value}")]) for value in ("high", f"{CODED}|low", f"{CODED}|", "|high")
            ]
    found += [("Observation", [("component-code-value-quantity", "8480-6$gt140,8462-4$lt100")])]
    found += [("Observation", [("component-code-value-quantity", "8480-6$gt140"), ("component-code-value-quantity", "8462-4$lt100")])]
    found += [("Observation", [("code-value-string", f"85354-9${text}")]) for text in ("neg", "阴", "x")]
    found += [("Observation", [("code-value-date", f"{LOINC}|8480-6${text}")]) for text in ("2020", "ge2020-02", "lt2021", "gt2022")]
    found += [("Observation", [("combo-code-value-quantity", "8480-6$ge140"), ("status", "final"), ("subject:Patient.gender", "male")])]
    found += [("Patient", [("_has:Observation:patient:component-code-value-quantity", f"{LOINC}|8480-6$gt140")])]
    for name in ("context-type-value", "context-type-quantity"):
        values = ("high", f"{CODED}|low") if name.endswith("value") else ("gt10", "5", "lt20||a", "gt60")
        found += [("Questionnaire", [(name, f"{code}${value}")]) for code in ("age", "urn:usage|focus", "urn:usage|") for value in values]
    found += [
        ("Group", [("characteristic-value", f"{code}${value}")])
        for code in ("risk", f"{CODED}|smoker")
        for value in ("true", "false", "high", f"{CODED}|low")
    ]
    found += [
        ("DocumentReference", [("relationship", f"{code}${target}")])
        for code in ("replaces", "appends", "http://hl7.org/fhir/document-relationship-type|replaces")
        for target in ("DocumentReference/d1", "d2", "https://other.example/fhir/DocumentReference/9", "nobody")
    ]
    for head, names in (("chromosome", ("1", "urn:chromosome|2")), ("referenceseqid", ("NC_0", "urn:seq|NC_1"))):
        for kind in ("variant", "window"):
            for name in names:
                found += [
                    ("MolecularSequence", [(f"{head}-{kind}-coordinate", f"{name}${ends}")])
                    for ends in ("ge10$le60", "20$gt30", "lt30$lt40")
                ]
    pairs = [
        ("Observation", "component-code-value-quantity"),
        ("Observation", "combo-code-value-concept"),
        ("Observation", "code-value-date"),
    ]
    pairs += [("Questionnaire", "context-type-quantity"), ("Group", "characteristic-value"), ("DocumentReference", "relationship")]
    return found + [(kind, [(f"{name}:missing", value)]) for kind, name in pairs for value in ("true", "false")]


def places() -> list[Question]:
    found: list[Question] = []
    for latitude, longitude in PLACES:
        for distance in ("", "|5", "|12|km", "|900|[mi_i]", "|1200000|m", "|50|km", "|30000|km"):
            found.append(("Location", [("near", f"{latitude}|{longitude}{distance}")]))
    found += [
        ("Location", [("near", "-17.7|-180|50|km")]),
        ("Location", [("near", "31.23|121.47,39.9|116.4")]),
        ("Location", [("near:missing", "true")]),
    ]
    return [*found, ("Location", [("near", "31.23|121.47|20"), ("name", "place 1")]), ("Location", [("near:missing", "false")])]


@pytest.mark.parametrize("questions", [modifiers, chains, backwards, composites, places])
async def test_whatever_is_asked_finds_what_the_standard_says(wide: World, questions: Callable[[], list[Question]]) -> None:
    oracle = WideOracle(wide.shelf, ZONE)
    empty = []
    for kind, pairs in questions():
        expected = oracle.search(kind, pairs)
        found = await wide.ids(kind, *pairs)
        assert set(found) == expected, (kind, pairs)
        assert len(found) == len(expected), ("twice", kind, pairs)
        assert await wide.total(kind, *pairs) == len(expected), (kind, pairs)
        if not expected:
            empty.append((kind, pairs))
    assert len(empty) < len(questions()) * 0.35, empty


def mixed(random: Random, number: int, *sources: Callable[[], list[Question]]) -> list[Question]:
    """Two or three conditions on one type."""
    pools: dict[str, list[tuple[str, str]]] = {}
    for source in sources:
        for kind, pairs in source():
            pools.setdefault(kind, []).extend(pair for pair in pairs if not pair[1].startswith("$"))
    kinds = [kind for kind in ("Observation", "Observation", "Patient", "Organization") if len(pools.get(kind, ())) > 3]
    return [(kind, random.sample(pools[kind], random.randint(2, 3))) for kind in random.choices(kinds, k=number)]


async def test_conditions_of_every_sort_go_together_and_pages_give_each_match_once(wide: World) -> None:
    random = Random(5)
    oracle = WideOracle(wide.shelf, ZONE)
    for kind, pairs in mixed(random, 150, modifiers, chains, backwards, composites):
        expected = oracle.search(kind, pairs)
        sort = random.choice(["", "", "-_lastUpdated", "_id", "-date" if kind == "Observation" else "name"])
        asked = [*pairs, ("_sort", sort)] if sort else pairs
        found = await wide.walk(kind, asked, random.choice([1, 3, 10]))
        assert len(found) == len(set(found)), ("twice", kind, asked)
        assert set(found) == expected, (kind, asked)
        assert await wide.total(kind, *pairs) == len(expected), (kind, pairs)


REGISTERED = ("q1", "q4", "q7", "p1", "p3", "p6", "p7")


async def test_every_resource_on_the_way_must_be_within_the_scope(connection: asyncpg.Connection) -> None:
    confined = {
        "Observation/w1": "Organization/o1",
        "Observation/m3": "Organization/o1",
        "Patient/q4": "Organization/o1",
        "List/t5": "Organization/o0",
    }
    shelf = await load(connection, wide_world(), confined)
    await terminology(connection)
    here = shelf.rid("Organization/o0")
    for patient in REGISTERED:
        key = shelf.rid(f"Patient/{patient}")
        await connection.execute(
            "insert into access_ground (institution, patient, kind, source) values ($1, $2, 'registered', $2)", here, key
        )
    township = replace(SYSTEM, reach="grounds", institution="Organization/o0", institution_rid=here)
    oneself = replace(SYSTEM, reach="self", patient_rid=shelf.rid("Patient/q1"))
    nothing = replace(SYSTEM, reach="nothing")
    narrow = replace(township, reads=frozenset({"Patient", "Observation", "Organization"}))
    grounds = {shelf.rid(f"Patient/{patient}") for patient in REGISTERED}
    world = World(connection, shelf)
    for scope in (township, narrow, oneself, nothing):

        def seen(kept: Kept, scope: object = scope) -> bool:
            if scope is narrow and kept.resource["resourceType"] not in ("Patient", "Observation", "Organization"):
                return False
            if kept.shared and kept.patient is None:
                return True
            if scope in (township, narrow):
                return kept.confined in (None, here) and (kept.patient in grounds or (kept.patient is None and kept.confined == here))
            return scope is oneself and kept.patient == shelf.rid("Patient/q1") and kept.confined is None

        oracle = WideOracle(shelf, ZONE, seen)
        something = 0
        asked = [*modifiers()[::3], *chains(), *backwards(), *composites()[::5]]
        asked += mixed(Random(8), 40, modifiers, chains, backwards, composites)
        for kind, pairs in asked:
            expected = oracle.search(kind, pairs)
            assert set(await world.ids(kind, *pairs, scope=scope)) == expected, (scope.reach, kind, pairs)
            assert await world.total(kind, *pairs, scope=scope) == len(expected), (scope.reach, kind, pairs)
            something += bool(expected)
        assert something > (10 if scope in (oneself, nothing) else 45), (scope.reach, something)
