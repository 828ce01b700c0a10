"""Rules between the elements of one object: HL7's invariants that need no other resource, by their official keys.

Most say one of three things, so most are rows of a table; the others are a few lines each. What is not listed here is not checked: an
invariant is added when it protects something (the rules of data types, and of the resources that this house works with).
http://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.dates import interval, region_zone
from yilian.validation.faults import Fault, Faults

Rule = Callable[[dict[str, Any]], Fault | None]

ONE_OF: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "Appointment.participant": [("app-1", ("type", "actor"))],
    "Composition.section": [("cmp-1", ("text", "entry", "section"))],
    "Condition.evidence": [("con-2", ("code", "detail"))],
    "Condition.stage": [("con-1", ("summary", "assessment"))],
    "Consent": [("ppc-1", ("policy", "policyRule"))],
    "ElementDefinition.slicing": [("eld-1", ("discriminator", "description"))],
    "Expression": [("exp-1", ("expression", "reference"))],
    "Immunization.education": [("imm-1", ("documentType", "reference"))],
    "Observation.referenceRange": [("obs-3", ("low", "high", "text"))],
    "Organization": [("org-1", ("identifier", "name"))],
    "Patient.contact": [("pat-1", ("name", "telecom", "address", "organization"))],
}
"""structure → (key, elements): at least one of the elements is there."""

NOT_BOTH: dict[str, list[tuple[str, str, str]]] = {
    "AuditEvent.entity": [("sev-1", "name", "query")],
    "CarePlan.activity": [("cpl-3", "detail", "reference")],
    "Composition.section": [("cmp-2", "emptyReason", "entry")],
    "List": [("lst-1", "emptyReason", "entry")],
    "Observation": [("obs-6", "dataAbsentReason", "value[x]")],
    "Questionnaire.item": [("que-4", "answerOption", "answerValueSet"), ("que-11", "answerOption", "initial")],
    "Timing.repeat": [("tim-10", "timeOfDay", "when")],
    "TriggerDefinition": [("trd-1", "data", "timing[x]")],
}
"""structure → (key, one, other): not both are there."""

NEEDS: dict[str, list[tuple[str, str, str]]] = {
    "Age": [("qty-3", "code", "system")],
    "Attachment": [("att-1", "data", "contentType")],
    "ContactPoint": [("cpt-2", "value", "system")],
    "Count": [("qty-3", "code", "system")],
    "Distance": [("qty-3", "code", "system")],
    "Duration": [("qty-3", "code", "system")],
    "Quantity": [("qty-3", "code", "system")],
    "SimpleQuantity": [("qty-3", "code", "system")],
    "ServiceRequest": [("prr-1", "orderDetail", "code")],
    "Timing.repeat": [
        ("tim-1", "duration", "durationUnit"),
        ("tim-2", "period", "periodUnit"),
        ("tim-6", "periodMax", "period"),
        ("tim-7", "durationMax", "duration"),
        ("tim-8", "countMax", "count"),
    ],
    "TriggerDefinition": [("trd-2", "condition", "data")],
}
"""structure → (key, given, needed): where the first is there, the second is too."""


def _has(value: dict[str, Any], name: str) -> bool:
    if name.endswith("[x]"):
        stem = name[:-3]
        return any(key.removeprefix("_").startswith(stem) and key.removeprefix("_") != stem for key in value)
    return name in value or "_" + name in value


def _one_of(key: str, names: tuple[str, ...]) -> Rule:
    message = Fault(
        "", "invariant", f"At least one of {', '.join(names)} must be given ({key}).", f"{'、'.join(names)} 至少填写一项({key})。"
    )
    return lambda value: None if any(name in value or "_" + name in value for name in names) else message


def _not_both(key: str, one: str, other: str) -> Rule:
    message = Fault("", "invariant", f"{one} and {other} must not both be given ({key}).", f"{one} 与 {other} 不能同时填写({key})。")
    return lambda value: message if (one in value or "_" + one in value) and _has(value, other) else None


def _needs(key: str, given: str, needed: str) -> Rule:
    message = Fault(
        "", "invariant", f"Where {given} is given, {needed} must be too ({key}).", f"填写 {given} 时必须同时填写 {needed}({key})。"
    )
    under = "_" + needed
    return lambda value: message if given in value and needed not in value and under not in value else None


# --- those that need a few lines

_EXT_1 = Fault(
    "",
    "invariant",
    "An extension has either a value or further extensions, and not both (ext-1).",
    "扩展必须有值或下级扩展,且只能有其一(ext-1)。",
)


def ext_1(value: dict[str, Any]) -> Fault | None:
    return _EXT_1 if ("extension" in value) == any(key.startswith(("value", "_value")) for key in value) else None


def per_1(value: dict[str, Any]) -> Fault | None:
    """The start of a Period is not after its end; where precision leaves it open, it is let through."""
    start, end = value.get("start"), value.get("end")
    if type(start) is not str or type(end) is not str or (start[:19] <= end[:19] and start[19:] == end[19:]):
        return None
    zone = region_zone()
    try:
        late = interval(start, zone)[0] >= interval(end, zone)[1]
    except BadRequest:
        return None  # a time such as 24:00:00 has been named as a fault already
    return (
        Fault(
            "",
            "invariant",
            f"The period ends ({end}) before it starts ({start}) (per-1).",
            f"结束时间({end})早于开始时间({start})(per-1)。",
        )
        if late
        else None
    )


def rat_1(value: dict[str, Any]) -> Fault | None:
    both = ("numerator" in value, "denominator" in value)
    if all(both) or (not any(both) and "extension" in value):
        return None
    return Fault("", "invariant", "A ratio has both numerator and denominator (rat-1).", "比值必须同时有分子和分母(rat-1)。")


def rng_2(value: dict[str, Any]) -> Fault | None:
    """Compared only where both ends have the same unit."""
    low, high = value.get("low"), value.get("high")
    if type(low) is not dict or type(high) is not dict or _unit(low) != _unit(high):
        return None
    least, most = low.get("value"), high.get("value")
    if not isinstance(least, int | Decimal) or not isinstance(most, int | Decimal) or least <= most:
        return None
    return Fault(
        "", "invariant", f"The range has its low ({least}) above its high ({most}) (rng-2).", f"范围下限({least})大于上限({most})(rng-2)。"
    )


def _unit(quantity: dict[str, Any]) -> Any:
    return quantity.get("code") or quantity.get("unit")


def obs_7(value: dict[str, Any]) -> Fault | None:
    """A value of the whole Observation, and a component with the same code."""
    if "component" not in value or not _has(value, "value[x]"):
        return None
    own = _codings(value.get("code"))
    if own and any(own & _codings(part.get("code")) for part in value["component"] if type(part) is dict):
        return Fault(
            "",
            "invariant",
            "A component has the code of the Observation, which has a value itself (obs-7).",
            "观察已有结果值,其组成项不能再使用同一编码(obs-7)。",
        )
    return None


def _codings(concept: Any) -> set[tuple[str, str]]:
    codings = concept.get("coding", ()) if type(concept) is dict else ()
    return {(str(c.get("system")), str(c.get("code"))) for c in codings if type(c) is dict}


def con_4(value: dict[str, Any]) -> Fault | None:
    if not _has(value, "abatement[x]"):
        return None
    status = {
        code
        for system, code in _codings(value.get("clinicalStatus"))
        if system == "http://terminology.hl7.org/CodeSystem/condition-clinical"
    }
    if status & {"resolved", "remission", "inactive"}:
        return None
    return Fault(
        "",
        "invariant",
        "A condition that has abated is resolved, in remission or inactive in clinicalStatus (con-4).",
        "已有缓解(结束)时间的诊断,临床状态应为已解决、缓解或非活动(con-4)。",
    )


def con_5(value: dict[str, Any]) -> Fault | None:
    wrong = ("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error")
    if "clinicalStatus" not in value or wrong not in _codings(value.get("verificationStatus")):
        return None
    return Fault("", "invariant", "A condition entered in error has no clinicalStatus (con-5).", "误录的诊断不应填写临床状态(con-5)。")


def app_2(value: dict[str, Any]) -> Fault | None:
    if _has(value, "start") == _has(value, "end"):
        return None
    return Fault(
        "", "invariant", "An appointment has both start and end, or neither (app-2).", "预约的开始和结束时间必须同时填写或同时为空(app-2)。"
    )


def app_3(value: dict[str, Any]) -> Fault | None:
    if (_has(value, "start") and _has(value, "end")) or value.get("status") in ("proposed", "cancelled", "waitlist"):
        return None
    return Fault(
        "",
        "invariant",
        "Only an appointment that is proposed, cancelled or on the waitlist may lack its times (app-3).",
        "该状态的预约必须填写起止时间(app-3)。",
    )


def task_inv_1(value: dict[str, Any]) -> Fault | None:
    authored, modified = value.get("authoredOn"), value.get("lastModified")
    if type(authored) is not str or type(modified) is not str:
        return None
    if per_1({"start": authored, "end": modified}) is None:
        return None
    return Fault("", "invariant", "lastModified is before authoredOn (inv-1).", "最后修改时间早于创建时间(inv-1)。")


def home(value: dict[str, Any], name: str, key: str) -> Fault | None:
    items = value.get(name)
    if type(items) is not list or not any(type(item) is dict and item.get("use") == "home" for item in items):
        return None
    return Fault("." + name, "invariant", f"An organization has no {name} of use home ({key}).", f"机构的 {name} 不能为家庭用途({key})。")


def grp_1(value: dict[str, Any]) -> Fault | None:
    if "member" not in value or value.get("actual") is True:
        return None
    return Fault("", "invariant", "Only an actual group has members (grp-1).", "只有实际人群才能列出成员(grp-1)。")


LINES: dict[str, list[tuple[str, Rule]]] = {
    "Appointment": [("app-2", app_2), ("app-3", app_3)],
    "Condition": [("con-4", con_4), ("con-5", con_5)],
    "Extension": [("ext-1", ext_1)],
    "Group": [("grp-1", grp_1)],
    "Observation": [("obs-7", obs_7)],
    "Organization": [("org-2", lambda v: home(v, "address", "org-2")), ("org-3", lambda v: home(v, "telecom", "org-3"))],
    "Period": [("per-1", per_1)],
    "Range": [("rng-2", rng_2)],
    "Ratio": [("rat-1", rat_1)],
    "Task": [("inv-1", task_inv_1)],
}


def rules_of(name: str) -> tuple[Rule, ...]:
    """The rules of a structure, in the order of the tables above."""
    return (
        *(_one_of(*row) for row in ONE_OF.get(name, ())),
        *(_not_both(*row) for row in NOT_BOTH.get(name, ())),
        *(_needs(*row) for row in NEEDS.get(name, ())),
        *(rule for _, rule in LINES.get(name, ())),
    )


def broken(rules: tuple[Rule, ...], value: dict[str, Any]) -> Faults:
    """The faults of an object whose elements are each sound."""
    found = [one for one in (rule(value) for rule in rules) if one is not None]
    return found or None
