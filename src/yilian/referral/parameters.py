"""`$refer` and `$act` as FHIR Parameters: what users send is read and checked here, what they get is made here.

Names and types are those of the outside contract; a name nobody knows, a value of another type, a second value where one is meant: refused.
FHIR R4: http://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest, Issue
from yilian.referral.codes import CONSENT_WAYS
from yilian.referral.states import ACTIONS
from yilian.store.hooks import Validate

if TYPE_CHECKING:
    from yilian.referral.alarms import Alarm

Resource = dict[str, Any]

TEXTS = ("valueString", "valueMarkdown")
CONCEPTS = ("valueCodeableConcept", "valueCoding", "valueString", "valueCode")
REFERENCES = ("valueReference",)
TIMES = ("valueDateTime", "valueInstant")

DAYS = ("valueDate", "valueDateTime")

LONGEST_TEXT = 10_000
"""Characters of one text; a longer story is a document and belongs in an attachment."""


@dataclass(frozen=True, slots=True)
class _Kind:
    keys: tuple[str, ...]
    repeats: bool = False


ACT = {
    "action": _Kind(("valueCode", "valueString")),
    "reason": _Kind(CONCEPTS),
    "note": _Kind(TEXTS),
    "slot": _Kind(REFERENCES, repeats=True),
    "bed": _Kind(REFERENCES),
    "to": _Kind(REFERENCES),
    "question": _Kind(TEXTS),
    "answer": _Kind(TEXTS),
    "informed": _Kind(TEXTS),
    "expert": _Kind(TEXTS),
    "witness": _Kind(TEXTS),
    "diagnosis": _Kind(CONCEPTS, repeats=True),
    "treatment": _Kind(TEXTS),
    "advice": _Kind(TEXTS),
    "findings": _Kind(TEXTS),
    "medication": _Kind(TEXTS),
    "nextVisit": _Kind(DAYS),
    "recordNumber": _Kind(TEXTS),
    "plan": _Kind(("resource",)),
    "attachment": _Kind(REFERENCES, repeats=True),
    "practitioner": _Kind(REFERENCES),
    "start": _Kind(TIMES),
    "request": _Kind(("resource",)),
}

REFER = {
    "request": _Kind(("resource",)),
    "consent": _Kind(("valueBoolean", "valueCode", "valueString", "valueReference", "part")),
    "slot": _Kind(REFERENCES, repeats=True),
    "bed": _Kind(REFERENCES),
    "alternatives": _Kind(REFERENCES, repeats=True),
    "automatic": _Kind(("valueBoolean",)),
    "greenChannel": _Kind(TEXTS),
    "note": _Kind(TEXTS),
    "submit": _Kind(("valueBoolean",)),
}


@dataclass(frozen=True, slots=True)
class Consent:
    """What was said about the patient's consent. `way` is a code of CONSENT_WAYS or ""; `document` a Reference to a Consent or None."""

    agreed: bool
    way: str = ""
    document: Resource | None = None


@dataclass(frozen=True, slots=True)
class Refer:
    """The parameters of `$refer`.

    slot, bed      what the sender would like to have booked; alternatives: References to institutions
    automatic      these are asked one after the other when the receiver declines; with none named, whom the platform finds
    green          why the green channel is asked for, "" where it is not
    """

    request: Resource
    submit: bool = True
    note: str = ""
    consent: Consent | None = None
    slot: tuple[Resource, ...] = ()
    bed: Resource | None = None
    alternatives: tuple[Resource, ...] = ()
    automatic: bool = False
    green: str = ""


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What makes a referral void. kind: a code of `codes.CIRCUMSTANCES`; source: rid of the Patient or Encounter saying so; at: aware."""

    kind: str
    source: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """The parameters of `$act`. `given` are the names that came, without `action`; texts are stripped, "" where not given.

    circumstance   of the house's own `mark`; nobody sends it
    """

    action: str
    given: frozenset[str]
    reason: Resource | None = None
    note: str = ""
    to: str = ""
    question: str = ""
    answer: str = ""
    diagnosis: tuple[Resource, ...] = ()
    treatment: str = ""
    advice: str = ""
    findings: str = ""
    medication: str = ""
    next_visit: str = ""
    record_number: str = ""
    plan: Resource | None = None
    attachment: tuple[Resource, ...] = ()
    practitioner: Resource | None = None
    start: str = ""
    request: Resource | None = None
    slot: tuple[Resource, ...] = ()
    bed: Resource | None = None
    informed: str = ""
    expert: str = ""
    witness: str = ""
    circumstance: Circumstance | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """One parameter the platform fills in: its name, its value as {"value…": …}, and why, line by line."""

    name: str
    value: Resource
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegalAction:
    """An action this user may take now. `requires`, `optional`, `one_of`: names of parameters. `proposed`: what is filled in already."""

    code: str
    display: str
    primary: bool
    danger: bool
    requires: tuple[str, ...]
    optional: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    proposed: Proposed | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a user may do with a referral now, and who was told that it is late. changes_at: when time alone will change the actions; told
    with `now` (both aware), so that whoever waits for it need not trust another clock."""

    actions: list[LegalAction]
    told: list[Alarm]
    now: datetime
    changes_at: datetime | None = None


def read_refer(parameters: Resource, validate: Validate) -> Refer:
    """BadRequest for Parameters of another shape.

    `validate` gives the faults of the values; the request itself is checked later, when what need not be said has been added.
    """
    found = _read(parameters, REFER, "$refer")
    _sound(parameters, validate)
    if not found["request"]:
        raise _bad("request", "$refer needs a parameter 'request' with the ServiceRequest.", "缺少转诊申请(request)。", code="required")
    request = _resource(found["request"][0], "request", "ServiceRequest")
    submit = found["submit"][0][1] if found["submit"] else True
    return Refer(
        request,
        submit,
        _text(found, "note"),
        _consent(found["consent"][0]) if found["consent"] else None,
        tuple(value for _, value in found["slot"]),
        found["bed"][0][1] if found["bed"] else None,
        tuple(value for _, value in found["alternatives"]),
        found["automatic"][0][1] if found["automatic"] else False,
        _text(found, "greenChannel"),
    )


def read_act(parameters: Resource, validate: Validate) -> Act:
    """BadRequest for Parameters of another shape, or an action nobody knows. `validate` as in `read_refer`."""
    found = _read(parameters, ACT, "$act")
    _sound(parameters, validate)
    if not found["action"]:
        raise _bad("action", f"$act needs a parameter 'action'; known are {', '.join(ACTIONS)}.", "缺少操作名称(action)。", code="required")
    action = found["action"][0][1]
    if action not in ACTIONS:
        raise _bad(
            "action",
            f"There is no action {action[:40]!r}; known are {', '.join(ACTIONS)}.",
            f"没有“{action[:40]}”这项操作。",
            code="code-invalid",
        )
    return Act(
        action=action,
        given=frozenset(name for name, values in found.items() if values and name != "action"),
        reason=_concept(found["reason"][0]) if found["reason"] else None,
        note=_text(found, "note"),
        to=found["to"][0][1].get("reference", "") if found["to"] else "",
        question=_text(found, "question"),
        answer=_text(found, "answer"),
        diagnosis=tuple(_concept(item) for item in found["diagnosis"]),
        treatment=_text(found, "treatment"),
        advice=_text(found, "advice"),
        findings=_text(found, "findings"),
        medication=_text(found, "medication"),
        next_visit=_text(found, "nextVisit"),
        record_number=_text(found, "recordNumber"),
        plan=_resource(found["plan"][0], "plan", "CarePlan") if found["plan"] else None,
        attachment=tuple(value for _, value in found["attachment"]),
        practitioner=found["practitioner"][0][1] if found["practitioner"] else None,
        start=found["start"][0][1] if found["start"] else "",
        request=_resource(found["request"][0], "request", "ServiceRequest") if found["request"] else None,
        slot=tuple(value for _, value in found["slot"]),
        bed=found["bed"][0][1] if found["bed"] else None,
        informed=_text(found, "informed"),
        expert=_text(found, "expert"),
        witness=_text(found, "witness"),
    )


def refer_answer(request: Resource, task: Resource) -> Resource:
    """What `$refer` answers."""
    return {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": request}, {"name": "task", "resource": task}]}


def actions_answer(allowed: Allowed) -> Resource:
    """What `$actions` answers."""
    listed = [
        {
            "name": "action",
            "part": [
                {"name": "code", "valueCode": action.code},
                {"name": "display", "valueString": action.display},
                {"name": "primary", "valueBoolean": action.primary},
                {"name": "danger", "valueBoolean": action.danger},
                *({"name": "requires", "valueCode": name} for name in action.requires),
                *({"name": "optional", "valueCode": name} for name in (*action.one_of, *action.optional)),
                *({"name": "oneOf", "valueCode": name} for name in action.one_of),
                *([_proposed(action.proposed)] if action.proposed is not None else []),
            ],
        }
        for action in allowed.actions
    ]
    listed += [
        {
            "name": "alarm",
            "part": [
                {"name": "stage", "valueCode": one.stage},
                {"name": "due", "valueInstant": one.due.isoformat(timespec="milliseconds")},
                {"name": "time", "valueInstant": one.at.isoformat(timespec="milliseconds")},
                *({"name": "to", "valueString": who} for who in one.to),
            ],
        }
        for one in allowed.told
    ]
    if allowed.changes_at is not None:
        moments = (("time", allowed.changes_at), ("now", allowed.now))
        part = [{"name": name, "valueInstant": at.isoformat(timespec="milliseconds")} for name, at in moments]
        listed.append({"name": "changes", "part": part})
    return {"resourceType": "Parameters"} | ({"parameter": listed} if listed else {})


def _proposed(proposed: Proposed) -> Resource:
    why = [{"name": "why", "valueString": one} for one in proposed.why]
    return {"name": "proposed", "part": [{"name": proposed.name, **proposed.value}, *why]}


_Value = tuple[str, Any]


def _read(parameters: Resource, kinds: dict[str, _Kind], operation: str) -> dict[str, list[_Value]]:
    """(key, value) pairs by name, each of a type the name takes."""
    if parameters.get("resourceType") != "Parameters":
        raise _bad("", f"The body of {operation} is a Parameters resource.", "提交的内容应为 Parameters 资源。", code="structure")
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list):
        raise _bad("", "Parameters.parameter is a list.", "参数格式不正确。", code="structure")
    found: dict[str, list[_Value]] = {name: [] for name in kinds}
    for place, item in enumerate(listed):
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or name not in kinds:
            said = name[:40] if isinstance(name, str) else "without a name"
            raise _bad(
                f"parameter[{place}]", f"{operation} has no parameter {said!r}; known are {', '.join(kinds)}.", f"没有参数“{said}”。"
            )
        found[name].append(_value(item, name, kinds[name]))
        if len(found[name]) > 1 and not kinds[name].repeats:
            raise _bad(name, f"The parameter {name!r} may come once only.", f"参数“{name}”只能出现一次。")
    return found


def _sound(parameters: Resource, validate: Validate) -> None:
    """The values as FHIR types; resources in them are left out."""
    values = [item for item in parameters.get("parameter", []) if "resource" not in item]
    faults = [issue for issue in validate({"resourceType": "Parameters", "parameter": values}) if issue.severity in ("fatal", "error")]
    if values and faults:
        raise BadRequest(faults[0].diagnostics, issues=faults)


def _value(item: Resource, name: str, kind: _Kind) -> _Value:
    keys = [key for key in item if key.startswith("value") or key in ("resource", "part")]
    if len(keys) != 1 or keys[0] not in kind.keys:
        raise _bad(name, f"The parameter {name!r} takes one {' or '.join(kind.keys)}.", f"参数“{name}”的类型不正确。")
    value = item[keys[0]]
    right: type | tuple[type, ...] = dict
    if keys[0] == "part":
        right = list
    elif keys[0] == "valueBoolean":
        right = bool
    elif keys[0] in (*TEXTS, *TIMES, *DAYS, "valueCode"):
        right = str
    if not isinstance(value, right):
        raise _bad(name, f"The value of {name!r} is not a {keys[0].removeprefix('value')}.", f"参数“{name}”的值不正确。")
    if isinstance(value, str):
        value = value.strip()
        if not value:
            raise _bad(name, f"The parameter {name!r} is empty.", f"“{name}”不能为空。", code="required")
        if len(value) > LONGEST_TEXT:
            raise _bad(
                name,
                f"The parameter {name!r} is longer than {LONGEST_TEXT} characters; attach a document instead.",
                f"“{name}”超过 {LONGEST_TEXT} 字,请改为附件。",
                code="too-long",
            )
    if keys[0] == "valueReference" and not (isinstance(value.get("reference"), str) and value["reference"]):
        raise _bad(name, f"The parameter {name!r} is a Reference without a reference.", f"参数“{name}”没有指向任何资源。", code="required")
    return keys[0], value


def _text(found: dict[str, list[_Value]], name: str) -> str:
    return str(found[name][0][1]) if found[name] else ""


def _concept(item: _Value) -> Resource:
    """Any way of naming a concept as a CodeableConcept."""
    key, value = item
    if key == "valueCodeableConcept":
        if not value.get("coding") and not value.get("text"):
            raise _bad("", "A CodeableConcept needs a coding or a text.", "请选择或填写内容。", code="required")
        return dict(value)
    if key == "valueCoding":
        return {"coding": [value]}
    return {"text": value}


def _resource(item: _Value, name: str, kind: str) -> Resource:
    value: Resource = item[1]
    if value.get("resourceType") != kind:
        raise _bad(name, f"The parameter {name!r} is a {kind}.", f"参数“{name}”应为 {kind}。", code="structure")
    return value


def _consent(item: _Value) -> Consent:
    key, value = item
    if key == "valueBoolean":
        return Consent(agreed=value)
    if key == "valueReference":
        return Consent(True, document=value)
    if key == "part":
        parts = _read({"resourceType": "Parameters", "parameter": value}, _CONSENT_PARTS, "consent")
        agreed = parts["agreed"][0][1] if parts["agreed"] else True
        return Consent(agreed, _way(_text(parts, "way")), parts["document"][0][1] if parts["document"] else None)
    return Consent(True, _way(value))


_CONSENT_PARTS = {"agreed": _Kind(("valueBoolean",)), "way": _Kind(("valueCode", "valueString")), "document": _Kind(REFERENCES)}


def _way(code: str) -> str:
    if code and code not in CONSENT_WAYS:
        raise _bad(
            "consent", f"Consent is given {' | '.join(CONSENT_WAYS)}, not {code[:40]!r}.", "知情同意方式不正确。", code="code-invalid"
        )
    return code


def _bad(name: str, diagnostics: str, zh: str, *, code: str = "invalid") -> BadRequest:
    place = name if name.startswith("parameter[") else f"parameter.where(name='{name}')" if name else ""
    return BadRequest(diagnostics, issues=[Issue("error", code, diagnostics, f"Parameters.{place}" if place else "Parameters", zh)])


def missing(names: Sequence[str], action: str) -> list[Issue]:
    """Issues for parameters an action needs and did not get."""
    return [
        Issue(
            "error",
            "required",
            f"The action {action!r} needs the parameter {name!r}.",
            f"Parameters.parameter.where(name='{name}')",
            f"“{ACTIONS[action][0]}”需要填写{FIELD_NAMES.get(name, name)}。",
        )
        for name in names
    ]


FIELD_NAMES = {
    "reason": "原因",
    "note": "说明",
    "to": "改转的机构",
    "question": "需要补充的内容",
    "answer": "补充内容",
    "diagnosis": "诊断结果",
    "treatment": "治疗经过",
    "advice": "下一步治疗方案及康复建议",
    "findings": "主要检查结果",
    "medication": "用药调整",
    "nextVisit": "复诊时间",
    "recordNumber": "住院病案号",
    "plan": "随访计划",
    "attachment": "附件",
    "practitioner": "接诊医生",
    "start": "接诊时间",
    "request": "转诊申请",
    "slot": "号源",
    "bed": "床位",
    "informed": "告知的家属",
    "expert": "请的专家",
    "witness": "见证人",
}
