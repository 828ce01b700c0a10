"""A planned referral from its approval to what comes back, by keys alone: the head of the township, the hospital's desk."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.browser.both_sides import opens, refers, request, see
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.keys import in_the_form, opens_first, press, sends, to_the_step, writes
from tests.journeys.browser.screens import complaints, in_order

TREATED = "调整降压方案，血压平稳"


def test_a_planned_referral_goes_its_whole_road_without_a_mouse(at_a_desk: Open, site: Site) -> None:
    patient = site.facts.people[2]
    task = refers(site, "gp", request(patient.id, "03.04", priority="routine"))  # the form is sent without a mouse in test_keys
    here = f"/referrals/{task['id']}"
    gp = opens(at_a_desk, "gp", here)
    see("院内审批中", gp)

    head = at_a_desk("head", motion=True)
    head.go("/worklist/approval")
    opens_first(head, patient.name)
    to_the_step(head, "approve")
    press(head, "Enter")
    see("待接收", gp)

    desk = at_a_desk("coordinator", motion=True)
    desk.go("/worklist/inbox")
    press(desk, "?")
    expect(desk.page.get_by_role("dialog", name="键盘操作")).to_contain_text("最该办理的操作")
    in_order(complaints(desk, {"a"}))
    press(desk, "Escape")
    expect(desk.page.get_by_role("dialog", name="键盘操作")).to_be_hidden()
    opens_first(desk, patient.name)
    desk.arrives(here)
    to_the_step(desk, "accept")
    press(desk, "Enter")
    slot = desk.field("act-slot").get_by_role("combobox").first
    expect(slot).to_be_focused()  # one writes at once
    press(desk, "ArrowDown")
    desk.settle()
    press(desk, "Enter")
    sends(desk)
    see("已预约", desk, gp)
    to_the_step(desk, "arrive")
    press(desk, "Enter")
    expect(desk.field("act-note").get_by_role("textbox")).to_be_focused()
    press(desk, "Escape")  # thought better of it
    expect(desk.page.locator(".ant-drawer-open")).to_have_count(0)
    to_the_step(desk, "arrive")
    press(desk, "Enter")
    in_the_form(desk)
    sends(desk)
    see("已到诊", desk, gp)
    to_the_step(desk, "complete")
    press(desk, "Enter")
    in_the_form(desk)
    writes(desk, "act-treatment", TREATED)
    writes(desk, "act-advice", "四周后复诊")
    sends(desk)
    see("已完成", desk, gp)
    gp.sees(TREATED)
    in_order(complaints(gp) + complaints(desk) + complaints(head))
