"""Resources of a transaction get the names their neighbours were given: `urn:uuid:…` and `Patient?identifier=…` become `Patient/123`.

FHIR R4: http://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from yilian.errors import InvalidResource, Issue, TooLarge
from yilian.fhir import references
from yilian.fhir.references import Conditional
from yilian.store import find
from yilian.store.entries import Entry
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MOST_CONDITIONAL = 2_000
"""Different conditional references in one transaction."""


Named = tuple[dict[str, Any], list[dict[str, Any]] | None]
"""A resource, and every Reference in it where that is known by now."""


async def renamed(
    tx: Tx, scope: Scope, entries: Sequence[Entry], to_do: Sequence[Entry], zone: tzinfo | None, base: str, *, own: bool = False
) -> dict[int, Named]:
    """Number → a copy of its resource with references to other entries and conditional references replaced, for those `to_do`.

    `own`: the resources are the caller's to give away; they are altered instead of copied. The ids of the entries are known by now.
    A relative reference in an entry that came from another server (its fullUrl says so) means that server's resource where the Bundle has
    it. Raises InvalidResource with the places of conditional references that find none or several.
    """
    names = {entry.full_url: f"{entry.type}/{entry.id}" for entry in entries if entry.full_url and entry.id and entry.method != "DELETE"}
    of_root: dict[str, dict[str, str]] = {}
    for entry in entries:
        if entry.root and entry.full_url in names and entry.root != base.rstrip("/"):
            of_root.setdefault(entry.root, {})[entry.full_url[len(entry.root) + 1 :]] = names[entry.full_url]
    found: dict[int, Named] = {}
    asking: list[Entry] = []
    for entry in to_do:
        if entry.resource is None:
            continue
        if entry.type == "Bundle":  # what stands in a stored Bundle is its sender's, and its fullUrls are its own
            found[entry.number] = (entry.resource, None)
            continue
        mapping = ChainMap(of_root[entry.root], names) if entry.root in of_root else names
        if own:
            there = references.rewritten(entry.resource, mapping)
            asks = any("?" in reference["reference"] for reference in there)
            found[entry.number] = (entry.resource, there)
        else:
            resource, asks, elsewhere = _copy(entry.resource, mapping)
            if elsewhere:
                references.rewrite(resource, mapping)
            found[entry.number] = (resource, None)
        if asks:
            asking.append(entry)
    if asking:
        answers = await _conditional(tx, scope, [(entry, found[entry.number][0]) for entry in asking], zone)
        for entry in asking:
            references.rewrite(found[entry.number][0], answers)
    return found


def _copy(resource: dict[str, Any], names: Mapping[str, str]) -> tuple[dict[str, Any], bool, bool]:
    """(copy, whether it has conditional references, whether names stand in other places too).

    One walk renames `reference`, which is all that most resources have; wherever else that key stands it holds a URI, for which the same
    rule is right. Names in other places are left to `references.rewrite`, which knows the definitions.
    """
    asks = elsewhere = False
    rename = names.get

    def of_object(node: dict[str, Any]) -> dict[str, Any]:
        nonlocal asks, elsewhere
        made = {}
        for key, value in node.items():
            kind = type(value)
            if kind is str:
                if key == "reference":
                    name = rename(value)
                    if name is not None:
                        value = name
                    elif "?" in value:
                        asks = True
                elif value in names or (key == "div" and "urn:" in value):
                    elsewhere = True
            elif kind is dict:
                value = of_object(value)
            elif kind is list:
                value = of_list(value)
            made[key] = value
        return made

    def of_list(items: list[Any]) -> list[Any]:
        nonlocal elsewhere
        made = []
        for item in items:
            kind = type(item)
            if kind is dict:
                item = of_object(item)
            elif kind is list:
                item = of_list(item)
            elif kind is str and item in names:
                elsewhere = True
            made.append(item)
        return made

    return of_object(resource), asks, elsewhere


async def _conditional(tx: Tx, scope: Scope, asking: Sequence[tuple[Entry, dict[str, Any]]], zone: tzinfo | None) -> dict[str, str]:
    """`Patient?identifier=…` → `Patient/123` for every such reference in these resources."""
    wanted: dict[str, Conditional] = {}
    for _, resource in asking:
        for text in _texts(resource):
            if "?" in text and text not in wanted and isinstance(target := references.parse(text), Conditional):
                wanted[text] = target
    if len(wanted) > MOST_CONDITIONAL:
        raise TooLarge(f"A transaction has at most {MOST_CONDITIONAL} conditional references; send it in parts.", expression="Bundle.entry")
    matches = await find.only_each(tx, scope, {text: (target.type, target.query) for text, target in wanted.items()}, zone=zone)
    faults = {text: match for text, match in matches.items() if isinstance(match, str)}
    if faults:
        issues = [
            Issue("error", "not-found", faults[reference["reference"]], f"{entry.place}.resource{place[len(entry.type) :]}.reference")
            for entry, resource in asking
            for place, reference in references.walk(resource)
            if reference["reference"] in faults
        ]
        raise InvalidResource(issues[0].diagnostics, issues=issues[:50])
    return {text: f"{match.type}/{match.id}" for text, match in matches.items() if not isinstance(match, str)}


def _texts(resource: dict[str, Any]) -> Iterable[str]:
    return (reference["reference"] for reference in references.found(resource))
