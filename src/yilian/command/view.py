"""`yilian view`: a flat table out of the store, or out of the files of an export."""

from __future__ import annotations

import sys
from pathlib import Path

import uvloop

from yilian.analytics.views import definition, run, shipped
from yilian.analytics.views.definition import View
from yilian.command import house
from yilian.config import Settings
from yilian.errors import BadRequest
from yilian.fhir.json import parse
from yilian.store.scope import SYSTEM

FORMATS = ("csv", "ndjson", "json")


def view(settings: Settings, name: str, files: Path | None, format: str, output: Path | None) -> int:
    """Write the rows of a view to `output`, or standard output.

    `name`: one of the views that come with Yilian, or a file with a ViewDefinition. `files`: a folder of NDJSON, read with DuckDB; None:
    the store, read with PostgreSQL as the platform itself. Raises BadRequest, InvalidResource, NotFound.
    """
    asked = _named(name)
    if files is not None:
        if not files.is_dir():
            raise BadRequest(f"{files} is no folder.")
        table = run.over_files(asked, files)
    else:
        with house.address(settings, alone=False, purpose="yilian view") as dsn:
            table = uvloop.run(_over_store(settings, dsn, asked))
    text = run.as_csv(table) if format == "csv" else run.as_json(table) if format == "json" else b"".join(run.as_ndjson(table))
    if output is not None:
        output.write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
    return 0


def _named(name: str) -> View:
    if name in shipped.names():
        return shipped.view(name)
    file = Path(name)
    if not file.is_file():
        raise BadRequest(f"{name!r} is neither a file nor one of the views {', '.join(shipped.names())}.")
    return definition.read(parse(file.read_bytes()))


async def _over_store(settings: Settings, dsn: str, asked: View) -> run.Table:
    async with house.database(settings, dsn) as db, db.reading() as tx:
        return await run.over_store(tx, SYSTEM, asked, run.Wish())
