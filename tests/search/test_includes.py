"""What goes along: `_include` and `_revinclude`, followed as far as asked, against a closure worked out in Python."""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.search.conftest import ZONE, World
from tests.search.loader import Kept, Shelf, load
from tests.search.oracle import Oracle
from tests.search.world import world
from yilian.errors import BadRequest
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.fhir.json import parse as parse_json
from yilian.fhir.references import found as references_in
from yilian.fhir.references import rewrite
from yilian.search.follow import included
from yilian.search.parameters import Parameter, parameters_of
from yilian.search.query import Query, parse
from yilian.store.scope import SYSTEM, Scope

Resource = dict[str, Any]


def tangled(seed: int = 3) -> list[Resource]:
    """The small world with what leads further: wholes and parts, circles, results of results, canonicals with and without versions."""
    random = Random(seed)
    resources = world(seed)
    observations = [r for r in resources if r["resourceType"] == "Observation"]
    for one in observations[:80]:
        members = random.sample(observations, random.choice([0, 1, 2]))
        if members:
            one["hasMember"] = [{"reference": f"Observation/{member['id']}"} for member in members]
        if random.random() < 0.3:
            one["derivedFrom"] = [{"reference": f"Observation/{random.choice(observations)['id']}"}]
    for n in range(3):
        resources.append(
            {"resourceType": "Organization", "id": f"ring{n}", "name": "环", "partOf": {"reference": f"Organization/ring{(n + 1) % 3}"}}
        )
    for one in resources:
        if one["resourceType"] == "Organization" and one["id"].startswith("o"):
            one["partOf"] = {"reference": f"Organization/ring{random.randrange(3)}"}
    for n, version in enumerate(["1.9", "1.10", "1.2", "draft", None, "2"]):
        for family in "ab":
            resources.append(
                {"resourceType": "Questionnaire", "id": f"q{family}{n}", "status": "active", "url": f"https://q.example/{family}"}
                | ({"version": version} if version else {})
            )
    canonicals = [
        "https://q.example/a",
        "https://q.example/a|1.9",
        "https://q.example/b|draft",
        "https://q.example/b#item",
        "https://q.example/c",
    ]
    for n, canonical in enumerate(canonicals):
        resources.append({"resourceType": "QuestionnaireResponse", "id": f"qr{n}", "status": "completed", "questionnaire": canonical})
        resources.append(
            {"resourceType": "PlanDefinition", "id": f"pd{n}", "status": "active", "url": f"https://pd.example/{n}", "version": "1"}
            | {"action": [{"definitionCanonical": canonical}, {"definitionCanonical": f"https://pd.example/{(n + 1) % 5}"}]}
        )
    return resources


@pytest.fixture
async def tangle(connection: Any) -> World:
    return World(connection, await load(connection, tangled()))


# --- the same in Python, one resource at a time


class Closure:
    def __init__(self, shelf: Shelf, query: Query) -> None:
        self.oracle = Oracle(shelf, ZONE)
        self.shelf = shelf
        self.query = query

    def of(self, matches: list[str]) -> set[str]:
        reached = set(matches)
        frontier = [(name, True) for name in matches]
        while frontier:
            name, first = frontier.pop()
            for found in self.step(self.shelf.kept[name], first):
                if found not in reached:
                    reached.add(found)
                    frontier.append((found, False))
        return reached - set(matches)

    def step(self, kept: Kept, first: bool) -> set[str]:
        found: set[str] = set()
        for one in self.query.includes:
            if (first or one.iterate) and one.source in ("", kept.resource["resourceType"]):
                for parameter in [one.parameter] if one.parameter else references(kept.resource["resourceType"]):
                    found |= {t for t in self.forward(kept, parameter) if one.target in ("", t.partition("/")[0])}
        for one in self.query.revincludes:
            if (first or one.iterate) and one.target in ("", kept.resource["resourceType"]):
                for other in self.shelf.kept.values():
                    kind = other.resource["resourceType"]
                    if one.source in ("", kind):
                        for parameter in [one.parameter] if one.parameter else references(kind):
                            if self.points(other, parameter, kept):
                                found.add(name_of(other))
        return found

    def forward(self, kept: Kept, parameter: Parameter) -> set[str]:
        found = set()
        for value, kind in self.oracle.values(kept, parameter):
            if kind == "Reference":
                if value.get("reference") in self.shelf.kept:
                    found.add(value["reference"])
            elif newest := self.meant(value, parameter):
                found.add(name_of(newest))
        return found

    def meant(self, canonical: str, parameter: Parameter) -> Kept | None:
        url, _, version = canonical.partition("#")[0].partition("|")
        there = [
            k
            for k in self.shelf.kept.values()
            if k.resource.get("url") == url
            and k.resource["resourceType"] in parameter.targets
            and (not version or k.resource.get("version") == version)
        ]
        return max(there, key=age, default=None)

    def points(self, other: Kept, parameter: Parameter, to: Kept) -> bool:
        for value, kind in self.oracle.values(other, parameter):
            if kind == "Reference":
                if value.get("reference") == name_of(to):
                    return True
            elif to.resource["resourceType"] in parameter.targets:
                url, _, version = value.partition("|")
                if to.resource.get("url") == url and version in ("", to.resource.get("version")):
                    return True
        return False


def age(kept: Kept) -> Any:
    version = kept.resource.get("version", "")
    numbers = [int(part) for part in version.split(".")] if version.replace(".", "").isdigit() else []
    return numbers, kept.updated, kept.rid


def name_of(kept: Kept) -> str:
    return f"{kept.resource['resourceType']}/{kept.resource['id']}"


def references(kind: str) -> list[Parameter]:
    return [p for p in parameters_of(kind).values() if p.type == "reference"]


async def along(tangle: World, query: Query, matches: list[str], scope: Scope = SYSTEM) -> list[str]:
    kinds: dict[str, list[int]] = {}
    for name in matches:
        kinds.setdefault(name.partition("/")[0], []).append(tangle.shelf.rid(name))
    asked = included(query.includes, query.revincludes, scope, kinds)
    if asked is None:
        return []
    rows = await tangle.connection.fetch(asked.sql, *asked.args)
    return [f"{RESOURCE_TYPES[row['type'] - 1]}/{row['id']}" for row in rows]


# ---


async def compare(there: World, random: Random, rounds: int) -> int:
    """Random inclusions of random matches against the closure; how many of them found something."""
    kinds = sorted({kept.resource["resourceType"] for kept in there.shelf.kept.values()})
    known = {kind: [p.code for p in references(kind)] for kind in kinds}
    compared = 0
    for _ in range(rounds):
        kind = random.choice(kinds)
        pairs = []
        for _ in range(random.choice([1, 1, 2, 3])):
            name = random.choice(["_include", "_include", "_revinclude", "_include:iterate", "_revinclude:iterate"])
            source = random.choice(kinds) if name != "_include" else kind
            code = random.choice([*known[source] * 3, "*"]) if known[source] else "*"
            value = random.choice([f"{source}:{code}"] * 4 + [f"{source}:{code}:{random.choice(kinds)}", "*"])
            pairs.append((name, value))
        try:
            query = parse(kind, pairs, zone=ZONE)
        except BadRequest:  # a parameter that never points there
            continue
        names = [name_of(kept) for kept in there.shelf.of(kind)]
        matches = random.sample(names, min(len(names), random.choice([1, 3, 40])))
        found = await along(there, query, matches)
        assert len(found) == len(set(found)), pairs
        assert set(found) == Closure(there.shelf, query).of(matches), (kind, pairs, matches)
        compared += bool(found)
    return compared


@pytest.mark.parametrize("seed", range(3))
async def test_what_goes_along_is_the_closure(tangle: World, seed: int, record_property: Any) -> None:
    compared = await compare(tangle, Random(seed), 120)
    assert compared > 20
    record_property("compared", compared)


async def test_it_is_the_closure_in_real_records_too(connection: Any, shared_data: Path, record_property: Any) -> None:
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as lines:
        entries = min((parse_json(line) for line in islice(lines, 20)), key=lambda bundle: len(bundle["entry"]))["entry"]
    names = {entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in entries}
    resources = [entry["resource"] for entry in entries]
    for one in resources:
        rewrite(one, names)
        for reference in references_in(one):
            if reference["reference"] not in names.values():  # to an institution by a condition
                reference["display"] = reference.pop("reference")
    there = World(connection, await load(connection, resources))
    compared = await compare(there, Random(1), 100)
    assert compared > 20
    record_property("compared", compared)


async def test_circles_end_and_matches_do_not_come_again(tangle: World) -> None:
    query = parse("Organization", [("_include:iterate", "Organization:partof")], zone=ZONE)
    assert await along(tangle, query, ["Organization/ring0"]) == ["Organization/ring1", "Organization/ring2"]
    assert await along(tangle, query, ["Organization/ring0", "Organization/ring1", "Organization/ring2"]) == []


async def test_without_iterate_one_step_is_taken(tangle: World) -> None:
    query = parse("Organization", [("_include", "Organization:partof")], zone=ZONE)
    assert await along(tangle, query, ["Organization/ring0"]) == ["Organization/ring1"]


@pytest.mark.parametrize(
    ("response", "questionnaire"),
    [("qr0", ["qa5"]), ("qr1", ["qa0"]), ("qr2", ["qb3"]), ("qr3", ["qb5"]), ("qr4", [])],
)
async def test_a_canonical_leads_to_its_version_or_to_the_newest(tangle: World, response: str, questionnaire: list[str]) -> None:
    query = parse("QuestionnaireResponse", [("_include", "QuestionnaireResponse:questionnaire")], zone=ZONE)
    assert await along(tangle, query, [f"QuestionnaireResponse/{response}"]) == [f"Questionnaire/{id}" for id in questionnaire]


async def test_numbered_versions_count_as_numbers(tangle: World) -> None:
    await tangle.connection.execute("update resource set deleted = true, body = '' where id = 'qa5'")
    query = parse("QuestionnaireResponse", [("_include", "QuestionnaireResponse:questionnaire")], zone=ZONE)
    assert await along(tangle, query, ["QuestionnaireResponse/qr0"]) == ["Questionnaire/qa1"]  # 1.10 before 1.9


async def test_what_may_not_be_read_is_no_bridge_and_no_newest(tangle: World) -> None:
    shelf = tangle.shelf
    organization = shelf.rid("Organization/o0")
    scope = Scope("grounds", "gp", "Practitioner/gp", "gp", institution="Organization/o0", institution_rid=organization)
    query = parse("Observation", [("_include:iterate", "Observation:*"), ("_revinclude:iterate", "*")], zone=ZONE)
    start = name_of(next(k for k in shelf.of("Observation") if k.resource.get("hasMember") and k.patient))
    everything = await along(tangle, query, [start])
    assert len(everything) > 50
    patient = shelf.kept[start].patient
    await tangle.connection.execute(
        "insert into access_ground (institution, patient, kind, source) values ($1, $2, 'registered', $2)", organization, patient
    )
    seen = await along(tangle, query, [start], scope)
    assert set(seen) < set(everything)
    assert all(shelf.kept[name].patient == patient or (shelf.kept[name].shared and shelf.kept[name].patient is None) for name in seen)
    without = Scope("grounds", "gp", "Practitioner/gp", "gp", institution_rid=organization, reads=frozenset({"Observation"}))
    assert {name.partition("/")[0] for name in await along(tangle, query, [start], without)} <= {"Observation"}
