"""Two people at their browsers: one acts, the other is told and sees it without loading anything anew."""

from __future__ import annotations

import json
import re
from time import monotonic, sleep

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PHONE
from tests.journeys.browser.screens import complaints

WAITS_MS = 15_000
"""The machine may be busy; without a call the page would look after 60 s."""


def test_what_one_says_the_other_sees_and_answers_without_loading_anew(at_a_desk: Open, site: Site) -> None:
    gp, coordinator = at_a_desk("gp"), at_a_desk("coordinator")
    gp.go(f"/referrals/{site.facts.referral}")
    coordinator.go(f"/referrals/{site.facts.referral}")
    bell = gp.page.get_by_role("banner").get_by_role("button", name=re.compile("^消息"))
    before = bell.get_attribute("aria-label")

    asking = coordinator.page.get_by_role("form", name="写给对方")
    asking.get_by_text("提问", exact=True).click()
    asking.get_by_role("textbox", name="写给对方").fill("术后两周复查心电图了吗？")
    asking.get_by_role("button", name="发送").click()
    talk = gp.page.get_by_role("region", name="沟通")
    expect(talk.get_by_text("术后两周复查心电图了吗？")).to_be_visible(timeout=WAITS_MS)
    expect(talk.get_by_text("待回复")).to_be_visible()
    expect(bell).not_to_have_attribute("aria-label", before or "", timeout=WAITS_MS)

    talk.get_by_role("button", name="回复此问题").click()
    expect(talk.get_by_text("回复：术后两周复查心电图了吗？")).to_be_visible()
    talk.get_by_role("textbox", name="写给对方").fill("复查了，窦性心律。")
    talk.get_by_role("button", name="发送").click()
    answered = coordinator.page.get_by_role("region", name="沟通")
    expect(answered.get_by_text("复查了，窦性心律。")).to_be_visible(timeout=WAITS_MS)
    expect(answered.get_by_text("待回复")).to_have_count(0)
    assert complaints(gp) == complaints(coordinator) == []
    coordinator.page.get_by_role("form", name="写给对方").get_by_role("textbox", name="写给对方").fill("好的，请继续观察。")
    gp.go("/worklist/closed")
    coordinator.page.get_by_role("form", name="写给对方").get_by_role("button", name="发送").click()
    expect(gp.page.get_by_role("row").get_by_text("1 条未读沟通")).to_be_visible(timeout=WAITS_MS)
    assert complaints(gp) == []


def test_the_inbox_leads_to_what_it_is_about_and_says_what_is_new(at_a_desk: Open, site: Site) -> None:
    gp, coordinator = at_a_desk("gp", size=PHONE), at_a_desk("coordinator")
    gp.go("/messages?kind=conversation")
    coordinator.go(f"/referrals/{site.facts.referral}")
    form = coordinator.page.get_by_role("form", name="写给对方")
    form.get_by_role("textbox", name="写给对方").fill("请下周带患者来复诊。")
    form.get_by_role("button", name="发送").click()
    line = gp.page.get_by_role("listitem").filter(has_text="请下周带患者来复诊。")
    expect(line).to_be_visible(timeout=WAITS_MS)
    expect(line.get_by_label("未读")).to_be_visible()
    assert complaints(gp) == []
    line.get_by_role("link", name="转诊有新的留言").click()
    gp.arrives(f"/referrals/{site.facts.referral}")
    gp.go("/messages?kind=conversation&which=unread")
    expect(gp.page.get_by_text("请下周带患者来复诊。")).to_have_count(0)


def code_sent(site: Site) -> str:
    """The code of the newest letter that has one."""
    until = monotonic() + WAITS_MS / 1000
    while monotonic() < until:
        letters = sorted(site.outbox.glob("email-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for letter in letters:
            if found := re.search(r"验证码 (\d{6})", json.loads(letter.read_text("utf-8"))["text"]):
                return found[1]
        sleep(0.1)
    raise AssertionError("no code was sent")


def test_how_one_is_told_is_chosen_and_the_office_sees_what_was_sent(at_a_desk: Open, site: Site) -> None:
    gp = at_a_desk("gp")
    gp.go("/account")
    box = gp.page.get_by_role("checkbox", name="转诊 邮件")
    box.click()
    expect(box).to_be_checked()
    gp.page.get_by_role("textbox", name="邮箱", exact=True).fill("gp@example.org")
    gp.page.get_by_role("button", name="保存 邮箱").click()
    expect(gp.page.get_by_role("textbox", name="邮箱", exact=True)).to_have_value("gp@example.org")
    expect(gp.page.get_by_text("未验证", exact=True)).to_be_visible()
    gp.page.get_by_role("button", name="获取验证码 邮箱").click()
    code = gp.page.get_by_role("textbox", name="验证码 邮箱")
    code.fill(code_sent(site))
    gp.page.get_by_role("button", name="验证 邮箱", exact=True).click()
    expect(gp.page.get_by_text("已验证", exact=True)).to_be_visible()
    gp.page.get_by_role("radio", name="每天一次").click()
    expect(gp.page.get_by_label("每天几点")).to_have_value("08:00")
    gp.page.get_by_text("不设免打扰").click()
    expect(gp.page.get_by_role("radio", name="不设免打扰")).to_be_checked()
    office = at_a_desk("office")
    office.go("/deliveries")
    assert complaints(office) == []
