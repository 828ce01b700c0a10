"""One step of a referral on its way into the database: Task, ServiceRequest, row, Provenance, grounds; in the caller's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import grounds
from yilian.directory.institutions import Institution, by_rid
from yilian.fhir import json, urls
from yilian.referral import alarms, clocks, letters, register, resources
from yilian.referral.codes import POSTS
from yilian.referral.guard import permission
from yilian.referral.informing import inform
from yilian.referral.outside import links
from yilian.referral.parameters import Act
from yilian.referral.register import Referral, changed
from yilian.referral.resources import Named
from yilian.sealing.keyring import opened
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]


BESIDE_THE_ROAD = ("endorse", "mark", "green")
"""Actions that leave the clock of the state as it runs."""


@dataclass(slots=True)
class Step:
    """What a step starts from and what it makes of it. The action's function changes `after`, `request` and `task`; `finish` writes them.

    before          the row as it was locked; None for a new referral
    request, task   the resources as they will be stored
    reason          goes into Task.statusReason; None clears it
    request_changed the request gets a new version also where its status stays
    beside          other resources that are written with the step (a follow-up plan)
    afterwards      what follows once the step is written: the successor of a forwarded referral, the closing of a declined one
    """

    tx: Tx
    scope: Scope
    action: str
    asked: Act
    before: Referral | None
    after: Referral
    request: Resource
    task: Resource
    reason: Resource | None = None
    request_changed: bool = False
    beside: list[Change] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.tx.now

    @property
    def me(self) -> Named:
        """Who acts, as signed under what is written."""
        where = f"({self.scope.institution_name})" if self.scope.institution_name else ""
        return Named(self.scope.agent, f"{self.scope.name}{where}")

    def change(self, **columns: Any) -> None:
        """Change columns of the row."""
        self.after = changed(self.after, **columns)

    def say(self, text: str) -> None:
        """One line of the conversation, signed."""
        if text:
            resources.add_note(self.task, text, self.me, self.now, self.action)


async def finish(step: Step) -> None:
    """Write the step, in its transaction: new versions of the resources, Provenance, row and grounds; then what follows from it.

    Raises AlreadyOpen when a new or newly sent referral meets a live one; whatever the store raises otherwise. Leaves the stored resources,
    with meta, in `step.request` and `step.task`.
    """
    before, tx = step.before, step.tx
    if step.action not in BESIDE_THE_ROAD:
        step.after = await clocks.set_clock(tx, before, step.after)
    settled = step.after.acknowledged_at is not None
    request_written = resources.step_request(step.request, step.after.state, settled=settled) or step.request_changed or before is None
    resources.step_task(step.task, step.request, state=step.after.state, at=step.now, due=step.after.due_at)
    resources.say_why(step.task, step.reason)
    await letters.accompany(step)
    confined = step.after.from_org if step.after.submitted_at is None else None
    approval = await _approval(step)
    room = permission(step.scope)

    changes = [_put("Task", step.task, before.task_ver if before else None, confined)]
    if request_written:
        changes.append(_put("ServiceRequest", step.request, before.request_ver if before else None, confined))
    targets = [(f"{change.type}/{change.id}", (change.if_match or 0) + 1) for change in changes]
    changes += [*approval, *step.beside, _provenance(step, targets, confined)]
    written = {(one.type, one.id): one for one in await write(tx, room, changes)}

    task = written["Task", step.task["id"]]
    step.change(task_rid=task.rid, task_ver=task.version)
    step.task = dict(task.resource or {})
    if request_written:
        request = written["ServiceRequest", step.request["id"]]
        step.change(request_rid=request.rid, request_ver=request.version)
        step.request = dict(request.resource or {})
    if step.after.state == "in-approval" and approval:
        asked = written["Task", approval[-1].id or ""]
        step.change(approval_rid=asked.rid, approval_ver=asked.version)
    elif step.after.state != "in-approval":
        step.change(approval_rid=None, approval_ver=None)

    if before is None or before.state != step.after.state:
        step.change(moved_at=step.now)
    if request_written:
        diagnosis, text = resources.diagnosis(step.request)
        step.change(diagnosis=diagnosis, diagnosis_text=text)

    await (register.insert if before is None else register.update)(tx, step.after)
    await _keep_grounds(step)
    await inform(step)
    await alarms.start(tx, before, step.after)
    await links.follow(tx, before, step.after)
    for following in step.afterwards:
        await following()


async def _approval(step: Step) -> list[Change]:
    """The Task of the approver who decided or need not any more, and of the next one who is asked."""
    before, after, tx = step.before, step.after, step.tx
    changes = []
    moved = before is None or before.state != after.state or before.step != after.step
    if before is not None and before.approval_rid is not None and moved:
        status = {"approve": "completed", "return": "rejected"}.get(step.action, "cancelled")
        row = await tx.fetchrow("select body from resource where rid = $1", before.approval_rid)
        task = json.parse(opened(before.approval_rid, row["body"]).encode()) if row is not None else {}
        resources.decide_approval(task, status=status, by=step.me, at=step.now, reason=step.reason, note=step.asked.note)
        changes.append(_put("Task", task, before.approval_ver, after.from_org))
    if after.state == "in-approval" and moved:
        post = {"coding": [{"system": urls.ROLE, "code": after.post, "display": POSTS.get(after.post, after.post)}]}
        sender = (await by_rid(tx, [after.from_org]))[after.from_org]
        asked = resources.approval_task(
            id=tx.new_id(), main=step.task, post=post, institution=named(sender), at=step.now, due=after.due_at or step.now
        )
        changes.append(_put("Task", asked, None, after.from_org))
    return changes


def _provenance(step: Step, targets: list[tuple[str, int]], confined: int | None) -> Change:
    provenance = resources.provenance(
        targets=targets,
        patient=step.request["subject"]["reference"],
        action=step.action,
        scope=step.scope,
        at=step.now,
        reason=step.asked.reason,
    )
    return Change("POST", "Provenance", None, provenance, confined=confined)


async def _keep_grounds(step: Step) -> None:
    """Both sides may read the record from submission until some time after closing; a receiver who sends the patient away, not so long.

    A referral opens the record to the two institutions it concerns and to nobody else, and the origin keeps seeing the outcome.
    """
    before, after, tx = step.before, step.after, step.tx
    was_sent = before is not None and before.submitted_at is not None
    if after.submitted_at is not None and not was_sent:
        for institution in (after.from_org, after.to_org):
            if institution is not None:
                await grounds.open_referral_ground(tx, institution, after.patient, after.task_rid)
    if after.closed_at is not None and was_sent and before is not None and before.closed_at is None:
        days = await policy.value(tx, "referral.access_after_closing_days", step.now)
        sent_away = await policy.value(tx, "referral.access_after_declining_days", step.now)
        shorter = after.state in ("declined", "referred-onward")
        await grounds.close_ground(tx, after.task_rid, step.now + timedelta(days=days), after.from_org)
        await grounds.close_ground(tx, after.task_rid, step.now + timedelta(days=sent_away if shorter else days), after.to_org)


def _put(kind: str, resource: Resource, version: int | None, confined: int | None) -> Change:
    return Change("POST" if version is None else "PUT", kind, resource["id"], resource, if_match=version, confined=confined)


def named(institution: Institution) -> Named:
    return Named(institution.reference, institution.name)


async def bodies(tx: Tx, referral: Referral) -> tuple[Resource, Resource]:
    """ServiceRequest and Task of a locked referral, as they are stored."""
    rows = {
        row["rid"]: opened(row["rid"], row["body"])
        for row in await tx.fetch("select rid, body from resource where rid = any($1::bigint[])", [referral.request_rid, referral.task_rid])
    }
    return json.parse(rows[referral.request_rid].encode()), json.parse(rows[referral.task_rid].encode())
