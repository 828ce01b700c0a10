"""Free places by time: which slots of which doctors, devices and services still have some that are open to the asker.

IHE Scheduling, ITI-115: https://profiles.ihe.net/ITI/Scheduling/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.scheduling import places
from yilian.scheduling.standing import OF_THE_HOUSE, Standing
from yilian.search.parameters import parameters_of
from yilian.store import cursor as cursors

if TYPE_CHECKING:
    from yilian.db import Tx

LONGEST = timedelta(days=92)
MOST = 500

FIND = f"""
select r.id, s.rid, s.starts, s.ends, s.kind, s.specialty, s.capacity, i.id as institution, c.id as schedule,
       a.type as actor_type, a.id as actor, s.actor as actor_rid, s.free, s.reserved
from (
    select s.*, f.free, f.reserved from slot s
    cross join lateral (
        select count(*) as free, count(*) filter (where p.public_from > now()) as reserved from place p
        where p.slot = s.rid and {places.FREE} and {{open_to}}) f
    where not s.stopped and s.starts >= $1 and s.starts < $2 and s.ends > now() and f.free > 0
        and (s.starts, s.rid) > ($4, $5::bigint) and {{which}}
    order by s.starts, s.rid limit $3) s
join resource r on r.rid = s.rid
join resource i on i.rid = s.institution
join resource c on c.rid = s.schedule
join resource a on a.rid = s.actor
order by s.starts, s.rid
"""
"""Slots are gone through in the order of their time and only until there are enough; names are looked up for those alone."""


POSTS = parameters_of("PractitionerRole")["practitioner"].id
OF_ACTORS = f"""
s.actor in (
    with named as (
        select n.rid from unnest({{kinds}}::smallint[], {{ids}}::text[]) as w (type, id) join resource n on n.type = w.type and n.id = w.id)
    select rid from named
    union all
    select x.rid from named join index_reference x on x.target = named.rid and x.param = {POSTS})
"""


@dataclass(frozen=True, slots=True)
class Question:
    """since, until: aware, the slot begins within. "" and () leave the rest open, but not all of it. specialty: a code of 诊疗科目; kind: a
    code of `slots.KINDS`; institutions, schedules: logical ids; actors: references, "Practitioner/…" for all the posts of somebody."""

    since: datetime
    until: datetime
    specialty: str = ""
    kind: str = ""
    institutions: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Free:
    """A slot with places to be had. rid: its database key, to go on after it; free: how many are open to the asker now; reserved: of these,
    how many are not the public's yet; actor_rid: database key of whose time it is."""

    rid: int
    slot: str
    schedule: str
    institution: str
    actor: str
    starts: datetime
    ends: datetime
    kind: str
    specialty: str
    capacity: int
    free: int
    reserved: int
    actor_rid: int


async def find(tx: Tx, question: Question, here: Standing, *, count: int = 50, after: str | None = None) -> tuple[list[Free], str | None]:
    """The next `count` slots `after` a cursor, earliest first, and the cursor for the page that follows, if one does. Slots are the
    directory's: anybody who is signed in may ask. Raises BadRequest for a question without bounds, and a strange cursor."""
    if not timedelta() < question.until - question.since <= LONGEST:
        raise BadRequest(
            f"start and end are at most {LONGEST.days} days apart.", expression="start", zh=f"查询时间跨度应在 {LONGEST.days} 天以内。"
        )
    if not 1 <= count <= MOST:
        raise BadRequest(f"_count is 1 to {MOST}.", expression="_count", zh=f"_count 应为 1 至 {MOST}。")
    starts, rid = cursors.unpack(after, 2) if after else (0, 0)
    arguments: list[Any] = [question.since, question.until, count + 1, cursors.moment(starts), rid]
    which = _which(question, arguments)
    if not which:
        raise BadRequest("Name a specialty, a schedule, an institution, or a doctor or device.", zh="请指定科室、机构、医生或设备。")
    arguments += [list(here.pools(0)), here.institution]
    pools, own = f"${len(arguments) - 1}", f"${len(arguments)}"
    mine = f"case when s.institution = {own}::bigint then {pools}::text[] || '{{{','.join(OF_THE_HOUSE)}}}' else {pools}::text[] end"
    rows = await tx.fetch(FIND.format(open_to=places.open_to(f"({mine})"), which=" and ".join(which)), *arguments)
    found = [
        Free(
            row["rid"], row["id"], row["schedule"], row["institution"],
            f"{RESOURCE_TYPES[row['actor_type'] - 1]}/{row['actor']}",
            row["starts"], row["ends"], row["kind"], row["specialty"], row["capacity"], row["free"], row["reserved"], row["actor_rid"],
        )
        for row in rows[:count]
    ]  # fmt: skip
    return found, cursors.pack(found[-1].starts, found[-1].rid) if len(rows) > count else None


def _which(question: Question, arguments: list[Any]) -> list[str]:
    """Conditions on slot `s`, whose values are added to `arguments`."""

    def add(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    def one_of(column: str, kind: str, ids: Sequence[str]) -> str:
        if len(ids) == 1:  # of one, the index gives slots in the order of time
            return f"s.{column} = (select n.rid from resource n where n.type = {type_id(kind)} and n.id = {add(ids[0])}::text)"
        these = f"select n.rid from resource n where n.type = {type_id(kind)} and n.id = any({add(list(ids))}::text[])"
        return f"s.{column} = any(array({these}))"

    which = []
    if question.specialty:
        which.append(f"s.specialty = {add(question.specialty)}")
    if question.schedules:
        which.append(one_of("schedule", "Schedule", question.schedules))
    if question.institutions:
        which.append(one_of("institution", "Organization", question.institutions))
    if question.actors:
        pairs = [(type_id(kind), id) for kind, _, id in (one.partition("/") for one in question.actors)]
        kinds, ids = add([kind for kind, _ in pairs]), add([id for _, id in pairs])
        which.append(OF_ACTORS.format(kinds=kinds, ids=ids))
    if which and question.kind:
        which.append(f"s.kind = {add(question.kind)}")
    return which
