"""Stories of women, of blood and bowels, of full hospitals, and of neighbours: forwarded, declined and lateral referrals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

from yilian.demo.cases.story import LEAD, Book, ago, at, clinic, coordinator, declined, evidence, future, person, specialist, step
from yilian.demo.clinical import findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.history import expect
from yilian.demo.referrals import Plan

BOOK = Book()
MATERNAL = "yunxi-maternal"


@BOOK.case("previa", "beiyuan", "female", 33)
def previa(chart: Chart) -> Callable[[], list[Plan]]:
    """Placenta praevia at thirty weeks: the maternity hospital has accepted."""
    expect(chart, born=None, weeks=30, birth=2)

    def seen(on: date) -> None:
        visit = clinic(chart, on, "产前检查", "孕 30 周,无痛性少量阴道流血 1 次", when=time(9, 40), department="05")
        chart.pressure(visit, 118, 72)
        chart.vital(visit, "fetal", 144)
        chart.panel(visit, "cbc", {"hgb": 104, "hct": 32.0})
        chart.study(visit, "RUS", "11525-3", "产科超声", *findings.OBSTETRIC["previa"], key="fetus")
        chart.condition(visit, "O44.1", "完全性前置胎盘伴出血", severity="severe", provisional=True)

    chart.at(ago(chart, 2), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}孕 2 产 1,孕 30 周,既往剖宫产 1 次。今晨无痛性少量阴道流血 1 次,已止,无腹痛,胎动正常。血压 118/72 mmHg,胎心 "
            "144 次/分,血红蛋白 104 g/L。"
            "超声示完全性前置胎盘,有胎盘植入风险,属橙色及以上高危妊娠,请贵院收治并制定分娩计划。"
        )
        doctor = next(p.id for p in chart.staff.doctors("beiyuan", "02") if "gp" in p.posts)
        obstetrician = specialist(chart, MATERNAL, "05.02")
        return [
            Plan(
                "previa", chart.resident.id, "up", "beiyuan", MATERNAL, doctor, "05.02", "urgent", "critical-beyond-capability",
                (("O44.1", "完全性前置胎盘伴出血"),), note, at(2, 10, 40), "accepted",
                steps=(
                    step("receive", coordinator(chart, MATERNAL), at(2, 10, 55)),
                    step("accept", obstetrician.id, at(2, 11, 20), practitioner=obstetrician.reference, start=future(chart, 1, 8, 30),
                    note="收入高危产科,备血;如再次出血即拨打 120 来院。"),
                ),
                evidence=evidence(chart, "fetus", "cbc"),
                instruction="卧床休息,避免用力及性生活;阴道流血增多立即拨打 120。",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("platelets", "liuhe", "female", 36)
def platelets(chart: Chart) -> Callable[[], list[Plan]]:
    """Too few platelets: the county has no haematology and sends the referral on to the lead hospital."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "双下肢瘀点、牙龈出血 1 周", when=time(16, 40))
        chart.pressure(visit, 112, 70)
        chart.panel(visit, "cbc", {"plt": 24, "hgb": 112, "hct": 34.0})
        chart.panel(visit, "clotting", None)
        chart.condition(visit, "D69.6", "血小板减少症(原因待查)", severity="severe", provisional=True)

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}双下肢皮肤瘀点、刷牙时牙龈出血 1 周,月经量增多。血小板 24×10⁹/L,血红蛋白 112 g/L,白细胞正常,凝血功能正常。"
            "无发热、黑便及头痛。请明确病因并治疗。"
        )
        return [
            Plan(
                "platelets", chart.resident.id, "up", "liuhe", "yunxi-county", "gp2", "03.05", "urgent", "undiagnosed-complex",
                (("D69.6", "血小板减少症(原因待查)"),), note, at(1, 17, 20), "referred-onward",
                steps=(
                    step("receive", "county", at(0, 2, 50)),
                    step("forward", "county", at(0, 2, 30), to={"reference": f"Organization/{LEAD}", "display": chart.places[LEAD].name},
                    note="我院无血液内科,建议直接转市一院血液内科,已电话告知对方。"),
                ),
                evidence=evidence(chart, "cbc", "clotting"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("fibroids", "qingshi", "female", 45)
def fibroids(chart: Chart) -> Callable[[], list[Plan]]:
    """Fibroids: the lead hospital sends the referral on to the maternity hospital."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "妇科门诊", "月经量增多 1 年,头晕乏力 2 月", when=time(14, 50), department="05")
        chart.pressure(visit, 116, 72)
        chart.panel(visit, "cbc", {"hgb": 78, "hct": 25.2, "rbc": 3.4})
        chart.study(
            visit,
            "RUS",
            "",
            "妇科超声",
            "子宫增大如孕 10 周,肌壁间多个低回声结节,较大者 52 mm×47 mm,边界清;双附件区未见明显包块。",
            "多发性子宫肌瘤。",
            key="womb",
        )
        chart.condition(visit, "D25.9", "多发性子宫肌瘤", severity="moderate", chronic=True, key="fibroids")
        anaemia = chart.condition(visit, "D50.0", "慢性失血性贫血(中度)", severity="moderate", use="CM")
        chart.prescribe(visit, "iron", 28, anaemia)

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}月经量增多、经期延长 1 年,头晕乏力 2 月。血红蛋白 78 g/L,超声示多发子宫肌瘤(最大 52 mm×47 mm)。"
            "已予琥珀酸亚铁口服,需手术评估。"
        )
        return [
            Plan(
                "fibroids", chart.resident.id, "up", "qingshi", LEAD, "gp", "05.01", "routine", "outside-scope",
                (("D25.9", "多发性子宫肌瘤"), ("D50.0", "慢性失血性贫血")), note, at(1, 15, 40), "referred-onward",
                steps=(
                    step("approve", "head", at(1, 16, 20)),
                    step("receive", "coordinator", at(0, 3, 10)),
                    step("forward", "coordinator", at(0, 1, 45), to={"reference": f"Organization/{MATERNAL}",
                    "display": chart.places[MATERNAL].name}, note="我院妇科病床已满,市妇幼保健院可于本周内收治,已与对方联系。"),
                ),
                evidence=evidence(chart, "womb", "cbc"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("stomach", "shiqiao", "male", 57)
def stomach(chart: Chart) -> Callable[[], list[Plan]]:
    """Black stools: the county hospital of 柏川 asks a question; approval was asked for at 石桥 too."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "上腹痛 3 月,黑便 2 天", when=time(9, 10))
        chart.pressure(visit, 114, 68)
        chart.vital(visit, "pulse", 92)
        chart.panel(visit, "cbc", {"hgb": 96, "hct": 30.0, "rbc": 3.5})
        chart.panel(visit, "faeces", {"fobt": "阳性"})
        condition = chart.condition(visit, "K92.1", "黑便,消化性溃疡待排", severity="moderate", provisional=True)
        chart.prescribe(visit, "omeprazole", 7, condition)

    chart.at(ago(chart, 2), seen)

    def plans() -> list[Plan]:
        doctor = chart.resident.doctor
        head = next(p.id for p in chart.staff.people if p.institution == "shiqiao" and "head" in p.posts)
        doctor = doctor if doctor != head else next(p.id for p in chart.staff.doctors("shiqiao", "02") if p.id != head)
        note = (
            f"{person(chart)}间断上腹痛 3 月,黑便 2 天、每日 1 次成形,无呕血、晕厥。血压 114/68 mmHg,心率 92 次/分,血红蛋白 96 g/L,"
            "大便隐血阳性。请行胃镜检查。"
        )
        return [
            Plan(
                "stomach", chart.resident.id, "up", "shiqiao", "baichuan-county", doctor, "03.02", "urgent", "needs-higher-test",
                (("K92.1", "黑便,消化性溃疡待排"),), note, at(2, 9, 50), "need-info",
                steps=(
                    step("approve", head, at(2, 10, 10)),
                    step("receive", coordinator(chart, "baichuan-county"), at(2, 10, 30)),
                    step("ask", specialist(chart, "baichuan-county", "03.02").id, at(2, 10, 50),
                    question="近期是否服用阿司匹林、止痛药?今日是否仍有黑便?请空腹 8 小时以上来院。"),
                ),
                evidence=evidence(chart, "cbc", "faeces"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("full", "shuanghe", "male", 74, {"copd:severe": 9})
def full(chart: Chart) -> Callable[[], list[Plan]]:
    """Intensive care was full: declined, and the sender has taken note."""

    def ward(on: date) -> None:
        chart.away_until = chart.today
        visit = chart.stay(
            datetime.combine(on, time(11, 0)), 13, "songping-county", "03.01", "呼吸内科住院", complaint="气促加重 3 天,嗜睡半天"
        )
        condition = chart.condition(visit, "J96.1", "慢性阻塞性肺疾病急性加重伴 Ⅱ 型呼吸衰竭", severity="severe", resolved=ago(chart, 6))
        chart.pressure(visit, 138, 80)
        chart.vital(visit, "oxygen", 84)
        chart.panel(visit, "gas", {"ph": 7.29, "po2": 51, "pco2": 74})
        chart.panel(visit, "cbc", {"wbc": 13.2, "neut": 86.0, "lymph": 8.0})
        chart.prescribe(visit, "nebule", 13, condition, inpatient=True)
        visit.discharge("3", chart.places["shuanghe"])

    chart.at(ago(chart, 20), ward)

    def plans() -> list[Plan]:
        doctor = specialist(chart, "songping-county", "03.01")
        note = (
            f"{person(chart)}慢阻肺急性加重,嗜睡,血气 pH 7.29、二氧化碳分压 74 mmHg,无创通气 6 小时改善不明显,可能需要有创通气,"
            "申请转贵院重症医学科。"
        )
        return [
            Plan(
                "full", chart.resident.id, "up", "songping-county", LEAD, doctor.id, "28", "stat", "critical-beyond-capability",
                (("J96.1", "Ⅱ 型呼吸衰竭"),), note, at(20, 19, 10), "declined",
                steps=(
                    step("decline", "coordinator", at(20, 19, 25), reason=declined("no-capacity"),
                    note="重症床位已满,夜间无法腾出。已请重症医学科值班医师与贵院视频会诊,先调整无创通气参数,明晨优先安排。"),
                    step("close", doctor.id, at(19, 8, 20), note="远程会诊调整通气参数后二氧化碳分压降至 58 mmHg,继续本院治疗。"),
                ),
                evidence=(), consent="guardian",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("moving", "liuhe", "female", 79, {"hypertension:steady": 18, "diabetes:steady": 11}, alone=True)
def moving(chart: Chart) -> Callable[[], list[Plan]]:
    """She moves to her daughter in 青石: her care is handed over from township to township."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "高血压、2 型糖尿病随访", "搬迁前随访", when=time(9, 30))
        chart.pressure(visit, 138, 76)
        chart.panel(visit, "glucose", {"glu": 6.6})
        chart.renew(visit)
        visit.diagnose(chart.problems["高血压"], "原发性高血压")

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}高血压 18 年、2 型糖尿病 11 年,血压、血糖控制满意,方案稳定。因随女儿迁居青石镇,"
            "请贵院接续慢病管理与家庭医生签约服务。"
        )
        return [
            Plan(
                "moving", chart.resident.id, "lateral", "liuhe", "qingshi", "gp2", "02", "routine", "long-term-chronic",
                (("I10", "原发性高血压"), ("E11.9", "2 型糖尿病")), note, at(1, 10, 10), "submitted", evidence=evidence(chart, "pressure",
                "glucose"), consent="oral",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("orthopaedics", "baisha", "male", 52)
def orthopaedics(chart: Chart) -> Callable[[], list[Plan]]:
    """Two county hospitals help each other: an operating theatre is being rebuilt."""

    def seen(on: date) -> None:
        doctor = specialist(chart, "yunxi-county", "04.03")
        visit = clinic(
            chart, on, "骨科门诊", "左踝扭伤肿痛 2 天", when=time(10, 0), place="yunxi-county", department="04.03", who=doctor.id
        )
        chart.pressure(visit, 128, 80)
        title, seen_there, conclusion = findings.BONES["ankle"]
        chart.study(visit, "RX", "", title, seen_there, conclusion, key="bones")
        condition = chart.condition(visit, "S82.6", "左侧外踝骨折", severity="moderate", key="fracture")
        chart.prescribe(visit, chart.first_allowed("celecoxib", "paracetamol"), 5, condition)

    chart.at(ago(chart, 2), seen)

    def plans() -> list[Plan]:
        doctor = specialist(chart, "yunxi-county", "04.03")
        note = f"{person(chart)}左侧外踝骨折,断端轻度移位,肿胀明显。我院骨科手术间改造停用两周,商请贵院择期行切开复位内固定。"
        there = coordinator(chart, "baichuan-county")
        return [
            Plan(
                "orthopaedics", chart.resident.id, "lateral", "yunxi-county", "baichuan-county", doctor.id, "04.03", "routine",
                "other-limits",
                (("S82.6", "左侧外踝骨折"),), note, at(2, 11, 0), "accepted",
                steps=(
                    step("receive", there, at(2, 14, 30)),
                    step("accept", there, at(1, 9, 0), start=future(chart, 2, 14, 0), note="骨科病区已留床,消肿后手术。"),
                ),
                evidence=evidence(chart, "bones"),
            )
        ]  # fmt: skip

    return plans
