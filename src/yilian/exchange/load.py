"""`yilian load`: other people's records into the store, as they are, resumable, with a report of what was refused.

Every Bundle is one transaction; plain NDJSON goes in batches. What is done is noted in `load_progress` in the same transaction, so a load
that was cut off (even by `kill -9`) goes on at the first batch that is not there, and nothing is half there.

Each resource keeps the id it came with (its own, or the uuid of its fullUrl): the same Organization in two Bundles is stored once, and
loading a file twice changes nothing. Patients without a managing institution are registered at the one that is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import msgspec

from yilian.db import Database, Tx
from yilian.errors import Conflict, InvalidResource, NotFound, Unavailable, YilianError
from yilian.exchange.sources import Source
from yilian.fhir.json import dump, parse
from yilian.store import bundle as store_bundle
from yilian.store import find
from yilian.store.scope import SYSTEM

LINES_A_BATCH = 500
AT_ONCE = 3  # transactions under way: while the database writes one, the next is read and checked
TRIES = 5

Watch = Callable[[int, float], None]
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One Bundle or resource that was not stored, and every reason."""

    source: str
    line: int
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Report:
    stored: int = 0
    before: int = 0  # resources that an earlier, interrupted load had stored
    refused: list[Refusal] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Resources dealt with so far, and refusals."""
        return self.stored + self.before + len(self.refused)


@dataclass(frozen=True, slots=True)
class _Batch:
    line: int
    lines: int
    read: int
    items: tuple[tuple[int, bytes], ...]


async def institution_named(db: Database, name: str, zone: tzinfo) -> str:
    """ "Organization/…" of the institution called exactly `name`. NotFound when there is none."""
    async with db.reading() as tx:
        found = await find.only(tx, SYSTEM, "Organization", [("name:exact", name)])
    if found is None:
        raise NotFound(
            f"There is no institution called {name!r}; name one with --institution.", zh=f"没有名为“{name}”的机构,请用 --institution 指定。"
        )
    return f"Organization/{found.id}"


async def load(db: Database, sources: list[Source], institution: str | None, zone: tzinfo, watch: Watch) -> Report:
    """Load `sources` in order. `watch(resources stored or refused, share done)` is called as it goes.

    `institution`: "Organization/…" where patients without a managingOrganization are registered, or None to leave them.
    Opens its own transactions. Raises Unavailable when the database stays away; what was acknowledged is stored.
    """
    report = Report()
    whole = sum(source.size for source in sources) or 1
    passed = 0
    for source in sources:
        loading = _Loading(db, source, institution, zone, report)
        async for read in loading.run():
            watch(report.count, (passed + read) / whole)
        passed += source.size
    watch(report.count, 1.0)
    return report


@dataclass(slots=True)
class _Loading:
    """The loading of one source."""

    db: Database
    source: Source
    institution: str | None
    zone: tzinfo
    report: Report
    again: list[_Batch] = field(default_factory=list)
    """Refused while others were under way: what they refer to may have come meanwhile, so they get a second try, one by one, at the end."""

    @property
    def key(self) -> str:
        return f"{self.source.digest}:{self.source.member}:{self.institution or ''}"

    async def run(self) -> AsyncIterator[int]:
        """Yields the bytes read so far, after each batch. A few batches are under way at once; none is left so when this ends."""
        async with self.db.reading() as tx:
            done = {
                row["line"]: row for row in await tx.fetch("select line, stored, refused from load_progress where source = $1", self.key)
            }
        under_way: set[asyncio.Task[None]] = set()
        try:
            with self.source.lines() as lines:
                for batch in _batches(lines):
                    if batch.line in done:
                        self._done_before(done[batch.line])
                    else:
                        under_way.add(asyncio.create_task(self._batch(batch)))
                        if len(under_way) >= AT_ONCE:
                            under_way = await _some(under_way)
                    yield batch.read
            while under_way:
                under_way = await _some(under_way)
                yield self.source.size
            for batch in sorted(self.again, key=lambda one: one.line):
                await self._batch(batch, last=True)
                yield self.source.size
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def _done_before(self, row: Any) -> None:
        self.report.before += row["stored"]
        for refused in msgspec.json.decode(row["refused"]):
            self.report.refused.append(Refusal(self.source.name, refused["line"], tuple(refused["reasons"])))

    async def _batch(self, batch: _Batch, *, last: bool = False) -> None:
        refused: list[Refusal] = []
        entries: list[Entry] = []
        for line, text in batch.items:
            try:
                entries.extend(_entries(parse(text), self.institution))
            except YilianError as error:
                refused.append(_refusal(self.source, line, error))
        try:
            stored = await self._store(batch, entries, refused)
        except Unavailable:
            raise
        except YilianError as error:
            if not last:
                self.again.append(batch)
                return
            if len(batch.items) == 1:
                refused.append(_refusal(self.source, batch.line, error))
                stored = await self._store(batch, [], refused)
            else:
                stored = await self._line_by_line(batch, refused)
        self.report.stored += stored
        self.report.refused += refused

    async def _store(self, batch: _Batch, entries: list[Entry], refused: list[Refusal]) -> int:
        """One transaction with its note of progress; tried again when another writer or the database was in the way."""
        for attempt in range(1, TRIES + 1):
            try:
                async with self.db.transaction() as tx:
                    await self._write(tx, entries)
                    await self._note(tx, batch, len(entries), refused)
                break
            except (Conflict, Unavailable):
                if attempt == TRIES:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
        return len(entries)

    async def _line_by_line(self, batch: _Batch, refused: list[Refusal]) -> int:
        """A batch with a fault in it: each line by itself, so that the sound ones are stored and the others named.

        Goes over those that failed again as long as that stores more: a line may refer to a later one.
        """
        stored = 0
        waiting = [item for item in batch.items if item[0] not in {refusal.line for refusal in refused}]
        while waiting:
            faults: dict[int, Refusal] = {}
            for line, text in waiting:
                try:
                    async with self.db.transaction() as tx:
                        entries = list(_entries(parse(text), self.institution))
                        await self._write(tx, entries)
                    stored += len(entries)
                except Unavailable:
                    raise
                except YilianError as error:
                    faults[line] = _refusal(self.source, line, error)
            if len(faults) == len(waiting):
                refused += faults.values()
                break
            waiting = [item for item in waiting if item[0] in faults]
        async with self.db.transaction() as tx:
            await self._note(tx, batch, stored, refused)
        return stored

    async def _write(self, tx: Tx, entries: list[Entry]) -> None:
        if entries:
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            await store_bundle.transaction(tx, SYSTEM, bundle, zone=self.zone, own=True)

    async def _note(self, tx: Tx, batch: _Batch, stored: int, refused: list[Refusal]) -> None:
        await tx.execute(
            """
            insert into load_progress (source, line, lines, stored, refused) values ($1, $2, $3, $4, $5::text::jsonb)
            on conflict (source, line) do nothing
            """,
            self.key,
            batch.line,
            batch.lines,
            stored,
            dump([{"line": one.line, "reasons": list(one.reasons)} for one in refused]).decode(),
        )


async def _some(under_way: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait for at least one; the others. Raises what a finished one raised."""
    finished, waiting = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in finished:
        task.result()
    return waiting


def _batches(lines: Iterator[tuple[int, bytes, int]]) -> Iterator[_Batch]:
    """A Bundle is a batch of its own; other resources go 500 lines together. The cut is the same every time: a resumed load meets it."""
    gathered: list[tuple[int, bytes]] = []
    read = 0
    for number, line, read in lines:
        if b'"Bundle"' in line[:4000]:
            if gathered:
                yield _Batch(gathered[0][0], len(gathered), read, tuple(gathered))
                gathered = []
            yield _Batch(number, 1, read, ((number, line),))
            continue
        gathered.append((number, line))
        if len(gathered) == LINES_A_BATCH:
            yield _Batch(gathered[0][0], len(gathered), read, tuple(gathered))
            gathered = []
    if gathered:
        yield _Batch(gathered[0][0], len(gathered), read, tuple(gathered))


def _entries(resource: dict[str, Any], institution: str | None) -> Iterator[Entry]:
    """What to write, as entries of a transaction, each resource under the id it came with."""
    if resource.get("resourceType") != "Bundle":
        yield _entry(resource, "", institution)
        return
    for index, entry in enumerate(resource.get("entry") or []):
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(inner, dict):
            raise InvalidResource("The entry has no resource.", expression=f"Bundle.entry[{index}].resource", code="required")
        yield _entry(inner, entry.get("fullUrl") or "", institution)


def _entry(resource: dict[str, Any], full_url: str, institution: str | None) -> Entry:
    kind = resource.get("resourceType")
    id_ = resource.get("id") or (full_url.removeprefix("urn:uuid:") if full_url.startswith("urn:uuid:") else "")
    if institution and kind == "Patient" and "managingOrganization" not in resource:
        resource = {**resource, "managingOrganization": {"reference": institution}}
    found: Entry = {"resource": resource}
    if full_url:
        found["fullUrl"] = full_url
    if id_:
        found["resource"] = resource if resource.get("id") == id_ else {"resourceType": kind, "id": id_, **resource}
        found["request"] = {"method": "PUT", "url": f"{kind}/{id_}"}
    else:
        found["request"] = {"method": "POST", "url": str(kind)}
    return found


def _refusal(source: Source, line: int, error: YilianError) -> Refusal:
    reasons = tuple(f"{issue.expression}: {issue.diagnostics}" if issue.expression else issue.diagnostics for issue in error.issues[:20])
    return Refusal(source.name, line, reasons)
