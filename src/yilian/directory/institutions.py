"""What the other rooms need to know of an institution: its name, tier and telephone, and whether referrals out of it need approval.

Which institution an Organization speaks for (a department for its hospital, a village post for its centre) is `access.institutions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from yilian.access import institutions as access_institutions
from yilian.directory import tiers
from yilian.fhir import json, urls
from yilian.fhir.definitions import type_id

if TYPE_CHECKING:
    from yilian.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Institution:
    """One Organization as the directory reads it.

    rid             its database key; `reference` is "Organization/<id>"; `code`: 医疗卫生机构代码, "" where it has none
    tier            a code of `tiers.TIERS`, "" where it names none: a department, a consortium, an authority
    needs_approval  referrals out of it go through its approval chain first
    phone           the first telephone, "" for none
    outside         not on the platform (平台外机构): it answers referrals by a link (`referral.outside`)
    """

    rid: int
    version: int
    reference: str
    code: str
    name: str
    tier: str
    active: bool
    needs_approval: bool
    phone: str
    outside: bool = False


_known: WeakKeyDictionary[Database, dict[int, Institution]] = WeakKeyDictionary()


async def by_rid(tx: Tx, rids: Iterable[int]) -> dict[int, Institution]:
    """Organizations by database key; keys of nothing are left out. The directory is open to everyone who is signed in.

    A row is parsed again only when its version has changed.
    """
    cache = _known.setdefault(tx.db, {})
    rows = await tx.fetch(
        "select rid, ver from resource where rid = any($1::bigint[]) and type = $2 and not deleted",
        list(set(rids)),
        type_id("Organization"),
    )
    stale = [row["rid"] for row in rows if row["rid"] not in cache or cache[row["rid"]].version != row["ver"]]
    if stale:
        for row in await tx.fetch("select rid, ver, body from resource where rid = any($1::bigint[]) and not deleted", stale):
            cache[row["rid"]] = _read(json.parse(row["body"].encode()), row["rid"], row["ver"])
    return {row["rid"]: cache[row["rid"]] for row in rows if row["rid"] in cache}


async def institution(tx: Tx, id: str) -> Institution | None:
    """The institution the Organization with this logical id is, or speaks for; None when there is no such Organization."""
    found = await access_institutions.by_reference(tx, f"Organization/{id}")
    return (await by_rid(tx, [found.rid])).get(found.rid) if found is not None else None


def _read(resource: dict[str, Any], rid: int, version: int) -> Institution:
    return Institution(
        rid=rid,
        version=version,
        reference=f"Organization/{resource['id']}",
        code=next((i["value"] for i in resource.get("identifier", []) if i.get("system") == urls.INSTITUTION_ID and i.get("value")), ""),
        name=resource.get("name", resource["id"]),
        tier=tiers.tier(access_institutions.tier_of(resource)),
        active=resource.get("active", True),
        needs_approval=any(e.get("url") == urls.NEEDS_APPROVAL and e.get("valueBoolean") is True for e in resource.get("extension", [])),
        phone=next((t["value"] for t in resource.get("telecom", []) if t.get("system") == "phone" and t.get("value")), ""),
        outside=any(e.get("url") == urls.OUTSIDE and e.get("valueBoolean") is True for e in resource.get("extension", [])),
    )
