"""The health card in two browsers: shown on a phone, scanned at a desk by keystrokes and by camera; a new patient who is none."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.browser.conftest import CHROMIUM, Open, Site
from tests.journeys.browser.desk import DESKTOP, PHONE, Desk
from tests.journeys.browser.screens import complaints, in_order

HOLDER = "resident-0001"
USED = r"status of 409 .*scan-card"
FRAMES = 40


def at_work(at_a_desk: Open, who: str) -> Desk:
    """A registrar, whose first page is the desk."""
    desk = at_a_desk(who, signed_in=False)
    desk.page.goto("/")
    desk.page.get_by_label("用户名").fill(who)
    desk.page.get_by_label("密码", exact=True).fill("yilian-demo")
    desk.page.get_by_role("button", name="登录").click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("登记台")
    desk.settle()
    return desk


def showing(at_a_desk: Open) -> tuple[Desk, str]:
    """The resident with the card on the phone, and the code that stands in it."""
    phone = at_a_desk("resident", size=PHONE)
    with phone.page.expect_response(re.compile(r"\$card")) as shown:
        phone.page.get_by_role("link", name="我的健康卡").click()
    expect(phone.page.get_by_role("img", name=re.compile("^健康卡二维码"))).to_be_visible()
    phone.settle()
    parts = {one["name"]: one for one in shown.value.json()["parameter"]}
    return phone, str(parts["code"]["valueString"])


def patient(site: Site, id: str) -> Any:
    """As the region's system reads it."""
    token = site.yilian("token", "--client", "bench").stdout.strip()
    request = urllib.request.Request(f"{site.url}/fhir/Patient/{id}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_a_resident_shows_the_card_and_the_desk_scans_it_and_registers(at_a_desk: Open, site: Site) -> None:
    name = patient(site, HOLDER)["name"][0]["text"]
    phone, code = showing(at_a_desk)
    phone.sees("秒后自动更新", "卡号", name)
    phone.picture("card on the phone")
    in_order(complaints(phone))
    box = phone.page.get_by_role("img", name=re.compile("^健康卡二维码")).bounding_box()
    assert box is not None
    assert box["width"] >= 300, "large enough for a scanner"
    assert box["y"] + box["height"] < PHONE.height, "in view without scrolling"

    desk = at_work(at_a_desk, "registrar")
    in_order(complaints(desk))
    expect(desk.page.get_by_label(re.compile("^扫健康卡"))).to_be_focused()
    desk.page.keyboard.type(code)
    desk.page.keyboard.press("Enter")
    desk.arrives(f"/desk/{HOLDER}")
    desk.sees(name, "本次扫码的查看依据到")
    desk.press("登记并取号")
    desk.sees("已到诊")
    expect(desk.page.get_by_text(re.compile(r"^MZ\d{10}$")).first).to_be_visible()
    desk.picture("registered")
    in_order(complaints(desk))

    desk.expects(USED)
    desk.page.get_by_role("heading", level=1).click()  # nowhere near a field
    desk.page.keyboard.type(code)
    desk.page.keyboard.press("Enter")
    desk.sees("该二维码已被使用过")
    desk.picture("used twice")
    in_order(complaints(desk))


def test_a_camera_reads_the_card_from_the_phone(at_a_desk: Open, site: Site, tmp_path: Path, chromium: Browser) -> None:
    """Chromium on a desktop has no BarcodeDetector, so this is the library's work."""
    phone, _ = showing(at_a_desk)
    picture = phone.page.screenshot(type="jpeg", quality=90)
    film = tmp_path / "phone.mjpeg"
    film.write_bytes(picture * FRAMES)
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    camera = chromium.browser_type.launch(executable_path=CHROMIUM, args=["--no-sandbox", *fake])
    try:
        desk = Desk(camera, site.url, "registrar2", DESKTOP)
        at_work(lambda *_, **__: desk, "registrar2")
        desk.press("摄像头扫码")
        desk.arrives(f"/desk/{HOLDER}")
        desk.leave()
    finally:
        camera.close()
    assert not desk.faults


def test_the_resident_withdraws_the_card_and_gets_a_new_one(at_a_desk: Open) -> None:
    phone, code = showing(at_a_desk)
    phone.press("停用健康卡")
    phone.page.get_by_role("tooltip").get_by_role("button", name="停用健康卡").click()
    expect(phone.page.get_by_role("heading", name="您还没有启用健康卡")).to_be_visible()
    in_order(complaints(phone))
    phone.picture("withdrawn")
    desk = at_work(at_a_desk, "registrar")
    desk.expects(USED)
    desk.page.keyboard.type(code)
    desk.page.keyboard.press("Enter")
    desk.sees("该健康卡已被持卡人停用")
    phone.press("启用健康卡")
    expect(phone.page.get_by_role("img", name=re.compile("^健康卡二维码"))).to_be_visible()


@pytest.mark.parametrize("reason", ["患者称为双胞胎，同名误读"])
def test_a_new_patient_who_is_known_is_told_to_be_one(at_a_desk: Open, site: Site, reason: str) -> None:
    somebody = site.facts.people[1]
    known = patient(site, somebody.id)
    number = next(one["value"] for one in known["identifier"] if one["system"].endswith("11.1.3"))
    mobile = next(one["value"] for one in known["telecom"])
    desk = at_work(at_a_desk, "registrar")
    desk.page.get_by_label(re.compile("^扫健康卡")).fill(number)
    desk.page.keyboard.press("Enter")
    desk.sees("本院尚无查看依据", somebody.name)
    desk.picture("found elsewhere")
    in_order(complaints(desk))

    desk.press("新建患者")
    desk.page.get_by_role("button", name="保存").click()
    desk.sees("请填写姓名")
    expect(desk.page.get_by_label("出生日期")).to_have_value(known["birthDate"])
    desk.page.get_by_role("textbox", name=re.compile("^姓名")).fill(somebody.name)
    desk.page.get_by_label("电话").fill(mobile)
    desk.picture("new patient")
    in_order(complaints(desk))
    desk.page.get_by_role("button", name="保存").click()
    desk.sees("可能已经有档案", "区域内已有档案与此人一致", "就是此人")
    desk.picture("warned")
    in_order(complaints(desk))
    desk.page.get_by_role("button", name="仍要新建").click()
    desk.sees("请写明新建理由")
    desk.page.get_by_role("button", name="就是此人").first.click()
    desk.sees("请对方出示健康卡扫码")
    desk.page.get_by_label(re.compile("新建理由")).fill(reason)
    desk.page.get_by_role("button", name="仍要新建").click()
    desk.page.wait_for_url(re.compile(r"/desk/[0-9a-f-]{36}$"))
    desk.sees(somebody.name, "今天在本院还没有登记")


def test_somebody_without_a_name_is_registered(at_a_desk: Open) -> None:
    desk = at_work(at_a_desk, "registrar2")
    desk.press("新建患者")
    desk.page.get_by_text("无名氏", exact=True).click()
    desk.page.get_by_label("体貌特征或送来经过").fill("约六十岁，左臂有疤")
    desk.page.get_by_label("男", exact=True).check()
    in_order(complaints(desk))
    desk.page.get_by_role("button", name="保存").click()
    desk.page.wait_for_url(re.compile(r"/desk/[0-9a-f-]{36}$"))
    desk.sees("无名氏(约六十岁，左臂有疤)", "无证件号")
