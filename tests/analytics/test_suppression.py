"""What is withheld of a table, and that nobody can compute it from the rest: by trying every table that shows the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yilian.analytics.statistics.suppression import Table, published

LEAST = 3


def shown(table: Table, cells: list[tuple[int, ...]]) -> bool:
    """Whether these cells show the same published numbers."""
    rows = all(total is None or total == sum(row) for total, row in zip(table.row_totals, cells, strict=True))
    if table.column_totals is None:
        return rows
    columns = all(
        total is None or total == sum(column) for total, column in zip(table.column_totals, zip(*cells, strict=True), strict=True)
    )
    return rows and columns and (table.total is None or table.total == sum(map(sum, cells)))


def possible(table: Table, truth: list[list[int]]) -> Iterator[list[tuple[int, ...]]]:
    """Every table of cells a reader has to think possible; a withheld cell is one or more, and is not tried far above what it is."""
    rows = []
    for published_row, true_row in zip(table.cells, truth, strict=True):
        choices = [range(1, true + LEAST + 1) if number is None else [number] for number, true in zip(published_row, true_row, strict=True)]
        rows.append(list(product(*choices)))
    for cells in product(*rows):
        if shown(table, list(cells)):
            yield list(cells)


def tables(tall: int, wide: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(0, 6), min_size=wide, max_size=wide), min_size=tall, max_size=tall)


@pytest.mark.parametrize("column_totals", [True, False])
@settings(max_examples=120, deadline=None)
@given(truth=st.one_of(tables(2, 2), tables(3, 2), tables(2, 3), tables(1, 3)))
def test_no_small_cell_can_be_computed_from_what_is_published(column_totals: bool, truth: list[list[int]]) -> None:
    table = published(truth, LEAST, column_totals=column_totals)
    small = {(r, c) for r, row in enumerate(truth) for c, number in enumerate(row) if 0 < number < LEAST}
    assert all(table.cells[r][c] is None for r, c in small)
    if not small:
        return
    largest = dict.fromkeys(small, 0)
    for cells in possible(table, truth):
        for r, c in small:
            largest[r, c] = max(largest[r, c], cells[r][c])
    assert all(largest[r, c] >= truth[r][c] + LEAST for r, c in small), (table, largest)


@given(truth=tables(4, 5), least=st.integers(1, 7))
def test_what_is_published_is_true_and_nothing_is_withheld_without_need(truth: list[list[int]], least: int) -> None:
    table = published(truth, least)
    for row, total, true in zip(table.cells, table.row_totals, truth, strict=True):
        assert all(number is None or number == is_ for number, is_ in zip(row, true, strict=True))
        assert total is None or total == sum(true)
    assert table.column_totals is not None
    for total, column in zip(table.column_totals, zip(*truth, strict=True), strict=True):
        assert total is None or total == sum(column)
    numbers = [*(n for row in truth for n in row), *map(sum, truth), *map(sum, zip(*truth, strict=True)), sum(map(sum, truth))]
    if not any(0 < number < least for number in numbers):
        assert table.withheld == 0
    assert all(number == 0 for row, true in zip(table.cells, truth, strict=True) for number, is_ in zip(row, true, strict=True) if is_ == 0)


def test_one_small_cell_takes_the_cheapest_circle_with_it() -> None:
    table = published([[2, 30, 40], [50, 60, 70], [80, 90, 100]], 5)
    assert table.cells == ((None, None, 40), (None, None, 70), (80, 90, 100))
    assert table.row_totals == (72, 180, 270)
    assert table.column_totals == (132, 180, 210)
    assert table.total == 522


def test_a_table_of_one_person_says_nothing_but_where_nobody_is() -> None:
    table = published([[1, 0], [0, 0]], 5)
    assert table.cells == ((None, 0), (0, 0))
    assert table.row_totals == (None, 0)
    assert table.total is None


def test_an_empty_table_stays_empty() -> None:
    assert published([], 5) == Table((), (), (), 0)


@pytest.mark.parametrize("cells", [[[1, 2], [3]], [[-1]]])
def test_what_is_no_table_of_counts_is_refused(cells: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="equal length"):
        published(cells, 5)
