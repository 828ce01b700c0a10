"""Processes that load side by side: reading, checking and indexing a Bundle takes one core twice as long as storing it takes another.

Each has a connection of its own and works one batch at a time. Two that bring the same new hospital wait for each other in one order (rows
are written by type and id), so none deadlocks; the later one finds it stored and begins its batch anew. A process ends with the one that
started it, even by `kill -9`; what it had under way is then rolled back or stored whole.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import forkserver

import uvloop

from yilian.db import Database
from yilian.errors import Unavailable
from yilian.exchange.batch import Batch, Destination, Storing, Told

SWEEP = 50
"""Batches after which garbage that refers to itself is looked for. Records make none, and looking took a quarter of a load's time."""


@dataclass(frozen=True, slots=True)
class Away:
    """The database stayed away; what to say of it."""

    text: str


@dataclass(slots=True)
class _Here:
    """What one loading process keeps between batches."""

    loop: asyncio.AbstractEventLoop
    storing: Storing
    batches: int = 0


_here: _Here | None = None


def processes(count: int, opening: Callable[[], Awaitable[Database]]) -> ProcessPoolExecutor:
    """`count` of them, started with the first batch; `store` is what they are given to do.

    `opening` makes the open, wired database of a process. It is called there, so it must be something a process can be sent: a function
    of a module, or a partial of one.
    """
    return ProcessPoolExecutor(count, _context(), _begin, (opening,))


def get_ready() -> None:
    """Let the process that loading processes are begun from import everything now, on another core, while the caller opens the store."""
    if _context().get_start_method() == "forkserver":
        forkserver.ensure_running()


def _context() -> multiprocessing.context.BaseContext:
    """Processes begun from one that has imported everything already, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["yilian.app"])
    return context


def quiet_garbage() -> None:
    """From now on garbage that refers to itself is looked for only when `sweep` says so. For processes that do nothing but load."""
    gc.collect()
    gc.freeze()
    gc.disable()


def _begin(opening: Callable[[], Awaitable[Database]]) -> None:
    global _here
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), name="parent-watch", daemon=True).start()
    for driver in ("asyncio", "asyncpg"):  # the one who started us says in words that the database went away
        logging.getLogger(driver).setLevel(logging.CRITICAL + 1)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    _here = _Here(loop, Storing(loop.run_until_complete(opening())))
    quiet_garbage()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def store(to: Destination, batch: Batch) -> Told | Away | None:
    """Runs in a loading process: store one batch. None: refused for now, see `Storing.store`."""
    assert _here is not None
    _here.batches += 1
    if _here.batches % SWEEP == 0:
        gc.collect()
    try:
        return _here.loop.run_until_complete(_here.storing.store(to, batch, last=False))
    except Unavailable as error:
        return Away(str(error))
