"""lowBoundary() and highBoundary() as SQL: what a value that was written with few digits may at least and at most have been.

http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time
"""

from __future__ import annotations

from yilian.analytics.views.dialect import Dialect
from yilian.errors import InvalidResource


def sql(dialect: Dialect, text: str, kind: str, *, high: bool) -> str:
    """`text` is SQL of the value as it was written. Raises InvalidResource for types without boundaries."""
    if kind == "decimal":
        half = f"0.5 * power(10.0, -length(coalesce({dialect.part_of(text, r'[.]([0-9]+)')}, '')))"
        exact = f"cast({half} as numeric)" if dialect.name == "postgres" else half
        return f"({dialect.cast(text, 'decimal')} {'+' if high else '-'} {exact})"
    if kind == "date":
        return _date(dialect, text, high)
    if kind in ("dateTime", "instant"):
        day = _date(dialect, f"substr({text}, 1, 10)", high)
        rest = "'T23:59:59.999-12:00'" if high else "'T00:00:00.000+14:00'"
        zone = dialect.part_of(text, r"T.*(Z|[+-][0-9][0-9]:[0-9][0-9])$")
        with_time = f"(substr({text}, 1, 19) || {_fraction(dialect, text, high)} || coalesce({zone}, {rest[-7:-1]!r}))"
        return f"case when length({text}) <= 10 then {day} || {rest} else {with_time} end"
    if kind == "time":
        seconds = "':59.999'" if high else "':00.000'"
        return f"case when length({text}) = 5 then {text} || {seconds} else substr({text}, 1, 8) || {_fraction(dialect, text, high)} end"
    raise InvalidResource(f"{kind or 'This'} has no boundaries.", zh="视图定义有误,请按提示修改。")


def _date(dialect: Dialect, text: str, high: bool) -> str:
    year, month = ("'-12-31'", dialect.end_of_month(text)) if high else ("'-01-01'", f"{text} || '-01'")
    return f"case length({text}) when 4 then {text} || {year} when 7 then {month} else {text} end"


def _fraction(dialect: Dialect, text: str, high: bool) -> str:
    """`.5` → `.599` or `.500`; milliseconds are the end of precision."""
    digits = dialect.part_of(text, r"[.]([0-9]+)")
    return f"('.' || rpad(coalesce(substr({digits}, 1, 3), ''), 3, '{'9' if high else '0'}'))"
