"""What users do with referrals: `refer`, `act` and `actions`, and one function for each action of the table in `states`.

Everything is written in the caller's transaction by `step.finish`. An action's function says what its step changes; whether it is legal was
decided before from the table, by `rules`. FHIR R4 workflow: http://hl7.org/fhir/R4/workflow-management.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest, Conflict, Forbidden, InvalidResource, Issue, VersionStale
from yilian.referral import numbers, register, resources, rules, states
from yilian.referral.parameters import Act, LegalAction, read_act, read_refer
from yilian.referral.register import Referral
from yilian.referral.resources import Named
from yilian.referral.sending import OpenReferral, Sending, evidence_faults, prepare, send
from yilian.referral.step import Step, bodies, finish, named
from yilian.store import members, read
from yilian.store.change import Change
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]


class NotLegalNow(Conflict):
    """The state table has no such step from here. `state` is where the referral stands, `actions` what this user may do instead."""

    def __init__(self, referral: Referral, action: str, actions: list[LegalAction]) -> None:
        self.state = referral.state
        self.actions = tuple(one.code for one in actions)
        state = states.STATES[referral.state]
        instead = ", ".join(self.actions) or "nothing"
        zh_instead = "、".join(one.display for one in actions) or "无"
        super().__init__(
            f"The referral is {referral.state!r}; {action!r} is not legal now. You may: {instead}.",
            zh=f"转诊当前为“{state.zh}”,不能{states.ACTIONS[action][0]}。现在可以:{zh_instead}。",
            code="business-rule",
        )


async def refer(tx: Tx, scope: Scope, parameters: Resource) -> tuple[Resource, Resource]:
    """`$refer`: write a new referral, and send it unless `submit` is false. Returns its ServiceRequest and Task as stored.

    Written in `tx`. Raises BadRequest (Parameters), Forbidden (not a clinician or referral officer of an institution), NotFound (no such
    patient for this user), InvalidResource (every fault at once), OpenReferral (the patient has one under way for this specialty).
    """
    asked = read_refer(parameters, tx.hooks.validate)
    _may_write(scope)
    if not rules.may_refer(scope):
        raise Forbidden(
            "A referral is written by a clinician or the referral office of an institution.", zh="只有医疗机构的医生或转诊办可以发起转诊。"
        )
    sending = await prepare(tx, scope, asked.request)
    if asked.submit:
        await sending.check(tx, scope)
    number = await numbers.take(tx)
    me = Named(scope.agent, scope.name)
    request = resources.new_request(
        sending.given,
        id=tx.new_id(),
        number=number,
        requisition=sending.requisition or number,
        patient=sending.patient,
        requester=me,
        sender=named(sending.sender),
        receiver=named(sending.receiver) if sending.receiver else None,
        at=tx.now,
    )
    signed = Named(scope.agent, f"{scope.name}({sending.sender.name})")
    if asked.consent is not None:
        resources.set_consent(request, await sending.consent(tx, scope, asked.consent, signed))
    if asked.note:
        resources.add_words(request, asked.note, signed, tx.now, "submit" if asked.submit else "draft")
    task = resources.new_task(
        request, id=tx.new_id(), number=number, patient=sending.patient, requester=me, sender=named(sending.sender), at=tx.now
    )
    row = Referral(
        task_rid=0,
        task_id=task["id"],
        task_ver=0,
        request_rid=0,
        request_id=request["id"],
        request_ver=0,
        number=number,
        patient=sending.patient_rid,
        direction=sending.wish.direction,
        specialty=sending.wish.specialty or None,
        priority=request["priority"],
        state="draft",
        from_org=sending.sender.rid,
        to_org=sending.receiver.rid if sending.receiver else None,
        referrer=scope.agent,
        created_at=tx.now,
        basis_task=sending.basis.task_rid if sending.basis else None,
        replaces_task=sending.replaced.task_rid if sending.replaced else None,
    )
    action = "submit" if asked.submit else "draft"
    step = Step(tx, scope, action, Act(action, frozenset(), note=asked.note), None, row, request, task)
    if asked.submit:
        await send(step, sending)
        _settle_replaced(step, sending)
    await _finish(step)
    return step.request, step.task


async def act(tx: Tx, scope: Scope, task_id: str, if_match: int | None, parameters: Resource) -> Resource:
    """`$act`: take one step with the referral of this Task. Returns the Task as stored.

    Written in `tx`; the referral is locked first, so of two who act at once the second one meets a stale version. Raises NotFound (no such
    Task for this user), BadRequest (Parameters, no If-Match, a Task that is no referral), VersionStale, NotLegalNow (state), Forbidden (not
    this user's step), InvalidResource (what the step needs), OpenReferral (submit).
    """
    asked = read_act(parameters, tx.hooks.validate)
    _may_write(scope)
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.lock(tx, stored.rid)
    if referral is None:
        raise _no_referral(task_id)
    if if_match is None:
        raise BadRequest("Say which version of the Task you have seen, with If-Match.", zh="请刷新后重试(缺少版本号)。", code="required")
    if if_match != referral.task_ver:
        raise VersionStale(
            f"Task/{task_id} is version {referral.task_ver} now, you have seen {if_match}. Read it again and decide anew.",
            zh="该转诊已被他人处理,请刷新后重试。",
        )
    row = _legal_row(await _parts(tx, scope, referral), referral, asked.action)
    if faults := rules.parameter_faults(row, asked, referral):
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    request, task = await bodies(tx, referral)
    step = Step(tx, scope, asked.action, asked, referral, referral, request, task, reason=asked.reason)
    await _STEPS[asked.action](step, row)
    step.say(asked.note if asked.action not in ("approve", "return") else "")
    await _finish(step)
    return step.task


async def actions(tx: Tx, scope: Scope, task_id: str) -> list[LegalAction]:
    """`$actions`: what this user may do with this referral now. Writes nothing. Raises NotFound; BadRequest for a Task that is none."""
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, stored.rid)
    if referral is None:
        raise _no_referral(task_id)
    return rules.legal(referral, await _parts(tx, scope, referral)) if _writes(scope) else []


async def _parts(tx: Tx, scope: Scope, referral: Referral) -> frozenset[str]:
    """The parts this person has in it. A resident is the patient of a referral of any record that is linked to the own one."""
    if scope.reach == "self" and referral.patient in await members.others_of(tx, scope.patient_rid):
        return frozenset({states.PATIENT})
    return rules.parts(scope, referral)


def _legal_row(mine: frozenset[str], referral: Referral, action: str) -> states.Row:
    row = states.row(referral.state, action)
    if row is None or not rules.holds(row, referral):
        raise NotLegalNow(referral, action, rules.legal(referral, mine))
    if not mine.intersection(row.who):
        raise Forbidden(
            f"{action!r} is the step of the {' or the '.join(row.who)} of this referral, which you are not.",
            zh=f"“{states.ACTIONS[action][0]}”不由您操作。",
        )
    return row


# --- one function for each action


async def _submit(step: Step, row: states.Row) -> None:
    sending = await _rewritten(step)
    await sending.check(step.tx, step.scope, besides=step.after.task_rid)
    await send(step, sending)
    _settle_replaced(step, sending)


async def _revise(step: Step, row: states.Row) -> None:
    await _rewritten(step)


async def _approve(step: Step, row: states.Row) -> None:
    state = rules.next_state(row, step.after, approval_asked=True)
    if state == "submitted":
        step.change(state=state, submitted_at=step.now)
    else:
        step.change(step=step.after.step + 1)


async def _return(step: Step, row: states.Row) -> None:
    step.change(state="draft", chain=(), step=0)


async def _receive(step: Step, row: states.Row) -> None:
    step.change(state="received")


async def _accept(step: Step, row: states.Row) -> None:
    step.change(state="accepted")
    if step.asked.practitioner is not None or step.asked.start:
        resources.arrange(step.task, step.asked.practitioner, step.asked.start)
        step.change(arranged_at=step.now)
    await _write_plan(step)


async def _decline(step: Step, row: states.Row) -> None:
    step.change(state="declined", closed_at=step.now)


async def _forward(step: Step, row: states.Row) -> None:
    old, tx = step.after, step.tx
    sending = await prepare(tx, step.scope, step.request, sender=old.from_org, author=old.referrer, to=step.asked.to)
    passed = await register.institutions_passed(tx, old.task_rid)
    if sending.receiver is not None and sending.receiver.rid in passed:
        text = f"{sending.receiver.name} has had this referral already; send it on to somebody else, or decline."
        raise _fault("to", text, f"{sending.receiver.name}已处理过此转诊,不能再转回。请选择其他机构,或选择不予接收。")
    await sending.check(tx, step.scope, besides=old.task_rid)
    step.change(state="referred-onward", closed_at=step.now)
    before = {key: value for key, value in step.request.items() if key != "meta"}

    async def successor() -> None:
        assert sending.receiver is not None  # `check` refused everything else
        number = await numbers.take(tx)
        request = resources.forwarded_request(before, id=tx.new_id(), number=number, receiver=named(sending.receiver), at=step.now)
        author = Named(before["requester"]["reference"], before["requester"].get("display", ""))
        task = resources.new_task(
            request, id=tx.new_id(), number=number, patient=sending.patient, requester=author, sender=named(sending.sender), at=step.now
        )
        following = register.changed(
            old,
            task_rid=0,
            task_id=task["id"],
            task_ver=0,
            request_rid=0,
            request_id=request["id"],
            request_ver=0,
            number=number,
            state="submitted",
            to_org=sending.receiver.rid,
            created_at=step.now,
            submitted_at=step.now,
            replaces_task=old.task_rid,
        )
        onward = Step(tx, step.scope, "forward", step.asked, None, following, request, task)
        onward.say(step.asked.note)
        await finish(onward)

    step.afterwards.append(successor)


async def _ask(step: Step, row: states.Row) -> None:
    step.change(state="need-info")
    step.reason = {"text": step.asked.question}
    step.say(step.asked.question)


async def _answer(step: Step, row: states.Row) -> None:
    step.change(state="received")
    step.say(step.asked.answer)
    if step.asked.attachment:
        await _check_attachments(step)
        resources.add_evidence(step.request, step.asked.attachment)
        step.request_changed = True


async def _arrive(step: Step, row: states.Row) -> None:
    step.change(state="arrived")
    resources.begin(step.task, step.now)


async def _plan(step: Step, row: states.Row) -> None:
    await _write_plan(step)


async def _report(step: Step, row: states.Row) -> None:
    await _write_outputs(step)


async def _complete(step: Step, row: states.Row) -> None:
    if step.after.direction == "down" and step.after.planned_at is None and step.asked.plan is None:
        raise _fault(
            "plan",
            "A down-referral is completed after its follow-up plan was written; send 'plan'.",
            "下转患者须先制定随访计划,才能完成。",
            code="required",
        )
    await _write_outputs(step)
    await _write_plan(step)
    resources.end(step.task, step.now)
    step.change(state="completed", closed_at=step.now)


async def _close(step: Step, row: states.Row) -> None:
    step.reason = step.task.get("statusReason")
    step.change(acknowledged_at=step.now)
    step.request_changed = True


async def _cancel(step: Step, row: states.Row) -> None:
    step.change(state="cancelled", closed_at=step.now)


_STEPS: dict[str, Callable[[Step, states.Row], Awaitable[None]]] = {
    "submit": _submit,
    "revise": _revise,
    "approve": _approve,
    "return": _return,
    "receive": _receive,
    "accept": _accept,
    "decline": _decline,
    "forward": _forward,
    "ask": _ask,
    "answer": _answer,
    "arrive": _arrive,
    "plan": _plan,
    "report": _report,
    "complete": _complete,
    "close": _close,
    "cancel": _cancel,
}


# --- what several of them do


async def _finish(step: Step) -> None:
    try:
        await finish(step)
    except register.AlreadyOpen:
        first = await register.live(step.tx, step.after.patient, step.after.specialty or "")
        raise await OpenReferral.of(step.tx, step.scope, first) from None


async def _rewritten(step: Step) -> Sending:
    """A draft with the request that came along, or as it was."""
    old = step.after
    sending = await prepare(step.tx, step.scope, step.asked.request or step.request, sender=old.from_org, author=old.referrer)
    if sending.patient_rid != old.patient:
        raise _fault("request", "A draft keeps its patient; write a new referral for another one.", "不能更换草稿中的患者,请新建转诊。")
    if step.asked.request is not None:
        kept = step.request
        step.request = resources.new_request(
            sending.given,
            id=kept["id"],
            number=old.number,
            requisition=sending.requisition or old.number,
            patient=sending.patient,
            requester=Named(kept["requester"]["reference"], kept["requester"].get("display", "")),
            sender=named(sending.sender),
            receiver=named(sending.receiver) if sending.receiver else None,
            at=step.now,
        )
        step.task["groupIdentifier"] = step.request["requisition"]
        step.request_changed = True
        step.change(
            direction=sending.wish.direction,
            specialty=sending.wish.specialty or None,
            priority=step.request["priority"],
            to_org=sending.receiver.rid if sending.receiver else None,
            basis_task=sending.basis.task_rid if sending.basis else None,
            replaces_task=sending.replaced.task_rid if sending.replaced else None,
        )
    return sending


def _settle_replaced(step: Step, sending: Sending) -> None:
    """A declined referral that is sent anew is done with: its request is revoked."""
    replaced = sending.replaced
    if replaced is None or replaced.acknowledged_at is not None:
        return

    async def settle() -> None:
        locked = await register.lock(step.tx, replaced.task_rid)
        if locked is not None and locked.state == "declined" and locked.acknowledged_at is None:
            request, task = await bodies(step.tx, locked)
            closing = Step(step.tx, step.scope, "close", Act("close", frozenset()), locked, locked, request, task)
            await _close(closing, states.ROWS[0])
            await finish(closing)

    step.afterwards.append(settle)


async def _write_outputs(step: Step) -> None:
    """What the receiver writes back, as Task.output."""
    asked = step.asked
    await _check_attachments(step)
    if asked.diagnosis:
        resources.set_outputs(step.task, "diagnosis", [{"valueCodeableConcept": concept} for concept in asked.diagnosis])
    for kind, text in (
        ("treatment", asked.treatment),
        ("advice", asked.advice),
        ("findings", asked.findings),
        ("medication", asked.medication),
        ("next-visit", asked.next_visit),
        ("record-number", asked.record_number),
    ):
        if text:
            resources.set_outputs(step.task, kind, [{"valueString": text}])
    if asked.attachment:
        resources.set_outputs(step.task, "attachment", [{"valueReference": reference} for reference in asked.attachment])


async def _check_attachments(step: Step) -> None:
    places = [(f"Parameters.parameter.where(name='attachment')[{n}]", item["reference"]) for n, item in enumerate(step.asked.attachment)]
    if faults := await evidence_faults(step.tx, step.scope, step.after.patient, places):
        raise InvalidResource(faults[0].diagnostics, issues=faults)


async def _write_plan(step: Step) -> None:
    """The follow-up plan of a down-referral, when one came along."""
    given = step.asked.plan
    if given is None:
        return
    complete = {"status": "active", "intent": "plan", "subject": {"reference": step.request["subject"]["reference"]}, **given}
    if faults := [issue for issue in step.tx.hooks.validate(complete) if issue.severity in ("fatal", "error")]:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    if not resources.has_content(given):
        raise _fault(
            "plan", "The plan plans nothing: give an activity, a goal, a title or a description.", "随访计划没有内容。", code="required"
        )
    if complete["subject"].get("reference") != step.request["subject"]["reference"]:
        raise _fault("plan", "The plan is for another patient than the referral.", "随访计划与转诊患者不一致。")
    patient = Named(step.request["subject"]["reference"], step.request["subject"].get("display", ""))
    author = Named(step.scope.agent, step.scope.name)
    plan = resources.care_plan(given, id=step.tx.new_id(), patient=patient, author=author, request=step.request, at=step.now)
    place = "Parameters.parameter.where(name='plan').resource"
    step.beside.append(Change("POST", "CarePlan", plan["id"], plan, confined=None, place=place))
    resources.set_outputs(
        step.task, "plan", [{"valueReference": {"reference": f"CarePlan/{plan['id']}", "display": plan.get("title", "随访计划")}}]
    )
    step.change(planned_at=step.now)


def _writes(scope: Scope) -> bool:
    """Whether the sign-in allows steps at all."""
    return scope.may_write and (scope.writes is None or "Task" in scope.writes)


def _may_write(scope: Scope) -> None:
    if not _writes(scope):
        raise Forbidden("Your sign-in does not allow moving referrals.", zh="您的登录权限不允许办理转诊。")


def _no_referral(task_id: str) -> BadRequest:
    return BadRequest(f"Task/{task_id} is no referral; only those are moved with $act.", zh="该任务不是转诊。", code="not-supported")


def _fault(name: str, diagnostics: str, zh: str, *, code: str = "business-rule") -> InvalidResource:
    return InvalidResource(diagnostics, issues=[Issue("error", code, diagnostics, f"Parameters.parameter.where(name='{name}')", zh)])


__all__ = ["NotLegalNow", "OpenReferral", "act", "actions", "refer"]
