"""The form of a visit after a down-referral: what is asked, what a value may be, what stands in the record afterwards. Pure.

Fields and their codes: 国家基本公共卫生服务规范(第三版), 随访服务记录表 (china-facts §2.5). Observations carry LOINC and UCUM.
FHIR R4: http://hl7.org/fhir/R4/questionnaireresponse.html, http://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from yilian.errors import Issue
from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept

Resource = dict[str, Any]

QUESTIONNAIRE = urls.BASE + "Questionnaire/follow-up-visit"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of the form. low, high: what a person can have; outside of it, it was mistyped."""

    zh: str
    loinc: str
    unit: str
    ucum: str
    low: float
    high: float
    category: str = "vital-signs"


MEASURES = {
    "systolic": Measure("收缩压", "8480-6", "mmHg", "mm[Hg]", 40, 300),
    "diastolic": Measure("舒张压", "8462-4", "mmHg", "mm[Hg]", 20, 200),
    "heartRate": Measure("心率", "8867-4", "次/分", "/min", 20, 260),
    "temperature": Measure("体温", "8310-5", "℃", "Cel", 30, 44),
    "weight": Measure("体重", "29463-7", "kg", "kg", 1, 400),
    "fastingGlucose": Measure("空腹血糖", "14771-0", "mmol/L", "mmol/L", 0.5, 60, "laboratory"),
    "glucose": Measure("随机血糖", "15074-8", "mmol/L", "mmol/L", 0.5, 60, "laboratory"),
}

WAYS = {"clinic": "门诊", "home": "家庭", "phone": "电话"}
SYMPTOMS = {
    "none": "无症状",
    "headache": "头痛头晕",
    "vomiting": "恶心呕吐",
    "vision": "眼花耳鸣或视力模糊",
    "dyspnoea": "呼吸困难",
    "chest": "心悸胸闷",
    "nosebleed": "鼻衄出血不止",
    "numbness": "四肢发麻",
    "oedema": "下肢水肿",
    "thirst": "多饮",
    "polyuria": "多尿",
    "infection": "感染",
    "weight-loss": "体重明显下降",
    "other": "其他",
}
ADHERENCE = {"regular": "规律", "intermittent": "间断", "not-taken": "不服药", "declined": "拒绝服药"}
ASSESSMENTS = {"controlled": "控制满意", "uncontrolled": "控制不满意", "adverse": "不良反应", "complication": "并发症"}
OUTCOMES = {
    "continue": "继续随访",
    "paused": "暂时失访",
    "died": "终止:死亡",
    "moved": "终止:迁出",
    "lost": "终止:失访",
    "refused": "终止:拒绝",
}
ENDING = frozenset({"died", "moved", "lost", "refused"})
"""Outcomes after which nobody visits any more."""

CODED = {"way": ("随访方式", WAYS), "symptom": ("症状", SYMPTOMS), "adherence": ("服药依从性", ADHERENCE)} | {
    "assessment": ("此次随访分类", ASSESSMENTS),
    "outcome": ("转归", OUTCOMES),
}
TEXTS = {"adverse": "药物不良反应", "medication": "用药情况", "note": "随访记录"}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as it was recorded. measures by the names of `MEASURES`; next_on: when the patient is to come again, or None."""

    on: date
    way: str
    measures: Mapping[str, Decimal]
    symptoms: Sequence[str] = ()
    adherence: str = ""
    assessment: str = ""
    outcome: str = "continue"
    adverse: str = ""
    medication: str = ""
    note: str = ""
    next_on: date | None = None


def faults(visit: Visit, today: date) -> list[Issue]:
    """Everything that is wrong with a visit; empty when it can be recorded."""
    found = []
    if visit.on > today:
        found.append(_fault("on", "The visit lies in the future.", "随访日期不能晚于今天。"))
    if visit.next_on is not None and visit.next_on <= visit.on:
        found.append(_fault("next", "The next visit comes after this one.", "下次随访日期应晚于本次随访。"))
    for name, value in visit.measures.items():
        measure = MEASURES[name]
        if not measure.low <= value <= measure.high:
            between = f"{measure.low:g} to {measure.high:g} {measure.unit}"
            zh = f"{measure.zh}应在 {measure.low:g}~{measure.high:g} {measure.unit} 之间,请核对。"
            found.append(_fault(name, f"{name} is {value}; a person has {between}.", zh))
    if ("systolic" in visit.measures) != ("diastolic" in visit.measures):
        found.append(_fault("systolic", "A blood pressure has both values.", "请同时填写收缩压和舒张压。"))
    elif visit.measures.get("diastolic", Decimal(0)) >= visit.measures.get("systolic", Decimal(1)):
        found.append(_fault("diastolic", "The diastolic value lies below the systolic one.", "舒张压应低于收缩压,请核对。"))
    if "none" in visit.symptoms and len(visit.symptoms) > 1:
        found.append(_fault("symptom", "No symptoms and a symptom.", "“无症状”不能与其他症状同时选择。"))
    if visit.outcome == "continue" and not (visit.measures or visit.symptoms or visit.note):
        found.append(_fault("note", "Nothing was recorded: give a value, a symptom or a note.", "请至少填写一项体征、症状或随访记录。"))
    return found


def observations(visit: Visit, patient: str, performer: Resource, effective: str) -> list[Resource]:
    """The values as Observations; blood pressure as one panel. `patient`: "Patient/…"; effective: FHIR dateTime."""
    common: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": patient},
        "effectiveDateTime": effective,
        "performer": [performer],
    }
    made = []
    if "systolic" in visit.measures:
        parts = [{"code": _code(MEASURES[name]), "valueQuantity": _quantity(name, visit)} for name in ("systolic", "diastolic")]
        code = {"coding": [{"system": urls.LOINC, "code": "85354-9"}], "text": "血压"}
        made.append({**common, "category": [_category("vital-signs")], "code": code, "component": parts})
    for name in visit.measures:
        if name not in ("systolic", "diastolic"):
            measure = MEASURES[name]
            category = [_category(measure.category)]
            made.append({**common, "category": category, "code": _code(measure), "valueQuantity": _quantity(name, visit)})
    return made


def response(visit: Visit, patient: str, author: Resource, task: str, authored: str) -> Resource:
    """The whole form as it was filled in."""
    items: list[Resource] = [{"linkId": "on", "text": "随访日期", "answer": [{"valueDate": visit.on.isoformat()}]}]
    for name in visit.measures:
        items.append({"linkId": name, "text": MEASURES[name].zh, "answer": [{"valueQuantity": _quantity(name, visit)}]})
    said = {"way": [visit.way], "symptom": list(visit.symptoms), "adherence": [visit.adherence]}
    said |= {"assessment": [visit.assessment], "outcome": [visit.outcome]}
    for name, codes in said.items():
        title, words = CODED[name]
        answers = [{"valueCoding": {"system": urls.FOLLOW_UP, "code": code, "display": words[code]}} for code in codes if code]
        if answers:
            items.append({"linkId": name, "text": title, "answer": answers})
    for name, title in TEXTS.items():
        if text := getattr(visit, name):
            items.append({"linkId": name, "text": title, "answer": [{"valueString": text}]})
    if visit.next_on is not None:
        items.append({"linkId": "next", "text": "下次随访日期", "answer": [{"valueDate": visit.next_on.isoformat()}]})
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": QUESTIONNAIRE,
        "status": "completed",
        "subject": {"reference": patient},
        "authored": authored,
        "author": author,
        "item": items,
    } | {"identifier": {"system": urls.FOLLOW_UP, "value": task}}


def alarms(visit: Visit, limits: Mapping[str, Mapping[str, float]], symptoms: Sequence[str]) -> list[str]:
    """What of a visit asks for a referral, in words: values beyond `limits` (policy `follow_up.alarms`), symptoms of `symptoms`."""
    found = []
    for name, value in visit.measures.items():
        limit, measure = limits.get(name, {}), MEASURES[name]
        if "from" in limit and value >= Decimal(str(limit["from"])):
            found.append(f"{measure.zh} {value} {measure.unit},达到 {limit['from']:g}")
        elif "to" in limit and value <= Decimal(str(limit["to"])):
            found.append(f"{measure.zh} {value} {measure.unit},不高于 {limit['to']:g}")
    found += [f"症状:{SYMPTOMS[code]}" for code in visit.symptoms if code in symptoms]
    if visit.assessment == "complication":
        found.append("出现新并发症或原并发症加重")
    return found


def definitions() -> list[Resource]:
    """The Questionnaire of the form, and its codes."""
    concepts = {code: words for _, table in CODED.values() for code, words in table.items()} | {
        "visit": "转诊后随访",
        "record": "随访记录表",
        "value": "体征与化验",
    }
    items: list[Resource] = [{"linkId": "on", "text": "随访日期", "type": "date", "required": True}]
    items += [{"linkId": name, "text": f"{one.zh}({one.unit})", "type": "quantity"} for name, one in MEASURES.items()]
    for name, (title, table) in CODED.items():
        options = [{"valueCoding": {"system": urls.FOLLOW_UP, "code": code, "display": words}} for code, words in table.items()]
        items.append({"linkId": name, "text": title, "type": "choice", "repeats": name == "symptom", "answerOption": options})
    items += [{"linkId": name, "text": title, "type": "text"} for name, title in TEXTS.items()]
    items.append({"linkId": "next", "text": "下次随访日期", "type": "date"})
    return [
        code_system(urls.FOLLOW_UP, "FollowUp", "转诊后随访", [concept(code, words) for code, words in concepts.items()]),
        {
            "resourceType": "Questionnaire",
            "id": "follow-up-visit",
            "language": "zh-CN",
            "url": QUESTIONNAIRE,
            "name": "FollowUpVisit",
            "title": "转诊后随访记录表",
            "status": "active",
            "subjectType": ["Patient"],
            "item": items,
        },
    ]


def _code(measure: Measure) -> Resource:
    return {"coding": [{"system": urls.LOINC, "code": measure.loinc}], "text": measure.zh}


def _quantity(name: str, visit: Visit) -> Resource:
    measure = MEASURES[name]
    return {"value": visit.measures[name], "unit": measure.unit, "system": urls.UCUM, "code": measure.ucum}


def _category(code: str) -> Resource:
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": code}]}


def _fault(name: str, diagnostics: str, zh: str) -> Issue:
    return Issue("error", "business-rule", diagnostics, f"Parameters.parameter.where(name='{name}')", zh)
