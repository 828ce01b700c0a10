"""What users do with referrals: `refer` and `act`, and one function for each action of the table in `states`.

Everything is written in the caller's transaction by `step.finish`. An action's function says what its step changes; whether it is legal was
decided before from the table, by `rules`. FHIR R4 workflow: http://hl7.org/fhir/R4/workflow-management.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest, Conflict, Forbidden, InvalidResource, VersionStale
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.referral import (
    allowed,
    approvals,
    booking,
    endings,
    first_visit,
    green_channel,
    marks,
    next_receiver,
    numbers,
    register,
    resources,
    rules,
    states,
)
from yilian.referral.beginning import begin
from yilian.referral.onward import HOUSE, ask_the_next, close, forward, redirect, settle_replaced
from yilian.referral.outcome import check_attachments, fault, write_outputs, write_plan
from yilian.referral.parameters import Act, LegalAction, read_act, read_refer
from yilian.referral.register import Referral
from yilian.referral.resources import Named
from yilian.referral.sending import OpenReferral, Sending, prepare, send
from yilian.referral.step import Step, bodies, finish, named
from yilian.store import read
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
    action = "submit" if asked.submit else "draft"
    step = begin(tx, scope, Act(action, frozenset(), note=asked.note), sending, request, me)
    if asked.submit:
        await send(step, sending)
        settle_replaced(step, sending)
    if asked.green:
        await green_channel.ask_or_open(step, asked.green)
    if asked.alternatives or asked.automatic:
        await next_receiver.name(step, asked.alternatives, automatic=asked.automatic)
    if asked.slot or asked.bed is not None:
        marks.set_wished(step.request, (*asked.slot, *((asked.bed,) if asked.bed is not None else ())))
        step.change(wished=tuple(str(one["reference"]) for one in (*asked.slot, *((asked.bed,) if asked.bed is not None else ()))))
        if step.after.state == "submitted":
            await _book_directly(step)
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
        raise allowed.no_referral(task_id)
    if if_match is None:
        raise BadRequest("Say which version of the Task you have seen, with If-Match.", zh="请刷新后重试(缺少版本号)。", code="required")
    if if_match != referral.task_ver:
        raise VersionStale(
            f"Task/{task_id} is version {referral.task_ver} now, you have seen {if_match}. Read it again and decide anew.",
            zh="该转诊已被他人处理,请刷新后重试。",
        )
    row = _legal_row(await allowed.parts(tx, scope, referral), referral, asked.action, tx.now)
    if asked.action == "green" and not await green_channel.may(tx, scope, referral, await allowed.parts(tx, scope, referral)):
        raise Forbidden("Your post does not open the green channel here.", zh="您的岗位不能开通绿色通道。")
    if faults := rules.parameter_faults(row, asked, referral):
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    return (await _take(tx, scope, referral, row, asked)).task


async def by_the_house(tx: Tx, task_rid: int, asked: Act) -> bool:
    """Take a step the platform takes by itself, with the referral of this Task (rid), in `tx`. False where it is not legal (any more)."""
    referral = await register.lock(tx, task_rid)
    row = states.row(referral.state, asked.action) if referral is not None else None
    if referral is None or row is None or states.HOUSE not in row.who or not (row.when == "begun" or rules.holds(row, referral, tx.now)):
        return False
    await _take(tx, HOUSE, referral, row, asked)
    return True


async def _take(tx: Tx, scope: Scope, referral: Referral, row: states.Row, asked: Act) -> Step:
    """The step itself, of a locked referral, once it is known to be legal; and what follows from it."""
    request, task = await bodies(tx, referral)
    step = Step(tx, scope, asked.action, asked, referral, referral, request, task, reason=asked.reason)
    await _STEPS[asked.action](step, row)
    step.say(asked.note if asked.action not in ("approve", "return") else "")
    await _finish(step)
    return step


async def _carry_on(step: Step, scope: Scope, asked: Act) -> None:
    """Another step with the same referral once the one before is written; its outcome is the outcome of both."""
    referral = await register.lock(step.tx, step.after.task_rid)
    row = states.row(referral.state, asked.action) if referral is not None else None
    assert referral is not None
    assert row is not None
    done = await _take(step.tx, scope, referral, row, asked)
    step.after, step.request, step.task = done.after, done.request, done.task


def _legal_row(mine: frozenset[str], referral: Referral, action: str, now: datetime) -> states.Row:
    row = states.row(referral.state, action)
    if row is None or not rules.holds(row, referral, now):
        raise NotLegalNow(referral, action, rules.legal(referral, mine, now))
    if not mine.intersection(row.who):
        raise Forbidden(
            f"{action!r} is the step of the {' or the '.join(row.who)} of this referral, which you are not.",
            zh=f"“{states.ACTIONS[action][0]}”不由您操作。",
        )
    return row


# --- one function for each action


async def _submit(step: Step, row: states.Row) -> None:
    sending = await _rewritten(step)
    endings.alive(step.after)
    await sending.check(step.tx, step.scope, besides=step.after.task_rid)
    await send(step, sending)
    settle_replaced(step, sending)
    if step.after.state == "submitted":
        await _book_directly(step)


async def _revise(step: Step, row: states.Row) -> None:
    await _rewritten(step)


async def _approve(step: Step, row: states.Row) -> None:
    state = rules.next_state(row, step.after, approval_asked=True)
    endings.alive(step.after)
    if state == "submitted":
        step.change(state=state, submitted_at=step.now)
        await _book_directly(step, or_leave=True)
    else:
        step.change(step=step.after.step + 1)


async def _return(step: Step, row: states.Row) -> None:
    step.change(state="draft", chain=(), step=0)


async def _receive(step: Step, row: states.Row) -> None:
    step.change(state="received")


async def _accept(step: Step, row: states.Row) -> None:
    step.change(state="accepted")
    if step.asked.practitioner is not None or step.asked.start:
        marks.arrange(step.task, step.asked.practitioner, step.asked.start)
        step.change(arranged_at=step.now)
        if step.asked.start:
            await booking.expect(step, interval(step.asked.start, region_zone())[0])
    await first_visit.set_due(step)
    await write_plan(step)
    if step.asked.slot or step.asked.bed is not None:
        booked = Act("book", frozenset(), slot=step.asked.slot, bed=step.asked.bed)
        step.afterwards.append(lambda: _carry_on(step, step.scope, booked))


async def _decline(step: Step, row: states.Row) -> None:
    step.change(state="declined", closed_at=step.now)
    ask_the_next(step)


async def _ask(step: Step, row: states.Row) -> None:
    step.change(state="need-info")
    step.reason = {"text": step.asked.question}
    step.say(step.asked.question)


async def _answer(step: Step, row: states.Row) -> None:
    step.change(state="received")
    step.say(step.asked.answer)
    if step.asked.attachment:
        await check_attachments(step)
        resources.add_evidence(step.request, step.asked.attachment)
        step.request_changed = True


async def _arrive(step: Step, row: states.Row) -> None:
    await booking.arrive(step)
    step.change(state="arrived")
    resources.begin(step.task, step.now)


async def _plan(step: Step, row: states.Row) -> None:
    await write_plan(step)


async def _report(step: Step, row: states.Row) -> None:
    await write_outputs(step)


async def _complete(step: Step, row: states.Row) -> None:
    if step.after.direction == "down" and step.after.planned_at is None and step.asked.plan is None:
        raise fault(
            "plan",
            "A down-referral is completed after its follow-up plan was written; send 'plan'.",
            "下转患者须先制定随访计划,才能完成。",
            code="required",
        )
    await write_outputs(step)
    await write_plan(step)
    resources.end(step.task, step.now)
    step.change(state="completed", closed_at=step.now)


async def _cancel(step: Step, row: states.Row) -> None:
    if step.after.state != "arrived":
        await booking.give_back(step, "转诊已取消")
    step.change(state="cancelled", closed_at=step.now)


_STEPS: dict[str, Callable[[Step, states.Row], Awaitable[None]]] = {
    "submit": _submit,
    "revise": _revise,
    "approve": _approve,
    "return": _return,
    "receive": _receive,
    "accept": _accept,
    "decline": _decline,
    "forward": forward,
    "redirect": redirect,
    "hold": booking.hold,
    "book": booking.book,
    "defer": booking.defer,
    "expire": booking.expire,
    "cancel-booking": booking.cancel_booking,
    "no-show": booking.no_show,
    "endorse": approvals.endorse,
    "ask": _ask,
    "answer": _answer,
    "arrive": _arrive,
    "plan": _plan,
    "report": _report,
    "complete": _complete,
    "close": close,
    "cancel": _cancel,
    "stay": endings.stay,
    "travel": endings.travel,
    "leave": endings.leave,
    "mark": endings.mark,
    "end": endings.end,
    "green": green_channel.green,
}


# --- what several of them do


async def _book_directly(step: Step, *, or_leave: bool = False) -> None:
    """What the sender wished is booked at once, where the receiver lets referrers book: all of it, or the whole step is refused.

    `or_leave`: what is gone meanwhile stays a wish the receiver reads; the approval of the referral does not hang on it.
    """
    wished = step.after.wished
    if not wished or not await booking.is_direct(step.tx, step.after):
        return
    slots = tuple({"reference": one} for one in wished if one.startswith("Slot/"))
    bed = next(({"reference": one} for one in wished if one.startswith("Location/")), None)

    async def accept_and_book() -> None:
        await _carry_on(step, HOUSE, Act("accept", frozenset(), note="接收机构开放直接预约"))
        await _carry_on(step, step.scope, Act("book", frozenset(), slot=slots, bed=bed))

    async def if_it_can_be() -> None:
        before = step.after, step.request, step.task
        try:
            async with step.tx.savepoint():
                await accept_and_book()
        except Conflict:
            step.after, step.request, step.task = before

    step.afterwards.append(if_it_can_be if or_leave else accept_and_book)


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
        raise fault("request", "A draft keeps its patient; write a new referral for another one.", "不能更换草稿中的患者,请新建转诊。")
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
        step.request["extension"] += [one for one in kept.get("extension", []) if one.get("url") == urls.GREEN_CHANNEL]
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


def _may_write(scope: Scope) -> None:
    if not allowed.writes(scope):
        raise Forbidden("Your sign-in does not allow moving referrals.", zh="您的登录权限不允许办理转诊。")


__all__ = ["NotLegalNow", "OpenReferral", "act", "by_the_house", "refer"]
