"""`yilian check`: is everything in order? Settings, programs, database, migrations, clock, disk, web pages."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from rich.console import Console
from rich.progress import Progress

from yilian.access import grounds
from yilian.command import house
from yilian.config import DATA, Settings
from yilian.db import Tx
from yilian.errors import Unavailable
from yilian.fhir.dates import use_region_zone
from yilian.identity import persons
from yilian.postgres import DataFolderBusy, DataFolderUnusable, PostgresFailed, ProgramsUnusable
from yilian.records import clamd
from yilian.store import agreement
from yilian.store.change import Written
from yilian.store.migrate import MigrationRefused, pending

CLOCK_OFF = timedelta(seconds=2)
"""Further apart, two machines would put events in the wrong order; the server's clock stamps every record."""

DISK_FREE_BYTES = 1024**3
SETTLED = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this version was made; a clock that shows less was never set."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `fault` is "" when it is in order, else what is wrong and what to do."""

    what: str
    found: str
    fault: str = ""


SHOWN = 100
"""Disagreements that are printed; all are counted."""


def check(settings: Settings, *, deep: bool = False) -> int:
    """Look at everything and print it; 1 when something is wrong. Starts the embedded database where it does not run; changes no data.

    `deep`: every resource as well, its index rows, its history, what it refers to and the grounds it gives (`store/agreement.py`).
    """
    console = Console(soft_wrap=True, highlight=False)
    faults = 0
    for finding in asyncio.run(_all(settings)):
        mark = "[red]✗[/red]" if finding.fault else "[green]✓[/green]"
        console.print(f"{mark} {finding.what}: ", end="")
        console.print(finding.found, markup=False, end="\n" if not finding.fault else "")
        if finding.fault:
            faults += 1
            console.print(f"{'. ' if finding.found else ''}{finding.fault}", markup=False)
    if deep and not faults:
        faults += _deep(settings, console)
    elif deep:
        console.print("The resources were not looked at: put the above right first.")
    console.print(f"{faults} wrong." if faults else "Everything is in order.")
    return 1 if faults else 0


def _deep(settings: Settings, console: Console) -> int:
    """How many resources do not agree with what is kept of them; prints them, and a progress bar meanwhile."""
    with house.address(settings, alone=False, purpose="yilian check --deep") as dsn, Progress(console=Console(stderr=True)) as progress:
        return asyncio.run(_disagreements(settings, dsn, console, progress))


async def _disagreements(settings: Settings, dsn: str, console: Console, progress: Progress) -> int:
    from yilian import app

    use_region_zone(settings.zone)
    count = 0
    db = app.database(settings, dsn)
    await db.open()
    try:
        async with db.reading() as tx:
            total = await tx.fetchval("select count(*) from resource")
        task = progress.add_task("resources", total=total)
        looking = agreement.disagreements(db, lambda seen: progress.update(task, completed=seen), [_grounds])
        async for one in looking:
            count += 1
            if count <= SHOWN:
                console.print(f"[red]✗[/red] {one.about}: ", end="")
                console.print(f"{one.said} ({one.kind})", markup=False)
    finally:
        await db.close()
    if count > SHOWN:
        console.print(f"… and {count - SHOWN} more.")
    if not count:
        console.print(f"[green]✓[/green] resources: {total} agree with their index, history, references and grounds")
    return count


async def _grounds(tx: Tx, some: Sequence[Written]) -> list[agreement.Disagreement]:
    found = [*await grounds.out_of_step(tx, some), *await persons.out_of_step(tx, some)]
    return [agreement.Disagreement(f"{one.type}/{one.id}", "ground", said) for one, said in found]


async def _all(settings: Settings) -> list[Finding]:
    findings = [_settings(settings), _pages(), _disk(settings)]
    findings += [finding async for finding in _store(settings)]
    findings.append(await _scanner(settings))
    return findings


def _settings(settings: Settings) -> Finding:
    """What differs from the defaults. That the values are possible was seen when they were read."""
    changed = {
        entry.name: getattr(settings, entry.name)
        for entry in dataclasses.fields(settings)
        if getattr(settings, entry.name) != entry.default and entry.name not in ("database_url", "mail_password")
    }
    exposed = settings.host not in ("127.0.0.1", "::1", "localhost") and not settings.public_url.startswith("https://")
    fault = "It listens beyond this machine, but no public_url with https:// is set; put a proxy with TLS before it." if exposed else ""
    return Finding("settings", ", ".join(f"{name} = {value}" for name, value in changed.items()) or "all as by default", fault)


async def _scanner(settings: Settings) -> Finding:
    if not settings.clamd:
        return Finding("scanner", "none: contents that are sent in are kept as not scanned")
    try:
        return Finding("scanner", (await clamd.scan(settings.clamd, b"yilian check")).engine)
    except Unavailable as error:
        return Finding("scanner", settings.clamd, f"{error} Contents that are sent in are held back until it does.")


def _pages() -> Finding:
    from yilian.http.static import folder

    built = (folder() / "index.html").is_file()
    return Finding("web pages", str(folder()) if built else "", "" if built else "They are not built. Run make web, or install the wheel.")


def _disk(settings: Settings) -> Finding:
    place = settings.data.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage((place / "postgres").resolve() if (place / "postgres").exists() else place).free
    fault = "" if free >= DISK_FREE_BYTES else "Less than 1 GiB is left; make room before the database stops."
    return Finding("disk", f"{free / 1024**3:.1f} GiB free at {place}", fault)


async def _store(settings: Settings) -> AsyncIterator[Finding]:
    what = f"database {_without_password(settings.database_url)}" if settings.database_url else f"database in {settings.data}"
    if not settings.database_url and not (settings.data / "postgres").exists():
        where = "" if settings.data != DATA else " (name another with --data)"
        yield Finding(what, "", f"There is none yet{where}: yilian serve or yilian demo makes it.")
        return
    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(house.address(settings, alone=False, purpose="yilian check"))
            connection = await asyncpg.connect(dsn, timeout=10)
        except (DataFolderBusy, DataFolderUnusable, PostgresFailed, ProgramsUnusable) as error:
            yield Finding(what, "", str(error))
            return
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            yield Finding(what, "", f"It does not let us in: {error or type(error).__name__}. Is it running, is the address right?")
            return
        try:
            yield await _server(what, connection)
            yield await _migrations(connection)
            yield await _clock(connection)
        finally:
            await connection.close()


async def _server(what: str, connection: asyncpg.Connection[asyncpg.Record]) -> Finding:
    major = connection.get_server_version().major
    version = (await connection.fetchval("show server_version")).split()[0]
    encoding = await connection.fetchval("show server_encoding")
    size = await connection.fetchval("select pg_database_size(current_database())")
    durable = [name for name in ("fsync", "full_page_writes") if await connection.fetchval("select current_setting($1)", name) != "on"]
    fault = ""
    if major < 15:
        fault = "PostgreSQL 15 or newer is needed."
    elif encoding != "UTF8":
        fault = f"Its encoding is {encoding}; make a database with encoding UTF8."
    elif durable:
        fault = f"{' and '.join(durable)} is off: what was acknowledged may be lost. Turn it on."
    return Finding(what, f"PostgreSQL {version}, {encoding}, {size / 1024**2:.0f} MiB", fault)


async def _migrations(connection: asyncpg.Connection[asyncpg.Record]) -> Finding:
    try:
        missing = await pending(connection)
    except MigrationRefused as error:
        return Finding("tables", "", str(error))
    names = ", ".join(f"{migration.number:04}_{migration.name}" for migration in missing)
    return Finding(
        "tables", "up to date" if not missing else "", f"Not yet applied: {names}. Starting the server applies them." if missing else ""
    )


async def _clock(connection: asyncpg.Connection[asyncpg.Record]) -> Finding:
    """This machine's clock against the database's, and against the newest record: a clock put back would order events wrongly."""
    before = datetime.now(UTC)
    theirs: datetime = await connection.fetchval("select clock_timestamp()")
    ours = datetime.now(UTC)
    newest = None
    if await connection.fetchval("select to_regclass('resource')") is not None:
        newest = await connection.fetchval("select max(updated) from resource")
    apart = max(before - theirs, theirs - ours, timedelta())
    fault = ""
    if ours < SETTLED:
        fault = "It was never set."
    elif apart > CLOCK_OFF:
        fault = f"The database's clock is {apart.total_seconds():.0f} s off; keep both with NTP."
    elif newest is not None and newest > ours + CLOCK_OFF:
        fault = (
            f"The newest record is of {newest.isoformat(timespec='seconds')}, later than now; the clock was put back. Set it right first."
        )
    return Finding("clock", ours.isoformat(timespec="seconds"), fault)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
