"""One batch of a load, a Bundle or some lines of NDJSON: read, checked, stored, and noted in `load_progress` in the same transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from yilian.db import Database, Tx
from yilian.errors import Conflict, InvalidResource, Unavailable, YilianError
from yilian.fhir.compartments import SHARED_TYPES
from yilian.fhir.json import dump, parse
from yilian.store import bundle as store_bundle
from yilian.store.scope import SYSTEM, Scope

LINES_A_BATCH = 500
TRIES = 5
MOST_KNOWN = 200_000

Entry = dict[str, Any]
Key = tuple[str, str]

NOTE = """
insert into load_progress (source, line, lines, stored, refused) values ($1, $2, $3, $4, $5::text::jsonb)
on conflict (source, line) do nothing
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One Bundle or resource that was not stored, and every reason."""

    source: str
    line: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """line: number of the first, from 1; lines: how many; read: packed bytes of the file read by then; items: (number, text)."""

    line: int
    lines: int
    read: int
    items: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """What is the same for every batch of one source: whose progress is noted under which key, what refusals call the source, and where
    patients without a managingOrganization are registered ("Organization/…", None: nowhere), and who writes."""

    key: str
    source: str
    institution: str | None
    zone: tzinfo
    scope: Scope = SYSTEM


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a batch: resources stored, and what was refused."""

    stored: int
    refused: tuple[Refusal, ...]


def batches(lines: Iterator[tuple[int, bytes, int]]) -> Iterator[Batch]:
    """A Bundle is a batch of its own; other resources go 500 lines together. The cut is the same every time: a resumed load meets it."""
    gathered: list[tuple[int, bytes]] = []
    read = 0
    for number, line, read in lines:
        if b'"Bundle"' in line[:4000]:
            if gathered:
                yield Batch(gathered[0][0], len(gathered), read, tuple(gathered))
                gathered = []
            yield Batch(number, 1, read, ((number, line),))
            continue
        gathered.append((number, line))
        if len(gathered) == LINES_A_BATCH:
            yield Batch(gathered[0][0], len(gathered), read, tuple(gathered))
            gathered = []
    if gathered:
        yield Batch(gathered[0][0], len(gathered), read, tuple(gathered))


@dataclass(slots=True)
class Storing:
    """Stores batches, in transactions of its own on `db`. One for each process that loads.

    known   (type, id) → digest of what this process has stored of the directory: the same hospital comes with every Bundle, and writing it
            again, unchanged, would make the Bundles wait for each other
    """

    db: Database
    known: dict[Key, int] = field(default_factory=dict)

    async def store(self, to: Destination, batch: Batch, *, last: bool) -> Told | None:
        """None when it was refused and is not to be tried for the last time: what it refers to may still come.

        Raises Unavailable when the database stays away.
        """
        refused: list[Refusal] = []
        entries: list[Entry] = []
        for line, text in batch.items:
            try:
                entries.extend(entries_of(parse(text), to.institution))
            except YilianError as error:
                refused.append(refusal(to.source, line, error))
        try:
            stored = await self._store(to, batch, entries, refused)
        except Unavailable:
            raise
        except YilianError as error:
            if not last:
                return None
            if len(batch.items) == 1:
                refused.append(refusal(to.source, batch.line, error))
                stored = await self._store(to, batch, [], refused)
            else:
                stored = await self._line_by_line(to, batch, refused)
        return Told(stored, tuple(refused))

    async def _store(self, to: Destination, batch: Batch, entries: list[Entry], refused: list[Refusal]) -> int:
        """One transaction with its note of progress; tried again when another writer or the database was in the way."""
        shared = self._digests(entries)
        for attempt in range(1, TRIES + 1):
            try:
                async with self.db.transaction() as tx:
                    await self._write(tx, to, entries, shared)
                    await self._note(tx, to, batch, len(entries), refused)
                break
            except Conflict:  # most often another process stored the same hospital a moment ago
                if attempt == TRIES:
                    raise
                await asyncio.sleep(0.01 * 4 ** (attempt - 1))
            except Unavailable:
                if attempt == TRIES:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
        if len(self.known) + len(shared) > MOST_KNOWN:
            self.known.clear()
        self.known.update(shared)
        return len(entries)

    async def _line_by_line(self, to: Destination, batch: Batch, refused: list[Refusal]) -> int:
        """A batch with a fault in it: each line by itself, so that the sound ones are stored and the others named.

        Goes over those that failed again as long as that stores more: a line may refer to a later one.
        """
        stored = 0
        waiting = [item for item in batch.items if item[0] not in {one.line for one in refused}]
        while waiting:
            faults: dict[int, Refusal] = {}
            for line, text in waiting:
                try:
                    async with self.db.transaction() as tx:
                        entries = list(entries_of(parse(text), to.institution))
                        await self._write(tx, to, entries, {})
                    stored += len(entries)
                except Unavailable:
                    raise
                except YilianError as error:
                    faults[line] = refusal(to.source, line, error)
            if len(faults) == len(waiting):
                refused += faults.values()
                break
            waiting = [item for item in waiting if item[0] in faults]
        async with self.db.transaction() as tx:
            await self._note(tx, to, batch, stored, refused)
        return stored

    def _digests(self, entries: list[Entry]) -> dict[Key, int]:
        """Of the entries that belong to the directory. Taken before the write, which rewrites their references in place."""
        found: dict[Key, int] = {}
        for entry in entries:
            resource = entry["resource"]
            kind, id_ = resource.get("resourceType"), resource.get("id")
            if kind in SHARED_TYPES and isinstance(id_, str):
                found[kind, id_] = hash(dump(resource))
        return found

    async def _write(self, tx: Tx, to: Destination, entries: list[Entry], shared: dict[Key, int]) -> None:
        if entries:
            settled = {key for key, digest in shared.items() if self.known.get(key) == digest}
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            await store_bundle.transaction(tx, to.scope, bundle, zone=to.zone, own=True, settled=settled)

    async def _note(self, tx: Tx, to: Destination, batch: Batch, stored: int, refused: list[Refusal]) -> None:
        reasons = dump([{"line": one.line, "reasons": list(one.reasons)} for one in refused]).decode()
        await tx.execute(NOTE, to.key, batch.line, batch.lines, stored, reasons)


def entries_of(resource: dict[str, Any], institution: str | None) -> Iterator[Entry]:
    """What to write, as entries of a transaction, each resource under the id it came with (its own, or the uuid of its fullUrl)."""
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


def refusal(source: str, line: int, error: YilianError) -> Refusal:
    """The first twenty reasons, each with its place."""
    reasons = tuple(f"{issue.expression}: {issue.diagnostics}" if issue.expression else issue.diagnostics for issue in error.issues[:20])
    return Refusal(source, line, reasons)
