"""Task/$referral-statistics and Task/$referrals over HTTP: shapes, the Excel file, what is refused, and what the trail says."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from tests.http.house import Server
from tests.referral.region import refer_parameters, up
from yilian.fhir import urls

Json = dict[str, Any]


async def refer(server: Server) -> None:
    doctor = await server.as_("gp2")
    answer = await doctor.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3", "first")))
    assert answer.status_code == 201, answer.text


def counts(part: Json) -> dict[str, int]:
    return {one["code"]["coding"][0]["code"]: one["count"] for one in part["population"]}


async def test_a_report_has_a_stratum_for_each_line_and_the_file_says_the_same(server: Server) -> None:
    await refer(server)
    doctor = await server.as_("gp2")
    answer = await doctor.get("/fhir/Task/$referral-statistics", params={"by": "specialty"})
    assert answer.status_code == 200, answer.text
    [group] = answer.json()["group"]
    [stratum] = group["stratifier"][0]["stratum"]
    assert stratum["value"]["coding"] == [{"code": "03.04", "display": "心血管内科专业"}]
    assert counts(stratum) == counts(group)
    assert counts(group)["sent"] == 1
    assert counts(group)["a-year-before"] == 0
    assert "measureScore" not in group

    file = await doctor.get("/fhir/Task/$referral-statistics", params={"by": "specialty", "_as": "xlsx"})
    assert file.headers["content-type"].startswith("application/vnd.openxmlformats")
    sheet = load_workbook(BytesIO(file.content)).active
    assert sheet is not None
    assert str(sheet["A1"].value).startswith("柳河镇卫生院 转诊统计(转出)")
    assert sheet["A3"].value == "心血管内科专业"


async def test_a_number_opens_the_referrals_it_counts(server: Server) -> None:
    await refer(server)
    doctor = await server.as_("gp2")
    page = (await doctor.get("/fhir/Task/$referrals", params={"figure": "sent", "institution": "first"})).json()
    assert page["total"] == 1
    assert sorted(entry["resource"]["resourceType"] for entry in page["entry"]) == ["Patient", "ServiceRequest", "Task"]
    assert (await doctor.get("/fhir/Task/$referrals", params={"figure": "arrived"})).json()["total"] == 0
    assert (await doctor.get("/fhir/Task/$referrals", params={"institution": "second"})).json()["total"] == 0
    receiver = await server.as_("coordinator")
    assert (await receiver.get("/fhir/Task/$referrals", params={"side": "received"})).json()["total"] == 1
    system = await server.as_("bench")
    assert (await system.get("/fhir/Task/$referrals")).json()["total"] == 1


async def test_what_is_asked_wrongly_is_refused_with_a_reason(server: Server) -> None:
    doctor = await server.as_("gp2")
    for query, status in (
        ("by=weather", 400),
        ("_as=pdf", 400),
        ("since=yesterday", 400),
        ("who=gp2", 400),
        ("by=month&by=month", 400),
        ("institution=nowhere", 404),
        ("institution=../x", 404),
    ):
        answer = await doctor.get(f"/fhir/Task/$referral-statistics?{query}")
        assert answer.status_code == status, (query, answer.text)
    for query in ("figure=happy", "_count=0", "_count=x", "_cursor=zzz"):
        assert (await doctor.get(f"/fhir/Task/$referrals?{query}")).status_code == 400, query
    for who in ("resident", "admin"):
        assert (await (await server.as_(who)).get("/fhir/Task/$referral-statistics")).status_code == 403, who


async def consortium(server: Server, *members: str) -> None:
    """One that 云溪市第一人民医院 leads."""
    bench = await server.as_("bench")
    network = {"resourceType": "Organization", "id": "union", "active": True, "name": "云溪市医联体"}
    assert (await bench.put("/fhir/Organization/union", json=network)).status_code == 201
    for member in ("first", *members):
        affiliation = {
            "resourceType": "OrganizationAffiliation",
            "id": f"union-{member}",
            "active": True,
            "period": {"start": "2023-01-01"},
            "organization": {"reference": "Organization/union"},
            "participatingOrganization": {"reference": f"Organization/{member}"},
            "code": [{"coding": [{"system": urls.CONSORTIUM_ROLE, "code": "lead" if member == "first" else "member"}]}],
        }
        answer = await bench.put(f"/fhir/OrganizationAffiliation/union-{member}", json=affiliation)
        assert answer.status_code == 201, answer.text


async def test_the_consortium_office_sees_numbers_of_the_members_and_no_referral(server: Server) -> None:
    await refer(server)
    office = await server.as_("office")
    path = "/fhir/Task/$referral-statistics?side=consortium"
    assert (await office.get(path)).status_code == 403  # it leads none yet
    await consortium(server, "county")
    [group] = (await office.get(path)).json()["group"]
    assert counts(group)["sent"] == 1  # to a member, from a house that is none
    [stratum] = group["stratifier"][0]["stratum"]
    assert stratum["value"]["text"] == "柳河镇卫生院"
    assert (await office.get("/fhir/Task/$referrals?side=consortium")).status_code == 403
    for query in ("by=disease", "specialty=03.04", "institution=liuhe"):
        assert (await office.get(f"{path}&{query}")).status_code == 400, query
    for who in ("coordinator", "county", "gp2", "resident"):
        assert (await (await server.as_(who)).get(path)).status_code == 403, who
