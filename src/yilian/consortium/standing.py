"""Who keeps the papers of a consortium, and who reads them.

Kept by administrators, by systems of the region, and by the consortium office (医联体办公室) of a member, which is the lead hospital's as a
rule. Read besides by everybody at work in an institution that is a member today. Whoever is neither is refused in one way, whatever there
is: with Forbidden by the consortium, with NotFound by the single paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from yilian import validation
from yilian.access.policy import require
from yilian.directory.importing import KEEPERS
from yilian.errors import Forbidden, InvalidResource, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.sealing.keyring import opened
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The permission to write what was checked here."""


@dataclass(frozen=True, slots=True)
class Consortium:
    """rid: its key; name: 全称."""

    rid: int
    id: str
    name: str

    @property
    def reference(self) -> Json:
        return {"reference": f"Organization/{self.id}", "display": self.name}


FIND = "select rid, id, body from resource where type = $1 and not deleted and {which}"
HERE = "select exists (select from membership where consortium = $1 and member = $2 and period @> $3::date)"


async def consortium(tx: Tx, id: str) -> Consortium:
    """NotFound where Organization/`id` is no consortium."""
    found = await _found(tx, "id = $2", id)
    if found is None:
        raise NotFound(f"There is no consortium Organization/{id[:64]}.", zh="没有这个医联体。")
    return found


async def by_key(tx: Tx, rid: int) -> Consortium | None:
    """The consortium with this key; None where it is none."""
    return await _found(tx, "rid = $2", rid)


async def is_consortium(tx: Tx, id: str) -> bool:
    """Whether Organization/`id` is one."""
    return await _found(tx, "id = $2", id) is not None


async def _found(tx: Tx, which: str, value: str | int) -> Consortium | None:
    row = await tx.fetchrow(FIND.format(which=which), type_id("Organization"), value)
    if row is None:
        return None
    said = parse(opened(row["rid"], row["body"]).encode())
    forms = (c.get("system") for one in said.get("type", ()) for c in one.get("coding", ()))
    return Consortium(row["rid"], row["id"], str(said.get("name", ""))) if urls.CONSORTIUM_FORM in forms else None


async def keeps(tx: Tx, scope: Scope, rid: int) -> bool:
    """Whether the asker keeps the papers of the consortium with this key."""
    if not scope.may_write:
        return False
    if scope.reach == "everything" or "admin" in scope.roles:
        return True
    return bool(scope.roles & KEEPERS) and await _is_member(tx, scope, rid)


async def require_keeper(tx: Tx, scope: Scope, rid: int) -> None:
    """Raises Forbidden for who does not keep the papers of the consortium with this key."""
    require(scope, "write", "OrganizationAffiliation")
    if not await keeps(tx, scope, rid):
        raise Forbidden(
            "The papers of a consortium are kept by the consortium office of one of its members, and by administrators.",
            zh="医联体协议、决议和成员管理由该医联体成员单位的医联体办公室或系统管理员办理。",
        )


async def reads(tx: Tx, scope: Scope, rid: int) -> bool:
    """Whether the asker reads the papers of the consortium with this key."""
    if scope.reach == "everything" or "admin" in scope.roles:
        return True
    return scope.reach == "grounds" and await _is_member(tx, scope, rid)


async def require_reader(tx: Tx, scope: Scope, rid: int) -> None:
    """Raises Forbidden for who does not read the papers of the consortium with this key."""
    if not await reads(tx, scope, rid):
        raise Forbidden(
            "The papers of a consortium are for those who work at one of its members.",
            zh="仅该医联体成员单位的工作人员可以查看协议和决议。",
        )


async def _is_member(tx: Tx, scope: Scope, rid: int) -> bool:
    if not scope.institution_rid:
        return False
    return bool(await tx.fetchval(HERE, rid, scope.institution_rid, today(tx)))


def require_sound(resource: Json) -> None:
    """Raises InvalidResource with every fault of form, so that what comes after may take the elements for what they are."""
    if faults := [issue for issue in validation.issues(resource) if issue.severity in ("error", "fatal")]:
        raise InvalidResource(faults[0].diagnostics, issues=faults)


def who(scope: Scope) -> Json:
    """Who asks, as a Reference."""
    return ({"reference": scope.agent} if scope.agent.startswith("Practitioner/") else {"type": "Device"}) | {"display": scope.name}


def today(tx: Tx) -> date:
    """The day it is in the region."""
    return tx.now.astimezone(region_zone()).date()
