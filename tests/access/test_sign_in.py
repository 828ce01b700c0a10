"""Name and password: lock-out, what the answer tells, what is recorded. GB/T 22239-2019 8.1.4.1 b)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from tests.access.conftest import ORIGIN, PASSWORD, House
from tests.access.journey import authorize, bearer, sign_in, tokens_of
from yilian.access import accounts, passwords
from yilian.access.accounts import Post
from yilian.errors import BadRequest, Conflict, NotFound, NotSignedIn, TooManyRequests


async def test_wrong_password_unknown_name_locked_and_disabled_are_answered_alike(people: House) -> None:
    async with people.db.transaction() as tx:
        await accounts.disable(tx, "gp2")
    async with people.browser() as browser:
        answers = [
            await sign_in(browser, "gp", "wrong"),
            await sign_in(browser, "nobody", "wrong"),
            await sign_in(browser, "gp2", PASSWORD),
            await sign_in(browser, "\x00" * 300, "x"),
            await sign_in(browser, "gp", "x" * 5000),
        ]
        for _ in range(5):
            await sign_in(browser, "expert", "wrong")
        answers.append(await sign_in(browser, "expert", PASSWORD))
    for answer in answers:
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["issue"][0]["details"]["text"]


async def test_five_wrong_passwords_lock_an_account_for_a_quarter_of_an_hour(people: House) -> None:
    async with people.browser() as browser:
        for _ in range(5):
            await sign_in(browser, "gp", "wrong")
        assert (await sign_in(browser, "gp")).status_code == 401
        people.clock.move(minutes=14)
        assert (await sign_in(browser, "gp")).status_code == 401
        people.clock.move(minutes=2)
        assert (await sign_in(browser, "gp")).status_code == 204


async def test_four_wrong_passwords_and_the_right_one_start_the_count_anew(people: House) -> None:
    async with people.browser() as browser:
        for _ in range(3):
            for _ in range(4):
                assert (await sign_in(browser, "gp", "wrong")).status_code == 401
            assert (await sign_in(browser, "gp")).status_code == 204


async def test_wrong_passwords_of_yesterday_are_forgotten(people: House) -> None:
    async with people.browser() as browser:
        for _ in range(4):
            await sign_in(browser, "gp", "wrong")
        people.clock.move(hours=20)
        await sign_in(browser, "gp", "wrong")
        assert (await sign_in(browser, "gp")).status_code == 204


async def test_many_guesses_at_once_do_not_get_more_than_five_tries(people: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str | None] = []

    async def matches(stored: str | None, password: str) -> bool:
        looked_at.append(stored)
        await asyncio.sleep(0.01)
        return False

    monkeypatch.setattr(passwords, "matches", matches)
    async with people.browser() as browser:
        await asyncio.gather(*(sign_in(browser, "gp", f"guess {n}") for n in range(20)))
    assert sum(stored is not None for stored in looked_at) == 5


async def test_every_sign_in_failure_and_sign_out_is_recorded_with_who_and_where(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp", "wrong")
        await sign_in(browser, "my-password-typed-into-the-wrong-field", "x")
        await sign_in(browser, "gp")
        await browser.post("/oauth2/sign-out", headers={"x-request-id": "r-9"})
    rows = await people.rows(
        "select subtype, outcome, account, agent, institution, roles, address, request_id"
        " from audit_event where type = '110114' order by seq"
    )
    assert [(row["subtype"], row["outcome"], row["account"]) for row in rows] == [
        ("110122", "4", "gp"),
        ("110122", "4", ""),
        ("110122", "0", "gp"),
        ("110123", "0", "gp"),
    ]
    last = rows[-1]
    assert (last["agent"], last["institution"], last["roles"]) == ("Practitioner/gp", "Organization/qingshi", "gp")
    assert (last["address"], last["request_id"]) == ("10.0.0.7", "r-9")


async def test_no_password_reaches_the_log_of_the_server(people: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with people.browser() as browser:
            await sign_in(browser, "gp", "correct-horse-battery")
            await tokens_of(browser, "gp")
    text = caplog.text
    assert "correct-horse-battery" not in text
    assert PASSWORD not in text


async def test_another_sites_page_can_neither_sign_in_nor_out(people: House) -> None:
    foreign = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ]
    async with people.browser() as browser:
        for headers in foreign:
            refused = await browser.post("/oauth2/sign-in", json={"user": "gp", "password": PASSWORD}, headers=headers)
            assert refused.status_code == 403, headers
            assert "set-cookie" not in refused.headers
        await sign_in(browser, "gp")
        for headers in foreign:
            assert (await browser.post("/oauth2/sign-out", headers=headers)).status_code == 403
        assert (await authorize(browser)).headers["location"].startswith(ORIGIN), "still signed in"


async def test_only_small_well_formed_json_signs_in(people: House) -> None:
    bodies = [
        ('{"user":"gp","password":"yilian-demo"}', "text/plain", 415),
        ("user=gp&password=yilian-demo", "application/x-www-form-urlencoded", 415),
        ('{"user":"gp"}', "application/json", 400),
        ('{"user":["gp"],"password":"x"}', "application/json", 400),
        ('{"user":"gp","password":"x","extra":1}', "application/json", 400),
        ('{"user":"\\ud800","password":"x"}', "application/json", 400),
        ("not json", "application/json", 400),
        ("", "application/json", 400),
        ('{"user":"' + "x" * 20_000 + '","password":"x"}', "application/json", 413),
    ]
    async with people.browser() as browser:
        for content, kind, status in bodies:
            answer = await browser.post("/oauth2/sign-in", content=content, headers={"content-type": kind})
            assert answer.status_code == status, content[:60]
            assert answer.json()["resourceType"] == "OperationOutcome"


async def test_signing_in_again_ends_the_session_before(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        first = browser.cookies["yilian-session"]
        await sign_in(browser, "gp2")
        assert browser.cookies["yilian-session"] != first
    async with people.browser() as thief:
        thief.cookies.set("yilian-session", first, path="/oauth2", domain="127.0.0.1")
        assert (await authorize(thief)).headers["location"].startswith("/sign-in?")


async def test_a_made_up_cookie_is_nobodys(people: House) -> None:
    async with people.browser() as browser:
        for value in ("x", "y" * 43, "z" * 4000):
            browser.cookies.set("yilian-session", value, path="/oauth2", domain="127.0.0.1")
            assert (await authorize(browser)).headers["location"].startswith("/sign-in?")


async def test_disabling_an_account_ends_all_it_had(people: House) -> None:
    async with people.browser() as browser:
        header = bearer((await tokens_of(browser, "gp"))["access_token"])
        assert (await people.verifier.scope_of(header)).user == "gp"
        async with people.db.transaction() as tx:
            await accounts.disable(tx, "gp")
        people.clock.move(seconds=0.9)
        assert (await people.verifier.scope_of(header)).user == "gp", "known for a second"
        people.clock.move(seconds=0.1)
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)
        assert (await authorize(browser)).headers["location"].startswith("/sign-in?")
        async with people.db.transaction() as tx:
            await accounts.enable(tx, "gp")
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)
        assert (await sign_in(browser, "gp")).status_code == 204


async def test_a_new_password_replaces_the_old_one_and_its_sessions(people: House) -> None:
    async with people.browser() as browser:
        header = bearer((await tokens_of(browser, "gp"))["access_token"])
        async with people.db.transaction() as tx:
            await accounts.set_password(tx, "gp", "another-one")
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)
        assert (await sign_in(browser, "gp")).status_code == 401
        assert (await sign_in(browser, "gp", "another-one")).status_code == 204


async def test_a_hash_of_weaker_parameters_is_made_anew_at_sign_in(people: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: stronger)
    async with people.browser() as browser:
        assert (await sign_in(browser, "gp")).status_code == 204
        assert "m=16,t=2" in await people.value("select password from account where name = 'gp'")
        assert (await sign_in(browser, "gp")).status_code == 204


async def test_an_account_name_is_one_however_it_is_typed(people: House) -> None:
    async with people.browser() as browser:
        for name in ("GP", " gp ", "ＧＰ"):
            assert (await sign_in(browser, name)).status_code == 204
    async with people.db.transaction() as tx:
        with pytest.raises(Conflict):
            await accounts.add(tx, "Gp", "x", display="", agent="Practitioner/x", posts=[Post("gp", "Organization/qingshi")])


async def test_an_account_that_cannot_be_is_not_added(house: House) -> None:
    right: dict[str, Any] = {"name": "x", "password": "p", "agent": "Practitioner/x", "posts": [Post("gp", "Organization/qingshi")]}
    impossible: list[dict[str, Any]] = [
        {"name": ""},
        {"name": "a b"},
        {"name": "x" * 65},
        {"agent": "gp"},
        {"agent": "Nothing/gp"},
        {"patient": "Practitioner/gp"},
        {"password": ""},
        {"posts": []},
        {"posts": [Post("king", "Organization/qingshi")]},
        {"posts": [Post("gp", "qingshi")]},
        {"posts": [Post("gp", "Organization/qingshi"), Post("admin", "Organization/qingshi")]},
    ]
    for wrong in impossible:
        given = right | wrong
        async with house.db.transaction() as tx:
            with pytest.raises(BadRequest):
                await accounts.add(tx, given.pop("name"), given.pop("password"), display="", **given)
    assert await house.value("select count(*) from account") == 0


async def test_accounts_are_listed_with_their_posts_and_changes_are_recorded(people: House) -> None:
    async with people.db.transaction() as tx:
        await accounts.set_posts(tx, "gp", [Post("head", "Organization/qingshi"), Post("gp", "Organization/qingshi")])
        await accounts.disable(tx, "gp2")
        with pytest.raises(NotFound):
            await accounts.disable(tx, "nobody")
        found = {one.name: one for one in await accounts.every(tx)}
    assert found["gp"].posts == (Post("head", "Organization/qingshi"), Post("gp", "Organization/qingshi"))
    assert found["gp2"].disabled is not None
    assert found["resident"].patient == "Patient/here"
    noted = await people.rows("select outcome_text from audit_event where subtype = '110137' order by seq desc limit 2")
    assert [row["outcome_text"] for row in noted] == ["account disabled: gp2", "posts changed: gp"]


async def test_a_flood_of_sign_ins_is_refused_not_queued_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_waiting", passwords.WAITING)
    with pytest.raises(TooManyRequests):
        await passwords.matches(None, "x")


async def test_the_real_hash_is_argon2id_with_the_parameters_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9106 §4, second recommended option: t=3, m=64 MiB, p=4."""
    monkeypatch.undo()
    stored = await passwords.hashed("一个口令 with 中文")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.matches(stored, "一个口令 with 中文")
    assert not await passwords.matches(stored, "另一个")


async def test_an_answer_that_failed_says_nothing_of_the_inside(people: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: object) -> None:
        raise RuntimeError("select password from account")

    monkeypatch.setattr("yilian.access.tries.begin", broken)
    async with people.browser() as browser:
        answer: httpx.Response = await sign_in(browser, "gp")
    assert answer.status_code == 500
    assert "select" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
