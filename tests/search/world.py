"""A small world to search in: every shape a value can have, in proportions that leave no answer empty. The same for every run."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

Resource = dict[str, Any]

LOINC, LOCAL, SNOMED = "http://loinc.org", "https://yilian.example/local", "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
CODES = [("8480-6", "收缩压"), ("8462-4", "舒张压"), ("2339-0", "血糖"), ("4548-4", "糖化血红蛋白"), ("29463-7", "体重")]
UNITS = [(UCUM, "mmol/L", "mmol/L"), (UCUM, "/min", "次/分"), (UCUM, "kg", None), (None, None, "mmHg"), (None, None, None)]
NAMES = [
    ("张", "伟"),
    ("单", "雄信"),
    ("欧阳", "修"),
    ("吕", "布"),
    ("曾", "国藩"),
    ("Müller", "Änne"),
    ("O'Neil", "Zoë"),
    ("zhang", "San"),
    ("ＬＩＵ", "Wei"),
]
DATES = [
    "2019", "2020", "2020-02", "2020-02-29", "2020-03", "2020-03-01", "2020-03-01T08:30:00+08:00", "2020-03-01T00:30:00Z",
    "2020-03-01T00:29:59.500Z", "2020-03-02", "2021-01", "2021-12-31T23:59:59-12:00", "2022-01-01", "2022",
]  # fmt: skip
VALUES = ["5.4", "5.40", "5.45", "5.35", "6", "6.0", "100", "99.5", "100.5", "0.01", "-3", "7E1"]
ELSEWHERE = "https://other.example/fhir/Patient/9"


def world(seed: int = 7) -> list[Resource]:
    """Some 420 resources; references lead to resources of the same world."""
    random = Random(seed)
    resources = [*_directory(), *_patients(random)]
    resources += [_encounter(random, n) for n in range(60)]
    resources += [_observation(random, n) for n in range(200)]
    resources += [_condition(random, n) for n in range(40)]
    resources += [_risk(random, n) for n in range(20)]
    resources += [_value_set(random, n) for n in range(12)]
    return resources


def _directory() -> list[Resource]:
    organizations = [
        {"resourceType": "Organization", "id": f"o{n}", "name": name} for n, name in enumerate(["青石镇卫生院", "云溪市医院", "Clinic"])
    ]
    return [
        *organizations,
        *({"resourceType": "Practitioner", "id": f"d{n}", "name": [{"text": "王医生"}]} for n in range(2)),
        *({"resourceType": "Group", "id": f"g{n}", "type": "person", "actual": True} for n in range(2)),
        {"resourceType": "Device", "id": "p1"},  # the same id as a Patient: an id alone must not be enough to tell them apart
    ]


def _patients(random: Random) -> list[Resource]:
    found = []
    for n in range(30):
        family, given = NAMES[n % len(NAMES)]
        patient: Resource = {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": family, "given": [given]}]}
        if n % 4 == 0:
            patient["name"] = [{"text": family + given}]
        if n % 5:
            patient["gender"] = random.choice(["male", "female", "unknown"])
        if n % 3:
            patient["birthDate"] = random.choice(["1950", "1960-05", "1970-01-31", "2001-12-01"])
        patient["identifier"] = [
            {"system": random.choice(["urn:oid:1.2", "urn:oid:1.3"]), "value": str(n % 20)},
            {"value": f"no-system-{n % 7}"},
        ]
        if n % 2:
            patient["telecom"] = [{"system": "phone", "value": f"+86 138-0000 00{n:02}"}, {"system": "email", "value": f"P{n}@Example.cn"}]
        if n % 6 == 0:
            patient["deceasedBoolean"] = bool(n % 4)
        elif n % 6 == 1:
            patient["deceasedDateTime"] = "2022-05-01"
        if n % 4:
            patient["managingOrganization"] = {"reference": f"Organization/o{n % 3}"}
        if n % 5 == 0:
            patient["address"] = [{"line": ["中山路 1 号", "Ａpt 2"], "city": random.choice(["云溪市", "Zürich"]), "postalCode": "310000"}]
        if n % 3 == 0:
            patient["meta"] = {
                "tag": [{"system": "urn:tag", "code": random.choice(["a", "b"])}],
                "profile": [f"https://p.example/Patient|{n % 2}"],
            }
        found.append(patient)
    return found


def _encounter(random: Random, n: int) -> Resource:
    period = random.choice([{"start": "d"}, {"end": "d"}, {"start": "d", "end": "d"}, {}])
    period = {key: random.choice(DATES[:8] if key == "start" else DATES[8:]) for key in period}
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": f"e{n}",
        "status": random.choice(["finished", "in-progress"]),
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": random.choice(["AMB", "IMP"])},
        "subject": {"reference": f"Patient/p{n % 30}"},
        "serviceProvider": {"reference": f"Organization/o{n % 3}"},
    }
    if period:
        encounter["period"] = period
    if n % 3 == 0:
        encounter["length"] = {"value": Decimal(random.choice(VALUES)), "system": UCUM, "code": "h", "unit": "小时"}
    return encounter


def _observation(random: Random, n: int) -> Resource:
    observation: Resource = {"resourceType": "Observation", "id": f"v{n}", "status": random.choice(["final", "final", "preliminary"])}
    code, text = random.choice(CODES)
    codings = [{"system": LOINC, "code": code}, {"system": LOCAL, "code": random.choice(["BP", "GLU", code])}, {"code": "bare"}]
    observation["code"] = random.choice(
        [{"coding": codings[:1]}, {"coding": codings[:2]}, {"coding": codings[1:]}, {"text": text}, {"coding": codings[:1], "text": text}]
    )
    if n % 3:
        observation["category"] = [{"coding": [{"system": "urn:category", "code": random.choice(["laboratory", "vital-signs"])}]}]
    subject = random.choice([f"Patient/p{n % 12}"] * 7 + ["Group/g0", "Device/p1", ELSEWHERE, "", "no"])
    if subject != "no":
        observation["subject"] = {"reference": subject} if subject else {"display": "某人"}
    when = random.choice(["dateTime"] * 4 + ["Period", "Timing", "none"])
    if when == "dateTime":
        observation["effectiveDateTime"] = random.choice(DATES)
    elif when == "Period":
        observation["effectivePeriod"] = (
            {"start": random.choice(DATES[:7]), "end": random.choice(DATES[7:])} if n % 2 else {"start": "2020-03"}
        )
    elif when == "Timing":
        observation["effectiveTiming"] = {"event": [random.choice(DATES), random.choice(DATES)]}
    value = random.choice(["Quantity"] * 4 + ["CodeableConcept", "String", "none"])
    if value == "Quantity":
        system, unit_code, unit = random.choice(UNITS)
        given = {"value": Decimal(random.choice(VALUES)), "unit": unit, "system": system, "code": unit_code}
        observation["valueQuantity"] = {key: item for key, item in given.items() if item is not None}
    elif value == "CodeableConcept":
        observation["valueCodeableConcept"] = {
            "coding": [{"system": SNOMED, "code": random.choice(["260385009", "10828004"])}],
            "text": "阴性",
        }
    elif value == "String":
        observation["valueString"] = random.choice(["Negative", "阴性", "50% off_shelf", "Straße"])
    if n % 4 == 0:
        observation["performer"] = [{"reference": "Practitioner/d0"}, {"reference": f"Organization/o{n % 3}"}]
    if n % 5 == 0:
        observation["encounter"] = {"reference": f"Encounter/e{n % 60}"}
    return observation


def _condition(random: Random, n: int) -> Resource:
    condition: Resource = {
        "resourceType": "Condition",
        "id": f"c{n}",
        "subject": {"reference": f"Patient/p{n % 30}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": random.choice(["I10", "E11", "I25"])}]},
    }
    onset = random.choice(["DateTime", "Age", "String", "none"])
    if onset == "DateTime":
        condition["onsetDateTime"] = random.choice(DATES)
    elif onset == "Age":
        condition["onsetAge"] = {"value": Decimal(random.choice(["40", "52"])), "unit": "岁", "system": UCUM, "code": "a"}
    elif onset == "String":
        condition["onsetString"] = "小时候"
    if n % 3 == 0:
        condition["recordedDate"] = random.choice(DATES)
    return condition


def _risk(random: Random, n: int) -> Resource:
    predictions: list[Resource] = [{"probabilityDecimal": Decimal(random.choice(VALUES))} for _ in range(n % 3)]
    if n % 5 == 0:
        predictions.append({"probabilityRange": {"low": {"value": Decimal("1.5")}, "high": {"value": Decimal("99.9")}}})
    return {
        "resourceType": "RiskAssessment",
        "id": f"r{n}",
        "status": "final",
        "subject": {"reference": f"Patient/p{n}"},
        "prediction": predictions,
    }


def _value_set(random: Random, n: int) -> Resource:
    return {
        "resourceType": "ValueSet",
        "id": f"s{n}",
        "status": "active",
        "url": f"https://vs.example/{n % 5}",
        "version": random.choice(["1", "2"]),
    }
