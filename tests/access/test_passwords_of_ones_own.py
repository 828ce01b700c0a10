"""What a password has to be like, how long it is good, and what a new one ends. GB/T 22239-2019 8.1.4.1 a)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.access.conftest import ORIGIN, PASSWORD, House
from tests.access.journey import authorize, bearer, sign_in, tokens_of
from yilian import policy
from yilian.access import accounts, password_rules
from yilian.access.rules import Rules, rules
from yilian.errors import NotSignedIn

GOOD = "Jian-hu-ren-8"


async def post(browser: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await browser.post(f"/oauth2/{path}", json=body, headers={"origin": ORIGIN})


async def rules_of(people: House) -> Rules:
    async with people.db.reading() as tx:
        return await rules(tx)


async def test_each_rule_of_a_password_is_told_by_itself(people: House) -> None:
    now = await rules_of(people)

    def texts(password: str) -> list[str]:
        return [one.zh[:6] for one in password_rules.faults(password, name="zhang.wei", display="张伟", rules=now)]

    assert texts(GOOD) == []
    assert texts("Ab1-") == ["密码至少 1"]
    assert texts("abcdefghijkl") == ["密码须包含大"]
    assert texts("Zhang.Wei-2026") == texts("ZHANGwei-2026") == texts("张伟-Ab-2026-x") == ["密码中不能包"]
    assert len(texts("a")) == 2


def test_a_password_that_is_given_keeps_the_strictest_rules() -> None:
    values = {name.removeprefix("access."): one.value for name, one in policy.defaults().items() if name.startswith("access.")}
    assert values["password_length"] <= 14
    given = {password_rules.given() for _ in range(200)}
    assert len(given) == 200
    for one in given:
        assert len(one) == 16
        assert len({0 if c.isupper() else 1 if c.islower() else 2 if c.isdigit() else 3 for c in one}) == 4


async def test_a_new_password_ends_every_other_session_and_its_tokens(people: House) -> None:
    async with people.browser() as here, people.browser() as there:
        mine, other = bearer((await tokens_of(here, "gp"))["access_token"]), bearer((await tokens_of(there, "gp"))["access_token"])
        answer = await post(here, "account/password", current=PASSWORD, password=GOOD)
        assert answer.status_code == 204, answer.text
        assert (await people.verifier.scope_of(mine)).user == "gp"
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(other)
        assert (await authorize(there)).headers["location"].startswith("/sign-in?")
        assert (await authorize(here)).headers["location"].startswith(ORIGIN), "this one stays"
        assert (await sign_in(there, "gp")).status_code == 401
        assert (await sign_in(there, "gp", GOOD)).status_code == 204


async def test_a_password_is_not_changed_without_the_one_there_is(people: House) -> None:
    async with people.browser() as browser:
        assert (await post(browser, "account/password", current=PASSWORD, password=GOOD)).status_code == 401
        await sign_in(browser, "gp")
        for current in ("wrong", ""):
            refused = await post(browser, "account/password", current=current, password=GOOD)
            assert refused.status_code == 400
            assert "当前密码不正确" in refused.text
        for _ in range(4):
            await post(browser, "account/password", current="wrong", password=GOOD)
        locked = await post(browser, "account/password", current=PASSWORD, password=GOOD)
        assert "输错次数过多" in locked.text, "guessing in a stolen session locks the account as well"
        assert (await post(browser, "sign-in/password", password=GOOD)).status_code == 401, "that is a step of signing in, not a way round"


async def test_the_last_five_passwords_are_not_taken_again(people: House) -> None:
    known = PASSWORD
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        for n in range(5):
            people.clock.move(minutes=1)
            assert (await post(browser, "account/password", current=known, password=f"{GOOD}{n}")).status_code == 204
            known = f"{GOOD}{n}"
        for n in range(5):
            refused = await post(browser, "account/password", current=known, password=f"{GOOD}{n}")
            assert "近期使用过" in refused.text, n
        people.clock.move(minutes=1)
        assert (await post(browser, "account/password", current=known, password=f"{GOOD}x")).status_code == 204
        assert (await post(browser, "account/password", current=f"{GOOD}x", password=f"{GOOD}0")).status_code == 204, "the sixth back is"


async def test_who_was_given_a_password_chooses_another_before_anything_else(people: House) -> None:
    async with people.db.transaction() as tx:
        await accounts.set_password(tx, "gp", GOOD, must_change=True)
    async with people.browser() as browser:
        first = await sign_in(browser, "gp", GOOD)
        assert (first.status_code, first.json()) == (200, {"next": "password"})
        assert (await authorize(browser)).headers["location"].startswith("/sign-in?"), "not signed in yet"
        assert (await browser.get("/oauth2/account/sessions")).status_code == 401
        before = browser.cookies["yilian-session"]
        assert "近期使用过" in (await post(browser, "sign-in/password", password=GOOD)).text
        assert (await post(browser, "sign-in/password", password=f"{GOOD}9")).status_code == 204
        assert browser.cookies["yilian-session"] != before
        assert (await authorize(browser)).headers["location"].startswith(ORIGIN)
        assert (await sign_in(browser, "gp", f"{GOOD}9")).status_code == 204


async def test_a_password_that_was_given_is_good_for_three_days(people: House) -> None:
    async with people.db.transaction() as tx:
        await accounts.set_password(tx, "gp", GOOD, must_change=True)
    people.clock.move(hours=71)
    async with people.browser() as browser:
        assert (await sign_in(browser, "gp", GOOD)).status_code == 200
        people.clock.move(hours=2)
        assert (await sign_in(browser, "gp", GOOD)).status_code == 401


async def test_after_ninety_days_a_new_password_is_asked_for(people: House) -> None:
    people.clock.move(days=89)
    async with people.browser() as browser:
        assert (await sign_in(browser, "gp")).status_code == 204
        people.clock.move(days=2)
        assert (await sign_in(browser, "gp")).json() == {"next": "password"}
        await people.rule("password_days", 0)
        assert (await sign_in(browser, "gp")).status_code == 204, "the region does without"


async def test_an_account_that_is_over_signs_nobody_in(people: House) -> None:
    async with people.browser() as browser:
        header = bearer((await tokens_of(browser, "gp"))["access_token"])
        people.clock.move(seconds=20)
        async with people.db.transaction() as tx:
            await tx.execute("update account set expires = $1 where name = 'gp'", people.clock())
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)
        assert (await sign_in(browser, "gp")).status_code == 401


async def test_each_lock_lasts_twice_as_long_as_the_one_before(people: House) -> None:
    async with people.browser() as browser:
        for minutes in (15, 30, 60, 120, 240, 240):
            for _ in range(5):
                await sign_in(browser, "gp", "wrong")
            people.clock.move(minutes=minutes - 1)
            assert (await sign_in(browser, "gp")).status_code == 401, minutes
            people.clock.move(minutes=2)
            if minutes == 240:
                break
        assert (await sign_in(browser, "gp")).status_code == 204
        for _ in range(5):
            await sign_in(browser, "gp", "wrong")
        people.clock.move(minutes=16)
        assert (await sign_in(browser, "gp")).status_code == 204, "a good sign-in begins anew"


async def test_an_address_that_keeps_failing_waits_whatever_name_it_tries(people: House) -> None:
    async with people.browser(address="10.9.9.9") as bad, people.browser(address="10.1.1.1") as good:
        for n in range(31):
            assert (await sign_in(bad, f"nobody{n}", "x")).status_code == 401
        waits = await sign_in(bad, "gp")
        assert waits.status_code == 429
        assert 0 < int(waits.headers["retry-after"]) <= 60
        assert waits.json()["resourceType"] == "OperationOutcome"
        assert (await sign_in(good, "gp")).status_code == 204
        people.clock.move(minutes=1, seconds=1)
        assert (await sign_in(bad, "gp")).status_code == 204
        for n in range(16):
            await sign_in(bad, f"nobody{n}", "x")
        assert int((await sign_in(bad, "gp")).headers["retry-after"]) > 60, "twice as long the second time"
    assert await people.value("select count(*) from refused_address") == 1


async def test_of_six_browsers_the_one_used_least_recently_is_signed_out(people: House) -> None:
    browsers = [people.browser() for _ in range(6)]
    for browser in browsers:
        await sign_in(browser, "gp")
        people.clock.move(seconds=1)
    alive = [(await authorize(one)).headers["location"].startswith(ORIGIN) for one in browsers]
    assert alive == [False, True, True, True, True, True]
    for browser in browsers:
        await browser.aclose()
