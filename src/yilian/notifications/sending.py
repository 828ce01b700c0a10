"""From a message to letters: who is written to by which way, then one job for each letter, tried again until it is taken or given up.

A letter is delivered at least once. It is noted as taken in the transaction that ends its job; a server that is killed between the two
sends it again under the same key. What became of it stands in `message_delivery`, and the office may send it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import msgspec

from yilian import jobs, policy
from yilian.access import keys
from yilian.jobs import Job, Kind
from yilian.notifications import digest, live, proving, quiet
from yilian.notifications.addresses import Addressee, addressees, masked
from yilian.notifications.gateways import Gateways, Letter, NotSent
from yilian.notifications.telling import SEND
from yilian.notifications.templates import Template, templates
from yilian.sealing.keyring import open_column

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Database, Tx

DELIVER = "notifications.deliver"
CLEAR = "notifications.clear"
STALE = timedelta(days=1)
"""What is older when its job comes to it (a server that stood still, a region that was loaded) is news to nobody and goes nowhere."""
ATTEMPTS = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=2)
"""Eight attempts with growing pauses take about four hours."""
_NAMESPACE = UUID("6f1d7c1e-3f0a-5d0e-9a58-0a4c6f3b2d11")

READERS = """
select r.id, r.agent, r.institution, r.role, r.patient, r.channel, r.address from message_reader r where r.message = $1 order by r.id
"""
ADD = """
insert into message_delivery (id, reader, message, account, channel, shown, state, created, changed, error, why)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10) on conflict do nothing returning id
"""
OF_LATE = "select count(*) from message_delivery where account = $1 and created > $2 and state not in ('withheld', 'gathered', 'digested')"
JUST_NOW = """
select true from message_delivery where reader = $1 and account = $2 and channel = $3 and message <> $4 and created > $5
    and state in ('waiting', 'sent', 'gathered', 'digested') limit 1
"""
"""The same was told again while nobody looked: once an hour is enough outside."""
LETTER = """
select d.id, d.state, d.account, d.channel, d.attempts, d.again, d.message, m.event, m.about, m.says::text as says, m.urgent,
       r.id as reader, r.agent, r.institution, r.role, r.patient, r.channel as given, r.address,
       s.says as secrets
from message_delivery d join message m on m.id = d.message join message_reader r on r.id = d.reader
left join message_secret s on s.message = d.message where d.id = $1
"""
NOTED = """
update message_delivery set state = $2, attempts = $3, changed = $4, answer = $5, error = $6, why = $7 where id = $1 and state = 'waiting'
"""
OLD = "delete from message where id in (select id from message where created < $1 order by created limit 10000)"


Mint = Callable[["Tx", str, str], Awaitable[Mapping[str, str] | None]]
"""What opens something for who has it, made when a letter leaves: (tx, event, what the message is about) to values of its template; None
where nothing is to be opened any more, so that the letter does not leave. The same for a repetition, or somebody holds what is not good."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The jobs of messages, with the gateways this house has. url: where people sign in, for mails; "" where it is not known.

    minted: by event, what a letter says besides and no message holds (`Mint`).
    """

    gateways: Gateways
    url: str = ""
    minted: Mapping[str, Mint] = field(default_factory=dict)

    def kinds(self) -> dict[str, Kind]:
        return {
            SEND: Kind(self.send),
            CLEAR: Kind(clear),
            digest.DIGEST: Kind(tell_digest),
        }

    def deliveries(self) -> dict[str, Kind]:
        """Those that do little but wait for a gateway."""
        return {DELIVER: Kind(self.deliver, attempts=ATTEMPTS, first_pause=FIRST_PAUSE, longest_pause=LONGEST_PAUSE)}

    async def send(self, db: Database, job: Job) -> None:
        """Note the letters of a message that is due, each with the job that delivers it; and call the pages of its readers, where they
        could not be called when it was told."""
        async with db.transaction() as tx:
            message = await tx.fetchrow("select id, event, urgent, created, due from message where id = $1", job.payload["message"])
            if message is None or (template := templates().get(message["event"])) is None:
                return
            readers = await tx.fetch(READERS, message["id"])
            if message["due"] > message["created"]:
                call(tx, readers)
            if template.outside and message["due"] > tx.now - STALE:
                for reader in readers:
                    for one in await addressees(tx, reader, template, self.gateways):
                        await self._note(tx, message, template, reader, one)

    async def _note(self, tx: Tx, message: asyncpg.Record, template: Template, told: asyncpg.Record, one: Addressee) -> None:
        reader = told["id"]
        if not message["urgent"] and await tx.fetchval(
            JUST_NOW, reader, one.account, one.channel, message["id"], tx.now - timedelta(hours=1)
        ):
            return
        id = uuid5(_NAMESPACE, f"{tx.db.ring.fingerprint(one.address)} {message['id']} {reader} {one.account} {one.channel}")
        most = await policy.value(tx, "notifications.most_outside_per_hour", tx.now)
        too_many = (
            bool(one.account) and not message["urgent"] and await tx.fetchval(OF_LATE, one.account, tx.now - timedelta(hours=1)) >= most
        )
        collected = await digest.time_of(tx, one.account) if one.account and not message["urgent"] and not template.must else None
        state = "gathered" if collected is not None else "withheld" if too_many else "waiting"
        why = (
            (f"More than {most} in an hour; it is in the inbox.", f"一小时内超过 {most} 条,仅在平台内查看。")
            if state == "withheld"
            else ("", "")
        )
        shown = masked(one.address)
        fresh = await tx.fetchval(ADD, id, reader, message["id"], one.account, one.channel, shown, state, tx.now, *why)
        if fresh is not None and collected is not None:
            await digest.gather(tx, one.account, one.channel, collected)
        if fresh is None or state != "waiting":
            return
        # Mail to a house that is not on the platform wakes nobody, and its time to answer is running.
        at_once = message["urgent"] or told["channel"] == "email"
        at = tx.now if at_once else quiet.not_before(await quiet.hours_of(tx, one.account), tx.now)
        await enqueue(tx, id, at if at > tx.now else None)

    async def deliver(self, db: Database, job: Job) -> None:
        """Send one letter. Raises NotSent to be tried again."""
        id = UUID(job.payload["delivery"])
        async with db.transaction() as tx:
            row = await tx.fetchrow(LETTER, id)
            if row is None or row["state"] != "waiting":
                return
            ready = await self._letter(tx, row)
        gateway = self.gateways.get(row["channel"])
        try:
            if ready is None or gateway is None:
                why = (
                    ("There is no address, or nothing to open, any more.", "已没有可用的地址,或已无可打开的内容。")
                    if ready is None
                    else ("This way is not offered any more.", "该发送方式已停用。")
                )
                raise NotSent(why[0], never=True, zh=why[1])
            sent = await gateway.send(ready)
        except NotSent as refused:
            last = refused.never or job.attempt >= ATTEMPTS
            state = "bounced" if refused.bounced else "failed" if last else "waiting"
            async with db.transaction() as tx:
                await tx.execute(NOTED, id, state, row["attempts"] + 1, tx.now, "", str(refused), refused.zh)
            if last:
                return
            raise
        async with db.transaction() as tx:
            await jobs.complete(tx, job)
            await tx.execute(NOTED, id, "sent", row["attempts"] + 1, tx.now, sent.answer, "", "")

    async def _letter(self, tx: Tx, row: asyncpg.Record) -> Letter | None:
        """What is sent now: the address is looked up again, since it may have been changed meanwhile."""
        template = templates().get(row["event"])
        if template is None:
            return None
        reader = {**row, "id": row["reader"], "channel": row["given"]}
        every = await addressees(tx, reader, template, [row["channel"]])
        mine = ("",) if row["given"] is not None else (row["account"],)
        to = next((one.address for one in every if one.account in mine), "")
        if not to:
            return None
        says = dict(msgspec.json.decode(row["says"]))
        if row["secrets"] is not None:
            says |= msgspec.json.decode(open_column("message_secret.says", row["message"], row["secrets"]))
        if (mint := self.minted.get(row["event"])) is not None:
            made = await mint(tx, row["event"], row["about"])
            if made is None:
                return None
            says |= made
        text = template.print_outside("zh", says)
        if row["channel"] == "email" and self.url and row["address"] is None:
            text += f"\n\n{self.url}/messages\n"
        await keys.ensure(tx)
        key = (await keys.usable(tx))[0]
        named = f"{row['id']}-{row['again']}" if row["again"] else str(row["id"])
        return Letter(named, row["channel"], to, f"【医联】{template.head('zh', own=row['patient'] is not None)}", text, tx.now, key)


def call(tx: Tx, readers: list[asyncpg.Record]) -> None:
    """Call the open pages of these readers after the commit."""
    live.hint(
        tx,
        live.Hint(
            "inbox",
            institutions=frozenset(one["institution"] for one in readers if one["institution"] is not None),
            agents=frozenset(one["agent"] for one in readers if one["agent"] is not None),
            patients=frozenset(one["patient"] for one in readers if one["patient"] is not None),
        ),
    )


async def enqueue(tx: Tx, id: UUID, at: datetime | None = None) -> None:
    """Have a letter delivered, not before `at`."""
    number = await jobs.enqueue(tx, DELIVER, {"delivery": str(id)}, run_at=at, key=str(id))
    await tx.execute("update message_delivery set job = $2 where id = $1", id, number)


async def tell_digest(db: Database, job: Job) -> None:
    """Handler of `digest.DIGEST`: one letter of what was gathered for an account and channel."""
    await digest.tell_digest(db, job, enqueue)


async def clear(db: Database, job: Job) -> None:
    """Remove what is older than the region keeps it (policy `notifications.keep_days`), with what was sent of it; and old codes."""
    async with db.transaction() as tx:
        days = await policy.value(tx, "notifications.keep_days", tx.now)
        await tx.execute(OLD, tx.now - timedelta(days=days))
        await proving.clear(tx)
