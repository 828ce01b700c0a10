"""Index rows after any sequence of changes are those of a fresh extraction, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.region import Json
from yilian.db import Database, Tx
from yilian.fhir import references
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.search.extract import extract
from yilian.search.rows import token_hash
from yilian.store.index_rows import TABLES, rows_of
from yilian.store.integrity import own_references
from yilian.store.scope import SYSTEM
from yilian.store.write import Change, write

TARGETS = ("p1", "p2", "p3")


async def rows_in(tx: Tx) -> set[tuple[str, tuple[Any, ...]]]:
    """Every index row there is. The driver reads infinity as the first or last moment without a zone."""
    return {
        (name, tuple(value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in row))
        for name, table in TABLES.items()
        for row in await tx.fetch(f"select {', '.join(table.column_names)} from {name}")
    }


async def rows_expected(tx: Tx) -> set[tuple[str, tuple[Any, ...]]]:
    """What a fresh extraction of every stored resource gives."""
    resources = await tx.fetch("select rid, type, id, body from resource where not deleted")
    keys = {(RESOURCE_TYPES[row["type"] - 1], row["id"]): row["rid"] for row in resources}
    namespaces = {row["uri"]: row["id"] for row in await tx.fetch("select uri, id from namespace")}
    found: set[tuple[str, tuple[Any, ...]]] = set()
    for row in resources:
        resource = parse(row["body"].encode())
        pointing = {}
        for reference in own_references(resource):
            target = references.parse(reference["reference"])
            if isinstance(target, Local):
                pointing[target.type, target.id] = keys[target.type, target.id]
        rows = rows_of(extract(resource), row["rid"], row["type"], pointing, namespaces, lambda param, value: value)
        found |= {(name, one) for name, some in rows.items() for one in some}
    return found


async def check(tx: Tx) -> None:
    assert await rows_in(tx) == await rows_expected(tx)
    tokens = {row["h"]: (row["param"], row["system"], row["code"]) for row in await tx.fetch("select * from concept")}
    used = {row["h"] for row in await tx.fetch("select h from index_token union select code from index_clinical where code <> 0")}
    assert used <= tokens.keys()
    assert all(token_hash(*token) == h for h, token in tokens.items())


codings = st.lists(st.builds(dict, system=st.sampled_from(["http://a", "http://b"]), code=st.sampled_from(["1", "2", "3"])), max_size=3)
concepts = st.builds(lambda c, t: {"coding": c, "text": t} if c else {"text": t}, codings, st.sampled_from(["x", "收缩压"]))
pointers = st.sampled_from([f"Patient/{id}" for id in TARGETS]).map(lambda text: {"reference": text})
identifiers = st.lists(
    st.builds(dict, system=st.sampled_from(["http://i", "http://j"]), value=st.sampled_from("xyz")), max_size=3, unique_by=str
)
dates = st.sampled_from(["2026", "2026-03", "2026-03-01", "2026-03-01T10:00:00+08:00"])


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=fields)


patients = optional(
    name=st.lists(st.builds(lambda text: {"text": text, "family": text[:1]}, st.sampled_from(["单小红", "Müller", "Zoë"])), max_size=2),
    identifier=identifiers,
    birthDate=st.sampled_from(["1970-01-01", "1980"]),
    generalPractitioner=st.just([{"reference": "https://other.example/Practitioner/1"}]),
    link=st.lists(st.builds(lambda other: {"other": other, "type": "seealso"}, pointers), max_size=2),
).map(lambda fields: {"resourceType": "Patient", **fields})

observations = optional(
    code=concepts,
    subject=pointers,
    category=st.lists(concepts, max_size=2),
    effectiveDateTime=dates,
    issued=st.just("2026-03-01T10:00:00Z"),
    valueQuantity=st.builds(
        lambda v, u: {"value": v, "unit": u, "code": u, "system": "http://u"}, st.sampled_from([1, 2]), st.sampled_from(["mg", "g"])
    ),
    identifier=identifiers,
    performer=st.lists(pointers, max_size=3),
    focus=st.lists(pointers, max_size=2),
    extension=st.lists(st.builds(lambda to: {"url": "http://e", "valueReference": to}, pointers), max_size=2),
    instantiatesUri=st.just("http://x"),
).map(lambda fields: {"resourceType": "Observation", "status": "final", **fields})

risks = optional(
    subject=pointers,
    code=concepts,
    prediction=st.lists(st.builds(lambda p: {"probabilityDecimal": p}, st.sampled_from([1, 2])), max_size=3),
).map(lambda fields: {"resourceType": "RiskAssessment", "status": "final", **fields})

changes = st.one_of(
    st.tuples(st.sampled_from(["p1", "p2", "p3"]), patients),
    st.tuples(st.sampled_from(["o1", "o2", "o3"]), observations | st.just(None)),
    st.tuples(st.sampled_from(["r1", "r2"]), risks | st.just(None)),
)
KIND = {"p": "Patient", "o": "Observation", "r": "RiskAssessment"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(steps=st.lists(st.lists(changes, min_size=1, max_size=5, unique_by=lambda change: change[0]), min_size=1, max_size=6))
async def test_index_rows_are_those_of_a_fresh_extraction(db: Database, steps: list[list[tuple[str, Json | None]]]) -> None:
    async def run(tx: Tx) -> None:
        await write(tx, SYSTEM, [Change("PUT", "Patient", id, {"resourceType": "Patient"}) for id in TARGETS])
        there = set()
        for step in steps:
            made = [Change("PUT", KIND[id[0]], id, resource) for id, resource in step if resource is not None]
            gone = [Change("DELETE", KIND[id[0]], id, None) for id, resource in step if resource is None and id in there]
            # Padding takes the step over the number from which COPY is used.
            padding = [Change("POST", "Basic", None, {"resourceType": "Basic", "code": {"text": "x"}})] * (15 if len(step) % 2 else 0)
            await write(tx, SYSTEM, [*made, *gone, *padding])
            there |= {change.id for change in made}
        await check(tx)

    try:
        async with db.transaction() as tx:
            await run(tx)
            raise Rollback
    except Rollback:
        pass


class Rollback(Exception):
    pass
