"""Signing in by the word of an institution's own OpenID provider: two of different make, and everything that can be wrong with a third."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from tests.access.conftest import ORIGIN, House
from tests.access.journey import PASSWORD, answered, authorize, query, redeem, sign_in
from tests.access.provider import Liar, begun, free_port, lying, of_another_make, served
from tests.access.test_second_factor import enrolled
from tests.conftest import copied, on_database
from yilian.access import accounts, clients, keys, providers
from yilian.access.accounts import Post
from yilian.access.factors import totp
from yilian.access.settings import AccessSettings
from yilian.access.tokens import Verifier
from yilian.db import Database
from yilian.errors import BadRequest, Conflict
from yilian.http.oauth import routes
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM

Json = dict[str, Any]

_numbers = itertools.count(1)


async def set_up(house: House, issuer: str, *, secret: str | None = None, subjects: Json | None = None, **more: Any) -> None:
    """The provider `hospital` of the township 青石 at this issuer, with these subjects linked."""
    async with house.db.transaction() as tx:
        await providers.add(
            tx,
            "hospital",
            name="青石镇卫生院",
            issuer=issuer,
            client_id="yilian-here",
            secret=secret,
            institution="Organization/qingshi",
            **more,
        )
        provider = await providers.by_id(tx, "hospital")
        assert provider is not None
        for subject, account in (subjects or {}).items():
            await providers.link(tx, provider, subject, account, SYSTEM)


async def come_back(browser: httpx.AsyncClient, **answer: str) -> httpx.Response:
    return await browser.get("/oauth2/provider/hospital/back", params=answer)


async def signed_in_as(browser: httpx.AsyncClient) -> str | None:
    """The account of this browser, None for nobody."""
    answer = await browser.get("/oauth2/account")
    return None if answer.status_code == 401 else str(answer.json()["name"])


async def failures(house: House) -> list[str]:
    return [row[0] for row in await house.rows("select outcome_text from audit_event where outcome <> '0' order by recorded, ctid")]


@pytest.fixture
async def liar(people: House) -> AsyncIterator[Liar]:
    async with lying(people.clock) as one:
        await set_up(people, one.issuer, subjects={"s-1": "gp"})
        yield one


# --- providers that are honest


@pytest.fixture
def second_dsn(cluster: str, template: str) -> Iterator[str]:
    with copied(cluster, template) as name:
        yield on_database(cluster, name)


async def test_people_of_a_hospital_that_runs_another_house_of_ours_sign_in_by_it(people: House, second_dsn: str) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    there = Database(second_dsn, Hooks(validate=lambda resource: []), clock=people.clock)
    await there.open()
    try:
        settings = AccessSettings(public_url=origin)
        async with there.transaction() as tx:
            await keys.ensure(tx)
            await accounts.add(tx, "w1234", PASSWORD, display="王医生", agent="Practitioner/w", posts=[Post("gp")])
            await clients.add(
                tx,
                "yilian-here",
                name="区域平台",
                secret="a secret: of/ours",
                scope="openid profile",
                grant_types=["authorization_code"],
                redirect_uris=[f"{ORIGIN}/oauth2/provider/hospital/back"],
            )
        application = Starlette(routes=routes(there, Verifier(there, settings), settings))
        async with served(application, port), people.browser() as browser, httpx.AsyncClient(base_url=origin) as elsewhere:
            await set_up(people, origin, secret="a secret: of/ours", subjects={"w1234": "gp"})
            sealed = await people.value("select secret from identity_provider")
            assert b"secret" not in sealed
            asked_for = "&".join(f"{name}={value}" for name, value in query(ORIGIN).items())
            location, asked = await begun(browser, next=f"?{asked_for}")
            assert asked["code_challenge_method"] == "S256"
            assert (await sign_in(elsewhere, "w1234")).status_code == 204
            sent_back = await elsewhere.get(location)
            assert sent_back.status_code == 302
            assert answered(sent_back)["iss"] == origin
            home = await browser.get(sent_back.headers["location"])
            assert home.status_code == 302
            assert home.headers["location"].startswith("/oauth2/authorize?response_type=code")
            assert await signed_in_as(browser) == "gp"
            code = answered(await authorize(browser))["code"]
            tokens = (await redeem(browser, code)).json()
            scope = await people.verifier.scope_of(f"Bearer {tokens['access_token']}")
            assert (scope.user, scope.institution) == ("gp", "Organization/qingshi")
            said = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
            assert said["amr"] == ["fed"]
            trail = await people.rows("select outcome_text from audit_event where account = 'gp' and subtype = '110122' and outcome = '0'")
            assert [row[0] for row in trail] == ["by provider hospital: fed"]
            again = await browser.get(sent_back.headers["location"])
            assert "provider-said" in again.headers["location"], "a state is good once"
    finally:
        await there.close()


async def test_a_provider_of_another_make_signs_people_in_and_out(people: House) -> None:
    port = free_port()
    issuer = f"http://localhost:{port}"
    async with of_another_make(port):
        await set_up(people, issuer, secret="anything", subjects={"staff-7": "gp"})
        async with people.browser() as browser, httpx.AsyncClient() as elsewhere:
            location, _ = await begun(browser)
            page = await elsewhere.post(location, data={"sub": "staff-7"})
            assert page.status_code == 302, page.text
            home = await browser.get(page.headers["location"])
            assert (home.status_code, home.headers["location"]) == (302, "/"), await failures(people)
            assert await signed_in_as(browser) == "gp"
            out = await browser.post("/oauth2/sign-out", headers={"origin": ORIGIN})
            assert out.status_code == 200
            assert out.json()["provider"]["name"] == "青石镇卫生院"
            assert urlsplit(out.json()["provider"]["location"]).netloc == f"localhost:{port}"
            assert await signed_in_as(browser) is None
            location, _ = await begun(browser)
            refused = await elsewhere.post(location, data={"action": "deny"})
            home = await browser.get(refused.headers["location"])
            assert "provider-said" in home.headers["location"]
            assert await signed_in_as(browser) is None


# --- whom a token is about, here


async def test_who_is_linked_to_nobody_stays_out_whatever_else_is_the_same(people: House, liar: Liar) -> None:
    """Neither an address of mail nor an account name of the same letters makes somebody of another."""
    async with people.browser() as browser:
        _, asked = await begun(browser)
        liar.nonce, liar.claims = asked["nonce"], {"sub": "gp2", "email": "gp@example.org", "preferred_username": "gp", "name": "gp"}
        back = await come_back(browser, code="c", state=asked["state"])
        assert back.status_code == 302
        assert "provider-said" in back.headers["location"]
        assert await signed_in_as(browser) is None
    assert "linked to no account" in (await failures(people))[-1]


async def test_a_leaver_stays_out(people: House, liar: Liar) -> None:
    async with people.browser() as browser:

        async def attempt() -> str | None:
            _, asked = await begun(browser)
            liar.nonce = asked["nonce"]
            await come_back(browser, code="c", state=asked["state"])
            return await signed_in_as(browser)

        assert await attempt() == "gp"
        async with people.db.transaction() as tx:
            await accounts.disable(tx, "gp")
        assert await signed_in_as(browser) is None
        assert await attempt() is None
        assert "disabled" in (await failures(people))[-1]
        async with people.db.transaction() as tx:
            await tx.execute("update account set disabled = null where name = 'gp'")
            await tx.execute("update post set institution = 'Organization/liuhe' where account = 'gp'")
        assert await attempt() is None, "the provider vouches for its own institution's people"
        assert "no post there" in (await failures(people))[-1]


async def test_a_second_factor_counts_where_policy_trusts_the_word_of_it(people: House, liar: Liar) -> None:
    async with people.browser() as browser:
        await sign_in(browser, "gp")
        secret, _ = await enrolled(people, browser)
    for trusted, said, step in ((False, ["pwd", "otp", "mfa"], True), (True, ["pwd"], True), (True, "mfa", True), (True, ["mfa"], False)):
        await set_up(people, liar.issuer, trusts_factor=trusted)
        async with people.browser() as browser:
            _, asked = await begun(browser)
            liar.nonce, liar.claims = asked["nonce"], {"amr": said}
            back = await come_back(browser, code="c", state=asked["state"])
            assert ("step=second-factor" in back.headers["location"]) is step, (trusted, said)
            assert ((await authorize(browser)).headers["location"].startswith("/sign-in")) is step
            if step:
                people.clock.move(seconds=31)
                code = totp.code_at(secret, people.clock())
                done = await browser.post("/oauth2/sign-in/second-factor", json={"code": code}, headers={"origin": ORIGIN})
                assert done.status_code == 204, done.text
            assert answered(await authorize(browser))["code"]


async def test_a_post_that_needs_a_second_factor_has_it_from_a_provider_that_is_trusted(people: House, liar: Liar) -> None:
    await people.rule("second_factor_roles", ["gp"])
    for trusted, step in ((False, "step=enrol"), (True, "")):
        await set_up(people, liar.issuer, trusts_factor=trusted)
        async with people.browser() as browser:
            _, asked = await begun(browser)
            liar.nonce, liar.claims = asked["nonce"], {"amr": ["mfa"]}
            back = await come_back(browser, code="c", state=asked["state"])
            assert (step in back.headers["location"]) if step else back.headers["location"] == "/"


async def test_who_is_not_linked_yet_links_by_the_local_password_once(people: House, liar: Liar) -> None:
    await set_up(people, liar.issuer, first_time=True)
    async with people.browser() as browser, people.browser() as another:
        await sign_in(browser, "gp")
        people.clock.move(seconds=1)
        _, asked = await begun(browser)
        liar.nonce, liar.claims = asked["nonce"], {"sub": "new-1"}
        back = await come_back(browser, code="c", state=asked["state"])
        assert back.headers["location"].endswith("?link=hospital")
        early = await browser.post("/oauth2/provider/link", json={}, headers={"origin": ORIGIN})
        assert early.status_code == 401, "a session from before does not prove the password"
        await sign_in(another, "gp")
        assert (await another.post("/oauth2/provider/link", json={}, headers={"origin": ORIGIN})).status_code == 401, (
            "another browser came from there"
        )
        await sign_in(browser, "gp2")
        elsewhere = await browser.post("/oauth2/provider/link", json={}, headers={"origin": ORIGIN})
        assert elsewhere.status_code == 400, "who has no post there is not linked"
        async with people.db.transaction() as tx:
            await providers.unlink(tx, "hospital", "gp", SYSTEM)
        await sign_in(browser, "gp")
        linked = await browser.post("/oauth2/provider/link", json={}, headers={"origin": ORIGIN})
        assert linked.status_code == 204, linked.text
        assert (await browser.post("/oauth2/provider/link", json={}, headers={"origin": ORIGIN})).status_code == 401, "once"
    async with people.browser() as browser:
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        await come_back(browser, code="c", state=asked["state"])
        assert await signed_in_as(browser) == "gp"
    said = await people.rows("select outcome_text from audit_event where outcome_text like 'linked to hospital%'")
    assert len(said) == 2


async def test_a_provider_that_is_removed_signs_nobody_in_and_everybody_out(people: House, liar: Liar) -> None:
    async with people.browser() as browser, people.browser() as waiting:
        _, asked = await begun(browser)
        _, other = await begun(waiting)
        liar.nonce = asked["nonce"]
        await come_back(browser, code="c", state=asked["state"])
        assert await signed_in_as(browser) == "gp"
        assert (await browser.get("/oauth2/providers")).json() == {"providers": [{"id": "hospital", "name": "青石镇卫生院"}]}
        async with people.db.transaction() as tx:
            assert await providers.remove(tx, "hospital") == 1
        assert await signed_in_as(browser) is None
        assert (await browser.get("/oauth2/providers")).json() == {"providers": []}
        liar.nonce = other["nonce"]
        await come_back(waiting, code="c", state=other["state"])
        assert await signed_in_as(waiting) is None
        gone = await browser.post("/oauth2/provider", json={"provider": "hospital"}, headers={"origin": ORIGIN})
        assert gone.status_code == 404


async def test_a_link_is_one_persons(people: House, liar: Liar) -> None:
    async with people.db.transaction() as tx:
        provider = await providers.by_id(tx, "hospital")
        assert provider is not None
        await providers.link(tx, provider, "s-1", "GP", SYSTEM)
        for subject, account, error in (
            ("s-2", "gp", Conflict),
            ("s-2", "gp2", BadRequest),
            ("", "gp", BadRequest),
            ("a\nb", "gp", BadRequest),
        ):
            with pytest.raises(error):
                await providers.link(tx, provider, subject, account, SYSTEM)
        await providers.add(
            tx, "hospital", name="x", issuer="https://other.example", client_id="c", secret=None, institution="Organization/qingshi"
        )
        assert await tx.fetchval("select count(*) from account_link") == 0, "subjects mean something at their issuer alone"
        for issuer in (
            "http://10.0.0.1",
            "https://a.example?x=1",
            "ftp://a.example",
            "https://u@a.example",
            "a.example",
            "https://a.example#x",
        ):
            with pytest.raises(BadRequest):
                await providers.add(tx, "y", name="x", issuer=issuer, client_id="c", secret=None, institution="Organization/qingshi")
