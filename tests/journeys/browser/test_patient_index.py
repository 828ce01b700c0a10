"""主索引管理员: finds the pairs that may be one person, looks at one side by side, decides with a reason, and takes it back."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import DESKTOP, PHONE, Desk, Size
from tests.journeys.browser.screens import complaints, in_order, look_over

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])


def list_of_pairs(desk: Desk) -> None:
    """The worklist, once the jobs of the server have looked everybody up."""
    for _ in range(40):
        desk.page.goto("/match")
        expect(desk.page.get_by_role("heading", level=1)).to_be_attached()
        desk.settle()
        if desk.page.locator('a[href^="/match/"]').filter(has_not_text="匹配模型").count() >= 2:
            return
        time.sleep(0.5)
    raise AssertionError("no pairs on the worklist")


def test_a_pair_is_decided_with_a_reason_and_the_decision_taken_back(at_a_desk: Open, site: Site) -> None:
    desk = at_a_desk("steward")
    page = desk.page
    page.get_by_role("link", name="主索引核对").first.click()
    list_of_pairs(desk)
    page.get_by_text("证件相同，姓名不同").first.click()
    expect(page.get_by_role("heading", name="信息对照")).to_be_visible()
    desk.settle()
    row = page.get_by_role("row", name=re.compile("居民身份证号"))
    expect(row).to_contain_text("一致")
    expect(row).to_contain_text("**************")
    expect(page.get_by_role("row", name=re.compile("^姓名 "))).to_contain_text("不同")
    page.get_by_role("button", name="是同一人", exact=True).click()
    expect(page.get_by_text("请先填写理由")).to_be_visible()
    page.get_by_label("理由").fill("本人持身份证到场核对，曾用名登记")
    page.get_by_role("button", name="是同一人", exact=True).click()
    expect(page.get_by_text("已关联为同一人")).to_be_visible()
    expect(page.get_by_text("另有 1 份已关联的登记")).to_have_count(2)
    expect(page.get_by_text(re.compile("范文清 于 .* 判定：同一人"))).to_be_visible()
    page.get_by_label("理由").fill("复核后有误")
    page.get_by_role("button", name="撤销判定").click()
    expect(page.get_by_text("已撤销，可重新判定")).to_be_visible()
    expect(page.get_by_text("另有 1 份已关联的登记")).to_have_count(0)
    page.get_by_label("理由").fill("非本人，亲属误用证件")
    page.get_by_role("button", name="不是同一人").click()
    expect(page.get_by_text("已判定为不是同一人")).to_be_visible()
    page.get_by_role("link", name="返回列表").click()
    page.get_by_text("不同人").first.click()
    expect(page.get_by_text("证件相同，姓名不同").first).to_be_visible()


@SIZES
def test_every_screen_of_the_patient_index(at_a_desk: Open, size: Size) -> None:
    desk = at_a_desk("steward", size=size)
    wrong = complaints(desk)
    list_of_pairs(desk)
    address = desk.page.locator('a[href^="/match/"]').filter(has_not_text="匹配模型").first.get_attribute("href")
    assert address
    in_order(wrong + look_over(desk, ["/match", "/match?state=same", "/match?state=later", address, "/match/model"], known={"m", "u"}))


def test_a_clinical_post_has_no_way_there(at_a_desk: Open) -> None:
    desk = at_a_desk("gp")
    expect(desk.page.get_by_role("link", name="主索引核对")).to_have_count(0)
    desk.expects("403")
    desk.page.goto("/match")
    expect(desk.page.get_by_role("alert").first).to_be_visible()
