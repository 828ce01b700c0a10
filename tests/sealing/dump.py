"""Everything that is in a database, as who has stolen it sees it."""

from __future__ import annotations

import asyncpg


async def found(dsn: str, planted: dict[str, str]) -> dict[str, list[str]]:
    """What was planted (name → text), and the tables it is to be seen in: as text, or as the bytes of a column, also in hexadecimal."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and n.nspname = 'public' order by 1"
        )
        seen: dict[str, list[str]] = {}
        for table in tables:
            name = table["name"]
            binary = await connection.fetch(
                "select attname from pg_attribute where attrelid = $1::text::regclass and atttypid = 'bytea'::regtype and attnum > 0"
                " and not attisdropped",
                f'"{name}"',
            )
            raw = " || ".join(f"coalesce(encode(\"{row['attname']}\", 'escape'), '')" for row in binary) or "''"
            sql = f'select t::text as whole, {raw} as bytes from "{name}" t'
            for row in await connection.fetch(sql):
                for what, text in planted.items():
                    if text in row["whole"] or text in row["bytes"] or text.encode().hex() in row["whole"]:
                        seen.setdefault(what, [])
                        if name not in seen[what]:
                            seen[what].append(name)
        return seen
    finally:
        await connection.close()
