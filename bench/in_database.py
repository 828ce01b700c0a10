"""Our own SQL inside PostgreSQL, beside reads by key in the same minute.

Client, connection and state are alike for all: asyncpg on uvloop, one connection, each text of a statement prepared once and asked often
enough to have settled on its plan, as on a connection of the server. Questions and the reads they are compared with take turns, several
rounds; times run from sending to the last row decoded, and the median counts.

A page is compared twice. With one read by key, because that is how the promise is put, although a page of fifty has fifty times the rows to
look up, send and decode; and with the same resources read by their keys in one statement, which shows what the search itself costs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import asyncpg

from bench.bench_read import ids_of
from bench.ground import Row
from bench.searches import CASES, Draw
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.search import statement
from yilian.search.query import parse
from yilian.store.read import BY_ID
from yilian.store.scope import SYSTEM

ASKED = 40
ROUNDS = 15
WARM = 6
"""Rounds that do not count; after five PostgreSQL chooses between a plan for all values and one for each."""
CODE_DATE = "Observation?code={code}&date=ge2015-01-01&_sort=-date"
CODE_VALUE = "Observation?code={code}&value-quantity=gt100"
HAS = "Patient?_has:Observation:patient:code={code}"
BY_KEYS = f"select {statement.COLUMNS} from resource r where r.rid = any($1::bigint[]) order by r.rid desc"
RARE = """
select c.system || '|' || c.code as code
from (select code, count(*) as n from index_clinical where type = $1 and code <> 0 group by code having count(*) > 5 order by n limit 1) s
join concept c on c.h = s.code
"""

Question = Callable[[], Awaitable[Sequence[Any]]]


@dataclass(slots=True)
class Asker:
    """One connection and what is prepared on it."""

    connection: Any
    prepared: dict[str, Any] = field(default_factory=dict)

    async def question(self, sql: str, args: Sequence[Any]) -> Question:
        if sql not in self.prepared:
            self.prepared[sql] = await self.connection.prepare(sql)
        ready = self.prepared[sql]
        return lambda: ready.fetch(*args)

    async def search(self, path: str) -> Question:
        return await self.question(*compiled(path))


async def measure(dsn: str) -> Iterator[Row]:
    connection = await _connected(dsn)
    try:
        return iter(await _rows(dsn, Asker(connection)))
    finally:
        await connection.close()


async def _rows(dsn: str, asker: Asker) -> list[Row]:
    paths = await _paths(dsn)
    observation = type_id("Observation")
    asked = {"read": [await asker.question(BY_ID, (observation, id, *SYSTEM.keys())) for id in await ids_of(dsn, "Observation", ASKED)]}
    found: dict[str, float] = {}
    for name, some in paths.items():
        asked[name] = [await asker.search(path) for path in some]
        pages = [await question() for question in asked[name]]
        found[name] = statistics.mean(len(page) for page in pages)
        asked[f"{name} by keys"] = [await asker.question(BY_KEYS, ([row["rid"] for row in page],)) for page in pages]
    took = await medians(asked)
    (seldom,) = [row["code"] for row in await asker.connection.fetch(RARE, observation)]
    rows = []
    for name, title, pattern, beside, says in (
        ("patient-code", "patient + code, newest first", "", took["read"], "one read by key; at most 2"),
        ("code-date", "code + date, newest first", CODE_DATE, took["read"], "one read by key; at most 3"),
        ("has", "_has over a common code", HAS, 10.0, "at most"),
        ("code-value", "code + value-quantity", CODE_VALUE, 5.0, "at most"),
    ):
        rows.append(Row(f"in PostgreSQL: {title} ({found[name]:.0f} rows)", took[name], "ms", beside, says))
        rows.append(Row("    beside the same resources by key", took[name], "ms", took[f"{name} by keys"], "in one statement"))
        if pattern:
            after, alone = await _rare(dsn, paths[name], pattern.format(code=seldom))
            rows.append(Row("    a rare value after ten common ones", after, "ms", alone, "planned for it alone, planning too; at most 3"))
    return rows


async def _paths(dsn: str) -> Mapping[str, list[str]]:
    """Name → questions."""
    connection = await _connected(dsn)
    try:
        codes = [_code(draw) for draw in (await CASES["total"].draw(connection))[:10]]
        made = {name: [pattern.format(code=code) for code in codes] for name, pattern in PATTERNS.items()}
        return {"patient-code": [draw.path for draw in await CASES["patient-code"].draw(connection)][:ASKED], **made}
    finally:
        await connection.close()


PATTERNS = {"code-date": CODE_DATE, "has": HAS, "code-value": CODE_VALUE}


def _code(draw: Draw) -> str:
    return dict(parse_qsl(draw.path.partition("?")[2]))["code"]


def compiled(path: str) -> tuple[str, tuple[Any, ...]]:
    """The SQL of a search and its arguments, for somebody who may see everything."""
    kind, _, text = path.partition("?")
    made = statement.page(parse(kind, parse_qsl(text), zone=region_zone()), SYSTEM)
    return made.sql, tuple(made.args)


async def _rare(dsn: str, often: Sequence[str], seldom: str) -> tuple[float, float]:
    """ms of the rare question in a statement that was used for common ones, and in one that is planned anew each time; in turn."""
    askers = []
    asked: dict[str, list[Question]] = {}
    try:
        for mode in ("auto", "force_custom_plan"):
            askers.append(Asker(await _connected(dsn)))
            await askers[-1].connection.execute(f"set plan_cache_mode = {mode}")
            for path in often:
                await (await askers[-1].search(path))()
            asked[mode] = [await askers[-1].search(seldom)] * 20
            assert len(askers[-1].prepared) == 1, "one shape, one statement"
        took = await medians(asked, warm=0)
        return took["auto"], took["force_custom_plan"]
    finally:
        for asker in askers:
            await asker.connection.close()


async def medians(asked: Mapping[str, Sequence[Question]], *, warm: int = WARM) -> dict[str, float]:
    """Name → ms of the median question, all asked in turn."""
    times: dict[str, list[float]] = {name: [] for name in asked}
    for turn in range(warm + ROUNDS):
        for name, questions in asked.items():
            for question in questions:
                started = time.perf_counter()
                await question()
                if turn >= warm:
                    times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(some) for name, some in times.items()}


async def _connected(dsn: str) -> Any:
    return await asyncpg.connect(dsn, server_settings={"jit": "off", "timezone": "UTC"})
