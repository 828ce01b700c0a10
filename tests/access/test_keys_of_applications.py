"""Applications that prove themselves with a key: what is believed, and every way round it that RFC 8725 and RFC 9700 warn of."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.access.conftest import ORIGIN, PASSWORD, House
from tests.access.journey import bearer
from yilian.access import assertions, clients, keys
from yilian.errors import BadRequest, NotSignedIn
from yilian.sealing.keyring import open_column

TOKEN = f"{ORIGIN}/oauth2/token"


@dataclass(frozen=True, slots=True)
class System:
    """An application of a hospital that keeps the private part of its key."""

    house: House
    id: str
    key: Any
    algorithm: str
    kid: str = "k1"

    def statement(self, *, key: Any = None, header: dict[str, Any] | None = None, **other: Any) -> str:
        now = int(self.house.clock().timestamp())
        claims = {"iss": self.id, "sub": self.id, "aud": TOKEN, "iat": now, "exp": now + 240, "jti": uuid4().hex} | other
        heading = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"} | (header or {})
        return jwt.encode(heading, {k: v for k, v in claims.items() if v is not None}, key or self.key, [heading["alg"]])

    async def ask(self, browser: httpx.AsyncClient, statement: str, **other: Any) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_assertion_type": assertions.TYPE, "client_assertion": statement} | other
        return await browser.post("/oauth2/token", data=form)


def key_of(algorithm: str) -> Any:
    if algorithm.startswith("RS"):
        return RSAKey.generate_key(2048)
    return ECKey.generate_key("P-256" if algorithm == "ES256" else "P-384")


async def registered(house: House, id: str, algorithm: str = "ES384", **more: Any) -> System:
    key = key_of(algorithm)
    await register(house, id, [{**key.as_dict(private=False), "kid": "k1"}], **more)
    return System(house, id, key, algorithm)


async def register(house: House, id: str, public: list[dict[str, Any]], **more: Any) -> None:
    async with house.db.transaction() as tx:
        await clients.add(
            tx,
            id,
            name=id,
            secret=None,
            scope="system/*.read",
            grant_types=["client_credentials"],
            jwks=json.dumps({"keys": public}),
            **more,
        )


def with_secret(system: System, secret: bytes) -> str:
    """A statement "signed" with what everybody knows."""
    words = system.statement().split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": system.kid, "typ": "JWT"}).encode()).decode().rstrip("=")
    sign = hmac.new(secret, f"{head}.{words}".encode(), "sha256").digest()
    return f"{head}.{words}.{base64.urlsafe_b64encode(sign).decode().rstrip('=')}"


def weak() -> dict[str, Any]:
    """A public RSA key of 1,024 bits."""
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    n = base64.urlsafe_b64encode(numbers.n.to_bytes(128, "big")).decode().rstrip("=")
    return {"kty": "RSA", "n": n, "e": "AQAB", "kid": "weak"}


@pytest.fixture
async def his(people: House) -> System:
    return await registered(people, "his")


@pytest.mark.parametrize("algorithm", assertions.ALGORITHMS)
async def test_a_system_gets_a_token_by_signing_for_itself(people: House, algorithm: str) -> None:
    system = await registered(people, "his", algorithm)
    async with people.browser() as browser:
        for more in ({}, {"client_id": "his"}):
            answer = await system.ask(browser, system.statement(), **more)
            assert answer.status_code == 200, answer.text
        for audience in (ORIGIN, [TOKEN, "https://elsewhere.example"]):
            assert (await system.ask(browser, system.statement(aud=audience))).status_code == 200
        scope = await people.verifier.scope_of(bearer(answer.json()["access_token"]))
    assert (scope.user, scope.reach) == ("his", "everything")


async def test_a_statement_is_good_once_also_for_many_at_once(his: System) -> None:
    async with his.house.browser() as browser:
        once = his.statement()
        answers = await asyncio.gather(*(his.ask(browser, once) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
        assert {answer.json()["error"] for answer in answers if answer.status_code == 401} == {"invalid_client"}
    assert await his.house.value("select count(*) from audit_event where outcome_text like '%used before%'") == 7


async def test_what_is_not_signed_by_the_application_itself_for_us_and_now_is_not_believed(his: System, people: House) -> None:
    other = await registered(people, "other")
    now = int(people.clock().timestamp())
    statements = {
        "another application's key": his.statement(key=other.key),
        "another application's name": other.statement(iss="his", sub="his"),
        "issuer and subject differ": his.statement(iss="other"),
        "for another server": his.statement(aud="https://elsewhere.example/oauth2/token"),
        "for another address of ours": his.statement(aud=f"{ORIGIN}/fhir"),
        "for nobody": his.statement(aud=None),
        "over": his.statement(exp=now - 60),
        "without an end": his.statement(exp=None),
        "good for a day": his.statement(exp=now + 86_400),
        "not yet": his.statement(nbf=now + 600),
        "without a number": his.statement(jti=None),
        "with a number that is none": his.statement(jti=["a"]),
        "with an endless number": his.statement(jti="x" * 201),
        "of an unknown key": his.statement(header={"kid": "k2"}),
        "without a key": his.statement(header={"kid": ""}),
        "signed with the public key as a secret": with_secret(his, his.key.as_pem(private=False)),
        "with a key it brings along": his.statement(key=other.key, header={"jwk": other.key.as_dict(private=False), "kid": "brought"}),
        "of another algorithm of the same key": his.statement(key=ECKey.generate_key("P-256"), header={"alg": "ES256"}),
        "not signed at all": ".".join([*his.statement(header={}).split(".")[:2], ""]),
        "damaged": his.statement()[:-6] + "AAAAAA",
        "no statement": "a.b.c",
        "nothing": "x",
    }
    async with people.browser() as browser:
        for what, statement in statements.items():
            answer = await his.ask(browser, statement)
            assert answer.status_code in (400, 401), what
            assert answer.json()["error"] == "invalid_client", what
            assert (await his.ask(browser, statement, client_id="his")).status_code in (400, 401), what
    assert await people.value("select count(*) from token_grant") == 0
    assert await people.value("select count(*) from client_assertion") == 0


async def test_two_ways_of_proving_oneself_at_once_are_refused(his: System, people: House) -> None:
    async with people.browser() as browser:
        both = await his.ask(browser, his.statement(), client_id="his", client_secret="guess")
        assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
        kind = await his.ask(browser, his.statement(), client_assertion_type="urn:other")
        assert (kind.status_code, kind.json()["error"]) == (400, "invalid_request")
        named = await his.ask(browser, his.statement(), client_id="bench")
        assert named.json()["error"] == "invalid_client", "a statement is for the application it names"


async def test_an_application_with_a_key_has_no_secret_and_is_not_public(his: System, people: House) -> None:
    async with people.browser() as browser:
        for form in ({"client_id": "his"}, {"client_id": "his", "client_secret": ""}, {"client_id": "his", "client_secret": "his"}):
            answer = await browser.post("/oauth2/token", data={"grant_type": "client_credentials"} | form)
            assert answer.json()["error"] in ("invalid_client", "invalid_request")


async def test_a_disabled_application_is_not_believed(his: System, people: House) -> None:
    async with people.db.transaction() as tx:
        await clients.disable(tx, "his")
    async with people.browser() as browser:
        assert (await his.ask(browser, his.statement())).json()["error"] == "invalid_client"


async def test_keys_that_cannot_be_believed_are_not_registered_and_private_parts_are_not_kept(people: House) -> None:
    good = ECKey.generate_key("P-256")
    bad: list[list[dict[str, Any]]] = [
        [],
        [good.as_dict(private=False)],
        [weak()],
        [{**OctKey.generate_key(256).as_dict(), "kid": "secret"}],
        [{**ECKey.generate_key("P-521").as_dict(private=False), "kid": "curve"}],
        [{**good.as_dict(private=False), "kid": "a"}, {**good.as_dict(private=False), "kid": "a"}],
        [{"kty": "EC", "crv": "P-256", "kid": "b", "x": "!", "y": "!"}],
    ]
    for public in bad:
        with pytest.raises(BadRequest):
            await register(people, "his", public)
    await register(people, "his", [{**good.as_dict(private=True), "kid": "a"}])
    assert '"d"' not in await people.value("select jwks from client where id = 'his'")


# --- introspection


async def told(house: House, token: str, **form: Any) -> dict[str, Any]:
    async with house.browser() as browser:
        answer = await browser.post("/oauth2/introspect", data={"client_id": "bench", "client_secret": PASSWORD, "token": token} | form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def token_of(system: System) -> str:
    async with system.house.browser() as browser:
        return str((await system.ask(browser, system.statement())).json()["access_token"])


async def test_who_may_ask_learns_what_a_token_is_good_for_and_others_that_it_is_not(his: System, people: House) -> None:
    token = await token_of(his)
    assert await told(people, token) == {"active": False}, "bench is not registered to ask"
    proven = {"client_id": "his", "client_assertion_type": assertions.TYPE, "client_secret": ""}
    own = await told(people, token, **proven, client_assertion=his.statement())
    assert (own["active"], own["client_id"], own["sub"], own["scope"], own["token_type"]) == (True, "his", "his", "system/*.read", "Bearer")
    assert own["exp"] > people.clock().timestamp()
    async with people.db.transaction() as tx:
        await tx.execute("update client set introspects = true where id = 'bench'")
    assert (await told(people, token))["fhirUser"] == "Device/his"
    for nothing in ("", "x", "a.b.c", token[:-3] + "AAA"):
        assert await told(people, nothing or "-") == {"active": False}
    async with people.db.transaction() as tx:
        await clients.disable(tx, "his")
    assert await told(people, token) == {"active": False}, "looked up at this moment"


async def test_nobody_asks_about_tokens_without_proving_who_asks(his: System, people: House) -> None:
    token = await token_of(his)
    async with people.browser() as browser:
        for form in ({}, {"client_id": "bench"}, {"client_id": "bench", "client_secret": "wrong"}, {"client_id": "yilian-web"}):
            answer = await browser.post("/oauth2/introspect", data={"token": token} | form)
            assert answer.status_code in (400, 401), form
            assert "active" not in answer.json()


# --- our own keys


async def test_the_next_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_are_over(his: System, people: House) -> None:
    async def kids() -> list[str]:
        async with people.browser() as browser:
            return [one["kid"] for one in (await browser.get("/oauth2/jwks")).json()["keys"]]

    (first,) = await kids()
    before = await token_of(his)
    async with people.db.transaction() as tx:
        second = await keys.rotate(tx)
    assert set(await kids()) == {first, second}
    assert keys_of(await token_of(his)) == first
    people.clock.move(minutes=14)
    assert keys_of(await token_of(his)) == first
    assert (await people.verifier.scope_of(bearer(before))).user == "his"
    people.clock.move(minutes=2)
    after = await token_of(his)
    assert keys_of(after) == second
    assert set(await kids()) == {first, second}
    people.clock.move(days=2)
    assert await kids() == [second]


def keys_of(token: str) -> str:
    head = token.split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


async def test_a_key_that_somebody_else_may_have_is_believed_no_more_and_everybody_signs_in_again(his: System, people: House) -> None:
    row = (await people.rows("select kid, private from signing_key"))[0]
    stolen = open_column("signing_key.private", row["kid"], row["private"].encode())  # by somebody who has the master key as well
    token = await token_of(his)
    await people.verifier.scope_of(bearer(token))
    async with people.db.transaction() as tx:
        await keys.replace(tx)
    people.clock.move(seconds=11)
    with pytest.raises(NotSignedIn):
        await people.verifier.scope_of(bearer(token))
    people.clock.move(seconds=61)
    key = ECKey.import_key(json.loads(stolen))
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    claims["exp"] = int(people.clock().timestamp()) + 600
    forged = jwt.encode({"alg": "ES256", "kid": key.thumbprint(), "typ": "at+jwt"}, claims, key, ["ES256"])
    with pytest.raises(NotSignedIn):
        await people.verifier.scope_of(bearer(forged))
    assert (await people.verifier.scope_of(bearer(await token_of(his)))).user == "his"


async def test_a_key_is_renewed_by_itself_after_ninety_days_and_used_statements_are_cleared_away(his: System, people: House) -> None:
    await token_of(his)

    async def due() -> None:
        async with people.db.transaction() as tx:
            await keys.rotate_when_due(tx)

    await due()
    assert await people.value("select count(*) from signing_key") == 1
    assert await people.value("select count(*) from client_assertion") == 1
    people.clock.move(days=91)
    await due()
    await due()
    assert await people.value("select count(*) from signing_key") == 2
    assert await people.value("select count(*) from client_assertion") == 0
