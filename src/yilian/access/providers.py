"""OpenID providers of institutions, and which of their people are which accounts here.

A link is made by who looks after accounts (at the command line, singly or from a list), or by the person: signing in here with the local
password once. Never by a name or an address of mail that happens to be the same: whoever could choose theirs at a provider would be
somebody else here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.access import institutions, sessions
from yilian.access.accounts import canonical, posts_of
from yilian.access.addresses import Allowed
from yilian.access.trail import note_change
from yilian.errors import BadRequest, Conflict, InvalidResource, NotFound
from yilian.sealing.keyring import unseal
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")
SECRET = "identity_provider.secret"
"""What a sealed secret is, see `yilian.sealing`; it is never kept as it is."""
LONGEST_SUBJECT = 255
"""OpenID Connect Core 2: sub."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    issuer         as its ID tokens say it, to the letter
    secret         how we prove ourselves to it, sealed; None: by PKCE alone
    institution    "Organization/…": whose people it vouches for; only posts there come of a sign-in by it
    claim          of the ID token, that links name: "sub" unless the provider gives a staff number
    first_time     who is not linked may link by signing in here once
    trusts_factor  whether its word that a second factor was given counts
    """

    id: str
    name: str
    issuer: str
    client_id: str
    secret: bytes | None
    institution: str
    claim: str
    first_time: bool
    trusts_factor: bool
    disabled: datetime | None

    def secret_text(self) -> str | None:
        """Its secret in the clear. Unavailable when the key is not there."""
        return unseal(self.secret.decode(), f"{SECRET}|{self.id}").decode() if self.secret is not None else None


async def by_id(tx: Tx, id: str) -> Provider | None:
    """The provider, None when there is none such or it is disabled."""
    row = await tx.fetchrow("select * from identity_provider where id = $1 and disabled is null", id[:64].replace("\0", ""))
    return _provider(row) if row is not None else None


async def every(tx: Tx) -> list[Provider]:
    """All of them by id, disabled ones too."""
    return [_provider(row) for row in await tx.fetch("select * from identity_provider order by id")]


async def add(
    tx: Tx,
    id: str,
    *,
    name: str,
    issuer: str,
    client_id: str,
    secret: str | None,
    institution: str,
    claim: str = "sub",
    first_time: bool = False,
    trusts_factor: bool = False,
) -> None:
    """Set a provider up, or anew. BadRequest for what cannot be one, Conflict for an issuer that has another id here.

    Another issuer under the same id ends the links there are: subjects mean something at their issuer alone.
    """
    if not ID.fullmatch(id):
        raise BadRequest("The id of a provider has small letters, digits and '-', 40 at most.")
    if not name.strip() or not client_id.strip() or not re.fullmatch(r"[A-Za-z0-9_.:/-]{1,100}", claim):
        raise BadRequest("A provider has a name, a client id of ours, and a claim that names people.")
    _require_issuer(issuer)
    if await institutions.by_reference(tx, institution) is None:
        raise BadRequest(f"{institution or 'nothing'} is no institution here; whose people does it vouch for?")
    if await tx.fetchval("select true from identity_provider where issuer = $1 and id <> $2", issuer, id):
        raise Conflict("This issuer is set up here already, under another id.")
    sealed = tx.db.ring.seal(secret.encode(), f"{SECRET}|{id}").encode() if secret is not None else None
    await tx.execute(
        "delete from account_link l using identity_provider p where p.id = $1 and l.provider = $1 and p.issuer <> $2", id, issuer
    )
    await tx.execute(
        """
        insert into identity_provider (id, name, issuer, client_id, secret, institution, claim, first_time, trusts_factor, created)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (id) do update set name = excluded.name, issuer = excluded.issuer, client_id = excluded.client_id,
            secret = excluded.secret, institution = excluded.institution, claim = excluded.claim, first_time = excluded.first_time,
            trusts_factor = excluded.trusts_factor, disabled = null
        """,
        id, name.strip(), issuer, client_id.strip(), sealed, institution, claim, first_time, trusts_factor, tx.now,
    )  # fmt: skip


async def remove(tx: Tx, id: str) -> int:
    """Nobody signs in by it any more, and who did is signed out. The links are kept for when it is set up anew. How many sessions ended.
    NotFound when there is none such."""
    if not await tx.fetchval("update identity_provider set disabled = $2 where id = $1 returning true", id, tx.now):
        raise NotFound(f"There is no provider {id[:64]}.")
    ended = await tx.fetch("update session set ended = $2 where provider = $1 and ended is null returning id", id, tx.now)
    await tx.execute(
        "update token_grant set ended = $2, reason = 'provider-removed' where session = any($1::uuid[]) and ended is null",
        [row["id"] for row in ended],
        tx.now,
    )
    await sessions.tell(tx)
    return len(ended)


async def link(tx: Tx, provider: Provider, subject: str, account: str, by: Scope) -> None:
    """This subject of the provider is this account from now on. In the trail.

    BadRequest for a subject that is none or an account without a post in the provider's institution, NotFound for no such account, Conflict
    where either is linked otherwise already.
    """
    account = canonical(account)
    if not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise BadRequest("A subject is a text of 1 to 255 characters, as the provider's claim has it.")
    if not await tx.fetchval("select true from account where name = $1 and disabled is null", account):
        raise NotFound(f"There is no account {account[:64]}, or it is disabled.", zh=f"没有账号 {account[:64]},或已停用。")
    if await place_of(tx, provider, account) is None:
        raise BadRequest(
            f"{account} has no post in the institution {provider.id} vouches for.", zh=f"该账号在“{provider.name}”所属机构没有岗位。"
        )
    done = await tx.fetchval(
        "insert into account_link (provider, subject, account, linked, linked_by) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing returning true",
        provider.id, subject, account, tx.now, by.user or "yilian-cli",
    )  # fmt: skip
    if done:
        await note_change(tx, by, account, f"linked to {provider.id}")
        return
    same = await tx.fetchval("select account from account_link where provider = $1 and subject = $2", provider.id, subject)
    if same != account:
        raise Conflict(
            f"{account}, or the subject, is linked at {provider.id} already. Unlink it first.",
            zh="该账号或该外部身份已有关联,请先解除原有关联。",
        )


async def unlink(tx: Tx, provider: str, account: str, by: Scope) -> None:
    """The account is nobody's at this provider any more; sessions that began there end. NotFound when it was not linked."""
    account = canonical(account)
    if not await tx.fetchval("delete from account_link where provider = $1 and account = $2 returning true", provider, account):
        raise NotFound(f"{account[:64]} is not linked at {provider[:64]}.")
    ended = await tx.fetch(
        "update session set ended = $3 where provider = $1 and account = $2 and ended is null returning id", provider, account, tx.now
    )
    await tx.execute(
        "update token_grant set ended = $2, reason = 'unlinked' where session = any($1::uuid[]) and ended is null",
        [row["id"] for row in ended],
        tx.now,
    )
    await sessions.tell(tx)
    await note_change(tx, by, account, f"unlinked from {provider}")


async def linked(tx: Tx, provider: Provider, subject: str) -> str | None:
    """The account of this subject, None when it is linked to none. It counts as used now."""
    found: str | None = await tx.fetchval(
        "update account_link set used = $3 where provider = $1 and subject = $2 returning account", provider.id, subject, tx.now
    )
    return found


async def links(tx: Tx, provider: str) -> Sequence[Any]:
    """Rows of subject, account, linked, linked_by, used; by account."""
    return await tx.fetch(
        "select subject, account, linked, linked_by, used from account_link where provider = $1 order by account", provider
    )


async def place_of(tx: Tx, provider: Provider, account: str) -> str | None:
    """The institution of the account's first post that speaks for the provider's, as the post has it; None where it has none."""
    ours = await institutions.by_reference(tx, provider.institution)
    for post in await posts_of(tx, account):
        there = await institutions.by_reference(tx, post.institution) if post.institution else None
        if ours is not None and there is not None and there.rid == ours.rid:
            return post.institution
    return None


def _require_issuer(issuer: str) -> None:
    loopback = any(issuer == one or issuer.startswith((f"{one}:", f"{one}/")) for one in LOOPBACK)
    try:
        Allowed(frozenset()).and_host_of(issuer).require(issuer)
    except InvalidResource as error:
        raise BadRequest(f"The issuer is no address: {error}") from None
    if not (issuer.startswith("https://") or loopback) or "?" in issuer:
        raise BadRequest("An issuer is an https address without a query (OpenID Connect Discovery 3); plain http only on this machine.")


def _provider(row: Any) -> Provider:
    return Provider(
        row["id"],
        row["name"],
        row["issuer"],
        row["client_id"],
        row["secret"],
        row["institution"],
        row["claim"],
        row["first_time"],
        row["trusts_factor"],
        row["disabled"],
    )
