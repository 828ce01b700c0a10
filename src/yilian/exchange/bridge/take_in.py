"""A message of another platform becomes a step of a referral, once: `$refer` for an application, `$act` for what follows.

An institution's own system acts as its referral office; a person acts as who they are. Everything is checked by the same rules as on the
pages, and what they refuse is refused here with the same reasons.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from yilian import referral
from yilian.directory.institutions import by_rid
from yilian.errors import Conflict, Forbidden, Issue
from yilian.exchange.bridge.form import Message, Person, Refused
from yilian.exchange.bridge.messages import read_message
from yilian.fhir import json, urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.referral import register
from yilian.search.query import parse
from yilian.store import read
from yilian.store.find import find
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

OFFICE = frozenset({"coordinator"})


async def take_in(tx: Tx, scope: Scope, bundle: Resource) -> tuple[Message, Resource]:
    """Take a message in, in `tx`; answers it as read, and the Task of its referral.

    A message that was taken before is answered as it was then. Raises Refused (with reasons), Forbidden, Conflict (the same id with other
    words), and what `referral.refer` and `referral.act` raise.
    """
    if scope.reach != "grounds" or not scope.institution_rid or not scope.may_write:
        raise Forbidden("Messages are taken from an institution's own system or its referral office.", zh="只有医疗机构可以发送转诊消息。")
    if faults := [issue for issue in tx.hooks.validate(bundle) if issue.severity in ("fatal", "error")]:
        raise Refused(faults)
    message = read_message(bundle)
    digest = hashlib.sha256(json.dump({**bundle, "timestamp": ""})).digest()
    who = scope.client or scope.user
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"bridge|{who}|{message.source}|{message.id}")
    known = await tx.fetchrow(
        "select b.sha256, r.id from bridge_message b join resource r on r.rid = b.task_rid"
        " where b.client = $1 and b.source = $2 and b.id = $3",
        who,
        message.source,
        message.id,
    )
    if known is not None:
        if known["sha256"] != digest:
            raise Conflict(
                f"Message {message.id!r} was taken before with other words; a new message has a new id.", zh="消息编号重复,但内容不同。"
            )
        return message, json.parse((await read.by_id(tx, scope, "Task", known["id"])).body)
    # What a system sends its institution has said: a client is no resource of its own that a referral could name as requester.
    acting = scope if scope.roles else replace(scope, roles=OFFICE, agent=scope.institution)
    task = await (_apply(tx, acting, message) if message.step == "apply" else _act(tx, acting, message))
    await tx.execute(
        "insert into bridge_message (source, id, client, sha256, step, task_rid, taken_at)"
        " select $1, $2, $3, $4, $5, r.rid, $6 from resource r where r.type = $7 and r.id = $8",
        message.source, message.id, who, digest, message.step, tx.now, type_id("Task"), task["id"],
    )  # fmt: skip
    return message, task


async def was_taken(tx: Tx, scope: Scope, bundle: Resource) -> bool:
    """Whether this asker's message of this source and id was taken before."""
    identifier, entries = bundle.get("identifier"), bundle.get("entry")
    first = entries[0].get("resource") if isinstance(entries, list) and entries and isinstance(entries[0], dict) else None
    source = first.get("source") if isinstance(first, dict) else None
    if not isinstance(identifier, dict) or not isinstance(source, dict):
        return False
    sql = "select exists (select from bridge_message where client = $1 and source = $2 and id = $3)"
    given = (str(source.get("endpoint", "")), str(identifier.get("value", "")))
    return bool(await tx.fetchval(sql, scope.client or scope.user, *given))


async def _apply(tx: Tx, scope: Scope, message: Message) -> Resource:
    out = message.out
    assert out is not None  # `read_message` saw to that
    if await _code_of(tx, scope) != message.sender:
        raise _refused("sender", "An application comes from the institution that refers.", "转诊申请须由转出机构发送。")
    receiver = await _organization(tx, scope, message.receiver)
    if receiver is None:
        raise _refused("receiver", f"No institution has the code {message.receiver!r}.", "没有该代码的接收机构。")
    reasons: list[Resource] = []
    if out.reason:
        reasons.append({"coding": [{"system": urls.REFERRAL_REASON, "code": out.reason}]})
    if out.impression or out.impression_code:
        coding = {"coding": [{"system": urls.ICD10, "code": out.impression_code}]} if out.impression_code else {}
        reasons.append(coding | ({"text": out.impression} if out.impression else {}))
    names = {
        "present-illness": out.present_illness, "past-history": out.past_history, "treatment": out.treatment,
        "precautions": out.precautions, "transport": out.transport, "escort": out.escort, "payment": out.payment,
    }  # fmt: skip
    form: list[Resource] = [{"url": name, "valueString": value} for name, value in names.items() if value]
    if out.care_type:
        form.append({"url": "care-type", "valueCode": out.care_type})
    request: Resource = {
        "resourceType": "ServiceRequest",
        "subject": {"reference": await _patient(tx, scope, message.person)},
        "category": [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": out.direction}]}],
        "priority": out.priority or "routine",
        "locationCode": [{"coding": [{"system": urls.SPECIALTY, "code": out.specialty}]}],
        "performer": [{"reference": receiver}],
        "reasonCode": reasons,
        "extension": [{"url": urls.REFERRAL_FORM, "extension": form}] if form else [],
    }
    parameters: list[Resource] = [{"name": "request", "resource": {key: value for key, value in request.items() if value}}]
    if out.consent:
        parameters.append({"name": "consent", "valueCode": out.consent})
    words = "\n".join(text for text in (message.note, f"转诊医生:{out.doctor}" if out.doctor else "") if text)
    if words:
        parameters.append({"name": "note", "valueString": words})
    _, task = await referral.refer(tx, scope, {"resourceType": "Parameters", "parameter": parameters})
    return task


async def _act(tx: Tx, scope: Scope, message: Message) -> Resource:
    row = await tx.fetchrow("select task_id, task_rid from referral where number = $1", message.number)
    seen = await read.many(tx, scope, [("Task", row["task_id"])]) if row is not None else {}
    if row is None or not seen:
        raise _refused("number", f"There is no referral {message.number!r} that you may see.", "没有该转诊单号,或您无权查看。")
    referred = await register.of_task(tx, row["task_rid"])
    assert referred is not None
    if message.step == "answer":
        action = {"action": "accept"} if message.agreed else {"action": "decline"}
        reason: Resource = {}
        if not message.agreed:
            reason = {"coding": [{"system": urls.REFERRAL_DECLINE_REASON, "code": message.why or "other"}]}
            reason |= {"text": message.why_text} if message.why_text else {}
        return await _step(tx, scope, row["task_id"], referred.task_ver, action["action"], [("reason", reason)] if reason else [], message)
    if message.step == "arrival":
        return await _step(tx, scope, row["task_id"], referred.task_ver, "arrive", [], message)
    back = message.back
    assert back is not None
    diagnosis: Resource = {"text": back.diagnosis} if back.diagnosis else {}
    if back.diagnosis_code:
        diagnosis["coding"] = [{"system": urls.ICD10, "code": back.diagnosis_code}]
    given: list[tuple[str, Any]] = [("diagnosis", diagnosis)] if diagnosis else []
    given += [
        (name, text)
        for name, text in (
            ("treatment", back.treatment), ("advice", back.advice), ("findings", back.findings),
            ("recordNumber", back.record_number), ("medication", back.medication),
        )
        if text
    ]  # fmt: skip
    if back.next_visit:
        given.append(("nextVisit", back.next_visit))
    return await _step(tx, scope, row["task_id"], referred.task_ver, "complete", given, message)


async def _step(tx: Tx, scope: Scope, id: str, version: int, action: str, given: list[tuple[str, Any]], message: Message) -> Resource:
    parts: list[Resource] = [{"name": "action", "valueCode": action}]
    for name, value in given:
        key = "valueCodeableConcept" if isinstance(value, dict) else "valueDate" if name == "nextVisit" else "valueString"
        parts.append({"name": name, key: value})
    if message.note:
        parts.append({"name": "note", "valueString": message.note})
    return await referral.act(tx, scope, id, version, {"resourceType": "Parameters", "parameter": parts})


async def _patient(tx: Tx, scope: Scope, person: Person) -> str:
    """The one Patient of the asker's with one of these numbers and this name. Refused where there is none or the names differ."""
    for system, value in person.numbers:
        page = await find(tx, scope, parse("Patient", [("identifier", f"{system}|{value}"), ("_count", "2")], zone=region_zone()))
        if len(page.matches) > 1:
            raise _refused("Patient", "Several patients have this number.", "该证件号对应多名患者,请先合并档案。")
        if page.matches:
            found = json.parse(page.matches[0].body)
            names = {str(n.get("text") or "".join([n.get("family", ""), *n.get("given", [])])) for n in found.get("name", [])}
            if person.name not in names:
                raise _refused("Patient.name", "The number belongs to somebody of another name.", "证件号与姓名不一致,请核对。")
            return f"Patient/{found['id']}"
    raise _refused(
        "Patient", "No patient of your institution has one of these numbers; register the patient first.", "本机构没有该患者,请先建档。"
    )


async def _organization(tx: Tx, scope: Scope, code: str) -> str | None:
    asked = parse("Organization", [("identifier", f"{urls.INSTITUTION_ID}|{code}"), ("_count", "2")], zone=region_zone())
    page = await find(tx, scope, asked)
    return f"Organization/{page.matches[0].id}" if len(page.matches) == 1 else None


async def _code_of(tx: Tx, scope: Scope) -> str:
    found = await by_rid(tx, [scope.institution_rid])
    return found[scope.institution_rid].code if scope.institution_rid in found else ""


def _refused(place: str, diagnostics: str, zh: str) -> Refused:
    return Refused([Issue("error", "business-rule", diagnostics, place, zh)])
