"""Codings the charts share. Every display is Chinese; the same dictionary object may stand in many resources and is never changed."""

from __future__ import annotations

from functools import cache
from typing import Any

from yilian.demo import services
from yilian.fhir import urls

Resource = dict[str, Any]
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
DISPOSITION = "urn:oid:2.16.156.10011.2.3.1.265"  # 离院方式 RC019
ROUTE = "urn:oid:2.16.156.10011.2.3.1.158"  # 用药途径
OPERATION = "urn:oid:2.16.156.10011.2.3.3.12"  # ICD-9-CM 手术操作
ATC = "http://www.whocc.no/atc"
CVX = "http://hl7.org/fhir/sid/cvx"

CLASSES = {
    code: {"system": TERMINOLOGY + "v3-ActCode", "code": code, "display": display}
    for code, display in {"AMB": "门诊", "IMP": "住院", "EMER": "急诊", "HH": "上门服务", "OBSENC": "留观"}.items()
}
DISPOSITIONS = {"1": "医嘱离院", "2": "医嘱转院", "3": "医嘱转社区卫生服务机构/乡镇卫生院", "4": "非医嘱离院", "5": "死亡", "9": "其他"}
ROUTES = {
    "1": "口服",
    "3": "舌下给药",
    "401": "皮下注射",
    "402": "皮内注射",
    "403": "肌内注射",
    "404": "静脉注射或静脉滴注",
    "5": "吸入给药",
    "6": "局部用药",
}


@cache
def concept(system: str, code: str, display: str, text: str = "") -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


@cache
def words(text: str) -> Resource:
    """A CodeableConcept without a code."""
    return {"text": text}


@cache
def loinc(code: str, display: str) -> Resource:
    return concept(urls.LOINC, code, display)


@cache
def diagnosis(code: str, text: str) -> Resource:
    """An ICD-10 diagnosis with its Chinese name."""
    return concept(urls.ICD10, code, text)


@cache
def service_type(department: str) -> Resource:
    return services.specialty(department)


@cache
def clinical_status(code: str) -> Resource:
    display = {"active": "活动", "resolved": "已痊愈", "remission": "缓解", "inactive": "非活动"}[code]
    return {"coding": [{"system": TERMINOLOGY + "condition-clinical", "code": code, "display": display}]}


CONFIRMED = {"coding": [{"system": TERMINOLOGY + "condition-ver-status", "code": "confirmed", "display": "已确诊"}]}
PROVISIONAL = {"coding": [{"system": TERMINOLOGY + "condition-ver-status", "code": "provisional", "display": "初步诊断"}]}
PROBLEM = [{"coding": [{"system": TERMINOLOGY + "condition-category", "code": "problem-list-item", "display": "健康问题"}]}]
ENCOUNTER_DIAGNOSIS = [{"coding": [{"system": TERMINOLOGY + "condition-category", "code": "encounter-diagnosis", "display": "就诊诊断"}]}]
SEVERITIES = {"mild": "轻度", "moderate": "中度", "severe": "重度"}

CATEGORIES = {
    code: [{"coding": [{"system": TERMINOLOGY + "observation-category", "code": code, "display": display}]}]
    for code, display in {
        "vital-signs": "生命体征",
        "laboratory": "实验室检验",
        "imaging": "影像检查",
        "exam": "体格检查",
        "survey": "量表评估",
        "social-history": "社会史",
        "procedure": "功能检查",
    }.items()
}
SECTIONS = {
    code: [{"coding": [{"system": TERMINOLOGY + "v2-0074", "code": code, "display": display}]}]
    for code, display in {
        "LAB": "检验",
        "HM": "血液学检验",
        "CH": "生化检验",
        "RX": "普通放射",
        "CT": "计算机断层扫描",
        "NMR": "磁共振",
        "RUS": "超声",
        "CUS": "心脏超声",
        "EC": "心电图",
        "PF": "肺功能",
        "OTH": "内镜",
        "CTH": "心导管与造影",
    }.items()
}
