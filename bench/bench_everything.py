"""A whole record at once: Patient/$everything of about 320 and of about 1,000 resources, in CPU of server and database."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator

import asyncpg

from bench.client import drive
from bench.ground import Ground, Row
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running

ROUNDS = 3
SIZES = ((320, 15.0), (1000, 120.0))

NEAREST = """
select p.id, s.n from (select patient, count(*) as n from resource where patient > 0 and not deleted group by patient) s
join resource p on p.rid = s.patient
where p.type = $1 and p.body like '%synthea%' order by abs(s.n - $2), p.rid limit 1
"""


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.synthea_region()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        for wanted, most in SIZES:
            id, size = asyncio.run(_nearest(dsn, wanted))
            paths = [f"/fhir/Patient/{id}/$everything?_count=1000"]
            drive(server.url, paths, token=token, connections=2, seconds=1)
            spent, rates = [], []
            for _ in range(ROUNDS):
                before = server.spent()
                told = drive(server.url, paths, token=token, connections=2)
                assert not told.wrong, "some answers were not 200"
                each = server.spent().each(before, told.count or 1)
                spent.append(each.server + each.database)
                rates.append(told.rate)
            yield Row(f"$everything of {size} resources, CPU of server and database", statistics.median(spent), "ms", most, "at most")
            yield Row(f"$everything of {size} resources", statistics.median(rates), "/s")


async def _nearest(dsn: str, size: int) -> tuple[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(NEAREST, type_id("Patient"), size)
    finally:
        await connection.close()
    assert row is not None
    return row["id"], row["n"]
