"""docs/reference/consent.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from yilian.access import break_glass, guardians, review, sensitivity
from yilian.access.consent_terms import KEPT, PURPOSES, RECIPIENTS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "consent.md").read_text(encoding="utf-8")


def test_every_kind_is_listed_with_its_bit_and_name() -> None:
    for kind in sensitivity.table().kinds.values():
        assert f"| {kind.name} | {kind.bit} | {kind.zh} |" in PAGE


def test_every_code_element_and_state_is_named() -> None:
    names = [*break_glass.CODES, *review.STATES, *PURPOSES, *RECIPIENTS, *guardians.PARENTS, *guardians.WARDENS, *(KEPT - {"id"})]
    assert [name for name in names if f"`{name}`" not in PAGE and f"|{name}" not in PAGE and f"{name}|" not in PAGE] == []
