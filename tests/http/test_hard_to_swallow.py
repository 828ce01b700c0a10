"""Bodies made to hurt: numbers without end, XML that fetches or multiplies, patterns that never finish. Each is refused soon, in words."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.http.house import Server

Json = dict[str, Any]
SECONDS = 6.0
RESULT = (
    '{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":%s}}'
)
XML = "application/fhir+xml"
JSON = "application/fhir+json"
DIV = '<Patient xmlns="http://hl7.org/fhir"><active value="&x;"/></Patient>'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, RESULT % "1e999999999"),
        (JSON, RESULT % "1e-999999999"),
        (JSON, RESULT % ("9" * 100_000)),
        (JSON, RESULT % ("0." + "9" * 100_000)),
        (JSON, RESULT % "1e99999"),
        (JSON, "[" * 100_000),
        (JSON, '{"resourceType":"Patient","contact":' * 2000),
        (XML, '<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + DIV),
        (XML, '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;">]>' + DIV),
        (
            XML,
            '<Patient xmlns="http://hl7.org/fhir" xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></Patient>',
        ),
        (XML, '<Patient xmlns="http://hl7.org/fhir">' + "<contact><name>" * 5000),
        (XML, '<Patient xmlns="http://hl7.org/fhir">' + "<extension>" * 200 + "</extension>" * 200 + "</Patient>"),
        (XML, "<?xml version='1.0' encoding='UTF-16'?>" + DIV.replace("&x;", "true")),
        (XML, '<?xml version="1.0" encoding="utf-7"?>+ADw-Patient xmlns=+ACI-http://hl7.org/fhir+ACI-/+AD4-'),
    ],
    ids=lambda value: value[:40] + str(len(value)),
)
async def test_a_body_made_to_hurt_is_refused_soon(server: Server, content_type: str, body: str) -> None:
    client = await server.as_("gp")
    kind = "Observation" if "Observation" in body[:40] else "Patient"
    for path in (f"/fhir/{kind}", f"/fhir/{kind}/$validate"):
        begun_s = time.process_time()
        answer = await client.post(path, content=body.encode(), headers={"content-type": content_type})
        assert time.process_time() - begun_s < SECONDS
        refused = 400 <= answer.status_code < 500
        assert refused or (path.endswith("$validate") and '"error"' in answer.text), (path, answer.status_code, answer.text[:300])
        assert "root:" not in answer.text


async def test_in_a_bundle_only_resources_are_read(server: Server) -> None:
    """Files, tables and watched jobs have no place in an entry; they are refused one by one, and nothing breaks."""
    client = await server.as_("gp")
    urls = ("ViewDefinition/patients/$run", "ViewDefinition/patients/$run?_format=csv", "$export-status/abcdefgh",
            "$export-file/abcdefgh/x.ndjson",
            "Patient/$export", "metadata", "_history?_count=1", "Patient/p1/$everything", "Patient/p1/$timeline")  # fmt: skip
    for kind in ("batch", "transaction"):
        for url in urls:
            entry = [{"request": {"method": "GET", "url": url}}]
            answer = await client.post(
                "/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entry}, headers={"prefer": "respond-async"}
            )
            assert answer.status_code < 500, (kind, url, answer.text[:300])
            if answer.status_code == 200:
                (told,) = answer.json()["entry"]
                assert int(told["response"]["status"][:3]) < 500, (kind, url)
                assert isinstance(told.get("resource", {}), dict), (kind, url)


@pytest.mark.parametrize("name", ["../patients", "..%2Fpatients", "patients.json", "%2Fetc%2Fpasswd", "__init__", "patients%00"])
async def test_the_name_of_a_view_is_no_path(server: Server, name: str) -> None:
    client = await server.as_("gp")
    assert (await client.get(f"/fhir/ViewDefinition/{name}/$run")).status_code in (400, 404)


async def test_a_pattern_without_end_in_a_patch_is_refused(server: Server) -> None:
    client = await server.as_("gp")
    path = "Patient.name.where('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('^(a|a)+$'))"
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": path}]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    answer = await client.patch("/fhir/Patient/p1", json=patch)
    assert answer.status_code == 400
    assert "takes too long" in answer.text
