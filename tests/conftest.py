"""What every test may ask for: a real PostgreSQL, and a fresh migrated database on it.

    cluster    address of a running server; one for each test process, started on first use
    template   name of a migrated database, made once for each test process
    dsn        address of a fresh copy of it, dropped after the test
    db         that copy as an open `yilian.db.Database` with plain hooks (nothing is validated, nothing reacts)
    prepared   name of a database with all that a server puts there before it starts, made once for each test process
    furnished  name of one with the small region of `tests/http/house.py` in it besides
    prepared_dsn, furnished_dsn    address of a fresh copy of them, dropped after the test

Set TEST_DATABASE_URL to run them on a server of your own; its user must be allowed to create databases.
The region's zone and the machine's zone are two odd ones, neither UTC nor China's, so that a slip shows.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

REGION_ZONE = "Asia/Kathmandu"  # +05:45
os.environ["YILIAN_ZONE"] = REGION_ZONE  # for servers the tests start as programs
os.environ["TZ"] = "Pacific/Chatham"  # +12:45, +13:45 in summer
time.tzset()

if sys.dont_write_bytecode:  # kept out of the folders of the sources; each program a test starts would compile them all anew
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
gc.disable()  # until everything is collected: what the modules and the tests consist of stays to the end

import asyncpg  # noqa: E402
import psutil  # noqa: E402
import pytest  # noqa: E402
from argon2 import PasswordHasher  # noqa: E402

from yilian.access import passwords  # noqa: E402
from yilian.config import Settings  # noqa: E402
from yilian.db import Database  # noqa: E402
from yilian.fhir.dates import use_region_zone  # noqa: E402
from yilian.postgres import Embedded  # noqa: E402
from yilian.sealing import master  # noqa: E402
from yilian.store.hooks import Hooks  # noqa: E402

use_region_zone(REGION_ZONE)
master.make(Settings().key_path)
os.environ["YILIAN_KEY_FILE"] = str(Settings().key_path.resolve())  # the same for what is opened here and for programs

SHARED_DATA = Path(os.environ.get("YILIAN_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")

FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",
    "autovacuum": "off",  # a worker of it would hinder dropping a test's database, and plans would depend on when it came by
}
"""A test database need not survive a power cut."""


IN_MEMORY, ROOM = Path("/dev/shm"), 3 * 1024**3
FOLDERS = "yilian-test-"


def in_memory() -> Path | None:
    """A folder in memory, if there is plenty: each test has a database of its own; copying one takes a disk three to ten times as long."""
    try:
        free = shutil.disk_usage(IN_MEMORY).free
    except OSError:
        return None
    return IN_MEMORY if min(free, psutil.virtual_memory().available) > ROOM and os.access(IN_MEMORY, os.W_OK) else None


@contextmanager
def folder_of_ones_own() -> Iterator[Path]:
    """A new folder, in memory if there is plenty, removed afterwards. What runs that were killed left there is removed beforehand: each
    holds a lock as long as it lives, and the memory they took would send those that come after them to the disk."""
    for place in (IN_MEMORY, Path(tempfile.gettempdir())):
        for owner in place.glob(f"{FOLDERS}*/owner"):
            try:
                with owner.open("r+") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(owner.parent, ignore_errors=True)
            except OSError:
                continue  # somebody is still at it, or it is another person's
    folder = Path(tempfile.mkdtemp(prefix=FOLDERS, dir=in_memory()))
    folder.chmod(0o711)  # called by root, PostgreSQL runs as another account and has to get in
    with (folder / "nearly").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        (folder / "nearly").rename(folder / "owner")
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def on_database(address: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(address)._replace(path="/" + name)) if "://" in address else address


def zone_at_noon() -> str:
    """A zone where it is about noon now, for tests that need hours of one day around them, whenever they are run."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # Etc/GMT+5 is five hours behind UTC


@pytest.fixture(autouse=True)
def zone_of_the_region() -> Iterator[None]:
    """Whatever a test told the house, the next one starts in the tests' own zone."""
    yield
    use_region_zone(REGION_ZONE)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of collected data sets; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no collected data sets (YILIAN_SHARED_DATA or ../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    own = os.environ.get("TEST_DATABASE_URL")
    if own:
        with to_make_databases(own):
            yield own
        return
    with folder_of_ones_own() as folder:
        server = Embedded(folder / "data", FAST)
        try:
            address = server.start()
            with to_make_databases(address):
                yield address
        finally:
            server.stop()


@contextmanager
def to_make_databases(address: str) -> Iterator[None]:
    """One connection for all the databases that are made and dropped, several in each test that has one."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        connection = runner.run(asyncpg.connect(address))
        _makers[address] = runner, connection
        try:
            yield
        finally:
            del _makers[address]
            runner.run(connection.close())


_makers: dict[str, tuple[asyncio.Runner, asyncpg.Connection]] = {}


def _make(address: str, sql: str) -> None:
    runner, connection = _makers[address]
    runner.run(connection.execute(sql))


@pytest.fixture(scope="session")
def template(cluster: str) -> Iterator[str]:
    name = f"yilian_template_{os.getpid()}"

    async def make() -> None:
        from yilian.store.migrate import migrate

        await _command(cluster, f'create database "{name}"')
        await migrate(on_database(cluster, name))

    asyncio.run(make())
    yield name
    _make(cluster, f'drop database "{name}" with (force)')


_numbers = itertools.count(1)


@contextmanager
def copied(cluster: str, template: str) -> Iterator[str]:
    """The name of a database that is a copy of this one as it is now, and is dropped afterwards. Nobody may be connected to the one copied.

    Not from within an event loop."""
    name = f"{template}_{next(_numbers)}"
    way = "wal_log" if os.environ.get("TEST_DATABASE_URL") else "file_copy"  # copying files asks for checkpoints, quick only without fsync
    _make(cluster, f'create database "{name}" template "{template}" strategy {way}')
    yield name
    _make(cluster, f'drop database "{name}" with (force)')


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Argon2 with the smallest cost, for people who are there before a test begins."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", lambda: quick)
        yield


@pytest.fixture
def dsn(cluster: str, template: str) -> Iterator[str]:
    with copied(cluster, template) as name:
        yield on_database(cluster, name)


@pytest.fixture(scope="session")
def prepared(cluster: str, template: str) -> Iterator[str]:
    from yilian import app

    with copied(cluster, template) as name:
        asyncio.run(app.prepare(Settings(), on_database(cluster, name)))
        yield name


@pytest.fixture(scope="session")
def furnished(cluster: str, prepared: str) -> Iterator[str]:
    from tests.http.house import settle

    with copied(cluster, prepared) as name:
        with cheap_passwords():
            asyncio.run(settle(on_database(cluster, name)))
        yield name


@pytest.fixture
def prepared_dsn(cluster: str, prepared: str) -> Iterator[str]:
    with copied(cluster, prepared) as name:
        yield on_database(cluster, name)


@pytest.fixture
def furnished_dsn(cluster: str, furnished: str) -> Iterator[str]:
    with copied(cluster, furnished) as name:
        yield on_database(cluster, name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, Hooks(validate=lambda resource: []))
    await database.open()
    yield database
    await database.close()


def pytest_collection_finish() -> None:
    """What is there by now is not looked through again, and what comes later not as often as is usual: a server does the same."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much the generated tests compared, by file: what they gave to `record_property("compared", …)`; and the sizes of what they were
    generated from (`record_property("matrix", …)`)."""
    compared: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        file = report.nodeid.partition("::")[0]
        compared[file] += sum(number for name, number in report.user_properties if name == "compared")
        for text in (text for name, text in report.user_properties if name == "matrix"):
            terminalreporter.write_line(f"{file}: {text}")
    for file, number in sorted((+compared).items()):
        terminalreporter.write_line(f"{file}: {number:,} answers compared")


async def _command(address: str, sql: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
