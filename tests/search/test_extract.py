"""What the index tables hold of a resource: worked examples, one for each thing worth knowing, and what holds for all."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.world import world
from yilian.fhir.compartments import CLINICAL
from yilian.fhir.dates import FIRST, LAST, region_zone, use_region_zone
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.search.extract import extract
from yilian.search.folding import LONGEST
from yilian.search.parameters import by_id, parameters_of, patient_codes
from yilian.search.rows import IndexRows, token_hash

Resource = dict[str, Any]


@pytest.fixture(autouse=True)
def _zone() -> Any:
    before = str(region_zone())
    use_region_zone("Asia/Shanghai")
    yield
    use_region_zone(before)


def of(resource: Resource, table: str) -> dict[str, list[Any]]:
    """Parameter code → its rows in one table, without the number."""
    found: dict[str, list[Any]] = {}
    for param, *row in getattr(extract(resource), table):
        found.setdefault(by_id(param).code, []).append(tuple(row) if len(row) > 1 else row[0])
    return found


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def observation(**more: Any) -> Resource:
    return {"resourceType": "Observation", "id": "1", "status": "final", "code": {"text": "x"}, **more}


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", "id": "1", **more}


# --- tokens


def test_codes_come_with_their_system_and_coded_elements_without() -> None:
    found = of(observation(code={"coding": [{"system": "http://loinc.org", "code": "8480-6"}, {"code": "BP"}]}), "tokens")
    assert found["code"] == [("http://loinc.org", "8480-6"), ("", "BP")]
    assert found["combo-code"] == found["code"]
    assert found["status"] == [("", "final")]


def test_a_concept_in_words_alone_is_there_but_has_no_code() -> None:
    assert of(observation(), "tokens")["code"] == [("", "")]


def test_yes_and_no_and_death() -> None:
    assert of(patient(active=False), "tokens")["active"] == [("", "false")]
    assert of(patient(), "tokens")["deceased"] == [("", "false")]
    assert of(patient(deceasedBoolean=False), "tokens")["deceased"] == [("", "false")]
    assert of(patient(deceasedDateTime="2020"), "tokens")["deceased"] == [("", "true")]


def test_identifiers_and_contact_points_are_kept_as_they_are() -> None:
    resource = patient(
        identifier=[{"system": "urn:oid:2.16.156.10011.1.3", "value": "110101199003078515"}, {"value": "A-1"}, {"system": "urn:x"}],
        telecom=[{"system": "phone", "value": "+86 138-0013 8000"}, {"system": "email", "value": "An@Example.CN"}],
    )
    found = of(resource, "identifiers")
    assert found["identifier"] == [("urn:oid:2.16.156.10011.1.3", "110101199003078515"), (None, "A-1")]
    assert found["telecom"] == [("phone", "13800138000"), ("email", "an@example.cn")]
    assert found["phone"] == [("phone", "13800138000")]
    assert found["email"] == [("email", "an@example.cn")]


# --- strings


def test_a_chinese_name_is_found_whole_in_parts_and_by_sound() -> None:
    found = of(patient(name=[{"family": "单", "given": ["雄信"]}]), "strings")
    assert found["family"] == [("单", "单"), ("shan", None), ("s", None)]
    assert found["given"] == [("雄信", "雄信"), ("xiongxin", None), ("xx", None)]
    assert {"单雄信", "shanxiongxin", "sxx", "shan", "xiongxin"} <= {folded for folded, _ in found["name"]}


def test_a_western_name_is_folded_and_kept_as_given() -> None:
    found = of(patient(name=[{"family": "MÜLLER", "given": ["Änne", "ｍａｒｉａ"], "prefix": ["Dr."]}]), "strings")
    assert found["name"] == [("muller", "MÜLLER"), ("anne", "Änne"), ("maria", "ｍａｒｉａ"), ("dr.", "Dr.")]


def test_institutions_are_found_by_sound_and_words_are_not() -> None:
    assert ("qszwsy", None) in of({"resourceType": "Organization", "id": "1", "name": "青石镇卫生院"}, "strings")["name"]
    assert of(observation(valueString="阴性"), "strings")["value-string"] == [("阴性", "阴性")]
    assert of(observation(valueCodeableConcept={"text": "阴性"}), "strings")["value-string"] == [("阴性", "阴性")]


# --- dates


def test_a_date_is_as_long_as_it_is_written_in_the_zone_of_the_region() -> None:
    for text, lo, hi in [
        ("2020", utc(2019, 12, 31, 16), utc(2020, 12, 31, 16)),
        ("2020-02", utc(2020, 1, 31, 16), utc(2020, 2, 29, 16)),
        ("2020-02-03", utc(2020, 2, 2, 16), utc(2020, 2, 3, 16)),
    ]:
        assert of(patient(birthDate=text), "dates")["birthdate"] == [(lo, hi)]


def test_the_main_date_of_a_clinical_resource_stands_with_its_patient_and_nowhere_else() -> None:
    resource = observation(
        subject={"reference": "Patient/7"},
        effectiveDateTime="2020-01-02T03:04:05Z",
        code={"coding": [{"system": "a", "code": "1"}, {"system": "b", "code": "2"}, {"system": "a", "code": "1"}]},
    )
    rows, code = extract(resource), parameters_of("Observation")["code"].id
    assert rows.clinical is not None
    assert rows.clinical.patient == Local("Patient", "7")
    assert rows.clinical.codings == [(code, "a", "1"), (code, "b", "2")]
    assert (rows.clinical.lo, rows.clinical.hi) == (utc(2020, 1, 2, 3, 4, 5), utc(2020, 1, 2, 3, 4, 6))
    assert rows.dates == rows.references == []


@pytest.mark.parametrize(
    ("period", "lo", "hi"),
    [
        ({"start": "2020", "end": "2021"}, utc(2019, 12, 31, 16), utc(2021, 12, 31, 16)),
        ({"start": "2020-01-01T00:00:00Z"}, utc(2020, 1, 1), LAST),
        ({"end": "2020-01-01T00:00:00Z"}, FIRST, utc(2020, 1, 1, 0, 0, 1)),
        ({}, FIRST, FIRST),
        ({"start": "2021", "end": "2020"}, FIRST, FIRST),
    ],
)
def test_periods_may_be_open(period: Resource, lo: datetime, hi: datetime) -> None:
    clinical = extract({"resourceType": "Encounter", "id": "1", "period": period}).clinical
    assert clinical is not None
    assert (clinical.lo, clinical.hi) == (lo, hi)


def test_a_schedule_lasts_from_its_first_event_to_the_end_of_its_bounds() -> None:
    timing = {"event": ["2020-03-01T00:00:00Z", "2020-02-01T00:00:00Z"], "repeat": {"boundsPeriod": {"end": "2021-01-01T00:00:00Z"}}}
    clinical = extract(observation(effectiveTiming=timing)).clinical
    assert clinical is not None
    assert (clinical.lo, clinical.hi) == (FIRST, utc(2021, 1, 1, 0, 0, 1))


def test_other_dates_have_rows_of_their_own() -> None:
    condition = {"resourceType": "Condition", "id": "1", "onsetDateTime": "2020-01-01T00:00:00Z", "recordedDate": "2021-01-01T00:00:00Z"}
    assert set(of(condition, "dates")) == {"recorded-date"}


# --- references


def test_the_patient_stands_in_clinical_and_other_subjects_among_the_references() -> None:
    rows = extract(observation(subject={"reference": "Group/1"}, performer=[{"reference": "Patient/2"}]))
    assert rows.clinical is not None
    assert rows.clinical.patient is None
    assert {(by_id(p).code, kind, id_) for p, kind, id_ in rows.references} == {("subject", "Group", "1"), ("performer", "Patient", "2")}


def test_what_lies_elsewhere_is_text_and_what_is_ours_is_not() -> None:
    absolute = observation(subject={"reference": "https://own.example/fhir/Patient/1"})
    assert of(absolute, "uris")["subject"] == ["https://own.example/fhir/Patient/1"]
    ours = extract(absolute, "https://own.example/fhir").clinical
    assert ours is not None
    assert ours.patient == Local("Patient", "1")
    assert of(observation(subject={"display": "somebody"}), "uris") == {"subject": [""]}
    assert of(observation(subject={"reference": "#p"}), "uris") == {}


def test_canonicals_are_found_with_and_without_their_version() -> None:
    found = of(patient(meta={"profile": ["https://p.example/a|1.0", "https://p.example/b"]}), "uris")
    assert found["_profile"] == ["https://p.example/a|1.0", "https://p.example/a", "https://p.example/b"]


def test_an_extension_is_taken_by_its_value() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/DiagnosticReport-geneticsAssessedCondition"
    report = {
        "resourceType": "DiagnosticReport",
        "id": "1",
        "extension": [{"url": url, "valueReference": {"reference": "Condition/1"}}, {"url": "x"}],
    }
    assert of(report, "references")["assessed-condition"] == [("Condition", "1")]


# --- numbers and quantities


def test_quantities_keep_their_digits_and_their_unit_in_both_spellings() -> None:
    found = of(
        observation(valueQuantity={"value": Decimal("6.0"), "unit": "次/分", "system": "http://unitsofmeasure.org", "code": "/min"}),
        "quantities",
    )
    coded, stated = found["value-quantity"]
    measured, written = token_hash(0, "measures", "s-1"), token_hash(0, "unit", "次/分")
    assert coded == (False, 0, measured, Decimal(8640), Decimal(6), None, None, None, "/min")
    assert stated == (True, 0, written, Decimal(6), Decimal(6), None, None, None, "次/分")
    assert str(coded[4]) == "6.0"
    ((*_, system, unit),) = of(observation(valueQuantity={"value": 6, "unit": "mg"}), "quantities")["value-quantity"]
    assert (system, unit) == (None, "mg")
    assert of(observation(valueQuantity={"unit": "mg"}), "quantities") == {}


def test_ranges_money_and_curves_are_quantities_too() -> None:
    ranged = {"resourceType": "Condition", "id": "1", "onsetRange": {"low": {"value": 40, "unit": "a"}, "high": {"value": 50, "unit": "a"}}}
    assert [ends(row) for row in of(ranged, "quantities")["onset-age"]] == [(-1, 40, 50), (1, 50, 40)]
    invoice = {"resourceType": "Invoice", "id": "1", "totalNet": {"value": Decimal("12.50"), "currency": "CNY"}}
    ((_, side, _, _, value, _, _, system, unit),) = of(invoice, "quantities")["totalnet"]
    assert (side, str(value), system, unit) == (0, "12.50", "urn:iso:std:iso:4217", "CNY")
    curve = observation(
        valueSampledData={
            "origin": {"value": 10, "code": "mV"},
            "factor": Decimal("0.5"),
            "period": 1,
            "dimensions": 1,
            "data": "2 E 8 -4 U",
        }
    )
    assert [ends(row) for row in of(curve, "quantities")["value-quantity"]] == [(-1, 8, 14), (1, 14, 8)]


def test_a_comparator_makes_an_interval_without_an_end() -> None:
    for comparator, sides in (("<", [-1, 2]), ("<=", [-1, 1]), (">", [-2, 1]), (">=", [-1, 1])):
        rows = of(observation(valueQuantity={"value": 5, "comparator": comparator}), "quantities")["value-quantity"]
        assert [row[1] for row in rows] == sides
        assert {row[4] for row in rows} == {Decimal(5), Decimal("-Infinity" if comparator[0] == "<" else "Infinity")}


def ends(row: tuple[Any, ...]) -> tuple[int, Decimal, Decimal]:
    """(side, this end, the other one) of a row of index_quantity."""
    return row[1], row[4], row[6]


# --- what holds for all


def test_no_row_comes_twice_and_none_is_too_long_for_an_index() -> None:
    long = "长" * 5000
    resources = [*world(), observation(valueString=long, code={"coding": [{"system": long, "code": long}]}, instantiatesUri=long)]
    resources += [patient(identifier=[{"system": long, "value": long}], name=[{"text": long}], meta={"source": long})]
    for resource in resources:
        rows = extract(resource)
        for table in ("tokens", "identifiers", "references", "dates", "strings", "numbers", "quantities", "uris"):
            found = getattr(rows, table)
            assert len(found) == len(set(found))
            assert all(len(text.encode()) <= LONGEST for row in found for text in row if isinstance(text, str))


def test_two_overlong_values_that_begin_alike_stay_apart() -> None:
    first, second = (of({"resourceType": "ValueSet", "id": "1", "url": "https://x/" + "a" * 5000 + end}, "uris")["url"] for end in "12")
    assert first != second


def test_each_clinical_type_has_one_place_for_patient_and_date() -> None:
    """index_clinical has one patient and one main date; a repeating element could not be held."""
    for kind, key in CLINICAL.items():
        known = parameters_of(kind)
        assert key.patient in patient_codes(kind)
        for code in [*patient_codes(kind), *([key.date] if key.date else [])]:
            assert not any(step.many for branch in known[code].branches for step in branch.steps), (kind, code)


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(["2020", "Patient/1", "a|b"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["coding", "code", "system", "value", "reference", "text"]), inner, max_size=4),
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "code",
        "category",
        "subject",
        "valueQuantity",
        "valueString",
        "component",
        "performer",
        "identifier",
        "meta",
        "extension",
        "effectiveTiming",
        "valueSampledData",
    ]
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, ANYTHING, max_size=6))
def test_a_resource_of_the_wrong_shape_never_breaks_the_walk(odd: Resource) -> None:
    """Validation refuses it before; should it come all the same, what can be read is read."""
    assert isinstance(extract({"resourceType": "Observation", **odd}), IndexRows)


@given(st.tuples(st.integers(1, 9999), st.text(), st.text()), st.tuples(st.integers(1, 9999), st.text(), st.text()))
def test_a_token_hash_is_a_signed_64_bit_number_of_all_three_parts(first: tuple[int, str, str], second: tuple[int, str, str]) -> None:
    assert -(2**63) <= token_hash(*first) < 2**63
    assert token_hash(*first) != 0
    assert (token_hash(*first) == token_hash(*second)) is (first == second)


def test_token_hashes_never_change() -> None:
    assert token_hash(1, "http://loinc.org", "8480-6") == HASHES[0]
    assert token_hash(9999, "", "终止") == HASHES[1]


HASHES = (9026306917223011548, 1777761716678540574)


def test_every_synthea_resource_gives_rows(shared_data: Path) -> None:
    source = shared_data / "synthea-r4" / "bundles.ndjson.gz"
    if not source.exists():
        pytest.skip("no Synthea bundles there")
    with gzip.open(source) as lines:
        bundle = parse(next(lines))
    for entry in bundle["entry"]:
        rows = extract(entry["resource"])
        kind = entry["resource"]["resourceType"]
        assert rows.tokens or rows.identifiers, json.dumps(entry["resource"], default=str)[:200]
        assert (rows.clinical is not None) is (kind in CLINICAL)
