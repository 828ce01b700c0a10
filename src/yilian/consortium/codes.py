"""The words of this room as CodeSystems."""

from __future__ import annotations

from typing import Any

from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept

PAPERS: dict[str, tuple[str, str]] = {
    "resolution": ("决议", "Resolution"),
    "rule": ("制度", "Rule"),
    "annual-plan": ("年度计划", "Annual plan"),
    "agreement": ("协议文本", "Signed agreement"),
}
"""Kinds of a paper of a consortium: what its committee decides (GOV-4), and the signed text of an agreement (GOV-2)."""

STEPS: dict[str, tuple[str, str]] = {
    "rectification": ("限期整改", "To rectify"),
    "membership-ended": ("终止成员资格", "Membership ended"),
}
"""What is done about a member (GOV-4)."""


def definitions() -> list[dict[str, Any]]:
    """CodeSystems of this room, ready to be stored. Chinese is the display."""
    return [
        code_system(urls.CONSORTIUM_PAPER, "ConsortiumPaper", "医联体文件类别", [concept(code, *said) for code, said in PAPERS.items()]),
        code_system(urls.CONSORTIUM_STEP, "ConsortiumStep", "医联体成员处置", [concept(code, *said) for code, said in STEPS.items()]),
    ]


def coded(system: str, code: str, words: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """A CodeableConcept in Chinese."""
    return {"coding": [{"system": system, "code": code, "display": words[code][0]}], "text": words[code][0]}
