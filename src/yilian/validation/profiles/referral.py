"""Yilian Referral: the ServiceRequest (转诊单) and the Task that carries it, as institutions hand them to one another.

Written and advanced by `$refer` and `$act`; who brings one in from elsewhere and says that it is one is held to the same form.
"""

from __future__ import annotations

from yilian.fhir import urls
from yilian.validation.profiles.writing import CORE, Element, Json, bound, by, extension, parts, profile, rule, simple

_ANY = {"code": "Reference"}
_TIME = {"code": "dateTime"}


def _to(*kinds: str) -> Json:
    return {"code": "Reference", "targetProfile": [CORE + kind for kind in kinds]}


def definitions() -> list[Json]:
    """Two profiles and the extensions they rest on."""
    return [_request(), _task(), *_extensions()]


def _sender(kind: str) -> list[tuple[str, Json]]:
    start = f"{kind}.extension"
    sender = {"code": "Extension", "profile": [urls.REFERRAL_SENDER]}
    return [(start, {"slicing": by("value", "url")}), (f"{start}:sender", {"sliceName": "sender", "min": 1, "max": "1", "type": [sender]})]


def _request() -> Json:
    elements: list[Element] = [
        *_sender("ServiceRequest"),
        ("ServiceRequest.identifier", {"min": 1, "slicing": by("value", "system")}),
        ("ServiceRequest.identifier:number", {"sliceName": "number", "min": 1, "max": "1"}),
        ("ServiceRequest.identifier:number.system", {"min": 1, "fixedUri": urls.REFERRAL_NO}),
        ("ServiceRequest.identifier:number.value", {"min": 1}),
        ("ServiceRequest.requisition", {"min": 1}),
        ("ServiceRequest.category", {"min": 1, "slicing": by("value", "coding.system")}),
        (
            "ServiceRequest.category:direction",
            {"sliceName": "direction", "min": 1, "max": "1", "binding": bound("referral-direction")},
        ),
        ("ServiceRequest.category:direction.coding", {"min": 1}),
        ("ServiceRequest.category:direction.coding.system", {"min": 1, "fixedUri": urls.REFERRAL_DIRECTION}),
        ("ServiceRequest.locationCode", {"binding": bound("clinical-department", "extensible")}),
        ("ServiceRequest.subject", {"type": [_to("Patient")]}),
        ("ServiceRequest.authoredOn", {"min": 1}),
        ("ServiceRequest.requester", {"min": 1}),
    ]
    made = profile("yilian-referral-request", "ServiceRequest", "转诊单", "机构之间的双向转诊申请。", elements)
    made["differential"]["element"][0]["constraint"] = [
        rule(
            "ylr-1",
            "A referral that has been sent names the institution it goes to",
            "已发出的转诊单须填写接收机构",
            "status = 'active' implies performer.where(reference.contains('Organization/')).exists()",
        ),
        rule(
            "ylr-2",
            "A referral that has been sent gives a reason",
            "已发出的转诊单须填写转诊原因",
            "status = 'active' implies (reasonCode.exists() or reasonReference.exists())",
        ),
    ]
    return made


def _task() -> Json:
    elements: list[Element] = [
        *_sender("Task"),
        ("Task.identifier", {"min": 1, "slicing": by("value", "system")}),
        ("Task.identifier:number", {"sliceName": "number", "min": 1, "max": "1"}),
        ("Task.identifier:number.system", {"min": 1, "fixedUri": urls.REFERRAL_NO}),
        ("Task.identifier:number.value", {"min": 1}),
        ("Task.groupIdentifier", {"min": 1}),
        ("Task.businessStatus", {"min": 1, "binding": bound("referral-state")}),
        ("Task.code", {"min": 1}),
        ("Task.code.coding", {"slicing": by("value", "system")}),
        ("Task.code.coding:ours", {"sliceName": "ours", "min": 1, "max": "1"}),
        ("Task.code.coding:ours.system", {"min": 1, "fixedUri": urls.REFERRAL_TASK}),
        ("Task.code.coding:ours.code", {"min": 1, "fixedCode": "referral"}),
        ("Task.focus", {"min": 1, "type": [_to("ServiceRequest")]}),
        ("Task.for", {"min": 1, "type": [_to("Patient")]}),
        ("Task.authoredOn", {"min": 1}),
        ("Task.lastModified", {"min": 1}),
        ("Task.requester", {"min": 1}),
        ("Task.owner", {"type": [_to("Organization")]}),
    ]
    made = profile("yilian-referral-task", "Task", "转诊任务", "转诊单的流转:状态、接收机构、时限。", elements)
    made["differential"]["element"][0]["constraint"] = [
        rule(
            "ylt-1",
            "A referral that was declined says why",
            "不予接收须说明原因",
            "businessStatus.coding.where(code = 'declined').exists() implies statusReason.exists()",
        ),
        rule(
            "ylt-2",
            "A referral that is with somebody names the institution",
            "已发出的转诊任务须有接收机构",
            "status in ('requested' | 'received' | 'accepted' | 'in-progress' | 'completed') implies owner.exists()",
        ),
    ]
    return made


def _extensions() -> list[Json]:
    consent = {"agreed": ({"code": "boolean"}, True), "way": ({"code": "Coding"}, False), "time": (_TIME, True), "by": (_ANY, True)}
    return [
        simple(urls.REFERRAL_SENDER, "转出机构", ("ServiceRequest", "Task"), "Reference"),
        parts(urls.REFERRAL_CONSENT, "知情同意", ("ServiceRequest",), {**consent, "document": (_ANY, False)}),
        parts(urls.ARRANGED, "接诊安排", ("Task",), {"practitioner": (_ANY, False), "start": (_TIME, False)}),
        simple(urls.REFERRAL_NOTE, "所属操作", ("Annotation",), "code"),
        extension(
            urls.REFERRAL_FORM,
            "转诊单补充内容",
            ("ServiceRequest",),
            [("Extension.value[x]", {"max": "0"}), ("Extension.extension", {"min": 1})],
        ),
    ]
