"""Yilian Patient: a resident as the region knows one, told by the national identifiers (§ identifiers of `fhir.urls`, china-facts 8.3).

Check digit of 公民身份号码: GB 11643-1999, ISO 7064 MOD 11-2. The base check refuses wrong ones everywhere; here the rule stands in the
profile as well, so that others can read it and check before they send.
"""

from __future__ import annotations

from yilian.fhir import urls
from yilian.validation.profiles.writing import Element, Json, by, profile, rule, simple

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SUM = " + ".join(f"substring({place}, 1).toInteger() * {weight}" for place, weight in enumerate(_WEIGHTS))
_OLD_FORM = "matches('^[0-9]{15}$')"
CHECK_DIGIT = f"{_OLD_FORM} or (matches('^[0-9]{{17}}[0-9X]$') and '10X98765432'.substring(({_SUM}) mod 11, 1) = substring(17, 1))"
"""FHIRPath over the number: true for 18 characters whose last one fits, and for 15 digits, which have none to check."""

_RESIDENT = f"identifier.where(system = '{urls.RESIDENT_ID}').value.first()"
_BORN = f"iif({_RESIDENT}.{_OLD_FORM}, '19' & {_RESIDENT}.substring(6, 6), {_RESIDENT}.substring(6, 8))"
_COUNT = f"{_RESIDENT}.substring(iif({_RESIDENT}.{_OLD_FORM}, 14, 16), 1)"
BORN = f"{_RESIDENT}.exists() implies {_BORN} = birthDate.toString().replace('-', '')"
SEX = f"{_RESIDENT}.exists() and gender in ('male' | 'female') implies iif({_COUNT}.toInteger() mod 2 = 1, 'male', 'female') = gender"


def definitions() -> list[Json]:
    """The profile and the extension it rests on."""
    elements: list[Element] = [
        ("Patient.extension", {"slicing": by("value", "url")}),
        (
            "Patient.extension:ethnicGroup",
            {"sliceName": "ethnicGroup", "max": "1", "type": [{"code": "Extension", "profile": [urls.ETHNICITY]}]},
        ),
        (
            "Patient.identifier",
            {
                "min": 1,
                "slicing": by("value", "system"),
                "constraint": [
                    rule(
                        "ylp-4",
                        "An identifier has a system and a value",
                        "证件或编号须同时填写 system 和 value",
                        "system.exists() and value.exists()",
                    ),
                ],
            },
        ),
        *_slice(
            "residentId",
            urls.RESIDENT_ID,
            rule("ylp-1", "The check digit of the resident identity number fits", "居民身份证号校验码须正确", CHECK_DIGIT),
        ),
        *_slice(
            "healthFile",
            urls.HEALTH_FILE,
            rule("ylp-2", "A health file number is 17 digits", "居民健康档案编号应为 17 位数字", "matches('^[0-9]{17}$')"),
        ),
        *_slice("healthCard", urls.HEALTH_CARD, None),
        (
            "Patient.name",
            {
                "min": 1,
                "constraint": [
                    rule("ylp-3", "A name has a text or a family name", "姓名须填写全名或姓", "text.exists() or family.exists()")
                ],
            },
        ),
        ("Patient.gender", {"min": 1}),
        ("Patient.birthDate", {"min": 1}),
        (
            "Patient.managingOrganization",
            {"type": [{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Organization"]}]},
        ),
    ]
    resident = profile("yilian-patient", "Patient", "居民", "本区域的居民:证件与编号、姓名、性别、出生日期。", elements)
    resident["differential"]["element"][0]["constraint"] = [
        rule("ylp-5", "The date of birth is that of the resident identity number", "出生日期应与居民身份证号一致", BORN, "warning"),
        rule("ylp-6", "The gender is that of the resident identity number", "性别应与居民身份证号一致", SEX, "warning"),
    ]
    return [resident, simple(urls.ETHNICITY, "民族", ("Patient",), "CodeableConcept")]


def _slice(name: str, system: str, on_value: Json | None) -> list[tuple[str, Json]]:
    start = f"Patient.identifier:{name}"
    return [
        (start, {"sliceName": name, "max": "1"}),
        (f"{start}.system", {"min": 1, "fixedUri": system}),
        (f"{start}.value", {"min": 1} | ({"constraint": [on_value]} if on_value else {})),
    ]
