"""占床: keeping a bed for somebody until some time, from any of the caller's transactions.

    id = await holds.hold(tx, scope, "Location/cardiology", patient_rid, until)    any bed of the ward that suits; or a bed by itself
    await holds.keep(tx, id)                                                       it was booked: until the patient is there
    await holds.release(tx, id)

Whoever wants a bed locks its row, looks again, and writes: of many who want the last one, one gets it. Take beds after the places of slots,
in one order everywhere, so that two who want the same do not wait for each other in a ring. The end of a hold needs nobody: what is over is
free; the job only writes down that it is. An admission ends the holds of the patient in that institution (`occupation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from asyncpg.exceptions import UniqueViolationError

from yilian import jobs, policy
from yilian.beds.kinds import KINDS, Body, body
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope

EXPIRE = "beds.expire"
GIVEN = ("general", "child")
"""Kinds that are given where none is asked for."""
FREE = """
b.active and not b.stopped
and not exists (select from bed_claim c where c.bed = b.rid and c.stands and c.ends is null)
and not exists (select from bed_hold h where h.bed = b.rid and h.ended is null and h.until > now() and h.patient <> {patient})
"""
"""That bed `b` can be had by this patient (SQL; 0: by anybody). One that is still being cleaned can, where there is no other."""

CANDIDATE = f"""
select b.rid from bed b
where {{where}} and {FREE.format(patient="$6")} and b.sex in ('', $2) and b.kind = any($3::text[]) and ($4 = '' or b.specialty = $4)
    and b.rid <> all($5::bigint[])
order by exists (select from bed_hold h where h.bed = b.rid and h.ended is null and h.until > now()) desc,
    (b.clean_at > now()) is true, b.sex = '', array_position($3::text[], b.kind), b.rid
limit 1 for update of b {{how}}
"""
STILL = f"select b.rid from bed b where b.rid = $1 and {FREE.format(patient='$2')}"
WHERE = {"bed": "b.rid = $1", "ward": "b.ward = $1", "department": "(b.department = $1 or b.institution = $1)"}
SWEEP = "update bed_hold set state = 'expired', ended = until where ended is null and until <= now() and (bed = $1 or patient = $2)"
HOLD = """
insert into bed_hold (id, bed, institution, patient, until, state, made_by, made_as, created)
select $2, b.rid, b.institution, $3, now() + $4::interval, 'held', $5, $6, $7 from bed b where b.rid = $1
"""
BOOKED = """
update bed_hold set state = 'kept', until = greatest(until, now() + $2::interval)
where id = $1 and state in ('held', 'kept') and until > now() returning until - now()
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as it stands. bed: rid; state: held | kept | admitted | released | expired (said of what is over, written down or not)."""

    id: str
    bed: int
    location: str
    institution: int
    patient: int
    until: datetime
    state: str


async def hold(tx: Tx, scope: Scope, place: str, patient: int, until: datetime, *, kind: str = "", specialty: str = "") -> str:
    """Keep a bed for this patient (rid) until then (aware; as far ahead by the database's clock as by `tx.now`), in `tx`; the hold's id.

    place      a Location, by reference or id: a bed, or a ward for any bed of it that suits; or an Organization: any bed of the department
               (or institution)
    kind       a key of `kinds.KINDS`; "": general, for children theirs; where a ward or bed is named, what that is for
    specialty  诊疗科目 the bed has to be of; "": any
    That the asker may do this is for the caller to know. Raises NotFound for what is no bed, ward or department, BadRequest for a time that
    is over and a kind there is not, Conflict where no bed is free that suits, and where one is kept for the patient there already.
    """
    if until <= tx.now:
        raise BadRequest("A bed is kept until a time to come.", expression="until", zh="占床截止时间须晚于当前时间。")
    if kind and kind not in KINDS:
        raise BadRequest(f"kind is one of {', '.join(KINDS)}.", expression="kind", zh="床位类别不正确。")
    bed = await lock_free(tx, place, patient, kind=kind, specialty=specialty)
    await tx.execute(SWEEP, bed, patient)
    id = tx.new_id()
    try:
        async with tx.savepoint():
            await tx.execute(HOLD, bed, id, patient, until - tx.now, scope.institution_rid or None, scope.name, tx.now)
    except UniqueViolationError:
        raise Conflict(
            "A bed of this institution is kept for the patient already; release it first.", zh="该机构已为此患者预留床位,请先释放原占床。"
        ) from None
    await jobs.enqueue(tx, EXPIRE, {"hold": id}, run_at=until)
    return id


async def lock_free(tx: Tx, place: str, patient: int, *, kind: str = "", specialty: str = "", also_held: bool = False) -> int:
    """A free bed that suits, its row locked until `tx` ends: its rid. `also_held`: one that is kept for this patient, before others. The
    rest, and what is raised, as for `hold`."""
    whole, rid, its = await _place(tx, place)
    who = await _body(tx, patient)
    child = who.years is not None and who.years < int(await policy.value(tx, "beds.child_under_years", tx.now))
    wanted = list(_wanted(kind, its, child=child))
    for_whom = patient if also_held else 0
    tried: list[int] = []
    for how in ("skip locked", ""):  # what others have locked is waited for only where nothing else is left: they may still give up
        sql = CANDIDATE.format(where=WHERE[whole], how=how)
        while (bed := await tx.fetchval(sql, rid, who.sex, wanted, specialty, tried, for_whom)) is not None:
            if await tx.fetchval(STILL, bed, for_whom) is not None:
                return int(bed)
            tried.append(bed)
    raise Conflict(
        "There is no free bed here that suits the patient (kind, sex, 诊疗科目); choose another bed, ward or institution.",
        zh="此处暂无适合该患者的空床,请另选床位、病区或机构。",
    )


async def keep(tx: Tx, id: str, until: datetime | None = None) -> datetime:
    """It was booked: kept until the patient is admitted, or `until` (aware; policy `beds.kept_hours` from now where nobody says); until
    when. Raises NotFound, and Conflict where the hold is over."""
    found = await one(tx, id)
    hours = float(await policy.value(tx, "beds.kept_hours", tx.now, found.institution))
    left: timedelta | None = await tx.fetchval(BOOKED, id, until - tx.now if until else timedelta(hours=hours))
    if left is None:
        raise Conflict("The hold of this bed is over; choose again.", zh="占床已超时释放,请重新选择床位。")
    await jobs.enqueue(tx, EXPIRE, {"hold": id}, run_at=tx.now + left)
    return tx.now + left


async def release(tx: Tx, id: str) -> bool:
    """Give the bed back, in `tx`; whether it was still kept. What is over already stays as it is, so this may be called twice. NotFound for
    what is no hold."""
    await one(tx, id)
    sql = "update bed_hold set state = 'released', ended = $2 where id = $1 and ended is null and until > now() returning id"
    return await tx.fetchval(sql, id, tx.now) is not None


async def expire(tx: Tx, id: str) -> bool:
    """Write down that a hold is over, if it is: whether it was."""
    sql = "update bed_hold set state = 'expired', ended = until where id = $1 and ended is null and until <= now() returning id"
    return await tx.fetchval(sql, id) is not None


async def one(tx: Tx, id: str) -> Held:
    """The hold with this id. Raises NotFound. Whoever asks may see it: the caller's to know."""
    row = await tx.fetchrow(
        """
        select h.id, h.bed, r.id as location, h.institution, h.patient, h.until,
            case when h.ended is null and h.until <= now() then 'expired' else h.state end as state
        from bed_hold h join resource r on r.rid = h.bed where h.id = $1
        """,
        id,
    )
    if row is None:
        raise NotFound("There is no such hold of a bed.", zh="没有找到该占床记录。")
    return Held(*row)


def _wanted(kind: str, its: str, *, child: bool) -> tuple[str, ...]:
    """The kinds of bed that suit, the most suitable first. `its`: of the bed or ward that was named."""
    if kind:
        return (kind,)
    kinds = ("child", "general") if child else ("general",)
    return kinds if its in ("", *GIVEN) else (its, *kinds)


async def _place(tx: Tx, place: str) -> tuple[str, int, str]:
    """What was named: "bed", "ward" or "department", its rid, and the kind it is for."""
    target = parse_reference(place if "/" in place else f"Location/{place}")
    types = ("Location", "Organization") if "/" not in place else (target.type,) if isinstance(target, Local) else ()
    for type in types:
        if not isinstance(target, Local) or type not in ("Location", "Organization"):
            break
        row: Any = await tx.fetchrow(
            """
            select r.rid, coalesce(b.kind, w.kind, '') as kind,
                case when b.rid is not null then 'bed' when w.rid is not null then 'ward'
                     when r.type = $3 and exists (select from bed d where d.department = r.rid or d.institution = r.rid) then 'department'
                end as whole
            from resource r left join bed b on b.rid = r.rid and b.active left join ward w on w.rid = r.rid and w.active
            where r.type = $1 and r.id = $2 and not r.deleted
            """,
            type_id(type),
            target.id,
            type_id("Organization"),
        )
        if row is not None and row["whole"] is not None:
            return row["whole"], row["rid"], row["kind"]
    raise NotFound(f"{place[:80]!r} is no bed, and no ward or department with beds.", zh="没有找到该床位、病区或设有床位的科室。")


async def _body(tx: Tx, patient: int) -> Body:
    row = await tx.fetchrow("select body from resource where rid = $1 and type = $2 and not deleted", patient, type_id("Patient"))
    if row is None:
        raise NotFound("There is no such patient.", zh="没有找到该患者。")
    return body(parse(opened(patient, row["body"]).encode()), tx.now)
