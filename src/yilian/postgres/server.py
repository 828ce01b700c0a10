"""Start and stop of the embedded server, and what to do with one that was left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

from yilian.postgres import keeper
from yilian.postgres.folder import DATABASE, PORT, ROLE, SOCKET, DataFolderUnusable, Folder, clean_environment
from yilian.postgres.programs import account, programs

START_S = 120
"""How long a start may take: after a crash the write-ahead log is replayed first."""


class PostgresFailed(RuntimeError):
    """The embedded PostgreSQL did not start or did not stop; the text holds the last lines of its log."""


class Embedded:
    """The PostgreSQL of one data folder.

    `settings` override ours by name (tests turn fsync off). Not for several threads; one process holds a folder at a time.
    `purpose` is what another one that wants the folder is told about this process.
    """

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None, purpose: str = "yilian") -> None:
        self.runner = account()
        self.folder = Folder(data, self.runner)
        self.purpose = purpose
        self.settings = dict(settings or {})
        self._keeper: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    def start(self) -> str:
        """Start the server, making the cluster when there is none, and wait until it answers. Returns its address.

        Raises DataFolderBusy, DataFolderUnusable, ProgramsUnusable, PostgresFailed.
        """
        self.folder.hold(self.purpose)
        try:
            binaries = programs(self.runner)
            if self.folder.cluster.exists():
                self._clear_leftovers()
            self.folder.prepare(binaries, self.settings)
            self._socket_folder = self.folder.socket_folder()
            self._launch(binaries / "postgres", self._socket_folder, threading.Event())
            return dsn(self._socket_folder)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk. Safe to call twice."""
        if self._keeper is not None:
            assert self._keeper.stdin is not None
            self._keeper.stdin.close()
            try:
                self._keeper.wait(2 * keeper.FAST_S + 5)
            except subprocess.TimeoutExpired:
                raise PostgresFailed(f"PostgreSQL in {self.folder.path} does not stop.{self._said()}") from None
            finally:
                self._keeper = None
        if self._socket_folder is not None:
            self.folder.sweep(self._socket_folder)
            self._socket_folder = None
        self.folder.release()

    def revive(self, given_up: threading.Event | None = None) -> None:
        """Start a server that ended without being told to, at the same address; what was committed is still there.

        `given_up`, set by another thread, ends the waiting; `stop` then stops what has been started.
        Raises PostgresFailed, DataFolderUnusable.
        """
        assert self._keeper is not None and self._socket_folder is not None, "start it first"
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait(2 * keeper.FAST_S + 5)
        self._clear_leftovers(sweep=False)
        self._launch(programs(self.runner) / "postgres", self._socket_folder, given_up or threading.Event())

    @property
    def alive(self) -> bool:
        """Whether the server we started is still there."""
        return self._keeper is not None and self._keeper.poll() is None

    def _launch(self, postgres: Path, socket_folder: Path, given_up: threading.Event) -> None:
        uid, gid = (self.runner.uid, self.runner.gid) if self.runner.switch else (-1, -1)
        command = [
            sys.executable, "-I", "-S", keeper.__file__, str(uid), str(gid),
            str(postgres), "-D", str(self.folder.cluster.resolve()), "-k", str(socket_folder), "-p", str(PORT),
        ]  # fmt: skip
        with open(self.folder.log, "ab", opener=_for_us_alone) as log:
            self._keeper = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, cwd="/", env=clean_environment()
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._keeper.poll() is not None:
                raise PostgresFailed(f"PostgreSQL did not start in {self.folder.path}.{self._said()}")
            note = _note(self.folder.cluster)
            if note is not None and note.ready and _is_child(note.pid, self._keeper.pid):
                return
            if given_up.wait(0.02):
                raise PostgresFailed(f"PostgreSQL in {self.folder.path} was no longer wanted before it had started.")
        raise PostgresFailed(f"PostgreSQL did not start in {self.folder.path} within {START_S} s.{self._said()}")

    def _said(self) -> str:
        lines = self.folder.log.read_text(errors="replace").splitlines()[-10:] if self.folder.log.exists() else []
        return "".join(f"\n    {line}" for line in lines)

    def _clear_leftovers(self, *, sweep: bool = True) -> None:
        """Deal with the server of a yilian that was killed.

        Its keeper may still be shutting it down, or both may have been killed. We hold the lock, so nobody else wants that server.
        A process is stopped only if it is PostgreSQL and runs in this very cluster. A note whose process number now belongs to something
        else is removed, for PostgreSQL would take that process for a server.
        """
        note = _note(self.folder.cluster)
        if note is None:
            return
        server = _postmaster(note.pid, self.folder.cluster)
        if server is not None:
            for sign, patience_s in ((signal.SIGINT, keeper.FAST_S), (signal.SIGQUIT, keeper.FAST_S)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    server.send_signal(sign)
                with contextlib.suppress(psutil.TimeoutExpired):
                    server.wait(patience_s)
                    break
            else:
                raise DataFolderUnusable(
                    f"PostgreSQL (process {note.pid}) left behind in {self.folder.path} does not stop. End it, then start again."
                )
        elif psutil.pid_exists(note.pid):
            (self.folder.cluster / "postmaster.pid").unlink(missing_ok=True)
            if note.socket_folder is not None:
                for name in (f"{SOCKET}.lock", SOCKET):  # the lock names that process too
                    (note.socket_folder / name).unlink(missing_ok=True)
        if sweep and note.socket_folder is not None:
            self.folder.sweep(note.socket_folder)


class _Note:
    """What a running server writes into `postmaster.pid`: process, …, port, socket folder, …, shared memory, status."""

    def __init__(self, lines: list[str]) -> None:
        self.pid = int(lines[0])
        self.socket_folder = Path(lines[4]) if len(lines) > 4 and lines[4] else None
        self.ready = len(lines) > 7 and lines[7].strip() == "ready"


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _note(cluster: Path) -> _Note | None:
    try:
        return _Note((cluster / "postmaster.pid").read_text().splitlines())
    except (FileNotFoundError, IndexError, ValueError):  # not there, or just being written
        return None
    except PermissionError:
        raise DataFolderUnusable(f"{cluster} belongs to another user. Run yilian as that user, or as root if root made it.") from None


def _postmaster(pid: int, cluster: Path) -> psutil.Process | None:
    """The process, if it is a PostgreSQL that runs in this cluster (its working folder is the cluster)."""
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if "postgres" in process.name() and os.path.samefile(process.cwd(), cluster):
            return process
    return None


def _is_child(pid: int, parent: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).ppid() == parent
    return False


def dsn(socket_folder: Path, database: str = DATABASE, role: str = ROLE) -> str:
    """The address of a database behind a socket, as asyncpg and psql understand it."""
    return f"postgresql://{role}@/{database}?host={quote(str(socket_folder), safe='')}&port={PORT}"


def address_of_running(data: Path) -> str | None:
    """The address of the server that another yilian runs in this data folder; None when there is none."""
    cluster = data.absolute() / "postgres"
    note = _note(cluster)
    if note is None or not note.ready or note.socket_folder is None or _postmaster(note.pid, cluster) is None:
        return None
    return dsn(note.socket_folder)


def remove(data: Path) -> None:
    """Delete a data folder with everything in it, also where its cluster lies elsewhere. The server must be stopped."""
    cluster = data.absolute() / "postgres"
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve().parent, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
