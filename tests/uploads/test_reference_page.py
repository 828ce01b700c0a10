"""docs/reference/uploads.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from yilian import policy
from yilian.records.contents import DIGEST, SCAN, STATES, TAKEN, WORST, ZH

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "uploads.md").read_text()


def part(name: str) -> str:
    found = re.search(f"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE, re.S)
    assert found is not None
    return found[1]


def test_the_page_lists_the_types_of_resources_and_the_sizes() -> None:
    assert part("types").split(", ") == sorted(TAKEN)
    sizes = policy.defaults()["upload.mib_by_type"].value
    assert part("sizes").splitlines()[2:] == [f"| `{kind}` | {most} |" for kind, most in sorted(sizes.items())]


def test_the_page_names_the_states_and_their_addresses() -> None:
    assert set(WORST) == set(ZH)
    for state in WORST:
        assert f"| `{state}` | {ZH[state].partition('，')[0]}" in PAGE
    for address in (STATES, SCAN, DIGEST):
        assert address in PAGE
