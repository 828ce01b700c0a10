"""HL7's own FHIRPath tests for R4, as data. What does not pass stands in `skips/fhirpath.toml` with its reason, and must go on failing.

Most tests give a resource in XML, which the small reader below turns into JSON.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from yilian.fhir.json import parse as parse_json
from yilian.fhir.path import PathError, compile
from yilian.fhir.path.functions.kinds import truth
from yilian.fhir.path.items import Item, is_primitive, ways

pytestmark = pytest.mark.shared_data

DATA = Path(os.environ.get("YILIAN_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
FOLDER = DATA / "fhirpath-r4-tests"
SKIPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "skips" / "fhirpath.toml").read_text("utf-8"))["skips"]


@dataclass(frozen=True)
class Case:
    name: str
    expression: str
    input: str
    invalid: str
    strict: bool
    predicate: bool
    ordered: bool
    outputs: tuple[tuple[str, str], ...]


@cache
def cases() -> tuple[Case, ...]:
    if not FOLDER.is_dir():
        return ()
    found = []
    for group in ElementTree.parse(FOLDER / "tests-fhir-r4.xml").getroot():
        for test in group:
            expression = test.find("expression")
            assert expression is not None
            found.append(
                Case(
                    f"{group.get('name')}/{test.get('name')}",
                    expression.text or "",
                    test.get("inputfile", ""),
                    expression.get("invalid", ""),
                    test.get("mode") == "strict",
                    test.get("predicate") == "true",
                    test.get("ordered") != "false",
                    tuple((output.get("type", ""), output.text or "") for output in test.findall("output")),
                )
            )
    return tuple(found)


@cache
def resource(name: str) -> dict[str, Any]:
    path = FOLDER / "inputs" / name
    if path.suffix == ".json":
        return parse_json(path.read_bytes())
    root = ElementTree.parse(path).getroot()
    kind = local(root)
    return {"resourceType": kind, **element(root, kind)}


def local(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def element(node: ElementTree.Element, type: str) -> dict[str, Any]:
    """An element of FHIR's XML as its JSON."""
    out: dict[str, Any] = {key: value for key, value in node.attrib.items() if key in ("id", "url")}
    for below in node:
        key = local(below)
        way = ways(type).get(key)
        if way is None:
            continue
        if way.type == "xhtml":
            out[key] = ElementTree.tostring(below, encoding="unicode")
            continue
        if not is_primitive(way.type):
            put(out, key, element(below, way.type), way.many)
            continue
        text, beside = below.get("value"), element(below, "Element")
        if text is not None:
            put(out, key, primitive(text, way.type), way.many)
        if beside:
            put(out, "_" + key, beside, way.many)
    return out


def put(out: dict[str, Any], key: str, value: Any, many: bool) -> None:
    if many:
        out.setdefault(key, []).append(value)
    else:
        out[key] = value


def primitive(text: str, type: str) -> Any:
    if type == "boolean":
        return text == "true"
    if type in ("integer", "positiveInt", "unsignedInt"):
        return int(text)
    return Decimal(text) if type == "decimal" else text


def shown(item: Item) -> str:
    value = item.value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


TYPES = {"integer": ("Integer",), "boolean": ("Boolean",), "string": ("String",), "date": ("Date",), "dateTime": ("DateTime",)}


def run(case: Case) -> str:
    """ "" when the test passes, else what was different."""
    given = resource(case.input) if case.input else {"resourceType": "Basic"}
    kind = given["resourceType"] if case.strict else None
    try:
        found = compile(case.expression, kind).items(given, now=datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
        if case.predicate:
            found = [Item(truth(found) is True, "System.Boolean")]
    except PathError as error:
        return "" if case.invalid else f"refused: {error}"
    if case.invalid:
        return f"not refused, gives {[shown(item) for item in found]}"
    texts = [shown(item) for item in found]
    wanted = [text.removeprefix("@") for _, text in case.outputs]
    if not case.ordered:
        texts, wanted = sorted(texts), sorted(wanted)
    if texts != wanted:
        return f"{texts} instead of {wanted}"
    for item, (kind, _) in zip(found, case.outputs, strict=True):
        if kind and case.ordered and item.type != kind and item.type.removeprefix("System.") not in TYPES.get(kind, ()):
            return f"{item.type} instead of {kind}"
    return ""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_an_official_expression_gives_the_official_answer(case: Case) -> None:
    different = run(case)
    reason = SKIPS.get(case.name)
    if reason is None:
        assert different == "", case.expression
    elif different == "":
        pytest.fail(f"{case.name} passes; take it out of skips/fhirpath.toml")
    else:
        pytest.skip(reason)


def test_every_skip_names_a_test_and_few_are_skipped(shared_data: Path) -> None:
    assert set(SKIPS) <= {case.name for case in cases()}
    assert len(SKIPS) <= 0.03 * len(cases())
