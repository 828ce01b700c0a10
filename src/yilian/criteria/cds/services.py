"""The services of CDS Hooks that this platform offers, and a call of one of them, read. Pure.

A request that is not as its hook says is refused in words (BadRequest); what must be known of the patient and did not come along is a
failed precondition (`NotEnough`, 412), as the standard asks.
CDS Hooks 2.0: https://cds-hooks.hl7.org/2.0/#discovery, #calling-a-cds-service; the hooks: https://cds-hooks.hl7.org/hooks/patient-view/,
https://cds-hooks.hl7.org/hooks/order-select/, https://cds-hooks.hl7.org/hooks/order-sign/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from yilian.criteria.gather import PANELS
from yilian.criteria.vocabulary import vocabulary
from yilian.errors import BadRequest, NotFound, YilianError
from yilian.fhir import urls

Resource = dict[str, Any]

MOST_RESOURCES = 2000
REFERRAL = (urls.SNOMED, "3457005")


class NotEnough(YilianError):
    """What a service needs to know of the patient was not sent along, and cannot be looked up here."""

    status, code = 412, "required"


@dataclass(frozen=True, slots=True)
class Service:
    """One service: `orders` says whether its hook brings draft orders."""

    id: str
    hook: str
    title: str
    description: str
    orders: bool


SERVICES: dict[str, Service] = {
    one.id: one
    for one in (
        Service(
            "referral-criteria-view",
            "patient-view",
            "转诊标准提示",
            "打开病历时,根据近期检查检验、诊断和用药提示患者符合的上转或下转标准,并说明由哪项结果触发。",
            False,
        ),
        Service(
            "referral-criteria-select",
            "order-select",
            "转诊申请提示",
            "选择转诊申请时,提示患者符合的转诊标准、建议的转诊原因和紧急程度。",
            True,
        ),
        Service(
            "referral-criteria-sign",
            "order-sign",
            "转诊申请核对",
            "签署转诊申请时,核对是否符合转诊标准;不符合时仅作提示,不阻止。",
            True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Called:
    """A call. `patient_id` is the id on the caller's own FHIR server, at `server` ("" where it named none); `token` opens that server.

    prefetched  by key: resources, those of a Bundle flattened; a key that came as null is an empty list
    orders      the draft orders that are meant: those selected, or all that are to be signed
    """

    service: Service
    patient_id: str
    user_id: str
    server: str
    token: str
    prefetched: Mapping[str, list[Resource]]
    orders: tuple[Resource, ...]


def discovery() -> Resource:
    """What GET /cds-services answers."""
    return {
        "services": [
            {"hook": one.hook, "title": one.title, "description": one.description, "id": one.id, "prefetch": prefetch()}
            for one in SERVICES.values()
        ]
    }


def prefetch() -> dict[str, str]:
    """The templates: what a client should send along. https://cds-hooks.hl7.org/2.0/#prefetch-template"""
    patient = "patient={{context.patientId}}"
    codes = ",".join(f"{urls.LOINC}|{code}" for code in sorted({*vocabulary().by_code, *PANELS}))
    return {
        "patient": "Patient/{{context.patientId}}",
        "conditions": f"Condition?{patient}",
        "observations": f"Observation?{patient}&code={codes}&_sort=-date&_count=200",
        "medications": f"MedicationRequest?{patient}&status=active",
        "encounters": f"Encounter?{patient}&_sort=-date&_count=20",
    }


def service(id: str) -> Service:
    """Raises NotFound."""
    if id not in SERVICES:
        raise NotFound(f"There is no CDS service {id[:60]!r}; there are {', '.join(SERVICES)}.", zh="没有这项决策支持服务。")
    return SERVICES[id]


def read(of: Service, given: Any) -> Called:
    """The body of a call. Raises BadRequest."""
    if not isinstance(given, dict):
        raise _bad("The body is a JSON object.", "")
    if given.get("hook") != of.hook:
        raise _bad(f"{of.id} is called for the hook {of.hook}.", "hook")
    _uuid(given.get("hookInstance"))
    context = given.get("context")
    if not isinstance(context, dict):
        raise _bad("context is an object.", "context")
    for name in ("userId", "patientId"):
        if not isinstance(context.get(name), str) or not context[name] or len(context[name]) > 256:
            raise _bad(f"The hook {of.hook} brings context.{name}, a text.", f"context.{name}")
    authorization = given.get("fhirAuthorization")
    if authorization is not None and (
        not isinstance(authorization, dict)
        or authorization.get("token_type") != "Bearer"
        or not isinstance(authorization.get("access_token"), str)
    ):
        raise _bad("fhirAuthorization has access_token and the token_type Bearer.", "fhirAuthorization")
    server = given.get("fhirServer", "")
    if not isinstance(server, str) or (authorization is not None and not server):
        raise _bad("fhirServer is an address, and goes with fhirAuthorization.", "fhirServer")
    return Called(
        of,
        context["patientId"].removeprefix("Patient/"),
        context["userId"],
        server.rstrip("/"),
        authorization["access_token"] if authorization else "",
        _prefetched(given.get("prefetch")),
        _orders(of, context),
    )


def direction_of(order: Mapping[str, Any]) -> str:
    """The direction of a draft referral: up, down; "any" where it is a referral that says none; "" for what is no referral."""
    found = ""
    for concept in order.get("category") or []:
        for coding in concept.get("coding") or [] if isinstance(concept, dict) else []:
            if coding.get("system") == urls.REFERRAL_DIRECTION and coding.get("code") in ("up", "down"):
                return str(coding["code"])
            if (coding.get("system"), coding.get("code")) == REFERRAL:
                found = "any"
    return found


def _orders(of: Service, context: Resource) -> tuple[Resource, ...]:
    if not of.orders:
        return ()
    bundle = context.get("draftOrders")
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise _bad(f"The hook {of.hook} brings context.draftOrders, a Bundle.", "context.draftOrders")
    drafts = _entries(bundle, "context.draftOrders")
    if of.hook == "order-select":
        chosen = context.get("selections")
        if not isinstance(chosen, list) or not all(isinstance(one, str) for one in chosen):
            raise _bad("The hook order-select brings context.selections, a list of references.", "context.selections")
        drafts = [one for one in drafts if f"{one.get('resourceType')}/{one.get('id')}" in chosen]
    return tuple(one for one in drafts if one.get("resourceType") == "ServiceRequest" and direction_of(one))


def _prefetched(given: Any) -> dict[str, list[Resource]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _bad("prefetch is an object.", "prefetch")
    found: dict[str, list[Resource]] = {}
    for name, value in given.items():
        if value is None:
            found[name] = []
        elif not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
            raise _bad(f"prefetch.{str(name)[:40]} is a resource.", "prefetch")
        else:
            found[name] = _entries(value, f"prefetch.{name}") if value["resourceType"] == "Bundle" else [value]
    if sum(len(listed) for listed in found.values()) > MOST_RESOURCES:
        raise _bad(f"More than {MOST_RESOURCES} resources came along; ask for the newest.", "prefetch")
    return found


def _entries(bundle: Resource, place: str) -> list[Resource]:
    entries = bundle.get("entry") or []
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise _bad("The entries of a Bundle are objects.", place)
    listed = [one["resource"] for one in entries if "resource" in one]
    if not all(isinstance(one, dict) for one in listed):
        raise _bad("The resources of a Bundle are objects.", place)
    return listed


def _uuid(text: Any) -> None:
    try:
        UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise _bad("hookInstance is a UUID.", "hookInstance") from None


def _bad(diagnostics: str, place: str) -> BadRequest:
    return BadRequest(diagnostics, expression=place, zh="决策支持请求格式不正确。")
