"""One language, two ways to run it: what index extraction compiles finds what the whole FHIRPath finds."""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yilian.errors import NotSupported
from yilian.fhir.definitions import RESOURCE_TYPES, search_parameters, structure
from yilian.fhir.fhirpath import compile_path, referred_type
from yilian.fhir.json import parse
from yilian.fhir.path import Outside, PathError, compile
from yilian.fhir.path.functions.kinds import truth

pytestmark = pytest.mark.shared_data


def expressions(kind: str) -> list[str]:
    bases = {kind, "Resource", structure(kind).base}
    return sorted({p["expression"] for p in search_parameters() if p.get("expression") and bases & set(p.get("base", ()))})


def resources(shared_data: Path) -> Iterator[dict[str, Any]]:
    """Two Synthea patients, a few of each of HL7's definitions, and the inputs of the official tests."""
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as lines:
        for line in itertools.islice(lines, 2):
            yield from (entry["resource"] for entry in parse(line)["entry"][:150])
    for path in sorted((shared_data / "fhir-r4-definitions").glob("*.ndjson.gz")):
        with gzip.open(path) as lines:
            yield from (parse(line) for line in itertools.islice(lines, 4))
    for path in sorted((shared_data / "fhirpath-r4-tests" / "inputs").glob("*.json")):
        yield parse(path.read_bytes())


def named(reference: str) -> dict[str, Any] | None:
    """For `resolve() is Patient`, a reference is to a resource of the type it names."""
    kind = referred_type({"reference": reference})
    return {"resourceType": kind} if kind else None


def test_every_search_expression_finds_the_same_both_ways(shared_data: Path, record_property: pytest.RecordProperty) -> None:
    compared = found = 0
    for resource in resources(shared_data):
        kind = resource["resourceType"]
        for expression in expressions(kind):
            short = [(value, type_) for value, type_ in compile_path(expression, kind)(resource)]
            whole = compile(expression, None).items(resource, outside=Outside(resolve=named))
            values = [(item.value, item.type.replace("System.Boolean", "boolean")) for item in whole if item.value is not None]
            unique = [pair for place, pair in enumerate(short) if pair not in short[:place]]  # | leaves out what is there twice
            assert unique == [pair for place, pair in enumerate(values) if pair not in values[:place]], (kind, expression)
            compared += 1
            found += bool(short)
    record_property("compared", compared)
    assert compared > 10_000
    assert found > 2_000


def test_every_type_has_its_expressions_in_both(shared_data: Path) -> None:
    for kind in RESOURCE_TYPES:
        for expression in expressions(kind):
            nothing = {"resourceType": kind}
            short = [value for value, _ in compile_path(expression, kind)(nothing)]
            assert short == compile(expression).evaluate(nothing), expression
            assert short in ([], [False], [nothing])


def test_the_official_tests_it_understands_give_the_official_answers(shared_data: Path) -> None:
    """The conformance tests run on the whole language; those that can be compiled for extraction give the same there."""
    path = Path(__file__).parents[1] / "conformance" / "test_fhirpath.py"
    spec = importlib.util.spec_from_file_location("official_fhirpath", path)
    assert spec is not None
    assert spec.loader is not None
    official = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = official
    spec.loader.exec_module(official)
    understood = 0
    for case in official.cases():
        if case.invalid or not case.input:
            continue
        resource = official.resource(case.input)
        try:
            short = [value for value, _ in compile_path(case.expression, resource["resourceType"])(resource)]
        except NotSupported:
            continue
        whole = compile(case.expression).items(resource)
        assert json.dumps(short, default=str) == json.dumps([i.value for i in whole if i.value is not None], default=str), case.expression
        understood += 1
        if case.predicate:
            assert truth(whole) is True
    assert understood >= 13


def test_what_cannot_be_read_is_refused_by_both() -> None:
    for text in ("Patient.name.", "Patient.name[", "Patient..name", "and", "Patient.name.where("):
        with pytest.raises(PathError):
            compile(text)
        with pytest.raises(NotSupported):
            compile_path(text, "Patient")
