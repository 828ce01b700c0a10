"""A resident books, waits, checks in and is called; the desk of the hospital sees it, calls, and books for the same person again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.beside import time_passes
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PHONE, Desk
from tests.journeys.browser.screens import complaints, in_order
from yilian.fhir.definitions import type_id

HOLDER = "resident-0001"
HOSPITAL = "云溪县人民医院"
DEPARTMENT = "心血管内科"


def at_work(at_a_desk: Open, who: str) -> Desk:
    desk = at_a_desk(who)
    desk.settle()
    return desk


def choose(desk: Desk, *names: str) -> None:
    for name in names:
        desk.page.get_by_role("button", name=re.compile(name)).first.click()
        desk.settle()


def take_a_time(desk: Desk) -> None:
    """The first doctor of the day who has something free, and the first free time."""
    desk.page.locator("li").get_by_role("button", name="选时间").first.click()
    desk.settle()
    desk.page.locator("button[aria-label^='预约 ']:enabled").first.click()
    desk.sees("号已保留", "请确认")


def test_a_resident_books_on_the_phone_checks_in_and_is_called_by_the_desk(at_a_desk: Open, site: Site) -> None:
    phone = at_a_desk("resident", size=PHONE)
    phone.sees("我的预约")
    phone.go("/book")
    in_order(complaints(phone))
    choose(phone, HOSPITAL)
    in_order(complaints(phone))
    choose(phone, DEPARTMENT)
    phone.picture("times")
    take_a_time(phone)
    in_order(complaints(phone))
    phone.picture("held")
    phone.press("确认预约")
    phone.arrives("/bookings")
    phone.sees("待就诊", "已预约", HOSPITAL, "可以取消或改约")
    phone.picture("mine")
    in_order(complaints(phone))

    soon = "now() + interval '20 minutes'"
    day = "(now() at time zone 'Asia/Shanghai')::date"
    newest = "(select max(rid) from appointment where state = 'booked')"
    time_passes(site, f"update appointment set starts = {soon}, ends = {soon} + interval '1 hour', day = {day} where rid = {newest}")
    phone.go("/bookings")
    phone.press("签到取号")
    phone.sees("已签到", "排队号", "前面还有 0 人")
    phone.picture("checked in")

    desk = at_work(at_a_desk, "registrar")
    desk.go("/day")
    desk.sees("候诊", "网上")
    in_order(complaints(desk))
    row = desk.page.get_by_role("row").filter(has_text="网上")  # others have come to the desk
    expect(row).to_contain_text("候诊")
    row.get_by_role("button", name=re.compile("^叫号")).click()
    desk.sees("请 1 号就诊", "已叫号")
    desk.picture("called")
    phone.go("/bookings")
    phone.sees("请到诊室就诊")
    row.get_by_role("button", name=re.compile("^完成")).click()
    desk.sees("已完成")

    desk.go(f"/desk/{HOLDER}")
    desk.page.get_by_role("button", name="预约挂号").click()
    desk.arrives("/book.*")
    choose(desk, DEPARTMENT)
    in_order(complaints(desk))
    take_a_time(desk)
    desk.picture("held at the desk")
    desk.press("确认预约")
    desk.arrives("/day.*")
    desk.sees("现场")
    desk.go("/calendar")
    desk.sees("号源日历", DEPARTMENT)
    desk.picture("calendar")
    in_order(complaints(desk))
    phone.go("/bookings")
    made = phone.page.get_by_role("listitem").filter(has_text=HOSPITAL).filter(has_text="已预约")
    expect(made).to_have_count(1)  # the one of the desk
    made.get_by_role("button", name="取消预约").click()
    phone.page.locator(".ant-popconfirm, .ant-popover").get_by_role("button", name="取消预约").click()
    phone.sees("已取消")


def test_a_resident_waits_for_a_doctor_who_is_full_and_appeals_against_a_mark(at_a_desk: Open, site: Site) -> None:
    time_passes(
        site,
        "update place set opens = now() + interval '30 days', public_from = now() + interval '30 days' where appointment is null"
        " and slot in (select s.rid from slot s join resource o on o.rid = s.institution where o.id = 'yunxi-county')",
    )
    phone = at_a_desk("resident", size=PHONE)
    phone.go("/book")
    choose(phone, HOSPITAL, DEPARTMENT)
    days = phone.page.get_by_role("group", name="日期").get_by_role("button")
    days.nth(3).click()
    for nth in range(3, 8):  # over a weekend
        days.nth(nth).click()
        if phone.page.get_by_role("button", name="候补").count():
            break
    phone.picture("full")
    phone.page.get_by_role("button", name="候补").first.click()
    phone.sees("已登记候补")
    phone.go("/bookings")
    phone.sees("候补中", "前面还有 0 人候补")
    in_order(complaints(phone))
    phone.press("退出候补")
    phone.sees("已退出候补")
    time_passes(
        site,
        "insert into absence (appointment, kind, patient, institution, at) select rid, 'no-show', patient, institution, now()"
        " from appointment where state = 'cancelled' and patient = "
        f"(select rid from resource where id = '{HOLDER}' and type = {type_id('Patient')})"
        " limit 1 on conflict (appointment) do update set kind = 'no-show'",
    )
    phone.go("/bookings")
    phone.page.get_by_role("button", name=re.compile("^申诉")).first.click()
    phone.page.get_by_role("textbox").fill("当天在外地住院,无法到诊")
    phone.press("提交申诉")
    phone.sees("申诉处理中")
    phone.picture("appeal")
    in_order(complaints(phone))
