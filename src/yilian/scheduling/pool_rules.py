"""号源池规则: the rules of the pools as dated policies, changed from a day on, with their history: the region's by its administrators, an
institution's own by its office.

What holds is `booking.pools` and `booking.release` (`policy`), an institution's own before the region's. The day that counts is the day of
the slot. An institution may keep more for a pool, open it earlier and keep it longer than the region asks for, and never less. What becomes
of places that are made already: `dealing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from yilian import jobs, policy
from yilian.audit.note import by
from yilian.audit.record import note_event
from yilian.errors import BadRequest, Conflict, Forbidden
from yilian.fhir.dates import region_zone
from yilian.scheduling.pools import Release, Rule, release_of, rules_of
from yilian.scheduling.slots import KINDS
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Json = Mapping[str, Any]

POOLS, RELEASE = "booking.pools", "booking.release"
DEAL = "scheduling.deal"
"""The job that shares out anew what is made already, see `dealing.work`."""
OFFICE, ADMINISTRATOR = "office", "admin"
FARTHEST = timedelta(days=366)
MOST_HISTORY = 50

ROWS = """
select name, institution is not null as own, valid_from, value::text as value, source from policy
where name = any($1::text[]) and (institution is null or institution = $2::bigint)
"""
HISTORY = """
select name, institution is not null as own, valid_from, value::text as value, source, agent_name, at from policy_change
where name = any($1::text[]) and (institution is null or institution = $2::bigint) order by id desc limit $3
"""
OWN = """
select distinct p.institution, r.id, r.body::json ->> 'name' as name
from policy p join resource r on r.rid = p.institution and not r.deleted where p.name = any($1::text[]) order by name, r.id
"""
NOTE = """
insert into policy_change (name, institution, value, valid_from, source, agent, agent_name)
values ($1, $2, $3::text::jsonb, $4, $5, $6, $7)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A policy from a day on; own: the institution's, else the region's."""

    name: str
    own: bool
    since: date
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on a day: the rules by kind of slot, the release, and the policies they come from."""

    pools: Mapping[str, tuple[Rule, ...]]
    release: Release
    from_pools: Row
    from_release: Row


@dataclass(frozen=True, slots=True)
class Dated:
    """Every policy of the pools an institution goes by, whenever it holds."""

    rows: tuple[Row, ...]

    def on(self, day: date, *, region: bool = False) -> Rules:
        """What holds on that day; region: whatever the institution's own may be."""
        pools, release = (self._newest(name, day, region) for name in (POOLS, RELEASE))
        return Rules({kind: rules_of(pools.value.get(kind, ())) for kind in KINDS}, release_of(release.value), pools, release)

    def with_change(self, since: date, pools: Json, release: Json, *, own: bool = True) -> Dated:
        """As it would be with these from a day on, as the institution's own or (not `own`) as the region's."""
        return Dated((*self.rows, Row(POOLS, own, since, pools, ""), Row(RELEASE, own, since, release, "")))

    def own_rules(self, day: date) -> Mapping[str, frozenset[Rule]]:
        """By kind of slot, those of the rules of that day that the region does not ask for as they are: the institution's own."""
        asked = self.on(day, region=True).pools
        return {kind: frozenset(rules) - frozenset(asked[kind]) for kind, rules in self.on(day).pools.items()}

    def is_less(self, day: date) -> bool:
        """Whether the institution's own rules of that day keep less than the region asks for: the region's came later."""
        return any(
            not _is_enough({rule.pool: rule for rule in self.on(day).pools[kind]}.get(rule.pool), rule)
            for kind, asked in self.on(day, region=True).pools.items()
            for rule in asked
        )

    def days(self, after: date) -> tuple[date, ...]:
        """The days after that one on which something changes."""
        return tuple(sorted({row.since for row in self.rows if row.since > after}))

    def _newest(self, name: str, day: date, region: bool) -> Row:
        some = [row for row in self.rows if row.name == name and row.since <= day and not (region and row.own)]
        if some:  # of two from the same day the later one in the row: the change that is looked at
            return max(enumerate(some), key=lambda one: (one[1].own, one[1].since, one[0]))[1]
        default = policy.defaults()[name]
        return Row(name, False, policy.FROM_THE_START, default.value, default.source)


async def dated(tx: Tx, institution: int | None) -> Dated:
    """The policies as they are this moment, also where another process has just changed them."""
    rows = await tx.fetch(ROWS, [POOLS, RELEASE], institution)
    return Dated(tuple(Row(row["name"], row["own"], row["valid_from"], msgspec.json.decode(row["value"]), row["source"]) for row in rows))


@dataclass(frozen=True, slots=True)
class Keeping:
    """An institution that has rules of its own. id: of its Organization."""

    rid: int
    id: str
    name: str
    there: Dated


async def with_own(tx: Tx) -> list[Keeping]:
    """The institutions that have rules of their own, by name."""
    rows = await tx.fetch(OWN, [POOLS, RELEASE])
    return [Keeping(row["institution"], row["id"], row["name"] or "-", await dated(tx, row["institution"])) for row in rows]


async def history(tx: Tx, institution: int | None) -> list[Any]:
    """The last changes for this institution (rid) and for the region, the newest first: name, own, valid_from, value, source, agent_name,
    at."""
    rows = await tx.fetch(HISTORY, [POOLS, RELEASE], institution, MOST_HISTORY)
    return [{**dict(row), "value": msgspec.json.decode(row["value"])} for row in rows]


def proposed(pools: Mapping[str, Sequence[Json]], release: Json) -> tuple[Json, Json]:
    """The two values as they are stored. Raises BadRequest for what makes no sense."""
    strange = [kind for kind in pools if kind not in KINDS]
    if strange:
        raise BadRequest(f"{strange[0][:40]!r} is no kind of slot: {', '.join(KINDS)}.", expression="rule", zh="号源类别不正确。")
    try:
        for kind in pools:
            rules_of(pools[kind])
            if len({rule["pool"] for rule in pools[kind]}) < len(pools[kind]):
                raise ValueError(f"{kind}: a pool has one rule")
        release_of(release)
    except (KeyError, TypeError, ValueError) as fault:
        zh = "号源池规则不正确:每类号源中各池只列一次,比例大于 0 且合计不超过 100%。"
        raise BadRequest(f"These rules make no sense: {fault}.", expression="rule", zh=zh) from None
    return {kind: [dict(rule) for rule in pools.get(kind, ())] for kind in KINDS}, dict(release)


def require_enough(there: Dated, since: date, pools: Json) -> None:
    """Raises Conflict where an institution's own rules from a day on are less than what the region asks for on that day, or on one of the
    days to come for which that is known."""
    for day in (since, *there.days(since)):
        for kind, asked in there.on(day, region=True).pools.items():
            own = {rule.pool: rule for rule in rules_of(pools.get(kind, ()))}
            for rule in asked:
                if not _is_enough(own.get(rule.pool), rule):
                    raise Conflict(
                        f"From {day} the region keeps {rule.share:.0%} of {kind} for {rule.pool}, {rule.opens_days} days earlier, for"
                        f" {rule.hours:g} hours or longer ({rule.anchor}): an institution may keep more, not less.",
                        expression="rule",
                        zh=f"不得低于区域规定({day} 起):比例不少于 {rule.share:.0%},提前开放不少于 {rule.opens_days} 天,"
                        f"保留不少于 {rule.hours:g} 小时。",
                    )


def _is_enough(own: Rule | None, asked: Rule) -> bool:
    if own is None or own.share < asked.share - 1e-9 or own.opens_days < asked.opens_days:
        return False
    if own.anchor != asked.anchor:
        return own.anchor == "start"
    return own.hours >= asked.hours if asked.anchor == "release" else own.hours <= asked.hours


def require_keeper(scope: Scope, institution: int | None) -> None:
    """Raises Forbidden unless this scope keeps the rules of an institution (rid): its office; those of the region
    (None): its administrators; all of them: systems of the region."""
    if scope.reach == "everything" and scope.may_write:
        return
    if institution is None:
        if ADMINISTRATOR in scope.roles and scope.may_write:
            return
        raise Forbidden("The rules of the region are kept by its administrators.", zh="区域号源池规定由系统管理员维护。")
    if OFFICE not in scope.roles or not institution or scope.institution_rid != institution or not scope.may_write:
        raise Forbidden(
            "The rules of the pools are kept by the office of the institution.",
            zh="号源池规则由本机构的医联体办公室维护,请以相应岗位登录。",
        )


async def change(tx: Tx, scope: Scope, institution: int | None, since: date, pools: Json, release: Json, source: str) -> int:
    """Set the rules of an institution (rid; None: the region) from a day on, in `tx`: how many policies changed. Places that are made
    already follow by a job.

    pools, release as `proposed` gives them. Raises Forbidden for who does not keep them, BadRequest for a day that is past or far away and
    without a source, Conflict for less than the region asks for, and for what holds already.
    """
    require_keeper(scope, institution)
    today = tx.now.astimezone(region_zone()).date()
    if not today <= since <= today + FARTHEST:
        raise BadRequest(
            "The rules hold from today or a later day on, a year ahead at most.", expression="since", zh="生效日期应为今天起一年内。"
        )
    if not 2 <= len(source.strip()) <= 300:
        raise BadRequest("Say on what ground: a document or resolution.", expression="source", zh="请填写依据(文件或决议)。")
    there = await dated(tx, institution)
    if institution is not None:
        require_enough(there, since, pools)
    holds = there.on(since)
    new = [
        (name, value)
        for name, value, old in ((POOLS, pools, holds.from_pools), (RELEASE, release, holds.from_release))
        if not _same(name, value, old.value)
    ]
    if not new:
        raise Conflict("These rules hold on that day already.", zh="所填规则与该日已生效的规则相同,无需调整。")
    for name, value in new:
        await policy.put(tx, name, value, valid_from=since, source=source.strip(), institution=institution)
        text = msgspec.json.encode(value).decode()
        await tx.execute(NOTE, name, institution, text, since, source.strip(), scope.agent, scope.name)
    await note_event(tx, by(scope, tx.now, "operation", "U", operation="set-pool-rules", query=f"since={since}"))
    await jobs.enqueue(tx, DEAL, {"institution": institution, "since": since.isoformat()})
    return len(new)


def _same(name: str, one: Any, other: Any) -> bool:
    if name == RELEASE:
        return release_of(one) == release_of(other)
    return all(set(rules_of(one.get(kind, ()))) == set(rules_of(other.get(kind, ()))) for kind in KINDS)
