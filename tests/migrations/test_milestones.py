"""Referrals that were there before their milestones: told from the versions of the Task, the disease from the request."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec

from tests.migrations.test_migrations import empty_database
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.store.migrate import FOLDER, migrate

MORNING = datetime(2026, 10, 1, 1, tzinfo=UTC)
STATES = ("submitted", "received", "accepted", "arrived", "completed")


def task(state: str) -> str:
    coding = {"system": urls.REFERRAL_STATE, "code": state}
    return msgspec.json.encode({"resourceType": "Task", "id": "t", "businessStatus": {"coding": [coding]}}).decode()


REQUEST = msgspec.json.encode(
    {
        "resourceType": "ServiceRequest",
        "id": "q",
        "reasonCode": [
            {"coding": [{"system": urls.REFERRAL_REASON, "code": "needs-higher-test"}]},
            {"coding": [{"system": urls.ICD10, "code": "I20.0", "display": "不稳定型心绞痛"}]},
            {"coding": [{"system": urls.ICD10, "code": "I10", "display": "原发性高血压"}]},
        ],
    }
).decode()


async def test_what_was_there_before_has_its_milestones(cluster: str, tmp_path: Path) -> None:
    for file in FOLDER.glob("00*_*.sql"):
        if file.name < "0041":
            shutil.copy(file, tmp_path)
    async with empty_database(cluster, "yilian_before_milestones") as dsn:
        await migrate(dsn, tmp_path)
        connection = await asyncpg.connect(dsn)
        put = "insert into resource (rid, type, id, ver, updated, method, body) values ($1, $2, $3, $4, $5, 'PUT', $6)"
        old = (
            "insert into history (rid, ver, type, id, updated, method, deleted, shared, body)"
            " values (5, $1, $2, 't', $3, 'PUT', false, false, $4)"
        )
        try:
            for table in ("resource", "referral"):  # only the steps of a referral may write these
                await connection.execute(f"alter table {table} disable trigger user")
            for rid, kind, id in ((1, "Organization", "from"), (2, "Organization", "to"), (3, "Patient", "p")):
                await connection.execute(put, rid, type_id(kind), id, 1, MORNING, "{}")
            await connection.execute(put, 4, type_id("ServiceRequest"), "q", 1, MORNING, REQUEST)
            await connection.execute(put, 5, type_id("Task"), "t", 5, MORNING.replace(hour=5), task("completed"))
            for number, state in enumerate(STATES[:-1], 1):
                await connection.execute(old, number, type_id("Task"), MORNING.replace(hour=number), task(state))
            await connection.execute(
                """
                insert into referral (task_rid, task_id, task_ver, request_rid, request_id, request_ver, number, patient, direction,
                    specialty, priority, state, from_org, to_org, referrer, created_at, submitted_at, closed_at)
                values (5, 't', 5, 4, 'q', 1, 'n', 3, 'up', '03.04', 'routine', 'completed', 1, 2, 'Practitioner/a', $1, $1, $1)
                """,
                MORNING,
            )
            for table in ("resource", "referral"):
                await connection.execute(f"alter table {table} enable trigger user")
            await connection.close()

            assert 49 in [one.number for one in await migrate(dsn)]
            connection = await asyncpg.connect(dsn)
            row = await connection.fetchrow("select * from referral")
            assert row is not None
            assert [row[name] and row[name].hour for name in ("answered_at", "accepted_at", "booked_at", "arrived_at", "moved_at")] == [
                3,
                3,
                None,
                4,
                5,
            ]
            assert (row["diagnosis"], row["diagnosis_text"], row["missed"]) == ("I20.0", "不稳定型心绞痛", 0)
            guards = "select bool_and(tgenabled = 'O') from pg_trigger where tgrelid = 'referral'::regclass and not tgisinternal"
            assert await connection.fetchval(guards)
        finally:
            await connection.close()
