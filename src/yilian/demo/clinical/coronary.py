"""Coronary heart disease (I25): myocardial infarction with PCI at the lead hospital, or stable angina; secondary prevention at home."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from yilian.demo.clinical import findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

LEAD = "yunxi-first"


class Coronary:
    """`infarct`: after a myocardial infarction with a stent, `infarct_on` when it is within the documented years; otherwise stable
    angina."""

    name = "冠心病"

    def __init__(self, chart: Chart, years: float, *, infarct: bool, infarct_on: date | None = None, wall: str = "inferior") -> None:
        self.years, self.infarct, self.infarct_on = years, infarct, infarct_on
        self.picture = "st-depression" if not infarct else "old-anterior-mi" if wall == "anterior" else "old-mi"
        self.second = chart.rng.choice(("clopidogrel", "ticagrelor"))
        self.statin = chart.rng.choice(("atorvastatin", "rosuvastatin"))
        self.pressure_by_others = "hypertension" in chart.resident.conditions
        self.aspirin = chart.may_take("aspirin")
        self.reviews = 0
        self.day = date.min

    def enrol(self, chart: Chart, visit: Visit) -> None:
        onset = self.infarct_on or visit.day - timedelta(days=round(self.years * 365.25))
        self.day = visit.day
        chart.facts["electrocardiogram"] = self.picture
        chart.body.set("ldl", visit.day, 1.85 + chart.rng.uniform(-0.35, 0.45))
        chart.body.set("tc", visit.day, 3.7 + chart.rng.uniform(-0.4, 0.5))
        chart.body.pulse.change(visit.day, 66 + chart.rng.uniform(-4, 4))
        if self.infarct:
            chart.condition(
                visit, "I25.2", "冠心病 陈旧性心肌梗死 支架植入术后", onset=onset, chronic=True, key=self.name, stage="心功能 Ⅱ 级"
            )
        else:
            chart.condition(visit, "I25.1", "冠心病 稳定型心绞痛", onset=onset, chronic=True, key=self.name)

    def review(self, chart: Chart, visit: Visit) -> bool:
        self.reviews += 1
        self.day = visit.day
        if visit.place.tier != "village" and self.reviews % 3 == 1:
            chart.panel(visit, "lipid")
            chart.panel(visit, "liver")
        if visit.place.tier != "village" and self.reviews % 4 == 2:
            chart.ecg(visit, self.picture, key="ecg")
        return False

    def drugs(self) -> list[tuple[str, float]]:
        out = [("aspirin", 0.0)] if self.aspirin else [("clopidogrel", 0.0)]
        if self.infarct_on is not None and (self.day - self.infarct_on).days < 365 and self.aspirin:
            out.append((self.second, 0.0))
        out += [(self.statin, 0.0), ("metoprolol", 0.0)]
        if self.infarct and not self.pressure_by_others:
            out.append(("perindopril", 0.0))
        if not self.infarct:
            out.append(("isosorbide", 0.0))
        return out

    def activities(self) -> list[str]:
        return [
            "每 3 个月随访 1 次,询问胸痛、气促,测血压、心率",
            "长期抗血小板、他汀治疗,低密度脂蛋白胆固醇目标低于 1.8 mmol/L,每 6 个月复查血脂、肝功能",
            "随身携带硝酸甘油;胸痛持续超过 15 分钟不缓解立即拨打 120",
            "心脏康复:每周 5 次、每次 30 分钟中等强度有氧运动,戒烟",
        ]


def infarction(chart: Chart, day: date, *, wall: str, arrival: time = time(10, 20), days: int = 8) -> Visit:
    """ST-elevation infarction: emergency room, primary PCI, ward. `wall`: inferior or anterior. Everything at the lead hospital."""
    rng = chart.rng
    chart.away_until = day + timedelta(days=days)
    start = datetime.combine(day, arrival)
    visit = chart.stay(start, days, LEAD, "03.04", "心血管内科住院", complaint="持续胸痛 3 小时")
    name = "急性下壁 ST 段抬高型心肌梗死" if wall == "inferior" else "急性广泛前壁 ST 段抬高型心肌梗死"
    code = "I21.1" if wall == "inferior" else "I21.0"
    condition = chart.condition(visit, code, name, resolved=day + timedelta(days=28), severity="severe", key="infarct")
    chart.pressure(visit, rng.randint(104, 128), rng.randint(64, 80))
    chart.vital(visit, "pulse", 62 if wall == "inferior" else 98)
    chart.vital(visit, "oxygen", rng.randint(94, 97))
    chart.ecg(visit, f"{wall}-stemi", after_minutes=4, key="ecg")
    chart.panel(
        visit, "heart", {"ctni": rng.uniform(4.2, 18.0), "ckmb": rng.uniform(42, 120), "bnp": rng.uniform(420, 1600)}, after_minutes=9
    )
    chart.panel(visit, "cbc", {"wbc": rng.uniform(9.8, 13.0), "neut": rng.uniform(76, 84), "lymph": rng.uniform(11, 17)})
    chart.panel(visit, "renal")
    chart.panel(visit, "electrolytes")
    chart.panel(visit, "lipid", {"ldl": rng.uniform(3.5, 4.6), "tc": rng.uniform(5.4, 6.6)})
    chart.panel(visit, "glucose")
    picture = findings.ANGIOGRAPHY["rca" if wall == "inferior" else "lad"]
    chart.study(visit, "CTH", "18745-0", "冠状动脉造影", *picture, after_minutes=52, key="angiography")
    chart.procedure(visit, "36.07", "经皮冠状动脉药物洗脱支架植入术", condition, minutes=55, outcome="支架植入成功,血流恢复至 3 级")
    chart.study(
        visit,
        "CUS",
        "34552-0",
        "超声心动图",
        *findings.ECHO["after-mi" if wall == "inferior" else "after-anterior-mi"],
        after_minutes=60 * 26,
        key="echo",
    )
    second = rng.choice(("ticagrelor", "clopidogrel"))
    for drug in ("aspirin", second, "atorvastatin", "metoprolol", "enoxaparin"):
        if chart.may_take(drug):
            chart.prescribe(visit, drug, days if drug != "enoxaparin" else 5, condition, inpatient=True)
    visit.discharge("3", chart.places[chart.home])
    return visit


def angina_check(chart: Chart, day: date) -> Visit:
    """Three days on the ward of the lead hospital to look at the coronary arteries; treated with medicines."""
    rng = chart.rng
    chart.away_until = day + timedelta(days=4)
    start = datetime.combine(day, time(9, rng.choice((5, 20, 40))))
    visit = chart.stay(start, 4, LEAD, "03.04", "心血管内科住院", complaint="活动后胸闷、胸痛 3 个月")
    condition = chart.condition(visit, "I20.8", "稳定型心绞痛", resolved=None)
    chart.pressure(visit)
    chart.vital(visit, "pulse", chart.body.pulse_rate(day))
    chart.ecg(visit, "st-depression", key="ecg")
    chart.panel(visit, "heart")
    chart.panel(visit, "lipid", {"ldl": rng.uniform(3.0, 3.9), "tc": rng.uniform(4.9, 5.8)})
    chart.panel(visit, "renal")
    chart.procedure(visit, "88.56", "冠状动脉造影术", condition, days=1, minutes=35, outcome="前降支中度狭窄,药物治疗")
    chart.study(visit, "CTH", "18745-0", "冠状动脉造影", *findings.ANGIOGRAPHY["mild"], after_minutes=60 * 26, key="angiography")
    visit.discharge("3", chart.places[chart.home])
    return visit
