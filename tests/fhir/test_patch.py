"""Patches by themselves: what they make of a resource, what they keep, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yilian.errors import BadRequest, Conflict, InvalidResource, TooLarge, YilianError
from yilian.fhir import patch
from yilian.fhir.json import dump, parse

Json = dict[str, Any]

PATIENT = (
    b'{"resourceType":"Patient","id":"p","name":[{"family":"\xe6\x9d\x8e","given":["a","b"]},{"text":"x"}],'
    b'"birthDate":"1956-03","_birthDate":{"extension":[{"url":"http://x/t","valueString":"noon"}]},"multipleBirthInteger":2,'
    b'"telecom":[{"system":"phone","value":"139"}],"contact":[{"gender":"male"}]}'
)
OBSERVATION = (
    b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueQuantity":{"value":6.10,"unit":"%"},'
    b'"referenceRange":[{"low":{"value":4.0}},{"high":{"value":1E+2}}]}'
)


def by_json(resource: bytes, *operations: Json) -> Json:
    return patch.of_json(dump(list(operations)))(parse(resource))


def operation(type: str, path: str, **parts: Any) -> Json:
    """`value` is given as {"valueString": …} or {"part": […]}."""
    made: list[Json] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        kind = "valueString" if name == "name" else "valueInteger"
        made.append({"name": name, **value} if name == "value" else {"name": name, kind: value})
    return {"name": "operation", "part": made}


def by_path(resource: bytes, *operations: Json) -> Json:
    return patch.of_parameters({"resourceType": "Parameters", "parameter": list(operations)})(parse(resource))


def test_numbers_keep_their_digits() -> None:
    for patched in (
        by_json(OBSERVATION, {"op": "replace", "path": "/status", "value": "amended"}),
        by_path(OBSERVATION, operation("replace", "Observation.status", value={"valueCode": "amended"})),
    ):
        assert dump(patched) == OBSERVATION.replace(b"final", b"amended")
    given_as = patch.of_json(b'[{"op":"replace","path":"/valueQuantity/value","value":6.00}]')(parse(OBSERVATION))
    assert b'"value":6.00,' in dump(given_as)
    moved = by_path(OBSERVATION, operation("move", "Observation.referenceRange", source=1, destination=0))
    assert moved["referenceRange"][0]["high"]["value"] == Decimal("1E+2")


def test_a_test_compares_numbers_by_value_and_nothing_else_loosely() -> None:
    same = {"op": "test", "path": "/valueQuantity/value", "value": Decimal("6.1")}
    assert by_json(OBSERVATION, same)
    for path, value in (("/valueQuantity/value", "6.1"), ("/status", None), ("/multipleBirthInteger", True)):
        resource = PATIENT if path.startswith("/multiple") else OBSERVATION
        with pytest.raises(Conflict, match=r"Operation 0 \(test"):
            by_json(resource, {"op": "test", "path": path, "value": value})


@pytest.mark.parametrize(
    "document",
    [
        b"{}", b"", b"[", b"[[]]", b"[1]", b'[{"op":"add"}]', b'[{"op":"frobnicate","path":"/x"}]', b'[{"op":"add","path":"/x"}]',
        b'[{"op":"add","path":"x","value":1}]', b'[{"op":"add","path":5,"value":1}]', b'[{"op":"move","path":"/x"}]',
        b'[{"op":"copy","path":"/x","from":7}]', b'[{"op":"remove","path":"/~2"}]', b'[{"op":[],"path":"/x"}]',
        b'[{"op":"add","path":"/x","path":"/y","value":1}]', b'[],"other":[1]', b"null",
    ],
)  # fmt: skip
def test_what_is_no_json_patch_is_told(document: bytes) -> None:
    with pytest.raises(BadRequest):
        patch.of_json(document)


@pytest.mark.parametrize(
    "one",
    [
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/name/9", "value": {}},
        {"op": "add", "path": "/name/9", "value": {}},
        {"op": "add", "path": "/status/x", "value": 1},
        {"op": "add", "path": "/no/way", "value": 1},
        {"op": "move", "from": "/name", "path": "/name/0"},
        {"op": "remove", "path": "/name/-"},
        {"op": "remove", "path": "/name/01"},
        {"op": "remove", "path": ""},
        {"op": "test", "path": "/name/5", "value": 1},
    ],
)
def test_a_patch_that_does_not_fit_is_a_conflict(one: Json) -> None:
    with pytest.raises((Conflict, InvalidResource)):
        by_json(PATIENT, one)


def test_what_a_removal_leaves_empty_goes_too() -> None:
    assert "telecom" not in by_json(PATIENT, {"op": "remove", "path": "/telecom/0"})
    assert "contact" not in by_json(PATIENT, {"op": "remove", "path": "/contact/0/gender"})
    again = by_json(PATIENT, {"op": "remove", "path": "/telecom/0"}, {"op": "add", "path": "/telecom/-", "value": {"value": "138"}})
    assert again["telecom"] == [{"value": "138"}]
    by_name = by_path(PATIENT, operation("delete", "Patient.contact[0].gender"), operation("delete", "Patient.telecom[0]"))
    assert not {"telecom", "contact"} & by_name.keys()


def test_copying_cannot_fill_the_memory() -> None:
    doubling = [{"op": "copy", "from": "/name", "path": f"/name/{n}"} for n in range(60)]
    with pytest.raises(TooLarge):
        by_json(PATIENT, *doubling)
    with pytest.raises(TooLarge):
        by_json(PATIENT, *[{"op": "test", "path": "/id", "value": "p"}] * 1001)
    deep: Any = "x"
    for _ in range(40):
        deep = {"extension": [deep]}
    with pytest.raises(TooLarge):
        by_json(PATIENT, {"op": "add", "path": "/a", "value": deep}, {"op": "copy", "from": "/a", "path": "/a/extension/-"})


@pytest.mark.parametrize(
    "one",
    [
        {"op": "replace", "path": "/id", "value": "q"},
        {"op": "remove", "path": "/id"},
        {"op": "replace", "path": "/resourceType", "value": "Observation"},
        {"op": "replace", "path": "", "value": []},
        {"op": "replace", "path": "", "value": {"resourceType": "Patient", "id": "q"}},
    ],
)
def test_id_and_type_are_not_a_patchs_to_change(one: Json) -> None:
    with pytest.raises(InvalidResource):
        by_json(PATIENT, one)


def test_generated_narrative_goes_and_written_narrative_has_to_be_brought_up_to_date() -> None:
    def with_text(status: str) -> bytes:
        text = {"status": status, "div": '<div xmlns="http://www.w3.org/1999/xhtml">final</div>'}
        return dump({**parse(OBSERVATION), "text": text})

    change = {"op": "replace", "path": "/status", "value": "amended"}
    assert "text" not in by_json(with_text("generated"), change)
    for status in ("additional", "extensions"):
        with pytest.raises(InvalidResource) as refused:
            by_json(with_text(status), change)
        assert refused.value.issues[0].expression == "Observation.text"
        own = {"op": "replace", "path": "/text/div", "value": '<div xmlns="http://www.w3.org/1999/xhtml">amended</div>'}
        assert "amended" in by_json(with_text(status), change, own)["text"]["div"]
        assert "text" in by_json(with_text(status), {"op": "add", "path": "/meta", "value": {"tag": [{"code": "x"}]}})
        assert "text" not in by_json(with_text(status), change, {"op": "remove", "path": "/text"})


def test_paths_find_elements_by_what_they_hold() -> None:
    done = by_path(
        PATIENT,
        operation("replace", "Patient.telecom.where(system = 'phone').value", value={"valueString": "138"}),
        operation("add", "Patient.name.where(text = 'x')", name="given", value={"valueString": "c"}),
        operation("insert", "Patient.name[0].given", index=1, value={"valueString": "between"}),
        operation("add", "Patient", name="maritalStatus", value={"valueCodeableConcept": {"text": "married"}}),
    )
    assert done["telecom"][0]["value"] == "138"
    assert done["name"][1] == {"text": "x", "given": ["c"]}
    assert done["name"][0]["given"] == ["a", "between", "b"]
    assert done["maritalStatus"] == {"text": "married"}


def test_parts_stand_for_types_without_a_name() -> None:
    parts = [
        {"name": "gender", "valueCode": "female"},
        {"name": "relationship", "valueCodeableConcept": {"text": "daughter"}},
        {"name": "relationship", "valueCodeableConcept": {"text": "guardian"}},
        {"name": "name", "part": [{"name": "family", "valueString": "李"}, {"name": "given", "valueString": "a"}]},
    ]
    done = by_path(PATIENT, operation("add", "Patient", name="contact", value={"part": parts}))
    assert done["contact"][1] == {
        "gender": "female",
        "relationship": [{"text": "daughter"}, {"text": "guardian"}],
        "name": {"family": "李", "given": ["a"]},
    }


def test_a_choice_takes_its_types_and_stands_once() -> None:
    done = by_path(OBSERVATION, operation("replace", "Observation.value", value={"valueString": "positive"}))
    assert (done["valueString"], "valueQuantity" in done) == ("positive", False)
    assert by_path(PATIENT, operation("add", "Patient", name="deceased", value={"valueBoolean": False}))["deceasedBoolean"] is False
    with pytest.raises(BadRequest, match="already"):
        by_path(OBSERVATION, operation("add", "Observation", name="value", value={"valueString": "positive"}))
    with pytest.raises(BadRequest, match="takes no"):
        by_path(OBSERVATION, operation("replace", "Observation.value", value={"valueAddress": {"text": "x"}}))


def test_extensions_of_primitives_go_with_them() -> None:
    assert not {"birthDate", "_birthDate"} & by_path(PATIENT, operation("delete", "Patient.birthDate")).keys()
    replaced = by_path(PATIENT, operation("replace", "Patient.birthDate", value={"valueDate": "1957"}))
    assert (replaced["birthDate"], "_birthDate" in replaced) == ("1957", False)
    gone = by_path(PATIENT, operation("delete", "Patient.birthDate.extension('http://x/t')"))
    assert (gone["birthDate"], "_birthDate" in gone) == ("1956-03", False)
    extension = {"part": [{"name": "url", "valueUri": "http://x/p"}, {"name": "value", "valueCode": "IDE"}]}
    added = by_path(PATIENT, operation("add", "Patient.name[0].given[1]", name="extension", value=extension))
    assert added["name"][0]["_given"] == [None, {"extension": [{"url": "http://x/p", "valueCode": "IDE"}]}]
    moved = by_path(dump(added), operation("move", "Patient.name[0].given", source=1, destination=0))
    assert moved["name"][0]["given"] == ["b", "a"]
    assert moved["name"][0]["_given"][0] == {"extension": [{"url": "http://x/p", "valueCode": "IDE"}]}
    left = by_path(dump(moved), operation("delete", "Patient.name[0].given[0]"))
    assert left["name"][0] == {"family": "李", "given": ["a"]}


@pytest.mark.parametrize(
    ("one", "error"),
    [
        (operation("replace", "Patient.name", value={"valueHumanName": {"text": "x"}}), Conflict),
        (operation("replace", "Patient.photo", value={"valueAttachment": {"url": "x"}}), Conflict),
        (operation("delete", "Patient.name"), Conflict),
        (operation("delete", "Patient"), BadRequest),
        (operation("replace", "Patient", value={"valueString": "x"}), BadRequest),
        (operation("delete", "1 + 1"), BadRequest),
        (operation("delete", "Patient.nonsense"), BadRequest),
        (operation("delete", "Patient.name["), BadRequest),
        (operation("delete", "today()"), BadRequest),
        (operation("delete", "x" * 2000), BadRequest),
        (operation("add", "Patient", name="nonsense", value={"valueString": "x"}), BadRequest),
        (operation("add", "Patient", name="gender", value={"valueBoolean": True}), BadRequest),
        (operation("add", "Patient", name="birthDate", value={"valueDate": "1956"}), BadRequest),
        (operation("insert", "Patient.name", index=3, value={"valueHumanName": {"text": "x"}}), Conflict),
        (operation("insert", "Patient.name.where(text = 'x')", index=0, value={"valueHumanName": {"text": "x"}}), Conflict),
        (operation("insert", "Patient.birthDate", index=0, value={"valueDate": "1956"}), Conflict),
        (operation("move", "Patient.name", source=0, destination=2), Conflict),
        (operation("move", "Patient.photo", source=0, destination=0), Conflict),
        (operation("add", "Patient", name="contact"), BadRequest),
        (operation("replace", "Patient.birthDate"), BadRequest),
        (operation("polish", "Patient"), BadRequest),
        ({"name": "operation"}, BadRequest),
        ({"name": "other", "part": []}, BadRequest),
        (operation("add", "Patient", name="name", value={"valueHumanName": {}, "valueString": "x"}), BadRequest),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(one: Json, error: type[YilianError]) -> None:
    with pytest.raises(error) as refused:
        by_path(PATIENT, operation("delete", "Patient.photo"), one)
    assert refused.value.issues[0].expression.startswith("Parameters.parameter[1]")


def test_a_list_that_is_not_there_yet_can_be_begun() -> None:
    done = by_path(PATIENT, operation("insert", "Patient.photo", index=0, value={"valueAttachment": {"title": "x"}}))
    assert done["photo"] == [{"title": "x"}]


def outcome(patched: Callable[[], Json]) -> Json:
    """What comes out, still the same resource; the resource as it was when the patch is refused, which is never a fault of ours."""
    done, status = parse(PATIENT), 400
    try:
        done = patched()
    except YilianError as error:
        status = error.status
    assert status < 500
    assert (done["resourceType"], done["id"]) == ("Patient", "p")
    return done


PATHS = st.sampled_from(
    "Patient;Patient.name;Patient.name[0];Patient.name.given;Patient.birthDate;Patient.id;Patient.meta;name.first();Patient.birthDate.extension;"
    "Patient.multipleBirth;Patient.descendants();Patient.contact.gender;%resource;Patient.name[0].given[0]".split(";")
)
VALUES = st.sampled_from(
    [{"valueString": "x"}, {"valueCode": "male"}, {"valueHumanName": {"given": ["q"]}}, {"part": [{"name": "text", "valueString": "x"}]},
     {"valueInteger": 1}, {"_valueString": {"id": "x"}}, {"valueDate": None}, {"valueExtension": 1}, {"part": [1]}, {"resource": {}}, {}]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda type, path, value, name, numbers: operation(type, path, value=value, name=name, **numbers),
            st.sampled_from(["add", "insert", "delete", "replace", "move"]),
            PATHS,
            VALUES,
            st.sampled_from(["name", "given", "extension", "gender", "deceased", "id", "x"]),
            st.dictionaries(st.sampled_from(["index", "source", "destination"]), st.integers(-1, 3), max_size=3),
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_whatever_is_sent_a_patch_is_done_or_refused(operations: list[Json], trimmed: bool) -> None:
    needed = {
        "add": {"name", "value"},
        "insert": {"index", "value"},
        "delete": set(),
        "replace": {"value"},
        "move": {"source", "destination"},
    }
    for one in operations if trimmed else ():
        kind = one["part"][0]["valueCode"]
        one["part"] = [part for part in one["part"] if part["name"] in {"type", "path", *needed[kind]}]
    done = outcome(lambda: by_path(PATIENT, *operations))
    assert parse(dump(done)) == done


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])},
            optional={
                "path": st.sampled_from(
                    ["", "/", "/name", "/name/0", "/name/-", "/name/0/given/1", "/id", "/x", "/birthDate", "/name/0/0", "~"]
                ),
                "from": st.sampled_from(["", "/name", "/name/0", "/name/-", "/birthDate", "/contact/0/gender", "x"]),
                "value": st.none() | st.booleans() | st.text(max_size=3) | st.just([]) | st.just({"a": [None]}),
            },
        ),
        max_size=6,
    )
)
def test_whatever_is_sent_a_json_patch_is_done_or_refused(operations: list[Json]) -> None:
    done = outcome(lambda: by_json(PATIENT, *operations))
    assert parse(dump(done)) == done
