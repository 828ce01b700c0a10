"""Search parameters of the region: defined by a SearchParameter that is written, known to every server process, searched once full.

    write           guard: it must be understood; reaction: a row of `custom_parameter` for each of its types, with a number that is never
                    used again, a reindex run of those types, a new generation; all in the transaction of the write
    every process   looks at the generation, at most once a second (`keep_fresh`), and takes up what changed
    reindex         fills in what was stored before; until that is done a search by it is refused and told how far it is
    retirement, deletion    nobody searches by it from the next look on; a run takes its rows away

Why no row is missed. A process looks at the generation when a transaction is opened and again when it begins in the database, unless it
has looked within `EVERY_S`; so at either moment it knows all that was committed more than `EVERY_S` before. Let G be the moment a
definition was committed. Who makes index rows without knowing of it either

- began a transaction in the database before G + `EVERY_S` and made them within it; or
- made them before, to be written as one statement (`Tx.later`). That statement carries the generation the rows were made by and fails
  when it sees another; so it was begun before G.

The run that fills the index sees its own row at some moment S ≥ G, waits until S + `reindex.SETTLING_S`, which is longer than `EVERY_S`,
and until no transaction of ours that began before that is open. Only then it counts and reads resources, each under lock: what was
written without the rows it repairs, what is written later has them. The same holds for taking rows away. `EVERY_S` is measured by each
process's steady clock and S by the database's, so no two clocks are compared.

A definition that changes in what its rows depend on is a new parameter with a new number, and the old one is retired.
FHIR R4: http://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.errors import Conflict, Forbidden, InvalidResource
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.search import custom, parameters
from yilian.search.parameters import Parameter
from yilian.store import reindex
from yilian.store.change import Change, Written
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

EVERY_S = 1.0
LAST = 32_767
"""Numbers of parameters are smallints."""

KEEPERS = frozenset({"admin"})

NOW = """
select g.generation, exists (select from reindex_run where state in ('due', 'running')) as busy from parameter_generation g
"""
IN_FORCE = """
select c.id, c.base, c.definition, r.state, r.done, r.total
from custom_parameter c left join reindex_run r on r.id = c.run
where c.retired is null order by c.id
"""
WITHHOLDING = "select unnest(withheld) as kind, done, total from reindex_run where state in ('due', 'running') and withheld <> '{}'"
OF_RESOURCE = "select id, base, code, definition from custom_parameter where resource = $1 and retired is null order by id"
ANOTHERS = """
select c.base, c.code, r.id as owner from custom_parameter c join resource r on r.rid = c.resource
where c.retired is null and c.code = $1 and c.base = any($2::text[]) and (r.type, r.id) <> ($3, $4)
"""


# --- what a write does


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """A SearchParameter that asks to be searched by must be understood, and its codes free. Raises InvalidResource, Conflict, Forbidden."""
    for change in changes:
        if change.type != "SearchParameter":
            continue
        if scope.reach != "everything" and not scope.roles & KEEPERS:
            raise Forbidden(
                "Search parameters are kept by administrators.",
                zh="检索参数由系统管理员维护。",
                expression=change.place or "SearchParameter",
            )
        definition = change.resource
        if definition is None or not custom.is_live(definition):
            continue
        faults = custom.faults(definition)
        if faults:
            way_out = f"{faults[0].diagnostics} Stored with status draft it is kept and does nothing."
            raise InvalidResource(way_out, issues=[replace(faults[0], diagnostics=way_out), *faults[1:]])
        await _refuse_taken(tx, change, definition)


async def _refuse_taken(tx: Tx, change: Change, definition: Mapping[str, Any]) -> None:
    rows = await tx.fetch(ANOTHERS, definition["code"], definition["base"], type_id("SearchParameter"), change.id or "")
    for row in rows:
        raise Conflict(
            f"{row['base']} is searched by {row['code']!r} already, defined by SearchParameter/{row['owner']}; choose another code."
        )


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """Bring `custom_parameter` in step with SearchParameters just written, and have what that changes reindexed."""
    changed: dict[str, list[str]] = {}
    for done in written:
        if done.type == "SearchParameter" and not done.unchanged and (types := await _in_step(tx, done)):
            changed[done.id] = types
    if changed:
        types = sorted({kind for every in changed.values() for kind in every})
        run = await reindex.request(tx, types, "search parameters: " + ", ".join(sorted(changed)), settles=True)
        await tx.execute("update custom_parameter set run = $1 where run is null and retired is null", run)
        tx.after_commit.append(_seen.forget)


async def _in_step(tx: Tx, done: Written) -> list[str]:
    """Retire and add rows for one SearchParameter; returns the types whose resources are concerned."""
    wanted: dict[str, dict[str, Any]] = {}
    if done.resource is not None and custom.is_live(done.resource):
        wanted = dict.fromkeys(done.resource["base"], done.resource)
    rows = await tx.fetch(OF_RESOURCE, done.rid)
    if not wanted and not rows:
        return []
    kept = {row["base"] for row in rows if _is_kept(row, wanted.get(row["base"]))}
    if kept == wanted.keys() == {row["base"] for row in rows}:
        return []
    # Locked until the end of `tx`: numbers are given out by one writer at a time.
    knows = await tx.fetchval("update parameter_generation set generation = generation + 1 returning generation")
    tx.knows = knows if tx.knows else 0
    concerned: list[str] = []
    for row in rows:
        if row["base"] not in kept:
            await tx.execute("update custom_parameter set retired = now() where id = $1", row["id"])
            concerned.append(row["base"])
    for base, definition in wanted.items():
        if base in kept:
            continue
        number = await tx.fetchval("select greatest(max(id) + 1, $1) from custom_parameter", parameters.FIRST_OF_THE_REGION)
        if number > LAST:
            raise Conflict("All numbers for parameters of the region are used up; no further one can be defined.")
        text = msgspec.json.encode({key: definition[key] for key in KEPT if key in definition}).decode()
        await tx.execute(
            "insert into custom_parameter (id, base, code, resource, definition) values ($1, $2, $3, $4, $5)",
            number,
            base,
            definition["code"],
            done.rid,
            text,
        )
        concerned.append(base)
    return concerned


def _is_kept(row: Any, new: dict[str, Any] | None) -> bool:
    """Whether the parameter of this row stays as it is."""
    before = parse(row["definition"].encode())
    return new is not None and new["code"] == row["code"] and custom.essence(new) == custom.essence(before)


KEPT = ("url", "code", "base", "type", "expression", "target")


STANDING = """
select c.base, c.code, r.state, r.done, r.total from custom_parameter c left join reindex_run r on r.id = c.run
where c.resource = $1 and c.retired is null order by c.base
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a parameter of one type is. total: resources to be gone through; None before they were counted."""

    base: str
    code: str
    ready: bool
    done: int
    total: int | None


async def standing(tx: Tx, rid: int) -> list[Standing]:
    """What the SearchParameter with this key defines; nothing where it defines nothing that is searched by."""
    rows = await tx.fetch(STANDING, rid)
    return [Standing(row["base"], row["code"], row["state"] in (None, "done"), row["done"] or 0, row["total"]) for row in rows]


# --- what a process knows


@dataclass(slots=True)
class _Seen:
    """What this process has taken up: of which database, which generation, when (steady clock); parameters by number and refusal."""

    dsn: str = ""
    generation: int = 0
    at: float = float("-inf")
    known: dict[tuple[int, str], Parameter] = field(default_factory=dict)

    def forget(self) -> None:
        """Look again before the next transaction."""
        self.at = float("-inf")


_seen = _Seen()


def look_again() -> None:
    """What this process knows has turned out to be out of date. `Hooks.outdated`."""
    _seen.forget()


async def keep_fresh(tx: Tx) -> int:
    """Know in this process every parameter that was defined more than a second ago; returns the generation known. `Hooks.refresh`."""
    asked = time.monotonic()
    same = _seen.dsn == tx.db.dsn
    if same and asked - _seen.at < EVERY_S:
        return _seen.generation
    (row,) = await tx.ahead(NOW)  # the migration that made the table put one row into it
    generation, busy = row["generation"], row["busy"]
    if not same or generation != _seen.generation or busy or parameters.is_anything_refused_for_now():
        rows = await tx.ahead(IN_FORCE)
        waiting = await tx.ahead(WITHHOLDING)
        known = {}
        for one in rows:
            why = "" if one["state"] in (None, "done") else f"it is being taken up from what was stored before, {_share(one)} so far"
            definition = parse(one["definition"].encode())
            before = _seen.known.get((one["id"], why)) if same else None
            known[one["id"], why] = before or custom.parameter(one["id"], one["base"], definition, why)
        _seen.known = known
        parameters.use(
            list(known.values()), {one["kind"]: f"its index is being made anew, {_share(one)} so far; ask again later" for one in waiting}
        )
    _seen.dsn, _seen.generation, _seen.at = tx.db.dsn, generation, asked
    return int(generation)


async def look(db: Database) -> None:
    """The same before a request is read, when there is no connection yet. Raises Unavailable when the database is away."""
    if _seen.dsn != db.dsn or time.monotonic() - _seen.at >= EVERY_S:
        async with db.reading():
            pass  # which looks


def _share(row: Any) -> str:
    return f"{100 * row['done'] // row['total']} %" if row["total"] else "0 %"
