"""An expression of one line cannot keep the server busy or fill its memory, whoever writes it into a patch or a profile."""

from __future__ import annotations

import time

import pytest

from yilian.errors import TooLarge
from yilian.fhir.patch import of_parameters
from yilian.fhir.path import compile
from yilian.fhir.path.errors import PathExecutionError

PATIENT = {"resourceType": "Patient", "name": [{"family": "a" * 40 + "b"}, {"family": "b"}]}
SECONDS = 5.0
"""Of the processor; each of these would take hours, or all memory."""


@pytest.mark.parametrize(
    "expression",
    [
        "name" + ".select($this.combine($this))" * 28,
        "'x'" + ".select($this & $this)" * 40,
        "'x'" + ".replace('x', 'xx')" * 40,
        "'x'" + ".replaceMatches('x', 'xxxxxxxxxx')" * 12,
        "'xxxxxxxxxxxxxxxx'" + ".select($this & $this)" * 14 + ".toChars().join('" + "x" * 100 + "')",
        "name.family.first().matches('^(a|a)+$')",
        "name.family.first().matchesFull('(a|a)+')",
        "name.family.first().replaceMatches('(a|a)+$', '')",
        "(10).power(999990).ceiling()",
        "(10).power(999990) div 3",
        "name.first().aggregate($total.combine($this), %resource.name)" + ".select($this.combine($this).combine($this))" * 18,
    ],
)
def test_what_would_grow_without_end_is_ended(expression: str) -> None:
    begun_s = time.process_time()
    with pytest.raises(PathExecutionError):
        compile(expression, "Patient").items(PATIENT)
    assert time.process_time() - begun_s < SECONDS


def test_a_patch_of_many_slow_operations_is_ended_too() -> None:
    slow = "Patient.name.first().where(family.matches('^(a|aa)+$'))"
    heavy = (
        "Patient.name.where(true).select($this)"
        + ".combine(Patient.name)" * 10
        + ".select($this.combine(%resource.descendants()))" * 3
        + ".where(false)"
    )
    for path in (slow, heavy):
        parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": path}]
        patch = of_parameters({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}] * 1000})
        begun_s = time.process_time()
        with pytest.raises((PathExecutionError, TooLarge)):
            patch(PATIENT)
        assert time.process_time() - begun_s < SECONDS


def test_what_is_within_bounds_is_calculated() -> None:
    assert compile("name.family.first().matches('^a+b$')", "Patient").evaluate(PATIENT) == [True]
    assert compile("(10).power(20).ceiling()", "Patient").evaluate(PATIENT) == [10**20]
    assert len(compile("name" + ".select($this.combine($this))" * 10, "Patient").items(PATIENT)) == 2048
