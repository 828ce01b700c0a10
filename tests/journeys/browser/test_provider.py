"""Signing in with the account of one's own institution: the first time, every other time, and when the provider is away."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PASSWORD, Desk
from tests.journeys.browser.test_accounts import enter, look

NAME = "青石镇卫生院"


@contextmanager
def provider() -> Iterator[str]:
    """A provider of another make, as a program of its own; its issuer."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    issuer = f"http://localhost:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            for _ in range(100):
                try:
                    httpx.get(f"{issuer}/.well-known/openid-configuration")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield issuer
        finally:
            program.terminate()
            program.wait(10)


def by_provider(desk: Desk, subject: str) -> None:
    desk.page.get_by_role("button", name=f"用{NAME}账号登录").click()
    desk.page.wait_for_url("**/oauth2/authorize?**")
    desk.page.locator("input[name=sub]").fill(subject)
    desk.page.locator("input[name=sub]").press("Enter")


def sign_out(desk: Desk) -> None:
    desk.page.get_by_role("button", name="退出登录").click()
    desk.page.wait_for_url("**/signed-out")
    desk.settle()


def test_a_doctor_signs_in_with_the_account_of_the_hospital(at_a_desk: Open, site: Site) -> None:
    desk = at_a_desk("gp", signed_in=False)
    desk.expects(r"pico\.min\.css|localhost:\d+/favicon\.ico")  # the provider's own page is not ours to judge
    try:
        with provider() as issuer:
            asked = ("--name", NAME, "--issuer", issuer, "--client-id", "yilian", "--institution", NAME, "--secret", "--first-time")
            made = site.yilian("provider", "add", "hospital", *asked, given="secret\n")
            assert made.returncode == 0, made.stderr
            desk.page.goto("/")
            expect(desk.page.get_by_role("button", name=f"用{NAME}账号登录")).to_be_visible()
            look(desk, "provider-sign-in")
            by_provider(desk, "staff-7")
            desk.page.wait_for_url("**/sign-in?**link=hospital**")
            desk.sees("首次用机构账号登录")
            look(desk, "provider-link")
            enter(desk, "gp", PASSWORD)
            desk.arrives("/")
            linked = site.yilian("provider", "list", "hospital")
            assert "gp" in linked.stdout
            assert "staff-7" in linked.stdout
            sign_out(desk)
            desk.page.goto("/")
            by_provider(desk, "staff-7")
            desk.arrives("/")
            sign_out(desk)
            expect(desk.page.get_by_role("link", name=f"同时退出{NAME}账号")).to_be_visible()
            look(desk, "provider-signed-out")
            made = site.yilian("provider", "add", "hospital", *asked[:-1], given="secret\n")
            assert made.returncode == 0, made.stderr
            desk.page.goto("/")
            by_provider(desk, "staff-8")
            desk.page.wait_for_url("**/sign-in?provider-said=not-linked")
            desk.sees("尚未关联本系统账号")
            look(desk, "provider-not-linked")
    finally:
        site.yilian("provider", "remove", "hospital")
