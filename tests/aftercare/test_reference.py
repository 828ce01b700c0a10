"""docs/reference/aftercare.md and handover.md say what the tables of the code say."""

from __future__ import annotations

import re
from pathlib import Path

from yilian import handover
from yilian.aftercare import form, lists, suspicions

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (FOLDER / "aftercare.md").read_text(encoding="utf-8")


def first_two(page: str, heading: str) -> list[dict[str, str]]:
    """For each table below a heading: the code and the Chinese words of its rows."""
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n?)+", section, re.MULTILINE)
    found = []
    for table in tables:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
        found.append({row[0].strip("`"): row[1] for row in rows})
    return found


def test_the_lists_and_rules_and_documents_are_told_as_they_are() -> None:
    visits, parameters = first_two(PAGE, "Visits")
    assert visits == {code: zh for code, (zh, _, _) in lists.LISTS.items()}
    assert first_two(PAGE, "Referrals that look wrong") == [suspicions.RULES]
    told = {name for names in parameters for name in names.replace("`", "").split(", ")}
    assert told == {"on", "next", *form.MEASURES, *form.CODED, *form.TEXTS}
    documents = (FOLDER / "handover.md").read_text(encoding="utf-8")
    assert first_two(documents, "Documents") == [{code: kind.zh for code, kind in handover.KINDS.items()}]


def test_every_code_of_the_form_is_told() -> None:
    for name, (_, table) in form.CODED.items():
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        assert re.findall(r"`([a-z-]+)`", line.split("|")[3]) == list(table)
