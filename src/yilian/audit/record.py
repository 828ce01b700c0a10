"""What the rest of the house calls to leave a trace: `follow_writes` for every write, `note_read` for every read, `note_event` for the
rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from yilian.audit.note import Note, by, write
from yilian.audit.read_log import ReadLog
from yilian.store.read import Stored
from yilian.store.scope import SHARED_TYPES, Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.write import Written

_READS = {
    "read": ("read", "R"),
    "vread": ("vread", "R"),
    "history": ("history-instance", "R"),
    "history-type": ("history-type", "R"),
    "history-system": ("history-system", "R"),
    "search": ("search-type", "E"),
}


async def follow_writes(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: one row for each patient and kind of change, in the same transaction. Writes that changed nothing leave
    none.

    Comes after `access.grounds.follow`, so that the ground a write itself creates is there to be named.
    """
    groups: dict[tuple[int | None, str], list[str]] = {}
    for one in written:
        if one.unchanged:
            continue
        action = "D" if one.deleted else "C" if one.created else "U"
        patient = one.patient if one.patient is not None and one.patient > 0 else None
        groups.setdefault((patient, action), []).append(f"{one.type}/{one.id}/_history/{one.version}")
    subtype = {"C": "create", "U": "update", "D": "delete"}
    await write(
        tx,
        [
            by(scope, tx.now, subtype[action], action, patient=patient, entities=tuple(entities))
            for (patient, action), entities in groups.items()
        ],
    )


async def note_read(
    reads: ReadLog,
    scope: Scope,
    found: Sequence[Stored],
    action: str,
    address: str = "",
    *,
    query: str = "",
    kind: str = "",
    strict: bool = False,
) -> None:
    """Leave a trace of what is about to be answered. Call it before the answer leaves; Unavailable means it must not.

    action  read | vread | history | history-type | history-system | search, or the name of an operation without its $ (everything,
            timeline, slip …)
    query   the search as it was asked, percent-encoded: "Observation?code=…"; kept also when nothing was found
    kind    the type that was asked for, where there is one
    strict  wait until the trace is stored; so it is anyway where something found is sensitive or stands open in an emergency

    The directory and definitions (`SHARED_TYPES`) are nobody's data and leave no trace.
    """
    notes = notes_of_read(scope, found, action, reads.db.clock(), address, query=query, kind=kind)
    if notes:
        await reads.add(notes, strict=strict or any(one.guarded for one in found))


def notes_of_read(
    scope: Scope, found: Sequence[Stored], action: str, now: datetime, address: str = "", *, query: str = "", kind: str = ""
) -> list[Note]:
    """The notes `note_read` takes: one for each patient, or one without a patient when a search for people's data found nobody's."""
    subtype, code = _READS.get(action, ("operation", "E"))
    operation = action if subtype == "operation" else ""
    if len(found) == 1:
        one = found[0]
        if one.patient is None and one.type in SHARED_TYPES:
            return []
        entity = f"{one.type}/{one.id}/_history/{one.version}"
        patient = one.patient if one.patient is not None and one.patient > 0 else None
        return [by(scope, now, subtype, code, operation=operation, patient=patient, entities=(entity,), query=query, address=address)]
    concerned: dict[int | None, list[str]] = {}
    for one in found:
        if one.patient is None and one.type in SHARED_TYPES:
            continue
        patient = one.patient if one.patient is not None and one.patient > 0 else None
        concerned.setdefault(patient, []).append(f"{one.type}/{one.id}/_history/{one.version}")
    if not concerned and not found and query and kind not in SHARED_TYPES:
        concerned[None] = []
    return [
        by(scope, now, subtype, code, operation=operation, patient=patient, entities=tuple(entities), query=query, address=address)
        for patient, entities in concerned.items()
    ]


async def note_event(tx: Tx, note: Note) -> None:
    """Write one note in this transaction: a sign-in, a changed account, a look into the log itself."""
    await write(tx, [note])


__all__ = ["Note", "ReadLog", "follow_writes", "note_event", "note_read", "notes_of_read"]
