"""HL7's own patch cases for R4, as data. What does not pass stands in `skips/patch.toml` with its reason, and must go on failing."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from yilian.errors import YilianError
from yilian.fhir.patch import fhirpath_patch, json_patch
from yilian.fhir.xml import parse

pytestmark = pytest.mark.shared_data

DATA = Path(os.environ.get("YILIAN_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
FOLDER = DATA / "fhir-patch-r4"
SKIPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "skips" / "patch.toml").read_text("utf-8"))["skips"]


@dataclass(frozen=True)
class Case:
    """A document, the patch, and what is to come out; `expected` is None where the patch is to be refused."""

    name: str
    document: Any
    patch: Any
    expected: Any


def _resource(case: ElementTree.Element, name: str) -> dict[str, Any]:
    holder = case.find(name)
    assert holder is not None
    return parse(ElementTree.tostring(holder[0]))


@cache
def cases() -> tuple[Case, ...]:
    if not FOLDER.is_dir():
        return ()
    found = [
        Case(f"fhirpath/{case.get('name')}", _resource(case, "input"), _resource(case, "diff"), _resource(case, "output"))
        for case in ElementTree.parse(FOLDER / "fhir-patch-tests.xml").getroot()
    ]
    for case in json.loads((FOLDER / "json-patch-tests.json").read_text("utf-8"), parse_float=Decimal):
        found.append(Case(f"json/{case['comment']}", case["doc"], case["patch"], case.get("expected")))
    return tuple(found)


def outcome(case: Case) -> Any:
    """What comes out; None when it is refused."""
    make = fhirpath_patch.patch if case.name.startswith("fhirpath/") else json_patch.patch
    try:
        return make(case.patch)(json_patch.copied(case.document))
    except YilianError:
        return None


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_patch_does_what_its_case_says(case: Case) -> None:
    passes = outcome(case) == case.expected
    if case.name in SKIPS:
        assert not passes, f"{case.name} passes: take it out of skips/patch.toml"
        pytest.skip(SKIPS[case.name])
    assert passes, (outcome(case), case.expected)


def test_all_cases_are_there(shared_data: Path) -> None:
    assert len(cases()) == 25
    assert set(SKIPS) <= {case.name for case in cases()}
