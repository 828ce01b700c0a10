"""What the receiver writes back: diagnosis, treatment, advice, findings, attachments, and the follow-up plan of a down-referral."""

from __future__ import annotations

from yilian.errors import InvalidResource, Issue
from yilian.referral import resources
from yilian.referral.resources import Named
from yilian.referral.sending import evidence_faults
from yilian.referral.step import Step
from yilian.store.change import Change


async def write_outputs(step: Step) -> None:
    """What the receiver writes back, as Task.output."""
    asked = step.asked
    await check_attachments(step)
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


async def check_attachments(step: Step) -> None:
    places = [(f"Parameters.parameter.where(name='attachment')[{n}]", item["reference"]) for n, item in enumerate(step.asked.attachment)]
    if faults := await evidence_faults(step.tx, step.scope, step.after.patient, places):
        raise InvalidResource(faults[0].diagnostics, issues=faults)


async def write_plan(step: Step) -> None:
    """The follow-up plan of a down-referral, when one came along."""
    given = step.asked.plan
    if given is None:
        return
    complete = {"status": "active", "intent": "plan", "subject": {"reference": step.request["subject"]["reference"]}, **given}
    if faults := [issue for issue in step.tx.hooks.validate(complete) if issue.severity in ("fatal", "error")]:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
    if not resources.has_content(given):
        raise fault(
            "plan", "The plan plans nothing: give an activity, a goal, a title or a description.", "随访计划没有内容。", code="required"
        )
    if complete["subject"].get("reference") != step.request["subject"]["reference"]:
        raise fault("plan", "The plan is for another patient than the referral.", "随访计划与转诊患者不一致。")
    patient = Named(step.request["subject"]["reference"], step.request["subject"].get("display", ""))
    author = Named(step.scope.agent, step.scope.name)
    plan = resources.care_plan(given, id=step.tx.new_id(), patient=patient, author=author, request=step.request, at=step.now)
    place = "Parameters.parameter.where(name='plan').resource"
    step.beside.append(Change("POST", "CarePlan", plan["id"], plan, confined=None, place=place))
    resources.set_outputs(
        step.task, "plan", [{"valueReference": {"reference": f"CarePlan/{plan['id']}", "display": plan.get("title", "随访计划")}}]
    )
    step.change(planned_at=step.now)


def fault(name: str, diagnostics: str, zh: str, *, code: str = "business-rule") -> InvalidResource:
    """What is wrong with one parameter of a step."""
    return InvalidResource(diagnostics, issues=[Issue("error", code, diagnostics, f"Parameters.parameter.where(name='{name}')", zh)])
