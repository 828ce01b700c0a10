"""Measurements in a chart: vital signs, scores, laboratory panels, and examinations that a doctor reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yilian.demo import laboratory
from yilian.demo.clinical import codes, findings
from yilian.demo.clinical.record import Record
from yilian.demo.clinical.visit import Visit
from yilian.demo.laboratory import PANELS, QUALITATIVE
from yilian.fhir import urls

Resource = dict[str, Any]

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
_FINDINGS = codes.loinc("59776-5", "检查所见")


class Measuring(Record):
    """A record that can be measured into."""

    # --- measurements

    def _observation(
        self, visit: Visit, category: str, code: Resource, value: Resource, at: str = "", who: list[Resource] | None = None
    ) -> Resource:
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
        if key == "pulse":
            self.facts["pulse"] = (visit.resource["id"], value)
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
                if analyte == "lymph" and analyte not in values:  # with the neutrophils it makes at most nineteen in twenty
                    number = min(number, 95 - float(self.facts["neut"]))
                value = laboratory.measured(analyte, number, sex, months)
                mark = laboratory.judge(analyte, round(number, laboratory.ANALYTES[analyte].places), sex, months)
                if mark != "N":
                    label = laboratory.ANALYTES[analyte].name
                    odd.append(f"{label}{' ' if label[-1].isascii() else ''}{'升高' if mark[0] == 'H' else '降低'}")
                reference = self._observation(visit, "laboratory", laboratory.code_of(analyte), value, taken, performer)
                self.facts[analyte] = value["valueQuantity"]["value"]
            self.facts[f"{analyte}-ref"] = reference
            results.append(
                {**reference, "display": laboratory.ANALYTES[analyte].name if analyte not in QUALITATIVE else QUALITATIVE[analyte][1]}
            )
        if bare:
            return results[0]
        conclusion = (
            ",".join(odd) + "。"
            if odd
            else "各项结果均在参考区间内。"
            if key != "blood group"
            else f"{values.get('abo', '')}型,RhD {values.get('rh', '')}。"
        )
        report = self.add(
            "DiagnosticReport",
            {
                "identifier": [
                    {
                        "system": "urn:oid:2.16.156.10011.1.33",
                        "value": f"JY{visit.start:%y%m%d}{self.resident.number:04d}{self._counts['DiagnosticReport']:03d}",
                    }
                ],
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

    def ecg(self, visit: Visit, kind: str, *, after_minutes: int = 20, key: str = "") -> Resource:
        """A twelve-lead electrocardiogram of a kind of `findings.ECG`, with the pulse of this visit where that fits the kind."""
        rate = self.facts["pulse"][1] if self.facts.get("pulse", ("", 0))[0] == visit.resource["id"] else self.body.pulse_rate(visit.day)
        low, high = findings.ECG_RATES.get(kind, (60, 99))
        seen, conclusion = findings.ECG[kind]
        seen = seen.replace("{rate}", str(min(max(rate, low), high)))
        return self.study(visit, "EC", "11524-6", "十二导联心电图", seen, conclusion, after_minutes=after_minutes, key=key)

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
                "identifier": [
                    {
                        "system": "urn:oid:2.16.156.10011.1.32",
                        "value": f"JC{visit.start:%y%m%d}{self.resident.number:04d}{self._counts['DiagnosticReport']:03d}",
                    }
                ],
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


def _quantity(value: Any, unit: str, ucum: str) -> Resource:
    return {"value": value, "unit": unit, "system": urls.UCUM, "code": ucum}
