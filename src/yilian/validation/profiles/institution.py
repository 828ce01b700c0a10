"""Yilian Institution: a care institution of the directory, with its tier and its two numbers (WS 218, GB 32100-2015)."""

from __future__ import annotations

from yilian.fhir import urls
from yilian.validation.profiles.writing import Element, Json, bound, by, profile, rule, simple


def definitions() -> list[Json]:
    """The profile and the extensions it rests on."""
    elements: list[Element] = [
        ("Organization.extension", {"slicing": by("value", "url")}),
        (
            "Organization.extension:tier",
            {"sliceName": "tier", "min": 1, "max": "1", "type": [{"code": "Extension", "profile": [urls.TIER]}]},
        ),
        ("Organization.identifier", {"min": 1, "slicing": by("value", "system")}),
        ("Organization.identifier:institution", {"sliceName": "institution", "min": 1, "max": "1"}),
        ("Organization.identifier:institution.system", {"min": 1, "fixedUri": urls.INSTITUTION_ID}),
        ("Organization.identifier:institution.value", {"min": 1}),
        ("Organization.identifier:creditCode", {"sliceName": "creditCode", "max": "1"}),
        ("Organization.identifier:creditCode.system", {"min": 1, "fixedUri": urls.USCC}),
        (
            "Organization.identifier:creditCode.value",
            {
                "min": 1,
                "constraint": [
                    rule(
                        "yli-1",
                        "A unified social credit code has 18 characters, without I, O, Z, S and V",
                        "统一社会信用代码应为 18 位,不含 I、O、Z、S、V",
                        "matches('^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$')",
                    )
                ],
            },
        ),
        ("Organization.active", {"min": 1}),
        ("Organization.type", {"min": 1}),
        ("Organization.name", {"min": 1}),
    ]
    tier = simple(urls.TIER, "机构层级", ("Organization",), "Coding", binding=bound("institution-tier"))
    approval = simple(urls.NEEDS_APPROVAL, "转出须审批", ("Organization",), "boolean")
    return [
        profile("yilian-institution", "Organization", "医疗卫生机构", "本区域的医疗卫生机构:层级、代码、名称、类别。", elements),
        tier,
        approval,
    ]
