"""A command carried out in this process: `cli.main`, from the line that was typed to the code it ends with.

A program of its own takes a second more, most of it for what is imported. Where that it is a program is the matter (what ends when it is
killed, what runs beside it), a test starts one; `test_commands.py` shows of every way out that no traceback is printed.
"""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from yilian import cli


def commanded(*arguments: str, text: str = "") -> tuple[int, str, str]:
    """The code it ended with, standard output and standard error. text: what stands on standard input. Not from within an event loop."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", io.StringIO(text))
        try:
            code = cli.main(arguments)
        except SystemExit as end:  # a command line that makes no sense
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


async def yilian(*arguments: str) -> tuple[int, str, str]:
    """The same, from a test with an event loop."""
    return await asyncio.to_thread(commanded, *arguments)
