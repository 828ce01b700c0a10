"""Splink on made-up people: what it finds, without having been told, and that it is the same whoever asks.

Floors are below what is measured on more people (bench/bench_match.py): small numbers vary more.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.match_table import of_features, quality, records
from yilian.identity.matching import features, linkage, model, models, region, verdict
from yilian.identity.matching.features import Features
from yilian.identity.matching.linkage import Trained
from yilian.identity.matching.model import Pair

PEOPLE = 600


@dataclass(frozen=True, slots=True)
class Village:
    """People of whom some are registered twice, and the model trained on them."""

    connection: Any
    whose: list[int]
    found: list[Features]
    trained: Trained


@pytest.fixture(scope="module")
def village() -> Iterator[Village]:
    made = records(PEOPLE, Random(3))
    found = [features.of(patient) for _, patient in made]
    with linkage.engine(1) as connection:
        connection.execute("set threads = 1")
        connection.register("given", of_features(found))
        linkage.prepare(connection, "given")
        yield Village(connection, [whose for whose, _ in made], found, linkage.train(connection, model.beginning()))


@pytest.fixture(scope="module")
def pairs(village: Village) -> list[Pair]:
    return list(linkage.predict(village.connection, village.trained.model, village.trained.terms, 0.01))


def test_people_are_found_again_and_strangers_are_not(village: Village, pairs: list[Pair]) -> None:
    reached = quality([(one.first, one.second) for one in pairs if one.scored.score >= 0.9], village.whose)
    assert reached.precision >= 0.98
    assert reached.recall >= 0.93


def test_what_is_linked_without_asking_is_right(village: Village, pairs: list[Pair]) -> None:
    policy = verdict.shipped()
    reached = quality([(one.first, one.second) for one in pairs if policy.is_sure(one.scored)], village.whose)
    assert reached.precision == 1
    assert reached.recall >= 0.8


def test_the_shipped_model_does_as_well_on_people_it_never_saw(village: Village) -> None:
    shipped = models.shipped()
    found = linkage.predict(village.connection, shipped, {}, 0.9)
    reached = quality([(one.first, one.second) for one in found], village.whose)
    assert reached.precision >= 0.97
    assert reached.recall >= 0.93


def test_training_again_gives_the_same_model(village: Village) -> None:
    again = linkage.train(village.connection, model.beginning())
    for change in model.difference(village.trained.model, again.model):
        assert change.bits == pytest.approx(0, abs=1e-9), change
    assert again.terms == village.trained.terms


def test_splink_and_the_online_scorer_weigh_alike(village: Village, pairs: list[Pair], record_property: Any) -> None:
    trained = village.trained
    for pair in pairs:
        a, b = village.found[pair.first], village.found[pair.second]
        shares = {
            column: {value: trained.terms[column].get(value, trained.model.least_share)}
            for column in ("name", "born")
            if (value := getattr(a, column))
        }
        scored = trained.model.weigh(a, b, shares)
        assert scored.levels == pair.scored.levels
        assert scored.weight == pytest.approx(pair.scored.weight, abs=1e-6)
        assert scored.score == pytest.approx(pair.scored.score, abs=1e-9)
        assert sum(step.bits for step in trained.model.explain(a, b, shares)) == pytest.approx(scored.weight, abs=1e-9)
    record_property("compared", len(pairs))


def test_a_region_without_duplicates_keeps_the_weights_it_began_with() -> None:
    once = [features.of(patient) for whose, patient in dict(reversed(records(300, Random(4)))).items()]
    before = models.shipped()
    with linkage.engine(1) as connection:
        connection.register("given", of_features(once))
        linkage.prepare(connection, "given")
        trained = linkage.train(connection, before)
        found = list(linkage.predict(connection, trained.model, trained.terms, 0.99))
    assert trained.notes
    for change in model.difference(before, trained.model):
        assert change.after[0] == pytest.approx(change.before[0], rel=0.2), change
    assert found == []


def test_shares_of_each_comparison_add_up_to_one(village: Village) -> None:
    for comparison, levels in village.trained.model.weights.items():
        for side in (0, 1):
            assert sum(level[side] for level in levels.values()) == pytest.approx(1), comparison


def test_agreement_speaks_for_and_disagreement_against(village: Village) -> None:
    for trained in (village.trained.model, models.shipped()):
        weights = {(comparison, level): bits for comparison, level, _, _, _, bits in model.levels_of(trained)}
        for comparison in ("name", "born", "phone", "address", "document", "number", "sex"):
            assert weights[comparison, "exact"] > 0 > weights[comparison, "different"], comparison
            assert weights[comparison, "exact"] == max(bits for (whose, _), bits in weights.items() if whose == comparison), comparison


def test_fewer_than_a_hundred_are_too_few_to_learn_from() -> None:
    from yilian.errors import BadRequest

    with linkage.engine(1) as connection:
        connection.register("given", of_features([Features(name="a")] * 20))
        linkage.prepare(connection, "given")
        with pytest.raises(BadRequest):
            linkage.train(connection, model.beginning())


def test_spark_finds_the_same_pairs(village: Village, pairs: list[Pair], tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed (pip install 'yilian[spark]')")
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with region.spark_session(tmp_path, 1) as spark:
            found = list(linkage.predict(village.connection, village.trained.model, village.trained.terms, 0.01, spark=spark))
    by_pair = {(one.first, one.second): one.scored for one in pairs}
    assert {(one.first, one.second) for one in found} == by_pair.keys()
    for one in found:
        assert one.scored.levels == by_pair[one.first, one.second].levels
        assert one.scored.weight == pytest.approx(by_pair[one.first, one.second].weight, abs=1e-6)
