"""The chart of one resident while it is being written: every resource a programme adds goes through here and so is complete and consistent.

`record` knows when, who and where, `measuring` what is measured; here is what is done: medicines, operations, allergies, plans,
vaccinations.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from yilian.demo import medication
from yilian.demo.clinical import codes
from yilian.demo.clinical.measuring import Measuring
from yilian.demo.clinical.visit import Visit, stamp
from yilian.demo.medication import DRUGS
from yilian.demo.people import Person
from yilian.fhir import urls

Resource = dict[str, Any]

_FROM_CARD = codes.concept(f"{codes.TERMINOLOGY}immunization-origin", "record", "接种证记录")
_CONTINUOUS = codes.concept(f"{codes.TERMINOLOGY}medicationrequest-course-of-therapy", "continuous", "长期用药")
_ACUTE = codes.concept(f"{codes.TERMINOLOGY}medicationrequest-course-of-therapy", "acute", "短期用药")


class Chart(Measuring):
    """What is known of one resident, and the only way to add to it."""

    # --- treatment

    def may_take(self, drug: str) -> bool:
        return not DRUGS[drug].family or DRUGS[drug].family not in self.forbidden

    def first_allowed(self, *drugs: str) -> str:
        """The first of these the resident is not allergic to."""
        return next(drug for drug in drugs if self.may_take(drug))

    def prescribe(
        self,
        visit: Visit,
        drug: str,
        days: int,
        reason: Resource | None = None,
        *,
        dose: float = 0.0,
        long_term: bool = False,
        inpatient: bool = False,
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
            "category": [
                codes.concept(
                    f"{codes.TERMINOLOGY}medicationrequest-category",
                    *(("inpatient", "住院用药") if inpatient else ("outpatient", "门诊用药")),
                )
            ],
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
        fields["dispenseRequest"] = _dispense(
            days, max(1, round(days * (substance.times or 1) * substance.per_time + 0.45)), substance.pack
        )
        reference = self.add("MedicationRequest", fields)
        if long_term:
            self.current[drug] = self.resources[-1]
        return {**reference, "display": substance.text}

    def renew(self, visit: Visit) -> None:
        """Prescribe again, as it is, what is taken for long."""
        for drug, resource in list(self.current.items()):
            dose = float(resource["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"])
            reason = resource.get("reasonReference", [None])[0]
            self.prescribe(visit, drug, 84, reason, dose=dose if dose != DRUGS[drug].dose else 0.0, long_term=True)

    def stop(self, drug: str, why: str) -> None:
        """End a long-term medicine."""
        resource = self.current.pop(drug, None)
        if resource is not None:
            resource["status"] = "stopped"
            resource["statusReason"] = {"text": why}

    def procedure(
        self,
        visit: Visit,
        code: str,
        name: str,
        reason: Resource | None = None,
        *,
        days: int = 0,
        minutes: int = 60,
        outcome: str = "",
        doctor: Person | None = None,
    ) -> Resource:
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

    def allergy(
        self,
        visit: Visit,
        name: str,
        *,
        atc: str = "",
        category: str = "medication",
        reaction: str,
        severity: str = "moderate",
        forbids: Iterable[str] = (),
    ) -> Resource:
        """An allergy, told or seen in a visit; what it forbids is never prescribed from then on."""
        self.forbidden.update(forbids)
        return self.add(
            "AllergyIntolerance",
            {
                "clinicalStatus": {
                    "coding": [{"system": codes.TERMINOLOGY + "allergyintolerance-clinical", "code": "active", "display": "活动"}]
                },
                "verificationStatus": {
                    "coding": [{"system": codes.TERMINOLOGY + "allergyintolerance-verification", "code": "confirmed", "display": "已确认"}]
                },
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

    def plan(
        self,
        visit: Visit,
        title: str,
        about: list[Resource],
        activities: Iterable[str],
        *,
        until: date | None = None,
        description: str = "",
    ) -> Resource:
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
                    "activity": [
                        {"detail": {"status": "in-progress" if active else "completed", "description": activity}} for activity in activities
                    ],
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


def _dispense(days: int, packs: int, pack: str) -> Resource:
    return {
        "quantity": {"value": packs, "unit": pack},
        "expectedSupplyDuration": {"value": days, "unit": "天", "system": urls.UCUM, "code": "d"},
    }
