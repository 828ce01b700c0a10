"""排班 of the demo region: who sees patients when, as templates from which the slots of the coming weeks are made.

Experts of the city hospitals on three half-days a week, physicians of the larger hospitals every working day, imaging as a service, and the
two general practitioners of the stories. Slots are an hour long (APT-2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yilian.demo import services
from yilian.demo.institutions import Institution
from yilian.demo.people import Person, Staff
from yilian.fhir import urls

Resource = dict[str, Any]

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
MORNING, AFTERNOON = ("08:00:00", "12:00:00"), ("14:00:00", "17:00:00")
RELEASE = {"days": 14, "at": "07:00"}
"""The policy `booking.release` of the demo: a fortnight, so that there is something to choose from."""

_EXPERTS = (
    ("yunxi-first", ("03.01", "03.02", "03.03", "03.04", "03.06", "03.07", "04.01", "04.03", "05.01", "05.02", "07")),
    ("yunxi-maternal", ("05.02", "07")),
    ("yunxi-tcm", ("50",)),
)
_CLINICS = (
    ("yunxi-first", ("03.01", "03.02", "03.03", "03.04", "03.06", "03.07", "04.01", "04.03", "05.01", "05.02", "07")),
    ("yunxi-county", ("03.01", "03.04", "04.01", "07")),
    ("baichuan-county", ("03.01", "03.04", "04.01")),
    ("songping-county", ("03.01", "04.01")),
    ("qingshi", ("02",)),
    ("liuhe", ("02",)),
)
_IMAGING = ("yunxi-first", "yunxi-county")
_HALF_DAYS = (
    (("mon", "am"), ("tue", "pm"), ("thu", "am")),
    (("tue", "am"), ("wed", "pm"), ("fri", "am")),
    (("mon", "pm"), ("wed", "am"), ("fri", "pm")),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A Schedule with its template, and the institution (id) it is confined to."""

    institution: str
    resource: Resource


def schedules(staff: Staff, places: dict[str, Institution]) -> Iterator[Planned]:
    """Every schedule, in a fixed order."""
    given: set[str] = set()
    for institution, codes in _EXPERTS:
        for number, code in enumerate(codes):
            person = next(one for one in staff.doctors(institution, code) if "consultant" in one.posts)
            given.add(person.id)
            rows = [_row((day,), MORNING if half == "am" else AFTERNOON, 4) for day, half in _HALF_DAYS[number % len(_HALF_DAYS)]]
            yield Planned(institution, _of(person, code, "expert", rows))
    for institution, specialties in _CLINICS:
        for code in specialties:
            others = [one for one in staff.doctors(institution, code) if one.id not in given]
            if not others:
                continue
            person = others[0]
            given.add(person.id)
            rows = [_row(WORKDAYS, MORNING, 5)]
            if institution == "yunxi-first":
                rows.append(_row(WORKDAYS, AFTERNOON, 5))
            yield Planned(institution, _of(person, code, "clinic", rows))
    for institution in _IMAGING:
        place = places[institution]
        service = {"reference": f"HealthcareService/{services.service_id(place, '32')}", "display": f"{place.short}{services.short('32')}"}
        rows = [_row((*WORKDAYS, "sat"), MORNING, 4), _row(WORKDAYS, AFTERNOON, 4)]
        yield Planned(institution, _schedule(f"{institution}-imaging", service, "32", "examination", rows))


def _of(person: Person, code: str, kind: str, rows: list[Resource]) -> Resource:
    actor = {"reference": f"PractitionerRole/{person.id}-role", "display": person.name.text}
    return _schedule(f"{person.id}-{kind}", actor, code, kind, rows)


def _schedule(id: str, actor: Resource, code: str, kind: str, rows: list[Resource]) -> Resource:
    return {
        "resourceType": "Schedule",
        "id": id,
        "extension": rows,
        "active": True,
        "serviceCategory": [{"coding": [{"system": urls.BOOKING_KIND, "code": kind}]}],
        "specialty": [services.specialty(code)],
        "actor": [actor],
    }


def _row(days: tuple[str, ...], hours: tuple[str, str], places: int) -> Resource:
    return {
        "url": urls.SCHEDULE_TEMPLATE,
        "extension": [
            *({"url": "weekday", "valueCode": day} for day in days),
            {"url": "from", "valueTime": hours[0]},
            {"url": "to", "valueTime": hours[1]},
            {"url": "minutes", "valuePositiveInt": 60},
            {"url": "places", "valuePositiveInt": places},
        ],
    }
