"""A page of the reference as data: its sections, the examples in its `http` blocks, the rows of its tables.

An example is a request as it would be sent, and behind `#` what comes: the status, how many matches (`2 found`), how many resources go
along with them (`3 along`), who asks (`as admin`; 张伟 otherwise), and after a colon words for the reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
_request = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE) (/\S*(?: [^\s#]\S*)*)\s*(?:# (.*))?")
_expected = re.compile(r"(\d{3})(?:, (\d+) found)?(?:, (\d+) along)?(?:, as (\w+))?(?:: .+)?")
_header = re.compile(r"([A-Z][A-Za-z-]+): (.+)")


@dataclass(slots=True)
class Example:
    """One request and what is said of its answer; None where nothing is said."""

    method: str
    address: str
    status: int
    found: int | None = None
    along: int | None = None
    who: str = "gp"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    text: str

    def examples(self) -> list[Example]:
        """Raises ValueError for a line of a block that is none of what is told above."""
        return [one for block in re.findall(r"^```http\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL) for one in _examples(block)]

    def rows(self, table: int = 0) -> list[list[str]]:
        """The cells of one of its tables, without the head; `\\|` is a bar."""
        tables = re.findall(r"(?:^\|.*\n?)+", self.text, re.MULTILINE)
        lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in tables[table].splitlines()[2:]]
        return [[cell.strip().replace("\\|", "|") for cell in cells] for cells in lines]


def sections(name: str) -> dict[str, Section]:
    """Title → section of `docs/reference/{name}.md`; what stands before the first title is under ""."""
    parts = re.split(r"^## (.+)\n", (FOLDER / f"{name}.md").read_text("utf-8"), flags=re.MULTILINE)
    found = [Section("", parts[0]), *(Section(title, text) for title, text in zip(parts[1::2], parts[2::2], strict=True))]
    return {one.title: one for one in found}


def code(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def _examples(block: str) -> list[Example]:
    found: list[Example] = []
    for line in block.splitlines():
        begun = _request.fullmatch(line)
        if begun:
            expected = _expected.fullmatch(begun[3] or "")
            if expected is None:
                raise ValueError(f"what comes is not said: {line}")
            status, matches, along, who = expected.groups()
            numbers = [int(number) if number else None for number in (matches, along)]
            found.append(Example(begun[1], begun[2], int(status), numbers[0], numbers[1], who or "gp"))
        elif found and not found[-1].body and (header := _header.fullmatch(line)):
            found[-1].headers[header[1]] = header[2]
        elif found and line.strip():
            found[-1].body += line + "\n"
        elif line.strip():
            raise ValueError(f"before any request: {line}")
    return found
