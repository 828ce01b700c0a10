"""Essential hypertension (I10): found at a check, treated step by step, followed up (国家基层高血压防治管理指南;
国家基本公卫服务规范第三版)."""

from __future__ import annotations

from datetime import date, timedelta

from yilian.demo.clinical import codes
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

_VERDICT = codes.words("高血压随访分类")

# Ladders of treatment: each step lists what is taken on it.
_LADDERS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("amlodipine",), ("amlodipine", "valsartan"), ("amlodipine", "valsartan", "indapamide")),
    (("nifedipine",), ("nifedipine", "irbesartan"), ("nifedipine", "irbesartan", "hct")),
    (("enalapril",), ("enalapril", "amlodipine"), ("enalapril", "amlodipine", "indapamide")),
)
_PROTECTIVE = (("valsartan",), ("valsartan", "amlodipine"), ("valsartan", "amlodipine", "indapamide"))
_RELIEF = (0.50, 0.75, 0.92)  # part of the excess pressure a step takes away


class Hypertension:
    """`course`: steady (on the right step), slow (one step short at first), resistant (three drugs do not suffice), careless (does not
    take them)."""

    name = "高血压"

    def __init__(self, chart: Chart, years: int, course: str = "", step: int | None = None) -> None:
        rng = chart.rng
        self.years = years
        self.course = course or rng.choices(("steady", "slow", "careless"), (58, 20, 22))[0]
        excess = {"steady": 37, "slow": 43, "resistant": 62, "careless": 44}[self.course] + rng.uniform(-5, 5)
        self.excess = (excess, excess * rng.uniform(0.42, 0.52))
        others = chart.resident.conditions
        self.ladder = _PROTECTIVE if others.keys() & {"diabetes", "coronary", "stroke"} else rng.choice(_LADDERS)
        if not chart.may_take("indapamide"):
            self.ladder = tuple(tuple(d for d in rung if chart.may_take(d)) for rung in self.ladder)
        self.step = step if step is not None else {"steady": rng.choice((0, 1, 1)), "slow": 0, "resistant": 2, "careless": 1}[self.course]
        self.response = 0.55 if self.course == "resistant" else rng.uniform(0.92, 1.08)
        self.strikes = 0

    def enrol(self, chart: Chart, visit: Visit) -> None:
        onset = visit.day - timedelta(days=round(self.years * 365.25))
        systolic = chart.body.pressure(visit.day)[0] + self.excess[0]
        grade = "3 级" if systolic >= 180 else "2 级" if systolic >= 160 else "1 级"
        group = (
            "很高危"
            if chart.resident.conditions.keys() & {"diabetes", "coronary", "stroke"} or grade == "3 级"
            else "高危"
            if grade == "2 级"
            else "中危"
        )
        chart.condition(visit, "I10", "原发性高血压", onset=onset, chronic=True, key=self.name, use="DD", stage=f"高血压 {grade}({group})")
        if self.years == 0:
            self.step = 0
            self._set(chart, visit.day, 0.0)
        else:
            self._set(chart, visit.day, self._relief(chart))
        self._apply(chart, visit.day)

    def _relief(self, chart: Chart) -> float:
        part = min(_RELIEF[self.step] * self.response, 1.03)
        return part * 0.5 if self.course == "careless" and chart.rng.random() < 0.55 else part

    def _set(self, chart: Chart, day: date, part: float) -> None:
        chart.body.systolic.change(day, self.excess[0] * (1 - part))
        chart.body.diastolic.change(day, self.excess[1] * (1 - part))

    def _apply(self, chart: Chart, day: date) -> None:
        """Treatment takes five days to show."""
        self._set(chart, day + timedelta(days=5), self._relief(chart))

    def review(self, chart: Chart, visit: Visit) -> bool:
        systolic, diastolic = chart.facts["pressure"]
        limit = 150 if chart.age(visit.day) >= 65 and "diabetes" not in chart.resident.conditions else 140
        chart.facts.setdefault("pressures", []).append((visit.day, systolic, diastolic))
        if systolic < limit and diastolic < 90:
            self.strikes = 0
            chart.stated(visit, "survey", _VERDICT, codes.words("控制满意"))
            if self.course == "careless":
                self._apply(chart, visit.day)
            return False
        self.strikes += 1
        if self.strikes == 1:
            chart.stated(visit, "survey", _VERDICT, codes.words("控制不满意:首次,调整用药,2 周内随访"))
        else:
            chart.stated(visit, "survey", _VERDICT, codes.words("控制不满意:连续两次,建议转诊"))
        hesitant = self.course != "resistant" and chart.rng.random() < 0.35  # not every doctor adds a medicine at once
        if self.step < len(self.ladder) - 1 and self.course != "careless" and not hesitant:
            self.step += 1
        self._apply(chart, visit.day)
        return self.strikes == 1

    def drugs(self) -> list[tuple[str, float]]:
        return [(drug, 0.0) for drug in self.ladder[self.step]]

    def activities(self) -> list[str]:
        return [
            "每 3 个月随访 1 次,测量血压、心率、体重,评估症状与服药依从性",
            "降压目标:收缩压低于 140 mmHg,舒张压低于 90 mmHg;65 岁及以上先降至 150/90 mmHg 以下",
            "低盐饮食,每日食盐不超过 5 克;控制体重,规律运动,戒烟限酒",
            "每年进行 1 次较全面的健康体检(血常规、尿常规、肾功能、血脂、血糖、心电图)",
        ]
