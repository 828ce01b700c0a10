"""The inbox of whoever asks: what was told to them, to the posts they hold, and to them as a patient.

Who an entry is about is said only to who may read it now, or books for them as their guardian: where the ground for the patient, or the
guardianship, has ended, an entry has its title, and neither words nor link. Entries are kept `notifications.keep_days`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.access import guardians
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.notifications.templates import KINDS, Template, templates
from yilian.search.persons import records_of
from yilian.store import cursor as cursors
from yilian.store import read
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx

MOST = 100
COUNTED = 100
"""Unread entries are counted up to here: more than that is 99+."""
MOST_MARKED = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as this reader may see it.

    title      what it is, for everybody
    text       "" for who may not know whom it is about (any more); so is `about`
    ward       logical id of the Patient a guardian is told of; "" for everybody else
    post       role code of the post it was told to; "" where it was told to this person or patient
    times      how often it was told before somebody looked
    read       whether this reader has read it; handled, handled_by: when and by whom it was seen to
    """

    id: int
    event: str
    kind: str
    title: str
    text: str
    about: str
    due: datetime
    times: int
    urgent: bool
    read: bool
    post: str
    handled: datetime | None
    handled_by: str
    ward: str = ""


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page, newest first. looked_at: the resources that were looked at to show it, for the trail; wards: Patients a guardian
    is told of, each with the scope they were looked at in."""

    entries: tuple[Entry, ...]
    next: str | None
    looked_at: tuple[Stored, ...]
    wards: tuple[tuple[Scope, Stored], ...] = ()


async def inbox(
    tx: Tx, scope: Scope, *, language: str = "zh", kind: str = "", which: str = "all", count: int = 20, cursor: str | None = None
) -> Inbox:
    """One page of the asker's entries that are due.

    kind    of `templates.KINDS`, "" for all; which: all | unread (not read by this person, nor seen to) | open (not seen to)
    Raises BadRequest for a kind, `which` or cursor that is none.
    """
    args: list[Any] = []
    mine = _mine(scope, args)
    if not mine:
        return Inbox((), None, ())
    conditions = [f"e.due <= {_add(args, tx.now)}"]
    if kind:
        if kind not in KINDS:
            raise BadRequest(f"There is no kind {kind[:40]!r} of messages; there are {', '.join(KINDS)}.", zh="没有这类消息。")
        conditions.append(f"e.event = any({_add(args, [event for event, one in templates().items() if one.kind == kind])}::text[])")
    me = _add(args, scope.agent)
    if which in ("unread", "open"):
        conditions.append("e.handled is null")
    elif which != "all":
        raise BadRequest("which is all, unread or open.", zh="筛选条件不正确。")
    if which == "unread":
        conditions.append(f"not exists (select from message_read d where d.reader = e.id and d.agent = {me})")
    if cursor is not None:
        due, last = cursors.unpack(cursor, 2)
        conditions.append(f"(e.due, e.id) < ({_add(args, cursors.moment(due))}::timestamptz, {_add(args, last)}::bigint)")
    these = " and ".join(conditions)
    some = " union ".join(
        f"(select e.* from message_reader e where {one} and {these} order by e.due desc, e.id desc limit {count + 1})" for one in mine
    )
    rows = await tx.fetch(
        f"""
        select e.id, e.event, e.about, e.due, e.times, e.role, e.patient as own, e.handled, e.handled_by, m.patient, m.says::text as says,
               m.urgent, exists (select from message_read d where d.reader = e.id and d.agent = {me}) as read,
               (select display from account a where a.agent = e.handled_by limit 1) as handler
        from ({some}) e join message m on m.id = e.message order by e.due desc, e.id desc limit {count + 1}
        """,
        *args,
    )
    here = rows[:count]
    seen = await _seen(tx, scope, here)
    following = cursors.pack(here[-1]["due"], here[-1]["id"]) if len(rows) > count else None
    wards = await _wards(tx, scope, [row for row in here if row["own"] is None and str(row["patient"]) not in seen])
    entries = tuple(entry for row in here if (entry := _entry(row, seen, wards, language)) is not None)
    return Inbox(entries, following, tuple(seen.values()), tuple(wards.values()))


async def counts(tx: Tx, scope: Scope) -> dict[str, int]:
    """Unread entries of the asker by kind, each counted up to `COUNTED`; kinds without any are left out."""
    args: list[Any] = []
    mine = _mine(scope, args)
    if not mine:
        return {}
    now, me = _add(args, tx.now), _add(args, scope.agent)
    unread = f"e.handled is null and e.due <= {now} and not exists (select from message_read d where d.reader = e.id and d.agent = {me})"
    some = " union ".join(
        f"(select e.id, e.event from message_reader e where {one} and {unread} order by e.due desc, e.id desc limit {COUNTED * len(KINDS)})"
        for one in mine
    )
    found: dict[str, int] = {}
    for row in await tx.fetch(f"select event, count(*) as many from ({some}) e group by event", *args):
        template = templates().get(row["event"])
        if template is not None:
            found[template.kind] = min(found.get(template.kind, 0) + row["many"], COUNTED)
    return found


async def mark_read(tx: Tx, scope: Scope, ids: Sequence[int]) -> int:
    """Note that the asker has read these entries, or all that are due where `ids` is empty, in `tx`. Returns how many were new to them."""
    args: list[Any] = []
    mine = _mine(scope, args)
    if not mine:
        return 0
    if len(ids) > MOST_MARKED:
        raise BadRequest(f"At most {MOST_MARKED} messages are marked at a time.", zh=f"一次最多标记 {MOST_MARKED} 条。")
    now, me = _add(args, tx.now), _add(args, scope.agent)
    which = f"e.id = any({_add(args, list(ids))}::bigint[])" if ids else "e.handled is null"
    done = await tx.fetch(
        f"""
        insert into message_read (reader, agent, at)
        select e.id, {me}, {now} from message_reader e where ({" or ".join(mine)}) and e.due <= {now} and {which}
        on conflict do nothing returning reader
        """,
        *args,
    )
    return len(done)


async def handle(tx: Tx, scope: Scope, id: int) -> None:
    """Note that what an entry asks for was seen to, by the asker, so that the others of the post need not. In `tx`.

    NotFound for an entry that is not the asker's, Conflict where somebody else has seen to it.
    """
    args: list[Any] = []
    mine = _mine(scope, args)
    me, entry, now = _add(args, scope.agent), _add(args, id), _add(args, tx.now)
    row = mine and await tx.fetchrow(
        f"""
        update message_reader e set handled = coalesce(handled, {now}), handled_by = coalesce(handled_by, {me})
        where e.id = {entry} and e.due <= {now} and ({" or ".join(mine)}) returning handled_by = {me} as mine, handled_by
        """,
        *args,
    )
    if not row:
        raise NotFound("There is no such message for you.", zh="没有这条消息。")
    if not row["mine"]:
        name = await tx.fetchval("select display from account where agent = $1 limit 1", row["handled_by"])
        raise Conflict(f"This was seen to by {name or row['handled_by']}.", zh=f"该消息已由{name or '其他人员'}处理。")
    await mark_read(tx, scope, [id])


def _mine(scope: Scope, args: list[Any]) -> list[str]:
    """Conditions on `message_reader e`, one for each way an entry can be the asker's: each is served by an index of its own."""
    found = []
    if scope.agent:
        found.append(f"e.agent = {_add(args, scope.agent)}")
    if scope.institution_rid and scope.roles:
        found.append(f"e.institution = {int(scope.institution_rid)} and e.role = any({_add(args, sorted(scope.roles))}::text[])")
    if scope.reach == "self" and scope.patient_rid:
        found.append(f"e.patient = any(array({records_of(str(int(scope.patient_rid)))}))")
    return found


async def _seen(tx: Tx, scope: Scope, rows: Sequence[asyncpg.Record]) -> dict[str, Stored]:
    """What of all that is named the asker may read: by "Type/id" what entries are about, and by rid, as text, patients."""
    about = {row["about"] for row in rows if row["about"].partition("/")[0] in RESOURCE_TYPES}
    kinds, ids = [type_id(one.partition("/")[0]) for one in about], [one.partition("/")[2] for one in about]
    patients = sorted({row["patient"] for row in rows if row["patient"] is not None})
    found = await tx.fetch(
        scope.finely(
            f"select {COLUMNS} from resource r where not r.deleted and {readable('r', 1)} and (r.rid = any($7::bigint[])"
            " or (r.type, r.id) in (select * from unnest($5::smallint[], $6::text[])))"
        ),
        *scope.keys(),
        kinds,
        ids,
        patients,
    )
    seen: dict[str, Stored] = {}
    for row in found:
        one = stored(row)
        seen[f"{one.type}/{one.id}"] = one
        if one.rid in patients:
            seen[str(one.rid)] = one
    return seen


async def _wards(tx: Tx, scope: Scope, rows: Sequence[asyncpg.Record]) -> dict[int, tuple[Scope, Stored]]:
    """Of those whom these entries are about, whom the asking resident is the guardian of today, by rid: as much of them as a guardian sees,
    which is that there is a booking, and nothing of the record."""
    told_of = {row["patient"] for row in rows if row["patient"] is not None and row["about"].startswith("Appointment/")}
    if scope.reach != "self" or not told_of:
        return {}
    found = dict[int, tuple[Scope, Stored]]()
    for ward in await guardians.wards(tx, scope):
        if ward.rid in told_of:
            acting = await guardians.acting(tx, scope, ward.id)
            found[ward.rid] = (acting, await read.by_id(tx, acting, "Patient", ward.id))
    return found


def _entry(row: asyncpg.Record, seen: Mapping[str, Stored], wards: Mapping[int, tuple[Scope, Stored]], language: str) -> Entry | None:
    template: Template | None = templates().get(row["event"])
    if template is None:  # of a version of the platform that is no more
        return None
    about = row["about"]
    ward = wards[row["patient"]][1].id if row["patient"] in wards else ""
    may_know = bool(ward) or (
        (row["patient"] is None or str(row["patient"]) in seen) and (about.partition("/")[0] not in RESOURCE_TYPES or about in seen)
    )
    says = msgspec.json.decode(row["says"])
    return Entry(
        id=row["id"],
        event=row["event"],
        kind=template.kind,
        title=template.head(language, own=row["own"] is not None),
        text=template.print(language, says, own=row["own"] is not None) if may_know else "",
        about=about if may_know else "",
        due=row["due"],
        times=row["times"],
        urgent=row["urgent"],
        read=row["read"] or row["handled"] is not None,
        post=row["role"] or "",
        handled=row["handled"],
        handled_by=row["handler"] or row["handled_by"] or "",
        ward=ward,
    )


def _add(args: list[Any], value: Any) -> str:
    args.append(value)
    return f"${len(args)}"
