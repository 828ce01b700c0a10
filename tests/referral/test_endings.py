"""How a referral stops: the patient died or lies elsewhere, cannot travel, will not go, or left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.referral.region import Region, decline_reason, leave_reason, patient, state_of, up
from tests.referral.test_booking import accepted, beds, clinic, fresh, taken
from yilian import policy, referral
from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.referral import marks, worklist
from yilian.referral.commands import NotLegalNow

Resource = dict[str, Any]


async def dies(region: Region, id: str = "p3") -> Resource:
    whole = {key: value for key, value in (await region.read("system", f"Patient/{id}")).items() if key != "meta"}
    await region.write({**whole, "deceasedDateTime": "2026-11-23T09:00:00+08:00"})
    return whole


def stay_in(house: str, status: str = "in-progress", code: str = "IMP", patient: str = "p3", **more: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": "stay",
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{house}"},
        **more,
    }


def circumstance_of(task: Resource) -> str:
    found = next((one for one in task.get("extension", []) if one["url"] == urls.REFERRAL_CIRCUMSTANCE), {"extension": []})
    return next((str(part["valueCoding"]["code"]) for part in found["extension"] if part["url"] == "kind"), "")


async def proposed(region: Region, who: str, task: Resource) -> str:
    """The words of the reason that is proposed with `end`; "" where nothing is."""
    async with region.db.reading() as tx:
        legal = (await referral.actions(tx, region.scope(who), task["id"])).actions
    found = next((one.proposed for one in legal if one.code == "end" and one.proposed), None)
    return str(found.value["valueCodeableConcept"]["text"]) if found else ""


async def test_a_death_marks_the_open_referral_tells_both_and_proposes_to_end_it(region: Region) -> None:
    await clinic(region)
    await beds(region)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a", bed="Location/w")
    await dies(region)
    task = await fresh(region, task)
    assert state_of(task) == "booked"  # it is ended by a person
    assert circumstance_of(task) == "deceased"
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from message where event = 'referral.deceased'") >= 1
    assert await proposed(region, "coordinator", task) == "患者已死亡"  # whose turn it is
    assert await proposed(region, "gp2", task) == ""
    assert "end" in await region.actions("gp2", task)
    task = await region.act("coordinator", task, "end", reason="患者已死亡")
    assert state_of(task) == "cancelled"
    assert task["statusReason"]["text"] == "患者已死亡"
    assert await taken(region) == []
    async with region.db.reading() as tx:
        assert await tx.fetchval("select state from bed_hold") == "released"


async def test_a_death_recorded_in_error_takes_its_mark_away(region: Region) -> None:
    task = await accepted(region)
    whole = await dies(region)
    assert circumstance_of(await fresh(region, task)) == "deceased"
    await region.write(whole)
    task = await fresh(region, task)
    assert circumstance_of(task) == ""
    with pytest.raises(NotLegalNow):
        await region.act("coordinator", task, "end", reason="x")


async def test_the_referral_of_a_dead_patient_is_neither_sent_nor_approved(region: Region) -> None:
    _, draft = await region.refer("gp2", up("p3"), submit=False)
    _, asked = await region.refer("gp", up("p1"))
    await dies(region, "p3")
    await dies(region, "p1")
    with pytest.raises(InvalidResource, match="deceased"):
        await region.act("gp2", await fresh(region, draft), "submit")
    with pytest.raises(InvalidResource, match="deceased"):
        await region.act("head", await fresh(region, asked), "approve")
    assert await proposed(region, "head", await fresh(region, asked)) == "患者已死亡"
    ended = await region.act("head", await fresh(region, asked), "end", reason="患者已死亡")
    assert state_of(ended) == "cancelled"


@pytest.mark.parametrize(
    ("stay", "mark"),
    [
        (stay_in("county"), "admitted"),
        (stay_in("first"), ""),  # the receiver's own ward
        (stay_in("liuhe"), ""),  # the sender's
        (stay_in("county", code="AMB"), ""),
        (stay_in("county", status="planned"), ""),
    ],
)
async def test_who_lies_in_a_third_house_is_marked(region: Region, stay: Resource, mark: str) -> None:
    task = await accepted(region)
    await region.write(stay)
    assert circumstance_of(await fresh(region, task)) == mark
    if mark:
        await region.write({**stay, "status": "finished"})
        assert circumstance_of(await fresh(region, task)) == ""


async def test_a_mark_leaves_state_reason_and_clock_as_they_are(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3"))
    region.clock.later(hours=3)
    due = task["restriction"]
    await region.write(stay_in("county"))
    assert (await fresh(region, task))["restriction"] == due
    asked = await region.act("coordinator", await fresh(region, task), "ask", question="血常规?")
    await dies(region)
    now = await fresh(region, asked)
    assert now["statusReason"] == asked["statusReason"]
    assert circumstance_of(now) == "deceased"


async def test_a_region_may_have_it_ended_by_itself(region: Region) -> None:
    async with region.db.transaction() as tx:
        await policy.put(tx, "referral.ended_by_itself", ["deceased"], valid_from=region.clock.now.date(), source="test")
    task = await accepted(region)
    await region.write(stay_in("county"))
    assert state_of(await fresh(region, task)) == "accepted"
    await dies(region)
    assert state_of(await fresh(region, task)) == "cancelled"


async def test_who_cannot_travel_is_treated_in_place_and_the_referral_waits(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    with pytest.raises(InvalidResource, match="informed"):
        await region.act("gp2", task, "stay", reason="休克")
    task = await region.act("gp2", task, "stay", reason="休克", informed="长子单明,13:20 电话")
    assert (state_of(task), task["status"], task["statusReason"]["text"]) == ("in-place", "on-hold", "休克")
    assert await taken(region) == []
    assert marks.arranged(task) == (None, "")
    assert "restriction" not in task  # nobody is late
    region.clock.later(minutes=30)
    task = await region.act("gp2", task, "stay", expert="周明,云溪市第一人民医院心内科")
    said = marks.in_place(task)
    assert [(one["informed"], one["expert"], one["by"]) for one in said] == [
        ("长子单明,13:20 电话", "", "王芳(柳河镇卫生院)"),
        ("", "周明,云溪市第一人民医院心内科", "王芳(柳河镇卫生院)"),
    ]
    assert said[0]["time"] < said[1]["time"]
    assert task["statusReason"]["text"] == "休克"
    for who in ("gp2", "coordinator"):
        async with region.db.reading() as tx:
            assert [one.id for one in (await worklist(tx, region.scope(who), "in-place")).matches] == [task["id"]]
    task = await region.act("gp2", task, "travel")
    assert state_of(task) == "submitted"
    assert "restriction" in task


async def test_who_refuses_or_leaves_is_still_a_referral_with_its_proof(region: Region) -> None:
    await region.write(
        {"resourceType": "Consent", "id": "yes", "status": "active", **_consent(), "provision": {"type": "permit"}},
        {"resourceType": "Consent", "id": "no", "status": "active", **_consent(), "provision": {"type": "deny"}},
    )
    _, task = await region.refer("gp2", up("p3"))
    with pytest.raises(InvalidResource, match="reason code"):
        await region.act("gp2", task, "leave", reason="不去", witness="护士王丽")
    with pytest.raises(InvalidResource, match="at least one of"):
        await region.act("gp2", task, "leave", reason=leave_reason())
    with pytest.raises(InvalidResource, match="no refusal"):
        await region.act("gp2", task, "leave", reason=leave_reason(), attachment="Consent/yes")
    task = await region.act("gp2", task, "leave", reason=leave_reason(), attachment="Consent/no", witness="护士王丽")
    assert (state_of(task), task["status"]) == ("against-advice", "failed")
    proof = [one for one in task["output"] if one["type"]["coding"][0]["code"] == "refusal"]
    assert [one.get("valueString") or one["valueReference"]["reference"] for one in proof] == ["Consent/no", "见证人:护士王丽"]
    assert (await region.read("system", task["focus"]["reference"]))["status"] == "revoked"
    again, _ = await region.refer("gp2", up("p3"))  # the patient thinks better of it
    assert again["status"] == "active"


async def test_a_patient_may_leave_the_receivers_house(region: Region) -> None:
    task = await region.act("coordinator", await accepted(region), "arrive")
    task = await region.act("expert", task, "leave", reason=leave_reason("left"), witness="护士王丽")
    assert state_of(task) == "against-advice"
    assert task["executionPeriod"]["end"]


async def test_a_declined_referral_is_marked_no_more(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3"))
    task = await region.act("coordinator", task, "decline", reason=decline_reason())
    await dies(region)
    assert circumstance_of(await fresh(region, task)) == ""


async def test_a_death_in_another_record_of_the_person_counts(region: Region) -> None:
    await region.write(patient("p8", "单雄", "male", "2024-05-01", "county"))
    async with region.db.transaction() as tx:
        person = await tx.fetchval("select max(rid) from resource")
        rids = [await tx.fetchval("select rid from resource where id = $1 and type = 103", id) for id in ("p3", "p8")]
        await tx.executemany("insert into person_member (person, patient) values ($1, $2)", [(person, rid) for rid in rids])
    _, task = await region.refer("gp2", up("p3"))
    await dies(region, "p8")
    assert circumstance_of(await fresh(region, task)) == "deceased"
    with pytest.raises(InvalidResource, match="deceased"):
        await region.refer("gp2", up("p3", specialty="04.03"))


def _consent() -> Resource:
    return {
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "64292-6"}]}],
        "patient": {"reference": "Patient/p3"},
        "policyRule": {"text": "转诊知情同意"},
    }
