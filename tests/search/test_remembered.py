"""The text of a statement is remembered by what it depends on: memory changes nothing but the time it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import REGION_ZONE
from yilian.search import parameters, statement
from yilian.search.query import parse
from yilian.search.statement import Statement, count, page
from yilian.search.together import whole
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo(REGION_ZONE)
TOWNSHIP = Scope("grounds", "gp", "Practitioner/gp", "gp", institution="Organization/qingshi", institution_rid=7)
ASKERS = {
    "the region": SYSTEM,
    "a township": TOWNSHIP,
    "another": replace(TOWNSHIP, institution_rid=8),
    "a narrow token": replace(TOWNSHIP, reads=frozenset({"Observation", "Patient"})),
    "a narrower one": replace(TOWNSHIP, reads=frozenset({"Observation"})),
    "a resident": replace(TOWNSHIP, reach="self", institution_rid=0, patient_rid=11),
    "another resident": replace(TOWNSHIP, reach="self", institution_rid=0, patient_rid=12),
}

CONDITIONS = {
    "patient": ["1", "Patient/2", "1,2", "http://elsewhere.example/Patient/1"],
    "subject": ["Group/1", "Patient/1", "Device/1"],
    "code": ["http://loinc.org|a", "a", "|a", "x|a,x|b", "x|", "http://loinc.org|b"],
    "code:not": ["x|a", "x|a,x|b"],
    "code:text": ["pressure"],
    "status": ["final", "final,amended", "http://hl7.org/fhir/observation-status|final"],
    "date": ["2020", "ge2020-02", "lt2021,ge2022", "eq2020-01-01T00:00:00Z"],
    "date:missing": ["true", "false"],
    "value-quantity": ["5", "gt5||mg", "5.4|http://unitsofmeasure.org|kg"],
    "performer": ["Organization/1", "Practitioner/1", "1"],
    "encounter": ["1", "Encounter/2"],
    "identifier": ["s|1", "1", "|1", "s|1,s|2"],
    "_id": ["1", "1,2"],
    "_lastUpdated": ["gt2020"],
    "patient.identifier": ["s|1", "1"],
    "patient.gender": ["male"],
    "patient.family": ["a", "zhang wei", "a,b"],
    "encounter.service-provider.name": ["a"],
    "_has:Provenance:target:agent": ["Practitioner/1"],
}
RESULTS = {
    "_sort": ["date", "-date", "-date,code", "_lastUpdated", "status"],
    "_count": ["1", "10", "50"],
    "_total": ["none", "accurate"],
    "_include": ["Observation:encounter", "Observation:*", "Observation:patient"],
    "_include:iterate": ["Encounter:service-provider"],
    "_revinclude": ["Provenance:target", "*"],
}
pair = st.sampled_from([(name, value) for name, values in CONDITIONS.items() for value in values])
results = st.lists(st.sampled_from(list(RESULTS)), max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(name), st.sampled_from(RESULTS[name])) for name in names))
)
question = st.tuples(st.lists(pair, max_size=4), results, st.sampled_from(list(ASKERS)))
MAKERS = (page, count, whole)


def made(asked: tuple[Any, Any, str]) -> list[Statement]:
    pairs, results, who = asked
    query = parse("Observation", [*pairs, *results], zone=ZONE)
    return [make(query, ASKERS[who]) for make in MAKERS]


@settings(deadline=None, max_examples=200)  # the parameters of a type are compiled when they are first asked for
@given(st.lists(question, min_size=2, max_size=6))
def test_a_statement_made_after_others_is_the_one_made_first(questions: list[tuple[Any, Any, str]]) -> None:
    afresh = []
    for asked in questions:
        statement._texts.clear()
        afresh.append([(one.sql, one.args, one.order, one.mark()) for one in made(asked)])
    statement._texts.clear()
    for _ in range(2):
        assert [[(one.sql, one.args, one.order, one.mark()) for one in made(asked)] for asked in questions] == afresh


def test_the_same_shape_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    statement._texts.clear()
    first = parse("Observation", [("patient", "1"), ("code", "x|a"), ("_sort", "-date")], zone=ZONE)
    second = parse("Observation", [("patient", "2"), ("code", "x|b"), ("_sort", "-date")], zone=ZONE)
    text = page(first, TOWNSHIP).sql
    monkeypatch.setattr("yilian.search.statement.start", None)  # nobody needs to choose again
    assert page(second, TOWNSHIP).sql == text
    assert "g.institution = 7" in text
    with pytest.raises(TypeError):
        page(second, ASKERS["another"])


def test_redefined_parameters_are_asked_anew() -> None:
    """`_include=*` follows every reference there is, so its text is another once there is another reference."""
    page(parse("Observation", [("code", "x|a")], zone=ZONE), SYSTEM)
    assert statement._texts
    parameters.use((), {})
    assert not statement._texts


def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yilian.search.statement.REMEMBERED", 3)
    statement._texts.clear()
    for n in range(1, 9):
        page(parse("Observation", [("code", f"x|{m}") for m in range(n)], zone=ZONE), SYSTEM)
    assert len(statement._texts) == 3
