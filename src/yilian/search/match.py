"""Whether one resource is what a search asks for, without a database: the filter of subscriptions, and the words the SQL is held to.

Everything that stands in the resource itself can be answered. What stands elsewhere cannot: the other end of a chain or of `_has`, a List,
the members of a value set; asking for it is refused by name, so that nobody takes silence for an answer.
FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from yilian.errors import NotSupported
from yilian.fhir.dates import interval, region_zone
from yilian.search.clauses import Clause
from yilian.search.extract import extract
from yilian.search.folding import bounded, clipped
from yilian.search.kinds import composite, position, uri, wording
from yilian.search.kinds.concepts import TERMINOLOGICAL
from yilian.search.kinds.reference import hierarchies
from yilian.search.kinds.token import Token, implied_systems, normal_of, of_type
from yilian.search.match_values import date_holds, number_holds, quantity_holds
from yilian.search.parameters import Parameter
from yilian.search.query import Query
from yilian.search.rows import IndexRows
from yilian.search.rows import Token as Row


def matches(query: Query, resource: dict[str, Any], *, now: datetime, base: str = "", rows: IndexRows | None = None) -> bool:
    """Whether all conditions of the query hold for this resource.

    `resource` is valid and has its id and meta, as it is stored; one of another type does not match. `now` is what `ap` reckons from.
    `base`: our own address. `rows`: what `extract` makes of the resource, for who asks several questions about it.
    Raises NotSupported, naming the condition, for what one resource cannot tell.
    """
    for clause in query.clauses:
        check(clause)
    if resource["resourceType"] != query.type:
        return False
    found = rows if rows is not None else extract(resource, base)
    return all(_holds(clause, resource, found, now) for clause in query.clauses)


def check(clause: Clause) -> None:
    """Raises NotSupported for a condition that one resource alone cannot answer."""
    code = clause.parameter.code
    if clause.chain is not None:
        name = f"_has:{clause.parameter.base}:{code}" if clause.reverse else f"{code}.{clause.chain.parameter.code}"
        raise NotSupported(f"{name}: a single resource cannot tell what holds of others; ask by its own parameters.")
    if clause.parameter.type == "token" and clause.modifier in TERMINOLOGICAL:
        raise NotSupported(f"{code}:{clause.modifier}: a single resource cannot tell what a terminology says; name the codes.")
    if clause.parameter.type == "reference" and clause.modifier in ("above", "below") and hierarchies(clause.parameter):
        raise NotSupported(f"{code}:{clause.modifier}: a single resource cannot tell what is part of what; name all that is meant.")
    for other in clause.also:
        check(other)


def _holds(clause: Clause, resource: dict[str, Any], rows: IndexRows, now: datetime) -> bool:
    if clause.modifier == "missing":
        found = not _present(clause.parameter, rows)
        return found is bool(clause.values[0])
    found = any(_one(clause.parameter, clause.modifier, value, resource, rows, now) for value in clause.values)
    found = found or any(_holds(other, resource, rows, now) for other in clause.also)
    return not found if clause.is_negative else found


def _one(parameter: Parameter, modifier: str, value: Any, resource: dict[str, Any], rows: IndexRows, now: datetime) -> bool:
    """Whether one value of a condition is there."""
    own = parameter.id
    if parameter.code == "_id":
        return bool(resource["id"] == value)
    if parameter.code == "_lastUpdated":
        moment, _ = interval(resource["meta"]["lastUpdated"], region_zone())
        return date_holds(value, (moment, moment), now)
    kind = parameter.type
    if kind == "token":
        return _token(parameter, modifier, value, rows)
    if kind == "date":
        return any(date_holds(value, span, now) for span in _spans(parameter, rows))
    if kind == "string":
        return any(_string(modifier, value, folded, exact) for param, folded, exact in rows.strings if param == own)
    if kind == "number":
        return any(number_holds(value, found) for param, found in rows.numbers if param == own)
    if kind == "quantity":
        return quantity_holds(value, [measure for measure in rows.quantities if measure[0] == own])
    if kind == "uri":
        return _uri(own, modifier, value, rows)
    if kind == "reference":
        return _reference(parameter, modifier, value, rows)
    if kind == "special":
        return any(position.holds(value, place) for place in rows.positions)
    return any(_pair(element, value, resource, rows, now) for element in composite.elements(parameter))


def _present(parameter: Parameter, rows: IndexRows) -> bool:
    own, kind = parameter.id, parameter.type
    if parameter.code in ("_id", "_lastUpdated"):
        return True
    if kind == "date":
        return bool(_spans(parameter, rows))
    if kind == "reference":
        patient = rows.clinical.patient if rows.clinical is not None and parameter.is_clinical_patient else None
        return patient is not None or any(row[0] == own for row in (*rows.references, *rows.uris))
    if kind == "special":
        return bool(rows.positions)
    if kind == "composite":
        return any(_has_all(element, rows) for element in composite.elements(parameter))
    if kind == "token":
        return any(row[0] == own for row in (rows.identifiers if parameter.is_identifying else rows.tokens))
    table = {"string": rows.strings, "number": rows.numbers, "quantity": rows.quantities, "uri": rows.uris}[kind]
    return any(row[0] == own for row in table)  # type: ignore[attr-defined]


# --- single kinds


def _token(parameter: Parameter, modifier: str, value: Any, rows: IndexRows) -> bool:
    if modifier == "text":
        return wording.holds(parameter, value, rows)
    if modifier == "of-type":
        return (-parameter.id, bounded(value.system), of_type(value.code, value.value)) in rows.identifiers
    if parameter.is_identifying:
        return identified(value, parameter.id, rows, normal_of(parameter))
    return coded(parameter, value, (row for row in rows.tokens if row[0] == parameter.id))


def coded(parameter: Parameter, value: Token, found: Iterable[Row]) -> bool:
    """Whether a code is among these. An element without a system of its own has that of its value set as well."""
    implied = value.system is not None and value.system in implied_systems(parameter)
    for _, system, code in found:
        if not code or (value.code is not None and code != bounded(value.code)):
            continue
        if value.system is None or system == bounded(value.system) or (implied and not system):
            return True
    return False


def identified(value: Token, param: int, rows: IndexRows, normal: Any = bounded) -> bool:
    """Whether an identifier or a contact point is there; `normal` is how its value is written in the rows."""
    return any(
        own == param
        and (value.code is None or found == normal(value.code))
        and (value.system is None or (system or "") == bounded(value.system))
        for own, system, found in rows.identifiers
    )


def _string(modifier: str, value: Any, folded: str, exact: str | None) -> bool:
    if modifier == "exact":
        return folded == clipped(value.folded) and exact == bounded(value.text)
    if modifier == "contains":
        return clipped(value.folded) in folded
    if folded.startswith(clipped(value.folded)):
        return True
    return exact is None and " " in value.folded and value.folded.isascii() and folded.startswith(clipped(value.folded.replace(" ", "")))


def _uri(own: int, modifier: str, value: str, rows: IndexRows) -> bool:
    found = [text for param, text in rows.uris if param == own]
    if modifier == "below":
        return any(uri.below(value, text) for text in found)
    wanted = uri.above(value) if modifier == "above" else [value]
    return not {bounded(text) for text in wanted}.isdisjoint(found)


def _reference(parameter: Parameter, modifier: str, value: Any, rows: IndexRows) -> bool:
    own = parameter.id
    if modifier == "identifier":
        return identified(value, own, rows)
    if modifier in ("above", "below"):
        return _uri(own, modifier, value, rows)
    kind, key = value
    if not kind and ":" in key:
        return _uri(own, "", key, rows)
    here = [(type_, id_) for param, type_, id_ in rows.references if param == own]
    if rows.clinical is not None and rows.clinical.patient is not None and parameter.is_clinical_patient:
        here.append(("Patient", rows.clinical.patient.id))
    return any(id_ == key and (type_ == kind if kind else type_ in parameter.targets) for type_, id_ in here)


def _spans(parameter: Parameter, rows: IndexRows) -> list[tuple[datetime, datetime]]:
    if parameter.is_clinical_date and rows.clinical is not None:
        lo, hi = rows.clinical.lo, rows.clinical.hi
        return [(lo, hi)] if lo < hi else []
    return [(lo, hi) for param, lo, hi in rows.dates if param == parameter.id]


# --- composites


def _pair(element: composite.Element, values: Sequence[Any], resource: dict[str, Any], rows: IndexRows, now: datetime) -> bool:
    if not element.steps:
        return all(_one(part, "", value, resource, rows, now) for part, value in zip(element.parts, values, strict=True))
    first, second, *more = composite.numbered(element)
    if element.measures:
        return any(
            measure[0] == element.group and coded(first, values[0], [head]) and quantity_holds(values[1], [measure])
            for _, head, measure in rows.measured
        )
    for head, other, low, high in rows.pairs:
        if head[0] != element.group or not coded(first, values[0], [head]):
            continue
        if more:
            if low is not None and high is not None and number_holds(values[1], low) and number_holds(values[2], high):
                return True
        elif second.type == "reference":
            if _points(other, values[1], second):
                return True
        elif other is not None and len(other) == 3 and coded(second, values[1], [other]):
            return True
    return False


def _points(other: Row | tuple[str, str] | None, value: tuple[str, str], parameter: Parameter) -> bool:
    kind, key = value
    if other is None or len(other) == 3:
        return other is not None and not kind and other[2] == bounded(key)
    return other[1] == key and (other[0] == kind if kind else other[0] in parameter.targets)


def _has_all(element: composite.Element, rows: IndexRows) -> bool:
    if not element.steps:
        return all(_present(part, rows) for part in element.parts)
    return any(head[0] == element.group for _, head, _ in rows.measured) or any(head[0] == element.group for head, *_ in rows.pairs)
