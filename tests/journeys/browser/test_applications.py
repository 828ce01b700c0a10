"""Applications beside the record: opened with the patient on the page, and one that comes by itself and asks for a patient."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect

from tests.access.journey import challenge
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.test_accounts import look

BACK = "http://127.0.0.1:9/back"
"""Where nobody listens: the browser is looked at on its way there."""


def test_an_application_is_opened_from_the_record_and_one_asks_for_a_patient(at_a_desk: Open, site: Site) -> None:
    asked = ("--scope", "launch launch/patient patient/*.rs", "--grant", "authorization_code", "--redirect", BACK)
    made = site.yilian("client", "add", "growth", "--name", "生长曲线", *asked, "--launch-url", "/mark.svg", "--launch-role", "gp")
    assert made.returncode == 0, made.stderr
    desk = at_a_desk("gp")
    somebody = site.facts.people[0]
    desk.go(f"/patients/{somebody.id}")
    desk.page.get_by_role("button", name="用应用打开该患者").click()
    item = desk.page.get_by_role("menuitem", name="生长曲线")
    expect(item).to_be_visible()
    look(desk, "launch-menu")
    with desk.page.context.expect_page() as opened:
        item.click()
    beside = opened.value
    beside.wait_for_url("**/mark.svg?**")
    said = parse_qs(urlsplit(beside.url).query)
    assert said["iss"] == [f"{site.url}/fhir"]
    assert len(said["launch"][0]) > 40
    beside.close()

    query = {
        "response_type": "code", "client_id": "growth", "redirect_uri": BACK, "scope": "launch/patient patient/*.rs", "state": "s",
        "code_challenge": challenge(), "code_challenge_method": "S256", "aud": f"{site.url}/fhir",
    }  # fmt: skip
    desk.expects("ERR_UNSAFE_PORT|chrome-error|127.0.0.1:9")
    desk.page.goto(f"/oauth2/authorize?{urlencode(query)}")
    desk.page.wait_for_url("**/choose-patient?**")
    desk.sees("生长曲线", "请选择患者")
    desk.page.get_by_role("searchbox", name="查找患者").fill(somebody.name)
    desk.sees(somebody.name)
    look(desk, "launch-choose-patient")
    there: list[str] = []
    desk.page.on("request", lambda request: there.append(request.url))
    desk.page.locator("li", has_text=somebody.name).first.get_by_role("button", name="选择").click()
    for _ in range(50):
        if any(url.startswith(BACK) for url in there):
            break
        desk.page.wait_for_timeout(100)
    assert "code" in parse_qs(urlsplit(next(url for url in there if url.startswith(BACK))).query)
