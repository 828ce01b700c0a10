"""Everything that can be wrong with what a provider, or somebody in its place, answers. RFC 9700, OpenID Connect Core 16."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.access.conftest import ORIGIN, House
from tests.access.provider import Liar, begun, free_port, lying
from tests.access.test_federation import come_back, failures, liar, signed_in_as
from yilian.access import providers

__all__ = ["liar"]


def unsigned(liar: Liar) -> str:
    head, body, _ = liar.id_token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    assert head
    return f"{none}.{body}."


def by_public_key(liar: Liar) -> str:
    """Signed with HMAC, the secret being what everybody can read: the public key (RFC 8725 2.1)."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').decode().rstrip("=")
    signed = f"{head}.{liar.id_token().split('.')[1]}"
    mac = hmac.digest(liar.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def by_own_key(liar: Liar) -> str:
    """Signed with a key that the token brings along."""
    other = ECKey.generate_key("P-256")
    claims = json.loads(base64.urlsafe_b64decode(liar.id_token().split(".")[1] + "=="))
    return jwt.encode({"alg": "ES256", "jwk": other.as_dict(private=False)}, claims, other, ["ES256"])


WRONG: dict[str, Any] = {
    "another issuer": lambda liar: liar.id_token(iss="http://127.0.0.1:1"),
    "another issuer, but for a slash": lambda liar: liar.id_token(iss=f"{liar.issuer}/"),
    "no issuer": lambda liar: liar.id_token(iss=None),
    "another audience": lambda liar: liar.id_token(aud="somebody-else"),
    "our audience among others": lambda liar: liar.id_token(aud=["yilian-here", "somebody-else"]),
    "made for another": lambda liar: liar.id_token(aud=["yilian-here", "somebody-else"], azp="somebody-else"),
    "no audience": lambda liar: liar.id_token(aud=None),
    "another nonce": lambda liar: liar.id_token(nonce="n-of-another"),
    "no nonce": lambda liar: liar.id_token(nonce=None),
    "over": lambda liar: liar.id_token(exp=int(liar.now().timestamp()) - 120),
    "no end": lambda liar: liar.id_token(exp=None),
    "made long ago": lambda liar: liar.id_token(iat=int(liar.now().timestamp()) - 3600),
    "made in the future": lambda liar: liar.id_token(iat=int(liar.now().timestamp()) + 3600),
    "nobody": lambda liar: liar.id_token(sub=None),
    "no text for a subject": lambda liar: liar.id_token(sub=["s-1"]),
    "unsigned": unsigned,
    "signed with the public key": by_public_key,
    "signed with a key of its own": by_own_key,
    "tampered with": lambda liar: liar.id_token()[:-6] + "AAAAAA",
    "no token": lambda liar: "",
    "nonsense": lambda liar: "a.b.c",
}


@pytest.mark.parametrize("what", WRONG)
async def test_an_id_token_that_is_not_right_signs_nobody_in(people: House, liar: Liar, what: str) -> None:
    async with people.browser() as browser:
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        liar.token = WRONG[what](liar)
        back = await come_back(browser, code="c", state=asked["state"])
        assert "provider-said" in back.headers["location"]
        assert "yilian-session" not in back.headers.get("set-cookie", "")
        assert await signed_in_as(browser) is None
        _, asked = await begun(browser)
        liar.nonce, liar.token = asked["nonce"], None
        await come_back(browser, code="c", state=asked["state"])
        assert await signed_in_as(browser) == "gp", "the same with a good token"
    assert any("by provider hospital" in one for one in await failures(people))


async def test_a_state_is_one_browsers_and_good_once(people: House, liar: Liar) -> None:
    async with people.browser() as browser, people.browser() as victim:
        for answer in ({}, {"code": "c"}, {"code": "c", "state": "made-up"}):
            await come_back(browser, **answer)
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        await begun(victim)
        await come_back(victim, code="c", state=asked["state"])
        assert await signed_in_as(victim) is None, "a code of another browser's session is nothing here"
        await come_back(browser, code="c", state=asked["state"])
        assert await signed_in_as(browser) is None, "and whoever tried it has used it up"
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        people.clock.move(minutes=11)
        await come_back(browser, code="c", state=asked["state"])
        assert await signed_in_as(browser) is None, "it took too long"
    told = " ".join(await failures(people))
    assert not await people.value("select count(*) from refused_address"), "what any page can lead a browser to bars nobody"
    assert "another browser began this" in told
    assert told.count("unknown, over or was used before") == 5


async def test_an_answer_says_who_it_is_from(people: House, liar: Liar) -> None:
    """Mix-up (RFC 9700 4.4): another provider's answer, brought to the address of this one."""
    async with lying(people.clock) as attacker, people.browser() as browser:
        async with people.db.transaction() as tx:
            await providers.add(
                tx, "attacker", name="x", issuer=attacker.issuer, client_id="c", secret=None, institution="Organization/qingshi"
            )
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        moved = await browser.get("/oauth2/provider/attacker/back", params={"code": "c", "state": asked["state"]})
        assert "provider-said" in moved.headers["location"]
        assert attacker.forms == liar.forms == [], "nobody is given the code"
        _, asked = await begun(browser)
        await come_back(browser, code="c", state=asked["state"], iss=attacker.issuer)
        assert liar.forms == []
        people.clock.move(hours=2)
        liar.about = {"authorization_response_iss_parameter_supported": True}
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        await come_back(browser, code="c", state=asked["state"])
        assert liar.forms == [], "it promised to say so, and did not"
        _, asked = await begun(browser)
        liar.nonce = asked["nonce"]
        await come_back(browser, code="c", state=asked["state"], iss=liar.issuer)
        assert await signed_in_as(browser) == "gp"
        twice = await browser.get("/oauth2/provider/hospital/back?state=a&state=b")
        assert twice.status_code == 400


async def test_a_description_of_another_issuer_is_not_believed(people: House, liar: Liar) -> None:
    async with people.browser() as browser:
        for about in ({"issuer": "https://other.example"}, {"token_endpoint": None}, {"jwks_uri": "file:///etc/passwd"}):
            liar.about = about
            answer = await browser.post("/oauth2/provider", json={"provider": "hospital"}, headers={"origin": ORIGIN})
            assert answer.status_code == 503, about
        inside = free_port()
        liar.about = {"token_endpoint": f"http://127.0.0.1:{inside}/token"}
        _, asked = await begun(browser)
        await come_back(browser, code="c", state=asked["state"])
        assert await signed_in_as(browser) is None
    assert "plain http only" in (await failures(people))[-1], "only the issuer itself may lie inside"


async def test_keys_are_read_anew_for_a_new_one_and_not_for_every_lie(people: House, liar: Liar) -> None:
    async with people.browser() as browser:

        async def attempt() -> str | None:
            _, asked = await begun(browser)
            liar.nonce = asked["nonce"]
            await browser.post("/oauth2/sign-out", headers={"origin": ORIGIN})
            await come_back(browser, code="c", state=asked["state"])
            return await signed_in_as(browser)

        assert await attempt() == "gp"
        assert await attempt() == "gp"
        assert liar.asked["/keys"] == 1
        old, liar.key = liar.key, ECKey.generate_key("P-256", {"kid": "k2"})
        people.clock.move(seconds=31)
        assert await attempt() == "gp", "a key that was not there before is looked for"
        assert liar.asked["/keys"] == 2
        liar.published, liar.key = [liar.key], old
        for _ in range(5):
            assert await attempt() is None
        assert liar.asked["/keys"] == 2, "but not at every try"
        people.clock.move(seconds=31)
        assert await attempt() is None
        assert liar.asked["/keys"] == 3


async def test_only_a_page_of_ours_begins_a_sign_in(people: House, liar: Liar) -> None:
    async with people.browser() as browser:
        for path in ("/oauth2/provider", "/oauth2/provider/link"):
            answer = await browser.post(path, json={"provider": "hospital"}, headers={"origin": "https://evil.example"})
            assert answer.status_code == 403
        assert liar.asked == {}
        strange = await browser.post("/oauth2/provider", json={"provider": "hospital", "next": "a\r\nb"}, headers={"origin": ORIGIN})
        assert strange.status_code == 400
