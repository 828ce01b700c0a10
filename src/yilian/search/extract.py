"""A resource becomes index rows: all parameters of its type in one walk over the keys it has.

For each type the ways of all its parameters are merged once into a tree of keys; a walk visits each key of the resource once and hands
what it finds to the kinds that want it. FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.dates import FIRST
from yilian.fhir.fhirpath import Branch, Step, Test, Truth, branches
from yilian.fhir.references import Local
from yilian.search.kinds import LEAVES, Leaf, composite
from yilian.search.parameters import COMPUTED, Parameter, indexed_parameters_of, parameters_of, patient_codes, when_redefined
from yilian.search.rows import CONTAINED, Clinical, IndexRows, Token, token_hash

_OFTEN_EMPTY = ("identifiers", "references", "dates", "strings", "numbers", "quantities", "measured", "pairs")

Walk = Callable[[dict[str, Any], IndexRows], None]


def extract(resource: dict[str, Any], base: str = "") -> IndexRows:
    """All index rows of one valid resource of a known type. `base`: our own address, for absolute references to ourselves.

    Dates without an offset are of the region's zone. Raises BadRequest for a text that is no date where a date stands.
    """
    rows = IndexRows(base=base, resource=resource)
    kind = resource["resourceType"]
    walk, truths, clinical = _compiled(kind)
    walk(resource, rows)
    for param, truth in truths:
        value = truth(resource)
        if value is not None:
            rows.tokens.append((param, "", "true" if value else "false"))
    if clinical is not None:
        rows.clinical = clinical(rows)
    if "contained" in resource:
        rows.tokens += [(CONTAINED, "", inner["resourceType"]) for inner in resource["contained"]]
    if len(rows.tokens) > 1:
        rows.tokens = list(dict.fromkeys(rows.tokens))
    if len(rows.uris) > 1:
        rows.uris = list(dict.fromkeys(rows.uris))
    for name in _OFTEN_EMPTY:
        found = getattr(rows, name)
        if len(found) > 1:
            setattr(rows, name, list(dict.fromkeys(found)))
    return rows


@cache
def _compiled(kind: str) -> tuple[Walk, list[tuple[int, Callable[[Any], bool | None]]], Callable[[IndexRows], Clinical] | None]:
    root = _Node()
    truths = []
    shared: dict[tuple[str, Branch], list[Parameter]] = {}
    for parameter in indexed_parameters_of(kind).values():
        if parameter.code in COMPUTED or parameter.type == "composite":
            continue
        for branch in parameter.branches:
            shared.setdefault((parameter.type, branch), []).append(parameter)
        if not parameter.branches:
            compiled = branches(parameter.expression, kind)
            assert isinstance(compiled, Truth)
            truths.append((parameter.id, compiled.of))
    for (type_, branch), wanting in shared.items():
        root.at(branch.steps).leaves.append(LEAVES[type_](wanting, branch))
    for element, take in composite.takers(kind):
        root.at(element.steps).leaves.append(take)
    return root.compiled(), truths, _clinical(kind) if kind in CLINICAL else None


when_redefined(_compiled.cache_clear)


class _Node:
    """One key of the tree: what wants its value, and the keys below it. Tests divide a node; each division has its own leaves and keys."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.below: dict[tuple[str, bool, tuple[Test, ...]], _Node] = {}

    def at(self, steps: tuple[Step, ...]) -> _Node:
        node = self
        for step in steps:
            assert not step.first, "no parameter that is indexed asks for the first of several"
            node = node.below.setdefault((step.key, step.many, step.tests), _Node())
        return node

    def compiled(self) -> Walk:
        """What visits one object and its keys."""
        by_key: dict[str, list[Leaf]] = {}
        for (key, many, tests), node in self.below.items():
            by_key.setdefault(key, []).append(_visit(node, many, tests))
        visits = {key: found[0] if len(found) == 1 else _each(found) for key, found in by_key.items()}
        wanted = visits.get

        def walk(value: dict[str, Any], rows: IndexRows) -> None:
            for key, child in value.items():
                visit = wanted(key)
                if visit is not None:
                    visit(child, rows)

        return walk


def _visit(node: _Node, many: bool, tests: tuple[Test, ...]) -> Leaf:
    takers = list(node.leaves)
    if node.below:
        walk = node.compiled()
        takers.append(lambda value, rows: walk(value, rows) if type(value) is dict else None)
    take = takers[0] if len(takers) == 1 else _each(takers)
    if tests:
        take = _tested(take, tests)
    if not many:
        return take

    def take_all(values: Any, rows: IndexRows) -> None:
        if type(values) is list:
            for value in values:
                take(value, rows)

    return take_all


def _each(takers: list[Leaf]) -> Leaf:
    def take(value: Any, rows: IndexRows) -> None:
        for one in takers:
            one(value, rows)

    return take


def _tested(take: Leaf, tests: tuple[Test, ...]) -> Leaf:
    def take_tested(value: Any, rows: IndexRows) -> None:
        for test in tests:
            if not test.holds(value):
                return
        take(value, rows)

    return take_tested


def _clinical(kind: str) -> Callable[[IndexRows], Clinical]:
    """Moves patient and main date of a clinical resource out of the other rows into their own."""
    known, key = parameters_of(kind), CLINICAL[kind]
    patient_id = known[key.patient].id
    patient_ids = frozenset(known[code].id for code in patient_codes(kind))
    code_id = known[key.code].id if key.code else 0
    date_id = known[key.date].id if key.date else 0

    def take(rows: IndexRows) -> Clinical:
        patient: Local | None = None
        for param, type_, id_ in rows.references:
            if param == patient_id and type_ == "Patient":
                patient = Local("Patient", id_)
                rows.references = [row for row in rows.references if row[0] not in patient_ids or row[1] != "Patient"]
                break
        codings: list[Token] = list(dict.fromkeys(row for row in rows.tokens if row[0] == code_id and row[2])) if code_id else []
        lo = hi = FIRST
        if date_id:
            for param, start, end in rows.dates:
                if param == date_id:
                    lo, hi = start, end
                    rows.dates = [row for row in rows.dates if row[0] != date_id]
                    break
        return Clinical(patient, codings, lo, hi)

    return take


__all__ = ["Clinical", "IndexRows", "extract", "token_hash"]
