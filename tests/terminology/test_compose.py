"""What a value set is made of: every rule of R4 held against an oracle in Python, over generated hierarchies."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.terminology.words import SIGNS, by_filter, code_system, codes, concept, listed, store, value_set
from yilian.db import Database
from yilian.errors import InvalidResource, NotFound
from yilian.terminology import codes_in, is_member
from yilian.terminology.expand import Wanted, expand

Json = dict[str, Any]
ALL = [f"{a}{b}" for a in "abcd" for b in "123"]
COLOURS = ["red", "green", ""]


class Oracle:
    """A system of twelve codes: code → parent and colour, and the meaning of each rule over it."""

    def __init__(self, parents: dict[str, str | None], colours: dict[str, str]) -> None:
        self.parents, self.colours = parents, colours

    def above(self, code: str) -> set[str]:
        found = {code}
        while (code := self.parents.get(code) or "") and code not in found:
            found.add(code)
        return found

    def below(self, code: str) -> set[str]:
        return {one for one in ALL if code in self.above(one)} if code in ALL else set()

    def part(self, part: Json) -> set[str]:
        if "concept" in part:
            return {one["code"] for one in part["concept"]} & set(ALL)
        found = set(ALL)
        for rule in part.get("filter", ()):
            found &= self.rule(rule["property"], rule["op"], rule["value"])
        return found

    def rule(self, name: str, op: str, value: str) -> set[str]:
        if op in ("is-a", "descendent-of", "is-not-a", "generalizes"):
            if op == "generalizes":
                return self.above(value) & set(ALL) if value in ALL else set()
            below = self.below(value)
            return {"is-a": below, "descendent-of": below - {value}, "is-not-a": set(ALL) - below}[op]
        told = {
            one: {"code": [one], "parent": [p for p in [self.parents[one]] if p], "colour": [c for c in [self.colours[one]] if c]}[name]
            for one in ALL
        }
        if op == "exists":
            return {one for one in ALL if bool(told[one]) == (value == "true")}
        if op == "regex":
            return {one for one in ALL if any(re.fullmatch(value, text) for text in told[one])}
        wanted = value.split(",") if op in ("in", "not-in") else [value]
        hit = {one for one in ALL if any(text in wanted for text in told[one])}
        return set(ALL) - hit if op == "not-in" else hit

    def members(self, definition: Json) -> set[str]:
        compose = definition["compose"]
        found = set().union(*(self.part(one) for one in compose["include"]))
        return found - set().union(*(self.part(one) for one in compose.get("exclude", ())))

    def system(self) -> Json:
        """Parents by property, so that any shape is possible."""
        concepts = []
        for code in ALL:
            told = [{"code": "parent", "valueCode": self.parents[code]}] if self.parents[code] else []
            told += [{"code": "colour", "valueString": self.colours[code]}] if self.colours[code] else []
            concepts.append(concept(code, property=told) if told else concept(code))
        return code_system(*concepts, property=[{"code": "colour", "type": "string"}, {"code": "parent", "type": "code"}])


oracles = st.builds(
    Oracle,
    st.tuples(*(st.sampled_from([None, *ALL[:place]]) for place in range(len(ALL)))).map(lambda found: dict(zip(ALL, found, strict=True))),
    st.tuples(*(st.sampled_from(COLOURS) for _ in ALL)).map(lambda found: dict(zip(ALL, found, strict=True))),
)
one_code = st.sampled_from([*ALL, "zz"])
filters = st.one_of(
    st.builds(by_filter, st.just("concept"), st.sampled_from(["is-a", "descendent-of", "is-not-a", "generalizes"]), one_code),
    st.builds(by_filter, st.sampled_from(["code", "parent", "colour"]), st.just("="), st.one_of(one_code, st.sampled_from(COLOURS[:2]))),
    st.builds(
        by_filter,
        st.sampled_from(["code", "parent", "colour"]),
        st.sampled_from(["in", "not-in"]),
        st.sampled_from(["a1,b2,red", "green", "c3,d1"]),
    ),
    st.builds(
        by_filter,
        st.sampled_from(["code", "parent", "colour"]),
        st.just("regex"),
        st.sampled_from(["a.", "[ab][12]", "re|green", ".*2", "a"]),
    ),
    st.builds(by_filter, st.sampled_from(["parent", "colour"]), st.just("exists"), st.sampled_from(["true", "false"])),
)
both = st.builds(lambda a, b: {"system": SIGNS, "filter": a["filter"] + b["filter"]}, filters, filters)
parts = st.one_of(
    filters, both, st.just({"system": SIGNS}), st.lists(one_code, min_size=1, max_size=4, unique=True).map(lambda c: listed(*c))
)
definitions = st.builds(
    lambda include, exclude: value_set("v", *include, exclude=exclude),
    st.lists(parts, min_size=1, max_size=3),
    st.lists(parts, max_size=2),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(oracle=oracles, asked=st.lists(definitions, min_size=1, max_size=6))
async def test_every_rule_means_what_r4_says(followed: Database, oracle: Oracle, asked: list[Json], record_property: Any) -> None:
    named = [one | {"id": f"v{n}", "url": f"{one['url']}{n}"} for n, one in enumerate(asked)]
    older = oracle.system() | {"id": "older", "version": "0"}
    await store(followed, oracle.system() | {"version": "1"}, older, *named)
    for one in named:
        wanted = oracle.members(one)
        found = await codes(followed, one)
        assert (set(found), len(found)) == (wanted, len(wanted))
        pinned = {"include": [p | {"version": "0"} for p in one["compose"]["include"]], "exclude": one["compose"].get("exclude", [])}
        assert set(await codes(followed, one | {"compose": pinned})) == wanted  # the version that does not answer has no closure of its own
        async with followed.reading() as tx:
            assert {code for _, code in await codes_in(tx, one["url"])} == wanted
            assert {code for code in ALL if await is_member(tx, one["url"], SIGNS, code)} == wanted
    record_property("compared", len(named) * 4)


async def test_members_stand_in_the_order_of_the_definition_and_page_by_page(followed: Database) -> None:
    await store(followed, code_system(concept("z", "", concept("y")), concept("x"), concept("w")))
    one = value_set("v", listed("w"), {"system": SIGNS})
    assert await codes(followed, one) == ["w", "z", "y", "x"]
    assert [await codes(followed, one, count=2, offset=at) for at in (0, 2, 4)] == [["w", "z"], ["y", "x"], []]
    async with followed.reading() as tx:
        totals = [(await expand(tx, one, Wanted(count=count, offset=at)))["expansion"]["total"] for count, at in ((2, 0), (2, 4), (0, 0))]
    assert totals == [4, 4, 4]


async def test_value_sets_inside_a_value_set_are_met_by_all_of_them(followed: Database) -> None:
    await store(
        followed,
        code_system(*(concept(code) for code in ALL)),
        value_set("a", by_filter("code", "regex", "a.")),
        value_set("ones", by_filter("code", "regex", ".1")),
    )
    imports = [value_set(name)["url"] for name in ("a", "ones")]
    assert await codes(followed, value_set("v", {"valueSet": imports})) == ["a1"]
    assert await codes(followed, value_set("v", {"valueSet": imports[:1]}, {"valueSet": imports[1:]})) == [
        "a1",
        "a2",
        "a3",
        "b1",
        "c1",
        "d1",
    ]
    assert await codes(followed, value_set("v", {"system": SIGNS, "valueSet": imports[:1]}, exclude=[{"valueSet": imports[1:]}])) == [
        "a2",
        "a3",
    ]


async def test_a_value_set_made_of_itself_is_refused(followed: Database) -> None:
    first, second = value_set("first"), value_set("second", {"valueSet": [value_set("first")["url"]]})
    first["compose"]["include"] = [{"valueSet": [second["url"]]}]
    await store(followed, first, second)
    with pytest.raises(InvalidResource, match="made of itself"):
        await codes(followed, first["url"])


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (by_filter("smell", "=", "x"), "no property"),
        (by_filter("concept", "resembles", "x"), "not one of R4's"),
        (by_filter("code", "regex", "(a"), "cannot be read"),
        (by_filter("code", "regex", "(?=a)a"), "not carried out here"),
        (by_filter("colour", "is-a", "x"), "about the concept itself"),
        (by_filter("colour", "exists", "maybe"), "true or false"),
        ({"system": SIGNS, "filter": [{"property": "code", "op": "="}]}, "has no value"),
    ],
)
async def test_a_filter_that_cannot_be_carried_out_is_refused(followed: Database, rule: Json, told: str) -> None:
    await store(followed, code_system(concept("a"), property=[{"code": "colour", "type": "string"}]))
    with pytest.raises(InvalidResource, match=told) as error:
        await codes(followed, value_set("v", rule))
    assert error.value.issues[0].expression.startswith("ValueSet.compose.include[0].filter[0]")


async def test_a_system_that_is_unknown_is_told_but_its_listed_codes_are_taken_at_their_word(followed: Database) -> None:
    with pytest.raises(NotFound, match=r"http://loinc\.org"):
        await codes(followed, value_set("v", {"system": "http://loinc.org"}))
    assert await codes(followed, value_set("v", listed("8867-4", system="http://loinc.org"))) == ["8867-4"]
