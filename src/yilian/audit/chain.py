"""The trail in a chain: rows are sealed in blocks, each with the hash of the one before, so that what was changed, taken out or put in
shows.

A row's digest is SHA-256 of its columns as a JSON array (`audit_event_digest` in SQL, `digest` here; tests hold them to each other). A
block holds the numbers of its rows, the first eight bytes of each digest (so that a changed row can be named), the digest of all, and a
hash over that and the hash before. Whoever can write to the database can make the whole chain anew; that shows against an anchor: the
hash of the newest block, written time and again to a file elsewhere (`audit_anchor`).
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

LARGEST = 10_000
"""Rows of a block at most."""

FIRST = bytes(32)
"""The hash before the first block."""

LOCK = "select pg_try_advisory_lock(hashtext('yilian audit chain'))"
UNLOCK = "select pg_advisory_unlock(hashtext('yilian audit chain'))"
"""Whoever seals holds it: one at a time."""

COLUMNS = (
    "seq, recorded, type, subtype, operation, action, outcome, outcome_text, account, agent, name, client, roles, institution, purpose,"
    " ground, ground_source, patient, entities, query, request_id, address"
)
TO_SEAL = f"""
select e.seq, date_trunc('month', e.recorded at time zone 'UTC')::date as month, audit_event_digest(e) as digest
from audit_event e where e.seq > $1 and e.seq <= $2 order by e.seq limit {LARGEST}
"""
NEWEST = "select nr, seqs[cardinality(seqs)] as last, hash from audit_block order by nr desc limit 1"


@dataclass(frozen=True, slots=True)
class Mark:
    """Rows up to `seq` are all there, or will never be, once every transaction before `xid` has ended."""

    seq: int
    xid: int


@dataclass(frozen=True, slots=True)
class Block:
    """One link of the chain, as it was sealed. `hash` is 32 bytes."""

    nr: int
    hash: bytes
    sealed: datetime
    rows: int


@dataclass(slots=True)
class Verdict:
    """What `verify` found. `problems`: a sentence each; the chain is whole when there are none.

    blocks, rows  looked at; retired: rows of blocks whose months were taken out; unsealed: rows not sealed yet, which is no problem
    """

    blocks: int = 0
    rows: int = 0
    retired: int = 0
    unsealed: int = 0
    anchors: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.problems

    def tell(self, problem: str) -> None:
        self.problems.append(problem)


async def mark(connection: Connection) -> Mark:
    """The state of numbering now. What it marks can be sealed when `passed` says so."""
    row = await connection.fetchrow("select last_value, is_called from audit_seq")
    assert row is not None
    seq = row["last_value"] if row["is_called"] else row["last_value"] - 1
    return Mark(seq, await connection.fetchval("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))


async def passed(connection: Connection, mark: Mark) -> bool:
    """Whether every transaction that may still have brought a row up to the mark has ended."""
    oldest = await connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return bool(oldest >= mark.xid)


async def seal(connection: Connection, upto: int, now: datetime) -> list[Block]:
    """Seal all rows up to the number `upto`, in blocks of `LARGEST` at most, each in a transaction of its own. Call it with `LOCK` held."""
    made: list[Block] = []
    while True:
        async with connection.transaction():
            before = await connection.fetchrow(NEWEST)
            nr, last, hash = (before["nr"], before["last"], before["hash"]) if before else (0, 0, FIRST)
            rows = await connection.fetch(TO_SEAL, last, upto)
            if not rows:
                return made
            seqs = [row["seq"] for row in rows]
            months = sorted({row["month"] for row in rows})
            digests = [row["digest"] for row in rows]
            whole = sha256(b"".join(digests)).digest()
            marks = [_mark_of(one) for one in digests]
            linked = link(hash, nr + 1, seqs, marks, months, whole, now)
            await connection.execute(
                "insert into audit_block (nr, seqs, marks, months, digest, hash, sealed) values ($1, $2, $3, $4, $5, $6, $7)",
                nr + 1,
                seqs,
                marks,
                months,
                whole,
                linked,
                now,
            )
        made.append(Block(nr + 1, linked, now, len(rows)))


def link(
    before: bytes, nr: int, seqs: Sequence[int], marks: Sequence[int], months: Sequence[date], digest: bytes, sealed: datetime
) -> bytes:
    """The hash of a block: over the hash before and everything the block says."""
    said = [nr, list(seqs), list(marks), [month.isoformat() for month in months], digest.hex(), _micros(sealed)]
    return sha256(before + json.dumps(said, separators=(",", ":")).encode()).digest()


def digest(row: Mapping[str, Any]) -> bytes:
    """The digest of a row of `audit_event`, as `audit_event_digest` makes it in SQL; here without trusting the database's own function."""
    values = [_micros(row[name]) if name == "recorded" else row[name] for name in COLUMNS.split(", ")]
    return sha256(json.dumps(values, ensure_ascii=False, separators=(", ", ": ")).encode()).digest()


async def verify(connection: Connection, anchor: Path | None = None) -> Verdict:
    """Go through the whole chain and every row of the trail, in one snapshot. Changes nothing.

    `anchor`: a file `anchor_to` wrote; each of its lines must be a block of the chain. OSError when it cannot be read.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        retired = {row["month"] for row in await connection.fetch("select month from audit_retired")}
        async with aclosing(_rows(connection)) as rows:
            walk = _Walk(rows, retired)
            async for block in connection.cursor("select * from audit_block order by nr", prefetch=20):
                await walk.through(block)
            await walk.rest()
    if anchor is not None:
        walk.against(anchor)
    return walk.found


class _Walk:
    """Along the blocks and the rows, side by side, both in order."""

    def __init__(self, rows: AsyncGenerator[asyncpg.Record, None], retired: Set[date]) -> None:
        self.rows = rows
        self.retired = retired
        self.found = Verdict()
        self.hashes: dict[int, bytes] = {}
        self.nr = 0
        self.before = FIRST
        self.ahead: asyncpg.Record | None = None

    async def through(self, block: asyncpg.Record) -> None:
        """One block, and the rows up to its last."""
        tell, nr, when = self.found.tell, block["nr"], block["sealed"].isoformat()
        if nr != self.nr + 1:
            tell(f"The chain has no blocks between {self.nr} and {nr}.")
        elif block["hash"] != link(self.before, *(block[name] for name in ("nr", "seqs", "marks", "months", "digest", "sealed"))):
            tell(f"Block {nr} ({when}) was changed, or one before it was made anew.")
        self.nr, self.before = nr, block["hash"]
        self.hashes[nr] = self.before
        self.found.blocks += 1
        marks = dict(zip(block["seqs"], block["marks"], strict=True))
        digests = []
        async for row in self.until(block["seqs"][-1]):
            self.found.rows += 1
            own = digest(dict(row))
            digests.append(own)
            sealed_as = marks.pop(row["seq"], None)
            if sealed_as is None:
                tell(f"Event {row['seq']} ({row['recorded'].isoformat()}) was put in after block {nr} was sealed.")
            elif sealed_as != _mark_of(own):
                tell(f"Event {row['seq']} ({row['recorded'].isoformat()}) was changed.")
        if not self.retired.isdisjoint(block["months"]):
            self.found.retired += len(marks)
        elif marks:
            tell(f"{len(marks)} of block {nr} ({when}) are missing: {', '.join(str(seq) for seq in sorted(marks)[:20])}.")
        elif sha256(b"".join(digests)).digest() != block["digest"]:
            tell(f"Block {nr} ({when}) does not hold the digest of its rows.")

    async def until(self, last: int) -> AsyncIterator[asyncpg.Record]:
        while True:
            row = self.ahead or await anext(self.rows, None)
            self.ahead = None
            if row is None or row["seq"] > last:
                self.ahead = row
                return
            yield row

    async def rest(self) -> None:
        """What is not sealed yet."""
        self.found.unsealed += self.ahead is not None
        async for _ in self.rows:
            self.found.unsealed += 1

    def against(self, anchor: Path) -> None:
        for number, line in enumerate(anchor.read_text(encoding="ascii").splitlines(), 1):
            try:
                nr, hash, _ = line.split()
                known, wanted = self.hashes.get(int(nr)), bytes.fromhex(hash)
            except ValueError:
                self.found.tell(f"Line {number} of {anchor.name} is no anchor.")
                continue
            self.found.anchors += 1
            if known is None:
                self.found.tell(f"Block {nr}, which {anchor.name} knows, is not there any more.")
            elif known != wanted:
                self.found.tell(f"Block {nr} is not the one {anchor.name} knows: the chain was made anew.")


def anchor_to(file: Path, block: Block) -> None:
    """Write the hash of a block at the end of a file and wait until it is on the disk. Raises OSError."""
    line = f"{block.nr} {block.hash.hex()} {block.sealed.astimezone(UTC).isoformat(timespec='milliseconds')}\n"
    with file.open("a", encoding="ascii") as written:
        written.write(line)
        written.flush()
        os.fsync(written.fileno())


async def _rows(connection: Connection) -> AsyncGenerator[asyncpg.Record, None]:
    async for row in connection.cursor(f"select {COLUMNS} from audit_event order by seq", prefetch=500):
        yield row


def _mark_of(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big", signed=True)


def _micros(moment: datetime) -> int:
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
