"""A declined referral finds its next receiver: by itself where the sender agreed, by one press where not; never twice, and not for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.directory.region import put as put_in_directory
from tests.directory.region import service, site
from tests.referral.region import Region, decline_reason, organization, state_of, up
from yilian import policy, referral
from yilian.fhir import urls

Resource = dict[str, Any]
THIRD = "third"
RECEIVERS = {"Organization/first": "coordinator", "Organization/second": "expert2", "Organization/county": "county"}


async def heart_services(region: Region, *where: str) -> None:
    """Cardiology in these institutions, the further down the list the further away."""
    sites = [site(one, 34.0 + 0.1 * place, 117.0) for place, one in enumerate(where, 1)]
    await put_in_directory(region.db, site("liuhe", 34.0, 117.0), *sites, *(service(f"heart-{one}", one, "03.04") for one in where))


async def decline(region: Region, who: str, task: Resource) -> Resource:
    return await region.act(who, task, "decline", reason=decline_reason())


async def last(region: Region) -> Resource:
    async with region.db.reading() as tx:
        id = await tx.fetchval("select task_id from referral order by created_at desc, task_rid desc limit 1")
    return await region.read("system", f"Task/{id}")


async def told(region: Region, event: str) -> int:
    async with region.db.reading() as tx:
        return int(await tx.fetchval("select count(*) from message where event = $1", event))


def chosen_of(task: Resource) -> list[Resource]:
    return next((one["extension"] for one in task["extension"] if one["url"] == urls.REFERRAL_CHOSEN), [])


async def proposed(region: Region, who: str, task: Resource) -> Resource:
    """What is proposed with `redirect`, by name; {} for nothing."""
    async with region.db.reading() as tx:
        answer = referral.actions_answer(await referral.actions(tx, region.scope(who), task["id"]))
    for action in (one for one in answer.get("parameter", []) if one["name"] == "action"):
        parts = {part["name"]: part for part in action["part"]}
        if parts["code"]["valueCode"] == "redirect":
            return {part["name"]: part for part in parts.get("proposed", {}).get("part", [])}
    return {}


async def test_who_agreed_and_named_nobody_is_offered_to_the_best_candidate_with_its_reasons(region: Region) -> None:
    await heart_services(region, "first", "county", "second")
    _, task = await region.refer("gp2", up("p3", "first"), automatic=True)
    await decline(region, "coordinator", task)
    following = await last(region)
    assert following["owner"]["reference"] == "Organization/county"
    assert state_of(following) == "submitted"
    said = chosen_of(following)
    assert {"url": "automatic", "valueBoolean": True} in said
    assert "设有所需专科" in [one.get("valueString") for one in said]
    await decline(region, "county", following)
    assert (await last(region))["owner"]["reference"] == "Organization/second"  # never back to who declined
    assert await told(region, "referral.offers-exhausted") == 0


async def test_it_ends_with_the_candidates_and_the_sender_is_told(region: Region) -> None:
    await heart_services(region, "first", "second")
    _, task = await region.refer("gp2", up("p3", "first"), automatic=True)
    await decline(region, "coordinator", task)
    following = await last(region)
    assert following["owner"]["reference"] == "Organization/second"
    await decline(region, "expert2", following)
    assert (await last(region))["id"] == following["id"]
    assert await told(region, "referral.offers-exhausted") >= 1
    assert "redirect" in await region.actions("gp2", following)


async def test_it_ends_after_so_many_offers(region: Region) -> None:
    await heart_services(region, "first", "county", "second")
    async with region.db.transaction() as tx:
        await policy.put(tx, "referral.offered_on_most", 1, valid_from=region.clock.now.date(), source="test")
    _, task = await region.refer("gp2", up("p3", "first"), automatic=True)
    await decline(region, "coordinator", task)
    following = await last(region)
    await decline(region, RECEIVERS[following["owner"]["reference"]], following)
    assert (await last(region))["id"] == following["id"]
    assert await told(region, "referral.offers-exhausted") >= 1


async def test_who_named_institutions_is_offered_to_no_other(region: Region) -> None:
    await heart_services(region, "first", "county", "second")
    _, task = await region.refer("gp2", up("p3", "first"), alternatives=["Organization/second"], automatic=True)
    await decline(region, "coordinator", task)
    following = await last(region)
    assert following["owner"]["reference"] == "Organization/second"
    await decline(region, "expert2", following)
    assert (await last(region))["id"] == following["id"]


async def test_without_the_senders_word_the_next_is_proposed_to_the_sender_alone(region: Region) -> None:
    await put_in_directory(region.db, organization(THIRD, "云溪县中医院", "county", False))
    await heart_services(region, THIRD, "first", "second")
    _, task = await region.refer("gp2", up("p3", "first"))
    assert await proposed(region, "gp2", task) == {}
    due = await region.changes("gp2", task)
    assert due is not None
    assert datetime.fromisoformat(due["time"]) == (await region.row(task))["due_at"]
    assert await region.changes("coordinator", task) is None  # the receiver may do the same before and after
    region.clock.later(hours=25)
    assert (await proposed(region, "gp2", task))["to"]  # overdue
    whole = {key: value for key, value in (await region.read("system", "Patient/p3")).items() if key != "meta"}
    await region.write({**whole, "deceasedBoolean": True})
    assert await proposed(region, "gp2", task) == {}  # nobody is asked for the dead
    await region.write(whole)
    task = await decline(region, "coordinator", await region.read("system", f"Task/{task['id']}"))
    assert (await last(region))["id"] == task["id"]
    found = await proposed(region, "gp2", task)
    assert found["to"]["valueReference"] == {"reference": f"Organization/{THIRD}", "display": "云溪县中医院"}
    assert found["why"]["valueString"]
    assert await proposed(region, "coordinator", task) == {}
    await region.act("gp2", task, "redirect", to=f"Organization/{THIRD}")
    following = await last(region)
    assert following["owner"]["reference"] == f"Organization/{THIRD}"
    assert {"url": "automatic", "valueBoolean": False} in chosen_of(following)
