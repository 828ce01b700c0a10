"""Features and keys of every patient, kept in step with what is written, in the same transaction.

`catch_up` makes those of patients that were there before, and all of them anew when `features.FORM` was counted up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.identity.matching import features, keys
from yilian.identity.matching.features import CLEAR, FORM, NUMBERS, Features
from yilian.jobs import Job, NewJob, enqueue_many
from yilian.jobs import note as note_progress
from yilian.sealing.keyring import open_column
from yilian.store import read
from yilian.store.scope import SYSTEM, Scope
from yilian.writers import Columns

if TYPE_CHECKING:
    from asyncpg import Record

    from yilian.db import Database, Tx
    from yilian.store.write import Written

JOB = "match.catch_up"
FIND = "match.find"
FEW = 20
"""Patients written at once up to which each is looked up by itself afterwards; more are a load, and `yilian match run` is for these."""
AT_A_TIME = 500

COLUMNS = ("patient", "made", "keys", *CLEAR, "numbers")
_KINDS = ("bigint", "smallint", "text", *("text" for _ in CLEAR), "bytea")

_PUT = f"""
match_features as (
    insert into match_feature ({", ".join(COLUMNS)})
    select patient, made, keys::bigint[], {", ".join(CLEAR)}, numbers
    from unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_KINDS, 1))}) as f ({", ".join(COLUMNS)})
    on conflict (patient) do update set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])}),
match_keys_gone as (
    delete from match_key k using unnest(${len(_KINDS) + 1}::bigint[], ${len(_KINDS) + 2}::bigint[]) as g (key, patient)
    where k.key = g.key and k.patient = g.patient),
match_keys as (
    insert into match_key (key, patient)
    select key, patient from unnest(${len(_KINDS) + 3}::bigint[], ${len(_KINDS) + 4}::bigint[]) as n (key, patient)
    on conflict do nothing)
"""

SEALED, SECRET = "match_feature.numbers", "match_state.secret"
SECRET_BYTES = 32
"""Of a secret that is not sealed."""
_secrets: WeakKeyDictionary[Database, bytes] = WeakKeyDictionary()


async def secret_of(tx: Tx) -> bytes:
    """What keys are hashed with in this database; read once by each process."""
    known = _secrets.get(tx.db)
    if known is None:
        stored = bytes((await tx.ahead("select secret from match_state"))[0]["secret"])
        known = _secrets[tx.db] = open_column(SECRET, True, stored)
    return known


async def seal_secret(tx: Tx) -> None:
    """Put the secret away sealed, if it is not yet. A migration makes it, and knows no keys."""
    stored = bytes(await tx.fetchval("select secret from match_state for update"))
    if (sealed := tx.db.ring.seal_column(SECRET, True, open_column(SECRET, True, stored))) != stored and len(stored) == SECRET_BYTES:
        await tx.execute("update match_state set secret = $1", sealed)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: the features and keys of the Patients just written, in `tx`. Two statements, however many they are.

    A job looks up afterwards who else they may be (`newcomers`), unless the platform itself wrote them or they came by the hundred.
    """
    patients = [one for one in written if one.type == "Patient" and not one.unchanged]
    if not patients:
        return
    gone = [one.rid for one in patients if one.deleted]
    if gone:
        await tx.execute(
            "delete from match_key where (key, patient) in (select unnest(keys), patient from match_feature where patient = any($1))", gone
        )
        await tx.execute("delete from match_feature where patient = any($1)", gone)
        await tx.execute("delete from match_candidate where state = 'new' and (first = any($1) or second = any($1))", gone)
    some = [(one.rid, features.of(one.resource)) for one in patients if one.resource is not None]
    if not some:
        return
    older = [one.rid for one in patients if not one.deleted and one.version > 1]
    await put(tx, some, older)
    if scope.user != SYSTEM.user and len(some) <= FEW:
        await enqueue_many(tx, [NewJob(FIND, {"patient": rid}, key=str(rid)) for rid, _ in some])


async def put(tx: Tx, some: Sequence[tuple[int, Features]], older: Sequence[int]) -> None:
    """Write the features of these patients, by rid. `older`: those that may have some already."""
    secret = await secret_of(tx)
    before: dict[int, set[int]] = {}
    if older:
        rows = await tx.fetch("select patient, keys from match_feature where patient = any($1::bigint[])", list(older))
        before = {row["patient"]: set(row["keys"]) for row in rows}
    records: list[tuple[Any, ...]] = []
    removed: list[tuple[int, int]] = []
    added: list[tuple[int, int]] = []
    for rid, found in some:
        stored = keys.stored(found, secret)
        records.append(
            (rid, FORM, "{" + ",".join(map(str, stored)) + "}", *(getattr(found, name) for name in CLEAR), sealed(tx.db, rid, found))
        )
        known = before.get(rid, set())
        removed += [(key, rid) for key in known.difference(stored)]
        added += [(key, rid) for key in stored if key not in known]
    columns = [list(column) for column in zip(*records, strict=True)]
    for pairs in (removed, added):
        columns += [[key for key, _ in pairs], [rid for _, rid in pairs]]
    await tx.later("match", Columns(_PUT, columns))


def sealed(db: Database, patient: int, found: Features) -> bytes:
    """The numbers of a patient (rid) as they stand in their column."""
    return db.ring.seal_column(SEALED, patient, features.packed(found))


def numbers_of(patient: int, stored: bytes) -> list[str | None]:
    """The same read back, in the order of `NUMBERS`."""
    return features.unpacked(open_column(SEALED, patient, stored))


def of_row(row: Record, first: int = 0) -> Features:
    """Features of a row whose columns from `first` on are `CLEAR` and `numbers`; among the others is `patient`."""
    end = first + len(CLEAR)
    return Features(*row[first:end], *numbers_of(row["patient"], row[end]))


async def is_behind(tx: Tx) -> bool:
    """Whether there may be patients without features of today's form."""
    return bool(await tx.fetchval("select form <> $1 from match_state", FORM))


async def catch_up(db: Database, job: Job | None = None) -> int:
    """Make what is missing, some patients a transaction, so that writers go on; how many there were. May be stopped and begun anew."""
    after, made = 0, 0
    while True:
        async with db.transaction() as tx:
            rows = await tx.fetch(
                "select r.rid, r.id from resource r left join match_feature f on f.patient = r.rid and f.made = $3"
                " where r.type = $1 and not r.deleted and r.rid > $2 and f.patient is null order by r.rid limit $4",
                type_id("Patient"),
                after,
                FORM,
                AT_A_TIME,
            )
            if not rows:
                await tx.execute("update match_state set form = $1", FORM)
                return made
            await tx.fetch(
                "select from resource where rid = any($1::bigint[]) order by rid for no key update", [row["rid"] for row in rows]
            )
            found = await read.many(tx, SYSTEM, [("Patient", row["id"]) for row in rows])
            some = [(one.rid, features.of(parse(one.body))) for one in found.values()]
            if some:
                await put(tx, some, [rid for rid, _ in some])
            after, made = rows[-1]["rid"], made + len(rows)
            if job is not None:
                await note_progress(tx, job, done=made)
        await asyncio.sleep(0)


async def carry_out(db: Database, job: Job) -> None:
    """The job of `JOB`."""
    await catch_up(db, job)


__all__ = [
    "FIND", "JOB", "NUMBERS", "carry_out", "catch_up", "follow", "is_behind", "numbers_of", "of_row", "put", "seal_secret", "sealed",
    "secret_of",
]  # fmt: skip
