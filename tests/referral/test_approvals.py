"""Approval chains as data: by direction, priority and payment; substitutes; emergencies are recorded later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.directory.region import service
from tests.referral.region import Region, down, state_of, up
from tests.scheduling.region import put
from yilian import policy
from yilian.directory.offers import Settings
from yilian.errors import Forbidden
from yilian.fhir import urls
from yilian.referral import approvals, worklist

RULES = [
    {"chain": ["head", "medical-affairs", "president"], "coverage": ["自费"]},
    {"chain": ["head", "medical-affairs"], "direction": ["up"], "priority": ["urgent", "asap"]},
    {"chain": ["head"], "direction": ["up", "lateral"]},
]


def test_the_first_rule_that_fits_is_the_chain() -> None:
    assert approvals.chosen(RULES, "up", "routine", "") == ("head",)
    assert approvals.chosen(RULES, "up", "urgent", "城乡居民医保") == ("head", "medical-affairs")
    assert approvals.chosen(RULES, "down", "routine", "自费") == ("head", "medical-affairs", "president")
    assert approvals.chosen(RULES, "down", "routine", "") == ()


async def given(region: Region, name: str, value: Any, where: str = "qingshi") -> None:
    async with region.db.transaction() as tx:
        await policy.put(tx, name, value, valid_from=policy.FROM_THE_START, source="test", institution=region.rids[f"Organization/{where}"])


def posted(region: Region, who: str, role: str) -> None:
    region.scopes[role] = replace(region.scope(who), roles=frozenset({role}), agent="Practitioner/office", name=role)


async def test_who_pays_alone_goes_through_the_whole_chain(region: Region) -> None:
    await given(region, "referral.approval_chain", RULES)
    posted(region, "head", "medical-affairs")
    posted(region, "head", "president")
    form = [{"url": urls.REFERRAL_FORM, "extension": [{"url": "payment", "valueString": "自费"}]}]
    _, task = await region.refer("gp", up("p1", extension=form))
    for who in ("head", "medical-affairs", "president"):
        assert state_of(task) == "in-approval"
        task = await region.act(who, task, "approve")
    assert state_of(task) == "submitted"
    _, other = await region.refer("gp", up("p1", specialty="07"))
    assert state_of(await region.act("head", other, "approve")) == "submitted"
    _, back = await region.refer("gp", down("p2", "qingshi") | up("p2", "county", direction="up", specialty="08"))
    assert state_of(back) == "in-approval"


async def test_a_deputy_approves_but_never_what_is_the_deputys_own(region: Region) -> None:
    _, task = await region.refer("gp", up("p1"))
    with pytest.raises(Forbidden):
        await region.act("gp-colleague", task, "approve")
    await given(region, "referral.deputies", {"head": ["Practitioner/gp-colleague", "Practitioner/gp"]})
    async with region.db.reading() as tx:
        page = await worklist(tx, region.scope("gp-colleague"), "approval")
        assert [one.id for one in page.matches] == [task["id"]]
        assert (await worklist(tx, region.scope("gp"), "approval")).total == 0
    with pytest.raises(Forbidden):
        await region.act("gp", task, "approve")
    assert state_of(await region.act("gp-colleague", task, "approve")) == "submitted"


async def test_a_receivers_service_may_ask_for_approval(region: Region) -> None:
    await put(region.db, service("heart", "first", "03.04", Settings(needs_approval=True)))
    _, task = await region.refer("gp2", up("p3"))
    assert state_of(task) == "in-approval"


async def test_an_emergency_goes_at_once_and_is_recorded_later(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    assert state_of(task) == "submitted"
    async with region.db.reading() as tx:
        assert [one.id for one in (await worklist(tx, region.scope("head"), "retro")).matches] == [task["id"]]
        assert await tx.fetchval("select role from message_reader where event = 'referral.retro'") == "head"
    task = await region.act("coordinator", task, "accept")
    due = task.get("restriction")
    assert "endorse" not in await region.actions("gp", task)
    after = await region.act("head", task, "endorse", note="情况属实,同意")
    assert (state_of(after), after.get("restriction")) == ("accepted", due)
    assert await region.actions("head", after) == []
    async with region.db.reading() as tx:
        assert (await worklist(tx, region.scope("head"), "retro")).total == 0


async def test_what_needs_no_approval_owes_none_later(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3", priority="stat"))
    assert (await region.row(task))["retro_post"] is None
