"""Splink at work: a model trained on a table of patients, and every likely pair of the table weighed. DuckDB, or Spark by setting.

The table has one row a patient: `patient` (its key) and the columns of `features.Features`. `prepare` adds what SQL compares besides.
Nothing here knows our database. Splink: https://moj-analytical-services.github.io/splink/
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from yilian.errors import BadRequest
from yilian.identity.matching.comparisons import COMPARISONS, TERMS
from yilian.identity.matching.model import LEAST_TERM, Model, Pair, Scored
from yilian.identity.matching.recipe import FEWEST_SURE, MOST_SHARED, ROUNDS, SURE, SURE_RECALL, U_PAIRS, WORTH_OF_BEFORE, settings

Json = dict[str, Any]

SEED = 20261122


@dataclass(frozen=True, slots=True)
class Trained:
    """model: version 0. terms: column → value → share of those who have one. notes: what was kept of the model before, and why."""

    model: Model
    terms: dict[str, dict[str, float]]
    notes: tuple[str, ...]


@contextmanager
def engine(memory_gib: float = 4, folder: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that spills to `folder` (a temporary one of its own beside the database when None)."""
    config: dict[str, Any] = {"memory_limit": f"{memory_gib:g}GiB", "preserve_insertion_order": False}
    if folder is not None:
        config["temp_directory"] = str(folder)
    connection = duckdb.connect(":memory:", config=config)
    try:
        yield connection
    finally:
        connection.close()


_KEYS = ("document", "passport", "card", "insurance", "file", "phone")


def prepare(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    """Make the table `patients` of `source` (a table or view of the connection), with what SQL compares besides; how many there are."""
    digits = ", ".join(
        f"list_aggregate(list_sort(string_split({column}, '')), 'string_agg', '') as {column}_digits"
        for column in ("born", "document", "phone", "other_phone")
    )
    for column in _KEYS:
        connection.execute(
            f"create or replace table {column}_shared as select {column} from {source} where {column} is not null"
            f" group by {column} having count(*) between 2 and {MOST_SHARED}"
        )
    keys = ", ".join(f"{column}_shared.{column} as {column}_key" for column in _KEYS)
    joins = " ".join(f"left join {column}_shared on p.{column} = {column}_shared.{column}" for column in _KEYS)
    connection.execute(
        f"""
        create or replace table patients as
        select p.*, {keys}, substr(p.born, 1, 4) as birth_year, substr(p.born, 5, 4) as birth_day,
               case when p.sound is not null then
                   list_aggregate(list_sort(list_transform(string_split(p.sound, ' '), lambda word: word[1:1])), 'string_agg', '')
               end as initials,
               case when p.born is null then 1 end as unborn, {digits.replace("split(", "split(p.")}
        from {source} p {joins}
        """
    )
    return _one(connection, "select count(*) from patients")


def train(connection: duckdb.DuckDBPyConnection, before: Model, *, seed: int = SEED) -> Trained:
    """A model by the patients in the table `patients` (see `prepare`), without being told which pairs are right.

    u by random pairs, m by expectation maximisation. What the data says little about stays near `before`: a region without duplicates
    keeps its m. Raises BadRequest with fewer than 100 patients.
    """
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    count = _one(connection, "select count(*) from patients")
    if count < 100:
        raise BadRequest(
            f"A model is trained on 100 patients or more; there are {count}.", zh=f"至少需要 100 名患者才能训练模型,目前有 {count} 名。"
        )
    pairs = count * (count - 1) / 2
    notes: list[str] = []
    api = DuckDBAPI(connection)
    linker = Linker(api.register("patients"), settings(before, for_prediction=False), log_level=None)
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1)
    sampled = min(U_PAIRS, pairs)
    found_by = " union ".join(
        f"select l.patient, r.patient from patients l join patients r on {rule} and l.patient < r.patient" for rule in SURE
    )
    sure = _one(connection, f"select count(*) from ({found_by})")
    likely = sure / SURE_RECALL / pairs
    trained: dict[str, float] = {}
    for rule in ROUNDS:
        found = _one(connection, f"select count(*) from patients l join patients r on l.patient < r.patient and {rule}")
        if found < FEWEST_SURE:
            notes.append(f"round left out, {found} pairs: {rule}")
            continue
        linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=2e6)
        trained[rule] = found
    found_levels = linker.misc.save_model_to_json()["comparisons"]
    weights: dict[str, dict[str, tuple[float, float]]] = {}
    for comparison, told in zip(COMPARISONS, found_levels, strict=True):
        by_code = {one["label_for_charts"]: one for one in told["comparison_levels"]}
        mixed: dict[str, tuple[float, float]] = {}
        for level in comparison.levels:
            m_before, u_before = before.weights[comparison.code][level.code]
            m = _mixed(by_code[level.code].get("m_probability"), m_before, sure if trained else 0, WORTH_OF_BEFORE)
            mixed[level.code] = (m, _of_strangers(by_code[level.code].get("u_probability"), u_before, likely * m, sampled))
        whole = [sum(one[side] for one in mixed.values()) for side in (0, 1)]
        weights[comparison.code] = {code: (m / whole[0], u / whole[1]) for code, (m, u) in mixed.items()}
    if sure < FEWEST_SURE:
        notes.append(f"{sure} sure pairs: m and the prior stay near those of the model before")
    prior = (sure / SURE_RECALL + 1) / pairs
    terms = {column: _terms(connection, column) for column in TERMS}
    counts = {
        "patients": count,
        "sure_pairs": sure,
        "random_pairs": sampled,
        "seed": seed,
        "terms": True,
        "filled": _filled(connection, count),
    }
    return Trained(Model(0, min(prior, 0.1), weights, counts), terms, tuple(notes))


def predict(
    connection: duckdb.DuckDBPyConnection, model: Model, terms: Mapping[str, Mapping[str, float]], least: float, *, spark: Any = None
) -> Iterator[Pair]:
    """Every pair of the table `patients` that agrees in one rule of `BLOCKING` and scores `least` or more.

    terms   how common names and dates are, as stored with the model; empty: no correction
    spark   a session to let Spark do it instead
    """
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    wanted = settings(model, terms=bool(terms))
    lookups = {column: _lookup(connection, column, terms[column], model) for column in TERMS} if terms else {}
    if spark is None:
        api: Any = DuckDBAPI(connection)
        table = api.register("patients")
    else:
        from splink import SparkAPI

        api = SparkAPI(spark_session=spark)  # type: ignore[no-untyped-call]
        table = api.register(spark.createDataFrame(connection.sql("select * from patients").to_arrow_table()))
    linker = Linker(table, wanted, log_level=None)
    for column, lookup in lookups.items():
        given = connection.sql(f"select * from {lookup}").to_arrow_table()
        registered = api.register(given if spark is None else spark.createDataFrame(given))
        linker.table_management.register_term_frequency_lookup(registered, column)
    predicted = linker.inference.predict(threshold_match_probability=least, warning_mode="never")
    columns = ["patient_l", "patient_r", "match_weight", "match_probability", *(f"gamma_{c.code}" for c in COMPARISONS)]
    if spark is None:
        rows = connection.execute(f"select {', '.join(columns)} from {predicted.physical_name}")
        while some := rows.fetchmany(10_000):
            yield from (_pair(row) for row in some)
    else:
        yield from (_pair(tuple(row)) for row in spark.sql(f"select {', '.join(columns)} from {predicted.physical_name}").toLocalIterator())


def _pair(row: tuple[Any, ...]) -> Pair:
    levels: dict[str, str] = {}
    for comparison, gamma in zip(COMPARISONS, row[4:], strict=True):
        levels[comparison.code] = "" if gamma < 0 else comparison.levels[len(comparison.levels) - 1 - gamma].code
    left, right = sorted((int(row[0]), int(row[1])))
    return Pair(left, right, Scored(float(row[3]), float(row[2]), levels))


def _mixed(seen: float | None, before: float, worth: float, worth_before: float) -> float:
    if seen is None or not math.isfinite(seen):
        return before
    return (seen * worth + before * worth_before) / (worth + worth_before)


def _of_strangers(seen: float | None, before: float, of_one_person: float, sampled: float) -> float:
    """u of a level by its share of random pairs: among them are some of one person, which are taken out.

    Where what is left is no more than chance, `before` stands, unless chance would have shown more.
    """
    if seen is None or not math.isfinite(seen):
        return before
    left = max(seen - of_one_person, 0.0)
    chance = 2 * math.sqrt(max(seen, 1 / sampled) / sampled)
    return left if left > chance else min(before, left + chance)


def _terms(connection: duckdb.DuckDBPyConnection, column: str) -> dict[str, float]:
    """Values commoner than the least there is, by their share."""
    rows = connection.execute(
        f"select {column}, count(*) / (select count({column}) from patients) from patients where {column} is not null"
        f" group by {column} having count(*) > greatest(1, {LEAST_TERM} * (select count({column}) from patients))"
    ).fetchall()
    return {str(value): float(share) for value, share in rows}


def _lookup(connection: duckdb.DuckDBPyConnection, column: str, shares: Mapping[str, float], model: Model) -> str:
    """A table of the share of every value there is; what was not kept with the model has the least."""
    import pyarrow as pa

    connection.register(
        "kept", pa.table({"value": pa.array(list(shares), pa.string()), "share": pa.array(list(shares.values()), pa.float64())})
    )
    connection.execute(
        f"create or replace table share_of_{column} as"
        f" select p.{column}, coalesce(any_value(kept.share), {model.least_share}) as tf_{column}"
        f" from patients p left join kept on kept.value = p.{column} where p.{column} is not null group by p.{column}"
    )
    connection.unregister("kept")
    return f"share_of_{column}"


def _filled(connection: duckdb.DuckDBPyConnection, count: int) -> dict[str, float]:
    columns = ("name", "born", "sex", "phone", "line", "document", "card", "insurance")
    (row,) = connection.execute(f"select {', '.join(f'count({column})' for column in columns)} from patients").fetchall()
    return {column: round(found / count, 4) for column, found in zip(columns, row, strict=True)}


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    ((found,),) = connection.execute(sql).fetchall()
    return int(found)
