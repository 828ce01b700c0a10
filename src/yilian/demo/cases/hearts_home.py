"""Stories of infarctions that come home: through the green channel, a stent, and back to the township with a plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

from yilian.demo.cases.story import (
    LEAD,
    Book,
    ago,
    at,
    clinic,
    evidence,
    follow_up_plan,
    icd,
    person,
    record_number,
    step,
)
from yilian.demo.clinical import coronary
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.coronary import Coronary
from yilian.demo.referrals import Plan

BOOK = Book()


def _chest_pain(chart: Chart, days: int, hour: int, kind: str) -> None:
    """The evening at the township that an infarction begins with."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "急诊", "持续胸痛 1.5 小时", when=time(hour, 10), department="20", kind="EMER", minutes=30)
        chart.pressure(visit, 146, 88)
        chart.vital(visit, "pulse", 92)
        chart.ecg(visit, kind, after_minutes=5, key="ecg")
        chart.panel(visit, "heart", {"ctni": 0.42, "ckmb": 9.2, "bnp": 180}, after_minutes=12)
        chart.condition(visit, "I21.9", "急性 ST 段抬高型心肌梗死", severity="severe", provisional=True, resolved=on)
        chart.prescribe(visit, "aspirin-load", 1)
        visit.discharge("2", chart.places[LEAD])
        chart.facts["first-evidence"] = evidence(chart, "ecg", "heart")

    chart.at(ago(chart, days), seen)


@BOOK.case("stent-home", "qingshi", "male", 63, {"hypertension:steady": 8})
def stent_home(chart: Chart) -> Callable[[], list[Plan]]:
    """Infarction, stent, home: 青石 has accepted him with a follow-up plan and sees him."""
    days = 40
    _chest_pain(chart, days, 8, "anterior-stemi")

    def ward(on: date) -> None:
        chart.facts["stay"] = coronary.infarction(chart, on, wall="anterior", arrival=time(9, 34), days=9)
        chart.away_until = chart.today

    def after(on: date) -> None:
        visit = clinic(chart, on, "冠心病随访", "冠脉支架术后首次随访", when=time(9, 20))
        care = Coronary(chart, 0, infarct=True, infarct_on=ago(chart, days), wall="anterior")
        care.enrol(chart, visit)
        chart.pressure(visit, 124, 74)
        chart.vital(visit, "pulse", 66)
        chart.renew(visit)
        for drug, dose in care.drugs():
            chart.prescribe(visit, drug, 28, chart.problems["冠心病"], dose=dose, long_term=True)

    chart.at(ago(chart, days), ward)
    chart.at(ago(chart, 20), after)

    def plans() -> list[Plan]:
        up = (
            f"{person(chart)}高血压 8 年。今晨 6:40 突发胸骨后压榨样疼痛 1.5 小时不缓解,心电图 V1~V5 导联 ST 段弓背向上抬高,肌钙蛋白 I "
            "0.42 μg/L。已予阿司匹林 300 mg,120 转运。"
        )
        down = (
            f"{person(chart)}急性广泛前壁 ST 段抬高型心肌梗死,前降支近段植入药物洗脱支架 1 枚。住院 9 天,恢复顺利,左室射血分数 52%,"
            "无心力衰竭及心律失常。"
            "请继续双联抗血小板(至少 12 个月)、他汀、美托洛尔治疗,血压目标低于 130/80 mmHg,低密度脂蛋白胆固醇低于 1.8 mmol/L,指导心脏康复。"
        )
        plan = follow_up_plan(
            chart, "冠脉支架术后随访与康复计划", ago(chart, 29), 180,
            (
                "出院后 2 周内首次面对面随访:血压、心率、胸痛症状、穿刺部位", "每 2 周电话随访 1 次,共 3 个月;其后每月 1 次",
                "术后 1、3、6 个月复查血脂、肝功能、血常规,记录出血情况", "心脏康复:步行每日 30 分钟,循序渐进;戒烟",
                "双联抗血小板治疗 12 个月内不得自行停药", "胸痛复发或持续超过 15 分钟立即经绿色通道上转",
            ),
        )  # fmt: skip
        return [
            Plan(
                "stent-home-up", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.04", "stat", "critical-beyond-capability",
                (("I21.0", "急性广泛前壁 ST 段抬高型心肌梗死"),), up, at(days, 8, 26), "completed",
                steps=(
                    step("accept", "expert", at(days, 8, 29), note="导管室已启动。"),
                    step("arrive", "coordinator", at(days, 9, 34)),
                    step(
                        "complete", "expert", at(days - 9, 11, 10), diagnosis=(icd("I21.0", "急性广泛前壁 ST 段抬高型心肌梗死"), icd("I10",
                        "原发性高血压")),
                        findings="造影:前降支近段次全闭塞;超声心动图:左室射血分数 52%;出院前低密度脂蛋白胆固醇 2.1 mmol/L。",
                        recordNumber=record_number(chart.facts["stay"]),
                        treatment="急诊经皮冠状动脉介入治疗,前降支植入药物洗脱支架 1 枚;双联抗血小板、他汀、美托洛尔、抗凝治疗。",
                        advice="双联抗血小板至少 12 个月;他汀长期;2 周内基层随访,1 个月心内科门诊复查。",
                    ),
                ),
                evidence=chart.facts["first-evidence"], consent="guardian",
            ),
            Plan(
                "stent-home", chart.resident.id, "down", LEAD, "qingshi", "expert", "03.04", "routine", "stable-after-acute",
                (("I21.0", "急性前壁心肌梗死支架植入术后"),), down, at(days - 9, 11, 40), "arrived", based_on="stent-home-up",
                steps=(
                    step("receive", "gp", at(days - 9, 14, 30)),
                    step("accept", "gp", at(days - 10, 9, 0), plan=plan, practitioner=chart.staff.by_id["gp"].reference,
                    note="已建立随访计划,2 周内首次随访。"),
                    step("arrive", "gp", at(20, 9, 25)),
                    step("report", "gp", at(20, 10, 0), note="首次随访:无胸痛,血压 124/74 mmHg,心率 66 次/分,规律服药,已指导心脏康复。"),
                ),
                evidence=evidence(chart, "angiography", "echo"),
            ),
        ]  # fmt: skip

    return plans


@BOOK.case("stent-new", "qingshi", "male", 55, smoking="now")
def stent_new(chart: Chart) -> Callable[[], list[Plan]]:
    """Discharged yesterday; the down-referral lies in the inbox of 青石."""
    days = 9
    _chest_pain(chart, days, 20, "inferior-stemi")

    def ward(on: date) -> None:
        chart.facts["stay"] = coronary.infarction(chart, on, wall="inferior", arrival=time(21, 40), days=8)
        chart.away_until = chart.today

    chart.at(ago(chart, days), ward)

    def plans() -> list[Plan]:
        up = (
            f"{person(chart)}吸烟 25 年。晚 18:40 突发胸痛、大汗 1.5 小时,心电图Ⅱ、Ⅲ、aVF 导联 ST 段抬高,肌钙蛋白 I 0.42 μg/L。"
            "已予阿司匹林 300 mg,请启动绿色通道。"
        )
        down = (
            f"{person(chart)}急性下壁心肌梗死,右冠状动脉支架植入术后,住院 8 天,无并发症。出院血压 118/72 mmHg,心率 64 次/分。请 2 周内随访,"
            "监督双联抗血小板及他汀治疗,协助戒烟,指导心脏康复;1 个月后来我院心内科门诊复查。"
        )
        return [
            Plan(
                "stent-new-up", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.04", "stat", "critical-beyond-capability",
                (("I21.1", "急性下壁 ST 段抬高型心肌梗死"),), up, at(days, 20, 24), "completed",
                steps=(
                    step("accept", "expert", at(days, 20, 27)),
                    step("arrive", "coordinator", at(days, 21, 40)),
                    step(
                        "complete", "expert", at(1, 10, 50), diagnosis=(icd("I21.1", "急性下壁 ST 段抬高型心肌梗死"),),
                        recordNumber=record_number(chart.facts["stay"]),
                        findings="造影:右冠状动脉中段闭塞;左室射血分数 52%。",
                        treatment="急诊介入治疗,右冠状动脉植入药物洗脱支架 1 枚;双联抗血小板、他汀、美托洛尔治疗。",
                        advice="双联抗血小板至少 12 个月;严格戒烟;2 周内基层随访。",
                    ),
                ),
                evidence=chart.facts["first-evidence"], consent="guardian",
            ),
            Plan(
                "stent-new", chart.resident.id, "down", LEAD, "qingshi", "expert", "03.04", "routine", "stable-after-acute",
                (("I21.1", "急性下壁心肌梗死支架植入术后"),), down, at(1, 11, 20), "submitted", based_on="stent-new-up",
                evidence=evidence(chart, "angiography", "echo"),
            ),
        ]  # fmt: skip

    return plans
