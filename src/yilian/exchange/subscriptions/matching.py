"""Whether a change is an event of a subscription. Pure.

For a trigger everything it says must hold; of the triggers of a topic, one; of the filters of a type, all. A deletion is held against what
was there before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Literal

from yilian.errors import NotSupported
from yilian.exchange.subscriptions.definition import Definition, search_of
from yilian.exchange.subscriptions.topics import ANY, Trigger, catalogue
from yilian.fhir.json import parse
from yilian.search.extract import extract
from yilian.search.match import matches
from yilian.search.query import Query
from yilian.search.rows import IndexRows
from yilian.store.members import names_patients, widened

Interaction = Literal["create", "update", "delete"]
ON_MATCH = frozenset({"create", "update"})
"""What R4's own criteria tell of: http://hl7.org/fhir/R4/subscription.html#2.46.3"""


@dataclass(slots=True)
class Happened:
    """One change. Whoever asks first has it parsed and its index rows made; the others find them.

    resource  after the change, None for a deletion; before: body of the version before, None for a new one
    linked    records of the person it is about, each with those it is linked to (`store.members.linked`): who is named by one of them is
              told of all
    """

    interaction: Interaction
    resource: dict[str, Any] | None
    before: bytes | None
    now: datetime
    linked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _previous: dict[str, Any] | None = None
    _rows: dict[bool, IndexRows] = field(default_factory=dict)

    def previous(self) -> dict[str, Any] | None:
        if self._previous is None and self.before:
            self._previous = parse(self.before)
        return self._previous

    def matches(self, query: Query, *, after: bool) -> bool:
        """Whether the resource after the change, or before it, matches."""
        resource = self.resource if after else self.previous()
        if resource is None:
            return False
        if not query.clauses:
            return bool(resource["resourceType"] == query.type)
        rows = self._rows.get(after)
        if rows is None:
            rows = self._rows[after] = extract(resource)
        return matches(widened(query, self.linked) if self.linked else query, resource, now=self.now, rows=rows)


@dataclass(frozen=True, slots=True)
class Occasion:
    """A trigger for one type, its searches understood."""

    trigger: Trigger
    current: Query | None
    previous: Query | None

    def holds(self, happened: Happened) -> bool:
        trigger, interaction = self.trigger, happened.interaction
        if interaction not in trigger.on:
            return False
        if interaction == "update" and trigger.changes:
            old, new = happened.previous() or {}, happened.resource or {}
            if all(old.get(name) == new.get(name) for name in trigger.changes):
                return False
        if self.previous is not None:
            fits = trigger.new if interaction == "create" else happened.matches(self.previous, after=False)
            if not fits:
                return False
        if self.current is None:
            return True
        return trigger.gone if interaction == "delete" else happened.matches(self.current, after=True)


@dataclass(frozen=True, slots=True)
class Watch:
    """One subscription, for changes of one type. `subscription` is the rid of the Subscription."""

    subscription: int
    occasions: tuple[Occasion, ...]
    filters: tuple[Query, ...]

    @property
    def names_patients(self) -> bool:
        """Whether who is told hangs on who is linked to whom."""
        asked = [query for one in self.occasions for query in (one.current, one.previous) if query is not None]
        return any(names_patients(query) for query in (*self.filters, *asked))

    def is_met(self, happened: Happened) -> bool:
        after = happened.interaction != "delete"
        return any(one.holds(happened) for one in self.occasions) and all(happened.matches(query, after=after) for query in self.filters)


def watches(subscription: int, definition: Definition, zone: tzinfo) -> dict[str, Watch]:
    """Type → what is watched there. Raises BadRequest or NotSupported when a search is not understood any more."""
    topic = catalogue().get(definition.topic)
    if definition.topic and topic is None:
        raise NotSupported(f"There is no topic {definition.topic[:200]!r} any more.")
    triggers = topic.triggers if topic is not None else (Trigger(ANY, ON_MATCH),)
    found = {}
    for kind in definition.types():
        occasions = tuple(
            Occasion(
                one,
                search_of(kind, one.current, zone) if one.current else None,
                search_of(kind, one.previous, zone) if one.previous else None,
            )
            for one in triggers
            if one.type in (kind, ANY)
        )
        filters = tuple(search_of(kind, text, zone) for named, text in definition.filters if named == kind)
        found[kind] = Watch(subscription, occasions, filters)
    return found
