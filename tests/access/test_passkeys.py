"""Passkeys: made, shown, copied, shown elsewhere. W3C Web Authentication Level 2 §7; RFC 9700 knows no better."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.access.authenticator import PRESENT, Authenticator
from tests.access.conftest import PASSWORD, House
from tests.access.journey import authorize, sign_in
from yilian.access import accounts

ORIGIN = "http://localhost:8080"


async def post(browser: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await browser.post(f"/oauth2/{path}", json=body, headers={"origin": ORIGIN})


def key(**more: Any) -> Authenticator:
    return Authenticator(ORIGIN, "localhost", **more)


async def enrol(browser: httpx.AsyncClient, one: Authenticator, label: str = "手机") -> httpx.Response:
    options = (await post(browser, "account/passkey-options", password=PASSWORD)).json()
    return await post(browser, "account/passkeys", label=label, credential=one.make(options))


async def with_passkey(people: House, browser: httpx.AsyncClient, who: str = "gp") -> Authenticator:
    await sign_in(browser, who)
    one = key()
    assert (await enrol(browser, one)).status_code == 200
    await browser.post("/oauth2/sign-out")
    return one


async def shown(browser: httpx.AsyncClient, one: Authenticator, **more: Any) -> httpx.Response:
    options = (await post(browser, "sign-in/passkey-options")).json()
    return await post(browser, "sign-in/passkey", credential=one.answer(options, **more))


async def test_a_passkey_alone_signs_in(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        assert (await shown(browser, one)).status_code == 204
        assert (await authorize(browser)).headers["location"].startswith(ORIGIN)
        listed = (await browser.get("/oauth2/account/sessions")).json()["sessions"]
        assert [session["factors"] for session in listed] == [["hwk", "mfa"]]
        mine = (await browser.get("/oauth2/account")).json()["secondFactor"]
        assert [known["label"] for known in mine["passkeys"]] == ["手机"]
        assert mine["passkeys"][0]["used"]


async def test_a_passkey_is_the_second_step_after_a_password_for_its_own_account_alone(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        mine = await with_passkey(people, browser)
        other = await with_passkey(people, browser, "gp2")
        assert (await sign_in(browser, "gp")).json() == {"next": "second-factor"}
        assert (await shown(browser, other)).status_code == 401
        assert (await authorize(browser)).headers["location"].startswith("/sign-in?")
        assert (await shown(browser, mine)).status_code == 204
        listed = (await browser.get("/oauth2/account/sessions")).json()["sessions"]
        assert listed[0]["factors"] == ["pwd", "hwk", "mfa"]


async def test_the_first_passkey_satisfies_a_post_that_needs_one(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        assert (await sign_in(browser, "admin")).json() == {"next": "enrol"}
        done = await enrol(browser, key())
        assert done.json()["next"] == ""
        assert len(done.json()["recoveryCodes"]) == 10
        assert (await authorize(browser)).headers["location"].startswith(ORIGIN)


async def test_an_answer_is_taken_once_and_in_time(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        options = (await post(browser, "sign-in/passkey-options")).json()
        answer = one.answer(options)
        assert (await post(browser, "sign-in/passkey", credential=answer)).status_code == 204
        assert (await post(browser, "sign-in/passkey", credential=answer)).status_code == 400
        options = (await post(browser, "sign-in/passkey-options")).json()
        people.clock.move(minutes=6)
        assert (await post(browser, "sign-in/passkey", credential=one.answer(options))).status_code == 400


async def test_a_passkey_that_was_copied_shows(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        for _ in range(3):
            assert (await shown(browser, one)).status_code == 204
        one.count = 0
        assert (await shown(browser, one)).status_code == 401


@pytest.mark.parametrize("what", ["another site", "nobody verified", "another key", "another host"])
async def test_what_does_not_hold_signs_nobody_in(people: House, what: str) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        if what == "nobody verified":
            one.flags = PRESENT
        elif what == "another host":
            one.rp = "evil.example"
        elif what == "another key":
            one.key = key().key
        refused = await shown(browser, one, origin="https://evil.example" if what == "another site" else "")
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
    failures = await people.value("select count(*) from audit_event where outcome = '4' and outcome_text like 'a passkey%'")
    assert failures == 1


async def test_a_challenge_for_one_thing_is_not_answered_for_another(people: House) -> None:
    async with people.browser(ORIGIN) as browser, people.browser(ORIGIN) as other:
        one = await with_passkey(people, browser)
        await sign_in(other, "gp2")
        options = (await post(other, "account/passkey-options", password=PASSWORD)).json()
        assert (await post(browser, "sign-in/passkey", credential=one.answer(options))).status_code == 400
        await shown(browser, one)
        assert (await post(browser, "account/passkeys", label="x", credential=key().make(options))).status_code == 400, "another session's"
        assert (await post(other, "account/passkeys", label="x", credential=key().make(options))).status_code == 200


async def test_a_disabled_account_does_not_sign_in_by_passkey(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        async with people.db.transaction() as tx:
            await accounts.disable(tx, "gp")
        assert (await shown(browser, one)).status_code == 401


async def test_an_account_that_is_locked_by_guesses_still_has_its_passkey(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        for _ in range(6):
            await sign_in(browser, "gp", "wrong")
        assert (await shown(browser, one)).status_code == 204


async def test_passkeys_are_removed_one_by_one(people: House) -> None:
    async with people.browser(ORIGIN) as browser, people.browser(ORIGIN) as other:
        await sign_in(browser, "gp")
        first, second = key(), key()
        await enrol(browser, first, "手机")
        assert (await enrol(browser, second, "  U 盾 ")).json() == {"recoveryCodes": [], "next": ""}
        assert (await enrol(browser, first)).status_code == 409
        for label in ("", "x" * 41, "a\nb\0"):
            assert (await enrol(browser, key(), label)).status_code == 400
        known = (await browser.get("/oauth2/account")).json()["secondFactor"]["passkeys"]
        known.sort(key=lambda one: str(one["label"]), reverse=True)  # the clock stands still: both were made at one moment
        assert [one["label"] for one in known] == ["手机", "U 盾"]
        await sign_in(other, "gp2")
        assert (await post(other, "account/passkeys/remove", id=known[0]["id"], password=PASSWORD)).status_code == 404
        assert (await post(browser, "account/passkeys/remove", id=known[0]["id"], password=PASSWORD)).status_code == 204
        await browser.post("/oauth2/sign-out")
        assert (await shown(browser, first)).status_code == 401
        assert (await shown(browser, second)).status_code == 204


async def test_garbage_is_refused_as_such(people: House) -> None:
    async with people.browser(ORIGIN) as browser:
        one = await with_passkey(people, browser)
        options = (await post(browser, "sign-in/passkey-options")).json()
        good = one.answer(options)
        bad: list[dict[str, Any]] = [
            {},
            {"response": []},
            {"response": {"clientDataJSON": "e30"}},
            {"response": {"clientDataJSON": "W10"}},
            {"response": {"clientDataJSON": "***"}},
            {"response": {"clientDataJSON": 7}},
            good | {"id": None},
            good | {"response": good["response"] | {"authenticatorData": "AAAA"}},
            good | {"response": good["response"] | {"signature": ""}},
        ]
        for credential in bad:
            assert (await post(browser, "sign-in/passkey", credential=credential)).status_code in (400, 401), credential
