"""The trail as FHIR: AuditEvent by id and by search, to those who may see it (`visible.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from yilian.audit.balp import DCM, EVENT_TYPE, INTERACTION, OPERATION, audit_event
from yilian.audit.note import REST, by, write
from yilian.audit.visible import Where, is_discreet, visible
from yilian.errors import BadRequest, NotFound, NotSupported
from yilian.fhir.dates import interval
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump
from yilian.fhir.json import parse as parse_json
from yilian.fhir.references import Local, parse
from yilian.store.read import Stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

SEARCH_PARAMETERS: dict[str, str] = {
    "_id": "token",
    "action": "token",
    "agent": "reference",
    "agent-name": "string",
    "date": "date",
    "entity": "reference",
    "outcome": "token",
    "patient": "reference",
    "subtype": "token",
    "type": "token",
}
"""What one may search by, and each one's FHIR type. Besides: `_count` and `_sort` (date, -date)."""

CONTAINS = "agent-name:contains"
"""The one modifier: a given name stands last in Chinese."""

MOST, USUAL = 1000, 50
OUTCOME_SYSTEM = "http://hl7.org/fhir/audit-event-outcome"
ACTION_SYSTEM = "http://hl7.org/fhir/audit-event-action"

_SELECT = """
select e.*, p.id as patient_id, p.body as patient_body, s.type as source_type, s.id as source_id
from audit_event e
left join resource p on p.rid = e.patient
left join resource s on s.rid = e.ground_source
"""
_ONE = f"select r.rid, r.patient, {readable('r', 3)} as seen from resource r where r.type = $1 and r.id = $2"
_SEEN = f"""
select w.name from unnest($1::text[], $2::smallint[], $3::text[]) as w (name, type, id)
join resource r on r.type = w.type and r.id = w.id where {readable("r", 4)}
"""
"""Deleted or not: the trail of what is gone stays."""

_CURSOR = re.compile(r"(-?\d{1,18})\.(\d{1,18})")
_ID = re.compile(r"[1-9]\d{0,17}")
_DATE = re.compile(r"(eq|ne|ge|gt|le|lt|sa|eb|ap)?(.*)", re.S)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of events, each as a stored resource, and the cursor of the next page where there is more."""

    matches: list[Stored]
    next: str | None


async def by_id(tx: Tx, scope: Scope, id: str, *, base: str = "") -> Stored:
    """One event. NotFound when there is none this asker may see."""
    where = visible(scope)
    if _ID.fullmatch(id):
        where.add(f"e.seq = {where.arg(int(id))}")
        row = await tx.fetchrow(f"{_SELECT} where {where.sql()}", *where.args)
        if row is not None:
            return _stored(row, scope, base, await _nameable(tx, scope, [row]))
    raise NotFound(f"There is no AuditEvent/{id[:64]} that you may read.", zh="没有找到该审计记录,或您无权查看。")


async def search(tx: Tx, scope: Scope, pairs: Sequence[tuple[str, str]], *, zone: tzinfo, base: str = "") -> Page:
    """One page of the events that match, newest first unless `_sort=date`.

    Strict: NotSupported for a parameter, modifier or prefix that is not known here, BadRequest for a value that cannot be read. Looking
    into the trail leaves a trace too, in the same transaction, except for residents who look at their own. It names the patient only where
    the asker may know of the patient: else the asker's own trail would tell that there is one.
    """
    where = visible(scope)
    count, descending, cursor = USUAL, True, ""
    patient: int | None = None
    for name, value in pairs:
        if name == "_count":
            if not value.isdigit() or not 1 <= int(value) <= MOST:
                raise BadRequest(f"_count must be a whole number from 1 to {MOST}.", zh=f"_count 应为 1 至 {MOST} 的整数。")
            count = int(value)
        elif name == "_sort":
            if value not in ("date", "-date"):
                raise NotSupported("AuditEvent is sorted by date or -date only.")
            descending = value == "-date"
        elif name == "_cursor":
            cursor = value
        elif name == "patient":
            patient = await _by_patient(tx, scope, where, value) or patient
        elif name == "entity":
            await _by_entity(tx, scope, where, value)
        elif name == "date":
            _by_date(where, value, zone)
        elif name in SEARCH_PARAMETERS or name == CONTAINS:
            _by_value(where, name, value)
        else:
            known = ", ".join(sorted(SEARCH_PARAMETERS))
            raise NotSupported(f"Parameter {name[:60]!r} is not known for AuditEvent; {known}, _count and _sort are.")
    if cursor:
        moment, seq = _read_cursor(cursor)
        where.add(f"(e.recorded, e.seq) {'<' if descending else '>'} ({where.arg(moment)}, {where.arg(seq)})")
    way = "desc" if descending else "asc"
    rows = await tx.fetch(f"{_SELECT} where {where.sql()} order by e.recorded {way}, e.seq {way} limit {count + 1}", *where.args)
    if scope.reach != "self":
        query = "AuditEvent?" + urlencode([(n, v) for n, v in pairs if n != "_cursor"], quote_via=quote, safe="/:,|")
        await write(tx, [by(scope, tx.now, "search-type", "E", patient=patient, query=query)])
    more = len(rows) > count
    page = rows[:count]
    named = await _nameable(tx, scope, page)
    return Page([_stored(row, scope, base, named) for row in page], _cursor(page[-1]) if more else None)


def _stored(row: Any, scope: Scope, base: str, named: Set[str]) -> Stored:
    discreet = is_discreet(row, scope)
    if discreet:
        row = {**row, "entities": [name for name in row["entities"] if name in named]}
    name = _called(row["patient_body"]) if "privacy" in scope.roles and row["institution"] == scope.institution else ""
    body = dump(audit_event(row, base=base, discreet=discreet, patient_name=name))
    return Stored(row["seq"], "AuditEvent", str(row["seq"]), 1, row["recorded"], False, row["patient"], body, False)


def _called(body: str | None) -> str:
    """How the patient concerned is called: the officer who looks into a matter asks for people, not for numbers."""
    names = parse_json(body.encode()).get("name", []) if body else []
    name = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    return str(name.get("text") or name.get("family", "") + "".join(name.get("given", [])))


async def _nameable(tx: Tx, scope: Scope, rows: Sequence[Any]) -> set[str]:
    """What a resident may be told of by name among the things others did something with."""
    names = {name: parse(name) for row in rows if is_discreet(row, scope) for name in row["entities"]}
    local = [(name, target) for name, target in names.items() if isinstance(target, Local)]
    if not local:
        return set()
    types, ids = [type_id(target.type) for _, target in local], [target.id for _, target in local]
    return {row["name"] for row in await tx.fetch(scope.finely(_SEEN), [name for name, _ in local], types, ids, *scope.keys())}


def reference(name: str, text: str, kind: str = "") -> Local:
    target = parse(text if "/" in text or not kind else f"{kind}/{text}")
    if not isinstance(target, Local) or (kind and target.type != kind):
        wanted = f"{kind}/123" if kind else "Observation/123"
        raise BadRequest(f"{name}={text[:80]} is not a reference; write {wanted}.", zh=f"参数 {name} 应写成 {wanted} 的形式。")
    return target


async def about(tx: Tx, scope: Scope, target: Local) -> tuple[int, int | None, bool] | None:
    """(rid, patient, whether the asker may know of it) of a resource, deleted or not: its trail stays."""
    row = await tx.fetchrow(scope.finely(_ONE), type_id(target.type), target.id, *scope.keys())
    return None if row is None else (row["rid"], row["patient"], row["seen"])


async def _by_patient(tx: Tx, scope: Scope, where: Where, value: str) -> int | None:
    """Returns the patient to be named in the trace of this search."""
    found = [await about(tx, scope, reference("patient", text, "Patient")) for text in value.split(",")]
    there = [one for one in found if one]
    where.add(f"e.patient = any({where.arg([one[0] for one in there])}::bigint[])")
    return there[0][0] if len(there) == 1 and there[0][2] else None


async def _by_entity(tx: Tx, scope: Scope, where: Where, value: str) -> None:
    conditions = []
    for text in value.split(","):
        target = reference("entity", text)
        found = await about(tx, scope, target)
        if target.type == "Patient" and not target.version:
            conditions.append(f"e.patient = {where.arg(found[0])}" if found else "false")
            continue
        if scope.reach == "self" and not (found and found[2]):
            conditions.append("false")  # what is not told by name is not found by name
            continue
        name = where.arg(f"{target.type}/{target.id}" + (f"/_history/{target.version}" if target.version else ""))
        listed = f"exists (select from unnest(e.entities) x where x = {name}::text or starts_with(x, {name}::text || '/'))"
        if found and found[1] is not None and found[1] > 0:
            conditions.append(f"(e.patient = {where.arg(found[1])} and {listed})")  # the patient narrows it down by an index
        else:
            conditions.append(listed)
    where.any(conditions)


def _by_date(where: Where, value: str, zone: tzinfo) -> None:
    conditions = []
    for text in value.split(","):
        match = _DATE.fullmatch(text)
        prefix, date = (match[1] or "eq", match[2]) if match else ("eq", text)
        lo, hi = interval(date, zone)
        if prefix == "eq":
            conditions.append(f"(e.recorded >= {where.arg(lo)} and e.recorded < {where.arg(hi)})")
        elif prefix in ("gt", "sa"):
            conditions.append(f"e.recorded >= {where.arg(hi)}")
        elif prefix == "ge":
            conditions.append(f"e.recorded >= {where.arg(lo)}")
        elif prefix in ("lt", "eb"):
            conditions.append(f"e.recorded < {where.arg(lo)}")
        elif prefix == "le":
            conditions.append(f"e.recorded < {where.arg(hi)}")
        else:
            raise NotSupported(f"The prefix {prefix} is not known for AuditEvent; eq, gt, ge, lt, le, sa and eb are.")
    where.any(conditions)


def _by_value(where: Where, name: str, value: str) -> None:
    conditions = []
    for text in value.split(","):
        if name == "_id":
            conditions.append(f"e.seq = {where.arg(int(text))}" if _ID.fullmatch(text) else "false")
        elif name == "agent-name":
            conditions.append(f"starts_with(lower(e.name), lower({where.arg(text)}))")
        elif name == CONTAINS:
            conditions.append(f"position(lower({where.arg(text)}) in lower(e.name)) > 0")
        elif name == "agent":
            target = reference("agent", text)
            conditions.append(f"e.agent = {where.arg(f'{target.type}/{target.id}')}")
        else:
            conditions.append(_by_code(where, name, text))
    where.any(conditions)


def _by_code(where: Where, name: str, text: str) -> str:
    system, bar, code = text.rpartition("|")
    if not code:
        raise BadRequest(f"{name}={text[:80]} has no code.", zh=f"参数 {name} 缺少代码。")
    if name == "outcome":
        return f"e.outcome = {where.arg(code)}" if system in ("", OUTCOME_SYSTEM) else "false"
    if name == "action":
        return f"e.action = {where.arg(code)}" if system in ("", ACTION_SYSTEM) else "false"
    if name == "type":
        right = not bar or system == (EVENT_TYPE if code == REST else DCM)
        return f"e.type = {where.arg(code)}" if right else "false"
    if system == OPERATION:
        return f"e.operation = {where.arg(code)}"
    if bar:
        right = system == (DCM if code.isdigit() else INTERACTION)
        return f"e.subtype = {where.arg(code)}" if right else "false"
    return f"{where.arg(code)} in (e.subtype, nullif(e.operation, ''))"


def _cursor(row: Any) -> str:
    elapsed = row["recorded"] - _EPOCH
    return f"{(elapsed.days * 86400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds}.{row['seq']}"


def _read_cursor(text: str) -> tuple[datetime, int]:
    match = _CURSOR.fullmatch(text)
    try:
        if match:
            return _EPOCH + timedelta(microseconds=int(match[1])), int(match[2])
    except OverflowError:
        pass
    raise BadRequest("_cursor is not one of ours; follow the next link as it is.", zh="翻页参数无效,请从第一页重新查询。")
