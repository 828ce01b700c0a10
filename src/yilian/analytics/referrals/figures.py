"""What is counted of referrals, and by what: one condition each, the same for the number and for the list behind it.

A referral counts in the period it was sent in. Who counts sees each referral that is counted: the asker's scope is part of the statement.
Requirements REF-13 and REF-16; the process and its limits: 医联体管理办法 (国卫医发〔2020〕13号), china-facts §1.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.analytics.referrals.asked import Asked, where
from yilian.directory.institutions import by_rid
from yilian.directory.specialties import SPECIALTIES
from yilian.referral.codes import DIRECTIONS, PRIORITIES
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. zh: what it is called; which: the condition on `referral f`; `{hours}` is the limit of an answer in time, `{now}` the
    moment it is counted."""

    zh: str
    which: str


FIGURES: Mapping[str, Figure] = {
    "sent": Figure("转诊", "true"),
    "answered": Figure("已应答", "f.answered_at is not null"),
    "in-time": Figure("按时应答", "f.answered_at <= f.submitted_at + make_interval(hours => {hours})"),
    "accepted": Figure("同意接诊", "f.accepted_at is not null"),
    "refused": Figure("未接收", "f.state in ('declined', 'referred-onward')"),
    "booked": Figure("已预约", "f.booked_at is not null"),
    "arrived": Figure("已到诊", "f.arrived_at is not null"),
    "missed": Figure("爽约", "f.missed > 0"),
    "completed": Figure("已完成", "f.state = 'completed'"),
    "returned": Figure("回转", "exists (select from referral b where b.basis_task = f.task_rid and b.submitted_at is not null)"),
    "cancelled": Figure("已取消", "f.state = 'cancelled'"),
    "against-advice": Figure("拒绝或自动离院", "f.state = 'against-advice'"),
    "open": Figure("办理中", "f.closed_at is null"),
    "overdue": Figure("已超时", "f.closed_at is null and f.due_at < {now}"),
}
"""open and overdue are as it stands now. refused: declined, or sent on to somebody else. returned: a down-referral answers it."""

LINES: Mapping[str, str] = {
    "institution": "{other}::text",
    "specialty": "f.specialty",
    "disease": "upper(left(f.diagnosis, 3))",
    "month": "to_char(f.submitted_at at time zone '{zone}', 'YYYY-MM')",
    "direction": "f.direction",
    "priority": "f.priority",
}
"""By what the lines of a table may be, and the column it is. institution: the other side. disease: by the category of ICD-10, its first
three characters. {zone}: the name of the region's time zone, which is none of the request's words."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its code ("unknown" where the referral names none), what it is called, its numbers by the codes of FIGURES, the median time
    until the first answer (None where there was none), and how many there were in the same period a year before."""

    code: str
    zh: str
    numbers: Mapping[str, int]
    median: timedelta | None
    before: int


@dataclass(frozen=True, slots=True)
class Table:
    """Lines, most referrals first (months in their order), and the whole. more: lines beyond the MOST_LINES that are told."""

    asked: Asked
    lines: Sequence[Line]
    whole: Line
    hours: int
    more: int = 0


async def table(tx: Tx, scope: Scope, asked: Asked) -> Table:
    """The table that was asked for, of what this asker may see. Writes nothing."""
    hours = int(await policy.value(tx, "referral.answered_within_hours", tx.now))
    found = await _counted(tx, scope, asked, hours)
    before = {(row["is_whole"], row["line"]): row["sent"] for row in await _counted(tx, scope, asked.a_year_before(), hours)}
    names = await _names(tx, asked, [row for row in found if row["line"] is not None])
    lines = [_line(row, *names.get(row["line"], (UNKNOWN, "未注明")), before) for row in found if not row["is_whole"]]
    [whole] = [_line(row, "", "合计", before) for row in found if row["is_whole"]]
    lines.sort(key=(lambda one: one.code) if asked.by == "month" else (lambda one: (-one.numbers["sent"], one.code)))
    return Table(asked, lines[:MOST_LINES], whole, hours, max(0, len(lines) - MOST_LINES))


def condition(figure: Figure, hours: int, now: datetime) -> str:
    """Its condition in SQL."""
    return figure.which.format(hours=int(hours), now=f"timestamptz '{now.isoformat()}'")


async def _counted(tx: Tx, scope: Scope, asked: Asked, hours: int) -> list[Any]:
    args: list[Any] = []
    source, other = where(scope, asked, args)
    column = LINES[asked.by].format(other=other, zone=asked.zone)
    numbers = ", ".join(f'count(*) filter (where {condition(one, hours, tx.now)}) as "{code}"' for code, one in FIGURES.items())
    return list(
        await tx.fetch(
            f"select {column} as line, grouping({column}) = 1 as is_whole, {numbers},"
            " mode() within group (order by f.diagnosis_text) as text,"
            " count(distinct f.diagnosis) > 1 as several,"
            " percentile_cont(0.5) within group (order by f.answered_at - f.submitted_at) as median"
            f" from {source} group by grouping sets (({column}), ())",
            *args,
        )
    )


async def _names(tx: Tx, asked: Asked, found: Sequence[Any]) -> Mapping[str, tuple[str, str]]:
    """What a column holds → the code and the name of its line."""
    codes = [row["line"] for row in found]
    match asked.by:
        case "institution":
            named = await by_rid(tx, [int(code) for code in codes])
            return {str(rid): (one.reference.removeprefix("Organization/"), one.name) for rid, one in named.items()}
        case "specialty":
            return {code: (code, SPECIALTIES.get(code, code)) for code in codes}
        case "disease":
            return {row["line"]: (row["line"], f"{row['text'] or row['line']}{'等' if row['several'] else ''}") for row in found}
        case "direction":
            return {code: (code, DIRECTIONS[code][0]) for code in codes}
        case "priority":
            return {code: (code, PRIORITIES[code][0]) for code in codes}
        case _:
            return {code: (code, _month(code)) for code in codes}


def _month(code: str) -> str:
    year, month = code.split("-")
    return f"{year}年{int(month)}月"


def _line(row: Any, code: str, zh: str, before: Mapping[tuple[bool, str | None], int]) -> Line:
    return Line(code, zh, {name: row[name] for name in FIGURES}, row["median"], before.get((row["is_whole"], row["line"]), 0))
