"""The numbered migrations together are `schema.sql`, whichever way one comes to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from yilian.store.migrate import SCHEMA, MigrationRefused, migrate, migrations, pending

CATALOG = """
select 'column' as kind, format('%s.%s', c.relname, a.attname) as name,
       format('%s %s%s%s %s', format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null ' else '' end,
              case when a.attcollation <> t.typcollation then 'collate ' || l.collname || ' ' else '' end,
              case when a.attidentity <> '' then 'identity ' || a.attidentity::text || ' ' else '' end || a.attgenerated::text,
              pg_get_expr(d.adbin, d.adrelid)) as definition
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_type t on t.oid = a.atttypid
left join pg_collation l on l.oid = a.attcollation
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
union all
select 'table', c.relname, format('%s %s %s', c.relkind, c.relpersistence, c.reloptions)
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
union all
select 'index', c.relname, pg_get_indexdef(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace
union all
select 'constraint', format('%s.%s', r.conrelid::regclass, r.conname), pg_get_constraintdef(r.oid)
from pg_constraint r where r.connamespace = 'public'::regnamespace and r.contype <> 'n'
union all
select 'trigger', format('%s.%s', g.tgrelid::regclass, g.tgname), pg_get_triggerdef(g.oid)
from pg_trigger g where not g.tgisinternal
union all
select 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
from pg_proc p where p.pronamespace = 'public'::regnamespace
union all
select 'sequence', s.sequencename, format('%s %s %s %s %s', s.data_type, s.start_value, s.increment_by, s.max_value, s.cycle)
from pg_sequences s where s.schemaname = 'public'
union all
select 'view', v.viewname, v.definition from pg_views v where v.schemaname = 'public'
union all
select 'type', t.typname, (select string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)
from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd')
union all
select 'comment', format('%s %s %s', o.classoid::regclass, pg_describe_object(o.classoid, o.objoid, o.objsubid), ''), o.description
from pg_description o join pg_class c on c.oid = o.objoid and o.classoid = 'pg_class'::regclass and c.relnamespace = 'public'::regnamespace
"""


def on_database(address: str, name: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path="/" + name))


@asynccontextmanager
async def empty_database(cluster: str, name: str) -> AsyncIterator[str]:
    admin = await asyncpg.connect(cluster)
    try:
        await admin.execute(f'create database "{name}" template template0')
        try:
            yield on_database(cluster, name)
        finally:
            await admin.execute(f'drop database "{name}" with (force)')
    finally:
        await admin.close()


async def catalog(dsn: str) -> dict[tuple[str, str], str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(CATALOG)
        tables = [row["name"] for row in rows if row["kind"] == "table" and not _of_the_ledger(row["name"])]
        counts = {name: await connection.fetchval(f'select count(*) from "{name}"') for name in tables}
    finally:
        await connection.close()
    found = {(row["kind"], row["name"]): row["definition"] for row in rows if not _of_the_ledger(row["name"])}
    return found | {("rows", name): str(count) for name, count in counts.items()}


def _of_the_ledger(name: str) -> bool:
    return name.split(".")[0] in ("migration", "migration_pkey")


async def test_all_migrations_together_equal_the_schema(cluster: str) -> None:
    async with empty_database(cluster, "yilian_migrated") as migrated, empty_database(cluster, "yilian_schema") as written:
        applied = await migrate(migrated)
        assert [m.number for m in applied] == [m.number for m in migrations()]
        connection = await asyncpg.connect(written)
        await connection.execute(SCHEMA.read_text(encoding="utf-8"))
        await connection.close()
        by_migrations, by_schema = await catalog(migrated), await catalog(written)
    assert len(by_migrations) > 100
    only_migrations = {k: v for k, v in by_migrations.items() if by_schema.get(k, object()) != v}
    only_schema = {k: v for k, v in by_schema.items() if by_migrations.get(k, object()) != v}
    assert only_migrations == only_schema == {}, "bring schema.sql and the migrations together"


async def test_migrating_again_does_nothing(dsn: str) -> None:
    assert await migrate(dsn) == []
    connection = await asyncpg.connect(dsn)
    assert await pending(connection) == []
    await connection.close()


async def test_servers_that_start_together_migrate_once(cluster: str) -> None:
    async with empty_database(cluster, "yilian_together") as dsn:
        applied = await asyncio.gather(*(migrate(dsn) for _ in range(4)))
        assert sorted(len(some) for some in applied) == [0, 0, 0, len(migrations())]


async def test_a_migration_that_fails_leaves_nothing_behind(cluster: str, tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("create table good (a int);")
    (tmp_path / "0002_bad.sql").write_text("create table half (a int); select no_such_function();")
    async with empty_database(cluster, "yilian_failing") as dsn:
        with pytest.raises(asyncpg.UndefinedFunctionError):
            await migrate(dsn, tmp_path)
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("select to_regclass('good') is not null and to_regclass('half') is null")
        assert [m.name for m in await pending(connection, tmp_path)] == ["bad"]
        await connection.close()
        (tmp_path / "0002_bad.sql").write_text("create table half (a int);")
        assert [m.name for m in await migrate(dsn, tmp_path)] == ["bad"]


async def test_a_database_of_a_newer_version_is_refused(cluster: str, tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("create table one (a int);")
    (tmp_path / "0002_two.sql").write_text("create table two (a int);")
    async with empty_database(cluster, "yilian_newer") as dsn:
        await migrate(dsn, tmp_path)
        (tmp_path / "0002_two.sql").unlink()
        with pytest.raises(MigrationRefused, match="0002_two"):
            await migrate(dsn, tmp_path)


async def test_a_number_under_another_name_is_refused(cluster: str, tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("create table one (a int);")
    async with empty_database(cluster, "yilian_renamed") as dsn:
        await migrate(dsn, tmp_path)
        (tmp_path / "0001_one.sql").rename(tmp_path / "0001_uno.sql")
        with pytest.raises(MigrationRefused, match="'uno' here but 'one' in the database"):
            await migrate(dsn, tmp_path)


def test_two_migrations_with_one_number_are_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("")
    (tmp_path / "0001_two.sql").write_text("")
    with pytest.raises(MigrationRefused, match="Two migrations have the number 0001"):
        migrations(tmp_path)


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1-one.sql").write_text("")
    with pytest.raises(MigrationRefused, match="not named as a migration"):
        migrations(tmp_path)
