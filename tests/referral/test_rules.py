"""The rules a referral must meet before it leaves its sender, one by one."""

from __future__ import annotations

import pytest

from tests.referral.region import Region, down, up
from yilian import validation
from yilian.directory import codes as directory_codes
from yilian.directory.institutions import Institution
from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.referral import codes, resources, rules

RULE = {"up": ["higher", "equal"], "down": ["lower"], "lateral": ["equal"]}


def institution(rid: int, tier: str, active: bool = True) -> Institution:
    return Institution(rid, 1, f"Organization/{rid}", "", f"{tier}{rid}", tier, active, False, "")


def faults(direction: str, sender: str, receiver: str, *, reason: str = "", had: set[int] | None = None) -> set[str]:
    known = {"up": "needs-higher-test", "down": "common-disease", "lateral": "other-limits"}
    wish = resources.read_wish(up("p1", direction=direction, reason=reason or known[direction]))
    setting = rules.Setting("Practitioner/gp", institution(1, sender), institution(2, receiver), had or set(), RULE, False)
    return {issue.expression for issue in rules.sending_faults(wish, setting)}


@pytest.mark.parametrize(
    ("direction", "sender", "receiver", "allowed"),
    [
        ("up", "township", "county", True),
        ("up", "township", "city", True),
        ("up", "county", "county", True),
        ("up", "city", "county", False),
        ("down", "city", "township", True),
        ("down", "county", "village", True),
        ("down", "county", "city", False),
        ("down", "county", "county", False),
        ("lateral", "city", "city", True),
        ("lateral", "city", "county", False),
        ("up", "", "county", False),
    ],
)
def test_a_direction_leads_to_the_tiers_of_the_policy(direction: str, sender: str, receiver: str, allowed: bool) -> None:
    assert faults(direction, sender, receiver) == (set() if allowed else {"ServiceRequest.category"})


def test_an_institution_that_had_the_patient_may_have_the_patient_back() -> None:
    assert faults("down", "county", "city") == {"ServiceRequest.category"}
    assert faults("down", "county", "city", had={2}) == set()


@pytest.mark.parametrize("direction", ["up", "down", "lateral"])
def test_each_direction_takes_its_own_reasons(direction: str) -> None:
    places = {"up": ("township", "city"), "down": ("city", "township"), "lateral": ("county", "county")}
    for reason in codes.UP_REASONS | codes.DOWN_REASONS:
        expected = set() if reason in codes.REASONS[direction] else {"ServiceRequest.reasonCode"}
        assert faults(direction, *places[direction], reason=reason) == expected


async def test_nobody_refers_to_the_own_institution_or_to_himself(region: Region) -> None:
    with pytest.raises(InvalidResource, match="does not refer to itself"):
        await region.refer("gp", up("p1", "qingshi", direction="lateral"))
    people = [{"reference": "Organization/first"}, {"reference": "Practitioner/gp"}]
    with pytest.raises(InvalidResource, match="himself or herself"):
        await region.refer("gp", up("p1", performer=people))


async def test_a_receiver_that_is_closed_or_none_is_refused(region: Region) -> None:
    first = await region.read("system", "Organization/first")
    await region.write({**first, "active": False}, {"resourceType": "Organization", "id": "authority", "name": "卫健委"})
    for to, text in (("first", "no longer active"), ("authority", "no institution"), ("nowhere", "no institution")):
        with pytest.raises(InvalidResource, match=text):
            await region.refer("gp", up("p1", to))


async def test_a_referral_written_in_anothers_name_is_refused(region: Region) -> None:
    with pytest.raises(InvalidResource) as caught:
        await region.refer("gp", up("p1", requester={"reference": "Practitioner/gp2"}))
    assert caught.value.issues[0].expression == "ServiceRequest.requester"
    request, _ = await region.refer("gp", up("p1", requester={"reference": "Practitioner/gp"}))
    assert request["requester"] == {"reference": "Practitioner/gp", "display": "张伟"}


async def test_a_department_or_village_post_receives_through_its_institution(region: Region) -> None:
    part = {"resourceType": "Organization", "id": "ward", "name": "心内科", "partOf": {"reference": "Organization/first"}}
    await region.write(part)
    _, task = await region.refer("gp", up("p1", "ward", priority="stat"))
    assert task["owner"]["reference"] == "Organization/first"


async def test_what_the_referrer_wrote_stays_as_it_was_given(region: Region) -> None:
    given = up("p1", bodySite=[{"text": "胸部"}], patientInstruction="空腹", identifier=[{"system": "https://his.example", "value": "A1"}])
    given["extension"] = [{"url": "https://his.example/x", "valueString": "y"}]
    request, _ = await region.refer("gp", given)
    assert {key: request[key] for key in ("bodySite", "patientInstruction")} == {
        key: given[key] for key in ("bodySite", "patientInstruction")
    }
    assert given["identifier"][0] in request["identifier"]
    assert given["extension"][0] in request["extension"]
    assert request["extension"][1] == {
        "url": urls.REFERRAL_SENDER,
        "valueReference": {"reference": "Organization/qingshi", "display": "青石镇卫生院"},
    }
    assert request["locationCode"][0]["coding"][0]["display"] == "心血管内科"


async def test_a_down_referral_answers_only_what_was_ours(region: Region) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    await region.act("coordinator", task, "forward", to="Organization/second")
    with pytest.raises(InvalidResource, match="Only the institution that received"):
        await region.refer("expert2", down("p1", "qingshi", request, specialty="02"))


def test_the_words_of_referral_and_directory_are_valid_resources() -> None:
    for resource in (*codes.definitions(), *directory_codes.definitions()):
        assert [issue for issue in validation.issues(resource) if issue.severity == "error"] == []
    assert len({(one["resourceType"], one["id"]) for one in codes.definitions()}) == len(codes.definitions())
