"""A referral to a hospital that is not on the platform: its window opens the link on a telephone, answers, and the sender sees it."""

from __future__ import annotations

import json
import re
import time

from playwright.sync_api import Locator, expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PHONE, Desk
from tests.journeys.browser.screens import complaints
from tests.journeys.browser.test_aftercare import did

BASE = "https://yilian.example/fhir/CodeSystem"
HOSPITAL = "linjiang-central"


def referred(site: Site, patient: str) -> str:
    """The Task of an emergency that the township sends to the neighbouring city: it goes without approval."""
    request = {
        "resourceType": "ServiceRequest",
        "subject": {"reference": f"Patient/{patient}"},
        "priority": "stat",
        "category": [{"coding": [{"system": f"{BASE}/referral-direction", "code": "up"}]}],
        "locationCode": [{"coding": [{"system": f"{BASE}/clinical-department", "code": "03.05"}]}],
        "performer": [{"reference": f"Organization/{HOSPITAL}"}],
        "reasonCode": [
            {"coding": [{"system": f"{BASE}/referral-reason", "code": "critical-beyond-capability"}]},
            {"text": "血小板 8×10⁹/L,鼻出血不止"},
        ],
    }
    made = did(site, "gp", "ServiceRequest/$refer", None, {"name": "request", "resource": request})
    return str(next(one["resource"]["id"] for one in made["parameter"] if one["name"] == "task"))


def links(site: Site) -> list[str]:
    """What stands behind the # of the links that were sent, oldest first."""
    files = sorted(site.outbox.glob("email-*.json"), key=lambda one: one.stat().st_mtime_ns)
    texts = [json.loads(one.read_text(encoding="utf-8"))["text"] for one in files]
    return [match[1] for text in texts if (match := re.search(r"/outside#([0-9a-f]{64})", text))]


def new_link(site: Site, before: int) -> str:
    for _ in range(200):
        if len(found := links(site)) > before:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError("no letter with a link came")


def told(desk: Desk) -> tuple[str, str]:
    """What the sender reads out on the telephone."""
    desk.press("查看验证码（电话告知）")
    said = desk.panel("平台外机构答复").get_by_role("status")
    expect(said).to_contain_text("验证码")
    code, number = re.findall(r"\d{6}|\d{4}", said.inner_text())[:2]
    return code, number


def steps(window: Desk) -> Locator:
    return window.page.get_by_label("办理")


def takes(window: Desk, step: str, **given: str) -> None:
    steps(window).get_by_role("button", name=step).click()
    form = window.page.get_by_role("form", name=step)
    for label, text in given.items():
        form.get_by_label(label).fill(text)
    form.get_by_role("button", name=step).click()
    expect(form).to_have_count(0)
    window.settle()


def test_a_window_outside_answers_on_a_telephone_and_the_sender_sees_it(at_a_desk: Open, site: Site) -> None:
    before = len(links(site))
    task = referred(site, site.facts.people[3].id)
    patient = site.facts.people[3].name
    gp = at_a_desk("gp")
    gp.go(f"/referrals/{task}")
    gp.sees("链接有效", "对方尚未打开")
    code, number = told(gp)
    gp.picture("sender")

    window = at_a_desk("window", size=PHONE, signed_in=False)
    window.expects(r"status of 401")
    window.go(f"/outside#{new_link(site, before)}")
    window.sees_nothing_of(patient)
    window.page.get_by_label("一次性验证码").fill("000000" if code != "000000" else "111111")
    window.page.get_by_label("转诊单号后四位").fill(number)
    window.page.get_by_label("经办人姓名").fill("许静")
    window.press("打开转诊单")
    window.sees("不正确")
    window.sees_nothing_of(patient)
    window.picture("door")
    window.page.get_by_label("一次性验证码").fill(code)
    window.press("打开转诊单")
    window.sees(patient, "鼻出血不止", "同意接诊")
    assert window.address == "/outside", "the link does not stay in the address"
    window.picture("inside")
    assert complaints(window) == []

    takes(window, "同意接诊", 接诊时间="2027-01-11T09:30", 接诊地点="急诊 2 楼", 接诊医生="沈主任")
    window.sees("急诊 2 楼", "接诊安排：", "2027-01-11 09:30")
    window.page.reload()
    window.sees(patient)
    takes(window, "患者到诊")
    takes(window, "诊疗进展", 说明="已输注血小板")
    takes(window, "完成并回转", 诊断结果="免疫性血小板减少症", 治疗经过="激素及丙种球蛋白", 下一步治疗方案及康复建议="每周复查血常规")
    window.sees("已完成，回转单已发给转出机构")
    window.sees_nothing_of(patient)
    window.picture("done")

    gp.go(f"/referrals/{task}")
    gp.sees("免疫性血小板减少症", "许静·一次性验证码", "转诊已办结，链接已失效")
    gp.sees("许静 于")
