"""A store for these tests alone: rows of `extract` put into the tables, so that search is tested without the write path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from yilian.fhir.compartments import SHARED_TYPES, patient_references
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump
from yilian.search.extract import extract
from yilian.search.rows import token_hash

Resource = dict[str, Any]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Kept:
    """One resource in the test's tables."""

    rid: int
    resource: Resource
    updated: datetime
    patient: int | None
    shared: bool
    confined: int | None


@dataclass(slots=True)
class Shelf:
    """What was loaded: `Type/id` → Kept."""

    kept: dict[str, Kept] = field(default_factory=dict)

    def rid(self, reference: str) -> int:
        return self.kept[reference].rid

    def of(self, kind: str) -> list[Kept]:
        return [k for k in self.kept.values() if k.resource["resourceType"] == kind]


RESOURCE = ["rid", "type", "id", "ver", "updated", "method", "deleted", "shared", "patient", "confined", "body"]


async def load(connection: asyncpg.Connection, resources: Iterable[Resource], confined: Mapping[str, str] | None = None) -> Shelf:
    """Put resources into empty tables. `confined`: `Type/id` → reference of the one organization that may read it."""
    shelf = Shelf()
    resources = list(resources)
    names = [f"{r['resourceType']}/{r['id']}" for r in resources]
    rids = {name: 1000 + 7 * number for number, name in enumerate(names)}
    for number, (name, resource) in enumerate(zip(names, resources, strict=True)):
        kind = resource["resourceType"]
        patients = {rids[reference] for reference in patient_references(resource) if reference in rids}
        shelf.kept[name] = Kept(
            rids[name],
            resource,
            EPOCH + timedelta(minutes=number // 3),  # three at a time: ties must not disturb paging
            next(iter(patients)) if len(patients) == 1 else -1 if patients else None,
            kind in SHARED_TYPES,
            rids[confined[name]] if confined and name in confined else None,
        )
    tables: dict[str, list[tuple[Any, ...]]] = {}
    namespaces: dict[str, int] = {}
    concepts: dict[int, tuple[int, str, str]] = {}
    for name, kept in shelf.kept.items():
        kind, id_ = name.split("/")
        body = dump(kept.resource).decode()
        row = (kept.rid, type_id(kind), id_, 1, kept.updated, "PUT", False, kept.shared, kept.patient, kept.confined, body)
        tables.setdefault("resource", []).append(row)
        for table, found in index_rows(kept, rids, namespaces, concepts):
            tables.setdefault(table, []).append(found)
    tables["concept"] = [(h, *token) for h, token in concepts.items()]
    for uri, number in namespaces.items():
        await connection.execute("insert into namespace (id, uri) overriding system value values ($1, $2)", number, uri)
    for table, rows in tables.items():
        await connection.copy_records_to_table(table, records=rows, columns=RESOURCE if table == "resource" else None)
    await connection.execute("analyze")
    return shelf


def index_rows(
    kept: Kept, rids: Mapping[str, int], namespaces: dict[str, int], concepts: dict[int, tuple[int, str, str]]
) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """(table, row) for everything `extract` finds, in the order of the tables' columns."""
    rows, rid = extract(kept.resource), kept.rid
    for token in rows.tokens:
        concepts[token_hash(*token)] = token
        yield "index_token", (token_hash(*token), rid)
    for param, system, value in rows.identifiers:
        number = None if system is None else namespaces.setdefault(system, len(namespaces) + 1)
        yield "index_identifier", (param, value, number, rid)
    for param, kind, id_ in rows.references:
        yield "index_reference", (param, rids[f"{kind}/{id_}"], rid)
    for param, lo, hi in rows.dates:
        yield "index_date", (param, lo, hi, rid)
    for param, value, exact in rows.strings:
        yield "index_string", (param, value, exact, rid)
    for param, number in rows.numbers:
        yield "index_number", (param, number, rid)
    codes = [token_hash(*coding) for coding in rows.clinical.codings] if rows.clinical else []
    for nth, code in enumerate(codes or [0]):
        for param, stated, *measure in rows.quantities:
            side, *amounts = measure
            yield "index_quantity", (param, -1 - nth if stated else nth, side, code, *amounts, rid)
    for param, uri in rows.uris:
        yield "index_uri", (param, uri, rid)
    for nth, head, (param, stated, side, *amounts) in rows.measured:
        concepts[token_hash(*head)] = head
        yield "index_quantity", (param, -1 - nth if stated else nth, side, token_hash(*head), *amounts, rid)
    for head, other, low, high in rows.pairs:
        concepts[token_hash(*head)] = head
        if other is not None and len(other) == 3:
            concepts[token_hash(*other)] = other
            yield "index_pair", (token_hash(*head), token_hash(*other), low, high, rid)
        else:
            yield "index_pair", (token_hash(*head), None if other is None else rids["/".join(other)], low, high, rid)
    for latitude, longitude in rows.positions:
        yield "index_position", (latitude, longitude, rid)
    clinical = rows.clinical
    if clinical is not None:
        patient = rids[f"{clinical.patient.type}/{clinical.patient.id}"] if clinical.patient else 0
        for nth, h in enumerate([token_hash(*coding) for coding in clinical.codings] or [0]):
            yield "index_clinical", (rid, nth, type_id(kept.resource["resourceType"]), patient, h, clinical.lo, clinical.hi)
