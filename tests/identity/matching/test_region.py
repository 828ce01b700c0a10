"""Training and a run over a real database: models versioned, pairs kept, decisions never taken back."""

from __future__ import annotations

import json
from random import Random

import pytest

from bench.match_table import records
from tests.identity.matching.conftest import Json, delete, person, put
from yilian.cli import main
from yilian.command import match as command
from yilian.config import Settings
from yilian.db import Database
from yilian.errors import NotFound
from yilian.identity import matching
from yilian.identity.matching import models
from yilian.identity.matching import region as whole
from yilian.identity.matching.model import difference
from yilian.jobs import Job
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write


async def fill(db: Database, count: int = 250) -> list[tuple[int, dict[str, object]]]:
    made = [(whose, {**patient, "id": f"r{place}"}) for place, (whose, patient) in enumerate(records(count, Random(11)))]
    sound = [one for one in made if not any(issue.severity == "error" for issue in db.hooks.validate(one[1]))]
    await put(db, *(patient for _, patient in sound))
    return sound


async def test_a_run_finds_who_is_registered_twice_and_takes_back_nothing_that_was_decided(region: Database) -> None:
    made = await fill(region)
    whose = {str(patient["id"]): person for person, patient in made}
    trained = await whole.train(region, by="tester")
    assert trained.model.version == 2
    ran = await whole.run(region)
    assert ran.patients == len(made)
    async with region.reading() as tx:
        rows = await tx.fetch(
            "select a.id as one, b.id as other, c.* from match_candidate c"
            " join resource a on a.rid = c.first join resource b on b.rid = c.second"
        )
    assert len(rows) == ran.found.pairs
    sure = [row for row in rows if row["auto"]]
    assert len(sure) == ran.found.sure > 20
    assert all(whose[row["one"]] == whose[row["other"]] for row in sure)
    assert all(row["score"] >= 0.999 and row["model"] == 2 and row["state"] == "new" for row in sure)

    different, left = sure[0], sure[1]
    async with region.transaction() as tx:
        await tx.execute(
            "update match_candidate set state = 'different' where first = $1 and second = $2", different["first"], different["second"]
        )
    await delete(region, left["one"])
    again = await whole.run(region)
    async with region.reading() as tx:
        states = {(row["first"], row["second"]): row["state"] for row in await tx.fetch("select first, second, state from match_candidate")}
    assert states[different["first"], different["second"]] == "different"
    assert (left["first"], left["second"]) not in states
    assert again.found.pairs == len(states)


async def test_models_are_versions_one_of_them_in_use(region: Database) -> None:
    await fill(region, 150)
    await whole.train(region, by="tester", note="first")
    await whole.train(region, by="tester", use=False)
    async with region.reading() as tx:
        listed = await models.listed(tx)
        assert [(one.version, one.by, one.active) for one in listed] == [(3, "tester", False), (2, "tester", True), (1, "shipped", False)]
        second, third = await models.by_version(tx, 2), await models.by_version(tx, 3)
        assert (await models.active(tx)).version == 2
        assert await models.terms_of(tx, second)
        assert not await models.terms_of(tx, await models.by_version(tx, 1))
        with pytest.raises(NotFound):
            await models.by_version(tx, 9)
    assert len(difference(second, third)) == sum(len(levels) for levels in second.weights.values())
    async with region.transaction() as tx:
        await models.use(tx, 1)
    async with region.reading() as tx:
        assert (await models.active(tx)).version == 1


ASKER = Scope("everything", "his", "Device/his", "his")


async def test_whoever_is_registered_is_looked_up_afterwards(region: Database) -> None:
    one = person("one", phone="16900123456", address="四川省云溪市云溪县青石镇石坎村3组12号")

    async def written(*patients: Json) -> None:
        async with region.transaction() as tx:
            await write(tx, ASKER, [Change("PUT", "Patient", patient["id"], patient) for patient in patients])
        async with region.transaction() as tx:
            due = await tx.fetch("delete from job where kind = $1 returning id, payload::text as payload", matching.FIND)
        for row in due:
            await matching.look_up(region, Job(row["id"], matching.FIND, json.loads(row["payload"]), None, 1, {}, "w"))

    async def pairs() -> list[tuple[bool, str]]:
        async with region.reading() as tx:
            return [(row["auto"], row["state"]) for row in await tx.fetch("select auto, state from match_candidate")]

    await written(one, person("other", "李秀英", "1980-01-01", "female"))
    assert await pairs() == []
    await written({**one, "id": "two", "name": [{"text": "单雄新"}]})
    assert await pairs() == [(True, "new")]
    await written(person("two", "王芳", "1990-02-03", "female"))
    assert await pairs() == []


async def test_a_load_is_left_to_a_run(region: Database) -> None:
    await put(region, *(person(f"p{n}", born=f"19{n:02}-01-01") for n in range(30, 60)))
    async with region.transaction() as tx:
        await write(tx, ASKER, [Change("PUT", "Patient", f"q{n}", person(f"q{n}", born=f"19{n:02}-01-01")) for n in range(30, 60)])
        assert await tx.fetchval("select count(*) from job where kind = $1", matching.FIND) == 0


def test_models_are_listed_compared_and_taken_into_use_on_the_command_line(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(database_url=dsn)
    assert command.show(settings) == 0
    assert "shipped" in capsys.readouterr().out
    assert command.diff(settings, 1, 1) == 0
    assert "homophone" in capsys.readouterr().out
    assert command.use(settings, 1) == 0
    assert main(["match", "diff", "1", "9", "--database-url", dsn]) == 1
    assert "no matching model 9" in capsys.readouterr().err
    assert main(["match", "train", "--database-url", dsn]) == 1
    assert "100 patients" in capsys.readouterr().err
