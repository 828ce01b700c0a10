"""The attacks of RFC 9700 (OAuth 2.0 Security Best Current Practice) on sign-in, where no other test of this folder makes them.

    4.1   redirect URI           test_code_flow (unregistered), here: another registered one, an application's own among others
    4.2   leak by referrer       here
    4.3   leak by history        here: no token in an address, a code is good once (test_code_flow)
    4.4   mix-up                 here: `iss` in every answer
    4.5   code injection         here: a stolen code in another browser (PKCE); test_code_flow: wrong verifier
    4.7   CSRF                   here: state comes back; test_sign_in, test_own_sessions: other sites' pages
    4.8   PKCE downgrade         here and test_code_flow
    4.9, 4.10  token replay      test_tokens (audience, issuer), test_refresh_and_clients
    4.11  open redirection       here and test_code_flow
    4.12  307 redirection        here
    4.14  refresh tokens         test_refresh_and_clients: used twice ends the family
    4.15  client as owner        here: an application that is called like a person
    4.16  clickjacking           here, and tests/http/test_static for the pages
https://www.rfc-editor.org/rfc/rfc9700
"""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.access.conftest import ORIGIN, PASSWORD, House
from tests.access.journey import VERIFIER, answered, authorize, bearer, challenge, code_of, query, redeem, sign_in, tokens_of
from yilian.access import accounts, clients
from yilian.access.accounts import Post
from yilian.errors import Conflict

TWO = (f"{ORIGIN}/signed-in", f"{ORIGIN}/elsewhere")
ATTACKER = "https://client.example/callback"


@pytest.fixture
async def known(people: House) -> House:
    """With two more applications: one that may return to two places, and one of somebody else's."""
    async with people.db.transaction() as tx:
        for id, places in (("two-places", TWO), ("attacker", (ATTACKER,))):
            await clients.add(
                tx, id, name=id, secret=None, scope="openid user/*.*", grant_types=("authorization_code",), redirect_uris=places
            )
    return people


async def test_a_code_is_redeemed_with_the_address_it_was_sent_to(known: House) -> None:
    """4.1.3, RFC 6749 4.1.3: also where the application has registered the other one."""
    async with known.browser() as browser:
        code = await code_of(browser, "gp", client_id="two-places", redirect_uri=TWO[0])
        refused = await redeem(browser, code, client_id="two-places", redirect_uri=TWO[1])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_one_applications_address_is_no_address_of_anothers(known: House) -> None:
    async with known.browser() as browser:
        await sign_in(browser, "gp")
        for id, uri in (("two-places", ATTACKER), ("attacker", TWO[0]), ("yilian-web", TWO[1])):
            refused = await authorize(browser, client_id=id, redirect_uri=uri)
            assert (refused.status_code, "location" in refused.headers) == (400, False), (id, uri)


async def test_a_code_that_was_stolen_is_worth_nothing_in_another_browser(known: House) -> None:
    """4.5: the attacker begins a sign-in of their own, and puts the victim's code where the own one was."""
    async with known.browser() as victim, known.browser(address="10.0.0.9") as attacker:
        code = await code_of(victim, "gp")
        await code_of(attacker, "gp2", code_challenge=challenge("a" * 64))
        for verifier in ("a" * 64, VERIFIER[:-1] + "w", challenge()):
            refused = await redeem(attacker, code, code_verifier=verifier)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant"), verifier
        assert (await redeem(victim, code)).status_code == 400  # nor is it good any more for who it was meant for


async def test_pkce_is_not_given_up_for_who_leaves_it_out(known: House) -> None:
    """4.8.2: no code without a challenge, none redeemed without its verifier, and the method is not the client's to weaken."""
    async with known.browser() as browser:
        await sign_in(browser, "gp")
        for change in ({"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}, {"code_challenge": ""}):
            assert "code" not in answered(await authorize(browser, **change)), change
        for verifier in (None, "", challenge()):
            code = answered(await authorize(browser))["code"]
            assert (await redeem(browser, code, code_verifier=verifier)).status_code == 400, verifier


@pytest.mark.parametrize("change", [{}, {"scope": "system/*.*"}, {"response_type": "token"}, {"code_challenge": None}], ids=str)
async def test_every_answer_names_who_gives_it_and_brings_the_state_back(known: House, change: dict[str, str | None]) -> None:
    """4.4.2.1 (RFC 9207) against mix-up, 4.7.1 against forged answers: the state to the letter, whatever is in it."""
    for state in ("s-1", "x y&code=forged#?/%00"):
        async with known.browser() as browser:
            await sign_in(browser, "gp")
            reply = answered(await authorize(browser, state=state, **change))
            assert (reply["iss"], reply["state"]) == (ORIGIN, state)
            assert ("code" in reply) != ("error" in reply)
            assert reply.get("code") != "forged"


async def test_what_leads_back_to_an_application_leaks_to_nobody(known: House) -> None:
    """4.2, 4.16: no referrer, nothing kept, in no frame; neither the answer with the code nor the one that asks to sign in."""
    async with known.browser() as browser:
        for _ in range(2):
            answer = await authorize(browser)
            assert answer.status_code == 302
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert not answer.content
            await sign_in(browser, "gp")
        refused = await authorize(browser, redirect_uri=ATTACKER)
        assert (refused.headers["referrer-policy"], "location" in refused.headers) == ("no-referrer", False)


async def test_a_password_is_never_sent_on(known: House) -> None:
    """4.12: what came with credentials is answered, never redirected; authorization is asked for by GET alone."""
    async with known.browser() as browser:
        for password, status in ((PASSWORD, 204), ("wrong", 401)):
            answer = await sign_in(browser, "gp", password)
            assert (answer.status_code, "location" in answer.headers) == (status, False)
        body = {**query(ORIGIN), "user": "gp", "password": PASSWORD}
        for method in ("POST", "PUT"):
            answer = await browser.request(method, "/oauth2/authorize", data=body, headers={"origin": ORIGIN})
            assert (answer.status_code, "location" in answer.headers) == (405, False), method


async def test_the_way_back_from_signing_in_is_a_path_of_ours(known: House) -> None:
    """4.11: whoever is not signed in is sent to our own page, with the query as it was asked and nothing before it."""
    async with known.browser() as browser:
        for state in ("//evil.example", "https://evil.example", "\\\\evil.example"):
            there = (await authorize(browser, state=state)).headers["location"]
            assert there.startswith("/sign-in?"), state
            assert httpx.URL(ORIGIN).join(there).host == httpx.URL(ORIGIN).host


async def test_a_token_in_an_address_is_no_token(known: House) -> None:
    """4.3.2: addresses are kept in histories and logs. Neither in the query nor in a form (RFC 6750 2.2, 2.3)."""
    async with known.browser() as browser:
        token = (await tokens_of(browser, "gp"))["access_token"]
        assert (await browser.get("/oauth2/userinfo", headers={"authorization": bearer(token)})).status_code == 200
        browser.cookies.clear()
        for path in (f"/oauth2/userinfo?access_token={token}", f"/oauth2/userinfo?authorization=Bearer%20{token}"):
            assert (await browser.get(path)).status_code == 401, path
        assert (await browser.post("/oauth2/userinfo", data={"access_token": token})).status_code in (401, 405)


async def test_no_application_is_called_like_a_person_nor_a_person_like_an_application(known: House) -> None:
    """4.15: the subject of an application's token and that of a person's cannot be taken for each other."""
    for id in ("gp", "GP"):
        with pytest.raises(Conflict, match=r"account (gp|GP)"):
            async with known.db.transaction() as tx:
                await clients.add(tx, id, name=id, secret=PASSWORD, scope="system/*.*", grant_types=("client_credentials",))
    for name in ("attacker", "Two-Places"):
        with pytest.raises(Conflict, match="application"):
            async with known.db.transaction() as tx:
                await accounts.add(tx, name, PASSWORD, display=name, agent="Practitioner/gp", posts=[Post("admin")])
    async with known.db.transaction() as tx:  # registering it anew is no conflict with itself
        await clients.add(tx, "attacker", name="again", secret=PASSWORD, scope="system/*.*", grant_types=("client_credentials",))


async def test_of_an_application_and_an_account_that_come_at_once_one_is_refused(known: House) -> None:
    async def register(account: bool) -> bool:
        try:
            async with known.db.transaction() as tx:
                if account:
                    await accounts.add(tx, "twin", None, display="twin", agent="Practitioner/gp", posts=[Post("regulator")])
                else:
                    await clients.add(tx, "twin", name="twin", secret=PASSWORD, scope="system/*.*", grant_types=("client_credentials",))
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(register(True), register(False))) == [False, True]
