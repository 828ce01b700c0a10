"""Who of the readers of a message is reached where: accounts behind a reader, the ways each wants, and the address of each way.

An account's own address goes before what its record says (Practitioner.telecom, Patient.telecom), once it is proven
(`proving`). A patient without an account is reached by the telephone of the record: most residents have none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.access import institutions
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.notifications.templates import Template
from yilian.sealing.keyring import open_column, opened
from yilian.search.persons import records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import asyncpg

    from yilian.db import Tx

    Reader = asyncpg.Record | Mapping[str, Any]

_MOBILE = re.compile(r"(?:\+?86[- ]?)?(1\d{10})")
"""Where an SMS can go; a number of the fixed network is none."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """account: "" for a patient without one, and for an address the message came with."""

    account: str
    channel: str
    address: str


async def addressees(tx: Tx, reader: Reader, template: Template, channels: Iterable[str]) -> list[Addressee]:
    """Where this reader (a row of `message_reader`) is reached, by those of `channels` that are wanted. Each account and channel once."""
    if reader["address"] is not None:
        address = open_column("message_reader.address", reader["id"], reader["address"]).decode()
        return [Addressee("", reader["channel"], address)] if reader["channel"] in channels else []
    found: list[Addressee] = []
    accounts = await _accounts(tx, reader)
    wanted = await _wanted(tx, [one["name"] for one in accounts], template)
    for account in accounts:
        for channel in channels:
            if (account["name"], channel) in wanted and (address := await address_of(tx, account["name"], account["agent"], channel)):
                found.append(Addressee(account["name"], channel, address))
    if not accounts and reader["patient"] is not None:
        body = await tx.fetchval("select body from resource where rid = $1 and not deleted", reader["patient"])
        for channel in channels:
            if body and channel in template.channels and (address := _of_record(opened(reader["patient"], body), channel)):
                found.append(Addressee("", channel, address))
    return found


async def address_of(tx: Tx, account: str, agent: str, channel: str) -> str:
    """Where this account is reached by this channel; "" for nowhere."""
    row = await tx.fetchrow(
        "select id, address from message_address where account = $1 and channel = $2 and verified is not null", account, channel
    )
    if row is not None:
        return open_column("message_address.address", row["id"], row["address"]).decode()
    kind, _, id = agent.partition("/")
    if kind not in ("Practitioner", "Patient", "RelatedPerson"):
        return ""
    found = await tx.fetchrow("select rid, body from resource where type = $1 and id = $2 and not deleted", type_id(kind), id)
    return _of_record(opened(found["rid"], found["body"]), channel) if found is not None else ""


def masked(address: str) -> str:
    """An address as it may be shown to others: 138****0000, z***@example.org."""
    name, at, host = address.rpartition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return f"{address[:3]}****{address[-4:]}" if len(address) >= 9 else f"{address[:2]}****"


def is_mobile(text: str) -> bool:
    return _MOBILE.fullmatch(text.strip()) is not None


def _of_record(body: str, channel: str) -> str:
    resource: dict[str, Any] = parse(body.encode())
    for one in resource.get("telecom") or ():
        value = str(one.get("value", "")).strip()
        if one.get("use") == "old":
            continue
        if channel == "sms" and one.get("system") in ("phone", "sms") and (match := _MOBILE.fullmatch(value)):
            return match[1]
        if channel == "email" and one.get("system") == "email" and value:
            return value
    return ""


async def _accounts(tx: Tx, reader: Reader) -> list[asyncpg.Record]:
    """The accounts that may sign in and would see this entry."""
    alive = "a.disabled is null and (a.expires is null or a.expires > $1)"
    if reader["agent"] is not None:
        return await tx.fetch(f"select name, agent from account a where {alive} and a.agent = $2 order by name", tx.now, reader["agent"])
    if reader["patient"] is not None:
        return await tx.fetch(
            f"""
            select a.name, a.agent from account a where {alive} and a.patient = any(array(
                select 'Patient/' || r.id from resource r where r.rid in (select patient from ({records_of("$2")}) p))) order by a.name
            """,
            tx.now,
            reader["patient"],
        )
    posts = await tx.fetch(
        f"""
        select a.name, a.agent, o.rid from post p join account a on a.name = p.account
        join resource o on o.type = $3 and o.id = split_part(p.institution, '/', 2) and not o.deleted
        where {alive} and p.role = $2 and p.institution like 'Organization/%' order by a.name
        """,
        tx.now,
        reader["role"],
        type_id("Organization"),
    )
    speaks_for = await institutions.of(tx, {row["rid"] for row in posts})
    here = [row for row in posts if (at := speaks_for.get(row["rid"])) is not None and at.rid == reader["institution"]]
    return list({row["name"]: row for row in here}.values())


async def _wanted(tx: Tx, accounts: Sequence[str], template: Template) -> set[tuple[str, str]]:
    """Accounts and channels by which they want messages of this kind."""
    rows = await tx.fetch(
        "select account, channel, wanted from message_preference where account = any($1::text[]) and kind = $2",
        list(accounts),
        template.kind,
    )
    said = {(row["account"], row["channel"]): row["wanted"] for row in rows}
    wanted = {
        (account, channel) for account in accounts for channel in template.channels if template.must or said.get((account, channel), True)
    }
    return wanted | {key for key, yes in said.items() if yes}
