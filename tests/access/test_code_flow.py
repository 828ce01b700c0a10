"""Authorization code with PKCE, as a browser and the pages go through it. RFC 6749 §4.1, 7636, 9207, 9700."""

from __future__ import annotations

import asyncio

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.access.conftest import ORIGIN, House
from tests.access.journey import answered, authorize, bearer, challenge, code_of, redeem, sign_in, tokens_of
from yilian.errors import NotSignedIn


async def test_a_doctor_signs_in_and_gets_tokens_that_say_who_and_where(people: House) -> None:
    async with people.browser() as browser:
        before = await authorize(browser)
        assert before.status_code == 302
        assert before.headers["location"].startswith("/sign-in?response_type=code&client_id=yilian-web")
        signed_in = await sign_in(browser, "gp")
        assert signed_in.status_code == 204
        cookie = signed_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/oauth2" in cookie
        assert "Secure" not in cookie
        back = await authorize(browser, nonce="n-7")
        assert back.headers["location"].startswith(f"{ORIGIN}/signed-in?")
        assert answered(back)["state"] == "s-1"
        assert answered(back)["iss"] == ORIGIN
        token = await redeem(browser, answered(back)["code"])
        assert token.status_code == 200
        assert token.headers["cache-control"] == "no-store"
        got = token.json()
        assert got["token_type"] == "Bearer"
        assert got["expires_in"] == 900
        assert got["scope"] == "openid fhirUser profile user/*.*"
        keys = KeySet.import_key_set((await browser.get("/oauth2/jwks")).json())
        access = jwt.decode(got["access_token"], keys, ["ES256"])
        assert access.header["typ"] == "at+jwt"
        assert access.claims["sub"] == "gp"
        assert access.claims["iss"] == ORIGIN
        assert access.claims["client_id"] == "yilian-web"
        assert access.claims["fhirUser"] == "Practitioner/gp"
        assert access.claims["institution"] == "Organization/qingshi"
        assert access.claims["exp"] - access.claims["iat"] == 900
        identity = jwt.decode(got["id_token"], keys, ["ES256"]).claims
        assert identity["sub"] == "gp"
        assert identity["aud"] == ["yilian-web"]
        assert identity["nonce"] == "n-7"
        assert identity["fhirUser"] == "Practitioner/gp"
        who = await browser.get("/oauth2/userinfo", headers={"authorization": bearer(got["access_token"])})
        assert who.json() == {
            "sub": "gp",
            "name": "gp",
            "roles": ["gp"],
            "institution": {"reference": "Organization/qingshi", "name": "qingshi", "tier": "township"},
            "agent": "Practitioner/gp",
            "fhirUser": "Practitioner/gp",
            "patient": None,
        }


async def test_the_cookie_is_secure_where_the_server_is_reached_by_https(people: House) -> None:
    async with people.browser("https://yilian.test") as browser:
        assert "Secure" in (await sign_in(browser, "gp")).headers["set-cookie"]


async def test_a_wrong_verifier_gets_nothing_and_spends_the_code(people: House) -> None:
    async with people.browser() as browser:
        code = await code_of(browser, "gp")
        wrong = await redeem(browser, code, code_verifier="w" * 64)
        assert wrong.status_code == 400
        assert wrong.json()["error"] == "invalid_grant"
        assert (await redeem(browser, code)).json()["error"] == "invalid_grant"


async def test_a_token_request_without_one_of_its_parts_is_refused(people: House) -> None:
    async with people.browser() as browser:
        for missing in ("code_verifier", "redirect_uri", "code"):
            refused = await redeem(browser, await code_of(browser, "gp"), **{missing: None})
            assert refused.status_code == 400, missing
            assert refused.json()["error"] in ("invalid_request", "invalid_grant")


async def test_a_code_that_comes_again_ends_what_it_gave_the_first_time(people: House) -> None:
    async with people.browser() as browser:
        code = await code_of(browser, "gp")
        got = (await redeem(browser, code)).json()
        assert (await people.verifier.scope_of(bearer(got["access_token"]))).user == "gp"
        again = await redeem(browser, code)
        assert again.status_code == 400
        assert again.json()["error"] == "invalid_grant"
        people.clock.move(seconds=10)
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(got["access_token"]))
        serious = await people.rows("select outcome_text from audit_event where outcome = '8'")
        assert [row["outcome_text"] for row in serious] == ["an authorization code came a second time; everything issued with it has ended"]


async def test_of_two_who_redeem_a_code_at_once_at_most_one_succeeds(people: House) -> None:
    async with people.browser() as browser:
        code = await code_of(browser, "gp")
        answers = await asyncio.gather(*(redeem(browser, code) for _ in range(6)))
        assert [answer.status_code for answer in answers].count(200) <= 1
        assert await people.value("select count(*) from token_grant where ended is null") == 0


async def test_a_code_is_good_for_a_minute(people: House) -> None:
    async with people.browser() as browser:
        code = await code_of(browser, "gp")
        people.clock.move(seconds=61)
        assert (await redeem(browser, code)).json()["error"] == "invalid_grant"


async def test_a_code_is_for_the_application_it_was_given_to(people: House) -> None:
    async with people.browser() as browser:
        code = await code_of(browser, "gp")
        other = await redeem(browser, code, client_id="yilian-cli")
        assert other.status_code == 400
        assert other.json()["error"] == "unauthorized_client"
        assert (await redeem(browser, code)).status_code == 200


async def test_an_authorization_request_without_pkce_s256_is_refused(people: House) -> None:
    changes: list[dict[str, str | None]] = [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"code_challenge": None, "code_challenge_method": None},
    ]
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        for change in changes:
            refused = await authorize(browser, **change)
            assert refused.status_code == 302
            assert answered(refused)["error"] == "invalid_request", change
            assert answered(refused)["iss"] == ORIGIN
            assert "code" not in answered(refused)


UNREGISTERED = [
    "https://evil.example/signed-in",
    "http://127.0.0.1:8080.evil.example/signed-in",
    "http://127.0.0.1:8080/signed-in/../steal",
    "http://127.0.0.1:8080/signed-in?next=https://evil.example",
    "http://127.0.0.1:8080/signed-in#fragment",
    "http://127.0.0.1:8080@evil.example/signed-in",
    "//evil.example/signed-in",
    "/signed-in",
    "javascript:alert(1)",
    "http://127.0.0.1:8080/signed-in\r\nSet-Cookie: a=b",
    'http://127.0.0.1:8080/signed-in"',
    None,
]


@pytest.mark.parametrize("known", [True, False], ids=["signed in", "not signed in"])
async def test_nobody_is_sent_to_an_address_that_is_not_registered(people: House, known: bool) -> None:
    async with people.browser() as browser:
        if known:
            await sign_in(browser, "gp")
        for uri in UNREGISTERED:
            refused = await authorize(browser, redirect_uri=uri)
            assert refused.status_code == 400, uri
            assert "location" not in refused.headers
            assert refused.json()["resourceType"] == "OperationOutcome"


async def test_a_foreign_host_in_the_request_gives_a_foreign_address_no_code_of_ours(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        elsewhere = await browser.get(
            "/oauth2/authorize",
            params={"response_type": "code", "client_id": "yilian-web", "redirect_uri": f"{ORIGIN}/signed-in"},
            headers={"host": "evil.example"},
        )
        assert elsewhere.status_code == 400


async def test_the_implicit_grant_is_not_done(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        for response_type in ("token", "code token", "id_token"):
            assert answered(await authorize(browser, response_type=response_type))["error"] == "unsupported_response_type"


async def test_the_password_grant_is_not_done(people: House) -> None:
    async with people.browser() as browser:
        form = {"grant_type": "password", "username": "gp", "password": "yilian-demo", "client_id": "yilian-web"}
        assert (await browser.post("/oauth2/token", data=form)).json()["error"] == "unsupported_grant_type"


async def test_an_unknown_application_is_told_so_and_nobody_is_redirected(people: House) -> None:
    async with people.browser() as browser:
        refused = await authorize(browser, client_id="nobody")
        assert refused.status_code == 400
        assert "location" not in refused.headers


async def test_a_parameter_that_comes_twice_is_refused(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        twice = await browser.get(
            f"/oauth2/authorize?client_id=yilian-web&client_id=bench&response_type=code&redirect_uri={ORIGIN}/signed-in"
        )
        assert twice.status_code == 400
        form = "grant_type=client_credentials&grant_type=refresh_token&client_id=bench"
        refused = await browser.post("/oauth2/token", content=form, headers={"content-type": "application/x-www-form-urlencoded"})
        assert refused.json()["error"] == "invalid_request"


async def test_an_application_gets_no_more_than_it_is_registered_for(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp", scope="openid user/Observation.read system/*.* patient/*.write user/Nothing.read")
        assert got["scope"] == "openid user/Observation.read"
        none = await authorize(browser, scope="system/*.*")
        assert answered(none)["error"] == "invalid_scope"


async def test_who_must_not_be_asked_is_not_asked(people: House) -> None:
    async with people.browser() as browser:
        assert answered(await authorize(browser, prompt="none"))["error"] == "login_required"
        await sign_in(browser, "gp")
        assert "code" in answered(await authorize(browser, prompt="none"))


async def test_prompt_login_asks_again_unless_the_sign_in_is_fresh(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        assert "code" in answered(await authorize(browser, prompt="login"))
        people.clock.move(minutes=2)
        assert (await authorize(browser, prompt="login")).headers["location"].startswith("/sign-in?")


async def test_a_residents_application_is_told_whose_record_it_is(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "resident", scope="openid patient/*.read")
        assert got["patient"] == "here"
        assert "patient" not in await tokens_of(browser, "gp", scope="openid user/*.*")


async def test_a_request_for_another_server_is_refused(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        assert (await authorize(browser, aud="https://other.example/fhir")).status_code == 400
        assert "code" in answered(await authorize(browser, aud=f"{ORIGIN}/fhir"))


async def test_a_session_nobody_used_for_half_an_hour_is_over(people: House) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        people.clock.move(minutes=29)
        assert "code" in answered(await authorize(browser))
        people.clock.move(minutes=31)
        assert (await authorize(browser)).headers["location"].startswith("/sign-in?")


async def test_the_challenge_of_the_test_is_the_one_of_the_standard() -> None:
    """RFC 7636 appendix B."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_the_documents_name_the_same_endpoints(people: House) -> None:
    async with people.browser() as browser:
        found = (await browser.get("/.well-known/openid-configuration")).json()
        assert found["issuer"] == ORIGIN
        assert found["code_challenge_methods_supported"] == ["S256"]
        for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint", "jwks_uri"):
            path = found[name].removeprefix(ORIGIN)
            assert (await browser.request("OPTIONS", path)).status_code == 405, "there is a route"
        published = (await browser.get("/oauth2/jwks")).json()["keys"]
        assert len(published) == 1
        assert "d" not in published[0]
