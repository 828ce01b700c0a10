"""Files of FHIR resources, read line by line: Bundles or NDJSON; plain, .gz or .zip.

Nothing is unpacked to disk and no file is held in memory whole, except a .json file, which is one resource.
"""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yilian.errors import BadRequest

SUFFIXES = (".json", ".ndjson", ".jsonl")

ORDER = (  # NDJSON exports come one file a type: what others refer to is loaded first
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Medication",
    "Patient",
    "Device",
    "Coverage",
    "CareTeam",
    "Encounter",
    "Condition",
    "Observation",
)


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of lines. `digest` names its content; `size` is in bytes as stored (packed), for the progress bar."""

    path: Path
    member: str
    digest: str
    size: int

    @property
    def name(self) -> str:
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @contextmanager
    def lines(self) -> Iterator[Iterator[tuple[int, bytes, int]]]:
        """(line number from 1, line, packed bytes read so far). Empty lines are left out. BadRequest when the file is damaged."""
        with self.path.open("rb") as raw:
            if self.path.suffix == ".zip":
                with zipfile.ZipFile(raw) as packed, packed.open(self.member) as inner:
                    yield self._numbered(inner, inner)  # type: ignore[arg-type]
            elif self.path.suffix == ".gz":
                with gzip.open(raw) as inner:
                    yield self._numbered(inner, raw)  # type: ignore[arg-type]
            else:
                yield self._numbered(raw, raw)

    def _numbered(self, inner: BinaryIO, raw: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
        name = self.member or self.path.name.removesuffix(".gz")
        try:
            if name.endswith(".json"):
                yield 1, inner.read(), self.size
                return
            for number, line in enumerate(inner, 1):
                if line.strip():
                    yield number, line, raw.tell()
        except (EOFError, OSError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
            raise BadRequest(
                f"{self.name} is damaged or cut short: {error}. What was read before is stored; get the file again and repeat."
            ) from error


def find(paths: list[Path]) -> list[Source]:
    """Every source in `paths` (files, or folders of files), what others refer to first. BadRequest for a missing or unknown file."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(p for p in path.iterdir() if p.is_file() and _known(p.name)))
        elif path.is_file():
            files.append(path)
        else:
            raise BadRequest(f"{path} is not there.", zh=f"找不到文件 {path}。")
    found: list[Source] = []
    for path in files:
        digest = _digest(path)
        if path.suffix == ".zip":
            try:
                with zipfile.ZipFile(path) as packed:
                    members = [info for info in packed.infolist() if not info.is_dir() and _known(info.filename)]
            except zipfile.BadZipFile as error:
                raise BadRequest(f"{path} is not a readable zip file.") from error
            found.extend(Source(path, info.filename, digest, info.file_size) for info in members)
        elif _known(path.name):
            found.append(Source(path, "", digest, path.stat().st_size))
        else:
            raise BadRequest(f"{path.name} is of no kind that is read here: {', '.join(SUFFIXES)}, each also .gz, or .zip.")
    return sorted(found, key=_rank)


def _known(name: str) -> bool:
    return name.removesuffix(".gz").endswith(SUFFIXES) or name.endswith(".zip")


def _rank(source: Source) -> int:
    stem = (source.member or source.path.name).rpartition("/")[2].partition(".")[0]
    return ORDER.index(stem) if stem in ORDER else len(ORDER)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
