"""The whole region at once: train a model on its patients, weigh every likely pair. For the command line and for jobs.

Splink works in a thread of its own: seconds for thousands of patients, minutes for a million. Nothing is locked meanwhile.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from yilian.errors import BadRequest, NotSupported
from yilian.identity.matching import candidates, index, linkage, models, table
from yilian.identity.matching.model import Model, Pair
from yilian.identity.matching.verdict import verdict

if TYPE_CHECKING:
    from yilian.db import Database

Engine = Literal["duckdb", "spark"]
Tell = Callable[[str, int], None]
"""Told what is being done, and how many patients that is about (0: nothing to count)."""


def _silent(what: str, count: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Training:
    """A model that was trained and kept, what it was trained from, and what the trainer has to say."""

    model: Model
    before: Model
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run over all patients found."""

    model: int
    patients: int
    found: candidates.Count


async def train(
    db: Database, *, by: str, note: str = "", use: bool = True, seed: int = linkage.SEED, memory_gib: float = 4, tell: Tell = _silent
) -> Training:
    """Train a model on the region's patients, starting from the one in use, and keep it. Raises BadRequest for fewer than 100 patients."""
    patients = await _patients(db, tell)
    async with db.reading() as tx:
        before = await models.active(tx)
    tell("training", patients.num_rows)
    trained = await asyncio.to_thread(_train, patients, before, seed, memory_gib)
    async with db.transaction() as tx:
        model = replace(trained.model, note=note)
        version = await models.add(tx, model, trained.terms, by=by, use=use)
    return Training(replace(model, version=version), before, trained.notes)


async def run(db: Database, *, engine: Engine = "duckdb", memory_gib: float = 4, tell: Tell = _silent) -> Run:
    """Weigh every likely pair of the region by the model in use and keep those from the worklist's threshold on."""
    patients = await _patients(db, tell)
    async with db.reading() as tx:
        model, policy, began = await models.active(tx), await verdict(tx), tx.now
        if not model.version:
            raise BadRequest("There is no matching model in use. yilian match train makes one.", zh="尚无启用的匹配模型,请先训练。")
        terms = await models.terms_of(tx, model)
    tell("weighing", patients.num_rows)
    pairs = await asyncio.to_thread(_predict, patients, model.scaled(patients.num_rows), terms, policy.worklist, engine, memory_gib)
    tell("keeping", len(pairs))
    found = await candidates.keep(db, pairs, model.version, policy, run=began)
    return Run(model.version, patients.num_rows, found)


async def _patients(db: Database, tell: Tell) -> Any:
    tell("preparing", 0)
    await index.catch_up(db)
    return await table.read(db, lambda done: tell("reading", done))


def _train(patients: Any, before: Model, seed: int, memory_gib: float) -> linkage.Trained:
    with tempfile.TemporaryDirectory(prefix="yilian-match-") as folder, linkage.engine(memory_gib, Path(folder)) as connection:
        connection.register("given", patients)
        linkage.prepare(connection, "given")
        return linkage.train(connection, before, seed=seed)


def _predict(
    patients: Any, model: Model, terms: dict[str, dict[str, float]], least: float, engine: Engine, memory_gib: float
) -> list[Pair]:
    with tempfile.TemporaryDirectory(prefix="yilian-match-") as folder, linkage.engine(memory_gib, Path(folder)) as connection:
        connection.register("given", patients)
        linkage.prepare(connection, "given")
        if engine == "duckdb":
            return list(linkage.predict(connection, model, terms, least))
        with spark_session(Path(folder), memory_gib) as spark:
            return list(linkage.predict(connection, model, terms, least, spark=spark))


@contextmanager
def spark_session(folder: Path, memory_gib: float = 4) -> Iterator[Any]:
    """Spark as the machine's own settings say (SPARK_HOME, spark-defaults.conf: a cluster), else on this machine alone.

    Raises NotSupported where pyspark is not installed (`pip install 'yilian[spark]'`) or cannot start, most often for want of Java.
    """
    try:
        from pyspark.sql import SparkSession
        from splink.backends.spark import similarity_jar_location
    except ImportError as error:
        raise NotSupported("Linkage by Spark needs pyspark: pip install 'yilian[spark]'.") from error
    try:
        session = (
            SparkSession.builder.appName("yilian match")
            .config("spark.jars", similarity_jar_location())
            .config("spark.driver.memory", f"{max(int(memory_gib), 1)}g")
            .config("spark.sql.shuffle.partitions", "8")
            .config("spark.default.parallelism", "8")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
    except Exception as error:
        raise NotSupported(f"Spark does not start: {str(error).splitlines()[0][:200]} Is Java 17 installed?") from error
    try:
        session.sparkContext.setLogLevel("ERROR")
        session.sparkContext.setCheckpointDir(str(folder / "checkpoints"))
        yield session
    finally:
        session.stop()
