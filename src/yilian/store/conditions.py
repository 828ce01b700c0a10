"""Conditions that stand in place of an id: `If-None-Exist`, and `Type?…` in an update, a patch or a deletion.

Creations and updates under one condition wait for each other, so that two of them never both create. What an update, patch or deletion
found is locked and then looked at once more: whoever changed it in between may have changed whether it matches.
FHIR R4: http://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #cdelete
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TYPE_CHECKING

from yilian.errors import BadRequest, NotFound, NotSupported, Unavailable, VersionStale, YilianError
from yilian.store import find
from yilian.store.change import Method
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Pairs = tuple[tuple[str, str], ...]

LOCK = "select r.rid, r.ver from resource r where r.rid = any($1::bigint[]) order by r.rid for no key update of r"
LOCK_TO_DELETE = "select r.rid, r.ver from resource r where r.rid = any($1::bigint[]) order by r.rid for update of r"

ATTEMPTS = 4
"""How often a condition is looked up again because what it found was changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is to be done with the one resource a search finds.

    place   of the entry in a Bundle ("Bundle.entry[3]"); "" when it came alone
    own_id  the id in the resource that was sent with a PUT, None when it has none
    """

    method: Method
    type: str
    params: Pairs
    place: str = ""
    own_id: str | None = None


async def look_up(tx: Tx, scope: Scope, conditions: Sequence[Condition], zone: tzinfo | None = None) -> list[Stored | None]:
    """What each condition finds within the scope, in their order; None where it finds nothing. Locked in `tx`, but for creations.

    Raises VersionStale for several matches, NotFound for a patch of nothing, BadRequest where a resource that was sent has another id than
    the one that was found, BadRequest or NotSupported for a condition that is none, Unavailable when others keep changing what it finds.
    """
    await find.serialise(tx, [(one.type, one.params) for one in conditions if one.method in ("POST", "PUT")])
    found: list[Stored | None] = [await _only(tx, scope, one, zone) for one in conditions]
    settled: dict[int, int] = {}
    for _ in range(ATTEMPTS):
        unsettled = [number for number, there in enumerate(found) if there is not None and _is_to_lock(conditions[number], there, settled)]
        if not unsettled:
            break
        for sql, deleting in ((LOCK, False), (LOCK_TO_DELETE, True)):
            rids = [there.rid for n in unsettled if (there := found[n]) is not None and (conditions[n].method == "DELETE") == deleting]
            settled.update((row["rid"], row["ver"]) for row in (await tx.fetch(sql, rids) if rids else ()))
        for number in unsettled:
            there = found[number]
            if there is not None and settled.get(there.rid) != there.version:
                found[number] = await _only(tx, scope, conditions[number], zone)
    else:
        raise Unavailable(
            "Others keep changing what this condition finds; nothing was stored. Send it again.", zh="与他人的操作冲突,未写入,请重试。"
        )
    for one, there in zip(conditions, found, strict=True):
        _check(one, there)
    return found


def _is_to_lock(condition: Condition, there: Stored, settled: dict[int, int]) -> bool:
    return condition.method != "POST" and settled.get(there.rid) != there.version


async def _only(tx: Tx, scope: Scope, condition: Condition, zone: tzinfo | None) -> Stored | None:
    try:
        return await find.only(tx, scope, condition.type, condition.params, zone=zone)
    except (VersionStale, BadRequest, NotSupported, NotFound) as error:
        if condition.place:
            placed(error, f"{condition.place}.request")
        raise


def _check(condition: Condition, there: Stored | None) -> None:
    at = condition.place
    if there is None:
        if condition.method == "PATCH":
            raise NotFound(
                f"There is no {condition.type} as this condition asks for.",
                expression=f"{at}.request.url" if at else "",
                zh="没有符合条件的记录,或您无权修改。",
            )
    elif condition.method == "PUT" and condition.own_id is not None and condition.own_id != there.id:
        raise BadRequest(
            f"The condition finds {there.type}/{there.id}, the resource has the id {condition.own_id[:64]}. Leave the id out.",
            expression=f"{at}.resource.id" if at else f"{condition.type}.id",
            zh="资源中的 id 与按条件找到的记录不一致。",
        )


def placed(error: YilianError, place: str) -> YilianError:
    """The same error, its first issue said of this place in what was sent."""
    error.issues = (replace(error.issues[0], expression=place), *error.issues[1:])
    return error
