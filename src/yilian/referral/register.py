"""The register of referrals: one row beside the Task and ServiceRequest, with the constraints that keep a referral on its road.

The row says in columns what the resources say in JSON, and which versions of them it knows; the database refuses a commit in which they
differ (migration 0004). Only `step` writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from yilian.errors import Conflict
from yilian.fhir import json
from yilian.referral.states import LIVE, STATES
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Tx


@dataclass(frozen=True, slots=True)
class Referral:
    """One row of `referral`; see the migration for what each column holds. Keys ending in _rid are database keys, the others FHIR ids."""

    task_rid: int
    task_id: str
    task_ver: int
    request_rid: int
    request_id: str
    request_ver: int
    number: str
    patient: int
    direction: str
    specialty: str | None
    priority: str
    state: str
    from_org: int
    to_org: int | None
    referrer: str
    created_at: datetime
    chain: tuple[str, ...] = ()
    step: int = 0
    approval_rid: int | None = None
    approval_ver: int | None = None
    applied_at: datetime | None = None
    submitted_at: datetime | None = None
    due_at: datetime | None = None
    clock_left: timedelta | None = None
    arranged_at: datetime | None = None
    planned_at: datetime | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    basis_task: int | None = None
    replaces_task: int | None = None
    appointment_id: str | None = None
    bed_hold: str | None = None
    held_until: datetime | None = None
    alternatives: tuple[str, ...] = ()
    automatic: bool = False
    wished: tuple[str, ...] = ()
    offered_at: datetime | None = None
    retro_post: str | None = None
    retro_due_at: datetime | None = None
    retro_at: datetime | None = None
    moved_at: datetime | None = None
    diagnosis: str | None = None
    diagnosis_text: str | None = None
    missed_from: datetime | None = None
    ending: str | None = None
    ending_rid: int | None = None
    first_visit_due: date | None = None
    green: str | None = None

    @property
    def post(self) -> str:
        """The post whose approval is asked for now; "" when none is."""
        return self.chain[self.step] if self.state == "in-approval" and self.step < len(self.chain) else ""

    @property
    def is_open(self) -> bool:
        return STATES[self.state].open

    def overdue(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at <= now


COLUMNS = tuple(field.name for field in fields(Referral))
_LIST = ", ".join(COLUMNS)
_LISTS = ("chain", "alternatives", "wished")


async def insert(tx: Tx, referral: Referral) -> None:
    """Enter a new referral, in `tx`. Raises AlreadyOpen when another one came first, also one that is being written at this very moment."""
    places = ", ".join(f"${place}" for place in range(1, len(COLUMNS) + 1))
    try:
        async with tx.savepoint():  # a savepoint, so that the caller can still ask who came first
            await tx.execute(f"insert into referral ({_LIST}) values ({places})", *_values(referral))
    except asyncpg.UniqueViolationError as error:
        raise _translated(error) from None


async def update(tx: Tx, referral: Referral) -> None:
    """Write a row that was locked by `lock`, in `tx`. Raises AlreadyOpen when a draft is sent and another referral is live."""
    settings = ", ".join(f"{name} = ${place}" for place, name in enumerate(COLUMNS, 1))
    try:
        async with tx.savepoint():
            await tx.execute(f"update referral set {settings} where task_rid = $1", *_values(referral))
    except asyncpg.UniqueViolationError as error:
        raise _translated(error) from None


async def lock(tx: Tx, task_rid: int) -> Referral | None:
    """The row of this Task, locked until `tx` ends, as it is after whoever held it before. None: the Task is no referral."""
    return _read(await tx.fetchrow(f"select {_LIST} from referral where task_rid = $1 for update", task_rid))


async def of_task(tx: Tx, task_rid: int) -> Referral | None:
    """The row of this Task, not locked."""
    return _read(await tx.fetchrow(f"select {_LIST} from referral where task_rid = $1", task_rid))


async def of_request(tx: Tx, request_rid: int) -> Referral | None:
    return _read(await tx.fetchrow(f"select {_LIST} from referral where request_rid = $1", request_rid))


async def live(tx: Tx, patient: int, specialty: str) -> Referral | None:
    """The one referral of this patient for this specialty that is under way, if there is one."""
    return _read(
        await tx.fetchrow(
            f"select {_LIST} from referral where patient = $1 and specialty = $2 and state = any($3::text[])",
            patient,
            specialty,
            list(LIVE),
        )
    )


async def institutions_passed(tx: Tx, task_rid: int) -> set[int]:
    """Every institution a chain has been sent from or to already, forwarded or declined: to ask one again would go round in a circle."""
    rows = await tx.fetch(
        """
        with recursive chain (task_rid, from_org, to_org, replaces_task) as (
            select task_rid, from_org, to_org, replaces_task from referral where task_rid = $1
            union
            select r.task_rid, r.from_org, r.to_org, r.replaces_task from referral r join chain c on r.task_rid = c.replaces_task
                where r.state in ('referred-onward', 'declined')
        )
        select from_org, to_org from chain
        """,
        task_rid,
    )
    return {row[side] for row in rows for side in ("from_org", "to_org") if row[side] is not None}


async def offers_before(tx: Tx, task_rid: int) -> int:
    """How often the wish had been given to another institution before this referral: the length of its chain without the first."""
    many: int = await tx.fetchval(
        """
        with recursive chain (task_rid, replaces_task) as (
            select task_rid, replaces_task from referral where task_rid = $1
            union
            select r.task_rid, r.replaces_task from referral r join chain c on r.task_rid = c.replaces_task
        )
        select count(*) - 1 from chain
        """,
        task_rid,
    )
    return many


async def died_elsewhere(tx: Tx, patient: int) -> bool:
    """Whether another record of the same person (rid) says that the patient died."""
    rows = await tx.fetch(
        "select r.rid, r.body from person_member m join person_member o on o.person = m.person and o.patient <> m.patient"
        " join resource r on r.rid = o.patient and not r.deleted where m.patient = $1",
        patient,
    )
    others = [json.parse(opened(row["rid"], row["body"]).encode()) for row in rows]
    return any(one.get("deceasedBoolean") is True or one.get("deceasedDateTime") for one in others)


class AlreadyOpen(Conflict):
    """Raised inside the room when the database says that another referral is live; `commands` turns it into `OpenReferral`."""


def changed(referral: Referral, **columns: Any) -> Referral:
    """A copy with some columns changed."""
    return replace(referral, **columns)


def _values(referral: Referral) -> list[Any]:
    values = {name: getattr(referral, name) for name in COLUMNS}
    return [*({**values, **{name: list(values[name]) for name in _LISTS}}.values())]


def _read(row: asyncpg.Record | None) -> Referral | None:
    return None if row is None else Referral(**{**dict(row), **{name: tuple(row[name]) for name in _LISTS}})


def _translated(error: asyncpg.UniqueViolationError) -> Exception:
    if error.constraint_name == "referral_live":
        return AlreadyOpen("The patient already has a referral under way for this specialty.", zh="该患者已有同专科的转诊正在进行。")
    return error
