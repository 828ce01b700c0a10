"""Who is who: FEBRL 1 to 3, and 5,000 Chinese persons with slips, by models that were never told; pairs right of those called and found."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench import match_febrl
from bench.ground import Ground, Row, shared_data
from bench.match_slips import with_duplicates
from bench.match_table import quality, table
from yilian.fhir import urls
from yilian.identity.matching import linkage, models, verdict
from yilian.identity.matching.model import Pair

Json = dict[str, Any]

THRESHOLD = 0.9
"""Between the two of the policy: what somebody who looks at the worklist would call one person."""


def measure(ground: Ground) -> Iterator[Row]:
    shared = shared_data()
    if shared is None:
        raise RuntimeError("the collected data sets are not here (YILIAN_SHARED_DATA or ../shared/data)")
    folder = shared / "entity-resolution"
    for number in (1, 2, 3):
        reached = match_febrl.measured(folder / "febrl" / f"dataset{number}.csv.gz")
        yield Row(f"FEBRL {number}: F1 of pairs", reached.f1, "", 0.98, "at least")
        yield Row(f"FEBRL {number}: precision, recall beside it", reached.precision, "", reached.recall, "recall")
    yield from chinese(folder / "faker-zh_CN" / "persons.csv.gz")


def chinese(file: Path) -> Iterator[Row]:
    """The model trained on them, and the one that comes with Yilian, which never saw them."""
    made = list(with_duplicates(persons(file), Random(20261122)))
    whose = [person for person, _ in made]
    policy = verdict.shipped()
    with linkage.engine() as connection:
        connection.register("given", table([patient for _, patient in made]))
        linkage.prepare(connection, "given")
        trained = linkage.train(connection, models.shipped())
        for called, model, terms in (("trained on them", trained.model, trained.terms), ("shipped", models.shipped(), {})):
            pairs = list(linkage.predict(connection, model, terms, 0.01))
            for what, some in (
                (f"score {THRESHOLD:g} or more", [one for one in pairs if one.scored.score >= THRESHOLD]),
                ("linked without asking", [one for one in pairs if policy.is_sure(one.scored)]),
                ("linked or on the worklist", [one for one in pairs if one.scored.score >= policy.worklist]),
            ):
                reached = quality(_keys(some), whose)
                yield Row(f"5,000 persons, {called}, {what}: precision", reached.precision, "", 0.995, "at least")
                yield Row(f"5,000 persons, {called}, {what}: recall", reached.recall, "", 0.95, "at least")


def _keys(pairs: list[Pair]) -> list[tuple[int, int]]:
    return [(one.first, one.second) for one in pairs]


def persons(file: Path) -> Iterator[Json]:
    """The persons of the file as Patients."""
    with gzip.open(file, "rt", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            yield {
                "resourceType": "Patient",
                "id": row["rec_id"],
                "identifier": [{"system": urls.RESIDENT_ID, "value": row["resident_id"]}],
                "name": [{"text": row["name"]}],
                "telecom": [{"system": "phone", "value": row["phone"]}],
                "gender": {"1": "male", "2": "female"}[row["sex_gbt2261"]],
                "birthDate": row["birth_date"],
                "address": [{"text": row["address"]}],
            }
