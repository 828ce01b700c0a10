"""The record of one resident while it is being written: every resource a programme adds goes through here and so is complete and consistent.

Ids are `r<number>-<kind><count>`, stable for the same seed and day. Times are local to the region and carry its offset; nothing lies after `today`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any

from yilian.demo import laboratory, medication
from yilian.demo.clinical import codes
from yilian.demo.clinical.body import Body
from yilian.demo.clinical.visit import Visit, stamp
from yilian.demo.institutions import Institution
from yilian.demo.laboratory import PANELS, QUALITATIVE
from yilian.demo.medication import DRUGS
from yilian.demo.people import Person, Staff
from yilian.demo.residents import Resident
from yilian.fhir import urls

Resource = dict[str, Any]

_KINDS = {
    "Encounter": "enc", "Observation": "obs", "Condition": "con", "DiagnosticReport": "rep", "MedicationRequest": "med", "Procedure": "pro",
    "AllergyIntolerance": "all", "Immunization": "imm", "CarePlan": "pla",
}  # fmt: skip

_BLOOD_PRESSURE = codes.loinc("85354-9", "血压")
_SYSTOLIC = codes.loinc("8480-6", "收缩压")
_DIASTOLIC = codes.loinc("8462-4", "舒张压")
_VITALS: dict[str, tuple[Resource, str, str, int]] = {
    "pulse": (codes.loinc("8867-4", "心率"), "次/分", "/min", 0),
    "breath": (codes.loinc("9279-1", "呼吸频率"), "次/分", "/min", 0),
    "temperature": (codes.loinc("8310-5", "体温"), "℃", "Cel", 1),
    "oxygen": (codes.loinc("59408-5", "血氧饱和度"), "%", "%", 0),
    "weight": (codes.loinc("29463-7", "体重"), "kg", "kg", 1),
    "height": (codes.loinc("8302-2", "身高"), "cm", "cm", 1),
    "bmi": (codes.loinc("39156-5", "体重指数"), "kg/m²", "kg/m2", 1),
    "waist": (codes.loinc("8280-0", "腰围"), "cm", "cm", 0),
    "head": (codes.loinc("9843-4", "头围"), "cm", "cm", 1),
    "fundus": (codes.loinc("11881-0", "宫高"), "cm", "cm", 0),
    "fetal": (codes.loinc("55283-6", "胎心率"), "次/分", "/min", 0),
}
_VITAL_RANGE: dict[str, tuple[float, float]] = {"pulse": (60, 100), "breath": (12, 20), "temperature": (36.0, 37.2), "oxygen": (95, 100)}


class Chart:
    """What is known of one resident. Programmes call it in the order of time as far as possible; `resources` is the whole history."""

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
        self._agenda: list[tuple[date, int, Callable[[date], None]]] = []
        self._entered = 0

    # --- when

    def at(self, day: date, what: Callable[[date], None]) -> None:
        """Do something on a day; it is left out when the day has not come yet or the resident is not alive on it."""
        self._entered += 1
        heappush(self._agenda, (day, self._entered, what))

    def run(self) -> None:
        """Live through the agenda in the order of time; what happens may enter more."""
        while self._agenda:
            day, _, what = heappop(self._agenda)
            if day < self.today and self.alive(day):
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

    def stay(self, start: datetime, days: int, place: str, department: str, title: str, *, complaint: str, doctor: Person | None = None) -> Visit:
        """An admission of so many days; the patient leaves in the morning. It is still going on when that lies after today."""
        end = datetime.combine(start.date() + timedelta(days=days), time(10, 30))
        return self._encounter("IMP", start, end, place, department, title, complaint, doctor)

    def _encounter(
        self, kind: str, start: datetime, end: datetime, place: str, department: str, title: str, complaint: str, doctor: Person | None
    ) -> Visit:
        where = self.places[place]
        who = doctor or self.staff.doctor(place, department, self.rng)
        running = end.date() >= self.today and kind == "IMP"
        number = f"{start:%Y%m%d}{self.resident.number:04d}{self._counts['Encounter'] % 100:02d}"
        identifier = [{"system": urls.INPATIENT_NO if kind == "IMP" else urls.OUTPATIENT_NO, "value": f"{'ZY' if kind == 'IMP' else 'MZ'}{number}"}]
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

    # --- measurements

    def _observation(self, visit: Visit, category: str, code: Resource, value: Resource, at: str = "", who: list[Resource] | None = None) -> Resource:
        return self.add(
            "Observation",
            {
                "status": "final",
                "category": codes.CATEGORIES[category],
                "code": code,
                "subject": self.subject,
                "encounter": visit.reference,
                "effectiveDateTime": at or visit.effective,
                "performer": who or visit.performer,
                **value,
            },
        )

    def pressure(self, visit: Visit, systolic: int | None = None, diastolic: int | None = None) -> tuple[int, int]:
        """Measure the blood pressure, or write down the one given."""
        if systolic is None or diastolic is None:
            systolic, diastolic = self.body.pressure(visit.day)
        code = "HH" if systolic >= 180 or diastolic >= 110 else "H" if systolic >= 140 or diastolic >= 90 else "L" if systolic < 90 else "N"
        reference = self._observation(
            visit,
            "vital-signs",
            _BLOOD_PRESSURE,
            {
                "interpretation": laboratory.interpretation(code),
                "component": [
                    {"code": _SYSTOLIC, "valueQuantity": _quantity(systolic, "mmHg", "mm[Hg]")},
                    {"code": _DIASTOLIC, "valueQuantity": _quantity(diastolic, "mmHg", "mm[Hg]")},
                ],
            },
        )
        self.facts["pressure"] = (systolic, diastolic)
        self.facts["pressure-ref"] = reference
        return systolic, diastolic

    def vital(self, visit: Visit, key: str, value: float) -> Resource:
        """Pulse, temperature, weight and so on."""
        code, unit, ucum, places = _VITALS[key]
        out: Resource = {"valueQuantity": _quantity(laboratory.decimal(value, places), unit, ucum)}
        limits = _VITAL_RANGE.get(key)
        if limits and self.age(visit.day) >= 14:
            out["interpretation"] = laboratory.interpretation("L" if value < limits[0] else "H" if value > limits[1] else "N")
        return self._observation(visit, "vital-signs", code, out)

    def size(self, visit: Visit, *, with_height: bool = True) -> tuple[float, float]:
        """Weight, and height with the body mass index."""
        height, weight = self.body.size(visit.day)
        self.vital(visit, "weight", weight)
        if with_height:
            self.vital(visit, "height", height)
            if self.age(visit.day) >= 7:
                self.vital(visit, "bmi", weight / (height / 100) ** 2)
        return height, weight

    def note(self, visit: Visit, category: str, code: Resource, text: str) -> Resource:
        """An observation in words: symptoms, a score with its meaning, what was seen."""
        return self._observation(visit, category, code, {"valueString": text})

    def score(self, visit: Visit, code: Resource, points: int, meaning: str = "") -> Resource:
        """The sum of a scale."""
        out: Resource = {"valueInteger": points}
        if meaning:
            out["note"] = [{"text": meaning}]
        return self._observation(visit, "survey", code, out)

    def stated(self, visit: Visit, category: str, code: Resource, value: Resource) -> Resource:
        """An observation whose value is a concept (smoking status …)."""
        return self._observation(visit, category, code, {"valueCodeableConcept": value})

    # --- laboratory and reports

    def panel(self, visit: Visit, key: str, values: Mapping[str, float | str] | None = None, *, after_minutes: int = 40) -> Resource:
        """Take a panel: one Observation for each analyte and the report over them. `values` replaces what the body would give."""
        code, name, analytes = PANELS[key]
        day, taken, values = visit.day, visit.later(minutes=after_minutes), values or {}
        months, sex = self.body.months(day), self.resident.sex
        results, odd, bare = [], [], visit.place.tier == "village"
        performer = visit.performer if bare else visit.owner
        for analyte in analytes:
            if analyte in QUALITATIVE:
                word = values.get(analyte, QUALITATIVE[analyte][2])
                value = laboratory.stated(analyte, str(word))
                if QUALITATIVE[analyte][2] not in ("", word):
                    odd.append(f"{QUALITATIVE[analyte][1]}{word}")
                reference = self._observation(visit, "laboratory", laboratory.qualitative_code(analyte), value, taken, performer)
                self.facts[analyte] = word
            else:
                number = float(values[analyte]) if analyte in values else self.body.level(analyte, day)
                value = laboratory.measured(analyte, number, sex, months)
                mark = laboratory.judge(analyte, round(number, laboratory.ANALYTES[analyte].places), sex, months)
                if mark != "N":
                    odd.append(laboratory.ANALYTES[analyte].name + ("升高" if mark[0] == "H" else "降低"))
                reference = self._observation(visit, "laboratory", laboratory.code_of(analyte), value, taken, performer)
                self.facts[analyte] = value["valueQuantity"]["value"]
            self.facts[f"{analyte}-ref"] = reference
            results.append({**reference, "display": laboratory.ANALYTES[analyte].name if analyte not in QUALITATIVE else QUALITATIVE[analyte][1]})
        if bare:
            return results[0]
        conclusion = ",".join(odd) + "。" if odd else "各项结果均在参考区间内。" if key != "blood group" else f"{values.get('abo', '')}型,RhD {values.get('rh', '')}。"
        report = self.add(
            "DiagnosticReport",
            {
                "identifier": [{"system": "urn:oid:2.16.156.10011.1.33", "value": f"JY{visit.start:%y%m%d}{self.resident.number:04d}{self._counts['DiagnosticReport']:03d}"}],
                "status": "final",
                "category": codes.SECTIONS["HM" if key == "cbc" else "PF" if key == "spirometry" else "LAB"],
                "code": codes.loinc(code, name),
                "subject": self.subject,
                "encounter": visit.reference,
                "effectiveDateTime": taken,
                "issued": visit.later(minutes=after_minutes + 75),
                "performer": visit.owner,
                "result": results,
                "conclusion": conclusion,
            },
        )
        self.facts[f"{key}-ref"] = {**report, "display": name}
        return report

    def study(
        self, visit: Visit, section: str, code: str, name: str, findings: str, conclusion: str, *, after_minutes: int = 50, key: str = ""
    ) -> Resource:
        """An examination that is read by a doctor: what was seen is an Observation, what it means the report's conclusion."""
        category = "procedure" if section in ("EC", "OTH", "CTH") else "imaging"
        reader = self.staff.doctor(visit.place.id, "32", self.rng) if section not in ("EC", "OTH", "CTH") else visit.doctor
        taken = visit.later(minutes=after_minutes)
        seen = self._observation(visit, category, _FINDINGS, {"valueString": findings}, taken, [reader.reference])
        report = self.add(
            "DiagnosticReport",
            {
                "identifier": [{"system": "urn:oid:2.16.156.10011.1.32", "value": f"JC{visit.start:%y%m%d}{self.resident.number:04d}{self._counts['DiagnosticReport']:03d}"}],
                "status": "final",
                "category": codes.SECTIONS[section],
                "code": codes.loinc(code, name) if code else codes.words(name),
                "subject": self.subject,
                "encounter": visit.reference,
                "effectiveDateTime": taken,
                "issued": visit.later(minutes=after_minutes + 30),
                "performer": visit.owner,
                "resultsInterpreter": [reader.reference],
                "result": [{**seen, "display": "检查所见"}],
                "conclusion": conclusion,
            },
        )
        reference = {**report, "display": name}
        if key:
            self.facts[f"{key}-ref"] = reference
        return reference

    # --- treatment

    def may_take(self, drug: str) -> bool:
        return not DRUGS[drug].family or DRUGS[drug].family not in self.forbidden

    def first_allowed(self, *drugs: str) -> str:
        """The first of these the resident is not allergic to."""
        return next(drug for drug in drugs if self.may_take(drug))

    def prescribe(
        self, visit: Visit, drug: str, days: int, reason: Resource | None = None, *, dose: float = 0.0, long_term: bool = False, inpatient: bool = False
    ) -> Resource:
        """A prescription. Of a long-term medicine the newest stays active until it is stopped; a short one ends by itself."""
        assert self.may_take(drug), f"{self.resident.id} is allergic to {DRUGS[drug].family}"
        substance = DRUGS[drug]
        ends = visit.day + timedelta(days=days)
        if long_term and drug in self.current:
            self.current.pop(drug)["status"] = "completed"
        active = ends >= self.today if not long_term else True
        fields: Resource = {
            "status": "active" if active and self.resident.died is None else "completed",
            "intent": "order",
            "category": [codes.concept(f"{codes.TERMINOLOGY}medicationrequest-category", *(("inpatient", "住院用药") if inpatient else ("outpatient", "门诊用药")))],
            "medicationCodeableConcept": medication.concept_of(drug),
            "subject": self.subject,
            "encounter": visit.reference,
            "authoredOn": visit.later(minutes=8),
            "requester": visit.doctor.reference,
        }
        if reason is not None:
            fields["reasonReference"] = [reason]
        fields["courseOfTherapyType"] = _CONTINUOUS if long_term else _ACUTE
        fields["dosageInstruction"] = medication.dosage(drug, dose)
        fields["dispenseRequest"] = _dispense(days, max(1, round(days * substance.times * substance.per_time + 0.45)), substance.pack)
        reference = self.add("MedicationRequest", fields)
        if long_term:
            self.current[drug] = self.resources[-1]
        return {**reference, "display": substance.text}

    def stop(self, drug: str, why: str) -> None:
        """End a long-term medicine."""
        resource = self.current.pop(drug, None)
        if resource is not None:
            resource["status"] = "stopped"
            resource["statusReason"] = {"text": why}

    def procedure(self, visit: Visit, code: str, name: str, reason: Resource | None = None, *, days: int = 0, minutes: int = 60, outcome: str = "", doctor: Person | None = None) -> Resource:
        """An operation or intervention, coded by ICD-9-CM-3."""
        start = visit.start + timedelta(days=days)
        if days:
            start = start.replace(hour=9, minute=20)
        fields: Resource = {
            "status": "completed",
            "code": codes.concept(codes.OPERATION, code, name),
            "subject": self.subject,
            "encounter": visit.reference,
            "performedPeriod": {"start": stamp(start + timedelta(minutes=30)), "end": stamp(start + timedelta(minutes=30 + minutes))},
            "recorder": visit.doctor.reference,
            "performer": [{"actor": (doctor or visit.doctor).reference, "onBehalfOf": visit.place.reference}],
            "location": visit.place.place,
        }
        if reason is not None:
            fields["reasonReference"] = [reason]
        if outcome:
            fields["outcome"] = codes.words(outcome)
        return {**self.add("Procedure", fields), "display": name}

    def allergy(self, visit: Visit, name: str, *, atc: str = "", category: str = "medication", reaction: str, severity: str = "moderate", forbids: Iterable[str] = ()) -> Resource:
        """An allergy, told or seen in a visit; what it forbids is never prescribed from then on."""
        self.forbidden.update(forbids)
        return self.add(
            "AllergyIntolerance",
            {
                "clinicalStatus": {"coding": [{"system": codes.TERMINOLOGY + "allergyintolerance-clinical", "code": "active", "display": "活动"}]},
                "verificationStatus": {"coding": [{"system": codes.TERMINOLOGY + "allergyintolerance-verification", "code": "confirmed", "display": "已确认"}]},
                "type": "allergy",
                "category": [category],
                "criticality": "high" if severity == "severe" else "low",
                "code": codes.concept(codes.ATC, atc, name) if atc else codes.words(name),
                "patient": self.subject,
                "encounter": visit.reference,
                "recordedDate": visit.later(minutes=6),
                "recorder": visit.doctor.reference,
                "reaction": [{"manifestation": [codes.words(reaction)], "severity": severity}],
            },
        )

    def plan(self, visit: Visit, title: str, about: list[Resource], activities: Iterable[str], *, until: date | None = None, description: str = "") -> Resource:
        """A care plan with what is to be done."""
        period = {"start": visit.day.isoformat()}
        if until is not None:
            period["end"] = until.isoformat()
        active = until is None or until >= self.today
        return {
            **self.add(
                "CarePlan",
                {
                    "status": "active" if active and self.resident.died is None else "completed",
                    "intent": "plan",
                    "title": title,
                    "description": description or title,
                    "subject": self.subject,
                    "encounter": visit.reference,
                    "period": period,
                    "created": visit.later(minutes=15),
                    "author": visit.doctor.reference,
                    "contributor": visit.owner,
                    "addresses": about,
                    "activity": [{"detail": {"status": "in-progress" if active else "completed", "description": activity}} for activity in activities],
                },
            ),
            "display": title,
        }

    def shots(
        self,
        visit: Visit,
        code: str,
        name: str,
        dose: int,
        doses: int,
        *,
        site: str = "左上臂",
        route: tuple[str, str] = ("403", "肌内注射"),
        given: date | None = None,
    ) -> None:
        """A vaccination with a made-up lot number; `given` is an earlier day when it is taken over from a card."""
        day = given or visit.day
        fields: Resource = {
            "status": "completed",
            "vaccineCode": codes.concept(codes.CVX, code, name),
            "patient": self.subject,
            "encounter": visit.reference,
            "occurrenceDateTime": day.isoformat() if given else visit.later(minutes=10),
            "recorded": visit.later(minutes=12),
            "primarySource": given is None,
        }
        if given is None:
            fields["lotNumber"] = f"{day:%Y%m}{self.rng.randrange(100, 999)}"
        else:
            fields["reportOrigin"] = _FROM_CARD
        if site:
            fields["site"] = codes.words(site)
        fields["route"] = codes.concept(codes.ROUTE, *route)
        fields["performer"] = [{"actor": visit.doctor.reference}]
        fields["protocolApplied"] = [{"doseNumberPositiveInt": dose, "seriesDosesPositiveInt": doses}]
        self.add("Immunization", fields)

    def workday(self, day: date) -> date:
        """The day itself, or the Monday after a Sunday; never later than yesterday."""
        if day.weekday() == 6:
            day += timedelta(days=1)
        return min(day, self.today - timedelta(days=1))


Programme = Callable[[Chart], None]

_FROM_CARD = codes.concept(f"{codes.TERMINOLOGY}immunization-origin", "record", "接种证记录")
_FINDINGS = codes.loinc("59776-5", "检查所见")
_CONTINUOUS = codes.concept(f"{codes.TERMINOLOGY}medicationrequest-course-of-therapy", "continuous", "长期用药")
_ACUTE = codes.concept(f"{codes.TERMINOLOGY}medicationrequest-course-of-therapy", "acute", "短期用药")


def _quantity(value: Any, unit: str, ucum: str) -> Resource:
    return {"value": value, "unit": unit, "system": urls.UCUM, "code": ucum}


def _dispense(days: int, packs: int, pack: str) -> Resource:
    return {
        "quantity": {"value": packs, "unit": pack},
        "expectedSupplyDuration": {"value": days, "unit": "天", "system": urls.UCUM, "code": "d"},
    }

