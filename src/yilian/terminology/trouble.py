"""Issues of terminology, with the kind of trouble as a coding that other terminology servers use too.

Kinds are from http://hl7.org/fhir/tools/CodeSystem/tx-issue-type (HL7's terminology ecosystem guide); the issue code is R4's.
"""

from __future__ import annotations

from yilian.errors import Issue

KIND = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"


def issue(code: str, kind: str, diagnostics: str, *, severity: str = "error", expression: str = "", zh: str = "") -> Issue:
    """One issue: `code` of R4's issue types, `kind` of trouble, English, where, Chinese."""
    return Issue(severity, code, diagnostics, expression, zh, (KIND, kind) if kind else None)
