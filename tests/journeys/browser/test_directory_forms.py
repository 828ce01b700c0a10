"""The directory kept by form: an institution, a department, a person with two posts, equipment and a service; conflicts and faults told."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open
from tests.journeys.browser.desk import Desk
from tests.journeys.browser.screens import complaints, in_order
from tests.journeys.browser.test_directory import LEAD, MACHINES

CODE = "510000000000000000009Z"


def save(desk: Desk) -> None:
    desk.page.get_by_role("button", name=re.compile("保.?存$")).last.click()


def saved(desk: Desk) -> None:
    expect(desk.page.get_by_text("已保存").last).to_be_visible()
    desk.settle()


def test_the_office_keeps_an_institution_and_its_departments(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    desk.go("/directory")
    desk.page.get_by_role("link", name="维护目录").click()
    desk.sees("云溪市第一人民医院")
    desk.settle()
    desk.picture("kept institutions")
    in_order(complaints(desk, MACHINES))
    desk.page.get_by_role("link", name="新增机构").click()
    desk.settle()
    save(desk)
    desk.sees("请填写名称。", "请填写机构代码。", "请选择级别。")
    page = desk.page
    page.get_by_label("名称").fill("云溪市康复医院")
    page.get_by_label("机构代码").fill(CODE)
    desk.pick(page.get_by_label("级别"), "", "县级医院")
    page.get_by_label("服务范围").fill("康复治疗；不收急危重症")
    page.get_by_label("地址").fill("云溪市滨河路 8 号")
    page.get_by_label("纬度").fill("31.61")
    save(desk)
    desk.sees("纬度和经度须同时填写。")
    desk.picture("faults at the fields")
    page.get_by_label("经度").fill("106.21")
    page.get_by_label("转诊联络人").fill("田野")
    page.get_by_label("转诊热线").fill("0666-8123456")
    save(desk)
    desk.arrives("/directory/keep/institutions/[^/]+")
    expect(page.get_by_role("heading", level=1)).to_have_text("云溪市康复医院")
    expect(page.get_by_label("纬度")).to_have_value("31.61")
    own = desk.address
    # Somebody else changes it meanwhile.
    other = at_a_desk("office")
    other.go(own)
    other.page.get_by_label("电话", exact=True).fill("0666-8000000")
    save(other)
    saved(other)
    desk.expects(r"status of 412")
    page.get_by_label("转诊热线").fill("0666-8123457")
    save(desk)
    desk.sees("内容已被他人更新，您的修改没有保存。")
    desk.picture("somebody else changed it")
    page.get_by_role("button", name="载入最新内容").click()
    expect(page.get_by_label("电话", exact=True)).to_have_value("0666-8000000")
    page.get_by_label("转诊热线").fill("0666-8123457")
    save(desk)
    saved(desk)
    changes = desk.panel("变更记录")
    expect(changes.get_by_role("row").filter(has_text="转诊联络人、热线")).to_contain_text("邓敏")
    desk.picture("institution by form")
    in_order(complaints(desk, MACHINES))
    # The number is taken now.
    desk.go("/directory/keep/institutions/new")
    page.get_by_label("机构代码").fill(CODE)
    page.get_by_label("机构代码").blur()
    desk.sees("该机构代码已用于云溪市康复医院。")
    # A department, which ends again.
    desk.go("/directory/keep/departments/new")
    page.get_by_label("名称").fill("康复一病区")
    desk.pick(page.get_by_label("所属机构"), "yxskf", "云溪市康复医院")
    save(desk)
    desk.arrives("/directory/keep/departments/(?!new)[^/]+")
    page.get_by_role("button", name="停用").click()
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(page.get_by_text(re.compile("起停用")).first).to_be_visible()
    desk.go("/directory/keep?kind=departments&state=ended")
    expect(page.get_by_role("link", name="康复一病区")).to_be_visible()


def test_a_person_has_two_posts_with_their_periods(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    page = desk.page
    desk.go("/directory/keep?kind=people&q=yf")
    expect(page.get_by_role("link", name="杨帆")).to_be_visible()
    desk.picture("kept people")
    in_order(complaints(desk, MACHINES))
    desk.go("/directory/keep/people/new")
    page.get_by_label("姓名").fill("田小雨")
    page.get_by_label("人员编号").fill("51669990000001")
    page.get_by_label("职称").fill("主治医师")
    save(desk)
    desk.arrives("/directory/keep/people/(?!new)[^/]+")
    for where, typed, post, kind, employer in (
        ("云溪县人民医院", "yxxrm", "医师", "主要执业", ""),
        ("青石镇卫生院", "qsz", "全科医生", "县管乡用", "云溪县人民医院"),
    ):
        page.get_by_role("button", name="增加岗位").click()
        form = page.get_by_role("dialog")
        desk.pick(form.get_by_label("执业机构"), typed, where)
        desk.pick(form.get_by_label("岗位"), "", post)
        desk.pick(form.get_by_label("执业方式"), "", kind)
        if employer:
            form.get_by_role("button", name=re.compile("保.?存$")).click()
            expect(form.get_by_text("县管乡用须填写聘用机构。")).to_be_visible()
            desk.pick(form.get_by_label("聘用机构"), "yxxrm", employer)
        form.get_by_label("开始日期").fill("2026-01-01")
        form.get_by_role("button", name=re.compile("保.?存$")).click()
        expect(form).to_have_count(0)
        expect(page.get_by_role("row").filter(has_text=where).first).to_contain_text(kind)
    # Two main places of practice at a time are refused, in words.
    desk.expects(r"status of 409")
    page.get_by_role("button", name="增加岗位").click()
    form = page.get_by_role("dialog")
    desk.pick(form.get_by_label("执业机构"), "yxsdyrm", LEAD)
    desk.pick(form.get_by_label("岗位"), "", "医师")
    form.get_by_role("button", name=re.compile("保.?存$")).click()
    expect(form.get_by_text("该人员同一时期已有主要执业机构").first).to_be_visible()
    desk.picture("two main places")
    form.get_by_role("button", name=re.compile("取.?消")).click()
    row = page.get_by_role("row").filter(has_text="青石镇卫生院")
    row.get_by_role("button", name=re.compile("修.?改")).click()
    form.get_by_label("结束日期").fill("2026-11-01")
    form.get_by_role("button", name=re.compile("保.?存$")).click()
    expect(row).to_contain_text("2026-01-01 至 2026-11-01")
    desk.settle()
    desk.picture("person by form")
    in_order(complaints(desk, MACHINES))


def test_equipment_and_services_are_kept_by_form(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    page = desk.page
    desk.go("/directory/keep?kind=equipment&q=磁共振")
    page.get_by_role("link", name=re.compile("磁共振")).first.click()
    desk.settle()
    page.get_by_label("型号").fill("MR 750")
    save(desk)
    saved(desk)
    expect(desk.panel("变更记录").get_by_role("row").filter(has_text="型号").first).to_contain_text("邓敏")
    desk.picture("equipment by form")
    in_order(complaints(desk, MACHINES))
    desk.go("/directory/keep/services/new")
    page.get_by_label("名称").fill("疼痛门诊")
    desk.pick(page.get_by_label("所属机构"), "yxsdyrm", LEAD)
    desk.pick(page.get_by_label("诊疗科目"), "康复", "康复")
    for way in ("上转", "下转", "平级"):
        page.get_by_role("checkbox", name=way).uncheck()
    save(desk)
    desk.sees("请至少选择一种接收方向。")
    page.get_by_role("checkbox", name="上转").check()
    page.get_by_role("checkbox", name="影像检查报告").check()
    page.get_by_role("switch", name="转诊医生可直接预约号源").click()
    save(desk)
    desk.arrives("/directory/keep/services/(?!new)[^/]+")
    expect(page.get_by_role("switch", name="转诊医生可直接预约号源")).to_be_checked()
    desk.settle()
    desk.picture("service by form")
    in_order(complaints(desk, MACHINES))
    desk.go("/directory/keep?kind=services&q=疼痛")
    expect(page.get_by_role("row").filter(has_text="疼痛门诊")).to_contain_text("上转")
    desk.picture("kept services")


HEADING = "机构代码,科室代码,科室名称,电话,在用\n"


def test_a_list_is_tried_and_then_taken_in(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    page = desk.page
    desk.go("/directory/import")
    desk.picture("import")
    in_order(complaints(desk, MACHINES | {"Excel", "CSV", "xlsx"}))
    desk.go("/directory/keep?q=云溪县人民医院")
    page.get_by_role("link", name="云溪县人民医院").click()
    desk.settle()
    code = page.get_by_label("机构代码").input_value()
    desk.go("/directory/import")
    rows = f"{code},WX01,外一病区,,是\n0000000000,WX02,外二病区,,是\n{code},,外三病区,,是\n"

    def offer(text: str) -> None:
        page.locator("input[type=file]").set_input_files({"name": "科室.csv", "mimeType": "text/csv", "buffer": text.encode()})
        desk.pick(page.get_by_label("类别"), "", "科室")
        page.get_by_role("button", name="试运行").click()

    offer(HEADING + rows)
    desk.sees("2 行未通过", "目录中没有机构代码 0000000000", "“科室代码”不能为空。")
    expect(page.get_by_role("button", name=re.compile("^导.?入$"))).to_be_disabled()
    desk.picture("import refused")
    in_order(complaints(desk, MACHINES | {"Excel", "CSV", "xlsx", "csv"}))
    offer(HEADING + rows.splitlines(keepends=True)[0])
    desk.sees("试运行通过：1 行，可以导入。")
    page.get_by_role("button", name=re.compile("^导.?入$")).click()
    desk.sees("已导入 1 行。")
    desk.picture("import kept")
    desk.go("/directory/keep?kind=departments&q=外一")
    expect(page.get_by_role("link", name="外一病区")).to_be_visible()


def test_a_doctor_does_not_keep_the_directory(at_a_desk: Open) -> None:
    desk = at_a_desk("gp")
    desk.go("/directory/keep/people/new")
    desk.sees("机构目录由系统管理员或医联体办公室维护。")
    main = desk.page.get_by_role("main")
    expect(main.get_by_role("button", name=re.compile("保.?存"))).to_have_count(0)
    expect(main.locator("form, input, select, textarea, [role=combobox], [role=switch]")).to_have_count(0)
