"""Every screen at a desk and on a phone: no sideways scrolling, no complaint of the browser, no word of English."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open
from tests.journeys.browser.desk import DESKTOP, PHONE, Desk, Size
from tests.journeys.browser.screens import complaints, in_order, look_over

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])


def worklists(desk: Desk) -> list[str]:
    """Where the navigation leads to: every list of the post."""
    if desk.size == PHONE:
        desk.page.get_by_role("button", name="更多", exact=True).click()
        expect(desk.page.get_by_role("dialog")).to_be_visible()
    return sorted(set(desk.page.eval_on_selector_all('nav a[href^="/worklist/"]', "all => all.map((one) => one.getAttribute('href'))")))


@SIZES
def test_the_sign_in(at_a_desk: Open, size: Size) -> None:
    desk = at_a_desk("gp", size=size, signed_in=False)
    desk.page.goto("/")
    expect(desk.page.get_by_label("用户名")).to_be_visible()
    in_order(complaints(desk))


@SIZES
@pytest.mark.parametrize("who", ["county", "office", "regulator", "pharmacist", "admin", "privacy", "resident"])
def test_the_first_page_of_every_post(at_a_desk: Open, who: str, size: Size) -> None:
    desk = at_a_desk(who, size=size)
    expect(desk.page.get_by_role("heading", level=1)).to_be_visible()
    in_order(complaints(desk))


@SIZES
def test_the_numbers_of_the_region(at_a_desk: Open, size: Size) -> None:
    desk = at_a_desk("regulator", size=size)
    in_order(look_over(desk, [f"/statistics?table={table}" for table in ("residents", "diagnoses", "encounters", "referrals")]))
    desk.go("/statistics?table=diagnoses")
    desk.sees("循环系统疾病", "不予显示")
    row = desk.page.get_by_role("row", name=re.compile("^精神和行为障碍"))
    expect(row).to_contain_text("＊")


@SIZES
@pytest.mark.parametrize("who", ["gp", "head", "coordinator", "expert"])
def test_the_first_page_and_every_worklist(at_a_desk: Open, who: str, size: Size) -> None:
    desk = at_a_desk(who, size=size)
    wrong = complaints(desk)
    lists = worklists(desk)
    assert len(lists) >= 3
    in_order(wrong + look_over(desk, lists))
