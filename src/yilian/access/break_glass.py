"""紧急查阅: a clinician at work opens a record without any other ground, for a time, with a reason, and under review.

What it opens is a ground of kind `emergency` for the institution: whoever treats the patient there reads on it, as emergencies are treated
by teams. It bars no refusal but those that do not name emergencies (`store.scope`), ends by itself, and asks for sensitive kinds apart.
The patient is told (a Communication in the own record), and so is the privacy officer (a Task in the review, `access.review`).
民法典 第一千二百二十条 (emergency treatment); 个人信息保护法 第十三条第一款第四项 (protection of life in an emergency).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access.policy import require_clinician
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.store.change import Change
from yilian.store.scope import CARE, EMERGENCY, Scope, readable
from yilian.store.write import stamp, write

if TYPE_CHECKING:
    from yilian.db import Tx

REASONS = urls.BASE + "CodeSystem/emergency-reason"
CODES = {
    "life-threatening": "危及生命的抢救",
    "unconscious": "昏迷或无法表达,不能取得授权",
    "urgent-treatment": "急诊诊疗急需既往病史",
    "public-safety": "突发公共卫生事件或群体伤应急救治",
}
"""Why a record may be opened; 其他 is none: what fits nowhere here is no emergency."""
SHORTEST_REASON, LONGEST_REASON = 10, 500
TASKS = urls.BASE + "CodeSystem/emergency-task"

PATIENT = f"""
select r.rid, {readable("r", 3)} as seen from resource r
where r.type = $1 and r.id = $2 and not r.deleted and (r.confined is null or r.confined = $7)
"""
GROUND = f"""
insert into access_ground (institution, patient, kind, source, since, until, purpose, sensitive)
values ($1, $2, 'emergency', 0, now(), now() + $3::interval, {CARE}, $4) returning until
"""
"""For those who treat: the office and the registrar of the institution see no more for it."""
SETTLED = "update access_ground set source = $3 where institution = $1 and patient = $2 and kind = 'emergency' and source = 0"
REFUSED = """
select true from consent_rule d where d.patient = $1 and not d.permit and d.purpose = $3 and d.mask = 0
  and (d.institution is null or d.institution = $2) and (d.until is null or d.until > now()) limit 1
"""
KEPT = """
insert into emergency_access (task_rid, institution, patient, account, agent, name, code, reason, sensitive, opened, until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
RUNNING = """
select max(g.until) as until, bool_or(g.sensitive) as sensitive, max(g.until) filter (where g.sensitive) as sensitive_until
from access_ground g
where g.institution = $1 and g.patient = $2 and g.kind = 'emergency' and g.until > now()
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """patient: rid; until: aware; task: id of the review's Task"""

    patient: int
    task: str
    opened: datetime
    until: datetime
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Running:
    """The emergency access an institution has just now: until (aware), and until when to what is sensitive, None for not at all."""

    until: datetime
    sensitive_until: datetime | None


async def break_glass(tx: Tx, scope: Scope, id: str, *, code: str, reason: str, sensitive: bool) -> Opened:
    """Open the record of Patient/`id`, in `tx`. The caller notes it in the trail in the same transaction.

    Raises Forbidden for who is no clinician at work, and where the patient refused emergencies; BadRequest for a reason that is none;
    NotFound; Conflict where the record may be read anyway and nothing sensitive is asked for.
    """
    require_clinician(scope)
    reason = _reason(code, reason)
    row = await tx.fetchrow(PATIENT, type_id("Patient"), id, *scope.keys(), scope.institution_rid)
    if row is None:
        raise NotFound(f"There is no Patient/{id[:64]}.", zh="没有找到该患者。")
    patient: int = row["rid"]
    if await tx.fetchval(REFUSED, patient, scope.institution_rid, EMERGENCY):
        raise Forbidden("The patient has refused emergency access too.", zh="患者已明确拒绝紧急查阅,不能以紧急查阅方式打开。")
    if row["seen"] and not sensitive:
        raise Conflict(
            "You may read this record already; emergency access is for when there is no other ground.", zh="您已有查看依据,无需紧急查阅。"
        )
    review_hours = float(await policy.value(tx, "emergency.review_hours", tx.now, scope.institution_rid))
    hours = float(await policy.value(tx, "emergency.hours", tx.now, scope.institution_rid))
    until: datetime = await tx.fetchval(GROUND, scope.institution_rid, patient, timedelta(hours=hours), sensitive)
    if not (await tx.fetchrow(PATIENT, type_id("Patient"), id, *scope.keys(), scope.institution_rid) or {"seen": False})["seen"]:
        raise Forbidden(
            "This patient's registration itself is restricted; it opens to emergency access to sensitive data alone.",
            zh="该患者的登记信息受限,须申请紧急查阅敏感资料。",
        )
    lent = replace(scope, may_write=True, reads=None, writes=None, purpose="TREAT")
    opened = until - timedelta(hours=hours)  # by the clock of the database, as every read is
    task = _task(scope, id, code, reason, sensitive, opened, until, opened + timedelta(hours=review_hours))
    message = _message(scope, id, code, sensitive, opened, until)
    made = await write(
        tx,
        lent,
        [Change("POST", "Task", None, task, confined=scope.institution_rid), Change("POST", "Communication", None, message)],
    )
    review = made[0]
    await tx.execute(SETTLED, scope.institution_rid, patient, review.rid)
    await tx.execute(
        KEPT, review.rid, scope.institution_rid, patient, scope.user, scope.agent, scope.name, code, reason, sensitive, opened, until
    )
    return Opened(patient, review.id, opened, until, sensitive)


async def running(tx: Tx, scope: Scope, patient: int) -> Running | None:
    """What the asker's institution has of emergency access to a patient (by rid) just now."""
    if scope.reach != "grounds" or not scope.institution_rid:
        return None
    row = await tx.fetchrow(RUNNING, scope.institution_rid, patient)
    return None if row is None or row["until"] is None else Running(row["until"], row["sensitive_until"])


def _reason(code: str, reason: str) -> str:
    if code not in CODES:
        raise BadRequest(
            f"reasonCode is one of {', '.join(CODES)}.",
            expression="Parameters.parameter.where(name='reasonCode')",
            zh="请选择紧急查阅的原因。",
        )
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON or len(set(reason)) < SHORTEST_REASON // 2:
        raise BadRequest(
            f"Say why in your own words, {SHORTEST_REASON} to {LONGEST_REASON} characters: the privacy officer reads it.",
            expression="Parameters.parameter.where(name='reason')",
            zh=f"请用文字说明情况({SHORTEST_REASON} 至 {LONGEST_REASON} 字),隐私专员将据此复核。",
        )
    return reason


def _coded(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _task(
    scope: Scope, patient: str, code: str, reason: str, sensitive: bool, opened: datetime, until: datetime, due: datetime
) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": _coded(TASKS, "review", "紧急查阅复核"),
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": stamp(opened),
        "requester": {"reference": scope.agent, "display": scope.name},
        "owner": {"reference": scope.institution, "display": scope.institution_name},
        "reasonCode": {**_coded(REASONS, code, CODES[code]), "text": reason},
        "executionPeriod": {"start": stamp(opened), "end": stamp(until)},
        "restriction": {"period": {"end": stamp(due)}},
        "description": "含敏感资料" if sensitive else "不含敏感资料",
    }


def _message(scope: Scope, patient: str, code: str, sensitive: bool, opened: datetime, until: datetime) -> dict[str, Any]:
    about = {"reference": f"Patient/{patient}"}
    kinds = "(含敏感资料)" if sensitive else ""
    text = f"{scope.institution_name}的{scope.name}因“{CODES[code]}”紧急查阅了您的健康档案{kinds},将由该机构隐私专员复核。"
    return {
        "resourceType": "Communication",
        "status": "completed",
        "category": [_coded(TASKS, "notice", "紧急查阅告知")],
        "subject": about,
        "recipient": [about],
        "sender": {"reference": scope.agent, "display": scope.name},
        "sent": stamp(opened),
        "reasonCode": [_coded(REASONS, code, CODES[code])],
        "payload": [{"contentString": text}],
    }
