"""Who looked at a record: the resident reads it on the phone, the privacy officer in the log of the own institution."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import DESKTOP, PHONE, Desk, Size
from tests.journeys.browser.screens import complaints, in_order

ACCOUNTS = frozenset({"gp", "gp2", "head", "county", "coordinator", "expert", "office", "privacy", "resident", "yunxi", "first"})
"""Names of accounts are data."""


def until_told(desk: Desk, address: str, text: str) -> None:
    """Reads are recorded within a second of the answer."""
    for patience_ms in (500, 1000, 2000, 4000):
        desk.go(address)
        if desk.page.get_by_text(text, exact=True).count():
            return
        desk.page.wait_for_timeout(patience_ms)
    expect(desk.page.get_by_text(text, exact=True).first).to_be_visible()


def test_a_resident_reads_who_looked_at_the_record_and_on_what_ground(at_a_desk: Open) -> None:
    at_a_desk("gp").go("/patients/resident-0001")
    resident = at_a_desk("resident", size=PHONE)
    until_told(resident, "/access-log", "陈志远")
    line = resident.page.get_by_role("listitem").filter(has_text="陈志远").first
    expect(line).to_contain_text("青石镇卫生院")
    expect(line).to_contain_text("全科医生")
    expect(line).to_contain_text("查阅")
    expect(line).to_contain_text("依据")
    in_order(complaints(resident))


def test_the_privacy_officer_finds_what_was_done_in_the_own_institution_and_nothing_of_another(at_a_desk: Open, site: Site) -> None:
    at_a_desk("coordinator").go(f"/referrals/{site.facts.referral}")
    at_a_desk("gp").go(f"/patients/{site.facts.people[0].id}")
    officer = at_a_desk("privacy")
    until_told(officer, "/trail?who=丽娟", "转诊")
    rows = officer.page.get_by_role("table").get_by_role("row").filter(has_text="周丽娟")
    assert rows.count() >= 1
    in_order(complaints(officer, ACCOUNTS))
    rows.filter(has_text="转诊").first.get_by_role("link").click()
    expect(officer.page.get_by_role("heading", name="访问记录详情", level=2)).to_be_visible()
    expect(officer.page.get_by_text("周丽娟 · coordinator")).to_be_visible()
    officer.go("/trail?who=志远")
    expect(officer.page.get_by_text("这段时间没有符合条件的记录")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_the_log_is_in_order_on_every_screen(at_a_desk: Open, size: Size) -> None:
    officer = at_a_desk("privacy", size=size)
    until_told(officer, "/trail", "登录")
    expect(officer.page.get_by_role("heading", name="访问日志", level=1)).to_be_attached()
    expect(officer.page.get_by_text("白洁").first).to_be_visible()  # her own signing in, at the least
    in_order(complaints(officer, ACCOUNTS))
