"""The questions other rooms ask: which codes, is this one of them, is it a kind of that. For validation and for FHIRPath.

Read in the caller's transaction. A value set that is listed is one look-up; the others are asked as `$validate-code` asks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.errors import NotFound, NotSupported, YilianError
from yilian.terminology import lookup
from yilian.terminology.compose import members
from yilian.terminology.context import Context
from yilian.terminology.validate import member

if TYPE_CHECKING:
    from yilian.db import Tx


async def codes_in(tx: Tx, value_set: str) -> frozenset[tuple[str, str]]:
    """Every (system, code) of a value set, by its canonical (a version behind | is heeded).

    Raises NotFound for an unknown value set, NotSupported with the reason for one that cannot be listed here.
    """
    url, _, version = value_set.partition("|")
    state = await tx.fetchrow("select complete, reason from value_set_state where value_set = $1", url) if not version else None
    if state is not None and state["complete"]:
        rows = await tx.fetch("select system, code from value_set_code where value_set = $1", url)
        return frozenset((row["system"], row["code"]) for row in rows)
    if state is not None:
        raise NotSupported(f"The value set {url} cannot be listed: {state['reason']}")
    context = Context(tx)
    found = await context.value_set(value_set)
    if found is None:
        raise NotFound(f"The value set {value_set} is not known here.")
    made_of = await members(context, found)
    if made_of.partial:
        raise NotSupported(f"The value set {value_set} cannot be listed: {made_of.partial[0].diagnostics}")
    rows = await tx.fetch(f"select distinct m.system, m.code from ({made_of.sql}) m", *made_of.args.values) if made_of.sql else []
    return frozenset((row["system"], row["code"]) for row in rows)


LISTED = """
select s.complete, exists (
    select from value_set_code c where c.value_set = s.value_set and c.code = $2 and (c.system = $3 or $3 = '')) as found
from value_set_state s where s.value_set = $1
"""


async def is_member(tx: Tx, value_set: str, system: str, code: str) -> bool | None:
    """Whether the code belongs. None where that cannot be told: the value set, or a system it takes codes from, is not held here.

    `system` "" asks for the code in whatever system the value set has (elements of type code).
    """
    url, _, version = value_set.partition("|")
    if not version:
        row = await tx.fetchrow(LISTED, url, code, system)
        if row is None:
            return None
        if row["complete"]:
            return bool(row["found"])
    context = Context(tx)
    found = await context.value_set(value_set)
    if found is None:
        return None
    try:
        made_of = await members(context, found)
    except YilianError:
        return None
    for one in (system,) if system else (*made_of.open, *(s.url for s in context.found.values() if s is not None)):
        if await member(context, made_of, one, code) is not None:
            return True
    missing = [one for one in made_of.partial if one.code != "too-costly"]
    return None if missing else False


async def subsumes(tx: Tx, system: str, a: str, b: str, *, version: str = "") -> str | None:
    """equivalent, subsumes (b is an a), subsumed-by or not-subsumed; None where the system or one of the codes is not held here."""
    found = await Context(tx).system(system, version)
    if found is None:
        return None
    try:
        return await lookup.subsumes(tx, found, a, b)
    except NotFound:
        return None
