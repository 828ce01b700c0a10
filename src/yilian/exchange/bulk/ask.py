"""What an export is asked for, understood: level, types, since when, which of them. Pure.

Bulk Data Access 2.0, https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Literal
from urllib.parse import parse_qsl

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.compartments import PATIENT_TYPES
from yilian.fhir.dates import interval
from yilian.fhir.definitions import RESOURCE_TYPES, is_resource_type
from yilian.fhir.references import Local, parse
from yilian.search.query import Query
from yilian.search.query import parse as parse_search

Level = Literal["system", "patient", "group"]

FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
NOT_DONE = ("_elements", "includeAssociatedData", "organizeOutputBy", "_until")
"""Known to the standard, not done here: refused, or left out with a word about it where handling is lenient."""
NOT_STORED = ("AuditEvent", "Parameters")
"""AuditEvents are the trail, which is no part of a record's export; Parameters are never stored."""
BEFORE_NEXT = re.compile(r",(?=[A-Z][A-Za-z]+\?)")
MOST_PATIENTS = 10_000
LOOKS = ("_include", "_revinclude", "_sort", "_count", "_total", "_summary", "_elements", "_cursor", "_contained", "_containedType")


@dataclass(frozen=True, slots=True)
class Ask:
    """level; group: id of the Group; types: () for all of the level; since: aware; filters: (type, query text), several of a type are
    alternatives; patients: ids, () for all; ignored: what was asked and is not done; views: ViewDefinitions to make tables of, of which
    alone the files are told then, in `format`."""

    level: Level
    group: str = ""
    types: tuple[str, ...] = ()
    since: datetime | None = None
    filters: tuple[tuple[str, str], ...] = ()
    patients: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    views: tuple[dict[str, Any], ...] = ()
    format: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "since": self.since.isoformat() if self.since else None}

    @staticmethod
    def of_json(value: dict[str, Any]) -> Ask:
        return Ask(
            value["level"],
            value["group"],
            tuple(value["types"]),
            datetime.fromisoformat(value["since"]) if value["since"] else None,
            tuple((kind, text) for kind, text in value["filters"]),
            tuple(value["patients"]),
            tuple(value["ignored"]),
            tuple(value.get("views", ())),
            value.get("format", ""),
        )


def understood(level: Level, group: str, given: Sequence[tuple[str, str]], *, zone: tzinfo, lenient: bool = False) -> Ask:
    """The export these parameters ask for. `lenient`: what is not known is left out and named, instead of refused.

    Raises BadRequest for a value that cannot be read, NotSupported for a parameter that is not done here.
    """
    ask = Ask(level, group)
    for name, value in given:
        if name == "_outputFormat":
            if value not in FORMATS:
                raise NotSupported(f"_outputFormat={value[:60]} is not given; application/fhir+ndjson is.")
        elif name == "_since":
            if ask.since is not None:
                raise BadRequest("_since is given twice.")
            ask = replace(ask, since=interval(value, zone)[0])
        elif name == "_type":
            ask = replace(ask, types=tuple(dict.fromkeys((*ask.types, *_types(value)))))
        elif name == "_typeFilter":
            ask = replace(ask, filters=(*ask.filters, *_filters(value, zone)))
        elif name == "patient" and level != "system":
            ask = replace(ask, patients=tuple(dict.fromkeys((*ask.patients, _patient(value)))))
        elif not lenient:
            known = "_outputFormat, _since, _type, _typeFilter" + (" and, by POST, patient" if level != "system" else "")
            reason = "is not done here" if name in NOT_DONE else f"is not known for $export; {known} are"
            raise NotSupported(f"{name[:60]} {reason}. With Prefer: handling=lenient it is left out.")
        else:
            ask = replace(ask, ignored=(*ask.ignored, name[:60]))
    if len(ask.patients) > MOST_PATIENTS:
        raise BadRequest(f"patient may come at most {MOST_PATIENTS} times; make a Group.")
    return _consistent(ask, lenient)


def types_of(ask: Ask) -> tuple[str, ...]:
    """The types that are exported, in the order of their files."""
    if ask.types:
        return tuple(sorted(ask.types))
    return tuple(kind for kind in RESOURCE_TYPES if kind not in NOT_STORED and (ask.level == "system" or kind in PATIENT_TYPES))


def _consistent(ask: Ask, lenient: bool) -> Ask:
    if ask.level != "system":
        outside = [kind for kind in ask.types if kind not in PATIENT_TYPES]
        if outside and not lenient:
            raise BadRequest(f"{', '.join(outside)} cannot be about a patient; ask at system level: /$export?_type={outside[0]}.")
        if outside and len(outside) == len(ask.types):
            raise BadRequest("None of the types asked for can be about a patient.")
        ask = replace(
            ask, types=tuple(kind for kind in ask.types if kind not in outside), ignored=(*ask.ignored, *(f"_type={t}" for t in outside))
        )
    beside = [kind for kind, _ in ask.filters if kind not in types_of(ask)]
    if beside:
        raise BadRequest(f"_typeFilter is about {beside[0]}, which is not among the types that are exported.")
    return ask


def _types(value: str) -> list[str]:
    names = [name for name in value.split(",") if name]
    for name in names:
        if not is_resource_type(name) or name in NOT_STORED:
            raise BadRequest(f"_type: {name[:60]!r} is no type that can be exported.")
    return names


def _filters(value: str, zone: tzinfo) -> list[tuple[str, str]]:
    found = []
    for text in BEFORE_NEXT.split(value):
        kind, question, query = text.partition("?")
        if not question or not is_resource_type(kind) or kind in NOT_STORED:
            raise BadRequest(f"_typeFilter: {text[:80]!r} is no search; write Observation?status=final.")
        search_of(kind, query, zone)
        found.append((kind, query))
    return found


def search_of(kind: str, query: str, zone: tzinfo) -> Query:
    """The search of a filter. Raises BadRequest for one that says how the answer is to look instead of what is in it."""
    try:
        given = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise BadRequest(f"_typeFilter: {query[:80]!r} cannot be read as a query string.") from error
    for name, _ in given:
        if name.partition(":")[0] in LOOKS:
            raise BadRequest(f"_typeFilter: {name[:60]} says how an answer looks; a filter says only what is in it.")
    return parse_search(kind, given, zone=zone)


def _patient(value: str) -> str:
    target = parse(value)
    if not isinstance(target, Local) or target.type != "Patient":
        raise BadRequest(f"patient: {value[:80]!r} is no reference to a Patient; write Patient/123.")
    return target.id
