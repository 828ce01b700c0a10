"""Patients as the table linkage works on, and what a list of pairs is worth against the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pyarrow as pa

from bench.match_people import people
from bench.match_slips import with_duplicates
from yilian.identity.matching import features
from yilian.identity.matching.features import CLEAR, NUMBERS, Features

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quality:
    """Of pairs that were called one person. recall is of all pairs that are one."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def records(count: int, rng: Random) -> list[tuple[int, Json]]:
    """(whose it is, Patient) of this many people, 20 % of the records second registrations."""
    return list(with_duplicates(people(count, rng.randrange(2**32)), rng))


def table(patients: Iterable[Json]) -> pa.Table:
    """Keys are places in the list."""
    return of_features([features.of(patient) for patient in patients])


def of_features(found: Sequence[Features]) -> pa.Table:
    columns: dict[str, Any] = {"patient": pa.array(range(len(found)), pa.int64())}
    for name in (*CLEAR, *NUMBERS):
        columns[name] = pa.array([getattr(one, name) for one in found], pa.string())
    return pa.table(columns)


def quality(pairs: Iterable[tuple[int, int]], whose: Sequence[Any]) -> Quality:
    """`pairs`: places in `whose`, which tells of each record whose it is."""
    of_one: dict[Any, int] = defaultdict(int)
    for person in whose:
        of_one[person] += 1
    true = sum(count * (count - 1) // 2 for count in of_one.values())
    called = set(pairs)
    right = sum(whose[first] == whose[second] for first, second in called)
    return Quality(right / len(called) if called else 1.0, right / true if true else 1.0)
