"""Injuries: falls and fractures, in the emergency room and on the ward of the county hospital, with the checks afterwards."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial

from yilian.demo.clinical import findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit

KINDS = ("radius", "ankle", "femoral-neck", "vertebra", "head")


def enter(chart: Chart, day: date, kind: str) -> None:
    """Put an injury on the agenda."""
    chart.when_free(day, lambda on: {"femoral-neck": _hip, "head": _head}.get(kind, _fracture)(chart, on, kind))


def _fracture(chart: Chart, day: date, kind: str) -> None:
    """A broken wrist, ankle or vertebra: plaster or plate, checks after two and six weeks."""
    rng = chart.rng
    code, name, complaint = {
        "radius": ("S52.5", "右侧桡骨远端骨折", "跌倒致右腕部肿痛、活动受限 2 小时"),
        "ankle": ("S82.6", "左侧外踝骨折", "扭伤致左踝肿痛、不能负重 3 小时"),
        "vertebra": ("S22.0", "胸 12 椎体压缩性骨折", "滑倒后腰背部疼痛 1 天"),
    }[kind]
    visit = chart.visit(
        day, chart.county, "20", "急诊", complaint=complaint, kind="EMER", at=time(rng.randint(9, 21), rng.choice((5, 25, 45))), minutes=150
    )
    condition = chart.condition(visit, code, name, resolved=day + timedelta(days=95), severity="moderate", key="fracture")
    chart.pressure(visit)
    chart.vital(visit, "pulse", rng.randint(80, 98))
    title, seen, conclusion = findings.BONES[kind]
    chart.study(visit, "RX", "", title, seen, conclusion, after_minutes=25, key="bones")
    if kind == "radius":
        chart.procedure(visit, "79.02", "桡骨骨折闭合复位石膏外固定术", condition, minutes=30, outcome="复位满意")
    if kind == "ankle":
        chart.procedure(visit, "93.54", "小腿石膏托外固定", condition, minutes=20)
    chart.prescribe(visit, chart.first_allowed("celecoxib", "paracetamol"), 7, condition)
    for weeks in (2, 6):
        chart.at_workday(day + timedelta(days=7 * weeks), partial(_after, chart, weeks, name, title, condition))


def _after(chart: Chart, weeks: int, name: str, title: str, condition: dict[str, str], day: date) -> None:
    visit = chart.visit(day, chart.county, "04.03", "骨科门诊", complaint=f"{name} {weeks} 周复查")
    visit.diagnose(condition, name)
    word = "骨折线清晰,对位对线良好" if weeks == 2 else "骨折线模糊,可见骨痂生长"
    chart.study(visit, "RX", "", title, f"骨折对位对线良好,{word}。", "骨折复查,位置良好。")
    if weeks == 6 and chart.age(day) >= 60:
        porous = chart.condition(
            visit, "M81.0", "绝经后骨质疏松" if chart.resident.sex == "female" else "老年性骨质疏松", chronic=True, key="osteoporosis"
        )
        chart.prescribe(visit, "calcium", 90, porous)
        chart.prescribe(visit, "alendronate", 84, porous)


def _hip(chart: Chart, day: date, kind: str) -> None:
    hip(chart, day)


def hip(chart: Chart, day: date, *, days: int = 0, where: str = "") -> Visit:
    """A broken hip: admission and hip replacement."""
    rng = chart.rng
    days = days or rng.randint(11, 14)
    chart.away_until = day + timedelta(days=days)
    start = datetime.combine(day, time(rng.randint(9, 18), 30))
    visit = chart.stay(start, days, where or chart.county, "04.03", "骨科住院", complaint="跌倒致左髋部疼痛、不能站立 5 小时")
    condition = chart.condition(visit, "S72.0", "左侧股骨颈骨折", resolved=day + timedelta(days=180), severity="severe", key="hip")
    chart.pressure(visit)
    chart.vital(visit, "pulse", rng.randint(78, 96))
    title, seen, conclusion = findings.BONES["femoral-neck"]
    chart.study(visit, "RX", "", title, seen, conclusion, after_minutes=30, key="bones")
    chart.panel(visit, "cbc", {"hgb": rng.uniform(98, 116), "hct": 33.0})
    chart.panel(visit, "renal")
    chart.panel(visit, "electrolytes")
    chart.panel(visit, "clotting", {"ddimer": rng.uniform(1.2, 3.4)})
    chart.ecg(visit, "normal", key="ecg")
    chart.procedure(visit, "81.52", "左侧人工股骨头置换术", condition, days=3, minutes=85, outcome="手术顺利,假体位置良好")
    chart.prescribe(visit, chart.first_allowed("ceftriaxone", "levofloxacin"), 3, condition, inpatient=True)
    chart.prescribe(visit, "enoxaparin", days, condition, inpatient=True)
    visit.discharge("3", chart.places[chart.home])
    return visit


def _head(chart: Chart, day: date, kind: str) -> None:
    rng = chart.rng
    visit = chart.visit(
        day,
        chart.county,
        "20",
        "急诊",
        complaint="骑电动车摔倒,头部外伤 1 小时",
        kind="EMER",
        at=time(rng.randint(10, 20), 15),
        minutes=240,
    )
    condition = chart.condition(visit, "S00.0", "头皮挫伤", resolved=day + timedelta(days=10), severity="mild")
    chart.pressure(visit)
    chart.vital(visit, "pulse", rng.randint(78, 94))
    chart.study(visit, "CT", "30799-1", "颅脑 CT 平扫", *findings.HEAD_CT["trauma"], after_minutes=20)
    chart.prescribe(visit, "paracetamol", 3, condition)
