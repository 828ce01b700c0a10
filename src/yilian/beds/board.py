"""What of the beds is free, held, occupied: numbers for everybody who is signed in, and the board of one ward for those who work there.

Numbers are of `bed_now`, counted when they are asked for. Who lies in a bed is told to those who may read the Encounter and the Patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest, NotFound
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Json = Mapping[str, Any]

STATES = {"free": "空床", "held": "已预留", "occupied": "占用", "cleaning": "清洁消毒", "stopped": "停用"}
BY = {
    "institution": ("n.institution", "n.institution", "''"),
    "department": ("n.department", "n.institution", "''"),
    "ward": ("n.ward", "n.institution", "min(n.specialty)"),
    "specialty": ("null::bigint", "null::bigint", "n.specialty"),
}
"""What can be counted by: the place, its institution, and the 诊疗科目 (SQL)."""
GROUPED = {
    "institution": "n.institution",
    "department": "n.department, n.institution",
    "ward": "n.ward, n.institution",
    "specialty": "n.specialty",
}
COUNT = """
select {place} as place, {institution} as institution, {specialty} as specialty, n.state, count(*) as many,
    count(*) filter (where n.expected < now() + interval '24 hours') as leaving
from bed_now n
where (case when $2 = '' then n.kind <> 'day' else n.kind = $2 end) and ($3 = '' or n.specialty = $3)
  and ($1::bigint[] is null or n.institution = any($1))
group by {group}, n.state
"""
WARD = """
select w.rid, w.institution, r.id, r.body from ward w join resource r using (rid) where r.type = $1 and r.id = $2 and w.active
"""
BEDS = """
select r.id, r.body, o.body as room, n.kind, n.sex, n.specialty, n.state, n.since, n.expected, n.clean_at,
    e.id as encounter, p.id as patient, h.id as hold, h.until, h.state as hold_state, h.made_as, m.id as made_by, hp.id as held_for
from bed_now n join resource r on r.rid = n.rid left join resource o on o.rid = n.room
left join resource e on e.rid = n.encounter left join resource p on p.rid = n.patient
left join bed_hold h on h.id = n.hold left join resource m on m.rid = h.made_by left join resource hp on hp.rid = n.held_for
where n.ward = $1
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of one group of beds. place: "Organization/…" or "Location/…", "" where it is none; leaving: occupied, and expected to be left within
    24 hours."""

    place: str
    name: str
    institution: str
    institution_name: str
    specialty: str
    total: int
    free: int
    held: int
    occupied: int
    cleaning: int
    stopped: int
    leaving: int


@dataclass(frozen=True, slots=True)
class Hold:
    """id, made_by ("Organization/…"), made_as and patient are "" for those who may not know."""

    id: str
    until: datetime
    kept: bool
    made_by: str
    made_as: str
    patient: str


@dataclass(frozen=True, slots=True)
class Bed:
    """One bed of a board; encounter and patient are logical ids, "" for nobody and for those who may not know."""

    id: str
    number: str
    name: str
    room: str
    kind: str
    sex: str
    specialty: str
    state: str
    since: datetime | None
    expected: datetime | None
    clean_at: datetime | None
    encounter: str
    patient: str
    hold: Hold | None
    why: str


@dataclass(frozen=True, slots=True)
class Board:
    """A ward. persons: what of `beds` may be told of persons, by (type, id)."""

    id: str
    name: str
    institution: int
    beds: tuple[Bed, ...]
    persons: Mapping[tuple[str, str], Stored]


async def count(
    tx: Tx, *, by: str = "institution", institutions: Sequence[int] | None = None, specialty: str = "", kind: str = ""
) -> list[Numbers]:
    """Numbers by institution, department, ward or specialty; of these institutions (rids) or of all; of one 诊疗科目; of one kind, or of
    all but day beds. Sorted by free beds, most first. One statement over the beds, one for the names. Raises BadRequest for what cannot be
    counted by, and for every ward of the region at once."""
    if by not in BY:
        raise BadRequest(f"by is one of {', '.join(BY)}.", expression="by", zh="统计口径不正确。")
    if by in ("department", "ward") and institutions is None and not specialty:
        raise BadRequest("Wards and departments are counted of institutions or of a specialty.", expression="by", zh="请先选择机构或科室。")
    place, institution, its = BY[by]
    sql = COUNT.format(place=place, institution=institution, specialty=its, group=GROUPED[by])
    rows = await tx.fetch(sql, None if institutions is None else list(institutions), kind, specialty)
    wanted = {rid for row in rows for rid in (row["place"], row["institution"]) if rid}
    names = {
        row["rid"]: (f"{parse(row['body'].encode())['resourceType']}/{row['id']}", str(parse(row["body"].encode()).get("name", row["id"])))
        for row in await tx.fetch("select rid, id, body from resource where rid = any($1::bigint[])", list(wanted))
    }
    groups: dict[tuple[int | None, str], list[Any]] = {}
    for row in rows:
        groups.setdefault((row["place"], row["specialty"] if by == "specialty" else ""), []).append(row)
    found = []
    for some in groups.values():
        counts = dict.fromkeys(STATES, 0) | {row["state"]: row["many"] for row in some}
        first, leaving = some[0], sum(row["leaving"] for row in some)
        found.append(
            Numbers(
                *names.get(first["place"], ("", "")),
                *names.get(first["institution"], ("", "")),
                specialty=first["specialty"] or "",
                total=sum(counts.values()),
                free=counts["free"],
                held=counts["held"],
                occupied=counts["occupied"],
                cleaning=counts["cleaning"],
                stopped=counts["stopped"],
                leaving=leaving,
            )
        )
    return sorted(found, key=lambda one: (-one.free, one.institution_name, one.name, one.specialty))


async def board(tx: Tx, scope: Scope, ward: str) -> Board:
    """The ward with this logical id, its beds by room and number. What is told of persons is what the scope may read, and the caller leaves
    a trace of it. Raises NotFound for what is no ward."""
    row = await tx.fetchrow(WARD, type_id("Location"), ward)
    if row is None:
        raise NotFound(f"Location/{ward[:64]} is no ward.", zh="没有找到该病区。")
    rows = await tx.fetch(BEDS, row["rid"])
    wanted = [(kind, one[name]) for one in rows for kind, name in NAMED if one[name]]
    persons = await read.many(tx, scope, wanted) if scope.reach in ("everything", "grounds") else {}
    ours = scope.reach == "everything" or (scope.reach == "grounds" and scope.institution_rid == row["institution"])
    beds = tuple(_bed(one, persons, ours=ours) for one in rows)
    name = str(parse(row["body"].encode()).get("name", row["id"]))
    return Board(row["id"], name, row["institution"], tuple(sorted(beds, key=_order)), persons)


NAMED = (("Encounter", "encounter"), ("Patient", "patient"), ("Patient", "held_for"))


def _order(bed: Bed) -> tuple[str, int, str]:
    """By room, then by number as people count (2 before 10)."""
    digits = "".join(c for c in bed.number if c.isdigit())
    return bed.room, int(digits[:9] or 0), bed.number


def _bed(row: Any, persons: Mapping[tuple[str, str], Stored], *, ours: bool) -> Bed:
    location = parse(row["body"].encode())
    room = str(parse(row["room"].encode()).get("name", "")) if row["room"] else ""
    known = ("Encounter", row["encounter"]) in persons and (not row["patient"] or ("Patient", row["patient"]) in persons)
    held_for = row["held_for"] if ("Patient", row["held_for"]) in persons else ""
    told = ours or bool(held_for)
    hold = None
    if row["hold"]:
        by = f"Organization/{row['made_by']}" if told and row["made_by"] else ""
        hold = Hold(row["hold"] if told else "", row["until"], row["hold_state"] == "kept", by, row["made_as"] if told else "", held_for)
    return Bed(
        id=row["id"],
        number=_number(location),
        name=str(location.get("name", row["id"])),
        room=room,
        kind=row["kind"],
        sex=row["sex"],
        specialty=row["specialty"],
        state=row["state"],
        since=row["since"] if known else None,
        expected=row["expected"] if known or ours else None,
        clean_at=row["clean_at"] if row["state"] == "cleaning" else None,
        encounter=row["encounter"] or "" if known else "",
        patient=row["patient"] or "" if known else "",
        hold=hold,
        why=_why(location) if row["state"] == "stopped" else "",
    )


NUMBER = "urn:oid:2.16.156.10011.1.22"
"""病床号 (WS 445)."""


def _number(location: Json) -> str:
    return next((str(i["value"]) for i in location.get("identifier", ()) if i.get("system") == NUMBER and i.get("value")), "")


def _why(location: Json) -> str:
    """Why a bed is out of service: what the Location says in words."""
    status = location.get("operationalStatus") or {}
    return str(location.get("description") or status.get("display") or "")
