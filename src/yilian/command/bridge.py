"""`yilian bridge`: messages of other platforms, from files and into files, as an institution's own system or one of its people."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from yilian.access import clients
from yilian.access.standing import of_client, of_person
from yilian.command import house
from yilian.config import Settings
from yilian.db import Database, Tx
from yilian.errors import BadRequest, NotFound
from yilian.exchange.bridge import files
from yilian.exchange.bridge.files import Resource, Told
from yilian.store.scope import Scope

WORDS = {files.TAKEN: "已接收", files.KNOWN: "此前已接收", files.REFUSED: "未通过"}
LARGEST = 16 * 1024 * 1024


def take_in(settings: Settings, paths: list[Path], *, client: str | None, user: str | None, answers: Path | None, dry_run: bool) -> int:
    """Take the messages of these files in and print a line for each; 1 where one was refused. Raises BadRequest, NotFound."""
    messages = [one for path in paths for one in _messages(path)]
    if answers is not None:
        answers.mkdir(parents=True, exist_ok=True)

    async def work(db: Database) -> Counter[str]:
        counted: Counter[str] = Counter()
        async with db.reading() as tx:
            scope = await _scope(tx, client, user)
        async for told in files.take_all(db, scope, messages, dry_run=dry_run):
            counted[told.what] += 1
            _print(told)
            if answers is not None and told.answer is not None and not dry_run:
                _answer(answers / f"{told.number}-{told.step}.json", told.answer)
        return counted

    counted = house.carried_out(settings, "yilian bridge", work)
    tried = "；仅试运行，未保存" if dry_run else ""
    print(
        f"{sum(counted.values())} 条消息，" + "，".join(f"{WORDS[what]} {counted[what]} 条" for what in WORDS) + tried + "。",
        file=sys.stderr,
    )
    return 1 if counted[files.REFUSED] else 0


def give_out(
    settings: Settings, folder: Path, *, client: str | None, user: str | None, numbers: list[str], steps: list[str], since: str | None,
    form: bool,
) -> int:  # fmt: skip
    """Write messages, a file for each step of each referral, into a new or empty folder; with `form` one CSV of the form's fields.
    Raises BadRequest, NotFound."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRequest(f"{folder} is not an empty folder; name a new one.")
    try:
        day = date.fromisoformat(since) if since else None
    except ValueError:
        raise BadRequest(f"{since} is no day; write 2026-11-01.") from None
    folder.mkdir(parents=True, exist_ok=True)

    async def work(db: Database) -> int:
        async with db.reading() as tx:
            scope = await _scope(tx, client, user)
        written: list[Resource] = []
        count = 0
        wanted = [step for step in steps if step in ("apply", "record")] or ["apply", "record"] if form else steps
        async for number, step, bundle in files.give_all(db, scope, numbers=numbers, steps=wanted, since=day):
            count += 1
            if form:
                written.append(bundle)
            else:
                _answer(folder / f"{number}-{step}.json", bundle)
        if form:
            (folder / "双向转诊单.csv").write_text(files.sheet(written), encoding="utf-8-sig", newline="")
        return count

    count = house.carried_out(settings, "yilian bridge", work)
    print(f"{count} 条消息" + ("，已写入 双向转诊单.csv。" if form else "已写出。"), file=sys.stderr)
    return 0


async def _scope(tx: Tx, client: str | None, user: str | None) -> Scope:
    """How this application or person asks. NotFound for one that is not there or may not sign in."""
    if client is not None:
        found = await clients.by_id(tx, client)
        if found is None or found.disabled is not None:
            raise NotFound(f"There is no client {client[:64]}, or it is disabled.", zh=f"没有应用 {client[:64]},或已停用。")
        return (await of_client(tx, found.id, found.name, found.agent, found.institution, found.scope)).scope
    row = await tx.fetchrow(
        "select name as account, display, agent, patient from account"
        " where name = $1 and disabled is null and (expires is null or expires > $2)",
        user,
        tx.now,
    )
    if row is None:
        raise NotFound(f"There is no account {str(user)[:64]}, or it is disabled.", zh=f"没有账号 {str(user)[:64]},或已停用。")
    return (await of_person(tx, row, None, "yilian-cli", "user/*.*")).scope


def _messages(path: Path) -> Iterator[tuple[str, Resource]]:
    """(name, Bundle) of a file, of its lines, or of the files of a folder by name. BadRequest for what is no JSON object."""
    if path.is_dir():
        for one in sorted(path.iterdir()):
            if one.suffix in (".json", ".ndjson"):
                yield from _messages(one)
        return
    if not path.is_file():
        raise BadRequest(f"{path} is no file.")
    if path.stat().st_size > LARGEST:
        raise BadRequest(f"{path} is larger than {LARGEST >> 20} MiB.")
    if path.suffix == ".ndjson":
        lines = path.read_bytes().splitlines()
        yield from ((f"{path.name}:{nth}", _object(path, line)) for nth, line in enumerate(lines, 1) if line.strip())
    else:
        yield path.name, _object(path, path.read_bytes())


def _object(path: Path, text: bytes) -> Resource:
    try:
        found: Resource = msgspec.json.decode(text, type=dict)
    except msgspec.DecodeError as error:
        raise BadRequest(f"{path} is no JSON object: {error}.") from error
    return found


def _print(told: Told) -> None:
    print("\t".join((told.name, told.step or "-", WORDS[told.what], told.number or "-", told.zh or told.why)))


def _answer(path: Path, bundle: Resource) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(bundle), indent=2) + b"\n")
