"""The scope with consents, sensitive kinds and emergencies, against a model in plain Python; and a refusal never opens anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yilian.db import Database, Tx
from yilian.fhir.definitions import type_id
from yilian.store.scope import CARE, EMERGENCY, OPERATIONS, Scope, readable

HERE, THERE, PATIENT, OTHER, CONSENT, TASK, LETTER = 1, 2, 11, 12, 21, 31, 41


@dataclass(frozen=True)
class Rule:
    institution: int | None
    purpose: int | None
    mask: int
    permit: bool
    over: bool


@dataclass(frozen=True)
class Ground:
    institution: int
    patient: int
    kind: str
    purpose: int | None
    sensitive: bool
    over: bool


@dataclass(frozen=True)
class Row:
    rid: int
    patient: int
    confined: int | None
    origin: int | None
    sensitive: int


def rules(permit: bool) -> st.SearchStrategy[Rule]:
    purposes = [None, CARE, OPERATIONS] if permit else [None, CARE, OPERATIONS, EMERGENCY]
    return st.builds(
        Rule,
        institution=st.sampled_from([None, HERE, THERE]),
        purpose=st.sampled_from(purposes),
        mask=st.sampled_from([1, 2, 3] if permit else [0, 1, 2, 3]),
        permit=st.just(permit),
        over=st.booleans(),
    )


GROUNDS = st.builds(
    Ground,
    institution=st.sampled_from([HERE, THERE]),
    patient=st.sampled_from([PATIENT, OTHER]),
    kind=st.sampled_from(["registered", "referral", "consent", "emergency"]),
    purpose=st.sampled_from([None, CARE, OPERATIONS]),
    sensitive=st.just(False),
    over=st.booleans(),
).map(lambda one: Ground(one.institution, one.patient, one.kind, one.purpose, one.kind == "emergency" and one.over is False, one.over))
GROUNDS |= st.builds(
    Ground, st.sampled_from([HERE, THERE]), st.just(PATIENT), st.just("emergency"), st.none(), st.just(False), st.just(False)
)

SCOPES = st.builds(
    Scope,
    reach=st.sampled_from(["grounds", "grounds", "grounds", "everything", "self", "nothing"]),
    user=st.just("u"),
    agent=st.just("a"),
    name=st.just("n"),
    institution_rid=st.sampled_from([0, HERE, THERE]),
    patient_rid=st.sampled_from([0, PATIENT]),
    purpose=st.sampled_from(["TREAT", "HOPERAT"]),
)
ROWS = [
    Row(rid, patient, confined, origin, sensitive)
    for rid, patient in ((100, PATIENT), (PATIENT, PATIENT), (TASK, PATIENT), (LETTER, PATIENT), (101, OTHER))
    for confined in (None, HERE, THERE)
    for origin in (None, HERE, THERE)
    for sensitive in (0, 1, 2, 3)
]


def expected(scope: Scope, row: Row, given_rules: Sequence[Rule], grounds: Sequence[Ground]) -> bool:
    """The rule of the design, said once more."""
    if scope.reach == "everything":
        return True
    if scope.reach == "self":
        return row.patient == scope.patient_rid and row.confined is None
    here = scope.institution_rid
    if scope.reach == "nothing" or not here or row.confined not in (None, here):
        return False
    purpose = CARE if scope.purpose == "TREAT" else OPERATIONS
    in_force = [one for one in given_rules if not one.over and row.patient == PATIENT and one.institution in (None, here)]
    granted = 0
    for one in in_force:
        if one.permit and one.purpose in (None, purpose):
            granted |= one.mask
    for ground in grounds:
        if ground.institution != here or ground.patient != row.patient or ground.over or ground.purpose not in (None, purpose):
            continue
        if row.origin == here:
            return True
        asks = (EMERGENCY,) if ground.kind == "emergency" else (None, purpose)
        if any(not one.permit and one.purpose in asks and (not one.mask or one.mask & row.sensitive) for one in in_force):
            continue
        letter = ground.kind == "referral" and row.rid in (PATIENT, TASK, LETTER) and row.patient == PATIENT
        if not row.sensitive or ground.sensitive or not row.sensitive & ~granted or letter:
            return True
    return False


async def furnish(tx: Tx, given_rules: Sequence[Rule], grounds: Sequence[Ground]) -> None:
    await tx.execute("truncate consent_rule, access_ground, index_reference")
    await tx.execute(
        "insert into resource (rid, type, id, ver, updated, method, body)"
        " select n, 1, 'r' || n, 1, now(), 'PUT', '{}' from generate_series(1, 200) n on conflict do nothing"
    )
    await tx.execute("insert into index_reference (param, target, rid) values (7, $1, $2)", LETTER, TASK)
    for nth, rule in enumerate(given_rules):
        await tx.execute(
            "insert into consent_rule (patient, source, institution, purpose, mask, permit, since, until)"
            " values ($1, $2, $3, $4, $5, $6, now() - interval '2 days', case when $7 then now() - interval '1 hour' end)",
            PATIENT, CONSENT + 100 + nth, rule.institution, rule.purpose, rule.mask, rule.permit, rule.over,
        )  # fmt: skip
    for nth, ground in enumerate(grounds):
        await tx.execute(
            "insert into access_ground (institution, patient, kind, source, until, purpose, sensitive)"
            " values ($1, $2, $3, $4, case when $5 then now() - interval '1 hour' end, $6, $7) on conflict do nothing",
            ground.institution, ground.patient, ground.kind,
            TASK if ground.kind == "referral" and ground.patient == PATIENT else 150 + nth,
            ground.over, ground.purpose, ground.sensitive,
        )  # fmt: skip


async def seen(tx: Tx, scope: Scope) -> tuple[set[int], set[int]]:
    """What the two spellings see of `ROWS`, by place."""
    given_rows = "unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[]) with ordinality"
    names = "rid, patient, confined, origin, sensitive, n"
    table = f"(select t.*, {type_id('Observation')}::smallint as type, false as shared from {given_rows} as t ({names})) r"
    columns: list[Any] = [[getattr(row, name) for row in ROWS] for name in ("rid", "patient", "confined", "origin", "sensitive")]
    literal = await tx.fetch(f"select n from {table} where {scope.condition('r', ('Observation',))}", *columns)
    parameters = await tx.fetch(f"select n from {table} where {readable('r', 6)}", *columns, *scope.keys())
    return {row["n"] - 1 for row in literal}, {row["n"] - 1 for row in parameters}


ONE_GROUND_EACH = st.lists(GROUNDS, max_size=4, unique_by=lambda one: (one.institution, one.patient, one.kind))
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


@quick
@given(scope=SCOPES, some=st.lists(rules(True) | rules(False), max_size=4), grounds=ONE_GROUND_EACH)
async def test_both_spellings_see_what_the_design_says(db: Database, scope: Scope, some: list[Rule], grounds: list[Ground]) -> None:
    async with db.transaction() as tx:
        await furnish(tx, some, grounds)
        literal, parameters = await seen(tx, scope)
    wanted = {place for place, row in enumerate(ROWS) if expected(scope, row, some, grounds)}
    assert literal == wanted
    assert parameters == wanted


@quick
@given(scope=SCOPES, some=st.lists(rules(True) | rules(False), max_size=3), more=rules(False), grounds=ONE_GROUND_EACH)
async def test_a_refusal_never_opens_anything(db: Database, scope: Scope, some: list[Rule], more: Rule, grounds: list[Ground]) -> None:
    async with db.transaction() as tx:
        await furnish(tx, some, grounds)
        before, _ = await seen(tx, scope)
        await furnish(tx, [*some, more], grounds)
        after, _ = await seen(tx, scope)
    assert after <= before
    own = {place for place in before if ROWS[place].origin == scope.institution_rid or scope.reach != "grounds"}
    assert own <= after, "what an institution wrote itself it goes on seeing"


@quick
@given(scope=SCOPES, some=st.lists(rules(True) | rules(False), max_size=3), more=rules(True), grounds=ONE_GROUND_EACH)
async def test_a_grant_of_a_kind_opens_that_kind_alone(
    db: Database, scope: Scope, some: list[Rule], more: Rule, grounds: list[Ground]
) -> None:
    async with db.transaction() as tx:
        await furnish(tx, some, grounds)
        before, _ = await seen(tx, scope)
        await furnish(tx, [*some, more], grounds)
        after, _ = await seen(tx, scope)
    assert before <= after
    assert all(ROWS[place].sensitive & more.mask for place in after - before)
