"""The whole region from one seed: directory, residents with their histories, referrals to come, accounts.

Pure: no I/O, and no clock but `today`. The same seed, number of residents and day give the same resources in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from yilian.demo import (
    cases,
    casting,
    consortia,
    duplicates,
    governance,
    inpatients,
    institutions,
    outlines,
    outside,
    patients,
    people,
    residents,
    services,
    wards,
)
from yilian.demo.accounts import Account, accounts
from yilian.demo.clinical import history
from yilian.demo.clinical.chart import Chart
from yilian.demo.institutions import Institution
from yilian.demo.people import Staff
from yilian.demo.referrals import Plan
from yilian.demo.residents import Resident

Resource = dict[str, Any]

DEFAULT_TODAY = date(2026, 11, 22)
"""The day the region lives on when none is given: a fixed one, so that nothing depends on the clock by accident."""


@dataclass(frozen=True, slots=True)
class Region:
    """Everything of the demo region; resources are FHIR R4 as dictionaries and refer to one another as Type/id.

    directory   organisations, locations (wards and beds too), services, practitioners with their roles, affiliations, the day ward's hours
    patients    Patient, RelatedPerson and Coverage, in the order of the residents
    charts      one list of clinical resources for each resident, oldest first; see `bundles`
    duplicates  second Patients of some residents, at another institution
    referrals   what is to be played through the referral commands, in the order of writing
    """

    today: date
    directory: list[Resource]
    patients: list[Resource]
    charts: list[list[Resource]]
    duplicates: list[Resource]
    referrals: list[Plan]
    accounts: tuple[Account, ...]
    residents: list[Resident]
    staff: Staff
    places: dict[str, Institution]

    def bundles(self) -> list[list[Resource]]:
        """For each resident the whole history: Patient first, then relatives, insurance, and all that happened."""
        by_patient: dict[str, list[Resource]] = {}
        for resource in self.patients:
            if resource["resourceType"] == "Patient":
                own = by_patient.setdefault(f"Patient/{resource['id']}", [])
            own.append(resource)
        return [start + chart for start, chart in zip(by_patient.values(), self.charts, strict=True)]


def build(seed: int = 1, residents_count: int = 520, today: date | None = None) -> Region:
    """Make the region as it stands on the morning of `today` (a day of the region's zone; everything lies before it)."""
    today = today or DEFAULT_TODAY
    rng = Random(f"yunxi-{seed}")
    places = institutions.institutions(rng)
    staff = people.people(places, rng, today)
    everyone = residents.households(residents_count, [case.seed for case in cases.CASES], staff, rng, today)
    casting.cast(everyone, rng, today)
    expecting = casting.expecting(everyone, rng, today)
    directory = [
        *institutions.resources(places),
        *wards.resources(places),
        *outlines.resources(),
        *consortia.resources(places),
        *governance.resources(places, today),
        *services.resources(places),
        *people.resources(staff),
        *wards.schedules(today),
        *consortia.machines(places),
        *consortia.second_posts(staff, places),
        *outside.resources(),
    ]
    charts: list[Chart] = []
    plans: list[Plan] = []
    for resident in everyone:
        chart = Chart(resident, staff, places, Random(f"{seed}-{resident.number}"), today)
        _motherhood(chart, expecting)
        case = cases.BY_KEY.get(resident.case)
        history.write(chart, case.enter if case else None)
        charts.append(chart)
        if case is not None:
            plans += case.plans(chart)
    inpatients.fill(charts, Random(f"{seed}-wards"))
    return Region(
        today=today,
        directory=directory,
        patients=list(patients.resources(everyone, staff, places, today)),
        charts=[chart.resources for chart in charts],
        duplicates=duplicates.duplicates(everyone, today),
        referrals=plans,
        accounts=accounts(everyone[0].name.text),
        residents=everyone,
        staff=staff,
        places=places,
    )


def _motherhood(chart: Chart, expecting: dict[int, int]) -> None:
    """The pregnancies behind the small children of the household, and the one under way."""
    resident = chart.resident
    if resident.sex != "female":
        return
    assert resident.household is not None
    children = sorted(
        (m for m in resident.household.members if m.born > resident.born and resident.household.mother_of(m) is resident),
        key=lambda m: m.born,
    )
    for birth, child in enumerate(children, 1):
        if child.days(chart.today) < 760 and 18 <= resident.age(child.born) <= 44:
            history.expect(chart, born=child.born, birth=birth, sugar=chart.rng.random() < 0.16)
    if resident.number in expecting:
        history.expect(chart, born=None, weeks=expecting[resident.number], birth=len(children) + 1, sugar=chart.rng.random() < 0.16)
