"""Which referrals are counted or listed: whose, of which days, narrowed by what; read from a request, and said in SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest, Forbidden
from yilian.referral.codes import DIRECTIONS, GREEN_CHANNEL, PRIORITIES
from yilian.referral.worklists import seen
from yilian.store.scope import Scope

SIDES = ("sent", "received", "consortium")
LONGEST_DAYS = 732
_DISEASE = re.compile(r"[A-Z]\d[0-9A-Z]")
FILTERS = ("direction", "priority", "specialty", "disease", "green", "institution")


@dataclass(frozen=True, slots=True)
class Asked:
    """since, until: the first and last day, of the region. side: what the asker's institution sent or received; a system of the region asks
    for all that was sent. With consortium it is what any of `members` sent or received, by numbers alone. by: a code of `figures.LINES`.
    filters: by the names of FILTERS; institution: the rid of the other side."""

    side: str
    since: date
    until: date
    zone: tzinfo
    by: str = "institution"
    filters: Mapping[str, str] | None = None
    institution: int = 0
    members: tuple[int, ...] = ()

    def a_year_before(self) -> Asked:
        """The same days of the year before; 29 February is 28 February."""
        return replace(self, since=_year_before(self.since), until=_year_before(self.until))

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """[since, until) as aware times."""
        return (
            datetime.combine(self.since, time(), self.zone),
            datetime.combine(self.until + timedelta(days=1), time(), self.zone),
        )


def read(words: Mapping[str, str], zone: tzinfo, today: date) -> Asked:
    """What the words of a request ask for. since and until default to this year up to today; side to sent. Raises BadRequest."""
    until = _day(words, "until", today)
    since = _day(words, "since", until.replace(month=1, day=1))
    if not 0 <= (until - since).days < LONGEST_DAYS:
        raise BadRequest(
            f"since is a day up to until, at most {LONGEST_DAYS} days before.", expression="since", zh="请选择正确的起止日期,最长两年。"
        )
    side = words.get("side", "sent")
    if side not in SIDES:
        raise BadRequest(f"side is {' or '.join(SIDES)}.", expression="side", zh="请选择转出或接收。")
    filters = {name: words[name] for name in FILTERS if words.get(name) and name != "institution"}
    for name, known in (
        ("direction", DIRECTIONS),
        ("priority", PRIORITIES),
        ("specialty", {**SPECIALTIES, "unknown": ""}),
        ("green", GREEN_CHANNEL),
    ):
        if name in filters and filters[name] not in known:
            raise BadRequest(f"{filters[name][:40]!r} is no {name}.", expression=name, zh="筛选条件不正确。")
    if "disease" in filters and filters["disease"] != "unknown" and not _DISEASE.fullmatch(filters["disease"]):
        raise BadRequest("disease is a category of ICD-10, as I10, or unknown.", expression="disease", zh="疾病请使用 ICD-10 类目,如 I10。")
    if side == "consortium" and set(filters) - {"direction"}:
        raise BadRequest(
            "The numbers of a consortium are narrowed by direction alone, so that few cases are not singled out.",
            zh="医联体统计只能按方向筛选,不能细分到个别病例。",
        )
    return Asked(side, since, until, zone, filters=filters)


def where(scope: Scope, asked: Asked, args: list[Any]) -> tuple[str, str]:
    """`referral f … where …` of what this asker may see of it, values in `args`; and the column of the other side."""
    parts = [f"f.submitted_at >= {_add(args, asked.moments[0])}", f"f.submitted_at < {_add(args, asked.moments[1])}"]
    for name, value in (asked.filters or {}).items():
        column = "upper(left(f.diagnosis, 3))" if name == "disease" else f"f.{name}"
        parts.append(f"{column} is null" if value == "unknown" else f"{column} = {_add(args, value)}::text")
    if asked.side == "consortium":
        return f"referral f where {_among(args, asked.members)} and {' and '.join(parts)}", "f.from_org"
    if scope.reach == "grounds" and scope.institution_rid:
        ours = asked.side == "sent"
        other = "f.to_org" if ours else "f.from_org"
    elif scope.reach == "everything":
        ours, other = False, "f.from_org"
    else:
        raise Forbidden(
            "Referrals are counted for the institutions that send and receive them.", zh="转诊统计仅供医疗机构查看其转出和接收的转诊。"
        )
    if asked.institution:
        parts.append(f"{other} = {int(asked.institution)}")
    return seen(scope, ours, " and ".join(parts)), other


def _among(args: list[Any], members: tuple[int, ...]) -> str:
    """That a member is on either side, in a form both indexes serve."""
    list_ = f"{_add(args, list(members))}::bigint[]"
    return (
        f"f.task_rid in (select m.task_rid from referral m where m.from_org = any({list_})"
        f" union select m.task_rid from referral m where m.to_org = any({list_}))"
    )


def _day(words: Mapping[str, str], name: str, default: date) -> date:
    try:
        return date.fromisoformat(words[name]) if words.get(name) else default
    except ValueError:
        raise BadRequest(f"{name} is a day, as 2026-11-23.", expression=name, zh="日期格式应为 2026-11-23。") from None


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _add(args: list[Any], value: Any) -> str:
    args.append(value)
    return f"${len(args)}"
