"""`yilian audit`: whether the trail is whole, and taking out what is old enough."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import asyncpg
import uvloop
from rich.console import Console

from yilian.audit import chain, months
from yilian.audit.months import Month
from yilian.command import house
from yilian.config import Settings
from yilian.db import Tx, utc_now
from yilian.errors import BadRequest, Unavailable
from yilian.fhir.json import dump

WAIT_S = 30
"""How long `seal` waits for transactions under way."""
SHOWN = 100


def verify(settings: Settings, anchor: Path | None) -> int:
    """Go through the whole trail; 1 when it was tampered with. `anchor`: the file the newest hashes were written to."""
    with house.address(settings, alone=False, purpose="yilian audit verify") as dsn:
        found = uvloop.run(_verify(dsn, anchor))
    for problem in found.problems[:SHOWN]:
        print(problem)
    if len(found.problems) > SHOWN:
        print(f"… and {len(found.problems) - SHOWN} more.")
    beside = f", {found.retired:,} of months taken out" if found.retired else ""
    anchored = f" {found.anchors:,} anchors agree." if anchor is not None and found.whole else ""
    print(
        f"{found.rows:,} events in {found.blocks:,} blocks{beside}; {found.unsealed:,} not sealed yet. "
        + (f"The trail is whole.{anchored}" if found.whole else f"THE TRAIL WAS TAMPERED WITH: {len(found.problems):,} findings.")
    )
    return 0 if found.whole else 1


def seal(settings: Settings) -> int:
    """Seal what there is, where no server does it."""
    with house.address(settings, alone=False, purpose="yilian audit seal") as dsn:
        made = uvloop.run(_seal(dsn, settings))
    print(f"{sum(block.rows for block in made):,} events sealed in {len(made):,} blocks.")
    return 0


def retire(settings: Settings, archive: Path | None) -> int:
    """Take out the months older than `audit_keep_months`, each written to the folder `archive` first where one is named."""
    if archive is not None and not archive.is_dir():
        raise BadRequest(f"{archive} is not a folder.")
    with house.address(settings, alone=False, purpose="yilian audit retire") as dsn:
        gone = uvloop.run(_retire(settings, dsn, archive))
    for month in gone:
        print(f"{month.first:%Y-%m}: {month.rows:,} events taken out.")
    if not gone:
        print(f"No month is older than {settings.audit_keep_months} months; nothing was taken out.")
    return 0


async def _verify(dsn: str, anchor: Path | None) -> chain.Verdict:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "jit": "off"})
    try:
        return await chain.verify(connection, anchor)
    finally:
        await connection.close()


async def _seal(dsn: str, settings: Settings) -> list[chain.Block]:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "jit": "off"})
    try:
        if not await connection.fetchval(chain.LOCK):
            raise Unavailable("A server that is running seals the trail; there is nothing to do here.")
        here = await chain.mark(connection)
        for _ in range(WAIT_S * 10):
            if await chain.passed(connection, here):
                break
            await asyncio.sleep(0.1)
        else:
            raise Unavailable(f"A transaction has been under way for {WAIT_S} s; try again when it has ended.")
        made = await chain.seal(connection, here.seq, utc_now())
        if made and settings.audit_anchor_file is not None:
            chain.anchor_to(settings.audit_anchor_file, made[-1])
        return made
    finally:
        await connection.close()


async def _retire(settings: Settings, dsn: str, archive: Path | None) -> list[Month]:
    gone: list[Month] = []
    async with house.database(settings, dsn) as db:
        async with db.transaction() as tx:
            old = await months.too_old(tx, settings.audit_keep_months)
        for month in old:
            async with db.transaction() as tx:
                file = await _archived(tx, month, archive) if archive is not None else None
                await months.retire(tx, month, file.name if file is not None else "")
            gone.append(month)
    return gone


async def _archived(tx: Tx, month: Month, folder: Path) -> Path:
    """The rows of a month as NDJSON, compressed. An older file is not written over: BadRequest."""
    file = folder / f"{month.table}.ndjson.gz"
    if file.exists():
        raise BadRequest(f"{file} is there already; move it away first.")
    with gzip.open(file, "wb") as written, Console(stderr=True).status(f"{month.first:%Y-%m} …"):
        after = 0
        while rows := await tx.fetch(f"select {chain.COLUMNS} from {month.table} where seq > $1 order by seq limit 5000", after):
            for row in rows:
                written.write(dump({**row, "recorded": row["recorded"].isoformat()}) + b"\n")
            after = rows[-1]["seq"]
    return file
