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
RESIDENT = "resident-0001"


def sent(site: Site, resource: dict[str, Any]) -> dict[str, Any]:
    token = site.yilian("token", "--client", "bench").stdout.strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    asked = urllib.request.Request(f"{site.url}/fhir/{resource['resourceType']}", json.dumps(resource).encode(), headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_a_document_nobody_scanned_says_so_in_the_record(at_a_desk: Open, site: Site) -> None:
    about = {"subject": {"reference": f"Patient/{RESIDENT}"}}
    paper = {"contentType": "application/pdf", "title": "外院胸片报告", "data": b64encode(PDF).decode()}
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "外院出院小结"},
        "date": "2026-11-20T10:00:00+08:00",
    }
    sent(site, {**document, **about, "content": [{"attachment": paper}]})
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "胸部正位片"}, "effectiveDateTime": "2026-11-20"}
    sent(site, {**report, **about, "presentedForm": [paper], "conclusion": "双肺未见异常"})
    doctor = at_a_desk("gp")
    doctor.go(f"/patients/{RESIDENT}?tab=timeline")
    line = doctor.page.get_by_role("listitem").filter(has_text="外院出院小结").first
    expect(line).to_contain_text("未扫描")
    doctor.page.screenshot(path="/tmp/c2/strict/timeline.png")
    doctor.go(f"/patients/{RESIDENT}?tab=reports")
    line = doctor.page.get_by_role("listitem").filter(has_text="外院胸片报告").first
    expect(line).to_contain_text("未扫描")
    in_order(complaints(doctor))
    doctor.page.screenshot(path="/tmp/c2/strict/reports.png")
