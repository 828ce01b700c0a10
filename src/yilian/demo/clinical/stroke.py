"""Ischaemic stroke (I63): admission, secondary prevention, rehabilitation and follow-up at home."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from yilian.demo.clinical import codes, findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

NIHSS = codes.loinc("72089-6", "美国国立卫生研究院卒中量表评分")
RANKIN = codes.words("改良 Rankin 量表评分")
_RANKIN = ("完全无症状", "有症状但无明显残障", "轻度残障,生活能自理", "中度残障,能独立行走", "中重度残障,行走需他人帮助")


class Stroke:
    """After an infarction of the brain; `attack_on` when it lies within the documented years."""

    name = "脑梗死恢复期"

    def __init__(self, chart: Chart, years: float, *, attack_on: date | None = None, rankin: int = -1) -> None:
        self.years, self.attack_on = years, attack_on
        self.rankin = rankin if rankin >= 0 else chart.rng.choice((1, 1, 2, 2, 3))
        self.platelet = "aspirin" if chart.may_take("aspirin") and "coronary" not in chart.resident.conditions else "clopidogrel"
        self.heart = "coronary" in chart.resident.conditions
        self.reviews = 0

    def enrol(self, chart: Chart, visit: Visit) -> None:
        onset = self.attack_on or visit.day - timedelta(days=round(self.years * 365.25))
        if not self.heart:
            chart.body.set("ldl", visit.day, 1.9 + chart.rng.uniform(-0.3, 0.4))
            chart.body.set("tc", visit.day, 3.8 + chart.rng.uniform(-0.4, 0.4))
        limb = chart.rng.choice(("右侧", "左侧"))
        note = "" if self.rankin < 2 else f"遗留{limb}肢体肌力 {5 - self.rankin + 1} 级"
        chart.condition(visit, "I69.3", "脑梗死恢复期", onset=onset, chronic=True, key=self.name, note=note)

    def review(self, chart: Chart, visit: Visit) -> bool:
        self.reviews += 1
        if self.reviews % 2 == 1:
            if self.reviews > 1 and self.rankin > 1 and chart.rng.random() < 0.3:
                self.rankin -= 1
            chart.score(visit, RANKIN, self.rankin, _RANKIN[self.rankin])
        if visit.place.tier != "village" and self.reviews % 4 == 1:
            chart.panel(visit, "lipid")
        return False

    def drugs(self) -> list[tuple[str, float]]:
        if self.heart:
            return []  # the care of the heart already gives an antiplatelet and a statin
        return [(self.platelet, 0.0), ("atorvastatin", 0.0)]

    def activities(self) -> list[str]:
        return [
            "每 3 个月随访 1 次,测血压,评估肢体功能、言语与吞咽",
            "长期抗血小板与他汀治疗,低密度脂蛋白胆固醇目标低于 1.8 mmol/L,血压目标低于 140/90 mmHg",
            "康复训练:肢体主被动活动、平衡与步行训练,每周不少于 3 次",
            "出现口角歪斜、肢体无力、言语不清立即拨打 120",
        ]


def attack(
    chart: Chart, day: date, *, where: str = "", days: int = 0, arrival: time = time(9, 40), lysis: bool = False, left: bool = True
) -> Visit:
    """An acute infarction of the brain treated as an in-patient. `lysis`: within 4.5 hours, by alteplase."""
    rng = chart.rng
    days = days or rng.randint(9, 13)
    chart.away_until = day + timedelta(days=days)
    start = datetime.combine(day, arrival)
    side = "右侧" if left else "左侧"
    visit = chart.stay(
        start, days, where or chart.county, "03.03", "神经内科住院", complaint=f"突发{side}肢体无力、言语不清 {'2' if lysis else '8'} 小时"
    )
    condition = chart.condition(visit, "I63.9", "急性脑梗死", resolved=day + timedelta(days=30), severity="moderate", key="stroke-attack")
    chart.pressure(visit, rng.randint(152, 176), rng.randint(86, 100))
    chart.vital(visit, "pulse", rng.randint(72, 92))
    points = rng.randint(6, 11) if lysis else rng.randint(4, 8)
    chart.score(visit, NIHSS, points, f"{side}上下肢肌力 3 级,构音障碍")
    chart.study(visit, "CT", "30799-1", "颅脑 CT 平扫", *findings.HEAD_CT["no-bleeding"], after_minutes=18, key="head")
    chart.panel(visit, "cbc")
    chart.panel(visit, "glucose")
    chart.panel(visit, "renal")
    chart.panel(visit, "lipid", {"ldl": rng.uniform(3.2, 4.2), "tc": rng.uniform(5.0, 6.2)})
    chart.panel(visit, "clotting")
    chart.study(
        visit,
        "NMR",
        "24590-2",
        "颅脑磁共振及血管成像",
        *findings.HEAD_MRI["left-infarct" if left else "right-infarct"],
        after_minutes=60 * 20,
        key="mri",
    )
    if lysis:
        chart.prescribe(visit, "alteplase", 1, condition, inpatient=True)
        chart.procedure(visit, "99.10", "静脉溶栓治疗", condition, minutes=60, outcome="溶栓后肌力恢复至 4 级")
    for drug in (chart.first_allowed("aspirin", "clopidogrel"), "atorvastatin", "butylphthalide"):
        chart.prescribe(visit, drug, days, condition, inpatient=True)
    chart.facts["nihss"] = points
    visit.discharge("3", chart.places[chart.home])
    return visit
