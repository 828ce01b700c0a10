"""The rules of missed appointments: what is shipped says what its source says, and bars follow from marks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian import policy
from yilian.scheduling.rulebooks import Mark, Rulebook, is_weekday, months_later, rulebook_of

ZONE = ZoneInfo("Asia/Shanghai")
BOOKS: dict[str, Rulebook] = {name: rulebook_of(name, value) for name, value in policy.defaults()["booking.rulebooks"].value.items()}
HERE = 7


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def missed(*days: str, kind: str = "no-show", where: int = HERE) -> list[Mark]:
    return [Mark(kind, at(f"{day}T10:00"), where) for day in days]


def until(book: str, marks: list[Mark], now: str, where: int = HERE) -> str | None:
    found = BOOKS[book].bars_until(marks, at(now), where, ZONE)
    return None if found is None else found[0].astimezone(ZONE).isoformat()[:16]


@pytest.mark.parametrize(
    ("book", "kind", "last"),
    [
        ("A", "clinic", "2026-12-07T00:00"),  # 当日 0 点前
        ("B", "clinic", "2026-12-07T08:30"),  # 提前 0.5 h
        ("B", "expert", "2026-12-06T21:00"),  # 专家提前半天
        ("C", "clinic", "2026-12-06T15:00"),  # 就诊前一日 15:00
        ("D", "expert", "2026-12-06T17:00"),  # 就诊前一日 17:00
        ("E", "clinic", "2026-12-04T15:00"),  # 提前 1 工作日 15:00: 7 December 2026 is a Monday
    ],
)
def test_each_rulebook_ends_cancelling_when_its_source_says(book: str, kind: str, last: str) -> None:
    found = BOOKS[book].cancels_until(kind, at("2026-12-07T09:00"), ZONE, is_weekday)
    assert found.astimezone(ZONE).isoformat()[:16] == last


@pytest.mark.parametrize(
    ("book", "marks", "now", "end"),
    [
        ("A", missed("2026-01-05", "2026-05-05", "2026-12-01"), "2026-12-02", "2027-01-01T10:00"),  # 一年内 3 次 → 1 个月
        ("A", missed("2025-11-30", "2026-05-05", "2026-12-01"), "2026-12-02", None),
        ("A", missed("2026-11-10", "2026-11-20", "2026-12-01", kind="cancel"), "2026-12-02", "2027-01-01T10:00"),  # 1 月内取消 3 次
        ("B", missed("2026-11-10", "2026-11-20", "2026-11-21", kind="cancel"), "2026-11-22", "2026-12-01T00:00"),  # 停当月
        ("B", missed("2026-10-31", "2026-11-20", "2026-11-21", kind="cancel"), "2026-11-22", None),
        ("B", missed("2026-07-01", "2026-09-01", "2026-11-01"), "2026-12-02", "2027-05-01T10:00"),  # 半年 3 次停半年
        ("C", missed("2026-10-01", "2026-11-01", "2026-12-01"), "2026-12-02", "2027-03-01T10:00"),  # 3 个月 3 次
        ("D", missed("2026-12-01", "2026-12-02", "2026-12-03"), "2026-12-04", None),  # >3 次
        ("D", missed("2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"), "2026-12-05", "2027-01-01T00:00"),
        ("E", missed("2020-01-01", "2023-01-01", "2026-12-01"), "2026-12-02", "2027-06-01T10:00"),  # 3 次停 6 个月, ever
    ],
)
def test_each_rulebook_bars_as_its_source_says(book: str, marks: list[Mark], now: str, end: str | None) -> None:
    assert until(book, marks, f"{now}T00:00") == end


def test_marks_of_other_institutions_count_only_where_the_rule_is_for_all() -> None:
    elsewhere = missed("2026-11-10", "2026-11-20", "2026-12-01", where=8)
    assert until("C", elsewhere, "2026-12-02T00:00") is None
    assert until("A", elsewhere, "2026-12-02T00:00") is not None


MOMENTS = st.integers(0, 35_000).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
MARKS = st.lists(st.builds(Mark, st.sampled_from(["no-show", "cancel", "late-cancel"]), MOMENTS, st.just(HERE)), max_size=12)


@given(st.sampled_from(sorted(BOOKS)), MARKS, MOMENTS)
def test_a_bar_ends_and_fewer_marks_never_bar_who_was_not_barred_by_count(book: str, marks: list[Mark], now: datetime) -> None:
    found = BOOKS[book].bars_until(marks, now, HERE, ZONE)
    if found is None:
        return
    end, bar = found
    assert now < end <= months_later(now.astimezone(ZONE), 7)
    assert sum(mark.kind in bar.marks and mark.at <= now for mark in marks) >= bar.count
    assert BOOKS[book].bars_until(marks, end + timedelta(seconds=1), HERE, ZONE) is None or any(mark.at > now for mark in marks)


@given(st.sampled_from(sorted(BOOKS)), MARKS, MOMENTS)
def test_the_order_in_which_marks_are_told_does_not_matter(book: str, marks: list[Mark], now: datetime) -> None:
    found, turned = (BOOKS[book].bars_until(some, now, HERE, ZONE) for some in (marks, marks[::-1]))
    assert (found and found[0]) == (turned and turned[0])


@pytest.mark.parametrize(
    "change",
    [
        {"cancel": {"hours": 1, "at": "10:00"}},
        {"cancel": {"minutes": 1}},
        {"late": "shrug"},
        {"bars": [{"marks": ["party"], "count": 1, "stop_months": 1}]},
        {"bars": [{"marks": ["no-show"], "count": 0, "stop_months": 1}]},
        {"bars": [{"marks": ["no-show"], "count": 3}]},
    ],
)
def test_a_rulebook_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="makes no sense"):
        rulebook_of("mine", {**policy.defaults()["booking.rulebooks"].value["C"], **change})
