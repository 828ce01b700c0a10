"""$find, $hold, $book, $cancel, $reschedule over HTTP, as a resident and as a township doctor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.http.house import Server
from tests.scheduling.region import role, schedule, slot
from yilian.fhir import urls

Json = dict[str, Any]
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
WINDOW = {"start": SOON.date().isoformat(), "end": (SOON + timedelta(days=2)).date().isoformat()}


@pytest.fixture
async def clinic(server: Server) -> Server:
    bench = await server.as_("bench")
    resources = [
        {**role("cardio", "first"), "practitioner": {"reference": "Practitioner/expert"}},
        schedule("s", "PractitionerRole/cardio"),
        *(slot(f"a{n}", "s", SOON + timedelta(hours=n), places=2) for n in range(3)),
    ]
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    return server


async def found(client: Any, **more: str) -> list[Json]:
    answer = await client.get("/fhir/Appointment/$find", params={**WINDOW, **more})
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def taking(proposed: Json, patient: str = "p1") -> Json:
    wanted = {**proposed, "participant": [*proposed["participant"], {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}]}
    return {"resourceType": "Parameters", "parameter": [{"name": "appointment-resource", "resource": wanted}]}


def referring(id: str) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "appointment-reference", "valueString": f"Appointment/{id}"}]}


def the_one(answer: Any) -> Json:
    assert answer.status_code in (200, 201), answer.text
    [entry] = answer.json()["entry"]
    return dict(entry["resource"])


async def test_a_resident_finds_holds_books_moves_and_cancels(clinic: Server) -> None:
    me = await clinic.as_("resident")
    proposals = await found(me, specialty=f"{urls.SPECIALTY}|03.04")
    assert [one["slot"][0]["reference"] for one in proposals] == ["Slot/a0", "Slot/a1", "Slot/a2"]
    assert {one["status"] for one in proposals} == {"proposed"}
    assert proposals[0]["extension"][0]["valuePositiveInt"] == 2
    held = the_one(await me.post("/fhir/Appointment/$hold", json=taking(proposals[0])))
    assert held["status"] == "pending"
    assert (await found(me, practitioner="Practitioner/expert"))[0]["extension"][0]["valuePositiveInt"] == 1
    booked = the_one(await me.post("/fhir/Appointment/$book", json=referring(held["id"])))
    assert (booked["id"], booked["status"]) == (held["id"], "booked")
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "slot", "valueString": "Slot/a2"}]}
    moved = the_one(await me.post(f"/fhir/Appointment/{booked['id']}/$reschedule", json=parameters))
    assert moved["slot"] == [{"reference": "Slot/a2"}]
    read = await me.get(f"/fhir/Appointment/{booked['id']}")
    assert read.json()["start"] == moved["start"]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": "临时有事"}]}
    assert the_one(await me.post(f"/fhir/Appointment/{booked['id']}/$cancel", json=parameters))["status"] == "cancelled"
    assert [one["extension"][0]["valuePositiveInt"] for one in await found(me, schedule="Schedule/s")] == [2, 2, 2]


async def test_two_ask_for_the_last_place_and_one_is_told_no(clinic: Server) -> None:
    doctor, me = await clinic.as_("gp"), await clinic.as_("resident")
    [first, *_] = await found(doctor, organization="Organization/first")
    the_one(await doctor.post("/fhir/Appointment/$book", json=taking(first, "p2")))
    the_one(await me.post("/fhir/Appointment/$book", json=taking(first)))
    bench = await clinic.as_("bench")
    await bench.put("/fhir/Patient/late", json={"resourceType": "Patient", "id": "late", "name": [{"text": "迟来"}]})
    refused = await bench.post("/fhir/Appointment/$book", json=taking(first, "late"))
    assert refused.status_code == 409
    assert "约满" in refused.json()["issue"][0]["details"]["text"]
    assert len(await found(doctor, organization="Organization/first")) == 2


async def test_nobody_books_for_whom_one_does_not_see(clinic: Server) -> None:
    stranger = await clinic.as_("gp2")
    [first, *_] = await found(stranger, schedule="Schedule/s")
    assert (await stranger.post("/fhir/Appointment/$book", json=taking(first))).status_code == 404


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"start": ""}, 400),
        ({"start": "2026-01-01", "end": "2026-12-31", "specialty": "03.04"}, 400),
        ({}, 400),
        ({"visit-type": "party", "specialty": "03.04"}, 400),
        ({"specialty": "http://elsewhere|03.04"}, 400),
        ({"practitioner": "Patient/p1"}, 400),
        ({"colour": "red"}, 400),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(clinic: Server, more: dict[str, str], status: int) -> None:
    me = await clinic.as_("resident")
    assert (await me.get("/fhir/Appointment/$find", params={**WINDOW, **more})).status_code == status


async def test_pages_of_free_places(clinic: Server) -> None:
    me = await clinic.as_("resident")
    answer = (await me.get("/fhir/Appointment/$find", params={**WINDOW, "schedule": "Schedule/s", "_count": "2"})).json()
    assert len(answer["entry"]) == 2
    following = next(one["url"] for one in answer["link"] if one["relation"] == "next")
    rest = (await me.get(following)).json()
    assert [entry["resource"]["slot"][0]["reference"] for entry in rest["entry"]] == ["Slot/a2"]
