"""转诊统计: numbers, the referrals behind them, and the file to take along."""

from __future__ import annotations

from tests.journeys.browser.conftest import Open


def test_a_number_leads_to_the_referrals_it_counts_and_back(at_a_desk: Open) -> None:
    office = at_a_desk("coordinator")
    office.page.get_by_role("link", name="转诊统计").first.click()
    office.arrives("/referral-statistics")
    office.sees("按时应答率", "应答中位时长", "青石镇卫生院")
    office.page.get_by_text("我院接收", exact=True).click()
    office.sees("青石镇卫生院", "合计")
    office.settle()
    row = office.page.get_by_role("row", name="青石镇卫生院")
    number = int(row.get_by_role("link").first.inner_text())
    assert number > 1
    row.get_by_role("link").first.click()
    office.arrives(r"/referral-statistics/list\?.*institution=qingshi.*")
    office.sees("我院接收", f"共 {number} 条")
    office.page.get_by_role("link", name="返回转诊统计").click()
    office.arrives(r"/referral-statistics\?.*side=received.*")
    office.page.get_by_role("combobox", name="统计维度").click()
    office.page.get_by_title("按疾病").click()
    office.sees("疾病（ICD-10 类目）")
    with office.page.expect_download() as kept:
        office.press("导出 Excel")
    assert kept.value.suggested_filename.endswith(".xlsx")


def test_the_consortium_office_sees_the_numbers_of_its_members(at_a_desk: Open) -> None:
    office = at_a_desk("office")
    office.page.get_by_role("link", name="转诊统计").first.click()
    office.arrives("/referral-statistics")
    office.sees("医联体各成员", "转出机构", "合计")
    assert office.page.locator("main table a").count() == 0
