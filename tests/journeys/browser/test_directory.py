"""The directory in a browser: found, seen on the map, kept by the office, chosen from in a referral, and browsed by anybody on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PHONE
from tests.journeys.browser.screens import complaints, in_order

MACHINES = frozenset(re.findall(r"[A-Za-z]+", "CG BC TH YC QY PET MR DSA DR CT X T RT"))
"""What models of equipment are called."""
LEAD = "云溪市第一人民医院"


def test_a_doctor_finds_an_institution_by_name_and_on_the_map(at_a_desk: Open) -> None:
    desk = at_a_desk("gp")
    desk.go("/directory")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("机构目录")
    box = desk.page.get_by_role("searchbox", name="查找机构")
    box.fill("yxsdyrm")
    box.press("Enter")
    expect(desk.page.get_by_role("link", name=LEAD)).to_be_visible()
    expect(desk.page.get_by_role("row")).to_have_count(2)
    in_order(complaints(desk, MACHINES))
    box.fill("")
    box.press("Enter")
    desk.page.get_by_role("radiogroup", name="显示方式").get_by_text("地图").click()
    place = desk.page.get_by_role("button", name=re.compile("^柳河镇卫生院"))
    expect(place).to_be_visible()
    place.focus()
    place.press("Enter")
    expect(desk.page.get_by_role("heading", name="柳河镇卫生院")).to_be_visible()
    desk.picture("map")
    in_order(complaints(desk, MACHINES))
    desk.page.get_by_role("heading", name="柳河镇卫生院").get_by_role("link").click()
    desk.sees("科室与服务", "医师", "云溪县紧密型县域医共体", "近期等候时间")
    desk.settle()
    desk.picture("institution")
    in_order(complaints(desk, MACHINES))


def test_the_office_says_from_where_a_service_takes_referrals(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    desk.go("/directory/baichuan-county")
    row = desk.page.get_by_role("row").filter(has_text="骨科")
    expect(row).to_contain_text("上转")
    row.get_by_role("button", name="转诊设置").click()
    form = desk.page.get_by_role("dialog")
    form.get_by_role("checkbox", name="上转").uncheck()
    form.get_by_role("checkbox", name="影像检查报告").check()
    form.get_by_label("转入须经转出机构审批").click()
    form.get_by_role("button", name="保存").click()
    expect(form).to_have_count(0)
    expect(row).not_to_contain_text("上转")
    expect(row).to_contain_text("须审批、影像检查报告")


def test_the_office_lets_institutions_join_and_leave_a_consortium(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    desk.go("/consortia?of=yunxi-heart-alliance")
    desk.sees("云溪市心血管专科联盟", "牵头医院")
    desk.settle()
    desk.picture("consortium")
    in_order(complaints(desk, MACHINES))
    desk.page.get_by_role("button", name="办理加入").click()
    form = desk.page.get_by_role("dialog")
    desk.pick(form.get_by_label("加入的机构"), "白沙镇", "白沙镇中心卫生院")
    form.get_by_role("button", name=re.compile("加.?入$")).click()
    row = desk.page.get_by_role("row").filter(has_text="白沙镇中心卫生院")
    expect(row).to_contain_text("紧密型")
    desk.expects(r"status of 409")
    desk.page.get_by_role("button", name="办理加入").click()
    desk.pick(form.get_by_label("加入的机构"), "白沙镇", "白沙镇中心卫生院")
    form.get_by_role("button", name=re.compile("加.?入$")).click()
    expect(form.get_by_role("alert")).to_contain_text("同一时期已是该医联体成员")
    form.get_by_role("button", name=re.compile("取.?消")).click()
    row.get_by_role("button", name="限期整改").click()
    form.get_by_label("事由").fill("连续两个季度未完成转诊任务")
    form.get_by_role("button", name="发出通知").click()
    expect(row).to_contain_text("整改中，期限")
    row.get_by_role("button", name="终止成员资格").click()
    form.get_by_role("button", name="终止成员资格").click()
    expect(form).to_contain_text("请选择作为依据的决议")
    desk.pick(form.get_by_label("依据的决议"), "调整联盟", "关于调整联盟成员单位的决议")
    form.get_by_label("事由").fill("整改未通过")
    desk.picture("membership-ends")
    form.get_by_role("button", name="终止成员资格").click()
    expect(row).to_contain_text("依据 关于调整联盟成员单位的决议")
    expect(row.get_by_role("button", name="终止成员资格")).to_have_count(0)


def test_the_office_keeps_agreements_and_resolutions_that_members_read(at_a_desk: Open) -> None:
    desk = at_a_desk("office")
    desk.go("/consortia?of=yunxi-heart-alliance&tab=agreements")
    row = desk.page.get_by_role("row").filter(has_text="心血管专科联盟合作协议")
    expect(row).to_contain_text("即将到期")
    desk.settle()
    desk.picture("agreements")
    in_order(complaints(desk, MACHINES | {"HT", "HEART"}))
    row.get_by_role("button", name="修改").click()
    form = desk.page.get_by_role("dialog")
    desk.picture("agreement")
    form.get_by_label("截止日期").fill("2031-12-31")
    form.get_by_role("button", name=re.compile("保.?存")).click()
    expect(row).to_contain_text("2031-12-31")
    desk.page.get_by_role("tab", name="决议与文件").click()
    desk.page.get_by_role("button", name="登记文件").click()
    form.get_by_label("名称").fill("联盟病例讨论制度")
    desk.pick(form.get_by_label("类别"), "", "制度")
    paper = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
    form.get_by_label("选择文件").set_input_files({"name": "rule.pdf", "mimeType": "application/pdf", "buffer": paper})
    form.get_by_role("button", name=re.compile("保.?存")).click()
    expect(desk.page.get_by_role("row").filter(has_text="联盟病例讨论制度")).to_contain_text("打开附件")
    doctor = at_a_desk("gp")
    doctor.go("/consortia?of=yunxi-heart-alliance&tab=papers")
    expect(doctor.page.get_by_role("row").filter(has_text="联盟病例讨论制度")).to_contain_text("打开附件")
    expect(doctor.page.get_by_role("button", name="登记文件")).to_have_count(0)
    doctor.settle()
    doctor.picture("papers")
    in_order(complaints(doctor, MACHINES))


def test_equipment_is_told_to_everybody_who_works_here(at_a_desk: Open) -> None:
    desk = at_a_desk("gp")
    desk.go("/equipment?kind=mr")
    desk.sees("3.0T 磁共振", LEAD, "对外开放")
    desk.settle()
    desk.picture("equipment")
    in_order(complaints(desk, MACHINES))


def test_candidates_of_a_referral_come_ranked_with_reasons_and_on_a_map(at_a_desk: Open, site: Site) -> None:
    desk = at_a_desk("gp")
    desk.go(f"/patients/{site.facts.people[0].id}/refer")
    desk.choose("specialty", "xxg", "心血管内科")
    receivers = desk.page.get_by_role("group", name=re.compile("接收机构")).get_by_role("radio")
    expect(receivers.first).to_be_visible()
    group = desk.page.get_by_role("group", name=re.compile("接收机构"))
    expect(group.get_by_text(re.compile("车程约")).first).to_be_visible()
    group.get_by_role("button", name="在地图上看").click()
    mark = group.get_by_role("button", name=re.compile("^1 "))
    mark.focus()
    mark.press("Enter")
    expect(receivers.first).to_be_checked()
    desk.picture("candidates")


def test_anybody_browses_care_nearby_on_a_phone(at_a_desk: Open) -> None:
    phone = at_a_desk("nobody", size=PHONE, signed_in=False)
    phone.page.goto("/nearby?near=31.61,106.29")
    first = phone.page.get_by_role("article").first
    expect(first).to_contain_text("公里")
    phone.settle()
    phone.picture("nearby")
    in_order(complaints(phone, MACHINES))
    box = phone.page.get_by_role("searchbox", name="查找机构")
    box.fill("市第一人民")
    box.press("Enter")
    phone.page.get_by_role("link", name=LEAD).click()
    phone.sees("科室与服务", "医师", "主任医师")
    phone.settle()
    phone.picture("institution nearby")
    in_order(complaints(phone, MACHINES))
