"""The whole house as for tests/http, and a real clamd that knows one signature, made here."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.http.house import Server, running
from tests.uploads.samples import EICAR
from yilian.records import clamd

CLAMD = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
SIGNATURE = "Yilian.Test.Eicar"


@pytest.fixture
async def server(furnished_dsn: str) -> AsyncIterator[Server]:
    """Without a clamd."""
    async with running(furnished_dsn) as started:
        yield started


@contextmanager
def clamd_running(folder: Path) -> Iterator[str]:
    """A clamd on a socket file of this folder; its address."""
    if CLAMD is None:
        pytest.skip("clamd is not installed (apt-get install clamav-daemon)")
    signatures = folder / "signatures"
    signatures.mkdir(exist_ok=True)
    (signatures / "test.ndb").write_text(f"{SIGNATURE}:0:*:{EICAR.hex()}\n")
    settings = folder / "clamd.conf"
    settings.write_text(
        f"LocalSocket {folder}/clamd.sock\nDatabaseDirectory {signatures}\nForeground yes\nLogFile {folder}/clamd.log\n"
        "StreamMaxLength 1M\nSelfCheck 3600\nMaxThreads 2\n"
    )
    with (folder / "said.log").open("ab") as said:
        process = subprocess.Popen([CLAMD, "--config-file", str(settings)], stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "clamd.sock").exists():
            assert process.poll() is None, (folder / "said.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield str(folder / "clamd.sock")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="session")
def scanner() -> Iterator[str]:
    """The address of a clamd that runs as long as the tests."""
    folder = Path(tempfile.mkdtemp(prefix="yilian-clamd-"))
    try:
        with clamd_running(folder) as address:
            asyncio.run(clamd.scan(address, b"hello"))
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)
