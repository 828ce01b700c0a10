"""紧急查阅复核: the privacy officer of an institution says of each emergency access whether it was justified, in words.

`ROADS` is the whole table of states; the database keeps to it too (`emergency_road`). What is found unjustified ends at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.access.policy import require_reviewer
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.fhir.json import parse
from yilian.store import cursor as cursors
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

STATES = {"open": "待复核", "justified": "合理", "unjustified": "不合理"}
ROADS = (("open", "justified"), ("open", "unjustified"))
SHORTEST, LONGEST = 5, 500
_COLUMNS = """
e.task_rid, t.id as task, p.id as patient, e.patient as patient_rid, p.body, e.account, e.agent, e.name, e.code, e.reason,
e.sensitive, e.opened, e.until, e.state, e.reviewer, e.verdict, e.reviewed,
(select count(*) from audit_event a where a.patient = e.patient and a.ground = 'emergency' and a.ground_source = e.task_rid
   and a.action in ('R', 'E')) as reads
"""
_FROM = "from emergency_access e join resource t on t.rid = e.task_rid join resource p on p.rid = e.patient"
LIST = f"""
select {_COLUMNS} {_FROM}
where e.institution = $1 and ($2 = '' or e.state = $2) and (e.opened, e.task_rid) < ($3, $4)
order by e.opened desc, e.task_rid desc limit $5
"""
TOTAL = "select count(*) from emergency_access e where e.institution = $1 and ($2 = '' or e.state = $2)"
ONE = f"select {_COLUMNS} {_FROM} where e.institution = $1 and t.id = $2 for update of e"
DECIDE = "update emergency_access set state = $2, reviewer = $3, verdict = $4, reviewed = $5 where task_rid = $1"
END = "update access_ground set until = now() where source = $1 and kind = 'emergency' and until > now()"


@dataclass(frozen=True, slots=True)
class Access:
    """One emergency access as its reviewer sees it: who opened whose record, why, until when, and how often it was read on that.

    patient: logical id; patient_name as registered; times aware; reviewer, verdict, reviewed: "" and None while it is open
    """

    task: str
    patient: str
    patient_rid: int
    patient_name: str
    name: str
    code: str
    reason: str
    sensitive: bool
    opened: datetime
    until: datetime
    state: str
    reviewer: str
    verdict: str
    reviewed: datetime | None
    reads: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the worklist, newest first; `next`: cursor of the next one, None on the last; total of all pages."""

    accesses: list[Access]
    next: str | None
    total: int


async def worklist(tx: Tx, scope: Scope, state: str = "", *, count: int = 50, cursor: str | None = None) -> Page:
    """The emergency accesses of the reviewer's institution; of one state, or all. Raises Forbidden, BadRequest.

    Reads only. The caller notes the look in the trail.
    """
    require_reviewer(scope)
    if state and state not in STATES:
        raise BadRequest(f"state is one of {', '.join(STATES)}.", zh="筛选条件不正确。")
    opened, rid = cursors.unpack(cursor, 2) if cursor else (None, 0)
    before = (cursors.moment(opened), rid) if opened is not None else (tx.now.replace(year=9999), 0)
    rows = await tx.fetch(LIST, scope.institution_rid, state, *before, count + 1)
    total = await tx.fetchval(TOTAL, scope.institution_rid, state)
    last = rows[count - 1] if len(rows) > count else None
    return Page([_access(row) for row in rows[:count]], cursors.pack(last["opened"], last["task_rid"]) if last else None, total)


async def review(tx: Tx, scope: Scope, task: str, *, verdict: str, words: str) -> Access:
    """Say whether an emergency access was justified, in `tx`; its Task is completed with it, and an access that was not ends now.

    Raises Forbidden for who is no reviewer, or opened it; NotFound for what is not of the own institution; Conflict once it is decided.
    """
    require_reviewer(scope)
    words = " ".join(words.split())
    if not SHORTEST <= len(words) <= LONGEST:
        raise BadRequest(
            f"Say why, in {SHORTEST} to {LONGEST} characters.",
            expression="Parameters.parameter.where(name='comment')",
            zh=f"请填写复核意见({SHORTEST} 至 {LONGEST} 字)。",
        )
    if verdict not in {end for _, end in ROADS}:
        raise BadRequest(
            "verdict is justified or unjustified.", expression="Parameters.parameter.where(name='verdict')", zh="请选择“合理”或“不合理”。"
        )
    row = await tx.fetchrow(ONE, scope.institution_rid, task)
    if row is None:
        raise NotFound(f"There is no emergency access {task[:64]} of your institution.", zh="本机构没有这条紧急查阅记录。")
    if (row["state"], verdict) not in ROADS:
        raise Conflict("This emergency access has been reviewed already.", zh="该紧急查阅已完成复核。")
    if scope.user == row["account"] or scope.agent == row["agent"]:
        raise Forbidden("Nobody reviews an access of their own.", zh="不能复核本人的紧急查阅。")
    await tx.execute(DECIDE, row["task_rid"], verdict, scope.user, words, tx.now)
    if verdict == "unjustified":
        await tx.execute(END, row["task_rid"])

    def decided(resource: dict[str, Any]) -> dict[str, Any]:
        resource["status"] = "completed"
        resource["businessStatus"] = {"text": STATES[verdict]}
        resource["note"] = [*resource.get("note", []), {"authorString": scope.name, "text": words}]
        return resource

    lent = replace(scope, reach="everything", may_write=True, reads=None, writes=None)
    await write(tx, lent, [Change("PATCH", "Task", task, None, patch=decided)])
    now = _access(row)
    return replace(now, state=verdict, reviewer=scope.user, verdict=words, reviewed=tx.now)


def _access(row: Any) -> Access:
    return Access(
        row["task"],
        row["patient"],
        row["patient_rid"],
        _name(row["body"]),
        row["name"],
        row["code"],
        row["reason"],
        row["sensitive"],
        row["opened"],
        row["until"],
        row["state"],
        row["reviewer"] or "",
        row["verdict"] or "",
        row["reviewed"],
        row["reads"],
    )


def _name(body: str) -> str:
    names = parse(body.encode()).get("name") or [] if body else []
    first: dict[str, Any] = next((one for one in names if one.get("use") != "old"), {})
    return str(first.get("text") or "".join([str(first.get("family", "")), *map(str, first.get("given", ()))]))
