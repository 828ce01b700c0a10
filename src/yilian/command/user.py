"""`yilian user`: accounts from the command line, for the first administrator and for emergencies."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from yilian.access import accounts, password_rules
from yilian.access.accounts import Account, Post
from yilian.access.rules import rules_now
from yilian.command import house
from yilian.config import Settings
from yilian.db import Database, Tx
from yilian.errors import BadRequest, NotFound
from yilian.exchange.load import institution_named
from yilian.fhir.references import Local, parse
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

T = TypeVar("T")


def add(
    settings: Settings,
    name: str,
    *,
    roles: list[str],
    institution: str | None,
    display: str | None,
    agent: str | None,
    patient: str | None,
    must_change: bool = False,
) -> int:
    """Add an account, with a password that keeps to the rules of the region. `must_change`: it is good for one sign-in, where the person
    chooses another. Where no `agent` is named, it is the Practitioner with the account's name as id, made if it is not there."""
    password = _password()

    async def work(db: Database) -> str:
        where = ""
        if institution is not None:
            known = isinstance(parse(institution), Local)
            where = institution if known else await institution_named(db, institution, settings.region_zone)
        asked = await rules_now(db)
        password_rules.require(password, name=name, display=display or "", rules=asked)
        async with db.transaction() as tx:
            acts = agent or await _practitioner(tx, accounts.canonical(name), display or name)
            posts = [Post(role, where) for role in roles]
            return await accounts.add(
                tx, name, password, display=display or name, agent=acts, posts=posts, patient=patient or "", must_change=must_change
            )

    print(f"Account {_with(settings, work)} added.")
    return 0


def disable(settings: Settings, name: str) -> int:
    """Disable an account; its sessions and tokens end."""

    async def work(db: Database) -> None:
        async with db.transaction() as tx:
            await accounts.disable(tx, name)

    _with(settings, work)
    print(f"Account {name} disabled.")
    return 0


def show(settings: Settings) -> int:
    """Print every account with its posts."""

    async def work(db: Database) -> list[Account]:
        async with db.reading() as tx:
            return await accounts.every(tx)

    table = Table("account", "name", "posts", "acts as", "since", "state", box=None)
    for account in _with(settings, work):
        posts = ", ".join(f"{post.role} {post.institution}".strip() for post in account.posts)
        state = "disabled" if account.disabled else "locked" if account.locked_until else ""
        since = account.created.astimezone(settings.region_zone).date().isoformat()
        table.add_row(account.name, account.display, posts, account.agent, since, state)
    Console(soft_wrap=True).print(table)
    return 0


def _with(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    return house.carried_out(settings, "yilian user", work)


async def _practitioner(tx: Tx, id: str, display: str) -> str:
    try:
        await read.by_id(tx, SYSTEM, "Practitioner", id)
    except NotFound:
        resource = {"resourceType": "Practitioner", "id": id, "active": True, "name": [{"text": display}]}
        await write(tx, SYSTEM, [Change("PUT", "Practitioner", id, resource)])
    return f"Practitioner/{id}"


def _password() -> str:
    """Asked for twice at a terminal; else the first line of standard input, so that no list of processes shows it."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise BadRequest("The two are not the same; nothing was added.")
    if not password:
        raise BadRequest("An account needs a password: type one, or give it on standard input.")
    return password
