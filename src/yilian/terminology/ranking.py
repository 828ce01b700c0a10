"""Which of several definitions with one url is meant where no version is named.

What a region stored comes before what came with the server, active before draft before retired, the higher version before the lower,
and of two alike the one stored last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx

STANDING = {"active": 2, "draft": 1, "unknown": 1, "retired": 0}

Version = tuple[tuple[int, int, str], ...]


def version_key(version: str) -> Version:
    """Sorts 1.10 after 1.9, 2.0.0 after 2.0.0-beta, and dates as dates."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    return (*((1, int(part), "") if part.isdigit() else (-1, 0, part) for part in parts), (0, 0, ""))


async def choose(tx: Tx, table: str, key: str, urls: Iterable[str]) -> list[str]:
    """Mark the one that answers for each url; returns the urls for which that is now another one (or none any more)."""
    body = "body" if table == "value_set" else "head"
    extra = " and content <> 'supplement'" if table == "code_system" else ""
    rows = await tx.fetch(
        f"select {key} as key, url, version, rid, answers, {body}::json ->> 'status' as status from {table} where url = any($1){extra}",
        sorted(set(urls)),
    )
    best: dict[str, tuple[tuple[bool, int, Version, int], int]] = {}
    for row in rows:
        rank = (row["rid"] is not None, STANDING.get(row["status"] or "", 1), version_key(row["version"]), row["key"])
        if row["url"] not in best or rank > best[row["url"]][0]:
            best[row["url"]] = (rank, row["key"])
    chosen = [number for _, number in best.values()]
    before = {row["url"]: row["key"] for row in rows if row["answers"]}
    await _mark(tx, table, key, [row["key"] for row in rows if row["answers"] and row["key"] not in chosen], False)
    await _mark(tx, table, key, chosen, True)
    return [url for url in set(urls) if before.get(url) != (best[url][1] if url in best else None)]


async def _mark(tx: Tx, table: str, key: str, numbers: Sequence[int], answers: bool) -> None:
    if numbers:
        await tx.execute(f"update {table} set answers = {answers} where {key} = any($1) and answers <> {answers}", list(numbers))
