"""What happens to a person's particulars between one registration desk and the next: the slips linkage has to see through.

Each is a function (rng, patient) that alters a copy; `again` applies some of them, by the rates below. Rates are ours: more than what desks
with a card reader make, about what is typed by hand.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from random import Random
from typing import Any

from bench.match_people import GIVEN
from yilian.demo.geography import CITY, DISTRICTS, PROVINCE, STREETS, TOWNS
from yilian.fhir import urls
from yilian.identity.matching.names import confused
from yilian.search.syllables import syllables

Json = dict[str, Any]

MORE = (
    "伟玮炜维纬静靖婧净丽莉俐莹瑛颖盈军均筠君俊骏峻芳芬纷明鸣铭名敏闽民珉志智治致芝晓筱小笑梅媚霞侠燕艳彦雁杰洁捷婕"
    "玲灵铃岭琳林霖麟红宏洪鸿虹建健剑鉴国果平萍屏苹强蔷华桦花云芸韵运秀绣修文雯纹闻飞菲非霏波博勃伯涛滔韬龙隆荣蓉容"
    "融海亥磊蕾雷刚钢岗辉晖慧惠卉会春纯淳兰岚蓝澜阳洋扬杨宇雨羽玉裕钰育欣新鑫心馨昕佳嘉家加珈浩皓昊豪"
)


def again(rng: Random, patient: Json) -> Json:
    """The same person registered once more somewhere else."""
    other: Json = copy.deepcopy(patient)
    for slip, rate in RATES:
        if rng.random() < rate:
            slip(rng, other)
    return other


def with_duplicates(people: Iterable[Json], rng: Random, share: float = 0.2) -> Iterator[tuple[int, Json]]:
    """(whose it is, Patient): each person once, and `share` of all records a second (now and then a third) registration of somebody."""
    rate = share / (1 - share)
    for whose, patient in enumerate(people):
        yield whose, patient
        if rng.random() < rate * 0.9:
            yield whose, again(rng, patient)
            if rng.random() < 0.11:
                yield whose, again(rng, patient)


# --- names


@cache
def _alike() -> tuple[dict[str, str], dict[str, str]]:
    """Character → others that sound the same; character → others whose sound is confused with it."""
    same: dict[str, str] = defaultdict(str)
    near: dict[str, str] = defaultdict(str)
    for character in dict.fromkeys(GIVEN + MORE):
        (syllable,) = syllables(character)
        same[syllable] += character
        near[confused(syllable)] += character
    return (
        {c: group.replace(c, "") for group in same.values() for c in group if len(group) > 1},
        {c: group.replace(c, "") for group in near.values() for c in group if len(group) > 1},
    )


def _rename(patient: Json, family: str, given: str) -> None:
    patient["name"] = [{"text": family + given, "family": family, "given": [given]}]


def _parts(patient: Json) -> tuple[str, str]:
    name = patient["name"][0]
    return str(name.get("family") or name["text"][0]), str((name.get("given") or [name["text"][1:]])[0])


def homophone(rng: Random, patient: Json) -> None:
    _put_another(rng, patient, _alike()[0])


def misheard(rng: Random, patient: Json) -> None:
    _put_another(rng, patient, _alike()[1])


def _put_another(rng: Random, patient: Json, others: dict[str, str]) -> None:
    family, given = _parts(patient)
    places = [place for place, character in enumerate(given) if character in others]
    if places:
        place = rng.choice(places)
        _rename(patient, family, given[:place] + rng.choice(others[given[place]]) + given[place + 1 :])


def wrong_character(rng: Random, patient: Json) -> None:
    family, given = _parts(patient)
    if given:
        place = rng.randrange(len(given))
        _rename(patient, family, given[:place] + rng.choice(GIVEN) + given[place + 1 :])


def left_out(rng: Random, patient: Json) -> None:
    family, given = _parts(patient)
    if len(given) > 1:
        place = rng.randrange(len(given))
        _rename(patient, family, given[:place] + given[place + 1 :])


def turned_round(rng: Random, patient: Json) -> None:
    family, given = _parts(patient)
    if given:
        patient["name"] = [{"text": given + family}]


def in_pinyin(rng: Random, patient: Json) -> None:
    from yilian.search.pinyin import readings

    family, given = _parts(patient)
    spelled = readings(family + given, True)[0]
    patient["name"] = [{"text": " ".join(["".join(spelled[: len(family)]).upper(), "".join(spelled[len(family) :]).capitalize()])}]


# --- dates


def _digit(rng: Random, text: str) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice([d for d in "0123456789" if d != text[place]]) + text[place + 1 :]


def _swapped(rng: Random, text: str) -> str:
    places = [place for place in range(len(text) - 1) if text[place] != text[place + 1]]
    if not places:
        return text
    place = rng.choice(places)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _date(patient: Json, digits: str) -> None:
    with suppress(ValueError):  # a desk's form refuses what is no date
        patient["birthDate"] = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).isoformat()


def _redate(change: Callable[[Random, str], str]) -> Callable[[Random, Json], None]:
    def slip(rng: Random, patient: Json) -> None:
        if patient.get("birthDate"):
            _date(patient, change(rng, patient["birthDate"].replace("-", "")))

    return slip


def _days(rng: Random, text: str) -> str:
    return text[:4] + text[6:] + text[4:6]


def _year(rng: Random, text: str) -> str:
    return f"{int(text[:4]) + rng.choice((-2, -1, 1, 2)):04d}{text[4:]}"


# --- the rest


def without(key: str) -> Callable[[Random, Json], None]:
    def slip(rng: Random, patient: Json) -> None:
        patient.pop(key, None)

    return slip


def new_phone(rng: Random, patient: Json) -> None:
    patient["telecom"] = [{"system": "phone", "value": f"16900{rng.randrange(10**6):06d}"}]


def _rephone(change: Callable[[Random, str], str]) -> Callable[[Random, Json], None]:
    def slip(rng: Random, patient: Json) -> None:
        if patient.get("telecom"):
            patient["telecom"] = [{"system": "phone", "value": change(rng, patient["telecom"][0]["value"])}]

    return slip


def moved(rng: Random, patient: Json) -> None:
    town = rng.choice(TOWNS)
    line = f"{town.name}{rng.choice(STREETS)}{rng.randint(1, 300)}号"
    patient["address"] = [{"text": f"{PROVINCE}{CITY}{DISTRICTS[town.district].name}{line}"}]


def address_in_short(rng: Random, patient: Json) -> None:
    if patient.get("address"):
        one = patient["address"][0]
        text = str(one.get("text") or "".join(one.get("line", ())))
        patient["address"] = [
            {"text": text.removeprefix(PROVINCE).replace("号", "-").replace("单元", "-").replace("栋", "-").replace("室", "")}
        ]


def wrong_sex(rng: Random, patient: Json) -> None:
    if patient.get("gender"):
        patient["gender"] = "female" if patient["gender"] == "male" else "male"


def _renumber(change: Callable[[Random, str], str]) -> Callable[[Random, Json], None]:
    def slip(rng: Random, patient: Json) -> None:
        patient["identifier"] = [
            {**one, "value": change(rng, one["value"])} if one["system"] == urls.RESIDENT_ID else one
            for one in patient.get("identifier", ())
        ]

    return slip


def _first_generation(rng: Random, text: str) -> str:
    return text[:6] + text[8:17] if len(text) == 18 and text[6:8] == "19" else text


def no_document(rng: Random, patient: Json) -> None:
    patient["identifier"] = [one for one in patient.get("identifier", ()) if one["system"] != urls.RESIDENT_ID]


def no_card(rng: Random, patient: Json) -> None:
    patient["identifier"] = [one for one in patient.get("identifier", ()) if one["system"] == urls.RESIDENT_ID]


RATES: tuple[tuple[Callable[[Random, Json], None], float], ...] = (
    (homophone, 0.06),
    (misheard, 0.03),
    (wrong_character, 0.02),
    (left_out, 0.01),
    (turned_round, 0.01),
    (in_pinyin, 0.01),
    (_redate(_digit), 0.04),
    (_redate(_swapped), 0.02),
    (_redate(_days), 0.02),
    (_redate(_year), 0.02),
    (without("birthDate"), 0.03),
    (without("gender"), 0.03),
    (wrong_sex, 0.005),
    (new_phone, 0.15),
    (_rephone(_digit), 0.04),
    (_rephone(_swapped), 0.02),
    (without("telecom"), 0.12),
    (moved, 0.15),
    (address_in_short, 0.25),
    (without("address"), 0.1),
    (_renumber(_first_generation), 0.03),
    (_renumber(_digit), 0.02),
    (_renumber(_swapped), 0.01),
    (no_document, 0.25),
    (no_card, 0.5),
)
