"""What is compared of two patients, and in which levels of agreement: the one list that Splink, the online scorer and the pages read.

Each level stands here twice, as SQL for Splink (DuckDB and Spark alike) and as Python for one pair; a test holds them against each other.
The first level that is true counts; a comparison is skipped (it says nothing) where either side lacks what it needs.

Levels follow Splink's and Fellegi & Sunter's reading: http://www.jstor.org/stable/2286061 (A Theory for Record Linkage, 1969).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from yilian.identity.matching.features import Features

Test = Callable[[Features, Features], bool]

YEARS_OFF = 10


@dataclass(frozen=True, slots=True)
class Level:
    """One degree of agreement.

    code   "exact", kept with models and pairs; zh: how a page calls it
    sql    condition over columns x_l and x_r; test: the same for one pair
    term   the column whose common values weigh less at this level; "" for none
    m, u   where training begins, and what stands where it saw no such pair: share of pairs of one person, of two persons, at this level
    """

    code: str
    zh: str
    sql: str
    test: Test
    m: float
    u: float
    term: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that is compared. `skip_sql`, `skip`: when it says nothing. `levels`: the strongest first, the last is "none of these"."""

    code: str
    zh: str
    skip_sql: str
    skip: Test
    levels: tuple[Level, ...]

    def level(self, a: Features, b: Features) -> int | None:
        """The place of the level this pair reaches, None where the comparison says nothing."""
        if self.skip(a, b):
            return None
        for place, level in enumerate(self.levels):
            if level.test(a, b):
                return place
        raise AssertionError("the last level is always true")


def distance(a: str, b: str) -> int:
    """Levenshtein: characters to insert, remove or replace."""
    if a == b:
        return 0
    if len(a) < len(b):
        a, b = b, a
    before = list(range(len(b) + 1))
    for row, mine in enumerate(a, 1):
        current = [row]
        for column, other in enumerate(b, 1):
            step = before[column - 1] + (mine != other)
            current.append(min(step, before[column] + 1, current[column - 1] + 1))
        before = current
    return before[-1]


def within(a: str | None, b: str | None, most: int) -> bool:
    """Whether two texts are at most so many slips apart; absent ones are not."""
    if not a or not b or abs(len(a) - len(b)) > most:
        return False
    if a == b:
        return True
    if len(a) == len(b):  # most strangers differ in more places than slips explain, and that is quick to see
        wrong = sum(mine != other for mine, other in zip(a, b, strict=True))
        if wrong <= most:
            return True
    return distance(a, b) <= most


def _slip(a: str | None, b: str | None) -> bool:
    """One digit wrong, missing or too many; or the same digits with two of them swapped."""
    if not a or not b:
        return False
    if len(a) == len(b):
        wrong = [place for place in range(len(a)) if a[place] != b[place]]
        if len(wrong) <= 1:
            return True
        if len(wrong) > 2 and distance(a, b) > 2:
            return False
    return within(a, b, 1) or (sorted(a) == sorted(b) and within(a, b, 2))


def _slip_sql(column: str, other: str = "") -> str:
    left, right = f"{column}_l", f"{other or column}_r"
    digits = f"{column}_digits_l = {other or column}_digits_r"
    return f"(levenshtein({left}, {right}) <= 1 or (levenshtein({left}, {right}) <= 2 and {digits}))"


def _same(a: str | None, b: str | None) -> bool:
    return a is not None and a == b


def _lacks(column: str) -> tuple[str, Test]:
    """Where a comparison of one column says nothing, as SQL and for one pair."""
    of = attrgetter(column)
    return f"{column}_l is null or {column}_r is null", lambda a, b: of(a) is None or of(b) is None


def _exact(column: str, m: float, u: float, term: str = "") -> Level:
    of = attrgetter(column)
    return Level("exact", "相同", f"{column}_l = {column}_r", lambda a, b: of(a) == of(b), m, u, term)


def _always(a: Features, b: Features) -> bool:
    return True


def _rest(code: str, zh: str, m: float, u: float) -> Level:
    return Level(code, zh, "ELSE", _always, m, u)


# --- name


def _heard_alike(a: Features, b: Features) -> bool:
    return _same(a.pinyin, b.pinyin) or _same(a.other_pinyin, b.pinyin) or _same(a.pinyin, b.other_pinyin)


def _one_slip(a: Features, b: Features) -> bool:
    length = len(a.pinyin or "")
    if length >= 7 and within(a.pinyin, b.pinyin, 2 if length >= 12 else 1):
        return True
    return _same(a.family, b.family) and (_same(a.given_first, b.given_first) or _same(a.given_last, b.given_last))


NAME = Comparison(
    "name",
    "姓名",
    *_lacks("name"),
    (
        _exact("name", 0.83, 0.0004, "name"),
        Level(
            "homophone",
            "同音",
            "pinyin_l = pinyin_r or other_pinyin_l = pinyin_r or pinyin_l = other_pinyin_r",
            _heard_alike,
            0.06,
            0.0004,
        ),
        Level(
            "confused",
            "读音易混,或字序不同",
            "sound_l = sound_r or bag_l = bag_r",
            lambda a, b: _same(a.sound, b.sound) or _same(a.bag, b.bag),
            0.03,
            0.0004,
        ),
        Level(
            "similar",
            "相差一处",
            "(levenshtein(pinyin_l, pinyin_r) <= 1 and length(pinyin_l) >= 7)"
            " or (levenshtein(pinyin_l, pinyin_r) <= 2 and length(pinyin_l) >= 12)"
            " or (family_l = family_r and (given_first_l = given_first_r or given_last_l = given_last_r))",
            _one_slip,
            0.05,
            0.004,
        ),
        Level(
            "given",
            "名相同,姓不同",
            "given_first_l = given_first_r and given_last_l = given_last_r",
            lambda a, b: _same(a.given_first, b.given_first) and _same(a.given_last, b.given_last),
            0.01,
            0.004,
        ),
        Level("family", "仅姓相同", "family_l = family_r", lambda a, b: _same(a.family, b.family), 0.01, 0.05),
        _rest("different", "不同", 0.01, 0.94),
    ),
)

# --- date of birth


def _day_and_month_swapped(a: str, b: str) -> bool:
    return a[:4] == b[:4] and a[4:6] == b[6:] and a[6:] == b[4:6]


def _year_off(a: Features, b: Features) -> bool:
    assert a.born is not None
    assert b.born is not None
    return a.born[4:] == b.born[4:] and abs(int(a.born[:4]) - int(b.born[:4])) <= YEARS_OFF


BORN = Comparison(
    "born",
    "出生日期",
    *_lacks("born"),
    (
        _exact("born", 0.92, 0.00004, "born"),
        Level(
            "swapped",
            "日月颠倒",
            "substr(born_l, 1, 4) = substr(born_r, 1, 4) and substr(born_l, 5, 2) = substr(born_r, 7, 2)"
            " and substr(born_l, 7, 2) = substr(born_r, 5, 2)",
            lambda a, b: _day_and_month_swapped(a.born or "", b.born or ""),
            0.01,
            0.00002,
        ),
        Level("slip", "相差一位或两位颠倒", _slip_sql("born"), lambda a, b: _slip(a.born, b.born), 0.04, 0.0012),
        Level(
            "year",
            "月日相同,年份相近",
            f"substr(born_l, 5, 4) = substr(born_r, 5, 4)"
            f" and abs(cast(substr(born_l, 1, 4) as int) - cast(substr(born_r, 1, 4) as int)) <= {YEARS_OFF}",
            _year_off,
            0.01,
            0.0005,
        ),
        Level(
            "same-year",
            "仅年份相同",
            "substr(born_l, 1, 4) = substr(born_r, 1, 4)",
            lambda a, b: (a.born or "")[:4] == (b.born or "")[:4],
            0.01,
            0.012,
        ),
        _rest("different", "不同", 0.01, 0.986),
    ),
)

SEX = Comparison(
    "sex",
    "性别",
    *_lacks("sex"),
    (
        _exact("sex", 0.995, 0.5),
        _rest("different", "不同", 0.005, 0.5),
    ),
)

# --- telephone


def _any_phone(a: Features, b: Features, test: Callable[[str | None, str | None], bool]) -> bool:
    if test(a.phone, b.phone):
        return True
    return (
        (a.other_phone is not None and (test(a.other_phone, b.phone) or test(a.other_phone, b.other_phone)))
        or (b.other_phone is not None and test(a.phone, b.other_phone))
    )  # fmt: skip


PHONE = Comparison(
    "phone",
    "电话",
    *_lacks("phone"),
    (
        Level(
            "exact",
            "相同",
            "phone_l = phone_r or other_phone_l = phone_r or phone_l = other_phone_r or other_phone_l = other_phone_r",
            lambda a, b: _any_phone(a, b, _same),
            0.75,
            0.00001,
        ),
        Level(
            "slip",
            "相差一位或两位颠倒",
            f"{_slip_sql('phone')} or {_slip_sql('other_phone', 'phone')} or {_slip_sql('phone', 'other_phone')}"
            f" or {_slip_sql('other_phone')}",
            lambda a, b: _any_phone(a, b, _slip),
            0.05,
            0.00001,
        ),
        _rest("different", "不同", 0.2, 0.99998),
    ),
)

# --- address


def _agree(a: str | None, b: str | None) -> bool:
    """Equal, or one of them not known."""
    return a is None or b is None or a == b


ADDRESS = Comparison(
    "address",
    "住址",
    "coalesce(county_l, city_l, line_l) is null or coalesce(county_r, city_r, line_r) is null",
    lambda a, b: (a.county or a.city or a.line) is None or (b.county or b.city or b.line) is None,
    (
        Level(
            "exact",
            "门牌相同",
            "line_l = line_r and coalesce(town_l, town_r, '') = coalesce(town_r, town_l, '')"
            " and coalesce(county_l, county_r, '') = coalesce(county_r, county_l, '')",
            lambda a, b: _same(a.line, b.line) and _agree(a.town, b.town) and _agree(a.county, b.county),
            0.6,
            0.00002,
        ),
        Level(
            "town",
            "同一乡镇街道",
            "town_l = town_r and coalesce(county_l, county_r, '') = coalesce(county_r, county_l, '')",
            lambda a, b: _same(a.town, b.town) and _agree(a.county, b.county),
            0.2,
            0.01,
        ),
        Level(
            "county",
            "同一区县",
            "county_l = county_r and coalesce(city_l, city_r, '') = coalesce(city_r, city_l, '')",
            lambda a, b: _same(a.county, b.county) and _agree(a.city, b.city),
            0.1,
            0.1,
        ),
        Level("city", "同一城市", "city_l = city_r", lambda a, b: _same(a.city, b.city), 0.05, 0.3),
        _rest("different", "不同", 0.05, 0.58998),
    ),
)

# --- identifiers

DOCUMENT = Comparison(
    "document",
    "居民身份证",
    *_lacks("document"),
    (
        _exact("document", 0.95, 0.00000001),
        Level("slip", "相差一位或两位颠倒", _slip_sql("document"), lambda a, b: _slip(a.document, b.document), 0.045, 0.0000005),
        _rest("different", "不同", 0.005, 0.99999949),
    ),
)

_CARDS = ("passport", "card", "insurance", "file")


def _no_card_in_common(a: Features, b: Features) -> bool:
    return all(getattr(a, column) is None or getattr(b, column) is None for column in _CARDS)


NUMBER = Comparison(
    "number",
    "健康卡、医保、档案号、护照",
    " and ".join(f"({column}_l is null or {column}_r is null)" for column in _CARDS),
    _no_card_in_common,
    (
        Level(
            "exact",
            "有一项相同",
            " or ".join(f"{column}_l = {column}_r" for column in _CARDS),
            lambda a, b: any(_same(getattr(a, column), getattr(b, column)) for column in _CARDS),
            0.9,
            0.0000001,
        ),
        _rest("different", "不同", 0.1, 0.9999999),
    ),
)

COMPARISONS: tuple[Comparison, ...] = (NAME, BORN, SEX, PHONE, ADDRESS, DOCUMENT, NUMBER)
BY_CODE = {comparison.code: comparison for comparison in COMPARISONS}
TERMS = ("name", "born")
"""Columns whose common values are counted."""


def reference() -> str:
    """The table of docs/reference/matching.md."""
    lines = ["| comparison | 比较 | level | 级别 | when |", "|---|---|---|---|---|"]
    for comparison in COMPARISONS:
        for level in comparison.levels:
            when = "none of these" if level.sql == "ELSE" else f"`{level.sql}`"
            lines.append(f"| {comparison.code} | {comparison.zh} | {level.code} | {level.zh} | {when} |")
    return "\n".join(lines) + "\n"
