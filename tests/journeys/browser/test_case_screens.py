"""The patients, a record, a referral and its forms, at a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import DESKTOP, PHONE, Size
from tests.journeys.browser.screens import complaints, in_order, look_over

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
TABS = ("summary", "timeline", "laboratory", "medication", "reports", "encounters")


@SIZES
def test_the_patients_a_record_a_referral_and_the_form_for_one(at_a_desk: Open, site: Site, size: Size) -> None:
    patient = site.facts.people[1].id
    record = [f"/patients/{patient}?tab={tab}" for tab in TABS]
    rest = ["/patients", f"/patients/{patient}/refer", f"/referrals/{site.facts.referral}", "/nowhere"]
    in_order(look_over(at_a_desk("gp", size=size), [*rest, *record]))


@SIZES
def test_the_form_of_every_step(at_a_desk: Open, site: Site, size: Size) -> None:
    """The small forms beside the case, each opened once, nothing sent."""
    desk = at_a_desk("coordinator", size=size)
    desk.go("/worklist/inbox")
    wrong: list[str] = []
    desk.page.get_by_role("table").get_by_role("link").first.click()
    desk.arrives("/referrals/.*")
    expect(desk.page.locator("button[data-action]").first).to_be_visible()
    codes = desk.page.eval_on_selector_all("button[data-action]", "all => all.map((one) => one.dataset.action)")
    for code in codes:
        if code == "receive":
            continue
        desk.act(code)
        desk.settle()
        expect(desk.page.locator(".ant-drawer-open")).to_be_visible()
        wrong += [f"{code}: {one}" for one in complaints(desk)]
        desk.close_form()
    assert "accept" in codes
    in_order(wrong)
