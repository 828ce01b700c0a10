"""The office changes what is kept of the slots; a desk books a course; a guardian books on the phone; a hospital looks at its beds."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open
from tests.journeys.browser.desk import PHONE, Desk
from tests.journeys.browser.screens import complaints, in_order
from tests.journeys.browser.test_booking import DEPARTMENT, HOLDER, choose, take_a_time

CITY = "云溪市第一人民医院"


def draft(desk: Desk, share: int, source: str) -> None:
    """Other rules for the first kind of slots, looked at and not saved yet."""
    desk.press("调整规则")
    desk.page.get_by_role("spinbutton", name="预留比例 1").fill(str(share))
    desk.page.get_by_label("依据").fill(source)
    desk.press("预览两周的变化")
    desk.sees("两周的变化", "→", "改变预留或开放时间")


def save(desk: Desk) -> None:
    desk.page.get_by_role("button", name=re.compile("^保 ?存$")).click()
    desk.page.locator(".ant-popconfirm, .ant-popover").get_by_role("button", name=re.compile("保 ?存")).click()
    desk.sees("已保存")


def test_the_office_looks_at_what_other_rules_would_do_and_changes_them(at_a_desk: Open) -> None:
    office = at_a_desk("office")
    office.go("/pool-rules")
    office.sees("号源池规则", "现行", "区域规定", "还没有调整过")
    in_order(complaints(office))
    draft(office, 60, "医联体理事会决议第 3 号")
    office.picture("rules previewed")
    in_order(complaints(office))
    save(office)
    office.sees("医联体理事会决议第 3 号", "普通门诊 基层 60%", "本机构规则")
    office.picture("rules changed")


def test_administrators_keep_the_rules_of_the_region_and_the_office_sees_which_are_its_own(at_a_desk: Open) -> None:
    office = at_a_desk("office")
    office.go("/pool-rules")
    draft(office, 65, "医联体理事会决议第 4 号")
    save(office)

    admin = at_a_desk("admin")
    admin.go("/pool-rules")
    admin.sees("号源池规则", "现行", "另有规定的机构", CITY, "普通门诊 基层 65%")
    expect(admin.page.get_by_role("radiogroup", name="规则层级")).to_have_count(0)
    in_order(complaints(admin))
    admin.picture("rules of the region")
    draft(admin, 70, "云溪市卫健委通知第 5 号")
    admin.sees("1 家机构的自定规则将低于新的区域规定")
    in_order(complaints(admin))
    admin.picture("rules of the region previewed")
    save(admin)
    admin.sees("云溪市卫健委通知第 5 号")
    admin.picture("rules of the region changed")

    office.go("/pool-rules")
    office.sees("本机构规则", "区域规定", "出自")
    office.page.get_by_role("tab").nth(-2).click()
    office.sees("区域规定已提高，本机构规则低于区域规定，请调整。")
    office.settle()
    office.picture("own rules are less")
    in_order(complaints(office))
    office.page.get_by_role("radiogroup", name="规则层级").get_by_text("区域", exact=True).click()
    office.arrives("/pool-rules\\?level=region")
    office.sees("另有规定的机构", "云溪市卫健委通知第 5 号", "低于区域规定")
    expect(office.page.get_by_role("button", name="调整规则")).to_have_count(0)
    office.picture("rules of the region for an office")
    in_order(complaints(office))


def test_a_desk_books_a_course_and_cancels_what_is_left_of_it(at_a_desk: Open) -> None:
    desk = at_a_desk("registrar")
    desk.go(f"/desk/{HOLDER}")
    desk.settle()
    name = desk.page.get_by_role("heading", level=1).inner_text().strip()
    desk.page.get_by_role("button", name="预约挂号").click()
    desk.arrives("/book.*")
    choose(desk, DEPARTMENT)
    desk.page.get_by_text("疗程", exact=True).click()
    desk.page.get_by_label("次数").fill("2")
    desk.page.get_by_label("间隔天数").fill("1")
    desk.page.locator("li").get_by_role("button", name="选时间").first.click()
    desk.settle()
    desk.picture("course")
    in_order(complaints(desk))
    desk.page.locator("button[aria-label^='预约 ']:enabled").first.click()
    desk.page.get_by_role("dialog").get_by_role("button", name="预约 2 次").click()
    desk.arrives(f"/bookings\\?patient={HOLDER}")
    desk.sees("共 2 次，待就诊 2 次", "疗程 1/2", "疗程 2/2")
    desk.picture("course booked")
    in_order(complaints(desk))
    desk.press("取消余下 2 次")
    desk.page.locator(".ant-popconfirm, .ant-popover").get_by_role("button", name="取消余下 2 次").click()
    desk.sees("已取消 2 次")
    expect(desk.page.get_by_text("共 2 次")).to_have_count(0)

    desk.go("/calendar")
    desk.press("后一周")
    desk.settle()
    desk.page.get_by_role("button", name=re.compile("可约 [1-9]")).first.click()
    drawer = desk.page.get_by_role("dialog")
    desk.pick(drawer.get_by_role("combobox", name="患者"), name, name)
    desk.settle()
    desk.picture("calendar opened")
    in_order(complaints(desk))
    drawer.get_by_role("button", name=re.compile("^预约 ")).first.click()
    desk.sees("号已保留")
    desk.press("确认预约")
    desk.sees("预约成功")


def test_a_guardian_books_for_a_ward_on_the_phone_cancels_and_is_answered(at_a_desk: Open) -> None:
    phone = at_a_desk("resident", size=PHONE)
    phone.go("/book")
    whose = phone.page.get_by_role("radiogroup", name="为谁预约").locator("label")
    expect(whose).not_to_have_count(1)
    ward = whose.nth(1).inner_text().strip()
    whose.nth(1).click()
    phone.arrives("/book\\?patient=.*")
    phone.picture("for whom")
    in_order(complaints(phone))
    choose(phone, CITY, DEPARTMENT)
    take_a_time(phone)
    phone.press("确认预约")
    phone.arrives("/bookings\\?patient=.*")
    phone.sees("待就诊", "已预约", CITY, ward)
    of_the_ward = phone.address
    phone.picture("of the ward")
    in_order(complaints(phone))
    phone.press("取消预约")
    phone.page.locator(".ant-popconfirm, .ant-popover").get_by_role("button", name="取消预约").click()
    phone.sees("已取消")
    phone.page.get_by_role("button", name=re.compile("^申诉")).first.click()
    phone.page.get_by_role("textbox", name="请说明原因，例如当天住院、医院停诊").fill("孩子发热，当天改看急诊")
    phone.press("提交申诉")
    phone.sees("申诉处理中")

    office = at_a_desk("office")
    office.go("/appeals")
    row = office.page.locator("li, tr", has_text="孩子发热，当天改看急诊")
    row.get_by_role("button", name="采纳", exact=True).click()
    expect(row).to_have_count(0)

    phone.go("/messages")
    phone.sees("被监护人的申诉已采纳", f"您为{ward}提出的")
    phone.picture("told of the ward")
    in_order(complaints(phone))
    phone.page.get_by_role("link", name=re.compile("被监护人的申诉已采纳")).first.click()
    phone.settle()
    assert phone.address == of_the_ward
    phone.sees(ward, "已撤销")


def test_a_hospital_sees_how_its_beds_are_used_and_what_is_to_be_checked(at_a_desk: Open) -> None:
    desk = at_a_desk("coordinator")
    desk.go("/bed-use")
    desk.sees("床位使用", "每日床位使用率", "心血管内科病区", "周转次数", "日间手术")
    desk.picture("use of beds")
    in_order(complaints(desk))
    desk.page.get_by_text("各机构", exact=True).first.click()
    desk.sees("云溪市第一人民医院")
    desk.go("/beds")
    desk.sees("床位一览", "同一患者占用两张床位", "预留")
    desk.picture("beds to check")
