"""`yilian load`: other people's records into the store, as they are, resumable, with a report of what was refused.

Every Bundle is one transaction; plain NDJSON goes in batches. What is done is noted in `load_progress` in the same transaction, so a load that was
cut off (even by `kill -9`) goes on at the first batch that is not there, and nothing is half there.

Each resource keeps the id it came with (its own, or the uuid of its fullUrl): the same Organization in two Bundles is stored once, and loading a
file twice changes nothing. Patients without a managing institution are registered at the one that is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import islice
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Refusal:
    """One Bundle or resource that was not stored, and every reason."""

    source: str
    line: int
    what: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Report:
    stored: int = 0
    before: int = 0  # resources that an earlier, interrupted load had stored
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Batch:
    line: int
    lines: int
    read: int
    items: tuple[tuple[int, bytes], ...]


async def institution_named(db: Database, name: str, zone: tzinfo) -> str:
    """"Organization/…" of the institution called exactly `name`. NotFound when there is none."""
    async with db.reading() as tx:
        found = await find.only(tx, SYSTEM, "Organization", [("name:exact", name)])
    if found is None:
        raise NotFound(f"There is no institution called {name!r}; name one with --institution.", zh=f"没有名为“{name}”的机构,请用 --institution 指定。")
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
        key = f"{source.digest}:{source.member}:{institution or ''}"
        async with db.reading() as tx:
            done = {row["line"]: row for row in await tx.fetch("select line, stored, refused from load_progress where source = $1", key)}
        with source.lines() as lines:
            await _load_source(db, source, key, _batches(lines), done, institution, zone, report, lambda read: watch(_count(report), (passed + read) / whole))  # noqa: B023
        passed += source.size
    watch(_count(report), 1.0)
    return report


def _count(report: Report) -> int:
    return report.stored + report.before + len(report.refused)


async def _load_source(
    db: Database,
    source: Source,
    key: str,
    batches: Iterator[_Batch],
    done: dict[int, Any],
    institution: str | None,
    zone: tzinfo,
    report: Report,
    moved: Callable[[int], None],
) -> None:
    under_way: set[asyncio.Task[None]] = set()
    try:
        for batch in batches:
            before = done.get(batch.line)
            if before is not None:
                report.before += before["stored"]
                report.refused += [Refusal(source.name, r["line"], r["what"], tuple(r["reasons"])) for r in parse(b'{"r":' + before["refused"].encode() + b"}")["r"]]
                moved(batch.read)
                continue
            under_way.add(asyncio.create_task(_one_batch(db, source, key, batch, institution, zone, report)))
            if len(under_way) >= AT_ONCE:
                finished, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    task.result()
            moved(batch.read)
        if under_way:
            for task in (await asyncio.wait(under_way))[0]:
                task.result()
            under_way = set()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _batches(lines: Iterator[tuple[int, bytes, int]]) -> Iterator[_Batch]:
    """A Bundle is a batch of its own; other resources go 500 lines together. The cut is the same every time, so that a resumed load meets it."""
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


async def _one_batch(db: Database, source: Source, key: str, batch: _Batch, institution: str | None, zone: tzinfo, report: Report) -> None:
    refused: list[Refusal] = []
    entries: list[dict[str, Any]] = []
    for line, text in batch.items:
        try:
            entries.extend(_entries(parse(text), institution))
        except YilianError as error:
            refused.append(_refusal(source, line, "", error))
    stored = 0
    whole = len(batch.items) == 1
    try:
        stored = await _store(db, key, batch, entries, zone, refused)
    except InvalidResource as error:
        if whole:
            refused.append(_refusal(source, batch.line, "Bundle" if len(entries) > 1 else "", error))
            stored = await _store(db, key, batch, [], zone, refused)
        else:
            stored = await _one_by_one(db, source, key, batch, institution, zone, refused)
    report.stored += stored
    report.refused += refused


async def _store(db: Database, key: str, batch: _Batch, entries: list[dict[str, Any]], zone: tzinfo, refused: list[Refusal]) -> int:
    """One transaction with its note of progress; tried again when another writer or the database was in the way."""
    for attempt in range(1, TRIES + 1):
        try:
            async with db.transaction() as tx:
                if entries:
                    await store_bundle.transaction(tx, SYSTEM, {"resourceType": "Bundle", "type": "transaction", "entry": entries}, base="", zone=zone)
                await _note(tx, key, batch, len(entries), refused)
            return len(entries)
        except (Conflict, Unavailable):
            if attempt == TRIES:
                raise
            await asyncio.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


async def _one_by_one(db: Database, source: Source, key: str, batch: _Batch, institution: str | None, zone: tzinfo, refused: list[Refusal]) -> int:
    """A batch with a fault in it: each line by itself, so that the sound ones are stored and the others named."""
    stored = 0
    waiting = list(batch.items)
    while waiting:
        again: list[tuple[int, bytes]] = []
        faults: list[Refusal] = []
        for line, text in waiting:
            try:
                entries = list(_entries(parse(text), institution))
                async with db.transaction() as tx:
                    await store_bundle.transaction(tx, SYSTEM, {"resourceType": "Bundle", "type": "transaction", "entry": entries}, base="", zone=zone)
                stored += len(entries)
            except InvalidResource as error:
                again.append((line, text))
                faults.append(_refusal(source, line, "", error))
            except YilianError:
                continue  # already listed when the batch was read
        if len(again) == len(waiting):
            refused += faults
            break
        waiting = again
    async with db.transaction() as tx:
        await _note(tx, key, batch, stored, refused)
    return stored


async def _note(tx: Tx, key: str, batch: _Batch, stored: int, refused: list[Refusal]) -> None:
    text = dump([{"line": r.line, "what": r.what, "reasons": list(r.reasons)} for r in refused]).decode()
    await tx.execute(
        "insert into load_progress (source, line, lines, stored, refused) values ($1, $2, $3, $4, $5::jsonb) on conflict (source, line) do nothing",
        key,
        batch.line,
        batch.lines,
        stored,
        text,
    )


def _entries(resource: dict[str, Any], institution: str | None) -> Iterator[dict[str, Any]]:
    """What to write, as entries of a transaction, each resource under the id it came with."""
    if resource.get("resourceType") != "Bundle":
        yield _entry(resource, "", institution)
        return
    for index, entry in enumerate(resource.get("entry") or []):
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(inner, dict):
            raise InvalidResource("The entry has no resource.", expression=f"Bundle.entry[{index}].resource", code="required")
        yield _entry(inner, entry.get("fullUrl") or "", institution)


def _entry(resource: dict[str, Any], full_url: str, institution: str | None) -> dict[str, Any]:
    kind = resource.get("resourceType")
    id_ = resource.get("id") or (full_url.removeprefix("urn:uuid:") if full_url.startswith("urn:uuid:") else "")
    if institution and kind == "Patient" and "managingOrganization" not in resource:
        resource = {**resource, "managingOrganization": {"reference": institution}}
    found: dict[str, Any] = {"resource": resource}
    if full_url:
        found["fullUrl"] = full_url
    if id_:
        found["resource"] = resource if resource.get("id") == id_ else {"resourceType": kind, "id": id_, **resource}
        found["request"] = {"method": "PUT", "url": f"{kind}/{id_}"}
    else:
        found["request"] = {"method": "POST", "url": str(kind)}
    return found


def _refusal(source: Source, line: int, what: str, error: YilianError) -> Refusal:
    reasons = tuple(f"{issue.expression}: {issue.diagnostics}" if issue.expression else issue.diagnostics for issue in islice(error.issues, 20))
    return Refusal(source.name, line, what, reasons)
