"""`value_set_code`: every value set that is finite, listed, so that a search for `code:in=` and FHIRPath's `memberOf` are one look-up.

What a value set depends on, directly or through others, is in `value_set_use`; when that changes the list is made again in the same
transaction, in a few statements. A set that cannot be listed here keeps the reason in `value_set_state`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from yilian.errors import YilianError
from yilian.fhir.json import parse
from yilian.terminology.compose import ACTIVE, members
from yilian.terminology.context import Context

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

MOST_CODES = 500_000
"""A larger value set is said to be too large to list."""

DEPENDENTS = """
with recursive touched (url) as (
    select x collate "C" from unnest($1::text[]) x
    union
    select v.url from touched t join value_set_use u on u.uses = t.url join value_set v on v.vs = u.vs
)
select url from touched
"""


async def renew(tx: Tx, changed: Collection[str]) -> None:
    """List again every value set that is one of these canonicals or depends on one of them."""
    if not changed:
        return
    urls = [row["url"] for row in await tx.fetch(DEPENDENTS, sorted(changed))]
    await tx.execute("delete from value_set_code where value_set = any($1)", urls)
    await tx.execute("delete from value_set_state where value_set = any($1)", urls)
    rows = await tx.fetch("select url, body from value_set where url = any($1) and answers", urls)
    sets = {row["url"]: parse(row["body"].encode()) for row in rows}
    states: dict[str, str | None] = dict.fromkeys(await _plain(tx, sets))
    for url, value_set in sets.items():
        if url not in states:
            states[url] = await _one(tx, url, value_set)
    await tx.execute(
        "insert into value_set_state (value_set, complete, reason) select x.url, x.reason is null, x.reason"
        " from unnest($1::text[], $2::text[]) x (url, reason)",
        list(states),
        list(states.values()),
    )


async def _one(tx: Tx, url: str, value_set: Json) -> str | None:
    """Write the codes of one value set. Returns why that is not all of them, None where it is."""
    context = Context(tx)
    try:
        found = await members(context, value_set)
    except YilianError as error:
        return str(error)
    if found.partial:
        return found.partial[0].diagnostics
    if not found.sql:
        return None
    active = f" where {ACTIVE}" if found.active_only else ""
    name, limit = found.args.add(url), found.args.add(MOST_CODES + 1)
    done = await tx.execute(
        f"insert into value_set_code (value_set, system, code) select {name}, m.system, m.code from ({found.sql}) m{active}"
        f" limit {limit} on conflict do nothing",
        *found.args.values,
    )
    if int(done.rsplit(" ", 1)[1]) > MOST_CODES:
        await tx.execute("delete from value_set_code where value_set = $1", url)
        return f"It has more than {MOST_CODES} codes."
    return None


async def _plain(tx: Tx, sets: dict[str, Json]) -> list[str]:
    """Write the codes of those that are whole systems and lists and nothing else, all in two statements. Returns which they were.

    Nine in ten are; when the server comes with 1,300 of them, one by one would take seconds.
    """
    parts = {url: plain for url, value_set in sets.items() if (plain := _plain_parts(value_set)) is not None}
    wanted = sorted({system for plain in parts.values() for system, _ in plain})
    rows = await tx.fetch("select url, cs, content, size from code_system where url = any($1) and answers", wanted)
    known = {row["url"]: row for row in rows}
    whole: list[tuple[str, str]] = []
    listed: list[tuple[str, str, str]] = []
    done: list[str] = []
    for url, plain in parts.items():
        systems = [known.get(system) for system, _ in plain]
        if any(s is None or s["content"] != "complete" or s["size"] > MOST_CODES // len(plain) for s in systems):
            continue  # the other way tells the reason, and takes lists from unknown systems at their word
        done.append(url)
        whole += [(url, system) for system, codes in plain if codes is None]
        listed += [(url, system, code) for system, codes in plain if codes is not None for code in codes]
    await tx.execute(
        "insert into value_set_code (value_set, system, code) select w.value_set, w.system, c.code"
        " from unnest($1::text[], $2::text[]) w (value_set, system) join code_system s on s.url = w.system and s.answers"
        " join code_system_concept c on c.cs = s.cs on conflict do nothing",
        [url for url, _ in whole],
        [system for _, system in whole],
    )
    await tx.execute(
        "insert into value_set_code (value_set, system, code) select w.value_set, w.system, w.code"
        " from unnest($1::text[], $2::text[], $3::text[]) w (value_set, system, code)"
        " join code_system s on s.url = w.system and s.answers join code_system_concept c on c.cs = s.cs and c.code = w.code"
        " on conflict do nothing",
        *([row[column] for row in listed] for column in range(3)),
    )
    return done


def _plain_parts(value_set: Json) -> list[tuple[str, list[str] | None]] | None:
    """(system, listed codes or None for all of it) of each include; None for a value set that is more than that."""
    compose = value_set.get("compose") or {}
    if "exclude" in compose or compose.get("inactive") is False or not compose.get("include"):
        return None
    found: list[tuple[str, list[str] | None]] = []
    for part in compose["include"]:
        if type(part.get("system")) is not str or not part.keys() <= {"system", "concept", "extension", "id"}:
            return None
        found.append((part["system"], [str(one.get("code")) for one in part["concept"]] if part.get("concept") else None))
    return found
