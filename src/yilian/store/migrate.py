"""Bring a database to the state this version needs: numbered SQL files, each run once, in order, in a transaction of its own.

The files are `migrations/NNNN_name.sql`; `schema.sql` beside them is what they add up to, and a test proves it. A file that was once
released is never changed: what comes later is another file. Servers that start at the same moment wait for each other on an advisory lock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).with_name("migrations")
SCHEMA = Path(__file__).with_name("schema.sql")
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
OLDEST_POSTGRES = 150000
LOCK = 0x796C_6D67  # "ylmg"

LEDGER = """
create table if not exists migration (
    number  integer     primary key,
    name    text        not null,
    applied timestamptz not null default now()
)
"""


class MigrationRefused(RuntimeError):
    """The database cannot be brought to this version; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Every migration of this version, in order. MigrationRefused for two with one number or a file name of another form."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        parts = FILE_NAME.fullmatch(path.name)
        if parts is None:
            raise MigrationRefused(f"{path.name} is not named as a migration: NNNN_name.sql.")
        number = int(parts[1])
        if number in found:
            raise MigrationRefused(f"Two migrations have the number {number:04}: {found[number].name} and {parts[2]}.")
        found[number] = Migration(number, parts[2], path.read_text(encoding="utf-8"))
    return [found[number] for number in sorted(found)]


async def migrate(dsn: str, folder: Path = FOLDER) -> list[Migration]:
    """Apply what is missing and return it; an empty list when the database was up to date.

    Opens and closes its own connection; each file is one transaction. Raises MigrationRefused when PostgreSQL is older than 15, when the
    database was brought further by a newer version, or when a number is known there under another name; OSError or asyncpg.PostgresError
    when the database is away or a file fails (that file then leaves nothing behind).
    """
    known = migrations(folder)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        _check_server(connection)
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await connection.execute("set client_min_messages = warning")
        await connection.execute(LEDGER)
        missing = _missing(known, await _applied(connection))
        for migration in missing:
            async with connection.transaction():
                await connection.execute("set local lock_timeout = '30s'")  # never queue behind a long reader and stop everyone after us
                await connection.execute(migration.sql)
                await connection.execute("insert into migration (number, name) values ($1, $2)", migration.number, migration.name)
        return missing
    finally:
        await connection.close()


async def pending(connection: asyncpg.Connection[asyncpg.Record], folder: Path = FOLDER) -> list[Migration]:
    """What `migrate` would still have to apply; for readiness checks. Reads only."""
    known = migrations(folder)
    if await connection.fetchval("select to_regclass('migration')") is None:
        return known
    return _missing(known, await _applied(connection))


async def _applied(connection: asyncpg.Connection[asyncpg.Record]) -> dict[int, str]:
    return {row["number"]: row["name"] for row in await connection.fetch("select number, name from migration")}


def _missing(known: list[Migration], applied: dict[int, str]) -> list[Migration]:
    names = {migration.number: migration.name for migration in known}
    for number, name in sorted(applied.items()):
        if number not in names:
            raise MigrationRefused(
                f"The database has migration {number:04}_{name}, which this version does not know. Start the newer one it was used with."
            )
        if names[number] != name:
            raise MigrationRefused(
                f"Migration {number:04} is {names[number]!r} here but {name!r} in the database. Is this the right database?"
            )
    return [migration for migration in known if migration.number not in applied]


def _check_server(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    version = connection.get_server_version()
    if version.major * 10000 < OLDEST_POSTGRES:
        raise MigrationRefused(f"PostgreSQL {version.major} is too old; 15 or newer is needed.")
