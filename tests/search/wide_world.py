"""The small world and around it what modifiers, chains, `_has`, lists, composites and places need. The same for every run."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from tests.search.world import LOCAL, LOINC, UCUM, world

Resource = dict[str, Any]

TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
BODY, CODED = "urn:body", "urn:coded"
VITALS, LOCALS, STATUSES, ENDLESS = "urn:vs:vitals", "urn:vs:locals", "urn:vs:statuses", "urn:vs:endless"
WORDS = ["急性头痛", "头痛", "Head ache, acute", "head", "Ｈｅａｄ", "偏头痛 migraine", "", "50%_off", "Ärztin"]
PLACES = [
    ("31.2304", "121.4737"),
    ("31.3", "121.5"),
    ("39.9042", "116.4074"),
    ("-17.7", "179.9"),
    ("-17.7", "-179.9"),
    ("89.99", "10"),
    ("0", "0"),
]

HIERARCHY = {"head": "body", "skull": "head", "jaw": "skull", "face": "head", "arm": "body", "hand": "arm", "body": ""}
"""Code → the one above it."""

VALUE_SETS = {
    VITALS: [(LOINC, "8480-6"), (LOINC, "8462-4"), (BODY, "head")],
    LOCALS: [(LOCAL, "BP"), (LOCAL, "GLU"), (LOCAL, "nobody-has-this")],
    STATUSES: [("http://hl7.org/fhir/observation-status", "final"), ("http://hl7.org/fhir/encounter-status", "finished")],
}


def wide_world() -> list[Resource]:
    random = Random(19)
    return [
        *world(),
        *(_institution(n) for n in range(8)),
        *(_place(n) for n in range(len(PLACES) + 2)),
        *(_person(random, n) for n in range(12)),
        *(_finding(random, n) for n in range(60)),
        *(_measured(random, n) for n in range(80)),
        *(_list(random, n) for n in range(8)),
        *(_allergy(random, n) for n in range(30)),
        *(_medication(n) for n in range(10)),
        *(_document(random, n) for n in range(16)),
        *(_group(random, n) for n in range(12)),
        *(_sequence(random, n) for n in range(12)),
        *(_definition(random, n) for n in range(16)),
        *(
            {"resourceType": "QuestionnaireResponse", "id": f"z{n}", "status": "completed", "questionnaire": url}
            for n, url in enumerate(FORMS)
        ),
        *({"resourceType": "ValueSet", "id": f"u{n}", "status": "active", "url": url} for n, url in enumerate(URLS)),
    ]


URLS = [
    "http://a.example/fhir",
    "http://a.example/fhir/",
    "http://a.example/fhir/ValueSet",
    "http://a.example/fhir/ValueSet/1",
    "http://a.example/fhir/ValueSet/1/deep",
    "http://a.example/fhirpath",
    "http://a.example",
    "https://a.example/fhir/ValueSet/1",
    "urn:oid:1.2.3",
]
FORMS = [
    "http://a.example/q/1",
    "http://a.example/q/1|1",
    "http://a.example/q/1|1.2",
    "http://a.example/q/1|1.2.3",
    "http://a.example/q/1|12",
]


def _institution(n: int) -> Resource:
    """Eight, each part of one with a lower number: 0 ← 1 ← 3, 0 ← 2 ← 5 …"""
    found: Resource = {"resourceType": "Organization", "id": f"i{n}", "name": f"机构{n}", "active": n % 2 == 0}
    if n:
        found["partOf"] = {"reference": f"Organization/i{(n - 1) // 2}"}
    return found


def _place(n: int) -> Resource:
    place: Resource = {
        "resourceType": "Location",
        "id": f"l{n}",
        "name": f"Place {n}",
        "managingOrganization": {"reference": f"Organization/i{n % 8}"},
    }
    if n < len(PLACES):
        place["position"] = {"latitude": Decimal(PLACES[n][0]), "longitude": Decimal(PLACES[n][1])}
    return place


def _person(random: Random, n: int) -> Resource:
    kind = random.choice(
        [
            {"coding": [{"system": TYPES, "code": "MR"}], "text": "病历号"},
            {"coding": [{"system": TYPES, "code": "DL"}]},
            {"text": "Licence"},
        ]
    )
    return {
        "resourceType": "Patient",
        "id": f"q{n}",
        "name": [{"family": "李", "given": [f"第{n}"]}],
        "gender": random.choice(["male", "female"]),
        "identifier": [
            {"type": kind, "system": "urn:id", "value": f"A|{n % 5}"},
            {"type": {"coding": [{"system": TYPES, "code": "MR"}, {"code": "X"}]}, "value": "Z"},
        ],
        "managingOrganization": {"reference": f"Organization/i{n % 8}"},
        "generalPractitioner": [
            {"identifier": {"system": "urn:licence", "value": f"D{n % 3}"}, "display": "医生"},
            {"reference": "Practitioner/d1"},
        ],
        "maritalStatus": {"coding": [{"system": "urn:marital", "code": "M", "display": random.choice(WORDS[:3])}]},
    }


def _finding(random: Random, n: int) -> Resource:
    """Findings with words beside their codes, codes of a hierarchy, subjects named by identifier."""
    code = {
        "coding": [
            {"system": BODY, "code": random.choice(list(HIERARCHY)), "display": random.choice(WORDS)},
            {"system": CODED, "code": "x"},
        ][: 1 + n % 2]
    }
    if n % 3 == 0:
        code["text"] = random.choice(WORDS)
    finding: Resource = {
        "resourceType": "Observation",
        "id": f"w{n}",
        "status": random.choice(["final", "amended"]),
        "code": _clean(code),
        "subject": {"reference": f"Patient/q{n % 12}"} if n % 4 else {"identifier": {"system": "urn:who", "value": str(n % 6)}},
        "category": [{"text": random.choice(WORDS[:5])}],
    }
    if n % 5 == 0:
        finding["performer"] = [{"reference": f"Organization/i{n % 8}", "identifier": {"value": f"plain{n % 2}"}}]
    if n % 6 == 0:
        finding["hasMember"] = [{"reference": f"Observation/m{n}"}]
    if n % 7 == 0:
        finding["device"] = {"reference": "Device/p1"}
    return finding


def _measured(random: Random, n: int) -> Resource:
    """Pressures: two components whose values must not be mixed up; now and then a value of its own as well."""

    def component(code: str) -> Resource:
        found: Resource = {"code": {"coding": [{"system": LOINC, "code": code}, {"system": LOCAL, "code": "BP"}][: 1 + n % 2]}}
        if random.random() < 0.8:
            found["valueQuantity"] = {"value": Decimal(random.choice(["80", "120", "140.0", "141", "180"])), **random.choice(UNITS)}
        else:
            found["valueCodeableConcept"] = {"coding": [{"system": CODED, "code": random.choice(["high", "low"])}], "text": "高"}
        return found

    found: Resource = {
        "resourceType": "Observation",
        "id": f"m{n}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": random.choice(["85354-9", "8480-6"])}]},
        "subject": {"reference": f"Patient/p{n % 30}"},
        "component": [component(code) for code in ("8480-6", "8462-4")][: 1 + n % 3],
    }
    value = n % 6
    if value == 0:
        found["valueQuantity"] = {"value": Decimal(random.choice(["120", "140", "6.1"])), **random.choice(UNITS)}
    elif value == 1:
        found["valueCodeableConcept"] = {"coding": [{"system": CODED, "code": random.choice(["high", "low"])}]}
    elif value == 2:
        found["valueString"] = random.choice(["Negative", "阴性", "negligible"])
    elif value == 3:
        found["valueDateTime"] = random.choice(["2020", "2020-03-01", "2021-05-05T08:00:00Z"])
    if n % 4 == 0:
        found["effectiveDateTime"] = random.choice(["2019-01-01", "2022-01-01"])
    return found


UNITS: list[Resource] = [
    {"system": UCUM, "code": "mm[Hg]", "unit": "mmHg"},
    {"system": UCUM, "code": "kPa", "unit": "kPa"},
    {"unit": "mmHg"},
    {},
]


def _list(random: Random, n: int) -> Resource:
    members = random.sample([f"Observation/m{k}" for k in range(20)] + [f"Patient/q{k}" for k in range(6)] + ["Organization/i1"], n)
    return {
        "resourceType": "List",
        "id": f"t{n}",
        "status": "current",
        "mode": "working",
        "subject": {"reference": f"Patient/p{n}"},
        "entry": [{"item": {"reference": member}} for member in members],
    }


def _allergy(random: Random, n: int) -> Resource:
    clinical, system = random.choice(["active", "inactive", "resolved"]), "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    found: Resource = {"resourceType": "AllergyIntolerance", "id": f"a{n}", "patient": {"reference": f"Patient/q{n % 12}"}}
    if n % 5:
        found["clinicalStatus"] = {"coding": [{"system": system + "clinical", "code": clinical}]}
    if n % 4:
        found["verificationStatus"] = {"coding": [{"system": system + "verification", "code": random.choice(["confirmed", "refuted"])}]}
    if n % 3:
        found["category"] = [random.choice(["medication", "food"])]
    return found


def _medication(n: int) -> Resource:
    return {
        "resourceType": "MedicationStatement",
        "id": f"s{n}",
        "status": ["active", "completed"][n % 2],
        "subject": {"reference": f"Patient/q{n}"},
        "medicationCodeableConcept": {"text": "阿司匹林"},
    }


def _document(random: Random, n: int) -> Resource:
    found: Resource = {
        "resourceType": "DocumentReference",
        "id": f"d{n}",
        "status": "current",
        "subject": {"reference": f"Patient/q{n % 12}"},
        "content": [{"attachment": {"title": "x"}}],
    }
    if n:
        targets = [f"DocumentReference/d{random.randrange(n)}", "https://other.example/fhir/DocumentReference/9"]
        found["relatesTo"] = [{"code": random.choice(["replaces", "appends"]), "target": {"reference": to}} for to in targets[: 1 + n % 2]]
    return found


def _group(random: Random, n: int) -> Resource:
    traits = []
    for _ in range(n % 3):
        value: Resource = random.choice(
            [
                {"valueCodeableConcept": {"coding": [{"system": CODED, "code": random.choice(["high", "low"])}]}},
                {"valueBoolean": n % 2 == 0},
            ]
        )
        traits.append({"code": {"coding": [{"system": CODED, "code": random.choice(["risk", "smoker"])}]}, **value, "exclude": False})
    members = [{"entity": {"reference": f"Patient/q{k}"}} for k in random.sample(range(12), 2)]
    return {
        "resourceType": "Group",
        "id": f"h{n}",
        "type": "person",
        "actual": True,
        "characteristic": traits,
        "member": members,
        "active": n % 2 == 0,
    }


def _sequence(random: Random, n: int) -> Resource:
    numbers = [random.choice([10, 20, 30]) for _ in range(6)]
    return {
        "resourceType": "MolecularSequence",
        "id": f"x{n}",
        "coordinateSystem": 0,
        "patient": {"reference": f"Patient/q{n}"},
        "referenceSeq": {
            "chromosome": {"coding": [{"system": "urn:chromosome", "code": str(n % 2 + 1)}]},
            "referenceSeqId": {"coding": [{"system": "urn:seq", "code": f"NC_{n % 3}"}]},
            "windowStart": numbers[0],
            "windowEnd": numbers[0] + 5,
        },
        "variant": [{"start": numbers[k], "end": numbers[k] + numbers[k + 2]} for k in range(1, 1 + n % 3)],
    }


def _definition(random: Random, n: int) -> Resource:
    contexts = []
    for _ in range(n % 3):
        value: Resource = random.choice(
            [
                {"valueCodeableConcept": {"coding": [{"system": CODED, "code": random.choice(["high", "low"])}]}},
                {"valueQuantity": {"value": Decimal(random.choice(["5", "50"])), "system": UCUM, "code": "a", "unit": "岁"}},
                {
                    "valueRange": {
                        "low": {"value": Decimal(18), "system": UCUM, "code": "a"},
                        "high": {"value": Decimal(65), "system": UCUM, "code": "a"},
                    }
                },
            ]
        )
        contexts.append({"code": {"system": "urn:usage", "code": random.choice(["age", "focus"])}, **value})
    return {"resourceType": "Questionnaire", "id": f"y{n}", "status": "draft", "useContext": contexts}


def _clean(code: Resource) -> Resource:
    """No empty display: HL7 allows none."""
    for coding in code["coding"]:
        if not coding.get("display", "x"):
            del coding["display"]
    if not code.get("text", "x"):
        del code["text"]
    return code
