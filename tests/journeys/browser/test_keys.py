"""The keyboard: search, lists and forms without a mouse."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site


def test_a_slash_goes_to_the_search_and_arrows_choose(at_a_desk: Open, site: Site) -> None:
    gp = at_a_desk("gp", motion=True)
    gp.go(f"/patients/{site.facts.people[1].id}")
    gp.page.keyboard.press("/")
    expect(gp.page.get_by_label("查找患者").first).to_be_focused()
    gp.page.keyboard.type(site.facts.people[2].name)
    expect(gp.page.get_by_role("option").first).to_be_visible()
    gp.page.keyboard.press("ArrowDown")
    gp.page.keyboard.press("Enter")
    gp.arrives(f"/patients/{site.facts.people[2].id}")


def test_j_and_k_move_in_a_list_and_enter_opens_the_row(at_a_desk: Open) -> None:
    gp = at_a_desk("gp", motion=True)
    gp.go("/worklist/sent")
    second = gp.page.get_by_role("table").get_by_role("link").nth(1).get_attribute("href")
    assert second, "the second row leads somewhere"
    for key in ("j", "j", "j", "k", "Enter"):
        gp.page.keyboard.press(key)
    gp.arrives(re.escape(second))
    gp.page.keyboard.press("Escape")
    gp.arrives("/worklist/sent")
    gp.page.keyboard.press("Enter")
    gp.arrives(re.escape(second))


def test_on_a_list_the_slash_goes_to_the_filter_of_the_list(at_a_desk: Open, site: Site) -> None:
    gp = at_a_desk("gp", motion=True)
    gp.go("/patients")
    gp.page.keyboard.press("/")
    gp.page.keyboard.type(site.facts.people[0].name)
    gp.page.keyboard.press("Enter")
    expect(gp.page.get_by_role("table").get_by_role("link")).to_have_count(1)
    gp.page.keyboard.press("j")
    gp.page.keyboard.press("Enter")
    gp.arrives(f"/patients/{site.facts.people[0].id}")


def test_a_referral_is_sent_without_a_mouse(at_a_desk: Open, site: Site) -> None:
    gp = at_a_desk("gp", motion=True)
    gp.go(f"/patients/{site.facts.people[3].id}/refer")
    gp.field("specialty").get_by_role("combobox").focus()
    gp.page.keyboard.type("xxg")
    expect(gp.page.get_by_role("option").first).to_be_attached()
    gp.page.keyboard.press("Enter")
    receivers = gp.field("receiver").get_by_role("radio")
    receivers.first.focus()
    gp.page.keyboard.press("Space")
    gp.field("reasons").get_by_role("combobox").focus()
    gp.page.keyboard.type("jwz")
    gp.page.keyboard.press("Enter")
    gp.page.keyboard.press("Tab")  # out of the open list, without a choice
    gp.field("presentIllness").locator("textarea").first.focus()
    gp.page.keyboard.press("ControlOrMeta+End")
    gp.page.keyboard.type("血压控制不佳。")
    gp.field("consent").get_by_role("radio").first.focus()
    gp.page.keyboard.press("Space")
    gp.page.keyboard.press("Control+Enter")
    gp.arrives("/referrals/.*")
    gp.sees("已提交", "血压控制不佳。")
