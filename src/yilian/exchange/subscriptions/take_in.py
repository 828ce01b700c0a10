"""A Subscription on its way into the store: understood or refused, its status one that a client may give it, its secrets put away.

Called by the store with what is to be stored, before guards look at it (`Hooks.amend`). What comes back is stored: header values are
replaced by `MASK`, so that no reading, history, export or log ever shows them. Sent back as `MASK` by who had written them, to the same
address, they stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from yilian import policy
from yilian.access.addresses import Allowed
from yilian.access.policy import require
from yilian.errors import Forbidden, InvalidResource, Issue
from yilian.exchange.subscriptions.definition import ends_of, headers_of, understood
from yilian.fhir.dates import region_zone
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MASK = "********"
SAME = ("criteria", "_criteria", "channel", "end", "extension")
"""What a subscription is about: while it is active, changing it means asking anew."""


class TakeIn:
    """`allowed`: where notifications may be sent; set once, when the server is put together."""

    def __init__(self) -> None:
        self.allowed = Allowed(frozenset())

    async def __call__(self, tx: Tx, scope: Scope, change: Change, previous: Mapping[str, Any] | None) -> dict[str, Any]:
        """The Subscription as it is to be stored. Raises InvalidResource, Forbidden.

        What the platform itself writes is its own word about the status, or was loaded and is followed by nobody.
        """
        resource = change.resource or {}
        if scope is SYSTEM:
            return _masked(resource)
        headers = headers_of(resource)
        if resource.get("status") != "off":
            definition = understood(resource, region_zone())
            for kind in sorted(definition.types()):
                require(scope, "read", kind)
            if definition.channel == "rest-hook":
                self.allowed.require(definition.endpoint)
            ends = ends_of(resource)
            if ends is not None and ends <= tx.now:
                raise _refused("This end has passed.", "end")
            await _require_room(tx, scope, change)
        await _put_away(tx, scope, change, headers, previous)
        kept = _masked(resource)
        _check_status(kept, previous)
        return kept


amend = TakeIn()


async def _require_room(tx: Tx, scope: Scope, change: Change) -> None:
    """Every write is held against every subscription of its type: one application has no more than so many. Raises Forbidden."""
    others = await tx.fetchval(
        "select count(*) from subscription where state <> 'off' and asker ->> 'client' = $1 and id <> $2", scope.client, change.id
    )
    most = await policy.value(tx, "subscription.most_of_an_application", tx.now)
    if others >= most:
        text = f"{scope.client} has {others} subscriptions, and {most} at most; end one, or ask for several things with the filters of one."
        raise Forbidden(text, code="too-costly", expression="Subscription", zh=f"每个应用最多 {most} 个订阅,请先结束不用的订阅。")


def _check_status(resource: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
    status = resource.get("status")
    if status in ("requested", "off"):
        return
    same = previous is not None and all(resource.get(key) == previous.get(key) for key in SAME)
    if same and previous is not None and previous.get("status") == status:
        return
    raise _refused(
        f"The status {status!r} is given by the server. Send requested to begin, to begin again or to change it, off to end.",
        "status",
    )


async def _put_away(tx: Tx, scope: Scope, change: Change, headers: list[tuple[str, str]], previous: Mapping[str, Any] | None) -> None:
    known: dict[str, str] = {}
    ends = (change.resource or {}).get("status") == "off"
    if any(value == MASK for _, value in headers):
        row = await tx.fetchrow("select owner, headers::text as headers from subscription_header where id = $1", change.id)
        before = ((previous or {}).get("channel") or {}).get("endpoint")
        endpoint = ((change.resource or {}).get("channel") or {}).get("endpoint")
        if row is not None and row["owner"] == _owner(scope) and before == endpoint:
            known = dict(msgspec.json.decode(row["headers"]))
    if ends and headers and all(value == MASK and name not in known for name, value in headers):
        return  # ended by somebody else: what was put away stays its writer's
    kept: list[tuple[str, str]] = []
    for place, (name, value) in enumerate(headers):
        if value == MASK and name not in known:
            raise _refused(f"Send the value of {name} again: it is kept for its writer and its address only.", f"channel.header[{place}]")
        kept.append((name, known[name] if value == MASK else value))
    if kept:
        await tx.execute(
            """
            insert into subscription_header (id, owner, headers) values ($1, $2, $3::text::jsonb)
            on conflict (id) do update set owner = excluded.owner, headers = excluded.headers
            """,
            change.id,
            _owner(scope),
            msgspec.json.encode(kept).decode(),
        )
    elif previous is not None:
        await tx.execute("delete from subscription_header where id = $1", change.id)


def _masked(resource: dict[str, Any]) -> dict[str, Any]:
    channel = resource.get("channel") or {}
    if not channel.get("header"):
        return resource
    names = [str(text).partition(":")[0].strip() for text in channel["header"]]
    return {**resource, "channel": {**channel, "header": [f"{name}: {MASK}" for name in names]}}


def _owner(scope: Scope) -> str:
    return f"{scope.client} {scope.user} {scope.institution}"


def _refused(text: str, place: str) -> InvalidResource:
    return InvalidResource(text, issues=[Issue("error", "invalid", text, f"Subscription.{place}", "订阅无法受理,请按说明修改。")])
