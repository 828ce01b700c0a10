"""Where one is signed in, and signing out there; and what of all this another site's page could do."""

from __future__ import annotations

import pytest

from tests.access.conftest import ORIGIN, PASSWORD, House
from tests.access.journey import authorize, bearer, sign_in, tokens_of
from yilian.errors import NotSignedIn
from yilian.http.limits import Limits


async def test_everybody_sees_where_they_are_signed_in_and_through_what(people: House) -> None:
    async with people.browser() as desk, people.browser(address="2001:db8::7") as phone, people.browser() as other:
        await tokens_of(desk, "gp")
        people.clock.move(minutes=3)
        phone.headers["user-agent"] = "Phone/1"
        await sign_in(phone, "gp")
        await sign_in(other, "gp2")
        listed = (await phone.get("/oauth2/account/sessions")).json()["sessions"]
    assert [(one["here"], one["address"], [app["client"] for app in one["apps"]]) for one in listed] == [
        (True, "2001:db8::7", []),
        (False, "10.0.0.7", ["yilian-web"]),
    ]
    assert listed[0]["browser"] == "Phone/1"
    assert listed[0]["seen"] > listed[1]["seen"]


async def test_one_session_is_ended_with_its_tokens_and_nobody_elses(people: House) -> None:
    async with people.browser() as desk, people.browser() as phone, people.browser() as other:
        header = bearer((await tokens_of(desk, "gp"))["access_token"])
        await sign_in(phone, "gp")
        await sign_in(other, "gp2")
        there = next(one["id"] for one in (await phone.get("/oauth2/account/sessions")).json()["sessions"] if not one["here"])
        for browser, status in ((other, 404), (phone, 200), (phone, 404)):
            ended = await browser.post("/oauth2/account/sessions/end", json={"id": there}, headers={"origin": ORIGIN})
            assert ended.status_code == status
        people.clock.move(seconds=1)
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)
        assert (await authorize(desk)).headers["location"].startswith("/sign-in?")
        assert (await authorize(other)).headers["location"].startswith(ORIGIN)
    assert await people.value("select count(*) from audit_event where subtype = '110123' and account = 'gp'") == 1


async def test_signing_out_everywhere_leaves_the_browser_that_asked(people: House) -> None:
    browsers = [people.browser() for _ in range(3)]
    for browser in browsers:
        await sign_in(browser, "gp")
    ended = await browsers[0].post("/oauth2/account/sessions/end", json={}, headers={"origin": ORIGIN})
    assert ended.json() == {"ended": 2}
    assert [(await one.get("/oauth2/account")).status_code for one in browsers] == [200, 401, 401]
    for browser in browsers:
        await browser.aclose()


async def test_how_long_a_session_may_be_idle_is_for_the_region(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        people.clock.move(minutes=29)
        assert (await browser.get("/oauth2/account")).status_code == 200
        people.clock.move(minutes=31)
        assert (await browser.get("/oauth2/account")).status_code == 401
        await people.rule("idle_minutes", 5)
        await sign_in(browser, "gp")
        people.clock.move(minutes=6)
        assert (await browser.get("/oauth2/account")).status_code == 401


COOKIE_POSTS = (
    "sign-in", "sign-in/second-factor", "sign-in/passkey-options", "sign-in/passkey", "sign-in/password", "sign-out", "account/password",
    "account/app", "account/app/confirm", "account/app/remove", "account/passkey-options", "account/passkeys", "account/passkeys/remove",
    "account/recovery-codes", "account/sessions/end", "provider", "provider/link", "launch",
    "launch/patient",
)  # fmt: skip


async def test_nothing_that_goes_by_the_cookie_is_done_for_another_sites_page(people: House) -> None:
    """Each address that takes POST and the cookie refuses a foreign Origin, and a form, which needs no leave of ours to be sent."""
    async with people.browser() as browser:
        known = {route.path.removeprefix("/oauth2/") for route in browser._transport.app.routes if "POST" in route.methods}  # type: ignore[attr-defined]
        by_token = {"token", "revoke", "introspect", "userinfo", "accounts", "accounts/-/import", "accounts/{name}/{act}"}
        assert set(COOKIE_POSTS) == known - by_token, "a new address is added to the list, or takes a token"
        await sign_in(browser, "gp")
        for path in COOKIE_POSTS:
            for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
                assert (await browser.post(f"/oauth2/{path}", json={}, headers=headers)).status_code == 403, path
            if path not in ("sign-out", "sign-in/passkey-options"):
                form = await browser.post(f"/oauth2/{path}", data={"password": PASSWORD}, headers={"origin": ORIGIN})
                assert form.status_code == 415, path
        assert (await authorize(browser)).headers["location"].startswith(ORIGIN), "still signed in"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(people: House) -> None:
    async with people.browser("https://yilian.example") as browser:
        made = (await sign_in(browser, "gp")).headers["set-cookie"].lower()
    assert all(word in made for word in ("httponly", "secure", "samesite=lax", "path=/oauth2"))


async def test_sign_ins_from_one_address_are_slowed_down(people: House) -> None:
    limits = Limits(sign_in=60, clock=lambda: 0.0)
    async with people.browser(limits=limits) as browser:
        answers = [(await sign_in(browser, "gp")).status_code for _ in range(31)]
        assert answers[:30] == [204] * 30
        assert answers[30] == 429
        refused = await browser.post("/oauth2/token", data={"grant_type": "client_credentials"})
        assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
    async with people.browser(limits=limits, address="10.0.0.8") as elsewhere:
        assert (await sign_in(elsewhere, "gp")).status_code == 204


async def test_answers_of_sign_in_are_guarded_like_pages(people: House) -> None:
    async with people.browser("https://yilian.example") as browser:
        answer = await browser.get("/oauth2/account")
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    async with people.browser() as plain:
        assert "strict-transport-security" not in (await plain.get("/oauth2/account")).headers
