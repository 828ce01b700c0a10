"""Type 2 diabetes (E11): glucose and HbA1c over the years of treatment (国家基层糖尿病防治管理指南; 国家基本公卫服务规范第三版)."""

from __future__ import annotations

from datetime import date, timedelta

from yilian.demo.clinical import codes
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

_VERDICT = codes.words("糖尿病随访分类")
_FEET = codes.words("足背动脉搏动")
_SECOND = ("gliclazide", "acarbose", "dapagliflozin", "sitagliptin")


def hba1c_of(fasting: float) -> float:
    """What HbA1c a steady fasting glucose goes with (mean glucose taken 1.4 mmol/L above fasting; ADAG: mean = 1.59 × HbA1c − 2.59)."""
    return (fasting + 1.4 + 2.59) / 1.59


class Diabetes:
    """`course`: steady, slow (needs a second drug), failing (two tablets do not suffice), careless."""

    name = "2 型糖尿病"

    def __init__(self, chart: Chart, years: int, course: str = "") -> None:
        rng = chart.rng
        self.years = years
        self.course = course or rng.choices(("steady", "slow", "careless"), (68, 22, 10))[0]
        self.untreated = {"steady": 8.6, "slow": 9.9, "failing": 12.6, "careless": 9.8}[self.course] + rng.uniform(-0.5, 0.6)
        second = next(d for d in rng.sample(_SECOND, len(_SECOND)) if chart.may_take(d))
        self.ladder = (("metformin",), ("metformin3", second), ("metformin3", second, "glargine"))
        self.step = {"steady": rng.choice((0, 0, 1)), "slow": 0, "failing": 1, "careless": 1}[self.course]
        if years == 0:
            self.step = 0
        self.target = 6.3 + rng.uniform(-0.3, 0.3)
        self.strikes = 0
        self.reviews = 0

    def enrol(self, chart: Chart, visit: Visit) -> None:
        onset = visit.day - timedelta(days=round(self.years * 365.25))
        chart.body.set("glu", visit.day, self.untreated if self.years == 0 else self._level())
        chart.body.set("hba1c", visit.day, hba1c_of(self.untreated if self.years == 0 else self._level()))
        chart.condition(visit, "E11.9", "2 型糖尿病", onset=onset, chronic=True, key=self.name)
        self._apply(chart, visit.day)

    def _level(self) -> float:
        if self.course == "failing":
            return self.untreated - (0, 2.2, 4.2)[self.step]
        relief = self.untreated - self.target
        return self.untreated - relief * (0.72 if self.course == "slow" and self.step == 0 else (0.85, 1.0, 1.05)[self.step])

    def _apply(self, chart: Chart, day: date) -> None:
        level = self._level()
        if self.course == "careless" and chart.rng.random() < 0.5:
            level += 2.4
        chart.body.set("glu", day + timedelta(days=7), level)
        chart.body.set("hba1c", day + timedelta(days=50), hba1c_of(level))

    def review(self, chart: Chart, visit: Visit) -> bool:
        self.reviews += 1
        chart.panel(visit, "glucose")
        glucose = float(chart.facts["glu"])
        chart.facts.setdefault("glucoses", []).append((visit.day, glucose))
        if visit.place.tier != "village":
            if self.reviews % 3 == 1:
                chart.panel(visit, "hba1c")
                chart.facts.setdefault("hba1cs", []).append((visit.day, chart.facts["hba1c"]))
            if self.reviews % 4 == 1:
                chart.note(visit, "exam", _FEET, "双侧足背动脉搏动触及正常,皮肤完整")
        if glucose < 7.0:
            self.strikes = 0
            chart.stated(visit, "survey", _VERDICT, codes.words("控制满意"))
            if self.course == "careless":
                self._apply(chart, visit.day)
            return False
        self.strikes += 1
        chart.stated(
            visit,
            "survey",
            _VERDICT,
            codes.words("控制不满意:首次,调整用药,2 周内随访" if self.strikes == 1 else "控制不满意:连续两次,建议转诊"),
        )
        most = 1 if self.course in ("careless", "failing") else 2
        if self.step < most:
            self.step += 1
        self._apply(chart, visit.day)
        return self.strikes == 1

    def drugs(self) -> list[tuple[str, float]]:
        return [(drug, 0.0) for drug in self.ladder[self.step]]

    def activities(self) -> list[str]:
        return [
            "每 3 个月随访 1 次,测空腹血糖、血压、体重,检查足背动脉搏动",
            "控制目标:空腹血糖低于 7.0 mmol/L,糖化血红蛋白低于 7.0%",
            "糖尿病饮食,定时定量;每周中等强度运动不少于 150 分钟",
            "每年检查尿白蛋白与肌酐比值、眼底、足部,识别低血糖并随身携带糖果",
        ]
