"""docs/reference/matching.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from yilian import policy
from yilian.identity.matching.comparisons import reference
from yilian.identity.matching.keys import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "matching.md").read_text(encoding="utf-8")


def test_the_page_lists_every_level() -> None:
    assert reference() in PAGE


def test_the_page_lists_every_key_and_every_policy() -> None:
    for kind, what in KINDS.items():
        assert f"| {kind} | {what} |" in PAGE
    for name in policy.defaults():
        if name.startswith("match."):
            assert f"| `{name}` |" in PAGE
