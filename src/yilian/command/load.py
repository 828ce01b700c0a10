"""`yilian load`: other people's records into the store, with a progress bar and a report."""

from __future__ import annotations

import json
import logging
import os
import time
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from yilian.command import house
from yilian.config import Settings
from yilian.db import Database
from yilian.errors import NotFound
from yilian.exchange import load as loading
from yilian.exchange import loaders, sources
from yilian.exchange.batch import Refusal
from yilian.fhir.dates import use_region_zone

DEMO_INSTITUTION = "青石镇卫生院"
SHOWN = 20


def load(settings: Settings, paths: list[Path], institution: str | None, report: Path | None, processes: int | None = None) -> int:
    """Load `paths`; 1 when anything was refused. The same again goes on where it stopped, and changes nothing once it is through.

    `processes`: how many load side by side; None: one for each core.
    """
    found = sources.find(paths)
    count = processes or _cores()
    if loading.pays(count, found):
        loaders.get_ready()
    for driver in ("asyncio", "asyncpg"):  # what they would say of a database that goes away is said once, and in words, by us
        logging.getLogger(driver).setLevel(logging.CRITICAL + 1)
    console = Console(stderr=True)
    with house.address(settings, alone=False, purpose="yilian load") as dsn:
        started = time.monotonic()
        from yilian import app

        side_by_side = loading.SideBySide(count, partial(app.opened, settings, dsn))
        told = uvloop.run(_load(settings, dsn, found, institution, console, side_by_side))
        seconds = time.monotonic() - started
    before = f" ({told.before} of them by an earlier run)" if told.before else ""
    pace = f", {told.stored / seconds:,.0f} a second" if told.stored else ""
    console.print(
        f"{told.stored + told.before} resources stored{before} in {seconds:.1f} s{pace}; {len(told.refused)} refused.", highlight=False
    )
    for refusal in told.refused[:SHOWN]:
        console.print(f"  {refusal.source}, line {refusal.line}:", highlight=False, markup=False)
        for reason in refusal.reasons:
            console.print(f"      {reason}", highlight=False, markup=False)
    if report is not None:
        _write(report, told.refused)
    if len(told.refused) > SHOWN:
        rest = f"all of them are in {report}" if report else "give --report FILE and load again to have them all in a file"
        console.print(f"  … and {len(told.refused) - SHOWN} more; {rest}.", highlight=False)
    return 1 if told.refused else 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _load(
    settings: Settings,
    dsn: str,
    found: list[sources.Source],
    institution: str | None,
    console: Console,
    side_by_side: loading.SideBySide,
) -> loading.Report:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]:,} resources"),
        TimeRemainingColumn(),
    )
    use_region_zone(settings.zone)
    async with house.database(settings, dsn) as db:
        home = await _institution(db, settings, institution)
        with Progress(*columns, console=console) as progress:
            name = found[0].name if len(found) == 1 else f"{len(found)} files"
            task = progress.add_task(name, total=1.0, count=0)

            def watch(count: int, share: float) -> None:
                progress.update(task, completed=share, count=count)

            return await loading.load(db, found, home, settings.region_zone, watch, side_by_side)


async def _institution(db: Database, settings: Settings, name: str | None) -> str | None:
    """Where patients without an institution are registered. Without a name: the demo region's township centre, if it is here."""
    if name is not None:
        return await loading.institution_named(db, name, settings.region_zone)
    try:
        return await loading.institution_named(db, DEMO_INSTITUTION, settings.region_zone)
    except NotFound:
        return None


def _write(report: Path, refused: list[Refusal]) -> None:
    with report.open("w", encoding="utf-8") as lines:
        for refusal in refused:
            entry = {"source": refusal.source, "line": refusal.line, "reasons": list(refusal.reasons)}
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
