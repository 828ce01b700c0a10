"""Chronic obstructive pulmonary disease (J44): inhalers, symptom scores, yearly spirometry at the county hospital, exacerbations."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial

from yilian.demo.clinical import codes, findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

_MMRC = codes.words("呼吸困难评分(mMRC)")
_CAT = codes.words("慢阻肺评估测试(CAT)")
_GRADES = (
    "仅在剧烈活动时气促",
    "快走或爬缓坡时气促",
    "平地行走比同龄人慢或需停下休息",
    "平地行走约 100 米需停下喘气",
    "穿衣即感气促,不能离家",
)


class Copd:
    """`grade` is the GOLD grade of airflow limitation, 2 or 3."""

    name = "慢性阻塞性肺疾病"

    def __init__(self, chart: Chart, years: int, grade: int = 0) -> None:
        rng = chart.rng
        self.years = years
        self.grade = grade or rng.choice((2, 2, 2, 3))
        self.ratio = rng.uniform(56, 67) if self.grade == 2 else rng.uniform(42, 54)
        self.predicted = rng.uniform(54, 76) if self.grade == 2 else rng.uniform(33, 48)
        self.reviews = 0

    def enrol(self, chart: Chart, visit: Visit) -> None:
        onset = visit.day - timedelta(days=round(self.years * 365.25))
        chart.body.saturation.change(visit.day, 95.4 if self.grade == 2 else 93.6)
        chart.condition(visit, "J44.9", "慢性阻塞性肺疾病", onset=onset, chronic=True, key=self.name, stage=f"气流受限 {self.grade} 级")
        day = visit.day + timedelta(days=chart.rng.randint(20, 60))
        chart.at_workday(day, partial(self.spirometry, chart))

    def spirometry(self, chart: Chart, day: date) -> None:
        """Once a year, where the county hospital does it."""
        visit = chart.visit(day, chart.county, "03.01", "呼吸内科门诊", complaint="慢阻肺年度肺功能复查")
        normal = 3.2 if chart.resident.sex == "male" else 2.3
        values = {"fev1": normal * self.predicted / 100, "fev1fvc": self.ratio}
        chart.panel(visit, "spirometry", values)
        chart.resources[-1]["conclusion"] = (
            f"吸入支气管扩张剂后一秒率 {self.ratio:.1f}%,第一秒用力呼气容积占预计值 {self.predicted:.0f}%,提示持续气流受限({self.grade} "
            "级)。"
        )
        self.predicted -= chart.rng.uniform(0.5, 1.6)
        visit.diagnose(chart.problems[self.name], self.name)
        chart.at_workday(day + timedelta(days=chart.rng.randint(350, 385)), partial(self.spirometry, chart))

    def review(self, chart: Chart, visit: Visit) -> bool:
        self.reviews += 1
        chart.vital(visit, "oxygen", chart.body.oxygen(visit.day))
        if self.reviews % 2:
            score = 1 + (self.grade > 2) + (chart.rng.random() < 0.3)
            chart.score(visit, _MMRC, score, _GRADES[score])
            chart.score(visit, _CAT, chart.rng.randint(8, 15) if self.grade == 2 else chart.rng.randint(14, 23))
        return False

    def drugs(self) -> list[tuple[str, float]]:
        return [("tiotropium", 0.0)] if self.grade == 2 else [("tiotropium", 0.0), ("budesonide", 0.0)]

    def activities(self) -> list[str]:
        return [
            "每 3 个月随访 1 次,评估呼吸困难(mMRC)与 CAT 评分、血氧饱和度、吸入技术",
            "戒烟,避免生物燃料烟雾;缩唇呼吸与腹式呼吸训练,每日 2 次",
            "每年秋季接种流感疫苗,建议接种 23 价肺炎球菌多糖疫苗",
            "每年复查 1 次肺功能;咳痰增多、脓痰或气促加重时及时就诊",
        ]


def exacerbation(chart: Chart, day: date, *, days: int = 0, discharge_to: str = "") -> Visit:
    """An acute exacerbation treated as an in-patient at the county hospital."""
    rng = chart.rng
    days = days or rng.randint(7, 10)
    start = datetime.combine(day, time(rng.randint(9, 20), rng.choice((10, 25, 40, 55))))
    chart.away_until = day + timedelta(days=days)
    visit = chart.stay(start, days, chart.county, "03.01", "呼吸内科住院", complaint="咳嗽、咳脓痰伴气促加重 3 天")
    condition = chart.condition(visit, "J44.1", "慢性阻塞性肺疾病伴急性加重", resolved=day + timedelta(days=days), severity="moderate")
    chart.pressure(visit)
    chart.vital(visit, "temperature", 37.6 + rng.uniform(0, 0.8))
    chart.vital(visit, "breath", rng.randint(24, 28))
    chart.vital(visit, "pulse", rng.randint(98, 112))
    chart.vital(visit, "oxygen", rng.randint(86, 90))
    chart.panel(visit, "cbc", {"wbc": rng.uniform(10.5, 14.5), "neut": rng.uniform(78, 87), "lymph": rng.uniform(9, 16)})
    chart.panel(visit, "crp", {"crp": rng.uniform(28, 76)})
    chart.panel(visit, "gas", {"ph": rng.uniform(7.34, 7.39), "po2": rng.uniform(54, 62), "pco2": rng.uniform(47, 56)})
    chart.study(visit, "CT", "24627-2", "胸部 CT 平扫", *findings.CHEST_CT["copd"], key="chest")
    inhaled = chart.prescribe(visit, "nebule", days, condition, inpatient=True)
    chart.prescribe(visit, "prednisone", 5, condition, inpatient=True)
    chart.prescribe(visit, chart.first_allowed("ceftriaxone", "moxifloxacin"), days, condition, inpatient=True)
    chart.facts["exacerbation"] = (visit, condition, inhaled)
    return visit
