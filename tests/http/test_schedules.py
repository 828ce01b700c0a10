"""排班 as the pages and other systems see it: templates kept by their institution, previewed, applied, stopped, and reported on."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import REGION_ZONE
from tests.http.house import Server
from tests.scheduling.region import exception, role, row, schedule
from yilian.fhir import urls

Json = dict[str, Any]
ZONE = ZoneInfo(REGION_ZONE)
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROW = row(EVERY_DAY, "08:00:00", "12:00:00", 60, 4, holidays=True)


def values(answer: Any, status: int = 200) -> dict[str, list[Any]]:
    """The parameters by name; a part is a dict of its values."""
    assert answer.status_code == status, answer.text
    found: dict[str, list[Any]] = {}
    for one in answer.json().get("parameter", []):
        found.setdefault(one["name"], []).append(value(one))
    return found


def value(one: Json) -> Any:
    if "part" in one:
        parts: dict[str, Any] = {}
        for part in one["part"]:
            if part["name"] in parts:
                parts[part["name"]] = [
                    *(parts[part["name"]] if isinstance(parts[part["name"]], list) else [parts[part["name"]]]),
                    value(part),
                ]
            else:
                parts[part["name"]] = value(part)
        return parts
    [found] = [one[key] for key in one if key.startswith("value")]
    return found


def asking(**given: Any) -> Json:
    parameters: list[Json] = []
    for name, one in given.items():
        called = name.replace("_", "-")
        for each in one if isinstance(one, list) else [one]:
            if isinstance(each, dict):
                parameters.append({"name": called, "resource": each})
            else:
                key = "valueBoolean" if isinstance(each, bool) else "valueInteger" if isinstance(each, int) else "valueString"
                parameters.append({"name": called, key: each})
    return {"resourceType": "Parameters", "parameter": parameters}


def day(ahead: int) -> str:
    return (datetime.now(ZONE).date() + timedelta(days=ahead)).isoformat()


@pytest.fixture
async def doctor(server: Server) -> Server:
    """The first hospital's cardiologist, without any schedule yet."""
    bench = await server.as_("bench")
    assert (await bench.put("/fhir/PractitionerRole/cardio", json=role("cardio", "first"))).status_code == 201
    return server


async def kept(server: Server, *extensions: Json) -> str:
    """A schedule the coordinator wrote, applied; its id."""
    desk = await server.as_("coordinator")
    made = schedule("", "PractitionerRole/cardio") | {"extension": list(extensions)}
    del made["id"]
    answer = await desk.post("/fhir/Schedule", json=made)
    assert answer.status_code == 201, answer.text
    id = str(answer.json()["id"])
    values(await desk.post(f"/fhir/Schedule/{id}/$apply", json=asking()))
    return id


async def free(server: Server, id: str) -> list[Json]:
    me = await server.as_("gp")
    answer = await me.get("/fhir/Appointment/$find", params={"start": day(1), "end": day(8), "schedule": f"Schedule/{id}", "_count": "500"})
    return [entry["resource"] for entry in answer.json().get("entry", [])]


async def booked(server: Server, proposed: Json, who: str = "gp", patient: str = "p1") -> Json:
    client = await server.as_(who)
    wanted = {**proposed, "participant": [*proposed["participant"], {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}]}
    answer = await client.post("/fhir/Appointment/$book", json=asking(appointment_resource=wanted, channel="referral"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["entry"][0]["resource"])


async def test_a_template_is_previewed_applied_and_bookable(doctor: Server) -> None:
    desk = await doctor.as_("coordinator")
    draft = schedule("", "PractitionerRole/cardio") | {"extension": [ROW]}
    del draft["id"]
    seen = values(await desk.post("/fhir/Schedule/$preview", json=asking(schedule=draft, until=day(3))))
    assert 8 <= len(seen["make"]) <= 12
    assert seen["make"][0]["places"] == 4
    id = await kept(doctor, ROW)
    assert len(await free(doctor, id)) == 8 * 4
    again = values(await desk.post("/fhir/Schedule/$preview", json=asking(schedule={**draft, "id": id})))
    assert "make" not in again
    assert again["same"][0] > 100
    leave = {**draft, "id": id, "extension": [ROW, exception("leave", day(2), day(3), reason="学习")]}
    assert len(values(await desk.post("/fhir/Schedule/$preview", json=asking(schedule=leave)))["remove"]) == 8
    found = (await desk.get("/fhir/Schedule", params={"active": "true", "_include": "Schedule:actor"})).json()
    assert {entry["resource"]["resourceType"] for entry in found["entry"]} == {"Schedule", "PractitionerRole"}


async def test_a_template_that_makes_no_sense_is_refused_where_it_is_written(doctor: Server) -> None:
    desk = await doctor.as_("coordinator")
    wrong = schedule("", "PractitionerRole/cardio") | {"extension": [row(("mon",), "08:00:00", "12:00:00", 240, 4)]}
    del wrong["id"]
    answer = await desk.post("/fhir/Schedule", json=wrong)
    assert answer.status_code == 422
    assert "60 分钟" in answer.json()["issue"][0]["details"]["text"]


@pytest.mark.parametrize("who", ["expert2", "resident", "office", "gp"])
async def test_others_do_not_keep_it(doctor: Server, who: str) -> None:
    id = await kept(doctor, ROW)
    other = await doctor.as_(who)
    for call in ("$apply", "$stop", "$resume"):
        answer = await other.post(
            f"/fhir/Schedule/{id}/{call}", json=asking(start=day(1), end=day(1), reason="x") if call != "$apply" else asking()
        )
        assert answer.status_code in (400, 403, 404), (call, answer.text)
    assert len(await free(doctor, id)) == 8 * 4


async def test_a_day_is_stopped_and_whoever_had_it_is_moved(doctor: Server) -> None:
    id = await kept(doctor, ROW)
    proposals = await free(doctor, id)
    mine = await booked(doctor, proposals[0])
    desk = await doctor.as_("coordinator")
    first = proposals[0]["start"][:10]
    done = values(await desk.post(f"/fhir/Schedule/{id}/$stop", json=asking(start=first, end=first, reason="外出会诊")))
    assert (done["slots"], done["told"]) == ([4], [1])
    listed = values(await desk.get("/fhir/Schedule/$stopped", params={"schedule": f"Schedule/{id}"}))
    [one] = listed["appointment"]
    assert one["patient"]["display"] == "李秀英"
    assert one["proposal"]["same"] is True
    assert one["proposal"]["start"][:10] > first
    moved = values(await desk.post("/fhir/Schedule/$move-stopped", json=asking(appointment=[f"Appointment/{mine['id']}"])))
    assert moved["moved"] == [{"reference": f"Appointment/{mine['id']}"}]
    assert "appointment" not in values(await desk.get("/fhir/Schedule/$stopped"))
    gp = await doctor.as_("gp")
    new = (await gp.get(f"/fhir/Appointment/{mine['id']}")).json()["start"]
    assert datetime.fromisoformat(new) == datetime.fromisoformat(one["proposal"]["start"])
    for _ in range(50):
        traced = await doctor.value("select count(distinct patient) from audit_event where operation = 'stopped' and patient is not null")
        if traced:
            break
        await asyncio.sleep(0.1)
    assert traced == 1, "whose name was shown is in the trail"
    assert values(await desk.post(f"/fhir/Schedule/{id}/$resume", json=asking(start=first, end=first)))["slots"] == [4]


async def test_the_list_of_the_stopped_is_for_those_who_keep_schedules_here(doctor: Server) -> None:
    for who in ("resident", "office", "admin"):
        assert (await (await doctor.as_(who)).get("/fhir/Schedule/$stopped")).status_code == 403


async def test_a_course_of_visits_is_booked_and_its_rest_cancelled(doctor: Server) -> None:
    id = await kept(doctor, ROW)
    gp = await doctor.as_("gp")
    [first, *_] = await free(doctor, id)
    wanted = {**first, "participant": [*first["participant"], {"actor": {"reference": "Patient/p1"}, "status": "accepted"}]}
    answer = await gp.post(
        "/fhir/Appointment/$book-series", json=asking(appointment_resource=wanted, channel="referral", visits=3, every_days=2)
    )
    assert answer.status_code == 201, answer.text
    made = [entry["resource"] for entry in answer.json()["entry"]]
    assert [date.fromisoformat(one["start"][:10]) - date.fromisoformat(made[0]["start"][:10]) for one in made] == [
        timedelta(days=2 * n) for n in range(3)
    ]
    rest = await gp.post(f"/fhir/Appointment/{made[1]['id']}/$cancel-series", json=asking(reason="好转"))
    assert [entry["resource"]["status"] for entry in rest.json()["entry"]] == ["cancelled", "cancelled"]
    too_many = await gp.post(
        "/fhir/Appointment/$book-series", json=asking(appointment_resource=wanted, channel="referral", visits=3, every_days=80)
    )
    assert too_many.status_code == 409


async def test_the_calendar_is_read_by_all_and_kept_by_administrators(doctor: Server) -> None:
    me, admin = await doctor.as_("resident"), await doctor.as_("admin")
    known = values(await me.get("/fhir/Schedule/$working-days", params={"year": "2026"}))
    assert (known["announced"], len(known["day"])) == ([True], 39)
    assert values(await me.get("/fhir/Schedule/$working-days", params={"year": "2027"}))["announced"] == [False]
    assert values(await me.get("/fhir/Schedule/$working-days", params={"year": "2031"}))["known"] == [False]
    given = asking(day="2027-02-04", works=False, name="春节", source="国办通知")
    assert (await me.post("/fhir/Schedule/$set-working-day", json=given)).status_code == 403
    after = values(await admin.post("/fhir/Schedule/$set-working-day", json=given))
    assert {"date": "2027-02-04", "works": False, "name": "春节", "source": "国办通知"} in after["day"]
    assert values(await admin.post("/fhir/Schedule/$set-working-day", json=asking(year=2027, announced=True)))["announced"] == [True]
    gone = values(await admin.post("/fhir/Schedule/$set-working-day", json=asking(day="2027-02-04", remove=True)))
    assert "2027-02-04" not in {one["date"] for one in gone["day"]}
    assert (await admin.post("/fhir/Schedule/$set-working-day", json=asking(day="2027-02-30", works=True, name="x"))).status_code == 400


async def test_the_report_counts_what_was_released_reserved_and_used(doctor: Server) -> None:
    """Sixteen places a day: 30 % of them are kept for the grassroots, in whole places."""
    id = await kept(doctor, ROW)
    await booked(doctor, (await free(doctor, id))[0])
    office, first = await doctor.as_("office"), day(2)
    period = {"start": day(1), "end": day(8)}
    [line] = values(await office.get("/fhir/Schedule/$pool-report", params=period))["institution"]
    assert line["reference"]["reference"] == "Organization/first"
    assert line["all"]["places"] == 8 * 16
    assert line["all"]["reserved"] == 8 * 5, "5 of 16, the next whole place above 4.8"
    assert (line["all"]["taken"], line["all"]["by-grassroots"]) == (1, 1)
    assert line["released"] == {"share": 1, "least": 1, "reached": True}
    assert line["reserved"] == {"share": 0.3125, "least": 0.3, "reached": True}
    assert line["booking"] == {"least": 0.8}
    desk = await doctor.as_("coordinator")
    values(await desk.post(f"/fhir/Schedule/{id}/$stop", json=asking(start=first, end=first, reason="会议")))
    [own] = values(await desk.get("/fhir/Schedule/$pool-report", params=period))["institution"]
    assert (own["all"]["places"], own["all"]["stopped"]) == (7 * 16, 16)
    elsewhere = await doctor.as_("expert2")
    assert "institution" not in values(await elsewhere.get("/fhir/Schedule/$pool-report", params=period))
    assert (await (await doctor.as_("resident")).get("/fhir/Schedule/$pool-report", params=period)).status_code == 403
    assert (await office.get("/fhir/Schedule/$pool-report", params={"start": day(8)})).status_code == 400
    assert (await office.get("/fhir/Schedule/$pool-report", params={"start": "2020-01-01", "end": "2026-01-01"})).status_code == 400


async def test_the_kind_of_a_schedule_is_told_by_its_code(doctor: Server) -> None:
    id = await kept(doctor, ROW)
    [first, *_] = await free(doctor, id)
    assert first["serviceCategory"][0]["coding"][0] == {"system": urls.BOOKING_KIND, "code": "clinic"}
    assert datetime.fromisoformat(first["start"]) > datetime.now(UTC)
