"""docs/reference/keyboard.md names the keys that the pages know."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "keyboard.md").read_text(encoding="utf-8")
LAYOUT = ROOT / "web" / "src" / "layout"


def test_the_page_lists_the_keys_that_are_shown_and_no_others() -> None:
    shown = re.findall(r"^  \[\[(.+)\], 'keys\.", (LAYOUT / "KeysHelp.tsx").read_text(encoding="utf-8"), re.MULTILINE)
    table = PAGE.partition("## Keys")[2].partition("\n## ")[0]
    told = re.findall(r"^\| ((?:`[^`]+` ?)+) \|", table, re.MULTILINE)
    assert [re.findall(r"'([^']+)'", one) for one in shown] == [re.findall(r"`([^`]+)`", one) for one in told]


def test_every_key_of_the_page_itself_is_heard() -> None:
    heard = set(re.findall(r"event\.key === '([^']+)'", (LAYOUT / "usePageKeys.ts").read_text(encoding="utf-8")))
    rows = set(re.findall(r"event\.key === '([^']+)'", (ROOT / "web" / "src" / "list" / "useRowKeys.ts").read_text(encoding="utf-8")))
    assert heard | rows == {"/", "a", "?", "Escape", "j", "k", "Enter"}
