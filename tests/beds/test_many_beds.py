"""Twenty thousand beds of fifty institutions are counted in one look, without reading anything but the beds and who lies there."""

from __future__ import annotations

import json
import os
from typing import Any

import psutil
import pytest

from tests.referral.region import Region
from yilian.beds import board
from yilian.fhir.definitions import type_id

HOUSES, BEDS = 50, 20_000
RUNS = 20
FILL = """
insert into resource (rid, type, id, ver, updated, method, deleted, shared, body)
select 1000000000 + n, $1, 'many-' || n, 1, now(), 'PUT', false, true, '{"resourceType":"Organization","name":"院 ' || n || '"}'
from generate_series(1, $2::int) n
"""
LOCATIONS = """
insert into resource (rid, type, id, ver, updated, method, deleted, shared, body)
select 1000100000 + n, $1, 'many-' || n, 1, now(), 'PUT', false, true, '{"resourceType":"Location","name":"床 ' || n || '"}'
from generate_series(1, $2::int) n
"""
STAYS = """
insert into resource (rid, type, id, ver, updated, method, deleted, shared, body)
select 1000200000 + n, $1, 'many-' || n, 1, now(), 'PUT', false, false, '{"resourceType":"Encounter"}' from generate_series(1, $2::int) n
"""
WARDS = """
insert into ward (rid, institution, department, specialty, kind, sex, active)
select 1000100000 + n, 1000000000 + 1 + n % 50, 1000000000 + 1 + n % 50, '03.04', 'general', '', true from generate_series(1, 500) n
"""
BED = """
insert into bed (rid, ward, institution, department, specialty, kind, sex, active, stopped)
select 1000100000 + n, w.rid, w.institution, w.department, w.specialty, 'general', '', true, n % 50 = 0
from generate_series(501, 20500) n join ward w on w.rid = 1000100000 + 1 + n % 500
"""
CLAIM = """
insert into bed_claim (encounter, nth, bed, starts, stands)
select 1000200000 + n, 0, 1000100500 + n, now() - interval '3 days', true from generate_series(1, 20000) n where n % 5 > 0
"""


@pytest.mark.skipif(bool(os.environ.get("TEST_DATABASE_URL")), reason="the processor of a server elsewhere cannot be looked at")
async def test_the_free_beds_of_fifty_institutions_are_counted_at_once(region: Region, record_property: Any) -> None:
    async with region.db.transaction() as tx:
        await tx.execute(FILL, type_id("Organization"), HOUSES)
        await tx.execute(LOCATIONS, type_id("Location"), BEDS + 500)
        await tx.execute(STAYS, type_id("Encounter"), BEDS)
        for sql in (WARDS, BED, CLAIM):
            await tx.execute(sql)
    async with region.db.transaction() as tx:
        await tx.execute("analyze bed; analyze bed_claim; analyze bed_hold; analyze ward")
    async with region.db.reading() as tx:
        found = await board.count(tx)
        assert len(found) == HOUSES
        assert sum(one.total for one in found) == BEDS
        assert sum(one.occupied for one in found) == BEDS * 4 // 5
        place, institution, specialty = board.BY["institution"]
        sql = board.COUNT.format(place=place, institution=institution, specialty=specialty, group=board.GROUPED["institution"])
        rids = [1_000_000_000 + n for n in range(1, HOUSES + 1)]
        plan = json.loads(await tx.fetchval("explain (analyze, buffers, timing off, format json) " + sql, rids, "", ""))[0]["Plan"]
        server = psutil.Process(await tx.fetchval("select pg_backend_pid()"))
        before = server.cpu_times()
        for _ in range(RUNS):
            await tx.fetch(sql, rids, "", "")
        after = server.cpu_times()
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 2_000, "each table is read once"
    ms = 1000 * (after.user + after.system - before.user - before.system) / RUNS
    record_property("ms", ms)
    assert ms < 50, "of the server's processor: what else the machine does does not count"
