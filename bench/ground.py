"""What measurements stand on: a real server with a store of its own, and a table to print."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from yilian.config import Settings

ROOT = Path(__file__).parents[1]
YILIAN = [sys.executable, "-m", "yilian"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    what      what was measured
    figure    the value, in `unit`
    beside    what it is compared with, measured in the same run or promised beforehand; 0 when there is nothing to compare with
    beside_is says what `beside` is ("bare select", "promised at most")
    """

    what: str
    figure: float
    unit: str
    beside: float = 0.0
    beside_is: str = ""

    @property
    def ratio(self) -> float | None:
        return self.figure / self.beside if self.beside else None


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of the server's processes and of its database's."""

    server: float
    database: float

    def each(self, before: Spent, count: int) -> Spent:
        """Milliseconds for each of `count` requests since `before`."""
        return Spent((self.server - before.server) / count * 1000, (self.database - before.database) / count * 1000)


@dataclass(slots=True)
class Server:
    """A running `yilian` over a store of its own. `url` without a slash at the end; `seconds_to_ready` since it was started."""

    url: str
    data: Path
    process: psutil.Process
    seconds_to_ready: float

    def spent(self) -> Spent:
        """CPU seconds so far, of those that ended as well."""
        server = database = 0.0
        for process in self.family():
            try:
                times, is_database = process.cpu_times(), "postgres" in process.name()
            except psutil.Error:
                continue
            if is_database:
                ended = times.children_user + times.children_system if process.parent().name() != "postgres" else 0.0  # type: ignore[union-attr]
                database += times.user + times.system + ended
            else:
                server += times.user + times.system
        return Spent(server, database)

    def family(self) -> list[psutil.Process]:
        """The server, its workers and its database."""
        return [self.process, *self.process.children(recursive=True)]

    def memory_mib(self) -> float:
        """Memory of them all, shared pages counted once (proportional set size, where the system tells it)."""
        total = 0
        for process in self.family():
            try:
                memory = process.memory_full_info()
            except psutil.Error:
                continue
            total += getattr(memory, "pss", 0) or memory.rss
        return total / 1024**2


@dataclass(slots=True)
class Ground:
    """Handed to every measurement; what it lends is taken back at the end."""

    folder: Path
    stores: dict[str, Path] = field(default_factory=dict)

    def new_data(self) -> Path:
        """A data folder that nobody used."""
        made = Path(tempfile.mkdtemp(dir=self.folder))
        made.chmod(0o711)
        return made / "data"

    @contextmanager
    def server(self, data: Path, *, command: str = "serve", arguments: Sequence[str] = (), database: str = "") -> Iterator[Server]:
        """`yilian serve` (or `demo`) on a free port, stopped at the end of the block. `database`: of another server, to share its store."""
        port = free_port()
        started = time.perf_counter()
        log = (self.folder / "server.log").open("ab")
        process = subprocess.Popen(
            [*YILIAN, command, "--port", str(port), *(["--database-url", database] if database else ["--data", str(data)]), *arguments],
            cwd=self.folder,
            stdout=log,
            stderr=log,
            env=environment(),
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_ready(url, process, self.folder / "server.log")
            yield Server(url, data, psutil.Process(process.pid), time.perf_counter() - started)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            log.close()

    def run(self, *arguments: str) -> str:
        """One `yilian` command; its standard output. Raises CalledProcessError, its words on standard error."""
        return subprocess.run([*YILIAN, *arguments], check=True, capture_output=True, text=True, env=environment()).stdout

    def demo_region(self) -> Path:
        """A data folder with the demo region in it, made once for all measurements. Copies are for those that write."""
        if "demo" not in self.stores:
            self.stores["demo"] = self.new_data()
            with self.server(self.stores["demo"], command="demo"):
                pass
        return self.stores["demo"]

    def synthea_region(self) -> Path:
        """The demo region with 200 patients made elsewhere in it, for measurements that change little. RuntimeError without the data."""
        if "synthea" not in self.stores:
            file = synthea()
            data = self.stores["synthea"] = self.new_data()
            with self.server(data, command="demo"):
                self.run("load", str(file), "--data", str(data))
                asyncio.run(_settled(data))
        return self.stores["synthea"]


async def _settled(data: Path) -> None:
    """Statistics and visibility as they are a while after a load."""
    from yilian.postgres import address_of_running

    connection = await asyncpg.connect(address_of_running(data))
    try:
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def synthea() -> Path:
    """The Bundles of 200 patients. RuntimeError where the collected data sets are not."""
    shared = shared_data()
    if shared is None:
        raise RuntimeError("the collected data sets are not here (YILIAN_SHARED_DATA or ../shared/data)")
    return shared / "synthea-r4" / "bundles.ndjson.gz"


@contextmanager
def beside(module: str, *arguments: str) -> Iterator[tuple[str, psutil.Process]]:
    """A bare application to compare with, `python -m MODULE … PORT`: its address and process."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", module, *arguments, str(port)], cwd=ROOT, env=environment())
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{module} did not start")
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def ground() -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="yilian-bench-"))
    folder.chmod(0o711)
    try:
        yield Ground(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """Ours without settings of the caller, so that every run measures the defaults; with Python compiled once, as where it is installed;
    with the master key of what this process has made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("YILIAN_", "PYTHONDONTWRITE"))}
    kept["YILIAN_KEY_FILE"] = str(Settings().key_path.resolve())
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "yilian-bench-compiled")}


def wait_ready(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"The server was not ready within {seconds:.0f} s.")


def shared_data() -> Path | None:
    """The folder of collected data sets, when there is one."""
    folder = Path(os.environ.get("YILIAN_SHARED_DATA") or ROOT.parent / "shared" / "data")
    return folder if folder.is_dir() else None
