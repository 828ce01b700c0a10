"""Numbers people and institutions are known by, with their check characters. All are of the fictional area 5166xx.

GB 11643-1999 公民身份号码, GB 11714 组织机构代码, GB 32100-2015 统一社会信用代码, WS 218 机构 22 位码, 居民健康档案编号 17 位
(china-facts §8.8).
"""

from __future__ import annotations

from datetime import date

from yilian.fhir.identifiers import organization_code_check_digit, resident_check_digit, uscc_check_digit


def resident_id(area: str, born: date, serial: int, sex: str) -> str:
    """18 characters: area 6, birthday 8, order 3 (odd for men), check 1. `serial` counts the people of one area from 0."""
    order = 2 * (serial % 499) + (1 if sex == "male" else 2)
    body = f"{area}{born:%Y%m%d}{order:03d}"
    return body + resident_check_digit(body)


def organization_code(serial: int) -> str:
    """9 characters; the first eight are a fictional series."""
    body = f"MB{serial:06d}"
    return body + organization_code_check_digit(body)


def credit_code(area: str, organization: str) -> str:
    """统一社会信用代码 of a public institution (12: 机构编制机关登记的事业单位)."""
    body = f"12{area}{organization}"
    return body + uscc_check_digit(body)


def institution_code(area: str, organization: str, kind: str) -> str:
    """22 characters: organization 9, area 6, economy 11 (state-owned), kind 4 (WS 218), management 1 (non-profit)."""
    return f"{organization}{area}11{kind}1"


def health_file(town: str, village: int, serial: int) -> str:
    """17 digits: county 6 + town 3 (together `town`), village 3, person 5."""
    return f"{town}{village:03d}{serial:05d}"


def mobile(serial: int) -> str:
    """A mobile number from the range 16900, which no operator gives out."""
    return f"16900{serial:06d}"


def landline(area: str, serial: int) -> str:
    """A landline number with the unassigned area code 0819."""
    return f"{area}-{2610000 + serial * 7 % 89999:07d}"
