"""监护人代办: a guardian books, moves and cancels for the ward and sees the bookings, nothing of the record.

The trail names the guardian."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.http.desks import opened, parameters
from tests.http.house import Server
from tests.http.test_attendance import book, parts
from tests.scheduling.region import role, schedule, slot
from tests.scheduling.test_attendance import JOB
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_check_digit
from yilian.notifications.templates import templates
from yilian.scheduling import stops, told
from yilian.store.scope import SYSTEM

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


async def messages(server: Server, who: str) -> dict[str, Json]:
    """What is in an inbox, by event."""
    entries = (await (await server.as_(who)).get("/fhir/$messages")).json().get("entry", ())
    return {one["resource"]["topic"]["coding"][0]["code"]: one["resource"] for one in entries}


async def ends(server: Server) -> None:
    kept = await (await server.as_("bench")).put("/fhir/RelatedPerson/k1", json=kin("k1", "p3", "GUARD", active=False))
    assert kept.status_code == 200, kept.text


async def remind(server: Server, appointment: str) -> None:
    """The appointment is in an hour, and was booked long ago."""
    async with opened(server) as db:
        async with db.transaction() as tx:
            await tx.execute(
                "update appointment a set starts = now() + interval '1 hour', created = now() - interval '9 days', reminded = 0"
                " from resource r where r.rid = a.rid and r.id = $1",
                appointment,
            )
        await told.remind(db, JOB)


async def test_a_guardian_is_reminded_of_what_was_booked_for_the_ward(family: Server) -> None:
    me = await family.as_("resident")
    mine = await book(me, "next", "p3")
    await book(me, "next", "p1")
    await remind(family, mine)
    found = await messages(family, "resident")
    assert list(found) == ["booking.reminder-ward"], "nothing of it is about the guardian"
    said = found["booking.reminder-ward"]
    text = said["payload"][0]["contentString"]
    assert text.startswith("您为单雄预约了 ")
    assert "云溪市第一人民医院" in text
    assert (said["about"], said["subject"]) == ([{"reference": f"Appointment/{mine}"}], {"reference": "Patient/p3"})
    await family.application.fhir.house.reads.flush()
    looked = await family.value(
        "select string_agg(distinct ground || ' ' || purpose, ';') from audit_event e join resource r on r.rid = e.patient"
        " where r.id = 'p3' and e.account = 'resident' and e.operation = 'messages'"
    )
    assert looked == "guardian FAMRQT"
    await ends(family)
    closed = (await messages(family, "resident"))["booking.reminder-ward"]
    assert closed["payload"] == [{"contentString": "被监护人就诊提醒"}]
    assert not {"about", "subject"} & closed.keys()
    await remind(family, mine)
    assert await family.value("select count(*) from message where event like '%-ward'") == 1, "nothing more is told"


async def test_a_letter_to_a_guardian_names_nobody_and_does_not_leave_once_the_guardianship_has_ended(family: Server) -> None:
    mine = await book(await family.as_("resident"), "next", "p3")
    await remind(family, mine)
    about = f"Appointment/{mine}"
    async with opened(family) as db:
        async with db.reading() as tx:
            row = await tx.fetchrow("select event, says::text as says from message where event = 'booking.reminder-ward'")
            assert await told.still_guardian(tx, row["event"], about) == {}
        await ends(family)
        async with db.reading() as tx:
            assert await told.still_guardian(tx, row["event"], about) is None
    said = templates()[row["event"]].print_outside("zh", json.loads(row["says"]))
    assert "单雄" not in said
    assert "被监护人" in said


async def test_a_guardian_who_waits_for_the_ward_is_offered_the_place_and_reminded_of_it(family: Server) -> None:
    me, bench = await family.as_("resident"), await family.as_("bench")
    others = []
    for id in ("o1", "o2", "o3"):
        await bench.put(f"/fhir/Patient/{id}", json={"resourceType": "Patient", "id": id, "name": [{"text": id}]})
        others.append(await book(bench, "next", id, "system"))
    at = datetime.now(UTC).date()
    window = {"start": at.isoformat(), "end": (at + timedelta(days=4)).isoformat()}
    await bench.post(f"/fhir/Appointment/{await book(bench, 'now', 'o1', 'system')}/$cancel", json=parameters(reason="x"))
    async with opened(family) as db, db.transaction() as tx:
        await tx.execute("update slot s set stopped = true from resource r where r.rid = s.rid and r.id = 'now'")
    asked = parameters(patient="Patient/p3", organization="Organization/first", schedule="Schedule/s", **window)
    waits = await me.post("/fhir/Appointment/$wait", json=asked)
    assert waits.status_code == 201, waits.text
    assert (await bench.post(f"/fhir/Appointment/{others[0]}/$cancel", json=parameters(reason="x"))).status_code == 200
    offer = (await messages(family, "resident"))["waitlist.offer-ward"]
    assert offer["payload"][0]["contentString"].startswith("您为单雄候补的")
    held = offer["about"][0]["reference"]
    assert (await me.post("/fhir/Appointment/$book", json=parameters(**{"appointment-reference": held}))).status_code == 201
    await remind(family, held.removeprefix("Appointment/"))
    assert (await messages(family, "resident"))["booking.reminder-ward"]["about"] == [{"reference": held}]


async def test_a_guardian_is_answered_who_appealed_for_the_ward(family: Server) -> None:
    me, office = await family.as_("resident"), await family.as_("office")
    mine = await book(me, "next", "p3")
    assert (await me.post(f"/fhir/Appointment/{mine}/$cancel", json=parameters(reason="有事"))).status_code == 200
    made = await me.post(f"/fhir/Appointment/{mine}/$appeal", json=parameters(reason="当天住院"))
    appeal = made.json()["parameter"][0]["valueString"]
    assert (await office.post("/fhir/Appointment/$decide-appeal", json=parameters(appeal=appeal, action="grant"))).status_code == 200
    said = (await messages(family, "resident"))["booking.appeal-granted-ward"]
    assert "您为单雄提出的" in said["payload"][0]["contentString"]


async def test_a_guardian_is_told_of_a_stop(family: Server) -> None:
    mine = await book(await family.as_("resident"), "next", "p3")
    async with opened(family) as db, db.transaction() as tx:
        now = tx.now
        assert (await stops.stop(tx, SYSTEM, "s", now, now + timedelta(days=3), "医师外出")).told == 1
    said = (await messages(family, "resident"))["booking.stopped"]
    assert "单雄" in said["payload"][0]["contentString"]
    assert (said["about"], said["subject"]) == ([{"reference": f"Appointment/{mine}"}], {"reference": "Patient/p3"})


def test_every_event_of_a_ward_is_also_one_of_the_patients() -> None:
    named = {event for event in templates() if event.endswith(told.WARD)}
    assert named == set(told.WARDS)
    for event in named:
        own = templates()[event.removesuffix(told.WARD)]
        mine = templates()[event]
        assert (mine.kind, mine.values, mine.channels, mine.must) == (own.kind, own.values, own.channels, own.must)


def day() -> str:
    return datetime.now(UTC).date().isoformat()


def subjects(answer: Any) -> list[Json]:
    found = next(one["resource"] for one in answer.json()["parameter"] if one["name"] == "appointment")
    return [one["actor"] for one in found["participant"] if one["actor"]["reference"].startswith("Patient/")]
