"""Stories for the surgeons: joints, a hernia, stones, a mass in the liver, an appendix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

from yilian.demo.cases.story import LEAD, Book, ago, at, clinic, coordinator, evidence, future, icd, person, said, specialist, step
from yilian.demo.clinical import findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.referrals import Plan

BOOK = Book()


@BOOK.case("knee", "qingshi", "female", 68, {"hypertension:steady": 6})
def knee(chart: Chart) -> Callable[[], list[Plan]]:
    """Worn knees: the head gave the referral back to the doctor, who has to add to it."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "双膝疼痛 6 年,加重伴活动受限 3 月", when=time(14, 40))
        chart.pressure(visit, 138, 80)
        title, seen_there, conclusion = findings.BONES["knee"]
        chart.study(visit, "RX", "", title, seen_there, conclusion, key="bones")
        condition = chart.condition(visit, "M17.0", "双侧膝关节骨性关节炎", chronic=True, key="knees")
        chart.prescribe(visit, "celecoxib", 14, condition)

    chart.at(ago(chart, 3), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}双膝疼痛 6 年,近 3 月上下楼困难,步行不足 200 米,X 线示双膝骨性关节炎、内侧间隙变窄。口服止痛药效果差,"
            "请评估关节置换指征。"
        )
        return [
            Plan(
                "knee", chart.resident.id, "up", "qingshi", LEAD, "gp", "04.03", "routine", "outside-scope",
                (("M17.0", "双侧膝关节骨性关节炎"),), note, at(3, 15, 30), "draft",
                steps=(step("return", "head", at(2, 8, 50), reason=said("请补充负重位 X 线及药物、理疗治疗经过;"
                "择期手术建议先转县医院骨科评估。")),),
                evidence=evidence(chart, "bones"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("hernia", "qingshi", "male", 64, {"hypertension:steady": 3})
def hernia(chart: Chart) -> Callable[[], list[Plan]]:
    """A hernia to be operated at the county hospital, with a date."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "外科门诊", "右腹股沟可复性包块 2 年,增大 2 月", when=time(9, 20), department="04")
        chart.pressure(visit, 132, 78)
        chart.study(
            visit,
            "RUS",
            "",
            "腹股沟区超声",
            "右侧腹股沟区见肠管样回声疝出,疝环口约 18 mm,站立位明显,平卧可回纳,肠管蠕动及血流正常。",
            "右侧腹股沟斜疝。",
            key="groin",
        )
        chart.condition(visit, "K40.9", "右侧腹股沟斜疝", chronic=True)

    chart.at(ago(chart, 5), seen)

    def plans() -> list[Plan]:
        surgeon = specialist(chart, "yunxi-county", "04.01")
        note = (
            f"{person(chart)}右侧腹股沟可复性包块 2 年,近 2 月增大,站立及咳嗽时坠入阴囊,平卧可回纳,无嵌顿史。超声示右侧腹股沟斜疝。"
            "高血压控制良好,拟行择期手术。"
        )
        return [
            Plan(
                "hernia", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "04.01", "routine", "outside-scope",
                (("K40.9", "右侧腹股沟斜疝"),), note, at(5, 10, 30), "accepted",
                steps=(
                    step("approve", "head", at(5, 14, 0)),
                    step("receive", coordinator(chart, "yunxi-county"), at(5, 15, 30)),
                    step("accept", "county", at(4, 9, 0), practitioner=surgeon.reference, start=future(chart, 3, 8, 30),
                    note="安排日间手术,术前一日来院完善检查,停用阿司匹林类药物。"),
                ),
                evidence=evidence(chart, "groin"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("stones", "liuhe", "female", 47)
def stones(chart: Chart) -> Callable[[], list[Plan]]:
    """Gallstones with repeated pain, received by the county hospital."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "外科门诊", "反复右上腹痛 1 年,发作 2 天", when=time(8, 40), department="04")
        chart.pressure(visit, 122, 74)
        chart.vital(visit, "temperature", 37.4)
        chart.study(visit, "RUS", "24558-9", "腹部超声", *findings.ABDOMEN["stones"], key="abdomen")
        chart.facts["abdomen"] = "stones"
        chart.panel(visit, "liver", {"alt": 58, "ast": 44, "tbil": 19.6})
        chart.panel(visit, "cbc", {"wbc": 9.9, "neut": 78.0, "lymph": 15.0})
        chart.condition(visit, "K80.1", "胆囊结石伴慢性胆囊炎急性发作", severity="moderate", key="gallstones")

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}反复进食油腻后右上腹痛 1 年,此次发作 2 天,墨菲征弱阳性,体温 37.4℃。超声示胆囊多发结石(最大 13 mm)、胆囊炎,"
            "谷丙转氨酶轻度升高。请评估腹腔镜胆囊切除。"
        )
        return [
            Plan(
                "stones", chart.resident.id, "up", "liuhe", "yunxi-county", "gp2", "04.01", "routine", "outside-scope",
                (("K80.1", "胆囊结石伴慢性胆囊炎"),), note, at(1, 9, 30), "received",
                steps=(step("receive", "county", at(1, 14, 20)),), evidence=evidence(chart, "abdomen", "liver", "cbc"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("liver", "baisha", "male", 61)
def liver(chart: Chart) -> Callable[[], list[Plan]]:
    """A mass in the liver found at the county hospital: sent up, not received yet."""

    def seen(on: date) -> None:
        doctor = specialist(chart, "yunxi-county", "04.01")
        visit = clinic(
            chart,
            on,
            "普外科门诊",
            "右上腹隐痛 1 月,体重下降 5 kg",
            when=time(10, 20),
            place="yunxi-county",
            department="04.01",
            who=doctor.id,
        )
        chart.pressure(visit, 118, 72)
        chart.panel(visit, "liver", {"alt": 74, "ast": 82, "tbil": 28.4, "alb": 36.2})
        chart.panel(visit, "hepatitis", {"hbsag": "阳性"})
        chart.study(visit, "RUS", "24558-9", "腹部超声", *findings.ABDOMEN["liver-mass"], key="abdomen")
        chart.condition(visit, "R16.0", "肝占位性病变(性质待定)", severity="severe", provisional=True)

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        doctor = specialist(chart, "yunxi-county", "04.01")
        note = (
            f"{person(chart)}乙肝表面抗原阳性 20 余年未规律随访。右上腹隐痛 1 月,体重下降 5 kg。超声示肝右后叶实质性占位 38 mm×33 mm,"
            "边界不清。"
            "转氨酶及胆红素轻度升高,白蛋白 36.2 g/L。考虑原发性肝癌可能,请贵院行增强 MRI 及多学科评估。"
        )
        return [
            Plan(
                "liver", chart.resident.id, "up", "yunxi-county", LEAD, doctor.id, "04.01", "routine", "undiagnosed-complex",
                (("R16.0", "肝占位性病变(性质待定)"),), note, at(0, 4, 20), "submitted", evidence=evidence(chart, "abdomen", "liver",
                "hepatitis"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("appendix", "qingshi", "male", 31)
def appendix(chart: Chart) -> Callable[[], list[Plan]]:
    """An appendix, operated and done: a completed referral with its return slip."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "急诊", "转移性右下腹痛 10 小时", when=time(8, 30), department="20", kind="EMER")
        chart.pressure(visit, 124, 76)
        chart.vital(visit, "temperature", 38.1)
        chart.panel(visit, "cbc", {"wbc": 15.2, "neut": 88.0, "lymph": 8.0})
        chart.condition(visit, "K35.8", "急性阑尾炎", severity="moderate", provisional=True, resolved=on)
        visit.discharge("2", chart.places["yunxi-county"])
        chart.facts["first-evidence"] = evidence(chart, "cbc")

    def ward(on: date) -> None:
        surgeon = specialist(chart, "yunxi-county", "04.01")
        visit = chart.stay(
            datetime.combine(on, time(10, 30)), 4, "yunxi-county", "04.01", "普外科住院", complaint="转移性右下腹痛 12 小时", doctor=surgeon
        )
        condition = chart.condition(visit, "K35.8", "急性阑尾炎", severity="moderate", resolved=ago(chart, 15))
        chart.study(visit, "RUS", "24558-9", "腹部超声", *findings.ABDOMEN["appendix"], key="abdomen")
        chart.panel(visit, "crp", {"crp": 48})
        chart.procedure(visit, "47.01", "腹腔镜阑尾切除术", condition, minutes=60, outcome="手术顺利,阑尾化脓未穿孔", doctor=surgeon)
        chart.prescribe(visit, chart.first_allowed("ceftriaxone", "levofloxacin"), 3, condition, inpatient=True)
        visit.discharge("3", chart.places["qingshi"])
        chart.facts["record"] = visit.resource["identifier"][1]["value"]

    chart.at(ago(chart, 26), seen)
    chart.at(ago(chart, 26), ward)

    def plans() -> list[Plan]:
        surgeon = specialist(chart, "yunxi-county", "04.01")
        note = (
            f"{person(chart)}转移性右下腹痛 10 小时,伴恶心,体温 38.1℃,麦氏点压痛、反跳痛阳性,白细胞 15.2×10⁹/L。考虑急性阑尾炎,需急诊手术。"
        )
        return [
            Plan(
                "appendix", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "04.01", "stat", "outside-scope",
                (("K35.8", "急性阑尾炎"),), note, at(26, 8, 55), "completed",
                steps=(
                    step("accept", "county", at(26, 9, 5)),
                    step("arrive", coordinator(chart, "yunxi-county"), at(26, 10, 20)),
                    step(
                        "complete", surgeon.id, at(22, 11, 0), diagnosis=(icd("K35.8", "急性化脓性阑尾炎"),),
                        recordNumber=chart.facts["record"],
                        findings="超声示阑尾外径 10 mm;C 反应蛋白 48 mg/L;术中见阑尾化脓,未穿孔。",
                        treatment="腹腔镜阑尾切除术,抗感染 3 天,术后第 4 天出院。",
                        advice="切口隔日换药,术后 7 天拆线;1 个月内避免重体力劳动;发热、腹痛加重及时就诊。",
                    ),
                ),
                evidence=chart.facts["first-evidence"],
            )
        ]  # fmt: skip

    return plans


@BOOK.case("spine", "qingshi", "female", 56)
def spine(chart: Chart) -> Callable[[], list[Plan]]:
    """She changed her mind: the referral was cancelled at her wish. Twice within a fortnight, which the office has to look into."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "中医门诊", "腰痛伴左下肢放射痛 2 月", when=time(9, 50), department="50")
        chart.pressure(visit, 126, 78)
        condition = chart.condition(visit, "M51.2", "腰椎间盘突出症", severity="moderate", provisional=True, key="spine")
        chart.procedure(visit, "99.92", "针刺治疗", condition, minutes=30)

    chart.at(ago(chart, 16), seen)

    def plans() -> list[Plan]:
        note = f"{person(chart)}腰痛伴左下肢放射痛 2 月,直腿抬高试验左 50° 阳性,肌力正常,二便正常。拟行腰椎磁共振检查明确突出节段。"
        return [
            Plan(
                "spine", chart.resident.id, "up", "qingshi", LEAD, "gp", "04.03", "routine", "needs-higher-test", (("M51.2",
                "腰椎间盘突出症"),),
                note, at(16, 10, 40), "cancelled",
                steps=(
                    step("approve", "head", at(16, 11, 30)),
                    step("receive", "coordinator", at(16, 15, 0)),
                    step("cancel", "gp", at(14, 9, 0), reason=said("针刺治疗后疼痛明显缓解,患者本人要求暂不前往上级医院。")),
                ),
            ),
            Plan(
                "spine-again", chart.resident.id, "up", "qingshi", LEAD, "gp", "04.03", "routine", "needs-higher-test", (("M51.2",
                "腰椎间盘突出症"),),
                f"{person(chart)}腰痛再发 3 天,针刺治疗后缓解不明显,再次申请腰椎磁共振检查。", at(5, 9, 20), "cancelled",
                steps=(
                    step("approve", "head", at(5, 10, 0)),
                    step("cancel", "gp", at(4, 9, 0), reason=said("患者称家中农忙,要求下月再去。")),
                ),
            ),
        ]  # fmt: skip

    return plans
