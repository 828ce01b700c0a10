"""Issues as OperationOutcome."""

from __future__ import annotations

from yilian.errors import Issue
from yilian.fhir.outcome import outcome
from yilian.validation import issues


def test_an_issue_speaks_to_the_person_and_to_the_engineer() -> None:
    issue = Issue("error", "value", "There is no such day.", "Patient.birthDate", "日期不存在。")
    assert outcome([issue]) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "value",
                "details": {"text": "日期不存在。"},
                "diagnostics": "There is no such day.",
                "expression": ["Patient.birthDate"],
            }
        ],
    }


def test_what_is_not_known_is_left_out_and_the_outcome_is_sound() -> None:
    assert outcome([Issue("error", "invalid", "Wrong.")])["issue"] == [{"severity": "error", "code": "invalid", "diagnostics": "Wrong."}]
    assert issues(outcome([])) == []
    assert issues(outcome([Issue("fatal", "structure", "a", "Patient", "b")])) == []
