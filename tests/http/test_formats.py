"""JSON, XML, indented, compressed: the same answers."""

from __future__ import annotations

import pytest

from tests.http.house import Server
from yilian.fhir import json, xml
from yilian.http.formats import FHIR_XML

OBSERVATION = b"""<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><coding><system value="http://loinc.org"/>
<code value="2345-7"/></coding></code><subject><reference value="Patient/p1"/></subject>
<valueQuantity><value value="6.10"/><unit value="mmol/L"/></valueQuantity></Observation>"""
AS_XML = {"accept": "application/fhir+xml"}


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "application/fhir+xml", "xml"),
        ("", "application/xml;q=0.9, application/fhir+json;q=0.5", "xml"),
        ("", "application/xml, application/fhir+json", "json"),
        ("", "text/html, */*;q=0.1", "json"),
        ("", "application/fhir+json; fhirVersion=4.0", "json"),
        ("?_format=xml", "application/fhir+json", "xml"),
        ("?_format=application/fhir%2Bxml", "", "xml"),
        ("?_format=json", "application/fhir+xml", "json"),
        ("?_format=json&_pretty=true", "", "json"),
    ],
)
async def test_an_answer_comes_in_the_format_that_is_asked_for(server: Server, query: str, accept: str, kind: str) -> None:
    gp = await server.as_("gp")
    answer = await gp.get(f"/fhir/Patient/p1{query}", headers={"accept": accept} if accept else {})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"application/fhir+{kind}; charset=utf-8"
    found = xml.parse(answer.content) if kind == "xml" else json.parse(answer.content)
    assert found == (await gp.get("/fhir/Patient/p1")).json()
    assert (b"\n" in answer.content) is ("_pretty" in query or kind == "xml")


@pytest.mark.parametrize("headers", [{"accept": "text/html"}, {"accept": "application/fhir+json;q=0"}])
async def test_a_format_nobody_has_is_not_acceptable(server: Server, headers: dict[str, str]) -> None:
    gp = await server.as_("gp")
    answer = await gp.get("/fhir/Patient/p1", headers=headers)
    assert answer.status_code == 406
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await gp.get("/fhir/Patient/p1?_pretty=maybe")).status_code == 400


async def test_what_comes_as_xml_is_stored_with_its_digits_and_searched(server: Server) -> None:
    gp = await server.as_("gp")
    made = await gp.post("/fhir/Observation", content=OBSERVATION, headers={"content-type": "application/fhir+xml", **AS_XML})
    assert made.status_code == 201, made.text
    stored = xml.parse(made.content)
    assert str(stored["valueQuantity"]["value"]) == "6.10"
    found = await gp.get("/fhir/Observation?patient=p1&code=2345-7", headers=AS_XML)
    bundle = xml.parse(found.content)
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == [stored["id"]]
    form = await gp.post("/fhir/Observation/_search", data={"patient": "p1", "_format": "xml"})
    assert form.headers["content-type"] == FHIR_XML.decode()


async def test_a_transaction_may_come_and_go_as_xml(server: Server) -> None:
    gp = await server.as_("gp")
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": xml.parse(OBSERVATION), "request": {"method": "POST", "url": "Observation"}}],
    }
    answer = await gp.post("/fhir", content=xml.dump(bundle), headers={"content-type": "application/fhir+xml", **AS_XML})
    assert answer.status_code == 200, answer.text
    assert xml.parse(answer.content)["entry"][0]["response"]["status"] == "201 Created"


async def test_what_is_wrong_is_said_in_the_format_that_is_asked_for(server: Server) -> None:
    gp = await server.as_("gp")
    body = OBSERVATION.replace(b'"final"', b'"perhaps"')
    answer = await gp.post("/fhir/Observation", content=body, headers={"content-type": "application/fhir+xml", **AS_XML})
    assert answer.status_code == 422
    outcome = xml.parse(answer.content)
    assert outcome["issue"][0]["expression"] == ["Observation.status"]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Patient xmlns="http://hl7.org/fhir"><id value="&b;"/></Patient>'
    refused = await gp.post("/fhir/Patient", content=bomb, headers={"content-type": "application/xml"})
    assert refused.status_code == 400
    assert "document type" in refused.json()["issue"][0]["diagnostics"]


async def test_long_answers_are_compressed_for_those_who_can_read_it(server: Server) -> None:
    bench = await server.as_("bench")
    plain = await bench.get("/fhir/metadata", headers={"accept-encoding": "identity"})
    packed = await bench.get("/fhir/metadata", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert packed.content == plain.content
    short = await bench.get("/fhir/Patient/p1", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers
