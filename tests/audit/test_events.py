"""The trail as FHIR AuditEvent: its form, its search, and who sees what of it."""

from __future__ import annotations

import base64
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.audit.conftest import Region, observation
from yilian import validation
from yilian.access.trail import note_failure, note_sign_in, note_sign_out
from yilian.audit import events, months
from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotFound, NotSupported
from yilian.fhir.json import parse
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change

ZONE = ZoneInfo("Asia/Kathmandu")
Json = dict[str, Any]


@pytest.fixture
async def told(region: Region) -> Region:
    """gp wrote and read about `here`, gp2 about `there`; both at once by a system; gp signed in and out, somebody failed to."""
    await region.put(observation("o1", "here"), region.gp)
    await region.put(observation("o2", "there"), region.gp2)
    region.clock.move(minutes=1)
    log = region.log()
    await note_read(log, region.gp, await region.stored(region.gp, "Observation", "o1"), "read")
    await note_read(log, region.gp2, await region.stored(region.gp2, "Patient", "there"), "everything")
    region.clock.move(minutes=1)
    both = await region.stored(SYSTEM, "Observation", "o1", "o2")
    await note_read(log, SYSTEM, both, "search", query="Observation?patient=Patient/here,Patient/there", kind="Observation")
    await log.close()
    async with region.db.transaction() as tx:
        await note_sign_in(tx, region.gp)
        await note_sign_out(tx, region.gp)
        await note_failure(tx, Scope("nothing", "", "", "", client="yilian-web", address="10.6.6.6"), "wrong password")
    await region.write(region.gp, Change("PUT", "Observation", "o1", observation("o1", "here", status="amended")))
    await region.write(region.gp, Change("DELETE", "Observation", "o1", None))
    return region


async def found(region: Region, scope: Scope, **parameters: str) -> list[Json]:
    async with region.db.transaction() as tx:
        page = await events.search(tx, scope, list(parameters.items()), zone=ZONE, base="https://x/fhir")
    return [parse(one.body) for one in page.matches]


def about(event: Json) -> str:
    return next((e["what"]["reference"] for e in event.get("entity", []) if e["type"]["code"] == "1"), "")


async def test_every_event_is_a_valid_resource(told: Region) -> None:
    all_of_them = await found(told, SYSTEM, _count="1000")
    assert len(all_of_them) >= 12
    for event in all_of_them:
        assert [issue for issue in validation.issues(event) if issue.severity in ("error", "fatal")] == [], event
    kinds = {event["subtype"][0]["code"] for event in all_of_them}
    assert {"create", "update", "delete", "read", "search-type", "operation", "110122", "110123"} <= kinds


async def test_a_read_follows_the_pattern_of_balp(told: Region) -> None:
    """IHE BALP PatientRead: client is the destination, the server the source, the person an information recipient."""
    (event,) = await found(told, SYSTEM, subtype="read")
    assert event["meta"]["profile"] == ["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"]
    assert event["type"]["code"] == "rest"
    assert (event["action"], event["outcome"]) == ("R", "0")
    person, client, institution, server = event["agent"]
    assert person["type"]["coding"][0]["code"] == "IRCP"
    assert (person["who"], person["altId"], person["name"], person["requestor"]) == (
        {"reference": "Practitioner/gp"},
        "gp",
        "gp 医生",
        True,
    )
    assert person["role"][0]["coding"][0]["code"] == "gp"
    assert person["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert client["type"]["coding"][0]["code"] == "110152"
    assert client["who"]["identifier"]["value"] == "yilian-web"
    assert client["network"] == {"address": "10.0.0.7", "type": "2"}
    assert institution["who"] == {"reference": "Organization/qingshi"}
    assert server["type"]["coding"][0]["code"] == "110153"
    assert server["network"] == {"address": "https://x/fhir", "type": "5"}
    who, what, request = event["entity"]
    assert who["what"] == {"reference": "Patient/here"}
    assert what["what"] == {"reference": "Observation/o1/_history/1"}
    assert request["what"]["identifier"]["value"] == "r-gp"
    (ground,) = event["extension"]
    assert ground["extension"] == [
        {"url": "kind", "valueCode": "registered"},
        {"url": "source", "valueReference": {"reference": "Patient/here"}},
    ]


async def test_a_query_follows_the_pattern_of_balp_with_one_event_for_each_patient(told: Region) -> None:
    events_ = await found(told, SYSTEM, subtype="search-type", _sort="date")
    ours = [event for event in events_ if about(event)]
    assert [about(event) for event in ours] == ["Patient/here", "Patient/there"]
    for event in ours:
        assert event["meta"]["profile"][0].endswith("IHE.BasicAudit.PatientQuery")
        assert event["action"] == "E"
        (query,) = [e for e in event["entity"] if "query" in e]
        assert base64.b64decode(query["query"]).decode() == "Observation?patient=Patient/here,Patient/there"
        assert query["role"]["code"] == "24"
        assert [agent["type"]["coding"][0]["code"] for agent in event["agent"]] == ["110153", "110152"], "a system: nobody but it and us"
        assert event["agent"][0]["requestor"] is True


async def test_writes_follow_the_patterns_of_balp(told: Region) -> None:
    for subtype, action, profile in (("create", "C", "PatientCreate"), ("update", "U", "PatientUpdate"), ("delete", "D", "PatientDelete")):
        event = (await found(told, SYSTEM, subtype=subtype, agent="Practitioner/gp"))[0]
        assert event["action"] == action
        assert event["meta"]["profile"][0].endswith(profile)
        assert event["agent"][0]["type"]["coding"][0]["code"] == "AUT"


async def test_sign_ins_are_user_authentications(told: Region) -> None:
    failed, out, into = await found(told, SYSTEM, type="110114")
    assert [event["subtype"][0]["display"] for event in (into, out, failed)] == ["Login", "Logout", "Login"]
    assert [event["outcome"] for event in (into, out, failed)] == ["0", "0", "4"]
    assert failed["agent"][0]["who"] == {"display": "unknown"}
    assert failed["outcomeDesc"] == "wrong password"


# --- search


SEARCHES: list[tuple[dict[str, str], int]] = [
    ({"patient": "Patient/here", "agent": "Practitioner/gp"}, 4),
    ({"patient": "here", "agent": "Practitioner/gp"}, 4),
    ({"patient": "Patient/nobody"}, 0),
    ({"patient": "Patient/here,Patient/there", "action": "E"}, 3),
    ({"agent": "Practitioner/gp2"}, 2),
    ({"agent": "Practitioner/nobody"}, 0),
    ({"entity": "Observation/o1", "agent": "Practitioner/gp"}, 4),
    ({"entity": "Observation/o1/_history/2"}, 1),
    ({"entity": "Observation/o"}, 0),
    ({"entity": "Patient/there", "agent": "Practitioner/gp2"}, 2),
    ({"entity": "Organization/qingshi"}, 1),
    ({"action": "D"}, 1),
    ({"action": "http://hl7.org/fhir/audit-event-action|D"}, 1),
    ({"action": "http://wrong|D"}, 0),
    ({"type": "110114"}, 3),
    ({"type": "http://dicom.nema.org/resources/ontology/DCM|110114"}, 3),
    ({"type": "http://wrong|110114"}, 0),
    ({"subtype": "read,vread"}, 1),
    ({"subtype": "http://hl7.org/fhir/restful-interaction|read"}, 1),
    ({"subtype": "operation"}, 1),
    ({"subtype": "everything"}, 1),
    ({"subtype": "https://yilian.example/fhir/CodeSystem/operation|everything"}, 1),
    ({"outcome": "4"}, 1),
    ({"outcome": "8"}, 0),
    ({"_id": "0"}, 0),
    ({"_id": "x"}, 0),
    ({"_id": "1"}, 1),
    ({"_count": "2"}, 2),
]


async def test_searching_finds_what_matches_and_nothing_else(told: Region) -> None:
    for parameters, count in SEARCHES:
        async with told.db.reading() as tx:
            undone = tx.connection.transaction()  # without the trace each search leaves, which the next would find
            await undone.start()
            page = await events.search(tx, SYSTEM, list(parameters.items()), zone=ZONE)
            await undone.rollback()
        assert len(page.matches) == count, parameters


async def test_dates_are_intervals_of_the_region(told: Region) -> None:
    start = (await told.rows())[0]["recorded"]

    def at(minutes: int) -> str:
        from datetime import timedelta

        return (start + timedelta(minutes=minutes)).isoformat()

    everything = len(await found(told, SYSTEM, _count="1000"))
    first = len(await found(told, SYSTEM, date=f"lt{at(1)}", _count="1000"))
    assert 0 < first < everything
    later = await found(told, SYSTEM, date=f"ge{at(1)}", subtype="read,operation,110122")
    assert len(later) == 4
    assert len(await found(told, SYSTEM, date=start.astimezone(ZONE).date().isoformat(), _count="1000")) >= first
    async with told.db.reading() as tx:
        page = await events.search(tx, SYSTEM, [("date", f"ge{at(1)}"), ("date", f"lt{at(2)}")], zone=ZONE)
    assert {parse(one.body)["subtype"][0]["code"] for one in page.matches} == {"read", "operation"}
    for wrong in ("yesterday", "ne2026", "2026-02-30", "ge"):
        with pytest.raises((BadRequest, NotSupported)):
            await found(told, SYSTEM, date=wrong)


@pytest.mark.parametrize("sort", ["-date", "date"])
async def test_pages_follow_each_other_without_gap_or_repetition(told: Region, sort: str) -> None:
    async with told.db.reading() as tx:
        of_gp = [("patient", "here"), ("agent", "Practitioner/gp"), ("_sort", sort)]
        whole = await events.search(tx, SYSTEM, [*of_gp, ("_count", "1000")], zone=ZONE)
        assert whole.next is None
        seen: list[str] = []
        cursor: list[tuple[str, str]] = []
        while True:
            page = await events.search(tx, SYSTEM, [*of_gp, ("_count", "2"), *cursor], zone=ZONE)
            seen += [one.id for one in page.matches]
            if page.next is None:
                break
            cursor = [("_cursor", page.next)]
    assert seen == [one.id for one in whole.matches]
    assert len(seen) == 4


async def test_a_value_that_cannot_be_read_is_refused(told: Region) -> None:
    unreadable = [
        ("_count", "0"),
        ("_count", "many"),
        ("_count", "1001"),
        ("_cursor", "x"),
        ("_cursor", "999999999999999999.1"),
        ("patient", "Practitioner/gp"),
        ("patient", "a b"),
        ("agent", "gp"),
        ("entity", "o1"),
        ("action", "http://hl7.org/fhir/audit-event-action|"),
    ]
    for name, value in unreadable:
        with pytest.raises(BadRequest):
            await found(told, SYSTEM, **{name: value})


async def test_what_is_not_known_here_is_refused(told: Region) -> None:
    for name in ("name", "patient:missing", "_total", "_include", "altid", "patient.name", "agent:Practitioner", "_sort"):
        with pytest.raises(NotSupported):
            await found(told, SYSTEM, **{name: "name" if name == "_sort" else "x"})


# --- who sees what


async def test_a_doctor_sees_what_they_did_themselves(told: Region) -> None:
    for scope, own in ((told.gp, "Practitioner/gp"), (told.gp2, "Practitioner/gp2")):
        seen = await found(told, scope, _count="1000")
        assert seen
        assert all(any(agent["who"].get("reference") == own for agent in event["agent"]) for event in seen)
    assert await found(told, told.gp2, patient="Patient/here") == []


async def test_a_resident_sees_who_read_the_own_record_but_not_whom_else_they_asked_for(told: Region) -> None:
    seen = await found(told, told.resident, patient="Patient/here")
    assert {agent["who"].get("reference") for event in seen for agent in event["agent"]} >= {"Practitioner/gp", "Device/yilian"}
    assert all(about(event) == "Patient/here" for event in seen)
    text = str(seen)
    assert "Patient/there" not in text
    assert "10.0.0.7" not in text
    assert "altId" not in text
    queries = [base64.b64decode(e["query"]).decode() for event in seen for e in event["entity"] if "query" in e]
    assert queries == ["Observation"]
    assert await found(told, told.resident, patient="Patient/there") == []
    for event in seen:
        assert [issue for issue in validation.issues(event) if issue.severity == "error"] == []


async def test_the_administrator_sees_sign_ins_and_no_patient(told: Region) -> None:
    seen = await found(told, told.admin, _count="1000")
    assert len(seen) == 3
    assert {event["type"]["code"] for event in seen} == {"110114"}
    assert await found(told, told.admin, patient="Patient/here") == []
    assert await found(told, told.admin, entity="Observation/o1") == []


async def test_the_regulator_sees_nothing(told: Region) -> None:
    assert await found(told, told.regulator, _count="1000") == []


async def test_an_event_by_its_id_is_seen_by_the_same_people(told: Region) -> None:
    (event,) = await found(told, SYSTEM, subtype="read")
    async with told.db.reading() as tx:
        for scope in (SYSTEM, told.gp, told.resident):
            assert (await events.by_id(tx, scope, event["id"])).id == event["id"]
        for scope in (told.gp2, told.admin, told.regulator):
            with pytest.raises(NotFound):
                await events.by_id(tx, scope, event["id"])
        for id in ("0", "-1", "x", "9" * 30, "999999"):
            with pytest.raises(NotFound):
                await events.by_id(tx, SYSTEM, id)


async def test_looking_into_the_trail_leaves_a_trace(told: Region) -> None:
    await found(told, told.gp, patient="Patient/here")
    await found(told, told.resident, patient="Patient/here")
    rows = await told.rows("query like 'AuditEvent?%'")
    assert [(row["account"], row["query"], row["patient"]) for row in rows] == [
        ("gp", "AuditEvent?patient=Patient/here", told.resident.patient_rid)
    ]


async def test_the_questions_have_their_indexes(told: Region) -> None:
    async with told.db.transaction() as tx:
        await months.ensure(tx)
        await tx.execute(
            "insert into audit_event (recorded, type, subtype, operation, action, outcome, outcome_text, account, agent, name, client,"
            " roles, institution, purpose, ground, patient, entities, query, request_id, address)"
            " select now() - n * interval '1 s', 'rest', 'read', '', 'R', '0', '', 'x', 'Practitioner/' || n % 500,"
            " '', '', '', '', '', '', n % 5000 + 100000, '{}', '', '', '' from generate_series(1, 50000) n"
        )
    async with told.db.transaction() as tx:
        await tx.execute("analyze audit_event")
        for condition, index in (
            ("e.patient = any('{100007}'::bigint[])", "patient_recorded_seq_idx"),
            ("e.agent = 'Practitioner/7'", "agent_recorded_seq_idx"),
            ("e.recorded >= now() - interval '1 min'", "_recorded_seq_idx"),
            ("true", "_recorded_seq_idx"),
        ):
            sql = f"explain {events._SELECT} where {condition} order by e.recorded desc, e.seq desc limit 51"
            plan = "\n".join(row[0] for row in await tx.fetch(sql))
            assert index in plan, plan
            if condition == "true":  # the newest of all months are merged, not all events sorted
                assert "Merge Append" in plan, plan
