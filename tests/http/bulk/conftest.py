"""A server with a folder for files, that imports from two hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.house import Server, running


@pytest.fixture
async def server(furnished_dsn: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(furnished_dsn, bulk_folder=str(tmp_path), import_hosts="127.0.0.1:8123, files.example") as started:
        yield started
