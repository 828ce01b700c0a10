"""申诉: what somebody says against a mark, and what the office decides.

    open → granted    the mark counts no more, from when it was made
    open → refused    with an answer
    open → withdrawn  by who asked

A mark is appealed against once, by the patient or a desk for them, within `booking.appeal_days`. Decided by the office of the institution.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from asyncpg.exceptions import UniqueViolationError

from yilian import policy
from yilian.audit.note import by
from yilian.audit.record import note_event
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.scheduling import seen, told
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

STATES: Mapping[tuple[str, str], str] = {
    ("open", "grant"): "granted",
    ("open", "refuse"): "refused",
    ("open", "withdraw"): "withdrawn",
}
"""(state, what is done) → the next state. What is not here is refused."""
LONGEST_REASON = 500
OFFICE = "office"

OF = """
select p.*, b.patient, b.institution, b.appointment, a.starts, r.id as appointment_id from appeal p
join absence b on b.id = p.absence join appointment a on a.rid = b.appointment join resource r on r.rid = a.rid
where p.id = $1 for update of p
"""


async def appeal(tx: Tx, scope: Scope, appointment: str, reason: str) -> str:
    """Say why this appointment should not count, in `tx`: the id of the appeal. Raises NotFound for an appointment one does not see or that
    is not marked, Conflict for a second appeal and one that comes too late, BadRequest without a reason."""
    seen.require_booking(scope)
    reason = reason.strip()
    if not 2 <= len(reason) <= LONGEST_REASON:
        raise BadRequest(f"Say why, in 2 to {LONGEST_REASON} characters.", expression="reason", zh="请填写申诉理由。")
    stored = await seen.appointment(tx, scope, appointment)
    mark = await tx.fetchrow("select *, now() - at as since from absence where appointment = $1 for update", stored.rid)
    if mark is None:
        raise NotFound("Nothing counts against anybody because of this appointment.", zh="该预约没有爽约或取消记录。")
    days = int(await policy.value(tx, "booking.appeal_days", tx.now, mark["institution"]))
    if mark["lifted"] is not None or mark["since"] > timedelta(days=days):
        raise Conflict(f"Appeals are made within {days} days.", zh=f"已超过申诉期限({days} 天),或记录已撤销。")
    id = tx.new_id()
    try:
        async with tx.savepoint():
            await tx.execute(
                "insert into appeal (id, absence, state, reason, asked, asked_by) values ($1, $2, 'open', $3, now(), $4)",
                id, mark["id"], reason, scope.agent,
            )  # fmt: skip
    except UniqueViolationError:
        raise Conflict("This was appealed against already.", zh="该记录已申诉,不能重复提交。") from None
    await note_event(tx, by(scope, tx.now, "operation", "C", operation="appeal", patient=mark["patient"]))
    return id


async def decide(tx: Tx, scope: Scope, id: str, action: str, answer: str = "") -> str:
    """Grant, refuse or withdraw, in `tx`: the new state. Raises NotFound for what is not this institution's (or one's own), Forbidden for
    who is not its office, BadRequest for a refusal without an answer, Conflict for what was decided."""
    row = await tx.fetchrow(OF, id)
    if row is None or not await _concerns(tx, scope, row):
        raise NotFound("There is no such appeal.", zh="没有找到该申诉。")
    if action == "withdraw":
        if row["asked_by"] != scope.agent:
            raise Forbidden("An appeal is withdrawn by who made it.", zh="申诉只能由提出者撤回。")
    elif OFFICE not in scope.roles or scope.institution_rid != row["institution"]:
        raise Forbidden("Appeals are decided by the office of the institution.", zh="申诉由就诊机构的医联体办公室处理。")
    state = STATES.get((row["state"], action))
    if state is None:
        if row["state"] != "open":
            raise Conflict("This appeal was decided already.", zh="该申诉已处理。")
        raise BadRequest(f"action is {', '.join(action for _, action in STATES)}.", expression="action", zh="操作不正确。")
    if action == "refuse" and not answer.strip():
        raise BadRequest("A refusal needs an answer.", expression="answer", zh="不予采纳时请填写说明。")
    await tx.execute(
        "update appeal set state = $2, answer = $3, decided = now(), decided_by = $4 where id = $1", id, state, answer.strip(), scope.agent
    )
    if state == "granted":
        await tx.execute("update absence set lifted = now() where id = $1", row["absence"])
    await note_event(tx, by(scope, tx.now, "operation", "U", operation=f"appeal-{action}", patient=row["patient"]))
    if state in ("granted", "refused"):
        await told.appeal_decided(tx, {**dict(row), "id": row["appointment_id"], "agent": row["asked_by"]}, state == "granted")
    return state


def require_office(scope: Scope) -> None:
    """Raises Forbidden for who does not decide appeals."""
    if OFFICE not in scope.roles or not scope.institution_rid:
        raise Forbidden("Appeals are decided by the office of the institution.", zh="申诉由医联体办公室处理,请以相应岗位登录。")


async def listed(tx: Tx, scope: Scope, state: str, *, count: int, before: str = "") -> list[Any]:
    """Appeals at the office's institution, the newest first, `count` and one more; `before`: the id of the last one of the page before."""
    require_office(scope)
    return await tx.fetch(
        """
        select p.*, b.kind, b.at as marked, b.patient, a.starts, r.id as appointment_id, v.id as patient_id, v.body as patient_body,
            v.ver as patient_ver
        from appeal p join absence b on b.id = p.absence join appointment a on a.rid = b.appointment join resource r on r.rid = a.rid
        join resource v on v.rid = b.patient
        where b.institution = $1 and ($2 = '' or p.state = $2)
            and ($4 = '' or (p.asked, p.id) < (select q.asked, q.id from appeal q where q.id = $4))
        order by p.asked desc, p.id desc limit $3
        """,
        scope.institution_rid, state, count + 1, before,
    )  # fmt: skip


async def _concerns(tx: Tx, scope: Scope, row: Any) -> bool:
    if scope.reach == "self":
        from yilian.scheduling.allowed import RECORDS

        return bool(await tx.fetchval(f"select $2::bigint in ({RECORDS})", scope.patient_rid, row["patient"]))
    there = scope.reach == "grounds" and scope.institution_rid == row["institution"]
    return there or bool(row["asked_by"] == scope.agent)
