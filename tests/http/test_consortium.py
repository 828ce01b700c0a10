"""How a consortium is run, over HTTP: agreements, papers, members that have to rectify, and by what a membership ends."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta

import httpx
import pytest

from tests.http.house import Server
from tests.http.test_directory import Json, ok
from yilian.consortium import codes, warning
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.jobs import Job

CITY = "/fhir/Organization/city-group"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def coming(days: int) -> str:
    return (datetime.now(region_zone()).date() + timedelta(days=days)).isoformat()


async def founded(server: Server) -> None:
    """A consortium of `first` (lead) and `qingshi`; `liuhe` is in none. Joined by the office."""
    office = await server.as_("office")
    bench = await server.as_("bench")
    form = {"coding": [{"system": urls.CONSORTIUM_FORM, "code": "city-group"}]}
    group = {"resourceType": "Organization", "id": "city-group", "name": "云溪市医联体", "type": [form]}
    await ok(await bench.put(CITY, json=group), 201)
    for id, role in (("first", "lead"), ("qingshi", "member")):
        joined = {
            "resourceType": "OrganizationAffiliation",
            "id": f"city-{id}",
            "active": True,
            "period": {"start": "2024-01-01"},
            "organization": {"reference": "Organization/city-group"},
            "participatingOrganization": {"reference": f"Organization/{id}", "display": id},
            "code": [{"coding": [{"system": urls.CONSORTIUM_ROLE, "code": role}]}],
        }
        await ok(await office.put(f"/fhir/OrganizationAffiliation/city-{id}", json=joined), 201)


def called(**given: object) -> Json:
    parts: list[Json] = []
    for name, value in given.items():
        parts.append({"name": name, "resource": value} if isinstance(value, dict) else {"name": name, "valueString": value})
    return {"resourceType": "Parameters", "parameter": parts}


def agreement(**more: object) -> Json:
    return {
        "resourceType": "Contract",
        "status": "executed",
        "title": "双向转诊合作协议",
        "applies": {"start": "2025-01-01", "end": coming(30)},
        "subject": [{"reference": "Organization/qingshi", "display": "青石镇卫生院"}],
        "term": [{"offer": {"text": "下转患者由牵头医院派医师随访。"}}],
    } | more


def paper(kind: str, title: str, day: str, **more: object) -> Json:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": urls.CONSORTIUM_PAPER, "code": kind}]},
        "description": title,
        "content": [{"attachment": {"title": title}}],
        "context": {"period": {"start": day}},
    } | more


def found(bundle: Json) -> list[Json]:
    return [entry["resource"] for entry in bundle.get("entry", ())]


async def decided(office: httpx.AsyncClient, title: str = "关于青石镇卫生院的决议") -> Json:
    return await ok(await office.post(f"{CITY}/$keep-paper", json=called(paper=paper("resolution", title, "2026-05-01"))), 201)


async def test_an_agreement_is_kept_by_the_office_and_read_at_its_members_alone(server: Server) -> None:
    await founded(server)
    office, gp, outside = await server.as_("office"), await server.as_("gp"), await server.as_("gp2")
    made = await ok(await office.post(f"{CITY}/$keep-agreement", json=called(agreement=agreement())), 201)
    assert made["authority"] == [{"reference": "Organization/city-group", "display": "云溪市医联体"}]
    assert [one["id"] for one in found(await ok(await gp.get(f"{CITY}/$agreements")))] == [made["id"]]
    for one in ("agreements", "papers", "rectifications", "endings"):
        for stranger in (outside, await server.as_("county"), await server.as_("resident")):
            assert (await stranger.get(f"{CITY}/${one}")).status_code == 403
    # Nobody finds it by another road, the office included: it is in nobody's own scope.
    for person in (outside, gp, office):
        assert (await person.get(f"/fhir/Contract/{made['id']}")).status_code == 404
        assert (await ok(await person.get("/fhir/Contract?_summary=count")))["total"] == 0
    for person in (gp, outside):
        assert (await person.post(f"{CITY}/$keep-agreement", json=called(agreement=agreement()))).status_code == 403

    ended = made | {"status": "terminated", "applies": {"start": "2025-01-01", "end": "2026-01-31"}}
    assert (await office.post(f"{CITY}/$keep-agreement", json=called(agreement=ended), headers={"if-match": 'W/"7"'})).status_code == 412
    await ok(await office.post(f"{CITY}/$keep-agreement", json=called(agreement=ended), headers={"if-match": 'W/"1"'}))
    assert found(await ok(await gp.get(f"{CITY}/$agreements?state=in-force"))) == []
    assert len(found(await ok(await gp.get(f"{CITY}/$agreements?state=ended&member=qingshi")))) == 1
    assert (await gp.get(f"{CITY}/$agreements?state=strange")).status_code == 400


@pytest.mark.parametrize(
    "fault",
    [
        {"status": "policy"},
        {"title": " "},
        {"applies": {"start": "2026-02-01", "end": "2026-01-01"}},
        {"applies": {"end": "2026-01-01"}},
        {"status": "terminated", "applies": {"start": "2026-01-01"}},
        {"subject": []},
        {"subject": [{"reference": "Organization/liuhe"}]},
        {"subject": [{"reference": "Patient/p1"}]},
        {"term": [{"offer": {"text": "x", "party": [{"reference": [{"reference": "Patient/p1"}], "role": {"text": "x"}}]}}]},
        {"supportingInfo": [{"reference": "Patient/p1"}]},
        {"title": ["x"]},
    ],
)
async def test_an_agreement_that_is_none_is_refused(server: Server, fault: Json) -> None:
    await founded(server)
    office = await server.as_("office")
    refused = await office.post(f"{CITY}/$keep-agreement", json=called(agreement=agreement(**fault)))
    assert refused.status_code == 422, refused.text
    assert found(await ok(await office.get(f"{CITY}/$agreements"))) == []


async def test_papers_are_listed_by_kind_and_year_and_their_file_is_for_members(server: Server) -> None:
    await founded(server)
    office, gp, outside = await server.as_("office"), await server.as_("gp"), await server.as_("gp2")
    file: Json = {"resourceType": "Binary", "contentType": "application/pdf", "data": b64encode(PDF).decode()}
    plan = called(paper=paper("annual-plan", "2026 年度工作计划", "2026-01-01", masterIdentifier={"value": "云医联〔2026〕1号"}), file=file)
    made = await ok(await office.post(f"{CITY}/$keep-paper", json=plan), 201)
    resolution = await decided(office)
    assert [one["id"] for one in found(await ok(await gp.get(f"{CITY}/$papers")))] == [resolution["id"], made["id"]]
    assert [one["id"] for one in found(await ok(await gp.get(f"{CITY}/$papers?kind=annual-plan&year=2026")))] == [made["id"]]
    assert found(await ok(await gp.get(f"{CITY}/$papers?year=2025"))) == []
    assert (await ok(await gp.get(f"{CITY}/$paper-file?paper={made['id']}")))["data"] == file["data"]
    assert (await gp.get(f"{CITY}/$paper-file?paper={resolution['id']}")).status_code == 404
    assert (await outside.get(f"{CITY}/$paper-file?paper={made['id']}")).status_code == 403
    binary = made["content"][0]["attachment"]["url"]
    for address in (binary, f"DocumentReference/{made['id']}"):
        assert (await outside.get(f"/fhir/{address}")).status_code == 404
    # Changed without its file, it keeps it; and a type of content that is not taken is refused with the paper.
    renamed = await ok(await office.post(f"{CITY}/$keep-paper", json=called(paper=made | {"description": "2026 年工作计划"})))
    assert (renamed["content"][0]["attachment"]["url"], renamed["masterIdentifier"]["value"]) == (binary, "云医联〔2026〕1号")
    page = file | {"contentType": "text/html"}
    assert (await office.post(f"{CITY}/$keep-paper", json=called(paper=made, file=page))).status_code == 422
    faults: tuple[Json, ...] = ({"subject": {"reference": "Patient/p1"}}, {"type": {"text": "x"}}, {"context": {}}, {"description": ""})
    for fault in faults:
        assert (await office.post(f"{CITY}/$keep-paper", json=called(paper=paper("rule", "x", "2026-01-01") | fault))).status_code == 422
    # What an institution writes for itself is no paper of the consortium, whatever it says of itself.
    own = paper("resolution", "自拟决议", "2026-05-02") | {"context": {"related": [{"reference": "Organization/city-group"}]}}
    await ok(await gp.post("/fhir/DocumentReference", json=own), 201)
    assert (await ok(await gp.get(f"{CITY}/$papers")))["total"] == 2


async def test_no_membership_ends_without_a_resolution_that_is_named(server: Server) -> None:
    await founded(server)
    office, gp = await server.as_("office"), await server.as_("gp")
    address = "/fhir/OrganizationAffiliation/city-qingshi"
    there = await ok(await office.get(address))
    for other in (
        {"period": {"start": "2024-01-01", "end": "2026-01-01"}},
        {"active": False},
        {"period": {"start": "2030-01-01"}},
        {"participatingOrganization": {"reference": "Organization/liuhe"}},
    ):
        assert (await office.put(address, json=there | other)).status_code == 409, other
    assert (await office.delete(address)).status_code == 409
    assert (await ok(await office.put(address, json=there | {"telecom": [{"system": "phone", "value": "0516-1"}]})))["active"]

    rule = await ok(await office.post(f"{CITY}/$keep-paper", json=called(paper=paper("rule", "章程", "2024-01-01"))), 201)
    last = coming(-1)
    for wrong in ("", f"DocumentReference/{rule['id']}", "DocumentReference/none", "Patient/p1"):
        given = {"end": last, "reason": "考核不合格"} | ({"resolution": wrong} if wrong else {})
        assert (await office.post(f"{address}/$end-membership", json=called(**given))).status_code == 422
    resolution = f"DocumentReference/{(await decided(office))['id']}"
    ask = called(end=last, reason="连续两年考核不合格", resolution=resolution)
    assert (await gp.post(f"{address}/$end-membership", json=ask)).status_code == 403
    ended = await ok(await office.post(f"{address}/$end-membership", json=ask))
    assert (ended["active"], ended["period"]["end"]) == (False, last)
    assert (await office.post(f"{address}/$end-membership", json=ask)).status_code == 409
    [why] = found(await ok(await office.get(f"{CITY}/$endings")))
    assert why["entity"][0]["what"]["reference"] == resolution
    assert why["target"][0]["reference"] == f"OrganizationAffiliation/city-qingshi/_history/{ended['meta']['versionId']}"
    assert (why["reason"][0]["text"], why["agent"][0]["who"]["display"]) == ("连续两年考核不合格", "冯涛")
    assert (await gp.get(f"{CITY}/$agreements")).status_code == 403  # who has left reads no longer


async def test_a_member_is_told_to_rectify_and_the_office_says_that_it_did(server: Server) -> None:
    await founded(server)
    office, gp, outside = await server.as_("office"), await server.as_("gp"), await server.as_("coordinator")
    address = "/fhir/OrganizationAffiliation/city-qingshi"
    assert (await gp.post(f"{address}/$rectify", json=called(reason="x"))).status_code == 403
    assert (await office.post(f"{address}/$rectify", json=called(reason="x", until=coming(0)))).status_code == 400
    notice = await ok(await office.post(f"{address}/$rectify", json=called(reason="转诊率连续两季度未达标")), 201)
    assert notice["restriction"]["period"]["end"] == coming(90)
    assert (await office.post(f"{address}/$rectify", json=called(reason="x"))).status_code == 409
    assert [one["id"] for one in found(await ok(await gp.get(f"{CITY}/$rectifications")))] == [notice["id"]]
    assert found(await ok(await outside.get(f"{CITY}/$rectifications"))) == []  # it is another member's
    told = await server.value("select count(*) from message_reader where event = 'consortium.rectify'")
    assert told == 3
    assert (await office.post(f"{address}/$rectified", json=called())).status_code == 400
    closed = await ok(await office.post(f"{address}/$rectified", json=called(note="现场复核合格")))
    assert (closed["status"], closed["note"][0]["text"]) == ("completed", "现场复核合格")
    assert (await office.post(f"{address}/$rectified", json=called(note="x"))).status_code == 404
    again = await ok(await office.post(f"{address}/$rectify", json=called(reason="再次未达标", until=coming(10))), 201)
    resolution = f"DocumentReference/{(await decided(office))['id']}"
    await ok(await office.post(f"{address}/$end-membership", json=called(end=coming(0), reason="整改未通过", resolution=resolution)))
    states = {one["id"]: one["status"] for one in found(await ok(await office.get(f"{CITY}/$rectifications")))}
    assert states == {notice["id"]: "completed", again["id"]: "failed"}


async def test_the_office_and_the_member_are_told_once_that_an_agreement_ends(server: Server) -> None:
    await founded(server)
    office = await server.as_("office")
    for end, status in ((30, "executed"), (61, "executed"), (-1, "executed"), (20, "negotiable")):
        said = agreement(status=status, applies={"start": "2024-01-01", "end": coming(end)})
        await ok(await office.post(f"{CITY}/$keep-agreement", json=called(agreement=said)), 201)
    db = server.application.fhir.house.db
    job = Job(1, warning.WARN, {}, None, 1, {}, "test")
    assert await warning.warn(db, job) == {"agreements": 1, "overdue": 0}
    await warning.warn(db, job)
    assert await server.value("select count(*) from message where event = 'consortium.agreement-ends'") == 1
    roles = await server.value("select array_agg(role order by role) from message_reader where event = 'consortium.agreement-ends'")
    assert roles == ["coordinator", "office", "office"]


async def test_the_office_of_the_lead_is_told_once_that_the_day_to_rectify_has_passed(server: Server) -> None:
    await founded(server)
    office, bench = await server.as_("office"), await server.as_("bench")
    address = "/fhir/OrganizationAffiliation/city-qingshi"
    notice = await ok(await office.post(f"{address}/$rectify", json=called(reason="未达标", until=coming(1))), 201)
    db, job = server.application.fhir.house.db, Job(1, warning.WARN, {}, None, 1, {}, "test")
    assert await warning.warn(db, job) == {"agreements": 0, "overdue": 0}
    passed = notice | {"restriction": {"period": {"end": coming(-1)}}}
    await ok(await bench.put(f"/fhir/Task/{notice['id']}", json=passed))
    assert await warning.warn(db, job) == {"agreements": 0, "overdue": 1}
    await warning.warn(db, job)
    assert await server.value("select array_agg(role) from message_reader where event = 'consortium.rectify-overdue'") == ["office"]


async def test_the_words_of_the_room_are_there_to_be_looked_up(server: Server) -> None:
    gp = await server.as_("gp")
    system = (await ok(await gp.get("/fhir/CodeSystem/consortium-paper")))["concept"]
    assert [one["code"] for one in system] == list(codes.PAPERS)
