"""More of the same: every patient's record copied inside the database with keys and ids of its own, index rows included.

Copies of a resource keep its text but for its own id, so pages weigh what they weighed. The directory (organisations, practitioners) is not
copied: ten times the patients go to the same hospitals.
"""

from __future__ import annotations

import asyncpg

from yilian.fhir.definitions import type_id

STEP = 1_000_000_000
"""Between the keys of one copy and the next; far above what the sequence has given."""

PATIENTS = f"select rid from resource where type = {type_id('Patient')} and body like '%synthea%'"
MINE = f"select rid from resource where rid < $1 and patient in ({PATIENTS}) and not deleted"
"""Records made elsewhere; those of the demo region hang on tables of their own."""

COPIES = (
    """
    insert into resource (rid, type, id, ver, updated, method, deleted, shared, patient, confined, body)
    select rid + $2, type, id || $3, ver, updated, method, deleted, shared, patient + $2, confined,
        replace(body, '"id":"' || id || '"', '"id":"' || id || $3 || '"')
    from resource where rid in ({mine})
    """,
    """
    insert into index_clinical (rid, nth, type, patient, code, lo, hi)
    select rid + $2, nth, type, case when patient = 0 then 0 else patient + $2 end, code, lo, hi
    from index_clinical where rid in ({mine}) and $3::text is not null
    """,
    "insert into index_token (h, rid) select h, rid + $2 from index_token where rid in ({mine}) and $3::text is not null",
    """
    insert into index_reference (param, target, rid)
    select i.param, case when t.patient is null then i.target else i.target + $2 end, i.rid + $2
    from index_reference i join resource t on t.rid = i.target where i.rid in ({mine}) and $3::text is not null
    """,
    """
    insert into index_identifier (param, value, system, rid)
    select param, value || $3, system, rid + $2 from index_identifier where rid in ({mine})
    """,
)
OTHERS = ("index_date", "index_string", "index_number", "index_quantity", "index_uri", "index_pair")


async def multiply(connection: asyncpg.Connection[asyncpg.Record], times: int) -> None:
    """Make `times` copies of every record there is. Commits each table of each copy by itself; ends with VACUUM ANALYZE."""
    await connection.execute("set synchronous_commit = off")
    for copy in range(1, times + 1):
        for sql in COPIES:
            await connection.execute(sql.format(mine=MINE), STEP, STEP * copy, f"-{copy}")
        for table in OTHERS:
            columns = [
                row["column_name"]
                for row in await connection.fetch(
                    "select column_name from information_schema.columns where table_name = $1 order by ordinal_position", table
                )
            ]
            if columns:
                values = ", ".join("rid + $2" if name == "rid" else name for name in columns)
                await connection.execute(
                    f"insert into {table} ({', '.join(columns)}) select {values} from {table} where rid in ({MINE})", STEP, STEP * copy
                )
    await connection.execute("set synchronous_commit = on")
    await connection.execute("vacuum analyze")
