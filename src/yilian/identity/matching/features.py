"""What of a Patient is compared, prepared once when the Patient is written: comparing two of them parses and folds nothing more.

FHIR R4: http://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import msgspec

from yilian.fhir import urls
from yilian.fhir.identifiers import resident_id_from_15
from yilian.identity.matching import names, places

Json = dict[str, Any]

FORM = 1
"""Counted up when features are made another way: rows made before are then made anew."""

_resident = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_not_digit = re.compile(r"[^0-9]+")
_not_sign = re.compile(r"[^0-9A-Z]+")
NOBODYS = frozenset("13800138000 13888888888 13999999999 12345678901 13900000000 13800000000 18888888888".split())
"""Telephone numbers that are typed where there is none."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What points to one person, in the clear: never leaves this room but sealed.

    document  居民身份证, 18 characters (of 15 the long form)
    passport  passport or travel permit, with what kind it is in front
    card, insurance, file   居民健康卡, 医保, 居民健康档案
    phone, other_phone      digits, without the country
    """

    document: str | None = None
    passport: str | None = None
    card: str | None = None
    insurance: str | None = None
    file: str | None = None
    phone: str | None = None
    other_phone: str | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """One patient as compared. Texts are folded; None where the field is absent and its comparison is skipped.

    born     yyyymmdd, only when the day is known
    sex      male | female
    The rest as in `names.Name`, `places.Place`, `Numbers`.
    """

    name: str | None = None
    pinyin: str | None = None
    other_pinyin: str | None = None
    sound: str | None = None
    bag: str | None = None
    family: str | None = None
    given_first: str | None = None
    given_last: str | None = None
    born: str | None = None
    sex: str | None = None
    city: str | None = None
    county: str | None = None
    town: str | None = None
    line: str | None = None
    document: str | None = None
    passport: str | None = None
    card: str | None = None
    insurance: str | None = None
    file: str | None = None
    phone: str | None = None
    other_phone: str | None = None

    @property
    def numbers(self) -> Numbers:
        return Numbers(self.document, self.passport, self.card, self.insurance, self.file, self.phone, self.other_phone)


CLEAR = (
    "name",
    "pinyin",
    "other_pinyin",
    "sound",
    "bag",
    "family",
    "given_first",
    "given_last",
    "born",
    "sex",
    "city",
    "county",
    "town",
    "line",
)
"""Columns of `match_feature` that hold what they are called."""

NUMBERS = ("document", "passport", "card", "insurance", "file", "phone", "other_phone")
"""What is packed into its column `numbers`, in this order."""

_SYSTEMS: Mapping[str, str] = {
    urls.RESIDENT_ID: "document",
    urls.HEALTH_CARD: "card",
    urls.HEALTH_FILE: "file",
}
_TYPES: Mapping[str, str] = {"PPN": "passport", "HC": "insurance", "MB": "insurance", "SB": "insurance", "JHN": "card"}
"""Codes of http://terminology.hl7.org/CodeSystem/v2-0203 by which others say what an identifier is."""


def of(patient: Json) -> Features:
    """The features of a valid Patient. What cannot be read counts as absent."""
    name = names.of(patient.get("name"))
    place = places.of(patient.get("address"))
    numbers: dict[str, str] = {}
    for identifier in _objects(patient.get("identifier")):
        if identifier.get("use") != "old" and (found := _identifier(identifier)):
            numbers.setdefault(*found)
    phones = list(dict.fromkeys(filter(None, (_phone(one) for one in _objects(patient.get("telecom"))))))
    sex = patient.get("gender")
    return Features(
        name.characters if name else None,
        name.pinyin if name else None,
        name.other_pinyin if name else None,
        name.sound if name else None,
        name.bag if name else None,
        name.family if name else None,
        name.given_first if name else None,
        name.given_last if name else None,
        _born(patient.get("birthDate")),
        sex if sex in ("male", "female") else None,
        place.city,
        place.county,
        place.town,
        place.line,
        numbers.get("document"),
        numbers.get("passport"),
        numbers.get("card"),
        numbers.get("insurance"),
        numbers.get("file"),
        phones[0] if phones else None,
        phones[1] if len(phones) > 1 else None,
    )


def packed(features: Features) -> bytes:
    """The numbers as they are kept: JSON array in the order of `NUMBERS`."""
    return msgspec.json.encode([getattr(features, column) for column in NUMBERS])


def unpacked(data: bytes) -> list[str | None]:
    """The numbers of a row, in the order of `NUMBERS`."""
    return _numbers.decode(data)


_numbers = msgspec.json.Decoder(list[str | None])


def as_row(features: Features) -> dict[str, str | None]:
    """By column, as batches are handed to Splink."""
    return asdict(features)


def document(text: str) -> str | None:
    """A resident identity number with 18 characters, of whatever form; None for what is none."""
    plain = re.sub(r"\s|-", "", text).upper()
    if not _resident.fullmatch(plain):
        return None
    return plain if len(plain) == 18 else resident_id_from_15(plain)


def phone(text: str) -> str | None:
    """Digits of a number within the country; None for what rings nowhere."""
    digits = _not_digit.sub("", text)
    for country in ("0086", "86"):
        if digits.startswith(country) and len(digits) - len(country) >= 10:
            digits = digits[len(country) :]
            break
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 3 or digits in NOBODYS:
        return None
    return digits


def _identifier(one: Json) -> tuple[str, str] | None:
    system, value = one.get("system"), one.get("value")
    if type(value) is not str:
        return None
    column = _SYSTEMS.get(str(system)) or next((_TYPES[code] for code in _codes(one.get("type")) if code in _TYPES), None)
    if column is None:
        return None
    if column == "document":
        found = document(value)
        return (column, found) if found else None
    plain = _not_sign.sub("", value.upper())
    if len(plain) < 5 or len(set(plain)) < 3:
        return None
    return column, f"{system or ''}|{plain}"


def _codes(concept: Any) -> list[str]:
    codings = concept.get("coding") if type(concept) is dict else None
    return [str(coding.get("code")) for coding in _objects(codings)]


def _phone(one: Json) -> str | None:
    if one.get("system") not in ("phone", "sms") or one.get("use") == "old" or type(one.get("value")) is not str:
        return None
    return phone(one["value"])


def _born(text: Any) -> str | None:
    if type(text) is not str or len(text) != 10:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day.strftime("%Y%m%d") if day.year > 1000 else None


def _objects(value: Any) -> list[Json]:
    return [one for one in value if type(one) is dict] if type(value) is list else []
