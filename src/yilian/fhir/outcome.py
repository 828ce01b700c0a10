"""Issues as an OperationOutcome: `details.text` for the person at the screen, `diagnostics` for the engineer.

http://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yilian.errors import Issue


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """The OperationOutcome that lists these issues; "all is well" when there are none, since R4 wants at least one."""
    return {"resourceType": "OperationOutcome", "issue": [_one(issue) for issue in issues or (ALL_OK,)]}


ALL_OK = Issue("information", "informational", "All is well.", zh="没有问题。")


def _one(issue: Issue) -> dict[str, Any]:
    entry: dict[str, Any] = {"severity": issue.severity, "code": issue.code}
    if issue.coding:
        system, code = issue.coding
        entry["details"] = {"coding": [{"system": system, "code": code}], "text": issue.zh or issue.diagnostics}
    elif issue.zh:
        entry["details"] = {"text": issue.zh}
    entry["diagnostics"] = issue.diagnostics
    if issue.expression:
        entry["expression"] = [issue.expression]
    return entry
