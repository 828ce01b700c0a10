"""Stories of the brain and the lungs: transient attacks, a stroke to be rehabilitated, lungs to be measured, pneumonia, a nodule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

from yilian.demo.cases.story import LEAD, Book, ago, at, clinic, coordinator, evidence, icd, person, specialist, step
from yilian.demo.clinical import acute, findings, stroke
from yilian.demo.clinical.chart import Chart
from yilian.demo.referrals import Plan

BOOK = Book()


@BOOK.case("transient", "liuhe", "male", 66, {"hypertension:slow": 7, "diabetes:steady": 4})
def transient(chart: Chart) -> Callable[[], list[Plan]]:
    """Transient attacks twice in three days: urgent, just sent."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "发作性右侧肢体无力 2 次", when=time(16, 0))
        chart.pressure(visit, 162, 94)
        chart.vital(visit, "pulse", 78)
        chart.panel(visit, "glucose", {"glu": 7.4})
        chart.ecg(visit, "normal", key="ecg")
        chart.condition(visit, "G45.9", "短暂性脑缺血发作", severity="moderate")
        chart.prescribe(visit, "aspirin", 7, None)

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}高血压 7 年、糖尿病 4 年。3 天内发作性右侧肢体无力 2 次,每次约 10 分钟自行缓解,末次发作昨日 14:30,ABCD² "
            "评分 5 分。"
            "就诊时神经系统查体无阳性体征,血压 162/94 mmHg,空腹血糖 7.4 mmol/L。已予阿司匹林。短期卒中风险高,请尽快完善头颅 MRI "
            "及血管评估。"
        )
        return [
            Plan(
                "transient", chart.resident.id, "up", "liuhe", LEAD, "gp2", "03.03", "urgent", "critical-beyond-capability",
                (("G45.9", "短暂性脑缺血发作"),), note, at(0, 1, 10), "submitted", evidence=evidence(chart, "ecg", "glucose", "pressure"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("stroke-rehabilitation", "dongmen", "male", 68, {"hypertension:steady": 11})
def stroke_rehabilitation(chart: Chart) -> Callable[[], list[Plan]]:
    """After the acute ward of the lead hospital on to the TCM hospital for rehabilitation: same tier, lateral."""

    def ward(on: date) -> None:
        visit = stroke.attack(chart, on, where=LEAD, days=12, lysis=True, left=True)
        visit.discharge("2", chart.places["yunxi-tcm"])
        chart.away_until = chart.today
        chart.facts["stay"] = visit

    chart.at(ago(chart, 15), ward)

    def plans() -> list[Plan]:
        doctor = specialist(chart, LEAD, "03.03")
        note = (
            f"{person(chart)}急性左侧大脑中动脉供血区脑梗死,静脉溶栓治疗后。入院美国国立卫生研究院卒中量表 {chart.facts['nihss']} 分,"
            "出院 4 分,右侧上肢肌力 3+ 级、下肢 4 级,"
            "构音尚清,吞咽正常。病情稳定,请贵院针灸康复科接续康复治疗,继续抗血小板及他汀二级预防。"
        )
        return [
            Plan(
                "stroke-rehabilitation", chart.resident.id, "lateral", LEAD, "yunxi-tcm", doctor.id, "21", "routine", "stable-after-acute",
                (("I63.9", "脑梗死(急性期后)"),), note, at(3, 11, 0), "arrived",
                steps=(
                    step("receive", coordinator(chart, "yunxi-tcm"), at(3, 14, 0)),
                    step("accept", specialist(chart, "yunxi-tcm", "21").id, at(3, 15, 10), note="床位已备,请携带溶栓及影像资料。"),
                    step("arrive", coordinator(chart, "yunxi-tcm"), at(2, 10, 20)),
                ),
                evidence=evidence(chart, "mri", "head"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("smoker", "qingshi", "male", 62, smoking="now")
def smoker(chart: Chart) -> Callable[[], list[Plan]]:
    """Cough and breathlessness of a smoker: the lungs have to be measured at the county hospital. Waiting for approval."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "反复咳嗽、咳痰 5 年,活动后气促 1 年", when=time(10, 0))
        chart.pressure(visit, 126, 76)
        chart.vital(visit, "oxygen", 94)
        chart.study(visit, "RX", "36643-5", "胸部正侧位 X 线", *findings.CHEST_XRAY["copd"], key="chest")
        chart.panel(visit, "cbc", None)
        chart.condition(visit, "J42", "慢性支气管炎,慢性阻塞性肺疾病待排", provisional=True)
        chart.prescribe(visit, "ambroxol", 14, None)

    chart.at(ago(chart, 1), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}吸烟 40 年,每日 20 支。反复咳嗽、咳痰 5 年,冬春季加重,近 1 年爬坡气促(mMRC 2 级)。血氧饱和度 94%,"
            "胸片示肺气肿征象。"
            "疑诊慢阻肺,我院无肺功能仪,请贵院行支气管舒张试验明确诊断并制定稳定期方案。"
        )
        return [
            Plan(
                "smoker", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "03.01", "routine", "needs-higher-test",
                (("J42", "慢性支气管炎,慢性阻塞性肺疾病待排"),), note, at(0, 2, 30), "in-approval", evidence=evidence(chart, "chest",
                "cbc"),
            )
        ]  # fmt: skip

    return plans


@BOOK.case("pneumonia", "qingshi", "female", 77, {"hypertension:steady": 15})
def pneumonia(chart: Chart) -> Callable[[], list[Plan]]:
    """Pneumonia of the old: on the county's ward since three days, with a report of progress."""

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "发热、咳嗽、咳黄痰 4 天,气促 1 天", when=time(9, 0))
        chart.pressure(visit, 112, 64)
        chart.vital(visit, "temperature", 38.9)
        chart.vital(visit, "breath", 26)
        chart.vital(visit, "oxygen", 91)
        chart.panel(visit, "cbc", {"wbc": 14.8, "neut": 87.0, "lymph": 8.0})
        chart.study(visit, "RX", "36643-5", "胸部正侧位 X 线", *findings.CHEST_XRAY["pneumonia"], key="chest")
        chart.condition(visit, "J18.9", "社区获得性肺炎", severity="moderate", provisional=True)
        visit.discharge("2", chart.places["yunxi-county"])
        chart.facts["first-evidence"] = evidence(chart, "chest", "cbc")

    def ward(on: date) -> None:
        visit = acute.ward(chart, on, where="yunxi-county", days=9)
        chart.away_until = chart.today
        chart.facts["stay"] = visit

    chart.at(ago(chart, 4), seen)
    chart.at(ago(chart, 3), ward)

    def plans() -> list[Plan]:
        doctor = chart.facts["stay"].doctor
        note = (
            f"{person(chart)}高血压 15 年。发热、咳嗽、咳黄痰 4 天,气促 1 天。体温 38.9℃,呼吸 26 次/分,血压 112/64 mmHg,血氧饱和度 91%,"
            "意识清楚。"
            "白细胞 14.8×10⁹/L,中性粒细胞 87%,胸片示右肺下叶炎症。CURB-65 评分 2 分,高龄,建议住院治疗。"
        )
        return [
            Plan(
                "pneumonia", chart.resident.id, "up", "qingshi", "yunxi-county", "gp", "03.01", "urgent", "critical-beyond-capability",
                (("J18.9", "社区获得性肺炎"),), note, at(4, 10, 5), "arrived",
                steps=(
                    step("approve", "head", at(4, 10, 25)),
                    step("accept", "county", at(4, 11, 10), practitioner=doctor.reference, note="呼吸内科 12 床已预留,请今日或明晨入院。"),
                    step("arrive", coordinator(chart, "yunxi-county"), at(3, 8, 30)),
                    step(
                        "report", doctor.id, at(1, 16, 0), diagnosis=(icd("J18.9", "社区获得性肺炎"),),
                        findings="胸部 CT:右肺下叶肺炎,右侧少量胸腔积液。",
                        note="抗感染治疗 2 天,体温降至 37.6℃,血氧饱和度 95%(鼻导管吸氧 2 L/min)。",
                    ),
                ),
                evidence=chart.facts["first-evidence"], consent="guardian",
            )
        ]  # fmt: skip

    return plans


@BOOK.case("nodule", "liuhe", "female", 59, smoking="never")
def nodule(chart: Chart) -> Callable[[], list[Plan]]:
    """A nodule in the lung found by the county's CT; asked, answered, and received again."""

    def scanned(on: date) -> None:
        visit = clinic(chart, on, "呼吸内科门诊", "体检发现肺部阴影", when=time(9, 30), place="yunxi-county", department="03.01")
        chart.study(visit, "CT", "24627-2", "胸部 CT 平扫", *findings.CHEST_CT["nodule"], key="chest")
        chart.condition(visit, "R91", "右肺上叶磨玻璃结节", severity="moderate")

    def seen(on: date) -> None:
        visit = clinic(chart, on, "全科门诊", "肺结节咨询", when=time(10, 10))
        chart.pressure(visit, 124, 74)
        chart.panel(visit, "cbc", None)

    chart.at(ago(chart, 9), scanned)
    chart.at(ago(chart, 5), seen)

    def plans() -> list[Plan]:
        note = (
            f"{person(chart)}无吸烟史。县医院胸部 CT 示右肺上叶尖段混合磨玻璃结节 14 mm×11 mm,分叶、毛刺、胸膜牵拉,恶性不能除外。无咳嗽、"
            "咯血、消瘦。"
            "患者及家属要求到市一院胸外科进一步诊治。"
        )
        return [
            Plan(
                "nodule", chart.resident.id, "up", "liuhe", LEAD, "gp2", "04.05", "routine", "undiagnosed-complex",
                (("R91", "右肺上叶磨玻璃结节"),), note, at(5, 10, 50), "received",
                steps=(
                    step("ask", "coordinator", at(5, 15, 30),
                    question="请补充既往肿瘤史、家族史,以及是否服用抗凝或抗血小板药物;并请患者带来 CT 光盘。"),
                    step("answer", "gp2", at(4, 9, 15), answer="无肿瘤病史,母亲患肺癌;未服用抗凝及抗血小板药物;已嘱患者携带县医院 CT "
                    "光盘。"),
                ),
                evidence=evidence(chart, "chest", "cbc"),
            )
        ]  # fmt: skip

    return plans
