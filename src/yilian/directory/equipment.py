"""The catalogue of shared equipment (DIR-3): what stands where, whether others may refer to it, whether it works.

Devices are nobody's to read but systems' (one may be an implant of somebody's); what is told of equipment is what its columns hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.directory import institutions
from yilian.directory.codes import EQUIPMENT
from yilian.errors import BadRequest
from yilian.fhir import urls

if TYPE_CHECKING:
    from yilian.db import Tx

MOST = 2000

CATALOGUE = """
select count(*) over () as total, r.id, e.kind, e.name, e.maker, e.model, e.shared, e.working, e.institution
from equipment e join resource r using (rid) join resource o on o.rid = e.institution
where ($1 = '' or e.kind = $1) and ($2 = '' or o.id = $2) and ($3::boolean is null or e.shared = $3) and not o.deleted
and ($5 = '' or position(lower($5) in lower(e.name || ' ' || e.maker || ' ' || e.model || ' ' || e.asset)) > 0)
and ($6::boolean is null or e.working = $6)
order by e.kind, o.id, e.name, r.id limit $4 offset $7
"""


@dataclass(frozen=True, slots=True)
class Equipment:
    """id: of the Device; kind: a code of `urls.EQUIPMENT_KIND` or ""; organization: logical id of the institution it is of."""

    id: str
    kind: str
    name: str
    maker: str
    model: str
    shared: bool
    working: bool
    organization: str
    institution: str


async def catalogue(
    tx: Tx,
    *,
    kind: str = "",
    organization: str = "",
    shared: bool | None = None,
    text: str = "",
    working: bool | None = None,
    offset: int = 0,
    count: int = MOST,
) -> tuple[list[Equipment], int]:
    """A page by kind and institution, at most `MOST`, and how many there are in all. text: part of name, maker, model or 资产编号.

    BadRequest for a kind there is not."""
    if kind and kind not in EQUIPMENT:
        raise BadRequest(f"kind is one of {', '.join(EQUIPMENT)}.", expression="kind", zh="设备类别不正确。")
    rows = await tx.fetch(CATALOGUE, kind, organization, shared, min(count, MOST), text.strip(), working, offset)
    owners = await institutions.by_rid(tx, {row["institution"] for row in rows})
    page = [
        Equipment(
            row["id"],
            row["kind"],
            row["name"],
            row["maker"],
            row["model"],
            row["shared"],
            row["working"],
            owners[row["institution"]].reference.partition("/")[2],
            owners[row["institution"]].name,
        )
        for row in rows
    ]
    return page, rows[0]["total"] if rows else 0


def shown(one: Equipment) -> dict[str, Any]:
    """As a Device, without serial numbers."""
    kind: dict[str, Any] = {"text": EQUIPMENT[one.kind][0] if one.kind else one.name}
    if one.kind:
        kind["coding"] = [{"system": urls.EQUIPMENT_KIND, "code": one.kind, "display": EQUIPMENT[one.kind][0]}]
    made: dict[str, Any] = {
        "resourceType": "Device",
        "id": one.id,
        "extension": [{"url": urls.SHARED_EQUIPMENT, "valueBoolean": one.shared}],
        "status": "active" if one.working else "inactive",
        "deviceName": [{"name": one.name, "type": "user-friendly-name"}],
        "type": kind,
        "owner": {"reference": f"Organization/{one.organization}", "display": one.institution},
    }
    for name, value in (("manufacturer", one.maker), ("modelNumber", one.model)):
        if value:
            made[name] = value
    return made
