"""Cells that are too small are withheld, and so many others that those cannot be computed from the totals.

A table and its totals are a network in which what flows into a node flows out of it: a row's cells make its total, the totals make the
whole. Whoever knows the published numbers can shift what is withheld only around circles of withheld cells. So for each small cell circles
are withheld, the cheapest first, until along them it could be `least` more than it is. This is complementary cell suppression by shortest
paths (L. H. Cox, Network Models for Complementary Cell Suppression, JASA 90 (1995) 1453–1462); it may withhold a cell more than need be.

Nought is published: that nobody is there tells of nobody's illness. So a reader knows that what is withheld is at least one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf


@dataclass(frozen=True, slots=True)
class Table:
    """Published numbers; None where one is withheld. `column_totals` and `total` are None as a whole where the table has no such line."""

    cells: tuple[tuple[int | None, ...], ...]
    row_totals: tuple[int | None, ...]
    column_totals: tuple[int | None, ...] | None
    total: int | None

    @property
    def withheld(self) -> int:
        """How many numbers are withheld."""
        lines = (*self.cells, self.row_totals, self.column_totals or (), (self.total,) if self.column_totals is not None else ())
        return sum(number is None for line in lines for number in line)


@dataclass(slots=True)
class _Edge:
    """One number of the table, from one line to another. `flow`: how far it was shifted on behalf of the cell that is looked at."""

    tail: int
    head: int
    value: int
    withheld: bool
    flow: int = 0


def published(cells: Sequence[Sequence[int]], least: int, *, column_totals: bool = True) -> Table:
    """This table as it may be shown: numbers from 1 to `least` - 1 withheld, and what they could be computed from.

    cells           rows of equal length, none below 0
    column_totals   false: the columns do not add up (a person may stand in several rows) and have no totals

    ValueError for anything else. What is not withheld is unchanged.
    """
    wide = len(cells[0]) if cells else 0
    if least < 1 or any(len(row) != wide or any(number < 0 for number in row) for row in cells):
        raise ValueError("a table has rows of equal length, counts, and a least number of one or more")
    edges, inner = _network(cells, wide, least, column_totals)
    ways: dict[int, list[int]] = {}
    for place, edge in enumerate(edges):
        ways.setdefault(edge.tail, []).append(place)
        ways.setdefault(edge.head, []).append(place)
    for place, edge in enumerate(edges):
        if 0 < edge.value < least:
            _protect(edges, ways, place, least)
    shown = [None if edge.withheld else edge.value for edge in edges]
    at = iter(shown[inner:])
    return Table(
        tuple(tuple(shown[row * wide : row * wide + wide]) for row in range(len(cells))),
        tuple(next(at) for _ in cells),
        tuple(next(at) for _ in range(wide)) if column_totals else None,
        next(at) if column_totals else None,
    )


def _network(cells: Sequence[Sequence[int]], wide: int, least: int, column_totals: bool) -> tuple[list[_Edge], int]:
    """The numbers as edges, cells first, then totals of rows, of columns and of all; and how many of them are cells.

    A cell goes from its row to its column, a row's total comes back to it from node 0, a column's total goes on to node 1, and the whole
    from there to node 0. Columns without totals bind nothing: they are all node 0.
    """

    def edge(tail: int, head: int, value: int) -> _Edge:
        return _Edge(tail, head, value, 0 < value < least)

    first_column = 2 + len(cells)
    edges = [
        edge(2 + row, first_column + column if column_totals else 0, number)
        for row, numbers in enumerate(cells)
        for column, number in enumerate(numbers)
    ]
    inner = len(edges)
    edges += [edge(0, 2 + row, sum(numbers)) for row, numbers in enumerate(cells)]
    if column_totals:
        edges += [edge(first_column + column, 1, sum(row[column] for row in cells)) for column in range(wide)]
        edges.append(edge(1, 0, sum(map(sum, cells))))
    return edges, inner


def _protect(edges: list[_Edge], ways: dict[int, list[int]], small: int, least: int) -> None:
    """Withhold what it takes so that this small cell could be `least` more than it is."""
    for edge in edges:
        edge.flow = 0
    missing: float = least
    while missing > 0:
        path = _cheapest(edges, ways, edges[small].head, edges[small].tail, small)
        room = min((_room(edges[place], forward) for place, forward in path), default=inf)
        shift = min(missing, room)
        for place, forward in path:
            edges[place].withheld = True
            edges[place].flow += int(shift) if forward else -int(shift)
        missing -= shift


def _room(edge: _Edge, forward: bool) -> float:
    """How far a number may be shifted: up without end, down to the one that a reader knows is there."""
    return inf if forward else edge.value - 1 + edge.flow


def _cheapest(edges: list[_Edge], ways: dict[int, list[int]], start: int, goal: int, but: int) -> list[tuple[int, bool]]:
    """The way from one line to another over which something can be shifted, and which withholds the least that is not withheld yet.

    There always is one: over the totals, upwards. (A line of which all is nought but the small cell has a total that is as small.)
    """
    best: dict[int, float] = {start: 0}
    came: dict[int, tuple[int, int, bool]] = {}
    nth = count()
    line: list[tuple[float, int, int]] = [(0, next(nth), start)]
    while line:
        cost, _, here = heappop(line)
        if here == goal:
            break
        if cost > best[here]:
            continue
        for place in ways[here]:
            edge = edges[place]
            if place == but or not edge.value:
                continue
            forward = edge.tail == here
            there = edge.head if forward else edge.tail
            if _room(edge, forward) <= 0:
                continue
            next_cost = cost + (0 if edge.withheld else edge.value)
            if next_cost < best.get(there, inf):
                best[there], came[there] = next_cost, (here, place, forward)
                heappush(line, (next_cost, next(nth), there))
    path = []
    while goal != start:
        goal, place, forward = came[goal]
        path.append((place, forward))
    return path[::-1]
