"""The jobs of subscriptions, with the settings they work by: what `app.py` wires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from yilian.access.addresses import Allowed
from yilian.exchange.subscriptions import upkeep
from yilian.exchange.subscriptions.collect import DELIVER, collect
from yilian.exchange.subscriptions.deliver import Postman
from yilian.exchange.subscriptions.outbox import BEGIN, COLLECT
from yilian.exchange.subscriptions.take_in import amend
from yilian.jobs import Kind, Periodic

RESEND = "subscription.resend"
PERIODIC = (Periodic("subscription.look-after", "subscription.look-after", timedelta(seconds=15)),)
QUICKLY = timedelta(seconds=1)
SLOWEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SubscriptionDesk:
    """base: our FHIR address, "" where it is not known; allowed: where notifications may be sent."""

    base: str
    allowed: Allowed

    @staticmethod
    def at(public_url: str, hosts: str) -> SubscriptionDesk:
        """`public_url`: under which we are reached; `hosts`: those that may be sent to by plain http and in private networks, with commas.

        The hosts are those of this process from now on: what is written is held against them too.
        """
        allowed = Allowed.of(hosts)
        amend.allowed = allowed
        return SubscriptionDesk(f"{public_url.rstrip('/')}/fhir" if public_url else "", allowed)

    def kinds(self) -> dict[str, Kind]:
        """Jobs that are done at once, without waiting for anybody."""
        return {COLLECT: Kind(collect, attempts=1000), "subscription.look-after": Kind(upkeep.look_after)}

    def deliveries(self) -> dict[str, Kind]:
        """Jobs that wait for receivers. Those who run them let many wait at a time."""
        postman = Postman(self.base, self.allowed)
        often = {"attempts": 1000, "first_pause": QUICKLY, "longest_pause": SLOWEST}
        return {
            BEGIN: Kind(postman.begin, **often),  # type: ignore[arg-type]
            DELIVER: Kind(postman.deliver, **often),  # type: ignore[arg-type]
            upkeep.HEARTBEAT: Kind(postman.heartbeat, attempts=2),
            RESEND: Kind(postman.resend, attempts=5),
        }
