"""Stories of blood pressure, glucose, lipids and kidneys: most of them begin at the township's follow-up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

from yilian.demo.cases.story import LEAD, Book, ago, at, clinic, declined, evidence, person, said, step
from yilian.demo.clinical.chart import Chart
from yilian.demo.referrals import Plan

BOOK = Book()


@BOOK.case("crisis", "qingshi", "female", 71, {"hypertension:resistant": 12})
def crisis(chart: Chart) -> Callable[[], list[Plan]]:
    """Pressure of 188/112 with headache that does not come down: waiting for the head's approval."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "急诊留观", "头痛、头晕伴恶心 1 天", when=time(16, 20), department="20", kind="EMER", minutes=300)
        chart.pressure(visit, 188, 112)
        chart.vital(visit, "pulse", 86)
        chart.ecg(visit, "lvh", key="ecg")
        chart.panel(visit, "renal", {"cr": 92, "bun": 7.9})
        chart.panel(visit, "urine", {"upro": "阳性(1+)"})
        visit.diagnose(chart.problems["高血压"], "原发性高血压")
        later = clinic(chart, on, "急诊留观", "降压处理后复测", when=time(20, 30), department="20", kind="OBSENC", minutes=15)
        chart.pressure(later, 182, 108)

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}高血压病史 12 年,服用三种降压药(含利尿剂)仍控制不佳。昨日 16:20 因头痛、头晕、恶心就诊,血压 188/112 mmHg,"
            "无肢体活动障碍及言语不清,"
            "心电图示左心室肥厚,尿蛋白 1+,肌酐 92 μmol/L。予卡托普利含服、卧床休息,20:30 复测 182/108 mmHg,今晨仍诉头痛。符合紧急转诊指征,"
            "请排查高血压急症、靶器官损害及继发性高血压。"
        )
        return [
            Plan(
                "crisis", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.04", "urgent", "critical-beyond-capability",
                (("I10", "原发性高血压 3 级(很高危)"),), note, at(0, 0, 40), "in-approval",
                evidence=evidence(chart, "pressure", "ecg", "renal", "urine"),
                instruction="途中平卧,避免情绪激动;出现肢体无力、言语不清、剧烈胸痛立即告知陪护人员。",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("twice-high", "qingshi", "male", 54, {"hypertension:resistant": 4})
def twice_high(chart: Chart) -> Callable[[], list[Plan]]:
    """Two unsatisfactory follow-ups running: the doctor has begun to write."""

    def first(on: date) -> None:
        visit = clinic(chart, on, "高血压随访", "规律服药,血压仍高", when=time(10, 0))
        chart.pressure(visit, 168, 102)
        chart.renew(visit)
        visit.diagnose(chart.problems["高血压"], "原发性高血压")

    def second(on: date) -> None:
        visit = clinic(chart, on, "高血压随访", "2 周后复查血压", when=time(9, 20))
        chart.pressure(visit, 172, 104)
        chart.vital(visit, "pulse", 84)
        chart.panel(visit, "electrolytes", {"k": 3.21})
        chart.panel(visit, "renal", {"cr": 84})
        visit.diagnose(chart.problems["高血压"], "原发性高血压")

    chart.at(ago(chart, 17), first)
    chart.at(ago(chart, 2), second)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}发现高血压 4 年,三种降压药足量治疗,连续两次随访血压 168/102、172/104 mmHg,均未达标。血钾 3.21 "
            "mmol/L(停用利尿剂前后均偏低),"
            "需排查原发性醛固酮增多症等继发性高血压,我院无醛固酮、肾素检测条件。"
        )
        return [
            Plan(
                "twice-high", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "03.04", "routine", "needs-higher-test",
                (("I10", "原发性高血压"), ("E87.6", "低钾血症")), note, at(2, 10, 5), "draft", submit=False,
                evidence=evidence(chart, "pressure", "electrolytes"), consent="",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("sugar-draft", "liuhe", "female", 58, {"diabetes:failing": 6, "hypertension:steady": 5})
def sugar_draft(chart: Chart) -> Callable[[], list[Plan]]:
    """Tablets do not suffice any more; the doctor of the other township keeps a draft."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "2 型糖尿病随访", "口干、多饮 1 月", when=time(8, 50))
        chart.pressure(visit, 134, 78)
        chart.panel(visit, "glucose", {"glu": 11.8})
        chart.panel(visit, "hba1c", {"hba1c": 9.7})
        visit.diagnose(chart.problems["2 型糖尿病"], "2 型糖尿病")

    chart.at(ago(chart, 3), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}2 型糖尿病 6 年,二甲双胍联合第二种口服药治疗,近半年空腹血糖持续高于 10 mmol/L,本次 11.8 mmol/L,糖化血红蛋白 "
            "9.7%。"
            "拟转内分泌科制定胰岛素方案并筛查慢性并发症。"
        )
        return [
            Plan(
                "sugar-draft", chart.resident.id, "up", "liuhe", LEAD, "gp2", "03.07", "routine", "other-limits",
                (("E11.9", "2 型糖尿病"),), note, at(3, 9, 30), "draft", submit=False, evidence=evidence(chart, "glucose", "hba1c"),
                consent="",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("sugar-twice", "qingshi", "male", 62, {"diabetes:failing": 9})
def sugar_twice(chart: Chart) -> Callable[[], list[Plan]]:
    """HbA1c out of control two visits running: received by the lead hospital."""

    def first(on: date) -> None:
        visit = clinic(chart, on, "2 型糖尿病随访", "血糖控制差", when=time(8, 40))
        chart.panel(visit, "glucose", {"glu": 10.9})
        chart.panel(visit, "hba1c", {"hba1c": 9.4})
        chart.renew(visit)
        visit.diagnose(chart.problems["2 型糖尿病"], "2 型糖尿病")

    def second(on: date) -> None:
        visit = clinic(chart, on, "2 型糖尿病随访", "手足麻木 2 月,体重下降 4 kg", when=time(8, 30))
        chart.pressure(visit, 132, 76)
        chart.panel(visit, "glucose", {"glu": 12.3})
        chart.panel(visit, "hba1c", {"hba1c": 9.8})
        chart.panel(visit, "albuminuria", {"uacr": 86})
        visit.diagnose(chart.problems["2 型糖尿病"], "2 型糖尿病")

    chart.at(ago(chart, 95), first)
    chart.at(ago(chart, 2), second)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}2 型糖尿病 9 年,口服两种降糖药,连续两次糖化血红蛋白 9.4%、9.8%,空腹血糖 12.3 mmol/L,近 2 月手足麻木、"
            "体重下降 4 kg,"
            "尿白蛋白与肌酐比值 86 mg/g。请贵院调整方案(考虑胰岛素强化)并评估肾病、神经及眼底病变。"
        )
        return [
            Plan(
                "sugar-twice", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.07", "routine", "critical-beyond-capability",
                (("E11.9", "2 型糖尿病"), ("E11.2", "2 型糖尿病肾病(待排)")), note, at(2, 9, 40), "received",
                steps=(step("approve", "head", at(2, 11, 0)), step("receive", "coordinator", at(1, 8, 40),
                note="已签收,正在与内分泌科协调床位。")),
                evidence=evidence(chart, "hba1c", "glucose", "albuminuria"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("protein", "qingshi", "female", 67, {"diabetes:slow": 14, "hypertension:slow": 10})
def protein(chart: Chart) -> Callable[[], list[Plan]]:
    """Protein in the urine; the hospital asks for more: the referring doctor owes an answer."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "双下肢水肿 1 月,泡沫尿", when=time(10, 30))
        chart.pressure(visit, 156, 88)
        chart.panel(visit, "urine", {"upro": "阳性(3+)", "uglu": "阳性(1+)"})
        chart.panel(visit, "renal", {"cr": 138, "bun": 11.2, "ua": 426})
        chart.panel(visit, "liver", {"alb": 33.1, "tp": 60.2})
        chart.condition(visit, "N18.9", "慢性肾脏病", severity="moderate", provisional=True)

    chart.at(ago(chart, 3), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}2 型糖尿病 14 年、高血压 10 年。近 1 月双下肢水肿、泡沫尿。血压 156/88 mmHg,尿蛋白 3+,肌酐 138 μmol/L,"
            "白蛋白 33.1 g/L。"
            "考虑糖尿病肾病,肾功能较半年前明显下降,请肾内科明确诊断并指导治疗。"
        )
        return [
            Plan(
                "protein", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.06", "routine", "undiagnosed-complex",
                (("N18.9", "慢性肾脏病"), ("E11.2", "2 型糖尿病肾病(待排)")), note, at(3, 11, 20), "need-info",
                steps=(
                    step("approve", "head", at(3, 14, 30)),
                    step("receive", "coordinator", at(3, 15, 5)),
                    step("ask", "coordinator", at(2, 9, 10), question="请补充 24 小时尿蛋白定量或尿白蛋白与肌酐比值、泌尿系超声,"
                    "以及近半年肌酐变化和当前用药(尤其非甾体抗炎药、二甲双胍剂量)。"),
                ),
                evidence=evidence(chart, "urine", "renal", "liver"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("lipids", "qingshi", "male", 39)
def lipids(chart: Chart) -> Callable[[], list[Plan]]:
    """High triglycerides alone: declined, with advice what to do at home."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "体检发现血脂升高", when=time(10, 50))
        chart.pressure(visit, 128, 82)
        chart.size(visit)
        chart.panel(visit, "lipid", {"tc": 5.6, "tg": 3.42, "hdl": 0.96, "ldl": 3.3})
        chart.condition(visit, "E78.2", "混合型高脂血症", chronic=True, severity="mild")

    chart.at(ago(chart, 8), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}体检发现甘油三酯 3.42 mmol/L、总胆固醇 5.6 mmol/L,无胸痛、腹痛,父亲有冠心病史。患者要求到上级医院进一步诊治。"
        )
        return [
            Plan(
                "lipids", chart.resident.id, "up", "qingshi", LEAD, "gp", "03.07", "routine", "other-limits", (("E78.2", "混合型高脂血症"),
                ),
                note, at(8, 11, 30), "declined",
                steps=(
                    step("approve", "head", at(8, 15, 0)),
                    step(
                        "decline", "coordinator", at(7, 9, 40), reason=declined("not-indicated"),
                        note="未达转诊指征。建议基层先予生活方式干预(限酒、控制体重、低脂饮食)3 个月后复查;甘油三酯高于 5.6 mmol/L "
                        "或出现腹痛时再行转诊。",
                    ),
                ),
                evidence=evidence(chart, "lipid"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("ready-pressure", "qingshi", "male", 68, {"hypertension:resistant": 7})
def ready_pressure(chart: Chart) -> Callable[[], list[Plan]]:
    """At the threshold for an urgent referral, and nobody has referred him yet: one to try the demo with."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "高血压随访", "头晕、颈项不适 3 天", when=time(15, 10))
        chart.pressure(visit, 186, 110)
        chart.vital(visit, "pulse", 82)
        chart.ecg(visit, "lvh", key="ecg")
        visit.diagnose(chart.problems["高血压"], "原发性高血压")

    chart.at(ago(chart, 1), seen)
    return list


@BOOK.case("ready-sugar", "qingshi", "female", 60, {"diabetes:failing": 8, "hypertension:steady": 4})
def ready_sugar(chart: Chart) -> Callable[[], list[Plan]]:
    """HbA1c above target two visits running, not referred yet."""

    def seen(on: date, value: float, glucose: float) -> None:
        visit = clinic(chart, on, "2 型糖尿病随访", "血糖控制不满意", when=time(8, 20))
        chart.pressure(visit, 136, 80)
        chart.panel(visit, "glucose", {"glu": glucose})
        chart.panel(visit, "hba1c", {"hba1c": value})
        chart.renew(visit)
        visit.diagnose(chart.problems["2 型糖尿病"], "2 型糖尿病")

    chart.at(ago(chart, 92), lambda on: seen(on, 9.1, 10.2))
    chart.at(ago(chart, 2), lambda on: seen(on, 9.5, 11.1))
    return list


@BOOK.case("withdrawn", "liuhe", "male", 70, {"hypertension:slow": 9})
def withdrawn(chart: Chart) -> Callable[[], list[Plan]]:
    """Referred, then the pressure came down: the doctor takes it back."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "高血压随访", "头晕 2 天", when=time(9, 0))
        chart.pressure(visit, 176, 100)
        chart.renew(visit)
        chart.prescribe(visit, "hct", 28, chart.problems["高血压"], long_term=True)
        visit.diagnose(chart.problems["高血压"], "原发性高血压")

    def better(on: date) -> None:
        visit = clinic(chart, on, "高血压随访", "调整用药后复查", when=time(9, 30))
        chart.pressure(visit, 142, 84)
        visit.diagnose(chart.problems["高血压"], "原发性高血压")

    chart.at(ago(chart, 12), seen)
    chart.at(ago(chart, 9), better)

    def plans() -> list[Plan]:
        note = f"{person(chart)}高血压 9 年,近期血压波动,本次 176/100 mmHg,伴头晕,请协助调整降压方案。"
        return [
            Plan(
                "withdrawn", chart.resident.id, "up", "liuhe", "yunxi-county", "gp2", "03.04", "routine", "other-limits",
                (("I10", "原发性高血压"),), note, at(12, 9, 50), "cancelled",
                steps=(step("cancel", "gp2", at(9, 10, 0), reason=said("加用利尿剂后血压降至 142/84 mmHg,头晕缓解,"
                "患者要求在本院继续治疗。")),),
                evidence=evidence(chart, "pressure"),
            )
        ]  # fmt: skip

    return plans
