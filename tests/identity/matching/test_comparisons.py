"""Levels of agreement: what each is for, and that SQL and Python mean the same by them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench.match_people import people
from bench.match_slips import again
from bench.match_table import of_features
from yilian.identity.matching import features, linkage
from yilian.identity.matching.comparisons import BY_CODE, COMPARISONS, distance, within
from yilian.identity.matching.features import Features


def level(comparison: str, a: Features, b: Features) -> str:
    place = BY_CODE[comparison].level(a, b)
    return "" if place is None else BY_CODE[comparison].levels[place].code


def named(text: str) -> Features:
    return features.of({"resourceType": "Patient", "name": [{"text": text}]})


@pytest.mark.parametrize(
    ("one", "other", "reached"),
    [
        ("张伟", "张伟", "exact"),
        ("张伟", "张玮", "homophone"),
        ("覃丽", "Tan Li", "homophone"),
        ("张伟", "ZHANG Wei", "homophone"),
        ("张兰", "臧南", "confused"),
        ("张伟", "Wei Zhang", "confused"),
        ("李小明", "李小红", "similar"),
        ("李小明", "李明", "similar"),
        ("李建国", "王建国", "given"),
        ("李建国", "李秀英", "family"),
        ("李建国", "王秀英", "different"),
        ("阿卜杜热西提·买买提依明", "阿卜杜热西提", "given"),
        ("李建国", "", ""),
    ],
)
def test_levels_of_names(one: str, other: str, reached: str) -> None:
    assert level("name", named(one), named(other)) == reached


@pytest.mark.parametrize(
    ("one", "other", "reached"),
    [
        ("19560312", "19560312", "exact"),
        ("19560312", "19561203", "swapped"),
        ("19560312", "19560321", "slip"),
        ("19560312", "19560313", "slip"),
        ("19560312", "19560512", "slip"),
        ("19791231", "19801231", "year"),
        ("19560312", "19560928", "same-year"),
        ("19560312", "19831105", "different"),
    ],
)
def test_levels_of_birth_dates(one: str, other: str, reached: str) -> None:
    assert level("born", Features(born=one), Features(born=other)) == reached


def test_a_comparison_says_nothing_where_a_field_is_absent() -> None:
    full = features.of(next(iter(people(1))))
    for comparison in COMPARISONS:
        assert comparison.level(Features(), full) is None
        assert comparison.level(full, Features()) is None


def test_any_telephone_of_one_may_be_any_of_the_other() -> None:
    one, other = Features(phone="16900123456", other_phone="08198123456"), Features(phone="08198123456")
    assert level("phone", one, other) == level("phone", other, one) == "exact"
    assert level("phone", one, Features(phone="16900123465")) == "slip"
    assert level("phone", one, Features(phone="16911111222")) == "different"


def test_any_card_that_agrees_is_enough_and_different_kinds_say_nothing() -> None:
    assert level("number", Features(card="a|1", insurance="b|2"), Features(card="a|9", insurance="b|2")) == "exact"
    assert level("number", Features(card="a|1"), Features(insurance="b|2")) == ""
    assert level("number", Features(card="a|1"), Features(card="a|2")) == "different"


def test_who_moved_house_agrees_in_the_county_or_less() -> None:
    home = Features(city="云溪", county="云溪县", town="青石镇", line="石坎村3-12")
    assert level("address", home, home) == "exact"
    assert level("address", home, replace(home, county=None, city=None)) == "exact"
    assert level("address", home, replace(home, line="梨树村1-2")) == "town"
    assert level("address", home, replace(home, town="柳河镇", line="x")) == "county"
    assert level("address", home, Features(city="成都", county="锦江区")) == "different"


def test_distance_is_levenshteins() -> None:
    assert [distance(*pair) for pair in (("", "abc"), ("kitten", "sitting"), ("abc", "abc"), ("ab", "ba"))] == [3, 3, 0, 2]
    rng = Random(1)
    for _ in range(2000):
        a, b = ("".join(rng.choices("012", k=rng.randint(0, 7))) for _ in range(2))
        assert within(a, b, 2) == (bool(a and b) and distance(a, b) <= 2)


def test_sql_and_python_mean_the_same(record_property: pytest.RecordProperty) -> None:
    """Every level of thousands of pairs, of one person and of strangers who are alike, by DuckDB as Splink asks it and by Python."""
    rng = Random(7)
    found: list[Features] = []
    for patient in people(120, 5):
        found.append(features.of(patient))
        found += [features.of(again(rng, again(rng, patient))) for _ in range(2)]
    columns = [*features.CLEAR, *features.NUMBERS]
    for _ in range(150):  # what one has of another, so that levels between are reached and fields are missing
        one, other = rng.choice(found), rng.choice(found)
        found.append(
            replace(one, **{column: rng.choice((getattr(other, column), None)) for column in rng.sample(columns, rng.randint(1, 12))})
        )
    pairs = {(a, b) for a in range(len(found)) for b in range(a + 1, len(found)) if b - a <= 3 or rng.random() < 0.08}
    with linkage.engine(1) as connection:
        connection.register("given", of_features(found))
        linkage.prepare(connection, "given")
        table = {column[0] for column in connection.execute("describe patients").fetchall()}
        both = ", ".join(f"l.{column} as {column}_l, r.{column} as {column}_r" for column in sorted(table))
        cases = [
            f"case when {c.skip_sql} then -1 "
            + " ".join(f"when {one.sql} then {place}" for place, one in enumerate(c.levels[:-1]))
            + f" else {len(c.levels) - 1} end as {c.code}"
            for c in COMPARISONS
        ]
        connection.execute("create table pair (a bigint, b bigint)")
        connection.executemany("insert into pair values (?, ?)", sorted(pairs))
        rows = connection.execute(
            f"select patient_l, patient_r, {', '.join(cases)} from (select {both} from pair"
            " join patients l on l.patient = pair.a join patients r on r.patient = pair.b)"
        ).fetchall()
    assert len(rows) == len(pairs)
    reached = set()
    for a, b, *told in rows:
        for comparison, place in zip(COMPARISONS, told, strict=True):
            mine = comparison.level(found[a], found[b])
            assert mine == (None if place < 0 else place), (comparison.code, found[a], found[b])
            reached.add((comparison.code, place))
    assert reached == {(c.code, place) for c in COMPARISONS for place in range(-1, len(c.levels))}
    record_property("compared", len(rows) * len(COMPARISONS))
