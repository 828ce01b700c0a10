"""`yilian client`: applications that may ask for tokens. `yilian token-key`: the keys tokens are signed with."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from yilian.access import clients, keys
from yilian.access.addresses import SIGN_IN, Allowed
from yilian.access.clients import Client
from yilian.access.keys import SigningKey
from yilian.access.tokens import KEYS_KNOWN_S
from yilian.command import house
from yilian.config import Settings
from yilian.db import Database
from yilian.errors import BadRequest
from yilian.exchange.load import institution_named
from yilian.fhir.references import Local, parse

T = TypeVar("T")


def add(
    settings: Settings,
    id: str,
    *,
    name: str | None,
    scope: str,
    grants: list[str],
    redirects: list[str],
    institution: str | None,
    key_file: Path | None,
    secret: bool,
    introspects: bool,
    keys_at: str | None = None,
    launches: list[str] | None = None,
    launch_roles: list[str] | None = None,
) -> int:
    """Register an application, or register it anew. `secret`: read from standard input; `key_file`: a JWK Set with its public keys."""
    given = sys.stdin.readline().rstrip("\n") if secret else None
    if given == "":
        raise BadRequest("A secret was to be read from standard input, and there was none.")
    try:
        key_set = key_file.read_text() if key_file is not None else None
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{key_file} cannot be read: {error}") from None

    async def work(db: Database) -> None:
        where = ""
        if institution is not None:
            known = isinstance(parse(institution), Local)
            where = institution if known else await institution_named(db, institution, settings.region_zone)
        async with db.transaction() as tx:
            await clients.add(
                tx,
                id,
                name=name or id,
                secret=given,
                scope=scope,
                grant_types=grants,
                redirect_uris=redirects,
                institution=where,
                jwks=key_set,
                introspects=introspects,
                jwks_uri=keys_at,
                launches=launches or (),
                launch_roles=launch_roles or None,
                hosts=Allowed.of(settings.sign_in_hosts, SIGN_IN),
            )

    _with(settings, work)
    print(f"Application {id} registered.")
    return 0


def disable(settings: Settings, id: str) -> int:
    """Its tokens end and it gets no more."""

    async def work(db: Database) -> None:
        async with db.transaction() as tx:
            await clients.disable(tx, id)

    _with(settings, work)
    print(f"Application {id} disabled.")
    return 0


def show(settings: Settings) -> int:
    """Print every application: what it may ask for, and how it proves itself."""

    async def work(db: Database) -> list[Client]:
        async with db.reading() as tx:
            return await clients.every(tx)

    table = Table("application", "name", "proves itself by", "grants", "scope", "for", "state", box=None)
    for one in _with(settings, work):
        has_keys = one.jwks is not None or one.jwks_uri is not None
        proves = " or ".join([*(["a secret"] if one.secret else []), *(["its key"] if has_keys else [])]) or "nothing (PKCE)"
        state = "disabled" if one.disabled else "may introspect" if one.introspects else ""
        table.add_row(one.id, one.name, proves, " ".join(one.grant_types), one.scope, one.institution or "the region", state)
    Console(soft_wrap=True).print(table)
    return 0


def rotate(settings: Settings, *, leaked: bool) -> int:
    """Make the next signing key; `leaked`: at once, and every sign-in ends."""

    async def work(db: Database) -> str:
        async with db.transaction() as tx:
            return await (keys.replace(tx) if leaked else keys.rotate(tx))

    kid = _with(settings, work)
    if leaked:
        print(
            f"Key {kid} signs from now on. Every sign-in has ended; server processes believe the old key for {KEYS_KNOWN_S} s more at most."
        )
    else:
        minutes = int(keys.PUBLISHED_AHEAD.total_seconds() // 60)
        print(f"Key {kid} is published now and signs in {minutes} minutes.")
    return 0


def show_keys(settings: Settings) -> int:
    """Print the keys tokens may be signed with."""

    async def work(db: Database) -> list[SigningKey]:
        async with db.reading() as tx:
            return await keys.usable(tx)

    table = Table("key", "signs from", "until", box=None)
    for one in _with(settings, work):
        begins, ends = (
            moment.astimezone(settings.region_zone).isoformat(timespec="minutes") if moment else "" for moment in (one.begins, one.retired)
        )
        table.add_row(one.kid, begins, ends)
    Console(soft_wrap=True).print(table)
    return 0


def _with(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    return house.carried_out(settings, "yilian client", work)
