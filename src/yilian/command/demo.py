"""`yilian demo`: the demo region on first use, then the server, then whom one can sign in as."""

from __future__ import annotations

import sys
from dataclasses import replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from yilian.access import accounts
from yilian.command.serve import serve
from yilian.config import Settings
from yilian.db import Database, Tx
from yilian.demo.accounts import CLIENT, CLIENT_SECRET, PASSWORD
from yilian.demo.accounts import accounts as demo_accounts
from yilian.errors import Conflict, NotFound
from yilian.fhir import json
from yilian.fhir.references import Local, parse
from yilian.store import read
from yilian.store.scope import SYSTEM

ROLES = {
    "gp": "全科医生 general practitioner",
    "physician": "医师 physician",
    "head": "科主任 department head, approves",
    "coordinator": "转诊办 referral office",
    "consultant": "会诊专家 consultant",
    "office": "医联体办公室 consortium office",
    "regulator": "卫健委 health commission, statistics only",
    "pharmacist": "审方药师 reviewing pharmacist",
    "data-steward": "主索引管理员 steward of the patient index",
    "admin": "系统管理员 administrator, no clinical data",
    "privacy": "隐私与信息安全专员 privacy officer, sees who looked at what",
    "registrar": "挂号登记员 registrar at the desk",
    "resident": "居民 resident and patient",
}


def demo(settings: Settings) -> int:
    """Make the region in an empty store, serve it, and print the accounts last. Raises Conflict when the store holds something else."""
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        print("Everybody who can reach this server knows the passwords of the demo. Use it for made-up data only.", file=sys.stderr)
    if not settings.outbox_folder:  # nobody real is written to, and what would have been sent can be looked at
        settings = replace(settings, outbox_folder=str(settings.data / "outbox"))
    people: list[tuple[str, str]] = []

    async def first(settings: Settings, dsn: str) -> None:
        people.extend(await _make(settings, dsn))

    return serve(settings, purpose="yilian demo", first=first, ready=lambda url: _announce(url, people))


async def _make(settings: Settings, dsn: str) -> list[tuple[str, str]]:
    """The region, unless it is there; returns account and description of everybody."""
    from yilian import app
    from yilian.demo import play

    db = app.database(settings, dsn)
    await db.open()
    try:
        if not await play.is_complete(db):
            await _refuse_other_data(db, play.MARKER)
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=Console(stderr=True)) as progress:
                bars: dict[str, TaskID] = {}

                def report(what: str, done: int, total: int) -> None:
                    if what not in bars:
                        bars[what] = progress.add_task(what, total=total)
                    progress.update(bars[what], completed=done)

                await play.make(db, report)
        async with db.reading() as tx:
            return await _people(tx)
    finally:
        await db.close()


async def _refuse_other_data(db: Database, marker: str) -> None:
    """The demo's passwords are known to everyone; they must not come into a store that is in use."""
    async with db.reading() as tx:
        used = await tx.fetchval("select exists (select from account)")
        try:
            await read.by_id(tx, SYSTEM, "Basic", marker)
        except NotFound:
            begun = False
        else:
            begun = True
    if used and not begun:
        raise Conflict("This store has accounts of its own; the demo region is made in an empty store only. Choose another with --data.")


async def _people(tx: Tx) -> list[tuple[str, str]]:
    found = []
    known = {account.name: account for account in await accounts.every(tx)}
    for one in demo_accounts("居民"):
        if one.name not in known or not known[one.name].posts:
            continue
        post = known[one.name].posts[0]
        place = parse(post.institution) if post.institution else None
        where = ""
        if isinstance(place, Local):
            organization = json.parse((await read.by_id(tx, SYSTEM, "Organization", place.id)).body)
            where = f"{organization.get('name', '')} · "
        found.append((one.name, f"{where}{known[one.name].display} · {ROLES[post.role]}"))
    return found


def _announce(url: str, people: list[tuple[str, str]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, who in people:
        table.add_row(f"[bold]{name}[/bold]", who)
    console.print()
    console.print(table)
    console.print(f"\nThe password of all of them is [bold]{PASSWORD}[/bold]. System client [bold]{CLIENT}[/bold], secret {CLIENT_SECRET}.")
    console.print(f"Yilian answers at [bold]{url}[/bold]   (Ctrl-C stops everything)")
