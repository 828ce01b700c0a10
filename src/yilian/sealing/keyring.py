"""The data keys of a database, unwrapped, in this process; everything that is sealed, opened or blinded goes through here.

A key goes four ways: `coming` (every process is to know it, nothing is written with it yet), `active`, `retiring` (what it sealed is being
sealed anew), `retired` (it opens what somebody may still hold, and is looked for no more). Every process reads the keys anew each
`EVERY_S` seconds, and does nothing with what it read more than `OLDEST_S` ago: so after that time all of them know of a change.

Opening asks for no database: ids of keys are random, and a process has the keys of every database it has open.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag

from yilian.errors import NotSupported, Unavailable
from yilian.sealing import master as masters
from yilian.sealing import personal
from yilian.sealing.master import KeyUnusable, Master
from yilian.sealing.personal import MARK
from yilian.sealing.suites import NONCE, SUITES, Sealer, Suite

END = "\ufdd1"
_MARK = MARK.encode()
SEPARATOR = "\0"
"""Between the values of one text: none holds it, since JSON escapes it."""
ID = 8
"""Characters of the id of a key."""
EVERY_S = 1.0
OLDEST_S = 4.0
PAUSE_S = 1.0
"""After keys could not be read, nobody tries again for so long."""
PURPOSES = ("values", "index", "trail")
LIVE = ("coming", "active", "retiring")
BLIND = 16
"""Bytes of a blind index: two values of a region do not meet by chance."""

KEYS = """
select k.id, k.suite, k.purpose, k.state, k.wrapped, k.created,
       exists (select from sealing_run r where r.plain and r.state <> 'done') as plain
from sealing_key k order by k.created, k.id
"""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One key; `secret` seals through `sealer`, or is what blind indexes are hashed with."""

    id: str
    suite: Suite
    purpose: str
    state: str
    created: datetime
    secret: bytes
    sealer: Sealer


class Keyring:
    """The keys of the database at `dsn`. Without a key file, or before the first key is made, nothing is sealed.

    Raises KeyUnusable from `load` when the keys of the database cannot be unwrapped.
    """

    def __init__(self, dsn: str, file: Path | None) -> None:
        self.dsn = dsn
        self.file = file
        self.keys: dict[str, DataKey] = {}
        self.plain = False
        """Whether something may still be there that was written before anything was sealed."""
        self.on = False
        self._master: Master | None = None
        self._looked = self._failed = -math.inf
        self.is_away: Callable[[], bool] = bool
        """Whether the database is known not to answer: then it is not asked."""
        self._values: DataKey | None = None
        self._index: DataKey | None = None
        self._trail: DataKey | None = None
        self._live: tuple[DataKey, ...] = ()

    def load(self, rows: Sequence[Any]) -> None:
        """Take up the rows of `KEYS`."""
        self._looked = time.monotonic()
        if not rows:
            return
        if self.file is None:
            raise KeyUnusable("This database is sealed; name the file of its master key with key_file.")
        master = self._master = self._master or masters.read(self.file)
        keys: dict[str, DataKey] = {}
        for row in rows:
            known = self.keys.get(row["id"])
            if known is not None and known.state == row["state"]:
                keys[known.id] = known
                continue
            suite = SUITES[row["suite"]]
            secret = known.secret if known is not None else self._unwrapped(master, suite, row)
            sealer = known.sealer if known is not None else suite.sealer(secret[: suite.key_bytes])
            keys[row["id"]] = DataKey(row["id"], suite, row["purpose"], row["state"], row["created"], secret, sealer)
        active = {key.purpose: key for key in keys.values() if key.state == "active"}
        self._values, self._index, self._trail = (active[purpose] for purpose in PURPOSES)
        self._live = tuple(key for key in keys.values() if key.purpose == "index" and key.state in LIVE)
        self.keys, self.plain, self.on = keys, rows[0]["plain"], True
        _opening.update({key.id: key for key in keys.values()})

    def _unwrapped(self, master: Master, suite: Suite, row: Any) -> bytes:
        try:
            return master.unwrap(suite, row["id"], row["purpose"], bytes(row["wrapped"]))
        except KeyUnusable:
            if self.file is None or not self.keys:
                raise
            self._master = masters.read(self.file)  # wrapped anew with another master key meanwhile
            return self._master.unwrap(suite, row["id"], row["purpose"], bytes(row["wrapped"]))

    @property
    def seals(self) -> bool:
        """Whether this database is sealed. Unavailable while that cannot be found out."""
        return self.file is not None and self._fresh().on

    @property
    def master(self) -> Master:
        """Raises KeyUnusable."""
        if self._master is None:
            if self.file is None:
                raise KeyUnusable("No file of a master key is named (key_file).", zh="未配置主密钥文件,请联系系统管理员。")
            self._master = masters.read(self.file)
        return self._master

    # --- sealing

    def seal(self, text: bytes, about: str) -> str:
        """The text sealed; `about`: what it is and where it stands, to be told again when it is opened."""
        key = self._fresh()._values
        if key is None:
            raise KeyUnusable("This database has no keys yet; start the server once, or run `yilian key new`.")
        return _sealed(key, text, about.encode())

    def seal_body(self, rid: int, kind: str, resource: Mapping[str, Any], text: str) -> str:
        """The text of a resource with what is personal in it sealed; the same text where nothing is, or the database is not sealed."""
        if not self.seals:
            return text
        spans = personal.spans(kind, resource, text)
        if not spans:
            return text
        key = self._values
        assert key is not None
        values = SEPARATOR.join(text[begin:end] for begin, end in spans)
        parts: list[str] = []
        before = 0
        for begin, end in spans:
            parts += text[before:begin], MARK + END if before else _sealed(key, values.encode(), _place(rid))
            before = end
        parts.append(text[before:])
        return "".join(parts)

    def seal_column(self, column: str, row: object, text: bytes) -> bytes:
        """A value that has a column for itself ("signing_key.private"), in the row with this key, as UTF-8; as given where nothing is
        sealed."""
        return self.seal(text, f"{column}|{row}").encode() if self.seals else text

    # --- blind indexes

    def blind(self, param: int, value: str) -> str:
        """What stands in the index of exact values in place of the value."""
        if not self.seals:
            return value
        key = self._index
        assert key is not None
        return _blind(key, param, value)

    def blinds(self, param: int, value: str) -> list[str]:
        """Everything that may stand there in place of the value now."""
        if not self.seals:
            return [value]
        found = [_blind(key, param, value) for key in self._live]
        return [*found, value] if self.plain else found

    def is_current(self, value: str) -> bool:
        """Whether this stands in the index under the key of today."""
        return self._index is None or value.startswith(self._index.id + ".")

    def current_id(self) -> str:
        """Id of the key that values are sealed with now. KeyUnusable where there is none."""
        key = self._fresh()._values
        if key is None:
            raise KeyUnusable("This database has no keys yet; start the server once, or run `yilian key new`.")
        return key.id

    def outdated(self, text: str) -> bool:
        """Whether a text holds anything sealed with another key than that of today."""
        key = self._values
        if key is None:
            return False
        at = text.find(MARK)
        return at >= 0 and not text.startswith(key.id, at + 1)

    def fingerprint(self, value: str) -> str:
        """What the trail keeps of a value: the same for the same value for as long as the database lives."""
        key = self._trail
        return value if key is None else base64.urlsafe_b64encode(key.suite.mac(key.secret, value.encode())[:BLIND]).decode().rstrip("=")

    # --- keeping up

    def _fresh(self) -> Keyring:
        if time.monotonic() - self._looked > OLDEST_S:
            self.look_again()
        return self

    def look_again(self) -> None:
        """Read the keys anew, now, on a connection of its own. The caller waits: some milliseconds, once after a change, or where this
        process was too busy to read them in time. Raises Unavailable."""
        if self.is_away() or time.monotonic() < self._failed + PAUSE_S:
            raise _unread()
        failed: list[BaseException] = []

        def look() -> None:
            try:
                self.load(asyncio.run(_rows(self.dsn)))
            except BaseException as error:
                failed.append(error)

        looking = threading.Thread(target=look, name="keyring")
        looking.start()
        looking.join()
        if failed:
            self._failed = time.monotonic()
            if isinstance(failed[0], KeyUnusable):
                raise failed[0]
            raise _unread() from failed[0]


def _unread() -> Unavailable:
    return Unavailable("The keys cannot be read from the database.", zh="数据库暂时无法连接,请稍后重试。", retry_after_s=2)


async def _rows(dsn: str) -> list[Any]:
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=2, command_timeout=5, server_settings={"application_name": "yilian keys"})
    try:
        return list(await connection.fetch(KEYS))
    finally:
        await connection.close(timeout=2)


_opening: dict[str, DataKey] = {}
_open: list[Keyring] = []


def begin(ring: Keyring) -> None:
    """From now on searches ask by the keys of this ring too."""
    _open.append(ring)


def end(ring: Keyring) -> None:
    if ring in _open:
        _open.remove(ring)


def is_sealed() -> bool:
    """Whether what this process has open is sealed."""
    return any(ring.seals for ring in _open)


def blinds(param: int, value: str) -> list[str]:
    """Everything that may stand in the index of exact values for this value of the parameter with this number."""
    if len(_open) == 1:
        return _open[0].blinds(param, value)
    found: dict[str, None] = {}
    for ring in _open:
        found.update(dict.fromkeys(ring.blinds(param, value)))
    return list(found) or [value]


def refuse_order(code: str) -> None:
    """NotSupported for results in the order of values that are sealed: their blind indexes have none."""
    if is_sealed():
        raise NotSupported(
            f"_sort={code}: its values are sealed at rest and have no order in the index; sort by another parameter.",
            zh="证件号码与联系方式已加密存储,不能按其排序。",
        )


def opened(rid: int, body: str) -> str:
    """The text of a resource with its sealed values opened; what holds none is given back as it is.

    rid: key of the resource. Unavailable for what was tampered with, taken from elsewhere, or sealed with a key nobody has.
    """
    if MARK not in body:
        return body
    before, holding, *others = body.split(MARK)
    token, _, after = holding.partition(END)
    values = _unsealed(token, _place(rid)).decode().split(SEPARATOR)
    if len(values) != 1 + len(others):
        raise _damaged(_place(rid))
    parts = [before, values[0], after]
    for value, other in zip(values[1:], others, strict=True):
        parts += value, other[1:]  # behind END
    return "".join(parts)


def unseal(token: str, about: str) -> bytes:
    """What `Keyring.seal` sealed. Unavailable as `opened`."""
    return _unsealed(token.removeprefix(MARK).removesuffix(END), about.encode())


def open_column(column: str, row: object, stored: bytes) -> bytes:
    """What stands in a column of its own, sealed or as it was given before anything was sealed. Unavailable as `opened`."""
    return unseal(stored.decode(), f"{column}|{row}") if stored.startswith(_MARK) else stored


def _place(rid: int) -> bytes:
    return b"body|%d" % rid


def _sealed(key: DataKey, text: bytes, about: bytes) -> str:
    nonce = secrets.token_bytes(NONCE)
    raw = nonce + key.sealer.encrypt(nonce, text, about)
    return f"{MARK}{key.id}{base64.urlsafe_b64encode(raw).decode()}{END}"


def _unsealed(token: str, about: bytes) -> bytes:
    key = _opening.get(token[:ID]) or _looked_up(token[:ID], _open)
    try:
        raw = base64.urlsafe_b64decode(token[ID:])
        return key.sealer.decrypt(raw[:NONCE], raw[NONCE:], about)
    except (InvalidTag, binascii.Error, ValueError):
        raise _damaged(about) from None


def _damaged(about: bytes) -> Unavailable:
    return Unavailable(
        f"A sealed value does not open where it stands ({about.decode(errors='replace')}): it was changed or brought from elsewhere.",
        zh="加密数据校验失败,请联系系统管理员。",
    )


def _looked_up(id: str, rings: Iterable[Keyring]) -> DataKey:
    for ring in list(rings):
        if ring.on:
            ring.look_again()
    key = _opening.get(id)
    if key is None:
        raise Unavailable(f"A value is sealed with key {id!r}, which this database does not have.", zh="缺少解密密钥,请联系系统管理员。")
    return key


def _blind(key: DataKey, param: int, value: str) -> str:
    made = key.suite.mac(key.secret, b"%d|" % param + value.encode())[:BLIND]
    return f"{key.id}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"
