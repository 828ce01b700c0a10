"""`yilian jobs`: how the queue stands, what failed, and beginning that anew. `yilian work`: a worker in a process of its own."""

from __future__ import annotations

import asyncio
import signal

import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from yilian import jobs
from yilian.command import house
from yilian.command.serve import log_to_stderr
from yilian.config import Settings
from yilian.errors import NotFound

GRACE_S = 60
"""How long jobs under way may take once a worker process is told to stop; then they are put back for others."""


def show(settings: Settings, *, failed: bool, retry: int | None, cancel: int | None) -> int:
    """Print the queue, or begin one job anew, or stop one."""
    with house.address(settings, alone=False, purpose="yilian jobs") as dsn:
        return uvloop.run(_show(settings, dsn, failed, retry, cancel))


async def _show(settings: Settings, dsn: str, failed: bool, retry: int | None, cancel: int | None) -> int:
    async with house.database(settings, dsn) as db:
        if retry is not None or cancel is not None:
            async with db.transaction() as tx:
                id = retry if retry is not None else cancel
                assert id is not None
                if not await (jobs.retry(tx, id) if retry is not None else jobs.cancel(tx, id)):
                    raise NotFound(f"There is no job {id} that {'failed' if retry is not None else 'is still to be done'}.")
            print(f"Job {id} will be begun anew." if retry is not None else f"Job {id} is cancelled.")
            return 0
        async with db.reading() as tx:
            entries, counts = await jobs.latest(tx, failed=failed), await jobs.counts(tx)
    waiting, running, lost = (sum(getattr(one, what) for one in counts) for what in ("waiting", "running", "failed"))
    print(f"{waiting} waiting, {running} running, {lost} failed.")
    table = Table("job", "kind", "state", "attempt", "since", "progress", "last error")
    for one in entries:
        since = (one.finished or one.started or one.run_at).astimezone(settings.region_zone).isoformat(" ", "seconds")
        progress = f"{one.done} of {one.total}" if one.total else (str(one.done) if one.done else "")
        table.add_row(str(one.id), one.kind, one.state, str(one.attempt), since, progress, escape(one.error))
    if entries:
        Console().print(table)
    return 0


def work(settings: Settings, at_once: int) -> int:
    """Carry jobs out, heavy ones too, until told to stop (Ctrl-C or SIGTERM)."""
    log_to_stderr(settings)
    with house.address(settings, alone=False, purpose="yilian work") as dsn:
        uvloop.run(_work(settings, dsn, at_once))
    return 0


async def _work(settings: Settings, dsn: str, at_once: int) -> None:
    from yilian import app

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with house.database(settings, dsn) as db:
        worker = app.worker(settings, db, at_once=at_once, heavy=True)
        worker.start()
        print(f"Working on up to {at_once} jobs at a time.", flush=True)
        try:
            await stop.wait()
        finally:
            await worker.stop(GRACE_S)
