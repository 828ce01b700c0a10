"""`tell`: the one way to inform somebody, in the transaction of what they are told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from yilian import jobs
from yilian.notifications import live
from yilian.notifications.messages import Message, Reader, check
from yilian.notifications.templates import SECRETS, templates

if TYPE_CHECKING:
    from yilian.db import Tx

SEND = "notifications.send"
"""Finds out to which addresses a message goes, and has it delivered."""

TELL = """
with told as (
    insert into message (event, key, about, patient, says, urgent, created, due)
    values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8)
    on conflict (key) where key <> '' do nothing
    returning id),
wanted as (
    select nullif(w.agent, '') as agent, nullif(w.institution, 0) as institution, nullif(w.role, '') as role,
           nullif(w.patient, 0) as patient, w.nth
    from unnest($9::text[], $10::bigint[], $11::text[], $12::bigint[]) with ordinality as w (agent, institution, role, patient, nth)),
again as (
    update message_reader r set message = t.id, due = $8, times = r.times + 1
    from told t, wanted w
    where $8::timestamptz <= $7 and r.about = $3 and r.event = $1 and r.handled is null and r.due <= $7 and r.channel is null
        and (r.agent, r.institution, r.role, r.patient) is not distinct from (w.agent, w.institution, w.role, w.patient)
        and not exists (select from message_read d where d.reader = r.id)
    returning w.nth),
added as (
    insert into message_reader (message, event, about, due, agent, institution, role, patient)
    select t.id, $1, $3, $8, w.agent, w.institution, w.role, w.patient
    from told t, wanted w where w.nth not in (select nth from again)
    returning id)
select id from told
"""
"""A message somebody has not looked at yet is told again in its place, with a count: a storm of one event fills no inbox."""

OUTSIDE = """
insert into message_reader (message, event, about, due, channel, address) values ($1, $2, $3, $4, $5, ''::bytea) returning id
"""


async def tell(tx: Tx, message: Message) -> None:
    """Tell somebody something, in `tx`: nothing is told if it is rolled back.

    The entries are in the inboxes at once (from `message.at` on); what goes outside is sent by a job after the commit, at least once and
    with a key receivers know a repetition by. Whoever has a page open is called after the commit. Values of `SECRETS` are sealed apart:
    they stand in letters alone, never in an inbox.
    Raises BadMessage, a fault of the program, for an event, value or reader that cannot be.
    """
    check(message)
    template = templates()[message.event]
    readers = list(dict.fromkeys(message.to))
    inside = [reader for reader in readers if reader.kind != "address"]
    outside = [reader for reader in readers if reader.kind == "address"]
    secrets = {name: value for name, value in message.values.items() if name in SECRETS}
    due = message.at if message.at is not None and message.at > tx.now else tx.now
    id = await tx.fetchval(
        TELL,
        message.event,
        message.key,
        message.about,
        message.patient,
        msgspec.json.encode({name: value for name, value in message.values.items() if name not in SECRETS}).decode(),
        message.urgent,
        tx.now,
        due,
        *_columns(inside),
    )
    if id is None:  # told before, under this key
        return
    if secrets:
        sealed = tx.db.ring.seal_column("message_secret.says", id, msgspec.json.encode(secrets))
        await tx.execute("insert into message_secret (message, says) values ($1, $2)", id, sealed)
    for reader in outside:
        entry = await tx.fetchval(OUTSIDE, id, message.event, message.about, due, reader.channel)
        sealed = tx.db.ring.seal_column("message_reader.address", entry, reader.to.encode())
        await tx.execute("update message_reader set address = $2 where id = $1", entry, sealed)
    if outside or template.outside or due > tx.now:
        await jobs.enqueue(tx, SEND, {"message": id}, run_at=due if due > tx.now else None, key=str(id))
    if due <= tx.now:
        tx.after_commit.append(_call(tx, inside))


async def withdraw(tx: Tx, key: str) -> bool:
    """Take back what was told under this key and is not due yet (a reminder of what was cancelled), in `tx`. False when it is too late."""
    return await tx.fetchval("delete from message where key = $1 and key <> '' and due > $2 returning true", key, tx.now) or False


def _columns(readers: Sequence[Reader]) -> tuple[list[str], list[int], list[str], list[int]]:
    return (
        [reader.agent for reader in readers],
        [reader.institution for reader in readers],
        [reader.role for reader in readers],
        [reader.rid for reader in readers],
    )


def _call(tx: Tx, readers: Sequence[Reader]) -> Callable[[], None]:
    hint = live.Hint(
        "inbox",
        institutions=frozenset(reader.institution for reader in readers if reader.institution),
        agents=frozenset(reader.agent for reader in readers if reader.agent),
        patients=frozenset(reader.rid for reader in readers if reader.rid),
    )
    db = tx.db
    return lambda: live.send(db, hint)
