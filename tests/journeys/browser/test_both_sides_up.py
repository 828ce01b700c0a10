"""A planned referral up: the sender's doctor, the receiver's desk and the patient look on, from the approval to what comes back."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.both_sides import (
    FIRST,
    HOME,
    WAITS_MS,
    glance,
    let_in,
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

PATIENT, NEUROLOGY, WARD = "resident-0001", "03.03", "神经内科病区"
TREATED = "改善循环、控制血压，头晕消失"


def books_with_a_bed(desk: Desk) -> str:
    """The receiver says yes with the first free place of a doctor and a bed of the ward; what stands at the top then."""
    desk.act("accept")
    desk.pick(desk.field("act-slot").get_by_role("combobox", name="门诊或专家号"), "", "余")
    desk.choose("act-bed", "", WARD)
    desk.confirm()
    see("已预约", desk)
    return str(glance(desk).inner_text())


def test_a_planned_referral_is_seen_by_both_sides_and_the_patient_as_it_goes(at_a_desk: Open, site: Site) -> None:
    task = refers(site, "gp", request(PATIENT, NEUROLOGY, priority="routine"))
    here = f"/referrals/{task['id']}"
    name = task["for"]["display"]
    gp = opens(at_a_desk, "gp", here)
    desk = opens(at_a_desk, "coordinator", "/worklist/inbox")
    see("院内审批中", gp)
    desk.sees_nothing_of(name)  # before the approval it is the township's own business

    head = at_a_desk("head")
    head.go(here)
    takes(head, "approve")
    head.leave()
    see("待接收", gp)
    let_in(desk, name, here).click()
    desk.arrives(here)
    phone = opens(at_a_desk, "resident", here)
    see("待接收", phone)

    takes(desk, "receive")
    see("已接收", gp, phone)
    arranged = books_with_a_bed(desk)
    see("已预约", gp, phone)
    when = re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d", arranged)
    assert when, arranged
    see(when.group(), gp, phone)
    in_order(complaints(gp) + complaints(desk) + complaints(phone))

    takes(desk, "arrive")
    desk.confirm()
    see("已到诊", gp, phone)
    desk.act("report")
    desk.write("act-note", "头颅磁共振未见新发梗死。")
    desk.confirm()
    expect(gp.page.get_by_text("头颅磁共振未见新发梗死。").first).to_be_visible(timeout=WAITS_MS)
    desk.act("complete")
    desk.choose("act-diagnosis", "后循环缺血", "后循环缺血")
    desk.write("act-treatment", TREATED)
    desk.write("act-advice", "规律服用降压药，四周后复查血脂")
    desk.confirm()

    see("已完成", gp, phone)
    see_step("完成并回转", FIRST, gp)
    see_step("同意转出", HOME, gp)
    for words in (TREATED, "规律服用降压药"):
        expect(gp.page.get_by_role("region", name="回转内容")).to_contain_text(words)
        expect(phone.page.get_by_role("region", name="回转内容")).to_contain_text(words)
    in_order(complaints(gp) + complaints(desk) + complaints(phone))
    never_loaded_anew(gp, desk, phone)
