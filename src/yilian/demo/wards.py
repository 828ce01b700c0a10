"""The wards of some institutions with their rooms and beds, and the day ward whose beds are booked by the hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from yilian.beds.kinds import GENDER, KINDS
from yilian.demo.clinical.visit import stamp
from yilian.demo.institutions import Institution
from yilian.directory.specialties import SPECIALTIES
from yilian.fhir import urls

Resource = dict[str, Any]

IN_A_ROOM = 3
HOURS = (time(8, 0), time(10, 30), time(14, 0))
DAYS_AHEAD = 6


@dataclass(frozen=True, slots=True)
class Ward:
    """specialty: 诊疗科目 of the ward; stopped: numbers of beds that are out of service; women: whether only women lie there;
    youngest: from which age on people come to lie there."""

    institution: str
    key: str
    name: str
    beds: int
    specialty: str
    kind: str = "general"
    stopped: tuple[int, ...] = ()
    women: bool = False
    youngest: int = 18

    @property
    def id(self) -> str:
        return f"{self.institution}-{self.key}"

    def bed(self, number: int) -> str:
        return f"{self.id}-bed{number:02d}"

    def room(self, number: int) -> int:
        return (number - 1) // IN_A_ROOM + 1

    def sex(self, number: int) -> str:
        """For whom the room is, in wards with rooms for men and for women; the last is for whoever comes."""
        if self.women:
            return "female"
        last = self.room(number) == self.room(self.beds)
        return "" if last or self.kind != "general" else ("female", "male")[self.room(number) % 2]

    def takes(self, number: int, sex: str, age: int) -> bool:
        return self.sex(number) in ("", sex) and age >= self.youngest and (not self.women or age < 65)


WARDS = (
    Ward("yunxi-first", "cardiology", "心血管内科病区", 16, "03.04", stopped=(11,), youngest=48),
    Ward("yunxi-first", "neurology", "神经内科病区", 14, "03.03", youngest=40),
    Ward("yunxi-first", "respiratory", "呼吸内科病区", 12, "03.01", stopped=(5,), youngest=35),
    Ward("yunxi-first", "endocrine", "内分泌科病区", 10, "03.07", youngest=25),
    Ward("yunxi-first", "orthopaedics", "骨科病区", 14, "04.03", youngest=35),
    Ward("yunxi-first", "icu", "重症医学科病区", 8, "28", kind="intensive", youngest=45),
    Ward("yunxi-county", "internal", "内科病区", 12, "03", stopped=(8,), youngest=30),
    Ward("yunxi-county", "surgery", "外科病区", 10, "04.01", youngest=22),
    Ward("yunxi-maternal", "obstetrics", "妇产科病区", 10, "05", women=True),
    Ward("qingshi", "ward", "综合病区", 6, "03"),
)
DAY = Ward("yunxi-first", "day-surgery", "日间手术中心", 4, "04.01", kind="day")
DEPARTMENTS = {"03": "03.02", "05": "05.01"}
"""As whose patients those lie there, where the ward is of several departments."""


def resources(places: dict[str, Institution]) -> Iterator[Resource]:
    """Wards, rooms and beds as Locations."""
    for ward in (*WARDS, DAY):
        place = places[ward.institution]
        types = [(urls.SPECIALTY, ward.specialty, SPECIALTIES[ward.specialty]), (urls.BED_KIND, ward.kind, KINDS[ward.kind][0])]
        yield {
            **_location(ward.id, ward.name, "wa", "病区", place),
            "type": [{"coding": [{"system": system, "code": code, "display": zh}]} for system, code, zh in types],
            "partOf": place.place,
        }
        within = {"reference": f"Location/{ward.id}", "display": ward.name}
        rooms = range(1, ward.room(ward.beds) + 1)
        for room in rooms:
            yield {**_location(f"{ward.id}-room{room:02d}", f"{room:02d} 室", "ro", "病室", place), "partOf": within}
        for number in range(1, ward.beds + 1):
            yield _bed(ward, number, place)


def _bed(ward: Ward, number: int, place: Institution) -> Resource:
    room = ward.room(number)
    bed = _location(ward.bed(number), f"{ward.name.removesuffix('病区')}{number:02d}床", "bd", "病床", place)
    bed["identifier"] = [{"system": "urn:oid:2.16.156.10011.1.22", "value": f"{number:02d}"}]
    bed["partOf"] = {"reference": f"Location/{ward.id}-room{room:02d}", "display": f"{room:02d} 室"}
    if sex := ward.sex(number):
        bed["type"] = [{"coding": [{"system": GENDER, "code": sex, "display": {"male": "男", "female": "女"}[sex]}]}]
    if number in ward.stopped:
        bed["status"] = "suspended"
        bed["operationalStatus"] = {"system": "http://terminology.hl7.org/CodeSystem/v2-0116", "code": "C", "display": "停用"}
        bed["description"] = "供氧终端检修"
    return bed


def schedules(today: date) -> Iterator[Resource]:
    """The beds of the day ward by the hour, on the working days to come: day surgery is booked like a doctor's hour."""
    for number in range(1, DAY.beds + 1):
        id = f"{DAY.id}-{number:02d}"
        yield {
            "resourceType": "Schedule",
            "id": id,
            "active": True,
            "serviceCategory": [{"coding": [{"system": urls.BOOKING_KIND, "code": "day-surgery", "display": "日间手术"}]}],
            "specialty": [{"coding": [{"system": urls.SPECIALTY, "code": DAY.specialty, "display": SPECIALTIES[DAY.specialty]}]}],
            "actor": [{"reference": f"Location/{DAY.bed(number)}", "display": f"{DAY.name}{number:02d}床"}],
        }
        for ahead in range(1, DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            for hour in HOURS if day.weekday() < 5 else ():
                start = datetime.combine(day, hour)
                yield {
                    "resourceType": "Slot",
                    "id": f"{id}-{start:%Y%m%d%H%M}",
                    "schedule": {"reference": f"Schedule/{id}"},
                    "status": "free",
                    "start": stamp(start),
                    "end": stamp(start + timedelta(hours=2)),
                }


def _location(id: str, name: str, code: str, display: str, place: Institution) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/location-physical-type"
    return {
        "resourceType": "Location",
        "id": id,
        "status": "active",
        "name": name,
        "mode": "instance",
        "physicalType": {"coding": [{"system": system, "code": code, "display": display}]},
        "managingOrganization": place.reference,
    }
