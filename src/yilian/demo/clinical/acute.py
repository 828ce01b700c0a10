"""Everyday illnesses, each where it is usually treated: colds at the village post, pneumonia and appendicitis in hospital."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from yilian.demo.clinical import findings
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit


def cold(chart: Chart, day: date) -> None:
    """An infection of the upper airways, at the village post where there is one."""
    rng, child = chart.rng, chart.age(day) < 14
    visit = chart.visit(
        day,
        chart.resident.post if chart.resident.post and rng.random() < 0.6 else chart.home,
        "02",
        "全科门诊",
        complaint="鼻塞、流涕、咽痛 2 天",
    )
    condition = chart.condition(visit, "J06.9", "急性上呼吸道感染", resolved=day + timedelta(days=7), severity="mild")
    fever = rng.random() < 0.5
    chart.vital(visit, "temperature", rng.uniform(37.8, 38.8) if fever else rng.uniform(36.6, 37.3))
    if child:
        chart.vital(visit, "weight", chart.body.size(day)[1])
        if fever and chart.age(day) >= 1 and chart.may_take("ibuprofen"):
            chart.prescribe(visit, "ibuprofen", 3, condition, dose=max(2.0, min(10.0, round(chart.body.size(day)[1] * 0.4))))
        return
    chart.prescribe(visit, rng.choice(("cold", "lianhua")), 3, condition)
    if fever:
        chart.prescribe(visit, "paracetamol", 3, condition)


def influenza(chart: Chart, day: date) -> None:
    """Influenza in winter, at the township."""
    rng = chart.rng
    visit = chart.visit(day, chart.home, "02", "发热门诊", complaint="发热、全身酸痛 1 天")
    condition = chart.condition(visit, "J11.1", "流行性感冒", resolved=day + timedelta(days=8), severity="mild")
    chart.vital(visit, "temperature", rng.uniform(38.6, 39.6))
    chart.panel(visit, "cbc", {"wbc": rng.uniform(4.2, 5.2), "lymph": rng.uniform(36, 46), "neut": rng.uniform(44, 52)})
    age = chart.age(day)
    if age >= 14:
        chart.prescribe(visit, "oseltamivir", 5, condition)
    else:
        weight = chart.body.size(day)[1]
        chart.prescribe(
            visit, "oseltamivir-child", 5, condition, dose=30 if weight <= 15 else 45 if weight <= 23 else 60 if weight <= 40 else 75
        )


def bronchitis(chart: Chart, day: date) -> None:
    rng = chart.rng
    visit = chart.visit(day, chart.home, "02", "全科门诊", complaint="咳嗽、咳痰 5 天")
    condition = chart.condition(visit, "J20.9", "急性支气管炎", resolved=day + timedelta(days=14), severity="mild")
    chart.vital(visit, "temperature", rng.uniform(36.8, 38.0))
    chart.panel(
        visit,
        "cbc",
        {"wbc": rng.uniform(7.5, 11.5), "neut": rng.uniform(66, 79), "lymph": rng.uniform(15, 26)} if chart.age(day) >= 14 else None,
    )
    if chart.places[chart.home].level:
        chart.study(visit, "RX", "36643-5", "胸部正侧位 X 线", *findings.CHEST_XRAY["bronchitis"])
    if chart.age(day) < 14:
        chart.prescribe(visit, "feining", 5, condition)
        return
    chart.prescribe(visit, "ambroxol", 5, condition)
    if rng.random() < 0.5:
        chart.prescribe(visit, chart.first_allowed("amoxicillin", "cefuroxime", "azithromycin"), 5, condition)


def pneumonia(chart: Chart, day: date) -> None:
    """Community-acquired pneumonia on the ward: the township's for the young and light, the county's for the old."""
    ward(chart, day, where=chart.county if chart.age(day) >= 60 or chart.age(day) < 14 else chart.home)


def ward(chart: Chart, day: date, *, where: str, days: int = 0) -> Visit:
    """An admission for pneumonia."""
    rng, child = chart.rng, chart.age(day) < 14
    days = days or rng.randint(6, 9)
    chart.away_until = day + timedelta(days=days)
    department = "07" if child else "03.01" if chart.places[where].tier != "township" else "03"
    start = datetime.combine(day, time(rng.randint(9, 19), rng.choice((10, 30, 50))))
    visit = chart.stay(
        start,
        days,
        where,
        department,
        "儿科住院" if child else "呼吸内科住院" if department == "03.01" else "内科住院",
        complaint="发热、咳嗽 4 天",
    )
    condition = chart.condition(visit, "J18.9", "社区获得性肺炎", resolved=day + timedelta(days=days + 12), severity="moderate")
    chart.vital(visit, "temperature", rng.uniform(38.3, 39.4))
    chart.vital(visit, "breath", rng.randint(22, 26) if not child else rng.randint(30, 38))
    chart.vital(visit, "oxygen", rng.randint(93, 96))
    if not child:
        chart.pressure(visit)
    chart.panel(visit, "cbc", {"wbc": rng.uniform(11.5, 16.0), "neut": rng.uniform(79, 88), "lymph": rng.uniform(8, 16)})
    chart.panel(visit, "crp", {"crp": rng.uniform(42, 120)})
    if chart.places[where].tier == "township":
        chart.study(visit, "RX", "36643-5", "胸部正侧位 X 线", *findings.CHEST_XRAY["pneumonia"])
    else:
        chart.study(visit, "CT", "24627-2", "胸部 CT 平扫", *findings.CHEST_CT["pneumonia"])
        chart.panel(visit, "renal")
    if child:
        chart.prescribe(visit, "azithromycin-child", 5, condition, inpatient=True)
    else:
        chart.prescribe(visit, chart.first_allowed("ceftriaxone", "moxifloxacin"), days, condition, inpatient=True)
    return visit


def appendicitis(chart: Chart, day: date) -> None:
    """Acute appendicitis, operated at the county hospital."""
    rng = chart.rng
    days = rng.randint(4, 6)
    chart.away_until = day + timedelta(days=days)
    start = datetime.combine(day, time(rng.randint(8, 21), rng.choice((5, 20, 45))))
    visit = chart.stay(start, days, chart.county, "04.01", "普外科住院", complaint="转移性右下腹痛 12 小时")
    condition = chart.condition(visit, "K35.8", "急性阑尾炎", resolved=day + timedelta(days=days + 10), severity="moderate")
    if chart.age(day) >= 14:
        chart.pressure(visit)
    chart.vital(visit, "temperature", rng.uniform(37.6, 38.6))
    chart.panel(visit, "cbc", {"wbc": rng.uniform(12.5, 17.5), "neut": rng.uniform(82, 91), "lymph": rng.uniform(6, 13)})
    chart.panel(visit, "crp", {"crp": rng.uniform(22, 74)})
    chart.study(visit, "RUS", "24558-9", "腹部超声", *findings.ABDOMEN["appendix"], after_minutes=45)
    chart.procedure(visit, "47.01", "腹腔镜阑尾切除术", condition, minutes=60, outcome="手术顺利,阑尾化脓未穿孔")
    antibiotic = (
        chart.first_allowed("ceftriaxone", "levofloxacin") if chart.age(day) >= 18 else chart.first_allowed("ceftriaxone", "metronidazole")
    )
    chart.prescribe(visit, antibiotic, 3, condition, inpatient=True)


def gastritis(chart: Chart, day: date) -> None:
    visit = chart.visit(
        day, chart.county, "03.02" if chart.county != "songping-county" else "03", "消化内科门诊", complaint="反复上腹部隐痛、反酸 1 月"
    )
    condition = chart.condition(visit, "K29.5", "慢性胃炎", severity="mild", key="gastritis")
    ulcer = chart.rng.random() < 0.25
    chart.procedure(visit, "45.13", "电子胃镜检查", condition, minutes=15)
    chart.study(visit, "OTH", "18751-8", "电子胃镜", *findings.GASTROSCOPY["ulcer" if ulcer else "gastritis"])
    chart.prescribe(visit, "omeprazole", 28 if ulcer else 14, condition)


def back_pain(chart: Chart, day: date) -> None:
    visit = chart.visit(day, chart.home, "50", "中医门诊", complaint="腰痛反复发作,劳累后加重 2 周")
    condition = chart.condition(visit, "M54.5", "腰痛", resolved=day + timedelta(days=35), severity="mild")
    chart.procedure(visit, "99.92", "针刺治疗", condition, minutes=30)
    chart.prescribe(visit, chart.first_allowed("diclofenac", "paracetamol"), 7, condition)


def knees(chart: Chart, day: date) -> None:
    visit = chart.visit(day, chart.home, "04", "外科门诊", complaint="双膝关节疼痛,上下楼加重 3 月")
    condition = chart.condition(visit, "M17.9", "双膝骨性关节炎", chronic=True, key="knees")
    if chart.places[chart.home].level:
        title, seen, conclusion = findings.BONES["knee"]
        chart.study(visit, "RX", "", title, seen, conclusion)
    chart.prescribe(visit, chart.first_allowed("celecoxib", "diclofenac", "paracetamol"), 14, condition)


def diarrhoea(chart: Chart, day: date) -> None:
    at_post = bool(chart.resident.post) and chart.rng.random() < 0.5
    visit = chart.visit(day, chart.resident.post if at_post else chart.home, "02", "全科门诊", complaint="腹泻、稀水样便 1 天,每日 4~5 次")
    condition = chart.condition(visit, "A09.9", "急性胃肠炎", resolved=day + timedelta(days=5), severity="mild")
    chart.vital(visit, "temperature", chart.rng.uniform(36.6, 37.8))
    if chart.age(day) >= 2:
        chart.prescribe(visit, "montmorillonite", 3, condition)
    chart.prescribe(visit, "rehydration", 2, condition)


def cystitis(chart: Chart, day: date) -> None:
    visit = chart.visit(day, chart.home, "02", "全科门诊", complaint="尿频、尿急、尿痛 1 天")
    condition = chart.condition(visit, "N39.0", "泌尿道感染", resolved=day + timedelta(days=10), severity="mild")
    chart.vital(visit, "temperature", chart.rng.uniform(36.6, 37.4))
    chart.panel(visit, "urine", {"uleu": "阳性(2+)", "ubld": "阳性(1+)"})
    if "pregnancy" in chart.problems:
        chart.prescribe(visit, chart.first_allowed("cefuroxime", "amoxicillin", "azithromycin"), 5, condition)
    else:
        chart.prescribe(
            visit,
            chart.first_allowed("levofloxacin", "cefuroxime") if chart.age(day) >= 18 else chart.first_allowed("cefixime", "azithromycin"),
            5,
            condition,
        )


def cataract(chart: Chart, day: date) -> None:
    """A cataract taken out as day surgery."""
    visit = chart.visit(day, "yunxi-first", "10", "眼科日间手术", complaint="双眼渐进性视物模糊 2 年", at=time(8, 30), minutes=420)
    condition = chart.condition(visit, "H25.9", "老年性白内障", chronic=True, key="cataract")
    chart.pressure(visit)
    chart.panel(visit, "glucose")
    chart.procedure(visit, "13.41", "右眼白内障超声乳化摘除联合人工晶体植入术", condition, minutes=25, outcome="手术顺利,术后右眼视力 0.6")


def gallstones(chart: Chart, day: date) -> None:
    """Stones found because of pain after a fatty meal."""
    visit = chart.visit(day, chart.home, "04", "外科门诊", complaint="进食油腻后右上腹胀痛反复 2 月")
    chart.facts["abdomen"] = "stones"
    condition = chart.condition(visit, "K80.1", "胆囊结石伴慢性胆囊炎", chronic=True, key="gallstones")
    chart.study(visit, "RUS", "24558-9", "腹部超声", *findings.ABDOMEN["stones"], key="abdomen")
    chart.panel(visit, "liver")
    chart.prescribe(visit, "omeprazole", 7, condition)


def flu_shot(chart: Chart, day: date) -> None:
    """The yearly vaccination against influenza."""
    visit = chart.visit(day, chart.home, "01", "预防接种")
    chart.shots(visit, "88", "流感病毒裂解疫苗", 1, 1)


Illness = Callable[[Chart, date], None]

# What may befall whom: illness, youngest, oldest, weight, months of the year (empty: any).
CALENDAR: tuple[tuple[Illness, int, int, int, tuple[int, ...]], ...] = (
    (cold, 0, 99, 30, ()),
    (influenza, 3, 99, 8, (1, 2, 12)),
    (bronchitis, 1, 99, 12, (1, 2, 3, 11, 12)),
    (pneumonia, 1, 90, 4, (1, 2, 3, 11, 12)),
    (appendicitis, 9, 68, 2, ()),
    (gastritis, 20, 78, 3, ()),
    (back_pain, 26, 85, 9, ()),
    (knees, 52, 85, 5, ()),
    (diarrhoea, 0, 90, 9, (6, 7, 8, 9)),
    (cataract, 66, 86, 3, ()),
    (gallstones, 32, 75, 3, ()),
)


def pick(chart: Chart, day: date) -> Illness | None:
    """An illness that fits age, sex and season."""
    age = chart.age(day)
    fitting = [(what, weight) for what, low, high, weight, months in CALENDAR if low <= age <= high and (not months or day.month in months)]
    if chart.resident.sex == "female" and age >= 18:
        fitting.append((cystitis, 5))
    return chart.rng.choices([what for what, _ in fitting], [weight for _, weight in fitting])[0] if fitting else None
