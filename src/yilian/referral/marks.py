"""What the house adds to a Task or a request as extensions: who is seen when, what is booked, what was wished, who may be asked next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from yilian.fhir import urls
from yilian.referral.codes import CIRCUMSTANCES

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


def set_circumstance(task: Resource, kind: str, at: str) -> None:
    """What makes the referral void, and since when that is known; "" for nothing (any more)."""
    others = [e for e in task.get("extension", []) if e.get("url") != urls.REFERRAL_CIRCUMSTANCE]
    coding = {"system": urls.REFERRAL_CIRCUMSTANCE_KIND, "code": kind, "display": CIRCUMSTANCES[kind][0] if kind else ""}
    parts: list[Resource] = [{"url": "kind", "valueCoding": coding}, {"url": "time", "valueDateTime": at}]
    task["extension"] = [*others, *([{"url": urls.REFERRAL_CIRCUMSTANCE, "extension": parts}] if kind else [])]


def add_in_place(task: Resource, *, informed: str, expert: str, at: str, by: Resource) -> None:
    """Who of the family was informed and which expert was called, when and by whom, beside what was recorded before."""
    said = [{"url": name, "valueString": text} for name, text in (("informed", informed), ("expert", expert)) if text]
    parts: list[Resource] = [*said, {"url": "time", "valueDateTime": at}, {"url": "by", "valueReference": by}]
    task["extension"] = [*task.get("extension", []), {"url": urls.REFERRAL_IN_PLACE, "extension": parts}]


def in_place(task: Resource) -> list[dict[str, str]]:
    """The same, read, oldest first: informed, expert, time, by (a name); "" where nothing was said."""
    found = []
    for one in task.get("extension", []):
        if one.get("url") == urls.REFERRAL_IN_PLACE:
            parts = {part["url"]: part for part in one.get("extension", [])}
            texts = {name: str(parts.get(name, {}).get("valueString", "")) for name in ("informed", "expert")}
            by = str(parts.get("by", {}).get("valueReference", {}).get("display", ""))
            found.append({**texts, "time": str(parts.get("time", {}).get("valueDateTime", "")), "by": by})
    return found


def set_first_visit(task: Resource, due: date, discharged: date) -> None:
    """By when the patient is visited first, and the discharge that is counted from."""
    others = [e for e in task.get("extension", []) if e.get("url") != urls.FIRST_VISIT]
    parts: list[Resource] = [{"url": "due", "valueDate": due.isoformat()}, {"url": "discharged", "valueDate": discharged.isoformat()}]
    task["extension"] = [*others, {"url": urls.FIRST_VISIT, "extension": parts}]


def first_visit(task: Resource) -> str:
    """The same, read: the day it is due, "" where none is."""
    found: Resource = next((e for e in task.get("extension", []) if e.get("url") == urls.FIRST_VISIT), {})
    return next((str(part.get("valueDate", "")) for part in found.get("extension", []) if part.get("url") == "due"), "")


def set_green_channel(request: Resource, state: str, reason: str, at: str, by: Resource) -> None:
    """绿色通道: asked for or open, why, when and by whom."""
    parts: list[Resource] = [
        {"url": "state", "valueCode": state},
        {"url": "reason", "valueString": reason},
        {"url": "time", "valueDateTime": at},
        {"url": "by", "valueReference": by},
    ]
    others = [e for e in request.get("extension", []) if e.get("url") != urls.GREEN_CHANNEL]
    request["extension"] = [*others, {"url": urls.GREEN_CHANNEL, "extension": parts}]


def ask_for_green_channel_again(request: Resource) -> None:
    """What one receiver opened, the next one is asked for."""
    for one in request.get("extension", []):
        if one.get("url") == urls.GREEN_CHANNEL:
            one["extension"] = [{**part, "valueCode": "asked"} if part.get("url") == "state" else part for part in one["extension"]]


def green_channel(request: Resource) -> dict[str, str] | None:
    """The same, read: state and reason; None where there is none."""
    found = next((e for e in request.get("extension", []) if e.get("url") == urls.GREEN_CHANNEL), None)
    if found is None:
        return None
    parts = {part.get("url"): part for part in found.get("extension", [])}
    return {"state": str(parts.get("state", {}).get("valueCode", "")), "reason": str(parts.get("reason", {}).get("valueString", ""))}


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
