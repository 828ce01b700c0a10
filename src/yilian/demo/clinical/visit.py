"""A visit: the Encounter and what everything written during it has in common (whom, where, by whom, when)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from yilian.demo.clinical.codes import DISPOSITION, DISPOSITIONS, concept
from yilian.demo.institutions import Institution
from yilian.demo.people import Person

Resource = dict[str, Any]
ZONE = "+08:00"


def stamp(moment: datetime) -> str:
    """A local moment of the region with its offset."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{ZONE}"


@dataclass(slots=True)
class Visit:
    """One Encounter under way. `start` is local time; `now` moves on while things are done."""

    resource: Resource
    start: datetime
    place: Institution
    department: str
    doctor: Person
    reference: Resource = field(init=False)
    performer: list[Resource] = field(init=False)
    owner: list[Resource] = field(init=False)
    effective: str = field(init=False)

    def __post_init__(self) -> None:
        self.reference = {"reference": f"Encounter/{self.resource['id']}", "display": self.resource["type"][0]["text"]}
        self.performer = [self.doctor.reference]
        self.owner = [self.place.reference]
        self.effective = stamp(self.start)

    @property
    def day(self) -> date:
        return self.start.date()

    def later(self, *, minutes: int = 0, days: int = 0) -> str:
        """A moment after the start, as text."""
        return stamp(self.start + timedelta(days=days, minutes=minutes))

    def diagnose(self, condition: Resource, text: str, use: str = "DD") -> None:
        """Name a Condition as a diagnosis of this visit; the first is the main one. Use: AD 入院诊断, DD 出院(就诊)诊断, CM 合并症."""
        listed = self.resource.setdefault("diagnosis", [])
        inpatient = self.resource["class"]["code"] == "IMP"
        display = {"AD": "入院诊断", "DD": "出院诊断" if inpatient else "门诊诊断", "CM": "合并症"}[use]
        listed.append(
            {
                "condition": {"reference": condition["reference"], "display": text},
                "use": concept("http://terminology.hl7.org/CodeSystem/diagnosis-role", use, display),
                "rank": len(listed) + 1,
            }
        )

    def discharge(self, code: str, to: Institution | None = None) -> None:
        """How the patient left (病案首页 RC019); `to` is the institution that goes on."""
        stay: Resource = self.resource.setdefault("hospitalization", {})
        stay["dischargeDisposition"] = concept(DISPOSITION, code, DISPOSITIONS[code])
        if to is not None:
            stay["destination"] = to.reference
