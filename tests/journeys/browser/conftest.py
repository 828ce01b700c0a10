"""A real server with a small demo region, and people at browsers of their own.

The region is made once for each test process; each file has a copy of it and a server of its own, so that none finds what another one left.
Playwright too lasts as long as a file: while it runs, no other event loop can.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.conftest import _command, copied, on_database
from tests.journeys.browser.desk import DESKTOP, Desk, Size
from tests.journeys.browser.region import Facts, Somebody

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "test-results"
"""Pictures and console of what failed."""

YILIAN = [sys.executable, "-m", "yilian"]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

expect.set_options(timeout=15_000)
"""A machine with other work to do is slow, and nothing is proven by giving up on it."""

Open = Callable[..., Desk]


@dataclass(frozen=True, slots=True)
class Site:
    """A server that answers, and what its region holds."""

    url: str
    database: str
    facts: Facts
    outbox: Path
    """Where what is sent outside lies, a file for each letter."""
    brought: set[str] = field(default_factory=set)
    """Words in Latin letters that names and diagnoses of loaded records brought into lists."""

    def yilian(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """A command beside the server, on its database. given: what it reads from standard input."""
        command = [*YILIAN, *arguments, "--database-url", self.database]
        return subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=300, input=given)


def _environment() -> dict[str, str]:
    """The zone of the region is China's, as the pages have it; the machine's may be what it likes."""
    return {**os.environ, "YILIAN_ZONE": "Asia/Shanghai"}


@pytest.fixture(scope="session")
def region(cluster: str) -> Iterator[tuple[str, Facts]]:
    """The name of a database with the region in it, and what it holds."""
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium (tools/need_browser.sh says how to get one)")
    if not (ROOT / "web" / "dist" / "index.html").is_file():
        pytest.skip("the pages are not built (make web)")
    name = f"yilian_browser_{os.getpid()}"
    asyncio.run(_command(cluster, f'create database "{name}"'))
    furnishing = [sys.executable, "-m", "tests.journeys.browser.region", on_database(cluster, name)]
    made = subprocess.run(furnishing, cwd=ROOT, capture_output=True, text=True, env=_environment(), timeout=300)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    yield name, Facts(tuple(Somebody(**one) for one in found["people"]), found["referral"])
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


@pytest.fixture(scope="module")
def site(cluster: str, region: tuple[str, Facts], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    name, facts = region
    outbox = tmp_path_factory.mktemp("outbox")
    with copied(cluster, name) as own:
        address = on_database(cluster, own)
        with subprocess.Popen(
            [*YILIAN, "serve", "--port", "0", "--database-url", address],
            stdout=subprocess.PIPE,
            text=True,
            env={**_environment(), "YILIAN_OUTBOX_FOLDER": str(outbox)},
        ) as server:
            assert server.stdout is not None
            try:
                said = re.search(r"http://\S+", server.stdout.readline())
                assert said, "the server ended without a word"
                yield Site(said.group(), address, facts, outbox)
            finally:
                server.terminate()
                server.wait(30)


@pytest.fixture(scope="module")
def chromium(site: Site) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def at_a_desk(chromium: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`at_a_desk("gp")` is the general practitioner, signed in, at a browser of their own. What a browser complained of fails the test."""
    desks: list[Desk] = []

    def open_one(who: str, *, size: Size = DESKTOP, signed_in: bool = True, motion: bool = False) -> Desk:
        desk = Desk(chromium, site.url, who, size, site.brought, motion=motion)
        desks.append(desk)
        if signed_in:
            desk.sign_in()
        return desk

    yield open_one
    faults = [f"{desk.who}: {fault}" for desk in desks for fault in desk.faults]
    if faults or request.node.stash.get(_FAILED, False):
        folder = RESULTS / re.sub(r"\W+", "-", request.node.name)
        folder.mkdir(parents=True, exist_ok=True)
        for number, desk in enumerate(desks, 1):
            desk.keep(folder / f"{number}-{desk.who}")
    for desk in desks:
        desk.leave()
    assert not faults, "\n".join(faults)


_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report
