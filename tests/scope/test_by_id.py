"""What is out of scope is answered to the byte like what never existed, whoever asks and however."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.http.house import Server
from tests.scope.asks import Ask, Told, asks, never, tell
from tests.scope.people import OTHERS, Version, client_of, sees
from tests.scope.world import World

DID_IT_THEMSELVES = {("coordinator", "p4"), ("expert", "p4")}
"""Who took part in a referral that is over: their own doings stay in their own trail."""


def may_stay(role: str, one: Version, ask: Ask) -> bool:
    """Whether the answer may differ: one's own trail is one's own, and the privacy officer looks after that of the institution
    (`tests/audit/test_access_log.py` says how far)."""
    return "trail" in ask.name and (role == "privacy" or (role, one.patient) in DID_IT_THEMSELVES)


def of_each_sort(role: str, world: World) -> list[Version]:
    """What this role may know nothing of: of things that are alike (type, why they are hidden, how many versions) one."""
    found: dict[tuple[object, ...], Version] = {}
    for versions in world.versions.values():
        if not any(sees(role, one) for one in versions):
            last = versions[-1]
            beside_visible = any(sees(role, one) for one in world.versions.get(f"Patient/{last.patient}", []))
            sort = (last.type, last.confined, last.deleted, beside_visible, last.patient in ("p4", "*", ""), len(versions))
            found.setdefault(sort, last)
    return list(found.values())


@pytest.mark.parametrize("role", OTHERS)
async def test_what_is_out_of_scope_is_answered_like_what_never_was(
    server: Server, world: World, role: str, record_property: Callable[[str, object], None]
) -> None:
    client = await client_of(server, role)
    hidden = of_each_sort(role, world)
    assert len(hidden) >= 20
    of_nothing: dict[tuple[str, str, int], Told] = {}
    different: dict[str, list[str]] = {}
    compared = 0
    for one in hidden:
        nobody = never(one.id)
        body = world.bodies.get(one.name)
        pairs = zip(asks(role, one.type, one.id, body), asks(role, one.type, nobody, body), strict=True)
        for ask, same in pairs:
            if may_stay(role, one, ask):
                continue
            key = (ask.name, one.type, len(one.id)) if body is None or ask.method != "PUT" else (ask.name, one.name, 0)
            if key not in of_nothing:
                of_nothing[key] = await tell(client, same, nobody)
            told = await tell(client, ask, one.id)
            compared += 1
            if told != of_nothing[key]:
                different.setdefault(ask.name, []).append(f"{one.name}:\n    {told}\n  not\n    {of_nothing[key]}")
    record_property("compared", compared)
    assert not different, "\n".join(f"{name} ({len(found)}): {found[0]}" for name, found in different.items())
