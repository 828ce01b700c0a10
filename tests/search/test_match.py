"""`matches` says of one resource what the SQL says of all, and what the standard's words say of any question."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import REGION_ZONE
from tests.search import test_answers, test_wide
from tests.search.conftest import ZONE, World
from tests.search.loader import EPOCH, Kept, Shelf
from tests.search.wide_oracle import WideOracle
from tests.search.wide_world import wide_world
from yilian.errors import NotSupported
from yilian.fhir.dates import region_zone, use_region_zone
from yilian.search.match import matches
from yilian.search.query import parse

Pairs = list[tuple[str, str]]
PLAIN = [
    test_answers.strings,
    test_answers.tokens,
    test_answers.dates,
    test_answers.numbers,
    test_answers.references,
    test_answers.missing,
    test_wide.modifiers,
    test_wide.composites,
    test_wide.places,
]


def stored(kept: Kept) -> dict[str, Any]:
    """As the store would give it: with its lastUpdated."""
    resource = deepcopy(kept.resource)
    resource.setdefault("meta", {})["lastUpdated"] = kept.updated.isoformat()
    return resource


def found(shelf: Shelf, kind: str, pairs: Pairs) -> set[str] | None:
    """Ids of what matches; None for what a resource alone cannot answer."""
    query = parse(kind, pairs, zone=ZONE)
    try:
        return {kept.resource["id"] for kept in shelf.of(kind) if matches(query, stored(kept), now=datetime.now(UTC))}
    except NotSupported:
        return None


@pytest.mark.parametrize("questions", PLAIN)
async def test_one_resource_after_the_other_gives_the_answer_of_the_database(wide: World, questions: Any) -> None:
    random = Random(2)
    asked = questions()
    answered = 0
    for kind, pairs in random.sample(asked, min(len(asked), 80)):
        by_one = found(wide.shelf, kind, pairs)
        if by_one is not None:
            assert by_one == set(await wide.ids(kind, *pairs)), (kind, pairs)
            answered += 1
    assert answered > 8


async def test_several_conditions_at_once_do_too(wide: World) -> None:
    for kind, pairs in [*test_answers.together(Random(9))[:60], *test_wide.mixed(Random(9), 80, test_wide.modifiers, test_wide.composites)]:
        by_one = found(wide.shelf, kind, pairs)
        if by_one is not None:
            assert by_one == set(await wide.ids(kind, *pairs)), (kind, pairs)


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        ("Observation", "patient.name", "x", "patient.name: a single resource cannot tell what holds of others"),
        ("Patient", "_has:Observation:patient:code", "x", "_has:Observation:patient: a single resource"),
        ("Patient", "_list", "1", "_has:List:item"),
        ("Observation", "code:in", "urn:vs:vitals", "code:in: a single resource cannot tell what a terminology says"),
        ("Observation", "code:below", "urn:body|head", "code:below: a single resource cannot tell"),
    ],
)
def test_what_stands_elsewhere_is_refused_by_name_whatever_the_resource(kind: str, name: str, value: str, said: str) -> None:
    for resource in ({"resourceType": kind, "id": "1"}, {"resourceType": "Basic", "id": "1"}):
        with pytest.raises(NotSupported, match=said):
            matches(parse(kind, [(name, value)], zone=ZONE), resource, now=EPOCH)


def test_a_resource_of_another_type_does_not_match() -> None:
    assert not matches(parse("Patient", [], zone=ZONE), {"resourceType": "Group", "id": "1"}, now=EPOCH)


# --- any question, against the oracle


@cache
def shelf() -> Shelf:
    every = [one for one in wide_world() if one["resourceType"] in ("Patient", "Observation", "Encounter", "Location", "Questionnaire")]
    kept = {f"{one['resourceType']}/{one['id']}": Kept(number, one, EPOCH, None, False, None) for number, one in enumerate(every)}
    return Shelf(kept)


PREFIX = st.sampled_from(["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"])
DATE = st.builds(
    lambda y, m, d, long: [f"{y}", f"{y}-{m:02}", f"{y}-{m:02}-{d:02}", f"{y}-{m:02}-{d:02}T08:30:00Z"][long],
    st.integers(2018, 2023), st.integers(1, 12), st.integers(1, 28), st.integers(0, 3),
)  # fmt: skip
AMOUNT = st.decimals(min_value=-5, max_value=200, places=2, allow_nan=False).map(str) | st.sampled_from(
    ["120", "140", "140.0", "6.1", "5.4"]
)
UNIT = st.sampled_from(["", "||mmHg", "||次/分", "||nothing"])
CODE = st.sampled_from(["8480-6", "http://loinc.org|8480-6", "urn:body|head", "|BP", "head,arm", "BP", "urn:coded|", "x"])
WORD = st.sampled_from(["头", "痛", "head", "h", "Ａ", "Ä", "张", "zh", "w", "李", "o'", "%", "_"]) | st.text(
    "头痛张伟abcdehä %_", min_size=1, max_size=4
)
CONDITION = st.one_of(
    st.tuples(st.just("Observation"), st.sampled_from(["date"]), st.builds("{}{}".format, PREFIX, DATE)),
    st.tuples(st.just("Encounter"), st.just("date"), st.builds("{}{}".format, PREFIX, DATE)),
    st.tuples(st.just("Patient"), st.sampled_from(["birthdate", "death-date"]), st.builds("{}{}".format, PREFIX, DATE)),
    st.tuples(st.just("Observation"), st.just("value-quantity"), st.builds("{}{}{}".format, PREFIX, AMOUNT, UNIT)),
    st.tuples(
        st.just("Observation"),
        st.sampled_from(["code-value-quantity", "combo-code-value-quantity", "component-code-value-quantity"]),
        st.builds("{}${}{}{}".format, CODE.filter(lambda text: "," not in text), PREFIX, AMOUNT, UNIT),
    ),
    st.tuples(st.just("Observation"), st.sampled_from(["code", "code:not", "combo-code", "component-code", "category"]), CODE),
    st.tuples(st.just("Observation"), st.sampled_from(["code:text", "category:text", "value-string", "value-string:contains"]), WORD),
    st.tuples(st.just("Patient"), st.sampled_from(["name", "family:exact", "given:contains", "identifier:text"]), WORD),
    st.tuples(
        st.just("Location"),
        st.just("near"),
        st.builds("{}|{}|{}".format, st.integers(-90, 90), st.integers(-180, 180), AMOUNT.map(lambda x: x.lstrip("-"))),
    ),
)


@settings(max_examples=150, deadline=None)
@given(CONDITION)
def test_any_question_is_answered_as_the_standard_says(asked: tuple[str, str, str]) -> None:
    kind, name, value = asked
    if not value.strip() or (
        ("text" in name or "name" in name or "string" in name) and not any(sign.isalnum() or sign in "%_'" for sign in value)
    ):
        return
    before = str(region_zone())
    use_region_zone(REGION_ZONE)
    try:
        assert found(shelf(), kind, [(name, value)]) == WideOracle(shelf(), ZONE).search(kind, [(name, value)])
    finally:
        use_region_zone(before)
