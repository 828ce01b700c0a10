"""What the trail keeps of a search: fingerprints of numbers and telephones, everything else as it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sealing.test_keys import ring
from yilian.audit.query import told
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_check_digit

DOCUMENT = "51662119560312003" + resident_check_digit("51662119560312003")


@pytest.mark.parametrize(
    "query",
    [
        f"Patient?identifier={urls.RESIDENT_ID}|{DOCUMENT}",
        f"Patient?identifier={urls.RESIDENT_ID.replace(':', '%3A')}%7C{DOCUMENT}&_count=5",
        f"Patient?identifier:of-type=http://a|MR|{DOCUMENT}",
        f"Patient?identifier=a|{DOCUMENT},b|{DOCUMENT}",
        f"Observation?patient.identifier={DOCUMENT}&code=a",
        f"Patient?_has:Observation:patient:performer:identifier={DOCUMENT}",
        f"Patient?name={DOCUMENT}",
        f"/fhir/Patient/{DOCUMENT}/$everything",
        f"Patient?identifier={DOCUMENT}\\",
        f"Patient?_filter=x%20{DOCUMENT.lower()}",
    ],
)
def test_no_number_is_in_it(query: str, tmp_path: Path) -> None:
    kept = told(ring("aes", tmp_path), query)
    assert DOCUMENT not in kept
    assert DOCUMENT[:17] not in kept
    assert "~" in kept


@pytest.mark.parametrize("number", ["13812345678", "%2B8613812345678", "138 1234 5678", "138-1234-5678"])
def test_no_telephone_is_in_it(number: str, tmp_path: Path) -> None:
    kept = told(ring("sm", tmp_path), f"Patient?phone={number}")
    assert "138" not in kept
    assert kept.startswith("Patient?phone=~")


def test_the_same_number_has_the_same_fingerprint_and_its_system_stays(tmp_path: Path) -> None:
    keys = ring("aes", tmp_path)
    kept = told(keys, f"Patient?identifier={urls.RESIDENT_ID}|{DOCUMENT}&birthdate=1956-03-12&_sort=-_lastUpdated")
    assert kept == f"Patient?identifier={urls.RESIDENT_ID}|~{keys.fingerprint(DOCUMENT)}&birthdate=1956-03-12&_sort=-_lastUpdated"


@pytest.mark.parametrize(
    "query", ["Observation?code=http://loinc.org|2345-7&date=ge2026-01-01", "Patient?name=%E5%8D%95", "Patient?_id=a,b", "Task?_count=50"]
)
def test_everything_else_stays_as_it_was_asked(query: str, tmp_path: Path) -> None:
    assert told(ring("aes", tmp_path), query) == query
