"""The features of the whole region as a table for Splink, read in pages so that no statement is long and writers go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from yilian.identity.matching import index
from yilian.identity.matching.features import CLEAR, NUMBERS

if TYPE_CHECKING:
    from yilian.db import Database

PAGE = 20_000

_PAGE = f"""
select f.patient, {", ".join("f." + name for name in CLEAR)}, f.numbers
from match_feature f where f.patient > $1 order by f.patient limit {PAGE}
"""


async def read(db: Database, progress: Callable[[int], None] = lambda done: None) -> Any:
    """A `pyarrow.Table` with one row a patient: `patient` and the columns of `Features`. `progress` is told how many there are so far.

    The numbers are in the clear: it lives in this process's memory, and nothing writes it down.
    """
    import pyarrow as pa

    schema = pa.schema([("patient", pa.int64()), *((name, pa.string()) for name in (*CLEAR, *NUMBERS))])
    batches: list[Any] = []
    after, done = 0, 0
    while True:
        async with db.reading() as tx:
            rows = await tx.fetch(_PAGE, after)
        if not rows:
            return pa.Table.from_batches(batches, schema)
        clear = list(zip(*(tuple(row)[:-1] for row in rows), strict=True))
        numbers = list(zip(*(index.numbers_of(row["patient"], row["numbers"]) for row in rows), strict=True))
        columns = [pa.array(clear[0], pa.int64()), *(pa.array(column, pa.string()) for column in (*clear[1:], *numbers))]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        after, done = rows[-1]["patient"], done + len(rows)
        progress(done)
