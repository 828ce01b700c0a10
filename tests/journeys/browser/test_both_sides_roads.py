"""The other roads of a referral with both sides at their browsers: an emergency, declined and offered to the next, missed, sent on."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.beside import time_passes
from tests.journeys.browser.both_sides import (
    COUNTY,
    FIRST,
    HOME,
    WAITS_MS,
    glance,
    let_in,
    looks_on,
    never_loaded_anew,
    opens,
    refers,
    request,
    see,
    see_step,
    takes,
)
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import Desk
from tests.journeys.browser.screens import complaints, in_order

PATIENT = "resident-0001"
RESPIRATORY, KIDNEY, SURGERY, BONES = "03.01", "03.06", "04.01", "04.03"
NEXT = {"name": "alternatives", "valueReference": {"reference": "Organization/yunxi-county"}}
ALLOWED = {"name": "automatic", "valueBoolean": True}
WHEN = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d")


def books(desk: Desk, place: int) -> str:
    """One of the free places of doctors, by its place in the list; when it is."""
    box = desk.field("act-slot").get_by_role("combobox", name="门诊或专家号")
    box.click()
    desk.settle()
    option = desk.page.locator(".ant-select-dropdown:visible .ant-select-item-option").nth(place)
    expect(option).to_be_visible()
    found = WHEN.search(option.inner_text())
    assert found, option.inner_text()
    desk.pick(box, "", found.group())
    desk.confirm()
    see("已预约", desk)
    return found.group()


def test_an_emergency_comes_at_once_and_its_approval_is_recorded_afterwards(at_a_desk: Open, site: Site) -> None:
    desk = opens(at_a_desk, "coordinator", "/worklist/inbox")
    head = opens(at_a_desk, "head", "/worklist/retro")
    task = refers(site, "gp", request(PATIENT, KIDNEY))
    here, name = f"/referrals/{task['id']}", task["for"]["display"]
    gp = opens(at_a_desk, "gp", here)
    see("急救", gp)
    see("待接收", gp)

    first = let_in(desk, name, here)
    expect(desk.page.get_by_role("row").filter(has=desk.page.locator(f'a[href="{here}"]'))).to_contain_text("急救")
    first.click()
    desk.arrives(here)
    desk.act("accept")
    desk.confirm()
    see("同意接诊", gp)
    takes(desk, "arrive")
    desk.confirm()
    see("已到诊", gp)

    let_in(head, name, here).click()
    head.arrives(here)
    takes(head, "endorse")
    head.write("act-note", "同意转出，情况属实。")
    head.confirm()
    see_step("补记审批", HOME, gp)
    see_step("患者到诊", FIRST, gp)
    in_order(complaints(gp) + complaints(desk) + complaints(head))
    never_loaded_anew(gp, desk, head)


def test_who_is_declined_is_offered_to_the_next_house_the_sender_named(at_a_desk: Open, site: Site) -> None:
    task = refers(site, "gp", request(PATIENT, SURGERY), NEXT, ALLOWED)
    here, name = f"/referrals/{task['id']}", task["for"]["display"]
    gp, desk = opens(at_a_desk, "gp", here), opens(at_a_desk, "coordinator", here)
    phone = opens(at_a_desk, "resident", here)
    county = opens(at_a_desk, "county", "/worklist/inbox")
    desk.act("decline")
    desk.field("act-reason").get_by_text("暂无床位或号源").click()
    desk.confirm()
    see("不予接收", gp, phone)
    see("暂无床位或号源", gp, phone)

    let_in(county, name).click()
    county.arrives("/referrals/.*")
    see("待接收", county)
    for one in (gp, phone):
        onward = one.page.get_by_label("相关转诊").get_by_role("link", name=re.compile(COUNTY))
        expect(onward).to_be_visible(timeout=WAITS_MS)
        onward.click()
        one.arrives("/referrals/(?!" + task["id"] + ").*")
    see("待接收", gp, phone)
    county.act("accept")
    county.confirm()
    see("同意接诊", gp, phone)
    expect(glance(gp)).to_contain_text(COUNTY)
    in_order(complaints(gp) + complaints(desk) + complaints(phone) + complaints(county))
    never_loaded_anew(gp, desk, phone, county)


def test_who_did_not_come_is_given_a_later_time(at_a_desk: Open, site: Site) -> None:
    task = refers(site, "gp", request(PATIENT, RESPIRATORY))
    here = f"/referrals/{task['id']}"
    gp, desk = opens(at_a_desk, "gp", here), opens(at_a_desk, "coordinator", here)
    phone = opens(at_a_desk, "resident", here)
    desk.act("accept")
    missed = books(desk, 0)
    see(missed, gp, phone)
    time_passes(site, f"update referral set missed_from = now() where task_id = '{task['id']}'")
    desk.go(here)  # some time later
    desk.act("no-show")
    desk.confirm()
    see("未到诊", gp, phone)
    see("未赴预约", gp, phone)
    desk.act("book")
    later = books(desk, 2)
    assert later > missed
    see("已预约", gp, phone)
    see(later, gp, phone)
    in_order(complaints(gp) + complaints(desk) + complaints(phone))
    takes(desk, "arrive")  # an open booking would be on the phone of the next journey
    desk.confirm()
    see("已到诊", gp, phone)
    never_loaded_anew(gp, phone)


def test_what_is_sent_on_goes_to_the_next_house_under_the_eyes_of_who_sent_it(at_a_desk: Open, site: Site) -> None:
    task = refers(site, "gp", request(PATIENT, BONES))
    here, name = f"/referrals/{task['id']}", task["for"]["display"]
    gp, desk = opens(at_a_desk, "gp", here), opens(at_a_desk, "coordinator", here)
    county = opens(at_a_desk, "county", "/worklist/inbox")
    desk.act("forward")
    desk.field("act-to").get_by_role("radio", name=re.compile(COUNTY)).check()
    desk.write("act-reason", "本院暂无床位或号源")
    desk.confirm()
    see("已改转", gp)
    expect(gp.page.get_by_label("相关转诊").get_by_role("link", name=re.compile(COUNTY))).to_be_visible(timeout=WAITS_MS)
    let_in(county, name).click()
    county.arrives("/referrals/(?!" + task["id"] + ").*")
    onward = county.address.removeprefix("/referrals/")
    county.act("ask")
    county.write("act-question", "受伤至今几天？")
    county.confirm()
    gp.page.get_by_label("相关转诊").get_by_role("link", name=re.compile(COUNTY)).click()
    gp.arrives(f"/referrals/{onward}")
    see("待补充资料", gp)
    gp.act("answer")
    gp.write("act-answer", "两天。")
    gp.confirm()
    looks_on(county)
    expect(county.page.get_by_text("两天。").first).to_be_visible(timeout=WAITS_MS)
    see("已接收", county)
    county.act("accept")
    county.confirm()
    see("同意接诊", gp)
    in_order(complaints(gp) + complaints(desk) + complaints(county))
    never_loaded_anew(gp, desk, county)
