"""Profiles and extensions HL7 publishes with R4 (`bp`, `vitalsigns`, `patient-birthPlace` …), which are no resources of the store.

`tables/profiles.jsonl.xz`, one StructureDefinition a line with its differential alone, made by `tools/make_profiles.py`; read when the
first of them is asked for. A region that stores its own under the same url is answered by that.
"""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path
from typing import Any

from yilian.fhir.json import parse

FILE = Path(__file__).parent / "tables" / "profiles.jsonl.xz"


@cache
def _lines() -> dict[str, bytes]:
    """url → the line, as read: half a megabyte, of which few lines are ever needed as objects."""
    found: dict[str, bytes] = {}
    for line in lzma.decompress(FILE.read_bytes()).splitlines():
        url, _, text = line.partition(b" ")
        found[url.decode()] = text
    return found


def definition(url: str) -> dict[str, Any] | None:
    """The StructureDefinition HL7 ships under a url, None where it ships none."""
    line = _lines().get(url)
    return parse(line) if line is not None else None


def urls() -> tuple[str, ...]:
    """All of them."""
    return tuple(_lines())
