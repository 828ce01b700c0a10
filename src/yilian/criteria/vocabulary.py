"""What criteria may look at, by name: `measures.toml` as values. Pure.

A criterion says `%systolic` or `%hypertension`; here stands which codes that is, in which unit its values are compared, and how long a
value holds (by its group, policy `criteria.valid_days`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from yilian.fhir import urls

FILE = Path(__file__).with_name("measures.toml")
ATC = "http://www.whocc.no/atc"
GROUPS = ("vital", "laboratory", "slow", "lasting")


@dataclass(frozen=True, slots=True)
class Measure:
    """Something measured. `unit` is UCUM, `shown` how people write it; `mole` is g/mol or None; see `measures.toml`."""

    name: str
    zh: str
    codes: frozenset[str]
    unit: str
    shown: str
    group: str
    mole: Decimal | None = None
    ifcc: bool = False


@dataclass(frozen=True, slots=True)
class Codes:
    """A set of diagnoses, symptoms or medicines: (system, prefixes), SNOMED CT codes as a whole."""

    name: str
    zh: str
    kind: str
    prefixes: tuple[str, ...]
    system: str
    snomed: frozenset[str] = frozenset()

    def has(self, system: str, code: str) -> bool:
        """Whether a coding belongs to it. ICD-10 as China writes it (with x and dots) begins like the WHO's."""
        if system == urls.SNOMED:
            return code in self.snomed
        if self.system == urls.ICD10:
            return "icd-10" in system.lower() and code.startswith(self.prefixes)
        return system == self.system and code.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything by name. `by_code`: LOINC code → measures it is a value of."""

    measures: dict[str, Measure]
    codes: dict[str, Codes]
    units: dict[str, str]
    by_code: dict[str, tuple[Measure, ...]]

    @property
    def names(self) -> frozenset[str]:
        """The variables an expression may use besides its own findings and thresholds."""
        day = {name + DAILY for name in self.measures}
        return frozenset(self.measures) | day | frozenset(self.codes) | frozenset(OTHERS)


DAILY = "_by_day"
"""Appended to the name of a measure: the newest value of each calendar day, newest first."""

PRESSURE = "pressure"
OTHERS = {
    "patient": "The Patient",
    "pressure": "Blood pressures that have both values, as Observations with two components, newest first",
    "pressure" + DAILY: "The same, the newest of each day",
    "stays": "In-patient Encounters that are under way, newest first",
    "stay_days": "How many days the newest of these has lasted, whole days; empty without one",
    "admissions": "In-patient and emergency Encounters of the last 12 months, newest first",
    "age": "Age in whole years on the day",
    "medicines": "MedicationRequests and MedicationStatements in force",
    "conditions": "Conditions in force",
}
"""Variables that are no list of one measure, diagnosis or drug."""


@cache
def vocabulary() -> Vocabulary:
    """The table as it stands in the package."""
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    measures = {
        name: Measure(
            name,
            row["zh"],
            frozenset(row["codes"]),
            row["unit"],
            row["shown"],
            row["group"],
            Decimal(str(row["mole_g"])) if "mole_g" in row else None,
            row.get("ifcc", False),
        )
        for name, row in raw["measure"].items()
    }
    codes = {
        name: Codes(name, row["zh"], kind, tuple(row["icd10"]), urls.ICD10, frozenset(row["snomed"]))
        for kind in ("diagnosis", "symptom")
        for name, row in raw[kind].items()
    } | {name: Codes(name, row["zh"], "drug", tuple(row["atc"]), ATC) for name, row in raw["drug"].items()}
    by_code: dict[str, tuple[Measure, ...]] = {}
    for measure in measures.values():
        for code in measure.codes:
            by_code[code] = (*by_code.get(code, ()), measure)
    return Vocabulary(measures, codes, raw["units"], by_code)
