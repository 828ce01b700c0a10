"""Nothing before birth, nothing after death or today; offsets everywhere; each thing at an institution that may do it."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.demo.conftest import TODAY
from tests.demo.reading import charts, day, moment, of, walk
from yilian.demo import services
from yilian.demo.region import Region
from yilian.fhir import urls

TIMES = re.compile(
    r"(period\.(start|end)|effectiveDateTime|issued|recordedDate|authoredOn|performedPeriod\.(start|end)"
    r"|occurrenceDateTime|recorded|created)$"
)
MAY_BE_PLANNED = ("CarePlan",)


def test_times_carry_the_offset_of_the_region(region: Region) -> None:
    for _, chart in charts(region):
        for one in chart:
            for path, value in walk(one):
                if TIMES.search(path) and len(str(value)) > 10:
                    assert str(value).endswith("+08:00"), (one["id"], path, value)


def test_nothing_lies_in_the_future_or_before_birth(region: Region) -> None:
    for resident, chart in charts(region):
        for one in chart:
            for path, value in walk(one):
                if not TIMES.search(path) or (one["resourceType"] in MAY_BE_PLANNED and path == "period.end"):
                    continue
                assert resident.born <= day(str(value)) < TODAY, (one["id"], path, value)


def test_nothing_happens_after_death(region: Region) -> None:
    dead = [(resident, chart) for resident, chart in charts(region) if resident.died]
    assert dead
    for resident, chart in dead:
        assert max(day(one["period"]["start"]) for one in of(chart, "Encounter")) <= resident.died  # type: ignore[type-var]
        assert not [one for one in of(chart, "MedicationRequest") if one["status"] == "active"]


def test_what_is_written_in_a_visit_is_dated_within_it(region: Region) -> None:
    for _, chart in charts(region):
        visits = {f"Encounter/{one['id']}": one for one in of(chart, "Encounter")}
        for one in of(chart, "Observation", "DiagnosticReport", "MedicationRequest"):
            visit = visits[one["encounter"]["reference"]]
            when = moment(one.get("effectiveDateTime") or one["authoredOn"])
            start = moment(visit["period"]["start"])
            assert start <= when, one["id"]
            if visit["class"]["code"] == "IMP":
                assert "end" not in visit["period"] or when <= moment(visit["period"]["end"])
            else:
                assert when < start + timedelta(hours=6)


def test_admissions_do_not_overlap_and_nothing_is_done_elsewhere_meanwhile(region: Region) -> None:
    for resident, chart in charts(region):
        stays = [one for one in of(chart, "Encounter") if one["class"]["code"] == "IMP"]
        for stay in stays:
            start = moment(stay["period"]["start"])
            end = moment(stay["period"]["end"]) if "end" in stay["period"] else None
            assert end is not None or stay["status"] == "in-progress"
            for other in of(chart, "Encounter"):
                if other is not stay:
                    then = moment(other["period"]["start"])
                    inside = start < then and (end is None or then < end)
                    assert not inside, (resident.id, stay["id"], other["id"])


def test_each_visit_is_at_a_department_the_institution_is_licensed_for(region: Region) -> None:
    for _, chart in charts(region):
        for visit in of(chart, "Encounter"):
            place = region.places[visit["serviceProvider"]["reference"].split("/")[1]]
            code = visit["serviceType"]["coding"][0]["code"]
            assert code in services.scope_of(place), (place.id, code)
            doctor = region.staff.by_id[visit["participant"][0]["individual"]["reference"].split("/")[1]]
            assert doctor.institution == place.id


def test_the_tiers_do_what_is_theirs(region: Region) -> None:
    for _, chart in charts(region):
        tier = {}
        for visit in of(chart, "Encounter"):
            place = region.places[visit["serviceProvider"]["reference"].split("/")[1]]
            tier[f"Encounter/{visit['id']}"] = place.tier
            if place.tier == "village":
                assert visit["class"]["code"] in ("AMB", "HH")
            if visit["class"]["code"] == "IMP":
                assert place.tier != "village"
                assert visit.get("hospitalization", {}).get("dischargeDisposition") or visit["status"] == "in-progress"
                assert {i["system"] for i in visit["identifier"]} == {urls.INPATIENT_NO, urls.RECORD_NO}
        for one in of(chart, "DiagnosticReport"):
            assert tier[one["encounter"]["reference"]] != "village"
            if one["category"][0]["coding"][0]["code"] in ("CT", "NMR", "CTH", "CUS", "PF"):
                assert tier[one["encounter"]["reference"]] in ("county", "city")
        for one in of(chart, "Procedure"):
            if not one["code"]["coding"][0]["code"].startswith(("99.", "93.")):
                assert tier[one["encounter"]["reference"]] in ("county", "city")


def test_most_visits_are_at_the_grassroots(region: Region) -> None:
    tiers = [
        region.places[v["serviceProvider"]["reference"].split("/")[1]].tier for _, chart in charts(region) for v in of(chart, "Encounter")
    ]
    assert sum(t in ("village", "township") for t in tiers) > 0.65 * len(tiers)
    assert tiers.count("village") > 100


def test_long_term_patients_are_seen_about_four_times_a_year(region: Region) -> None:
    rates = []
    for resident, chart in charts(region):
        if "hypertension" not in resident.conditions or resident.died or resident.case:
            continue
        days = sorted(day(v["period"]["start"]) for v in of(chart, "Encounter") if "随访" in v["type"][0]["text"])
        if len(days) > 3:
            rates.append((len(days) - 1) / ((days[-1] - days[0]).days / 365.25))
    assert 3.6 < sum(rates) / len(rates) < 6


def test_registered_patients_point_to_their_centre_and_doctor(region: Region) -> None:
    for one in region.patients:
        if one["resourceType"] == "Patient" and "managingOrganization" in one:
            centre = one["managingOrganization"]["reference"].split("/")[1]
            doctor = one["generalPractitioner"][0]["reference"].split("/")[1]
            assert region.places[centre].tier == "township"
            assert region.staff.by_id[doctor].institution == centre
