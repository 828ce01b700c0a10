"""The rules of referral, without I/O: who is who, what is legal now, and what is wrong with a request.

Each rule returns what is at fault, so that a person sees everything at once. Sources: REF-2, REF-3 (reasons), 国办发〔2015〕70号 (tiers),
基本医疗卫生与健康促进法 30 (first contact and review of referrals).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yilian.directory import tiers
from yilian.directory.institutions import Institution
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import Issue
from yilian.fhir import urls
from yilian.referral import states
from yilian.referral.codes import DECLINE_REASONS, DIRECTIONS, LEAVE_REASONS, REASONS
from yilian.referral.parameters import Act, LegalAction, missing
from yilian.referral.register import Referral
from yilian.referral.resources import Wish
from yilian.store.scope import Scope

CLINICIANS = frozenset({"gp", "physician", "consultant"})
REFERRING = CLINICIANS | {"coordinator"}
OUTSIDE = "outside"
"""Who answers by a link for an institution that is not on the platform (`outside.speaking`); no post anybody can be given."""
RECEIVING = CLINICIANS | {"coordinator", OUTSIDE}


def may_refer(scope: Scope) -> bool:
    """Whether this person may write a referral: a clinician or referral officer who speaks for an institution."""
    return scope.reach == "grounds" and scope.institution_rid != 0 and bool(scope.roles & REFERRING)


def parts(scope: Scope, referral: Referral) -> frozenset[str]:
    """The parts this person has in this referral.

    referrer  a clinician or the referral office of the sending institution
    approver  holds the post whose turn it is in the chain there, and did not write the referral
    receiver  a clinician or the referral office of the receiving institution
    patient   the resident it is about
    Whether a referrer is a booker too is the receiver's to say (`booking.is_direct`).
    """
    if scope.reach == "self":
        return frozenset({states.PATIENT}) if scope.patient_rid == referral.patient else frozenset()
    if scope.reach != "grounds" or not scope.institution_rid:
        return frozenset()
    found = set()
    if scope.institution_rid == referral.from_org:
        if scope.roles & REFERRING:
            found.add(states.REFERRER)
        if referral.post and referral.post in scope.roles and scope.agent != referral.referrer:
            found.add(states.APPROVER)
    if scope.institution_rid == referral.to_org and scope.roles & RECEIVING and referral.submitted_at is not None:
        found.add(states.RECEIVER)
    return frozenset(found)


def holds(row: states.Row, referral: Referral, now: datetime) -> bool:
    """Whether the condition a line has beside the state is met. `now`: aware."""
    match row.when:
        case "down":
            return referral.direction == "down"
        case "unsettled":
            return referral.acknowledged_at is None
        case "retro":
            return referral.retro_post is not None and referral.retro_at is None
        case "overdue":
            return referral.overdue(now)
        case "not-green":
            return referral.green != "open"
        case "marked":
            return referral.ending is not None
        case "begun":
            return referral.missed_from is None or referral.missed_from <= now
        case _:
            return True


def legal(referral: Referral, mine: frozenset[str], now: datetime) -> list[LegalAction]:
    """The actions these parts may take now, the likeliest first; one of them is primary where the step is theirs."""
    lines = [row for row in states.rows(referral.state) if mine.intersection(row.who) and holds(row, referral, now)]
    plan_first = referral.direction == "down" and referral.planned_at is None
    order = (*(("plan",) if plan_first else ()), *(("arrive", "book") if _comes_unbooked(referral) else ("book", "arrive")))
    lines.sort(key=lambda row: (row.danger, not row.primary, order.index(row.action) if row.action in order else len(order)))
    my_turn = states.STATES[referral.state].turn in mine
    return [
        LegalAction(
            code=row.action,
            display=states.ACTIONS[row.action][0],
            primary=place == 0 and row.primary and my_turn,
            danger=row.danger,
            requires=row.requires,
            optional=tuple(name for name in row.optional if name != "plan" or referral.direction == "down"),
            one_of=row.one_of,
        )
        for place, row in enumerate(lines)
    ]


def changes_at(referral: Referral, mine: frozenset[str], now: datetime) -> datetime | None:
    """The next moment after `now` at which time alone changes what these parts may do; None where only a step does.

    A no-show waits for the appointment to be missed, an offer to another institution for the answer to be overdue.
    """
    moments = {"begun": referral.missed_from, "overdue": referral.due_at}
    waiting = (moments.get(row.when) for row in states.rows(referral.state) if mine.intersection(row.who))
    return min((at for at in waiting if at is not None and at > now), default=None)


def _comes_unbooked(referral: Referral) -> bool:
    """Whether the likeliest next step is the patient's arrival: an emergency, down to the grassroots, or the time was agreed already."""
    return referral.priority == "stat" or referral.direction == "down" or referral.arranged_at is not None


def next_state(row: states.Row, referral: Referral, *, approval_asked: bool) -> str:
    """Where an action leads. Two ends mean approval: `submit` goes there when it is asked for, `approve` while another is to come."""
    if len(row.end) == 1:
        return row.end[0]
    further = approval_asked if row.action == "submit" else referral.step + 1 < len(referral.chain)
    return "in-approval" if further else "submitted"


def parameter_faults(row: states.Row, asked: Act, referral: Referral) -> list[Issue]:
    """What is missing from an action, what it does not take, and codes that are not of its value set."""
    faults = missing([name for name in row.requires if name not in asked.given], row.action)
    takes = sorted(row.takes)
    faults += [
        _fault(
            f"Parameters.parameter.where(name='{name}')",
            f"The action {row.action!r} does not take {name!r}; it takes {', '.join(takes)}.",
            f"“{states.ACTIONS[row.action][0]}”不需要参数“{name}”。",
        )
        for name in sorted(asked.given - row.takes)
    ]
    if row.one_of and not asked.given.intersection(row.one_of):
        faults.append(
            _fault(
                "Parameters",
                f"The action {row.action!r} needs at least one of {', '.join(row.one_of)}.",
                "请至少填写一项内容。",
                code="required",
            )
        )
    if row.action == "decline" and asked.reason is not None:
        chosen = {c.get("code") for c in asked.reason.get("coding", []) if c.get("system") == urls.REFERRAL_DECLINE_REASON}
        if len(chosen) != 1 or not chosen <= DECLINE_REASONS.keys():
            faults.append(
                _fault(
                    "Parameters.parameter.where(name='reason')",
                    f"Declining needs one reason code of {urls.REFERRAL_DECLINE_REASON}: {', '.join(DECLINE_REASONS)}.",
                    "请从列表中选择一个不予接收的原因。",
                    code="code-invalid",
                )
            )
        elif chosen == {"other"} and not (asked.note or asked.reason.get("text")):
            faults.append(
                _fault(
                    "Parameters.parameter.where(name='note')",
                    "The reason 'other' needs a note that says which.",
                    "选择“其他”时请填写说明。",
                    code="required",
                )
            )
    if row.action == "leave" and asked.reason is not None:
        chosen = {c.get("code") for c in asked.reason.get("coding", []) if c.get("system") == urls.REFERRAL_LEAVE_REASON}
        if len(chosen) != 1 or not chosen <= LEAVE_REASONS.keys():
            faults.append(
                _fault(
                    "Parameters.parameter.where(name='reason')",
                    f"Leaving needs one reason code of {urls.REFERRAL_LEAVE_REASON}: {', '.join(LEAVE_REASONS)}.",
                    "请从列表中选择一个原因。",
                    code="code-invalid",
                )
            )
    if "plan" in asked.given and referral.direction != "down" and "plan" in row.takes:
        faults.append(
            _fault(
                "Parameters.parameter.where(name='plan')",
                "A follow-up plan belongs to a down-referral; this is none.",
                "只有下转需要随访计划。",
                code="business-rule",
            )
        )
    return faults


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules need to know of the world around a wish.

    author             who refers, "Practitioner/…"
    sender, receiver   the institutions; receiver None where the reference leads to none
    had_the_patient    database keys of institutions that sent this patient to us before: they may always get the patient back
    tier_rule          policy `referral.tier_rule`: where the receiver may stand from the sender, by direction
    deceased           the patient is known to be dead
    reachable          of a receiver that is not on the platform: whether the address of its referral window is known
    """

    author: str
    sender: Institution
    receiver: Institution | None
    had_the_patient: Collection[int]
    tier_rule: Mapping[str, Sequence[str]]
    deceased: bool
    reachable: bool = True


def draft_faults(wish: Wish, authors: Collection[str]) -> list[Issue]:
    """What even a draft must say: one direction we know; and that it is the writer's own (`authors`: who may stand as requester)."""
    faults = []
    if wish.direction not in DIRECTIONS:
        said = "no direction" if not wish.directions else f"the directions {', '.join(wish.directions)}"
        faults.append(
            _fault(
                "ServiceRequest.category",
                f"A referral has one direction of {urls.REFERRAL_DIRECTION}: {' | '.join(DIRECTIONS)}; this has {said}.",
                "请选择转诊方向(上转、下转或平级)。",
                code="required",
            )
        )
    if wish.requester and wish.requester not in authors:
        faults.append(
            _fault(
                "ServiceRequest.requester",
                f"The requester is who writes the referral: leave it out, or say {' or '.join(sorted(authors))}.",
                "转诊医生应为当前登录的医生。",
                code="business-rule",
            )
        )
    if len(wish.receivers) > 1:
        faults.append(_fault("ServiceRequest.performer", "A referral goes to one institution.", "一张转诊单只能选择一家接收机构。"))
    if len(wish.specialties) > 1:
        faults.append(_fault("ServiceRequest.locationCode", "A referral asks for one specialty.", "一张转诊单只能选择一个科室。"))
    if wish.specialty and wish.specialty not in SPECIALTIES:
        faults.append(
            _fault(
                "ServiceRequest.locationCode",
                f"{wish.specialty!r} is no code of {urls.SPECIALTY} (诊疗科目名录).",
                "没有这个诊疗科目。",
                code="code-invalid",
            )
        )
    return faults


def sending_faults(wish: Wish, setting: Setting) -> list[Issue]:
    """What must be right before a referral leaves the writer's hands."""
    faults = []
    if setting.deceased:
        faults.append(
            _fault(
                "ServiceRequest.subject",
                "The patient is recorded as deceased and cannot be referred.",
                "患者已登记死亡,不能转诊。",
                code="business-rule",
            )
        )
    if not wish.specialties:
        faults.append(
            _fault(
                "ServiceRequest.locationCode",
                f"Say the specialty that is asked for, a code of {urls.SPECIALTY}.",
                "请选择转入科室。",
                code="required",
            )
        )
    faults += _receiver_faults(wish, setting)
    return faults + _reason_faults(wish)


def _receiver_faults(wish: Wish, setting: Setting) -> list[Issue]:
    place = "ServiceRequest.performer"
    if not wish.receivers:
        return [_fault(place, "Say who shall receive the patient: performer, an Organization.", "请选择接收机构。", code="required")]
    receiver, sender = setting.receiver, setting.sender
    if receiver is None or not receiver.tier:
        return [_fault(place, f"{wish.receiver} is no institution of the directory.", "接收机构不在机构目录中。", code="not-found")]
    if not receiver.active:
        return [_fault(place, f"{receiver.name} is no longer active.", f"{receiver.name}已停用,请选择其他机构。", code="business-rule")]
    faults = []
    if receiver.outside and not setting.reachable:
        text = f"{receiver.name} is not on the platform, and nobody keeps the address of its referral window: ask the consortium office."
        zh = f"{receiver.name}为平台外机构,尚未登记转诊窗口联系方式,请联系医联体办公室。"
        faults.append(_fault(place, text, zh, code="business-rule"))
    if receiver.rid == sender.rid:
        faults.append(_fault(place, "An institution does not refer to itself.", "不能转给本机构。", code="business-rule"))
    if setting.author in wish.people:
        faults.append(_fault(place, "A doctor does not refer to himself or herself.", "不能转给本人。", code="business-rule"))
    stands = tiers.compare(sender.tier, receiver.tier)
    allowed = setting.tier_rule.get(wish.direction, ())
    returns = wish.direction == "down" and receiver.rid in setting.had_the_patient
    if receiver.rid != sender.rid and wish.direction in DIRECTIONS and stands not in allowed and not returns:
        zh = DIRECTIONS[wish.direction][0]
        faults.append(
            _fault(
                "ServiceRequest.category",
                f"{wish.direction!r} goes to a tier that is {' or '.join(allowed)};"
                f" {receiver.name} is {stands} ({sender.tier or 'no tier'} → {receiver.tier}).",
                f"{receiver.name}的层级不符合“{zh}”的方向,请核对方向或接收机构。",
                code="business-rule",
            )
        )
    return faults


def _reason_faults(wish: Wish) -> list[Issue]:
    known = REASONS.get(wish.direction)
    if known is None:
        return []
    wrong = [code for code in wish.reasons if code not in known]
    if wrong:
        text = f"{', '.join(wrong)}: not a reason for {wish.direction!r}; reasons are {', '.join(known)}."
        return [_fault("ServiceRequest.reasonCode", text, "转诊原因与转诊方向不符,请重新选择。", code="code-invalid")]
    if not wish.reasons:
        text = f"Give at least one reason of {urls.REFERRAL_REASON}: {', '.join(known)}."
        return [_fault("ServiceRequest.reasonCode", text, "请选择转诊原因。", code="required")]
    return []


def chain_faults(wish: Wish, sender: Institution, basis: Referral | None, replaced: Referral | None) -> list[Issue]:
    """What is wrong with the referral this one answers (`basedOn`) or is sent instead of (`replaces`)."""
    faults = []
    if basis is not None and wish.direction == "down":
        if basis.to_org != sender.rid:
            faults.append(
                _fault(
                    "ServiceRequest.basedOn",
                    "Only the institution that received the first referral sends the patient back.",
                    "只有接收过原转诊的机构才能据此下转。",
                    code="business-rule",
                )
            )
        elif basis.state != "completed":
            text = f"Complete the first referral (it is {basis.state!r}) before the patient is referred down."
            faults.append(_fault("ServiceRequest.basedOn", text, "请先完成原转诊(填写回转内容),再下转患者。", code="business-rule"))
    if replaced is not None and (replaced.state != "declined" or replaced.from_org != sender.rid):
        faults.append(
            _fault(
                "ServiceRequest.replaces",
                "Only a referral of yours that was declined is sent anew.",
                "只有被退回的本机构转诊才能重新发起。",
                code="business-rule",
            )
        )
    return faults


def is_deceased(patient: Mapping[str, Any]) -> bool:
    """Whether a Patient is recorded as dead. FHIR R4: Patient.deceased[x]."""
    return patient.get("deceasedBoolean") is True or bool(patient.get("deceasedDateTime"))


def _fault(expression: str, diagnostics: str, zh: str, *, code: str = "invalid") -> Issue:
    return Issue("error", code, diagnostics, expression, zh)
