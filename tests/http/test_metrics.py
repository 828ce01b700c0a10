"""/metrics tells how the job queue stands."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.http.house import running
from yilian import app, config, jobs


async def test_the_queue_is_told_by_kind_and_the_answer_does_not_need_the_database(furnished_dsn: str, tmp_path: Path) -> None:
    database = app.database(config.Settings(), furnished_dsn)
    await database.open()
    async with database.transaction() as tx:
        await jobs.enqueue_many(tx, [jobs.NewJob("some.kind", {}, subject="s") for _ in range(3)])
        await jobs.enqueue(tx, "some.kind", {})
        id = await jobs.enqueue(tx, "other.kind", {})
        await tx.execute("update job set state = 'failed', finished = now() where id = $1", id)
        await tx.execute("update job set run_at = now() - interval '90 seconds' where kind = 'some.kind'")
    await database.close()
    async with running(furnished_dsn, bulk_folder=str(tmp_path), jobs_at_once=0) as server:
        text = (await server.nobody().get("/metrics")).text
        assert 'yilian_jobs_waiting{kind="some.kind"} 4.0' in text
        assert 'yilian_jobs_failed{kind="other.kind"} 1.0' in text
        assert 'yilian_jobs_running{kind="some.kind"} 0.0' in text
        (oldest,) = [line for line in text.splitlines() if line.startswith('yilian_jobs_oldest_seconds{kind="some.kind"}')]
        assert 89 < float(oldest.split()[1]) < 300
    nowhere = app.build(config.Settings(), "postgresql://nobody@127.0.0.1:1/none")
    transport = httpx.ASGITransport(app=nowhere)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "yilian_http_requests" in answer.text
