"""Resources the reference validator judged, as data: whether one is refused here is compared with whether it was refused there.

Only that counts, not the words. What is judged otherwise stands in `skips/validator.toml` with its reason, and must go on being so.
"""

from __future__ import annotations

import csv
import os
import tomllib
from functools import cache
from pathlib import Path

import pytest

from yilian.errors import YilianError
from yilian.fhir import xml
from yilian.fhir.json import parse
from yilian.validation import issues

pytestmark = pytest.mark.shared_data

DATA = Path(os.environ.get("YILIAN_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
FOLDER = DATA / "fhir-validator-r4"
SKIPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "skips" / "validator.toml").read_text("utf-8"))["skips"]


@cache
def cases() -> tuple[dict[str, str], ...]:
    if not FOLDER.is_dir():
        return ()
    with (FOLDER / "cases.csv").open(encoding="utf-8") as table:
        return tuple(csv.DictReader(table))


def faults(name: str) -> list[str]:
    """Why a file is refused; empty when it is not."""
    data = (FOLDER / "resources" / name).read_bytes()
    try:
        resource = xml.parse(data) if name.endswith(".xml") else parse(data)
    except YilianError as error:
        return [str(error)]
    return [issue.diagnostics for issue in issues(resource) if issue.severity in ("fatal", "error")]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases()])
def test_a_resource_is_refused_where_the_reference_validator_refuses_it(case: dict[str, str]) -> None:
    found = faults(case["file"])
    same = bool(found) is (case["expected"] == "invalid")
    reason = SKIPS.get(case["name"])
    if reason is None:
        assert same, found
    elif same:
        pytest.fail(f"{case['name']} is judged alike; take it out of skips/validator.toml")
    else:
        pytest.skip(reason)


def test_nothing_valid_is_refused_and_every_skip_names_a_case(shared_data: Path) -> None:
    expected = {case["name"]: case["expected"] for case in cases()}
    assert set(SKIPS) <= set(expected)
    assert {expected[name] for name in SKIPS} == {"invalid"}
    assert len(cases()) == 74
