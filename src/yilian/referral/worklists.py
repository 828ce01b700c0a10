"""The named lists of referrals each post works through, sorted by urgency and clock, counted and paged.

A list is one condition on the register, served by one index of migration 0004; what the asker may see is part of the same statement, so
totals and pages are right. Nothing is truncated silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.referral import approvals, states
from yilian.referral.codes import DIRECTIONS, PRIORITIES
from yilian.sealing.keyring import blinds
from yilian.search.folding import AFTER_ALL, fold
from yilian.search.parameters import parameters_of
from yilian.store import cursor as cursors
from yilian.store.page import Page
from yilian.store.read import COLUMNS, stored
from yilian.store.scope import Scope, readable, records_of

if TYPE_CHECKING:
    from yilian.db import Tx

LONGEST_Q = 100
COUNTED = 2_500
"""No list is counted further: nobody works through so many, and each one counted is a look at who may see it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One condition on `referral f`. `ours`: what the asker's institution sent, also drafts; else what was sent to it."""

    ours: bool
    which: str


@dataclass(frozen=True, slots=True)
class Worklist:
    """One list. A referral is on one of its sides at most.

    ended   newest first by the time of closing, instead of by urgency and clock
    mine    the condition for a resident's own list; "" where residents have none
    """

    zh: str
    sides: tuple[Side, ...]
    ended: bool = False
    mine: str = ""


WAITING_FOR_A_PLACE = ("accepted", "held", "booked", "deferred", "no-show")
_WAITING = "f.state in (" + ", ".join(f"'{code}'" for code in WAITING_FOR_A_PLACE) + ")"
_LATE = "f.due_at is not null and f.closed_at is null and f.due_at <= {now}"
_TROUBLE = f"{_WAITING} and (f.state in ('deferred', 'no-show') or (f.state = 'accepted' and f.due_at <= {{now}}))"
_TODAY = (
    "f.state = 'booked' and exists (select from resource q join appointment a on a.rid = q.rid"
    f" where q.type = {type_id('Appointment')} and q.id = f.appointment_id and a.institution = f.to_org and a.day = {{today}})"
)
_AWAY = (
    "f.closed_at is null and f.state <> 'draft' and f.referrer = {agent}"
    " and f.state in ('accepted', 'held', 'booked', 'deferred', 'no-show', 'arrived')"
)
_RETRO = "f.retro_post is not null and f.retro_at is null and f.retro_post = any({posts}) and f.referrer <> {agent}"
_NEXT_APPROVER = "f.state = 'in-approval' and f.chain[f.step + 1] = any({posts}) and f.referrer <> {agent}"

LISTS = {
    "approval": Worklist("待我审批", (Side(True, _NEXT_APPROVER),)),
    "inbox": Worklist("待处理", (Side(False, "f.state in ('submitted', 'received')"),)),
    "answer": Worklist("待补充", (Side(True, "f.state = 'need-info'"),)),
    "declined": Worklist("被退回", (Side(True, "f.state = 'declined' and f.acknowledged_at is null"),), ended=True),
    "expected": Worklist("待到诊", (Side(False, _WAITING),)),
    "today": Worklist("今日到诊", (Side(False, _TODAY),)),
    "trouble": Worklist("预约待处理", (Side(False, _TROUBLE),)),
    "overdue": Worklist("已超时", (Side(True, _LATE), Side(False, f"f.submitted_at is not null and {_LATE}"))),
    "retro": Worklist("待补记审批", (Side(True, _RETRO),)),
    "away": Worklist("我的在外患者", (Side(True, _AWAY),)),
    "here": Worklist("在院", (Side(False, "f.state = 'arrived'"),)),
    "sent": Worklist("我院转出", (Side(True, "f.closed_at is null and f.state <> 'draft'"),), mine="f.closed_at is null"),
    "returned": Worklist("下转到我院", (Side(False, "f.direction = 'down' and f.closed_at is null"),)),
    "closed": Worklist(
        "已结束",
        (Side(True, "f.closed_at is not null"), Side(False, "f.closed_at is not null")),
        ended=True,
        mine="f.closed_at is not null",
    ),
    "drafts": Worklist("草稿", (Side(True, "f.state = 'draft'"),)),
}
"""today: whose appointment is today. trouble: no place, did not come, or not arranged in time. away: whom the asker referred and who is in
other hands now. retro: emergencies whose approval is recorded later. declined: by the receiver, ours to send elsewhere or to close. sent:
also those still in approval. returned: down-referrals to us."""

NOT_COUNTED = frozenset({"closed"})
"""Nothing waits there, and it grows for ever; its own pages still say how many there are."""


async def worklist(
    tx: Tx,
    scope: Scope,
    name: str,
    *,
    state: str = "",
    priority: str = "",
    direction: str = "",
    q: str = "",
    count: int = 50,
    cursor: str | None = None,
) -> Page:
    """One page of a list: Tasks, beside them their Patients and ServiceRequests; `total` counts the whole list as filtered, up to
    `COUNTED`, and is None beyond.

    state, priority, direction   codes, several with commas; "" for all
    q                            a patient's name (Chinese, pinyin or initials), identifier or telephone, or part of a 转诊单号
    Raises BadRequest for a list, code or cursor that is none. Who speaks for no institution has empty lists; a resident's are their own.
    """
    if name not in LISTS:
        raise BadRequest(f"There is no list {name[:40]!r}; there are {', '.join(LISTS)}.", zh="没有这个工作列表。")
    args: list[Any] = []
    posts = await approvals.posts(tx, scope)
    filters = _filters(args, state, priority, direction, q)
    sides = _sides(scope, LISTS[name], args, tx.now, posts, f" and {filters}")
    if not sides:
        return Page([], total=0)
    each = " union all ".join(f"(select from {side} limit {COUNTED + 1})" for side in sides)
    total = await tx.fetchval(f"select count(*) from ({each}) s", *args)
    places: list[Any] = []
    filters = _filters(places, state, priority, direction, q)
    order, after = _order(LISTS[name].ended, cursor, places)
    some = " union all ".join(
        f"(select f.task_rid, f.request_rid, f.patient, f.urgency, f.due_order, f.closed_at from {side} order by {order} limit {count + 1})"
        for side in _sides(scope, LISTS[name], places, tx.now, posts, f" and {filters}{after} order by {order}")
    )
    rows = await tx.fetch(
        f"select {COLUMNS}, f.request_rid, f.patient as whom, f.urgency, f.due_order, f.closed_at from ({some}) f"
        f" join resource r on r.rid = f.task_rid order by {order} limit {count + 1}",
        *places,
    )
    here = rows[:count]
    beside = await tx.fetch(
        f"select {COLUMNS} from resource r where r.rid = any($5::bigint[]) and not r.deleted and {readable('r', 1)}",
        *scope.keys(),
        list({row[key] for row in here for key in ("request_rid", "whom")}),
    )
    following = None
    if len(rows) > count:
        last = here[-1]
        following = (
            cursors.pack(last["closed_at"], last["rid"])
            if LISTS[name].ended
            else cursors.pack(last["urgency"], last["due_order"], last["rid"])
        )
    return Page([stored(row) for row in here], [stored(row) for row in beside], total if total <= COUNTED else None, following)


async def worklist_counts(tx: Tx, scope: Scope) -> dict[str, int]:
    """How many referrals wait in each list for this asker now, by its code; 0 for lists this asker cannot have. Without `NOT_COUNTED`."""
    args: list[Any] = []
    posts = await approvals.posts(tx, scope)
    counted = {name: _sides(scope, one, args, tx.now, posts) for name, one in LISTS.items() if name not in NOT_COUNTED}
    asked = [
        f"select '{name}' as name, {' + '.join(f'(select count(*) from {side})' for side in sides)} as many"
        for name, sides in counted.items()
        if sides
    ]
    rows = await tx.fetch(" union all ".join(asked), *args) if asked else []
    return dict.fromkeys(counted, 0) | {row["name"]: row["many"] for row in rows}


def _sides(scope: Scope, asked: Worklist, args: list[Any], now: datetime, posts: frozenset[str], more: str = "") -> list[str]:
    """What comes after `from` for each side of a list as this asker may see it: keys of ours as literals, words in `args`.

    `more`: conditions and an order that come before the question who may see it.
    """
    if scope.reach == "grounds" and scope.institution_rid:
        known: dict[str, tuple[Any, str]] = {
            "posts": (sorted(posts), "text[]"),
            "agent": (scope.agent, "text"),
            "now": (now, "timestamptz"),
            "today": (now.astimezone(region_zone()).date(), "date"),
        }
        used = [name for name in known if any(f"{{{name}}}" in side.which for side in asked.sides)]
        words = {name: f"{_add(args, known[name][0])}::{known[name][1]}" for name in used}
        return [seen(scope, side.ours, side.which.format(**words) + more) for side in asked.sides]
    if scope.reach == "self" and asked.mine:
        return [seen(scope, False, f"f.patient = any(array({records_of(str(int(scope.patient_rid)))})) and {asked.mine}{more}")]
    if scope.reach == "everything" and asked.mine:  # a system of the region: what all institutions sent
        return [seen(scope, False, asked.mine + more)]
    return []


def seen(scope: Scope, ours: bool, which: str) -> str:
    """`… f join … on …`: what our institution sent (`ours`) or got, and this asker may see; `which`: a condition on `f`, and an order.

    The condition comes first (`offset 0` keeps it so): who may see a row is the dearest question about it.

    Whom a Task is about and to whom it is confined stand in its row, so the scope is asked without touching a body.

    What our institution sent it may see, confined to it or not, and it is of its own writing; what was submitted is confined to nobody, and
    the letter itself is laid open to its receiver however sensitive. Said as constants, because the planner misjudges a condition on an
    expression.
    """
    here = int(scope.institution_rid)
    confined = origin = f"{here}::bigint" if ours else "null::bigint"
    condition = scope.condition("s", ("Task",))
    whose = (
        f"f.from_org = {here}" if ours else "f.submitted_at is not null" + (f" and f.to_org = {here}" if scope.reach == "grounds" else "")
    )
    about = (
        f"(select f.task_rid as rid, f.patient as patient, {confined} as confined, false as shared, {origin} as origin,"
        " 0::smallint as sensitive)"
    )
    return f"(select * from referral f where {whose} and {which} offset 0) f join lateral {about} s on {condition}"


def _filters(args: list[Any], state: str, priority: str, direction: str, q: str) -> str:
    parts = []
    for text, known, column in ((state, states.STATES, "state"), (priority, PRIORITIES, "priority"), (direction, DIRECTIONS, "direction")):
        if text:
            wanted = [code.strip() for code in text.split(",")]
            if strange := [code for code in wanted if code not in known]:
                raise BadRequest(f"{strange[0][:40]!r} is no {column}; there are {', '.join(known)}.", zh="筛选条件不正确。")
            parts.append(f"f.{column} = any({_add(args, wanted)}::text[])")
    if q.strip():
        parts.append(_who(args, q.strip()))
    return " and ".join(parts) or "true"


def _who(args: list[Any], q: str) -> str:
    """The patient or number somebody types into the search box."""
    if len(q) > LONGEST_Q:
        raise BadRequest(f"q has at most {LONGEST_Q} characters.", zh="搜索内容过长。")
    patient = parameters_of("Patient")
    if any(character.isdigit() for character in q):
        exact = _add(args, q.upper())
        identifier, phone = patient["identifier"].id, patient["phone"].id
        number = _add(args, [blind for text in dict.fromkeys((q.upper(), q)) for blind in blinds(identifier, text)])
        return (
            f"(strpos(f.number, {exact}) > 0 or exists (select from index_identifier i where i.rid = f.patient"
            f" and (i.param = {identifier} and i.value = any({number}::text[])"
            f" or i.param = {phone} and i.value = any({_add(args, blinds(phone, q))}::text[]))))"
        )
    start = fold(q)
    low, high = _add(args, start), _add(args, start + AFTER_ALL)
    return (
        f"exists (select from index_string n where n.rid = f.patient and n.param = {patient['name'].id}"
        f" and n.value >= {low}::text and n.value < {high}::text)"
    )


def _order(ended: bool, cursor: str | None, args: list[Any]) -> tuple[str, str]:
    """ORDER BY, and the condition that leaves out what earlier pages had."""
    if ended:
        order = "f.closed_at desc, f.task_rid desc"
        if cursor is None:
            return order, ""
        closed, rid = cursors.unpack(cursor, 2)
        return order, f" and (f.closed_at, f.task_rid) < ({_add(args, cursors.moment(closed))}::timestamptz, {_add(args, rid)}::bigint)"
    order = "f.urgency, f.due_order, f.task_rid"
    if cursor is None:
        return order, ""
    urgency, due, rid = cursors.unpack(cursor, 3)
    if not 0 <= urgency <= 3:
        raise BadRequest("_cursor is not from a link of this list; start again from the first page.", zh="分页参数无效,请回到第一页。")
    place = f"({_add(args, urgency)}::smallint, {_add(args, cursors.moment(due))}::timestamptz, {_add(args, rid)}::bigint)"
    return order, f" and (f.urgency, f.due_order, f.task_rid) > {place}"


def _add(args: list[Any], value: Any) -> str:
    args.append(value)
    return f"${len(args)}"
