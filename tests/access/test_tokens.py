"""Tokens that are not what they say, and what a good one stands for. RFC 8725, RFC 9068, RFC 9700."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.access.conftest import House
from tests.access.journey import bearer, tokens_of
from yilian.access import accounts, keys, tokens
from yilian.access.accounts import Post
from yilian.access.settings import AccessSettings
from yilian.access.tokens import AUDIENCE, Verifier, issue_for_client, issue_for_user
from yilian.errors import NotFound, NotSignedIn

Claims = dict[str, Any]
Header = dict[str, Any]


async def the_key(house: House) -> keys.SigningKey:
    async with house.db.reading() as tx:
        return (await keys.usable(tx))[0]


async def good(house: House, user: str = "gp") -> str:
    async with house.db.transaction() as tx:
        return await issue_for_user(tx, user)


def opened(token: str) -> tuple[Header, Claims]:
    def part(text: str) -> Any:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    header, claims, _ = token.split(".")
    return part(header), part(claims)


def sealed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_a_token_of_ours_is_taken(people: House) -> None:
    scope = await people.verifier.scope_of(bearer(await good(people)), "r-1", "10.0.0.1")
    assert (scope.user, scope.reach, scope.institution, scope.purpose) == ("gp", "grounds", "Organization/qingshi", "TREAT")
    assert (scope.request_id, scope.address, scope.client) == ("r-1", "10.0.0.1", "yilian-cli")


async def test_what_is_no_token_is_refused(people: House) -> None:
    for header in ("", "Bearer", "Bearer ", "Basic Z3A6eA==", "Bearer a.b.c", "Bearer ....", "Bearer " + "x" * 9000, "Bearer é.é.é"):
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(header)


async def test_a_token_without_a_signature_is_refused(people: House) -> None:
    header, claims = opened(await good(people))
    for forged in (
        f"{sealed(header | {'alg': 'none'})}.{sealed(claims)}.",
        f"{sealed(header)}.{sealed(claims)}.",
        f"{sealed({'alg': 'none', 'typ': 'at+jwt'})}.{sealed(claims)}.",
    ):
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(forged))


async def test_a_token_signed_with_another_key_is_refused(people: House) -> None:
    header, claims = opened(await good(people))
    other = ECKey.generate_key("P-256")
    for kid in (header["kid"], other.thumbprint()):
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(jwt.encode({**header, "kid": kid}, claims, other, ["ES256"])))


async def test_a_token_that_brings_its_own_key_is_refused(people: House) -> None:
    """RFC 8725 §3.10: jwk, jku and x5c of the header are not believed."""
    header, claims = opened(await good(people))
    other = ECKey.generate_key("P-256")
    forged = jwt.encode({**header, "jwk": other.as_dict(private=False)}, claims, other, ["ES256"])
    with pytest.raises(NotSignedIn):
        await people.verifier.scope_of(bearer(forged))


async def test_the_public_key_does_not_serve_as_a_shared_secret(people: House) -> None:
    """RFC 8725 §2.1: an HMAC made with what everybody can read."""
    header, claims = opened(await good(people))
    key = await the_key(people)
    for secret in (key.key.as_pem(private=False), json.dumps(key.key.as_dict(private=False)).encode()):
        text = f"{sealed(header | {'alg': 'HS256'})}.{sealed(claims)}"
        mac = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), "sha256")).decode().rstrip("=")
        forged = f"{text}.{mac}"
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(forged))


async def test_a_changed_token_is_refused(people: House) -> None:
    token = await good(people)
    header, claims, signature = token.split(".")
    _, said = opened(token)
    for forged in (
        f"{header}.{sealed(said | {'sub': 'expert'})}.{signature}",
        f"{header}.{sealed(said | {'grant': str(uuid4())})}.{signature}",
        f"{header}.{claims}.{signature[:-2]}AA",
        f"{header}.{claims}.",
    ):
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(forged))


WRONG: list[Callable[[Header, Claims], tuple[Header, Claims]]] = [
    lambda h, c: (h, c | {"exp": c["iat"] - 60}),
    lambda h, c: (h, {k: v for k, v in c.items() if k != "exp"}),
    lambda h, c: (h, c | {"iat": c["iat"] + 3600}),
    lambda h, c: (h, c | {"nbf": c["iat"] + 3600}),
    lambda h, c: (h, c | {"aud": "https://other.example"}),
    lambda h, c: (h, {k: v for k, v in c.items() if k != "aud"}),
    lambda h, c: (h, {k: v for k, v in c.items() if k != "iss"}),
    lambda h, c: (h, {k: v for k, v in c.items() if k != "grant"}),
    lambda h, c: (h, c | {"grant": "not a uuid"}),
    lambda h, c: (h, c | {"grant": str(UUID(int=7))}),
    lambda h, c: (h, c | {"exp": "tomorrow"}),
    lambda h, c: (h | {"typ": "JWT"}, c),
    lambda h, c: ({k: v for k, v in h.items() if k != "typ"}, c),
    lambda h, c: ({k: v for k, v in h.items() if k != "kid"}, c),
]


async def test_even_with_the_right_key_what_a_token_says_must_be_right(people: House) -> None:
    header, claims = opened(await good(people))
    key = (await the_key(people)).key
    assert (await people.verifier.scope_of(bearer(jwt.encode(header, claims, key, ["ES256"])))).user == "gp"
    for change in WRONG:
        forged = jwt.encode(*change(header, claims), key, ["ES256"])
        with pytest.raises(NotSignedIn):
            await people.verifier.scope_of(bearer(forged))


async def test_an_id_token_is_no_access_token(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp")
    with pytest.raises(NotSignedIn):
        await people.verifier.scope_of(bearer(got["id_token"]))
    with pytest.raises(NotSignedIn):
        await people.verifier.scope_of(bearer(got["refresh_token"]))


async def test_a_token_ends_after_a_quarter_of_an_hour_also_when_it_is_known(people: House) -> None:
    header = bearer(await good(people))
    people.clock.move(minutes=14, seconds=58)
    await people.verifier.scope_of(header)
    people.clock.move(seconds=3)
    with pytest.raises(NotSignedIn):
        await people.verifier.scope_of(header)


async def test_where_the_address_is_configured_the_issuer_must_be_it(people: House) -> None:
    ours, other = AccessSettings(public_url="https://a.example"), AccessSettings(public_url="https://b.example")
    async with people.db.transaction() as tx:
        token = await issue_for_user(tx, "gp", ours)
    assert (await Verifier(people.db, ours).scope_of(bearer(token))).user == "gp"
    with pytest.raises(NotSignedIn):
        await Verifier(people.db, other).scope_of(bearer(token))


async def test_tokens_of_a_retired_key_are_good_until_they_expire(people: House) -> None:
    old = bearer(await good(people))
    async with people.db.transaction() as tx:
        await keys.rotate(tx)
    people.clock.move(minutes=14)
    old = bearer(await good(people))
    people.clock.move(minutes=2)
    new = bearer(await good(people))
    assert opened(old[7:])[0]["kid"] != opened(new[7:])[0]["kid"]
    for header in (old, new):
        assert (await people.verifier.scope_of(header)).user == "gp"
    async with people.browser() as browser:
        assert len((await browser.get("/oauth2/jwks")).json()["keys"]) == 2
        people.clock.move(days=2)
        assert len((await browser.get("/oauth2/jwks")).json()["keys"]) == 1


async def test_servers_that_start_together_make_one_key(dsn: str, people: House) -> None:
    async with people.db.transaction() as tx:
        await tx.execute("delete from signing_key")
    async with people.db.transaction() as one:
        await keys.ensure(one)
    async with people.db.transaction() as other:
        await keys.ensure(other)
    assert await people.value("select count(*) from signing_key") == 1


async def test_a_verified_token_is_not_looked_up_again_for_ten_seconds(people: House, monkeypatch: pytest.MonkeyPatch) -> None:
    header = bearer(await good(people))
    await people.verifier.scope_of(header)

    def no_connection() -> None:
        raise AssertionError("asked the database")

    async def nothing_ended(now: float) -> None:
        """What is asked once a second."""

    monkeypatch.setattr(people.verifier, "_look", nothing_ended)
    monkeypatch.setattr(people.db, "reading", no_connection)
    people.clock.move(seconds=9.5)
    scope = await people.verifier.scope_of(header, "r-2")
    assert (scope.user, scope.request_id) == ("gp", "r-2")


async def test_a_changed_post_counts_within_ten_seconds_and_the_signature_is_not_checked_twice(
    people: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = bearer(await good(people))
    assert (await people.verifier.scope_of(header)).institution == "Organization/qingshi"
    async with people.db.transaction() as tx:
        await accounts.set_posts(tx, "gp", [Post("head", "Organization/liuhe")])
    monkeypatch.setattr(tokens.jwt, "decode", None)
    people.clock.move(seconds=10)
    scope = await people.verifier.scope_of(header)
    assert (scope.institution, scope.roles) == ("Organization/liuhe", frozenset({"head"}))


async def test_what_is_remembered_has_a_bound(people: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 3)
    for _ in range(6):
        await people.verifier.scope_of(bearer(await good(people)))
    assert len(people.verifier._known) == 3


async def test_tokens_made_at_the_command_line_are_recorded_and_only_for_who_is_there(people: House) -> None:
    async with people.db.transaction() as tx:
        assert (await people.verifier.claims_of(await issue_for_client(tx, "bench"))).subject == "bench"
        with pytest.raises(NotFound):
            await issue_for_client(tx, "nobody")
        with pytest.raises(NotFound):
            await issue_for_user(tx, "nobody")
        await accounts.disable(tx, "gp2")
        with pytest.raises(NotSignedIn):
            await issue_for_user(tx, "gp2")
    rows = await people.rows("select account, outcome_text from audit_event where subtype = '110122'")
    assert [tuple(row) for row in rows] == [("bench", "token made at the command line")]


async def test_the_audience_is_ours(people: House) -> None:
    _, claims = opened(await good(people))
    assert claims["aud"] == AUDIENCE
    assert claims["exp"] - claims["iat"] == timedelta(minutes=15).total_seconds()
