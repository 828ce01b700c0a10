"""The road of a referral: one table, which a clinician can check line by line.

`STATES` says what each state means to other systems (Task.status, ServiceRequest.status), who owes the next step and which clock runs.
`ROWS` says who may go from where to where, and what that takes. Nothing else in the house knows a transition: pages, operations, the
database's own `referral_road` table and the guard against plain writes all follow these two tables.

Overdue is shown and never moves a referral to another state. A patient who stands at the counter is received whether a place was booked or
not: `arrive` is open from `accepted` to all, not to emergencies alone.

Sources: FHIR R4 workflow http://hl7.org/fhir/R4/workflow-management.html; the process of 医联体管理办法 (国卫医发〔2020〕13号) and of the
双向转诊 forms in 国家基本公共卫生服务规范(第三版).
"""

from __future__ import annotations

from dataclasses import dataclass

REFERRER, APPROVER, RECEIVER, PATIENT = "referrer", "approver", "receiver", "patient"
BOOKER, HOUSE = "booker", "house"
PARTS = (REFERRER, APPROVER, RECEIVER, PATIENT, BOOKER, HOUSE)
"""Whom a step can belong to; `rules.parts` says who is who. booker: the referrer, where the receiver lets referrers book its places
(`booking.is_direct`). house: the platform by itself, when a hold runs out or an appointment is changed at a desk."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a referral can stand.

    task, request   Task.status and ServiceRequest.status in this state
    open            somebody still owes a step
    turn            whose step it is; "" when closed
    clock           which time limit runs: approval | reception | plan, or "" for none
    """

    code: str
    zh: str
    en: str
    task: str
    request: str
    open: bool
    turn: str = ""
    clock: str = ""


STATES = {
    state.code: state
    for state in (
        # code              中文           English                  Task           ServiceRequest  open   turn      clock
        State("draft", "草稿", "Draft", "draft", "draft", True, REFERRER),
        State("in-approval", "院内审批中", "In approval", "draft", "draft", True, APPROVER, "approval"),
        State("submitted", "待接收", "Submitted", "requested", "active", True, RECEIVER, "reception"),
        State("received", "已接收", "Received", "received", "active", True, RECEIVER, "reception"),
        State("need-info", "待补充资料", "Needs information", "on-hold", "on-hold", True, REFERRER),
        State("in-place", "就地救治", "Treated in place", "on-hold", "on-hold", True, REFERRER),
        State("accepted", "同意接诊", "Accepted", "accepted", "active", True, RECEIVER, "reception"),
        State("held", "已占号", "Place held", "accepted", "active", True, RECEIVER, "reception"),
        State("booked", "已预约", "Booked", "accepted", "active", True, RECEIVER),
        State("deferred", "等待号源床位", "Waiting for a place", "accepted", "active", True, RECEIVER, "reception"),
        State("no-show", "未到诊", "Did not arrive", "on-hold", "active", True, RECEIVER),
        State("arrived", "已到诊", "Arrived", "in-progress", "active", True, RECEIVER),
        State("completed", "已完成", "Completed", "completed", "completed", False),
        State("declined", "不予接收", "Declined", "rejected", "active", False),  # the request: revoked once its sender closes it
        State("referred-onward", "已改转", "Referred onward", "rejected", "revoked", False),
        State("cancelled", "已取消", "Cancelled", "cancelled", "revoked", False),
        State("against-advice", "拒绝或自动离院", "Refused or left against advice", "failed", "revoked", False),
    )
}

OPEN = tuple(code for code, state in STATES.items() if state.open)
CLOSED = tuple(code for code, state in STATES.items() if not state.open)
CONFINED = ("draft", "in-approval")
"""Seen by the sending institution alone."""
SENT_AND_OPEN = tuple(code for code in OPEN if code not in CONFINED)
LIVE = tuple(code for code in OPEN if code != "draft")
"""One patient has at most one of these for a specialty."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    start     the states it may be taken in
    end       where it leads; where two are named, the house's rules choose (approval asked for, another approver to come)
    who       the parts that may take it
    requires  parameters that must come with it; `optional`: that may; `one_of`: of which at least one must
    when      a condition beside the state: "" none, "down" a down-referral, "unsettled" the sender has not closed a declined referral yet,
              "overdue" its clock has run out, "retro" it went without the approval that is recorded later, "begun" the time of the
              appointment has come (for people: the house follows a desk that said so), "marked" the patient died or lies elsewhere,
              "not-green" the green channel is not open
    primary   the likeliest next step of whose turn it is; `danger`: hard to undo, asked twice
    """

    start: tuple[str, ...]
    action: str
    end: tuple[str, ...]
    who: tuple[str, ...]
    requires: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    when: str = ""
    primary: bool = False
    danger: bool = False
    note: str = ""

    @property
    def takes(self) -> frozenset[str]:
        """Every parameter this step knows."""
        return frozenset((*self.requires, *self.optional, *self.one_of))

    @property
    def needs_reason(self) -> bool:
        return "reason" in self.requires


ACTIONS = {
    # code      (中文, English)
    "submit": ("提交转诊", "Submit"),
    "revise": ("修改草稿", "Revise the draft"),
    "approve": ("同意转出", "Approve"),
    "return": ("退回修改", "Return for changes"),
    "receive": ("签收", "Receive"),
    "accept": ("同意接诊", "Accept"),
    "decline": ("不予接收", "Decline"),
    "forward": ("改转其他机构", "Forward to another institution"),
    "ask": ("请对方补充", "Ask for information"),
    "answer": ("补充回复", "Answer"),
    "arrive": ("患者到诊", "Patient arrived"),
    "plan": ("制定随访计划", "Write the follow-up plan"),
    "report": ("诊疗进展", "Report progress"),
    "complete": ("完成并回转", "Complete and write back"),
    "close": ("知悉并关闭", "Take note and close"),
    "cancel": ("取消转诊", "Cancel"),
    "hold": ("占号", "Hold a place"),
    "book": ("预约", "Book"),
    "defer": ("等待号源", "Defer"),
    "cancel-booking": ("取消预约", "Cancel the booking"),
    "no-show": ("登记未到", "Record a no-show"),
    "expire": ("占号超时", "The hold ran out"),
    "endorse": ("补记审批", "Record the approval"),
    "redirect": ("改投其他机构", "Offer to another institution"),
    "stay": ("暂缓转运", "Unfit to travel: treat in place"),
    "travel": ("恢复转诊", "Fit to travel: go on"),
    "leave": ("登记拒绝或自动离院", "Record a refusal, or leaving against advice"),
    "mark": ("登记死亡或他院住院", "Record a death or an admission elsewhere"),
    "end": ("结束转诊", "End the referral"),
    "green": ("绿色通道", "Green channel"),
}

BEFORE_ARRIVAL = ("submitted", "received", "accepted", "held", "booked", "deferred", "no-show")
"""Where the patient is still with the sender, and the sender owes no answer."""
OUTCOME = ("diagnosis", "treatment", "advice", "findings", "recordNumber", "attachment")

ROWS = (
    # from, action, to, who …
    Row(("draft",), "submit", ("in-approval", "submitted"), (REFERRER,), optional=("request", "note"), primary=True,
        note="To approval where the institution's chain asks for it and it is no emergency; else to the receiver."),
    Row(("draft",), "revise", ("draft",), (REFERRER,), requires=("request",), optional=("note",)),
    Row(("in-approval",), "approve", ("in-approval", "submitted"), (APPROVER,), optional=("note",), primary=True,
        note="To the next approver of the chain; after the last one to the receiver."),
    Row(("in-approval",), "return", ("draft",), (APPROVER,), requires=("reason",), optional=("note",)),
    Row(("submitted",), "receive", ("received",), (RECEIVER,), optional=("note",), note="It was seen; the clock goes on."),
    Row(("submitted", "received"), "accept", ("accepted",), (RECEIVER, HOUSE),
        optional=("practitioner", "start", "slot", "bed", "plan", "note"), primary=True,
        note="May say who will see the patient and when, or book at once. The house takes it where a referrer has booked directly."),
    Row(("submitted", "received"), "ask", ("need-info",), (RECEIVER,), requires=("question",), optional=("note",),
        note="The reception clock stops until the answer is there."),
    Row(("submitted", "received"), "forward", ("referred-onward",), (RECEIVER,), requires=("to",), optional=("reason", "note"), danger=True,
        note="A new request replaces this one under the same requisition; never back along the chain."),
    Row(("submitted", "received"), "decline", ("declined",), (RECEIVER,), requires=("reason",), optional=("note",), danger=True),
    Row(("need-info",), "answer", ("received",), (REFERRER,), requires=("answer",), optional=("attachment", "note"), primary=True),
    Row(("accepted", "deferred", "no-show"), "hold", ("held",), (RECEIVER, BOOKER), optional=("note",), one_of=("slot", "bed"),
        note="Expert, examination and bed together or none, for some minutes."),
    Row(("accepted", "deferred", "no-show"), "book", ("booked",), (RECEIVER, BOOKER), optional=("note",), one_of=("slot", "bed"),
        primary=True, note="All or none, from the pools of the sender too."),
    Row(("booked",), "book", ("booked",), (RECEIVER, BOOKER), optional=("note",), one_of=("slot", "bed"),
        note="Another time: what was had is given back only if the new places are had."),
    Row(("held",), "book", ("booked",), (RECEIVER, BOOKER), optional=("note",), primary=True, note="What is held becomes one's own."),
    Row(("accepted", "deferred", "no-show"), "defer", ("deferred",), (RECEIVER, BOOKER), optional=("note",),
        note="Nothing is free: waits on the list, and is told of places as they come."),
    Row(("held",), "expire", ("accepted",), (HOUSE,), note="The time of the hold is over."),
    Row(("held", "booked"), "cancel-booking", ("accepted",), (RECEIVER, BOOKER, HOUSE), optional=("reason", "note"), danger=True),
    Row(("booked",), "no-show", ("no-show",), (RECEIVER, HOUSE), optional=("note",), when="begun",
        note="From the start of the appointment on, and some grace; a bed alone has no time."),
    Row(("accepted", "held", "booked", "deferred", "no-show"), "arrive", ("arrived",), (RECEIVER, HOUSE), optional=("note",), primary=True,
        note="Whoever is there is received, booked or not. The house takes it when the appointment is checked in."),
    *(Row((state,), "plan", (state,), (RECEIVER,), requires=("plan",), optional=("note",), when="down", primary=state == "accepted",
          note="A down-referral needs its follow-up plan within the time limit.")
      for state in ("accepted", "held", "booked", "deferred", "arrived")),
    Row(("arrived",), "report", ("arrived",), (RECEIVER,), optional=("recordNumber",),
        one_of=("note", "diagnosis", "treatment", "advice", "findings", "attachment")),
    Row(("arrived",), "complete", ("completed",), (RECEIVER,), requires=("diagnosis", "treatment", "advice"),
        optional=("findings", "medication", "nextVisit", "recordNumber", "attachment", "plan", "note"), primary=True,
        note="Writes the 回转单. A down-referral cannot be completed before it has a follow-up plan."),
    Row(("declined",), "close", ("declined",), (REFERRER,), optional=("note",), when="unsettled",
        note="The sender takes note; the request is revoked. Sending anew with `replaces` does the same."),
    Row(("submitted", "received"), "redirect", ("referred-onward",), (REFERRER,), requires=("to",), optional=("note",), when="overdue",
        danger=True, note="The receiver has not answered in time; overdue itself moves nothing."),
    Row(("declined",), "redirect", ("declined",), (REFERRER, HOUSE), requires=("to",), optional=("note",), when="unsettled", primary=True,
        note="The same wish to another institution. The house takes it where the sender has agreed beforehand."),
    *(Row((state,), "endorse", (state,), (APPROVER,), optional=("note",), when="retro",
          note="An emergency went without approval; the approver records it within the time limit.")
      for state in (*SENT_AND_OPEN, "completed", "declined", "referred-onward", "against-advice")),
    Row(BEFORE_ARRIVAL, "stay", ("in-place",), (REFERRER, RECEIVER), requires=("reason", "informed"), optional=("expert", "note"),
        note="Unfit to travel: the family was informed, an expert called; what was booked is given back, and no clock runs."),
    Row(("in-place",), "stay", ("in-place",), (REFERRER,), optional=("reason", "note"), one_of=("informed", "expert"),
        note="Who else was informed or called."),
    Row(("in-place",), "travel", ("submitted",), (REFERRER,), optional=("note",), primary=True,
        note="The receiver is asked anew: what was free then may not be free now."),
    Row((*BEFORE_ARRIVAL, "need-info", "in-place", "arrived"), "leave", ("against-advice",), (REFERRER, RECEIVER), requires=("reason",),
        optional=("note",), one_of=("attachment", "witness"), danger=True,
        note="A refusal (Consent), a signed paper, or who was there when nothing was signed. Still a referral, and counted as one."),
    *(Row((state,), "green", (state,), (REFERRER, RECEIVER), requires=("reason",), optional=("note",), when="not-green",
          note="Opened by whom policy names, asked for by the sender otherwise.")
      for state in (*BEFORE_ARRIVAL, "need-info", "in-place")),
    *(Row((state,), "mark", (state,), (HOUSE,)) for state in OPEN),
    Row(CONFINED, "end", ("cancelled",), (REFERRER, APPROVER, HOUSE), requires=("reason",), optional=("note",), when="marked", danger=True),
    Row(SENT_AND_OPEN, "end", ("cancelled",), (REFERRER, RECEIVER, HOUSE), requires=("reason",), optional=("note",), when="marked",
        danger=True, note="What is held, booked or kept is given back. The platform ends none by itself, but what policy says."),
    Row(CONFINED, "cancel", ("cancelled",), (REFERRER,), requires=("reason",), optional=("note",), danger=True),
    Row(SENT_AND_OPEN, "cancel", ("cancelled",), (REFERRER, PATIENT), requires=("reason",), optional=("note",), danger=True),
)  # fmt: skip

_BY_STATE_AND_ACTION = {(start, row.action): row for row in ROWS for start in row.start}


def row(state: str, action: str) -> Row | None:
    """The line for this action in this state, or None when the table has none."""
    return _BY_STATE_AND_ACTION.get((state, action))


def rows(state: str) -> list[Row]:
    """The lines that start in this state, likeliest first, dangerous ones last."""
    return sorted((line for line in ROWS if state in line.start), key=lambda line: (line.danger, not line.primary))


def roads() -> frozenset[tuple[str, str]]:
    """Every (from, to) the table allows: what `referral_road` in the database must hold."""
    return frozenset((start, end) for line in ROWS for start in line.start for end in line.end)
