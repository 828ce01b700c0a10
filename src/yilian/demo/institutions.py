"""The institutions of the region: organisations, where they stand, and the consortium they form.

Institution kinds are those of WS 218-2002, levels those of the hospital accreditation (三甲 …). mCSD: every facility is an Organization
and a Location.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from yilian.demo import geography, numbers
from yilian.demo.geography import DISTRICTS, TOWNS
from yilian.directory.tiers import TIERS
from yilian.fhir import urls

Resource = dict[str, Any]

COMMISSION = "yunxi-commission"
INSURANCE = "yunxi-insurance"

KINDS = {
    "A100": "综合医院",
    "A210": "中医(综合)医院",
    "B100": "社区卫生服务中心",
    "B200": "社区卫生服务站",
    "C210": "中心卫生院",
    "C220": "乡卫生院",
    "D600": "村卫生室",
    "G100": "妇幼保健院",
}
LEVELS = {"3a": "三级甲等", "2a": "二级甲等", "2b": "二级乙等", "1a": "一级甲等", "": "未定级"}


@dataclass(frozen=True, slots=True)
class Institution:
    """One place of care. `parent` is the institution a village post belongs to; `town` the place whose residents it registers."""

    id: str
    name: str
    short: str
    kind: str
    tier: str
    level: str
    district: str
    line: str
    latitude: float
    longitude: float
    phone: str
    code: str  # 22 characters
    credit: str
    parent: str = ""
    town: str = ""
    asks_approval: bool = False

    @property
    def reference(self) -> Resource:
        return {"reference": f"Organization/{self.id}", "display": self.name}

    @property
    def place(self) -> Resource:
        return {"reference": f"Location/{self.id}", "display": self.name}


# Hospitals: id, name, short name, kind, tier, level, district, street, offset from the district's seat, asks approval of up-referrals.
_HOSPITALS = (
    ("yunxi-first", "云溪市第一人民医院", "市一院", "A100", "city", "3a", "yuncheng", "人民路 168 号", 0.006, 0.004, False),
    ("yunxi-maternal", "云溪市妇幼保健院", "市妇幼", "G100", "city", "3a", "yuncheng", "滨河路 36 号", -0.004, -0.006, False),
    ("yunxi-tcm", "云溪市中医医院", "市中医院", "A210", "city", "3a", "yuncheng", "文化路 52 号", 0.009, -0.008, False),
    ("yunxi-county", "云溪县人民医院", "云溪县医院", "A100", "county", "2a", "yunxi", "建设路 88 号", 0.003, 0.002, False),
    ("baichuan-county", "柏川县人民医院", "柏川县医院", "A100", "county", "2a", "baichuan", "解放街 121 号", 0.002, -0.003, True),
    ("songping-county", "松坪县人民医院", "松坪县医院", "A100", "county", "2b", "songping", "朝阳路 19 号", -0.003, 0.003, False),
)

_CENTRES = {  # kind, level, asks approval
    "dongmen": ("B100", "", False),
    "binjiang": ("B100", "", True),
    "beiyuan": ("B100", "", False),
    "qingshi": ("C220", "1a", True),
    "liuhe": ("C220", "1a", False),
    "baisha": ("C210", "1a", False),
    "shiqiao": ("C210", "1a", True),
    "maan": ("C220", "", False),
    "zhuxi": ("C220", "", False),
    "shuanghe": ("C210", "1a", False),
    "luming": ("C220", "", False),
    "yunling": ("C220", "", False),
}


def institutions(rng: Random) -> dict[str, Institution]:
    """All places of care, lead hospital first, in a fixed order."""
    out: dict[str, Institution] = {}
    for id, name, short, kind, tier, level, at, line, north, east, asks in _HOSPITALS:
        district = DISTRICTS[at]
        out[id] = _make(
            len(out), id, name, short, kind, tier, level, at, line, district.latitude + north, district.longitude + east, asks_approval=asks
        )
    for town in TOWNS:
        kind, level, asks = _CENTRES[town.id]
        name = f"{town.name[:-2]}社区卫生服务中心" if kind == "B100" else f"{town.name}{'中心' if kind == 'C210' else ''}卫生院"
        short = f"{town.name[:-2]}社区" if kind == "B100" else name
        line = f"{town.name}{rng.choice(geography.STREETS)} {rng.randrange(1, 90)} 号"
        out[town.id] = _make(
            len(out),
            town.id,
            name,
            short,
            kind,
            "township",
            level,
            town.district,
            line,
            town.latitude,
            town.longitude,
            town=town.id,
            asks_approval=asks,
        )
    for town in TOWNS:
        for place, village in enumerate(town.villages, 1):
            name = f"{village}社区卫生服务站" if town.urban else f"{town.name}{village}村卫生室"
            out[f"{town.id}-v{place:02d}"] = _make(
                len(out),
                f"{town.id}-v{place:02d}",
                name,
                name if town.urban else f"{village}村卫生室",
                "B200" if town.urban else "D600",
                "village",
                "",
                town.district,
                f"{town.name}{village}" + ("社区" if town.urban else "村"),
                round(town.latitude + rng.uniform(-0.03, 0.03) * (0.2 if town.urban else 1), 4),
                round(town.longitude + rng.uniform(-0.03, 0.03) * (0.2 if town.urban else 1), 4),
                parent=town.id,
                town=town.id,
            )
    return out


def _make(
    serial: int,
    id: str,
    name: str,
    short: str,
    kind: str,
    tier: str,
    level: str,
    district: str,
    line: str,
    latitude: float,
    longitude: float,
    *,
    parent: str = "",
    town: str = "",
    asks_approval: bool = False,
) -> Institution:
    area = DISTRICTS[district].code
    code = numbers.organization_code(100 + serial)
    return Institution(
        id=id,
        name=name,
        short=short,
        kind=kind,
        tier=tier,
        level=level,
        district=district,
        line=line,
        latitude=round(latitude, 4),
        longitude=round(longitude, 4),
        phone=numbers.landline(geography.AREA_CODE, 100 + serial * 37),
        code=numbers.institution_code(area, code, kind),
        credit=numbers.credit_code(area, code),
        parent=parent,
        town=town,
        asks_approval=asks_approval,
    )


def resources(places: dict[str, Institution]) -> Iterator[Resource]:
    """Organizations (the offices included) and Locations."""
    yield _office(COMMISSION, "云溪市卫生健康委员会", "市卫健委", "卫生健康行政部门")
    yield _office(INSURANCE, "云溪市医疗保障局", "市医保局", "医疗保障经办机构")
    for place in places.values():
        yield organization(place, places)
    for place in places.values():
        yield location(place)


def _office(id: str, name: str, short: str, kind: str) -> Resource:
    return {
        "resourceType": "Organization",
        "id": id,
        "active": True,
        "type": [{"text": kind}],
        "name": name,
        "alias": [short],
        "address": [geography.address(DISTRICTS["yuncheng"], "人民路 1 号")],
    }


def organization(place: Institution, places: dict[str, Institution]) -> Resource:
    """The Organization of one institution; whether its up-referrals need approval, and whose, is an extension."""
    extension: list[Resource] = [
        {"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": place.tier, "display": TIERS[place.tier][1]}}
    ]
    if place.tier in ("township", "county"):
        extension.append({"url": urls.NEEDS_APPROVAL, "valueBoolean": place.asks_approval})
    out: Resource = {
        "resourceType": "Organization",
        "id": place.id,
        "extension": extension,
        "identifier": [
            {"use": "official", "system": urls.INSTITUTION_ID, "value": place.code},
            {"use": "official", "system": urls.USCC, "value": place.credit},
        ],
        "active": True,
        "type": [
            {"coding": [{"system": urls.INSTITUTION_KIND, "code": place.kind, "display": KINDS[place.kind]}], "text": KINDS[place.kind]}
        ],
        "name": place.name,
        "alias": [place.short],
        "telecom": [{"system": "phone", "value": place.phone, "use": "work"}],
        "address": [geography.address(DISTRICTS[place.district], place.line)],
    }
    if place.level:
        out["type"].append({"text": LEVELS[place.level]})
    if place.parent:
        out["partOf"] = places[place.parent].reference
    return out


def location(place: Institution) -> Resource:
    """Where the institution stands."""
    return {
        "resourceType": "Location",
        "id": place.id,
        "status": "active",
        "name": place.name,
        "mode": "instance",
        "type": [{"text": KINDS[place.kind]}],
        "telecom": [{"system": "phone", "value": place.phone, "use": "work"}],
        "address": geography.address(DISTRICTS[place.district], place.line),
        "physicalType": _physical("si", "院区"),
        "position": {"longitude": place.longitude, "latitude": place.latitude},
        "managingOrganization": place.reference,
    }


def _physical(code: str, display: str) -> Resource:
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": code, "display": display}]}
