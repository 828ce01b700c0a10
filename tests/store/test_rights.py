"""Parts of types: what a clause of a scope lets through is the same in the database as in Python."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import asyncpg
import msgspec
import pytest

from yilian.access import smart
from yilian.fhir.definitions import type_id
from yilian.store import contained, everything, find, history_statement, integrity, read, rights
from yilian.store.rights import Allowed, Part
from yilian.store.scope import Scope

CODINGS = [("s1", "a"), ("s1", "b"), ("s2", "a"), ("", "a"), ("s2", "")]
WANTED = ["a", "b", "s1|a", "s2|", "|a", "a,b", "s1|b,s2|a", "http://loinc.org|1558-6"]


def part(kind: str, code: str, text: str) -> Part:
    made = rights.test(kind, code, text)
    assert made is not None
    return Part(kind, (made,))


async def test_a_part_is_the_same_in_python_and_in_the_database(dsn: str) -> None:
    """Every set of up to three codings against every way to write a value, in elements of every form."""
    asked: list[tuple[Part, dict[str, Any]]] = []
    for some in (some for size in range(4) for some in combinations(CODINGS, size)):
        codings = [{key: value for key, value in (("system", system), ("code", code)) if value} for system, code in some]
        bodies: list[tuple[str, str, dict[str, Any]]] = [
            ("Observation", "category", {"category": [{"coding": [one]} for one in codings]}),
            ("Observation", "code", {"code": {"coding": codings}}),
            ("Encounter", "class", {"class": codings[0] if codings else {"display": "x"}}),
            ("Observation", "combo-code", {"component": [{"code": {"coding": [one]}} for one in codings]}),
            ("Observation", "status", {"status": some[0][1] if some and some[0][1] else "x"}),
            ("Observation", "_tag", {"meta": {"tag": codings}}),
        ]
        asked += [(part(kind, code, text), {"resourceType": kind, **body}) for kind, code, body in bodies for text in WANTED]
    asked += [
        (part("Patient", "active", text), {"resourceType": "Patient", "active": yes})
        for text in ("true", "false", "a")
        for yes in (True, False)
    ]
    connection = await asyncpg.connect(dsn)
    try:
        for one, resource in asked:
            sql = f"select {one.condition('r')} from (select $1::text as body, $2::smallint as type) r"
            body = msgspec.json.encode(resource).decode()
            assert await connection.fetchval(sql, body, type_id(one.type)) is one.holds(resource), (one, resource)
        assert not await connection.fetchval(sql, body, type_id("Task"))
        for body in ("", "{", '{"active": "\\ud800"}', '{"active": "\\u0000"}'):
            assert await connection.fetchval(sql, body, type_id(one.type)) is False, "what has no body passes no test"
    finally:
        await connection.close()
    assert len(asked) > 1000
    assert 0 < sum(one.holds(resource) for one, resource in asked) < len(asked)


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("Observation", "category", "a'b"), ("Observation", "category", 'a"b'), ("Observation", "category", "a\\"),
        ("Observation", "category", ""), ("Observation", "category", "|"), ("Observation", "category", "a,"),
        ("Observation", "category", "a|b|c"),
        ("Observation", "category", "检验"), ("Observation", "category", "$1"),
        ("Observation", "nothing", "a"), ("Observation", "patient", "a"), ("Observation", "category:in", "a"), ("Observation", "_id", "a"),
        ("Patient", "identifier", "a"), ("Patient", "telecom", "a"), ("Patient", "phone", "a"), ("Patient", "deceased", "true"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_no_test(kind: str, code: str, text: str) -> None:
    assert rights.test(kind, code, text) is None


def test_what_two_allow_is_what_each_allows() -> None:
    lab, done = part("Observation", "category", "laboratory"), part("Observation", "status", "final")
    everything, some = Allowed(None), Allowed(frozenset({"Task", "Observation"}))
    assert everything.and_(some) == some.and_(everything) == some
    assert Allowed(frozenset({"Task"}), (lab,)).and_(some) == Allowed(frozenset({"Task"}), (lab,))
    assert everything.and_(Allowed(frozenset(), (lab,))) == Allowed(frozenset(), (lab,))
    together = Allowed(frozenset(), (lab,)).and_(Allowed(frozenset(), (done,)))
    resource = {"resourceType": "Observation", "category": [{"coding": [{"code": "laboratory"}]}]}
    assert not together.admits(resource)
    assert together.admits(resource | {"status": "final"})


def scope_of(text: str) -> Scope:
    found = smart.rights(text, "user")
    assert found is not None
    return Scope(
        "grounds", "gp", "Practitioner/gp", "gp", institution_rid=7, reads=found.reads.types, parts=found.reads.parts,
        rights=None if found.plain() else found,
    )  # fmt: skip


SHARED_TEXTS = {
    "read": read.BY_ID, "vread": read.VERSION, "several": read.MANY, "identifier": find.BY_IDENTIFIER, "contained": contained.CONTAINERS,
    "everything": everything.ABOUT, "everything of each": everything.ABOUT_ALL, "beside": everything.BESIDE,
    "encounter": everything.OF_ENCOUNTER, "beside the encounter": everything.BESIDE_ENCOUNTER, "pointing": integrity.POINTING_NAMES,
    "history": history_statement.page("type", False, False, False, 1), "few": history_statement.page("all", True, True, True),
    "counted": history_statement.counted("one", False, False),
}  # fmt: skip


@pytest.mark.parametrize("text", SHARED_TEXTS.values(), ids=SHARED_TEXTS)
def test_a_token_without_conditions_runs_the_text_of_everybody_and_one_with_them_its_own(text: str) -> None:
    for plain in ("user/*.*", "user/Observation.rs user/Task.cruds", "user/Observation.r user/Observation.s"):
        assert scope_of(plain).finely(text) is text
    some = scope_of("user/Observation.rs?category=laboratory user/Patient.rs")
    assert some.keys()[3] == [], "by the common text nothing is seen"
    own = some.finely(text)
    assert "laboratory" in own
    assert not re.search(r"\.type = any\(\$\d+::smallint\[\]\) or \$\d+::smallint\[\] is null", own), "no look at the type alone is left"
