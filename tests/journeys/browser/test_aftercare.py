"""After the referral: a township doctor visits who came home, the hospital is told, and the patient says how it was."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PHONE, Desk
from tests.journeys.browser.screens import complaints, in_order


def asked(site: Site, who: str, path: str) -> Any:
    """What somebody is answered, read by themselves."""
    token = site.yilian("token", "--user", who).stdout.strip()
    request = urllib.request.Request(f"{site.url}/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def did(site: Site, who: str, path: str, version: int | None, *parts: dict[str, Any]) -> Any:
    """What somebody does through the interface."""
    token = site.yilian("token", "--user", who).stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    if version is not None:
        headers["If-Match"] = f'W/"{version}"'
    body = json.dumps({"resourceType": "Parameters", "parameter": list(parts)}).encode()
    request = urllib.request.Request(f"{site.url}/fhir/{path}", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def completed(site: Site) -> None:
    """The resident was referred as an emergency, and has come back."""
    base = "https://yilian.example/fhir/CodeSystem"
    request = {
        "resourceType": "ServiceRequest",
        "subject": {"reference": "Patient/resident-0001"},
        "priority": "stat",
        "category": [{"coding": [{"system": f"{base}/referral-direction", "code": "up"}]}],
        "locationCode": [{"coding": [{"system": f"{base}/clinical-department", "code": "03.05"}]}],
        "performer": [{"reference": "Organization/yunxi-first"}],
        "reasonCode": [{"coding": [{"system": f"{base}/referral-reason", "code": "critical-beyond-capability"}]}, {"text": "急性腹痛"}],
    }
    made = did(site, "gp", "ServiceRequest/$refer", None, {"name": "request", "resource": request})
    task = next(one["resource"] for one in made["parameter"] if one["name"] == "task")
    outcome = [{"name": name, "valueString": "已处理"} for name in ("diagnosis", "treatment", "advice")]
    for who, action, more in (("coordinator", "accept", []), ("coordinator", "arrive", []), ("coordinator", "complete", outcome)):
        version = int(task["meta"]["versionId"])
        task = did(site, who, f"Task/{task['id']}/$act", version, {"name": "action", "valueCode": action}, *more)


def typed(desk: Desk, label: str, text: str) -> None:
    desk.page.get_by_role("textbox", name=label, exact=True).fill(text)


def due(site: Site) -> tuple[str, str]:
    """A doctor of a township with somebody to visit, and the Task of the visit."""
    for who in ("gp", "gp2"):
        for name in ("due", "overdue"):
            entries = asked(site, who, f"Task/$follow-ups?list={name}").get("entry", [])
            found = [e["resource"] for e in entries if e["resource"]["resourceType"] == "Task"]
            if found:
                return who, found[0]["id"]
    pytest.fail("nobody in the demo region is to be visited")


def test_a_visit_is_recorded_and_an_alarming_one_leads_back_up(at_a_desk: Open, site: Site) -> None:
    who, task = due(site)
    doctor = at_a_desk(who)
    doctor.page.get_by_role("link", name="转诊后随访").click()
    doctor.arrives("/follow-ups")
    doctor.sees("待随访", "已逾期", "应随访日期")
    doctor.picture("list of visits")
    in_order(complaints(doctor))
    doctor.go(f"/follow-ups/{task}")
    doctor.sees("应随访日期", "收缩压", "服药依从性")
    in_order(complaints(doctor))
    typed(doctor, "收缩压", "86")
    typed(doctor, "舒张压", "112")
    doctor.expects(r"status of 422 .*follow-up")
    doctor.press("保存随访记录")
    doctor.sees("舒张压应低于收缩压")
    typed(doctor, "收缩压", "186")
    doctor.page.get_by_label("心悸胸闷").check()
    doctor.page.get_by_label("规律", exact=True).check()
    typed(doctor, "随访记录", "胸闷半天,已含服硝酸甘油。")
    doctor.press("保存随访记录")
    doctor.sees("收缩压 186 mmHg,达到 180", "发起上转")
    doctor.picture("an alarm")
    in_order(complaints(doctor))
    doctor.press("发起上转")
    doctor.arrives(rf"/patients/[^/]+/refer\?visit={task}")
    doctor.sees("急危重症，本机构难以实施有效救治")
    expect(doctor.page.get_by_role("textbox", name=re.compile("^请对方解决的问题"))).to_have_value(re.compile("收缩压 186 mmHg,达到 180"))
    doctor.picture("the referral it proposes")
    doctor.go("/follow-ups?list=done")
    doctor.sees("已随访")
    sender = asked(site, who, f"Task/{task}")["requester"]["display"]
    doctor.go(f"/follow-ups/{task}")
    doctor.sees("建议转诊", "胸闷半天", sender)


def test_a_resident_rates_on_the_phone_and_only_once(at_a_desk: Open, site: Site) -> None:
    completed(site)
    phone = at_a_desk("resident", size=PHONE)
    phone.sees("可评价的转诊")
    in_order(complaints(phone))
    phone.page.get_by_role("link", name="评价", exact=True).first.click()
    phone.arrives(r"/rate/[^/]+")
    expect(phone.page.get_by_role("button", name="请为三项分别打分")).to_be_disabled()
    for aspect in ("诊疗水平", "服务态度", "费用合理"):
        phone.page.get_by_role("group", name=aspect).get_by_role("radio").nth(3).click()
    phone.page.get_by_label(re.compile("^意见和建议")).fill("医生讲得很清楚。")
    phone.picture("rating")
    in_order(complaints(phone))
    phone.press("提交评价")
    phone.sees("您的评价已收到")
    phone.page.reload()
    phone.sees("每次转诊只能评价一次")
    expect(phone.page.get_by_role("button", name=re.compile("提交评价"))).to_have_count(0)


def test_the_office_looks_into_what_looks_wrong(at_a_desk: Open) -> None:
    office = at_a_desk("office")
    office.page.get_by_role("link", name="异常转诊核查").first.click()
    office.arrives("/suspicions")
    office.sees("待核查", "不代表已认定违规")
    line = office.page.get_by_role("row").filter(has_text="短期重复转诊")
    expect(line.get_by_text("11 天内再次转诊")).to_be_visible()
    in_order(complaints(office))
    line.get_by_role("button", name="核查").click()
    asked = office.page.get_by_role("dialog")
    expect(asked.get_by_role("button", name="提交核查结果")).to_be_disabled()
    asked.get_by_text("不合理", exact=True).click()
    asked.get_by_label("核查说明（至少 5 字）").fill("已电话核实：患者两次改变主意，已提醒开单医生先与家属确认。")
    asked.get_by_role("button", name="提交核查结果").click()
    expect(office.page.get_by_text("这里没有异常转诊")).to_be_visible()
    office.page.get_by_text("不合理", exact=True).click()
    expect(office.page.get_by_role("row").filter(has_text="已提醒开单医生先与家属确认")).to_be_visible()
    in_order(complaints(office))
