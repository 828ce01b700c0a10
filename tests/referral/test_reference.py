"""docs/reference/referral.md says what the table says."""

from __future__ import annotations

from pathlib import Path

from yilian.policy import defaults
from yilian.referral.codes import CIRCUMSTANCES, GREEN_CHANNEL, LEAVE_REASONS
from yilian.referral.states import ACTIONS, ROWS, STATES
from yilian.referral.worklists import LISTS

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


def test_the_endings_marks_and_their_codes_are_told() -> None:
    section = PAGE.split("## Endings and marks\n")[1].split("\n## First visit")[0]
    for code in (*LEAVE_REASONS, *CIRCUMSTANCES, *GREEN_CHANNEL):
        assert code in section, code
    for policy in ("ended_by_itself", "no_show_after_minutes", "green_channel_opened_by"):
        assert f"`referral.{policy}`" in section
        assert f"referral.{policy}" in defaults()


def test_every_worklist_is_told() -> None:
    section = PAGE.split("## Worklists\n")[1]
    for code, one in LISTS.items():
        assert f"`{code}` {one.zh}" in section, code
