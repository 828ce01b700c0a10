"""The jobs of exports and imports, with the settings they work by: what `app.py` wires."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from yilian.errors import NotFound
from yilian.exchange.bulk import export, records, take_in
from yilian.exchange.bulk.export import Keeping
from yilian.exchange.bulk.folder import Folder
from yilian.exchange.bulk.take_in import Beside, Taking
from yilian.jobs import Job, Kind, Periodic, Stopped

if TYPE_CHECKING:
    from yilian.db import Database

PERIODIC = (Periodic("bulk.clear", "bulk.clear", timedelta(minutes=5)),)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where files lie, how long, what may be taken in; `zone` is the region's."""

    folder: Folder
    keeping: Keeping
    taking: Taking
    zone: tzinfo

    @staticmethod
    def at(
        path: Path,
        zone: tzinfo,
        *,
        keep: timedelta,
        hosts: str,
        most: int,
        part: int = export.PART,
        side_by_side: Beside | None = None,
    ) -> Desk:
        """`hosts`: those files may be fetched from, with commas; `most`: bytes one file may have; `part`: resources in one file;
        `side_by_side`: how many processes load a file, and how they open the store."""
        listed = tuple(host.strip().lower() for host in hosts.split(",") if host.strip())
        return Desk(Folder(path), Keeping(keep, part), Taking(keep, listed, most, side_by_side), zone)

    def kinds(self) -> dict[str, Kind]:
        return {
            "bulk.export": Kind(self.export, heavy=True, attempts=20, longest_pause=timedelta(minutes=5)),
            "bulk.import": Kind(self.take_in, heavy=True, attempts=20, longest_pause=timedelta(minutes=5)),
            "bulk.clear": Kind(self.clear),
        }

    async def export(self, db: Database, job: Job) -> None:
        bulk = await self._bulk(db, job)
        folder = await asyncio.to_thread(self.folder.of, bulk.id)
        await export.run(db, bulk, folder, self.zone, self.keeping, job)

    async def take_in(self, db: Database, job: Job) -> None:
        bulk = await self._bulk(db, job)
        folder = await asyncio.to_thread(self.folder.of, bulk.id)
        await take_in.run(db, bulk, folder, self.zone, self.taking, job)

    async def clear(self, db: Database, job: Job) -> None:
        """Delete what has expired or was cancelled, and folders nobody knows."""
        async with db.transaction() as tx:
            gone = await records.expired(tx)
        older = await asyncio.to_thread(self.folder.older)
        if older:
            async with db.reading() as tx:
                rows = await tx.fetch("select id from bulk where id = any($1::text[])", older)
            gone += sorted(set(older) - {row["id"] for row in rows})
        for id in gone:
            await asyncio.to_thread(self.folder.remove, id)

    async def _bulk(self, db: Database, job: Job) -> records.Bulk:
        try:
            async with db.reading() as tx:
                return await records.by_id(tx, job.payload["bulk"])
        except NotFound as error:
            raise Stopped(f"Job {job.id}: what it was for was cancelled.") from error
