"""Documents on the pages say when nobody scanned them, when they are being checked, and when they are blocked."""

from __future__ import annotations

import json
import urllib.request
from base64 import b64encode
from typing import Any

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.screens import complaints, in_order

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
NEIGHBOUR = "resident-0001"
"""Somebody whom the township sees."""


class System:
    """A system of the region: what it asks for and sends."""

    def __init__(self, site: Site) -> None:
        self.url = f"{site.url}/fhir/"
        token = site.yilian("token", "--client", "bench").stdout.strip()
        self.headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}

    def ask(self, path: str, resource: dict[str, Any] | None = None) -> dict[str, Any]:
        """GET, or POST where there is a resource to send."""
        body = None if resource is None else json.dumps(resource).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, self.headers), timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def test_a_document_nobody_scanned_says_so_in_the_record(at_a_desk: Open, site: Site) -> None:
    system = System(site)
    here = system.ask(f"Patient/{NEIGHBOUR}")["managingOrganization"]
    person = {"resourceType": "Patient", "name": [{"text": "文书有附件"}], "gender": "female", "birthDate": "1950-02-03"}
    id = system.ask("Patient", {**person, "managingOrganization": here})["id"]
    about = {"subject": {"reference": f"Patient/{id}"}}
    paper = {"contentType": "application/pdf", "title": "外院胸片报告", "data": b64encode(PDF).decode()}
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "外院出院小结"},
        "date": "2026-11-20T10:00:00+08:00",
    }
    system.ask("DocumentReference", {**document, **about, "content": [{"attachment": paper}]})
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "胸部正位片"}, "effectiveDateTime": "2026-11-20"}
    system.ask("DiagnosticReport", {**report, **about, "presentedForm": [paper], "conclusion": "双肺未见异常"})
    doctor = at_a_desk("gp")
    doctor.go(f"/patients/{id}?tab=timeline")
    line = doctor.page.get_by_role("listitem").filter(has_text="外院出院小结").first
    expect(line).to_contain_text("未扫描")
    in_order(complaints(doctor))
    doctor.go(f"/patients/{id}?tab=reports")
    line = doctor.page.get_by_role("listitem").filter(has_text="外院胸片报告").first
    expect(line).to_contain_text("未扫描")
    in_order(complaints(doctor))
