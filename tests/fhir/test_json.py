"""JSON in and out: decimals as they were written, and nothing that cannot be kept gets in."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.errors import BadRequest
from yilian.fhir.json import DEEPEST, dump, parse


def test_decimals_keep_their_precision_and_keys_their_order() -> None:
    text = b'{"resourceType":"Observation","z":6.0,"a":0.10,"m":7,"n":1.0E-22,"\xe4\xb8\xad":"\xe6\x96\x87"}'
    value = parse(text)
    assert value["z"] == Decimal("6.0")
    assert str(value["a"]) == "0.10"
    assert type(value["m"]) is int
    assert dump(value) == text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "well-formed"),
        (b"{", "well-formed"),
        (b'{"a":1,}', "well-formed"),
        (b"{'a':1}", "well-formed"),
        (b'{"a":NaN}', "well-formed"),
        (b'{"a":01}', "well-formed"),
        (b'{"a":"\xff"}', "well-formed"),
        (b'{"a":"\xed\xa0\x80"}', "well-formed"),
        (b'{"a":"\\ud800"}', "well-formed"),
        (b'{"a":"\n"}', "well-formed"),
        (b'{"a":1} {"b":2}', "well-formed"),
        (b'{"a":1e99999999999999999999}', "number"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":[{"b":"\\"","b":"\\\\"}]}', "twice"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "deeper"),
        (b"[" * 1_000_000, "deeper"),
        (b'{"a":' * 1_000_000, "deeper"),
    ],
)
def test_what_is_no_sound_json_object_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as refused:
        parse(body)
    assert all(issue.zh for issue in refused.value.issues)


def test_the_deepest_allowed_object_is_read() -> None:
    assert parse(b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST)


def test_quotation_marks_and_backslashes_inside_strings_do_not_count_as_names() -> None:
    assert parse(rb'{"a\"b":"\\","c":"\"\\\"","d":"\u0022\\"}') == {'a"b': "\\", "c": '"\\"', "d": '"\\'}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_what_is_written_is_read_back_the_same(value: dict[str, object]) -> None:
    assert parse(dump(value)) == value
    assert dump(parse(dump(value))) == dump(value)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_white_space_between_tokens_changes_nothing(value: dict[str, object]) -> None:
    compact = dump(value)
    assert parse(msgspec.json.format(compact, indent=2)) == parse(b" " + compact + b"\n") == parse(compact)


@given(st.dictionaries(st.text(), values, min_size=1, max_size=5))
def test_a_name_given_twice_is_refused_however_it_is_written(value: dict[str, object]) -> None:
    again = dump(value)[:-1] + b"," + dump({next(iter(value)): None})[1:]
    for text in (again, again.replace(b"{", b"{ ", 1)):
        with pytest.raises(BadRequest, match="twice"):
            parse(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert isinstance(parse(data), dict)
