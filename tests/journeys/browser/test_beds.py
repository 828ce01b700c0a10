"""A ward at the hospital: a bed is kept, the patient admitted, moved and discharged; another house sees what is free and nobody's name."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.journeys.browser.conftest import Open
from tests.journeys.browser.desk import PHONE, Desk
from tests.journeys.browser.screens import complaints, in_order

WARD = "/beds/yunxi-first-cardiology"


def card(desk: Desk, number: str) -> Locator:
    return desk.page.get_by_role("article", name=f"{number} 床", exact=True)


def free_bed(desk: Desk) -> str:
    """The number of a bed that is free, for anybody: in the last room."""
    found = desk.page.locator("article", has_text="空床").last.get_attribute("aria-label")
    assert found
    return found.removesuffix(" 床")


def act(desk: Desk, number: str, what: str) -> Locator:
    """Opens the form of this act on a bed."""
    card(desk, number).get_by_role("button", name=f"{number} 床 的操作").click()
    desk.page.get_by_role("menuitem", name=what, exact=True).click()
    return desk.page.get_by_role("dialog")


def test_a_bed_is_kept_and_a_patient_admitted_moved_and_discharged(at_a_desk: Open) -> None:
    expert = at_a_desk("expert")
    expert.page.goto("/patients")
    expert.settle()
    name = expert.page.locator("tbody tr a").first.inner_text().strip()
    expert.page.goto(WARD)
    expect(expert.page.get_by_role("heading", level=1)).to_have_text("心血管内科病区")
    expert.settle()
    number = free_bed(expert)

    form = act(expert, number, "预留")
    expert.pick(expert.page.get_by_role("combobox", name="患者"), name, name)
    form.get_by_role("button", name="预 留").or_(form.get_by_role("button", name="预留")).click()
    expect(card(expert, number)).to_contain_text(f"为 {name} 预留")
    expect(card(expert, number)).to_contain_text("已预留")
    expert.picture("a bed kept")
    in_order(complaints(expert))

    gp = at_a_desk("gp2", size=PHONE)
    gp.page.goto(WARD)
    gp.settle()
    expect(card(gp, number)).to_contain_text("已预留")
    expect(gp.page.get_by_role("button", name=re.compile("的操作"))).to_have_count(0)
    in_order(complaints(gp))

    form = act(expert, number, "入院")
    form.get_by_role("button", name=re.compile("入 ?院")).click()
    expect(card(expert, number)).to_contain_text("住院第 1 天")
    expect(card(expert, number)).to_contain_text(name)
    expect(card(gp, number)).to_contain_text("占用", timeout=25_000)
    expect(card(gp, number)).not_to_contain_text(name)

    form = act(expert, number, "转床")
    expert.pick(expert.page.get_by_role("combobox", name="转往"), "骨科", "骨科病区")
    form.get_by_role("button", name=re.compile("转 ?床")).click()
    expect(card(expert, number)).to_contain_text("清洁消毒")
    expert.page.goto("/beds/yunxi-first-orthopaedics")
    mine = expert.page.locator("article", has_text=name)
    expect(mine).to_contain_text("住院第 1 天")
    moved = (mine.get_attribute("aria-label") or "").removesuffix(" 床")

    form = act(expert, moved, "出院")
    form.get_by_role("button", name=re.compile("出 ?院")).click()
    expect(card(expert, moved)).to_contain_text("清洁消毒")
    expert.settle()
    expert.picture("a ward after a discharge")
    in_order(complaints(expert))


def test_free_beds_of_the_region_are_seen_before_one_refers(at_a_desk: Open) -> None:
    gp = at_a_desk("gp")
    gp.page.get_by_role("link", name="床位一览").click()
    expect(gp.page.get_by_role("heading", level=1)).to_have_text("床位一览")
    gp.sees("青石镇卫生院的病区", "区域空床", "云溪县人民医院")
    gp.page.get_by_role("button", name="云溪市第一人民医院").click()
    gp.sees("云溪市第一人民医院的病区", "心血管内科病区")
    gp.picture("beds of the region")
    in_order(complaints(gp))
