"""`yilian load`: other people's records into the store, as they are, resumable, with a report of what was refused.

Every Bundle is one transaction; plain NDJSON goes in batches (`batch.py`). What is done is noted in `load_progress` in the same
transaction, so a load that was cut off (even by `kill -9`) goes on at the first batch that is not there, and nothing is half there.

Each resource keeps the id it came with (its own, or the uuid of its fullUrl): the same Organization in two Bundles is stored once, and
loading a file twice changes nothing. Patients without a managing institution are registered at the one that is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import Any

import msgspec

from yilian.db import Database
from yilian.errors import NotFound, Unavailable
from yilian.exchange import loaders
from yilian.exchange.batch import Batch, Destination, Refusal, Storing, Told, batches
from yilian.exchange.sources import Source
from yilian.store import find
from yilian.store.scope import SYSTEM, Scope

AT_ONCE = 3
"""Transactions under way in one process: while the database writes one, the next is read and checked."""

SMALL_BYTES = 1024 * 1024
"""Packed; what is smaller is loaded sooner than other processes have started."""

Watch = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Load with `count` processes; `opening` gives each its open database (see `loaders.processes`)."""

    count: int
    opening: Callable[[], Awaitable[Database]]


@dataclass(slots=True)
class Report:
    stored: int = 0
    before: int = 0  # resources that an earlier, interrupted load had stored
    refused: list[Refusal] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Resources dealt with so far, and refusals."""
        return self.stored + self.before + len(self.refused)


def pays(processes: int, sources: list[Source]) -> bool:
    """Whether there is enough to load for so many processes to be worth their start."""
    return processes > 1 and sum(source.size for source in sources) >= SMALL_BYTES


async def institution_named(db: Database, name: str, zone: tzinfo) -> str:
    """ "Organization/…" of the institution called exactly `name`. NotFound when there is none."""
    async with db.reading() as tx:
        found = await find.only(tx, SYSTEM, "Organization", [("name:exact", name)])
    if found is None:
        raise NotFound(
            f"There is no institution called {name!r}; name one with --institution.", zh=f"没有名为“{name}”的机构,请用 --institution 指定。"
        )
    return f"Organization/{found.id}"


async def load(
    db: Database,
    sources: list[Source],
    institution: str | None,
    zone: tzinfo,
    watch: Watch,
    side_by_side: SideBySide | None = None,
    *,
    scope: Scope = SYSTEM,
) -> Report:
    """Load `sources` in order. `watch(resources stored or refused, share done)` is called as it goes.

    `institution`: "Organization/…" where patients without a managingOrganization are registered, or None to leave them.
    `scope`: who writes, and is named in the trail.
    Opens its own transactions, here and, where there is much to load and `side_by_side` says how, in processes of their own.
    Raises Unavailable when the database stays away; what was acknowledged is stored.
    """
    report = Report()
    whole = sum(source.size for source in sources) or 1
    passed = 0
    others = None
    if side_by_side is not None and pays(side_by_side.count, sources):
        others = loaders.processes(side_by_side.count, side_by_side.opening)
    storing = Storing(db)
    try:
        for source in sources:
            key = f"{source.digest}:{source.member}:{institution or ''}"
            loading = _Loading(storing, source, Destination(key, source.name, institution, zone, scope), report, others)
            async for read in loading.run():
                watch(report.count, (passed + read) / whole)
            passed += source.size
    finally:
        if others is not None:
            others.shutdown(wait=True, cancel_futures=True)
    watch(report.count, 1.0)
    return report


@dataclass(slots=True)
class _Loading:
    """The loading of one source, here or by `others`."""

    storing: Storing
    source: Source
    to: Destination
    report: Report
    others: ProcessPoolExecutor | None
    again: list[Batch] = field(default_factory=list)
    """Refused while others were under way: what they refer to may have come meanwhile, so they get a second try, one by one, at the end."""

    async def run(self) -> AsyncIterator[int]:
        """Yields the bytes read so far, after each batch. A few batches are under way at once; none is left so when this ends."""
        async with self.storing.db.reading() as tx:
            rows = await tx.fetch("select line, stored, refused from load_progress where source = $1", self.to.key)
        done = {row["line"]: row for row in rows}
        at_once = AT_ONCE if self.others is None else self.others._max_workers + 2  # type: ignore[attr-defined]
        under_way: set[asyncio.Task[None]] = set()
        try:
            with self.source.lines() as lines:
                for batch in batches(lines):
                    if batch.line in done:
                        self._done_before(done[batch.line])
                    else:
                        under_way.add(asyncio.create_task(self._batch(batch)))
                        if len(under_way) >= at_once:
                            under_way = await _some(under_way)
                    yield batch.read
            while under_way:
                under_way = await _some(under_way)
                yield self.source.size
            for batch in sorted(self.again, key=lambda one: one.line):
                told = await self.storing.store(self.to, batch, last=True)
                assert told is not None
                self._told(told)
                yield self.source.size
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def _done_before(self, row: Any) -> None:
        self.report.before += row["stored"]
        for refused in msgspec.json.decode(row["refused"]):
            self.report.refused.append(Refusal(self.source.name, refused["line"], tuple(refused["reasons"])))

    async def _batch(self, batch: Batch) -> None:
        told = await (self.storing.store(self.to, batch, last=False) if self.others is None else self._by_another(self.others, batch))
        if told is None:
            self.again.append(batch)
        else:
            self._told(told)

    async def _by_another(self, others: ProcessPoolExecutor, batch: Batch) -> Told | None:
        try:
            told = await asyncio.get_running_loop().run_in_executor(others, partial(loaders.store, self.to, batch))
        except BrokenProcessPool as error:
            raise Unavailable(
                "A loading process ended: the database did not let it in, or memory ran out. What was stored stays; load again.",
                zh="加载进程意外结束,已写入的内容保留,请重新执行加载。",
            ) from error
        if isinstance(told, loaders.Away):
            raise Unavailable(told.text, zh="数据库暂时无法连接,请稍后重试。")
        return told

    def _told(self, told: Told) -> None:
        self.report.stored += told.stored
        self.report.refused += told.refused


async def _some(under_way: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait for at least one; the others. Raises what a finished one raised."""
    finished, waiting = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in finished:
        task.result()
    return waiting
