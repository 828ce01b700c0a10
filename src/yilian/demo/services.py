"""What each institution may do: its services by 诊疗科目 (医疗机构诊疗科目名录; codes as on the medical record's front page)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yilian.demo.institutions import Institution
from yilian.directory import offers
from yilian.directory.specialties import SPECIALTIES
from yilian.fhir import urls

Resource = dict[str, Any]

# Names a person uses in front of the department; the rest keep the name of the catalogue.
_SHORT = {
    "02": "全科", "03.01": "呼吸内科", "03.02": "消化内科", "03.03": "神经内科", "03.04": "心血管内科",
    "03.05": "血液内科", "03.06": "肾病内科", "03.07": "内分泌科", "03.10": "老年病科", "04.01": "普外科",
    "04.02": "神经外科", "04.03": "骨科", "04.04": "泌尿外科", "04.05": "胸外科", "05.01": "妇科", "05.02": "产科",
    "07.01": "新生儿科", "07.04": "小儿呼吸科",
}  # fmt: skip

_LEAD = (
    "03.01 03.02 03.03 03.04 03.05 03.06 03.07 03.10 04.01 04.02 04.03 04.04 04.05 "
    "05.01 05.02 07 07.01 10 11 12 13 15 16 19 20 21 26 28 30 31 32 50"
)
_COUNTY = "03.01 03.02 03.03 03.04 03.07 04.01 04.03 04.04 05.01 05.02 07 10 11 20 21 26 28 30 32 50"
_SMALL_COUNTY = "03 03.01 03.04 04.01 04.03 05 07 10 11 20 26 30 32 50"
_MATERNAL = "05.01 05.02 06 07 07.01 07.04 09 26 30 32"
_TCM = "03 03.03 03.04 04.03 20 21 30 32 50"
_CENTRE = "01 02 03 04 05 06 09 12 20 30 32 50"
_SMALL_CENTRE = "01 02 03 04 30 32 50"


_PAPERS = {"19": ("laboratory", "imaging"), "04.02": ("imaging",)}


def scope_of(place: Institution) -> tuple[str, ...]:
    """The department codes an institution is licensed for."""
    if place.id == "yunxi-first":
        return tuple(_LEAD.split())
    if place.id == "yunxi-maternal":
        return tuple(_MATERNAL.split())
    if place.id == "yunxi-tcm":
        return tuple(_TCM.split())
    if place.tier == "county":
        return tuple((_SMALL_COUNTY if place.level == "2b" else _COUNTY).split())
    if place.tier == "township":
        return tuple((_CENTRE if place.level == "1a" or place.kind == "B100" else _SMALL_CENTRE).split())
    return ("02",)


def short(code: str) -> str:
    """The department as it is called on the ward: 心血管内科."""
    return _SHORT.get(code, SPECIALTIES[code])


def specialty(code: str) -> Resource:
    """The department as a CodeableConcept."""
    return {"coding": [{"system": urls.SPECIALTY, "code": code, "display": SPECIALTIES[code]}], "text": short(code)}


def service_id(place: Institution, code: str) -> str:
    return f"{place.id}-{code.replace('.', '')}"


def settings(place: Institution, code: str) -> offers.Settings:
    """From where a service takes referrals: hospitals of the city from below and beside, centres and posts from above and beside. Some let
    the referrer book, some ask for papers."""
    accepts = {"city": ("up", "lateral"), "county": ("up", "down", "lateral")}.get(place.tier, ("down", "lateral"))
    direct = place.tier == "city" and code in ("03.07", "10", "21")
    return offers.Settings(accepts, direct_booking=direct, attachments=_PAPERS.get(code, ()) if place.tier == "city" else ())


def resources(places: dict[str, Institution]) -> Iterator[Resource]:
    """One HealthcareService for each department of each institution."""
    for place in places.values():
        for code in scope_of(place):
            yield {
                "resourceType": "HealthcareService",
                "id": service_id(place, code),
                "extension": [offers.extension(settings(place, code))],
                "active": True,
                "providedBy": place.reference,
                "type": [specialty(code)],
                "specialty": [specialty(code)],
                "location": [place.place],
                "name": f"{place.short}{short(code)}",
                "telecom": [{"system": "phone", "value": place.phone, "use": "work"}],
                "appointmentRequired": place.tier in ("city", "county") and code not in ("20", "28"),
                "availableTime": [_hours(code)],
            }


def _hours(code: str) -> Resource:
    if code in ("20", "28", "30", "32"):
        return {"allDay": True, "daysOfWeek": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
    return {"daysOfWeek": ["mon", "tue", "wed", "thu", "fri", "sat"], "availableStartTime": "08:00:00", "availableEndTime": "17:30:00"}
