"""FHIRPath beyond the official tests: what people write in profiles, patches and views, and what is refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from yilian.fhir.path import Outside, PathError, PathExecutionError, PathSemanticError, PathSyntaxError, compile, parse
from yilian.fhir.path.syntax import Binary, Call, Literal, Name, Path

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "name": [
        {"use": "official", "text": "张秀英", "family": "张", "given": ["秀英"]},
        {"use": "usual", "given": ["英", None], "_given": [None, {"extension": [{"url": "http://x.example/a", "valueString": "x"}]}]},
    ],
    "birthDate": "1950-02",
    "_birthDate": {"id": "b", "extension": [{"url": "http://x.example/time", "valueTime": "08:30:00"}]},
    "deceasedBoolean": False,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "青石镇卫生院"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/gp"}],
}
NOON = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Asia/Shanghai"))


def evaluate(expression: str, **more: Any) -> list[Any]:
    return [str(v) if not isinstance(v, dict | bool | int | Decimal | None) else v for v in compile(expression).evaluate(PATIENT, **more)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.where(use = 'official').given", ["秀英"]),
        ("name.given", ["秀英", "英", None]),
        ("name.given.count()", [3]),
        ("name.given.extension('http://x.example/a').value", ["x"]),
        ("name.given.where(hasValue()).join('、')", ["秀英、英"]),
        ("birthDate.extension.value", ["08:30:00"]),
        ("birthDate.id", ["b"]),
        ("birthDate.getValue()", ["1950-02"]),
        ("deceased", [False]),
        ("deceased is boolean", [True]),
        ("deceased.ofType(dateTime)", []),
        ("managingOrganization.resolve().name", ["青石镇卫生院"]),
        ("generalPractitioner.resolve()", []),
        ("contained.ofType(Organization).name", ["青石镇卫生院"]),
        ("name.first().given | name.last().given.first()", ["秀英", "英"]),
        ("%resource.id & '-' & %context.id", ["1-1"]),
        ("%`ext-patient-birthTime`", ["http://hl7.org/fhir/StructureDefinition/patient-birthTime"]),
        ("defineVariable('n', name.count()).select(%n + 1)", [3]),
        ("name.select(given.first()).aggregate($total & $this, '')", ["秀英英"]),
        ("name.select($index)", [0, 1]),
        ("name.sort(-use).use", ["usual", "official"]),
        ("name.sort(use desc).use", ["usual", "official"]),
        ("'a,b'.split(',')", ["a", "b"]),
        ("now()", ["2026-03-01T12:00:00.000+08:00"]),
        ("today() - 65 years > @1950", [True]),
        ("birthDate <= today() - 65 years", [True]),
        ("birthDate = @1950-02-01", []),
        ("@2024-01-31 + 1 month", ["2024-02-29"]),
        ("@2023-03-01 - 1 day", ["2023-02-28"]),
        ("@2014 + 24 months", ["2016"]),
        ("@T23:30 + 45 minutes", ["00:15"]),
        ("@2016-12-31T23:59:59.5+08:00 + 500 milliseconds", ["2017-01-01T00:00:00.0+08:00"]),
        ("9999 + 1", [10000]),
        ("2147483647 + 1", []),
        ("@9999-12-31 + 1 day", []),
        ("0.1 + 0.2", [Decimal("0.3")]),
        ("1 / 3 * 3", [Decimal("0.9999999999999999999999999999")]),
        ("7 'kg' = 7000 'g'", [True]),
        ("1 'kg' + 500 'g'", ["1500 'g'"]),
        ("6.1 'mmol/L' > 3.9 'mmol/L'", [True]),
        ("1 'kg' > 1 's'", []),
        ("1 year = 12 months", [True]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("nothing.at.all", []),
        ("name.nothing", []),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", [True]),
        ("name.given.exists() implies active", [True]),
        ("(1 | 2 | 3).where($this > 1).sum()", PathSemanticError),
        ("name.given.single()", PathExecutionError),
        ("name.family + 1", PathExecutionError),
        ("1 + ", PathSyntaxError),
        ("name..given", PathSyntaxError),
        ("'\\q'", PathSyntaxError),
        ("@2023-02-30", PathSyntaxError),
        ("%nobody", PathSemanticError),
        ("name.as(Nothing)", PathSemanticError),
        ("name.where()", PathSemanticError),
        ("'a'.matches('(')", PathExecutionError),
        ("gender.memberOf('http://x.example')", []),
        ("active.memberOf('http://x.example')", PathExecutionError),
        ("slice('a', 'b')", PathExecutionError),
        ("(" * 200 + "1" + ")" * 200, PathSyntaxError),
        ("name.repeat($this.combine('a' & $this.toString()))", PathExecutionError),
    ],
)
def test_worked_examples(expression: str, expected: Any) -> None:
    if isinstance(expected, list):
        assert evaluate(expression, now=NOON) == expected
    else:
        with pytest.raises(expected):
            evaluate(expression)


def test_what_lies_outside_is_asked_for() -> None:
    outside = Outside(
        resolve=lambda reference: {"resourceType": "Practitioner", "id": reference.partition("/")[2]},
        member_of=lambda code, value_set: (code, value_set) == (True, "http://x.example"),
        subsumes=lambda general, special: general == special,
        conforms_to=lambda resource, url: None,
    )
    assert compile("generalPractitioner.resolve().id").evaluate(PATIENT, outside=outside) == ["gp"]
    assert compile("active.memberOf('http://x.example')").truth(PATIENT, outside=outside) is True
    with pytest.raises(PathExecutionError, match="profile"):
        compile("conformsTo('http://x.example/p')").truth(PATIENT, outside=outside)


def test_variables_are_given_by_the_caller() -> None:
    expression = compile("name.where(use = %wanted).exists() and %limits contains 2")
    assert expression.truth(PATIENT, variables={"wanted": "usual", "limits": [1, 2]}) is True
    assert expression.truth(PATIENT, variables={"wanted": "old", "limits": [2]}) is False
    with pytest.raises(PathSemanticError, match="wanted"):
        expression.truth(PATIENT)


def test_traces_are_handed_out() -> None:
    seen: list[tuple[str, list[Any]]] = []
    outside = Outside(trace=lambda name, values: seen.append((name, values)))
    compile("name.given.trace('given').count()").evaluate(PATIENT, outside=outside)
    compile("name.trace('use', use)").evaluate(PATIENT, outside=outside)
    assert seen == [("given", ["秀英", "英", None]), ("use", ["official", "usual"])]


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.nme",
        "name.given.first().foo",
        "Observation.code",
        "contact.name.where(famly = 'x')",
        "valueQuantity",
        "deceasedBoolean",
        "Patient.children().first()",
        "descendants()[0]",
    ],
)
def test_names_that_a_type_does_not_have_are_refused_before_anything_is_evaluated(expression: str) -> None:
    with pytest.raises(PathSemanticError):
        compile(expression, "Patient")
    compile(expression, "Patient", strict=False).evaluate(PATIENT)
    compile(expression).evaluate(PATIENT)


def test_the_tree_is_there_for_others_to_compile() -> None:
    assert parse("name.where(use = 'official')") == Path(Name("name"), Call("where", (Binary("=", Name("use"), Literal("official")),)))
    assert parse("1 + 2 * 3") == Binary("+", Literal(1), Binary("*", Literal(2), Literal(3)))
    assert parse("a or b and c") == Binary("or", Name("a"), Binary("and", Name("b"), Name("c")))
    assert parse("`div`.`a b`") == Path(Name("div"), Name("a b"))


def test_every_error_is_one_of_the_house_and_speaks_both_languages() -> None:
    for text in ("(", "foo()", "Patient.name.single()"):
        with pytest.raises(PathError) as caught:
            compile(text).evaluate(PATIENT)
        (issue,) = caught.value.issues
        assert (caught.value.status, bool(issue.diagnostics), bool(issue.zh)) == (400, True, True)
