"""Pregnancy: five antenatal visits, screening, birth at the maternity hospital, visit after birth
(国家基本公共卫生服务规范第三版,孕产妇健康管理)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from yilian.demo.clinical import codes, findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

MATERNAL = "yunxi-maternal"
TERM_DAYS = 280

# Weeks of the antenatal visits and where: the centre at home, or a hospital with obstetrics.
_VISITS = (
    (9, "home"),
    (13, "hospital"),
    (18, "home"),
    (23, "hospital"),
    (26, "hospital"),
    (31, "home"),
    (34, "hospital"),
    (37, "hospital"),
    (39, "hospital"),
)
_LAST_PERIOD = codes.loinc("8665-2", "末次月经日期")
_EDEMA = codes.words("双下肢水肿")


@dataclass(slots=True)
class Pregnancy:
    """One pregnancy, from the last period on. `born` is the day of birth, None while it goes on; `sugar`: gestational diabetes;
    `caesarean`."""

    chart: Chart
    last_period: date
    born: date | None
    birth: int = 1  # which child it is
    sugar: bool = False
    caesarean: bool = False
    condition: codes.Resource | None = None

    def enter(self) -> None:
        """Put every visit on the chart's agenda."""
        chart = self.chart
        usual = chart.body.mass_index.at(date.min)
        for weeks, where in _VISITS:
            day = self.last_period + timedelta(days=weeks * 7 + chart.rng.randint(-2, 3))
            if self.born is None or day < self.born - timedelta(days=2):
                chart.body.mass_index.change(day, usual + max(0.0, (weeks - 10) * 0.155))
                chart.at_workday(day, partial(self._visit, weeks=weeks, where=where))
        if self.born is not None:
            chart.body.mass_index.change(self.born + timedelta(days=30), usual + 0.8)
            chart.at(self.born, self._birth)
            chart.at(self.born + timedelta(days=6), self._home_visit)
            chart.at(self.born + timedelta(days=42), self._after)

    def _visit(self, day: date, weeks: int, where: str) -> None:
        chart, rng = self.chart, self.chart.rng
        weeks = (day - self.last_period).days // 7
        place = (
            chart.home if where == "home" else MATERNAL if chart.places[chart.home].district == "yuncheng" or weeks > 22 else chart.county
        )
        department = "06" if where == "home" else "05.02"
        visit = chart.visit(day, place, department, "首次产前检查建册" if weeks < 12 else "产前检查", complaint=f"孕 {weeks} 周产前检查")
        if self.condition is None:
            self.condition = chart.condition(
                visit,
                "Z34.9",
                "正常妊娠监督",
                onset=self.last_period,
                resolved=self.born,
                chronic=self.born is None,
                key="pregnancy",
                note=f"末次月经 {self.last_period.isoformat()},预产期 {(self.last_period + timedelta(days=TERM_DAYS)).isoformat()},孕 "
                f"{self.birth} 产 {self.birth - 1}",
            )
            chart._observation(visit, "survey", _LAST_PERIOD, {"valueDateTime": self.last_period.isoformat()})
            chart.panel(visit, "blood group", {"abo": _blood_group(chart), "rh": "阳性"})
            for panel in ("cbc", "urine", "liver check", "renal check", "hepatitis", "glucose"):
                chart.panel(visit, panel, self._blood(weeks) if panel == "cbc" else None)
            chart.prescribe(visit, "folate", 90, self.condition)
        else:
            visit.diagnose(self.condition, "正常妊娠监督")
        chart.pressure(visit)
        chart.size(visit, with_height=weeks < 12)
        if weeks >= 16:
            chart.vital(visit, "fundus", weeks - 3 + rng.randint(-1, 1) if weeks < 36 else 32 + rng.randint(0, 2))
        if weeks >= 13:
            chart.vital(visit, "fetal", rng.randint(136, 152))
        picture = {13: "nt", 23: "anatomy", 34: "late"}.get(weeks)
        if weeks in (12, 13, 14):
            picture = "nt"
        if picture and place != chart.home:
            chart.study(visit, "RUS", "11525-3", "产科超声", *findings.OBSTETRIC[picture])
        if 24 <= weeks <= 28:
            self._glucose(visit)
        if weeks >= 31:
            chart.panel(visit, "cbc", self._blood(weeks))
            chart.panel(visit, "urine")
            hemoglobin = float(chart.facts["hgb"])
            if hemoglobin < 110 and "anaemia" not in chart.problems:
                anaemia = chart.condition(
                    visit, "O99.0", "妊娠合并贫血", resolved=self.born and self.born + timedelta(days=42), severity="mild", key="anaemia"
                )
                chart.prescribe(visit, "iron", 42, anaemia)

    def _blood(self, weeks: int) -> dict[str, float]:
        drop = min(20.0, max(0.0, (weeks - 12) * 0.75))
        hemoglobin = 131 - drop + self.chart.rng.gauss(0, 5)
        return {"hgb": hemoglobin, "hct": hemoglobin * 0.305, "rbc": hemoglobin / 30.5, "wbc": 7.9 + self.chart.rng.gauss(0, 1.0)}

    def _glucose(self, visit: Visit) -> None:
        chart, rng = self.chart, self.chart.rng
        values = (
            {"glu": rng.uniform(5.2, 5.8), "ogtt1": rng.uniform(10.1, 11.2), "ogtt2": rng.uniform(8.6, 9.7)}
            if self.sugar
            else {"glu": rng.uniform(4.1, 4.8), "ogtt1": rng.uniform(6.2, 9.2), "ogtt2": rng.uniform(5.4, 7.9)}
        )
        report = chart.panel(visit, "ogtt", values)
        if self.sugar:
            chart.resources[-1]["conclusion"] = "空腹、1 小时及 2 小时血糖均超过妊娠期诊断界值(5.1、10.0、8.5 mmol/L)。"
            problem = chart.condition(
                visit, "O24.4", "妊娠期糖尿病", resolved=self.born and self.born + timedelta(days=42), key="gestational diabetes"
            )
            chart.plan(
                visit,
                "妊娠期糖尿病管理计划",
                [problem],
                ["医学营养治疗,少量多餐", "餐后散步 30 分钟", "自测空腹及餐后 2 小时血糖,每周记录"],
                until=self.born,
            )
        else:
            chart.resources[-1]["conclusion"] = "未达到妊娠期糖尿病诊断标准。"
        assert report

    def _birth(self, day: date) -> None:
        chart, rng = self.chart, self.chart.rng
        days = 5 if self.caesarean else 3
        chart.away_until = day + timedelta(days=days)
        start = datetime.combine(day, time(rng.randint(0, 9), rng.choice((5, 15, 30, 50))))
        visit = chart.stay(
            start,
            days,
            MATERNAL,
            "05.02",
            "产科住院分娩",
            complaint="停经足月,规律下腹痛" if not self.caesarean else "停经足月,要求住院待产",
        )
        weeks, rest = divmod((day - self.last_period).days, 7)
        code, name = ("O82.9", "剖宫产分娩") if self.caesarean else ("O80.0", "头位顺产")
        condition = chart.condition(visit, code, f"宫内孕 {weeks}+{rest} 周 {name}", resolved=day + timedelta(days=42))
        chart.pressure(visit)
        chart.vital(visit, "fetal", rng.randint(134, 150))
        chart.panel(visit, "cbc", self._blood(weeks))
        chart.panel(visit, "clotting", {"ddimer": rng.uniform(0.9, 1.8)})
        if self.caesarean:
            chart.procedure(visit, "74.1", "子宫下段剖宫产术", condition, minutes=50, outcome="母婴平安")
            chart.prescribe(visit, chart.first_allowed("ceftriaxone", "azithromycin"), 1, condition, inpatient=True)
        else:
            chart.procedure(visit, "73.59", "顺产接生", condition, minutes=40, outcome="母婴平安")
        chart.prescribe(visit, "oxytocin", 1, condition, inpatient=True)

    def _home_visit(self, day: date) -> None:
        visit = self.chart.visit(day, self.chart.home, "06", "产后访视", kind="HH")
        self.chart.pressure(visit)
        self.chart.vital(visit, "temperature", 36.6)
        self.chart.note(
            visit,
            "exam",
            codes.words("产后访视所见"),
            "一般情况好,乳房无红肿,子宫复旧良好,恶露正常" + (",腹部切口愈合良好" if self.caesarean else ",会阴无红肿"),
        )

    def _after(self, day: date) -> None:
        visit = self.chart.visit(self.chart.workday(day), MATERNAL, "05.02", "产后 42 天检查")
        self.chart.pressure(visit)
        self.chart.size(visit, with_height=False)
        self.chart.panel(visit, "cbc")
        if self.sugar:
            self.chart.panel(visit, "ogtt", {"glu": 4.9, "ogtt1": 8.1, "ogtt2": 6.6})
        self.chart.note(visit, "exam", codes.words("产后 42 天检查所见"), "子宫复旧良好,双附件区未触及异常,盆底肌力 4 级")


def _blood_group(chart: Chart) -> str:
    return chart.rng.choices(("A", "B", "O", "AB"), (31, 24, 36, 9))[0]
