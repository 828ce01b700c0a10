"""Children: the national immunisation programme and the health checks of the first years.

国家免疫规划疫苗儿童免疫程序及说明(2021 年版); from 2025 on 百白破 at 2, 4, 6, 18 months and 6 years (国疾控卫免发〔2024〕), and from 10
November 2025 HPV for girls of 13 (both from memory, to be checked against the texts). 国家基本公共卫生服务规范第三版,0~6 岁儿童健康管理.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from yilian.demo.clinical import codes
from yilian.demo.clinical.chart import Chart


class Shot(NamedTuple):
    """One dose due at an age in months."""

    months: int
    code: str  # CVX
    name: str
    dose: int
    doses: int
    oral: bool = False


_HEPB, _BCG, _IPV, _OPV = ("08", "重组乙型肝炎疫苗"), ("19", "卡介苗"), ("10", "脊髓灰质炎灭活疫苗"), ("178", "二价脊髓灰质炎减毒活疫苗")
_DTAP, _DT, _MMR, _JE = (
    ("20", "吸附无细胞百白破联合疫苗"),
    ("28", "吸附白喉破伤风联合疫苗"),
    ("03", "麻腮风联合减毒活疫苗"),
    ("129", "乙型脑炎减毒活疫苗"),
)
_MENA, _MENAC, _HEPA = ("108", "A 群脑膜炎球菌多糖疫苗"), ("108", "A 群 C 群脑膜炎球菌多糖疫苗"), ("85", "甲型肝炎减毒活疫苗")

_COMMON = (
    Shot(0, *_HEPB, 1, 3), Shot(0, *_BCG, 1, 1), Shot(1, *_HEPB, 2, 3), Shot(2, *_IPV, 1, 4), Shot(3, *_IPV, 2, 4), Shot(4, *_OPV, 3, 4,
    True),
    Shot(6, *_HEPB, 3, 3), Shot(6, *_MENA, 1, 2), Shot(8, *_MMR, 1, 2), Shot(8, *_JE, 1, 2), Shot(9, *_MENA, 2, 2), Shot(18, *_MMR, 2, 2),
    Shot(18, *_HEPA, 1, 1), Shot(24, *_JE, 2, 2), Shot(36, *_MENAC, 1, 2), Shot(48, *_OPV, 4, 4, True), Shot(72, *_MENAC, 2, 2),
)  # fmt: skip
_BEFORE_2025 = (Shot(3, *_DTAP, 1, 4), Shot(4, *_DTAP, 2, 4), Shot(5, *_DTAP, 3, 4), Shot(18, *_DTAP, 4, 4))
_SINCE_2025 = (Shot(2, *_DTAP, 1, 5), Shot(4, *_DTAP, 2, 5), Shot(6, *_DTAP, 3, 5), Shot(18, *_DTAP, 4, 5), Shot(72, *_DTAP, 5, 5))
_CHANGE = date(2025, 1, 1)
_HPV_FROM, _HPV_BORN = date(2025, 11, 10), date(2011, 11, 10)

_CHECKS = (1, 3, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72)  # months
_BLOOD = (8, 18, 30, 48)


def schedule(born: date, sex: str) -> list[Shot]:
    """What a child is due to get, in the order of age."""
    shots = list(_COMMON) + list(_SINCE_2025 if born >= date(2024, 11, 1) else _BEFORE_2025)
    if born < date(2024, 11, 1):
        shots.append(Shot(72, *_DTAP, 5, 5) if month_after(born, 72) >= _CHANGE else Shot(72, *_DT, 1, 1))
    if sex == "female" and born >= _HPV_BORN:
        shots += [Shot(156, "118", "双价人乳头瘤病毒疫苗", 1, 2), Shot(162, "118", "双价人乳头瘤病毒疫苗", 2, 2)]
    return sorted(shots, key=lambda shot: shot.months)


def month_after(born: date, months: int) -> date:
    """The day a child is so many months old."""
    year, month = divmod(born.year * 12 + born.month - 1 + months, 12)
    return date(year, month + 1, min(born.day, 28))


def enter(chart: Chart, *, since: date) -> None:
    """Shots and checks. What lies before `since` is kept short: the doses are entered as one taking over of the vaccination card."""
    born, sex = chart.resident.born, chart.resident.sex
    by_day: dict[date, list[Shot]] = {}
    earlier: list[tuple[date, Shot]] = []
    late: dict[int, int] = {}  # what is due in the same month is given on one day
    last: dict[str, date] = {}
    for shot in schedule(born, sex):
        day = month_after(born, shot.months)
        if shot.months == 0:
            day = born + timedelta(days=1)
        elif shot.code == "118":
            day = max(day, _HPV_FROM + timedelta(days=20)) + timedelta(days=chart.rng.randint(3, 40))
        else:
            day += timedelta(days=late.setdefault(shot.months, chart.rng.randint(0, 12)))
        if shot.code in last:
            day = max(day, last[shot.code] + timedelta(days=183 if shot.code == "118" else 28))
        if shot.months > 0 and day.weekday() == 6:
            day += timedelta(days=1)
        last[shot.code] = day
        if since > born + timedelta(days=1) and day < since:
            earlier.append((day, shot))
        else:
            by_day.setdefault(day, []).append(shot)
    if earlier:
        chart.at_workday(since + timedelta(days=2), partial(_take_over, chart, earlier))
    for day, shots in by_day.items():
        chart.when_free(day, partial(_vaccinate, chart, shots))
    for months in _CHECKS:
        day = month_after(born, months) + timedelta(days=chart.rng.randint(0, 9))
        if day >= since:
            chart.at_workday(day, partial(_check, chart, months))


def _take_over(chart: Chart, shots: list[tuple[date, Shot]], day: date) -> None:
    """Doses given before the documented years, entered from the vaccination card."""
    visit = chart.visit(day, chart.home, "01", "预防接种证查验补录")
    for given, shot in shots:
        chart.shots(visit, shot.code, shot.name, shot.dose, shot.doses, site="", route=_route(shot), given=given)


def _route(shot: Shot) -> tuple[str, str]:
    if shot.oral:
        return "1", "口服"
    if shot.code == "19":
        return "402", "皮内注射"
    return ("401", "皮下注射") if shot.code in ("03", "129", "108", "85") else ("403", "肌内注射")


def _vaccinate(chart: Chart, shots: list[Shot], day: date) -> None:
    at_birth = day <= chart.resident.born + timedelta(days=2)
    visit = chart.visit(
        day, "yunxi-maternal" if at_birth else chart.home, "07.01" if at_birth else "01", "出生接种" if at_birth else "预防接种"
    )
    for place, shot in enumerate(shots):
        site = "" if shot.oral else "左上臂三角肌中部" if shot.code == "19" else "右上臂" if place % 2 else "左上臂"
        chart.shots(visit, shot.code, shot.name, shot.dose, shot.doses, site=site, route=_route(shot))


_DEVELOPMENT = {
    1: "能注视人脸,听到声音有反应",
    3: "俯卧能抬头,会笑出声",
    6: "能独坐片刻,会伸手抓物",
    8: "独坐稳,会换手",
    12: "能扶走,会叫爸爸妈妈",
    18: "独走稳,能说十个以上词",
    24: "会跑,能说短句",
    30: "能双脚跳,会说出姓名",
    36: "能单脚站立片刻,会自己进食",
    48: "能单脚跳,会讲简单故事",
    60: "会画人的三个部位,能穿脱衣服",
    72: "能点数到二十,动作协调",
}
_DEVELOPED = codes.words("发育评估")


def _check(chart: Chart, months: int, day: date) -> None:
    rng = chart.rng
    visit = chart.visit(
        day,
        chart.home,
        "09",
        "新生儿满月健康管理" if months == 1 else f"{months} 月龄儿童健康检查" if months < 36 else f"{months // 12} 岁儿童健康检查",
    )
    chart.size(visit)
    if months <= 24:
        base = 34.2 + 12.2 * (1 - 2.718 ** (-months / 6.5))
        chart.vital(visit, "head", base + (0.6 if chart.resident.sex == "male" else 0) + rng.gauss(0, 0.3))
    chart.note(visit, "exam", _DEVELOPED, _DEVELOPMENT[months])
    if months in _BLOOD:
        low = rng.random() < 0.1
        chart.panel(visit, "cbc", {"hgb": rng.uniform(100, 105), "hct": 32.5} if low else None)
        if low:
            anaemia = chart.condition(visit, "D50.9", "缺铁性贫血", resolved=day + timedelta(days=90), severity="mild")
            chart.prescribe(visit, "iron", 30, anaemia, dose=0.05)
    if months <= 18:
        chart.prescribe(visit, "vitamin-d", 90)
