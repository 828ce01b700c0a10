"""Everything a person reads is Chinese; what remains in Latin letters is a unit, a lead, a blood group or an accepted abbreviation."""

from __future__ import annotations

import re

from tests.demo.reading import everything, walk
from yilian.demo.region import Region

READ = {"display", "text", "conclusion", "valueString", "description", "title", "name", "alias", "summary", "comment"}
LATIN = re.compile(r"[A-Za-z]+")

UNITS = {"mg", "g", "kg", "L", "ml", "mmol", "mol", "U", "mmHg", "s", "mm", "mV", "ng", "min"}
ABBREVIATIONS = {
    *("ST", "T", "P", "QRS", "QS", "Q", "R", "RV", "SV", "V", "aVL", "aVF", "rsR", "f"),  # electrocardiogram
    *("CT", "X", "MRI", "M", "MR", "DR", "DSA", "PET"),  # imaging; M1 is a segment of an artery
    *("A", "B", "AB", "O", "ABO", "RhD"),  # blood groups
    *("C", "D", "I", "N", "NT", "proBNP", "pH"),  # names of analytes
    *("mMRC", "CAT", "Rankin", "ABCD", "CURB", "FAST"),  # scales
}


OUTLINE = '{"type":"Polygon"'
"""Of an area on the map: nobody reads it."""


def test_no_english_is_left_over(region: Region) -> None:
    left = {
        (word, value[:80])
        for one in everything(region)
        for path, value in walk(one)
        if isinstance(value, str) and path.rsplit(".", 1)[-1] in READ and not value.startswith(OUTLINE)
        for word in LATIN.findall(value)
        if word not in UNITS | ABBREVIATIONS
    }
    assert left == set()


def test_referrals_are_written_in_chinese_too(region: Region) -> None:
    for plan in region.referrals:
        texts = [plan.note, plan.instruction, *(text for _, text in plan.diagnoses)]
        texts += [
            value
            for step in plan.steps
            for name, value in step.gives.items()
            if isinstance(value, str) and name not in ("start", "recordNumber")
        ]
        for text in texts:
            assert set(LATIN.findall(text)) <= UNITS | ABBREVIATIONS, text
        assert len(plan.note) > 40


def test_every_code_has_a_display_and_every_reference_a_name(region: Region) -> None:
    looked_at = 0
    for one in everything(region):
        _look(one, one["id"])
        looked_at += 1
    assert looked_at > 10_000


def _look(value: object, id: str) -> None:
    if isinstance(value, dict):
        if "code" in value and "system" in value and isinstance(value["code"], str) and "value" not in value:
            assert value.get("display"), (id, value)
        if (
            "reference" in value
            and isinstance(value["reference"], str)
            and value["reference"].startswith(("Organization/", "Patient/", "Practitioner/"))
        ):
            assert value.get("display"), (id, value)
        for item in value.values():
            _look(item, id)
    elif isinstance(value, list):
        for item in value:
            _look(item, id)


def test_no_double_or_dangling_punctuation(region: Region) -> None:
    odd = re.compile(r"[,。;]{2,}|\{|\}|None| {2,}|^[,。;]")
    for one in everything(region):
        for path, value in walk(one):
            if isinstance(value, str) and path.rsplit(".", 1)[-1] in READ and not value.startswith(OUTLINE):
                assert not odd.search(value), (one["id"], path, value)
    for plan in region.referrals:
        assert not odd.search(plan.note), plan.note
