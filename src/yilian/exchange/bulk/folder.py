"""Where files of exports and imports lie: one folder each, below the folder of the settings. None of it is kept in the database.

Servers on several machines need one folder they all see.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

from yilian.errors import NotFound

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
NAME = re.compile(r"[A-Za-z0-9_-]{1,80}(?:\.[A-Za-z0-9_-]{1,40}){1,3}")
ORPHAN_S = 3600.0


class Folder:
    """The folder of all; made on first use, for the server's account alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, id: str) -> Path:
        """The folder of one, which is made if it is not there."""
        if not ID.fullmatch(id):
            raise NotFound("There is no such export or import.")
        folder = self.path / id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def file(self, id: str, name: str) -> Path:
        """One file of it. NotFound when it is not there, or the name is none."""
        if not ID.fullmatch(id) or not NAME.fullmatch(name) or not (path := self.path / id / name).is_file():
            raise NotFound("There is no such file; exports are deleted when they expire.", zh="没有该文件,导出文件到期后会被删除。")
        return path

    def remove(self, id: str) -> None:
        if ID.fullmatch(id):
            shutil.rmtree(self.path / id, ignore_errors=True)

    def older(self) -> list[str]:
        """Folders nobody has touched for an hour: whoever has no row in the database is not needed any more."""
        if not self.path.is_dir():
            return []
        limit = time.time() - ORPHAN_S
        ours = [entry for entry in os.scandir(self.path) if entry.is_dir() and ID.fullmatch(entry.name)]
        return [entry.name for entry in ours if entry.stat().st_mtime < limit]
