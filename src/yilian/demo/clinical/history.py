"""A whole history: the file is opened, programmes run by what the resident suffers from, everyday illnesses fall in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial

from yilian.demo.clinical import acute, childhood, chronic, coronary, elderly, stroke, trauma
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.chronic import FollowUp
from yilian.demo.clinical.copd import Copd, exacerbation
from yilian.demo.clinical.coronary import Coronary
from yilian.demo.clinical.diabetes import Diabetes
from yilian.demo.clinical.hypertension import Hypertension
from yilian.demo.clinical.pregnancy import TERM_DAYS, Pregnancy
from yilian.demo.clinical.stroke import Stroke

# Allergies: name, ATC, category, reaction, severity, families of drugs it forbids, weight.
_ALLERGIES = (
    ("青霉素类抗生素", "J01C", "medication", "全身皮疹、瘙痒", "moderate", ("青霉素",), 30),
    ("青霉素类抗生素", "J01C", "medication", "皮试阳性,胸闷、血压下降", "severe", ("青霉素", "头孢菌素"), 8),
    ("头孢菌素类抗生素", "J01D", "medication", "面颈部潮红、荨麻疹", "moderate", ("头孢菌素",), 18),
    ("磺胺类药物", "J01E", "medication", "固定性药疹", "moderate", ("磺胺",), 16),
    ("阿司匹林", "B01AC06", "medication", "诱发哮喘发作", "severe", ("阿司匹林", "非甾体抗炎药"), 5),
    ("左氧氟沙星", "J01MA12", "medication", "皮肤瘙痒、皮疹", "mild", ("喹诺酮",), 6),
    ("海鲜", "", "food", "荨麻疹、口唇肿胀", "mild", (), 10),
    ("芒果", "", "food", "口周皮炎", "mild", (), 4),
    ("花粉", "", "environment", "打喷嚏、流清涕、眼痒", "mild", (), 6),
)


def write(chart: Chart, case: Callable[[Chart], None] | None = None) -> None:
    """Put everything on the agenda and live through it. `case` adds what a referral tells."""
    resident, rng, today = chart.resident, chart.rng, chart.today
    span = rng.uniform(1.3, 2.75) if not resident.case else rng.uniform(2.1, 3.0)
    since = max(resident.born + timedelta(days=1), today - timedelta(days=round(span * 365.25)))
    allergy = (
        rng.choices(_ALLERGIES, [one[-1] for one in _ALLERGIES])[0]
        if rng.random() < 0.09 and chart.age() >= 4 and not resident.case
        else None
    )
    if allergy is not None:
        chart.forbidden.update(allergy[5])
    if resident.home and chart.age(since) >= 7:
        chart.at_workday(since, partial(_open_file, chart, allergy))
    if chart.age() < 15:
        childhood.enter(chart, since=since)
    if resident.conditions:
        _long_term(chart, since)
    last = today - timedelta(days=rng.randint(20, 350))
    if chart.age() >= 65 and rng.random() < 0.8:  # not everybody comes
        for year in range(2 if resident.conditions and rng.random() < 0.5 else 1):
            chart.at_workday(last - timedelta(days=365 * year + rng.randint(-20, 20)), partial(elderly.check, chart))
    elif "hypertension" in resident.conditions or "diabetes" in resident.conditions:
        chart.at_workday(last, partial(elderly.check, chart))
    _everyday(chart, since)
    if resident.died is not None:
        chart.at(resident.died - timedelta(days=rng.randint(5, 8)), partial(_last_days, chart))
    if case is not None:
        case(chart)
    chart.run()


def _open_file(chart: Chart, allergy: tuple[str, str, str, str, str, tuple[str, ...], int] | None, day: date) -> None:
    """The health file: lifestyle, allergies, size, blood pressure of adults."""
    rng, age = chart.rng, chart.age(day)
    visit = chart.visit(day, chart.home, "02", "居民健康档案建档", doctor=chart.doctor, minutes=25)
    if age >= 15:
        smoker = "copd" in chart.resident.conditions or rng.random() < (0.46 if chart.resident.sex == "male" else 0.02)
        smoking = chart.resident.smoking or (rng.choice(("now", "now", "former")) if smoker and age >= 18 else "never")
        drinks = chart.resident.sex == "male" and age >= 18 and rng.random() < 0.4
        chronic.lifestyle(chart, visit, smoking, rng.choice(("偶尔饮酒", "每周饮酒 1~2 次", "每日饮白酒约 2 两")) if drinks else "从不饮酒")
    chart.size(visit)
    if age >= 18 and not chart.resident.conditions:
        chart.pressure(visit)
        chart.vital(visit, "pulse", chart.body.pulse_rate(day))
    if allergy is not None:
        name, atc, category, reaction, severity, forbids, _ = allergy
        chart.allergy(visit, name, atc=atc, category=category, reaction=reaction, severity=severity, forbids=forbids)


def _long_term(chart: Chart, since: date) -> None:
    """Programmes of long-term illnesses; an attack within the documented years is told as an admission."""
    rng, today = chart.rng, chart.today
    follow = FollowUp(chart)
    for kind, years in chart.resident.conditions.items():
        course = chart.resident.courses.get(kind, "")
        begun = today - timedelta(days=round(years * 365.25) + rng.randint(20, 200))
        new = begun > since + timedelta(days=10)
        start = chart.workday(begun if new else since + timedelta(days=rng.randint(3, 12)))
        before = 0 if new else max(1, round((since - begun).days / 365.25))
        if kind == "hypertension":
            follow.take(Hypertension(chart, before, course), start)
        elif kind == "diabetes":
            follow.take(Diabetes(chart, before, course), start)
        elif kind == "copd":
            follow.take(Copd(chart, before, 3 if course == "severe" else 2 if course == "moderate" else 0), start)
            if course != "quiet" and rng.random() < 0.5:
                day = start + timedelta(days=rng.randint(60, 700))
                chart.when_free(day, partial(exacerbation, chart))
        elif kind == "coronary":
            infarct = course == "infarct" or (not course and rng.random() < 0.45)
            if new and infarct:
                wall = rng.choice(("inferior", "anterior"))
                chart.when_free(start, partial(coronary.infarction, chart, wall=wall))
                follow.take(Coronary(chart, 0, infarct=True, infarct_on=start, wall=wall), chart.workday(start + timedelta(days=22)))
            elif new:
                chart.when_free(start, partial(coronary.angina_check, chart))
                follow.take(Coronary(chart, 0, infarct=False), chart.workday(start + timedelta(days=16)))
            else:
                follow.take(Coronary(chart, before, infarct=infarct), start)
        elif kind == "stroke":
            if new:
                left = rng.random() < 0.5
                chart.when_free(start, partial(stroke.attack, chart, lysis=rng.random() < 0.3, left=left))
                follow.take(Stroke(chart, 0, attack_on=start), chart.workday(start + timedelta(days=25)))
            else:
                follow.take(Stroke(chart, before), start)


def _everyday(chart: Chart, since: date) -> None:
    """Colds and worse, a vaccination against influenza, now and then an injury."""
    rng, age = chart.rng, chart.age()
    years = (chart.today - since).days / 365.25
    rate = 0.7 if age < 6 else 0.45 if age < 15 or age >= 60 else 0.34
    for _ in range(min(5, round(rng.expovariate(1 / (rate * years + 0.05))))):
        day = since + timedelta(days=rng.randint(15, max(16, (chart.today - since).days - 1)))
        chart.at_workday(day, partial(_befall, chart))
    if (age >= 60 or "copd" in chart.resident.conditions) and rng.random() < 0.45:
        for year in range(since.year, chart.today.year + 1):
            day = date(year, 10, 8) + timedelta(days=rng.randint(0, 40))
            if day > since + timedelta(days=20):
                chart.at_workday(day, partial(acute.flu_shot, chart))
    if age >= 16 and rng.random() < 0.045 and not chart.resident.case:
        kinds = ("radius", "ankle", "head") if age < 60 else ("radius", "vertebra", "femoral-neck")
        trauma.enter(chart, since + timedelta(days=rng.randint(20, max(21, (chart.today - since).days - 120))), rng.choice(kinds))


def _befall(chart: Chart, day: date) -> None:
    if pregnant(chart, day):
        return
    what = acute.cold if chart.resident.case else acute.pick(chart, day)  # nothing that a story would have to mention
    if what is not None and _ONCE.get(what, "") not in chart.problems:
        what(chart, day)


_ONCE: dict[acute.Illness, str] = {
    acute.gastritis: "gastritis",
    acute.knees: "knees",
    acute.cataract: "cataract",
    acute.gallstones: "gallstones",
}
"""What befalls a person once: the problem it leaves."""


def pregnant(chart: Chart, day: date) -> bool:
    """Whether she carries or nurses on this day: then everyday medicines are left out."""
    return any(start <= day <= end for start, end in chart.facts.get("pregnancies", ()))


def expect(
    chart: Chart, *, born: date | None, weeks: int = 0, birth: int = 1, sugar: bool = False, caesarean: bool | None = None
) -> Pregnancy:
    """A pregnancy that ended with the birth of a child of the region, or one that is `weeks` along today."""
    rng = chart.rng
    if born is not None:
        last_period = born - timedelta(days=TERM_DAYS - rng.randint(-3, 12))
    else:
        last_period = chart.today - timedelta(days=weeks * 7 + rng.randint(0, 5))
    chart.facts.setdefault("pregnancies", []).append((last_period, (born or chart.today) + timedelta(days=180)))
    section = rng.random() < 0.4 if caesarean is None else caesarean
    pregnancy = Pregnancy(chart, last_period, born, birth, sugar, section)
    pregnancy.enter()
    return pregnancy


def _last_days(chart: Chart, day: date) -> None:
    """The admission a resident did not survive."""
    died = chart.resident.died
    assert died is not None
    chart.away_until = died
    start = datetime.combine(day, time(15, 20))
    visit = chart.stay(start, (died - day).days, chart.county, "03.01", "呼吸内科住院", complaint="发热、气促、意识模糊 2 天")
    chart.condition(visit, "J18.9", "重症肺炎", severity="severe")
    chart.condition(visit, "J96.0", "急性呼吸衰竭", severity="severe", use="CM")
    chart.pressure(visit, 96, 54)
    chart.vital(visit, "temperature", 38.9)
    chart.vital(visit, "oxygen", 84)
    chart.panel(visit, "cbc", {"wbc": 18.4, "neut": 91.0, "lymph": 5.2})
    chart.panel(visit, "gas", {"ph": 7.27, "po2": 48, "pco2": 63})
    chart.study(visit, "CT", "24627-2", "胸部 CT 平扫", "双肺弥漫斑片状、实变影,双侧胸腔积液。", "双肺重症肺炎,双侧胸腔积液。")
    visit.discharge("5")
