"""`yilian reindex` on a store: asks for a run, carries it out with what else is due, and says what was put right."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from yilian import cli


def sql(dsn: str, statement: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_rows_that_were_lost_are_put_back_and_a_run_can_be_stopped(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reindex", "--database-url", dsn]) == 0  # the house puts its own definitions into a store
    told = capsys.readouterr().err
    assert " 0 of them put right" in told
    rows = sql(dsn, "select count(*) from index_uri")
    assert rows > 0
    sql(dsn, "delete from index_uri")
    assert cli.main(["reindex", "--database-url", dsn, "--type", "Patient"]) == 0
    assert sql(dsn, "select count(*) from index_uri") == 0
    sql(dsn, "insert into reindex_run (why) values ('asked for before')")
    number = sql(dsn, "insert into reindex_run (why) values ('not wanted') returning id")
    assert cli.main(["reindex", "--database-url", dsn, "--cancel", str(number)]) == 0
    assert cli.main(["reindex", "--database-url", dsn, "--cancel", str(number)]) == 1
    assert cli.main(["reindex", "--database-url", dsn, "--resume"]) == 0
    assert sql(dsn, "select count(*) from index_uri") == rows
    assert cli.main(["reindex", "--database-url", dsn, "--resume"]) == 0
    told = capsys.readouterr().err
    assert f"Run {number} is cancelled" in told
    assert f"There is no run {number} that is still to be done" in told
    assert "Nothing is due." in told
    assert cli.main(["reindex", "--database-url", dsn, "--type", "Petient"]) == 1
    assert "Petient" in capsys.readouterr().err
