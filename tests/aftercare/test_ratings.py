"""What patients say of those who received them: once, by themselves or a guardian, and shown without a person in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aftercare.threads import completed_up
from tests.referral.region import Region, up
from yilian.aftercare import ratings
from yilian.aftercare.ratings import Rating
from yilian.errors import Conflict, Forbidden, InvalidResource, NotFound

Resource = dict[str, Any]
GOOD = {"level": 5, "attitude": 4, "cost": 3}


async def rate(region: Region, who: str, task: Resource, rating: Rating | None = None) -> None:
    async with region.db.transaction() as tx:
        await ratings.rate(tx, region.scope(who), task["id"], rating or Rating(GOOD, "医生很耐心"))


async def test_a_patient_rates_once_after_completion(region: Region) -> None:
    _, running = await region.refer("gp", up("p2", specialty="03.01", priority="stat", reason="critical-beyond-capability"))
    with pytest.raises(Conflict, match="completed"):
        await rate(region, "p2", running)
    task = await completed_up(region)
    with pytest.raises(InvalidResource):
        await rate(region, "p1", task, Rating({"level": 6, "attitude": 1}))
    with pytest.raises(NotFound):
        await rate(region, "p2", task)
    with pytest.raises(Forbidden):
        await rate(region, "gp", task)
    await rate(region, "p1", task)
    with pytest.raises(Conflict, match="already"):
        await rate(region, "p1", task)
    async with region.db.reading() as tx:
        assert await ratings.rated(tx, region.scope("p1"), task["id"]) == GOOD
        with pytest.raises(Forbidden):
            await ratings.rated(tx, region.scope("expert"), task["id"])


async def test_the_answer_is_for_the_office_and_not_for_those_who_referred(region: Region) -> None:
    task = await completed_up(region)
    await rate(region, "p1", task)
    async with region.db.reading() as tx:
        id = await tx.fetchval("select r.id from referral_rating t join resource r on r.rid = t.response")
    said = await region.read("office", f"QuestionnaireResponse/{id}")
    assert said["source"] == {"reference": "Patient/p1"}
    with pytest.raises(NotFound):
        await region.read("gp", f"QuestionnaireResponse/{id}")


async def test_a_guardian_speaks_through_the_house_that_referred(region: Region) -> None:
    task = await completed_up(region)
    guardian = {
        "resourceType": "RelatedPerson",
        "id": "daughter",
        "active": True,
        "patient": {"reference": "Patient/p1"},
        "name": [{"text": "李小红"}],
        "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "GUARD"}]}],
    }
    stranger = {**guardian, "id": "neighbour", "relationship": [{"text": "邻居"}]}
    await region.write(guardian, stranger)
    with pytest.raises(InvalidResource):
        await rate(region, "gp", task, Rating(GOOD, guardian="RelatedPerson/neighbour"))
    await rate(region, "gp", task, Rating(GOOD, guardian="RelatedPerson/daughter"))
    with pytest.raises(Conflict):
        await rate(region, "p1", task)


async def test_few_answers_are_withheld_and_many_are_shown_as_means(region: Region) -> None:
    task = await completed_up(region)
    await rate(region, "p1", task)
    async with region.db.transaction() as tx:
        [few] = await ratings.standings(tx)
        assert (few.name, few.many, few.means) == ("云溪市第一人民医院", None, None)
        rid = await tx.fetchval("select rid from resource where id = 'p1'")
        await tx.execute(
            "insert into referral_rating (task_rid, institution, response, level, attitude, cost, rated_at)"
            " select r.rid, $1, $2, 3, 4, 5, now() from resource r where r.id in ('p2', 'p3', 'dead', 'gp')",
            region.rids["Organization/first"],
            rid,
        )
        [enough] = await ratings.standings(tx)
    assert (enough.many, enough.means) == (5, {"level": 3.4, "attitude": 4.0, "cost": 4.6})
