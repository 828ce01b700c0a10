"""Who lies in the wards of the region: about three beds in four, each with an admission that fits the ward, the person and the bed.

The residents whom a story or a demo account is about are left out, and so is who is in hospital anyway; those get a bed of their ward.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import stamp
from yilian.demo.wards import DEPARTMENTS, WARDS, Ward
from yilian.fhir import urls

Resource = dict[str, Any]

FIRST = 60
"""Residents below this number are those people look at first."""
FULL = 0.76


@dataclass(frozen=True, slots=True)
class Illness:
    """Why somebody lies in a ward: complaint, ICD-10, name, and for how many days."""

    complaint: str
    code: str
    name: str
    days: int


_ILLNESSES: dict[str, tuple[Illness, ...]] = {
    "cardiology": (
        Illness("活动后胸闷、气短 1 周", "I50.9", "心力衰竭", 9),
        Illness("心悸、头晕 3 天", "I48.9", "心房颤动", 6),
        Illness("阵发性胸骨后闷痛 5 天", "I20.9", "心绞痛", 6),
    ),
    "neurology": (Illness("头晕、视物旋转 2 天", "H81.1", "良性阵发性位置性眩晕", 5), Illness("发作性肢体抽搐 1 天", "G40.9", "癫痫", 7)),
    "respiratory": (Illness("咳嗽、咳痰、气促 4 天", "J15.9", "细菌性肺炎", 9), Illness("发作性喘息 3 天", "J45.9", "支气管哮喘", 6)),
    "endocrine": (
        Illness("颈部肿大伴心慌 1 月", "E05.9", "甲状腺功能亢进症", 8),
        Illness("乏力、怕冷 2 月", "E03.9", "甲状腺功能减退症", 6),
    ),
    "orthopaedics": (Illness("腰痛伴下肢放射痛 2 周", "M51.2", "腰椎间盘突出", 10), Illness("膝关节肿痛 3 月", "M17.9", "膝关节病", 11)),
    "icu": (Illness("呼吸困难加重 6 小时", "J96.0", "急性呼吸衰竭", 12),),
    "internal": (Illness("上腹痛、黑便 2 天", "K25.9", "胃溃疡", 7), Illness("反酸、烧心 1 月", "K21.0", "胃食管反流病", 5)),
    "surgery": (Illness("右上腹痛 1 天", "K80.2", "胆囊结石", 7), Illness("右腹股沟包块 2 年", "K40.9", "腹股沟疝", 5)),
    "obstetrics": (Illness("月经量多 3 月", "D25.9", "子宫平滑肌瘤", 6), Illness("下腹坠痛 4 天", "N73.9", "盆腔炎", 6)),
    "ward": (Illness("咳嗽、低热 5 天", "J20.9", "急性支气管炎", 6), Illness("腹泻、呕吐 1 天", "A09.9", "胃肠炎", 4)),
}


def fill(charts: list[Chart], rng: Random) -> None:
    """Give those who are in hospital a bed of their ward, then fill the wards with others, in charts that are otherwise complete. Beds that
    are out of service stay empty."""
    taken: set[str] = set()
    for chart in charts:
        for one in chart.resources:
            if one["resourceType"] == "Encounter" and one["status"] == "in-progress" and one["class"]["code"] == "IMP":
                _lay_down(chart, one, taken)
    ready = [chart for chart in charts if _is_ready(chart)]
    rng.shuffle(ready)
    for ward in WARDS:
        for number in range(1, ward.beds + 1):
            if number in ward.stopped or ward.bed(number) in taken or rng.random() > FULL:
                continue
            illness = rng.choice(_ILLNESSES[ward.key])
            day = charts[0].today - timedelta(days=rng.randint(1, illness.days - 1))
            who = next((c for c in ready if ward.takes(number, c.resident.sex, c.age()) and _is_free(c, day)), None)
            if who is not None:
                ready.remove(who)
                _admit(who, ward, ward.bed(number), day, illness)


def _is_ready(chart: Chart) -> bool:
    one = chart.resident
    return one.number > FIRST and not one.case and one.died is None and 18 <= chart.age() <= 88 and not _expects(chart)


def _expects(chart: Chart) -> bool:
    since = (chart.today - timedelta(days=300)).isoformat()
    return any(
        one["resourceType"] == "Condition" and one["code"]["coding"][0]["code"].startswith(("Z3", "O")) and one["recordedDate"] > since
        for one in chart.resources
    )


def _is_free(chart: Chart, day: date) -> bool:
    """Whether nothing was written since the day before: no visit, no stay, nothing done."""
    before = (day - timedelta(days=1)).isoformat()
    visits = [one for one in chart.resources if one["resourceType"] == "Encounter"]
    return all(one["status"] == "finished" and one["period"]["end"][:10] < before for one in visits)


def _lay_down(chart: Chart, stay: Resource, taken: set[str]) -> None:
    at = stay["serviceProvider"]["reference"].removeprefix("Organization/")
    department = stay["serviceType"]["coding"][0]["code"]
    mine = [ward for ward in WARDS if ward.institution == at and department.startswith(ward.specialty)]
    for ward in mine:
        for number in range(1, ward.beds + 1):
            bed = ward.bed(number)
            if number not in ward.stopped and bed not in taken and ward.sex(number) in ("", chart.resident.sex):
                taken.add(bed)
                stay["location"] = [_in(bed, ward, stay["period"]["start"])]
                return


def _admit(chart: Chart, ward: Ward, bed: str, day: date, illness: Illness) -> None:
    rng = chart.rng
    start = datetime.combine(day, time(rng.randint(8, 17), rng.choice((5, 20, 40))))
    days = max((chart.today - day).days + rng.randint(0, 4), illness.days)
    department = DEPARTMENTS.get(ward.specialty, ward.specialty) if ward.institution != "qingshi" else ward.specialty
    visit = chart.stay(start, days, ward.institution, department, f"{ward.name.removesuffix('病区')}住院", complaint=illness.complaint)
    chart.condition(visit, illness.code, illness.name, use="AD", severity="moderate")
    chart.pressure(visit)
    chart.panel(visit, "cbc")
    visit.resource["location"] = [_in(bed, ward, stamp(start))]
    leaves = datetime.combine(day + timedelta(days=days), time(10, 30))
    visit.resource["extension"] = [{"url": urls.PLANNED_END, "valueDateTime": stamp(leaves)}]


def _in(bed: str, ward: Ward, since: str) -> Resource:
    name = f"{ward.name.removesuffix('病区')}{bed[-2:]}床"
    return {"location": {"reference": f"Location/{bed}", "display": name}, "status": "active", "period": {"start": since}}
