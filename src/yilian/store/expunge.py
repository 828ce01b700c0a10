"""Removed for good: all of a resource, or versions of it. For the administrator, with a reason, and with a record that stays.

What is left of a resource that was expunged whole is its row without content: the id is taken, its versions go on counting, and nobody but
the region's systems can tell it from an id that is out of scope. What other rooms hold of it by its key (the trail, a referral's table)
stays true. Copies in backups, in the write-ahead log and with whoever had read it are beyond the reach of this.
FHIR R4 has no such interaction; R5 names it delete-history (http://hl7.org/fhir/R5/http.html#delete-history).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir.definitions import type_id, type_name
from yilian.sealing.keyring import opened
from yilian.store import integrity
from yilian.store.scope import Scope
from yilian.store.write import Change, write

if TYPE_CHECKING:
    from yilian.db import Tx

SHORTEST_REASON, LONGEST_REASON = 5, 2_000

ROW = "select r.rid, r.ver, r.deleted, r.patient from resource r where r.type = $1 and r.id = $2 for update of r"
OLDER = "select h.ver, h.body, h.patient from history h where h.rid = $1 order by h.ver"
ABOUT = """
select (select count(*) from resource r where r.patient = $1 and r.rid <> $1)
     + (select count(*) from history h where h.patient = $1 and h.rid <> $1)
"""
POINTING = """
select p.rid from index_reference p where p.target = $1 and p.rid <> $1 union select c.rid from index_clinical c where c.patient = $1
"""
NAMING_VERSIONS = f"select r.body from resource r where r.rid in ({POINTING}) and strpos(r.body, $2) > 0"
EMPTIED = "update resource set patient = null, confined = null, origin = null, sensitive = 0 where rid = $1"
FORGET = "delete from history where rid = $1 and ver = any($2::integer[])"
GROUNDS = "delete from access_ground where patient = $1 or source = $1"
RULES = "delete from consent_rule where patient = $1 or source = $1"
RECORD = """
insert into expunged (at, rid, type, id, whole, versions, hashes, reason, account, agent, name, client, request_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


@dataclass(frozen=True, slots=True)
class Expunged:
    """What was removed.

    versions   version → SHA-256 of its body, in hexadecimal; of a version that was a deletion, of nothing
    patient    rid of whom the last version was about, None for nobody, -1 for several
    """

    type: str
    id: str
    whole: bool
    versions: dict[int, str]
    patient: int | None


async def expunge(tx: Tx, scope: Scope, type: str, id: str, *, reason: str, versions: Sequence[int] | None = None) -> Expunged:
    """Remove all of `type/id` and its index rows, or with `versions` older versions of it (an empty list: all that are not current).

    In the caller's transaction. The caller has found out that `scope` may do this; it is recorded as who did it. A resource that is still
    there is deleted first, the usual way, so that every room that follows deletions has seen one.
    Raises NotFound, BadRequest for a reason that is none and for versions that are not there to be removed, Conflict while anything refers
    to it (for versions: to one of them), while anything is about the patient, and what guards raise.
    """
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise BadRequest(
            f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters: the reason is kept.",
            expression="Parameters.parameter.where(name='reason')",
            zh=f"请填写理由({SHORTEST_REASON} 至 {LONGEST_REASON} 字),理由将永久保存。",
        )
    row = await tx.fetchrow(ROW, type_id(type), id)
    if row is None:
        raise NotFound(f"There is no {type}/{id[:64]}.", zh="没有找到该记录。")
    rid, patient = row["rid"], row["patient"]
    if versions is None:
        await _refuse_referred(tx, scope, type, id, rid)
        if not row["deleted"]:
            lent = replace(scope, reach="everything", may_write=True, reads=None, writes=None)
            await write(tx, lent, [Change("DELETE", type, id, None)])
    older = {one["ver"]: one for one in await tx.fetch(OLDER, rid)}
    if versions is None and not older:
        raise NotFound(f"Nothing is left of {type}/{id[:64]}.", zh="该记录已无内容可清除。")
    wanted = list(older) if not versions else sorted(set(versions))
    if missing := [version for version in wanted if version not in older]:
        raise BadRequest(
            f"Version {missing[0]} is not there to be removed: it is the current one, or there is none.",
            zh="要清除的版本不存在或为当前版本。",
        )
    if versions is not None:
        await _refuse_named_versions(tx, type, id, rid, set(wanted))
    hashes = {version: hashlib.sha256(opened(rid, older[version]["body"]).encode()) for version in wanted}
    patient = patient if patient is not None else next((one["patient"] for one in reversed(older.values())), None)
    await tx.execute(FORGET, rid, wanted)
    if versions is None:
        await tx.execute(EMPTIED, rid)
        await tx.execute(GROUNDS, rid)
        await tx.execute(RULES, rid)
    await tx.execute(
        RECORD, tx.now, rid, type_id(type), id, versions is None, wanted, [hashes[version].digest() for version in wanted], reason,
        scope.user, scope.agent, scope.name, scope.client, scope.request_id,
    )  # fmt: skip
    return Expunged(type, id, versions is None, {version: digest.hexdigest() for version, digest in hashes.items()}, patient)


async def _refuse_referred(tx: Tx, scope: Scope, type: str, id: str, rid: int) -> None:
    """Raises Conflict while something refers to it, naming only what the asker may see, or stands in a patient's record."""
    if count := await tx.fetchval(f"select count(*) from ({POINTING}) as pointing", rid):
        seen = await tx.fetch(integrity.POINTING_NAMES, rid, *scope.keys())
        names = ", ".join(f"{type_name(row['type'])}/{row['id']}" for row in seen)
        raise Conflict(
            f"{type}/{id} is still referred to by {count} resources{f' ({names})' if names else ''}. Expunge or change those first.",
            zh=f"仍有 {count} 份资料引用该记录,不能清除。",
        )
    if type == "Patient" and (count := await tx.fetchval(ABOUT, rid)):
        raise Conflict(
            f"{count} versions of other resources, deleted ones included, are about this patient. Expunge those first.",
            zh=f"仍有 {count} 个版本的资料(含已删除)属于该患者,请先清除。",
        )


async def _refuse_named_versions(tx: Tx, type: str, id: str, rid: int, wanted: set[int]) -> None:
    """Raises Conflict when a resource that is current refers to one of these versions."""
    start = f"{type}/{id}/_history/"
    named = re.compile(re.escape(start) + r"([0-9]{1,9})")
    for row in await tx.fetch(NAMING_VERSIONS, rid, start):
        if found := wanted.intersection(map(int, named.findall(row["body"]))):
            raise Conflict(
                f"Version {min(found)} of {type}/{id} is referred to by another resource; change that first.", zh="该版本仍被其他资料引用。"
            )
