"""The formats of the primitive types, each at its edges."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from yilian.fhir.definitions import structure, structure_names
from yilian.validation import issues
from yilian.validation.primitives import PRIMITIVES

SOUND: dict[str, list[Any]] = {
    "base64Binary": ["aGVsbG8=", "aGVs bG8=", "AAAA"],
    "boolean": [True, False],
    "canonical": ["http://x.example/q|1.0", "#a", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "code": ["a", "a b", "高血压"],
    "date": ["2023", "2023-02", "2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": [
        "2023",
        "2023-02",
        "2023-02-28",
        "2023-02-28T08:30:00Z",
        "2023-02-28T23:59:60.123456789+14:00",
        "2000-02-29T00:00:00-03:30",
    ],
    "decimal": [0, -1, 10**50, Decimal("6.0"), Decimal("1E-22"), Decimal("-0.0"), 1.5],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2023-02-28T08:30:00Z", "2023-02-28T08:30:00.1+08:00"],
    "integer": [0, -(2**31), 2**31 - 1],
    "markdown": ["# 标题\n\n* 一", " "],
    "oid": ["urn:oid:2.16.156", "urn:oid:1.0"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " ", "多行\r\n\t文字　", "é", "😀", "x" * 1024 * 1024],
    "time": ["00:00:00", "23:59:59.999", "12:00:60"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["http://x.example/a?b=c#d", "urn:oid:2.16", "relative", "http://例子.example"],
    "url": ["https://x.example", "mailto:a@b.example"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
}

WRONG: dict[str, list[Any]] = {
    "base64Binary": ["", "a", "aGVsbG8", "a=b=", "中文", "aGVsbG8=x", 5],
    "boolean": ["true", 1, 0, "", None],
    "canonical": ["", "a b", "http://x\n", 1],
    "code": ["", " a", "a ", "a  b", "a\tb ", "\x00", 1],
    "date": [
        "", "0000", "23", "2023-13", "2023-02-30", "2023-02-29", "1900-02-29", "2023-1-1", "2023-02-01T00:00:00Z", "２０２３",
        2023, "2023\n",
    ],
    "dateTime": [
        "", "2023-02-30T08:30:00Z", "2023-02-28T08:30:00", "2023-02-28T08:30Z", "2023-02-28T24:00:00Z", "2023-02-28T08:30:00+15:00",
        "2023-02-28 08:30:00Z", "2023-02-28T08:30:00.Z", "2023-02-28T08:30:00z", "0000-01-01T00:00:00Z", 5,
    ],
    "decimal": [
        "1", True, Decimal("NaN"), Decimal("Infinity"), Decimal("sNaN"), float("inf"), float("nan"), Decimal("1E+309"), Decimal("1E-400"),
        10**200, 10**5000, Decimal("0." + "1" * 1000), None,
    ],
    "id": ["", "a_b", "x" * 65, "a b", "中", "a/b", "a\n", 5],
    "instant": ["2023", "2023-02-28", "2023-02-28T08:30:00", "2023-02-30T08:30:00Z"],
    "integer": ["1", True, 2**31, -(2**31) - 1, 10**100, Decimal("1"), Decimal("1.0"), 1.0],
    "markdown": ["", "\x00", 5],
    "oid": ["2.16", "urn:oid:3.1", "urn:oid:2.01", "urn:oid:"],
    "positiveInt": [0, -1, 2**31],
    "string": ["", "\x00", "a\x07", "\x7f", "\ud800", "a\udfff", "x" * (1024 * 1024 + 1), 5, True, None, [], {}],
    "time": ["24:00:00", "12:00", "1:00:00", ""],
    "unsignedInt": [-1, 2**31],
    "uri": ["", "a b", "http://x\t", "\x00", 1],
    "url": ["", "a b"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "urn:uuid:1"],
}  # fmt: skip


def extended(kind: str, value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Basic",
        "code": {"text": "x"},
        "extension": [{"url": "http://x.example", f"value{kind[0].upper()}{kind[1:]}": value}],
    }


def test_every_primitive_of_r4_has_its_check_and_its_cases() -> None:
    kinds = {name for name in structure_names() if structure(name).kind == "primitive"}
    assert set(PRIMITIVES) == kinds
    assert set(SOUND) == set(WRONG) == kinds - {"xhtml"}


@pytest.mark.parametrize("kind", sorted(SOUND))
def test_a_sound_value_is_taken(kind: str) -> None:
    for value in SOUND[kind]:
        assert issues(extended(kind, value)) == [], repr(value)[:80]


@pytest.mark.parametrize("kind", sorted(WRONG))
def test_a_wrong_value_is_refused_at_its_place_in_both_languages(kind: str) -> None:
    for number, value in enumerate(WRONG[kind]):
        found = issues(extended(kind, value))
        assert [issue.expression for issue in found] == ["Basic.extension[0].value"], f"{kind} {number}"
        (issue,) = found
        assert issue.code in {"structure", "value", "too-long"}
        assert issue.zh
        assert len(issue.diagnostics) < 250
        (issue.diagnostics + issue.zh).encode("utf-8")


@pytest.mark.parametrize("text", ["x", "\x00", "中", "2023-02-01T08:30:00Z"], ids=["letter", "nul", "chinese", "date"])
def test_ten_megabytes_are_refused_wherever_they_stand(text: str) -> None:
    value = text * (10_000_001 // len(text))
    for kind in WRONG:
        (issue,) = issues(extended(kind, value))
        assert len(issue.diagnostics) < 250
        assert len(issue.zh) < 250
