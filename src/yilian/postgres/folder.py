"""The data folder: who holds it, where the cluster in it lies, and how a new one is made.

DATA/lock           held by the one process that runs the server here
DATA/postgres/      the cluster, owned by the account PostgreSQL runs under (or a link to it, see `Folder.cluster`)
DATA/run/           the socket, where the path is short enough for one
DATA/postgres.log   what the server had to say
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from yilian.postgres import memory, programs
from yilian.postgres.programs import MAJOR, Account

DATABASE = "yilian"
ROLE = "yilian"
LOG_LIMIT_BYTES = 10_000_000

SETTINGS: dict[str, str] = {
    "listen_addresses": "",  # no TCP
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "superuser_reserved_connections": "3",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",  # requests are short; compiling them costs more than it saves
    "io_method": "sync",  # the worker method keeps three processes for reads this store hardly makes
    "max_parallel_workers_per_gather": "0",  # one request shall not take every core
    "wal_buffers": "16MB",
    "min_wal_size": "192MB",
    "max_wal_size": "2GB",  # a load is not interrupted by checkpoints
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
"""What we set away from PostgreSQL's defaults, beside its share of memory (`memory.py`). fsync, full_page_writes and synchronous_commit
stay on: what was acknowledged is kept.

A file `local.conf` in the cluster folder is read after these and may change any of them.
"""


class DataFolderBusy(RuntimeError):
    """Another yilian runs the server in this data folder; the text names its process."""


class DataFolderUnusable(RuntimeError):
    """The data folder cannot be used as it is; the text says what to do."""


class Folder:
    """One data folder. `path` is made when it is missing; folders above it are never changed."""

    def __init__(self, path: Path, runner: Account) -> None:
        self.path = path.absolute()
        self.runner = runner
        self._lock: int | None = None

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    def hold(self, purpose: str) -> None:
        """Take the folder for this process, until `release` or the end of the process. Raises DataFolderBusy."""
        try:
            if not self.path.is_dir():
                self.path.mkdir(parents=True)
                self.path.chmod(0o711 if self.runner.switch else 0o700)
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderUnusable(
                f"The data folder {self.path} cannot be written: {error.strerror}. Choose another with --data."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 100).decode("utf-8", "replace").strip()
            os.close(handle)
            raise DataFolderBusy(
                f"The data folder {self.path} is in use by {holder or 'another process'}. Stop it, or choose another folder with --data."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} ({purpose})\n".encode())
        self._lock = handle

    def release(self) -> None:
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def prepare(self, binaries: Path, settings: Mapping[str, str]) -> None:
        """Make the cluster if there is none, check its version if there is one, and write our settings.

        A cluster is made beside its place and moved there when complete, so a run that was killed half-way leaves no half a cluster.
        """
        if not self.cluster.exists():
            if self.cluster.is_symlink():
                raise DataFolderUnusable(
                    f"{self.cluster} points to {self.cluster.readlink()}, which is gone. Restore it, or remove the link for a new store."
                )
            self._make(binaries)
        self._check()
        lines = [f"{name} = '{value}'" for name, value in {**SETTINGS, **memory.settings(memory.available()), **settings}.items()]
        (self.cluster / "yilian.conf").write_text(
            "# written by yilian at every start; put your own in local.conf\n" + "\n".join(lines) + "\n"
        )
        (self.cluster / "pg_hba.conf").write_text("local all all peer map=yilian\n")
        names = {self.runner.name, "root"} if self.runner.switch else {self.runner.name}
        (self.cluster / "pg_ident.conf").write_text(
            "".join(f"yilian {name} {role}\n" for name in sorted(names) for role in (ROLE, "postgres"))
        )
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _check(self) -> None:
        owner = self.cluster.stat().st_uid
        if owner != self.runner.uid:
            way = "as root" if owner_name(owner) == programs.ACCOUNT else "as that user"
            raise DataFolderUnusable(
                f"{self.cluster} belongs to the user {owner_name(owner)}. Run yilian {way}, or choose another folder with --data."
            )
        try:
            found = (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise DataFolderUnusable(
                f"{self.cluster} is not a PostgreSQL data folder. Move it away, or choose another folder with --data."
            ) from None
        if found != str(MAJOR):
            way = (
                "Use the newer yilian it was made with"
                if found.isdigit() and int(found) > MAJOR
                else "Back it up with the yilian it was made with, and restore here"
            )
            raise DataFolderUnusable(f"{self.cluster} was made by PostgreSQL {found}; this yilian brings {MAJOR}. {way}.")
        if self.runner.switch and not self.runner.reaches(self.cluster.resolve(), "-w"):
            raise DataFolderUnusable(
                f"The account {self.runner.name!r} cannot reach {self.cluster.resolve()}. Make the folders above it passable (chmod o+x), "
                "choose another with --data, or run yilian as the owner of the folder."
            )

    def _make(self, binaries: Path) -> None:
        home = self.path if self.runner.reaches(self.path) else self._elsewhere()
        fresh = Path(tempfile.mkdtemp(dir=home, prefix="postgres.new-"))
        try:
            if self.runner.switch:
                os.chown(fresh, self.runner.uid, self.runner.gid)
            self._initdb(binaries, fresh)
            place = home / "postgres"
            fresh.rename(place)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        if place != self.cluster:
            self.cluster.symlink_to(place)

    def _elsewhere(self) -> Path:
        """A place for the cluster of a data folder whose parents are closed to the account, e.g. a checkout below /root."""
        place = Path(tempfile.mkdtemp(dir=programs.open_ground(), prefix="data-"))
        place.chmod(0o711)
        (place / "made-for").write_text(f"{self.path}\n")
        return place

    def _initdb(self, binaries: Path, fresh: Path) -> None:
        self._run(
            [
                str(binaries / "initdb"), "--pgdata", str(fresh), "--username", "postgres", "--encoding", "UTF8", "--locale", "C",
                "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--data-checksums", "--auth-local", "peer",
                "--auth-host", "reject", "--no-instructions",
            ]
        )  # fmt: skip
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists 'yilian.conf'\ninclude_if_exists 'local.conf'\n")
        (fresh / "local.conf").write_text("# Your own PostgreSQL settings; read last, never changed by yilian.\n")
        # The server's own role owns its database and may make others (restore, tests), but is no superuser.
        sql = f"create role {ROLE} login createdb;\n\ncreate database {DATABASE} owner {ROLE};\n"
        self._run([str(binaries / "postgres"), "--single", "-j", "-D", str(fresh), "postgres"], sql)

    def _run(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, cwd="/", env=clean_environment(), check=False, **self.runner.options()
        )
        # The single-user server ends with 0 even when a statement failed.
        if done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
            raise DataFolderUnusable(
                f"{Path(command[0]).name} could not make a database in {self.path}:\n{done.stderr.strip() or done.stdout.strip()}"
            )

    def socket_folder(self) -> Path:
        """A private folder for the socket: beside the cluster, or in /tmp where that path would be too long for a socket."""
        beside = self.cluster.resolve().parent / "run"
        if len(os.fsencode(beside / SOCKET)) <= SOCKET_PATH_LIMIT:
            beside.mkdir(mode=0o700, exist_ok=True)
            place = beside
        else:
            place = Path(tempfile.mkdtemp(prefix=SHORT_PREFIX, dir="/tmp"))
        if self.runner.switch:
            os.chown(place, self.runner.uid, self.runner.gid)
        return place

    def sweep(self, socket_folder: Path) -> None:
        """Remove a socket folder that lies in the temporary folder and is ours."""
        if socket_folder.name.startswith(SHORT_PREFIX) and socket_folder.parent == Path("/tmp"):
            shutil.rmtree(socket_folder, ignore_errors=True)


PORT = 5432  # only a part of the socket's name
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103  # sun_path: 108 bytes on Linux, 104 on macOS, the closing NUL included
SHORT_PREFIX = "yilian-run-"


def owner_name(uid: int) -> str:
    """How the owner of a file is called; the number where it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def clean_environment() -> dict[str, str]:
    """The caller's environment without the variables that would bend PostgreSQL's programs, in a locale every machine has."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    with contextlib.suppress(KeyError):
        del kept["TZ"]
    return {**kept, "LC_ALL": "C"}
