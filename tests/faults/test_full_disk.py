"""The disk of the database is full: what was stored stays, what comes is refused with what to do, and with room it goes on by itself."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import asyncpg
import httpx
import pytest

from tests.faults.crash import Ground, disagreements, missing
from tests.faults.load import Ledger, Writer
from tests.http.house import furnish, running
from tests.http.test_interactions import FHIR, observation
from yilian.disk import MIB, WAL, Disk
from yilian.errors import NoRoom
from yilian.meaning import meaning
from yilian.postgres import Embedded

SIZE = 400 * MIB
HUNGRY = {"dynamic_shared_memory_type": "mmap", "max_connections": "20000", "max_locks_per_transaction": "10"}
"""With these PostgreSQL writes a file of some 4 MB before it does anything else."""
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "wal_buffers": "1MB", "shared_buffers": "16MB"}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own, of `SIZE`."""
    folder = Path(tempfile.mkdtemp(prefix="yilian-disk-"))
    told = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "yilian-test", str(folder)], capture_output=True, text=True, check=False
    )
    if told.returncode:
        folder.rmdir()
        pytest.skip(f"no disk can be mounted here: {told.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


class Ballast:
    """A file that takes what is free, but for `left` bytes. `lift` removes it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ballast"

    def load(self, left: int) -> None:
        with self.file.open("ab") as file:
            for _ in range(20):
                room = shutil.disk_usage(self.file.parent).free - left
                if room <= 0:
                    break
                with suppress(OSError):  # others write too
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), room)

    def lift(self) -> None:
        self.file.unlink()


@asynccontextmanager
async def writing(client: httpx.AsyncClient, ledger: Ledger, writers: int = 4) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(Writer(client, ledger, Random(number)).work()) for number in range(writers)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


async def until_a_write_succeeds(ledger: Ledger, patience_s: float) -> float:
    ledger.first_after, ledger.since = None, time.monotonic()
    while ledger.first_after is None:
        assert time.monotonic() - ledger.since < patience_s, f"writes do not go on: {ledger.answers}"
        await asyncio.sleep(0.05)
    return ledger.first_after


def configure(ground: Ground, settings: dict[str, str]) -> None:
    with (ground.data / "postgres" / "local.conf").open("a") as local:
        local.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


async def test_before_the_disk_is_full_writes_are_refused_and_reads_go_on(small_disk: Path) -> None:
    embedded, ballast, ledger = Embedded(small_disk / "data", SMALL), Ballast(small_disk), Ledger()
    try:
        dsn = await asyncio.to_thread(embedded.start)
        await furnish(dsn)
        async with running(dsn, data=small_disk / "data", key_file=os.environ["YILIAN_KEY_FILE"], disk_reserve_bytes=48 * MIB) as server:
            bench, gp = await server.as_("bench"), await server.as_("gp")
            async with writing(bench, ledger):
                await until_a_write_succeeds(ledger, 10)
                ballast.load(left=40 * MIB)
                await asyncio.sleep(0.5)
                stored = await server.value("select sum(ver) from resource")
                refused = await gp.post("/fhir/Observation", json=observation(), headers=FHIR)
                assert (refused.status_code, refused.headers["retry-after"]) == (507, "60")
                (issue,) = refused.json()["issue"]
                assert issue["code"] == "no-store"
                assert "Make room on that disk" in issue["diagnostics"]
                assert "磁盘" in refused.text
                before = await server.value("select count(*) from audit_event")
                for path in ("/fhir/Patient/p1", "/fhir/Observation?patient=p1", "/fhir/Patient/p1/$everything") * 5:
                    assert (await gp.get(path)).status_code == 200
                assert (await server.nobody().get("/readyz")).status_code == 200
                await asyncio.sleep(0.5)
                assert await server.value("select count(*) from audit_event") >= before + 15, "reads are still recorded"
                assert await server.value("select sum(ver) from resource") == stored, "nothing is stored meanwhile"
                ballast.lift()
                assert await until_a_write_succeeds(ledger, 5) < 2
        assert ledger.answers[507] > 3
        assert not ledger.odd
        assert not await missing(dsn, ledger)
        assert not await disagreements(dsn)
    finally:
        embedded.stop()


async def test_a_file_for_which_there_is_no_room_is_refused_and_nothing_of_it_stays(furnished_dsn: str, small_disk: Path) -> None:
    async with running(furnished_dsn, bulk_folder=str(small_disk / "bulk"), jobs_at_once=0) as server:
        bench = await server.as_("bench")
        Ballast(small_disk).load(left=2 * MIB)
        line = json.dumps(observation()).encode() + b"\n"
        headers = {"content-type": "application/fhir+ndjson", "prefer": "respond-async"}
        refused = await bench.post("/fhir/$import", content=line * (4 * MIB // len(line)), headers=headers)
        assert (refused.status_code, refused.json()["issue"][0]["code"]) == (507, "no-store")
        assert not [path for path in (small_disk / "bulk").rglob("*") if path.is_file()]
        assert (await bench.post("/fhir/$import", content=line, headers=headers)).status_code == 202


async def test_when_nothing_is_left_at_all_what_was_acknowledged_stays_and_the_server_goes_on_once_there_is_room(small_disk: Path) -> None:
    ground, ballast, ledger = Ground(small_disk, {"YILIAN_DISK_RESERVE_BYTES": "0"}), Ballast(small_disk), Ledger()
    await ground.furnish()
    configure(ground, SMALL)
    try:
        await asyncio.to_thread(ground.start)
        headers = {"authorization": f"Bearer {await ground.token()}"}
        async with httpx.AsyncClient(base_url=ground.url, headers=headers, timeout=30) as client, writing(client, ledger, 8):
            await until_a_write_succeeds(ledger, 10)
            ballast.load(left=MIB)
            reads, until = set(), time.monotonic() + 6
            while time.monotonic() < until:
                await asyncio.to_thread(ballast.load, 0)
                reads.add((await client.get("/fhir/Patient/p1")).status_code)
                await asyncio.sleep(0.1)
            assert 200 in reads
            assert reads <= {200, 503, 507}
            assert ledger.answers[503] + ledger.answers[507] > 10
            ballast.lift()
            await until_a_write_succeeds(ledger, 60)
        assert not ledger.odd
        assert not await ground.wrong(ledger)
    finally:
        await asyncio.to_thread(ground.stop)


@pytest.mark.skipif("YILIAN_TEST_LONG" not in os.environ, reason="takes a minute; YILIAN_TEST_LONG=1 runs it")
async def test_a_database_that_ends_for_want_of_room_for_its_log_comes_back(small_disk: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="yilian-disk-data-"))
    folder.chmod(0o711)  # noqa: ASYNC240
    ground, ballast, ledger = Ground(folder, {"YILIAN_DISK_RESERVE_BYTES": "0"}), Ballast(small_disk), Ledger()
    try:
        await ground.furnish()
        wal = ground.data / "postgres" / WAL
        shutil.move(wal, small_disk / "wal")  # its write-ahead log on a disk of its own
        for moved in [small_disk / "wal", *(small_disk / "wal").rglob("*")]:
            shutil.chown(moved, wal.parent.owner(), wal.parent.group())
        wal.symlink_to(small_disk / "wal")
        configure(ground, SMALL)
        await asyncio.to_thread(ground.start)
        headers = {"authorization": f"Bearer {await ground.token()}"}
        large = json.dumps(observation(note=[{"text": os.urandom(400_000).hex()} for _ in range(8)])).encode()
        async with httpx.AsyncClient(base_url=ground.url, headers=headers, timeout=30) as client, writing(client, ledger):
            await until_a_write_succeeds(ledger, 10)
            ballast.load(left=0)
            for _ in range(60):
                answer = await client.post("/fhir/Observation", content=large, headers=FHIR)
                if answer.status_code != 201:
                    break
            assert answer.status_code in (503, 507)
            assert "retry-after" in answer.headers
            ballast.lift()
            await until_a_write_succeeds(ledger, 60)
        assert "PANIC" in (ground.data / "postgres.log").read_text()
        assert not ledger.odd
        assert not await ground.wrong(ledger)
    finally:
        await asyncio.to_thread(ground.stop)
        shutil.rmtree(folder)


async def test_a_database_that_cannot_start_for_want_of_room_is_started_once_there_is_some(small_disk: Path, tmp_path: Path) -> None:
    ground, ballast, ledger = Ground(small_disk, {"YILIAN_DISK_RESERVE_BYTES": "0"}), Ballast(small_disk), Ledger()
    ground.log = tmp_path / "server.log"  # not on the full disk
    await ground.furnish()
    configure(ground, SMALL)
    try:
        await asyncio.to_thread(ground.start)
        headers = {"authorization": f"Bearer {await ground.token()}"}
        async with httpx.AsyncClient(base_url=ground.url, headers=headers, timeout=30) as client, writing(client, ledger):
            await until_a_write_succeeds(ledger, 10)
            ballast.load(left=0)
            configure(ground, HUNGRY)
            await asyncio.to_thread(ground.kill, "database", Random(1))
            until = time.monotonic() + 60
            while time.monotonic() < until and "PostgreSQL is started as soon as" not in ground.log.read_text():
                await asyncio.to_thread(ballast.load, 0)
                await asyncio.sleep(0.02)
            assert (await client.get("/fhir/Patient/p1")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            assert "PostgreSQL is started as soon as" in ground.log.read_text()
            ballast.lift()
            await until_a_write_succeeds(ledger, 60)
        assert not ledger.odd
        assert not await ground.wrong(ledger)
    finally:
        await asyncio.to_thread(ground.stop)


def test_what_is_free_is_looked_up_now_and_then_and_a_folder_that_is_gone_refuses_nobody(tmp_path: Path) -> None:
    now = [0.0]
    disk = Disk(tmp_path, 2**62, clock=lambda: now[0])
    with pytest.raises(NoRoom, match=r"Make room"):
        disk.require()
    disk.folder, now[0] = tmp_path / "gone", 0.2
    with pytest.raises(NoRoom):
        disk.require()
    now[0] = 0.3
    disk.require()


async def test_a_full_disk_of_another_machine_is_told_as_what_it_is(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        with pytest.raises(asyncpg.DiskFullError) as raised:
            await connection.execute(
                "do $$ begin raise exception 'could not extend file \"base/1/2\": No space left on device' using errcode = '53100'; end $$"
            )
    finally:
        await connection.close()
    told = meaning(raised.value, writing=True)
    assert isinstance(told, NoRoom)
    assert "No space left on device" in str(told)
