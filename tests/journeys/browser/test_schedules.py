"""排班 at the screen: a template is looked at and changed, a day is stopped and whoever had it is moved, and the report tells of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import Desk
from tests.journeys.browser.screens import overhang

Json = dict[str, Any]
PICTURES = os.environ.get("TEST_PICTURES", "")
"""A folder to keep pictures of the screens in, to be looked at."""


def look(desk: Desk, name: str) -> None:
    desk.settle()
    assert overhang(desk) == [], name
    if PICTURES:
        time.sleep(0.4)  # windows come to rest
        desk.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def asked(site: Site, who: str, path: str, body: Json | None = None) -> Json:
    """As somebody's application would ask."""
    token = site.yilian("token", "--user", who).stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    request = Request(f"{site.url}/fhir/{path}", data=json.dumps(body).encode() if body else None, headers=headers)
    with urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


def booked(site: Site) -> str:
    """The resident books the expert, as late as is open: the day of it."""
    today = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86400))
    last = time.strftime("%Y-%m-%d", time.localtime(time.time() + 9 * 86400))
    query = urlencode({"start": today, "end": last, "schedule": "Schedule/expert-expert", "_count": "100"})
    found = asked(site, "resident", f"Appointment/$find?{query}")
    first = found["entry"][0]["resource"]
    first["participant"].append({"actor": {"reference": "Patient/resident-0001"}, "status": "accepted"})
    body = {"resourceType": "Parameters", "parameter": [{"name": "appointment-resource", "resource": first}]}
    made = asked(site, "resident", "Appointment/$book", body)["entry"][0]["resource"]
    return str(made["start"])[:10]


def test_a_schedule_is_changed_and_a_day_of_it_is_stopped(at_a_desk: Open, site: Site) -> None:
    day = booked(site)
    desk = at_a_desk("coordinator")
    desk.page.get_by_role("link", name="排班", exact=True).click()
    desk.arrives("/schedules")
    desk.sees("沈立新", "专家门诊", "每 60 分钟 4 个号")
    look(desk, "schedules")
    desk.page.get_by_role("link", name="沈立新").click()
    desk.arrives("/schedules/expert-expert")
    desk.press("预览")
    desk.sees("号源无变化")
    desk.press("登记请假")
    leave = desk.panel("例外：请假与加诊")
    leave.get_by_label("首日", exact=True).fill(day)
    leave.get_by_label("末日", exact=True).fill(day)
    desk.press("预览")
    desk.sees("停诊 1 个")
    look(desk, "schedule")
    leave.get_by_role("button", name="删除").click()

    stop = desk.panel("停诊")
    stop.get_by_label("停诊首日").fill(day)
    stop.get_by_label("停诊末日").fill(day)
    stop.get_by_role("button", name="停诊", exact=True).click()
    desk.sees("请填写停诊原因")
    stop.get_by_label("原因（告知患者）").fill("外出会诊")
    stop.get_by_role("button", name="停诊", exact=True).click()
    desk.sees(f"确定停诊 {day} 至 {day}？")
    desk.page.get_by_role("dialog").get_by_role("button", name="停诊", exact=True).click()
    desk.sees("通知 1 位患者", "同一医生")
    look(desk, "stop")
    desk.go("/schedules/stopped")
    desk.sees("同一医生")
    desk.press("全部改约")
    desk.sees("已改约 1 位并通知", "没有待改约的患者")
    look(desk, "stopped")


def test_a_new_schedule_is_made_for_a_doctor(at_a_desk: Open) -> None:
    desk = at_a_desk("coordinator")
    desk.go("/schedules")
    desk.press("新建排班")
    desk.arrives("/schedules/new")
    expect(desk.page.get_by_role("button", name="保存并生成号源")).to_be_disabled()
    box = desk.page.get_by_role("combobox", name="出诊")
    desk.pick(box, "邓敏", "邓敏")
    desk.pick(desk.page.get_by_role("combobox", name="科室"), "老年病", "老年病")
    desk.page.get_by_label("每段分钟").fill("90")
    desk.press("预览")
    desk.sees("新增")
    look(desk, "schedule-new")
    desk.expects(r"status of 422")
    desk.press("保存并生成号源")
    desk.sees("每个时段不超过 60 分钟")
    desk.page.get_by_label("每段分钟").fill("30")
    desk.press("保存并生成号源")
    desk.arrives("/schedules")
    desk.sees("邓敏", "周一至周五 08:00–12:00，每 30 分钟 5 个号")


def test_the_report_and_the_calendar(at_a_desk: Open) -> None:
    office = at_a_desk("office")
    office.page.get_by_role("link", name="号源报表").first.click()
    office.arrives("/pool-report")
    office.sees("云溪市第一人民医院", "达标")
    office.page.get_by_role("button", name="展开行").first.click()
    office.sees("专家门诊")
    look(office, "pool-report")
    first, last = (office.page.get_by_role("textbox").nth(nth) for nth in (0, 1))
    first.click()
    office.sees("二", "三", "四")
    look(office, "pool-report-days")
    first.fill("2025-01-01")
    first.press("Enter")
    last.fill("2025-01-31")
    last.press("Enter")
    office.arrives(r"/pool-report\?start=2025-01-01&end=2025-01-31")
    office.sees("这一时段没有号源")
    office.press("本月")
    office.sees("云溪市第一人民医院")
    admin = at_a_desk("admin")
    admin.page.get_by_role("link", name="节假日").first.click()
    admin.arrives("/working-days")
    admin.go("/working-days?year=2027")
    admin.sees("2027 年放假安排尚未公布")
    admin.page.get_by_label("日期").fill("2027-02-04")
    admin.page.get_by_label("节日").fill("春节")
    admin.press("添加")
    admin.sees("2027-02-04 周四")
    look(admin, "working-days")
