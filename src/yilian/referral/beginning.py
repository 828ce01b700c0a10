"""How a referral begins: the Task and the row of a request, whether somebody wrote it or it takes the place of one that was sent on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian.referral import marks, resources
from yilian.referral.parameters import Act
from yilian.referral.register import Referral
from yilian.referral.resources import Named
from yilian.referral.sending import Sending
from yilian.referral.step import Step, named
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx


def begin(tx: Tx, scope: Scope, asked: Act, sending: Sending, request: dict[str, Any], author: Named) -> Step:
    """The first step of a referral with this request, a draft until the step says otherwise; written by `step.finish`.

    request   as the house keeps it, with its id and number
    author    who refers, who is not always who acts
    """
    number = resources.number_of(request)
    task = resources.new_task(
        request, id=tx.new_id(), number=number, patient=sending.patient, requester=author, sender=named(sending.sender), at=tx.now
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
        referrer=author.reference,
        created_at=tx.now,
        basis_task=sending.basis.task_rid if sending.basis else None,
        replaces_task=sending.replaced.task_rid if sending.replaced else None,
        green=(marks.green_channel(request) or {}).get("state"),
    )
    return Step(tx, scope, asked.action, asked, None, row, request, task)
