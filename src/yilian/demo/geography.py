"""Where the region lies: one city district and three counties along a river valley, twelve towns, thirty villages.

云溪市 is fictional. Its area codes use prefecture number 66 of province 51: GB/T 2260 has given no prefecture there, so no identifier
made from them can belong to a real person or institution. Landline numbers use area code 0819 and mobile numbers the range 16900, which
are not given out either. Coordinates are WGS 84 degrees and only keep the distances of the region believable: the valley is some 90 km
long.
"""

from __future__ import annotations

from dataclasses import dataclass

PROVINCE = "四川省"
CITY = "云溪市"
CITY_CODE = "516600"
AREA_CODE = "0819"


@dataclass(frozen=True, slots=True)
class District:
    """A county-level division: GB/T 2260 code of six digits, name, postal code, seat."""

    code: str
    name: str
    postal: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Town:
    """A town, township or street with its centre of primary care; `code` is the nine-digit division code."""

    id: str
    code: str
    name: str
    district: str
    latitude: float
    longitude: float
    villages: tuple[str, ...]  # the villages that have a post of their own
    hamlets: tuple[str, ...]  # others, without a post
    urban: bool = False


DISTRICTS = {
    "yuncheng": District("516602", "云城区", "628900", 31.4210, 106.1180),
    "yunxi": District("516621", "云溪县", "628920", 31.5630, 106.2390),
    "baichuan": District("516622", "柏川县", "628940", 31.2280, 106.0120),
    "songping": District("516623", "松坪县", "628960", 31.6940, 105.9460),
}

TOWNS = (
    Town("dongmen", "516602001", "东门街道", "yuncheng", 31.4262, 106.1304, ("东门",), ("文庙", "学道街"), True),
    Town("binjiang", "516602002", "滨江街道", "yuncheng", 31.4121, 106.1096, ("临江",), ("渔港", "金沙路"), True),
    Town("beiyuan", "516602003", "北苑街道", "yuncheng", 31.4408, 106.1135, ("北苑",), ("纺织路", "园丁"), True),
    Town("qingshi", "516621101", "青石镇", "yunxi", 31.6102, 106.2875, ("石坎", "梨树", "双堰", "高坪"), ("青石社区", "观音岩", "新桥")),
    Town("liuhe", "516621102", "柳河镇", "yunxi", 31.5207, 106.3164, ("柳荫", "河湾", "大田", "马家沟"), ("柳河社区", "水磨", "龙洞")),
    Town("baisha", "516621103", "白沙镇", "yunxi", 31.5011, 106.1833, ("沙溪", "黄桷", "土门"), ("白沙社区", "五里")),
    Town("shiqiao", "516622101", "石桥镇", "baichuan", 31.2467, 106.0588, ("桥头", "古柏", "长坡"), ("石桥社区", "茶园")),
    Town("maan", "516622102", "马鞍镇", "baichuan", 31.1722, 105.9604, ("鞍桥", "红岩"), ("马鞍社区", "清泉", "桃园")),
    Town("zhuxi", "516622103", "竹溪镇", "baichuan", 31.1954, 106.1027, ("竹林", "溪口", "金竹"), ("竹溪社区", "天堂")),
    Town("shuanghe", "516623101", "双河镇", "songping", 31.6571, 105.9913, ("两河", "青杠", "白果"), ("双河社区", "回龙")),
    Town("luming", "516623102", "鹿鸣镇", "songping", 31.7416, 105.8997, ("松林", "大坪"), ("鹿鸣社区", "凉水井")),
    Town("yunling", "516623201", "云岭彝族乡", "songping", 31.7983, 105.9742, ("核桃", "云顶", "高山"), ("云岭社区", "索玛")),
)
TOWN = {town.id: town for town in TOWNS}

STREETS = ("解放街", "人民路", "建设路", "幸福街", "朝阳路", "文化路", "新华街", "光明巷", "滨河路", "东风路")


def address(district: District, line: str) -> dict[str, object]:
    """FHIR Address of a line within a district."""
    return {
        "use": "work",
        "type": "physical",
        "text": f"{PROVINCE}{CITY}{district.name}{line}",
        "line": [line],
        "city": CITY,
        "district": district.name,
        "state": PROVINCE,
        "postalCode": district.postal,
        "country": "CN",
    }
