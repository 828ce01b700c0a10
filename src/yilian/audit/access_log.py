"""Who had to do with one patient's record, as a person reads it: by the day, what somebody did that day on one ground is one line.

A line is an AuditEvent with `period` and how many events it stands for; its id is that of the last of them.
FHIR R4: http://hl7.org/fhir/R4/auditevent-definitions.html#AuditEvent.period. That residents can look up who handled their record and why:
Personal Information Protection Law, article 45.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock
from typing import TYPE_CHECKING, Any

from yilian.audit.balp import ENTITY_ROLE, RESOURCE_TYPE, audit_event
from yilian.audit.events import Page, about, reference
from yilian.audit.note import by, write
from yilian.audit.visible import Where, is_discreet, visible
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import dump
from yilian.store.read import Stored
from yilian.store.scope import Scope, records_of

if TYPE_CHECKING:
    from yilian.db import Tx

COUNT = urls.BASE + "StructureDefinition/event-count"
WINDOW = timedelta(days=31)
"""So much of the trail is put together at a time."""
PAPERS = ("slip", "export")
"""Operations told apart from reading: something left the house."""

_LINES = """
with e as (
    select e.*, (e.recorded at time zone {zone})::date as day, case when e.action = 'E' then 'R' else e.action end as did,
        case when e.operation = any({papers}) then e.operation else '' end as paper
    from audit_event e where {where}
)
select e.day, e.type, e.did as action, e.paper as operation, e.outcome, e.account, e.agent, e.name, e.client, e.roles, e.institution,
    e.purpose, e.ground, e.ground_source, e.patient, max(e.seq) as seq, min(e.recorded) as first, max(e.recorded) as recorded,
    count(distinct e.seq) as times, array_agg(distinct k.kind order by k.kind) filter (where k.kind is not null) as kinds
from e left join lateral (select distinct split_part(x, '/', 1) as kind from unnest(e.entities) x) k on true
group by e.day, e.type, e.did, e.paper, e.outcome, e.account, e.agent, e.name, e.client, e.roles, e.institution, e.purpose, e.ground,
    e.ground_source, e.patient
"""
_SHOWN = """
select l.*, p.id as patient_id, s.type as source_type, s.id as source_id, o.body::jsonb ->> 'name' as house
from ({lines}) l
left join resource p on p.rid = l.patient
left join resource s on s.rid = l.ground_source
left join resource o on o.type = {organization} and o.id = split_part(l.institution, '/', 2) and not o.deleted
order by l.day desc, l.recorded desc, l.seq desc
"""
_SUBTYPES = {"R": "read", "C": "create", "U": "update", "D": "delete"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


async def lines(tx: Tx, scope: Scope, patient_id: str, *, zone: tzinfo, count: int = 50, cursor: str = "", base: str = "") -> Page:
    """A page of at least `count` lines where there are as many, newest first; always whole days of `zone` (an IANA zone).

    Only what the asker may see of the trail (`visible`): residents all that concerns them, others what they did themselves or what was done
    for their institution. Whoever is not the patient leaves a trace, in the same transaction. Raises BadRequest for a cursor of another
    search; somebody there is nothing of has no lines.
    """
    target = reference("patient", patient_id, "Patient")
    known = await about(tx, scope, target)
    until = _day_begins(_day_of(cursor), zone) if cursor else tx.now + timedelta(days=1)
    found: list[Any] = []
    more: str | None = None
    while known is not None and more is None:
        newest = await tx.fetchval(*_newest(scope, known[0], until))
        if newest is None:
            break
        if len(found) >= count:
            more = found[-1]["day"].isoformat()
            break
        last = newest.astimezone(zone).date()
        begin = _day_begins(last - WINDOW, zone)
        for row in await tx.fetch(*_between(scope, known[0], begin, until, zone)):
            if len(found) >= count and row["day"] != found[-1]["day"]:
                more = found[-1]["day"].isoformat()
                break
            found.append(row)
        until = begin
    if scope.reach != "self":
        named = known[0] if known is not None and (known[2] or found) else None
        await write(tx, [by(scope, tx.now, "operation", "E", operation="access-log", patient=named)])
    return Page([_stored(row, scope, base) for row in found], more)


def _newest(scope: Scope, patient: int, until: datetime) -> tuple[Any, ...]:
    where = _of(scope, patient)
    where.add(f"e.recorded < {where.arg(until)}")
    return f"select max(e.recorded) from audit_event e where {where.sql()}", *where.args


def _between(scope: Scope, patient: int, begin: datetime, until: datetime, zone: tzinfo) -> tuple[Any, ...]:
    where = _of(scope, patient)
    where.add(f"e.recorded >= {where.arg(begin)} and e.recorded < {where.arg(until)}")
    papers, named = where.arg(list(PAPERS)), where.arg(str(zone))
    of_days = _LINES.format(where=where.sql(), papers=f"{papers}::text[]", zone=f"{named}::text")
    return _SHOWN.format(lines=of_days, organization=type_id("Organization")), *where.args


def _of(scope: Scope, patient: int) -> Where:
    where = visible(scope)
    where.add(f"e.patient = any(array({records_of(f'{where.arg(patient)}::bigint')}))")
    return where


def _stored(row: Any, scope: Scope, base: str) -> Stored:
    event = {
        **row, "subtype": _SUBTYPES[row["action"]], "outcome_text": "", "entities": (), "query": "", "request_id": "", "address": "",
    }  # fmt: skip
    line = audit_event(event, base=base, discreet=is_discreet(row, scope))
    line.pop("meta", None)  # BALP's patterns are of single events
    line["extension"] = [*line.get("extension", []), {"url": COUNT, "valuePositiveInt": row["times"]}]
    line["period"] = {"start": _text(row["first"]), "end": _text(row["recorded"])}
    for agent in line["agent"]:
        if agent.get("who", {}).get("reference") == row["institution"] and row["house"]:
            agent["who"]["display"] = row["house"]
    line.setdefault("entity", []).extend(
        {
            "type": {"system": RESOURCE_TYPE, "code": kind},
            "role": {"system": ENTITY_ROLE, "code": "4", "display": "Domain Resource"},
            "name": kind,
        }
        for kind in row["kinds"] or ()
        if kind in RESOURCE_TYPES
    )
    return Stored(row["seq"], "AuditEvent", str(row["seq"]), 1, row["recorded"], False, row["patient"], dump(line), False)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _day_begins(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock(), zone)


def _day_of(cursor: str) -> date:
    try:
        if _DAY.fullmatch(cursor):
            return date.fromisoformat(cursor)
    except ValueError:
        pass
    raise BadRequest("_cursor is not one of ours; follow the next link as it is.", zh="翻页参数无效,请从第一页重新查询。")
