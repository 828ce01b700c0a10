"""The keys as they stand in the database: made, counted, wrapped anew, and moved on through their states."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from yilian.errors import BadRequest, Conflict
from yilian.sealing import master as masters
from yilian.sealing.keyring import PURPOSES
from yilian.sealing.master import KeyUnusable, Master
from yilian.sealing.suites import SUITES

if TYPE_CHECKING:
    from yilian.db import Tx

LOCK = "select pg_advisory_xact_lock(hashtext('yilian sealing keys'))"
INSERT = "insert into sealing_key (id, suite, purpose, state, wrapped, created) values ($1, $2, $3, $4, $5, now())"
LIST = "select id, suite, purpose, state, created, retired from sealing_key order by created, purpose"
SECRET = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as it is listed: no part of it is secret. Times aware."""

    id: str
    suite: str
    purpose: str
    state: str
    created: datetime
    retired: datetime | None


async def ensure(dsn: str, file: Path, suite: str, *, may_make: bool) -> bool:
    """The first keys of a database that has none, and a run for what is in it already; True when they were made. Safe to call by several
    at once and at every start.

    file      of the master key; `may_make`: it is made too where it is missing
    Raises KeyUnusable when the database has keys and this is not the file they were wrapped with, or when there is none.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute(LOCK)
            rows = await connection.fetch("select id, suite, purpose, wrapped from sealing_key")
            if rows:
                master = masters.read(file)
                for row in rows:
                    master.unwrap(SUITES[row["suite"]], row["id"], row["purpose"], bytes(row["wrapped"]))
                return False
            if not await asyncio.to_thread(file.exists):
                if not may_make:
                    raise KeyUnusable(
                        f"There is no master key in {file}. Make one with `yilian key new`, keep a copy where backups of keys lie, and give"
                        " every server of the region the same (key_file).",
                        zh="缺少主密钥文件,请联系系统管理员。",
                    )
                masters.make(file)
            master = masters.read(file)
            for purpose in PURPOSES:
                await connection.execute(INSERT, *_new(master, suite, purpose))
            if await connection.fetchval("select exists (select from resource) or exists (select from signing_key)"):
                await connection.execute("insert into sealing_run (plain, requested) values (true, now())")
            return True
    finally:
        await connection.close()


def _new(master: Master, suite: str, purpose: str, state: str = "active") -> tuple[str, str, str, str, bytes]:
    if suite not in SUITES:
        raise BadRequest(f"There is no suite {suite!r}; there are {', '.join(SUITES)}.")
    id, made = secrets.token_hex(4), SUITES[suite]
    key = secrets.token_bytes(made.key_bytes if purpose == "values" else SECRET)
    return id, suite, purpose, state, master.wrap(made, id, purpose, key)


async def rotate(tx: Tx, suite: str | None) -> int:
    """New keys for values and index, of this suite (None: the one that is in use); number of the run that brings everything over to them.

    They are coming: the run makes them active once every server knows them. Raises Conflict while a run is open, KeyUnusable, BadRequest.
    """
    await tx.execute(LOCK)
    if await tx.fetchval("select exists (select from sealing_run where state <> 'done')"):
        raise Conflict("What was sealed is just being brought over to other keys; wait for that to end (`yilian key status`).")
    wanted = suite or await tx.fetchval("select suite from sealing_key where purpose = 'values' and state = 'active'")
    if wanted is None:
        raise KeyUnusable("This database has no keys yet; start the server once.")
    for purpose in ("values", "index"):
        await tx.execute(INSERT, *_new(tx.db.ring.master, wanted, purpose, "coming"))
    return int(await tx.fetchval("insert into sealing_run (plain, requested) values (false, clock_timestamp()) returning id"))


async def seal(tx: Tx) -> int:
    """A run that seals what was never sealed, and brings over what stands under older keys; the number of the one that is open already."""
    await tx.execute(LOCK)
    run = await tx.fetchval("select id from sealing_run where state <> 'done'")
    if run is None:
        run = await tx.fetchval("insert into sealing_run (plain, requested) values (true, clock_timestamp()) returning id")
    return int(run)


async def switch(tx: Tx) -> None:
    """What is coming is active from now on, what was active is retiring."""
    await tx.execute(
        "update sealing_key k set state = 'retiring' where state = 'active'"
        " and exists (select from sealing_key n where n.purpose = k.purpose and n.state = 'coming')"
    )
    await tx.execute("update sealing_key set state = 'active' where state = 'coming'")


async def retire(tx: Tx) -> None:
    await tx.execute("update sealing_key set state = 'retired', retired = clock_timestamp() where state = 'retiring'")


async def listed(tx: Tx) -> Sequence[Entry]:
    return [Entry(*row) for row in await tx.fetch(LIST)]


async def rewrap(tx: Tx, new: Path) -> int:
    """Wrap every data key with the master key in `new` instead of the one in use; how many. Nothing sealed is touched.

    Raises KeyUnusable; Conflict while there are secrets an older version sealed with the master key itself.
    """
    await tx.execute(LOCK)
    old, master = tx.db.ring.master, masters.read(new)
    if await tx.fetchval("select exists (select from totp where get_byte(secret, 0) = 1)"):
        raise Conflict(
            "Some secrets of authenticator apps are sealed with the master key itself; `yilian key seal` brings them over first."
        )
    rows = await tx.fetch("select id, suite, purpose, wrapped from sealing_key for update")
    for row in rows:
        suite = SUITES[row["suite"]]
        key = old.unwrap(suite, row["id"], row["purpose"], bytes(row["wrapped"]))
        await tx.execute("update sealing_key set wrapped = $2 where id = $1", row["id"], master.wrap(suite, row["id"], row["purpose"], key))
    return len(rows)
