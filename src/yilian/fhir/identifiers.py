"""The check digits and parts of Chinese identifiers.

Each `…_fault` returns None for a sound number, else what is wrong, in English, one of the keys of `FAULTS_ZH`; none of them raises.
The texts never contain the number, so they may be logged.
"""

from __future__ import annotations

import re
from datetime import date

_PROVINCES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
PROVINCES = frozenset(_PROVINCES.split())
"""First two digits of a division code (GB/T 2260-2007); 83 begins the residence permits of Taiwan residents (国办发〔2018〕81 号)."""

NOT_18 = "it does not have 18 characters"
NOT_DIGITS = "it is not 17 digits and a digit or a capital X"
NO_PROVINCE = "its first two digits are no province"
NO_BIRTHDAY = "digits 7 to 14 are no date"
BORN_LATER = "its date of birth is in the future"
CHECK_DIGIT = "the check digit does not fit"
NOT_ITS_CHARACTERS = "it holds a character such numbers do not have"
NOT_9 = "it does not have 9 characters"
NOT_17 = "it is not 17 digits"
NO_VILLAGE = "digits 10 to 12 are neither 001-099, 101-199 nor 901-999"
NO_SEQUENCE = "its last five digits are 00000"

FAULTS_ZH = {
    NOT_18: "应为 18 位",
    NOT_DIGITS: "应为 17 位数字加 1 位校验码(数字或大写 X)",
    NO_PROVINCE: "前两位不是有效的省级代码",
    NO_BIRTHDAY: "第 7 至 14 位不是有效日期",
    BORN_LATER: "出生日期晚于今天",
    CHECK_DIGIT: "校验码不正确",
    NOT_ITS_CHARACTERS: "含有不允许的字符",
    NOT_9: "应为 9 位",
    NOT_17: "应为 17 位数字",
    NO_VILLAGE: "第 10 至 12 位应为 001-099、101-199 或 901-999",
    NO_SEQUENCE: "末五位序号不能为 00000",
}
"""What is wrong, in Chinese, for the person at the screen."""

# --- 公民身份号码, GB 11643-1999

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_resident = re.compile(r"[0-9]{17}[0-9X]")


def resident_check_digit(first17: str) -> str:
    """The last character of a resident identity number: ISO 7064 MOD 11-2 over 17 digits (GB 11643-1999, 4.1)."""
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first17, _RESIDENT_WEIGHTS, strict=True)) % 11]


def resident_id_fault(text: str, today: date) -> str | None:
    """What is wrong with an 18-character resident identity number (公民身份号码), or None. `today` is the date where the person stands."""
    if len(text) != 18:
        return NOT_18
    if not _resident.fullmatch(text):
        return NOT_DIGITS
    if text[:2] not in PROVINCES:
        return NO_PROVINCE
    born = _birthday(text[6:14])
    if born is None:
        return NO_BIRTHDAY
    if born > today:
        return BORN_LATER
    return None if resident_check_digit(text[:17]) == text[17] else CHECK_DIGIT


def resident_id_from_15(text: str) -> str:
    """The 18-character form of a 15-digit number of before 1999. Raises ValueError when it is not 15 digits."""
    if not re.fullmatch(r"[0-9]{15}", text):
        raise ValueError("A first-generation number has 15 digits.")
    first17 = text[:6] + "19" + text[6:]
    return first17 + resident_check_digit(first17)


def birth_date_of(resident_id: str) -> date:
    """The date of birth a sound 18-character number holds."""
    born = _birthday(resident_id[6:14])
    if born is None:
        raise ValueError("The number holds no date.")
    return born


def gender_of(resident_id: str) -> str:
    """ "male" or "female", as AdministrativeGender has it: an odd sequence number is a man's."""
    return "male" if int(resident_id[16]) % 2 else "female"


def _birthday(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


# --- 统一社会信用代码, GB 32100-2015

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(3**place % 31 for place in range(17))


def uscc_check_digit(first17: str) -> str:
    """The last character of a unified social credit code: MOD 31-3 over 17 characters without I, O, Z, S, V (GB 32100-2015, annex A)."""
    return _USCC[-sum(_USCC.index(char) * weight for char, weight in zip(first17, _USCC_WEIGHTS, strict=True)) % 31]


def uscc_fault(text: str) -> str | None:
    """What is wrong with a unified social credit code (统一社会信用代码), or None."""
    if len(text) != 18:
        return NOT_18
    if not all(char in _USCC for char in text) or not text[2:8].isdigit():
        return NOT_ITS_CHARACTERS
    return None if uscc_check_digit(text[:17]) == text[17] else CHECK_DIGIT


# --- 全国组织机构代码, GB 11714-1997

_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def organization_code_check_digit(first8: str) -> str:
    """The last character of an organisation code: MOD 11 over 8 characters, letters counting from A = 10 (GB 11714-1997, 3.2)."""
    rest = 11 - sum(int(char, 36) * weight for char, weight in zip(first8, _ORGANIZATION_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def organization_code_fault(text: str) -> str | None:
    """What is wrong with a 9-character organisation code (组织机构代码, written without the hyphen), or None."""
    if len(text) != 9:
        return NOT_9
    if not re.fullmatch(r"[0-9A-Z]{8}[0-9X]", text):
        return NOT_ITS_CHARACTERS
    return None if organization_code_check_digit(text[:8]) == text[8] else CHECK_DIGIT


# --- 城乡居民健康档案编号

_village = re.compile(r"0(?!00)[0-9]{2}|1(?!00)[0-9]{2}|9(?!00)[0-9]{2}")


def health_file_fault(text: str) -> str | None:
    """What is wrong with a health file number (居民健康档案编号), or None.

    17 digits: county 6, township or street 3, village 3 (001-099 neighbourhood committee, 101-199 village committee, 901-999 others),
    person 5 (国家基本公共卫生服务规范 第三版, 2017, 居民健康档案管理服务规范). It has no check digit.
    """
    if not re.fullmatch(r"[0-9]{17}", text):
        return NOT_17
    if text[:2] not in PROVINCES:
        return NO_PROVINCE
    if not _village.fullmatch(text[9:12]):
        return NO_VILLAGE
    return NO_SEQUENCE if text[12:] == "00000" else None
