"""What is told of by itself, what a write would tell, and what ends: over the states of ground, consent, kind and origin."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.conftest import _command, on_database
from tests.http.house import ORIGIN, running
from tests.http.receiver import events_of
from tests.http.subscribing import begin, listening
from tests.scope.matrix.conftest import Matrix
from tests.scope.matrix.covering import covering
from tests.scope.matrix.posts import Post, beside, posts
from tests.scope.matrix.region import KINDS, ORIGINS, OWN, Region, name_of
from tests.scope.matrix.states import B
from yilian.fhir.definitions import type_id

Json = dict[str, Any]
MADE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WHEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)?|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]+ GMT")
WRITERS = ("gp", "his")
EVERY = 3
"""Of the things that are hidden one in so many is named in conditions."""
APPLICATIONS = ("his", "lis")


@contextmanager
def copied(cluster: str, dsn: str, word: str) -> Iterator[str]:
    """A copy of one's own to write into."""
    name = dsn.rsplit("/", 1)[-1].partition("?")[0]
    asyncio.run(_command(cluster, f'create database "{name}_{word}" template "{name}" strategy file_copy'))
    yield on_database(cluster, f"{name}_{word}")
    asyncio.run(_command(cluster, f'drop database "{name}_{word}" with (force)'))


def some_things(region: Region) -> list[str]:
    """Things in which every two of ground, consent, kind and origin stand together."""
    grounds, consents = (max(key[place] for key in region.cases) + 1 for place in (0, 1))
    rows = covering((grounds, consents, len(KINDS) + 1, len(ORIGINS)), 2)
    return [name_of(region.cases[row[0], row[1]], row[2], row[3]) for row in rows]


@pytest.fixture
def written(cluster: str, matrix: Matrix) -> Iterator[str]:
    with copied(cluster, matrix.dsn, "written") as dsn:
        yield dsn


@pytest.mark.parametrize("account", APPLICATIONS)
async def test_an_application_is_told_of_what_it_may_see_and_of_nothing_else(
    written: str, matrix: Matrix, account: str, record_property: Callable[[str, object], None]
) -> None:
    """Everything is written once more by the region; the numbers of the events have no gap."""
    post, region = _post(account), matrix.region
    chosen = some_things(region)
    filters = tuple(f"{kind}?" for kind in ("Observation", "Condition", "CarePlan") if post.asker.types is None or kind in post.asker.types)
    watched = [name for name in chosen if f"{name.partition('/')[0]}?" in filters]
    expected = [name for name in watched if region.sees(post.asker, region.things[name])]
    async with running(written) as server:
        client, bench = await matrix.client(server, post), await matrix.client(server, _post("bench"))
        asked = listening(filters=filters)
        subscription = await begin(client, asked)
        for start in range(0, len(watched), 100):
            bodies = [{**region.bodies[name][-1], "language": "zh"} for name in watched[start : start + 100]]
            entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in bodies]
            answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
            assert answer.status_code == 200, answer.text[:500]
        async with asyncio.timeout(60):
            while True:
                told = events_of((await client.get(f"/fhir/Subscription/{subscription}/$events")).json())
                if len(told) >= len(expected):
                    break
                await asyncio.sleep(0.2)
        await asyncio.sleep(0.5)
        told = events_of((await client.get(f"/fhir/Subscription/{subscription}/$events")).json())
    assert [number for number, _ in told] == list(range(1, len(expected) + 1))
    assert {focus.removeprefix(f"{ORIGIN}/fhir/") for _, focus in told} == set(expected)
    assert 0 < len(expected) < len(watched)
    record_property("compared", len(watched))


@pytest.mark.parametrize("account", WRITERS)
async def test_a_condition_on_a_write_finds_what_may_be_seen_and_nothing_else(
    written: str, cluster: str, matrix: Matrix, account: str, record_property: Callable[[str, object], None]
) -> None:
    """If-None-Exist, conditional updates, deletions and references that name what is hidden do as if it had never been."""
    post, region = _post(account), matrix.region
    twin = await matrix.twin(post)
    hidden = [name for name in some_things(region) if not region.sees(post.asker, region.things[name])][::EVERY]
    mine = next(case.id for case in region.cases.values() if (case.ground.name, case.consent.name) == ("registered", "nothing said"))
    assert len(hidden) > 50
    name = f"{twin.rsplit('/', 1)[-1].partition('?')[0]}_written"
    await _command(cluster, f'create database "{name}" template "{name.removesuffix("_written")}" strategy file_copy')
    compared = 0
    try:
        async with running(written) as server, running(on_database(cluster, name)) as other:
            there, never = await matrix.client(server, post), await matrix.client(other, post)
            for thing in (region.things[name] for name in hidden):
                for request in _conditional(thing.type, thing.id, mine):
                    answers = [_plain(await client.request(**request)) for client in (there, never)]
                    assert answers[0] == answers[1], (thing, request)
                    compared += 1
            bench = await matrix.client(server, _post("bench"))
            for thing in (region.things[name] for name in hidden):
                assert (await bench.get(f"/fhir/{thing.name}")).json()["meta"]["versionId"] == str(len(region.bodies[thing.name]))
    finally:
        await _command(cluster, f'drop database "{name}" with (force)')
    record_property("compared", compared)


async def test_what_has_an_end_ends_by_itself(written: str, matrix: Matrix) -> None:
    """A ground and a grant with an end are good until then and no longer, with nobody doing anything."""
    region = matrix.region
    about = "patient = (select rid from resource where type = $1 and id = $2)"
    post = _post("gp")
    for ground, consent, kind, table in (
        ("contract", "nothing said", 0, "access_ground"),
        ("contract", "every kind granted", 1, "consent_rule"),
    ):
        case = next(one for one in region.cases.values() if (one.ground.name, one.consent.name) == (ground, consent))
        thing = name_of(case, kind, 0)
        async with running(written) as server:
            client = await matrix.client(server, post)
            assert (await client.get(f"/fhir/{thing}")).status_code == 200
            institution = f"institution = (select rid from resource where type = $3 and id = '{B}')"
            sql = f"update {table} set until = now() + interval '1.5 s' where {about} and {institution} returning 1"
            await server.value(sql, type_id("Patient"), case.id, type_id("Organization"))
            assert (await client.get(f"/fhir/{thing}")).status_code == 200
            await asyncio.sleep(1.6)
            nobody = thing[: -len(case.id)] + "z" * len(case.id)
            gone, never = await client.get(f"/fhir/{thing}"), await client.get(f"/fhir/{nobody}")
            assert (gone.status_code, gone.text) == (404, never.text.replace(nobody.partition("/")[2], thing.partition("/")[2]))
            for search in (f"{thing.partition('/')[0]}?_id={thing.partition('/')[2]}&_total=accurate", f"Patient/{case.id}/$everything"):
                answer = await client.get(f"/fhir/{search}")
                assert thing.partition("/")[2] not in str(answer.json().get("entry", [])), search


def _conditional(kind: str, id: str, mine: str) -> list[Json]:
    """Writes about one's own patient that name something by its number, which is its id here."""
    fresh: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "?"}, "subject": {"reference": f"Patient/{mine}"}}
    condition = f"identifier={OWN}|{id}"
    focus = {**fresh, "focus": [{"reference": f"{kind}?{condition}"}]}
    entries = [
        {"resource": fresh, "request": {"method": "POST", "url": "Observation", "ifNoneExist": condition}},
        {"request": {"method": "DELETE", "url": f"{kind}?{condition}"}},
        {"resource": focus, "request": {"method": "POST", "url": "Observation"}},
    ]
    bundles = [{"resourceType": "Bundle", "type": "transaction", "entry": [one]} for one in entries]
    return [
        {"method": "POST", "url": "/fhir/Observation", "json": fresh, "headers": {"if-none-exist": condition}},
        {"method": "DELETE", "url": f"/fhir/{kind}?{condition}"},
        *({"method": "POST", "url": "/fhir", "json": bundle} for bundle in bundles),
    ]


def _plain(answer: httpx.Response) -> tuple[int, str, str]:
    headers = "\n".join(f"{name}: {value}" for name, value in sorted(answer.headers.items()))
    headers, body = (WHEN.sub("<when>", MADE.sub("<made>", text)) for text in (headers, answer.text))
    return answer.status_code, headers, body


def _post(account: str) -> Post:
    return next(post for post in (*posts(), *beside()) if post.account == account)
