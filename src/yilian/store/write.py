"""The one way anything gets into the store, for one change or ten thousand.

    check     permission, form, validation                                       permission.py, hooks
    claim     find the rows the changes are about, check versions                plan.py
    guards    higher rooms may refuse
    resolve   every reference must lead somewhere the writer may point to        integrity.py
    put       resource row, version before into history, index rows              index_rows.py, rows.py
    react     higher rooms write what must be true in the same transaction

All of it happens in the caller's transaction and in a fixed number of statements, however many changes there are. One way for a few
changes in a transaction that may be done again (`Database.carry_out`): what is needed is looked at without locking it, and one statement
locks it, checks that it is as it was and writes everything. The other for the rest: lock, then write.
FHIR R4: http://hl7.org/fhir/R4/http.html#create, #update, #delete
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yilian.errors import InvalidResource, Issue
from yilian.fhir import references
from yilian.fhir.compartments import SHARED_TYPES, patient_references
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump
from yilian.sealing.personal import MARK
from yilian.search.extract import extract
from yilian.search.rows import IndexRows, Token
from yilian.store import dictionaries, integrity, moments, origins, permission, plan
from yilian.store.change import KEEP, Change, Keep, Method, Written
from yilian.store.index_rows import Row, Rows, difference, rows_of
from yilian.store.plan import Plan
from yilian.store.rows import FEW, Work, put
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

BREATH = 100
"""Resources after which other requests get a turn: checking and indexing ten thousand takes seconds of one core."""

MOST_ISSUES = 100


async def write(tx: Tx, scope: Scope, changes: Sequence[Change], *, base: str = "") -> list[Written]:
    """Carry out all changes or none, in `tx`; returns what became of each, in their order.

    PUT to an id that is free creates. PUT of what is stored already, to the byte apart from meta.versionId and meta.lastUpdated, makes no
    new version (`Written.unchanged`). Versions go on counting through a deletion. No resource twice in one call.
    `base` is our own address (`https://host/fhir`): absolute references below it are stored relative.

    Raises Forbidden, InvalidResource (with every fault and its place), NotFound, Gone, VersionStale, Conflict, BadRequest, and whatever
    guards and reactions raise. The caller lets the transaction roll back then.
    """
    if not changes:
        return []
    if len(changes) > FEW:
        await tx.settle()  # begun before the seconds it takes to check them, it is seen to be under way by who fixes an instant ($export)
    for change in changes:
        permission.may_write(scope, change)
    told: dict[int, Sequence[Issue]] = {}
    await _validate(tx, scope, [(change, change.resource) for change in changes if change.method in ("POST", "PUT")], told)
    if not tx.looks_first:
        await tx.settle()
    plans = await plan.claim(tx, scope, changes)
    await _patched(tx, scope, plans, told)
    if tx.hooks.amend:
        await _amend(tx, scope, plans)
    if tx.hooks.guards:
        intended = [_as_it_will_be(p) for p in plans]
        for guard in tx.hooks.guards:
            await guard(tx, scope, intended)
    for p in plans:
        if p.current is not None:
            permission.may_alter(scope, p.change, p.current.origin, p.current.confined, p.previous())
        p.same = _is_same(p)
    if scope.rights is not None:
        for p in plans:
            permission.may_change(scope, p.change, p.previous(), p.resource)
    before = [p.resource for p in plans]
    held: list[Row] | None = [] if tx.looks_first else None
    await integrity.resolve(tx, scope, plans, base, held)
    for p, resource in zip(plans, before, strict=True):
        if p.resource is not resource:  # its references have become relative
            p.same = _is_same(p)
    written, work = await _work(tx, scope, plans)
    work.held = held or []
    await put(tx, work)
    await integrity.refuse_dangling(tx, scope, plans)
    if told:
        written = [replace(one, warnings=tuple(told.get(id(p.change), ()))) for one, p in zip(written, plans, strict=True)]
    for reaction in tx.hooks.reactions:
        await reaction(tx, scope, written)
    return written


def _as_it_will_be(p: Plan) -> Change:
    change = p.change
    if change.id == p.id and change.resource is p.resource:
        return change
    return Change(  # spelled out: every creation makes one, and `dataclasses.replace` takes much longer
        change.method, change.type, p.id, p.resource, change.if_match, change.if_none_match_any, change.confined, change.patch,
        change.place, change.references, change.fresh,
    )  # fmt: skip


async def _validate(
    tx: Tx, scope: Scope, resources: Sequence[tuple[Change, dict[str, Any] | None]], told: dict[int, Sequence[Issue]]
) -> None:
    """Every fault of every resource, with its place; what profiles say once all are sound. Raises InvalidResource.

    What profiles warn of passes and is put into `told`, by the identity of the change.
    """
    faults: list[Issue] = []
    for number, (change, resource) in enumerate(resources, 1):
        plan.check_resource(change, resource)
        for issue in tx.hooks.validate(resource or {}):
            if issue.severity in ("fatal", "error"):
                faults.append(replace(issue, expression=_placed(change, issue.expression)))
        if len(faults) >= MOST_ISSUES:
            break
        if number % BREATH == 0:
            await asyncio.sleep(0)
    if not faults and resources and tx.hooks.profiles is not None:
        found = await tx.hooks.profiles(tx, scope, [resource or {} for _, resource in resources])
        for place, issues in found.items():
            change = resources[place][0]
            placed = [replace(issue, expression=_placed(change, issue.expression)) for issue in issues]
            faults += [issue for issue in placed if issue.severity in ("fatal", "error")]
            told[id(change)] = placed
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults[:MOST_ISSUES])


def _placed(change: Change, expression: str) -> str:
    """ "Patient.birthDate" as "Bundle.entry[3].resource.birthDate" where the resource stands in a Bundle."""
    if not change.place:
        return expression
    return change.place + expression.removeprefix(change.type) if expression.startswith(change.type) else change.place


async def _patched(tx: Tx, scope: Scope, plans: Sequence[Plan], told: dict[int, Sequence[Issue]]) -> None:
    patched = [p for p in plans if p.change.method == "PATCH"]
    if patched:
        await _validate(tx, scope, [(p.change, p.resource) for p in patched], told)


async def _amend(tx: Tx, scope: Scope, plans: Sequence[Plan]) -> None:
    for p in plans:
        amend = tx.hooks.amend.get(p.change.type)
        if amend is not None and p.resource is not None:
            p.resource = await amend(tx, scope, _as_it_will_be(p), p.previous())


async def _work(tx: Tx, scope: Scope, plans: Sequence[Plan]) -> tuple[list[Written], Work]:
    """What is to be put into the tables, and what is to be told of it."""
    now = await moments.to_date_by(tx)
    written: list[Written] = []
    indexed: list[tuple[Plan, IndexRows, IndexRows | None]] = []
    work = Work()
    from_whom = await origins.of(tx, scope, plans)
    for number, p in enumerate(plans, 1):
        if p.change.method == "DELETE":
            if p.change.type == "Patient":
                permission.may_delete(scope, p.change, p.previous())
            done = _deletion(p, now, work)
        elif p.same:
            done = _nothing_new(p)
        else:
            done = _version(tx, scope, p, now, work, from_whom.get(p.rid))
        written.append(done)
        if not done.unchanged and p.resource is not None:
            previous = p.previous()
            indexed.append((p, extract(p.resource), extract(previous) if previous is not None else None))
        if number % BREATH == 0:
            await asyncio.sleep(0)
    await _index(tx, indexed, work)
    return written, work


_OURS = frozenset({"id", "meta"})


def _is_same(p: Plan) -> bool:
    """Whether what is stored has this content already, to the byte, and is to be read by no others than before."""
    current = p.current
    if current is None or current.deleted or p.resource is None or p.change.confined not in (KEEP, current.confined):
        return False
    before = p.previous() or {}
    if before.keys() - _OURS != p.resource.keys() - _OURS or any(
        before[key] != value for key, value in p.resource.items() if key not in _OURS
    ):
        return False  # quicker to see than what each is as text; numbers and order may still differ where this is equal
    return dump(_with_meta(p.resource, p.id, current.version, current.updated)).decode() == current.body


def _nothing_new(p: Plan) -> Written:
    current = p.current
    assert current is not None
    body = current.body.encode()
    resource = _with_meta(p.resource or {}, p.id, current.version, current.updated)
    return Written(
        p.rid, p.change.type, p.id, current.version, current.updated, False, False, True, body, resource,
        current.patient, current.confined, body, current.patient, (), current.origin, current.sensitive,
    )  # fmt: skip


def _deletion(p: Plan, now: datetime, work: Work) -> Written:
    current = p.current
    assert current is not None  # claim refuses the deletion of nothing
    kind = p.change.type
    if current.deleted:
        return Written(p.rid, kind, p.id, current.version, current.updated, False, True, True, b"", None, current.patient, current.confined)
    version, updated = current.version + 1, max(now, current.updated)
    work.renewed.append((p.rid, version, updated, "DELETE", True, current.patient, current.confined, current.sensitive, ""))
    work.forgotten.append(p.rid)
    return Written(
        p.rid, kind, p.id, version, updated, False, True, False, b"", None, current.patient, current.confined,
        current.body.encode(), current.patient, (), current.origin, current.sensitive,
    )  # fmt: skip


def _version(tx: Tx, scope: Scope, p: Plan, now: datetime, work: Work, origin: int | None) -> Written:
    """The new version of a resource: its meta, whom it is about, its row. `origin`: of what is new."""
    change, current, resource = p.change, p.current, p.resource
    assert resource is not None
    there = current is not None and not current.deleted
    if change.type == "Patient":
        permission.may_register(scope, change, resource, p.previous())
        patient: int | None = p.rid
    else:
        about = (references.parse(text) for text in patient_references(resource))
        patients = {p.pointing[target.type, target.id] for target in about if isinstance(target, references.Local)}
        patient = permission.patient_of(scope, change, patients)
    confined = permission.confined_to(scope, change, patient, (current.patient, current.confined) if current is not None else None)
    version, updated = (current.version + 1, max(now, current.updated)) if current is not None else (1, now)
    p.resource = _with_meta(resource, p.id, version, updated)
    body = dump(p.resource)
    text = body.decode()
    if MARK in text:
        raise InvalidResource(
            "U+FDD0 is no character (The Unicode Standard 23.7) and may not stand in a resource.", expression=change.place or change.type
        )
    stored = tx.db.ring.seal_body(p.rid, change.type, p.resource, text)
    if current is None:
        shared = change.type in SHARED_TYPES
        sensitive = 0 if shared or tx.hooks.sensitive is None else tx.hooks.sensitive(p.resource, text)
        work.new.append(
            (p.rid, type_id(change.type), p.id, 1, updated, change.method, False, shared, patient, confined, origin, sensitive, stored)
        )
    else:
        origin, sensitive = current.origin, current.sensitive
        if tx.hooks.sensitive is not None and change.type not in SHARED_TYPES:
            sensitive |= tx.hooks.sensitive(p.resource, text)
        if sensitive != current.sensitive and version > 2:
            work.marked.append((p.rid, sensitive))
        work.renewed.append((p.rid, version, updated, change.method, False, patient, confined, sensitive, stored))
    return Written(
        p.rid, change.type, p.id, version, updated, not there, False, False, body, p.resource, patient, confined,
        current.body.encode() if current is not None and there else None, current.patient if current is not None else None,
        (), origin, sensitive,
    )  # fmt: skip


def _with_meta(resource: dict[str, Any], id_: str, version: int, updated: datetime) -> dict[str, Any]:
    """The resource with its id and our part of meta in front; everything else as it came and in its order."""
    meta: dict[str, Any] = {"versionId": str(version), "lastUpdated": stamp(updated)}
    for key, value in resource.get("meta", {}).items():
        meta.setdefault(key, value)
    made = {"resourceType": resource["resourceType"], "id": id_, "meta": meta}
    made.update(resource)
    made["id"], made["meta"] = id_, meta
    return made


@lru_cache(maxsize=1024)
def stamp(moment: datetime) -> str:
    """An instant as the store writes it: UTC, milliseconds."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _identifiers(found: IndexRows) -> set[tuple[int, str | None, str]]:
    return set(found.identifiers)


async def _index(tx: Tx, indexed: Sequence[tuple[Plan, IndexRows, IndexRows | None]], work: Work) -> None:
    """Index rows of what is new; for the others what differs from the version before."""
    tokens: set[Token] = set()
    systems: set[str] = set()
    for _, after, before in indexed:
        for found in (after, before):
            if found is not None:
                systems.update(system for _, system, _ in found.identifiers if system is not None)
        tokens.update(after.words())
    numbers = await dictionaries.namespaces(tx, systems)
    await dictionaries.spell_out(tx, tokens)
    ring = tx.db.ring
    before_pointing = {p.rid: integrity.pointed_to(p.previous()) for p, _, before in indexed if before is not None}
    keys: dict[tuple[str, str], int] = {}
    for p, _, _ in indexed:
        keys.update(p.pointing)
    gone = set().union(*before_pointing.values()) - keys.keys()
    keys.update(await integrity.keys_of(tx, gone))
    for number, (p, after, before) in enumerate(indexed, 1):
        kind = type_id(p.change.type)
        new: Rows = rows_of(after, p.rid, kind, p.pointing, numbers, ring.blind)
        if before is None:
            work.add(new)
        else:
            pointing = {key: keys[key] for key in before_pointing[p.rid]}
            removed, added = difference(rows_of(before, p.rid, kind, pointing, numbers, ring.blind), new)
            if "index_identifier" in removed:
                gone_for_good = _identifiers(before) - _identifiers(after)
                removed["index_identifier"] = [
                    (param, value, None if system is None else numbers[system], p.rid)
                    for param, system, plain in gone_for_good
                    for value in ring.blinds(param, plain)
                ]
            work.remove(removed)
            work.add(added)
        if number % BREATH == 0:
            await asyncio.sleep(0)


__all__ = ["KEEP", "Change", "Keep", "Method", "Written", "stamp", "write"]
