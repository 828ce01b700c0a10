"""Make `src/yilian/validation/tables/profiles.jsonl.xz`: the profiles and extensions HL7 publishes with FHIR R4 (4.0.1).

    python tools/make_profiles.py                 fetches the pinned package with `npm pack`
    python tools/make_profiles.py --package DIR   reads an unpacked one

The package is that of `make_definitions.py` (HL7's own files, CC0). Each line is the url, a space and the StructureDefinition with its
differential alone, without what only people read; packed with xz. `tests/validation/test_shipped_profiles.py` compares it with HL7's own.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from make_definitions import PACKAGE, entries

TABLE = Path(__file__).resolve().parent.parent / "src" / "yilian" / "validation" / "tables" / "profiles.jsonl.xz"
FILES = ("profiles-others", "extension-definitions")
KEPT = (
    "resourceType",
    "url",
    "version",
    "name",
    "status",
    "kind",
    "abstract",
    "context",
    "contextInvariant",
    "type",
    "baseDefinition",
    "derivation",
)
LEFT_OUT = (
    "short",
    "definition",
    "comment",
    "requirements",
    "alias",
    "mapping",
    "example",
    "meaningWhenMissing",
    "orderMeaning",
    "isSummary",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of the profiles and extensions that come with FHIR R4.")
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
    kept = {
        one["url"]: short(one) for one in found if one["resourceType"] == "StructureDefinition" and one.get("derivation") == "constraint"
    }
    lines = "".join(f"{url} {json.dumps(kept[url], ensure_ascii=False, separators=(',', ':'))}\n" for url in sorted(kept))
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_bytes(lzma.compress(lines.encode(), format=lzma.FORMAT_XZ, preset=6 | lzma.PRESET_EXTREME))
    print(f"{TABLE.name}: {len(kept)} definitions, {TABLE.stat().st_size:,} bytes, {len(lines):,} unpacked")


def short(one: dict[str, Any]) -> dict[str, Any]:
    """The definition with what is needed to hold a resource against it."""
    elements = [{key: value for key, value in element.items() if key not in LEFT_OUT} for element in one["differential"]["element"]]
    return {key: one[key] for key in KEPT if key in one} | {"differential": {"element": elements}}


if __name__ == "__main__":
    main()
