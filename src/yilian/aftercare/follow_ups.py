"""The visits of a down-referral: one Task each, made when its follow-up plan is written, kept in the table `follow_up`.

    due ─ visited → done        the hospital that sent the patient down is told, with what asks for a referral
        ─ nobody visits any more (died, moved, refused, a new plan, the referral cancelled) → stopped

A Task of a visit is written by this room alone. FHIR R4: http://hl7.org/fhir/R4/careplan.html, http://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yilian import notifications, policy
from yilian.aftercare import form
from yilian.aftercare.form import Visit
from yilian.aftercare.plan import visits
from yilian.directory.institutions import by_rid
from yilian.errors import Conflict, Forbidden, InvalidResource, NotFound
from yilian.fhir import json, references, urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.notifications import Message, Reader
from yilian.referral import first_visit
from yilian.referral.resources import number_of, person_name, stamp
from yilian.referral.rules import CLINICIANS
from yilian.sealing.keyring import opened
from yilian.store import read
from yilian.store.change import Change, Written
from yilian.store.scope import Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

OVERDUE = "aftercare.overdue"
ENDED = ("cancelled", "declined", "referred-onward")
VISITORS = CLINICIANS | {"head"}


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The room's own permission to write Tasks of visits."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a visit: its Task as stored, what asks for a referral in words, and the request that is proposed then, or None."""

    task: Resource
    alarms: tuple[str, ...]
    proposal: Resource | None


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: the Task of a visit is made by a plan and closed by $follow-up. Raises Conflict."""
    if isinstance(scope, RoomScope) or scope.reach == "everything":
        return
    mine = [change for change in changes if change.type == "Task"]
    if not mine:
        return
    known = await tx.fetchval(
        "select r.id from follow_up f join resource r on r.rid = f.task_rid where r.type = $1 and r.id = any($2::text[]) limit 1",
        type_id("Task"),
        [change.id for change in mine if change.id],
    )
    if known is not None or any(_is_visit(change.resource or {}) for change in mine):
        raise Conflict(
            "Visits after a referral are made by the follow-up plan and recorded with Task/{id}/$follow-up.",
            zh="随访任务由随访计划生成,请使用“记录随访”办理。",
            expression="Task",
            code="business-rule",
        )


def _is_visit(task: Resource) -> bool:
    codings = task.get("code", {}).get("coding", []) if isinstance(task.get("code"), dict) else []
    return any(isinstance(one, dict) and one.get("system") == urls.FOLLOW_UP for one in codings)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: a new plan of a down-referral has its visits; a patient who died or a referral that ended has none any more.

    Raises InvalidResource for a plan whose first visit comes too late.
    """
    for one in written:
        if one.unchanged or one.resource is None:
            continue
        if one.type == "CarePlan" and one.created:
            await _planned(tx, scope, one)
        elif one.type == "Task" and _referral_state(one.resource) in ENDED:
            await stop(tx, scope, "referral = $1", one.rid)
        elif one.type == "Patient" and (one.resource.get("deceasedDateTime") or one.resource.get("deceasedBoolean") is True):
            await stop(tx, scope, "patient = $1", one.rid)


def _referral_state(task: Resource) -> str:
    codings = task.get("businessStatus", {}).get("coding", [])
    return next((str(c.get("code", "")) for c in codings if c.get("system") == urls.REFERRAL_STATE), "")


async def _planned(tx: Tx, scope: Scope, written: Written) -> None:
    plan = written.resource or {}
    targets = [references.parse(str(item.get("reference", ""))) for item in plan.get("supportingInfo", [])]
    ids = [target.id for target in targets if isinstance(target, references.Local) and target.type == "ServiceRequest"]
    if not ids:
        return
    row = await tx.fetchrow(
        "select f.task_rid, f.task_id, f.request_id, f.number, f.from_org, f.to_org, f.patient, f.submitted_at, f.specialty from referral f"
        " where f.request_id = any($1::text[]) and f.patient = $2 and f.direction = 'down' and f.submitted_at is not null limit 1",
        ids,
        written.patient,
    )
    if row is None or (scope.reach == "grounds" and scope.institution_rid != row["to_org"]):
        return
    await stop(tx, scope, "referral = $1", row["task_rid"])
    today = _day(tx.now)
    sent_on = await first_visit.discharged_on(tx, row["patient"], row["from_org"], row["submitted_at"], row["to_org"])
    days = await policy.value(tx, "follow_up.visit_days", tx.now, row["to_org"])
    within = await first_visit.within_days(tx, row["to_org"])
    due = visits(plan, sent_on, today, days, within)
    first = 1 + int(await tx.fetchval("select coalesce(max(nth), 0) from follow_up where referral = $1", row["task_rid"]))
    await _make(tx, scope, row, f"CarePlan/{written.id}", plan["subject"], due, first)


async def _make(tx: Tx, scope: Scope, row: Any, plan: str, subject: Resource, due: Sequence[date], first: int) -> None:
    institutions = await by_rid(tx, [row["from_org"], row["to_org"]])
    owner, sender = institutions[row["to_org"]], institutions[row["from_org"]]
    tasks = [
        {
            "resourceType": "Task",
            "groupIdentifier": {"system": urls.REFERRAL_NO, "value": row["number"]},
            "basedOn": [{"reference": plan}],
            "status": "requested",
            "intent": "order",
            "priority": "routine",
            "code": {"coding": [{"system": urls.FOLLOW_UP, "code": "visit", "display": "转诊后随访"}], "text": f"第 {nth} 次随访"},
            "description": f"下转后第 {nth} 次随访 · {sender.name}下转",
            "focus": {"reference": f"ServiceRequest/{row['request_id']}", "display": row["number"]},
            "for": subject,
            "authoredOn": stamp(tx.now),
            "lastModified": stamp(tx.now),
            "requester": {"reference": sender.reference, "display": sender.name},
            "owner": {"reference": owner.reference, "display": owner.name},
            "restriction": {"period": {"end": day.isoformat()}},
        }
        for nth, day in enumerate(due, first)
    ]
    written = await write(tx, _permission(scope), [Change("POST", "Task", None, task, confined=None) for task in tasks])
    await tx.executemany(
        "insert into follow_up (task_rid, referral, patient, institution, sender, nth, due_on, state)"
        " values ($1, $2, $3, $4, $5, $6, $7, 'due')",
        [
            (one.rid, row["task_rid"], row["patient"], row["to_org"], row["from_org"], nth, day)
            for nth, (one, day) in enumerate(zip(written, due, strict=True), first)
        ],
    )


async def stop(tx: Tx, scope: Scope, which: str, key: int) -> int:
    """Nobody visits any more: what is due of these rows is stopped and its Tasks are cancelled, in `tx`. `which`: SQL with $1. How many."""
    rows = await tx.fetch(f"update follow_up set state = 'stopped' where state = 'due' and {which} returning task_rid", key)
    if rows:
        bodies = await tx.fetch("select rid, ver, body from resource where rid = any($1::bigint[])", [row["task_rid"] for row in rows])
        changes = []
        for row in bodies:
            task = {**_plain(opened(row["rid"], row["body"])), "status": "cancelled", "lastModified": stamp(tx.now)}
            changes.append(Change("PUT", "Task", task["id"], task, if_match=row["ver"]))
        await write(tx, _permission(scope), changes)
    return len(rows)


async def record(tx: Tx, scope: Scope, task_id: str, visit: Visit, if_match: int | None = None) -> Recorded:
    """Record a visit: its values and form into the record, its Task done, the next one dated, the sender told. Written in `tx`.

    Raises NotFound, Forbidden (not a doctor of the institution that visits), Conflict (done or stopped already), InvalidResource.
    """
    stored = await read.by_id(tx, scope, "Task", task_id)
    row = await tx.fetchrow("select * from follow_up where task_rid = $1 for update", stored.rid)
    if row is None:
        raise NotFound(f"Task/{task_id} is no visit after a referral.", zh="该任务不是随访任务。")
    if scope.reach != "grounds" or scope.institution_rid != row["institution"] or not scope.roles & VISITORS:
        raise Forbidden("A visit is recorded by a doctor of the institution that visits.", zh="只有负责随访的机构的医生可以记录随访。")
    if row["state"] != "due":
        raise Conflict("This visit was recorded or stopped already.", zh="该次随访已完成或已终止,请刷新。")
    if if_match is not None and if_match != stored.version:
        raise Conflict("Somebody changed this visit meanwhile; read it again.", zh="该随访已被修改,请刷新后重试。")
    if faults := form.faults(visit, _day(tx.now)):
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    task = _plain(stored.body.decode())
    patient = task["for"]["reference"]
    author: Resource = {"reference": scope.agent, "display": scope.name}
    effective = stamp(tx.now) if visit.on == _day(tx.now) else visit.on.isoformat()
    found = form.alarms(
        visit, await policy.value(tx, "follow_up.alarms", tx.now), await policy.value(tx, "follow_up.alarm_symptoms", tx.now)
    )
    answers = form.response(visit, patient, author, task_id, stamp(tx.now))
    beside = [("Observation", one) for one in form.observations(visit, patient, author, effective)]
    beside.append(("QuestionnaireResponse", answers))
    changes = [
        Change("POST", kind, tx.new_id(), {**one, "basedOn": [{"reference": task["basedOn"][0]["reference"]}]}) for kind, one in beside
    ]
    task["output"] = [_output(change) for change in changes]
    if found:
        task["statusReason"] = {"text": "建议转诊:" + ";".join(found)}
    done = visit.outcome != "paused"
    task |= {"status": "completed" if done else "requested", "lastModified": stamp(tx.now)}
    if done:
        task["executionPeriod"] = {"start": effective, "end": effective}
    else:  # nobody was reached: the visit stays due, on another day where one was said
        task["restriction"] = {"period": {"end": (visit.next_on or row["due_on"]).isoformat()}}
    changes.append(Change("PUT", "Task", task_id, task, if_match=stored.version))
    written = await write(tx, _permission(scope), changes)
    await tx.execute(
        "update follow_up set state = $2, done_on = $3, alarm = $4, due_on = $5 where task_rid = $1",
        stored.rid,
        "done" if done else "due",
        visit.on if done else None,
        bool(found),
        row["due_on"] if done or visit.next_on is None else visit.next_on,
    )
    if visit.outcome in form.ENDING:
        await stop(tx, scope, "referral = $1", row["referral"])
    elif done and visit.next_on is not None:
        await _next(tx, scope, row, task, visit.next_on)
    await _tell(tx, scope, row, task, visit, found)
    proposal = await _proposal(tx, row, patient, found) if found else None
    return Recorded(dict(written[-1].resource or {}), tuple(found), proposal)


def _output(change: Change) -> Resource:
    code, zh = ("record", "随访记录表") if change.type == "QuestionnaireResponse" else ("value", "体征与化验")
    coding = {"system": urls.FOLLOW_UP, "code": code, "display": zh}
    return {"type": {"coding": [coding]}, "valueReference": {"reference": f"{change.type}/{change.id}"}}


async def _next(tx: Tx, scope: Scope, row: Any, task: Resource, next_on: date) -> None:
    """The next visit on this day: the one that is due next is moved there, or another one is made."""
    following = await tx.fetchrow(
        "select f.task_rid, r.ver, r.body from follow_up f join resource r on r.rid = f.task_rid"
        " where f.referral = $1 and f.state = 'due' order by f.due_on, f.nth limit 1 for update of f",
        row["referral"],
    )
    if following is not None:
        moved = {
            **_plain(opened(following["task_rid"], following["body"])),
            "restriction": {"period": {"end": next_on.isoformat()}},
            "lastModified": stamp(tx.now),
        }
        await write(tx, _permission(scope), [Change("PUT", "Task", moved["id"], moved, if_match=following["ver"])])
        await tx.execute("update follow_up set due_on = $2 where task_rid = $1", following["task_rid"], next_on)
        return
    referral = await tx.fetchrow("select * from referral where task_rid = $1", row["referral"])
    first = 1 + int(await tx.fetchval("select max(nth) from follow_up where referral = $1", row["referral"]))
    await _make(tx, scope, referral, task["basedOn"][0]["reference"], task["for"], [next_on], first)


async def _tell(tx: Tx, scope: Scope, row: Any, task: Resource, visit: Visit, found: Sequence[str]) -> None:
    """The hospital that sent the patient down: its referral office, and the doctor who referred."""
    referrer = await tx.fetchval("select referrer from referral where task_rid = $1", row["referral"])
    owner = (await by_rid(tx, [row["institution"]]))[row["institution"]]
    values = {
        "patient": task["for"].get("display", "") or await _patient_name(tx, row["patient"]),
        "number": task["groupIdentifier"]["value"],
        "institution": owner.name,
        "day": visit.on.isoformat(),
        "by": scope.name,
        "text": _said(visit),
    }
    if found:
        values["reason"] = ";".join(found)
    to = [Reader.post(row["sender"], "coordinator")]
    if str(referrer).startswith("Practitioner/"):
        to.append(Reader.account(referrer))
    event = "follow-up.alarm" if found else "follow-up.recorded"
    await notifications.tell(tx, Message(event, tuple(to), f"Task/{task['id']}", row["patient"], values, urgent=bool(found)))


def _said(visit: Visit) -> str:
    """A visit in one line."""
    parts = []
    if "systolic" in visit.measures:
        parts.append(f"血压 {visit.measures['systolic']}/{visit.measures['diastolic']} mmHg")
    for name, value in visit.measures.items():
        if name not in ("systolic", "diastolic"):
            parts.append(f"{form.MEASURES[name].zh} {value} {form.MEASURES[name].unit}")
    if visit.assessment:
        parts.append(form.ASSESSMENTS[visit.assessment])
    if visit.outcome != "continue":
        parts.append(form.OUTCOMES[visit.outcome])
    return ",".join(parts) or "已随访"


async def _patient_name(tx: Tx, rid: int) -> str:
    row = await tx.fetchrow("select body from resource where rid = $1", rid)
    return person_name(json.parse(opened(rid, row["body"]).encode())) if row is not None else ""


async def _proposal(tx: Tx, row: Any, patient: str, found: Sequence[str]) -> Resource:
    """A referral back up to the hospital the patient came from, to be looked at and sent by a doctor. Nothing is stored."""
    sender = (await by_rid(tx, [row["sender"]]))[row["sender"]]
    down = await tx.fetchrow(
        "select f.specialty, f.request_rid, r.body from referral f join resource r on r.rid = f.request_rid where f.task_rid = $1",
        row["referral"],
    )
    request = json.parse(opened(down["request_rid"], down["body"]).encode()) if down is not None else {}
    specialty = down["specialty"] if down is not None else ""
    diagnoses = [
        concept
        for concept in request.get("reasonCode", [])
        if not any(c.get("system") == urls.REFERRAL_REASON for c in concept.get("coding", []))
    ]
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "category": [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": "up"}]}],
        "priority": "urgent",
        "subject": {"reference": patient},
        "performer": [{"reference": sender.reference, "display": sender.name}],
        "locationCode": [{"coding": [{"system": urls.SPECIALTY, "code": specialty}]}],
        "reasonCode": [
            {"coding": [{"system": urls.REFERRAL_REASON, "code": "critical-beyond-capability"}]},
            *diagnoses,
        ],
        "note": [{"text": f"下转({number_of(request)})后随访发现:" + ";".join(found)}],
    }


async def remind(tx: Tx) -> int:
    """Tell the doctors of each institution, once for each visit, that it is overdue, in `tx`; how many were. For the nightly job."""
    rows = await tx.fetch(
        """
        select f.task_rid, f.patient, f.institution, f.due_on, r.id, r.body from follow_up f join resource r on r.rid = f.task_rid
        where f.state = 'due' and f.due_on < $1 order by f.due_on limit 1000
        """,
        _day(tx.now),
    )
    for row in rows:
        task = _plain(opened(row["task_rid"], row["body"]))
        values = {
            "patient": task["for"].get("display", "") or await _patient_name(tx, row["patient"]),
            "number": task["groupIdentifier"]["value"],
            "day": row["due_on"].isoformat(),
        }
        key = f"{OVERDUE}:{row['task_rid']}:{row['due_on']}"
        to = (Reader.post(row["institution"], "gp"),)
        await notifications.tell(tx, Message("follow-up.overdue", to, f"Task/{row['id']}", row["patient"], values, key=key))
    return len(rows)


def _day(moment: datetime) -> date:
    return moment.astimezone(region_zone()).date()


def _plain(body: str) -> Resource:
    return {key: value for key, value in json.parse(body.encode()).items() if key != "meta"}


def _permission(scope: Scope) -> RoomScope:
    return lent(scope, RoomScope, "everything" if scope.reach == "self" else scope.reach)
