"""What the examples of the reference pages speak of: some of the record of 李秀英, beside the small region of `house`."""

from __future__ import annotations

from typing import Any

from tests.http.house import ORIGIN
from yilian import app, config
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem/"
HERE = "https://yunxi.example/fhir"
DAY = "2026-11-20T08:30:00+08:00"


def _coded(system: str, code: str, text: str = "") -> Json:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def _amount(value: float, unit: str, code: str, **more: Any) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": code, **more}


def _observation(id: str, code: str, text: str, when: str = DAY, **more: Any) -> Json:
    about = {"status": "final", "code": _coded(LOINC, code, text), "subject": {"reference": "Patient/p1"}, "effectiveDateTime": when}
    laboratory = {"category": [_coded(HL7 + "observation-category", "laboratory")]}
    return {"resourceType": "Observation", "id": id, **laboratory, **about, **more}


VITAL = [_coded(HL7 + "observation-category", "vital-signs")]
RECORD: tuple[Json, ...] = (
    {
        "resourceType": "Encounter",
        "id": "visit",
        "status": "finished",
        "class": {"system": HL7 + "v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-11-20"},
        "serviceProvider": {"reference": "Organization/qingshi"},
        "location": [{"location": {"reference": "Location/room"}}],
    },
    _observation(
        "hba1c",
        "4548-4",
        "糖化血红蛋白",
        valueQuantity=_amount(7.8, "%", "%"),
        encounter={"reference": "Encounter/visit"},
        performer=[{"reference": "Organization/qingshi"}],
    ),
    _observation("glucose", "14749-6", "葡萄糖", valueQuantity=_amount(6.1, "mmol/L", "mmol/L")),
    _observation("glucose-of-march", "14749-6", "葡萄糖", "2026-03", status="amended", valueQuantity=_amount(7.9, "mmol/L", "mmol/L")),
    _observation(
        "troponin",
        "67151-1",
        "高敏肌钙蛋白T",
        valueQuantity=_amount(0.01, "ng/mL", "ng/mL", comparator="<"),
        contained=[{"resourceType": "Organization", "id": "lab", "name": "云溪医学检验所"}],
        performer=[{"reference": "#lab"}, {"identifier": {"system": "https://lab.example", "value": "7"}}],
    ),
    _observation(
        "pressure",
        "85354-9",
        "血压",
        category=VITAL,
        component=[
            {"code": _coded(LOINC, code), "valueQuantity": _amount(value, "mmHg", "mm[Hg]")}
            for code, value in (("8480-6", 142), ("8462-4", 88))
        ],
    ),
    _observation("pulse", "8867-4", "脉搏", category=VITAL, valueQuantity=_amount(72, "次/分", "/min")),
    {
        "resourceType": "Condition",
        "id": "hypertension",
        "clinicalStatus": _coded(HL7 + "condition-clinical", "active"),
        "verificationStatus": _coded(HL7 + "condition-ver-status", "confirmed"),
        "code": _coded("http://hl7.org/fhir/sid/icd-10", "I10", "原发性高血压"),
        "subject": {"reference": "Patient/p1"},
        "recordedDate": "2026-03-01",
    },
    {
        "resourceType": "Condition",
        "id": "headache",
        "clinicalStatus": _coded(HL7 + "condition-clinical", "resolved"),
        "code": {"text": "急性头痛"},
        "subject": {"reference": "Patient/p2"},
        "recordedDate": "2026-10-08",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "penicillin",
        "clinicalStatus": _coded(HL7 + "allergyintolerance-clinical", "active"),
        "verificationStatus": _coded(HL7 + "allergyintolerance-verification", "confirmed"),
        "category": ["medication"],
        "code": {"text": "青霉素"},
        "patient": {"reference": "Patient/p1"},
    },
    {
        "resourceType": "Group",
        "id": "chronic",
        "type": "person",
        "actual": True,
        "name": "慢病管理",
        "member": [{"entity": {"reference": "Patient/p1"}}],
    },
    {
        "resourceType": "List",
        "id": "followed",
        "status": "current",
        "mode": "working",
        "title": "随访的诊断",
        "subject": {"reference": "Patient/p1"},
        "entry": [{"item": {"reference": "Condition/hypertension"}}],
    },
    {
        "resourceType": "Location",
        "id": "house",
        "name": "青石镇卫生院",
        "position": {"longitude": 117.19, "latitude": 34.26},
        "managingOrganization": {"reference": "Organization/qingshi"},
    },
    {"resourceType": "Location", "id": "room", "name": "全科诊室", "partOf": {"reference": "Location/house"}},
    {
        "resourceType": "ValueSet",
        "id": "glycaemia",
        "url": f"{HERE}/ValueSet/glycaemia",
        "name": "Glycaemia",
        "title": "血糖监测",
        "status": "active",
        "compose": {"include": [{"system": LOINC, "concept": [{"code": "4548-4", "display": "糖化血红蛋白"}, {"code": "14749-6"}]}]},
    },
    {
        "resourceType": "CodeSystem",
        "id": "reports",
        "url": f"{HERE}/CodeSystem/reports",
        "name": "Reports",
        "status": "active",
        "content": "complete",
        "hierarchyMeaning": "is-a",
        "concept": [
            {"code": "imaging", "display": "影像检查", "concept": [{"code": "ct", "display": "计算机断层扫描"}]},
            {"code": "laboratory", "display": "检验"},
        ],
    },
    {
        "resourceType": "ValueSet",
        "id": "reports",
        "url": f"{HERE}/reports",
        "name": "ReportKinds",
        "status": "draft",
        "compose": {"include": [{"system": f"{HERE}/CodeSystem/reports"}]},
    },
    {
        "resourceType": "ConceptMap",
        "id": "reports",
        "url": f"{HERE}/ConceptMap/reports",
        "name": "ReportsToLoinc",
        "status": "active",
        "sourceUri": f"{HERE}/reports",
        "targetUri": "http://loinc.org/vs",
        "group": [
            {
                "source": f"{HERE}/CodeSystem/reports",
                "target": LOINC,
                "element": [{"code": "ct", "target": [{"code": "18748-4", "equivalence": "wider"}]}],
            }
        ],
    },
)


async def furnish(dsn: str) -> None:
    """Put the record into a database that holds the small region already."""
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in RECORD], base=f"{ORIGIN}/fhir")
        async with database.transaction() as tx:
            numbered = {"type": _coded(HL7 + "v2-0203", "MR"), "system": "https://qingshi.example/record", "value": "B-0117"}
            await write(
                tx, SYSTEM, [Change("PATCH", "Patient", "p2", None, patch=lambda p: p | {"identifier": [*p["identifier"], numbered]})]
            )
    finally:
        await database.close()
