"""Who asked for something that is done later: a note that a job carries, and the way from it back to a `Scope`.

The scope is made anew from the account or application as it is when the job runs, and is never wider than it was when it was asked for. A
disabled account, a post that was taken away or an application that was withdrawn ends what it had asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from yilian.access.policy import require_whole
from yilian.access.smart import both
from yilian.access.standing import of_client, of_person
from yilian.errors import NotSignedIn
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Asker = dict[str, Any]


def asker_of(scope: Scope) -> Asker:
    """The note, as JSON: names and limits, no key that opens anything. Forbidden where it could not say all the limits."""
    require_whole(scope, "What is carried out later")
    if scope is SYSTEM:
        return {"kind": "platform"}
    person = bool(scope.roles) or scope.user != scope.client
    return {
        "kind": "person" if person else "client",
        "user": scope.user,
        "client": scope.client,
        "institution": scope.institution,
        "roles": sorted(scope.roles),
        "reach": scope.reach,
        "reads": sorted(scope.reads) if scope.reads is not None else None,
        "writes": sorted(scope.writes) if scope.writes is not None else None,
        "may_write": scope.may_write,
        "request_id": scope.request_id,
        "address": scope.address,
    }


async def scope_again(tx: Tx, asker: Asker) -> Scope:
    """The scope of who asked, as it is now and no wider than then.

    NotSignedIn when the account or the application is not there any more, is disabled, or does not see as far as it did.
    """
    if asker["kind"] == "platform":
        return SYSTEM
    found = await (_person(tx, asker) if asker["kind"] == "person" else _client(tx, asker))
    if not _sees_as_far(found, asker):
        raise _gone()
    reads, writes = both(found.reads, _types(asker["reads"])), both(found.writes, _types(asker["writes"]))
    return replace(
        found,
        reads=reads,
        writes=writes,
        may_write=found.may_write and asker["may_write"] and (writes is None or bool(writes)),
        parts=(),
        rights=None,
        request_id=asker["request_id"],
        address=asker["address"],
    )


async def _person(tx: Tx, asker: Asker) -> Scope:
    row = await tx.fetchrow(
        """
        select a.name as account, a.display, a.agent, a.patient from account a join client c on c.id = $2
        where a.name = $1 and a.disabled is null and (a.expires is null or a.expires > $3) and c.disabled is null
        """,
        asker["user"],
        asker["client"],
        tx.now,
    )
    if row is None:
        raise _gone()
    smart = "patient/*.*" if asker["reach"] == "self" else "user/*.*"
    places = await tx.fetch("select institution from post where account = $1 group by institution order by min(nth)", row["account"])
    here = [(await of_person(tx, row, place["institution"], asker["client"], smart)).scope for place in places]
    here = [scope for scope in here if _sees_as_far(scope, asker)]  # several, where two departments of one hospital gave a post
    here.sort(key=lambda scope: sorted(scope.roles) != asker["roles"])
    if not here:
        raise _gone()
    return here[0]


async def _client(tx: Tx, asker: Asker) -> Scope:
    row = await tx.fetchrow("select id, name, agent, institution, scope from client where id = $1 and disabled is null", asker["client"])
    if row is None:
        raise _gone()
    return (await of_client(tx, row["id"], row["name"], row["agent"], row["institution"], row["scope"])).scope


def _sees_as_far(scope: Scope, asker: Asker) -> bool:
    return (scope.reach, scope.institution) == (asker["reach"], asker["institution"])


def _types(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _gone() -> NotSignedIn:
    return NotSignedIn(
        "Who asked for this may not ask for it any more: the account or the application was disabled or changed.",
        zh="申请人的账号、岗位或应用授权已变更,该任务不再执行。",
    )
