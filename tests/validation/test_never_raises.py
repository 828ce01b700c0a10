"""Whatever JSON can hold, validation answers with issues and never with an exception; and what it lets through can be stored."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yilian.errors import BadRequest
from yilian.fhir import references
from yilian.fhir.compartments import patient_references
from yilian.fhir.definitions import RESOURCE_TYPES, structure
from yilian.fhir.json import dump, parse
from yilian.validation import issues

NAMES = sorted(
    {key for kind in RESOURCE_TYPES for key in structure(kind).elements}
    | {"value", "system", "code", "reference", "extension", "url", "div"}
)

texts = st.text(max_size=8) | st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "#",
        "#x",
        "Patient/1",
        "Foo/1",
        "urn:uuid:1",
        "2023-02-30",
        "0000",
        "male",
        "final",
        "http://x.example",
        "a" * 3000,
    ]
)
scalars = (
    st.none() | st.booleans() | st.integers() | texts | st.floats() | st.decimals() | st.just(Decimal("1E+999999")) | st.just(10**4000)
)
keys = st.sampled_from(NAMES) | st.sampled_from(NAMES).map("_".__add__) | st.text(max_size=6) | st.just("resourceType")
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=25)


@given(values)
def test_any_value_at_all_is_answered(value: Any) -> None:
    check(value)


@given(st.sampled_from(RESOURCE_TYPES), st.dictionaries(keys, values, max_size=6))
@settings(max_examples=300)
def test_any_content_of_any_resource_type_is_answered(kind: str, content: dict[str, Any]) -> None:
    check({**content, "resourceType": kind})


def check(value: Any) -> None:
    found = issues(value)
    for issue in found:
        assert issue.diagnostics
        assert issue.expression
        assert issue.zh
        (issue.diagnostics + issue.expression + issue.zh).encode("utf-8")
        assert "\x00" not in issue.diagnostics + issue.expression + issue.zh
    if not found:
        kept = parse(dump(value))
        assert parse(dump(kept)) == kept


# --- a sound resource, and one thing changed in it

SOUND: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "meta": {"versionId": "1", "lastUpdated": "2023-02-01T08:30:00.000+08:00", "profile": ["http://x.example/p"]},
    "language": "zh-CN",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>血糖</p></div>'},
    "contained": [{"resourceType": "Specimen", "id": "s", "subject": {"reference": "Patient/1"}}],
    "extension": [{"url": "http://x.example/e", "extension": [{"url": "a", "valuePeriod": {"start": "2023", "end": "2024"}}]}],
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "11010519491231002X", "assigner": {"display": "公安"}}],
    "status": "final",
    "_status": {"id": "x"},
    "category": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}], "text": "检验"}
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7", "display": "葡萄糖"}]},
    "subject": {"reference": "Patient/1", "type": "Patient", "display": "张三"},
    "effectivePeriod": {"start": "2023-02-01T08:30:00+08:00", "end": "2023-02-01T08:31:00+08:00"},
    "issued": "2023-02-01T09:00:00Z",
    "performer": [{"reference": "Practitioner/gp"}, {"identifier": {"value": "1"}}],
    "valueQuantity": {"value": Decimal("6.10"), "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    "interpretation": [{"coding": [{"code": "N"}]}],
    "note": [{"text": "空腹", "time": "2023-02-01", "authorString": "王"}],
    "specimen": {"reference": "#s"},
    "referenceRange": [{"low": {"value": Decimal("3.9")}, "high": {"value": Decimal("6.1")}, "text": "3.9-6.1"}],
    "component": [{"code": {"text": "a"}, "valueSampledData": {"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": "1 2"}}],
}
SOUND["_status"] = {"extension": [{"url": "http://x.example/e", "valueCode": "x"}]}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from places(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from places(value, (*path, number))


PLACES = [path for path in places(SOUND) if path]


def changed(path: tuple[Any, ...], value: Any, remove: bool) -> dict[str, Any]:
    resource = copy.deepcopy(SOUND)
    node: Any = resource
    for step in path[:-1]:
        node = node[step]
    if remove:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return resource


def test_the_resource_the_changes_start_from_is_sound() -> None:
    assert issues(SOUND) == []


@given(st.sampled_from(PLACES), values, st.booleans())
@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
def test_one_thing_changed_is_answered_with_a_fault_at_or_near_its_place(path: tuple[Any, ...], value: Any, remove: bool) -> None:
    resource = changed(path, value, remove)
    check(resource)
    references.found(resource)
    list(references.walk(resource))
    patient_references(resource)


@given(st.sampled_from(PLACES))
def test_null_an_empty_object_and_an_empty_array_are_sound_nowhere(path: tuple[Any, ...]) -> None:
    for nothing in (None, {}, [], ""):
        assert issues(changed(path, nothing, False)) != [], (path, nothing)


@given(st.sampled_from(PLACES), st.sampled_from(["\x00", "a\x1fb", "\ud800", "x" * 1_100_000]))
def test_forbidden_text_is_sound_nowhere(path: tuple[Any, ...], text: str) -> None:
    assert issues(changed(path, text, False)) != []


@given(st.sampled_from([p for p in PLACES if isinstance(p[-1], str)]))
def test_an_unknown_element_is_sound_nowhere(path: tuple[Any, ...]) -> None:
    (issue,) = issues(changed((*path[:-1], path[-1] + "X"), 1, False))
    assert issue.code == "structure"
    assert path[-1] + "X" in issue.expression


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.sampled_from(PLACES).map(lambda path: dump(changed(path, None, True))[:-1])
)
def test_bytes_become_a_resource_with_issues_or_are_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except BadRequest:
        return
    check(value)
