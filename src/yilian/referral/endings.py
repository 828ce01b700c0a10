"""How a referral stops without being completed: the patient cannot travel now, will not go, left, died, or lies elsewhere.

    stay     就地救治: unfit to travel; who of the family was informed and which expert was called is kept; what was booked is given back
    travel   the patient can travel again: the receiver is asked anew
    leave    拒绝转诊或自动离院: a refusal of the Consent kind, a signed paper, or a witness; still a referral, and counted as such
    mark     the house: the patient died or was admitted elsewhere (`circumstances`), or that is not so any more; moves nothing
    end      who is at turn closes a referral that such a mark made void

REF-14: 不宜转运者告知家属、就地救治、请专家会诊; 自动离院仍按转诊管理. FHIR R4 Consent: http://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian.errors import InvalidResource
from yilian.fhir import json, references
from yilian.referral import booking, marks, reservation, resources
from yilian.referral.codes import CIRCUMSTANCES
from yilian.referral.outcome import check_attachments, fault
from yilian.referral.step import Step
from yilian.store import read

if TYPE_CHECKING:
    from yilian.referral.register import Referral
    from yilian.referral.states import Row


async def stay(step: Step, row: Row) -> None:
    """Said for the first time it stops the road; said again it adds who else was informed or called."""
    asked = step.asked
    if step.after.state != "in-place":
        await booking.give_back(step, "患者暂不宜转运,就地救治")
        booking.arrange_nothing(step)
        step.change(state="in-place", arranged_at=None, offered_at=None)
    else:
        step.reason = asked.reason or step.task.get("statusReason")
    marks.add_in_place(step.task, informed=asked.informed, expert=asked.expert, at=resources.stamp(step.now), by=step.me.json)


async def travel(step: Step, row: Row) -> None:
    step.change(state="submitted")


async def leave(step: Step, row: Row) -> None:
    """The patient's own decision: what proves it is an outcome of the referral."""
    await check_attachments(step)
    await _check_refusals(step)
    proof: list[dict[str, Any]] = [{"valueReference": reference} for reference in step.asked.attachment]
    if step.asked.witness:
        proof.append({"valueString": f"见证人:{step.asked.witness}"})
    resources.set_outputs(step.task, "refusal", proof)
    await _give_back(step, "患者拒绝转诊或自动离院")
    if step.after.state == "arrived":
        resources.end(step.task, step.now)
    step.change(state="against-advice", closed_at=step.now)


async def mark(step: Step, row: Row) -> None:
    """The reason of the state stays what it was."""
    found = step.asked.circumstance
    step.reason = step.task.get("statusReason")
    marks.set_circumstance(step.task, found.kind if found else "", resources.stamp(found.at) if found else "")
    step.change(ending=found.kind if found else None, ending_rid=found.source if found else None)


async def end(step: Step, row: Row) -> None:
    await _give_back(step, CIRCUMSTANCES[step.after.ending][0] if step.after.ending else "转诊已结束")
    step.change(state="cancelled", closed_at=step.now)


def alive(referral: Referral) -> None:
    """Raises InvalidResource where the patient is known to have died: such a referral is not sent."""
    if referral.ending == "deceased":
        text = "The patient is recorded as deceased; the referral cannot be sent. End it."
        raise fault("action", text, "患者已登记死亡,不能发出转诊,请结束该转诊。")


async def _give_back(step: Step, why: str) -> None:
    """Who is there has used the appointment; a bed that is still kept is free again."""
    if step.after.state != "arrived":
        await booking.give_back(step, why)
    elif step.after.bed_hold is not None:
        await reservation.release_bed(step.tx, step.after.bed_hold)


async def _check_refusals(step: Step) -> None:
    """A Consent that is attached says no: it was rejected, or its provision denies. Raises InvalidResource."""
    ids = [
        target.id
        for item in step.asked.attachment
        if isinstance(target := references.parse(item["reference"]), references.Local) and target.type == "Consent"
    ]
    for stored in (await read.many(step.tx, step.scope, [("Consent", id) for id in ids])).values():
        consent = json.parse(stored.body)
        if consent.get("status") != "rejected" and consent.get("provision", {}).get("type") != "deny":
            text = f"Consent/{stored.id} is no refusal; attach the one in which the patient says no."
            refused: InvalidResource = fault("attachment", text, "所附同意书不是拒绝意见,请核对。")
            raise refused


__all__ = ["alive", "end", "leave", "mark", "stay", "travel"]
