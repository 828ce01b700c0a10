"""docs/explanation/store.md says what is so: its tables exist, its worked rows are the ones that are made."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.search.extract import extract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "store.md").read_text("utf-8")
SCHEMA = (ROOT / "src" / "yilian" / "store" / "schema.sql").read_text("utf-8")


def test_every_table_it_names_is_there_and_no_index_table_is_left_out() -> None:
    tables = set(re.findall(r"^create table (\w+)", SCHEMA, re.MULTILINE))
    named = set(
        re.findall(r"`((?:index_\w+)|resource|history|concept|namespace|access_ground|referral|policy|audit_event|expunged)`", PAGE)
    )
    assert named <= tables
    assert {table for table in tables if table.startswith("index_")} <= named


def test_the_worked_rows_are_those_that_are_made() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    rows = extract(parse(block.encode()))
    said = {table: int(count) for table, count in re.findall(r"^\| `(\w+)` \| (\d+):", PAGE, re.MULTILINE)}
    assert rows.clinical is not None
    made = Counter(
        resource=1,
        index_clinical=len(rows.clinical.codings),
        index_token=len(rows.tokens),
        index_reference=len(rows.references),
        index_quantity=len(rows.quantities),
    )
    assert said == dict(made)
    begins = datetime(2026, 3, 1, tzinfo=region_zone())
    assert (rows.clinical.lo, rows.clinical.hi) == (begins.astimezone(UTC), (begins + timedelta(days=1)).astimezone(UTC))


def test_the_files_it_points_to_are_there() -> None:
    for name in re.findall(r"`((?:src|decisions|explanation|reference|tests)/[\w./-]+)`", PAGE):
        assert any((base / name).exists() for base in (ROOT, ROOT / "docs")), name
