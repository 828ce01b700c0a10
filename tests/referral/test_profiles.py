"""What referrals are made of meets the house's own profiles on every step of the way."""

from __future__ import annotations

import random

import pytest

from tests.referral.region import Region, up
from tests.referral.test_walk import EVERYBODY, _actions, given_for
from tests.validation.profiled import book_of, errors, hold
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import YilianError
from yilian.fhir import urls
from yilian.referral.codes import DIRECTIONS
from yilian.referral.states import STATES
from yilian.validation import issues
from yilian.validation.book import Book

REQUEST, TASK = (urls.BASE + f"StructureDefinition/yilian-referral-{part}" for part in ("request", "task"))


def known() -> Book:
    """The codes of the value sets the two profiles are bound to."""
    members: dict[tuple[str, str, str], bool | None] = {}
    for value_set, system, codes in (
        ("referral-direction", urls.REFERRAL_DIRECTION, tuple(DIRECTIONS)),
        ("referral-state", urls.REFERRAL_STATE, tuple(STATES)),
        ("clinical-department", urls.SPECIALTY, tuple(SPECIALTIES)),
    ):
        members.update({(f"{urls.BASE}ValueSet/{value_set}", system, code): True for code in codes})
    return book_of(members=members)


@pytest.mark.parametrize("seed", range(10))
async def test_every_version_of_a_referral_meets_its_profiles(region: Region, seed: int) -> None:
    chance, book = random.Random(seed), known()
    request, task = await region.refer("gp", up("p1", priority=chance.choice(["routine", "stat"])), submit=seed % 3 > 0)
    seen = set()
    for _ in range(14):
        request = await region.read("system", task["focus"]["reference"])
        for resource, profile in ((request, REQUEST), (task, TASK)):
            assert issues(resource) == []
            assert hold(book, resource, profile, also_extensions=True) == []
        seen.add(task["businessStatus"]["coding"][0]["code"])
        open_to = {who: found for who in EVERYBODY if (found := await _actions(region, who, task))}
        if not open_to:
            break
        who = chance.choice(sorted(open_to))
        action = chance.choice(sorted(open_to[who]))
        try:
            task = await region.act(who, task, action, **given_for(task["businessStatus"]["coding"][0]["code"], action, chance))
        except YilianError:
            continue
    assert seen


async def test_a_referral_that_says_too_little_is_told_so(region: Region) -> None:
    request, task = await region.refer("gp", up("p1"))
    bare = {**request, "category": request["category"][1:], "status": "active"}
    del bare["performer"]
    assert errors(hold(known(), bare, REQUEST)) == [("ServiceRequest", "invariant"), ("ServiceRequest.category", "required")]
    assert errors(hold(known(), {**task, "focus": {"reference": "CarePlan/1"}}, TASK)) == [("Task.focus.reference", "value")]
