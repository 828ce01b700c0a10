"""Fewer combinations than all of them, in which every combination of any three values still occurs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import prod

Row = tuple[int, ...]
STRENGTH = 3


def covering(sizes: Sequence[int]) -> list[Row]:
    """Rows of numbers (row[n] < sizes[n]) in which every three values of every three axes stand together somewhere. The same every time.

    The three largest axes are gone through in full and the others are mixed from them; what that leaves open gets rows of its own.
    """
    axes = range(len(sizes))
    largest = sorted(axes, key=lambda axis: (-sizes[axis], axis))[:STRENGTH]
    rows: list[Row] = []
    for values in product(*(range(sizes[axis]) for axis in largest)):
        row = [_mixed(values, axis) % sizes[axis] for axis in axes]
        for axis, value in zip(largest, values, strict=True):
            row[axis] = value
        rows.append(tuple(row))
    for places in combinations(axes, STRENGTH):
        there = {tuple(row[axis] for axis in places) for row in rows}
        for values in product(*(range(sizes[axis]) for axis in places)):
            if values not in there:
                row = [_mixed((len(rows), *values), axis) % sizes[axis] for axis in axes]
                for axis, value in zip(places, values, strict=True):
                    row[axis] = value
                rows.append(tuple(row))
                there.add(values)
    return rows


def uncovered(rows: Sequence[Row], sizes: Sequence[int]) -> int:
    """How many combinations of three values stand together in none of these rows."""
    missing = 0
    for places in combinations(range(len(sizes)), STRENGTH):
        missing += prod(sizes[axis] for axis in places) - len({tuple(row[axis] for axis in places) for row in rows})
    return missing


def _mixed(values: Sequence[int], axis: int) -> int:
    """A number that goes round with each of them, at another pace for each axis."""
    return sum(value * (1 + place * (axis + 1)) for place, value in enumerate(reversed(values)))
