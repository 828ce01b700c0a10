"""`Prefer: handling=lenient`: what is not understood is left out and named; page and types never are."""

from __future__ import annotations

import pytest

from tests.search.conftest import ZONE
from yilian.errors import BadRequest
from yilian.search.compartment import kinds_in, within
from yilian.search.conditions import Reading
from yilian.search.lenient import understood
from yilian.search.parameters import parameters_of
from yilian.search.query import parse

Pairs = list[tuple[str, str]]


def read(pairs: Pairs) -> tuple[Pairs, list[str]]:
    _, used, ignored = understood(lambda asked: parse("Observation", asked, zone=ZONE), pairs)
    assert all(issue.severity == "warning" for issue in ignored)
    return used, [issue.diagnostics.partition(" was ignored")[0] for issue in ignored]


def test_what_is_understood_is_used_and_the_rest_is_named() -> None:
    good: Pairs = [("patient", "p1"), ("_sort", "-date"), ("_include", "Observation:encounter"), ("_count", "5")]
    bad: Pairs = [
        ("patien", "p1"),
        ("code:sounds-like", "x"),
        ("date", "yesterday"),
        ("_summary", "brief"),
        ("_revinclude", "AuditEvent:*"),
        ("status", ""),
    ]
    assert read(good) == (good, [])
    mixed = [pair for both in zip(good, bad, strict=False) for pair in both] + bad[4:]
    assert read(mixed) == (good, [f"{name}={value}" for name, value in bad])


def test_of_two_that_contradict_the_first_is_used() -> None:
    assert read([("_sort", "date"), ("_sort", "-date"), ("_summary", "true"), ("_elements", "code")]) == (
        [("_sort", "date"), ("_summary", "true")],
        ["_sort=-date", "_elements=code"],
    )


def test_a_warning_says_what_there_is() -> None:
    _, _, (issue,) = understood(lambda asked: parse("Patient", asked, zone=ZONE), [("nam", "x")])
    assert issue.code == "not-supported"
    assert "Did you mean name" in issue.diagnostics
    assert "nam" in issue.zh


@pytest.mark.parametrize("pairs", [[("_cursor", "a"), ("_cursor", "b"), ("x", "y")], [("_type", "Nobody")]])
def test_the_page_and_the_types_are_never_ignored(pairs: Pairs) -> None:
    def parsed(asked: object) -> object:
        return parse("Observation", asked, zone=ZONE)  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r"_cursor is given twice|_type"):
        understood(parsed, pairs)  # type: ignore[arg-type]


# --- compartments


@pytest.mark.parametrize("owner", ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"])
def test_every_type_of_a_compartment_can_be_asked_for_in_it(owner: str) -> None:
    members = kinds_in(owner)
    assert "AuditEvent" not in members
    for kind in members:
        found = within(owner, "1", kind, Reading(ZONE))
        codes = [one.parameter.code for one in (found, *found.also)]
        assert codes
        assert all(code == "_id" or owner in parameters_of(kind)[code].targets for code in codes)


def test_what_is_in_no_compartment_is_refused_with_the_way_to_ask() -> None:
    with pytest.raises(Exception, match=r"Task is not in the Patient compartment of FHIR R4. Ask for /Task\?patient=Patient/1"):
        within("Patient", "1", "Task", Reading(ZONE))
    with pytest.raises(Exception, match="no Organization compartment"):
        within("Organization", "1", "Patient", Reading(ZONE))
    with pytest.raises(Exception, match="searched by themselves"):
        within("Patient", "1", "AuditEvent", Reading(ZONE))


def test_an_owner_is_in_its_own_compartment() -> None:
    found = within("Patient", "1", "Patient", Reading(ZONE))
    assert {one.parameter.code for one in (found, *found.also)} == {"link", "_id"}
    assert [one.parameter.code for one in (within("Encounter", "1", "Encounter", Reading(ZONE)),)] == ["_id"]


def test_a_page_that_is_malformed_is_refused_in_any_case() -> None:
    with pytest.raises(BadRequest, match="at most 100"):
        parse("Observation", [("status", "final")] * 101, zone=ZONE)
