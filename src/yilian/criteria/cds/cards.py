"""Verdicts as cards. Pure.

CDS Hooks 2.0: https://cds-hooks.hl7.org/2.0/#card-attributes. A card is read in seconds: one sentence, the explanation below it, where it
comes from. At most `MOST` cards, the weightiest first; they suggest and never stop anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from yilian.criteria.answer import canonical, explanation
from yilian.criteria.apply import proposal
from yilian.criteria.cds.patient import Judged
from yilian.criteria.cds.services import Called, direction_of
from yilian.criteria.criterion import Criterion
from yilian.criteria.evaluate import MET, NEARLY, Verdict
from yilian.fhir import urls

Resource = dict[str, Any]

MOST = 5
LONGEST_SUMMARY = 139
INDICATORS = {"stat": "critical", "urgent": "warning", "asap": "warning", "routine": "info"}
DIRECTIONS = {"up": "上转", "down": "下转"}
URGENCIES = {"stat": "立即", "urgent": "24 小时内", "asap": "尽快", "routine": "常规"}
OVERRIDES = {
    "managed-here": "本机构可以处理",
    "patient-declines": "患者或家属不同意",
    "not-clinical": "与临床情况不符",
    "already-referred": "已转诊或已安排",
    "other": "其他原因",
}
OVERRIDE_SYSTEM = urls.BASE + "CodeSystem/criterion-override-reason"


@dataclass(frozen=True, slots=True)
class Card:
    """A card and what it was about: None for one about no criterion."""

    id: UUID
    criterion: Criterion | None
    json: Resource


def cards(called: Called, judged: Judged, *, new_id: Callable[[], UUID], origin: str) -> list[Card]:
    """What is answered. `origin`: where our pages are; `new_id` gives ids of cards and suggestions."""
    if not called.service.orders:
        return [_card(one, called, judged, None, new_id, origin) for one in _worth_telling(judged.verdicts, "")[:MOST]]
    found: list[Card] = []
    for order in called.orders:
        wanted = direction_of(order)
        direction = "" if wanted == "any" else wanted
        told = _worth_telling(judged.verdicts, direction)
        found += [_card(one, called, judged, order, new_id, origin) for one in told]
        if not told and called.service.hook == "order-sign":
            found.append(_none_met(direction, judged, new_id, origin))
    return found[:MOST]


def _worth_telling(verdicts: Sequence[Verdict], direction: str) -> list[Verdict]:
    """Met ones; and close ones of the direction that is being ordered."""
    met = [one for one in verdicts if one.state == MET and not one.held_by and direction in ("", one.criterion.direction)]
    return met or [one for one in verdicts if direction and one.state == NEARLY and one.criterion.direction == direction]


def _card(verdict: Verdict, called: Called, judged: Judged, order: Resource | None, new_id: Callable[[], UUID], origin: str) -> Card:
    one, id = verdict.criterion, new_id()
    stands = "符合" if verdict.state == MET else "接近"
    summary = f"{stands}{DIRECTIONS[one.direction]}标准:{one.title}({URGENCIES[one.urgency]})"
    detail = [explanation(verdict), "", f"规则:{one.rule}", "", f"依据:{one.source}{_doubt(one)}"]
    if judged.left_out:
        detail += ["", f"随请求发送的资料中有 {judged.left_out} 项格式有误或不属于该患者,未参与判断。"]
    card: Resource = {
        "uuid": str(id),
        "summary": summary[:LONGEST_SUMMARY],
        "indicator": INDICATORS[one.urgency] if verdict.state == MET else "info",
        "detail": "\n".join(detail),
        "source": {
            "label": "医联体转诊标准",
            "url": f"{origin}/criteria",
            "topic": {"system": urls.CRITERION_TOPIC, "code": one.topic or "general"},
        },
        "overrideReasons": [{"code": code, "system": OVERRIDE_SYSTEM, "display": zh} for code, zh in OVERRIDES.items()],
    }
    if verdict.state == MET:
        card["suggestions"] = [_suggestion(verdict, called, order, new_id)]
        card["selectionBehavior"] = "at-most-one"
    if judged.ours:
        asked = urlencode({"card": str(id)})  # what it opens is looked up by who opens it: it holds no right
        card["links"] = [{"label": "在医联体平台填写转诊单", "url": f"{origin}/patients/{judged.ours}/refer?{asked}", "type": "absolute"}]
    return Card(id, one, card)


def _suggestion(verdict: Verdict, called: Called, order: Resource | None, new_id: Callable[[], UUID]) -> Resource:
    """A draft referral, or the one being written with its reason; references to our own records stay out of another's system."""
    one = verdict.criterion
    proposed = proposal(f"Patient/{called.patient_id}", verdict)
    proposed.pop("reasonReference", None)
    if order is None:
        proposed["id"] = str(new_id())
        action = {"type": "create", "description": f"新建{DIRECTIONS[one.direction]}申请", "resource": proposed}
        return {"label": f"新建{DIRECTIONS[one.direction]}申请", "uuid": str(new_id()), "isRecommended": True, "actions": [action]}
    changed = deepcopy(order)
    reasons = [r for r in changed.get("reasonCode") or [] if isinstance(r, dict)]
    changed["reasonCode"] = [*reasons, *proposed.get("reasonCode", [])]
    changed["instantiatesCanonical"] = sorted({*(changed.get("instantiatesCanonical") or []), canonical(one)})
    action = {"type": "update", "description": f"写入转诊原因:{one.title}", "resource": changed}
    return {"label": "写入转诊原因", "uuid": str(new_id()), "isRecommended": True, "actions": [action]}


def _none_met(direction: str, judged: Judged, new_id: Callable[[], UUID], origin: str) -> Card:
    id = new_id()
    way = DIRECTIONS.get(direction, "转诊")
    lacking = [one.criterion.title for one in judged.verdicts if one.state == "lacking" and direction in ("", one.criterion.direction)][:5]
    more = f"\n\n因缺少近期结果而无法判断:{'、'.join(lacking)}。" if lacking else ""
    card: Resource = {
        "uuid": str(id),
        "summary": f"现有资料中未见符合的{way}标准,请确认转诊理由",
        "indicator": "info",
        "detail": f"此提示不影响提交;是否转诊由医生决定。{more}",
        "source": {"label": "医联体转诊标准", "url": f"{origin}/criteria"},
    }
    return Card(id, None, card)


def _doubt(criterion: Criterion) -> str:
    return "(示例或待核对条款,以本地区规定为准)" if criterion.evidence in ("M", "example") else ""
