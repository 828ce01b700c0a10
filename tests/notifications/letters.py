"""Letters as the tests send them: a gateway that keeps them, and a worker that does at once what waits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from tests.notifications.conftest import NUMBER, Region
from yilian.db import Tx
from yilian.jobs import Job
from yilian.notifications import Message, Reader, choices, tell
from yilian.notifications.gateways import Gateway, Letter, NotSent, Sent
from yilian.notifications.sending import Sending
from yilian.store.scope import Scope

__all__ = ["NUMBER", "SAYS", "Kept", "accepted", "patient", "proven", "states", "work"]

SAYS = {"patient": "李秀英", "number": "530900-1", "reason": "2 型糖尿病", "specialty": "内分泌科", "when": "11月24日 9:00"}


@dataclass
class Kept:
    """A gateway that keeps what it is handed; `refuses` says what it raises, one after the other."""

    letters: list[Letter] = field(default_factory=list)
    refuses: list[NotSent] = field(default_factory=list)

    async def send(self, letter: Letter) -> Sent:
        self.letters.append(letter)
        if self.refuses:
            raise self.refuses.pop(0)
        return Sent(f"kept-{len(self.letters)}")


async def accepted(region: Region, *readers: Reader, **more: Any) -> None:
    message = Message("referral.accept", readers, "Patient/p1", await region.rid("Patient", "p1"), SAYS)
    async with region.db.transaction() as tx:
        await tell(tx, replace(message, **more))


async def patient(region: Region) -> Reader:
    return Reader.patient(await region.rid("Patient", "p1"))


async def proven(tx: Tx, scope: Scope, channel: str, address: str) -> None:
    """Have an account reached there, as if it had typed in the code."""
    await choices.put_address(tx, scope, channel, address)
    await tx.execute("update message_address set verified = now() where account = $1 and channel = $2", scope.user, channel)


async def work(region: Region, **gateways: Gateway) -> None:
    """Do what waits, as a worker would, at once."""
    house = Sending(gateways)
    kinds = house.kinds() | house.deliveries()
    for _ in range(5):
        async with region.db.transaction() as tx:
            rows = await tx.fetch(
                "update job set state = 'running', attempt = attempt + 1, worker = 'test', lease = now() + interval '1 hour'"
                " where state in ('waiting', 'later') and run_at <= now() + interval '3 hours' and kind = any($1::text[]) returning *,"
                " payload::text as said",
                list(kinds),
            )
        if not rows:
            return
        for row in rows:
            job = Job(row["id"], row["kind"], msgspec.json.decode(row["said"]), None, row["attempt"], {}, "test")
            try:
                await kinds[row["kind"]].handler(region.db, job)
                state = "done"
            except NotSent:
                state = "waiting"
            async with region.db.transaction() as tx:
                await tx.execute(
                    "update job set state = $2, worker = null, lease = null, finished = case when $2 = 'done' then now() end"
                    " where id = $1 and state = 'running'",
                    job.id,
                    state,
                )


async def states(region: Region) -> list[str]:
    async with region.db.reading() as tx:
        return [row["state"] for row in await tx.fetch("select state from message_delivery order by created, id")]
