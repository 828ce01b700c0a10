"""How a story is told: a resident, what happened in the last days or months, and the referral that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from yilian.demo.clinical.chart import Chart
from yilian.demo.clinical.visit import Visit
from yilian.demo.people import Person
from yilian.demo.referrals import Moment, Plan, Step
from yilian.demo.residents import Seed
from yilian.fhir import urls

Resource = dict[str, Any]
Tell = Callable[[Chart], Callable[[], list[Plan]]]
"""Puts events on the chart's agenda; what it returns is asked for the plans once the history has been lived."""

LEAD = "yunxi-first"


@dataclass(frozen=True, slots=True)
class Case:
    """A resident of a story and the story."""

    seed: Seed
    tell: Tell

    def enter(self, chart: Chart) -> None:
        chart.facts["story"] = self.tell(chart)

    def plans(self, chart: Chart) -> list[Plan]:
        plans: list[Plan] = chart.facts["story"]()
        return plans


class Book(list[Case]):
    """The stories of one file, in their order."""

    def case(
        self, key: str, town: str, sex: str, age: int, conditions: dict[str, int] | None = None, *, alone: bool = False, smoking: str = ""
    ) -> Callable[[Tell], Tell]:
        """Enter the function below as the story of such a resident."""

        def enter(tell: Tell) -> Tell:
            self.append(Case(Seed(key, town, sex, age, conditions or {}, alone, smoking), tell))
            return tell

        return enter


def ago(chart: Chart, days: int) -> date:
    return chart.today - timedelta(days=days)


def at(days: int, hour: int, minute: int = 0) -> Moment:
    """Days before today at a local time; with 0 days: hours and minutes before the demo is made."""
    return Moment(days, hour, minute)


def step(action: str, who: str, when: Moment, **gives: Any) -> Step:
    return Step(action, who, when, gives)


def clinic(
    chart: Chart,
    on: date,
    title: str,
    complaint: str,
    *,
    when: time,
    place: str = "",
    department: str = "02",
    who: str = "",
    kind: str = "AMB",
    minutes: int = 30,
) -> Visit:
    """The visit a referral comes of, at the family doctor's unless said otherwise. The programmes leave the resident alone from then on."""
    chart.away_until = chart.today
    doctor = chart.staff.by_id[who] if who else None if place and place != chart.home else chart.doctor
    return chart.visit(on, place or chart.home, department, title, complaint=complaint, kind=kind, at=when, minutes=minutes, doctor=doctor)


def person(chart: Chart) -> str:
    """How a doctor begins: 患者男,63 岁。"""
    return f"患者{'男' if chart.resident.sex == 'male' else '女'},{chart.age()} 岁。"


def evidence(chart: Chart, *keys: str) -> tuple[Resource, ...]:
    """References to what the chart keeps under these names (`ecg`, `heart`, `pressure` …)."""
    return tuple({"display": "血压", **chart.facts[f"{key}-ref"]} if key == "pressure" else chart.facts[f"{key}-ref"] for key in keys)


def coordinator(chart: Chart, place: str) -> str:
    """Who keeps the referral office of an institution."""
    return "coordinator" if place == LEAD else chart.staff.with_post(place, "coordinator").id


def specialist(chart: Chart, place: str, department: str) -> Person:
    """The first doctor of a department."""
    return chart.staff.doctors(place, department)[0]


def record_number(visit: Visit) -> str:
    """住院病案号 of an admission."""
    return str(visit.resource["identifier"][1]["value"])


def declined(code: str) -> Resource:
    """A reason for not receiving, from the code system of the referral room."""
    return {"coding": [{"system": urls.REFERRAL_DECLINE_REASON, "code": code}]}


def said(text: str) -> Resource:
    """A reason in words."""
    return {"text": text}


def icd(code: str, text: str) -> Resource:
    return {"coding": [{"system": urls.ICD10, "code": code, "display": text}], "text": text}


def follow_up_plan(chart: Chart, title: str, start: date, days: int, activities: Iterable[str]) -> Resource:
    """The plan a grassroots doctor writes when a patient comes home: first visit within two weeks (国家基本公共卫生服务规范第三版)."""
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "title": title,
        "subject": chart.subject,
        "period": {"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()},
        "activity": [{"detail": {"status": "scheduled", "description": text}} for text in activities],
    }


def future(chart: Chart, days: int, hour: int, minute: int = 0) -> str:
    """A moment to come, as text with the region's offset."""
    return f"{(chart.today + timedelta(days=days)).isoformat()}T{hour:02d}:{minute:02d}:00+08:00"
