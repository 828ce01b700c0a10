"""What numbers a patient comes with, which of them are one person's alone, and which one record's alone within its institution.

    居民身份证, 港澳台居民居住证   18 characters, GB 11643-1999 (居住证: digits 1-2 are 81, 82, 83; 国办发〔2018〕81 号)
    外国人永久居留身份证           18 characters that begin with 9, the same check digit
    护照                         with the country that gave it
    港澳居民来往内地通行证         H or M and 8 digits; older ones count their renewals in two more
    台湾居民来往大陆通行证         8 digits; older ones the same with two more
    居民健康卡, 医保, 居民健康档案  no public check digit; the health file number has a form (国家基本公共卫生服务规范 第三版)
    门(急)诊号, 住院号, 病案号      an institution's own

None is required: a newborn or somebody nobody knows is registered without, and completed later. A number that is old (`use`), or lent for
the time being (`temp`: a newborn under the mother's), is nobody's alone.
FHIR R4: http://hl7.org/fhir/R4/datatypes.html#Identifier; types: http://terminology.hl7.org/CodeSystem/v2-0203
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from yilian.fhir import urls
from yilian.fhir.identifiers import CHECK_DIGIT, FAULTS_ZH, health_file_fault, resident_check_digit, resident_id_fault, resident_id_from_15

Json = dict[str, Any]
Alone = Literal["person", "record"]

NOT_HK_MACAO = "it is not H or M and 8 digits (or 10, with the count of renewals)"
NOT_TAIWAN = "it is not 8 digits (or 10, with the count of renewals)"
NOT_FOREIGN = "it is not 17 digits that begin with 9 and a digit or a capital X"
NOT_PASSPORT = "it is not 5 to 20 letters and digits"
NO_COUNTRY = "the system does not say the country: passport- and three capital letters (ISO 3166-1)"
TOO_SHORT = "it has fewer than 5 letters and digits"

ZH: Mapping[str, str] = {
    **FAULTS_ZH,
    NOT_HK_MACAO: "应为 H 或 M 加 8 位数字(旧证另有 2 位换证次数)",
    NOT_TAIWAN: "应为 8 位数字(旧证另有 2 位换证次数)",
    NOT_FOREIGN: "应为以 9 开头的 17 位数字加 1 位校验码",
    NOT_PASSPORT: "应为 5 至 20 位字母或数字",
    NO_COUNTRY: "证件系统未注明签发国家或地区",
    TOO_SHORT: "应至少有 5 位字母或数字",
}
"""What is wrong, in Chinese, for the person at the screen."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of identifier.

    alone   whether it is one person's, or one record's within the institution that gave it
    fault   what is wrong with a number, in English, a key of `ZH`; None when it is sound. `today`: where the person stands
    plain   a sound number as it is compared: without signs, of one length
    """

    code: str
    zh: str
    alone: Alone
    fault: Callable[[str, date], str | None]
    plain: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Number:
    """An identifier of a patient that is somebody's alone.

    issuer     the country of a passport, the system where several give such numbers, else ""
    plain      the number as it is compared
    assigner   "Organization/…" that gave it, "" where it is not said; only for numbers of records
    place      where it stands: "Patient.identifier[2]"
    """

    kind: Kind
    issuer: str
    plain: str
    assigner: str
    place: str


_sign = re.compile(r"[^0-9A-Z]+")
_hk_macao = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?")
_taiwan = re.compile(r"[0-9]{8}(?:[0-9]{2})?")
_foreign = re.compile(r"9[0-9]{16}[0-9X]")
_passport = re.compile(r"[0-9A-Z]{5,20}")
_country = re.compile(r"[A-Z]{3}")


def _signs(text: str) -> str:
    return _sign.sub("", text.upper())


def _resident(text: str) -> str:
    plain = _signs(text)
    return resident_id_from_15(plain) if re.fullmatch(r"[0-9]{15}", plain) else plain


def _resident_fault(text: str, today: date) -> str | None:
    return resident_id_fault(_resident(text), today)


def _foreign_fault(text: str, today: date) -> str | None:
    plain = _signs(text)
    if not _foreign.fullmatch(plain):
        return NOT_FOREIGN
    return None if resident_check_digit(plain[:17]) == plain[17] else CHECK_DIGIT


def _form(form: re.Pattern[str], says: str) -> Callable[[str, date], str | None]:
    return lambda text, today: None if form.fullmatch(_signs(text)) else says


def _long_enough(text: str, today: date) -> str | None:
    return None if len(_signs(text)) >= 5 else TOO_SHORT


def _anything(text: str, today: date) -> str | None:
    return None


RESIDENT = Kind("resident", "居民身份证号", "person", _resident_fault, _resident)
FOREIGN = Kind("foreign-resident", "外国人永久居留身份证号", "person", _foreign_fault, _signs)
PASSPORT = Kind("passport", "护照号", "person", _form(_passport, NOT_PASSPORT), _signs)
HK_MACAO = Kind("hk-macao-permit", "港澳居民来往内地通行证号", "person", _form(_hk_macao, NOT_HK_MACAO), lambda text: _signs(text)[:9])
TAIWAN = Kind("taiwan-permit", "台湾居民来往大陆通行证号", "person", _form(_taiwan, NOT_TAIWAN), lambda text: _signs(text)[:8])
HEALTH_CARD = Kind("health-card", "居民健康卡号", "person", _long_enough, _signs)
INSURANCE = Kind("insurance", "医保号", "person", _long_enough, _signs)
HEALTH_FILE = Kind("health-file", "居民健康档案编号", "person", lambda text, today: health_file_fault(text), _signs)
OUTPATIENT = Kind("outpatient", "门(急)诊号", "record", _anything, _signs)
INPATIENT = Kind("inpatient", "住院号", "record", _anything, _signs)
RECORD = Kind("record", "病案号", "record", _anything, _signs)

SYSTEMS: Mapping[str, Kind] = {
    urls.RESIDENT_ID: RESIDENT,
    urls.FOREIGN_RESIDENT_ID: FOREIGN,
    urls.HK_MACAO_PERMIT: HK_MACAO,
    urls.TAIWAN_PERMIT: TAIWAN,
    urls.HEALTH_CARD: HEALTH_CARD,
    urls.MEDICAL_INSURANCE: INSURANCE,
    urls.HEALTH_FILE: HEALTH_FILE,
    urls.OUTPATIENT_NO: OUTPATIENT,
    urls.INPATIENT_NO: INPATIENT,
    urls.RECORD_NO: RECORD,
}
"""By `Identifier.system`. Passports have one for each country: `urls.PASSPORT`."""

KINDS: Mapping[str, Kind] = {kind.code: kind for kind in (*SYSTEMS.values(), PASSPORT)}


def kind_of(identifier: Json) -> Kind | None:
    """What sort of number it is by its system; None for one that is not kept watch over."""
    system = identifier.get("system")
    if not isinstance(system, str):
        return None
    return PASSPORT if system.startswith(urls.PASSPORT) else SYSTEMS.get(system)


def fault_of(identifier: Json, today: date) -> tuple[Kind, str] | None:
    """The kind of an Identifier and what is wrong with it; None for what is sound, not known, or without a value."""
    kind, value = kind_of(identifier), identifier.get("value")
    if kind is None or not isinstance(value, str):
        return None
    if kind is PASSPORT and not _country.fullmatch(str(identifier["system"]).removeprefix(urls.PASSPORT)):
        return kind, NO_COUNTRY
    reason = kind.fault(value, today)
    return (kind, reason) if reason is not None else None


def numbers_of(patient: Json) -> Iterator[Number]:
    """The identifiers of a valid Patient that are somebody's alone, each once, in their order. None of them is faulty."""
    seen: set[tuple[str, str, str, str]] = set()
    for place, one in enumerate(patient.get("identifier", ())):
        kind, value = kind_of(one), one.get("value")
        if kind is None or not isinstance(value, str) or one.get("use") in ("old", "temp"):
            continue
        plain = kind.plain(value)
        issuer = str(one["system"]).removeprefix(urls.PASSPORT) if kind is PASSPORT else ""
        assigner = str((one.get("assigner") or {}).get("reference", "")) if kind.alone == "record" else ""
        if plain and (key := (kind.code, issuer, plain, assigner)) not in seen:
            seen.add(key)
            yield Number(kind, issuer, plain, assigner, f"Patient.identifier[{place}]")
