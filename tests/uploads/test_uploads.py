"""Contents at the edge where no clamd is: typed, sized, and kept with a mark that nobody scanned them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.house import Server
from tests.uploads.samples import EICAR, PDF, encoded, png
from yilian.records.contents import DIGEST, SCAN, STATES

Json = dict[str, Any]


def binary(content: bytes, kind: str = "application/pdf") -> Json:
    return {"resourceType": "Binary", "contentType": kind, "data": encoded(content)}


def attachment(content: bytes, kind: str = "application/pdf") -> Json:
    return {"contentType": kind, "data": encoded(content), "title": "出院小结"}


def document(*contents: Json, patient: str = "p1") -> Json:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": one} for one in contents],
    }


def report(content: Json) -> Json:
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "胸部CT"},
        "subject": {"reference": "Patient/p1"},
        "presentedForm": [content],
    }


def state(resource: Json) -> str:
    return next((tag["code"] for tag in resource.get("meta", {}).get("tag", []) if tag["system"] == STATES), "")


async def test_what_nobody_scans_is_kept_and_says_so(server: Server) -> None:
    bench, gp = await server.as_("bench"), await server.as_("gp")
    made = (await bench.post("/fhir/DocumentReference", json=document(attachment(PDF), attachment(png(), "image/png")))).json()
    seen = (await gp.get(f"/fhir/DocumentReference/{made['id']}")).json()
    assert state(seen) == "not-scanned"
    assert seen["meta"]["tag"][0]["display"] == "未扫描"
    assert seen["content"][0]["attachment"]["data"] == encoded(PDF)
    found = (await gp.get(f"/fhir/DocumentReference?patient=p1&_tag={STATES}|not-scanned")).json()
    assert found["total"] == 1
    kept = (await bench.post("/fhir/Binary", json=binary(PDF))).json()
    read = await bench.get(f"/fhir/Binary/{kept['id']}")
    assert (read.headers["x-content-scan"], read.json()["data"]) == ("not-scanned", encoded(PDF))
    again = await bench.put(f"/fhir/Binary/{kept['id']}", json={**binary(PDF), "id": kept["id"]})
    assert again.json()["meta"]["versionId"] == "1", "the same once more is no new version"
    row = await server.value("select count(*) || ' ' || min(state) || ' ' || sum(bytes) from upload")
    assert row == f"2 not-scanned {len(PDF) + len(png())}"
    assert await server.value("select count(*) from upload_use where account = 'bench'") == 3
    assert await server.value("select count(*) from upload_held") == 0


@pytest.mark.parametrize(
    "resource",
    [
        binary(b"<html></html>", "text/html"),
        binary(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        binary(PDF, "image/png"),
        binary(b"x" * (2 * 1024 * 1024 + 1), "text/plain"),
        {"resourceType": "Binary", "contentType": "text/plain", "data": "%%%"},
        document({"contentType": "application/pdf", "url": "DATA:application/pdf;base64," + encoded(PDF)}),
        document(attachment(PDF), attachment(b"MZ" + b"\0" * 90, "application/pdf")),
        report(attachment(b"<!doctype html>", "text/plain")),
        {"resourceType": "Patient", "photo": [attachment(PDF, "image/jpeg")]},
        {
            "resourceType": "Communication",
            "status": "completed",
            "subject": {"reference": "Patient/p1"},
            "payload": [{"contentAttachment": attachment(b"<html>", "text/plain")}],
        },
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "心电图"},
            "subject": {"reference": "Patient/p1"},
            "extension": [{"url": "https://example.org/picture", "valueAttachment": attachment(PDF)}],
        },
        document({"contentType": "application/pdf", "_data": {"extension": [
            {"url": SCAN, "valueCode": "waiting"}, {"url": DIGEST, "valueString": "00" * 32}]}}),
    ],
)  # fmt: skip
async def test_what_is_not_taken_is_refused_with_a_reason_and_leaves_nothing(server: Server, resource: Json) -> None:
    bench = await server.as_("bench")
    refused = await bench.post(f"/fhir/{resource['resourceType']}", json=resource)
    assert refused.status_code in (400, 422), refused.text
    assert refused.json()["issue"][0]["diagnostics"]
    assert await server.value("select count(*) from upload") == 0
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}]}  # fmt: skip
    assert (await bench.post("/fhir/", json=bundle)).status_code in (400, 422)


async def test_nobody_writes_the_state_themselves(server: Server) -> None:
    bench = await server.as_("bench")
    said = document(attachment(EICAR, "text/plain"))
    said["meta"] = {"tag": [{"system": STATES, "code": "clean"}, {"system": "https://example.org", "code": "kept"}]}
    made = (await bench.post("/fhir/DocumentReference", json=said)).json()
    assert [tag["code"] for tag in made["meta"]["tag"]] == ["kept", "not-scanned"]
    plain = {"resourceType": "Communication", "status": "completed", "subject": {"reference": "Patient/p1"}, "meta": said["meta"]}
    bare = (await bench.post("/fhir/Communication", json=plain)).json()
    assert [tag["code"] for tag in bare["meta"]["tag"]] == ["kept"], "where no content is, there is no state"


async def test_signatures_and_sampled_data_are_no_contents(server: Server) -> None:
    bench = await server.as_("bench")
    waves = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "心电图"},
        "subject": {"reference": "Patient/p1"},
        "valueSampledData": {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2 3 E"},
    }
    assert (await bench.post("/fhir/Observation", json=waves)).status_code == 201
