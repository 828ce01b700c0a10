"""监护人代办: a guardian books, moves and cancels for the ward and sees the bookings, nothing of the record.

The trail names the guardian."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.http.desks import parameters
from tests.http.house import Server
from tests.http.test_attendance import book, parts
from tests.scheduling.region import role, schedule, slot
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_check_digit

Json = dict[str, Any]
BODY = "32010019560312002"
NUMBER = BODY + resident_check_digit(BODY)
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def kin(id: str, of: str, code: str, number: str = NUMBER, **more: Any) -> Json:
    return {
        "resourceType": "RelatedPerson",
        "id": id,
        "identifier": [{"system": urls.RESIDENT_ID, "value": number}],
        "patient": {"reference": f"Patient/{of}"},
        "relationship": [{"coding": [{"system": ROLES, "code": code}]}],
        "name": [{"text": "李秀英"}],
    } | more


@pytest.fixture
async def family(server: Server) -> Server:
    """p1 (the account `resident`) is the grandmother and guardian of p3, a child, and of nobody else."""
    bench = await server.as_("bench")
    me = (await bench.get("/fhir/Patient/p1")).json()
    soon = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=90)  # one may check in already, and still cancel
    me["identifier"].append({"system": urls.RESIDENT_ID, "value": NUMBER})
    resources = [
        me,
        {**role("cardio", "first"), "practitioner": {"reference": "Practitioner/expert"}},
        schedule("s", "PractitionerRole/cardio"),
        slot("now", "s", soon, minutes=30, places=3),
        slot("next", "s", soon + timedelta(hours=25), places=3),
        kin("k1", "p3", "GUARD"),
        kin("k2", "p2", "NBOR"),
        kin("k3", "p2", "MTH"),  # a parent, of somebody who is no child
        kin("k4", "dead", "GUARD"),
    ]
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    return server


async def test_a_guardian_books_moves_and_cancels_for_the_ward(family: Server) -> None:
    me = await family.as_("resident")
    [ward] = parts(await me.get("/fhir/Patient/$wards"), "ward")
    assert (ward["patient"], ward["birth-date"]) == ({"reference": "Patient/p3", "display": "单雄"}, "2024-05-01")
    mine = await book(me, "next", "p3")
    [row] = parts(await me.get("/fhir/Patient/p3/$bookings"), "booking")
    assert (row["id"], row["status"]) == (mine, "booked")
    assert parts(await me.get("/fhir/Patient/p1/$bookings"), "booking") == []
    whole = await me.get("/fhir/Schedule/$calendar", params={"organization": "Organization/first", "start": day(), "patient": "Patient/p3"})
    assert whole.status_code == 200, whole.text
    moved = await me.post(f"/fhir/Appointment/{mine}/$reschedule", json=parameters(slot="Slot/now"))
    assert moved.status_code == 200, moved.text
    came = await me.post(f"/fhir/Appointment/{mine}/$check-in", json=parameters())
    assert came.status_code == 200, came.text
    assert {one["reference"] for one in subjects(came)} == {"Patient/p3"}
    cancelled = await me.post(f"/fhir/Appointment/{mine}/$cancel", json=parameters(reason="孩子好了"))
    assert cancelled.status_code == 200, cancelled.text
    told = await family.value(
        "select string_agg(distinct account || ' ' || agent || ' ' || ground || ' ' || purpose, '; ') from audit_event e"
        " join resource r on r.rid = e.patient where r.id = 'p3' and e.account = 'resident'"
    )
    assert told == "resident Patient/p1 guardian FAMRQT"


async def test_what_is_cancelled_for_a_ward_counts_against_the_ward(family: Server) -> None:
    me = await family.as_("resident")
    mine = await book(me, "next", "p3")
    assert (await me.post(f"/fhir/Appointment/{mine}/$cancel", json=parameters(reason="有事"))).status_code == 200
    assert (
        await family.value("select string_agg(r.id || ' ' || a.kind, ',') from absence a join resource r on r.rid = a.patient")
        == "p3 cancel"
    )


async def test_a_guardian_sees_nothing_of_the_record_and_nobody_else_books(family: Server) -> None:
    me, bench = await family.as_("resident"), await family.as_("bench")
    for address in ("Patient/p3", "Patient/p3/$everything", "Appointment?patient=Patient/p3", "Encounter?patient=Patient/p3"):
        answer = await me.get(f"/fhir/{address}")
        assert answer.status_code in (403, 404) or not answer.json().get("entry"), address
    for stranger in ("p2", "dead"):
        assert (await me.get(f"/fhir/Patient/{stranger}/$bookings")).status_code == 404
        wanted = {
            "resourceType": "Appointment",
            "status": "proposed",
            "slot": [{"reference": "Slot/next"}],
            "participant": [{"actor": {"reference": f"Patient/{stranger}"}, "status": "accepted"}],
        }
        asked = parameters(**{"appointment-resource": wanted, "channel": "web"})
        assert (await me.post("/fhir/Appointment/$hold", json=asked)).status_code == 404
    theirs = await book(bench, "next", "p2", "system")
    assert (await me.post(f"/fhir/Appointment/{theirs}/$cancel", json=parameters(reason="x"))).status_code == 404
    mine = await book(me, "next", "p3")
    assert (await bench.put("/fhir/RelatedPerson/k1", json=kin("k1", "p3", "GUARD", active=False))).status_code == 200
    assert parts(await me.get("/fhir/Patient/$wards"), "ward") == []
    assert (await me.post(f"/fhir/Appointment/{mine}/$cancel", json=parameters(reason="x"))).status_code == 404


def day() -> str:
    return datetime.now(UTC).date().isoformat()


def subjects(answer: Any) -> list[Json]:
    found = next(one["resource"] for one in answer.json()["parameter"] if one["name"] == "appointment")
    return [one["actor"] for one in found["participant"] if one["actor"]["reference"].startswith("Patient/")]
