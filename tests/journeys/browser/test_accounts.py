"""Accounts at the screen: a password of one's own, an authenticator app, a passkey, devices, and looking after those of an institution.

Passkeys by Chromium's own virtual authenticator (Chrome DevTools Protocol, domain WebAuthn). A host name is needed for them: localhost.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.beside import time_passes
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PASSWORD, PHONE, Desk
from tests.journeys.browser.screens import overhang
from yilian.access.factors import totp

GOOD = "Jian-hu-ren-8"
PICTURES = os.environ.get("TEST_PICTURES", "")
"""A folder to keep pictures of the screens in, to be looked at."""

REFUSED = r"status of 40[019]"
"""What the browser says of a request that was refused, as it should be."""


def look(desk: Desk, name: str) -> None:
    desk.settle()
    assert overhang(desk) == [], name
    if PICTURES:
        time.sleep(0.4)  # drawers and windows come to rest
        desk.page.screenshot(path=Path(PICTURES) / f"{name}.png")


def enter(desk: Desk, name: str, password: str) -> None:
    desk.page.get_by_label("用户名").fill(name)
    desk.page.get_by_label("密码", exact=True).fill(password)
    desk.page.get_by_role("button", name="登录", exact=True).click()


def code_of(desk: Desk) -> Callable[[], str]:
    """The codes of the app whose secret is on the screen; each call waits for one that was not given yet."""
    secret = desk.page.locator("form code").first.inner_text().replace(" ", "")
    given: list[int] = []

    def fresh() -> str:
        while given and int(time.time()) // totp.STEP_S <= given[-1]:
            time.sleep(0.5)
        given.append(int(time.time()) // totp.STEP_S)
        return totp.code_at(secret, datetime.now(UTC))

    return fresh


def test_an_account_is_made_given_to_its_owner_and_made_safe(at_a_desk: Open, site: Site) -> None:
    admin = at_a_desk("admin")
    admin.page.get_by_role("link", name="账号管理").first.click()
    admin.arrives("/accounts")
    admin.sees("gp", "系统管理员")
    look(admin, "accounts")
    admin.press("新建账号")
    admin.page.get_by_role("button", name="保存").click()
    admin.sees("请填写用户名、姓名和岗位。")
    admin.page.get_by_label("用户名", exact=True).fill("Safety.Q")
    admin.page.get_by_label("姓名", exact=True).fill("周安全")
    admin.pick(admin.page.get_by_role("combobox", name="岗位"), "", "安全管理员")
    admin.pick(admin.page.get_by_role("combobox", name="机构或科室"), "青石镇卫生院", "青石镇卫生院")
    look(admin, "account-form")
    admin.page.get_by_role("button", name="保存").click()
    admin.sees("临时密码", "72 小时内有效")
    given = admin.page.locator(".ant-modal code").inner_text()
    look(admin, "account-given")

    owner = at_a_desk("safety.q", signed_in=False)
    owner.expects(REFUSED)
    owner.page.goto("/")
    enter(owner, "safety.q", given)
    owner.sees("请设置新密码")
    look(owner, "sign-in-new-password")
    for new in ("safety.q-A1b2", "短"):
        owner.page.get_by_label("新密码", exact=True).fill(new)
        owner.page.get_by_label("再次输入新密码").fill(new)
        owner.page.locator("button[type=submit]").click()
        owner.page.get_by_role("alert").wait_for()
    owner.sees("密码至少 10 个字符")
    owner.page.get_by_label("新密码", exact=True).fill(GOOD)
    owner.page.get_by_label("再次输入新密码").fill(GOOD)
    owner.page.locator("button[type=submit]").click()
    owner.arrives("/")

    owner.page.get_by_role("link", name="账号管理").first.click()
    owner.arrives("/accounts")
    owner.sees("gp", "head", "青石镇卫生院", "本人")
    owner.sees_nothing_of("expert")
    assert "任有他处岗位" not in owner.page.get_by_role("row", name=re.compile(r"^gp ")).inner_text()
    owner.press("批量导入")
    rows = "用户名,姓名,岗位\nwang.f,王芳,全科医生、转诊办\nzhao,赵,系统管理员\n"
    owner.page.locator("input[type=file]").set_input_files({"name": "名单.csv", "mimeType": "text/csv", "buffer": rows.encode("gb18030")})
    owner.sees("共 2 行:1 行可用".replace(":", "\uff1a"), "可新建", "未通过")
    look(owner, "accounts-import")
    owner.press("导入 1 人")
    owner.sees("已新建")
    with owner.page.expect_download() as kept:
        owner.press("下载临时密码")
    assert "wang.f" in Path(kept.value.path()).read_text(encoding="utf-8-sig")


def test_an_authenticator_app_guards_an_account(at_a_desk: Open) -> None:
    desk = at_a_desk("head")
    desk.expects(REFUSED)
    desk.page.get_by_role("link", name="我的账号").first.click()
    desk.arrives("/account")
    desk.sees("第二重验证", "登录设备", "本机")
    if desk.page.get_by_role("button", name="退出其他所有设备").count():  # somebody else was at work under this name
        desk.press("退出其他所有设备")
    desk.sees("没有其他设备")
    look(desk, "my-account")
    desk.press("启用动态口令")
    window = desk.page.locator(".ant-modal")
    window.get_by_label("请输入当前密码确认").fill("wrong")
    window.get_by_role("button", name="启用动态口令").click()
    desk.sees("当前密码不正确")
    window.get_by_label("请输入当前密码确认").fill(PASSWORD)
    window.get_by_role("button", name="启用动态口令").click()
    desk.page.get_by_alt_text("动态口令").wait_for()
    code = code_of(desk)
    look(desk, "app-code")
    desk.page.get_by_label("验证码").fill(code())
    desk.press("继续")
    desk.sees("恢复码")
    recovery = desk.page.locator("ol code").all_inner_texts()
    assert len(recovery) == 10
    look(desk, "recovery-codes")
    desk.press("我已保存")
    desk.sees("已启用", "剩余 10 个未使用")

    other = at_a_desk("head", signed_in=False)
    other.expects(REFUSED)
    other.page.goto("/")
    enter(other, "head", PASSWORD)
    other.sees("第二重验证", "6 位数字")
    look(other, "sign-in-second-factor")
    other.page.get_by_label("验证码").fill("000000")
    other.press("继续")
    other.sees("验证码不正确或已使用过")
    other.page.get_by_label("验证码").fill(code())
    other.press("继续")
    other.arrives("/")

    desk.go("/account")
    desk.sees("退出其他所有设备")
    look(desk, "my-devices")
    desk.press("退出其他所有设备")
    desk.sees("没有其他设备登录此账号")
    other.page.goto("/account")
    other.page.get_by_label("用户名").wait_for()
    other.page.get_by_label("用户名").fill("head")
    other.page.get_by_label("密码", exact=True).fill(PASSWORD)
    other.page.get_by_role("button", name="登录", exact=True).click()
    other.page.get_by_label("验证码").fill(recovery[0])
    other.press("继续")
    other.arrives("/account")
    other.sees("剩余 9 个未使用")
    other.press("停用动态口令")  # others sign in under this name too
    asked = other.page.locator(".ant-modal")
    asked.get_by_label("请输入当前密码确认").fill(PASSWORD)
    asked.get_by_role("button", name="继续").click()
    expect(other.page.get_by_role("button", name="启用动态口令")).to_be_visible()


@pytest.fixture
def without_second_factor(site: Site) -> Iterator[None]:
    """The resident of the region signs in by password again afterwards: others do so with the same account."""
    yield
    time_passes(site, "delete from passkey where account = 'resident'; delete from recovery_code where account = 'resident'")


@pytest.mark.usefixtures("without_second_factor")
def test_a_passkey_signs_in_without_a_password(at_a_desk: Open, site: Site) -> None:
    desk = at_a_desk("resident", signed_in=False, size=PHONE)
    home = site.url.replace("127.0.0.1", "localhost")
    session = desk.page.context.new_cdp_session(desk.page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    desk.page.goto(home)
    enter(desk, "resident", PASSWORD)
    desk.arrives("/")
    desk.page.goto(f"{home}/account")
    desk.settle()
    look(desk, "phone-my-account")
    desk.press("添加通行密钥")
    desk.page.get_by_label("请输入当前密码确认").fill(PASSWORD)
    desk.page.get_by_label("通行密钥名称").fill("我的手机")
    desk.page.locator(".ant-modal").get_by_role("button", name="添加通行密钥").click()
    desk.sees("恢复码")
    look(desk, "phone-recovery-codes")
    desk.press("我已保存")
    desk.sees("我的手机", "尚未使用")

    desk.page.get_by_role("button", name="更多").click()
    desk.page.get_by_role("button", name="退出登录").click()
    desk.page.wait_for_url("**/signed-out")
    desk.page.goto(home)
    look(desk, "phone-sign-in")
    desk.press("使用通行密钥")
    desk.arrives("/")
    desk.page.goto(f"{home}/account")
    desk.sees("最近使用")

    desk.page.get_by_role("button", name="更多").click()
    desk.page.get_by_role("button", name="退出登录").click()
    desk.page.wait_for_url("**/signed-out")
    desk.page.goto(home)
    enter(desk, "resident", PASSWORD)
    desk.sees("请用通行密钥验证")
    look(desk, "phone-second-factor")
    desk.press("使用通行密钥验证")
    desk.arrives("/")
    expect(desk.page.get_by_role("heading").first).to_be_visible()
