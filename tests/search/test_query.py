"""What is understood, what is refused, and what the refusal says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.conftest import ZONE
from yilian.errors import BadRequest, NotSupported
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.search.kinds.number import number
from yilian.search.kinds.token import Token
from yilian.search.parameters import parameters_of
from yilian.search.query import Query, parse
from yilian.search.statement import count, page
from yilian.store.scope import SYSTEM


def asked(kind: str, *pairs: tuple[str, str], **more: Any) -> Query:
    return parse(kind, pairs, zone=ZONE, **more)


def values(kind: str, name: str, value: str, **more: Any) -> tuple[Any, ...]:
    return asked(kind, (name, value), **more).clauses[0].values


# --- what is understood


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("8480-6", [Token(None, "8480-6")]),
        ("http://loinc.org|8480-6", [Token("http://loinc.org", "8480-6")]),
        ("|8480-6", [Token("", "8480-6")]),
        ("http://loinc.org|", [Token("http://loinc.org", None)]),
        ("a,b|c", [Token(None, "a"), Token("b", "c")]),
        (r"a\,b\|c\\d\$e", [Token(None, r"a,b|c\d$e")]),
        ("a,a", [Token(None, "a")]),
    ],
)
def test_tokens_are_read_with_their_escapes(value: str, tokens: list[Token]) -> None:
    assert values("Observation", "code", value) == tuple(tokens)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", "99.5", "100.5"),
        ("100.00", "99.995", "100.005"),
        ("1e2", "95", "105"),
        ("-3", "-3.5", "-2.5"),
        ("5.4", "5.35", "5.45"),
        ("0", "-0.5", "0.5"),
        ("1.0e-2", "0.0095", "0.0105"),
    ],
)
def test_the_digits_of_a_number_say_how_exact_it_is(text: str, low: str, high: str) -> None:
    found = number("probability", text)
    assert (found.prefix, found.lo, found.hi) == ("eq", Decimal(low), Decimal(high))


def test_dates_are_of_the_zone_that_is_given() -> None:
    (found,) = values("Observation", "date", "ge2020-03-01")
    assert found.prefix == "ge"
    assert found.lo == datetime(2020, 2, 29, 18, 15, tzinfo=UTC)  # midnight in Kathmandu
    assert found.hi == datetime(2020, 3, 1, 18, 15, tzinfo=UTC)


def test_references_are_read_in_all_their_forms() -> None:
    base = "https://own.example/fhir"
    assert values("Observation", "patient", "1") == (("Patient", "1"),)
    assert values("Observation", "subject", "1") == (("", "1"),)
    assert values("Observation", "subject:Group", "1") == (("Group", "1"),)
    assert values("Observation", "subject", "Patient/1") == (("Patient", "1"),)
    assert values("Observation", "subject", f"{base}/Patient/1", base=base) == (("Patient", "1"),)
    assert values("Observation", "subject", "https://other.example/Patient/1", base=base) == (("", "https://other.example/Patient/1"),)
    assert values("PlanDefinition", "definition", "https://a.example/x|1.0") == (("", "https://a.example/x|1.0"),)


def test_an_unambiguous_chain_needs_no_type() -> None:
    clause = asked("Observation", ("patient.identifier", "urn:x|1")).clauses[0]
    assert clause.modifier == "Patient"
    assert clause.chain is not None
    assert clause.chain.parameter is parameters_of("Patient")["identifier"]
    assert asked("Encounter", ("service-provider.name:exact", "x")).clauses[0].chain.modifier == "exact"  # type: ignore[union-attr]


def test_result_parameters_are_read() -> None:
    query = asked(
        "Observation",
        ("_sort", "-date,code"),
        ("_count", "20"),
        ("_total", "accurate"),
        ("_include", "Observation:subject:Patient"),
        ("_include", "Observation:subject:Patient"),
        ("_revinclude", "DiagnosticReport:result"),
        ("_cursor", "abc"),
    )
    assert [(s.parameter.code, s.descending) for s in query.sort] == [("date", True), ("code", False)]
    assert (query.count, query.total, query.cursor) == (20, "accurate", "abc")
    assert [(i.parameter.code, i.target) for i in query.includes] == [("subject", "Patient")]
    assert [(i.parameter.base, i.target) for i in query.revincludes] == [("DiagnosticReport", "Observation")]


def test_a_count_of_nothing_asks_for_the_total() -> None:
    for pair in (("_count", "0"), ("_summary", "count")):
        assert (asked("Patient", pair).count, asked("Patient", pair).total) == (0, "accurate")
    assert asked("Patient", ("_count", "5000")).count == 1000
    assert asked("Patient", ("_summary", "false")).count == 50


# --- what is refused, and what is said


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        ("Patient", "nam", "x", r"no search parameter 'nam'. Did you mean name\? It has: name, _id, .*birthdate"),
        ("Patient", "", "x", "no search parameter ''"),
        ("Patient", "name:beginning", "x", "no such modifier. name .string. takes :exact, :contains, :missing"),
        ("Observation", "code:code-text", "x", "belongs to FHIR R5.* takes :not, :text, :in, :not-in, :above, :below, :missing"),
        ("Observation", "status:text", "x", "no such modifier. status .token. takes :not, :in, :not-in, :above, :below, :missing"),
        ("Observation", "code:of-type", "a|b|c", "no such modifier"),
        ("Observation", "code:text", "´", "nothing to compare"),
        ("Observation", "code:in", "http://x|1", "leave .1 out"),
        ("Observation", "code:in", "vitals", "is no canonical; name the value set by its url"),
        ("Observation", "code:below", "8480-6", "write system.code"),
        ("Patient", "identifier:of-type", "MR|1", "is not system.code.value"),
        ("Observation", "subject:identifier", "a|b|c", "subject:identifier.*is not a token"),
        ("Observation", "subject:below", "Patient/1", "'Patient/1' is in no hierarchy kept here; only Location has parts"),
        ("Encounter", "patient:below", "Patient/1", "no such modifier"),
        ("Encounter", "location:below", "http://a.example/Location/1", "is in no hierarchy kept here"),
        ("Task", "focus:above", "1", "focus:above: name the type of '1': CarePlan/1, Communication/1"),
        ("ValueSet", "url:below", "urn:oid:1.2", "has no steps"),
        ("Observation", "subject:Practitioner", "1", "no such modifier.*:Device, :Group, :Location, :Patient"),
        ("Observation", "subject", "Practitioner/1", "never points to a Practitioner, only to Device, Group, Location, Patient"),
        ("Observation", "subject:Patient", "Group/1", "is no Patient"),
        ("Observation", "subject", "Patient/1/_history/2", "leave '/_history/2' out"),
        ("Observation", "subject", "Patient?identifier=1", "is no reference"),
        ("Observation", "patient", "zwölf", "is no reference"),
        ("Observation", "subject.name", "x", "several types have 'name'; name one: subject:Location.name, subject:Patient.name"),
        ("Observation", "patient.nam", "x", "Patient has no search parameter 'nam'. Did you mean name"),
        ("Observation", "code.name", "x", "code is no reference"),
        ("Observation", "patient.organization.nam", "x", "Organization has no search parameter 'nam'. Did you mean name"),
        ("Observation", "encounter.subject.name.family", "x", "several types have 'name'|name is no reference"),
        ("Organization", "partof" + ".partof" * 9 + ".name", "x", "at most 8 references"),
        ("QuestionnaireResponse", "questionnaire.title", "x", "holds canonical addresses, which no chain follows"),
        ("Patient", "_has:Observation:patient", "x", "write _has:Type:reference:parameter"),
        ("Patient", "_has", "x", "no search parameter '_has'"),
        ("Patient", "_has:Obs:patient:code", "x", "'Obs' is not a resource type"),
        ("Patient", "_has:Observation:patients:code", "x", "no search parameter 'patients'. Did you mean patient"),
        ("Patient", "_has:Observation:code:code", "x", "code is no reference"),
        ("Patient", "_has:Encounter:service-provider:status", "x", "never points to a Patient, only to Organization"),
        ("Patient", "_has:Observation:patient:codex", "x", "Observation has no search parameter 'codex'"),
        ("Patient", "_has:Observation:patient:_has:Provenance:target", "x", "write _has:Type"),
        ("Observation", "subject._has:Group:member:code", "x", "several types have '_has'|none of"),
        ("Condition", "_list", "$current-allergies", "it lists AllergyIntolerance, not Condition"),
        ("Condition", "_list", "$recent", r"there is no such list; there are \$current-problems"),
        ("Condition", "_list:not", "1", "takes no modifier"),
        ("Condition", "patient._list", "$current-problems", "stands alone"),
        ("Patient", "_in", "Group/1", "belongs to FHIR R5; in R4 a List is asked with _list"),
        ("Patient", "_score", "1", "matches are not ranked"),
        ("Observation", "subject:Organization.name", "x", "subject points to Device, Group, Location, Patient"),
        ("Observation", "performer.birthdate:foo", "x", "several types|no such modifier"),
        ("Observation", "date", "xx2020", "eq, ne, gt, lt, ge, le, sa, eb, ap"),
        ("Observation", "date", "2020-13", "not a date"),
        ("Observation", "date", "2020-03-01T08:30:00 08:00", "%2B"),
        ("Observation", "value-quantity", "gtx", "not a number"),
        ("Observation", "value-quantity", "5.4|mg", "6.1.system.code"),
        ("Observation", "value-quantity", "5.4|http://unitsofmeasure.org|", "6.1.system.code"),
        ("RiskAssessment", "probability", "1e9999", "not a number"),
        ("Observation", "code", "a|b|c", "not a token"),
        ("Observation", "code", "|", "neither a system nor a code"),
        ("Observation", "code", "", "without a value"),
        ("Observation", "code", "a,,b", "empty value between the commas"),
        ("Observation", "code", r"a\b", "backslash"),
        ("Observation", "code:missing", "yes", "true or false"),
        ("Patient", "name", "´", "nothing to compare"),
        ("Patient", "_id", "a/b", "is no id"),
        ("Patient", "_count", "-1", "whole number"),
        ("Patient", "_count", "ten", "whole number"),
        ("Patient", "_total", "maybe", "none, estimate or accurate"),
        ("Patient", "_sort", "nam", "Did you mean name"),
        ("Patient", "_sort", "name,", "empty key"),
        ("Patient", "_sort", "name,-name", "named twice"),
        ("Observation", "_sort", "code-value-quantity", "code-value-quantity is a composite; one can sort by"),
        ("Observation", "_include", "Observation:code", "code is no reference; Observation has based-on"),
        ("Observation", "_include", "Encounter:subject", "begins with Observation:"),
        ("Observation", "_include", "Observation", "write _include=Type:parameter"),
        ("Observation", "_include:recurse", "Observation:subject", "R4 calls this _include:iterate"),
        ("Observation", "_include:deep", "Observation:subject", "no such modifier; _include takes :iterate"),
        ("Observation", "_include:iterate", "Encounter:status", "status is no reference"),
        ("Observation", "_include", "*:subject", "not a resource type"),
        ("Observation", "_include", "Observation:*:Nobody", "'Nobody' is not a resource type"),
        ("Observation", "_include", "Encounter:*", "begins with Observation:"),
        ("Observation", "_revinclude", "AuditEvent:*", "ask for them at /AuditEvent"),
        ("Patient", "_revinclude", "AuditEvent:entity", "AuditEvents are kept apart"),
        ("Observation", "_includes", "Observation:subject", "there are _include and _revinclude"),
        ("Observation", "_include", "Observation:subject:Practitioner", "never points to a Practitioner"),
        ("Observation", "_revinclude", "Encounter:subject", "points to Group, Patient"),
        ("Observation", "_revinclude", "Nothing:subject", "not a resource type"),
        ("Observation", "_text", "x", "the narrative is not indexed"),
        ("Observation", "_filter", "x", "filter expressions are not read"),
        ("Observation", "_elements", "nme", "there is no element 'nme'; there are basedOn, bodySite"),
        ("Observation", "_elements", "", "no element ''"),
        ("Observation", "_elements", "code.coding", "no element 'code.coding'"),
        ("Observation", "_summary", "brief", "true, text, data, count or false"),
        ("Observation", "_contained", "true", "of one type only"),
        ("Observation", "_contained", "both", "of one type only"),
        ("Observation", "_contained", "some", "true, false or both"),
        ("Observation", "_containedType", "container", "goes with _contained=true"),
        ("Observation", "_containedType", "inside", "is container or contained"),
        ("Observation", "_type", "Observation", "no search parameter '_type'|_type"),
        ("Observation", "code-value-quantity", "a", r"'a' is not code\$value-quantity"),
        ("Observation", "code-value-quantity", "a$5$6", r"is not code\$value-quantity"),
        ("Observation", "code-value-quantity", "a$five", "value-quantity: 'five'"),
        ("Observation", "code-value-quantity:not", "a$5", "no such modifier. code-value-quantity .composite. takes :missing"),
        ("Observation", "_sort", "code-value-quantity", "is a composite; one can sort by"),
        ("DocumentReference", "relationship", "replaces$Patient/1", "relatesto: it never points to a Patient, only to DocumentReference"),
        ("Location", "near", "1", "is no place; write latitude.longitude.distance.unit"),
        ("Location", "near", "91|0", "lies outside"),
        ("Location", "near", "0|0|5|furlong", "no unit of distance known here; there are km, m"),
        ("Location", "near", "0|0|-5", "is no distance"),
        ("Patient", "age", "5", "it is another every day while the record stays the same; ask by birthdate"),
        ("Bundle", "composition", "1", "points into the Bundle itself"),
        ("Observation", "code", "a\0b", "NUL"),
        ("Observation", "code", "a\ud800b", "UTF-8"),
        ("Nothing", "code", "a", "not a resource type"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(kind: str, name: str, value: str, said: str) -> None:
    with pytest.raises((BadRequest, NotSupported), match=said) as refusal:
        asked(kind, (name, value))
    assert refusal.value.status == 400


def test_the_same_result_parameter_twice_is_refused() -> None:
    with pytest.raises(BadRequest, match="_count is given twice"):
        asked("Patient", ("_count", "1"), ("_count", "2"))


def test_far_too_many_values_are_refused() -> None:
    with pytest.raises(BadRequest, match="at most 1000 values"):
        asked("Patient", ("_id", ",".join(str(n) for n in range(2000))))
    with pytest.raises(BadRequest, match="at most 100 conditions"):
        asked("Patient", *[("name", str(n)) for n in range(200)])


WORDS = st.sampled_from(
    [":", ".", ",", "|", "\\", "$", "-", "ge", "2020-02", "Patient", "Patient/1", "http://x", "5.4", "missing", "exact", "true", "张", "é"]
)


@settings(deadline=None)  # the parameters of a type are compiled when they are first asked for
@given(kind=st.sampled_from(RESOURCE_TYPES), data=st.data())
def test_any_question_gives_a_statement_or_a_refusal(kind: str, data: st.DataObject) -> None:
    names = st.sampled_from([*sorted(parameters_of(kind)), "_sort", "_include", "_revinclude", "_count", "_total", "_cursor", "_summary"])
    name = data.draw(names) + data.draw(st.one_of(st.just(""), st.builds("".join, st.lists(WORDS, max_size=3))))
    value = data.draw(st.one_of(st.text(max_size=20), st.builds("".join, st.lists(WORDS, max_size=5))))
    try:
        query = asked(kind, (name, value))
        statements = [page(query, SYSTEM), count(query, SYSTEM)]
    except (BadRequest, NotSupported) as refusal:
        statements, said = [], str(refusal)
        assert said.endswith((".", ":", ")")), said
    for made in statements:
        is_word = value.isascii() and value.isalpha() and value.islower()  # hypothesis knows some that are also SQL's: then
        assert is_word or len(value) < 4 or value not in made.sql.replace("index_token", "") or value in ("Patient", "http://x")
        assert all(f"${number}" in made.sql for number in range(1, len(made.args) + 1))


def test_the_same_shape_of_question_is_the_same_statement() -> None:
    """Otherwise each is prepared anew, and the cache of the connection is worth nothing."""

    def text(*pairs: tuple[str, str]) -> str:
        return page(asked("Observation", *pairs), SYSTEM).sql

    assert text(("patient", "1"), ("code", "http://loinc.org|a")) == text(("patient", "2"), ("code", "http://loinc.org|b"))
    assert text(("code", "a"), ("date", "ge2020")) == text(("code", "b"), ("date", "ge2021-03-01T08:00:00Z"))
    assert text(("code", "x|a,x|b")) == text(("code", "x|a,x|b,x|c"))
    assert text(("patient", "1"), ("_count", "21")) == text(("patient", "1"), ("_count", "50"))
    assert text(("value-quantity", "gt5||mg")) == text(("value-quantity", "gt17.5||kg"))
