"""ValueSet/$expand: which codes a value set has, with their names.

The members are asked of the database page by page; more than `MOST` at once is too costly, as is a system that is held only in part and
not asked by a filter. A hierarchy is shown where there is one, unless the caller pages, filters by text or wants it flat.
FHIR R4: http://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yilian.errors import TooLarge, YilianError
from yilian.search.folding import fold
from yilian.terminology import languages, shown
from yilian.terminology.compose import ACTIVE, Members, members
from yilian.terminology.context import Context
from yilian.terminology.languages import NO_WISH, Wish
from yilian.terminology.reading import Concept, of_row, supplement
from yilian.terminology.trouble import issue

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx

Json = dict[str, Any]
MOST = 10_000
MOST_WORDS = 10
SUPPLEMENT_IN_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the expansion shall look. Names are those of R4's parameters; `properties` and `supplements` are R5's.

    text      words to find, "" for no filter
    versions, forced, checked   url → version of code systems, see Context
    selectable  leave out what only groups others
    echo      the parameters as they came, for the answer
    header    Accept-Language, used where nothing nearer says a language
    """

    text: str = ""
    offset: int = 0
    count: int | None = None
    active_only: bool = False
    nested: bool = True
    designations: bool = False
    which_designations: tuple[str, ...] = ()
    definition: bool = False
    language: Wish = NO_WISH
    header: Wish = NO_WISH
    properties: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)
    selectable: bool = False
    echo: tuple[Json, ...] = ()

    @property
    def pages(self) -> bool:
        return self.count is not None or self.offset > 0


async def expand(tx: Tx, value_set: Json | str, wanted: Wanted, *, given: Mapping[str, Json] | None = None) -> Json:
    """The ValueSet with its expansion. `value_set`: the resource, or the canonical of one; `given`: others that came along, by url.

    Raises NotFound for what is unknown, TooLarge (too-costly) for more than `MOST` codes at once, InvalidResource for a definition that
    cannot be carried out.
    """
    context = Context(tx, dict(given or {}), versions=wanted.versions, forced=wanted.forced, checked=wanted.checked)
    value_set = await context.require_value_set(value_set)
    await context.add_supplements((*wanted.supplements, *supplements_of(value_set)))
    made_of = await members(context, value_set)
    if made_of.open:
        raise _too_many(
            f"{', '.join(sorted(made_of.open))} has codes without end, so the value set cannot be listed; validate codes instead."
        )
    rows, total = await _page(context, made_of, wanted) if made_of.sql else ([], 0)
    concepts = await _concepts(context, rows)
    language = wanted.language or languages.of_value_set(value_set) or wanted.header or _own_language(value_set)
    entries = [shown.entry(dict(row), concepts[row["system"], row["code"]], made_of, wanted, language) for row in rows]
    if wanted.nested and made_of.nested and not wanted.pages and not wanted.text:
        entries = await _nested(context, rows, entries)
    return shown.answer(context, value_set, entries, total, wanted, language, made_of)


async def _page(context: Context, made_of: Members, wanted: Wanted) -> tuple[list[asyncpg.Record], int]:
    """The rows of the page in order, and how many there are in all."""
    args = made_of.args
    where = []
    if wanted.active_only or made_of.active_only:
        where.append(ACTIVE)
    if wanted.selectable:
        where.append(ACTIVE.replace("inactive", "abstract"))
    if wanted.text:
        where.append(_found_by(wanted.text, context, made_of))
    condition = f" where {' and '.join(where)}" if where else ""
    sql = f"select m.part, m.system, m.cs, m.code, m.nth from ({made_of.sql}) m{condition}"
    if not made_of.single:
        sql = f"select distinct on (d.system, d.code) d.* from ({sql}) d order by d.system, d.code, d.part, d.nth"
    if wanted.count == 0:
        return [], await context.tx.fetchval(f"select count(*) from ({sql}) n", *args.values)
    if wanted.count is not None and wanted.count > MOST:
        raise _too_many(f"A page has at most {MOST:,} codes; ask for fewer with count.")
    # A whole system, or one filter on it, is read in its own order as far as the page goes, and counted apart.
    kept = "not " if made_of.single and not wanted.text else ""
    limit = args.add(MOST + 1 if wanted.count is None else wanted.count)
    rows = await context.tx.fetch(
        f"""
        with all_of_it as {kept}materialized ({sql}),
        page as (select * from all_of_it order by part, nth, system, code limit {limit} offset {args.add(wanted.offset)})
        select p.part, p.system, p.cs, p.code, p.nth, c.display, coalesce(c.inactive, false) as inactive,
               coalesce(c.abstract, false) as abstract, c.detail, (select count(*) from all_of_it) as total
        from page p left join code_system_concept c on c.cs = p.cs and c.code = p.code order by p.part, p.nth, p.system, p.code
        """,
        *args.values,
    )
    if len(rows) > MOST:
        raise _too_many(f"The value set has {rows[0]['total']:,} codes; ask for a page (count, offset) or filter by text.")
    if rows or not wanted.offset:
        return rows, rows[0]["total"] if rows else 0
    return rows, await context.tx.fetchval(f"select count(*) from ({sql}) n", *args.values[:-2])


def _found_by(text: str, context: Context, made_of: Members) -> str:
    """Every word somewhere in the code, a name, or the pinyin of one: read along the texts of the systems concerned.

    R4 leaves to the server what a text filter means.
    """
    words = fold(text).split()[:MOST_WORDS] or [fold(text)]
    args = made_of.args
    systems = args.add(sorted({system.cs for system in context.found.values() if system is not None}))
    likes = [args.add("%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%") for word in words]
    own = [pair for pair, one in made_of.given.items() if all(any(word in line for line in _lines(pair[1], one)) for word in words)]
    listed = [args.add([pair[column] for pair in own]) for column in (0, 1)]
    here = " and ".join(f"t.value like {like}" for like in likes)
    bare = " and ".join(f"lower(m.code) like {like}" for like in likes)
    return (
        f"((m.cs, m.code) in (select t.cs, t.code from code_system_text t where t.cs = any({systems}::int[]) and {here})"
        f" or (m.system, m.code) in (select s, c from unnest({listed[0]}::text[], {listed[1]}::text[]) u (s, c))"
        f" or (m.cs is null and {bare}))"
    )


def _lines(code: str, given: Json) -> list[str]:
    """What the value set itself calls a code."""
    texts = [code, given.get("display"), *(one.get("value") for one in given.get("designation") or ())]
    return [fold(text) for text in texts if type(text) is str]


async def _concepts(context: Context, rows: Sequence[asyncpg.Record]) -> dict[tuple[str, str], Concept | None]:
    """The concept of each row; None for a code that is listed but not held here."""
    systems = {system.cs: system for system in context.used_systems.values() if system is not None}
    systems |= {system.cs: system for system in context.found.values() if system is not None}
    found: dict[tuple[str, str], Concept | None] = {}
    by_system: dict[int, dict[str, Concept]] = {}
    for row in rows:
        system = systems.get(row["cs"])
        one = of_row(system, row) if system is not None else None
        found[row["system"], row["code"]] = one
        if one is not None:
            by_system.setdefault(row["cs"], {})[one.code] = one
    if context.supplements:
        for cs, concepts in by_system.items():
            await supplement(context, systems[cs], concepts)
    return found


async def _nested(context: Context, rows: Sequence[asyncpg.Record], entries: Sequence[Json]) -> list[Json]:
    """Each entry inside its nearest parent that is itself a member; the first parent where a code has several."""
    above = await context.tx.fetch(
        "select p.cs, p.code, min(c.nth) as nth from code_system_parent p join code_system_concept c on c.cs = p.cs and c.code = p.parent"
        " where p.cs = any($1) and (p.cs, p.parent) in (select * from unnest($2::int[], $3::text[])) group by p.cs, p.code",
        sorted({row["cs"] for row in rows}),
        [row["cs"] for row in rows],
        [row["code"] for row in rows],
    )
    parent = {(row["cs"], row["code"]): (row["cs"], row["nth"]) for row in above}
    by_place = {(row["cs"], row["nth"]): entry for row, entry in zip(rows, entries, strict=True)}
    top: list[Json] = []
    for row, entry in zip(rows, entries, strict=True):
        place = parent.get((row["cs"], row["code"]))
        # A parent stands before its children; one that does not would close a circle, and the entry stays on top.
        inside = by_place.get(place) if place is not None and place[1] < row["nth"] else None
        (top if inside is None else inside.setdefault("contains", [])).append(entry)
    return top


def supplements_of(value_set: Json) -> list[str]:
    return [
        str(one["valueCanonical"])
        for one in value_set.get("extension") or ()
        if one.get("url") == SUPPLEMENT_IN_VALUE_SET and "valueCanonical" in one
    ]


def _own_language(value_set: Json) -> Wish:
    return languages.wish(str(value_set.get("language") or ""), strict=False)


def _too_many(text: str) -> YilianError:
    return TooLarge(text, issues=[issue("too-costly", "too-costly", text, zh="值集过大,请分页或输入关键词筛选。")])
