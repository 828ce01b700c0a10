"""`yilian export`: the whole store, or some types of it, as NDJSON into a folder. The same way `$export` goes."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import uvloop
from rich.console import Console

from yilian.command import house
from yilian.config import Settings
from yilian.errors import BadRequest
from yilian.exchange.bulk import ask as asking
from yilian.exchange.bulk import export as exporting
from yilian.exchange.bulk import records
from yilian.exchange.bulk.export import Keeping
from yilian.exchange.bulk.records import File
from yilian.fhir.json import dump
from yilian.store.scope import SYSTEM
from yilian.store.write import stamp

MANIFEST = "manifest.json"


def export(settings: Settings, folder: Path, types: list[str], since: str | None) -> int:
    """Write every resource, or those of `types`, or those changed `since`, into `folder`, which must be empty or new; then a manifest."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRequest(f"{folder} is not an empty folder; name a new one.")
    folder.mkdir(parents=True, exist_ok=True)
    with house.address(settings, alone=False, purpose="yilian export") as dsn:
        started = time.monotonic()
        files = uvloop.run(_export(settings, dsn, folder, types, since))
        seconds = time.monotonic() - started
    count = sum(file.count for file in files if file.section == "output")
    size = sum(file.bytes for file in files)
    Console(stderr=True).print(
        f"{count:,} resources, {size / 2**20:,.1f} MiB, in {len(files)} files in {seconds:.1f} s, {count / seconds:,.0f} a second.",
        highlight=False,
    )
    return 0


async def _export(settings: Settings, dsn: str, folder: Path, types: list[str], since: str | None) -> list[File]:
    given = [("_type", ",".join(types))] if types else []
    given += [("_since", since)] if since else []
    ask = asking.understood("system", "", given, zone=settings.region_zone)
    async with house.database(settings, dsn) as db:
        async with db.transaction() as tx:
            shown = "yilian export " + " ".join(f"{name}={value}" for name, value in given)
            id = await records.accept(tx, SYSTEM, "export", shown.strip(), ask.as_json(), job=False)
        async with db.reading() as tx:
            bulk = await records.by_id(tx, id)
        await exporting.run(db, bulk, folder, settings.region_zone, Keeping(timedelta()))
        async with db.reading() as tx:
            bulk, files = await records.by_id(tx, id), await records.files(tx, id)
    assert bulk.at is not None
    listed = {
        section: [{"type": file.type, "url": file.name, "count": file.count} for file in files if file.section == section]
        for section in ("output", "deleted", "error")
    }
    manifest = {"transactionTime": stamp(bulk.at), "request": bulk.request, "requiresAccessToken": False}
    (folder / MANIFEST).write_bytes(dump({**manifest, **listed}))
    return files
