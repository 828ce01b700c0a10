"""The consortia of the region and who belongs to them, from when to when; the equipment that is shared; and people who work in two places.

One hospital is in several consortia: the lead hospital leads the city's and the alliance of cardiologists, the county hospital is a member
there and leads the medical community of its county. One township has changed from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yilian.demo import geography, services
from yilian.demo.geography import DISTRICTS
from yilian.demo.institutions import Institution
from yilian.demo.people import POSTS, Staff, position
from yilian.directory.codes import BONDS, EQUIPMENT, FORMS, ROLES
from yilian.fhir import urls

Resource = dict[str, Any]

CITY = "yunxi-consortium"
COUNTY = "yunxi-county-community"
HEART = "yunxi-heart-alliance"

CONSORTIA = {  # name, short, form, lead
    CITY: ("云溪市紧密型医疗联合体", "市医联体", "city-group", "yunxi-first"),
    COUNTY: ("云溪县紧密型县域医共体", "云溪县医共体", "county-community", "yunxi-county"),
    HEART: ("云溪市心血管专科联盟", "心血管联盟", "specialty-alliance", "yunxi-first"),
}
COUNTY_TOWNS = ("qingshi", "liuhe", "baisha")
HEART_MEMBERS = ("yunxi-county", "baichuan-county", "songping-county", "qingshi", "liuhe")

_MACHINES: dict[str, tuple[tuple[str, str, str, str, bool], ...]] = {
    # institution: kind, name, maker, model, shared
    "yunxi-first": (
        ("ct", "256 排螺旋 CT", "澄光影像", "CG-CT960", True),
        ("ct", "64 排螺旋 CT", "天衡影像", "TH-CT128", True),
        ("mr", "3.0T 磁共振", "澄光影像", "CG-MR790", True),
        ("dsa", "血管造影机", "北辰影像", "BC-DSA90", True),
        ("pet-ct", "PET/CT", "澄光影像", "CG-PET550", True),
        ("linac", "直线加速器", "澄光影像", "CG-RT506", True),
        ("ultrasound", "心脏彩超", "云川医疗", "YC-U7", True),
        ("endoscope", "电子胃肠镜", "云川医疗", "YC-E550", True),
    ),
    "yunxi-maternal": (("ultrasound", "四维彩超", "云川医疗", "YC-U9", True), ("mammography", "乳腺钼靶机", "天衡影像", "TH-M20", True)),
    "yunxi-tcm": (("ct", "16 排螺旋 CT", "天衡影像", "TH-CT16", False), ("mr", "1.5T 磁共振", "北辰影像", "BC-MR150", True)),
    "yunxi-county": (
        ("ct", "64 排螺旋 CT", "澄光影像", "CG-CT550", True),
        ("mr", "1.5T 磁共振", "澄光影像", "CG-MR570", True),
        ("dsa", "血管造影机", "北辰影像", "BC-DSA30", True),
        ("ultrasound", "彩超", "云川医疗", "YC-U5", True),
        ("haemodialysis", "血液透析机", "清源净化", "QY-4000", False),
    ),
    "baichuan-county": (("ct", "32 排螺旋 CT", "天衡影像", "TH-CT64", True), ("endoscope", "电子胃肠镜", "云川医疗", "YC-E400", True)),
    "songping-county": (("ct", "16 排螺旋 CT", "天衡影像", "TH-CT18", True), ("dr", "数字化 X 线机", "天衡影像", "TH-D500", True)),
    "qingshi": (("holter", "动态心电记录仪", "云川医疗", "YC-H12", True), ("ultrasound", "便携彩超", "云川医疗", "YC-P9", False)),
    "liuhe": (("dr", "数字化 X 线机", "北辰影像", "BC-D10", False),),
}


def resources(places: dict[str, Institution]) -> Iterator[Resource]:
    """The consortia as Organizations, and the memberships."""
    for id, (name, short, form, _) in CONSORTIA.items():
        yield {
            "resourceType": "Organization",
            "id": id,
            "active": True,
            "type": [_concept(urls.CONSORTIUM_FORM, form, FORMS[form][0])],
            "name": name,
            "alias": [short],
            "address": [geography.address(DISTRICTS["yuncheng" if id != COUNTY else "yunxi"], "人民路 1 号")],
        }
    for place in places.values():
        if place.tier != "village":
            start = "2023-01-01" if place.tier in ("city", "county") else "2023-07-01"
            yield _membership(CITY, place, start, bond="tight" if place.tier != "city" else "collaboration")
    yield _membership(COUNTY, places["yunxi-county"], "2024-03-01")
    for town in COUNTY_TOWNS:
        yield _membership(COUNTY, places[town], "2024-03-01", bond="tight")
    yield _membership(COUNTY, places["shuanghe"], "2024-03-01", bond="trusteeship", end="2025-06-30")
    yield _membership(HEART, places["yunxi-first"], "2025-01-01")
    for id in HEART_MEMBERS:
        yield _membership(HEART, places[id], "2025-01-01", bond="collaboration")


def _membership(consortium: str, place: Institution, start: str, *, bond: str = "tight", end: str = "") -> Resource:
    name, _, _, lead = CONSORTIA[consortium]
    role = "lead" if place.id == lead else "member"
    codes = [_concept(urls.CONSORTIUM_ROLE, role, ROLES[role][0])]
    if role != "lead":
        codes.append(_concept(urls.CONSORTIUM_BOND, bond, BONDS[bond][0]))
    return {
        "resourceType": "OrganizationAffiliation",
        "id": f"{consortium}-{place.id}",
        "extension": [
            {"url": urls.LIAISON, "valueString": f"{place.short}转诊办" if place.tier != "township" else f"{place.short}公卫科"},
            {"url": urls.AGREEMENT, "valueString": f"{name}章程及合作协议({start[:4]})"},
        ],
        "active": not end,
        "period": {"start": start} | ({"end": end} if end else {}),
        "organization": {"reference": f"Organization/{consortium}", "display": name},
        "participatingOrganization": place.reference,
        "code": codes,
        "location": [place.place],
        "telecom": [{"system": "phone", "value": place.phone, "use": "work"}],
    }


def machines(places: dict[str, Institution]) -> Iterator[Resource]:
    """Equipment as Devices of their institutions."""
    for id, machines in _MACHINES.items():
        for number, (kind, name, maker, model, shared) in enumerate(machines, 1):
            yield {
                "resourceType": "Device",
                "id": f"{id}-device{number:02d}",
                "extension": [{"url": urls.SHARED_EQUIPMENT, "valueBoolean": shared}],
                "status": "active",
                "manufacturer": maker,
                "serialNumber": f"{id.upper()}-{number:04d}",
                "deviceName": [{"name": name, "type": "user-friendly-name"}],
                "modelNumber": model,
                "type": _concept(urls.EQUIPMENT_KIND, kind, EQUIPMENT[kind][0]),
                "owner": places[id].reference,
                "location": places[id].place,
            }


def second_posts(staff: Staff, places: dict[str, Institution]) -> Iterator[Resource]:
    """Who works in two places: a consultant who sees patients in the county, and a county doctor who works in a township (县管乡用)."""
    consultant = staff.by_id["expert"]
    doctor = staff.with_post("yunxi-county", "physician")
    yield _post(consultant.id, consultant.reference, places["yunxi-county"], "consultant", "multi-site", "03.04", "yunxi-first", places)
    yield _post(doctor.id, doctor.reference, places["qingshi"], "physician", "county-managed", "03", "yunxi-county", places)


def _post(
    person: str, who: Resource, place: Institution, post: str, kind: str, department: str, employer: str, places: dict[str, Institution]
) -> Resource:
    return {
        "resourceType": "PractitionerRole",
        "id": f"{person}-at-{place.id}",
        "extension": [position(kind, places[employer])],
        "active": True,
        "period": {"start": "2025-03-01"},
        "practitioner": who,
        "organization": place.reference,
        "location": [place.place],
        "code": [{"coding": [{"system": urls.ROLE, "code": post, "display": POSTS[post]}], "text": POSTS[post]}],
        "specialty": [services.specialty(department)],
    }


def _concept(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}
