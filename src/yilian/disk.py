"""How much room there is where the embedded database lies, so that the last of it is not written full.

A PostgreSQL that cannot make its next file of the write-ahead log ends, and does not start again before there is room. So the server stops
storing while some is left: what reads leave in the trail, sign-in and jobs go on with the rest. Of a database on another machine nothing is
known here; there PostgreSQL refuses (`db.py` tells it the same way).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from yilian.errors import NoRoom

LOOK_S = 0.25
"""How long what was seen is believed."""
RETRY_S = 60
MIB = 1024 * 1024
WAL = "pg_wal"


class Disk:
    """The disk the cluster in `folder` lies on, and the one its write-ahead log is on, if that is another: whichever has less room.

    `reserve` bytes are left alone; `clock` counts seconds and never goes back.
    """

    def __init__(self, folder: Path, reserve: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self.reserve = reserve
        self.clock = clock
        self._looked = float("-inf")
        self._free: int | None = None

    @property
    def free(self) -> int | None:
        """Bytes an ordinary account may still write; None where that cannot be told. At most `LOOK_S` old."""
        now = self.clock()
        if now - self._looked >= LOOK_S:
            found = [free for place in (self.folder, self.folder / WAL) if (free := _free(place)) is not None]
            self._looked, self._free = now, min(found, default=None)
        return self._free

    @property
    def is_low(self) -> bool:
        """Whether only the reserve is left."""
        free = self.free
        return free is not None and free < self.reserve

    def require(self) -> None:
        """NoRoom where nothing more is to be stored."""
        if self.is_low:
            raise no_room(f"{(self.free or 0) // MIB} MiB are free, {self.reserve // MIB} MiB are kept free (disk_reserve_bytes).")


def no_room(why: str) -> NoRoom:
    """What whoever wanted to store something is told."""
    return NoRoom(
        f"The disk of the database is full: {why} Nothing was stored. Make room on that disk; writes then go on by themselves.",
        zh="数据库磁盘空间不足,未写入任何内容。请联系管理员清理或扩充磁盘,之后无需重启即可继续。",
        retry_after_s=RETRY_S,
    )


def _free(folder: Path) -> int | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
