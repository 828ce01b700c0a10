"""Those who show consent and emergency access in the demo."""

from __future__ import annotations

from yilian.access import sensitivity
from yilian.demo import privacy
from yilian.demo.region import Region
from yilian.fhir.json import dump
from yilian.validation import issues


def test_they_are_sound_and_the_diagnosis_is_sensitive(region: Region) -> None:
    written = privacy.resources(region)
    assert [(one["id"], fault) for one in written for fault in issues(one)] == []
    bits = {one["id"]: sensitivity.of(one, dump(one).decode()) for one in written}
    assert bits["demo-anxiety"] == 1
    assert bits["demo-consent-withdrawn"] == 0


def test_the_hospital_has_never_seen_the_resident(region: Region) -> None:
    *staff, resident = privacy.accounts(region)
    assert {one.institution for one in staff} == {"Organization/yunxi-first"}
    assert resident.patient.startswith("Patient/resident-")
    assert resident.patient != "Patient/resident-0001"
    (bundle,) = [one for one in region.bundles() if f"Patient/{one[0]['id']}" == resident.patient]
    assert "Organization/yunxi-first" not in {
        one["serviceProvider"]["reference"] for one in bundle if one["resourceType"] == "Encounter" and "serviceProvider" in one
    }
