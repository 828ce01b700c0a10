"""docs/reference/referral.md says what the table says."""

from __future__ import annotations

from pathlib import Path

from yilian.referral.states import ACTIONS, ROWS, STATES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "referral.md").read_text(encoding="utf-8")


def cells(heading: str) -> list[list[str]]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def test_every_state_is_told_as_it_is() -> None:
    assert cells("States") == [[s.code, s.zh, s.task, s.request, s.turn or "–"] for s in STATES.values()]


def test_every_row_of_the_table_is_told_as_it_is() -> None:
    told = [
        [
            ", ".join(row.start),
            f"{row.action} {ACTIONS[row.action][0]}",
            " or ".join(row.end),
            ", ".join(row.who),
            ", ".join([*row.requires, *([" or ".join(row.one_of)] if row.one_of else [])]) or "–",
            ", ".join(row.optional) or "–",
        ]
        for row in ROWS
    ]
    assert cells("The state table") == told
