"""Made-up people as FHIR Patients, as many as are wanted: names as usual for their age, in the towns of the demo region.

Nobody is real: area codes, telephone range and health cards are those of the demo region (`yilian.demo.geography`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from yilian.demo import names, numbers
from yilian.demo.geography import CITY, CITY_CODE, DISTRICTS, PROVINCE, STREETS, TOWNS
from yilian.fhir import urls

Json = dict[str, Any]
TODAY = date(2026, 11, 1)
GIVEN = (
    "安邦保彬斌冰波博才昌超朝成诚崇传春聪达丹道德东冬恩发方飞芬丰峰凤福刚高歌耿工光广贵国海涵汉翰航浩和恒弘红宏洪虎"
    "华辉惠慧嘉佳家坚建健江杰洁金锦进晶敬静菊娟军君俊凯康克坤兰雷磊黎礼立丽利莲良林玲灵龙鲁满茂梅美萌梦敏明铭宁培鹏"
    "平萍奇琦启谦强琴青清庆秋泉群然仁荣蓉如瑞润森山尚少声胜诗石世淑舒树双顺思松涛天田庭婷桐万维伟卫文武希曦霞先贤湘"
    "祥翔小晓欣新信兴星雄秀旭轩学雪雅亚延岩彦燕阳洋瑶耀业怡宜义艺益毅英颖永勇友宇雨玉钰元远月悦云韵泽展哲贞珍正志智"
    "忠竹卓子紫宗祖"
)
"""Characters of given names, for names beyond the lists of the demo region: real regions have tens of thousands."""


def people(count: int, seed: int = 1) -> Iterator[Json]:
    """`count` Patients with the ids p-1, p-2 …, each a person of its own; families share address and, for children, the telephone."""
    rng = Random(seed)
    made = 0
    while made < count:
        for one in _household(rng, made + 1):
            made += 1
            if made > count:
                return
            yield one


def _household(rng: Random, first: int) -> Iterator[Json]:
    town = rng.choice(TOWNS)
    district = DISTRICTS[town.district]
    place = rng.choice(town.villages + town.hamlets)
    if town.urban:
        house = f"{rng.randint(1, 300)}号{rng.randint(1, 12)}栋{rng.randint(1, 4)}单元{rng.randint(1, 18)}0{rng.randint(1, 4)}室"
        line = f"{town.name}{rng.choice(STREETS)}{house}"
    else:
        line = f"{town.name}{place}{'' if place.endswith('社区') else '村'}{rng.randint(1, 12)}组{rng.randint(1, 140)}号"
    address = {
        "use": "home", "text": f"{PROVINCE}{CITY}{district.name}{line}", "line": [line],
        "city": CITY, "district": district.name, "state": PROVINCE,
    }  # fmt: skip
    family, phone = names.surname(rng), ""
    grown = rng.randint(20, 85)
    for nth, (own, age) in enumerate(
        [(True, grown), (False, grown + rng.randint(-4, 4)), (True, grown - 26), (True, grown - 29)][: rng.choice((1, 2, 2, 3, 3, 4))]
    ):
        if age < 0:
            return
        born = TODAY - timedelta(days=age * 365 + rng.randint(0, 364))
        sex = ("male", "female")[(nth + rng.randint(0, 1)) % 2] if nth > 1 else ("male", "female")[nth]
        number = first + nth
        name = names.name(rng, sex, born.year, family if own else "")
        given = name.given if rng.random() < 0.45 else "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2, 2))))
        if age >= 14 or not phone:
            phone = numbers.mobile(number * 7919 % 899999)
        identifiers = []
        if age > 0 or rng.random() < 0.4:
            identifiers.append({"system": urls.RESIDENT_ID, "value": numbers.resident_id(district.code, born, number % 999, sex)})
        if rng.random() < 0.4:
            identifiers.append({"system": urls.HEALTH_CARD, "value": f"{CITY_CODE}{number * 7351 % 100000000:012d}"})
        yield {
            "resourceType": "Patient",
            "id": f"p-{number}",
            "identifier": identifiers,
            "name": [{"use": "official", "text": name.family + given, "family": name.family, "given": [given]}],
            "telecom": [{"system": "phone", "value": phone}],
            "gender": sex,
            "birthDate": born.isoformat(),
            "address": [address],
        }
