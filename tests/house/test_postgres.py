"""The embedded PostgreSQL: started, shared out, killed and recovered, with real processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from tests.conftest import folder_of_ones_own
from yilian.command import house
from yilian.postgres import DataFolderBusy, DataFolderUnusable, Embedded, address_of_running, programs, server

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes accounts, which only root may")

HOLD = """
import sys, time
from pathlib import Path
from yilian.postgres import Embedded
embedded = Embedded(Path(sys.argv[1]))
print(embedded.start(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder to be, in a folder other accounts may pass."""
    with folder_of_ones_own() as above:
        yield above / "data"
        server.remove(above / "data")


def ask(address: str, sql: str) -> Any:
    async def asked() -> Any:
        connection = await asyncpg.connect(address)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())


def postmaster(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def held_by_another_process(data: Path) -> tuple[subprocess.Popen[str], str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(data)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    address = holder.stdout.readline().strip()
    holder.stdout.close()
    assert address.startswith("postgresql://")
    return holder, address


def gone_within(process: psutil.Process, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


def test_it_makes_a_store_in_an_empty_folder_and_keeps_it(data: Path) -> None:
    embedded = Embedded(data)
    address = embedded.start()
    ask(address, "create table kept as select 7 as number")
    embedded.stop()
    assert not embedded.alive

    again = Embedded(data)
    try:
        assert ask(again.start(), "select number from kept") == 7
    finally:
        again.stop()


def test_the_store_is_durable_checked_and_unicode(data: Path) -> None:
    embedded = Embedded(data)
    try:
        address = embedded.start()
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert ask(address, f"show {setting}") == "on", setting
        assert ask(address, "show server_encoding") == "UTF8"
        assert ask(address, "select lower('ÄÉ') || '张三丰'") == "äé张三丰"
        assert ask(address, "select rolsuper from pg_roles where rolname = current_user") is False
    finally:
        embedded.stop()


def test_it_listens_on_no_network_and_its_socket_is_private(data: Path) -> None:
    embedded = Embedded(data)
    try:
        address = embedded.start()
        assert ask(address, "show listen_addresses") == ""
        main = postmaster(data)
        assert [c for c in main.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN] == []
        place = Path(parse_qs(urlsplit(address).query)["host"][0])
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
    finally:
        embedded.stop()


@as_root
def test_called_by_root_it_runs_as_another_account_and_admits_no_third(data: Path) -> None:
    embedded = Embedded(data)
    try:
        address = embedded.start()
        assert postmaster(data).uids().effective == embedded.runner.uid != 0
        place = Path(parse_qs(urlsplit(address).query)["host"][0])
        place.chmod(0o711)  # even then
        (place / ".s.PGSQL.5432").chmod(0o777)
        psql = programs.programs(embedded.runner) / "psql"
        done = subprocess.run([psql, address, "-c", "select 1"], user="nobody", cwd="/", capture_output=True, text=True)
        assert done.returncode != 0
        assert "Peer authentication failed" in done.stderr
    finally:
        embedded.stop()


def test_a_second_one_on_the_same_folder_is_told_who_holds_it(data: Path) -> None:
    first = Embedded(data, purpose="yilian serve")
    try:
        address = first.start()
        with pytest.raises(DataFolderBusy, match=rf"in use by process {os.getpid()} \(yilian serve\)"):
            Embedded(data).start()
        assert address_of_running(data) == address
        assert ask(address, "select 1") == 1
    finally:
        first.stop()
    assert address_of_running(data) is None


def test_it_ends_when_its_starter_is_killed(data: Path) -> None:
    holder, _ = held_by_another_process(data)
    main = postmaster(data)
    holder.kill()
    holder.wait()
    assert gone_within(main, 10)


def test_a_server_left_behind_is_stopped_and_nothing_acknowledged_is_lost(data: Path) -> None:
    holder, address = held_by_another_process(data)
    ask(address, "create table kept as select 7 as number")
    main = postmaster(data)
    keeper = main.parent()
    assert keeper is not None
    holder.send_signal(signal.SIGSTOP)  # so that it does not notice before we are through
    keeper.kill()
    holder.kill()
    holder.wait()
    assert main.is_running()

    embedded = Embedded(data)
    try:
        assert ask(embedded.start(), "select number from kept") == 7
        assert not main.is_running()
    finally:
        embedded.stop()


def test_it_recovers_from_a_killed_server(data: Path) -> None:
    embedded = Embedded(data)
    address = embedded.start()
    ask(address, "create table kept as select 7 as number")
    postmaster(data).kill()
    deadline = time.monotonic() + 10
    while embedded.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not embedded.alive
    assert (data / "postgres" / "postmaster.pid").exists()

    try:
        embedded.revive()
        assert ask(address, "select number from kept") == 7
    finally:
        embedded.stop()
    assert ask(embedded.start(), "select number from kept") == 7
    embedded.stop()


def test_a_start_that_is_no_longer_wanted_is_not_waited_for(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = Embedded(data)
    embedded.start()
    try:
        started = time.monotonic()
        with house._kept_alive(embedded):
            monkeypatch.setattr(server, "_note", lambda cluster: None)  # as one whose recovery takes long
            postmaster(data).kill()
            before = embedded._keeper
            while embedded._keeper is before:
                assert time.monotonic() - started < 30
                time.sleep(0.05)
        assert time.monotonic() - started < server.START_S / 2
    finally:
        embedded.stop()


def test_a_stale_note_that_names_another_process_is_not_believed(data: Path) -> None:
    embedded = Embedded(data)
    embedded.start()
    note = data / "postgres" / "postmaster.pid"
    lines = note.read_text().splitlines()
    embedded.stop()
    other = subprocess.Popen(["sleep", "60"], cwd="/", **embedded.runner.options())
    try:
        note.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        socket_folder = Path(lines[4])
        if socket_folder.is_dir():  # as after a power cut: the lock beside the socket is still there
            (socket_folder / ".s.PGSQL.5432.lock").write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        assert ask(embedded.start(), "select 1") == 1
        assert other.poll() is None, "a process that is not ours was stopped"
    finally:
        embedded.stop()
        other.kill()
        other.wait()


@pytest.mark.parametrize(("version", "says"), [("19", "Use the newer yilian"), ("17", "Back it up with the yilian it was made with")])
def test_a_store_of_another_version_is_refused(data: Path, version: str, says: str) -> None:
    embedded = Embedded(data)
    embedded.start()
    embedded.stop()
    (data / "postgres" / "PG_VERSION").write_text(version + "\n")
    with pytest.raises(DataFolderUnusable, match=says):
        embedded.start()
    (data / "postgres" / "PG_VERSION").write_text("18\n")
    embedded.start()
    embedded.stop()


@as_root
def test_a_store_of_another_user_is_refused_and_the_user_named(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    shutil.chown(data / "postgres", "nobody")
    with pytest.raises(DataFolderUnusable, match=r"belongs to the user nobody\. Run yilian as that user"):
        Embedded(data).start()


def test_a_folder_of_something_else_is_refused_and_left_alone(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "letters.txt").write_text("dear")
    shutil.chown(data / "postgres", programs.account().uid)
    with pytest.raises(DataFolderUnusable, match="not a PostgreSQL data folder"):
        Embedded(data).start()
    assert sorted(path.name for path in (data / "postgres").iterdir()) == ["letters.txt"]


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(data: Path) -> None:
    deep = data.parent / ("长" * 30) / ("n" * 60) / "data"
    embedded = Embedded(deep)
    deep.parent.mkdir(parents=True)
    try:
        address = embedded.start()
        place = Path(parse_qs(urlsplit(address).query)["host"][0])
        assert ask(address, "select 1") == 1
        assert place.parent == Path("/tmp")
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    finally:
        embedded.stop()
    assert not place.exists()
    server.remove(deep)


def test_a_creation_that_fails_leaves_nothing_half_made(data: Path) -> None:
    embedded = Embedded(data)
    broken = data.parent / "programs"
    broken.mkdir()
    (broken / "initdb").write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    (broken / "initdb").chmod(0o755)
    embedded.folder.hold("a test")
    try:
        with pytest.raises(DataFolderUnusable, match="no space left"):
            embedded.folder.prepare(broken, {})
    finally:
        embedded.folder.release()
    assert [path.name for path in data.iterdir()] == ["lock"]


@as_root
def test_below_a_closed_folder_the_store_lies_elsewhere_and_the_folder_stays_closed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = data.parent / "ground"
    monkeypatch.setattr(programs, "OPEN_GROUND", ground)
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    embedded = Embedded(closed / "data")
    try:
        assert ask(embedded.start(), "select 1") == 1
        assert (closed / "data" / "postgres").resolve().is_relative_to(ground)
    finally:
        embedded.stop()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    server.remove(closed / "data")
    assert list(ground.iterdir()) == []


@as_root
def test_programs_below_a_closed_folder_run_from_a_copy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = programs.account()
    monkeypatch.setattr(programs, "OPEN_GROUND", data.parent / "ground")
    monkeypatch.setattr(programs.Account, "reaches", lambda self, path, how="-x": False)
    for _ in range(2):
        binaries = programs.programs(runner)
        assert binaries.is_relative_to(data.parent / "ground")
        done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, cwd="/", **runner.options())
        assert done.stdout.startswith("postgres (PostgreSQL) 18")
        assert subprocess.run([binaries / "psql", "--version"], cwd="/", stdout=subprocess.DEVNULL, **runner.options()).returncode == 0
    assert len(list((data.parent / "ground").iterdir())) == 1
