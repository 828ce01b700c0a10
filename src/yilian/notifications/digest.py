"""每日摘要: what is not urgent, told outside once a day in one letter instead of one by one.

The region says at what time, if at all (policy `notifications.digest_at`), and each account may say otherwise. Until then a letter is
`gathered`; the job of the digest tells how many there are of which kind, leaves out what was read meanwhile, and marks them `digested`.
What is urgent, and what nobody may switch off, goes at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from yilian import jobs, policy
from yilian.fhir.dates import region_zone
from yilian.notifications import quiet
from yilian.notifications.addresses import address_of, masked
from yilian.notifications.templates import KINDS, templates

if TYPE_CHECKING:
    from yilian.db import Database, Tx
    from yilian.jobs import Job

POLICY = "notifications.digest_at"
DIGEST = "notifications.digest"
EVENT = "account.digest"
_NAMESPACE = UUID("0d3a6b1e-58a4-5c6b-9f0e-7f2b8c9d1e54")

GATHERED = """
select d.id, m.event, r.handled is not null or exists (
        select from message_read x join account a on a.agent = x.agent where x.reader = d.reader and a.name = d.account) as seen
from message_delivery d join message m on m.id = d.message join message_reader r on r.id = d.reader
where d.account = $1 and d.channel = $2 and d.state = 'gathered' order by d.created, d.id for update of d
"""
SETTLE = "update message_delivery set state = $2, changed = $3, error = $4, why = $5 where id = any($1::uuid[])"
LETTER = """
with told as (
    insert into message (event, about, says, urgent, created, due) values ($1, $2, $3::text::jsonb, false, $4, $4) returning id),
reader as (
    insert into message_reader (message, event, about, due, channel, address)
    select id, $1, $2, $4, $5, ''::bytea from told returning id, message)
insert into message_delivery (id, reader, message, account, channel, shown, state, created, changed)
select $6, reader.id, reader.message, $7, $5, $8, 'waiting', $4, $4 from reader returning reader
"""


async def time_of(tx: Tx, account: str) -> time | None:
    """When this account is told collected, on the region's clock; None: each message by itself."""
    if not account:  # a patient by the number of the record has no inbox to look at instead
        return None
    own = await tx.fetchrow("select at from message_digest where account = $1", account)
    if own is not None:
        found: time | None = own["at"]
        return found
    said = await policy.value(tx, POLICY, tx.now)
    return time.fromisoformat(said) if said else None


def next_time(at: time, now: datetime, zone: ZoneInfo | None = None) -> datetime:
    """The first moment after `now` at which the region's clock shows `at`; where the clock is set forward over it, the first after."""
    place = zone or region_zone()
    day = now.astimezone(place).date()
    for later in range(3):
        moment = datetime.combine(day + timedelta(days=later), at, place)
        if moment.timestamp() > now.timestamp():
            return moment
    raise AssertionError("a clock shows every time within two days")


async def gather(tx: Tx, account: str, channel: str, at: time) -> None:
    """Have what is gathered for this account told at its next time, in `tx`."""
    when = quiet.not_before(await quiet.hours_of(tx, account), next_time(at, tx.now))
    await jobs.enqueue(tx, DIGEST, {"account": account, "channel": channel}, run_at=when, key=f"{account} {channel}")


async def tell_digest(db: Database, job: Job, enqueue: Callable[[Tx, UUID], Awaitable[None]]) -> UUID | None:
    """Write the letter of what was gathered; the id of its row, None where there is nothing to tell. Ends the job together with it.
    enqueue: has a letter delivered."""
    account, channel = job.payload["account"], job.payload["channel"]
    async with db.transaction() as tx:
        rows = await tx.fetch(GATHERED, account, channel)
        agent = await tx.fetchval("select agent from account where name = $1 and disabled is null", account)
        address = await address_of(tx, account, agent, channel) if agent is not None else ""
        seen = [row["id"] for row in rows if row["seen"]]
        fresh = [row for row in rows if not row["seen"]]
        await tx.execute(SETTLE, seen, "withheld", tx.now, "It was read before.", "已在平台内查看,未再外发。")
        if not address:
            await tx.execute(SETTLE, [row["id"] for row in fresh], "failed", tx.now, "There is no address any more.", "已没有可用的地址。")
            fresh = []
        id = uuid5(_NAMESPACE, f"{job.id}") if fresh else None
        if id is not None:
            await _write(tx, id, account, agent, channel, address, [row["event"] for row in fresh])
            await enqueue(tx, id)
            await tx.execute(SETTLE, [row["id"] for row in fresh], "digested", tx.now, "", "")
        await jobs.complete(tx, job)
        return id


async def _write(tx: Tx, id: UUID, account: str, agent: str, channel: str, address: str, events: list[str]) -> None:
    kinds = Counter(templates()[event].kind for event in events if event in templates())
    says = {"count": str(len(events)), "kinds": "、".join(f"{KINDS[kind][0]} {many} 条" for kind, many in kinds.most_common())}
    text = msgspec.json.encode(says).decode()
    reader = await tx.fetchval(LETTER, EVENT, agent, text, tx.now, channel, id, account, masked(address))
    sealed = tx.db.ring.seal_column("message_reader.address", reader, address.encode())
    await tx.execute("update message_reader set address = $2 where id = $1", reader, sealed)
