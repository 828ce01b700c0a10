"""`:below` and `:above` on references: a place with all that is part of it, or that it is part of, as far as the asker may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import asyncpg
import pytest

from tests.search.conftest import ZONE, World
from tests.search.loader import Kept, Shelf, load
from yilian.search.kinds.reference import part_of
from yilian.search.parameters import parameters_of
from yilian.search.query import parse
from yilian.search.statement import Statement, count, page
from yilian.store.scope import SYSTEM, Scope

Resource = dict[str, Any]
PLACES, WARDS, STAYS, FINDINGS = 40, 12, 120, 60
CONFINED = {"Location/l5": "Organization/o1", "Location/l2": "Organization/o0", "Organization/o4": "Organization/o1"}


def world(seed: int = 5) -> list[Resource]:
    """Places in a forest, three of them in a circle; institutions in a tree; stays in places, each of them maybe part of another."""
    random = Random(seed)
    found: list[Resource] = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(6)]
    for n in range(9):
        above = {"partOf": {"reference": f"Organization/o{(n - 1) // 2}"}} if n else {}
        found.append({"resourceType": "Organization", "id": f"o{n}", **above})
    for n in range(PLACES):
        above = {"partOf": {"reference": f"Location/l{random.randrange(max(0, n - 6), n)}"}} if n % 13 else {}
        found.append({"resourceType": "Location", "id": f"l{n}", **above})
    for n, up in enumerate((1, 2, 0)):
        found.append({"resourceType": "Location", "id": f"c{n}", "partOf": {"reference": f"Location/c{up}"}})
    found.append({"resourceType": "Location", "id": "beside", "partOf": {"reference": "Location/c1"}})
    everywhere = [one["id"] for one in found if one["resourceType"] == "Location"]
    for n in range(STAYS):
        stay: Resource = {"resourceType": "Encounter", "id": f"e{n}", "status": "finished", "class": {"code": "IMP"}}
        stay["subject"] = {"reference": f"Patient/p{n % 6}"}
        stay["location"] = [
            {"location": {"reference": f"Location/{id_}"}} for id_ in random.sample(everywhere, random.choice([0, 1, 1, 2]))
        ]
        if n and random.random() < 0.6:
            stay["partOf"] = {"reference": f"Encounter/e{random.randrange(n)}"}
        found.append({key: value for key, value in stay.items() if value})
    for n in range(FINDINGS):
        by = random.choice([f"Organization/o{random.randrange(9)}", "Patient/p1"])
        finding: Resource = {"resourceType": "Observation", "id": f"v{n}", "status": "final", "code": {"text": "x"}}
        about = random.choice([f"Patient/p{n % 6}", f"Location/{random.choice(everywhere)}"])
        found.append(finding | {"subject": {"reference": about}, "performer": [{"reference": by}]})
        if n % 3 == 0:
            found[-1]["encounter"] = {"reference": f"Encounter/e{n}"}
    return found


# --- the same in Python


@dataclass(frozen=True, slots=True)
class Closure:
    shelf: Shelf
    seen: Callable[[Kept], bool]

    def of(self, start: str, modifier: str) -> set[str]:
        """`Type/id` of all that `:below` or `:above` means, found by walking the resources themselves."""
        reached, edge = {start}, [start]
        kind = start.partition("/")[0]
        while edge:
            here = edge.pop()
            if modifier == "below":
                beside = [f"{kind}/{kept.resource['id']}" for kept in self.shelf.of(kind) if self.seen(kept) and _above(kept) == here]
            else:
                own = self.shelf.kept.get(here)
                up = _above(own) if own is not None and self.seen(own) else None
                beside = [up] if up is not None and self.seen(self.shelf.kept[up]) else []
            for name in beside:
                if name not in reached:
                    reached.add(name)
                    edge.append(name)
        return reached

    def search(self, kind: str, elements: Callable[[Resource], list[str]], start: str, modifier: str) -> set[str]:
        wanted = self.of(start, modifier)
        return {kept.resource["id"] for kept in self.shelf.of(kind) if self.seen(kept) and not wanted.isdisjoint(elements(kept.resource))}


def _above(kept: Kept) -> str | None:
    text: str | None = kept.resource.get("partOf", {}).get("reference")
    return text


def _refs(*values: Any) -> list[str]:
    return [value["reference"] for value in values if value]


LOOKS: dict[tuple[str, str], tuple[str, Callable[[Resource], list[str]]]] = {
    ("Encounter", "location"): ("Location", lambda r: _refs(*(one["location"] for one in r.get("location", [])))),
    ("Location", "partof"): ("Location", lambda r: _refs(r.get("partOf"))),
    ("Organization", "partof"): ("Organization", lambda r: _refs(r.get("partOf"))),
    ("Encounter", "part-of"): ("Encounter", lambda r: _refs(r.get("partOf"))),
    ("Observation", "performer"): ("Organization", lambda r: _refs(*r["performer"])),
    ("Observation", "subject"): ("Location", lambda r: _refs(r["subject"])),
    ("Observation", "encounter"): ("Encounter", lambda r: _refs(r.get("encounter"))),
}


@pytest.fixture
async def places(connection: asyncpg.Connection) -> World:
    shelf = await load(connection, world(), CONFINED)
    await connection.execute(
        "insert into access_ground (institution, patient, kind, source) select $1, p, 'registered', p from unnest($2::bigint[]) p",
        shelf.rid("Organization/o0"),
        [shelf.rid(f"Patient/p{n}") for n in (1, 3, 4)],
    )
    await connection.execute("analyze")
    return World(connection, shelf)


def township(shelf: Shelf) -> Scope:
    return replace(SYSTEM, reach="grounds", institution="Organization/o0", institution_rid=shelf.rid("Organization/o0"))


def seen_by(scope: Scope, shelf: Shelf) -> Callable[[Kept], bool]:
    grounds = {shelf.rid(f"Patient/p{n}") for n in (1, 3, 4)}

    def seen(kept: Kept) -> bool:
        if scope.reach == "everything" or (kept.shared and kept.patient is None):
            return True
        if kept.confined not in (None, shelf.rid("Organization/o0")):
            return False
        return kept.patient in grounds or (kept.patient is None and kept.confined is not None)

    return seen


@pytest.mark.parametrize("whole", [True, False], ids=["everything", "one institution"])
async def test_every_hierarchy_is_followed_up_and_down_as_far_as_the_asker_sees(places: World, whole: bool) -> None:
    scope = SYSTEM if whole else township(places.shelf)
    closure = Closure(places.shelf, seen_by(scope, places.shelf))
    more = 0
    for (kind, code), (target, elements) in LOOKS.items():
        for kept in places.shelf.of(target)[::2]:
            start = f"{target}/{kept.resource['id']}"
            for modifier in ("below", "above"):
                pair = (f"{code}:{modifier}", start)
                wanted = closure.search(kind, elements, start, modifier)
                assert set(await places.ids(kind, pair, scope=scope)) == wanted, (kind, pair)
                assert await places.total(kind, pair, scope=scope) == len(wanted), (kind, pair)
                more += len(wanted) > len(await places.ids(kind, (code, start), scope=scope))
    assert more > 50


async def test_a_circle_ends_where_it_began(places: World) -> None:
    closure = Closure(places.shelf, lambda kept: True)
    assert closure.of("Location/c0", "below") == {"Location/c0", "Location/c1", "Location/c2", "Location/beside"}
    assert set(await places.ids("Location", ("partof:below", "Location/c0"))) == {"c0", "c1", "c2", "beside"}
    assert set(await places.ids("Location", ("partof:above", "beside"))) == {"c0", "c1", "c2", "beside"}


async def test_several_values_chains_and_other_conditions_go_with_it(places: World) -> None:
    closure = Closure(places.shelf, lambda kept: True)
    look = LOOKS["Encounter", "location"][1]
    either = closure.search("Encounter", look, "Location/l1", "below") | closure.search("Encounter", look, "Location/c0", "below")
    assert set(await places.ids("Encounter", ("location:below", "l1,Location/c0"))) == either
    below = closure.search("Encounter", look, "Location/l0", "below")
    assert below
    linked = {one.resource["id"] for one in places.shelf.of("Observation") if _ids(one, "encounter") & below}
    assert set(await places.ids("Observation", ("encounter.location:below", "Location/l0"))) == linked
    people = {one.resource["subject"]["reference"][8:] for one in places.shelf.of("Encounter") if one.resource["id"] in below}
    assert set(await places.ids("Patient", ("_has:Encounter:patient:location:below", "Location/l0"))) == people
    of_one = {one.resource["id"] for one in places.shelf.of("Encounter") if one.resource["subject"]["reference"] == "Patient/p3"}
    pairs = [("location:below", "Location/l0"), ("patient", "p3"), ("_sort", "-date")]
    assert set(await places.walk("Encounter", pairs, 2)) == below & of_one
    assert await places.walk("Encounter", [("location:below", "Location/l0")], 3) == await places.ids("Encounter", ("location:below", "l0"))
    assert await places.ids("Encounter", ("location:below", "Location/nowhere")) == []


def _ids(kept: Kept, element: str) -> set[str]:
    return {text.partition("/")[2] for text in _refs(kept.resource.get(element))}


def test_the_types_with_parts_are_those_that_point_to_their_own() -> None:
    has = {kind for kind in ("Location", "Organization", "Encounter", "Procedure", "Task", "Observation", "Patient") if part_of(kind)}
    assert has == {"Location", "Organization", "Encounter", "Procedure", "Task"}
    link = part_of("Location")
    assert link is parameters_of("Location")["partof"]


PLAN_LOCATIONS = """
insert into resource (rid, type, id, ver, updated, method, shared, patient, body)
select 5000000 + n, (select type from resource where rid = $1), 'm' || n, 1, now(), 'PUT', true, null, repeat('x', 300)
from generate_series(1, 20000) n
"""


async def test_it_goes_from_index_to_index(places: World) -> None:
    """A hospital of twenty wards among twenty thousand places; the statement is prepared, its plan a general one."""
    db = places.connection
    await db.execute(PLAN_LOCATIONS, places.shelf.rid("Location/l0"))
    link, where = parameters_of("Location")["partof"].id, parameters_of("Encounter")["location"].id
    await db.execute("insert into index_reference select $1, 5000000 + n / 20, 5000000 + n from generate_series(20, 20000) n", link)
    await db.execute("insert into index_reference select $1, 5000000 + n % 20000, 6000000 + n from generate_series(1, 40000) n", where)
    await db.execute("analyze")
    await db.execute("set plan_cache_mode = force_generic_plan")
    for scope in (SYSTEM, township(places.shelf)):
        asked = parse("Encounter", [("location:below", "Location/m900")], zone=ZONE)
        for made in (page(asked, scope), count(asked, scope)):
            plan = await explained(db, made)
            assert "Seq Scan on index_reference" not in plan, plan
            assert "Seq Scan on resource" not in plan, plan
            assert "index_reference_pkey" in plan


async def explained(db: asyncpg.Connection, made: Statement) -> str:
    return "\n".join(row[0] for row in await db.fetch(f"explain {made.sql}", *made.args))
