"""How often one may ask: told with 429 and Retry-After, of bounded memory, and never in the way of who has a good token."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.house import Server
from yilian.errors import TooManyRequests
from yilian.http import limits
from yilian.http.limits import Limits, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 600), st.lists(st.floats(0, 20), min_size=1, max_size=200))
def test_never_more_than_the_rate_and_its_room(per_min: int, pauses: list[float]) -> None:
    clock = Clock()
    rate = Rate(per_min, clock=clock)
    taken: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = rate.wait("a")
        if not wait:
            taken.append(clock.now)
        else:
            assert 0 < wait <= 60 / per_min + 0.001
    for n, start in enumerate(taken):
        for m, end in enumerate(taken[n:], n):
            assert m - n + 1 <= (end - start) * per_min / 60 + limits.ROOM_S * per_min / 60 + 1.001


def test_who_waits_as_long_as_told_is_let_in() -> None:
    clock = Clock()
    rate = Rate(60, clock=clock)
    while not (wait := rate.wait("a")):
        pass
    assert not rate.wait("b"), "others are not kept waiting"
    clock.now += wait
    assert not rate.wait("a")


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEPT", 100)
    rate = Rate(60)
    for n in range(1000):
        rate.wait(str(n))
    assert len(rate) == 100


def test_zero_is_no_limit() -> None:
    rate = Rate(0)
    assert not any(rate.wait("a") for _ in range(10_000))
    assert len(rate) == 0


def test_the_addresses_of_one_network_count_together() -> None:
    some = Limits(refused=60, clock=lambda: 0.0)
    for n in range(10):
        some.refused(f"2001:db8:1:2::{n:x}")
    with pytest.raises(TooManyRequests):
        some.refused("2001:db8:1:2::ffff")
    some.refused("2001:db8:1:3::1")


async def test_a_person_who_asks_too_often_is_told_when_to_come_again(server: Server) -> None:
    api = server.application.fhir
    api.house = replace(api.house, limits=Limits(person=60, refused=60, clock=lambda: 0.0))
    gp, bench, nobody = await server.as_("gp"), await server.as_("bench"), server.nobody()
    answers = [await gp.get("/fhir/Organization?_count=1") for _ in range(11)]
    assert [one.status_code for one in answers] == [200] * 10 + [429]
    refused = answers[-1]
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["issue"][0]["code"] == "throttled"
    assert "请" in refused.json()["issue"][0]["details"]["text"]
    assert {(await bench.get("/fhir/Organization?_count=1")).status_code for _ in range(30)} == {200}, "systems work as fast as they can"
    without = [(await nobody.get("/fhir/Organization")).status_code for _ in range(11)]
    assert without == [401] * 10 + [429]
    gp2 = await server.as_("gp2")
    assert (await gp2.get("/fhir/Organization?_count=1")).status_code == 200, "behind the same address, with a good token"
    await nobody.aclose()


async def test_answers_are_never_taken_for_pages(server: Server) -> None:
    gp = await server.as_("gp")
    for path in ("/fhir/metadata", "/fhir/Patient/nobody"):
        headers = (await gp.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]


def test_a_check_costs_less_than_a_microsecond_or_two(record_property: Callable[[str, object], None]) -> None:
    """CPU time of what a read by id pays for its limit."""
    some = Limits(person=10**6)
    some.person("gp")
    began = time.process_time()
    for _ in range(100_000):
        some.person("gp")
    each = (time.process_time() - began) / 100_000
    record_property("microseconds", round(each * 1e6, 2))
    assert each < 10e-6
