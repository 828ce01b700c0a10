"""Refresh tokens, applications that ask for themselves, giving tokens back. RFC 6749 §4.4, §6; RFC 7009; RFC 9700 §4.14."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from tests.access.conftest import PASSWORD, House
from tests.access.journey import bearer, code_of, redeem, refresh, sign_in, tokens_of
from yilian.access import clients
from yilian.errors import BadRequest, NotSignedIn


async def test_a_refresh_token_gives_new_tokens_once(people: House) -> None:
    async with people.browser() as browser:
        first = await tokens_of(browser, "gp")
        people.clock.move(minutes=14)
        second = await refresh(browser, first["refresh_token"])
        assert second.status_code == 200
        assert second.json()["refresh_token"] != first["refresh_token"]
        assert (await people.verifier.scope_of(bearer(second.json()["access_token"]))).user == "gp"


async def test_a_refresh_token_used_twice_ends_all_that_came_from_that_sign_in(people: House) -> None:
    async with people.browser() as browser:
        first = await tokens_of(browser, "gp")
        second = (await refresh(browser, first["refresh_token"])).json()
        stolen = await refresh(browser, first["refresh_token"])
        assert stolen.json()["error"] == "invalid_grant"
        assert (await refresh(browser, second["refresh_token"])).json()["error"] == "invalid_grant"
        for token in (first, second):
            with pytest.raises(NotSignedIn):
                await people.verifier.scope_of(bearer(token["access_token"]))
        ended = await people.rows("select reason from token_grant where ended is not null")
        assert [row["reason"] for row in ended] == ["refresh-token-reused"]
        assert await people.value("select count(*) from audit_event where outcome = '8'") == 1
        other = await tokens_of(browser, "gp2")
        assert (await people.verifier.scope_of(bearer(other["access_token"]))).user == "gp2"


async def test_of_many_who_refresh_at_once_one_succeeds_and_all_is_ended(people: House) -> None:
    async with people.browser() as browser:
        first = await tokens_of(browser, "gp")
        answers = await asyncio.gather(*(refresh(browser, first["refresh_token"]) for _ in range(5)))
        assert sum(answer.status_code == 200 for answer in answers) == 1
        assert await people.value("select count(*) from token_grant where ended is null") == 0


async def test_a_refresh_may_ask_for_less_and_never_for_more(people: House) -> None:
    async with people.browser() as browser:
        first = await tokens_of(browser, "gp", scope="openid user/Observation.read user/Patient.read")
        less = await refresh(browser, first["refresh_token"], scope="user/Patient.read")
        assert less.json()["scope"] == "user/Patient.read"
        again = await refresh(browser, less.json()["refresh_token"])
        assert again.json()["scope"] == "openid user/Observation.read user/Patient.read", "the grant itself stays what it was"
        more = await refresh(browser, again.json()["refresh_token"], scope="user/*.*")
        assert more.json()["error"] == "invalid_scope"


async def test_a_refresh_token_is_for_the_application_it_was_given_to(people: House) -> None:
    async with people.db.transaction() as tx:
        await clients.add(
            tx,
            "other",
            name="other",
            secret=None,
            scope="user/*.read",
            grant_types=["refresh_token"],
            redirect_uris=["https://app.example/"],
        )
    async with people.browser() as browser:
        first = await tokens_of(browser, "gp")
        stolen = await refresh(browser, first["refresh_token"], client_id="other")
        assert stolen.json()["error"] == "invalid_grant"
        assert (await refresh(browser, first["refresh_token"])).status_code == 200


async def test_refreshing_keeps_a_session_alive_until_its_twelve_hours_are_over(people: House) -> None:
    async with people.browser() as browser:
        token = (await tokens_of(browser, "gp"))["refresh_token"]
        for _ in range(25):
            people.clock.move(minutes=28)
            answer = await refresh(browser, token)
            assert answer.status_code == 200
            token = answer.json()["refresh_token"]
        people.clock.move(minutes=28)
        assert (await refresh(browser, token)).json()["error"] == "invalid_grant"


async def test_a_session_left_alone_for_half_an_hour_gives_no_new_tokens(people: House) -> None:
    async with people.browser() as browser:
        token = (await tokens_of(browser, "gp"))["refresh_token"]
        people.clock.move(minutes=31)
        assert (await refresh(browser, token)).json()["error"] == "invalid_grant"


async def test_signing_out_ends_every_token_of_the_session(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp")
        out = await browser.post("/oauth2/sign-out")
        assert out.status_code == 204
        assert "yilian-session=" in out.headers["set-cookie"]
        assert (await refresh(browser, got["refresh_token"])).json()["error"] == "invalid_grant"
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(got["access_token"]))


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_token_given_back_is_no_longer_good_nor_its_brother(people: House, which: str) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp")
        back = await browser.post("/oauth2/revoke", data={"client_id": "yilian-web", "token": got[which]})
        assert back.status_code == 200
        assert (await refresh(browser, got["refresh_token"])).status_code == 400
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(got["access_token"]))


async def test_giving_back_what_is_no_token_is_no_error_and_somebody_elses_is_not_taken(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp")
        for token in ("nothing", "a.b.c", ""):
            assert (await browser.post("/oauth2/revoke", data={"client_id": "yilian-web", "token": token})).status_code in (200, 400)
        form = {"client_id": "bench", "client_secret": PASSWORD, "token": got["refresh_token"]}
        assert (await browser.post("/oauth2/revoke", data=form)).json()["error"] == "invalid_grant"
        assert (await refresh(browser, got["refresh_token"])).status_code == 200


def basic(id: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()}


async def test_a_system_gets_a_token_for_itself_by_either_way_of_proving_its_secret(people: House) -> None:
    async with people.browser() as browser:
        form = {"grant_type": "client_credentials"}
        posted = await browser.post("/oauth2/token", data=form | {"client_id": "bench", "client_secret": PASSWORD})
        headed = await browser.post("/oauth2/token", data=form, headers=basic("bench", PASSWORD))
        for answer in (posted, headed):
            assert answer.status_code == 200
            got = answer.json()
            assert got["scope"] == "system/*.*"
            assert "refresh_token" not in got
            scope = await people.verifier.scope_of(bearer(got["access_token"]), "r-1", "10.1.1.1")
            assert (scope.reach, scope.user, scope.agent, scope.client) == ("everything", "bench", "Device/bench", "bench")
            assert (scope.reads, scope.writes, scope.request_id, scope.address) == (None, None, "r-1", "10.1.1.1")
        noted = await people.rows("select account, outcome, outcome_text, address from audit_event where subtype = '110122'")
        assert [tuple(row) for row in noted] == [("bench", "0", "client credentials", "10.0.0.7")] * 2


async def test_an_application_that_does_not_prove_who_it_is_gets_nothing(people: House) -> None:
    unproven: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"client_id": "bench", "client_secret": "wrong"}, {}),
        ({}, basic("bench", "wrong")),
        ({}, basic("nobody", PASSWORD)),
        ({"client_id": "bench"}, {}),
        ({"client_id": "bench", "client_secret": ""}, {}),
        ({}, {"authorization": "Basic !!!"}),
        ({}, {"authorization": "Basic /w=="}),
        ({}, {}),
        ({"client_id": "yilian-web"}, {}),
    ]
    async with people.browser() as browser:
        for form, headers in unproven:
            answer = await browser.post("/oauth2/token", data={"grant_type": "client_credentials"} | form, headers=headers)
            assert answer.status_code in (400, 401), (form, headers)
            assert answer.json()["error"] in ("invalid_client", "invalid_request")
    assert await people.value("select count(*) from token_grant") == 0


async def test_a_wrong_secret_is_recorded_and_the_secret_is_not(people: House) -> None:
    async with people.browser() as browser:
        await browser.post("/oauth2/token", data={"grant_type": "client_credentials", "client_id": "bench", "client_secret": "my-guess"})
    (row,) = await people.rows("select * from audit_event where outcome = '4'")
    assert row["client"] == "bench"
    assert "my-guess" not in str(dict(row))


async def test_a_public_application_cannot_ask_for_itself(people: House) -> None:
    async with people.browser() as browser:
        answer = await browser.post("/oauth2/token", data={"grant_type": "client_credentials", "client_id": "yilian-web"})
        assert answer.status_code in (400, 401)


async def test_a_system_of_one_institution_sees_that_institutions_patients(people: House) -> None:
    async with people.db.transaction() as tx:
        await clients.add(
            tx,
            "his",
            name="HIS",
            secret="s3cret-s3cret",
            scope="system/*.read",
            grant_types=["client_credentials"],
            institution="Organization/liuhe",
        )
    async with people.browser() as browser:
        answer = await browser.post("/oauth2/token", data={"grant_type": "client_credentials"}, headers=basic("his", "s3cret-s3cret"))
        scope = await people.verifier.scope_of(bearer(answer.json()["access_token"]))
    assert (scope.reach, scope.institution, scope.may_write) == ("grounds", "Organization/liuhe", False)
    assert scope.institution_rid == await people.value("select rid from resource where id = 'liuhe'")


async def test_a_disabled_application_is_out_within_ten_seconds(people: House) -> None:
    async with people.browser() as browser:
        form = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": PASSWORD}
        header = bearer((await browser.post("/oauth2/token", data=form)).json()["access_token"])
        await people.verifier.scope_of(header)
        async with people.db.transaction() as tx:
            await clients.disable(tx, "bench")
        people.clock.move(seconds=10)
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)
        assert (await browser.post("/oauth2/token", data=form)).json()["error"] == "invalid_client"


async def test_an_application_that_could_not_be_safe_is_not_registered(house: House) -> None:
    right: dict[str, Any] = {"name": "x", "secret": "s", "scope": "system/*.read", "grant_types": ["authorization_code"]}
    unsafe: list[dict[str, Any]] = [
        {"redirect_uris": ["http://app.example/back"]},
        {"redirect_uris": ["http://127.0.0.1.evil.example/back"]},
        {"redirect_uris": ["https://app.example/back#x"]},
        {"redirect_uris": ["//evil.example"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"grant_types": ["password"]},
        {"grant_types": ["client_credentials"], "secret": None},
        {"grant_types": ["client_credentials"], "scope": "user/*.*"},
        {"scope": "  "},
    ]
    async with house.db.transaction() as tx:
        for wrong in unsafe:
            with pytest.raises(BadRequest):
                await clients.add(tx, "x", **(right | wrong))


async def test_the_body_of_a_token_request_has_a_size_and_a_kind(people: House) -> None:
    async with people.browser() as browser:
        large = await browser.post("/oauth2/token", data={"grant_type": "x", "code": "c" * 20_000})
        assert large.status_code == 413
        json = await browser.post("/oauth2/token", json={"grant_type": "client_credentials"})
        assert json.status_code == 415
        strange = await browser.post(
            "/oauth2/token", content="grant_type=%ff&a=%00", headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert strange.status_code == 400
        assert strange.json()["error"] == "invalid_request"


async def test_tokens_are_kept_as_hashes_only(people: House) -> None:
    async with people.browser() as browser:
        assert (await sign_in(browser, "gp")).status_code == 204
        cookie = browser.cookies["yilian-session"]
        code = await code_of(browser, "gp")
        got = (await redeem(browser, code)).json()
    kept = ""
    for table in ("session", "authorization_code", "refresh_token", "token_grant", "account", "client", "audit_event"):
        kept += str([dict(row) for row in await people.rows(f"select * from {table}")])
    for secret in (cookie, code, got["refresh_token"], got["access_token"], PASSWORD):
        assert secret not in kept
