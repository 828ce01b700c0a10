"""Stories of the heart: angina, an infarction through the green channel, a fibrillation, a failing heart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

from yilian.demo.cases.story import LEAD, Book, ago, at, clinic, coordinator, evidence, future, icd, person, step
from yilian.demo.clinical import findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.referrals import Plan

BOOK = Book()


@BOOK.case("angina", "qingshi", "male", 66, {"hypertension:steady": 9, "coronary:stable": 1})
def angina(chart: Chart) -> Callable[[], list[Plan]]:
    """Stable angina that got worse; the expert will see him in two days. Weeks ago the county hospital looked into his palpitations, which
    he has not rated yet. This is the account `resident`."""

    def fluttering(on: date) -> None:
        visit = chart.visit(on, chart.home, "02", "全科门诊", complaint="阵发性心悸 3 周", at=time(9, 0), minutes=25, doctor=chart.doctor)
        chart.pressure(visit, 138, 82)
        chart.ecg(visit, "premature", after_minutes=10, key="ecg")
        chart.condition(visit, "R00.2", "心悸", severity="mild", resolved=ago(chart, 36))
        chart.facts["palpitation"] = evidence(chart, "ecg", "pressure")

    def monitored(on: date) -> None:
        county = chart.staff.by_id["county"]
        visit = chart.visit(
            on,
            "yunxi-county",
            "03.04",
            "心血管内科门诊",
            complaint="阵发性心悸 1 月,动态心电图复诊",
            at=time(9, 20),
            minutes=30,
            doctor=county,
        )
        seen = "24 小时记录,窦性心律,平均心率 71 次/分,房性早搏 186 次,未见房颤、长间歇及 ST 段动态改变。"
        chart.study(visit, "EC", "18754-2", "动态心电图", seen, "窦性心律,偶发房性早搏。", after_minutes=20)

    chart.at(ago(chart, 38), fluttering)
    chart.at(ago(chart, 35), monitored)

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "活动后胸闷、胸痛加重 2 周", when=time(9, 40))
        chart.pressure(visit, 148, 84)
        chart.vital(visit, "pulse", 74)
        chart.ecg(visit, "st-depression", after_minutes=10, key="ecg")
        chart.panel(visit, "heart", {"ctni": 0.016, "ckmb": 2.1, "bnp": 168})
        chart.condition(visit, "I20.9", "心绞痛(劳力型,加重)", severity="moderate")
        chart.prescribe(visit, "nitroglycerin", 7, chart.problems.get("冠心病"))

    chart.at(ago(chart, 4), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}高血压病史 9 年,冠心病病史 1 年。近 2 周活动后胸闷、胸痛加重,上一层楼即可诱发,每次 3~5 分钟,"
            "休息或含服硝酸甘油后缓解,"
            "无持续性胸痛。今日血压 148/84 mmHg,心率 74 次/分,心电图示Ⅰ、aVL、V4~V6 导联 ST 段下移 0.1 mV、T 波倒置,肌钙蛋白 I 正常。"
            "规律服用阿司匹林、他汀、美托洛尔及单硝酸异山梨酯。考虑稳定型心绞痛加重,我院无冠脉造影条件,请贵院评估冠脉病变及介入指征。"
        )
        before = (
            f"{person(chart)}高血压病史 9 年,冠心病病史 1 年。阵发性心悸 3 周,每次数分钟,无黑蒙、晕厥。血压 138/82 mmHg,"
            "心电图示偶发房性早搏。我院无动态心电图,请贵院检查以明确有无心房颤动。"
        )
        return [
            Plan(
                "palpitation", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "03.04", "routine", "needs-higher-test",
                (("R00.2", "心悸"), ("I10", "原发性高血压")), before, at(38, 9, 40), "completed",
                steps=(
                    step("approve", "head", at(38, 10, 30), note="同意。"),
                    step("receive", coordinator(chart, "yunxi-county"), at(38, 14, 20)),
                    step("accept", "county", at(38, 15, 5), note="请携带既往检查资料,检查当日着宽松衣物。"),
                    step("arrive", coordinator(chart, "yunxi-county"), at(36, 9, 15)),
                    step(
                        "complete", "county", at(34, 16, 0), diagnosis=(icd("I49.1", "房性早搏"),),
                        findings="动态心电图:窦性心律,房性早搏 186 次/24 小时,未见心房颤动及 ST 段动态改变。",
                        treatment="暂无需抗心律失常药物,继续原有美托洛尔等治疗。",
                        advice="避免浓茶、熬夜;心悸加重或伴胸痛、晕厥时及时就诊。",
                    ),
                ),
                evidence=chart.facts["palpitation"],
            ),
            Plan(
                "angina", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.04", "routine", "needs-higher-test",
                (("I20.9", "心绞痛(劳力型,加重)"), ("I10", "原发性高血压")), note, at(4, 10, 15), "accepted",
                steps=(
                    step("approve", "head", at(4, 11, 5), note="同意转市一院心内科。"),
                    step("receive", "coordinator", at(4, 14, 10)),
                    step(
                        "accept", "coordinator", at(3, 9, 20), practitioner=chart.staff.by_id["expert"].reference, start=future(chart, 2, 9,
                        30),
                        note="已预约沈立新主任专家门诊,请携带既往检查资料及正在服用的药物,空腹前来。",
                    ),
                ),
                evidence=evidence(chart, "ecg", "heart", "pressure"),
                instruction="随身携带硝酸甘油;如胸痛持续超过 15 分钟不缓解,立即拨打 120。",
            ),
        ]  # fmt: skip

    return plans


@BOOK.case("infarction", "qingshi", "male", 58, {"hypertension:careless": 5}, smoking="now")
def infarction(chart: Chart) -> Callable[[], list[Plan]]:
    """An infarction at night: green channel, PCI, on the ward since six days and ready to come home."""

    def night(on: date) -> None:
        visit = clinic(chart, on, "急诊", "持续胸痛 2 小时", when=time(21, 50), department="20", kind="EMER", minutes=40)
        chart.pressure(visit, 152, 94)
        chart.vital(visit, "pulse", 64)
        chart.vital(visit, "oxygen", 96)
        chart.ecg(visit, "inferior-stemi", after_minutes=6, key="ecg")
        chart.panel(visit, "heart", {"ctni": 0.86, "ckmb": 12.4, "bnp": 210}, after_minutes=12)
        chart.condition(visit, "I21.1", "急性下壁 ST 段抬高型心肌梗死", severity="severe", provisional=True)
        chart.prescribe(visit, "aspirin-load", 1)
        chart.prescribe(visit, "ticagrelor-load", 1)
        visit.discharge("2", chart.places[LEAD])
        chart.facts["first-evidence"] = evidence(chart, "ecg", "heart", "pressure")

    def ward(on: date) -> None:
        start = datetime.combine(on, time(23, 18))
        expert = chart.staff.by_id["expert"]
        visit = chart.stay(start, 9, LEAD, "03.04", "心血管内科住院", complaint="持续胸痛 3 小时余", doctor=expert)
        condition = chart.condition(visit, "I21.1", "急性下壁 ST 段抬高型心肌梗死", severity="severe", key="infarct", use="AD")
        for drug in list(chart.current):
            chart.stop(drug, "住院期间调整治疗方案")
        chart.pressure(visit, 118, 72)
        chart.vital(visit, "pulse", 62)
        chart.panel(visit, "heart", {"ctni": 9.42, "ckmb": 86.0, "bnp": 640}, after_minutes=10)
        chart.panel(visit, "renal", None)
        chart.panel(visit, "electrolytes", None)
        chart.panel(visit, "lipid", {"ldl": 4.08, "tc": 6.02})
        chart.study(visit, "CTH", "18745-0", "冠状动脉造影", *findings.ANGIOGRAPHY["rca"], after_minutes=40, key="angiography")
        chart.procedure(
            visit, "36.07", "经皮冠状动脉药物洗脱支架植入术", condition, minutes=55, outcome="支架植入成功,血流恢复至 3 级", doctor=expert
        )
        chart.study(visit, "CUS", "34552-0", "超声心动图", *findings.ECHO["after-mi"], after_minutes=60 * 35, key="echo")
        for drug in ("aspirin", "ticagrelor", "atorvastatin", "metoprolol", "perindopril"):
            chart.prescribe(visit, drug, 10, condition, inpatient=True)
        visit.effective = visit.later(days=5)  # the last round before today: steady, so the ward sees that he can go home
        chart.pressure(visit, 124, 76)
        for key, value in (("pulse", 66), ("breath", 17), ("oxygen", 97), ("temperature", 36.6)):
            chart.vital(visit, key, value)

    chart.at(ago(chart, 6), night)
    chart.at(ago(chart, 6), ward)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}高血压病史 5 年,服药不规律,吸烟 30 年。今晚 19:50 无诱因突发胸骨后压榨样疼痛,持续不缓解,伴大汗。21:56 "
            "心电图:Ⅱ、Ⅲ、aVF 导联 "
            "ST 段弓背向上抬高 0.2~0.4 mV。肌钙蛋白 I 0.86 μg/L。血压 152/94 mmHg,心率 64 次/分。已予阿司匹林 300 mg、替格瑞洛 180 mg "
            "嚼服,吸氧、心电监护,"
            "120 转运途中,请启动导管室。"
        )
        return [
            Plan(
                "infarction", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.04", "stat", "critical-beyond-capability",
                (("I21.1", "急性下壁 ST 段抬高型心肌梗死"),), note, at(6, 22, 6), "arrived",
                steps=(
                    step("accept", "expert", at(6, 22, 9), note="已启动导管室,绕行急诊直达导管室。"),
                    step("arrive", "coordinator", at(6, 23, 18)),
                    step(
                        "report", "expert", at(5, 1, 20), recordNumber=_record_number(chart),
                        note="造影示右冠状动脉中段闭塞,已植入药物洗脱支架 1 枚,血流 3 级。首次医疗接触至导丝通过 114 分钟。",
                    ),
                    step(
                        "report", "expert", at(1, 9, 30),
                        findings="超声心动图:左室下壁运动减弱,左室射血分数 52%。肌钙蛋白已明显回落,无心律失常及心力衰竭。",
                        note="术后病情平稳,可下床活动,拟近日出院转回基层继续二级预防与心脏康复。",
                    ),
                ),
                evidence=chart.facts["first-evidence"], consent="guardian",
            )
        ]  # fmt: skip

    return plans


def _record_number(chart: Chart) -> str:
    """病案号 of the newest admission."""
    stay = next(r for r in reversed(chart.resources) if r["resourceType"] == "Encounter" and r["class"]["code"] == "IMP")
    return str(stay["identifier"][1]["value"])


@BOOK.case("fibrillation", "qingshi", "female", 73, {"hypertension:slow": 8})
def fibrillation(chart: Chart) -> Callable[[], list[Plan]]:
    """A new fibrillation with a fast heart; approved, and waiting to be received."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "心悸、乏力 3 天", when=time(15, 20))
        chart.pressure(visit, 142, 86)
        chart.vital(visit, "pulse", 108)
        chart.vital(visit, "oxygen", 96)
        chart.ecg(visit, "fibrillation", after_minutes=10, key="ecg")
        chart.panel(visit, "electrolytes", {"k": 3.92})
        chart.condition(visit, "I48.9", "心房颤动", severity="moderate", key="fibrillation")
        chart.prescribe(visit, "metoprolol", 7, chart.problems.get("fibrillation"))

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}高血压病史 8 年。3 天前出现心悸、乏力,呈持续性,无胸痛、晕厥及肢体活动障碍。血压 142/86 mmHg,心室率 108 "
            "次/分,律绝对不齐,心电图示心房颤动。"
            "血钾 3.92 mmol/L。昨日予美托洛尔,今晨心室率 92 次/分,仍为房颤。发作时间大于 48 小时,年龄及高血压均为卒中危险因素,尚未抗凝。"
            "请贵院评估心脏结构、抗凝及节律控制方案。"
        )
        return [
            Plan(
                "fibrillation", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.04", "urgent", "needs-higher-test",
                (("I48.9", "心房颤动"), ("I10", "原发性高血压")), note, at(0, 1, 40), "submitted",
                steps=(step("approve", "head", at(0, 0, 55), note="同意转出,请尽快安排。"),),
                evidence=evidence(chart, "ecg", "electrolytes", "pressure"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("failing-heart", "baisha", "male", 69, {"coronary:infarct": 6, "diabetes:slow": 10})
def failing_heart(chart: Chart) -> Callable[[], list[Plan]]:
    """A failing heart on the county's ward; the county asks the lead hospital to take him."""

    def ward(on: date) -> None:
        chart.away_until = chart.today
        doctor = chart.staff.by_id["county"]
        visit = chart.stay(
            datetime.combine(on, time(10, 40)),
            12,
            "yunxi-county",
            "03.04",
            "心血管内科住院",
            complaint="活动后气促 1 月,夜间不能平卧 3 天",
            doctor=doctor,
        )
        condition = chart.condition(visit, "I50.9", "慢性心力衰竭急性加重", severity="severe", use="AD", key="failure", stage="心功能 Ⅳ 级")
        chart.pressure(visit, 108, 66)
        chart.vital(visit, "pulse", 102)
        chart.vital(visit, "oxygen", 91)
        chart.panel(visit, "heart", {"ctni": 0.032, "ckmb": 3.1, "bnp": 6840})
        chart.panel(visit, "renal", {"cr": 148, "bun": 11.6})
        chart.panel(visit, "electrolytes", {"k": 4.6, "na": 133})
        chart.study(visit, "CUS", "34552-0", "超声心动图", *findings.ECHO["failure"], key="echo")
        chart.study(visit, "RX", "36643-5", "胸部正侧位 X 线", *findings.CHEST_XRAY["heart"])
        for drug in ("furosemide", "spironolactone"):
            chart.prescribe(visit, drug, 12, condition, inpatient=True)

    chart.at(ago(chart, 4), ward)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}陈旧性心肌梗死支架术后 6 年,2 型糖尿病 10 年。因活动后气促 1 月、夜间不能平卧 3 天入住我科。NT-proBNP 6840 "
            "ng/L,左室射血分数 36%,"
            "肌酐 148 μmol/L。经利尿、扩血管治疗 3 天,气促减轻但仍不能平卧,尿量每日约 1200 ml。请贵院评估缺血病因、"
            "器械治疗指征及心肾保护方案。"
        )
        return [
            Plan(
                "failing-heart", chart.resident.id, "up", "yunxi-county", LEAD, "county", "03.04", "urgent", "critical-beyond-capability",
                (("I50.9", "慢性心力衰竭急性加重"), ("I25.2", "陈旧性心肌梗死")), note, at(1, 15, 40), "need-info",
                steps=(
                    step("receive", "coordinator", at(1, 16, 30)),
                    step("ask", "expert", at(1, 17, 45), question="请补充:近 3 日 24 小时出入量、体重变化,目前静脉用药剂量,"
                    "既往造影及支架情况。能否耐受平车转运 40 分钟?"),
                ),
                evidence=evidence(chart, "echo", "heart", "renal"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("chest-pain", "qingshi", "female", 64, {"diabetes:steady": 7})
def chest_pain(chart: Chart) -> Callable[[], list[Plan]]:
    """Suspected acute coronary syndrome, not referred yet: one to try the demo with."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "急诊留观", "间断胸闷、胸痛 6 小时", when=time(20, 10), department="20", kind="EMER", minutes=120)
        chart.pressure(visit, 136, 82)
        chart.vital(visit, "pulse", 88)
        chart.vital(visit, "oxygen", 96)
        chart.ecg(visit, "st-depression", after_minutes=8, key="ecg")
        chart.panel(visit, "heart", {"ctni": 0.236, "ckmb": 7.8, "bnp": 320}, after_minutes=15)
        chart.condition(visit, "I20.0", "不稳定型心绞痛,急性心肌梗死待排", severity="severe", provisional=True)
        chart.prescribe(visit, "aspirin-load", 1)

    chart.at(ago(chart, 1), seen)
    return list


@BOOK.case("stable-stent", "liuhe", "male", 61, {"hypertension:steady": 6})
def stable_stent(chart: Chart) -> Callable[[], list[Plan]]:
    """Bypass surgery is weighed: the lead hospital has received it and the expert will decide."""

    def seen(on: date) -> None:
        visit = clinic(
            chart, on, "心血管内科门诊", "反复活动后胸痛 3 月", when=time(9, 10), place="yunxi-county", department="03.04", who="county"
        )
        chart.pressure(visit, 138, 80)
        chart.vital(visit, "pulse", 70)
        chart.ecg(visit, "st-depression", key="ecg")
        chart.study(
            visit,
            "CT",
            "",
            "冠状动脉 CT 血管成像",
            "左主干末端狭窄约 50%,前降支近段狭窄约 75%,回旋支中段狭窄约 70%,右冠状动脉中段狭窄约 80%。",
            "冠状动脉三支病变,建议造影评估。",
            key="vessels",
        )
        chart.condition(visit, "I25.1", "冠心病 三支病变", severity="severe")

    chart.at(ago(chart, 2), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}反复活动后胸痛 3 月,每周 3~4 次,含服硝酸甘油 2 分钟缓解。冠脉 CT 示左主干末端 50%、三支病变。高血压病史 6 "
            "年,血压控制尚可。"
            "我院不能开展冠脉搭桥及复杂介入,请贵院评估血运重建策略。"
        )
        return [
            Plan(
                "stable-stent", chart.resident.id, "up", "yunxi-county", LEAD, "county", "03.04", "routine", "other-limits",
                (("I25.1", "冠心病 三支病变"),), note, at(2, 10, 20), "received",
                steps=(
                    step("ask", "coordinator", at(2, 11, 30), question="请上传冠脉 CT 报告,并说明患者对搭桥手术的意愿。"),
                    step("answer", "county", at(1, 9, 5), answer="CT 报告已附;患者及家属愿意接受搭桥手术。",
                    attachment=(chart.facts["vessels-ref"],)),
                ),
                evidence=evidence(chart, "ecg"),
            ),
        ]  # fmt: skip

    return plans
