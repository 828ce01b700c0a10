"""The desk of a hospital and residents on their phones over HTTP: booking for others, checking in, calling, waiting, appealing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import zone_at_noon
from tests.http.desks import open_desks, opened, parameters
from tests.http.house import Server
from tests.scheduling.region import role, schedule, slot
from yilian import policy
from yilian.fhir.dates import region_zone, use_region_zone

Json = dict[str, Any]
SOON = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=40)


@pytest.fixture(autouse=True, scope="module")
def soon() -> None:
    """Counted from the first test here: a run of everything gets to it long after it was read."""
    global SOON
    SOON = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=40)


@pytest.fixture
async def clinic(server: Server) -> Server:
    await open_desks(server)
    use_region_zone(zone_at_noon())  # what is done here is done on one day of the region
    bench = await server.as_("bench")
    resources = [
        {**role("cardio", "first"), "practitioner": {"reference": "Practitioner/expert"}},
        schedule("s", "PractitionerRole/cardio"),
        slot("now", "s", SOON, minutes=30, places=3),
        slot("next", "s", SOON + timedelta(hours=25)),
    ]
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    return server


async def book(client: Any, slot: str, patient: str, channel: str = "web") -> str:
    wanted = {
        "resourceType": "Appointment",
        "status": "proposed",
        "slot": [{"reference": f"Slot/{slot}"}],
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }
    answer = await client.post("/fhir/Appointment/$book", json=parameters(**{"appointment-resource": wanted, "channel": channel}))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["entry"][0]["resource"]["id"])


def parts(answer: Any, name: str) -> list[Json]:
    """Parts of this name as objects; of those that repeat the last one."""
    assert answer.status_code in (200, 201), answer.text
    return [plain(one["part"]) for one in answer.json().get("parameter", ()) if one["name"] == name]


def plain(some: list[Json]) -> Json:
    return {one["name"]: next((value for key, value in one.items() if key.startswith(("value", "part"))), None) for one in some}


async def test_a_desk_sees_who_comes_checks_them_in_and_calls_them(clinic: Server) -> None:
    me, desk, other = await clinic.as_("resident"), await clinic.as_("desk-first"), await clinic.as_("desk")
    mine = await book(me, "now", "p1")
    assert (await desk.get("/fhir/Patient/p1")).status_code == 404
    day = SOON.astimezone(region_zone()).date().isoformat()
    [row] = parts(await desk.get("/fhir/Appointment/$day", params={"schedule": "Schedule/s", "date": day}), "appointment")
    assert (row["patient-name"], row["status"], row["id"]) == ("李秀英", "expected", mine)
    assert parts(await other.get("/fhir/Appointment/$day", params={"date": day}), "appointment") == []
    assert (await me.get("/fhir/Appointment/$day")).status_code == 403
    assert (await other.post(f"/fhir/Appointment/{mine}/$check-in", json=parameters())).status_code == 404
    came = await desk.post(f"/fhir/Appointment/{mine}/$check-in", json=parameters())
    told = plain(came.json()["parameter"])
    assert (told["number"], told["state"], told["before"]) == (1, "waiting", 0)
    assert (await desk.get("/fhir/Patient/p1")).status_code == 200
    [mine_now] = parts(await me.get("/fhir/Patient/p1/$bookings"), "booking")
    assert (mine_now["number"], mine_now["status"], mine_now["organization"]["display"]) == (1, "checked-in", "云溪市第一人民医院")
    called = await desk.post("/fhir/Schedule/s/$call-next", json=parameters())
    assert plain(called.json()["parameter"])["state"] == "called"
    [waiting] = parts(await desk.get("/fhir/Schedule/s/$queue"), "waiting")
    assert (waiting["name"], waiting["number"], waiting["state"]) == ("李*英", 1, "called")
    assert (await desk.post(f"/fhir/Appointment/{mine}/$fulfil", json=parameters())).status_code == 200
    assert (await desk.post("/fhir/Schedule/s/$call-next", json=parameters())).json() == {"resourceType": "Parameters"}
    assert (await other.post("/fhir/Schedule/s/$call-next", json=parameters())).status_code == 404


@pytest.mark.parametrize("who", ["resident", "desk-first"])
async def test_who_goes_after_checking_in_leaves_no_visit_and_no_ground_behind(clinic: Server, who: str) -> None:
    """By the patient or at the desk: the visit is cancelled with the appointment. What it opened closes as with any cancelled visit; the
    ground of having shown oneself lasts its hours, as after a card."""
    desk, gone = await clinic.as_("desk-first"), await clinic.as_(who)
    async with opened(clinic) as db, db.transaction() as tx:
        await policy.put(tx, "booking.rulebook", "A", valid_from=date(2020, 1, 1), source="测试")  # late cancellations are taken
    mine = await book(await clinic.as_("resident"), "now", "p1")
    visit = plain((await desk.post(f"/fhir/Appointment/{mine}/$check-in", json=parameters())).json()["parameter"])["encounter"]["reference"]
    ground = "select count(*) from access_ground g join resource p on p.rid = g.patient join resource i on i.rid = g.institution"
    ground += " where p.id = 'p1' and i.id = 'first' and g.kind = $1"
    assert await clinic.value(ground, "encounter") == 1
    cancelled = await gone.post(f"/fhir/Appointment/{mine}/$cancel", json=parameters(reason="不等了"))
    assert cancelled.status_code == 200, cancelled.text
    after = (await desk.get(f"/fhir/{visit}")).json()
    assert (after["status"], after["statusHistory"][-1]["status"]) == ("cancelled", "arrived")
    assert after["period"]["start"] <= after["period"]["end"]
    assert (await clinic.value(ground, "encounter"), await clinic.value(ground, "visit")) == (0, 1)
    async with opened(clinic) as db, db.transaction() as tx:
        await tx.execute("update access_ground set until = now() - interval '1 second' where kind = 'visit'")
    for closed in (visit, "Patient/p1"):
        assert (await desk.get(f"/fhir/{closed}")).status_code == 404


async def test_nobody_registers_a_second_visit_beside_the_one_of_an_appointment(clinic: Server) -> None:
    me, desk = await clinic.as_("resident"), await clinic.as_("desk-first")
    mine = await book(me, "now", "p1")

    async def register(specialty: str, **more: str) -> Any:
        return await desk.post("/fhir/Patient/p1/$register-visit", json=parameters(kind="outpatient", specialty=specialty, **more))

    visit = plain((await desk.post(f"/fhir/Appointment/{mine}/$check-in", json=parameters())).json()["parameter"])["encounter"]["reference"]
    again = await register("03.04")
    assert (again.status_code, f"Encounter/{again.json()['id']}", again.headers["etag"]) == (200, visit, 'W/"1"'), again.text
    elsewhere = await register("07")
    assert (elsewhere.status_code, elsewhere.json()["status"]) == (201, "arrived"), "another department is another visit"
    assert (await desk.post(f"/fhir/Appointment/{mine}/$cancel", json=parameters(reason="改挂他科"))).status_code == 200
    walk_in = await register("03.04")
    assert walk_in.status_code == 201, "who comes back without the appointment is a visit of its own"
    entries = (await desk.get("/fhir/Encounter", params={"patient": "Patient/p1", "status": "arrived"})).json()["entry"]
    assert sorted(one["resource"]["id"] for one in entries) == sorted([elsewhere.json()["id"], walk_in.json()["id"]])


async def test_a_resident_waits_is_offered_a_place_and_takes_it(clinic: Server) -> None:
    me, desk = await clinic.as_("resident"), await clinic.as_("resident2")
    theirs = await book(desk, "next", "p2")
    day = (SOON + timedelta(hours=25)).astimezone(region_zone()).date().isoformat()
    window = {"start": day, "end": day}
    asked = parameters(patient="Patient/p1", organization="Organization/first", schedule="Schedule/s", **window)
    answer = await me.post("/fhir/Appointment/$wait", json=asked)
    assert (answer.status_code, answer.json()["status"]) == (201, "waitlist"), answer.text
    [line] = parts(await me.get("/fhir/Patient/p1/$bookings"), "wait")
    assert (line["status"], line["before"], line["actor-name"]) == ("waiting", 0, "周明")
    assert (await desk.post(f"/fhir/Appointment/{theirs}/$cancel", json=parameters(reason="有事"))).status_code == 200
    told = await me.get("/fhir/Patient/p1/$bookings")
    [line], [held] = parts(told, "wait"), parts(told, "booking")
    assert (line["status"], line["offer"], held["status"], held["from-wait"]) == ("offered", held["id"], "held", True)
    taken = await me.post("/fhir/Appointment/$book", json=parameters(**{"appointment-reference": f"Appointment/{held['id']}"}))
    assert taken.status_code == 201, taken.text
    assert parts(await me.get("/fhir/Patient/p1/$bookings"), "wait") == []
    assert (await desk.get("/fhir/Patient/p1/$bookings")).status_code == 404


async def test_a_missed_appointment_is_appealed_against_and_the_office_decides(clinic: Server) -> None:
    me, office = await clinic.as_("resident"), await clinic.as_("office")
    mine = await book(me, "now", "p1")
    assert (await me.post(f"/fhir/Appointment/{mine}/$appeal", json=parameters(reason="没有爽约"))).status_code == 404
    async with opened(clinic) as db:
        from tests.scheduling.test_attendance import JOB
        from yilian.scheduling import absences

        async with db.transaction() as tx:
            await tx.execute("update appointment set starts = starts - interval '1 day', ends = ends - interval '1 day'")
        await absences.sweep(db, JOB)
    answer = await me.post(f"/fhir/Appointment/{mine}/$appeal", json=parameters(reason="当天住院"))
    [open_one] = parts(await office.get("/fhir/Appointment/$appeals", params={"status": "open"}), "appeal")
    assert (open_one["reason"], open_one["patient-name"], open_one["mark"]) == ("当天住院", "李秀英", "no-show")
    assert answer.json()["parameter"][0]["valueString"] == open_one["id"]
    assert (await me.get("/fhir/Appointment/$appeals")).status_code == 403
    without = parameters(appeal=open_one["id"], action="refuse")
    assert (await office.post("/fhir/Appointment/$decide-appeal", json=without)).status_code == 400
    done = await office.post("/fhir/Appointment/$decide-appeal", json=parameters(appeal=open_one["id"], action="grant"))
    assert done.json()["parameter"][0]["valueCode"] == "granted", done.text
    [mine_now] = parts(await me.get("/fhir/Patient/p1/$bookings"), "booking")
    assert (mine_now["mark"], mine_now["appeal"], mine_now["lifted"]) == ("no-show", "granted", True)


async def test_the_calendar_tells_pools_to_those_they_are_kept_for(clinic: Server) -> None:
    day = SOON.date()
    asked = {
        "organization": "Organization/first",
        "start": (day - timedelta(days=1)).isoformat(),
        "end": (day + timedelta(days=3)).isoformat(),
    }

    async def days(who: str, **more: str) -> list[Json]:
        client = await clinic.as_(who)
        answer = await client.get("/fhir/Schedule/$calendar", params={**asked, **more})
        assert answer.status_code == 200, answer.text
        [line] = answer.json()["parameter"]
        assert plain(line["part"])["actor-name"] == "周明"
        return [plain(one["part"]) for one in line["part"] if one["name"] == "day"]

    me = await clinic.as_("resident")
    [where] = parts(await me.get("/fhir/Schedule/$institutions"), "institution")
    assert (where["organization"]["display"], where["schedules"], where["specialty"]) == ("云溪市第一人民医院", 1, "03.04")
    await book(me, "now", "p1")
    assert [(one["places"], one["free"], one["taken"]) for one in await days("resident")] == [(3, 2, 1), (1, 1, 0)]
    async with opened(clinic) as db, db.transaction() as tx:
        sql = "update place set pool = 'grassroots', public_from = now() + interval '30 minutes' where appointment is null and nth = $1"
        await tx.execute(sql, await tx.fetchval("select max(nth) from place"))
    assert [(one["free"], one.get("pool-grassroots")) for one in await days("resident")] == [(1, None), (1, None)]
    assert [(one["free"], one.get("pool-grassroots")) for one in await days("gp")] == [(2, 1), (1, None)]
    assert [(one["free"], one.get("pool-grassroots")) for one in await days("desk-first")] == [(1, 1), (1, None)]
    assert [one["slot"]["reference"] for one in await days("resident", slots="true")] == ["Slot/now", "Slot/next"]


@pytest.mark.parametrize(
    ("who", "method", "address", "status"),
    [
        ("pharmacist", "POST", "Appointment/x/$check-in", 403),
        ("office", "POST", "Schedule/s/$call-next", 403),
        ("admin", "GET", "Appointment/$day", 403),
        ("desk", "GET", "Appointment/$day?status=party", 400),
        ("desk", "GET", "Appointment/$day?colour=red", 400),
        ("desk", "GET", "Appointment/$day?date=soon", 400),
        ("desk", "GET", "Schedule/$calendar?organization=Organization/first&start=2026-01-01&end=2026-12-31", 400),
        ("desk", "GET", "Schedule/$calendar?organization=Organization/none&start=2026-01-01", 404),
        ("desk", "GET", "Patient/p1/$bookings", 404),
    ],
)
async def test_what_cannot_be_is_refused(clinic: Server, who: str, method: str, address: str, status: int) -> None:
    client = await clinic.as_(who)
    answer = await client.request(method, f"/fhir/{address}", **({"json": parameters()} if method == "POST" else {}))
    assert answer.status_code == status, answer.text
