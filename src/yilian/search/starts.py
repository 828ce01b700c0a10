"""Where a search starts: the index that leaves the fewest candidates, or that already has the order asked for.

A request that names the patient, or a code with a date, starts from index_clinical; a code with an amount from index_quantity; an
identifier, a reference, a name, a code from its own index; the resource table is walked only when nothing else is named. There are no
statistics here: the guess goes by the kind of condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.definitions import type_id
from yilian.search.clauses import Clause
from yilian.search.conditions import Condition
from yilian.search.order import Key
from yilian.search.predicates import HOW_WIDE, Asked, as_code, is_coded, typed, width
from yilian.search.query import Query

NATURAL = {"index_quantity": "numeric", "index_string": "text", "index_date": "timestamptz"}
"""SQL type of the column a table's index has its rows in the order of."""
NEWEST_FIRST = Key("c.lo", "timestamptz", descending=True, direct=True)
BY_CHANGE = Key("c.updated", "timestamptz", descending=False, direct=True)
TO_A_FEW = 60
"""Conditions at most this wide are taken to leave fewer patients than an institution has."""
FAR_ENOUGH = 60
"""A `_has` at most this wide is where a search may start; a wider one is asked of each candidate."""


@dataclass(frozen=True, slots=True)
class Start:
    """The rows `c` a search starts from.

    table    what `c` is a row of; "" for a union of several
    source   what stands after `from`
    where    conditions on `c`
    keys     a query for keys: the start is repeated for each, and `where` names it `k.key`; "" when there is one only
    once     no resource comes twice (for one key); where it may and there is a natural order, then side by side in it
    uses     clauses that need no further condition
    natural  the order its index has; what a page without _sort is in
    patient  SQL of the one patient all rows are about, "" otherwise
    of       the patient or patients all rows are about, and `where` with `k.key` for each of them; None for any other start
    otherwise   where to start instead when there are more rows than one cares to sort
    """

    table: str
    source: str
    where: list[str]
    keys: str = ""
    once: bool = True
    uses: tuple[Clause, ...] = ()
    natural: tuple[Key, ...] = ()
    patient: str = ""
    keyless: list[str] = field(default_factory=list)
    """`where` without `k.key`, for statements that need no order: the keys stand in an array."""
    otherwise: Start | None = None
    of: tuple[str, list[str]] | None = None


def start(query: Query, asked: Sequence[Asked], patients: str = "") -> Start:
    """Chooses among the conditions of a query. `patients`: see `Scoped.patients`."""
    positive = [a for a in asked if not a.clause.is_negative and a.clause.modifier != "missing" and not a.nested]
    best, least = None, 1000
    for a in positive:
        if (rank := width(a.clause)) < least:
            best, least = a, rank
    clinical = _clinical(query, positive, least) if query.type in CLINICAL else None
    if clinical is not None:
        return clinical
    if query.type == "Patient" and patients and (best is None or width(best.clause) > TO_A_FEW):
        # Whoever sees a few thousand of a million patients: those are sorted, and nobody else is looked at.
        there = ["(select not r.deleted from resource r where r.rid = c.rid)"]
        return Start("", f"({patients}) c", there, keyless=there)
    if best is None:
        walk = [f"c.type = {type_id(query.type)}", "not c.deleted"]
        return Start("resource", "resource c", walk, natural=(BY_CHANGE,), keyless=walk)
    if len(best.conditions) == 1:
        begun = _from(query, best)
        return _or_by_date(query, best, begun) if begun.table == "index_quantity" else begun
    parts = " union ".join(f"select x.rid from {c.table} x where {' and '.join(typed(query.type, c, 'x'))}" for c in best.conditions)
    return Start("", f"({parts}) c", [], uses=(best.clause,))


def _from(query: Query, asked: Asked) -> Start:
    condition = asked.only
    keyless = typed(query.type, condition, "c")
    if condition.column == "rid":  # the primary key gives them in order, however many there are
        return Start(condition.table, f"{condition.table} c", keyless, uses=(asked.clause,), keyless=keyless)
    where = [condition.on_key("c", "k.key"), *keyless[1:]] if condition.keys else keyless
    natural: tuple[Key, ...] = (BY_CHANGE,) if asked.clause.parameter.code == "_lastUpdated" else ()
    listed = query.type == "Patient" and width(asked.clause) > TO_A_FEW  # from the list of an institution's patients, or as if from it
    if condition.natural and (condition.once or not (query.sort or listed)):
        natural = (Key(f"c.{condition.natural}", NATURAL[condition.table], condition.falling, direct=True),)
        if not condition.once:
            where = [*where, _first_of(condition, condition.on("e"))]
    return Start(
        condition.table,
        f"{condition.table} c",
        where,
        keys=condition.keys,
        once=condition.once or bool(condition.keys and condition.table in ("index_token", "index_reference")),
        uses=(asked.clause,),
        natural=natural,
        keyless=keyless,
    )


def _first_of(condition: Condition, fits: str) -> str:
    """That no other row `e` of the resource that fits comes earlier in the order of the index. Two with one value come side by side."""
    earlier = f"e.{condition.natural} {'>' if condition.falling else '<'} c.{condition.natural}"
    return f"(select true from {condition.table} e where e.rid = c.rid and {fits} and {earlier} limit 1) is not true"


def _or_by_date(query: Query, asked: Asked, begun: Start) -> Start:
    """A code with an amount, sorted by date: when there are many, from the newest of the code or else of the type."""
    if not (query.type in CLINICAL and query.sort and query.sort[0].parameter.is_clinical_date and asked.only.column):
        return begun
    if asked.only.coded:
        newest = replace(_by_code(asked), uses=())
    else:
        newest = _by_date(query.type)
    return replace(begun, otherwise=newest) if not newest.keys else begun


def _by_date(kind: str) -> Start:
    where = [f"c.type = {type_id(kind)}", "c.nth = 0"]
    return Start("index_clinical", "index_clinical c", where, natural=(NEWEST_FIRST,), keyless=where)


def _clinical(query: Query, positive: Sequence[Asked], best: int) -> Start | None:
    """From index_clinical by patient and code, by patient, by code in order of date, or by date; None where another index leaves less."""
    patient = _only(positive, "index_clinical", lambda clause: clause.parameter.is_clinical_patient)
    code = _only(positive, "index_token", is_coded)
    if patient is not None and width(patient.clause) <= best:
        return _by_patient(query, patient, code)
    dated = (query.sort and query.sort[0].parameter.is_clinical_date) or any(a.clause.parameter.is_clinical_date for a in positive)
    if code is not None and width(code.clause) <= best:
        amount = next((a for a in positive if len(a.conditions) == 1 and a.only.coded), None)
        if amount is not None:
            return _measured(code, amount, _by_code(code) if query.sort and query.sort[0].parameter.is_clinical_date else None)
        if dated:
            return _by_code(code)
    if not dated:
        return None
    return _by_date(query.type) if best >= HOW_WIDE["date"] else None


def _by_code(code: Asked) -> Start:
    """All that has one code (or each of several), newest first."""
    where, keyless = _of_code(code)
    return Start("index_clinical", "index_clinical c", where, code.only.keys, True, (code.clause,), (NEWEST_FIRST,), "", keyless)


def _measured(code: Asked, amount: Asked, otherwise: Start | None) -> Start:
    """What was measured and how much of it, from index_quantity: only what fits both is read, in the order of the amounts."""
    where, keyless = _of_code(code)
    met = amount.only.coded.replace("@", "c")
    first = [] if amount.only.once else [_first_of(amount.only, f"e.code = c.code and {amount.only.coded.replace('@', 'e')}")]
    return Start(
        "index_quantity",
        "index_quantity c",
        [*where, met, *first],
        keys=code.only.keys,
        once=amount.only.once,
        uses=(code.clause, amount.clause),
        natural=(Key(f"c.{amount.only.natural}", "numeric", descending=False, direct=True),),
        keyless=[*keyless, met],
        otherwise=otherwise,
    )


def _of_code(code: Asked) -> tuple[list[str], list[str]]:
    """`where` and `keyless` of a start from a table that has the code's hash in a column `code`."""
    by_code = as_code(code.only)
    keyless = [by_code.on("c")]
    return ([by_code.on_key("c", "k.key")] if by_code.keys else keyless), keyless


def _by_patient(query: Query, patient: Asked, code: Asked | None) -> Start:
    """All rows of one patient (or of each of several): with a code by (patient, code, date), without by (patient, type, date)."""
    who = patient.only
    rest = [as_code(code.only).on("c")] if code else [f"c.type = {type_id(query.type)}", "c.nth = 0"]
    keyless = [who.on("c"), *rest]
    keys, where, once = "", keyless, True
    if who.keys:
        keys, where, once = who.keys, [who.on_key("c", "k.key"), *rest], not (code and code.only.keys)
    elif code and code.only.keys:
        keys, where = code.only.keys, [who.on("c"), as_code(code.only).on_key("c", "k.key")]
    uses = (patient.clause, code.clause) if code else (patient.clause,)
    of = None
    if not (code and code.only.keys):
        of = (who.keys or f"select {who.value} as key", [who.on_key("c", "k.key"), *rest])
    return Start("index_clinical", "index_clinical c", where, keys, once, uses, (NEWEST_FIRST,), who.value, keyless, of=of)


def _only(positive: Sequence[Asked], table: str, fits: Callable[[Clause], bool]) -> Asked | None:
    """The first clause of that sort that one condition on that table answers."""
    for asked in positive:
        if fits(asked.clause) and len(asked.conditions) == 1 and asked.only.table == table:
            return asked
    return None
