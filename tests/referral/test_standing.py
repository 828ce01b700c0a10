"""办理情况: what the slip says of a referral beside its state."""

from __future__ import annotations

from datetime import date
from typing import Any

from yilian.fhir import urls
from yilian.referral import marks, standing

AT = "2026-11-23T13:20:00+08:00"
BY = {"reference": "Practitioner/gp2", "display": "王芳(柳河镇卫生院)"}


def test_a_smooth_referral_has_nothing_to_say() -> None:
    assert standing.lines({}, {}, "accepted") == []


def test_who_was_informed_and_called_stands_on_the_paper_with_when_and_by_whom() -> None:
    task: dict[str, Any] = {"statusReason": {"text": "休克"}}
    marks.add_in_place(task, informed="长子单明", expert="周明", at=AT, by=BY)
    assert standing.lines({}, task, "in-place") == [
        "暂不宜转运,就地救治:休克",
        "已告知家属:长子单明;已请专家:周明(2026-11-23 13:20 王芳(柳河镇卫生院))",
    ]


def test_a_refusal_says_why_and_what_proves_it() -> None:
    reason = {"coding": [{"system": urls.REFERRAL_LEAVE_REASON, "code": "left", "display": "违反医嘱自动离院"}]}
    proof = {"type": {"coding": [{"system": urls.REFERRAL_OUTPUT, "code": "refusal"}]}}
    task = {
        "statusReason": reason,
        "output": [{**proof, "valueString": "见证人:护士王丽"}, {**proof, "valueReference": {"reference": "Consent/c"}}],
    }
    assert standing.lines({}, task, "against-advice") == [
        "拒绝转诊或自动离院:违反医嘱自动离院",
        "凭证:见证人:护士王丽;凭证见附件",
    ]


def test_marks_the_green_channel_and_the_first_visit_are_said() -> None:
    request: dict[str, Any] = {}
    task: dict[str, Any] = {}
    marks.set_green_channel(request, "open", "急性心肌梗死", AT, BY)
    marks.set_circumstance(task, "admitted", AT)
    marks.set_first_visit(task, date(2026, 12, 4), date(2026, 11, 20))
    assert standing.lines(request, task, "accepted") == [
        "绿色通道已开通:急性心肌梗死",
        "患者已在其他机构住院(2026-11-23 13:20 获知)",
        "首次随访应于 2026-12-04 前完成",
    ]
