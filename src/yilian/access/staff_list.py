"""A list of staff as CSV (RFC 4180): one account a line, taken in with a report of every line, or only tried.

Columns, by the Chinese or the English name in the first line: 用户名 user, 姓名 name, 岗位 post (several with 、or ;), 机构 institution
(its name or Organization/…; empty: the asker's own), 有效期 until (YYYY-MM-DD, the last day; may be missing). UTF-8, with or without BOM,
or GB 18030, which is what spreadsheets in China write. A line that cannot be taken is told why and the others are taken all the same.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

from yilian.access import administration, institutions, password_rules, passwords
from yilian.access.accounts import Post, canonical
from yilian.access.administration import Manager
from yilian.access.policy import policy
from yilian.errors import BadRequest, Conflict, TooLarge, YilianError
from yilian.fhir.dates import region_zone
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

MOST_LINES = 200
"""Each account's password is hashed, which takes a quarter of a second."""
COLUMNS = {
    "用户名": "user", "user": "user", "姓名": "name", "name": "name", "岗位": "post", "post": "post",
    "机构": "institution", "institution": "institution", "有效期": "until", "until": "until",
}  # fmt: skip
NEEDED = ("user", "name", "post")

Outcome = Literal["added", "would-be-added", "exists", "refused"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; `number` is that of the file, the first line (the names of columns) being 1."""

    number: int
    user: str
    name: str
    post: str
    institution: str
    until: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a line. `password`: to be read out to its owner, only where it was added."""

    line: Line
    outcome: Outcome
    text: str = ""
    zh: str = ""
    password: str = ""


def lines(content: bytes) -> list[Line]:
    """The lines of a file. BadRequest when it is no such list, TooLarge when it is longer than MOST_LINES."""
    reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadRequest(f"Line {reader.line_num} is not CSV: {error}.", zh=f"第 {reader.line_num} 行不是有效的 CSV。") from None
    if not rows:
        raise BadRequest("The file is empty.", zh="文件为空。")
    header = [COLUMNS.get(cell.strip().lower(), "") for cell in rows[0][1]]
    missing = [name for name in NEEDED if name not in header]
    if missing or "" in header or len(set(header)) != len(header):
        raise BadRequest(
            "The first line names the columns: user,name,post,institution,until.",
            zh="首行应为列名:用户名、姓名、岗位、机构、有效期(后两列可省略)。",
        )
    if len(rows) - 1 > MOST_LINES:
        raise TooLarge(f"At most {MOST_LINES} accounts at a time.", zh=f"每次最多导入 {MOST_LINES} 个账号,请分批导入。")
    found = []
    for number, row in rows[1:]:
        cells = dict.fromkeys(COLUMNS.values(), "") | dict(zip(header, (cell.strip() for cell in row), strict=False))
        if len(row) > len(header):
            raise BadRequest(f"Line {number} has more cells than there are columns.", zh=f"第 {number} 行的列数多于首行。")
        found.append(Line(number, **cells))
    return found


async def take_in(db: Database, asker: Scope, content: bytes, *, only_try: bool) -> list[Told]:
    """Make the accounts of a list, or say what would become of each line. All in one transaction, after the passwords were hashed.

    Raises what `lines` and `administration.manager` raise; what is wrong with one line is told of that line.
    """
    read = lines(content)
    given = [password_rules.given() for _ in read]
    async with db.reading() as tx:
        await administration.manager(tx, asker)
    hashes: Sequence[str | None] = [None] * len(read) if only_try else await _hashed(given)
    async with db.transaction() as tx:
        who = await administration.manager(tx, asker)
        told: list[Told] = []
        try:
            async with tx.savepoint():
                for line, password, stored in zip(read, given, hashes, strict=True):
                    told.append(await _take(tx, asker, who, line, password, stored, only_try=only_try))
                if only_try:
                    raise _TriedOnlyError
        except _TriedOnlyError:
            pass
    return told


class _TriedOnlyError(Exception):
    """Everything is undone."""


async def _take(tx: Tx, asker: Scope, who: Manager, line: Line, password: str, stored: str | None, *, only_try: bool) -> Told:
    try:
        roles, place, until = _roles(line), await _place(tx, who, asker, line), _until(line, tx.now)
        posts = [Post(role, place) for role in roles]
        async with tx.savepoint():
            await administration.create(
                tx, asker, line.user, line.name, posts, password=password, stored=stored or "only tried", expires=until
            )
    except Conflict as error:
        known = await tx.fetchval("select true from account where name = $1", canonical(line.user))
        return Told(line, "exists" if known else "refused", error.issues[0].diagnostics, error.issues[0].zh)
    except YilianError as error:
        return Told(line, "refused", error.issues[0].diagnostics, error.issues[0].zh)
    return Told(line, "would-be-added") if only_try else Told(line, "added", password=password)


def _roles(line: Line) -> list[str]:
    by_name = {role.zh: code for code, role in policy().roles.items()}
    words = [one.strip() for one in line.post.replace("、", ";").replace("；", ";").split(";") if one.strip()]
    if not words:
        raise BadRequest("The post is missing.", zh="缺少岗位。")
    unknown = [one for one in words if one not in by_name and one not in policy().roles]
    if unknown:
        raise BadRequest(f"{unknown[0][:40]!r} is no post.", zh=f"没有“{unknown[0][:40]}”这个岗位。")
    return [by_name.get(one, one) for one in words]


async def _place(tx: Tx, who: Manager, asker: Scope, line: Line) -> str:
    if not line.institution:
        return asker.institution
    if who.places is None:
        if line.institution.startswith("Organization/"):
            return line.institution
        named = await institutions.named(tx, line.institution)
        if len(named) != 1:
            many = f"{len(named)} institutions are" if named else "No institution is"
            said = f"有 {len(named)} 家机构名为" if named else "没有机构名为"
            raise BadRequest(
                f"{many} called {line.institution[:60]!r}; write Organization/… then.",
                zh=f"{said}“{line.institution[:60]}”,请填写机构全称,或以 Organization/编号 填写。",
            )
        return named[0]
    found = [reference for reference, name in who.places.items() if line.institution in (reference, name)]
    if len(found) != 1:
        raise BadRequest(f"{line.institution[:60]!r} is no place of yours.", zh=f"“{line.institution[:60]}”不是您管理的机构或科室。")
    return found[0]


def _until(line: Line, now: datetime) -> datetime | None:
    """The end of the last day, in the region's zone."""
    if not line.until:
        return None
    try:
        day = date.fromisoformat(line.until.replace("/", "-"))
        end = datetime.combine(day, time(), region_zone()) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest("The last day is written YYYY-MM-DD.", zh="有效期应写成 2027-12-31 的形式。") from None
    if end <= now:
        raise BadRequest("The last day has gone by.", zh="有效期已过。")
    return end


async def _hashed(given: Sequence[str]) -> list[str]:
    """As many at once as there are threads for it, so that people who sign in meanwhile have their turn."""
    turn = asyncio.Semaphore(passwords.AT_ONCE)

    async def one(password: str) -> str:
        async with turn:
            return await passwords.hashed(password)

    return list(await asyncio.gather(*(one(password) for password in given)))


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    raise BadRequest("The file is neither UTF-8 nor GB 18030.", zh="文件编码应为 UTF-8 或 GB 18030。")
