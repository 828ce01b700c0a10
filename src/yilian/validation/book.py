"""What this process knows of definitions: profiles made ready, extensions, and whether codes belong to value sets.

One book for each generation of definitions. The generation is a number in the database that every write of a StructureDefinition,
ValueSet or CodeSystem changes (`definitions.follow`); it is read whenever something is to be held against a profile, so all processes
agree at once. A number is never used again, not even after a rollback: what a transaction saw of its own writes is never taken for what
was committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yilian.errors import Issue, YilianError
from yilian.fhir.json import parse
from yilian.fhir.path.items import root_item
from yilian.terminology import is_member
from yilian.validation import shipped
from yilian.validation.conformance import Run
from yilian.validation.extensions import check as check_extensions
from yilian.validation.snapshot import CORE, Node, Unusable, _structures, tree, uses_snapshot

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]
MOST = 20_000
"""Definitions and answers kept; who asks for ever new ones makes the book start anew."""

ROUNDS = 60
"""How often a resource is gone through at most: once for each step of the way from a profile to what it rests on."""

GENERATION = "select generation from definition_generation"
FIND = """
select d.url, d.version, r.body from profile_definition d join resource r on r.rid = d.rid
where d.url = any($1::text[]) and not r.deleted
"""


@dataclass(slots=True)
class Book:
    """definitions: canonical → StructureDefinition, None where there is none. profiles: canonical → tree, or why it cannot be used."""

    dsn: str
    generation: int
    definitions: dict[str, Json | None] = field(default_factory=dict)
    profiles: dict[str, Node | str | None] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], bool | None] = field(default_factory=dict)

    def definition(self, canonical: str, wanted: set[tuple[str, ...]]) -> Json | None:
        """A StructureDefinition; None where there is none, or where that has to be found out first (it is then in `wanted`)."""
        if canonical not in self.definitions:
            wanted.add(("definition", canonical))
            return None
        return self.definitions[canonical]

    def profile(self, canonical: str, wanted: set[tuple[str, ...]]) -> Node | str | None:
        """The tree of a profile; words where it cannot be used; None where it is unknown, so far or at all."""
        if canonical in self.profiles:
            return self.profiles[canonical]
        layers: list[Json] = []
        missing: set[tuple[str, ...]] = set()
        found = self.definition(canonical, missing)
        result: Node | str | None = None
        url = canonical
        while found is not None:
            layers.append(found)
            if found.get("derivation") != "constraint" or len(layers) > ROUNDS // 2:
                result = "it is no constraint of a type of R4"
                break
            url = str(found.get("baseDefinition", ""))
            if uses_snapshot(found) or url.removeprefix(CORE) in _structures:
                result = _made(layers)
                break
            found = self.definition(url, missing)
            if found is None and not missing and (layers[-1].get("snapshot") or {}).get("element"):
                result = _made(layers)
                break
        if missing:
            wanted |= missing
            return None
        if result is None and layers:
            result = f"its base {url} is not known here"
        self.profiles[canonical] = result
        return result

    async def find_out(self, tx: Tx, wanted: Iterable[tuple[str, ...]]) -> None:
        """Answer what a run wanted to know."""
        if len(self.definitions) + len(self.answers) > MOST:
            self.definitions.clear()
            self.profiles.clear()
            self.answers.clear()
        canonicals = [key[1] for key in wanted if key[0] == "definition"]
        if canonicals:
            rows = await tx.ahead(FIND, sorted({canonical.partition("|")[0] for canonical in canonicals}))
            for canonical in canonicals:
                self.definitions[canonical] = _chosen(canonical, rows)
        for key in wanted:
            if key[0] == "member":
                try:
                    self.answers[key[1:]] = await is_member(tx, *key[1:])  # type: ignore[index]
                except YilianError:
                    self.answers[key[1:]] = None  # type: ignore[index]


def _made(layers: list[Json]) -> Node | str:
    try:
        return tree(layers[::-1])
    except Unusable as reason:
        return str(reason)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return "its definition is not readable"


def _chosen(canonical: str, rows: Iterable[Any]) -> Json | None:
    """The region's own before what comes with the server; of several versions the one asked for, else active ones first, the newest."""
    url, _, version = canonical.partition("|")
    mine = [(row["version"], parse(row["body"].encode())) for row in rows if row["url"] == url]
    if not mine and (one := shipped.definition(url)) is not None:
        mine = [(str(one.get("version", "")), one)]
    mine = [one for one in mine if not version or one[0] == version]
    return max(mine, key=lambda one: (one[1].get("status") == "active", _numbers(one[0])), default=("", None))[1]


def _numbers(version: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdigit() and len(part) < 10 else (-1, part) for part in version.split("."))


_book: list[Book] = []


async def current(tx: Tx) -> Book:
    """The book of the generation the database is at."""
    rows = await tx.ahead(GENERATION)
    generation = rows[0][0]
    if not _book or _book[0].generation != generation or _book[0].dsn != tx.db.dsn:
        _book[:] = [Book(tx.db.dsn, generation)]
    return _book[0]


async def look(tx: Tx, book: Book, resource: Json, profiles: Iterable[str], *, extensions: bool = True) -> dict[str, list[Issue]]:
    """Hold a sound resource against profiles: canonical → what was found; under "" what its extensions' definitions say."""
    root = root_item(resource)
    names = list(profiles)
    for _ in range(ROUNDS):
        wanted: set[tuple[str, ...]] = set()
        found: dict[str, list[Issue]] = {}
        for canonical in names:
            run = Run(book, root)
            run.check(root, canonical)
            found[canonical] = list(run.issues)
            wanted |= run.wanted
        if extensions:
            run = Run(book, root)
            check_extensions(run)
            found[""] = list(run.issues)
            wanted |= run.wanted
        if not wanted:
            return found
        await book.find_out(tx, wanted)
    told = Issue(
        "warning",
        "too-costly",
        f"{root.type}: The definitions it rests on lead too far; it was not checked to the end.",
        root.type,
        "规范引用过深,未检查完。",
    )
    found.setdefault("", []).append(told)
    return found
