"""The bare record of one resident: when things happen, who sees the resident where, and what the problems are.

Ids are `r<number>-<kind><count>`, stable for the same seed and day. Times are local to the region and carry its offset; nothing lies
after `today`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from heapq import heappop, heappush
from random import Random
from typing import Any

from yilian.demo import services
from yilian.demo.clinical import codes
from yilian.demo.clinical.body import Body
from yilian.demo.clinical.visit import Visit, stamp
from yilian.demo.institutions import Institution
from yilian.demo.people import Person, Staff
from yilian.demo.residents import Resident
from yilian.fhir import urls

Resource = dict[str, Any]

_KINDS = {
    "Encounter": "enc", "Observation": "obs", "Condition": "con", "DiagnosticReport": "rep", "MedicationRequest": "med", "Procedure": "pro",
    "AllergyIntolerance": "all", "Immunization": "imm", "CarePlan": "pla",
}  # fmt: skip


class Record:
    """What is known of one resident; `resources` is the whole history, in the order in which it was written."""

    def __init__(self, resident: Resident, staff: Staff, places: Mapping[str, Institution], rng: Random, today: date) -> None:
        self.resident, self.staff, self.places, self.rng, self.today = resident, staff, places, rng, today
        self.body = Body(resident.sex, resident.born, rng)
        self.subject: Resource = {"reference": f"Patient/{resident.id}", "display": resident.name.text}
        self.resources: list[Resource] = []
        self.problems: dict[str, Resource] = {}  # programme or illness -> its Condition
        self.current: dict[str, Resource] = {}  # drug -> the prescription that runs
        self.forbidden: set[str] = set()  # families of drugs the resident is allergic to
        self.facts: dict[str, Any] = {}  # what a referral may want to say, put here by the programmes
        self.away_until = date.min  # in hospital so long: no follow-up at home
        self._counts = dict.fromkeys(_KINDS, 0)
        self._agenda: list[tuple[date, int, bool, Callable[[date], object]]] = []
        self._entered = 0

    # --- when

    def at(self, day: date, what: Callable[[date], object]) -> None:
        """Do something on a day; it is left out when the day has not come yet or the resident is not alive on it."""
        self._enter(day, what, False)

    def when_free(self, day: date, what: Callable[[date], object]) -> None:
        """The same, but put off until the resident is out of hospital."""
        self._enter(day, what, True)

    def at_workday(self, day: date, what: Callable[[date], object]) -> None:
        """As `when_free`, on a day the out-patient department is open: on the Monday when the day is a Sunday."""
        if day < self.today:
            self.when_free(self.workday(day), what)

    def _enter(self, day: date, what: Callable[[date], object], free: bool) -> None:
        self._entered += 1
        heappush(self._agenda, (day, self._entered, free, what))

    def run(self) -> None:
        """Live through the agenda in the order of time; what happens may enter more."""
        while self._agenda:
            day, _, free, what = heappop(self._agenda)
            if day >= self.today or not self.alive(day):
                continue
            if free and day <= self.away_until:
                self.at_workday(self.away_until + timedelta(days=self.rng.randint(2, 8)), what)
            else:
                what(day)

    # --- who and where

    @property
    def home(self) -> str:
        """The centre of primary care this resident goes to, registered there or not."""
        return self.resident.home or self.resident.town

    @property
    def doctor(self) -> Person | None:
        """The family doctor."""
        return self.staff.by_id.get(self.resident.doctor)

    @property
    def county(self) -> str:
        """The hospital of the resident's district."""
        district = self.places[self.resident.town].district
        return next(p.id for p in self.places.values() if p.district == district and p.kind == "A100")

    def age(self, day: date | None = None) -> int:
        return self.resident.age(day or self.today)

    def alive(self, day: date) -> bool:
        return self.resident.born <= day and (self.resident.died is None or day <= self.resident.died)

    def add(self, type: str, fields: Resource) -> Resource:
        """Give a resource its type and id and keep it; returns a reference to it."""
        self._counts[type] += 1
        id = f"r{self.resident.number:04d}-{_KINDS[type]}{self._counts[type]}"
        self.resources.append({"resourceType": type, "id": id, **fields})
        return {"reference": f"{type}/{id}"}

    # --- encounters

    def visit(
        self,
        day: date,
        place: str,
        department: str,
        title: str,
        *,
        complaint: str = "",
        kind: str = "AMB",
        at: time | None = None,
        minutes: int = 0,
        doctor: Person | None = None,
    ) -> Visit:
        """An out-patient, emergency or home visit. `at` is drawn from the usual hours where it is not given."""
        if at is None:
            at = time(self.rng.randint(8, 11) if self.rng.random() < 0.7 else self.rng.randint(14, 16), self.rng.randrange(0, 60, 5))
        start = datetime.combine(day, at)
        end = start + timedelta(minutes=minutes or self.rng.randint(10, 35))
        return self._encounter(kind, start, end, place, department, title, complaint, doctor)

    def stay(
        self, start: datetime, days: int, place: str, department: str, title: str, *, complaint: str, doctor: Person | None = None
    ) -> Visit:
        """An admission of so many days; the patient leaves in the morning. It is still going on when that lies after today."""
        end = datetime.combine(start.date() + timedelta(days=days), time(10, 30))
        return self._encounter("IMP", start, end, place, department, title, complaint, doctor)

    def _encounter(
        self, kind: str, start: datetime, end: datetime, place: str, department: str, title: str, complaint: str, doctor: Person | None
    ) -> Visit:
        where = self.places[place]
        department = _licensed(where, department)
        who = doctor or self.staff.doctor(place, department, self.rng)
        running = end.date() >= self.today and kind == "IMP"
        number = f"{start:%Y%m%d}{self.resident.number:04d}{self._counts['Encounter'] % 100:02d}"
        identifier = [
            {"system": urls.INPATIENT_NO if kind == "IMP" else urls.OUTPATIENT_NO, "value": f"{'ZY' if kind == 'IMP' else 'MZ'}{number}"}
        ]
        if kind == "IMP":
            identifier.append({"system": urls.RECORD_NO, "value": f"{where.code[2:8]}{self.resident.number:06d}"})
        period = {"start": stamp(start)}
        if not running:
            period["end"] = stamp(end)
        fields: Resource = {
            "identifier": identifier,
            "status": "in-progress" if running else "finished",
            "class": codes.CLASSES[kind],
            "type": [codes.words(title)],
            "serviceType": codes.service_type(department),
            "subject": self.subject,
            "participant": [{"individual": who.reference}],
            "period": period,
        }
        if complaint:
            fields["reasonCode"] = [codes.words(complaint)]
        fields["location"] = [{"location": where.place}]
        fields["serviceProvider"] = where.reference
        self.add("Encounter", fields)
        visit = Visit(self.resources[-1], start, where, department, who)
        if kind == "IMP" and not running:
            visit.discharge("1")
        return visit

    # --- problems

    def condition(
        self,
        visit: Visit,
        code: str,
        text: str,
        *,
        onset: date | None = None,
        resolved: date | None = None,
        chronic: bool = False,
        severity: str = "",
        key: str = "",
        use: str = "DD",
        provisional: bool = False,
        stage: str = "",
        note: str = "",
    ) -> Resource:
        """A diagnosis made in a visit. An acute one ends on `resolved`; `key` keeps it among the resident's problems."""
        over = resolved is not None and resolved < self.today
        fields: Resource = {
            "clinicalStatus": codes.clinical_status("resolved" if over else "active"),
            "verificationStatus": codes.PROVISIONAL if provisional else codes.CONFIRMED,
            "category": codes.PROBLEM if chronic else codes.ENCOUNTER_DIAGNOSIS,
        }
        if severity:
            fields["severity"] = codes.words(codes.SEVERITIES[severity])
        fields["code"] = codes.diagnosis(code, text)
        fields["subject"] = self.subject
        fields["encounter"] = visit.reference
        fields["onsetDateTime"] = (onset or visit.day).isoformat()
        if over:
            assert resolved is not None
            fields["abatementDateTime"] = max(resolved, onset or visit.day).isoformat()
        fields["recordedDate"] = visit.later(minutes=5)
        fields["recorder"] = fields["asserter"] = visit.doctor.reference
        if stage:
            fields["stage"] = [{"summary": codes.words(stage)}]
        if note:
            fields["note"] = [{"text": note}]
        reference = self.add("Condition", fields)
        reference["display"] = text
        visit.diagnose(reference, text, use)
        if key:
            self.problems[key] = reference
        return reference

    def workday(self, day: date) -> date:
        """The day itself, or the Monday after a Sunday; never later than yesterday."""
        if day.weekday() == 6:
            day += timedelta(days=1)
        return min(day, self.today - timedelta(days=1))


@cache
def _licensed(place: Institution, department: str) -> str:
    """The department that sees the patient there: a small centre has fewer of them (诊疗科目)."""
    scope = services.scope_of(place)
    instead = (department, department[:2], "01" if department[:2] in ("06", "09") else "", "02")
    return next((code for code in instead if code in scope), scope[0])
