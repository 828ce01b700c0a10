"""`yilian reindex`: index rows of what is stored made anew, while the server goes on; again after Ctrl-C, where it stopped."""

from __future__ import annotations

from collections.abc import Sequence

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from yilian.command import house
from yilian.config import Settings
from yilian.db import Tx
from yilian.errors import NotFound
from yilian.fhir.dates import use_region_zone
from yilian.store import reindex as reindexing
from yilian.store.reindex import Run


def reindex(settings: Settings, types: Sequence[str], *, resume: bool, cancel: int | None) -> int:
    """Reindex these types (none: all), or with `resume` what was asked for before and is not done, or stop run `cancel`.

    1 when resources could not be indexed; they keep the rows they have.
    """
    with house.address(settings, alone=False, purpose="yilian reindex") as dsn:
        return uvloop.run(_reindex(settings, dsn, types, resume, cancel))


async def _reindex(settings: Settings, dsn: str, types: Sequence[str], resume: bool, cancel: int | None) -> int:
    use_region_zone(settings.zone)
    console = Console(stderr=True)
    async with house.database(settings, dsn) as db:
        async with db.transaction() as tx:
            if cancel is not None:
                if not await reindexing.cancel(tx, cancel):
                    raise NotFound(f"There is no run {cancel} that is still to be done.")
                console.print(f"Run {cancel} is cancelled; the rows it made stay.", highlight=False)
                return 0
            if not resume:
                await reindexing.request(tx, list(types) or None, "yilian reindex")
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            tasks = {}

            async def watch(_: Tx, run: Run) -> None:
                if run.id not in tasks:
                    tasks[run.id] = progress.add_task(f"run {run.id}, {', '.join(run.types or ('all types',))}", total=run.total)
                progress.update(tasks[run.id], completed=run.done, total=run.total)

            ended = await reindexing.carry_out_due(db, watch)
    if not ended:
        console.print("Nothing is due.")
    for run in ended:
        failed = f"; {run.failed} cannot be indexed and keep the rows they have (see the log)" if run.failed else ""
        console.print(f"Run {run.id}: {run.done} resources, {run.changed} of them put right{failed}.", highlight=False)
    return 1 if any(run.failed for run in ended) else 0
