"""What the record of one patient says, in the form rules are written for: the variables of a criterion's FHIRPath. Pure.

Values are Observations again (so that paths work on them and their reference is known), each with its value in the measure's own unit. A
value that cannot be turned into it is never compared; what it was is told. Entered in error, cancelled, of the future: not there at all.
FHIR R4: http://hl7.org/fhir/R4/observation.html#status
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any

from yilian.criteria.vocabulary import DAILY, PRESSURE, Measure, vocabulary
from yilian.fhir import urls
from yilian.fhir.dates import interval
from yilian.fhir.ucum import Unit, unit

Resource = dict[str, Any]

KEPT = ("resourceType", "id", "status", "code", "subject", "effectiveDateTime")
USABLE = ("final", "amended", "corrected", "preliminary")
OUT_OF_FORCE = ("inactive", "remission", "resolved")
NOT_SO = ("refuted", "entered-in-error")
IN_USE = ("active", "on-hold")
AT_BEDSIDE = ("IMP", "ACUTE", "NONAC")
ABOVE, BELOW = (">", ">="), ("<", "<=")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a measure. `amount` is in the measure's unit; `bound`: the comparator it was given with ("" for a plain value)."""

    at: datetime
    amount: Decimal
    bound: str
    item: Resource
    source: str


@dataclass(slots=True)
class Facts:
    """The record as rules see it.

    values      by measure, newest first, every one that can be read, also older than any rule asks
    unreadable  (measure, unit as written) of values that could not be turned into the measure's unit
    variables   everything but measures by name, as FHIRPath takes it
    """

    patient: Resource
    now: datetime
    zone: tzinfo
    values: dict[str, list[Value]] = field(default_factory=dict)
    pressures: list[Value] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    def within(self, measure: str, days: int, *, direction: str = "") -> list[Value]:
        """The values of the last `days` days. direction: "" plain ones only, ">" or "<" also those whose comparator says at least that."""
        oldest = self.now - timedelta(days=days)
        bounds = {">": ("", *ABOVE), "<": ("", *BELOW)}.get(direction, ("",))
        return [one for one in self.values.get(measure, ()) if one.at >= oldest and one.bound in bounds]

    def age(self) -> int | None:
        """In whole years on the day of the region; None without a birth date."""
        born = str(self.patient.get("birthDate", ""))
        if len(born) < 4 or not born[:4].isdigit():
            return None
        today = self.now.astimezone(self.zone).date()
        year, month, day = int(born[:4]), int(born[5:7] or 1), int(born[8:10] or 1)
        return today.year - year - ((today.month, today.day) < (month, day))


def daily(values: Sequence[Value], zone: tzinfo) -> list[Value]:
    """The newest of each calendar day, newest first."""
    seen: dict[Any, Value] = {}
    for one in values:
        seen.setdefault(one.at.astimezone(zone).date(), one)
    return list(seen.values())


def facts_of(patient: Resource, resources: Iterable[Resource], now: datetime, zone: tzinfo) -> Facts:
    """What these resources of one patient say. `now` is aware. Resources of other types are of no use here and are left out."""
    found = Facts(patient, now, zone)
    conditions: list[Resource] = []
    medicines: list[Resource] = []
    stays: list[tuple[datetime, Resource]] = []
    admissions: list[tuple[datetime, Resource]] = []
    for one in resources:
        kind = one.get("resourceType")
        if kind == "Observation":
            _observe(found, one)
        elif kind == "Condition" and _in_force(one):
            conditions.append(one)
        elif kind in ("MedicationRequest", "MedicationStatement") and _taken(one, now):
            medicines.append(one)
        elif kind == "Encounter":
            start = _start(one.get("period", {}).get("start"), zone)
            if start is None or start > now or one.get("status") in ("cancelled", "entered-in-error", "planned"):
                continue
            inside = one.get("class", {}).get("code") in AT_BEDSIDE
            if inside and one.get("status") in ("in-progress", "arrived", "onleave") and not one.get("period", {}).get("end"):
                stays.append((start, one))
            if (inside or one.get("class", {}).get("code") == "EMER") and start >= now - timedelta(days=365):
                admissions.append((start, one))
    for values in (*found.values.values(), found.pressures):
        values.sort(key=lambda one: (one.at, one.source), reverse=True)
    newest = sorted(stays, key=lambda pair: pair[0], reverse=True)
    found.variables = {
        "patient": patient,
        "conditions": conditions,
        "medicines": medicines,
        "stays": [one for _, one in newest],
        "stay_days": (now - newest[0][0]).days if newest else None,
        "admissions": [one for _, one in sorted(admissions, key=lambda pair: pair[0], reverse=True)],
        "age": found.age(),
    }
    for name, codes in vocabulary().codes.items():
        from_ = medicines if codes.kind == "drug" else conditions
        key = "medicationCodeableConcept" if codes.kind == "drug" else "code"
        found.variables[name] = [one for one in from_ if any(codes.has(system, code) for system, code in _codings(one.get(key)))]
    return found


def _observe(found: Facts, observation: Resource) -> None:
    at = _effective(observation, found.zone)
    if at is None or at > found.now or observation.get("status") not in USABLE:
        return
    read: dict[str, tuple[Decimal, str]] = {}
    for part in (observation, *observation.get("component", ())):
        for system, code in _codings(part.get("code")):
            if system != urls.LOINC:
                continue
            for measure in vocabulary().by_code.get(code, ()):
                if measure.name not in read and (given := _amount(found, measure, part)) is not None:
                    read[measure.name] = given
    reference = f"Observation/{observation['id']}" if "id" in observation else ""
    for name, (amount, bound) in read.items():
        item = _as_observation(observation, vocabulary().measures[name], amount)
        found.values.setdefault(name, []).append(Value(at, amount, bound, item, reference))
    if {"systolic", "diastolic"} <= read.keys():
        both: Resource = {key: observation[key] for key in KEPT if key in observation}
        both["component"] = [_part(vocabulary().measures[name], read[name][0]) for name in ("systolic", "diastolic")]
        found.pressures.append(Value(at, read["systolic"][0], "", both, reference))


def _as_observation(observation: Resource, measure: Measure, amount: Decimal) -> Resource:
    kept: Resource = {key: observation[key] for key in KEPT if key in observation}
    return {**kept, "valueQuantity": _quantity(measure, amount)}


def _part(measure: Measure, amount: Decimal) -> Resource:
    return {
        "code": {"coding": [{"system": urls.LOINC, "code": code} for code in sorted(measure.codes)]},
        "valueQuantity": _quantity(measure, amount),
    }


def _quantity(measure: Measure, amount: Decimal) -> Resource:
    return {"value": amount, "unit": measure.shown, "system": urls.UCUM, "code": measure.unit}


def _amount(found: Facts, measure: Measure, part: Resource) -> tuple[Decimal, str] | None:
    """(amount in the measure's unit, comparator); None where there is no value, or none that can be read, which is remembered."""
    if part.get("dataAbsentReason"):
        return None
    if type(part.get("valueInteger")) is int:
        return (Decimal(part["valueInteger"]), "") if measure.unit == "{score}" else None
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, Mapping) or quantity.get("value") is None:
        return None
    written = str(quantity.get("code") if quantity.get("system") == urls.UCUM and quantity.get("code") else quantity.get("unit") or "")
    amount = in_unit(Decimal(str(quantity["value"])), written, measure)
    if amount is None:
        found.unreadable[measure.name] = written or "无单位"
        return None
    return amount, str(quantity.get("comparator", ""))


def in_unit(value: Decimal, written: str, measure: Measure) -> Decimal | None:
    """A value as it was written, in the unit of the measure, exactly; None where the two cannot be compared."""
    aliases = vocabulary().units
    code = aliases.get(written, written)
    if not code:
        return value if measure.unit in ("{score}", "[pH]") else None
    if code == measure.unit:
        return value
    if measure.ifcc and code in ("mmol/mol", "mmol/mol{Hb}"):
        return (Decimal("0.09148") * value + Decimal("2.152")).quantize(Decimal("0.01"))
    source, target = unit(code), unit(measure.unit)
    if measure.ifcc or source is None or target is None:
        return None  # of HbA1c every other ratio would be a guess at the method
    power = _moles(source, target, measure)
    if power is None:
        return None
    amount = Fraction(value) * source.factor + source.zero
    if power and measure.mole is not None:
        amount /= Fraction(measure.mole) ** power
    exact = (amount - target.zero) / target.factor
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.0001"))


def _moles(source: Unit, target: Unit, measure: Measure) -> int | None:
    """By which power of g/mol the two differ: 0 where they are comparable, None where it is not only that."""
    if source.dimension == target.dimension:
        return 0
    if measure.mole is None:
        return None
    left = dict(source.dimension)
    for base, exponent in target.dimension:
        left[base] = left.get(base, 0) - exponent
    rest = {base: exponent for base, exponent in left.items() if exponent}
    power = rest.pop("g", 0)
    return power if rest == {"mol": -power} else None


def _in_force(condition: Resource) -> bool:
    clinical = {code for _, code in _codings(condition.get("clinicalStatus"))}
    verified = {code for _, code in _codings(condition.get("verificationStatus"))}
    return not clinical & set(OUT_OF_FORCE) and not verified & set(NOT_SO) and "abatementDateTime" not in condition


def _taken(medicine: Resource, now: datetime) -> bool:
    """In use, and not prescribed longer ago than any prescription is good for (长期处方 at most 12 weeks; a week's grace)."""
    if medicine.get("status") not in IN_USE:
        return False
    since = _start(medicine.get("authoredOn") or medicine.get("dateAsserted"), UTC)
    return since is None or since >= now - timedelta(weeks=13)


def _codings(concept: Any) -> Iterable[tuple[str, str]]:
    for coding in concept.get("coding", ()) if isinstance(concept, Mapping) else ():
        if isinstance(coding, Mapping) and coding.get("code"):
            yield str(coding.get("system", "")), str(coding["code"])


def _effective(observation: Resource, zone: tzinfo) -> datetime | None:
    period = observation.get("effectivePeriod") or {}
    return _start(observation.get("effectiveDateTime") or observation.get("effectiveInstant") or period.get("start"), zone)


def _start(text: Any, zone: tzinfo) -> datetime | None:
    return interval(text, zone)[0] if isinstance(text, str) and text else None


__all__ = ["DAILY", "PRESSURE", "Facts", "Value", "daily", "facts_of", "in_unit"]
