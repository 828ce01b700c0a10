"""What the house adds to a Task or a request as extensions: who is seen when, what is booked, what was wished, who may be asked next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yilian.fhir import urls

Resource = dict[str, Any]


def set_alternatives(task: Resource, institutions: Iterable[str], automatic: bool) -> None:
    """Whom the sender would ask next, and whether that is done without asking back; nobody and automatic: whom the platform finds."""
    parts: list[Resource] = [{"url": "institution", "valueReference": {"reference": one}} for one in institutions]
    others = [e for e in task.get("extension", []) if e.get("url") != urls.REFERRAL_ALTERNATIVE]
    said = [{"url": urls.REFERRAL_ALTERNATIVE, "extension": [*parts, {"url": "automatic", "valueBoolean": automatic}]}]
    said = said if parts or automatic else []
    task["extension"] = [*others, *said]


def set_chosen(task: Resource, why: Iterable[str], *, by_house: bool) -> None:
    """Why this receiver was asked after another one, and whether the platform chose it by itself."""
    parts: list[Resource] = [{"url": "reason", "valueString": one} for one in why]
    others = [e for e in task.get("extension", []) if e.get("url") != urls.REFERRAL_CHOSEN]
    task["extension"] = [*others, {"url": urls.REFERRAL_CHOSEN, "extension": [{"url": "automatic", "valueBoolean": by_house}, *parts]}]


def set_wished(request: Resource, places: Iterable[Resource]) -> None:
    """Slots and a bed the sender would like to have booked, in place of what was said before."""
    others = [e for e in request.get("extension", []) if e.get("url") != urls.REFERRAL_WISHED]
    request["extension"] = [*others, *({"url": urls.REFERRAL_WISHED, "valueReference": place} for place in places)]


def arrange(task: Resource, practitioner: Resource | None, start: str) -> None:
    """Who will see the patient and when."""
    parts = [{"url": "practitioner", "valueReference": practitioner}] if practitioner else []
    if start:
        parts.append({"url": "start", "valueDateTime": start})
    task["extension"] = [e for e in task.get("extension", []) if e.get("url") != urls.ARRANGED] + [
        {"url": urls.ARRANGED, "extension": parts}
    ]


def arranged(task: Resource) -> tuple[Resource | None, str]:
    """The same, read: a Reference or None, and a dateTime or ""."""
    found: Resource = next((e for e in task.get("extension", []) if e.get("url") == urls.ARRANGED), {})
    parts = {e.get("url"): e for e in found.get("extension", [])}
    return parts.get("practitioner", {}).get("valueReference"), parts.get("start", {}).get("valueDateTime", "")
