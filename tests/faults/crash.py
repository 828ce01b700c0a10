"""`python -m tests.faults.crash --rounds 50`: kill -9 at random moments of a mixed load; nothing acknowledged may be missing afterwards.

Each round starts a real server with two workers over one store, lets clients write, kills something and looks:

    server      the server and its workers; its keeper stops the database in order
    worker      one of the workers; the others go on
    database    PostgreSQL with all its processes; the server starts it again
    everything  server, workers, keeper and database, as when the power fails (the disk keeps what it was told to keep)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import asyncpg
import httpx
import psutil

from bench.ground import environment, free_port, wait_ready
from tests.faults.load import Acknowledged, Ledger, Writer
from tests.http.house import furnish
from yilian import app, config
from yilian.access import grounds, tokens
from yilian.db import Tx
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.postgres import Embedded, address_of_running
from yilian.store import agreement
from yilian.store.change import Written

KINDS = ("server", "worker", "database", "everything")
WRITERS = 6
PATIENCE_S = 60.0

OF_THE_STORE = """
select type, id, ver, deleted, body, updated from resource union all select type, id, ver, deleted, body, updated from history
order by type, id, ver
"""


class Ground:
    """A store of its own in a temporary folder and the server on it."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = folder / "data"
        self.settings = settings or {}
        self.log = folder / "server.log"
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    async def furnish(self) -> None:
        embedded = Embedded(self.data)
        try:
            await furnish(embedded.start())
        finally:
            embedded.stop()

    def start(self) -> None:
        port = free_port()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yilian", "serve", "--port", str(port), "--data", str(self.data), "--workers", "2"],
                stdout=log, stderr=log, env=environment() | self.settings, start_new_session=True,
            )  # fmt: skip
        self.url = f"http://127.0.0.1:{port}"
        wait_ready(self.url, self.process, self.log, 120)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def kill(self, kind: str, random: Random) -> None:
        """kill -9 what `kind` says; waits until those processes are gone."""
        assert self.process is not None
        server = psutil.Process(self.process.pid)
        family = [one for one in (server, *server.children(recursive=True)) if one.status() != psutil.STATUS_ZOMBIE]
        database = [one for one in family if "postgres" in one.name()]
        keeper = [one for one in family if "keeper.py" in " ".join(one.cmdline())]
        ours = [one for one in family if one not in database and one not in keeper]
        workers = [one for one in ours if "multiprocessing.spawn" in " ".join(one.cmdline())]
        chosen = {"server": ours, "worker": [random.choice(workers)], "database": database, "everything": family}[kind]
        for one in chosen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
        if kind in ("server", "everything"):
            self.process.wait(30)

    async def token(self) -> str:
        dsn = address_of_running(self.data)
        assert dsn is not None
        database = app.database(config.Settings(), dsn)
        await database.open()
        try:
            async with database.transaction() as tx:
                return await tokens.issue_for_client(tx, "bench")
        finally:
            await database.close()

    async def wrong(self, ledger: Ledger) -> list[str]:
        """What is wrong with the running store."""
        dsn = address_of_running(self.data)
        assert dsn is not None
        return [*await missing(dsn, ledger), *await disagreements(dsn)]

    async def revived(self, before: int) -> None:
        """Wait until another PostgreSQL than the one of process `before` runs here."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if address_of_running(self.data) is not None and self.postmaster() != before:
                return
            await asyncio.sleep(0.02)

    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])


async def missing(dsn: str, ledger: Ledger) -> list[str]:
    """What was acknowledged and is not there, or is there and should not be."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(OF_THE_STORE)
        noted = {row["entity"] for row in await connection.fetch("select distinct unnest(entities) as entity from audit_event")}
    finally:
        await connection.close()
    return list(_faults(rows, noted, ledger))


async def disagreements(dsn: str) -> list[str]:
    """What `yilian check --deep` looks for: resources whose index rows, history, references or grounds are not what they should be."""
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        looking = agreement.disagreements(database, lambda seen: None, [_grounds])
        return [f"{one.about}: {one.said} ({one.kind})" async for one in looking]
    finally:
        await database.close()


async def _grounds(tx: Tx, some: Sequence[Written]) -> list[agreement.Disagreement]:
    return [agreement.Disagreement(f"{one.type}/{one.id}", "ground", said) for one, said in await grounds.out_of_step(tx, some)]


def _faults(rows: list[asyncpg.Record], noted: set[str], ledger: Ledger) -> list[str]:
    wrong: list[str] = []
    there: dict[tuple[str, str, int], asyncpg.Record] = {}
    last: tuple[str, str] | None = None
    for row in rows:
        key = (RESOURCE_TYPES[row["type"] - 1], row["id"])
        there[(*key, row["ver"])] = row
        before = there.get((*key, row["ver"] - 1))
        if (
            (key != last and row["ver"] != 1)
            or (key == last and before is None)
            or (before is not None and before["updated"] > row["updated"])
        ):
            wrong.append(f"the history of {'/'.join(key)} is broken before version {row['ver']}")
        last = key
    for one in ledger.acknowledged:
        wrong += _one(one, there.get((one.type, one.id, one.version)), noted)
    found = Counter(mark for row in rows if row["ver"] == 1 for mark in _marks(row["body"]) if mark in ledger.bundles)
    wrong += [f"{found[mark]} of {of} of the transaction {mark}" for mark, of in ledger.bundles.items() if found[mark] not in (0, of)]
    return wrong


def _one(one: Acknowledged, row: asyncpg.Record | None, noted: set[str]) -> list[str]:
    name = f"{one.type}/{one.id}/_history/{one.version}"
    if row is None:
        return [f"{name} was acknowledged and is not there"]
    wrong = [] if row["deleted"] is (not one.mark) and one.mark in row["body"] else [f"{name} is there with another content"]
    return wrong if name in noted else [*wrong, f"{name} is not in the audit trail"]


def _marks(body: str) -> list[str]:
    return [body.partition('"https://marks.example","value":"')[2][:36]]


async def one_round(ground: Ground, kind: str, random: Random, whole: Ledger) -> tuple[list[str], str]:
    """Load, kill, start again; what is wrong then, and a line about it. The server is running before and afterwards."""
    ledger = Ledger()
    headers = {"authorization": f"Bearer {await ground.token()}"}
    async with httpx.AsyncClient(base_url=ground.url, headers=headers, timeout=30) as client:
        writers = [asyncio.create_task(Writer(client, ledger, Random(random.random())).work()) for _ in range(WRITERS)]
        until = time.monotonic() + PATIENCE_S
        while not ledger.acknowledged and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await asyncio.sleep(random.uniform(0.1, 2.0))
        before = ground.postmaster()
        ledger.since = killed = time.monotonic()
        ground.kill(kind, random)
        if kind == "database":
            await ground.revived(before)
            ledger.first_after = None
        if kind in ("worker", "database"):
            while ledger.first_after is None and time.monotonic() - killed < PATIENCE_S:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
    if kind in ("server", "everything"):
        await asyncio.to_thread(ground.start)
        again = time.monotonic() - killed
    else:
        again = ledger.first_after or float("inf")
    whole.acknowledged += ledger.acknowledged
    whole.bundles |= ledger.bundles
    wrong = [*ledger.odd[:5], *await ground.wrong(whole)]
    if again > PATIENCE_S:
        wrong.append("the server did not come back")
    line = f"{kind}: {len(ledger.acknowledged)} acknowledged, again after {again:.1f} s, answers {dict(sorted(ledger.answers.items()))}"
    return wrong, line


async def rounds(count: int, seed: int, *, kinds: tuple[str, ...] = KINDS, spoken: bool = False) -> tuple[list[str], int]:
    """So many rounds on one store: what went wrong, and how many writes were acknowledged in all."""
    random, whole, wrong = Random(seed), Ledger(), []
    folder = Path(tempfile.mkdtemp(prefix="yilian-crash-"))
    folder.chmod(0o711)  # noqa: ASYNC240
    ground = Ground(folder)
    try:
        await ground.furnish()
        ground.start()
        for number in range(count):
            found, line = await one_round(ground, kinds[number % len(kinds)], random, whole)
            wrong += [f"round {number + 1}: {one}" for one in found]
            if spoken:
                print(f"round {number + 1}: {line}, {len(found)} wrong", flush=True)
            if found and spoken:
                print("\n".join(found[:10]), flush=True)
    finally:
        ground.stop()
        if not wrong:
            shutil.rmtree(folder, ignore_errors=True)
    return wrong, len(whole.acknowledged)


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--rounds", type=int, default=50)
    told.add_argument("--seed", type=int, default=1)
    given = told.parse_args()
    wrong, acknowledged = asyncio.run(rounds(given.rounds, given.seed, spoken=True))
    print(f"{given.rounds} rounds, {acknowledged} writes acknowledged, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
