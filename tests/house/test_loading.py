"""What every command and server process loads, and what waits until it is wanted: each start of a program pays for the first."""

from __future__ import annotations

import subprocess
import sys

import pytest

WAITS = ("aiohttp", "aiosmtplib", "duckdb", "openpyxl", "pyarrow", "pypinyin", "splink", "webauthn")
"""Large, and needed by few: for letters, people with passkeys, lists in Excel, names by pinyin, linkage."""


@pytest.mark.parametrize("module", ["yilian.app", "yilian.command.demo", "yilian.command.load", "yilian.command.serve"])
def test_what_few_need_is_loaded_where_it_is_used(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({set(WAITS)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == []
