"""Whoever asks sees what the scope allows: in pages, totals, chains, what goes along, `:not` and `:missing`."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import asyncpg
import pytest

from tests.search.conftest import ZONE, World
from tests.search.loader import Kept, Shelf, load
from tests.search.oracle import Oracle
from tests.search.test_answers import chains, missing, references, together, tokens
from tests.search.world import world
from yilian.search.follow import included
from yilian.search.query import parse
from yilian.search.statement import page
from yilian.search.timeline import timeline
from yilian.store.scope import SYSTEM, Scope

REGISTERED = ("p1", "p3", "p5", "p8")
ENDED = "p2"
CONFINED = {
    "Observation/v13": "Organization/o0",
    "Observation/v25": "Organization/o1",
    "Patient/p5": "Organization/o1",
    "Encounter/e3": "Organization/o1",
}


@pytest.fixture
async def region(connection: asyncpg.Connection) -> World:
    shelf = await load(connection, world(), CONFINED)
    here = shelf.rid("Organization/o0")
    for patient in REGISTERED:
        await connection.execute(
            "insert into access_ground (institution, patient, kind, source) values ($1, $2, 'registered', $2)",
            here,
            shelf.rid(f"Patient/{patient}"),
        )
    await connection.execute(
        "insert into access_ground (institution, patient, kind, source, until) values ($1, $2, 'referral', $2, now() - interval '1 hour')",
        here,
        shelf.rid(f"Patient/{ENDED}"),
    )
    await connection.execute("analyze")
    return World(connection, shelf)


def township(shelf: Shelf) -> Scope:
    return replace(SYSTEM, reach="grounds", institution="Organization/o0", institution_rid=shelf.rid("Organization/o0"))


def oneself(shelf: Shelf) -> Scope:
    return replace(SYSTEM, reach="self", patient_rid=shelf.rid("Patient/p3"))


NOTHING = replace(SYSTEM, reach="nothing")


def oracle_of(scope: Scope, shelf: Shelf) -> Oracle:
    here = shelf.rid("Organization/o0")
    grounds = {shelf.rid(f"Patient/{patient}") for patient in REGISTERED}

    def seen(kept: Kept) -> bool:
        if scope.reach == "everything" or (kept.shared and kept.patient is None):
            return True
        if scope.reach == "grounds":
            if kept.confined not in (None, here):
                return False
            return kept.patient in grounds or (kept.patient is None and kept.confined == here)
        return scope.reach == "self" and kept.patient == shelf.rid("Patient/p3") and kept.confined is None

    return Oracle(shelf, ZONE, seen)


@pytest.mark.parametrize("who", [township, oneself, lambda shelf: NOTHING])
async def test_every_question_stays_within_the_scope(region: World, who: object) -> None:
    scope = who(region.shelf)  # type: ignore[operator]
    oracle = oracle_of(scope, region.shelf)
    found_any = 0
    for kind, pairs in [*tokens(), *references(), *missing(), *chains()]:
        expected = oracle.search(kind, pairs)
        assert set(await region.ids(kind, *pairs, scope=scope)) == expected, (kind, pairs)
        assert await region.total(kind, *pairs, scope=scope) == len(expected), (kind, pairs)
        found_any += bool(expected)
    assert found_any > (2 if scope.reach == "nothing" else 60)  # value sets everyone may see


async def test_conditions_together_stay_within_the_scope(region: World) -> None:
    scope = township(region.shelf)
    oracle = oracle_of(scope, region.shelf)
    for kind, pairs in together(Random(11))[:120]:
        expected = oracle.search(kind, pairs)
        assert set(await region.walk(kind, pairs, 4, scope=scope)) == expected, (kind, pairs)
        assert await region.total(kind, *pairs, scope=scope) == len(expected), (kind, pairs)


async def test_a_search_for_one_patient_sees_what_the_plain_condition_lets_it_see(region: World) -> None:
    """The ground is asked once for all rows of a patient; the answer is that of asking each."""
    scope = township(region.shelf)
    oracle = oracle_of(scope, region.shelf)
    for kind in ("Observation", "Encounter", "Condition"):
        for number in range(30):
            pairs = [("patient", f"p{number}")]
            expected = oracle.search(kind, pairs)
            assert set(await region.ids(kind, *pairs, scope=scope)) == expected
            assert expected or f"p{number}" not in REGISTERED or kind != "Encounter"
            assert set(await region.walk(kind, pairs, 2, scope=scope)) == expected


async def test_pages_of_a_narrow_scope_are_full(region: World) -> None:
    scope = township(region.shelf)
    asked = page(parse("Observation", [("_count", "5")], zone=ZONE), scope)
    assert len(await region.connection.fetch(asked.sql, *asked.args)) > 5


async def test_a_chain_does_not_tell_of_a_patient_out_of_sight(region: World) -> None:
    scope = township(region.shelf)
    everyone = await region.ids("Observation", ("patient.name", "欧阳"))
    assert everyone
    assert await region.ids("Organization", ("_id", "o0"), scope=scope) == ["o0"]
    oracle = oracle_of(scope, region.shelf)
    assert set(await region.ids("Observation", ("patient.name", "欧阳"), scope=scope)) == oracle.search(
        "Observation", [("patient.name", "欧阳")]
    )
    assert await region.ids("Observation", ("patient.birthdate:missing", "false"), ("patient", ENDED), scope=scope) == []


async def test_what_goes_along_is_within_the_scope(region: World) -> None:
    scope = township(region.shelf)
    oracle = oracle_of(scope, region.shelf)
    questions = [
        ("Organization", [("_revinclude", "Encounter:service-provider"), ("_revinclude", "Patient:organization")]),
        ("Practitioner", [("_revinclude", "Observation:performer")]),
        (
            "Observation",
            [("_include", "Observation:subject"), ("_include", "Observation:encounter"), ("_include", "Observation:performer")],
        ),
    ]
    for kind, pairs in questions:
        query = parse(kind, [*pairs, ("_count", "1000")], zone=ZONE)
        asked = page(query, scope)
        rids = [row["rid"] for row in await region.connection.fetch(asked.sql, *asked.args)]
        for whose in (scope, SYSTEM):
            along = included(query.includes, query.revincludes, whose, {kind: rids})
            assert along is not None
            rows = await region.connection.fetch(along.sql, *along.args)
            unseen = [row["id"] for row in rows if not oracle.seen(kept_of(region.shelf, row["rid"]))]
            assert bool(unseen) is (whose is SYSTEM)
            assert len({row["rid"] for row in rows}) == len(rows) > 0


async def test_a_timeline_is_one_patients_and_within_the_scope(region: World) -> None:
    for scope in (SYSTEM, township(region.shelf), oneself(region.shelf)):
        oracle = oracle_of(scope, region.shelf)
        for patient in ("p1", "p2", "p3", "p5", "nobody"):
            expected = {
                f"{kind}/{id_}"
                for kind in ("Observation", "Encounter", "Condition", "RiskAssessment")
                for id_ in oracle.search(kind, [("patient", f"Patient/{patient}")])
            }
            found: list[str] = []
            cursor = None
            while True:
                asked = timeline(patient, (), scope, count=3, cursor=cursor)
                rows = await region.connection.fetch(asked.sql, *asked.args)
                found += [name_of(region.shelf, row["rid"]) for row in rows[:3]]
                if len(rows) <= 3:
                    break
                cursor = asked.cursor_after(rows[2])
            assert len(found) == len(set(found))
            assert set(found) == expected
            some = timeline(patient, ("Encounter", "Condition"), scope, count=50)
            only = {name_of(region.shelf, row["rid"]) for row in await region.connection.fetch(some.sql, *some.args)}
            assert only == {name for name in expected if name.startswith(("Encounter", "Condition"))}


async def test_types_a_token_does_not_cover_are_in_no_answer(region: World) -> None:
    scope = replace(township(region.shelf), reads=frozenset({"Encounter", "Patient"}))
    asked = timeline("p1", (), scope, count=50)
    kinds = {name_of(region.shelf, row["rid"]).split("/")[0] for row in await region.connection.fetch(asked.sql, *asked.args)}
    assert kinds == {"Encounter"}
    assert await region.ids("Observation", ("patient", "p1"), scope=scope) == []
    assert await region.total("Observation", scope=scope) == 0
    assert await region.ids("Encounter", ("patient.name:missing", "false"), scope=scope)
    assert not await region.ids("Encounter", ("service-provider.name:missing", "false"), scope=scope)


def kept_of(shelf: Shelf, rid: int) -> Kept:
    return next(kept for kept in shelf.kept.values() if kept.rid == rid)


def name_of(shelf: Shelf, rid: int) -> str:
    kept = kept_of(shelf, rid)
    return f"{kept.resource['resourceType']}/{kept.resource['id']}"
