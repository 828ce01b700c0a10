"""docs/reference/views.md says what is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from yilian.analytics.views import run, shipped
from yilian.analytics.views.definition import read

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "views.md").read_text("utf-8")


def test_the_page_lists_the_views_there_are() -> None:
    listed = re.findall(r"^\| `(\w+)` \| .* \| (\w+) \|$", PAGE, re.MULTILINE)
    assert sorted(listed) == [(name, shipped.view(name).resource) for name in shipped.names()]


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    def pressure(value: int) -> str:
        both = (("8480-6", value), ("8462-4", 80))
        component = [{"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": amount}} for code, amount in both]
        about = {"resourceType": "Observation", "subject": {"reference": "Patient/a"}, "effectiveDateTime": "2026-01-01"}
        return json.dumps({**about, "component": component})

    (tmp_path / "Observation.ndjson").write_text(f"{pressure(150)}\n{pressure(120)}\n", "utf-8")
    table = run.over_files(read(json.loads(block)), tmp_path)
    assert json.loads(run.as_json(table)) == [{"patient": "Patient/a", "measured": "2026-01-01", "systolic": 150}]


def test_the_page_tells_the_limit_of_rows() -> None:
    assert f"{run.MOST:,} rows" in PAGE
