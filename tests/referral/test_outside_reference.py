"""docs/reference/outside.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from yilian import policy
from yilian.http.operations.outside import OPERATIONS
from yilian.referral import states
from yilian.referral.outside.answering import STEPS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "outside.md").read_text(encoding="utf-8")
CALLS = (ROOT / "web" / "src" / "outside" / "calls.ts").read_text(encoding="utf-8")


def test_every_step_and_what_it_takes_is_told_as_it_is() -> None:
    told = re.findall(r"^\| `([a-z]+)` (\S+) \| (.+) \|$", PAGE, re.M)
    assert told == [
        (code, states.ACTIONS[code][0], ", ".join(f"**`{name}`**" if needed else f"`{name}`" for name, needed in takes.items()))
        for code, takes in STEPS.items()
    ]


def test_the_steps_are_those_of_the_receiver_in_the_state_table() -> None:
    for code, takes in STEPS.items():
        row = next(row for row in states.ROWS if row.action == code)
        assert states.RECEIVER in row.who
        assert set(takes) - {"place", "doctor"} <= row.takes
        assert {name for name, needed in takes.items() if needed} >= set(row.requires)


def test_the_page_asks_for_what_the_server_takes() -> None:
    table = CALLS.split("export const FIELDS")[1].split("\n};")[0]
    asked = {}
    for code, fields in re.findall(r"^  (\w+): \[(.*?)\],$", table, re.M | re.S):
        asked[code] = {name: "must: true" in rest for name, rest in re.findall(r"name: '(\w+)'([^}]*)", fields)}
    assert asked == {code: dict(takes) for code, takes in STEPS.items() if code != "receive"} | {"receive": {}}


def test_every_policy_is_told_with_its_value() -> None:
    told = dict(re.findall(r"^\| `(outside\.\w+)` \| (\d+) ★", PAGE, re.M))
    shipped = {name: str(one.value) for name, one in policy.defaults().items() if name.startswith("outside.")}
    assert told == shipped


def test_every_operation_is_told() -> None:
    told = set(re.findall(r"^\| `(?:GET|POST) /fhir/\w+/\{id\}/\$([a-z-]+)`", PAGE, re.M))
    assert told == {one.name for one in OPERATIONS}
