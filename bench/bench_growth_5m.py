"""The same with five million resources; run by name only, and over night."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench_growth import measured
from bench.ground import Ground, Row

BY_NAME_ONLY = True
TIMES = 89


def measure(ground: Ground) -> Iterator[Row]:
    yield from measured(ground, TIMES)
