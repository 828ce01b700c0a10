"""当日预约: who is expected at an institution on a day, who has come, was called, is done, did not come; by doctor or as a whole.

For those who work there (`seen.is_staff`). The list tells whom it is about as a desk needs it; it opens no record. The board (`queue`) of a
waiting room has numbers and masked names alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.scheduling import seen
from yilian.search.parameters import parameters_of
from yilian.store import cursor as cursors
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

GROUPS: Mapping[str, str] = {
    "expected": "a.state = 'booked' and a.ends >= now()",
    "late": "a.state = 'booked' and a.ends < now()",
    "waiting": "a.state = 'checked-in' and t.state = 'waiting'",
    "called": "a.state = 'checked-in' and t.state in ('called', 'passed')",
    "done": "a.state = 'fulfilled'",
    "missed": "a.state = 'no-show'",
    "cancelled": "a.state = 'cancelled'",
}
"""Every appointment of a day that is not a mere hold is in one of these."""
ALL = " or ".join(f"({group})" for group in GROUPS.values())
GROUP = "case " + " ".join(f"when {condition} then '{name}'" for name, condition in GROUPS.items()) + " end"
MOST = 200

FROM = """
from appointment a left join attendance t on t.appointment = a.rid
where a.institution = $1 and a.day = $2 and ($3::text[] is null or a.schedule in (
    select s.rid from schedule s join resource c on c.rid = s.rid where c.type = {schedule} and c.id = any($3)))
  and ($4::text = '' or a.schedule in (
    select s.rid from schedule s join index_reference x on x.rid = s.actor and x.param = {practitioner} join resource n on n.rid = x.target
    where n.type = {person} and n.id = $4))
  and ($5::bigint is null or a.patient = $5)
""".format(schedule=type_id("Schedule"), practitioner=parameters_of("PractitionerRole")["practitioner"].id, person=type_id("Practitioner"))
LIST = f"""
select a.*, {GROUP} as in_group, t.number, t.session, t.state as queue_state, t.rank, t.why, t.calls, t.came, s.actor, s.kind,
    (select id from resource r where r.rid = a.rid) as id, (select id from resource r where r.rid = a.schedule) as schedule_id,
    (select id from resource r where r.rid = t.encounter) as visit,
    (select r.body::json ->> 'name' from resource r where r.rid = a.booked_by) as booked_by_name
{FROM.replace("where a.institution", "join schedule s on s.rid = a.schedule where a.institution", 1)}
  and ($6::text = '' or {GROUP} = $6) and ({ALL}) and (a.starts, a.rid) > ($7, $8::bigint)
order by a.starts, a.rid limit $9
"""
COUNTS = f"select {GROUP} as in_group, count(*) as many {FROM} and ({ALL}) group by 1"
QUEUE = """
select t.number, t.session, t.state, t.rank, t.calls, t.called, a.patient, a.starts, (select id from resource r where r.rid = a.rid) as id
from attendance t join appointment a on a.rid = t.appointment
where t.schedule = $1 and t.day = $2 and t.state in ('waiting', 'called', 'passed')
order by t.state = 'waiting', t.called desc, t.rank, t.turn, t.number limit 200
"""


@dataclass(frozen=True, slots=True)
class Question:
    """schedule, practitioner: logical ids; patient: rid; group: a key of `GROUPS`. "" and None leave it open."""

    day: date
    schedules: tuple[str, ...] = ()
    practitioner: str = ""
    patient: int | None = None
    group: str = ""


async def listed(
    tx: Tx, scope: Scope, question: Question, *, count: int, after: str | None
) -> tuple[list[Any], str | None, dict[str, int]]:
    """The next `count` appointments of that day at the scope's institution after a cursor, by time; the cursor of what follows; how many
    there are in each group. Raises Forbidden for who does not work there, BadRequest for a strange group, count or cursor."""
    seen.require_staff(scope)
    if question.group and question.group not in GROUPS:
        raise BadRequest(f"status is one of {', '.join(GROUPS)}.", expression="status", zh="状态不正确。")
    if not 1 <= count <= MOST:
        raise BadRequest(f"_count is 1 to {MOST}.", expression="_count", zh=f"_count 应为 1 至 {MOST}。")
    starts, rid = cursors.unpack(after, 2) if after else (0, 0)
    schedules = list(question.schedules) or None
    which = (scope.institution_rid, question.day, schedules, question.practitioner, question.patient)
    rows = await tx.fetch(LIST, *which, question.group, cursors.moment(starts), rid, count + 1)
    counts = {row["in_group"]: row["many"] for row in await tx.fetch(COUNTS, *which)}
    following = cursors.pack(rows[count - 1]["starts"], rows[count - 1]["rid"]) if len(rows) > count else None
    return rows[:count], following, counts


async def queue(tx: Tx, scope: Scope, schedule: str) -> list[Any]:
    """Who was called and who waits today for a schedule (logical id) of the scope's institution, in the order of the calls to come. Raises
    Forbidden for who does not work there."""
    seen.require_staff(scope)
    rid = await tx.fetchval(
        "select s.rid from schedule s join resource r using (rid) where r.type = $1 and r.id = $2 and s.institution = $3",
        type_id("Schedule"),
        schedule,
        scope.institution_rid,
    )
    today = await tx.fetchval("select (now() at time zone $1)::date", str(region_zone()))
    return await tx.fetch(QUEUE, rid, today)
