"""Fewer combinations than all of them, in which every combination of any three (or two) values still occurs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import prod

Row = tuple[int, ...]
PACES = (((1, 1, 1), 0), ((1, 7, 3), 3), ((1, 2, 1), 5))
"""How fast an axis that is not gone through in full goes round with those that are, the fastest of them first. Chosen so that little is
left open."""


def covering(sizes: Sequence[int], strength: int) -> list[Row]:
    """Rows of numbers (row[n] < sizes[n]) in which every values of that many axes stand together somewhere. The same every time.

    The largest axes are gone through in full and the others are mixed from them; what that leaves open gets rows of its own.
    """
    axes = range(len(sizes))
    largest = sorted(axes, key=lambda axis: (-sizes[axis], axis))[:strength]
    others = sorted(set(axes) - set(largest), key=lambda axis: (-sizes[axis], axis))
    ranks = [others.index(axis) if axis in others else 0 for axis in axes]
    rows: list[Row] = []
    for values in product(*(range(sizes[axis]) for axis in largest)):
        row = [_mixed(values, ranks[axis]) % sizes[axis] for axis in axes]
        for axis, value in zip(largest, values, strict=True):
            row[axis] = value
        rows.append(tuple(row))
    for places in combinations(axes, strength):
        there = {tuple(row[axis] for axis in places) for row in rows}
        for values in product(*(range(sizes[axis]) for axis in places)):
            if values not in there:
                row = [_mixed((*values, len(rows)), ranks[axis]) % sizes[axis] for axis in axes]
                for axis, value in zip(places, values, strict=True):
                    row[axis] = value
                rows.append(tuple(row))
                there.add(values)
    return rows


def uncovered(rows: Sequence[Row], sizes: Sequence[int], strength: int) -> int:
    """How many combinations of so many values stand together in none of these rows."""
    missing = 0
    for places in combinations(range(len(sizes)), strength):
        missing += prod(sizes[axis] for axis in places) - len({tuple(row[axis] for axis in places) for row in rows})
    return missing


def _mixed(values: Sequence[int], rank: int) -> int:
    """A number that goes round with each of the values, at another pace for each rank of an axis."""
    pace, leap = PACES[rank % len(PACES)]
    mixed = sum(value * step for value, step in zip(reversed(values), pace, strict=False))
    return mixed + (values[-2] // leap if leap else 0)
