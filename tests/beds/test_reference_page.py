"""docs/reference/beds.md lists what there is."""

from __future__ import annotations

import re
from pathlib import Path

from yilian.beds import board, contradictions, kinds, moves
from yilian.http.operations import beds

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "beds.md").read_text(encoding="utf-8")


def rows(heading: str, after: str = "## ") -> dict[str, str]:
    """The first two columns of the first table whose head begins with this word."""
    table = PAGE.split(f"| {heading} | ", 1)[1].split("\n\n")[0].split("\n")[2:]
    return {cells[1].strip(" `"): cells[2].strip() for cells in (line.split("|") for line in table)}


def test_kinds_states_and_contradictions_are_those_of_the_code() -> None:
    assert rows("kind") == {code: zh for code, (zh, _) in kinds.KINDS.items()}
    assert rows("state") == {code: board.STATES[code] for code in ("occupied", "stopped", "held", "cleaning", "free")}
    assert rows("contradiction") == contradictions.KINDS


def test_operations_and_ways_to_leave_are_all_there() -> None:
    said = re.findall(r"\| `(?:GET|POST|GET, POST) /Location(/\{[^}]*\})?/\$([a-z-]+)`", PAGE)
    assert sorted(("instance" if place else "type", name) for place, name in said) == sorted((o.level, o.name) for o in beds.OPERATIONS)
    assert f"离院方式 RC019: {', '.join(moves.DISPOSITIONS)}" in PAGE
