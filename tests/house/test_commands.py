"""The command line: what it says, what it starts, and that what it started ends with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.conftest import folder_of_ones_own
from tests.house.commanded import commanded
from yilian import app, config
from yilian.postgres import Embedded, address_of_running, server

YILIAN = [sys.executable, "-m", "yilian"]


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder to be, empty."""
    with folder_of_ones_own() as above:
        yield above / "data"
        server.remove(above / "data")


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder as a first `yilian serve` leaves it: the cluster, its tables and what must be in them."""
    with folder_of_ones_own() as above:
        folder = above / "data"
        embedded = Embedded(folder)
        address = embedded.start()
        try:
            asyncio.run(app.prepare(config.read({"data": folder}), address))
        finally:
            embedded.stop()
        yield folder
        server.remove(folder)


@pytest.fixture
def store(data: Path, made: Path) -> Path:
    """A copy of it, for what is not about making one."""
    subprocess.run(["cp", "-a", str(made), str(data)], check=True)  # owners too: the cluster may be another account's
    return data


@dataclass(slots=True)
class Running:
    process: subprocess.Popen[str]
    url: str
    said: str

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        found = []
        for one in self.family():
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                if "spawn_main" in " ".join(one.cmdline()):
                    found.append(one)
        return found


def yilian(*arguments: str, text: str = "", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*YILIAN, *arguments], input=text, capture_output=True, text=True, env={**os.environ, **(environment or {})}, timeout=120
    )


@contextmanager
def serving(*arguments: str, command: str = "serve") -> Iterator[Running]:
    """`yilian serve` on a free port, from the moment it says that it answers; ended by force if the test did not end it."""
    process = subprocess.Popen([*YILIAN, command, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Yilian answers at "):
                break
        assert said, "it ended without a word"
        yield Running(process, said[-1].split()[3], "".join(said))
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.kill()
        process.wait()


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def all_gone(processes: Sequence[psutil.Process], seconds: float = 20) -> bool:
    _, left = psutil.wait_procs(processes, timeout=seconds)
    return left == []


def test_help_names_every_command() -> None:
    said = yilian("--help").stdout
    for command in ("serve", "demo", "load", "export", "work", "jobs", "token", "user", "check"):
        assert re.search(rf"^    {command} ", said, re.MULTILINE), command


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "says"),
    [
        (["serve", "--prot", "1"], {}, 2, "unrecognized arguments: --prot"),
        (["serve", "--data", "a", "--database-url", "b"], {}, 2, "not allowed with argument"),
        (["token"], {}, 2, "--user --client is required"),
        (["serve", "--port", "70000"], {}, 1, "`port` must be from 0 to 65535"),
        (["check"], {"YILIAN_PROT": "1"}, 1, "YILIAN_PROT, but there is no such setting"),
        (["check", "--config", "/nowhere.toml"], {}, 1, "/nowhere.toml, is not there"),
        (["serve", "--data", "/proc/nothing"], {}, 1, "cannot be written"),
        (["load", "/nowhere.ndjson"], {}, 1, "/nowhere.ndjson is not there"),
        (["token", "--user", "x", "--database-url", "postgresql://127.0.0.1:1/none"], {}, 1, "yilian: "),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: list[str], environment: dict[str, str], code: int, says: str) -> None:
    done = yilian(*arguments, environment=environment)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_answers_and_ctrl_c_ends_everything_it_started(data: Path) -> None:
    with serving("--data", str(data)) as running:
        assert running.status("/readyz") == 200
        assert running.status("/fhir/Patient") == 401
        assert asyncio.run(table_is_there(address_of_running(data)))
        family = running.family()
        assert any("postgres" in one.name() for one in family)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) in (0, 130)
        assert all_gone(family)
    assert address_of_running(data) is None


@pytest.mark.parametrize(("sign", "send"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)], ids=["Ctrl-C in a terminal", "SIGTERM"])
def test_several_workers_share_one_socket_and_end_together(store: Path, sign: signal.Signals, send: Callable[[int, int], None]) -> None:
    with serving("--data", str(store), "--workers", "2") as running:
        assert len(running.workers()) == 2
        for _ in range(10):
            assert running.status("/readyz") == 200
        family = running.family()
        send(running.process.pid, sign)
        assert running.process.wait(30) == 0
        assert all_gone(family)


def test_workers_and_database_end_when_the_server_is_killed(store: Path) -> None:
    with serving("--data", str(store), "--workers", "2") as running:
        family = running.family()
        assert len(family) > 4
        running.process.kill()
        assert all_gone(family)
        with socket.create_server(("127.0.0.1", int(running.url.rpartition(":")[2]))):
            pass  # the port is free again


def test_a_killed_worker_is_replaced(store: Path) -> None:
    with serving("--data", str(store), "--workers", "2") as running:
        killed, left = running.workers()
        killed.kill()
        deadline = time.monotonic() + 60
        while len(there := {one.pid for one in running.workers()} - {killed.pid}) < 2:
            assert time.monotonic() < deadline, "none came in its place"
            time.sleep(0.1)
        assert left.pid in there
        assert running.status("/readyz") == 200


def test_the_database_is_started_again_when_it_is_killed(store: Path) -> None:
    with serving("--data", str(store)) as running:
        os.kill(postmaster(store), signal.SIGKILL)
        deadline = time.monotonic() + 30
        while address_of_running(store) is not None:
            time.sleep(0.01)
        while address_of_running(store) is None or running.status("/readyz") != 200:
            assert time.monotonic() < deadline, "it did not come back"
            time.sleep(0.2)


def test_a_second_server_on_the_folder_or_the_port_is_refused(store: Path) -> None:
    with serving("--data", str(store)) as running:
        done = yilian("serve", "--data", str(store), "--port", "0")
        assert done.returncode == 1
        assert f"in use by process {running.process.pid} (yilian serve)" in done.stderr
        done = yilian("serve", "--data", str(store.parent / "other"), "--port", running.url.rpartition(":")[2])
        assert done.returncode == 1
        assert "Cannot listen on 127.0.0.1, port" in done.stderr
        assert running.status("/readyz") == 200


def test_accounts_are_added_listed_and_disabled_beside_a_running_server(store: Path) -> None:
    with serving("--data", str(store)):
        added = yilian(
            "user", "add", "Zhang", "--role", "admin", "--display", "张三", "--data", str(store), text="A long enough pass phrase 7\n"
        )
        assert (added.returncode, added.stdout) == (0, "Account zhang added.\n"), added.stderr
        again = ("user", "add", "zhang", "--role", "admin", "--data", str(store))
        code, _, told = commanded(*again, text="A long enough pass phrase 7\n")
        assert code == 1
        assert "There is an account zhang already" in told
        _, listed, _ = commanded("user", "list", "--data", str(store))
        assert "zhang" in listed
        assert "张三" in listed
        assert "Practitioner/zhang" in listed
        token = yilian("token", "--user", "zhang", "--data", str(store))
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", token.stdout), token.stderr
        assert commanded("user", "disable", "zhang", "--data", str(store))[0] == 0
        assert "disabled" in commanded("user", "list", "--data", str(store))[1]
        refused = yilian("token", "--user", "zhang", "--data", str(store))
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr


def test_without_a_password_no_account_is_added(data: Path) -> None:
    done = yilian("user", "add", "zhang", "--role", "admin", "--data", str(data), text="")
    assert done.returncode == 1
    assert "needs a password" in done.stderr


def test_a_password_the_region_would_not_take_is_not_taken_from_the_command_line_either(store: Path) -> None:
    for weak in ("short\n", "alllowercaseletters\n", "Zhangwei-2026\n"):
        code, _, told = commanded("user", "add", "zhangwei", "--role", "admin", "--display", "张伟", "--data", str(store), text=weak)
        assert code == 1, weak
        assert "It " in told
    given = yilian("user", "add", "zhangwei", "--role", "admin", "--must-change", "--data", str(store), text="Kw7-Rp2-Xq9-Tb\n")
    assert given.returncode == 0, given.stderr


def test_check_is_content_with_a_served_store(store: Path) -> None:
    with serving("--data", str(store)):
        done = yilian("check", "--data", str(store))
    findings = done.stdout
    for what in ("settings", "disk", "database", "tables: up to date", "clock"):
        assert f"✓ {what}" in findings, findings


def test_check_says_what_is_wrong(data: Path) -> None:
    done = yilian("check", "--data", str(data), "--config", _file(data.parent, 'host = "0.0.0.0"'))
    assert done.returncode == 1
    assert "There is none yet: yilian serve or yilian demo makes it" in done.stdout
    assert "put a proxy with TLS before it" in done.stdout


def test_check_asks_for_missing_migrations_and_a_clock_put_back(cluster: str, dsn: str) -> None:
    done = yilian("check", "--database-url", cluster)
    assert done.returncode == 1
    assert re.search(r"✗ tables: Not yet applied: 0001_store, ", done.stdout), done.stdout

    async def write_in_the_future() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            "insert into resource (rid, type, id, ver, updated, method, body) values (1, 1, 'x', 1, now() + interval '1 day', 'PUT', '{}')"
        )
        await connection.close()

    asyncio.run(write_in_the_future())
    done = yilian("check", "--database-url", dsn)
    assert "✗ clock" in done.stdout
    assert "the clock was put back" in done.stdout
    assert "fsync" in done.stdout, "the test server runs without fsync, which a real one must not"


def test_load_takes_bundles_tells_what_it_refused_and_goes_on(store: Path) -> None:
    good = {"resourceType": "Patient", "id": "p1", "name": [{"text": "张三"}]}
    bad = {"resourceType": "Patient", "id": "p2", "nmae": []}
    lines = store.parent / "patients.ndjson"
    lines.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in (good, bad)) + "\n", encoding="utf-8")
    report = store.parent / "refused.jsonl"
    done = yilian("load", str(lines), "--data", str(store), "--report", str(report))
    assert done.returncode == 1
    assert "1 resources stored" in done.stderr
    assert "1 refused" in done.stderr
    assert "nmae" in done.stderr
    assert json.loads(report.read_text(encoding="utf-8"))["line"] == 2
    again = yilian("load", str(lines), "--data", str(store))
    assert "(1 of them by an earlier run)" in again.stderr
    code, _, told = commanded("load", str(lines), "--data", str(store), "--institution", "没有的医院")
    assert code == 1
    assert "There is no institution called '没有的医院'" in told


def test_demo_prints_its_accounts_last_and_goes_on_where_it_was_interrupted(data: Path) -> None:
    cut_off = subprocess.Popen([*YILIAN, "demo", "--port", "0", "--data", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while resources(address_of_running(data)) < 3000:
        assert cut_off.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    cut_off.kill()
    cut_off.wait()

    with serving("--data", str(data), command="demo") as running:
        for account in (
            "gp",
            "gp2",
            "head",
            "county",
            "coordinator",
            "expert",
            "office",
            "regulator",
            "pharmacist",
            "admin",
            "registrar",
            "resident",
        ):
            assert re.search(rf"^{account} +\S", running.said, re.MULTILINE), account
        assert "yilian-demo" in running.said
        token = yilian("token", "--client", "bench", "--data", str(data)).stdout.strip()
        request = urllib.request.Request(
            f"{running.url}/fhir/Patient?_summary=count&_total=accurate&_count=1", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["total"] == 520 + 5, "residents, and second records of some"
        stored = resources(address_of_running(data))
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) in (0, 130)
    with serving("--data", str(data), command="demo"):
        assert resources(address_of_running(data)) == stored


def test_demo_keeps_away_from_a_store_that_is_in_use(data: Path) -> None:
    assert yilian("user", "add", "zhang", "--role", "admin", "--data", str(data), text="A long enough pass phrase 7\n").returncode == 0
    done = yilian("demo", "--data", str(data), "--port", "0")
    assert done.returncode == 1
    assert "made in an empty store only" in done.stderr
    assert "expert" not in commanded("user", "list", "--data", str(data))[1]


def resources(address: str | None) -> int:
    """How many resources the store behind this address has; 0 while there is none."""

    async def counted() -> int:
        if address is None:
            return 0
        try:
            connection = await asyncpg.connect(address)
        except (OSError, asyncpg.PostgresError):
            return 0
        try:
            there = await connection.fetchval("select to_regclass('resource')")
            return int(await connection.fetchval("select count(*) from resource")) if there else 0
        finally:
            await connection.close()

    return asyncio.run(counted())


async def table_is_there(address: str | None) -> bool:
    assert address is not None
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval("select to_regclass('resource')") is not None
    finally:
        await connection.close()


def _file(folder: Path, text: str) -> str:
    path = folder / "settings.toml"
    path.write_text(text + "\n")
    return str(path)
