"""More of the same: every patient's record copied inside the database with keys and ids of its own, index rows included.

Copies of a resource keep its text but for its own id, so pages weigh what they weighed. Families get names of their own, so a name asked
for leads to as many patients as before; given names stay. The directory (organisations, practitioners) is not copied: ten times the
patients go to the same hospitals. What is sealed belongs to its resource, so copies of it are not; their numbers are nobody's.
"""

from __future__ import annotations

import asyncpg

from bench import keys
from yilian.fhir.definitions import type_id
from yilian.sealing.keyring import opened
from yilian.sealing.personal import MARK
from yilian.search.parameters import parameters_of

STEP = 1_000_000_000
"""Between the keys of one copy and the next; far above what the sequence has given."""

PATIENTS = f"select rid from resource where type = {type_id('Patient')} and body like '%synthea%'"
MINE = f"select rid from resource where rid < $1 and patient in ({PATIENTS}) and not deleted"
"""Records made elsewhere; those of the demo region hang on tables of their own."""

ANOTHER_FAMILY = "'C' || substr($3, 2)"
"""Stands before the family name of a copy: C1, C2 …; `$3` is what stands behind its ids: -1, -2 …"""
FAMILY = parameters_of("Patient")["family"].id
IS_FAMILY = f"exists (select from index_string n where n.rid = i.rid and n.param = {FAMILY} and n.value = i.value)"

COPIES = (
    f"""
    insert into resource (rid, type, id, ver, updated, method, deleted, shared, patient, confined, body)
    select rid + $2, type, id || $3, ver, updated, method, deleted, shared, patient + $2, confined,
        case when type = {type_id("Patient")} then replace(copied, '"family":"', '"family":"' || {ANOTHER_FAMILY}) else copied end
    from (select o.*, replace(coalesce(p.body, o.body), '"id":"' || id || '"', '"id":"' || id || $3 || '"') as copied
          from resource o left join plain p using (rid) where rid in ({{mine}})) r
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
    f"""
    insert into index_string (param, value, exact, rid)
    select i.param, case when {IS_FAMILY} then lower({ANOTHER_FAMILY}) || i.value else i.value end,
        case when {IS_FAMILY} then {ANOTHER_FAMILY} || i.exact else i.exact end, i.rid + $2
    from index_string i where i.rid in ({{mine}})
    """,
)
OTHERS = ("index_date", "index_number", "index_quantity", "index_uri", "index_pair")


async def multiply(connection: asyncpg.Connection[asyncpg.Record], times: int) -> None:
    """Make `times` copies of every record there is. Commits each table of each copy by itself; ends with VACUUM ANALYZE."""
    await connection.execute("set synchronous_commit = off")
    await connection.execute("create temporary table plain (rid bigint primary key, body text)")
    await keys.known(connection)
    sealed = await connection.fetch(f"select rid, body from resource where rid in ({MINE}) and strpos(body, $2) > 0", STEP, MARK)
    await connection.copy_records_to_table("plain", records=[(row["rid"], opened(row["rid"], row["body"])) for row in sealed])
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
