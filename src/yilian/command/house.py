"""A database for a command: one's own server by its address, or the embedded one of the data folder."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import uvloop

from yilian.config import Settings
from yilian.db import Database
from yilian.disk import MIB, Disk
from yilian.postgres import DataFolderBusy, Embedded, PostgresFailed, address_of_running

log = logging.getLogger("yilian.house")

Told = TypeVar("Told")

JOIN_S = 60
"""How long a command waits for the server of another yilian that is just starting in the same folder."""

NEEDED_BYTES = 48 * MIB
"""Room PostgreSQL needs to start after it ended for want of it: two files of its write-ahead log, and some."""


BESIDE = 6
"""Connections a server process has beside those of `Settings.connections`: the pulse, the trail of reads, what seals the trail, two that
wait for jobs, one that listens for subscribers."""

COMMANDS = 3
"""Other programs in the same folder at a time for which there is always room: a load, a job worker, a look."""


def connections_needed(settings: Settings) -> int:
    """How many connections the embedded PostgreSQL takes: all that its server processes may open together, those of some commands beside
    them, and three that are kept for its administrator. A load opens two for each core."""
    each = settings.connections + BESIDE
    return max(100, settings.workers * each + COMMANDS * each + 2 * (os.cpu_count() or 1) + 3)


@contextmanager
def address(settings: Settings, *, alone: bool, purpose: str) -> Iterator[str]:
    """The address of the store, for as long as the block lasts.

    With the embedded database, `alone` means that this process runs it (the web server); otherwise the one that another yilian runs in the
    same folder is used, and one is started only when there is none. `purpose` is what a second one is told about us.
    Raises DataFolderBusy, DataFolderUnusable, ProgramsUnusable, PostgresFailed.
    """
    if settings.database_url:
        yield settings.database_url
        return
    running = None if alone else address_of_running(settings.data)
    if running is not None:
        yield running
        return
    embedded = Embedded(settings.data, {"max_connections": str(connections_needed(settings))}, purpose)
    try:
        start = embedded.start()
    except DataFolderBusy:
        if alone:
            raise
        yield _joined(settings)
        return
    with _kept_alive(embedded):
        yield start


def _joined(settings: Settings) -> str:
    """The address of a server that another process is starting. Raises DataFolderBusy when it does not come."""
    deadline = time.monotonic() + JOIN_S
    while time.monotonic() < deadline:
        running = address_of_running(settings.data)
        if running is not None:
            return running
        time.sleep(0.2)
    raise DataFolderBusy(f"The data folder {settings.data} is in use, but its database does not answer. Try again later.")


@contextmanager
def _kept_alive(embedded: Embedded) -> Iterator[None]:
    """Start the server again should it be killed, and stop it when the block ends.

    When it does not start again we end too, unless that is for want of room: it is then tried until there is some. The block's end does
    not wait for a start that takes long.
    """
    done = threading.Event()
    disk = Disk(embedded.folder.cluster, NEEDED_BYTES)

    def watch() -> None:
        waiting = False
        while not done.wait(0.5):
            if embedded.alive or (waiting and disk.is_low):
                continue
            log.error("PostgreSQL ended unexpectedly; starting it again.")
            try:
                embedded.revive(done)
                waiting = False
            except (PostgresFailed, OSError) as error:
                if done.is_set():
                    return
                log.critical("%s", error)
                if disk.is_low:
                    waiting = True
                    log.critical("The disk is full. PostgreSQL is started as soon as %d MiB are free.", NEEDED_BYTES // MIB)
                    continue
                os.kill(os.getpid(), signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch, name="postgres-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        embedded.stop()


def carried_out(settings: Settings, purpose: str, work: Callable[[Database], Awaitable[Told]]) -> Told:
    """What `work` tells, with the store open for as long as it takes. Raises as `address`, and what `work` raises."""

    async def run(dsn: str) -> Told:
        async with database(settings, dsn) as db:
            return await work(db)

    with address(settings, alone=False, purpose=purpose) as dsn:
        return uvloop.run(run(dsn))


@asynccontextmanager
async def database(settings: Settings, dsn: str) -> AsyncIterator[Database]:
    """The prepared, open store, wired as the server is: tables brought up to date, every write validated and audited."""
    from yilian import app

    await app.prepare(settings, dsn)
    db = app.database(settings, dsn)
    await db.open()
    try:
        yield db
    finally:
        await db.close()
