"""The yearly check of people of 65 and more (国家基本公共卫生服务规范第三版,老年人健康管理), and a smaller one for younger long-term
patients."""

from __future__ import annotations

from datetime import date

from yilian.demo.clinical import codes, findings
from yilian.demo.clinical.chart import Chart

_SELF_CARE = codes.words("老年人生活自理能力评估")


def check(chart: Chart, day: date) -> None:
    """All of it for people of 65 and more; for younger ones blood, urine and ECG."""
    if day < chart.resident.born or (chart.resources and day.isoformat() < _opened(chart)):
        return
    rng, age = chart.rng, chart.age(day)
    old = age >= 65
    visit = chart.visit(day, chart.home, "01", "老年人健康体检" if old else "慢性病患者年度健康体检", minutes=75)
    chart.pressure(visit)
    chart.vital(visit, "pulse", chart.body.pulse_rate(day))
    chart.vital(visit, "temperature", 36.4 + rng.uniform(-0.2, 0.3))
    chart.vital(visit, "breath", rng.randint(15, 19))
    chart.size(visit)
    waist = (78 if chart.resident.sex == "male" else 74) + (chart.body.mass_index.at(day) - 22) * 2.6 + rng.gauss(0, 2)
    chart.vital(visit, "waist", waist)
    for panel in ("cbc", "urine", "liver check", "renal check", "glucose", "lipid") if old else ("renal check", "glucose", "lipid"):
        chart.panel(visit, panel, _urine(chart) if panel == "urine" else None)
    if "diabetes" in chart.resident.conditions:
        chart.panel(visit, "albuminuria")
    chart.ecg(visit, _ecg(chart), key="ecg")
    if old:
        chart.study(visit, "RUS", "24558-9", "腹部超声", *findings.ABDOMEN[_abdomen(chart)])
        points = 0 if age < 78 else rng.choice((0, 0, 0, 1, 3, 4, 6))
        if "stroke" in chart.resident.conditions:
            points += rng.choice((0, 2, 4))
        chart.score(visit, _SELF_CARE, points, "可自理" if points <= 3 else "轻度依赖" if points <= 8 else "中度依赖")


def _opened(chart: Chart) -> str:
    """The day the file was opened: nothing of the programmes lies before it."""
    return str(chart.resources[0].get("period", {}).get("start", ""))[:10]


def _urine(chart: Chart) -> dict[str, float | str]:
    odd: dict[str, float | str] = {}
    if "diabetes" in chart.resident.conditions and chart.rng.random() < 0.35:
        odd["uglu"] = chart.rng.choice(("弱阳性", "阳性(1+)", "阳性(2+)"))
    if chart.rng.random() < 0.04:
        odd["upro"] = "弱阳性"
    return odd


def _ecg(chart: Chart) -> str:
    """The same heart shows the same picture every year."""
    if "electrocardiogram" not in chart.facts:
        if "高血压" in chart.problems and chart.rng.random() < 0.3:
            kind = "lvh"
        else:
            kind = chart.rng.choices(("normal", "bradycardia", "premature", "rbbb"), (74, 9, 10, 7))[0]
        chart.facts["electrocardiogram"] = kind
    return str(chart.facts["electrocardiogram"])


def _abdomen(chart: Chart) -> str:
    if "abdomen" not in chart.facts:
        fat = chart.body.mass_index.at(chart.today) >= 25
        chart.facts["abdomen"] = chart.rng.choices(("normal", "fatty", "stones", "cyst"), (20, 60, 10, 10) if fat else (72, 8, 10, 10))[0]
    return str(chart.facts["abdomen"])
