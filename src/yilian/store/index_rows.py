"""The rows the index tables hold of a resource: from `search.extract`, with keys in place of ids, and what differs between versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from yilian.search.rows import IndexRows, Measure, Token, token_hash

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]
"""Index table → its rows, columns in the order of `TABLES`."""


@dataclass(frozen=True, slots=True)
class Table:
    """An index table: columns with their types, in the order rows are given."""

    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("index_token", (("h", "bigint"), ("rid", "bigint"))),
        Table("index_identifier", (("param", "smallint"), ("value", "text"), ("system", "integer"), ("rid", "bigint"))),
        Table("index_reference", (("param", "smallint"), ("target", "bigint"), ("rid", "bigint"))),
        Table(
            "index_clinical",
            (
                ("rid", "bigint"),
                ("nth", "smallint"),
                ("type", "smallint"),
                ("patient", "bigint"),
                ("code", "bigint"),
                ("lo", "timestamptz"),
                ("hi", "timestamptz"),
            ),
        ),
        Table("index_date", (("param", "smallint"), ("lo", "timestamptz"), ("hi", "timestamptz"), ("rid", "bigint"))),
        Table("index_string", (("param", "smallint"), ("value", "text"), ("exact", "text"), ("rid", "bigint"))),
        Table("index_number", (("param", "smallint"), ("value", "numeric"), ("rid", "bigint"))),
        Table(
            "index_quantity",
            (
                ("param", "smallint"),
                ("nth", "smallint"),
                ("side", "smallint"),
                ("code", "bigint"),
                ("unit", "bigint"),
                ("amount", "numeric"),
                ("value", "numeric"),
                ("other_amount", "numeric"),
                ("other_value", "numeric"),
                ("system", "text"),
                ("written", "text"),
                ("rid", "bigint"),
            ),
        ),
        Table("index_uri", (("param", "smallint"), ("value", "text"), ("rid", "bigint"))),
        Table("index_pair", (("h", "bigint"), ("other", "bigint"), ("low", "numeric"), ("high", "numeric"), ("rid", "bigint"))),
        Table("index_position", (("latitude", "double precision"), ("longitude", "double precision"), ("rid", "bigint"))),
    )
}

UNSEARCHED = 0
"""`index_reference.param` of a reference no search parameter covers. It is kept so that "who still points here" is complete."""

NOBODY = 0
"""`index_clinical.patient` of a resource that is about no patient of this server."""


def rows_of(
    found: IndexRows,
    rid: int,
    type_id: int,
    pointing: Mapping[tuple[str, str], int],
    namespaces: Mapping[str, int],
    blind: Callable[[int, str], str],
) -> Rows:
    """The rows of one resource. `pointing`: everything it refers to; a relative canonical is no reference, whoever else points there.

    `namespaces` knows every identifier system in it. `blind`: parameter and exact value → what stands there in its place (`Keyring.blind`).
    """
    rows: Rows = {}
    if found.tokens:
        rows["index_token"] = [(token_hash(param, system, code), rid) for param, system, code in found.tokens]
    if found.identifiers:
        rows["index_identifier"] = [
            (param, blind(param, value), None if system is None else namespaces[system], rid) for param, system, value in found.identifiers
        ]
    to: list[Row] = [(param, target, rid) for param, kind, id_ in found.references if (target := pointing.get((kind, id_))) is not None]
    covered = {row[1] for row in to}
    clinical = found.clinical
    if clinical is not None:
        patient = pointing.get((clinical.patient.type, clinical.patient.id), NOBODY) if clinical.patient is not None else NOBODY
        covered.add(patient)
        hashes = [token_hash(param, system, code) for param, system, code in clinical.codings] or [0]
        rows["index_clinical"] = [(rid, nth, type_id, patient, code, clinical.lo, clinical.hi) for nth, code in enumerate(hashes)]
    if len(covered) < len(pointing) or NOBODY in covered:
        to.extend((UNSEARCHED, target, rid) for target in set(pointing.values()) - covered)
    if to:
        rows["index_reference"] = to
    if found.dates:
        rows["index_date"] = [(param, lo, hi, rid) for param, lo, hi in found.dates]
    if found.strings:
        rows["index_string"] = [(param, value, exact, rid) for param, value, exact in found.strings]
    if found.numbers:
        rows["index_number"] = [(param, value, rid) for param, value in found.numbers]
    if found.quantities:
        codes = [row[4] for row in rows["index_clinical"]] if clinical is not None else [0]
        rows["index_quantity"] = [quantity_row(measure, nth, code, rid) for nth, code in enumerate(codes) for measure in found.quantities]
    if found.uris:
        rows["index_uri"] = [(param, value, rid) for param, value in found.uris]
    if found.measured:
        beside = [quantity_row(measure, nth, token_hash(*head), rid) for nth, head, measure in found.measured]
        rows["index_quantity"] = rows.get("index_quantity", []) + beside
    if found.pairs:
        rows["index_pair"] = [
            (token_hash(*head), other, low, high, rid)
            for head, second, low, high in found.pairs
            if (other := _other(second, pointing)) is not None or low is not None
        ]
    if found.positions:
        rows["index_position"] = [(latitude, longitude, rid) for latitude, longitude in found.positions]
    return rows


def _other(second: Token | tuple[str, str] | None, pointing: Mapping[tuple[str, str], int]) -> int | None:
    """The second part of a pair: a hash, or the key of what it refers to; None where it is neither."""
    if second is None:
        return None
    return token_hash(*second) if len(second) == 3 else pointing.get(second)


def quantity_row(measure: Measure, nth: int, code: int, rid: int) -> Row:
    """The row of a quantity for the nth coding of what was measured; rows of stated units count down from -1."""
    param, stated, side, *amounts = measure
    return (param, -1 - nth if stated else nth, side, code, *amounts, rid)


def difference(before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """(rows to remove, rows to add) to come from `before` to `after`; what is in both is left alone."""
    removed: Rows = {}
    added: Rows = {}
    for name in TABLES:
        old, new = before.get(name, []), after.get(name, [])
        if old == new:
            continue
        old_set, new_set = set(old), set(new)
        if gone := [row for row in old if row not in new_set]:
            removed[name] = gone
        if fresh := [row for row in new if row not in old_set]:
            added[name] = fresh
    return removed, added
