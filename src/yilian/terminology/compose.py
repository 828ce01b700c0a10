"""What a value set is made of, as one SQL query whose rows are its members.

Columns: part (which include), system (url), cs (its key, null where the system is not known here), code, nth (place within the part).
A value set that imports others has their queries inside its own. Nothing is listed in Python but what the definition itself lists, so a
value set over a hundred thousand codes costs no more than the page that is asked of it.

FHIR R4: http://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yilian.errors import InvalidResource, Issue, NotFound
from yilian.search.conditions import Args
from yilian.terminology import filters
from yilian.terminology.context import Context, Json, System, unknown_value_set
from yilian.terminology.grammars import GRAMMARS
from yilian.terminology.trouble import issue

DEEPEST = 16
MOST_PARTS = 500


@dataclass(slots=True)
class Members:
    """A value set ready to be asked.

    sql      the query; "" when it has no member at all
    args     its parameters; what is added to the query adds to them
    given    (system, code) → what the definition itself says of a code it lists (display, designations, extensions)
    nested   whether its hierarchy may be shown: every part is a whole system or a filter on one
    single   whether no code can come twice
    partial  why members may be missing: systems of which only a part is held here
    open     systems that are a grammar and belong as a whole: their members are known when one sees them, but not listed
    active_only  whether the definition leaves out what is inactive
    """

    sql: str
    args: Args
    given: dict[tuple[str, str], Json] = field(default_factory=dict)
    nested: bool = True
    single: bool = True
    partial: list[Issue] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    active_only: bool = False


async def members(context: Context, value_set: Json) -> Members:
    """Read a ValueSet. Raises NotFound for an import or a system that is unknown, InvalidResource for what cannot be carried out."""
    found = Members("", Args())
    found.sql = await _value_set(context, value_set, found, ())
    compose = value_set.get("compose")
    found.active_only = type(compose) is dict and compose.get("inactive") is False
    return found


async def _value_set(context: Context, value_set: Json, found: Members, above: tuple[str, ...]) -> str:
    compose = value_set.get("compose")
    if type(compose) is not dict or not _list(compose.get("include")):
        compose = {"include": _of_expansion(value_set)}
    includes, excludes = _list(compose.get("include")), _list(compose.get("exclude"))
    if len(includes) + len(excludes) > MOST_PARTS:
        raise InvalidResource(f"A value set has at most {MOST_PARTS} includes and excludes.", expression="ValueSet.compose")
    contained = {"#" + str(one.get("id")): one for one in _list(value_set.get("contained")) if one.get("resourceType") == "ValueSet"}
    outer, context.given = context.given, {**context.given, **contained}
    try:
        parts = [
            await _part(context, part, number, found, above, f"ValueSet.compose.include[{number}]") for number, part in enumerate(includes)
        ]
        without = [
            await _part(context, part, number, found, above, f"ValueSet.compose.exclude[{number}]", leaving_out=True)
            for number, part in enumerate(excludes)
        ]
    finally:
        context.given = outer
    if len(parts) > 1:
        found.single = False
    if found.open and excludes:
        raise _endless("Codes cannot be left out of a system that cannot be listed.", "ValueSet.compose.exclude")
    sql = " union all ".join(parts)
    inactive = "" if compose.get("inactive") is not False or not above else " and " + ACTIVE
    if not any(without) and not inactive:
        return sql
    left_out = "".join(f" and not exists (select from ({x}) x where x.system = m.system and x.code = m.code)" for x in without if x)
    return f"select m.part, m.system, m.cs, m.code, m.nth from ({sql}) m where true{left_out}{inactive}"


ACTIVE = "not exists (select from code_system_concept i where i.cs = m.cs and i.code = m.code and i.inactive)"


async def _part(
    context: Context, part: Json, number: int, found: Members, above: tuple[str, ...], place: str, *, leaving_out: bool = False
) -> str:
    url = part.get("system")
    imports = [canonical for canonical in part.get("valueSet") or () if type(canonical) is str]
    open_before = len(found.open)
    sets = [await _import(context, canonical, found, above, place) for canonical in imports]
    if len(found.open) > open_before and (leaving_out or len(sets) > 1 or url is not None):
        raise _endless(f"{place} takes a part of a system that cannot be listed.", place)
    if type(url) is not str:
        if not sets:
            raise InvalidResource(f"{place} names neither a system nor a value set.", expression=place)
        found.nested = False
        sql = f"select {number} as part, m.system, m.cs, m.code, m.nth from ({sets[0]}) m where true" + _also_in(sets[1:])
        found.single = False
        return sql
    version = str(part.get("version") or "")
    system = await context.system(url, version)
    listed = _list(part.get("concept"))
    context.used_systems.setdefault(url + (f"|{version}" if version else ""), system)
    if system is None and url in GRAMMARS and not listed and not part.get("filter") and not sets and not leaving_out:
        found.open.add(url)
        found.partial.append(issue("too-costly", "too-costly", f"{url} has codes without end, so they cannot be listed.", expression=place))
        return f"select {number} as part, null::text as system, null::int as cs, null::text as code, 0 as nth where false"
    if listed:
        sql = _listed(listed, url, system, number, found, leaving_out=leaving_out)
    else:
        sql = _of_system(part, url, version, system, number, found, place)
    return f"select m.part, m.system, m.cs, m.code, m.nth from ({sql}) m where true{_also_in(sets)}" if sets else sql


def _listed(listed: Sequence[Json], url: str, system: System | None, number: int, found: Members, *, leaving_out: bool) -> str:
    """Codes the definition names. Those a complete system does not have are no members; of others it is taken at its word."""
    codes = [str(one.get("code")) for one in listed]
    if not leaving_out:
        found.nested = False
        if len(set(codes)) < len(codes):
            found.single = False
        for one in listed:
            if len(one) > 1:
                found.given.setdefault((url, str(one.get("code"))), one)
    args = found.args
    rows = f"unnest({args.add(codes)}::text[]) with ordinality e (code, nth)"
    where = ""
    if system is not None and system.is_whole:
        rows += f" join code_system_concept c on c.cs = {system.cs} and c.code = e.code"
    cs = f"{system.cs}" if system is not None else "null"
    return f"select {number} as part, {args.add(url)}::text as system, {cs}::int as cs, e.code, e.nth::int as nth from {rows}{where}"


def _of_system(part: Json, url: str, version: str, system: System | None, number: int, found: Members, place: str) -> str:
    """All of a system, or what filters leave of it."""
    named = f"{url}|{version}" if version else url
    if system is None:
        text = f"A definition for CodeSystem '{named}' could not be found, so the value set cannot be listed."
        told = issue("not-found", "not-found", text, expression=place, zh=f"没有编码系统 {named} 的内容,无法列出值集。")
        raise UnknownSystem(text, issues=[told], url=named)
    if system.content == "supplement":
        raise InvalidResource(f"{named} is a supplement; a value set takes codes from the system it adds to.", expression=place)
    if not system.is_whole:
        text = f"Only a part ({system.content}) of {named} is held here; members are missing."
        found.partial.append(issue("incomplete", "not-found", text, expression=place))
    conditions = [filters.condition(one, system, found.args, f"{place}.filter[{nth}]") for nth, one in enumerate(part.get("filter") or ())]
    if part.get("filter") and found.nested:
        found.nested = any(one.get("op") in ("is-a", "descendent-of") for one in part["filter"])
    where = "".join(f" and {one}" for one in conditions)
    return (
        f"select {number} as part, {found.args.add(url)}::text as system, c.cs, c.code, c.nth from code_system_concept c"
        f" where c.cs = {system.cs}{where}"
    )


async def _import(context: Context, canonical: str, found: Members, above: tuple[str, ...], place: str) -> str:
    if canonical in above or len(above) > DEEPEST:
        text = f"The value set {canonical} is made of itself, or of too many others inside each other."
        raise InvalidResource(text, issues=[issue("processing", "vs-invalid", text, expression=place)])
    value_set = await context.value_set(canonical)
    if value_set is None:
        told = unknown_value_set(canonical)
        raise UnknownValueSet(told.diagnostics, issues=[told])
    if not canonical.startswith("#"):
        context.used_value_sets[_canonical(value_set)] = None
    return await _value_set(context, value_set, found, (*above, canonical))


class UnknownSystem(NotFound):
    """A value set takes codes from a system that is not held here."""

    def __init__(self, diagnostics: str, *, issues: Sequence[Issue], url: str) -> None:
        super().__init__(diagnostics, issues=issues)
        self.url = url


class UnknownValueSet(NotFound):
    """A value set imports one that is not known here."""


def _endless(text: str, place: str) -> InvalidResource:
    return InvalidResource(text, issues=[issue("too-costly", "too-costly", text, expression=place)])


def _also_in(sets: Sequence[str]) -> str:
    return "".join(f" and exists (select from ({x}) x where x.system = m.system and x.code = m.code)" for x in sets)


def _of_expansion(value_set: Json) -> list[Json]:
    """Includes that say what a stored expansion lists, for value sets that have nothing else."""
    by_system: dict[tuple[str, str], list[Json]] = {}
    pending = _list((value_set.get("expansion") or {}).get("contains"))
    while pending:
        one = pending.pop(0)
        pending = [*_list(one.get("contains")), *pending]
        if type(one.get("system")) is str and type(one.get("code")) is str and not one.get("abstract"):
            kept: Json = {key: one[key] for key in ("code", "display", "designation") if key in one}
            by_system.setdefault((one["system"], str(one.get("version") or "")), []).append(kept)
    return [{"system": s, "concept": listed} | ({"version": v} if v else {}) for (s, v), listed in by_system.items()]


def _canonical(value_set: Json) -> str:
    version = value_set.get("version")
    return f"{value_set.get('url', '')}|{version}" if version else str(value_set.get("url", ""))


def _list(value: Any) -> list[Json]:
    return [one for one in value if type(one) is dict] if type(value) is list else []
