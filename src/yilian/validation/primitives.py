"""The primitive types: JSON type, HL7's own regular expression, and what no such expression can say (that there is such a day).

http://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import binascii
import calendar
import math
import re
from decimal import Decimal
from typing import Any

from yilian.fhir.definitions import structure
from yilian.validation.faults import LONGEST_TEXT, Check, Faults, Seen, fault, shown, wrong_shape
from yilian.validation.narrative import narrative_fault

_forbidden = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_white = re.compile(r"\s", re.ASCII)
_code_form = re.compile(structure("code").regex, re.ASCII)


def text_fault(value: Any) -> Faults:
    """The fault of a value that should be an ordinary string, or None."""
    if type(value) is not str:
        return wrong_shape(value, "a string", "字符串")
    if not value:
        return fault("value", "A string must not be empty; leave the element out.", "文本不能为空,没有内容请省略该项。")
    if len(value) > LONGEST_TEXT:
        return fault(
            "too-long",
            f"The text has {len(value)} characters; {LONGEST_TEXT} are the most.",
            f"文本过长({len(value)} 字),最多 {LONGEST_TEXT} 字。",
        )
    bad = _forbidden.search(value)
    if bad is not None:
        return fault(
            "value",
            f"The text holds the character U+{ord(bad[0]):04X}, which is not allowed.",
            f"文本含有不允许的字符 U+{ord(bad[0]):04X}。",
        )
    return None


def _string(value: Any, seen: Seen) -> Faults:
    if type(value) is str and value.isprintable() and 0 < len(value) <= LONGEST_TEXT:
        return None
    return text_fault(value)


def _uri(value: Any, seen: Seen) -> Faults:
    if type(value) is str and value.isprintable() and " " not in value and 0 < len(value) <= LONGEST_TEXT:
        return None
    found = text_fault(value)
    if found is None and _white.search(value):
        return fault("value", f"{shown(value)} is not a URI: it holds white space.", f"{shown(value)} 不是有效的 URI,含有空白字符。")
    return found


def _code(value: Any, seen: Seen) -> Faults:
    if type(value) is str and value.isprintable() and " " not in value and 0 < len(value) <= LONGEST_TEXT:
        return None
    found = text_fault(value)
    if found is None and not _code_form.fullmatch(value):
        return fault(
            "value",
            f"{shown(value)} is not a code: no white space at the ends, none but single spaces inside.",
            f"{shown(value)} 不是有效的代码,首尾不能有空格,中间不能有连续空格。",
        )
    return found


def _boolean(value: Any, seen: Seen) -> Faults:
    return None if type(value) is bool else wrong_shape(value, "true or false", "布尔值 true 或 false")


def _integer_between(low: int, high: int, what: str, what_zh: str) -> Check:
    def check(value: Any, seen: Seen) -> Faults:
        if type(value) is int:
            if low <= value <= high:
                return None
            return fault("value", f"The number must be {what}, from {low} to {high}.", f"应为{what_zh},取值 {low} 至 {high}。")
        return wrong_shape(value, what, what_zh)

    return check


_WIDEST = 10**100


def _decimal(value: Any, seen: Seen) -> Faults:
    kind = type(value)
    if kind is Decimal:
        if value.is_finite() and -308 < value.adjusted() < 308 and len(str(value)) <= 120:
            return None
    elif kind is int:
        if -_WIDEST < value < _WIDEST:
            return None
    elif kind is float:
        if math.isfinite(value):
            return None
    else:
        return wrong_shape(value, "a number", "数字")
    return fault("value", "The number is out of the range a decimal may have.", "数值超出允许范围。")


def _by_regex(kind: str, example: str, zh: str) -> Check:
    matches = re.compile(structure(kind).regex, re.ASCII).fullmatch

    def check(value: Any, seen: Seen) -> Faults:
        if type(value) is str and len(value) <= 2048 and matches(value):
            return None
        return text_fault(value) or fault(
            "value", f"{shown(value)} is not of type {kind}, such as {example}.", f"{shown(value)} 不是有效的{zh},示例:{example}。"
        )

    return check


USUAL_MOMENT = re.compile(
    r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]))?"
).fullmatch
"""A dateTime as nearly all are: to the day or to the second, and a day there is. HL7's expression takes twice as long."""


def _moment(kind: str, example: str, zh: str) -> Check:
    """date, dateTime, instant: HL7's expression, and a day that exists."""
    matches = re.compile(structure(kind).regex, re.ASCII).fullmatch

    def check(value: Any, seen: Seen) -> Faults:
        if type(value) is str and len(value) <= 80 and matches(value):
            if value[8:10] <= "28" or int(value[8:10]) <= calendar.monthrange(int(value[:4]), int(value[5:7]))[1]:
                return None
            return fault("value", f"There is no such day as {shown(value)}.", f"日期 {shown(value)} 不存在。")
        return text_fault(value) or fault(
            "value", f"{shown(value)} is not of type {kind}, such as {example}.", f"{shown(value)} 不是有效的{zh},示例:{example}。"
        )

    return check


def _base64(value: Any, seen: Seen) -> Faults:
    if type(value) is not str:
        return wrong_shape(value, "a base64 string", "base64 字符串")
    try:
        if value and value.isascii():
            binascii.a2b_base64("".join(value.split()), strict_mode=True)
            return None
    except binascii.Error:
        pass
    return fault("value", "The text is not base64.", "内容不是有效的 base64 编码。")


def _xhtml(value: Any, seen: Seen) -> Faults:
    found = text_fault(value)
    if found is not None:
        return found
    reason = narrative_fault(value)
    return (
        None if reason is None else fault("invariant", f"The narrative is not allowed: {reason}", "叙述文本(text.div)不符合 XHTML 规则。")
    )


PRIMITIVES: dict[str, Check] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _uri,
    "code": _code,
    "date": _moment("date", "2023-02-01", "日期"),
    "dateTime": _moment("dateTime", "2023-02-01T08:30:00+08:00", "日期时间"),
    "decimal": _decimal,
    "id": _by_regex("id", "a1-b2.c3", "标识(1 至 64 个字母、数字、- 或 .)"),
    "instant": _moment("instant", "2023-02-01T08:30:00.000+08:00", "时刻"),
    "integer": _integer_between(-(2**31), 2**31 - 1, "an integer", "整数"),
    "markdown": _string,
    "oid": _by_regex("oid", "urn:oid:2.16.156", "OID"),
    "positiveInt": _integer_between(1, 2**31 - 1, "a positive integer", "正整数"),
    "string": _string,
    "time": _by_regex("time", "08:30:00", "时间"),
    "unsignedInt": _integer_between(0, 2**31 - 1, "an integer not below 0", "非负整数"),
    "uri": _uri,
    "url": _uri,
    "uuid": _by_regex("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "UUID"),
    "xhtml": _xhtml,
}
"""The check of each primitive type of R4; a test holds the keys against the definitions."""
