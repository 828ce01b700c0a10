"""Every resource is sound: HL7's structures, references that lead somewhere, identifiers with right check digits, required parts."""

from __future__ import annotations

from datetime import date

import pytest

from tests.demo.conftest import TODAY
from tests.demo.reading import everything, of, walk
from yilian.demo.region import Region, build
from yilian.fhir import identifiers, urls
from yilian.validation import issues

CLINICAL = ("Observation", "DiagnosticReport", "Condition", "MedicationRequest", "Procedure", "CarePlan")


def test_every_resource_is_valid_r4(region: Region) -> None:
    faults = [(one["resourceType"], one["id"], fault) for one in everything(region) for fault in issues(one)]
    assert faults == []


@pytest.mark.parametrize(("seed", "today"), [(7, date(2025, 3, 1)), (11, date(2024, 2, 29)), (4, date(2026, 1, 1))])
def test_other_seeds_and_days_are_valid_too(seed: int, today: date) -> None:
    other = build(seed, 130, today)
    assert [(one["id"], fault) for one in everything(other) for fault in issues(one)] == []
    assert _loose_references(other) == []


def test_references_lead_to_what_is_there(region: Region) -> None:
    assert _loose_references(region) == []


def _loose_references(region: Region) -> list[tuple[str, str]]:
    there = {f"{one['resourceType']}/{one['id']}" for one in everything(region)}
    loose = [
        (one["id"], value) for one in everything(region) for path, value in walk(one) if path.endswith(".reference") and value not in there
    ]
    loose += [(plan.key, str(one["reference"])) for plan in region.referrals for one in plan.evidence if one["reference"] not in there]
    return loose


def test_nothing_refers_to_another_patient(region: Region) -> None:
    for bundle in region.bundles():
        mine = {f"{one['resourceType']}/{one['id']}" for one in bundle}
        for one in bundle:
            for path, value in walk(one):
                if path.endswith(".reference") and value.split("/")[0] in ("Patient", "RelatedPerson", "Encounter", *CLINICAL):
                    assert value in mine


def test_clinical_resources_say_of_whom_when_where_and_by_whom(region: Region) -> None:
    for bundle in region.bundles():
        for one in of(bundle, *CLINICAL):
            assert one["subject"]["reference"] == f"Patient/{bundle[0]['id']}"
            assert one["subject"]["display"]
            assert one["encounter"]["reference"].startswith("Encounter/")
        for one in of(bundle, "Observation"):
            assert one["performer"]
            assert one["status"] == "final"
            assert one["code"].get("coding") or one["code"]["text"]
            assert any(key.startswith("value") for key in one) or one.get("component")
        for one in of(bundle, "Encounter"):
            assert one["serviceProvider"]["reference"].startswith("Organization/")
            assert one["participant"]
            assert one["status"] in ("finished", "in-progress")


def test_quantities_carry_ucum_codes_and_ranges_fit_interpretations(region: Region) -> None:
    counted = 0
    for one in everything(region):
        if one["resourceType"] != "Observation" or "valueQuantity" not in one:
            continue
        quantity = one["valueQuantity"]
        assert quantity["system"] == urls.UCUM
        assert quantity["code"]
        if "referenceRange" not in one:
            continue
        counted += 1
        limits, value = one["referenceRange"][0], quantity["value"]
        mark = one["interpretation"][0]["coding"][0]["code"]
        below = "low" in limits and value < limits["low"]["value"]
        above = "high" in limits and value > limits["high"]["value"]
        assert (mark[0] == "L", mark[0] == "H") == (below, above), one
        for limit in (limits.get("low"), limits.get("high")):
            assert limit is None or limit["code"] == quantity["code"]
    assert counted > 5000


def test_reports_have_results_of_the_same_visit(region: Region) -> None:
    for bundle in region.bundles():
        visit_of = {f"Observation/{one['id']}": one["encounter"]["reference"] for one in of(bundle, "Observation")}
        for report in of(bundle, "DiagnosticReport"):
            assert report["conclusion"]
            assert report["result"]
            assert {visit_of[result["reference"]] for result in report["result"]} == {report["encounter"]["reference"]}


def test_check_digits_birthdays_and_sexes_agree(region: Region) -> None:
    seen: set[str] = set()
    for one in region.patients:
        if one["resourceType"] != "Patient":
            continue
        for identifier in one.get("identifier", []):
            value = identifier["value"]
            assert (identifier["system"], value) not in seen
            seen.add((identifier["system"], value))  # type: ignore[arg-type]
            if identifier["system"] == urls.RESIDENT_ID:
                assert identifiers.resident_id_fault(value, TODAY) is None
                assert identifiers.birth_date_of(value).isoformat() == one["birthDate"]
                assert identifiers.gender_of(value) == one["gender"]
                assert value.startswith("5166")
            if identifier["system"] == urls.HEALTH_FILE:
                assert identifiers.health_file_fault(value) is None


def test_institutions_have_right_codes(region: Region) -> None:
    for one in of(region.directory, "Organization"):
        for identifier in one.get("identifier", []):
            if identifier["system"] == urls.USCC:
                assert identifiers.uscc_fault(identifier["value"]) is None
            if identifier["system"] == urls.INSTITUTION_ID:
                assert len(identifier["value"]) == 22
                assert identifiers.organization_code_fault(identifier["value"][:9]) is None
                assert identifier["value"][17:21] == one["type"][0]["coding"][0]["code"]
