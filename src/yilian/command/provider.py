"""`yilian provider`: OpenID providers of institutions, by which their people sign in here, and who of them is which account."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from yilian.access import providers
from yilian.access.providers import Provider
from yilian.command import house
from yilian.config import Settings
from yilian.db import Database, Tx
from yilian.errors import BadRequest, NotFound, YilianError
from yilian.exchange.load import institution_named
from yilian.fhir.references import Local, parse
from yilian.store.scope import SYSTEM

T = TypeVar("T")

COLUMNS = ("user", "subject")
MOST_LINES = 20_000


def add(
    settings: Settings,
    id: str,
    *,
    name: str,
    issuer: str,
    client_id: str,
    institution: str,
    secret: bool,
    claim: str,
    first_time: bool,
    trusts_factor: bool,
) -> int:
    """Set a provider up, or anew. `secret`: read from standard input."""
    given = sys.stdin.readline().rstrip("\n") if secret else None
    if given == "":
        raise BadRequest("A secret was to be read from standard input, and there was none.")

    async def work(db: Database) -> None:
        known = isinstance(parse(institution), Local)
        where = institution if known else await institution_named(db, institution, settings.region_zone)
        async with db.transaction() as tx:
            await providers.add(
                tx,
                id,
                name=name,
                issuer=issuer,
                client_id=client_id,
                secret=given,
                institution=where,
                claim=claim,
                first_time=first_time,
                trusts_factor=trusts_factor,
            )

    _with(settings, work)
    print(f"Provider {id} is set up. Register this address with it: {settings.public_url or 'https://…'}/oauth2/provider/{id}/back")
    return 0


def remove(settings: Settings, id: str) -> int:
    """Nobody signs in by it any more; who did is signed out."""

    async def work(db: Database) -> int:
        async with db.transaction() as tx:
            return await providers.remove(tx, id)

    print(f"Provider {id} removed; {_with(settings, work)} sessions ended. Its links are kept for when it is set up anew.")
    return 0


def show(settings: Settings, id: str | None) -> int:
    """Print every provider, or who is linked at one."""

    async def every(db: Database) -> list[Provider]:
        async with db.reading() as tx:
            return await providers.every(tx)

    async def linked(db: Database) -> list[Any]:
        async with db.reading() as tx:
            return list(await providers.links(tx, id or ""))

    if id is not None:
        table = Table("account", "subject", "linked", "by", "last used", box=None)
        for row in _with(settings, linked):
            linked_at, used = (
                moment.astimezone(settings.region_zone).isoformat(timespec="minutes") if moment else ""
                for moment in (row["linked"], row["used"])
            )
            table.add_row(row["account"], row["subject"], linked_at, row["linked_by"], used)
    else:
        table = Table("provider", "name", "issuer", "for", "claim", "proves us by", "rules", "state", box=None)
        for one in _with(settings, every):
            rules = [*(["first-time linking"] if one.first_time else []), *(["its second factor counts"] if one.trusts_factor else [])]
            proves = "a secret" if one.secret is not None else "PKCE"
            state = "removed" if one.disabled else ""
            table.add_row(one.id, one.name, one.issuer, one.institution, one.claim, proves, ", ".join(rules), state)
    Console(soft_wrap=True).print(table)
    return 0


def link(settings: Settings, id: str, *, user: str | None, subject: str | None, file: Path | None) -> int:
    """Link one account, or all of a list (CSV with the columns user and subject): all or none. Exit code 1 where a line is wrong."""
    if (file is None) == (user is None or subject is None):
        raise BadRequest("Say --user and --subject, or --file with a list.")
    wanted = _read(file) if file is not None else [(1, user or "", subject or "")]

    async def work(db: Database) -> list[str]:
        async with db.transaction() as tx:
            provider = await _known(tx, id)
            faults = []
            for line, account, one in wanted:
                try:
                    await providers.link(tx, provider, one, account, SYSTEM)
                except YilianError as error:
                    faults.append(f"line {line}: {error}" if file is not None else str(error))
            if faults:
                raise _Faults(faults)
        return []

    try:
        _with(settings, work)
    except _Faults as error:
        print("\n".join(error.faults), file=sys.stderr)
        print("Nothing was linked.", file=sys.stderr)
        return 1
    print(f"{len(wanted)} linked.")
    return 0


def unlink(settings: Settings, id: str, user: str) -> int:
    """The account is nobody's at this provider any more."""

    async def work(db: Database) -> None:
        async with db.transaction() as tx:
            await providers.unlink(tx, id, user, SYSTEM)

    _with(settings, work)
    print(f"{user} is not linked at {id} any more.")
    return 0


class _Faults(Exception):
    def __init__(self, faults: list[str]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


def _read(file: Path) -> list[tuple[int, str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{file} cannot be read as UTF-8: {error}") from None
    rows = csv.DictReader(io.StringIO(text))
    if rows.fieldnames is None or not set(COLUMNS) <= set(rows.fieldnames):
        raise BadRequest(f"The first line names the columns: {','.join(COLUMNS)}.")
    found = [(rows.line_num, (row["user"] or "").strip(), (row["subject"] or "").strip()) for row in rows]
    if not 0 < len(found) <= MOST_LINES:
        raise BadRequest(f"A list has 1 to {MOST_LINES} lines.")
    return found


async def _known(tx: Tx, id: str) -> Provider:
    provider = await providers.by_id(tx, id)
    if provider is None:
        raise NotFound(f"There is no provider {id[:64]}, or it was removed.")
    return provider


def _with(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    return house.carried_out(settings, "yilian provider", work)
