"""Applications whose keys lie at an address of theirs: read when needed, not more often than that, and never from inside the house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiohttp import web
from joserfc.jwk import ECKey, OctKey

from tests.access.conftest import House
from tests.access.provider import Liar, free_port, lying
from tests.access.test_keys_of_applications import System
from yilian.access import clients, fetching
from yilian.access.addresses import SIGN_IN, Allowed
from yilian.access.fetching import NotFetched, fetched
from yilian.errors import BadRequest, InvalidResource


@pytest.fixture
async def place(people: House) -> AsyncIterator[Liar]:
    """Where the keys lie; the operator listed the host."""
    async with lying(people.clock) as one:
        people.settings = replace(people.settings, hosts=Allowed.of(one.issuer.removeprefix("http://"), SIGN_IN))
        yield one


async def at_its_address(house: House, place: Liar, id: str = "lab", **more: Any) -> System:
    async with house.db.transaction() as tx:
        await clients.add(
            tx,
            id,
            name=id,
            secret=None,
            scope="system/*.read",
            grant_types=["client_credentials"],
            jwks_uri=f"{place.issuer}/keys",
            hosts=house.settings.hosts,
            **more,
        )
    return System(house, id, place.key, "ES256", kid=str(place.key.kid))


async def works(browser: httpx.AsyncClient, system: System, **other: Any) -> bool:
    answer = await system.ask(browser, system.statement(**other))
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def test_an_application_proves_itself_with_a_key_that_lies_at_its_address(people: House, place: Liar) -> None:
    system = await at_its_address(people, place)
    async with people.browser() as browser:
        for _ in range(5):
            assert await works(browser, system)
        assert place.asked == {"/keys": 1}
        people.clock.move(minutes=11)
        assert await works(browser, system)
        assert place.asked == {"/keys": 2}, "read anew after a while"
        assert not await works(browser, system, key=ECKey.generate_key("P-256"))
        assert not await works(browser, system, aud="https://other.example")


async def test_a_new_key_is_found_at_once_and_made_up_ones_are_not_looked_for_each_time(people: House, place: Liar) -> None:
    system = await at_its_address(people, place)
    async with people.browser() as browser:
        assert await works(browser, system)
        people.clock.move(seconds=31)
        place.key = ECKey.generate_key("P-256", {"kid": "k2"})
        assert await works(browser, replace(system, key=place.key, kid="k2")), "rotated a moment ago"
        assert not await works(browser, system), "and the old one is gone"
        assert place.asked == {"/keys": 2}
        for number in range(10):
            assert not await works(browser, replace(system, kid=f"made-up-{number}"))
        assert place.asked == {"/keys": 2}, "whoever makes up keys does not make us read"
        people.clock.move(seconds=31)
        assert not await works(browser, replace(system, kid="made-up"))
        assert place.asked == {"/keys": 3}


async def test_what_was_read_is_good_for_a_while_when_the_address_is_down(
    people: House, place: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = await at_its_address(people, place)
    async with people.browser() as browser:
        assert await works(browser, system)

        async def down(url: str, allowed: Allowed) -> dict[str, Any]:
            raise NotFetched("it cannot be reached")

        monkeypatch.setattr("yilian.access.key_sets.fetched", down)
        people.clock.move(hours=1)
        assert await works(browser, system)
        people.clock.move(hours=6)
        assert not await works(browser, system), "but not for ever: a key that was taken back must end"


async def test_only_public_keys_of_a_good_kind_are_heeded(people: House, place: Liar) -> None:
    """A set that holds a secret, or a weak or strange key, is no way in."""
    secret = OctKey.generate_key(256, {"kid": "k1"})
    system = await at_its_address(people, place)
    place.published = [secret, place.key]  # type: ignore[list-item]
    async with people.browser() as browser:
        assert await works(browser, system), "what is good among them is used"
        assert not await works(browser, replace(system, key=secret, algorithm="HS256"))


async def test_an_address_inside_is_neither_registered_nor_read(people: House, place: Liar) -> None:
    listed, people.settings = people.settings, replace(people.settings, hosts=Allowed(frozenset(), SIGN_IN))
    with pytest.raises(InvalidResource, match="sign_in_hosts"):
        await at_its_address(people, place)
    for host in ("https://127.0.0.1", "https://10.0.0.1", "http://example.org", "https://[::1]", "https://localhost"):
        with pytest.raises(NotFetched):
            await fetched(f"{host}/keys", people.settings.hosts)
    people.settings = listed
    system = await at_its_address(people, place)
    people.settings = replace(people.settings, hosts=Allowed(frozenset(), SIGN_IN))
    async with people.browser() as browser:
        assert not await works(browser, system), "taken off the list"
    assert place.asked == {}
    async with people.db.transaction() as tx:
        both = {"jwks": "{}", "jwks_uri": "https://a.example"}
        with pytest.raises(BadRequest, match="not both"):
            await clients.add(tx, "x", name="x", secret=None, scope="system/*.read", grant_types=["client_credentials"], **both)  # type: ignore[arg-type]


async def test_what_is_read_is_bounded_and_leads_nowhere_else(people: House, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path == "/away":
            raise web.HTTPFound("/small")
        if request.path == "/large":
            return web.Response(body=b" " * (fetching.LONGEST + 1))
        if request.path == "/slow":
            await asyncio.sleep(5)
        return web.Response(body={"/small": b'{"a": 1}', "/list": b"[]", "/text": b"<html>"}.get(request.path, b"{}"))

    application = web.Application()
    application.add_routes([web.get("/{path}", answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    allowed = Allowed.of(f"127.0.0.1:{port}", SIGN_IN)
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.5)
    try:
        assert await fetched(f"http://127.0.0.1:{port}/small", allowed) == {"a": 1}
        for path in ("away", "large", "slow", "list", "text"):
            with pytest.raises(NotFetched):
                await fetched(f"http://127.0.0.1:{port}/{path}", allowed)
        assert asked.count("/small") == 1, "no redirect is followed"
        with pytest.raises(NotFetched, match="cannot be reached"):
            await fetched(f"http://127.0.0.1:{free_port()}/x", Allowed.of("127.0.0.1", SIGN_IN))
    finally:
        await runner.cleanup()
