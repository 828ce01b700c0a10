"""Pages of many resources, some of them of megabytes: bounded in bytes as well as in number.

A page may have a thousand resources, and one resource may fill a whole request. So pages bring along the bodies of ordinary size alone
(`PAGED`: the columns of `store.read.COLUMNS`), which costs them nothing; the few that are larger are weighed first, and fetched if they are
not too much together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from yilian.errors import TooLarge, Unavailable
from yilian.search.statement import COLUMNS as PAGED

if TYPE_CHECKING:
    from asyncpg import Record

Fetch = Callable[..., Awaitable[list["Record"]]]

MOST_BYTES = 64 * 1024 * 1024
"""Of all large bodies of one answer together."""

PLACE = 7
"""Of the body among the columns."""

_OF_THESE = """
from unnest($1::bigint[], $2::integer[]) as w (rid, ver) cross join lateral (
    select r.body from resource r where r.rid = w.rid and r.ver = w.ver
    union all select h.body from history h where h.rid = w.rid and h.ver = w.ver limit 1) b
"""
WEIGHT = f"select coalesce(sum(octet_length(b.body)), 0)::bigint {_OF_THESE}"
BODIES = f"select w.rid, w.ver, b.body {_OF_THESE}"


class Filled:
    """A row whose body was fetched by itself."""

    __slots__ = ("body", "row")

    def __init__(self, row: Record, body: str) -> None:
        self.row = row
        self.body = body

    def __getitem__(self, key: int | str) -> Any:
        return self.body if key == PLACE or key == "body" else self.row[key]

    def keys(self) -> Any:
        return self.row.keys()


async def whole(fetch: Fetch, rows: Sequence[Any]) -> Sequence[Any]:
    """The rows of a page (their first columns are `PAGED`) with every body there. `fetch` as `Tx.fetch`.

    TooLarge when the large ones are too much for one answer. Unavailable when one of them was removed for good just now.
    """
    if None not in [row[PLACE] for row in rows]:
        return rows
    missing = [row for row in rows if row[PLACE] is None]
    keys = [row[0] for row in missing], [row[3] for row in missing]
    weight = (await fetch(WEIGHT, *keys))[0][0]
    if weight > MOST_BYTES:
        raise TooLarge(
            f"The large resources of this page have {weight // 1024**2} MiB together, more than the {MOST_BYTES // 1024**2} MiB of one"
            " answer. Ask for fewer at once (_count), or read them one by one.",
            zh="本页资料过大,请减小每页条数,或逐条读取。",
            code="too-costly",
        )
    bodies = {(row[0], row[1]): row[2] for row in await fetch(BODIES, *keys)}
    if len(bodies) < len(missing):
        raise Unavailable("Something on this page was just removed; ask again.", zh="数据刚刚发生变化,请重试。", retry_after_s=1)
    return [row if row[PLACE] is not None else Filled(row, bodies[row[0], row[3]]) for row in rows]


__all__ = ["PAGED", "whole"]
