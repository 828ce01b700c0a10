"""异常转诊: referrals that look wrong by one of four rules, each with its reasons, for the office to decide: justified or not (REF-15).

    repeated      the same patient to the same specialty again, from the same institution, within some days, and nothing went wrong before
    no-contact    the institution that referred did not see the patient in the days before
    closed-loop   the patient was sent back and forth between two houses, without one referral answering the other
    month-end     at the end of a month many more go from one house to another than on its other days

A finding is a DetectedIssue about no patient, confined to the office's institution: it is in nobody's record. It says nothing of guilt;
what the office decides is kept with its reason, and sanctions rest on what was decided.
FHIR R4: http://hl7.org/fhir/R4/detectedissue.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.aftercare.office import office_of, require_office
from yilian.directory.institutions import by_rid
from yilian.errors import BadRequest, Conflict, InvalidResource, NotFound
from yilian.fhir import json, urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.vocabulary import code_system, concept
from yilian.referral.resources import stamp
from yilian.sealing.keyring import opened
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

RULES = {"repeated": "短期重复转诊", "no-contact": "无接诊记录的转诊", "closed-loop": "机构间往返转诊", "month-end": "月末集中转诊"}
STATES = {"open": "待核查", "justified": "合理", "not-justified": "不合理"}
SHORTEST_NOTE = 5
LOOK_BACK = timedelta(days=3)
"""The nightly job looks at referrals sent since so long ago: also those of a night it did not run."""
MOST = 200


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The room's own permission to write findings and decisions."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, as the office sees it. issue: "DetectedIssue/…"; task: "Task/…" where the office may see the referral, else ""."""

    issue: str
    rule: str
    why: str
    number: str
    task: str
    sender: str
    receiver: str
    found_at: datetime
    state: str
    note: str
    decided_by: str
    decided_at: datetime | None


REPEATED = """
select f.task_rid, '同一患者同一专科 ' || ((f.submitted_at at time zone $2)::date - (e.submitted_at at time zone $2)::date)
       || ' 天内再次转诊,前一单号 ' || e.number as why
from referral f join lateral (
    select o.number, o.submitted_at from referral o
    where o.patient = f.patient and o.specialty = f.specialty and o.from_org = f.from_org and o.task_rid <> f.task_rid
      and o.direction = f.direction and o.submitted_at < f.submitted_at and o.submitted_at > f.submitted_at - $3::interval
      and o.state in ('completed', 'cancelled') and o.task_rid is distinct from f.replaces_task and o.task_rid is distinct from f.basis_task
    order by o.submitted_at desc limit 1) e on true
where f.submitted_at >= $1
"""
NO_CONTACT = """
select f.task_rid, '转出前 ' || extract(day from $3::interval)::integer || ' 天内,转出机构没有该患者的就诊记录' as why
from referral f
where f.submitted_at >= $1 and f.priority <> 'stat' and f.replaces_task is null and $2::text is not null and not exists (
    select from access_ground g join index_clinical c on c.rid = g.source and c.nth = 0
    where g.institution = f.from_org and g.patient = f.patient and g.kind = 'encounter'
      and c.hi >= f.submitted_at - $3::interval and c.lo <= f.submitted_at)
"""
CLOSED_LOOP = """
select f.task_rid, '患者在两家机构之间往返转诊,前两单号 ' || a.number || '、' || b.number as why
from referral f
join lateral (
    select o.* from referral o where o.patient = f.patient and o.from_org = f.to_org and o.to_org = f.from_org
      and o.submitted_at < f.submitted_at and o.submitted_at > f.submitted_at - $3::interval
    order by o.submitted_at desc limit 1) b on b.task_rid is distinct from f.basis_task
join lateral (
    select o.* from referral o where o.patient = f.patient and o.from_org = f.from_org and o.to_org = f.to_org
      and o.submitted_at < b.submitted_at and o.submitted_at > f.submitted_at - $3::interval
    order by o.submitted_at desc limit 1) a on a.task_rid is distinct from b.basis_task
where f.submitted_at >= $1 and $2::text is not null
"""
MONTH_END = """
with told as (
    select f.task_rid, f.from_org, f.to_org, f.submitted_at, (f.submitted_at at time zone $2)::date as day
    from referral f where f.submitted_at >= date_trunc('month', $1::timestamptz at time zone $2) at time zone $2 - interval '1 day'),
ends as (
    select *, (date_trunc('month', day) + interval '1 month')::date - day <= $4::integer as late, date_trunc('month', day) as month,
           greatest(extract(day from date_trunc('month', day) + interval '1 month' - interval '1 day') - $4::integer, 1) as others
    from told)
select max(task_rid) filter (where late) as task_rid,
       '月末 ' || $4::integer || ' 天共 ' || count(*) filter (where late) || ' 单,本月其余日均 '
       || round(count(*) filter (where not late)::numeric / max(others), 1) || ' 单' as why
from ends where $3::interval is not null
group by from_org, to_org, month
having count(*) filter (where late) >= $5::integer and count(*) filter (where late and submitted_at >= $1) > 0
   and count(*) filter (where late)::numeric / $4::integer >= $6::numeric * count(*) filter (where not late) / max(others)
"""


async def look(tx: Tx, since: datetime | None = None) -> int:
    """Hold the referrals sent since then (aware; None: `LOOK_BACK`) against the rules, in `tx`; how many findings are new."""
    since = since or tx.now - LOOK_BACK
    rules = await policy.value(tx, "referral.suspicion_rules", tx.now)
    zone, found = str(region_zone()), 0
    asked: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
        ("repeated", REPEATED, (timedelta(days=rules["repeated_days"]),)),
        ("no-contact", NO_CONTACT, (timedelta(days=rules["contact_days"]),)),
        ("closed-loop", CLOSED_LOOP, (timedelta(days=rules["loop_days"]),)),
        ("month-end", MONTH_END, (timedelta(), rules["month_end_days"], rules["month_end_least"], rules["month_end_times"])),
    )
    for rule, sql, args in asked:
        for row in await tx.fetch(sql, since, zone, *args):
            found += await _keep(tx, rule, row["task_rid"], row["why"])
    return found


async def _keep(tx: Tx, rule: str, task_rid: int, why: str) -> bool:
    """A finding for the office, unless it is known already, or there is no office."""
    row = await tx.fetchrow(
        """
        select f.task_id, f.from_org, f.to_org from referral f
        where f.task_rid = $1 and not exists (select from referral_suspicion s where s.task_rid = f.task_rid and s.rule = $2)
        """,
        task_rid,
        rule,
    )
    office = await office_of(tx, row["from_org"], row["to_org"]) if row is not None else None
    if row is None or office is None:
        return False
    issue: Resource = {
        "resourceType": "DetectedIssue",
        "status": "preliminary",
        "code": {"coding": [{"system": urls.SUSPICION, "code": rule, "display": RULES[rule]}], "text": RULES[rule]},
        "severity": "moderate",
        "identifiedDateTime": stamp(tx.now),
        "implicated": [{"reference": f"Task/{row['task_id']}"}],
        "detail": why,
    }
    [written] = await write(tx, lent(SYSTEM, RoomScope, "everything"), [Change("POST", "DetectedIssue", None, issue, confined=office)])
    await tx.execute(
        "insert into referral_suspicion (rid, task_rid, rule, office, from_org, to_org, found_at, why)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        written.rid, task_rid, rule, office, row["from_org"], row["to_org"], tx.now, why,
    )  # fmt: skip
    return True


async def findings(tx: Tx, scope: Scope, state: str = "open", count: int = 50) -> tuple[list[Found], int]:
    """What waits for the asker's office, or was decided, the newest first; and how many there are. Forbidden for everybody else."""
    require_office(scope)
    if state not in STATES:
        raise BadRequest(f"state is one of {', '.join(STATES)}.", zh="筛选条件不正确。")
    args = (scope.institution_rid, state)
    total = await tx.fetchval("select count(*) from referral_suspicion where office = $1 and state = $2", *args)
    rows = await tx.fetch(
        f"""
        select s.*, i.id as issue, f.number, f.task_id from referral_suspicion s join resource i on i.rid = s.rid
        join referral f on f.task_rid = s.task_rid
        where s.office = $1 and s.state = $2 order by s.found_at desc, s.rid desc limit {min(count, MOST)}
        """,
        *args,
    )
    known = await by_rid(tx, {row[side] for row in rows for side in ("from_org", "to_org")})
    seen = await read.many(tx, scope, [("Task", row["task_id"]) for row in rows])
    found = [
        Found(
            issue=f"DetectedIssue/{row['issue']}",
            rule=row["rule"],
            why=row["why"],
            number=row["number"],
            task=f"Task/{row['task_id']}" if ("Task", row["task_id"]) in seen else "",
            sender=known[row["from_org"]].name if row["from_org"] in known else "",
            receiver=known[row["to_org"]].name if row["to_org"] in known else "",
            found_at=row["found_at"],
            state=row["state"],
            note=row["note"] or "",
            decided_by=row["decided_by"] or "",
            decided_at=row["decided_at"],
        )
        for row in rows
    ]
    return found, int(total)


async def decide(tx: Tx, scope: Scope, issue_id: str, state: str, note: str) -> None:
    """Say of a finding whether it is justified, with a reason, in `tx`; once.

    Raises NotFound, Forbidden, BadRequest (no such decision), InvalidResource (no reason), Conflict (decided already).
    """
    require_office(scope)  # the office writes nothing else: deciding is its own right, as with emergency accesses and privacy officers
    row = await tx.fetchrow(
        "select s.rid, s.state, i.body, i.ver from referral_suspicion s join resource i on i.rid = s.rid"
        " where i.type = $1 and i.id = $2 and s.office = $3 for update of s",
        type_id("DetectedIssue"),
        issue_id,
        scope.institution_rid,
    )
    if row is None:
        raise NotFound("There is no such finding for your office.", zh="没有找到该条异常转诊。")
    if state not in STATES or state == "open":
        raise BadRequest("decision is justified or not-justified.", zh="请选择“合理”或“不合理”。")
    if len(note.strip()) < SHORTEST_NOTE:
        raise InvalidResource(
            f"Say why, in at least {SHORTEST_NOTE} characters.",
            expression="Parameters.parameter.where(name='note')",
            zh=f"请填写核查说明(至少 {SHORTEST_NOTE} 字)。",
            code="required",
        )
    if row["state"] != "open":
        raise Conflict("This finding was decided already.", zh="该条异常转诊已核查,请刷新。")
    issue = {key: value for key, value in json.parse(opened(row["rid"], row["body"]).encode()).items() if key != "meta"}
    issue["status"] = "final"
    author = {"author": {"reference": scope.agent, "display": scope.name}} if scope.agent.startswith("Practitioner/") else {}
    said = {"coding": [{"system": urls.SUSPICION, "code": state, "display": STATES[state]}], "text": note.strip()}
    issue["mitigation"] = [{"action": said, "date": stamp(tx.now), **author}]
    await write(tx, lent(scope, RoomScope, "everything"), [Change("PUT", "DetectedIssue", issue_id, issue, if_match=row["ver"])])
    await tx.execute(
        "update referral_suspicion set state = $2, decided_at = $3, decided_by = $4, note = $5 where rid = $1",
        row["rid"], state, tx.now, scope.name, note.strip(),
    )  # fmt: skip


def definitions() -> list[Resource]:
    """The rules and decisions as a CodeSystem."""
    concepts = [concept(code, zh) for code, zh in {**RULES, **{k: v for k, v in STATES.items() if k != "open"}}.items()]
    return [code_system(urls.SUSPICION, "ReferralSuspicion", "异常转诊", concepts)]
