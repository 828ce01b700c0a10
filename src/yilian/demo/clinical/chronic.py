"""Long-term illnesses under the care of the grassroots: enrolment, follow-up every three months, one visit for all illnesses of a person.

国家基本公共卫生服务规范(第三版): at least four visits a year face to face; a first unsatisfactory one changes the treatment and is looked
at again within two weeks; a second one running calls for referral.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Protocol

from yilian.demo.clinical import codes
from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit


class Care(Protocol):
    """One illness as the follow-up sees it."""

    name: str

    def enrol(self, chart: Chart, visit: Visit) -> None:
        """First documented visit: problem, therapy, plan."""

    def review(self, chart: Chart, visit: Visit) -> bool:
        """Measure, judge, treat. True: to be seen again in two weeks."""

    def drugs(self) -> list[tuple[str, float]]:
        """What is taken now: (drug, dose; 0 for the usual one)."""

    def activities(self) -> list[str]:
        """What the care plan says."""


class FollowUp:
    """The family doctor's care of one resident with one or more long-term illnesses.

    Programmes join with `take`, from a day on; the first of them opens the follow-up, later ones come in at the next visit.
    """

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.cares: list[Care] = []
        self.joining: list[Care] = []
        self.visits = 0
        self._appointment = 0
        self._given: dict[str, date] = {}  # drug -> when it was last prescribed by this care

    def take(self, care: Care, day: date) -> None:
        """Take an illness under care from `day` on."""

        def join(on: date) -> None:
            self.joining.append(care)
            self._appoint(on)

        self.chart.at(day, join)

    def _appoint(self, day: date) -> None:
        """The next visit is on this day; an appointment made before falls away."""
        self._appointment += 1
        self.chart.at_workday(day, partial(self._meet, self._appointment))

    def _meet(self, appointment: int, day: date) -> None:
        """One follow-up visit, and the appointment for the next one."""
        chart, rng = self.chart, self.chart.rng
        if appointment != self._appointment:
            return
        new, self.joining = self.joining, []
        self.cares += new
        at_post = bool(chart.resident.post) and not new and self.visits % 2 == 1
        place = chart.resident.post if at_post else chart.home
        doctor = None if at_post or rng.random() < 0.15 else chart.doctor
        if doctor is not None and doctor.institution != place:
            doctor = None
        title = "、".join(care.name for care in self.cares) + ("建档" if self.visits == 0 else "随访")
        home_visit = chart.age(day) >= 80 and rng.random() < 0.3
        visit = chart.visit(day, place, "02", title, kind="HH" if home_visit else "AMB", doctor=doctor)
        self.visits += 1
        for care in self.cares:
            if care in new:
                care.enrol(chart, visit)
            elif care.name in chart.problems:
                visit.diagnose(chart.problems[care.name], chart.problems[care.name]["display"])
        chart.pressure(visit)
        if not at_post:
            chart.vital(visit, "pulse", chart.body.pulse_rate(day))
        if self.visits % 2 == 1:
            chart.size(visit, with_height=False)
        soon = [care.review(chart, visit) for care in self.cares]
        self._prescribe(visit)
        if new:
            self._plan(visit, new)
        wait = 14 if any(soon) else rng.randint(80, 93)
        self._appoint(day + timedelta(days=wait))

    def _prescribe(self, visit: Visit) -> None:
        chart = self.chart
        wanted: dict[str, tuple[float, Care]] = {}
        for care in self.cares:
            for drug, dose in care.drugs():
                wanted.setdefault(drug, (dose, care))
        for drug in [one for one in self._given if one not in wanted]:
            chart.stop(drug, "治疗方案调整")
            del self._given[drug]
        for drug, (dose, care) in wanted.items():
            if drug in chart.current and drug in self._given and (visit.day - self._given[drug]).days < 30:
                continue
            self._given[drug] = visit.day
            chart.prescribe(visit, drug, 84, chart.problems.get(care.name), dose=dose, long_term=True)

    def _plan(self, visit: Visit, new: list[Care]) -> None:
        for care in new:
            problem = self.chart.problems.get(care.name)
            if problem is not None:
                self.chart.plan(
                    visit,
                    f"{care.name}管理计划",
                    [problem],
                    care.activities(),
                    description=f"{care.name}规范管理,每年面对面随访不少于 4 次",
                )


SMOKING = {"never": "从不吸烟", "now": "目前每日吸烟", "former": "已戒烟"}


def lifestyle(chart: Chart, visit: Visit, smoking: str, drinking: str) -> None:
    """Smoking and drinking, as asked when a health file is opened."""
    answers = {"never": "LA18978-9", "now": "LA18976-3", "former": "LA15920-4"}
    value = codes.concept("http://loinc.org", answers[smoking], SMOKING[smoking])
    chart.stated(visit, "social-history", codes.loinc("72166-2", "吸烟状况"), value)
    chart.stated(visit, "social-history", codes.loinc("11331-6", "饮酒情况"), codes.words(drinking))
