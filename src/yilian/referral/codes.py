"""The words of referral as FHIR CodeSystems and ValueSets: directions, states, actions, reasons, outputs.

Chinese is the display, English a designation. `definitions()` is seeded when the server starts, under the platform's own scope, where it
differs from what is stored. Reasons: nine for up (REF-2), seven for down (REF-3), after the general criteria of county programmes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept, value_set
from yilian.referral.states import ACTIONS, STATES

Words = tuple[str, str]
"""中文, English."""

DIRECTIONS: dict[str, Words] = {
    "up": ("上转", "Up: to a higher tier"),
    "down": ("下转", "Down: to the grassroots"),
    "lateral": ("平级转诊", "Lateral: same tier"),
}

PRIORITIES: dict[str, Words] = {
    "routine": ("普通", "Routine"),
    "urgent": ("紧急", "Urgent"),
    "asap": ("加急", "As soon as possible"),
    "stat": ("急救", "Emergency"),
}
"""FHIR's own request-priority codes; only the display is ours."""

UP_REASONS: dict[str, Words] = {
    "critical-beyond-capability": ("急危重症,本机构难以实施有效救治", "Critical illness beyond our capability"),
    "undiagnosed-complex": ("不能确诊的疑难复杂病例", "Undiagnosed or complex case"),
    "mass-casualty": ("重大伤亡事件中伤情较重、处置能力受限", "Mass casualty event"),
    "outside-scope": ("超出核准诊疗登记科目", "Outside our licensed scope of service"),
    "needs-higher-test": ("需到上一级医院做进一步检查以明确诊断", "Needs a test only a higher tier has"),
    "infectious": ("传染病,按规定转往定点医疗机构", "Infectious disease"),
    "acute-psychiatric": ("精神障碍疾病急性发作期", "Acute psychiatric episode"),
    "legal-dispute": ("法律法规规定或涉及医疗纠纷需转诊", "Required by law, or a dispute"),
    "other-limits": ("技术、设备等其他条件受限", "Other limits of skill or equipment"),
}

DOWN_REASONS: dict[str, Words] = {
    "stable-after-acute": ("急性期治疗后病情稳定,需继续康复", "Stable after the acute phase"),
    "diagnosed-no-special-treatment": ("诊断明确,不需特殊治疗", "Diagnosed, no special treatment needed"),
    "late-tumour-palliative": ("晚期肿瘤,非手术治疗或安宁疗护", "Late-stage tumour, palliative care"),
    "long-term-chronic": ("需长期治疗的慢性病", "Long-term chronic disease"),
    "elderly-nursing": ("老年护理", "Nursing of the elderly"),
    "psychiatric-recovery": ("精神疾病恢复期", "Recovery from psychiatric illness"),
    "common-disease": ("一般常见病、多发病", "Common disease"),
}

DECLINE_REASONS: dict[str, Words] = {
    "no-capacity": ("暂无床位或号源", "No bed or appointment free"),
    "no-capability": ("无相应诊疗科目或技术条件", "We cannot treat this here"),
    "other-specialty": ("科室不符,建议转其他专科", "Another specialty is needed"),
    "incomplete": ("资料不全,补充后可再次申请", "Incomplete; may be sent again when completed"),
    "not-indicated": ("未达转诊指征,建议原机构继续管理", "Criteria for referral not met"),
    "unfit-to-travel": ("病情不宜转运,建议就地救治并请会诊", "Unfit to travel: treat in place and consult"),
    "duplicate": ("重复转诊", "Duplicate referral"),
    "patient-unwilling": ("患者或家属不同意", "Patient or family does not agree"),
    "other": ("其他(请说明)", "Other (say which)"),
}

GREEN_CHANNEL: dict[str, Words] = {
    "asked": ("申请绿色通道", "Green channel asked for"),
    "open": ("绿色通道", "Green channel"),
}

LEAVE_REASONS: dict[str, Words] = {
    "refused": ("患者或家属拒绝转诊", "Patient or family refuses the referral"),
    "left": ("违反医嘱自动离院", "Left against medical advice"),
    "elsewhere": ("自行前往其他机构就诊", "Went to another institution on their own"),
}

CIRCUMSTANCES: dict[str, Words] = {
    "deceased": ("患者已死亡", "The patient has died"),
    "admitted": ("患者已在其他机构住院", "The patient was admitted elsewhere"),
}
"""What makes an open referral void: a mark on it, see `circumstances`."""

INPATIENT = ("IMP", "ACUTE", "NONAC")
"""Encounter.class of who lies in a ward, of http://terminology.hl7.org/CodeSystem/v3-ActCode."""

OUTPUTS: dict[str, Words] = {
    "diagnosis": ("诊断结果", "Diagnosis"),
    "treatment": ("治疗经过", "Treatment given"),
    "advice": ("下一步治疗方案及康复建议", "Further treatment and rehabilitation advice"),
    "findings": ("主要检查结果", "Main findings"),
    "medication": ("用药调整", "Changes of medication"),
    "next-visit": ("复诊时间", "Next visit"),
    "record-number": ("住院病案号", "Number of the in-patient record"),
    "return-document": ("回转单", "Back-referral document"),
    "plan": ("随访计划", "Follow-up plan"),
    "refusal": ("拒绝转诊或自动离院的凭证", "Proof of a refusal, or of leaving against advice"),
    "attachment": ("附件", "Attachment"),
}

ACTIVITIES: dict[str, Words] = {"draft": ("建立草稿", "Write a draft"), **ACTIONS}
"""What a Provenance says was done."""

CONSENT_WAYS: dict[str, Words] = {
    "written": ("患者书面同意", "Written, by the patient"),
    "oral": ("患者口头同意", "Oral, by the patient"),
    "guardian": ("家属或监护人同意", "By family or guardian"),
    "emergency": ("急救,未能征得同意", "Emergency: could not be asked"),
}

TASKS: dict[str, Words] = {"referral": ("转诊", "Referral"), "approval": ("转诊审批", "Approval of a referral")}

REASONS: Mapping[str, Mapping[str, Words]] = {"up": UP_REASONS, "down": DOWN_REASONS, "lateral": UP_REASONS | DOWN_REASONS}
"""Which reasons a direction may give. A lateral referral may give any of both."""


POSTS = {
    "head": "科主任",
    "medical-affairs": "医务科",
    "president": "院长",
    "office": "医联体办公室",
    "coordinator": "转诊办",
    "gp": "全科医生",
    "physician": "医师",
    "consultant": "专家",
}
"""How who approves or is told is called; other posts by their code."""


def state_words(code: str) -> Words:
    return STATES[code].zh, STATES[code].en


def coding(system: str, code: str, words: Mapping[str, Words]) -> dict[str, Any]:
    """A Coding with its Chinese display."""
    return {"system": system, "code": code, "display": words[code][0]}


def definitions() -> list[dict[str, Any]]:
    """Every CodeSystem and ValueSet of this room, ready to be stored."""
    states = {code: state_words(code) for code in STATES}
    return [
        _listed(urls.REFERRAL_DIRECTION, "ReferralDirection", "转诊方向", DIRECTIONS),
        _listed(urls.REFERRAL_STATE, "ReferralState", "转诊状态", states),
        _listed(urls.REFERRAL_ACTION, "ReferralAction", "转诊操作", ACTIVITIES),
        _listed(urls.REFERRAL_REASON, "ReferralReason", "转诊原因", UP_REASONS | DOWN_REASONS),
        _listed(urls.REFERRAL_DECLINE_REASON, "ReferralDeclineReason", "不予接收原因", DECLINE_REASONS),
        _listed(urls.REFERRAL_LEAVE_REASON, "ReferralLeaveReason", "拒绝转诊或自动离院原因", LEAVE_REASONS),
        _listed(urls.REFERRAL_CIRCUMSTANCE_KIND, "ReferralCircumstance", "转诊情况变化", CIRCUMSTANCES),
        _listed(urls.REFERRAL_OUTPUT, "ReferralOutput", "回转内容", OUTPUTS),
        _listed(urls.REFERRAL_TASK, "ReferralTask", "转诊任务", TASKS),
        value_set("referral-direction", "ReferralDirection", "转诊方向", urls.REFERRAL_DIRECTION, DIRECTIONS),
        value_set("referral-state", "ReferralState", "转诊状态", urls.REFERRAL_STATE, states),
        value_set("referral-up-reason", "ReferralUpReason", "上转原因", urls.REFERRAL_REASON, UP_REASONS),
        value_set("referral-down-reason", "ReferralDownReason", "下转原因", urls.REFERRAL_REASON, DOWN_REASONS),
        value_set("referral-decline-reason", "ReferralDeclineReason", "不予接收原因", urls.REFERRAL_DECLINE_REASON, DECLINE_REASONS),
    ]


def _listed(url: str, name: str, title: str, words: Mapping[str, Words]) -> dict[str, Any]:
    return code_system(url, name, title, [concept(code, zh, en) for code, (zh, en) in words.items()])
