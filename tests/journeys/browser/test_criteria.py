"""What a record meets is seen and followed in the referral, the ward sees who can go down, and the office sets the rules."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.screens import foreign_words, overhang

TITLE = "血压 ≥180/110 mmHg"
HIGH = 192


def measured(site: Site, patient: str) -> None:
    """The pressure of yesterday, as a system of the region writes it."""
    token = site.yilian("token", "--client", "bench").stdout.strip()
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    parts = [
        {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in (("8480-6", HIGH), ("8462-4", 108))
    ]
    pressure = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "血压"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": at,
        "component": parts,
    }
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    request = urllib.request.Request(f"{site.url}/fhir/Observation", json.dumps(pressure).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def test_a_criterion_is_seen_in_the_record_and_followed_in_the_referral(at_a_desk: Open, site: Site) -> None:
    patient = site.facts.people[4]
    measured(site, patient.id)
    gp = at_a_desk("gp")
    gp.go(f"/patients/{patient.id}")
    strip = gp.page.get_by_role("region", name="转诊标准提示")
    row = strip.locator("li", has=gp.page.get_by_text(TITLE, exact=True))
    expect(row).to_contain_text("符合")
    expect(row).to_contain_text(f"{HIGH} mmHg")
    gp.picture("record")
    assert overhang(gp) == []
    row.get_by_role("button", name="发起转诊").click()
    gp.arrives(f"/patients/{patient.id}/refer\\?criterion=hypertension-severe")
    expect(gp.page.get_by_role("button", name="已采纳").first).to_be_visible()
    assert "急危重症" in gp.field("reasons").inner_text()
    assert "心血管内科" in gp.field("specialty").inner_text()
    gp.page.get_by_role("button", name="不采纳").first.click()
    expect(gp.page.get_by_role("button", name="未采纳").first).to_be_visible()
    gp.pick(gp.page.get_by_role("combobox", name="不采纳的原因").first, "", "患者或家属不同意")
    gp.picture("referral")
    assert overhang(gp) == []
    assert foreign_words(gp) == set()


def test_the_office_reads_the_library_and_sets_a_limit(at_a_desk: Open) -> None:
    office = at_a_desk("office")
    office.page.get_by_role("link", name="转诊标准").first.click()
    office.arrives("/criteria")
    office.page.get_by_label("按名称或规则查找").fill("频繁急性加重")
    office.page.keyboard.press("Enter")
    office.settle()
    assert overhang(office) == []
    office.page.get_by_label("按名称或规则查找").fill("检验危急值")
    office.page.keyboard.press("Enter")
    office.settle()
    office.page.get_by_role("button", name="检验危急值").click()
    form = office.page.locator(".ant-drawer-open")
    form.get_by_label(re.compile("血钾 <")).fill("2.5")
    form.get_by_label("调整原因").fill("县域专家组会议")
    office.picture("adjust")
    form.get_by_role("button", name="保存调整").click()
    expect(office.page.get_by_role("table", name="转诊标准")).to_contain_text("本地区已调整")
    office.sees("血钾 <2.5")


def test_the_ward_sees_who_can_go_down_and_sends_home(at_a_desk: Open) -> None:
    desk = at_a_desk("expert")
    desk.page.get_by_role("link", name="可下转患者").first.click()
    desk.arrives("/can-go-down")
    row = desk.page.get_by_role("row").filter(has_text="冠心病病情稳定").first
    expect(row).to_contain_text("公里")
    assert overhang(desk) == []
    assert foreign_words(desk) == set()
    desk.picture("ward")
    row.get_by_role("link", name="发起下转").first.click()
    desk.arrives("/patients/.*/refer\\?criterion=coronary-down-stable.*")
    expect(desk.page.get_by_role("button", name="已采纳").first).to_be_visible()
    assert desk.field("direction").get_by_label("下转", exact=True).is_checked()
    assert "急性期治疗后病情稳定" in desk.field("reasons").inner_text()
    desk.picture("down")
