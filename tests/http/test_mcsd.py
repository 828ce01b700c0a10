"""The directory as IHE mCSD asks for it: Find Matching Care Services (ITI-90) and Request Care Services Updates (ITI-91).

https://profiles.ihe.net/ITI/mCSD/ITI-90.html, https://profiles.ihe.net/ITI/mCSD/ITI-91.html
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.http.house import Server
from yilian.fhir import urls

Json = dict[str, Any]

ITI_90 = {
    "Organization": ("active", "identifier", "name", "name:contains", "name:exact", "partof", "type", "_id", "_lastUpdated"),
    "Location": ("identifier", "name", "name:contains", "organization", "partof", "status", "type", "near", "_id", "_lastUpdated"),
    "Practitioner": ("active", "identifier", "name", "given", "family", "_id", "_lastUpdated"),
    "PractitionerRole": ("active", "location", "organization", "practitioner", "role", "service", "specialty", "_id", "_lastUpdated"),
    "HealthcareService": ("active", "identifier", "location", "name", "organization", "service-type", "specialty", "_id", "_lastUpdated"),
    "OrganizationAffiliation": (
        "active",
        "date",
        "identifier",
        "participating-organization",
        "primary-organization",
        "role",
        "_lastUpdated",
    ),
    "Endpoint": ("identifier", "organization", "status", "_id", "_lastUpdated"),
}
VALUES = {
    "active": "true", "identifier": "urn:x|1", "near": "31.5|106.2|50|km", "status": "active", "date": "ge2020",
    "_lastUpdated": "ge2020-01-01",
}  # fmt: skip
REFERENCES = {
    "partof": "first", "organization": "Organization/first", "location": "Location/spot", "practitioner": "Practitioner/gp",
    "service": "HealthcareService/heart", "participating-organization": "Organization/first", "primary-organization": "Organization/net",
}  # fmt: skip


async def furnished(server: Server) -> None:
    bench = await server.as_("bench")
    first = {"reference": "Organization/first"}
    form = {"system": urls.CONSORTIUM_FORM, "code": "city-group"}
    here, there = {"latitude": 31.42, "longitude": 106.11}, {"latitude": 33.0, "longitude": 108.0}
    heart = {"coding": [{"system": urls.SPECIALTY, "code": "03.04"}]}
    resources: list[Json] = [
        {"resourceType": "Organization", "id": "net", "name": "医联体", "type": [{"coding": [form]}]},
        {"resourceType": "Location", "id": "spot", "name": "门诊楼", "managingOrganization": first, "position": here},
        {"resourceType": "Location", "id": "far", "name": "分院", "managingOrganization": first, "position": there},
        {
            "resourceType": "Endpoint", "id": "pacs", "status": "active", "managingOrganization": first, "payloadType": [{"text": "影像"}],
            "connectionType": {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "dicom-wado-rs"},
            "address": "https://pacs.first.example/wado",
        },
        {
            "resourceType": "HealthcareService", "id": "heart", "active": True, "providedBy": first, "specialty": [heart], "name": "心内科",
            "location": [{"reference": "Location/spot"}], "endpoint": [{"reference": "Endpoint/pacs"}],
        },
        {
            "resourceType": "PractitionerRole", "id": "post", "active": True, "practitioner": {"reference": "Practitioner/gp"},
            "organization": first, "healthcareService": [{"reference": "HealthcareService/heart"}], "specialty": [heart],
        },
        {
            "resourceType": "OrganizationAffiliation", "id": "member", "active": True, "organization": {"reference": "Organization/net"},
            "participatingOrganization": first, "period": {"start": "2023-01-01"},
        },
    ]  # fmt: skip
    for one in resources:
        answer = await bench.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("kind", ITI_90)
async def test_every_parameter_of_iti_90_is_known(server: Server, kind: str) -> None:
    gp = await server.as_("gp")
    for name in ITI_90[kind]:
        value = VALUES.get(name) or REFERENCES.get(name) or "x"
        answer = await gp.get(f"/fhir/{kind}", params={name: value})
        assert answer.status_code == 200, (name, answer.text)
        assert f"{name}=" in answer.json()["link"][0]["url"], "it is not left out"


async def test_care_is_found_as_iti_90_asks_for_it(server: Server) -> None:
    await furnished(server)
    gp = await server.as_("gp")

    async def found(path: str) -> set[str]:
        answer = await gp.get(f"/fhir/{path}")
        assert answer.status_code == 200, answer.text
        return {f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in answer.json().get("entry", [])}

    assert await found("Location?near=31.42|106.10|20|km") == {"Location/spot"}
    assert await found(f"HealthcareService?specialty={urls.SPECIALTY}|03.04&_include=HealthcareService:organization") == {
        "HealthcareService/heart",
        "Organization/first",
    }
    assert await found("PractitionerRole?service=HealthcareService/heart&_include=PractitionerRole:practitioner") == {
        "PractitionerRole/post",
        "Practitioner/gp",
    }
    assert await found("OrganizationAffiliation?primary-organization=Organization/net&date=ge2024-05-01") == {
        "OrganizationAffiliation/member"
    }
    assert await found("Endpoint?organization=Organization/first&status=active") == {"Endpoint/pacs"}
    assert await found("HealthcareService?_id=heart&_include=HealthcareService:endpoint") == {"HealthcareService/heart", "Endpoint/pacs"}
    assert await found(f"Organization?type={urls.CONSORTIUM_FORM}|city-group&_revinclude=OrganizationAffiliation:primary-organization") == {
        "Organization/net",
        "OrganizationAffiliation/member",
    }


async def test_what_changed_since_is_told_with_what_was_deleted(server: Server) -> None:
    await furnished(server)
    bench, gp = await server.as_("bench"), await server.as_("gp")
    since = (await gp.get("/fhir/Location/far")).json()["meta"]["lastUpdated"]
    assert (await bench.delete("/fhir/Location/far")).status_code in (200, 204)
    moved = (await gp.get("/fhir/Location/spot")).json() | {"name": "新门诊楼"}
    assert (await bench.put("/fhir/Location/spot", json=moved)).status_code == 200
    answer = await gp.get("/fhir/Location/_history", params={"_since": since})
    told = [(entry["request"]["method"], entry["request"]["url"].split("/")[1]) for entry in answer.json()["entry"]]
    assert ("DELETE", "far") in told
    assert ("PUT", "spot") in told
    changed = await gp.get("/fhir/Location", params={"_lastUpdated": f"gt{since}"})
    assert [entry["resource"]["name"] for entry in changed.json()["entry"]] == ["新门诊楼"]


LISTS = {
    "institutions": "机构代码,机构名称,级别,纬度,经度\n510000000000000000001X,白河镇卫生院,township,31.5,106.3\n",
    "departments": "机构代码,科室代码,科室名称\n510000000000000000001X,NK01,内科\n",
    "services": "机构代码,诊疗科目\n510000000000000000001X,03.04\n",
}


async def test_what_is_taken_in_has_what_the_profiles_ask_for(server: Server) -> None:
    """A name and a type: IHE.mCSD.Organization, .Location, .HealthcareService (https://github.com/IHE/ITI.mCSD, input/fsh)."""
    office = await server.as_("office")
    for kind, text in LISTS.items():
        content = {"resourceType": "Binary", "contentType": "text/csv", "data": b64encode(text.encode()).decode()}
        parameters = [
            {"name": "content", "resource": content},
            {"name": "kind", "valueCode": kind},
            {"name": "apply", "valueBoolean": True},
        ]
        asked = {"resourceType": "Parameters", "parameter": parameters}
        told = (await office.post("/fhir/Organization/$import-directory", json=asked)).json()
        assert told["parameter"][0]["valueBoolean"] is True, told
    found = []
    for path in ("Organization?name=白河镇卫生院,内科", "Location?name=白河镇卫生院", "HealthcareService?specialty=03.04"):
        found += [entry["resource"] for entry in (await office.get(f"/fhir/{path}")).json()["entry"]]
    assert sorted(one["resourceType"] for one in found) == ["HealthcareService", "Location", "Organization", "Organization"]
    assert all(one["name"] and one["type"] for one in found)
    for one in found:
        checked = (await office.post(f"/fhir/{one['resourceType']}/$validate", json=one)).json()
        assert not [issue for issue in checked["issue"] if issue["severity"] in ("fatal", "error")], checked
