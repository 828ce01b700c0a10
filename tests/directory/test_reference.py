"""docs/reference/directory.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from yilian import policy
from yilian.consortium import agreements, papers, warning
from yilian.consortium.codes import PAPERS
from yilian.directory import keeping, offers, ranking
from yilian.directory.codes import POSITIONS
from yilian.directory.columns import TABLES
from yilian.http import public_directory
from yilian.http.operations import consortium, directory_keeping
from yilian.http.operations.directory import CANDIDATES, EQUIPMENT

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "directory.md").read_text(encoding="utf-8")


def rows(heading: str) -> set[str]:
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_page_names_every_resource_that_is_read() -> None:
    assert rows("What says what") == set(TABLES)
    assert all(kind in PAGE for kind in POSITIONS)


def test_the_page_names_the_operations_of_the_forms() -> None:
    named = {operation.name for operation in directory_keeping.OPERATIONS}
    assert {name.split("$")[1] for name in rows("Keeping it by form")} - {"equipment"} == named
    part = PAGE.split("## Keeping it by form\n")[1].split("\n## ")[0]
    assert all(kind in part for kind in (*keeping.KINDS, *keeping.KEPT_TYPES, *(one for one in keeping.STATES if one)))
    asked = re.search(r"GET /fhir/HealthcareService/\$equipment\?(\S+?)`", PAGE)
    assert asked is not None
    assert {pair.split("=")[0] for pair in asked[1].split("&")} == {one.name for one in EQUIPMENT}


def test_the_page_names_what_a_consortium_is_run_with() -> None:
    named = rows("Running a consortium")
    assert {name.split("$")[1] for name in named if "$" in name} == {operation.name for operation in consortium.OPERATIONS}
    assert named >= PAPERS.keys()
    part = PAGE.split("## Running a consortium\n")[1].split("\n## ")[0]
    parameters = (
        *consortium.AGREEMENTS,
        *consortium.PAPERS,
        *consortium.PAPER,
        *consortium.RECTIFY,
        *consortium.RECTIFIED,
        *consortium.END,
    )
    assert all(f"`{one.name}`" in part for one in parameters)
    assert all(state in part for state in (*agreements.STATES, *papers.STATES))
    assert f"`{warning.WARN}`" in part
    for name, default in policy.defaults().items():
        if name.startswith("consortium."):
            assert f"`{name}`" in part
            assert f"{default.value} days" in part


def test_the_page_names_every_part_of_the_settings() -> None:
    assert rows("Referral settings") == set(offers._VALUES)


def test_the_page_names_every_reason() -> None:
    source = Path(ranking.__file__).read_text(encoding="utf-8")
    assert rows("$candidates") == set(re.findall(r'Reason\(\s*"([a-z-]+)"', source))


def test_the_page_names_the_parameters_policies_and_addresses() -> None:
    asked = re.search(r"GET /fhir/HealthcareService/\$candidates\?(\S+)", PAGE)
    assert asked is not None
    assert {pair.split("=")[0] for pair in asked[1].split("&")} == {one.name for one in CANDIDATES} - {"_count"}
    for name in (name for name in policy.defaults() if name.startswith("directory.")):
        assert f"`{name}`" in PAGE
    assert {name.split("?")[0] for name in rows("For anybody")} == {
        "GET /public/institutions",
        "GET /public/institutions/{id}",
        "GET /public/map",
        "GET /public/way",
    }
    assert f"{public_directory.PER_MIN} requests" in PAGE
