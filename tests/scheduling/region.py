"""A hospital with a cardiologist, and places to be had: for the tests of booking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from yilian.db import Database
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]


def role(id: str, organization: str) -> Json:
    return {"resourceType": "PractitionerRole", "id": id, "organization": {"reference": f"Organization/{organization}"}}


def schedule(id: str, actor: str, kind: str = "clinic") -> Json:
    return {
        "resourceType": "Schedule",
        "id": id,
        "active": True,
        "serviceCategory": [{"coding": [{"system": urls.BOOKING_KIND, "code": kind}]}],
        "specialty": [{"coding": [{"system": urls.SPECIALTY, "code": "03.04"}]}],
        "actor": [{"reference": actor}],
    }


def slot(id: str, schedule: str, start: datetime, minutes: int = 60, places: int = 1, status: str = "free") -> Json:
    return {
        "resourceType": "Slot",
        "id": id,
        "extension": [{"url": urls.SLOT_CAPACITY, "valuePositiveInt": places}],
        "schedule": {"reference": f"Schedule/{schedule}"},
        "status": status,
        "start": start.isoformat(timespec="seconds"),
        "end": (start + timedelta(minutes=minutes)).isoformat(timespec="seconds"),
    }


async def put(db: Database, *resources: Json) -> None:
    """All of them, by a system of the region."""
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])


def row(days: tuple[str, ...], begins: str, ends: str, minutes: int, places: int, **more: Any) -> Json:
    """A row of a template. more: period, holidays."""
    parts: list[Json] = [{"url": "weekday", "valueCode": day} for day in days]
    parts += [{"url": "from", "valueTime": begins}, {"url": "to", "valueTime": ends}]
    parts += [{"url": "minutes", "valuePositiveInt": minutes}, {"url": "places", "valuePositiveInt": places}]
    if "period" in more:
        parts.append({"url": "period", "valuePeriod": more["period"]})
    if "holidays" in more:
        parts.append({"url": "holidays", "valueBoolean": more["holidays"]})
    return {"url": urls.SCHEDULE_TEMPLATE, "extension": parts}


def exception(kind: str, first: str, last: str | None, *, reason: str = "", hours: tuple[str, str, int, int] | None = None) -> Json:
    """Leave, or an extra clinic of hours (from, to, minutes, places)."""
    parts: list[Json] = [
        {"url": "kind", "valueCode": kind},
        {"url": "period", "valuePeriod": {"start": first, **({"end": last} if last else {})}},
    ]
    if reason:
        parts.append({"url": "reason", "valueString": reason})
    if hours:
        parts += [{"url": "from", "valueTime": hours[0]}, {"url": "to", "valueTime": hours[1]}]
        parts += [{"url": "minutes", "valuePositiveInt": hours[2]}, {"url": "places", "valuePositiveInt": hours[3]}]
    return {"url": urls.SCHEDULE_EXCEPTION, "extension": parts}
