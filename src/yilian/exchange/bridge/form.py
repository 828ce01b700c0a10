"""A step of the message form, and the fields it carries. Pure.

Fields: 双向转诊(转出)单 and (回转)单 of 国家基本公共卫生服务规范(第三版), and those regional platforms keep beside them (china-facts §1.3).
Steps: 转诊预约申请 → 转诊预约应答 → 患者到诊应答 → 上传完整病历 (china-facts §1.2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from yilian.errors import InvalidResource, Issue

STEPS = {"apply": "转诊预约申请", "answer": "转诊预约应答", "arrival": "患者到诊应答", "record": "上传完整病历"}


class Refused(InvalidResource):
    """A message that cannot be taken, with every reason."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__(issues[0].diagnostics, issues=issues)


@dataclass(frozen=True, slots=True)
class Out:
    """双向转诊(转出)单. codes: 诊断 ICD-10; "" for a field that is empty."""

    direction: str = ""
    priority: str = ""  # as FHIR has it; "" is routine
    specialty: str = ""
    reason: str = ""  # a code of the referral reasons
    impression: str = ""  # 初步印象
    impression_code: str = ""
    present_illness: str = ""  # 主要现病史(转出原因)
    past_history: str = ""  # 主要既往史
    treatment: str = ""  # 治疗经过
    precautions: str = ""  # 转诊注意事项
    care_type: str = ""
    transport: str = ""
    escort: str = ""
    payment: str = ""
    consent: str = ""  # a code of CONSENT_WAYS
    doctor: str = ""


@dataclass(frozen=True, slots=True)
class Back:
    """双向转诊(回转)单."""

    diagnosis: str = ""  # 诊断结果
    diagnosis_code: str = ""
    record_number: str = ""  # 住院病案号
    findings: str = ""  # 主要检查结果
    treatment: str = ""  # 治疗经过
    advice: str = ""  # 下一步治疗方案及康复建议
    medication: str = ""  # 用药调整
    next_visit: str = ""  # a day


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a message is about. numbers: (system, value), strongest first."""

    numbers: tuple[tuple[str, str], ...]
    name: str
    sex: str = ""
    born: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    id          made by the sender, once for each message; source: its endpoint
    step        a code of `STEPS`
    number      转诊单号: of this platform where it knows one, else of the sender; "" in an application that has none yet
    sender, receiver   医疗卫生机构代码 of the institution that refers, and of the one that receives
    agreed      of an answer: whether the receiver takes the patient; why: the reason where not, a code of the decline reasons and words
    out, back   the form that goes with the step: an application, a record
    """

    id: str
    source: str
    step: str
    person: Person
    sender: str
    receiver: str
    number: str = ""
    agreed: bool = True
    why: str = ""
    why_text: str = ""
    note: str = ""
    out: Out | None = None
    back: Back | None = None


OUT_LABELS = {
    "direction": "转诊方向",
    "priority": "紧急程度",
    "specialty": "转入科室",
    "reason": "转诊原因",
    "impression": "初步印象",
    "impression_code": "初步印象编码",
    "present_illness": "主要现病史(转出原因)",
    "past_history": "主要既往史",
    "treatment": "治疗经过",
    "precautions": "转诊注意事项",
    "care_type": "就诊类型",
    "transport": "转运方式",
    "escort": "陪同人员",
    "payment": "医疗费用支付方式",
    "consent": "知情同意方式",
    "doctor": "转诊医生",
}
BACK_LABELS = {
    "diagnosis": "诊断结果",
    "diagnosis_code": "诊断编码",
    "record_number": "住院病案号",
    "findings": "主要检查结果",
    "treatment": "治疗经过(回转)",
    "advice": "下一步治疗方案及康复建议",
    "medication": "用药调整",
    "next_visit": "下次就诊日期",
}
"""Headings of the form's fields, in its order. A heading stands once in a table of both, so 治疗经过 of the way back says which it is."""

OUT_FIELDS = tuple(one.name for one in fields(Out))
BACK_FIELDS = tuple(one.name for one in fields(Back))
