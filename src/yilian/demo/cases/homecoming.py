"""Stories that come home: an up-referral that was completed, and the down-referral that answers it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from yilian.demo.cases.story import (
    LEAD,
    Book,
    ago,
    at,
    clinic,
    coordinator,
    declined,
    evidence,
    follow_up_plan,
    icd,
    person,
    record_number,
    specialist,
    step,
)
from yilian.demo.clinical import copd, stroke, trauma
from yilian.demo.clinical.chart import Chart
from yilian.demo.referrals import Plan

BOOK = Book()


@BOOK.case("stroke-home", "liuhe", "male", 71, {"hypertension:steady": 13})
def stroke_home(chart: Chart) -> Callable[[], list[Plan]]:
    """A stroke treated in time; 柳河 has seen him through, the down-referral is completed."""
    days = 75

    def seen(on: date) -> None:
        visit = clinic(chart, on, "急诊", "突发右侧肢体无力、言语不清 1 小时", when=time(7, 50), department="20", kind="EMER", minutes=15)
        chart.pressure(visit, 168, 96)
        chart.panel(visit, "random", {"rglu": 7.2})
        chart.condition(visit, "I63.9", "急性脑卒中(疑似)", severity="severe", provisional=True, resolved=on)
        visit.discharge("2", chart.places[LEAD])
        chart.facts["first-evidence"] = evidence(chart, "random", "pressure")

    def ward(on: date) -> None:
        chart.facts["stay"] = stroke.attack(chart, on, where=LEAD, days=12, arrival=time(8, 55), lysis=True, left=True)
        chart.facts["treated"] = evidence(chart, "mri", "head")
        chart.away_until = chart.today

    def after(on: date) -> None:
        visit = clinic(chart, on, "脑梗死恢复期随访", "出院后首次随访", when=time(9, 40))
        care = stroke.Stroke(chart, 0, attack_on=ago(chart, days), rankin=2)
        care.enrol(chart, visit)
        chart.pressure(visit, 134, 78)
        care.review(chart, visit)
        chart.renew(visit)
        for drug, dose in care.drugs():
            chart.prescribe(visit, drug, 84, chart.problems[care.name], dose=dose, long_term=True)

    chart.at(ago(chart, days), seen)
    chart.at(ago(chart, days), ward)
    chart.at(ago(chart, 55), after)

    def plans() -> list[Plan]:
        up = (
            f"{person(chart)}高血压 13 年。今晨 6:50 突发右侧肢体无力、言语不清,FAST 三项阳性,血压 168/96 mmHg,随机血糖 7.2 mmol/L,发病 "
            "1 小时,在溶栓时间窗内。120 已出发,请卒中中心准备。"
        )
        down = (
            f"{person(chart)}急性脑梗死静脉溶栓后,住院 12 天,右侧肢体肌力恢复至 4 级,言语基本清晰,改良 Rankin 评分 2 分。请继续抗血小板、"
            "他汀治疗,控制血压,社区康复训练,3 个月神经内科复查。"
        )
        plan = follow_up_plan(
            chart, "脑梗死恢复期随访与康复计划", ago(chart, 62), 90,
            ("2 周内首次随访:血压、肌力、言语、吞咽与用药", "每周 3 次肢体功能训练,家属学会被动活动与防跌倒",
            "每月测血压、询问出血情况,3 个月复查血脂", "出现新的肢体无力、言语不清立即上转"),
        )  # fmt: skip
        return [
            Plan(
                "stroke-home-up", chart.resident.id, "up", "liuhe", LEAD, "gp2", "03.03", "stat", "critical-beyond-capability",
                (("I63.9", "急性脑卒中(疑似)"),), up, at(days, 7, 58), "completed",
                steps=(
                    step("accept", "coordinator", at(days, 8, 1), note="卒中绿色通道已启动,直达 CT 室。"),
                    step("arrive", "coordinator", at(days, 8, 55)),
                    step(
                        "complete", specialist(chart, LEAD, "03.03").id, at(days - 12, 10, 40), diagnosis=(icd("I63.9", "急性脑梗死"),
                        icd("I10", "原发性高血压")),
                        findings="MRI:左侧基底节区急性梗死,左侧大脑中动脉中度狭窄。入院至溶栓 42 分钟。",
                        recordNumber=record_number(chart.facts["stay"]),
                        treatment="阿替普酶静脉溶栓,抗血小板、他汀、早期康复。",
                        advice="长期抗血小板与他汀;血压低于 140/90 mmHg;社区康复。",
                    ),
                ),
                evidence=chart.facts["first-evidence"], consent="guardian",
            ),
            Plan(
                "stroke-home", chart.resident.id, "down", LEAD, "liuhe", specialist(chart, LEAD, "03.03").id, "03.03", "routine",
                "stable-after-acute",
                (("I69.3", "脑梗死恢复期"),), down, at(days - 12, 11, 0), "completed", based_on="stroke-home-up",
                steps=(
                    step("accept", "gp2", at(days - 12, 15, 20), plan=plan),
                    step("arrive", "gp2", at(55, 9, 45)),
                    step("report", "gp2", at(55, 10, 20), note="首次随访:血压 134/78 mmHg,右侧肌力 4 级,可独立行走,用药规律。"),
                    step(
                        "complete", "gp2", at(12, 9, 30), diagnosis=(icd("I69.3", "脑梗死恢复期"),),
                        treatment="社区康复训练 6 周,二级预防用药规律,血压达标。",
                        advice="纳入慢病管理,每 3 个月随访;按期到市一院神经内科复查。",
                    ),
                ),
                evidence=chart.facts["treated"],
            ),
        ]  # fmt: skip

    return plans


@BOOK.case("lungs-home", "qingshi", "male", 72, {"copd:quiet": 10})
def lungs_home(chart: Chart) -> Callable[[], list[Plan]]:
    """An exacerbation treated at the county hospital; 青石 has received the down-referral and has to accept it."""
    days = 12

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "咳嗽、脓痰、气促加重 3 天", when=time(9, 10))
        chart.vital(visit, "oxygen", 87)
        chart.vital(visit, "breath", 27)
        chart.pressure(visit, 134, 78)
        chart.panel(visit, "cbc", {"wbc": 12.8, "neut": 84.0, "lymph": 10.0})
        visit.diagnose(chart.problems["慢性阻塞性肺疾病"], "慢性阻塞性肺疾病")
        visit.discharge("2", chart.places["yunxi-county"])
        chart.facts["first-evidence"] = evidence(chart, "cbc", "pressure")

    def ward(on: date) -> None:
        chart.facts["stay"] = copd.exacerbation(chart, on, days=9)
        chart.facts["treated"] = evidence(chart, "chest", "gas")
        chart.away_until = chart.today

    chart.at(ago(chart, days), seen)
    chart.at(ago(chart, days - 1), ward)

    def plans() -> list[Plan]:
        doctor = chart.facts["stay"].doctor
        up = (
            f"{person(chart)}慢阻肺 10 年,咳嗽、脓痰、气促加重 3 天,静息时气促,口唇轻度发绀,血氧饱和度 87%,呼吸 27 次/分。"
            "雾化及口服激素后改善不明显,申请住院。"
        )
        down = (
            f"{person(chart)}慢阻肺急性加重,经抗感染、雾化、短程激素治疗 9 天,气促恢复至平时水平,吸空气血氧饱和度 94%。请继续吸入治疗,"
            "指导吸入技术、肺康复与戒烟,2 周内随访,建议接种流感及肺炎球菌疫苗。"
        )
        return [
            Plan(
                "lungs-home-up", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "03.01", "urgent", "critical-beyond-capability",
                (("J44.1", "慢性阻塞性肺疾病伴急性加重"),), up, at(days, 9, 50), "completed",
                steps=(
                    step("approve", "head", at(days, 10, 5)),
                    step("accept", "county", at(days, 10, 40)),
                    step("arrive", coordinator(chart, "yunxi-county"), at(days - 1, 8, 20)),
                    step(
                        "complete", doctor.id, at(2, 10, 40), diagnosis=(icd("J44.1", "慢性阻塞性肺疾病伴急性加重"),),
                        recordNumber=record_number(chart.facts["stay"]),
                        findings="胸部 CT:肺气肿,右肺下叶少许炎症;出院血氧饱和度 94%。",
                        treatment="抗感染、支气管扩张剂雾化、泼尼松 5 天、控制性氧疗。",
                        advice="规律吸入维持治疗,肺康复,戒烟,接种疫苗;加重及时就诊。",
                    ),
                ),
                evidence=chart.facts["first-evidence"],
            ),
            Plan(
                "lungs-home", chart.resident.id, "down", "yunxi-county", "qingshi", doctor.id, "03.01", "routine", "long-term-chronic",
                (("J44.9", "慢性阻塞性肺疾病(稳定期)"),), down, at(2, 11, 0), "received", based_on="lungs-home-up",
                steps=(step("receive", "gp", at(1, 8, 30)),), evidence=chart.facts["treated"],
            ),
        ]  # fmt: skip

    return plans


@BOOK.case("hip-home", "liuhe", "female", 76, {"hypertension:steady": 14})
def hip_home(chart: Chart) -> Callable[[], list[Plan]]:
    """A new hip; 柳河 has accepted her, the plan is still owed."""
    days = 17

    def seen(on: date) -> None:
        visit = clinic(chart, on, "急诊", "跌倒致左髋部疼痛 3 小时", when=time(8, 40), department="20", kind="EMER", minutes=20)
        chart.pressure(visit, 152, 84)
        chart.vital(visit, "pulse", 88)
        chart.condition(visit, "S72.0", "左侧股骨颈骨折(疑似)", severity="severe", provisional=True, resolved=on)
        visit.discharge("2", chart.places["yunxi-county"])
        chart.facts["first-evidence"] = evidence(chart, "pressure")

    def ward(on: date) -> None:
        chart.facts["stay"] = trauma.hip(chart, on, days=14, where="yunxi-county")
        chart.facts["treated"] = evidence(chart, "bones", "cbc")
        chart.away_until = chart.today

    chart.at(ago(chart, days), seen)
    chart.at(ago(chart, days), ward)

    def plans() -> list[Plan]:
        doctor = chart.facts["stay"].doctor
        up = (
            f"{person(chart)}高血压 14 年。今晨跌倒致左髋部疼痛、不能站立 3 小时,左下肢外旋短缩畸形,叩击痛阳性,考虑股骨颈骨折,已制动,"
            "请收治。"
        )
        down = (
            f"{person(chart)}左侧人工股骨头置换术后 14 天,切口愈合良好已拆线,助行器辅助下可行走。请继续康复训练与防跌倒指导,"
            "抗骨质疏松治疗,抗凝至术后 35 天。"
        )
        return [
            Plan(
                "hip-home-up", chart.resident.id, "up", "liuhe", "yunxi-county", "gp2", "04.03", "stat", "outside-scope",
                (("S72.0", "左侧股骨颈骨折(疑似)"),), up, at(days, 9, 0), "completed",
                steps=(
                    step("accept", "county", at(days, 9, 8)),
                    step("arrive", coordinator(chart, "yunxi-county"), at(days, 10, 45)),
                    step(
                        "complete", doctor.id, at(3, 10, 40), diagnosis=(icd("S72.0", "左侧股骨颈骨折"), icd("M81.0", "骨质疏松")),
                        recordNumber=record_number(chart.facts["stay"]),
                        findings="X 线:左侧股骨颈骨折(头下型);术后假体位置良好。", treatment="左侧人工股骨头置换术,抗凝、镇痛、早期康复。",
                        advice="助行器行走 6 周,避免深蹲、交叉腿;抗骨质疏松治疗;6 周骨科复查。",
                    ),
                ),
                evidence=chart.facts["first-evidence"], consent="guardian",
            ),
            Plan(
                "hip-home", chart.resident.id, "down", "yunxi-county", "liuhe", doctor.id, "21", "routine", "stable-after-acute",
                (("S72.0", "左侧人工股骨头置换术后"),), down, at(3, 11, 10), "accepted", based_on="hip-home-up",
                steps=(step("receive", "gp2", at(2, 8, 40)), step("accept", "gp2", at(2, 9, 5), note="已电话联系家属,随访计划待制定。")),
                evidence=chart.facts["treated"],
            ),
        ]  # fmt: skip

    return plans


@BOOK.case("too-much", "zhuxi", "male", 65, {"stroke": 1, "hypertension:steady": 9})
def too_much(chart: Chart) -> Callable[[], list[Plan]]:
    """The small centre has no rehabilitation and declines; the hospital has to look for another place."""

    def ward(on: date) -> None:
        chart.facts["stay"] = stroke.attack(chart, on, where=LEAD, days=13, arrival=time(11, 15), left=False)
        chart.away_until = chart.today

    chart.at(ago(chart, 18), ward)

    def plans() -> list[Plan]:
        doctor = specialist(chart, LEAD, "03.03")
        gp = next(p.id for p in chart.staff.doctors("zhuxi", "02") if "gp" in p.posts)
        note = f"{person(chart)}再发脑梗死,左侧肢体肌力 2 级,需长期卧床康复及鼻饲护理。急性期已稳定,请接续住院康复与护理。"
        return [
            Plan(
                "too-much", chart.resident.id, "down", LEAD, "zhuxi", doctor.id, "21", "routine", "stable-after-acute", (("I69.3",
                "脑梗死恢复期"),),
                note, at(6, 10, 0), "declined",
                steps=(step("decline", gp, at(6, 14, 30), reason=declined("no-capability"),
                note="我院无康复床位及鼻饲护理条件,建议转云溪县人民医院或市中医医院康复科。"),),
                evidence=evidence(chart, "mri"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("diabetes-home", "qingshi", "female", 61, {"diabetes:failing": 12})
def diabetes_home(chart: Chart) -> Callable[[], list[Plan]]:
    """Insulin was started on the ward of the lead hospital; 青石 accepted with a plan, and the patient is at home."""
    days = 24

    def seen(on: date) -> None:
        visit = clinic(chart, on, "2 型糖尿病随访", "口干、多尿、乏力 2 周", when=time(8, 30))
        chart.pressure(visit, 128, 76)
        chart.panel(visit, "glucose", {"glu": 15.4})
        chart.panel(visit, "hba1c", {"hba1c": 11.2})
        chart.panel(visit, "urine", {"uglu": "阳性(3+)"})
        visit.diagnose(chart.problems["2 型糖尿病"], "2 型糖尿病")
        chart.facts["first-evidence"] = evidence(chart, "glucose", "hba1c", "urine")

    def ward(on: date) -> None:
        visit = chart.stay(datetime.combine(on, time(10, 10)), 9, LEAD, "03.07", "内分泌科住院", complaint="血糖控制差,口干、多尿 3 周")
        condition = chart.condition(visit, "E11.6", "2 型糖尿病 血糖控制不良", severity="moderate", resolved=on + timedelta(days=9))
        chart.pressure(visit, 126, 74)
        chart.panel(visit, "glucose", {"glu": 14.1})
        chart.panel(visit, "electrolytes", None)
        chart.panel(visit, "albuminuria", {"uacr": 42})
        chart.prescribe(visit, "glargine", 9, condition, dose=16, inpatient=True)
        visit.discharge("3", chart.places["qingshi"])
        chart.facts["stay"] = visit
        chart.facts["treated"] = evidence(chart, "albuminuria", "electrolytes")

    def after(on: date) -> None:
        visit = clinic(chart, on, "2 型糖尿病随访", "出院后首次随访", when=time(8, 20))
        chart.pressure(visit, 124, 72)
        chart.panel(visit, "glucose", {"glu": 7.1})
        chart.renew(visit)
        chart.prescribe(visit, "glargine", 28, chart.problems["2 型糖尿病"], dose=16, long_term=True)
        visit.diagnose(chart.problems["2 型糖尿病"], "2 型糖尿病")

    chart.at(ago(chart, days), seen)
    chart.at(ago(chart, days - 1), ward)
    chart.at(ago(chart, 5), after)

    def plans() -> list[Plan]:
        doctor = chart.facts["stay"].doctor
        up = (
            f"{person(chart)}2 型糖尿病 12 年,口干、多尿、乏力 2 周,空腹血糖 15.4 mmol/L,糖化血红蛋白 11.2%,尿糖 3+,尿酮体阴性。"
            "口服药失效,请收住调整胰岛素。"
        )
        down = (
            f"{person(chart)}经甘精胰岛素 16 单位睡前联合二甲双胍治疗,空腹血糖 6.8~7.4 mmol/L,无低血糖。已完成注射与自我监测教育,"
            "请接续管理,按空腹血糖每 3 天调整 2 单位。"
        )
        plan = follow_up_plan(
            chart, "胰岛素起始后随访计划", ago(chart, 13), 90,
            ("1 周、2 周、4 周面对面随访,查看自测血糖记录与注射部位", "空腹血糖目标 4.4~7.0 mmol/L,每 3 天调整 2 单位,低于 4.4 减 2~4 单位",
            "教会识别与处理低血糖,随身携带糖果", "3 个月复查糖化血红蛋白、尿白蛋白与肌酐比值"),
        )  # fmt: skip
        return [
            Plan(
                "diabetes-home-up", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.07", "urgent", "other-limits", (("E11.9",
                "2 型糖尿病 血糖控制不良"),),
                up, at(days, 9, 20), "completed",
                steps=(
                    step("approve", "head", at(days, 9, 50)),
                    step("accept", "coordinator", at(days, 10, 30), practitioner=doctor.reference),
                    step("arrive", "coordinator", at(days - 1, 9, 50)),
                    step(
                        "complete", doctor.id, at(14, 11, 0), diagnosis=(icd("E11.6", "2 型糖尿病 血糖控制不良"),),
                        recordNumber=record_number(chart.facts["stay"]),
                        findings="尿白蛋白与肌酐比值 42 mg/g;眼底未见明显糖尿病视网膜病变。",
                        treatment="短期胰岛素强化后改为甘精胰岛素 16 单位睡前联合二甲双胍。",
                        advice="自测空腹血糖,按方案调整剂量;3 个月复查糖化血红蛋白。",
                    ),
                ),
                evidence=chart.facts["first-evidence"],
            ),
            Plan(
                "diabetes-home", chart.resident.id, "down", LEAD, "qingshi", doctor.id, "03.07", "routine",
                "diagnosed-no-special-treatment",
                (("E11.9", "2 型糖尿病"),), down, at(14, 11, 30), "accepted", based_on="diabetes-home-up",
                steps=(step("accept", "gp", at(14, 15, 0), plan=plan, note="已排入随访。"),), evidence=chart.facts["treated"],
            ),
        ]  # fmt: skip

    return plans
