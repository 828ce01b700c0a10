"""Who asked for a job: the scope is made anew from the account as it is, never wider than it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.http import house
from yilian import app, config
from yilian.access import tokens
from yilian.access.asker import asker_of, scope_again
from yilian.access.tokens import Verifier
from yilian.db import Database
from yilian.errors import NotSignedIn
from yilian.store.scope import SYSTEM, Scope


@pytest.fixture
async def region(furnished_dsn: str) -> AsyncIterator[Database]:
    database = app.database(config.Settings(), furnished_dsn)
    await database.open()
    yield database
    await database.close()


async def scope_of(db: Database, who: str) -> Scope:
    async with db.transaction() as tx:
        issue = tokens.issue_for_client if who == "bench" else tokens.issue_for_user
        token = await issue(tx, who)
    return await Verifier(db).scope_of(f"Bearer {token}", "request-1", "10.0.0.7")


async def again(db: Database, scope: Scope) -> Scope:
    async with db.reading() as tx:
        return await scope_again(tx, asker_of(scope))


@pytest.mark.parametrize("who", ["gp", "bench", house.RESIDENT, "admin"])
async def test_nothing_changed_so_the_scope_is_the_same(region: Database, who: str) -> None:
    scope = await scope_of(region, who)
    found = await again(region, scope)
    if who == house.RESIDENT:  # held to the resident's own record by the token's words then, by the post now: it is the same rows
        scope, found = replace(scope, reads=None, writes=None), replace(found, reads=None, writes=None)
    assert found == scope


async def test_what_a_token_narrowed_stays_narrow(region: Database) -> None:
    scope = replace(await scope_of(region, "bench"), reads=frozenset({"Patient"}), writes=frozenset(), may_write=False)
    found = await again(region, scope)
    assert (found.reads, found.writes, found.may_write) == (frozenset({"Patient"}), frozenset(), False)


async def test_a_disabled_account_ends_what_it_asked_for(region: Database) -> None:
    scope = await scope_of(region, "gp")
    async with region.transaction() as tx:
        await tx.execute("update account set disabled = now() where name = 'gp'")
    with pytest.raises(NotSignedIn):
        await again(region, scope)


async def test_a_post_taken_away_or_widened_ends_it_too(region: Database) -> None:
    scope = await scope_of(region, "gp")
    async with region.transaction() as tx:
        await tx.execute("update post set role = 'regulator' where account = 'gp'")
    with pytest.raises(NotSignedIn):
        await again(region, scope)


async def test_an_application_that_now_speaks_for_the_region_does_not_widen_what_it_asked_before(region: Database) -> None:
    scope = await scope_of(region, "gp")
    narrow = {**asker_of(scope), "kind": "client", "client": "bench", "user": "bench", "roles": []}
    async with region.reading() as tx:
        with pytest.raises(NotSignedIn):
            await scope_again(tx, narrow)


async def test_the_platform_itself_stays_the_platform(db: Database) -> None:
    assert await again(db, SYSTEM) is SYSTEM
