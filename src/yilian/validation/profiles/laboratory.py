"""Yilian Laboratory Result: one result that another institution can read and recognise (互认): what, whose, when, by whom, in which unit.

国卫医发〔2022〕6号 asks that results be comparable: a code, the performer, the time and a unit of UCUM.
"""

from __future__ import annotations

from yilian.fhir import urls
from yilian.validation.profiles.writing import CORE, Element, Json, by, profile, rule

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def definitions() -> list[Json]:
    elements: list[Element] = [
        ("Observation.category", {"min": 1, "slicing": by("value", "coding.code")}),
        ("Observation.category:laboratory", {"sliceName": "laboratory", "min": 1, "max": "1"}),
        ("Observation.category:laboratory.coding", {"min": 1}),
        ("Observation.category:laboratory.coding.system", {"min": 1, "fixedUri": CATEGORY}),
        ("Observation.category:laboratory.coding.code", {"min": 1, "fixedCode": "laboratory"}),
        ("Observation.code.coding", {"min": 1}),
        ("Observation.code.coding.system", {"min": 1}),
        ("Observation.code.coding.code", {"min": 1}),
        ("Observation.subject", {"min": 1, "type": [{"code": "Reference", "targetProfile": [CORE + "Patient"]}]}),
        ("Observation.effective[x]", {"min": 1, "type": [{"code": "dateTime"}, {"code": "Period"}]}),
        ("Observation.performer", {"min": 1}),
        ("Observation.value[x]", {"slicing": by("type", "$this")}),
        ("Observation.value[x]:valueQuantity", {"sliceName": "valueQuantity", "type": [{"code": "Quantity"}]}),
        ("Observation.value[x]:valueQuantity.value", {"min": 1}),
        ("Observation.value[x]:valueQuantity.system", {"min": 1, "fixedUri": urls.UCUM}),
        ("Observation.value[x]:valueQuantity.code", {"min": 1}),
    ]
    made = profile("yilian-laboratory-result", "Observation", "检验结果", "可供其他机构调阅和互认的检验结果。", elements)
    made["differential"]["element"][0]["constraint"] = [
        rule(
            "yll-1",
            "A result that is final has a value, parts or members, or says why it has none",
            "已审核的检验结果须有数值、分项,或注明缺失原因",
            "status in ('final' | 'amended' | 'corrected') implies (value.exists() or component.exists() or hasMember.exists()"
            " or dataAbsentReason.exists())",
        ),
        rule(
            "yll-2",
            "A number is easier to read with its reference range",
            "数值型结果宜附参考范围",
            "value.ofType(Quantity).exists() implies referenceRange.exists()",
            "warning",
        ),
    ]
    return [made]
