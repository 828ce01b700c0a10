"""`yilian match`: train the model patients are matched by, weigh every likely pair, look at models and compare them."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from yilian.command import house
from yilian.config import Settings
from yilian.fhir.dates import use_region_zone
from yilian.identity import worklist
from yilian.identity.matching import models, region
from yilian.identity.matching.model import Model, bits, difference
from yilian.identity.matching.region import Engine

DOING = {
    "preparing": "Preparing what is compared",
    "reading": "Reading patients",
    "training": "Training",
    "weighing": "Weighing pairs",
    "keeping": "Keeping pairs",
    "linking": "Linking sure pairs",
}


def train(settings: Settings, *, note: str, use: bool, memory_gib: float) -> int:
    """Train a model on the patients there are and print what it weighs; it is used from then on unless `use` is false."""
    with house.address(settings, alone=False, purpose="yilian match train") as dsn:
        return uvloop.run(_train(settings, dsn, note, use, memory_gib))


def run(settings: Settings, *, memory_gib: float) -> int:
    """Weigh every likely pair by the model in use, link the sure ones, put the others on the worklist; with the engine of the settings."""
    with house.address(settings, alone=False, purpose="yilian match run") as dsn:
        return uvloop.run(_run(settings, dsn, memory_gib))


def show(settings: Settings) -> int:
    """List the models."""
    with house.address(settings, alone=False, purpose="yilian match models") as dsn:
        return uvloop.run(_show(settings, dsn))


def diff(settings: Settings, before: int, after: int) -> int:
    """Print what differs between two models."""
    with house.address(settings, alone=False, purpose="yilian match diff") as dsn:
        return uvloop.run(_diff(settings, dsn, before, after))


def use(settings: Settings, version: int) -> int:
    """Take another model into use."""
    with house.address(settings, alone=False, purpose="yilian match use") as dsn:
        return uvloop.run(_use(settings, dsn, version))


async def _train(settings: Settings, dsn: str, note: str, use: bool, memory_gib: float) -> int:
    use_region_zone(settings.zone)
    async with house.database(settings, dsn) as db:
        with _told() as tell:
            done = await region.train(db, by=getpass.getuser(), note=note, use=use, memory_gib=memory_gib, tell=tell)
    console = Console()
    counts = done.model.counts
    state = "is in use" if use else "is kept, not in use"
    console.print(
        f"Model {done.model.version} {state}: {counts['patients']:,} patients, {counts['sure_pairs']:,} sure pairs.", highlight=False
    )
    for line in done.notes:
        console.print(f"  {line}", highlight=False, markup=False)
    console.print(_compared(done.before, done.model))
    return 0


async def _run(settings: Settings, dsn: str, memory_gib: float) -> int:
    use_region_zone(settings.zone)
    engine: Engine = "spark" if settings.match_engine == "spark" else "duckdb"
    async with house.database(settings, dsn) as db:
        with _told() as tell:
            done = await region.run(db, engine=engine, memory_gib=memory_gib, tell=tell)
            tell("linking", done.found.sure)
            fed = await worklist.feed(db)
    found = done.found
    print(
        f"{done.patients:,} patients weighed by model {done.model}: {found.pairs:,} pairs may be one person, {found.sure:,} of them surely;"
        f" {found.gone:,} of an earlier run are no longer."
    )
    print(f"{fed.linked:,} pairs were linked; {fed.asked:,} more wait for somebody to look at them.")
    return 0


async def _show(settings: Settings, dsn: str) -> int:
    async with house.database(settings, dsn) as db, db.reading() as tx:
        entries = await models.listed(tx)
    table = Table("version", "trained", "by", "patients", "sure pairs", "in use", "note")
    for one in entries:
        trained = one.trained.astimezone(settings.region_zone).isoformat(" ", "minutes")
        active = "yes" if one.active else ""
        table.add_row(str(one.version), trained, escape(one.by), f"{one.patients:,}", f"{one.sure_pairs:,}", active, escape(one.note))
    Console().print(table)
    return 0


async def _diff(settings: Settings, dsn: str, before: int, after: int) -> int:
    async with house.database(settings, dsn) as db, db.reading() as tx:
        table = _compared(await models.by_version(tx, before), await models.by_version(tx, after))
    Console().print(table)
    return 0


async def _use(settings: Settings, dsn: str, version: int) -> int:
    async with house.database(settings, dsn) as db, db.transaction() as tx:
        await models.use(tx, version)
    print(f"Model {version} is in use.")
    return 0


def _compared(before: Model, after: Model) -> Table:
    """Each level with its m, u and weight now, and how the weight differs from before."""
    title = f"model {before.version or 'shipped'} -> {after.version}; prior {before.prior:.3g} -> {after.prior:.3g}"
    table = Table("comparison", "level", "m", "u", "bits", "was", "change", title=title, title_justify="left")
    for change in difference(before, after):
        m, u = change.after
        was = f"{bits(*change.before):+.2f}"
        moved = f"{change.bits:+.2f}" if abs(change.bits) >= 0.005 else ""
        table.add_row(change.comparison, change.level, f"{m:.4g}", f"{u:.3g}", f"{bits(m, u):+.2f}", was, moved)
    return table


@contextmanager
def _told() -> Iterator[region.Tell]:
    """Says on standard error what is being done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")

        def tell(what: str, count: int) -> None:
            progress.update(task, description=f"{DOING[what]}{f': {count:,}' if count else ''}")

        yield tell
