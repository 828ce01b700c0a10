"""Which profiles a resource is held against, and what becomes of what they find: refused, told as a warning, or not looked at.

Held against what it says of itself in `meta.profile`, and against what policy asks of its type. Policy data, each for the region or for one
institution and from a day on:

    validation.declared    refuse | warn | off: profiles a resource names and `validation.profiles` does not
    validation.profiles    canonical → refuse | warn | off
    validation.required    [{type, profile, where}]: asked of every resource of the type, or of those `where` (FHIRPath) is true of; refused
                           unless `validation.profiles` says otherwise
    validation.modifier_extensions   refuse | off: a modifierExtension nobody has defined

A profile that is named and not known here is a warning; one that is required, refused and not known is an error.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.errors import Conflict, InvalidResource, Issue
from yilian.fhir.path import PathError, compile
from yilian.validation import book

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope
    from yilian.store.write import Written

Json = dict[str, Any]
MODES = ("off", "warn", "refuse")
REQUIRED = "validation.required"
POLICIES = ("validation.declared", "validation.profiles", REQUIRED, "validation.modifier_extensions")
BREATH = 20
"""Resources after which other requests get a turn."""

counted: Counter[tuple[str, str]] = Counter()
"""(profile, met | warned | refused | unchecked) → how often in this process; profiles that are not known here are one, "unknown"."""

_BODY_MARK = b'"modifierExtension"'


@dataclass(frozen=True, slots=True)
class Rules:
    """What policy says, for one institution and day."""

    declared: str
    named: Mapping[str, str]
    required: Sequence[Mapping[str, str]]
    modifiers: str

    def mode(self, canonical: str, otherwise: str) -> str:
        return self.named.get(canonical) or self.named.get(canonical.partition("|")[0]) or otherwise


async def rules(tx: Tx, scope: Scope) -> Rules:
    """The rules for what this institution writes. Conflict where somebody has set what cannot be read, so that nothing slips through."""
    declared, named, required, modifiers = [await policy.value(tx, name, tx.now, scope.institution_rid or None) for name in POLICIES]
    sound = declared in MODES and isinstance(named, dict) and all(mode in MODES for mode in named.values()) and isinstance(required, list)
    if not sound or not all(
        isinstance(one, dict) and {"type", "profile"} <= one.keys() <= {"type", "profile", "where"} for one in required
    ):
        raise Conflict(
            "The policies validation.declared, .profiles and .required cannot be read; an administrator has to correct them.",
            zh="校验规则(validation.*)设置有误,请联系管理员。",
        )
    return Rules(declared, named, required, "off" if modifiers == "off" else "refuse")


def applicable(resource: Json, by: Rules) -> dict[str, tuple[str, bool]]:
    """Canonical → (warn or refuse, whether policy requires it), for one sound resource."""
    found: dict[str, tuple[str, bool]] = {}
    for canonical in (resource.get("meta") or {}).get("profile") or ():
        found[canonical] = (by.mode(canonical, by.declared), False)
    for one in by.required:
        if one["type"] != resource["resourceType"] or not _concerns(one, resource):
            continue
        mode = by.mode(one["profile"], "refuse")
        before = found.get(one["profile"], ("off", False))[0]
        found[one["profile"]] = (max(mode, before, key=MODES.index), mode != "off")
    return {canonical: how for canonical, how in found.items() if how[0] != "off"}


def _concerns(one: Mapping[str, str], resource: Json) -> bool:
    if "where" not in one:
        return True
    try:
        return compile(one["where"]).truth(resource) is True
    except PathError:
        return True  # the profile is asked of more than was meant, never of less


async def hold(tx: Tx, scope: Scope, resources: Sequence[Json]) -> dict[int, list[Issue]]:
    """What profiles say of sound resources that are about to be written: place in `resources` → issues. `Hooks.profiles`.

    Errors refuse the write. Nothing is asked of the database where no profile applies.
    """
    required = await policy.value(tx, REQUIRED, tx.now, scope.institution_rid or None)
    if not required and not any("profile" in (resource.get("meta") or ()) for resource in resources):
        return {}
    by = await rules(tx, scope)
    types = {one["type"] for one in by.required}
    told: dict[int, list[Issue]] = {}
    pages: book.Book | None = None
    for place, resource in enumerate(resources):
        if "profile" not in (resource.get("meta") or ()) and resource["resourceType"] not in types:
            continue
        if asked := applicable(resource, by):
            pages = pages or await book.current(tx)
            if issues := await judged(tx, pages, resource, asked, by, count=True):
                told[place] = issues
            if place % BREATH == 0:
                await asyncio.sleep(0)
    return told


async def judged(
    tx: Tx, pages: book.Book, resource: Json, asked: Mapping[str, tuple[str, bool]], by: Rules, *, count: bool = False
) -> list[Issue]:
    """The issues of one sound resource, with the severity its modes give them. With no profiles: of its extensions alone, as warnings,
    but for a modifierExtension nobody knows."""
    found = await book.look(tx, pages, resource, asked)
    strictest = max((mode for mode, _ in asked.values()), key=MODES.index, default="warn")
    issues: dict[Issue, None] = {}
    for canonical, some in found.items():
        mode, required = asked.get(canonical, (strictest, False))
        kept = [_as(issue, mode, required, by) for issue in some]
        issues.update(dict.fromkeys(kept))
        if count and canonical:
            counted[_counted(pages, canonical, kept)] += 1
    return list(issues)


def _as(issue: Issue, mode: str, required: bool, by: Rules) -> Issue:
    if issue.severity == "fatal":
        return replace(issue, severity="error" if by.modifiers == "refuse" else "warning")
    if mode == "warn" and issue.severity == "error":
        return replace(issue, severity="warning")
    unchecked = issue.severity == "warning" and issue.code in ("not-found", "not-supported") and " profile " in issue.diagnostics
    return replace(issue, severity="error") if unchecked and required and mode == "refuse" else issue


def _counted(pages: book.Book, canonical: str, issues: Sequence[Issue]) -> tuple[str, str]:
    known = pages.profiles.get(canonical)
    if known is None or isinstance(known, str):
        return ("unknown", "unchecked")
    severities = {issue.severity for issue in issues}
    return (canonical, "refused" if "error" in severities else "warned" if "warning" in severities else "met")


async def refuse_unknown_modifiers(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A modifierExtension has to be known by a definition: what it changes would be missed. For `Hooks.reactions`. Raises InvalidResource.

    The body is searched for the word, so resources without one cost nothing. http://hl7.org/fhir/R4/extensibility.html#modifierExtension
    """
    carrying = [one.resource for one in written if _BODY_MARK in one.body and not one.unchanged and one.resource is not None]
    if not carrying or (await rules(tx, scope)).modifiers == "off":
        return
    faults: list[Issue] = []
    pages = await book.current(tx)
    for resource in carrying:
        found = (await book.look(tx, pages, resource, ())).get("", [])
        faults += [replace(issue, severity="error") for issue in found if issue.severity == "fatal"]
    if faults:
        raise InvalidResource(faults[0].diagnostics, issues=faults)
