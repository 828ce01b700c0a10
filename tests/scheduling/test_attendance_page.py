"""docs/reference/attendance.md lists what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from yilian import policy
from yilian.http.operations import attendance, own_bookings
from yilian.scheduling import appeals, day_list

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "attendance.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    table = PAGE[PAGE.index(heading) :].split("\n\n")[0]
    return re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE)


def test_every_operation_stands_on_the_page() -> None:
    named = set(re.findall(r"\$([a-z-]+)", PAGE))
    assert {one.name for one in (*attendance.OPERATIONS, *own_bookings.OPERATIONS)} <= named


def test_every_group_rulebook_and_step_stands_on_the_page() -> None:
    assert first_cells("| status of") == list(day_list.GROUPS)
    assert first_cells("| rulebook |") == list(policy.defaults()["booking.rulebooks"].value)
    steps = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", PAGE, re.MULTILINE)
    assert {(state, action): after for state, action, after in steps} == dict(appeals.STATES)


def test_every_policy_the_page_names_is_one() -> None:
    named = set(re.findall(r"`(booking\.\w+)`", PAGE))
    assert named <= set(policy.defaults())
