"""Make `src/yilian/terminology/tables/r4.jsonl.xz`: the code systems, value sets and concept maps HL7 publishes with FHIR R4 (4.0.1).

    python tools/make_terminology.py                 fetches the pinned package with `npm pack`
    python tools/make_terminology.py --package DIR   reads an unpacked one

The package is that of `hl7_package.py` (HL7's own files, CC0). One resource a line, sorted by type and url, without narrative, meta
and contacts; packed with xz. `tests/terminology/test_shipped_official.py` compares it with HL7's official package.
"""

from __future__ import annotations

import json
from pathlib import Path

from hl7_package import entries, from_package, write_packed

TABLE = Path(__file__).resolve().parent.parent / "src" / "yilian" / "terminology" / "tables" / "r4.jsonl.xz"
FILES = ("valuesets", "v2-tables", "v3-codesystems", "conceptmaps")
LEFT_OUT = ("text", "meta", "contact")


def main() -> None:
    from_package("Make the table of the terminology that comes with FHIR R4.", make)


def make(files: Path) -> None:
    found = [resource for name in FILES for resource in entries(files / f"{name}.json")]
    kept = [{key: value for key, value in one.items() if key not in LEFT_OUT} for one in found]
    kept.sort(key=lambda one: (one["resourceType"], one["url"]))
    lines = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in kept)
    write_packed(TABLE, lines)
    print(f"{TABLE.name}: {len(kept)} resources, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
