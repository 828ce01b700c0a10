"""The reaction of the store: what a write caused is noted in its transaction; and what was asked for is brought in step with Subscriptions.

Writers take no lock that others wait for: an event is a row without a number, and a job that will give it one. Numbers are given after the
commit (`collect`), in one place for each subscription. So they have no gaps, nothing that is committed later gets a smaller one than what
has been told, and writers of one hospital never wait for each other because of who else wants to know.

Why the order holds. Two writes of which one was committed before the other began have their rows in this order: ids come from one sequence.
A writer of the same resource begins after the one before has committed, since the row of the resource is locked. Numbers are given under
a lock of the subscription, each time from a look at all that is committed by then: what is seen by a later look only was not committed
at the earlier one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from yilian import jobs
from yilian.access.asker import asker_of
from yilian.errors import Forbidden
from yilian.exchange.subscriptions import known, rows
from yilian.exchange.subscriptions.definition import ends_of, understood
from yilian.exchange.subscriptions.matching import Happened, Interaction, Watch
from yilian.exchange.subscriptions.topics import CODE, CODE_SYSTEM, ID_PREFIX
from yilian.fhir.dates import region_zone
from yilian.jobs import NewJob
from yilian.store import members
from yilian.store.change import Change, Written
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

log = logging.getLogger("yilian.subscriptions")

COLLECT, BEGIN = "subscription.collect", "subscription.begin"

NOTE = """
insert into subscription_event (subscription, at, interaction, rid, ver)
select n.subscription, $5, n.interaction, n.rid, n.ver
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[]) with ordinality as n (subscription, interaction, rid, ver, nth)
where exists (select from subscription s where s.rid = n.subscription and s.state <> 'off')
order by n.nth returning id
"""

ASKED = """
insert into subscription (rid, id, version, state, definition, asker, ends)
values ($1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7)
on conflict (rid) do update set version = excluded.version, state = excluded.state, definition = excluded.definition,
    asker = excluded.asker, ends = excluded.ends, failures = 0, failing_since = null, retry_at = null, error = null
"""

OF_ANOTHER = """
delete from subscription s where s.rid = $1 and (s.asker -> 'user', s.asker -> 'client', s.asker -> 'institution', s.asker -> 'reach')
    is distinct from ($2::text::jsonb -> 'user', $2::text::jsonb -> 'client', $2::text::jsonb -> 'institution', $2::text::jsonb -> 'reach')
returning s.rid
"""


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """Topics are the platform's: nobody else writes a Basic that looks like one. And a Subscription that is followed is changed by the
    application that asked for it; others, who may write it, do so once it is off, and a system of the region ends it. Raises Forbidden."""
    for change in changes:
        if change.type == "Subscription" and scope is not SYSTEM and change.method != "POST" and change.id:
            await _require_own(tx, scope, change)
        if change.type == "Basic" and scope is not SYSTEM and _is_topic(change):
            raise Forbidden(
                "Topics come with the platform and cannot be written; see /fhir/Basic?code=SubscriptionTopic.",
                expression=change.place or "Basic",
                zh="订阅主题由平台提供,不能写入。",
            )


async def _require_own(tx: Tx, scope: Scope, change: Change) -> None:
    row = await tx.fetchrow(f"select {rows.COLUMNS} from subscription s where s.id = $1 and s.state <> 'off'", change.id)
    if row is None or rows.subscription(row).is_of(scope):
        return
    ends = change.method == "DELETE" or (change.resource or {}).get("status") == "off"
    if scope.reach != "everything" or not ends:
        raise Forbidden(
            f"Subscription/{change.id} was asked for by another application, which changes and ends it; once it is off, others may.",
            expression=change.place or "Subscription",
            zh="该订阅由其他应用创建,仅限其修改或结束。",
        )


def _is_topic(change: Change) -> bool:
    coded = ((change.resource or {}).get("code") or {}).get("coding") or ()
    named = change.method == "PUT" and (change.id or "").startswith(ID_PREFIX)
    return named or any((one.get("system"), one.get("code")) == (CODE_SYSTEM, CODE) for one in coded)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """Note the events of a write, and take up Subscriptions among what was written. Nothing is asked where nobody wants to know."""
    watched = known.by_type(tx.db.dsn)
    if watched:
        await _note(tx, written)
    for done in written:
        if done.type == "Subscription" and not done.unchanged:
            await _in_step(tx, scope, done)


async def _note(tx: Tx, written: Sequence[Written]) -> None:
    watched = known.by_type(tx.db.dsn)
    linked = await _linked(tx, written, watched)
    events: list[tuple[int, str, int, int]] = []
    for done in written:
        if done.type not in watched or done.unchanged:
            continue
        interaction: Interaction = "delete" if done.deleted else "create" if done.created else "update"
        happened = Happened(interaction, done.resource, done.previous, tx.now, linked)
        events += [
            (watch.subscription, happened.interaction, done.rid, done.version) for watch in watched[done.type] if _is_met(watch, happened)
        ]
    if events:
        noted = await tx.fetch(NOTE, *([event[n] for event in events] for n in range(4)), tx.now)
        if noted:
            await jobs.enqueue(tx, COLLECT, {}, priority=1)


async def _linked(tx: Tx, written: Sequence[Written], watched: Mapping[str, Sequence[Watch]]) -> Mapping[str, Sequence[str]]:
    """Who is linked to those these changes are about, where somebody watches a patient by name."""
    by_name = {type for type, some in watched.items() if any(watch.names_patients for watch in some)}
    about = {
        rid for done in written if done.type in by_name for rid in (done.patient, done.previous_patient) if rid is not None and rid > 0
    }
    return await members.linked(tx, sorted(about)) if about else {}


def _is_met(watch: Watch, happened: Happened) -> bool:
    """Nobody's write fails because of what somebody else wants to be told. What cannot be held against a filter is told: within the scope
    of its owner, and better than missed."""
    try:
        return watch.is_met(happened)
    except Exception:
        log.exception("a change cannot be held against the filters of subscription %d", watch.subscription)
        return True


async def _in_step(tx: Tx, scope: Scope, done: Written) -> None:
    """Follow one Subscription just written."""
    if done.deleted or done.resource is None:
        await tx.execute("delete from subscription where rid = $1", done.rid)
        await tx.execute("delete from subscription_event where subscription = $1", done.rid)
        await tx.execute("delete from subscription_header where id = $1", done.id)
        await known.changed(tx)
        return
    status = str(done.resource.get("status"))
    if status != "requested" or scope is SYSTEM:  # the server's own word; a client's off; a change of nothing that matters
        stands = await tx.fetchrow(
            "update subscription set state = $2, error = $3, failing_since = case when $2 = 'error' then coalesce(failing_since, $4) end"
            " where rid = $1 returning state",
            done.rid,
            status,
            done.resource.get("error"),
            tx.now,
        )
        if stands is not None:
            await known.changed(tx)
        return
    asker = msgspec.json.encode(asker_of(scope)).decode()
    if await tx.fetchval(OF_ANOTHER, done.rid, asker):  # what one application was told of is not another's to count or to ask for
        await tx.execute("delete from subscription_event where subscription = $1", done.rid)
    await tx.execute(
        ASKED,
        done.rid,
        done.id,
        done.version,
        status,
        msgspec.json.encode(understood(done.resource, region_zone()).as_json()).decode(),
        asker,
        ends_of(done.resource),
    )
    await known.changed(tx)
    await jobs.enqueue_many(tx, [beginning(done.rid, done.version)])


def beginning(rid: int, version: int) -> NewJob:
    """The job that makes a subscription active. In a line of its own: deliveries that wait for their next attempt do not hold it up."""
    payload = {"subscription": rid, "version": version}
    return NewJob(BEGIN, payload, key=f"{rid} {version}", subject=f"subscription {rid} begins", priority=1)
