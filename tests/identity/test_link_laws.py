"""After any sequence of links, partings, grounds and refusals: the table says what the Persons say, derived grounds and rules are there
exactly while linked, whoever asks by one record of a person is told the same as by any other, and when everything is parted all is as it
was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.access.consents import consent
from tests.identity.conftest import STEWARD, Region, encounter, observation, organization, person
from yilian import app, policy
from yilian.audit import months
from yilian.db import Database
from yilian.errors import Conflict
from yilian.identity import links, matching
from yilian.search.query import parse
from yilian.store.find import find
from yilian.store.scope import SYSTEM

PATIENTS = ("p0", "p1", "p2", "p3", "p4")
PLACES = ("qingshi", "liuhe", "first")

_one = st.sampled_from(PATIENTS)
_step = st.one_of(
    st.tuples(st.just("link"), _one, _one),
    st.tuples(st.just("link"), _one, _one),
    st.tuples(st.just("unlink"), _one, st.just("")),
    st.tuples(st.just("undo"), _one, _one),
    st.tuples(st.just("apart"), _one, _one),
    st.tuples(st.just("treat"), _one, st.sampled_from(PLACES)),
    st.tuples(st.just("cancel"), _one, st.sampled_from(PLACES)),
    st.tuples(st.just("move"), _one, st.sampled_from(PLACES)),
    st.tuples(st.just("refuse"), _one, st.sampled_from(PLACES)),
    st.tuples(st.just("take back"), _one, st.sampled_from(PLACES)),
)

ASKED = (("patient", "Patient/{}"), ("subject", "{}"), ("patient._id", "{}"), ("patient._has:Observation:patient:_id", "o-{}"))

RULES = """
select p.id, s.id as source, coalesce(d.id, '') as derived from consent_rule c join resource p on p.rid = c.patient
join resource s on s.rid = c.source left join resource d on d.rid = c.derived_from
"""

MEMBERS = """
select r.id as person, coalesce(array_agg(p.id order by p.id) filter (where p.id is not null), '{}') as members
from resource r left join person_member m on m.person = r.rid left join resource p on p.rid = m.patient
where r.type = (select type from resource where body like '%"resourceType":"Person"%' limit 1) and not r.deleted group by r.id
"""


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


class World:
    """One database for all sequences; each begins with everything parted and nobody decided."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.visits: dict[tuple[str, str], bool] = {}

    async def begin(self) -> None:
        async with self.region.db.transaction() as tx:
            await tx.execute("update match_task set state = 'open'")

    async def step(self, what: str, one: str, other: str) -> None:
        region = self.region
        if what == "treat" or what == "cancel":
            await region.put(encounter(f"e-{one}-{other}", one, other, "finished" if what == "treat" else "cancelled"))
            return
        if what == "move":
            await region.put(person(one, at=other))
            return
        if what in ("refuse", "take back"):
            status = "active" if what == "refuse" else "inactive"
            await region.put({**consent(one, "deny", other, status=status), "id": f"no-{one}-{other}"})
            return
        a, b = await region.rid(one), (await region.rid(other) if other else 0)
        try:
            async with region.db.transaction() as tx:
                if what == "unlink":
                    await links.unlink(tx, STEWARD, a, reason="测试")
                elif one != other:
                    do = {"link": links.link, "undo": links.undo, "apart": links.keep_apart}[what]
                    await do(tx, STEWARD, a, b, reason="测试")
        except Conflict:
            return

    async def part_all(self) -> None:
        for one in PATIENTS:
            await self.step("unlink", one, "")

    async def check(self) -> None:
        said = {}
        for row in await self.region.rows(
            "select id, body::jsonb -> 'link' as link from resource where body like '%\"resourceType\":\"Person\"%' and not deleted"
        ):
            targets = str(row["link"] or "")
            said[row["id"]] = [one for one in PATIENTS if f'"Patient/{one}"' in targets]
        kept = {row["person"]: list(row["members"]) for row in await self.region.rows(MEMBERS)}
        assert kept == said
        groups = {one: group for group in kept.values() for one in group}
        grounds = {one: await self.region.grounds(one) for one in PATIENTS}
        rules = sorted(tuple(row) for row in await self.region.rows(RULES))
        own = [rule for rule in rules if not rule[2]]
        assert rules == sorted(
            own + [(one, rule[1], rule[0]) for one in PATIENTS for rule in own if rule[0] in groups.get(one, []) and rule[0] != one]
        )
        for one in PATIENTS:
            mine = {ground for ground in grounds[one] if not ground[3]}
            derived = {ground for ground in grounds[one] if ground[3]}
            others = [other for other in groups.get(one, []) if other != one]
            wanted = {(*ground[:3], other) for other in others for ground in grounds[other] if not ground[3]}
            assert derived == wanted, one
            assert mine
        for one in PATIENTS:
            whole = {f"o-{other}" for other in groups.get(one, [one])}
            assert await self.answers(one) == [whole] * len(ASKED), one

    async def answers(self, one: str) -> list[set[str]]:
        """What is found by one record, whichever way it is asked for."""
        told = []
        async with self.region.db.reading() as tx:
            for name, value in ASKED:
                query = parse("Observation", [(name, value.format(one)), ("code", "2345-7")], zone=ZoneInfo("UTC"))
                told.append({found.id for found in (await find(tx, SYSTEM, query)).matches})
        return told

    async def own(self) -> dict[str, set[Any]]:
        return {one: {ground for ground in await self.region.grounds(one) if not ground[3]} for one in PATIENTS}


@pytest.fixture(scope="module")
def world(loop: asyncio.AbstractEventLoop, cluster: str, template: str) -> Iterator[World]:
    from tests.conftest import on_database

    name = "yilian_link_laws"

    async def make() -> World:
        admin = await asyncpg.connect(cluster)
        await admin.execute(f'create database "{name}" template "{template}"')
        await admin.close()
        db = Database(on_database(cluster, name), app.HOOKS)
        await db.open()
        async with db.transaction() as tx:
            await months.ensure(tx)
            await policy.seed(tx)
            await matching.ensure(tx)
        region = Region(db, SYSTEM, SYSTEM, SYSTEM)
        await region.put(*(organization(place) for place in PLACES))
        await region.put(*(person(one, at=PLACES[n % 3], name=f"单雄{'一二三四五'[n]}") for n, one in enumerate(PATIENTS)))
        await region.put(*(observation(f"o-{one}", one) for one in PATIENTS))
        return World(region)

    async def end(made: World) -> None:
        await made.region.db.close()
        admin = await asyncpg.connect(cluster)
        await admin.execute(f'drop database "{name}" with (force)')
        await admin.close()

    made = loop.run_until_complete(make())
    yield made
    loop.run_until_complete(end(made))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_step, min_size=1, max_size=14))
def test_links_keep_their_laws(world: World, loop: asyncio.AbstractEventLoop, steps: list[tuple[str, str, str]]) -> None:
    async def walk() -> None:
        await world.begin()
        for step in steps:
            await world.step(*step)
            await world.check()
        before = await world.own()
        await world.part_all()
        await world.check()
        assert await world.region.members() == []
        assert await world.own() == before

    loop.run_until_complete(walk())
