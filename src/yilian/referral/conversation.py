"""沟通: what both sides of a referral, and the patient, say to each other: question, answer, remark, file.

Each is a Communication about the Task, seen by whoever sees the record of the patient, and a row of `conversation_line`, by which unread
ones are counted. What is said stays: nobody changes or takes back a line. The other side is told in the same transaction.
FHIR R4: http://hl7.org/fhir/R4/communication.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.directory.institutions import by_rid
from yilian.errors import BadRequest, Conflict, Forbidden, InvalidResource, NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.notifications import Message, Reader
from yilian.referral import register, rules, states
from yilian.referral.guard import RoomScope, permission
from yilian.referral.informing import desk, tell_all
from yilian.referral.register import Referral
from yilian.referral.resources import Named
from yilian.referral.sending import evidence_faults
from yilian.store import members, read
from yilian.store.change import Change, Written
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

KIND = urls.BASE + "CodeSystem/referral-conversation"
KINDS = {"question": "提问", "answer": "回复", "remark": "留言", "file": "资料"}
LONGEST = 2000
MOST_FILES = 10
MOST_LINES = 500
MOST_COUNTED = 200
"""A page of the longest list."""
SPOKEN = frozenset({states.REFERRER, states.RECEIVER, states.PATIENT})
TOLD_OF = 120
"""Characters of a line that stand in the message about it."""

LINE = "insert into conversation_line (rid, task, institution, agent, kind, answers, at) values ($1, $2, $3, $4, $5, $6, $7)"
HEARD = """
insert into conversation_read (task, agent, at) values ($1, $2, $3)
on conflict (task, agent) do update set at = greatest(conversation_read.at, excluded.at)
"""
UNREAD = """
select count(*) from conversation_line l where l.task = $1 and l.agent <> $2
    and l.at > coalesce((select r.at from conversation_read r where r.task = $1 and r.agent = $2), '-infinity')
"""
UNREAD_OF = """
select r.id, count(*) as many from resource r
join conversation_line l on l.task = r.rid and l.agent <> $6
    and l.at > coalesce((select h.at from conversation_read h where h.task = r.rid and h.agent = $6), '-infinity')
where r.type = $7 and r.id = any($5::text[]) and not r.deleted and {readable} group by r.id
"""
SPEAKERS = """
select distinct agent from conversation_line where task = $1 and institution is not distinct from $2 and agent <> $3
"""


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said. kind: of `KINDS`. answers: id of the question's Communication, "" for none. files: references within the platform."""

    kind: str
    text: str = ""
    answers: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """lines: the newest `MOST_LINES` Communications the asker sees, oldest first. unread: of others, since this person last read."""

    task: Stored
    lines: tuple[Stored, ...]
    unread: int
    may_say: bool


async def say(tx: Tx, scope: Scope, task_id: str, saying: Saying) -> Written:
    """Say something on a referral, in `tx`. Returns the Communication as stored.

    Raises NotFound (no such Task, question or file for this user), BadRequest (what is said is empty, too long, or no kind there is),
    Forbidden (not of either side, nor the patient), Conflict (it has not been sent yet).
    """
    task, referral = await _referral(tx, scope, task_id)
    side = await _side(tx, scope, referral)
    if side is None or not scope.may_write or (scope.writes is not None and "Task" not in scope.writes):
        raise Forbidden(
            "Only the two sides of a referral and the patient take part in its conversation.", zh="仅转诊双方和患者本人可以沟通。"
        )
    if referral.submitted_at is None:
        raise Conflict("It has not been sent yet; there is nobody to talk to.", zh="转诊尚未发出,暂不能沟通。")
    _check(saying)
    faults = await evidence_faults(
        tx, scope, referral.patient, [(f"Parameters.parameter.where(name='file')[{n}]", one) for n, one in enumerate(saying.files)]
    )
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    question = await _question(tx, referral, saying.answers)
    sides = await by_rid(tx, [rid for rid in (referral.from_org, referral.to_org) if rid is not None])
    told = parse(task.body)
    (done,) = await write(
        tx, permission(scope), [Change("POST", "Communication", tx.new_id(), _communication(scope, told, saying, tx.now))]
    )
    institution = scope.institution_rid if side != states.PATIENT else None
    await tx.execute(LINE, done.rid, referral.task_rid, institution, scope.agent, saying.kind, question, tx.now)
    await tx.execute(HEARD, referral.task_rid, scope.agent, tx.now)
    readers = await _listeners(tx, scope, referral, side)
    if readers:
        where = sides[institution].name if institution in sides else ""
        values = {
            "patient": str((told.get("for") or {}).get("display") or "-"),
            "number": referral.number,
            "by": f"{scope.name}({where})" if where else scope.name or "-",
        }
        if saying.text:
            values["text"] = saying.text if len(saying.text) <= TOLD_OF else saying.text[:TOLD_OF] + "…"
        await tell_all(tx, Message(f"conversation.{saying.kind}", readers, f"Task/{referral.task_id}", referral.patient, values))
    return done


async def conversation(tx: Tx, scope: Scope, task_id: str) -> Conversation:
    """What was said on a referral, and how much of it this person has not read. Raises NotFound, BadRequest (no referral)."""
    task, referral = await _referral(tx, scope, task_id)
    rows = await tx.fetch(
        scope.finely(
            f"select * from (select {COLUMNS}, l.at from conversation_line l join resource r on r.rid = l.rid"
            f" where l.task = $5 and not r.deleted and {readable('r', 1)} order by l.at desc, l.rid desc limit {MOST_LINES}) r"
            " order by at, rid"
        ),
        *scope.keys(),
        referral.task_rid,
    )
    unread = await tx.fetchval(UNREAD, referral.task_rid, scope.agent)
    side = await _side(tx, scope, referral)
    return Conversation(task, tuple(stored(row) for row in rows), unread, side is not None and referral.submitted_at is not None)


async def unread_of(tx: Tx, scope: Scope, tasks: Sequence[str]) -> dict[str, int]:
    """How much this person has not read on each of these referrals (ids of Tasks), in one statement; without those where there is nothing,
    and those the asker does not see. Raises BadRequest for too many."""
    if len(tasks) > MOST_COUNTED:
        raise BadRequest(f"At most {MOST_COUNTED} referrals are counted at a time.", zh=f"一次最多查询 {MOST_COUNTED} 份转诊。")
    if not tasks or not scope.agent:
        return {}
    sql = scope.finely(UNREAD_OF.format(readable=readable("r", 1)))
    rows = await tx.fetch(sql, *scope.keys(), list(tasks), scope.agent, type_id("Task"))
    return {row["id"]: row["many"] for row in rows}


async def heard(tx: Tx, scope: Scope, task_id: str) -> None:
    """Note that this person has read the conversation until now, in `tx`. Raises as `conversation`."""
    _, referral = await _referral(tx, scope, task_id)
    await tx.execute(HEARD, referral.task_rid, scope.agent, tx.now)


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: what was said on a referral is not written, changed or removed around `say`. Raises Conflict."""
    if isinstance(scope, RoomScope):
        return
    mine = [change for change in changes if change.type == "Communication"]
    if not mine:
        return
    known = await tx.fetchval(
        "select exists (select from conversation_line l join resource r using (rid) where r.type = $1 and r.id = any($2::text[]))",
        type_id("Communication"),
        [change.id for change in mine if change.id],
    )
    codings = [
        coding
        for change in mine
        for category in (change.resource or {}).get("category") or ()
        if isinstance(category, dict)
        for coding in category.get("coding") or ()
    ]
    if known or any(isinstance(coding, dict) and coding.get("system") == KIND for coding in codings):
        raise Conflict(
            "What is said on a referral is written with Task/{id}/$say and stays as it was said.",
            expression="Communication.category",
            zh="转诊沟通请通过转诊页面进行,已发出的内容不能修改或删除。",
            code="business-rule",
        )


async def _referral(tx: Tx, scope: Scope, task_id: str) -> tuple[Stored, Referral]:
    task = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, task.rid)
    if referral is None:
        raise BadRequest(f"Task/{task_id} is no referral.", zh="该任务不是转诊。", code="not-supported")
    return task, referral


async def _side(tx: Tx, scope: Scope, referral: Referral) -> str | None:
    """Which part this person speaks as; None for nobody of them."""
    if scope.reach == "self":
        linked = [scope.patient_rid, *await members.others_of(tx, scope.patient_rid)]
        return states.PATIENT if referral.patient in linked else None
    mine = rules.parts(scope, referral) & SPOKEN
    return next((one for one in (states.RECEIVER, states.REFERRER) if one in mine), None)


def _check(saying: Saying) -> None:
    if saying.kind not in KINDS:
        raise BadRequest(f"{saying.kind[:40]!r} is no kind; there are {', '.join(KINDS)}.", zh="沟通类型不正确。")
    if len(saying.text) > LONGEST:
        raise BadRequest(f"At most {LONGEST} characters are said at a time.", zh=f"一次最多 {LONGEST} 字。")
    if len(saying.files) > MOST_FILES:
        raise BadRequest(f"At most {MOST_FILES} files go along.", zh=f"一次最多 {MOST_FILES} 份资料。")
    if not saying.text.strip() and not saying.files:
        raise BadRequest("Say something, or send a file.", expression="Parameters.parameter", zh="请填写内容或选择资料。")
    if saying.kind == "file" and not saying.files:
        raise BadRequest("A file was said to come and did not.", expression="Parameters.parameter", zh="请选择要发送的资料。")


async def _question(tx: Tx, referral: Referral, id: str) -> int | None:
    if not id:
        return None
    rid: int | None = await tx.fetchval(
        "select l.rid from conversation_line l join resource r using (rid) where l.task = $1 and r.id = $2 and l.kind = 'question'",
        referral.task_rid,
        id.removeprefix("Communication/"),
    )
    if rid is None:
        raise NotFound("There is no such question on this referral.", zh="没有找到要回复的提问。")
    return rid


def _communication(scope: Scope, task: Json, saying: Saying, at: datetime) -> Json:
    where = f"({scope.institution_name})" if scope.institution_name else ""
    payload: list[Json] = [{"contentString": saying.text.strip()}] if saying.text.strip() else []
    payload += [{"contentReference": {"reference": one}} for one in saying.files]
    sender = Named(scope.agent, f"{scope.name}{where}").json
    return {
        "resourceType": "Communication",
        "status": "completed",
        "basedOn": [task["focus"]],
        "about": [{"reference": f"Task/{task['id']}"}],
        "category": [{"coding": [{"system": KIND, "code": saying.kind, "display": KINDS[saying.kind]}]}],
        "subject": task["for"],
        "sent": at.isoformat(timespec="milliseconds"),
        "sender": sender,
        "payload": payload,
    } | ({"inResponseTo": [{"reference": f"Communication/{saying.answers.removeprefix('Communication/')}"}]} if saying.answers else {})


async def _listeners(tx: Tx, scope: Scope, referral: Referral, side: str) -> tuple[Reader, ...]:
    """Who of the others is told: the referrer; whoever of the receiver has spoken, else its desk; the patient who has spoken."""
    readers: list[Reader] = []
    if side != states.REFERRER and referral.referrer != scope.agent:
        readers.append(Reader.account(referral.referrer))
    if side != states.RECEIVER and referral.to_org is not None:
        spoken = await tx.fetch(SPEAKERS, referral.task_rid, referral.to_org, scope.agent)
        here = await desk(tx, referral.to_org)
        if spoken and here.kind != "address":
            readers += [Reader.account(row["agent"]) for row in spoken[:10]]
        else:
            readers.append(here)
    if side != states.PATIENT and await tx.fetch(SPEAKERS, referral.task_rid, None, scope.agent):
        readers.append(Reader.patient(referral.patient))
    return tuple(readers)


__all__ = ["KINDS", "Conversation", "Saying", "conversation", "guard", "heard", "say", "unread_of"]
