"""An export carried out: type by type, part by part, stored text straight into files. Nothing is parsed on the way.

Each part is a file, finished and noted in one go; whoever takes an export up again begins after the last one. Who is exported is noted in
the trail, for every patient, before anything can be fetched.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from yilian import jobs
from yilian.access.asker import scope_again
from yilian.analytics.views import definition
from yilian.analytics.views.run import into_file
from yilian.audit.note import by, write
from yilian.errors import BadRequest, Issue, NotFound, NotSignedIn
from yilian.exchange.bulk import records, snapshot
from yilian.exchange.bulk.ask import Ask, search_of, types_of
from yilian.exchange.bulk.records import Bulk, File
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump, parse
from yilian.fhir.outcome import outcome
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.jobs import GiveUp, Job
from yilian.sealing.keyring import END, opened
from yilian.sealing.personal import MARK
from yilian.search import statement
from yilian.store import listed, members, read
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

PART = 100_000
"""Resources in a file, at most; about a tenth of a GiB."""
PART_S = 3600.0
HOWEVER_MANY = 2**62
BUFFER = 1 << 20
DELETED_IN_BUNDLE = 1000
NOTES_AT_ONCE = 2000
QUOTE, DELIMITER = "\x01", "\x02"
"""Neither occurs in stored JSON, where control characters are escaped; so COPY hands the text out as it is, a resource a line."""
LINE = f"case when strpos(v.body, '{MARK}') > 0 then '{MARK}' || v.rid || '{END}' || v.body else v.body end"
"""The text of a version; where something in it is sealed, the key of its resource stands before it."""
SEALED = MARK.encode()


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long files are kept once they are complete, and how many resources go into one."""

    keep: timedelta
    part: int = PART


async def checked(tx: Tx, scope: Scope, ask: Ask) -> None:
    """What can be refused at once, when an export is asked for. NotFound for a Group or a patient the asker may not know of."""
    grouped = await _members(tx, scope, ask) if ask.level == "group" else None
    if ask.patients:
        found = await read.many(tx, scope, [("Patient", id) for id in ask.patients])
        missing = [
            id for id in ask.patients if ("Patient", id) not in found or (grouped is not None and found["Patient", id].rid not in grouped)
        ]
        if missing:
            where = "in this Group" if grouped is not None else "that you may read"
            raise NotFound(f"There is no Patient/{missing[0][:64]} {where}" + (f", nor {len(missing) - 1} more." if missing[1:] else "."))


async def run(db: Database, bulk: Bulk, folder: Path, zone: tzinfo, keeping: Keeping, job: Job | None = None) -> None:
    """Carry an export out, or go on with it, into `folder`. `job`: the attempt it belongs to, None when a command does it itself.

    Raises GiveUp when who asked may not ask any more; Stopped when it was cancelled meanwhile.
    """
    await _Export(db, bulk, Ask.of_json(bulk.ask), folder, zone, keeping, job).run()


@dataclass(slots=True)
class _Export:
    db: Database
    bulk: Bulk
    ask: Ask
    folder: Path
    zone: tzinfo
    keeping: Keeping
    job: Job | None
    files: list[File] = field(default_factory=list)

    async def run(self) -> None:
        async with self.db.reading() as tx:
            scope = await self._scope(tx)
            self.files = await records.files(tx, self.bulk.id)
            there = await snapshot.types_there(tx)
        at = self.bulk.at or await self._begin(scope)
        kinds = [kind for kind in types_of(self.ask) if type_id(kind) in there and (scope.reads is None or kind in scope.reads)]
        for kind in kinds:
            while not await self._part(scope, kind, at):
                async with self.db.reading() as tx:
                    scope = await self._scope(tx)
        if self.ask.since is not None:
            for kind in kinds:
                await self._deleted(scope, kind, at)
        await self._ignored()
        await self._views()
        await self._finish(scope)

    async def _scope(self, tx: Tx) -> Scope:
        try:
            return await scope_again(tx, self.bulk.asker)
        except NotSignedIn as error:
            raise GiveUp(str(error)) from error

    async def _begin(self, scope: Scope) -> datetime:
        """Fix the instant, and whom and what it is about where that is not said by a condition."""
        at = await snapshot.settled(self.db)
        async with self.db.transaction() as tx:
            await tx.execute("delete from bulk_key where bulk = $1", self.bulk.id)
            if self.ask.level == "group" or self.ask.patients:
                await self._keep_keys(tx, 0, await patients(tx, scope, self.ask))
            for kind, text in self.ask.filters:
                query = await members.whole(tx, search_of(kind, text, self.zone))
                await listed.require(tx, query.clauses)
                asked = statement.keys(query, scope, HOWEVER_MANY)
                await tx.execute("set local statement_timeout = 0")
                await tx.connection.execute(
                    f"insert into bulk_key (bulk, what, rid) select ${len(asked.args) + 1}, {type_id(kind)}, k.rid from ({asked.sql}) k"
                    " on conflict do nothing",
                    *asked.args,
                    self.bulk.id,
                    timeout=PART_S,
                )
            await tx.execute("update bulk set at = $2 where id = $1", self.bulk.id, at)
            await self._note(tx)
        return at

    async def _keep_keys(self, tx: Tx, what: int, rids: Sequence[int]) -> None:
        await tx.execute(
            "insert into bulk_key (bulk, what, rid) select $1, $2, rid from unnest($3::bigint[]) as k (rid) on conflict do nothing",
            self.bulk.id,
            what,
            list(rids),
        )

    def _after(self, section: str, kind: str) -> tuple[tuple[datetime, int], bool]:
        """Where the next part begins, and whether there is none."""
        parts = [file for file in self.files if (file.section, file.type) == (section, kind)]
        begin = self.ask.since or snapshot.START
        if not parts:
            return (begin, -1), False
        last = parts[-1]
        return (last.updated or begin, last.rid if last.rid is not None else -1), last.last

    async def _part(self, scope: Scope, kind: str, at: datetime) -> bool:
        """One file of one type. True when it was the last, or there is none."""
        after, over = self._after("output", kind)
        if over:
            return True
        number = 1 + sum(file.section == "output" and file.type == kind for file in self.files)
        path = self.folder / f"{kind}.{number}.ndjson"
        if self.db.disk is not None:
            self.db.disk.require()  # its files lie on the same disk, unless `bulk_folder` says otherwise
        while True:
            async with self.db.transaction() as tx:
                updated, rid, last = await snapshot.end_of_part(tx, kind, after, at, self.keeping.part)
                arguments = (at, *after, updated, rid)
                await tx.execute("set local statement_timeout = 0")
                count, size = await _copy(tx, snapshot.part(self.ask, self.bulk.id, kind, scope, LINE), arguments, path)
                if count:
                    seen = snapshot.part(self.ask, self.bulk.id, kind, scope, "v.patient")
                    await tx.connection.execute(
                        f"insert into bulk_key (bulk, what, rid) select distinct '{self.bulk.id}', -1, s.patient from ({seen}) s"
                        " where s.patient > 0 on conflict do nothing",
                        *arguments,
                        timeout=PART_S,
                    )
                    file = File(len(self.files) + 1, "output", kind, path.name, count, size, "", updated, rid, last)
                    await records.add_file(tx, self.bulk.id, file)
                    await self._note(tx, plus=count)
            if count:
                self.files.append(file)
                return last
            if last:
                return True
            after = (updated, rid)  # nothing of this stretch is in scope: on to the next

    async def _deleted(self, scope: Scope, kind: str, at: datetime) -> None:
        """What was deleted since, as transactions that delete it: one file a type."""
        after, over = self._after("deleted", kind)
        if over:
            return
        path = self.folder / f"{kind}-deleted.ndjson"
        async with self.db.transaction() as tx:
            sql = snapshot.part(self.ask, self.bulk.id, kind, scope, "v.id", deleted=True)
            rows = await tx.connection.fetch(sql, at, *after, at, snapshot.END_RID, timeout=PART_S)
            if not rows:
                return
            ids = [row["id"] for row in rows]
            bundles = [
                {
                    "resourceType": "Bundle",
                    "type": "transaction",
                    "entry": [{"request": {"method": "DELETE", "url": f"{kind}/{id}"}} for id in ids[start : start + DELETED_IN_BUNDLE]],
                }
                for start in range(0, len(ids), DELETED_IN_BUNDLE)
            ]
            size = await asyncio.to_thread(_write_lines, path, [dump(bundle) for bundle in bundles])
            file = File(len(self.files) + 1, "deleted", kind, path.name, len(bundles), size)
            await records.add_file(tx, self.bulk.id, file)
            await self._note(tx)
        self.files.append(file)

    async def _ignored(self) -> None:
        if not self.ask.ignored or any(file.section == "error" for file in self.files):
            return
        left_out = [Issue("information", "not-supported", f"{name} was left out, as handling=lenient allows.") for name in self.ask.ignored]
        said = [dump(outcome([issue])) for issue in left_out]
        size = await asyncio.to_thread(_write_lines, self.folder / "notes.ndjson", said)
        file = File(len(self.files) + 1, "error", "OperationOutcome", "notes.ndjson", len(said), size)
        async with self.db.transaction() as tx:
            await records.add_file(tx, self.bulk.id, file)
        self.files.append(file)

    async def _views(self) -> None:
        """The tables that were asked for, each out of the files of its type."""
        made = {file.type for file in self.files if file.section == "view"}
        for resource in self.ask.views:
            view = definition.read(resource)
            if view.name in made:
                continue
            path = self.folder / f"{view.name}.{self.ask.format}"
            half = path.with_suffix(f".half-{self.ask.format}")
            parts = [self.folder / file.name for file in self.files if (file.section, file.type) == ("output", view.resource)]
            try:
                count = await asyncio.to_thread(into_file, view, parts, self.ask.format, half)
            except BadRequest as error:
                raise GiveUp(str(error)) from error
            half.replace(path)
            file = File(len(self.files) + 1, "view", view.name, path.name, count, path.stat().st_size)
            async with self.db.transaction() as tx:
                await records.add_file(tx, self.bulk.id, file)
                await self._note(tx)
            self.files.append(file)

    async def _note(self, tx: Tx, plus: int = 0) -> None:
        """Progress; with it the transaction is refused when the export was cancelled or is another worker's by now."""
        if self.job is not None:
            done = sum(file.count for file in self.files if file.section == "output") + plus
            await jobs.note(tx, self.job, done=done)

    async def _finish(self, scope: Scope) -> None:
        """The trail, one line for each patient and one with the counts; then, in the same transaction, the end."""
        counts: dict[str, int] = {}
        for file in self.files:
            if file.section == "output":
                counts[file.type] = counts.get(file.type, 0) + file.count
        said = ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "nothing"
        async with self.db.transaction() as tx:
            rows = await tx.fetch("select rid from bulk_key where bulk = $1 and what = -1 order by rid", self.bulk.id)
            query = f"{self.bulk.request} → {said}"
            for start in range(0, max(len(rows), 1), NOTES_AT_ONCE):
                some = [row["rid"] for row in rows[start : start + NOTES_AT_ONCE]]
                asked = self.bulk.request
                notes = [by(scope, tx.now, "operation", "E", operation="export", patient=patient, query=asked) for patient in some]
                if start == 0:
                    notes.append(by(scope, tx.now, "operation", "E", operation="export", query=query))
                await write(tx, notes)
            await tx.execute("delete from bulk_key where bulk = $1", self.bulk.id)
            await records.finish(tx, self.bulk.id, "done", keep=self.keeping.keep, job=self.job)


async def _members(tx: Tx, scope: Scope, ask: Ask) -> set[int]:
    """The people of the Group, all records of each by rid, as far as the scope sees who is named; those marked inactive are none.

    NotFound for an unknown Group.
    """
    group = parse((await read.by_id(tx, scope, "Group", ask.group)).body)
    wanted = []
    for member in group.get("member") or ():
        target = parse_reference(str((member.get("entity") or {}).get("reference", "")))
        if not member.get("inactive") and isinstance(target, Local) and target.type == "Patient":
            wanted.append(("Patient", target.id))
    return await members.with_others(tx, [found.rid for found in (await read.many(tx, scope, wanted)).values()])


async def patients(tx: Tx, scope: Scope, ask: Ask) -> list[int]:
    """Whose resources are exported: all records of the people who are named or in the Group. What may not be seen is left out later."""
    there = await read.many(tx, scope, [("Patient", id) for id in ask.patients])
    named = await members.with_others(tx, [found.rid for found in there.values()])
    if ask.level != "group":
        return sorted(named)
    grouped = await _members(tx, scope, ask)
    return sorted(grouped & named if ask.patients else grouped)


async def _copy(tx: Tx, sql: str, arguments: Sequence[Any], path: Path) -> tuple[int, int]:
    """The one column of a query into a file, a row a line; (rows, bytes). The file is there, whole and on disk, or not at all."""
    half = path.with_suffix(".part")
    out = await asyncio.to_thread(half.open, "wb", 0)
    size = 0
    waiting = bytearray()

    async def take(data: bytes) -> None:
        nonlocal size
        waiting.extend(data)
        size += len(data)
        if len(waiting) >= BUFFER and (end := waiting.rfind(b"\n") + 1):
            chunk = bytes(waiting[:end])
            del waiting[:end]
            opened_size, sealed_size = await asyncio.to_thread(_write, out, chunk)
            size += opened_size - sealed_size

    try:
        told = await tx.connection.copy_from_query(
            sql, *arguments, output=take, format="csv", delimiter=DELIMITER, quote=QUOTE, timeout=PART_S
        )
        opened_size, sealed_size = await asyncio.to_thread(_close, out, bytes(waiting), half, path, size > 0)
        size += opened_size - sealed_size
    except BaseException:
        out.close()
        raise
    return int(told.split()[-1]), size


def _write(out: BinaryIO, chunk: bytes) -> tuple[int, int]:
    """Whole lines, with what is sealed in them opened; bytes written, bytes there were."""
    if QUOTE.encode() in chunk:
        raise RuntimeError("A stored resource holds a control character that JSON does not allow.")
    told = chunk
    if SEALED in chunk:
        told = b"".join(_opened(line) for line in chunk.splitlines(keepends=True))
    out.write(told)
    return len(told), len(chunk)


def _opened(line: bytes) -> bytes:
    """A line of `LINE`."""
    if not line.startswith(SEALED):
        return line
    rid, _, body = line.decode().removeprefix(MARK).partition(END)
    return opened(int(rid), body).encode()


def _close(out: BinaryIO, rest: bytes, half: Path, path: Path, keep: bool) -> tuple[int, int]:
    counted = _write(out, rest)
    os.fsync(out.fileno())
    out.close()
    if keep:
        half.replace(path)
    else:
        half.unlink()
    return counted


def _write_lines(path: Path, lines: Sequence[bytes]) -> int:
    half = path.with_suffix(".part")
    with half.open("wb") as out:
        size = out.write(b"".join(line + b"\n" for line in lines))
        out.flush()
        os.fsync(out.fileno())
    half.replace(path)
    return size
