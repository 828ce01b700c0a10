"""The tables there are: what is counted, by what, in which period. One statement each.

They are fixed, and so are their periods (whole years, up to the last month that is over): whoever could choose conditions or days freely
could subtract one table from another and be left with one person. A person with several records linked to each other is counted once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from yilian.access import institutions as access_institutions
from yilian.directory import institutions
from yilian.errors import NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.search.parameters import parameters_of
from yilian.search.rows import token_hash

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx

Counts = Mapping[tuple[str, str], int]
"""How many by code of row and of column; what is not there is none."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row or column: code, and what it is called."""

    code: str
    zh: str


@dataclass(frozen=True, slots=True)
class Period:
    """Months of one year in the region's zone: [since, until), aware; `months` are their numbers, the last one is over."""

    year: int
    since: datetime
    until: datetime
    months: Sequence[int]
    now: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Counted:
    """The lines in their order, and the counts."""

    rows: Sequence[Line]
    columns: Sequence[Line]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Statistic:
    """One table. by_row, by_column: what its lines are; dated: whether it is of a period, or of today; adds_up: whether everybody
    stands in one row only, so that columns have totals."""

    code: str
    zh: str
    by_row: str
    by_column: str
    dated: bool
    adds_up: bool
    count: Callable[[Tx, Period], Awaitable[Counted]]

    @property
    def url(self) -> str:
        return f"{urls.BASE}Measure/{self.code}"


AGES = ((0, "0～6岁"), (7, "7～17岁"), (18, "18～44岁"), (45, "45～64岁"), (65, "65～79岁"), (80, "80岁及以上"))
"""From which age on. 国家基本公共卫生服务规范(第三版): 0～6 岁儿童 and 65 岁及以上老年人 are groups of their own."""
UNKNOWN = Line("unknown", "未填写")
AGE_LINES = (*(Line(str(age), zh) for age, zh in AGES), UNKNOWN)
SEXES = (Line("male", "男"), Line("female", "女"), UNKNOWN)
DIRECTIONS = (Line("up", "上转"), Line("down", "下转"), Line("lateral", "平转"))
ELSEWHERE = Line("unknown", "未注明机构")

CHAPTERS = (
    ("A00", "传染病和寄生虫病"), ("C00", "肿瘤"), ("D50", "血液及免疫疾病"), ("E00", "内分泌、营养和代谢疾病"), ("F00", "精神和行为障碍"),
    ("G00", "神经系统疾病"), ("H00", "眼和附器疾病"), ("H60", "耳和乳突疾病"), ("I00", "循环系统疾病"), ("J00", "呼吸系统疾病"),
    ("K00", "消化系统疾病"), ("L00", "皮肤和皮下组织疾病"), ("M00", "肌肉骨骼系统和结缔组织疾病"), ("N00", "泌尿生殖系统疾病"),
    ("O00", "妊娠、分娩和产褥期"), ("P00", "起源于围生期的情况"), ("Q00", "先天性畸形"), ("R00", "症状、体征和检查异常"),
    ("S00", "损伤、中毒和外因后果"), ("V00", "疾病和死亡的外因"), ("Z00", "影响健康状态的因素"),
)  # fmt: skip
"""Chapters of ICD-10 by their first category (GB/T 14396-2016, WHO); what is under none of them has a line of its own."""
OTHER_CODES = Line("other", "未按 ICD-10 编码")


def _token(kind: str, parameter: str, *codes: tuple[str, str]) -> str:
    """The keys of these (system, code) in index_token, as an SQL list of literals. Elements that are a code alone stand there without a
    system."""
    param = parameters_of(kind)[parameter].id
    return ", ".join(str(token_hash(param, system, code)) for system, code in codes)


_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
BIRTH = parameters_of("Patient")["birthdate"].id
MALE, FEMALE = (_token("Patient", "gender", ("", code)) for code in ("male", "female"))
DEAD = _token("Patient", "deceased", ("", "true"))
NEVER_WAS = _token("Condition", "verification-status", (_VERIFICATION, "refuted"), (_VERIFICATION, "entered-in-error"))
TOOK_PLACE = _token("Encounter", "status", *(("", state) for state in ("arrived", "triaged", "in-progress", "onleave", "finished")))

FIRST_RECORDS = """
select m.patient, min(o.patient) as first from person_member m join person_member o using (person) group by m.patient
"""
"""Of whoever has several records, by each of them, the one the person is counted by."""

AGE = (
    "case when b.lo is null then 'unknown' else (select max(a) filter (where a <= extract(year from age($1::timestamptz at time zone $2,"
    f" b.lo at time zone $2))) from unnest(array{[age for age, _ in AGES]}) a)::text end"
)
"""The code of the age group on the day $1, in the zone $2."""

RESIDENTS = f"""
select {AGE} as row,
    case when exists (select from index_token t where t.rid = r.rid and t.h = {MALE}) then 'male'
        when exists (select from index_token t where t.rid = r.rid and t.h = {FEMALE}) then 'female'
        else 'unknown' end as column,
    count(*) as many
from resource r
left join lateral (select lo from index_date d where d.rid = r.rid and d.param = {BIRTH}) b on true
left join ({FIRST_RECORDS}) f on f.patient = r.rid
where r.type = {type_id("Patient")} and not r.deleted and coalesce(f.first, r.rid) = r.rid
    and not exists (select from index_token t where t.rid = r.rid and t.h = {DEAD})
group by 1, 2
"""

DIAGNOSES = f"""
with found as (
    select distinct coalesce(f.first, i.patient) as patient,
        case when k.system = '{urls.ICD10}' and k.code ~ '^[A-TV-Z][0-9]'
            then (select max(a) filter (where a <= upper(left(k.code, 3))) from unnest(array{[first for first, _ in CHAPTERS]}) a)
            else 'other' end as row
    from index_clinical i
    left join concept k on k.h = i.code
    left join ({FIRST_RECORDS}) f on f.patient = i.patient
    where i.type = {type_id("Condition")} and i.patient > 0 and i.lo < $3
        and not exists (select from index_token t where t.rid = i.rid and t.h in ({NEVER_WAS}))
)
select found.row, {AGE} as column, count(*) as many
from found
left join lateral (select lo from index_date d where d.rid = found.patient and d.param = {BIRTH}) b on true
group by 1, 2
"""

ENCOUNTERS = f"""
select p.target as row, extract(month from i.lo at time zone $1)::text as column, count(*) as many
from index_clinical i
left join index_reference p on p.rid = i.rid and p.param = {parameters_of("Encounter")["service-provider"].id}
where i.type = {type_id("Encounter")} and i.nth = 0 and i.lo >= $2 and i.lo < $3
    and exists (select from index_token t where t.rid = i.rid and t.h in ({TOOK_PLACE}))
group by 1, 2
"""

REFERRALS = """
select from_org as row, direction as column, count(*) as many from referral
where submitted_at >= $1 and submitted_at < $2
group by 1, 2
"""


async def _residents(tx: Tx, period: Period) -> Counted:
    return Counted(AGE_LINES, SEXES, _counts(await tx.fetch(RESIDENTS, period.now, str(period.zone))))


async def _diagnoses(tx: Tx, period: Period) -> Counted:
    rows = (*(Line(first, zh) for first, zh in CHAPTERS), OTHER_CODES)
    return Counted(rows, AGE_LINES, _counts(await tx.fetch(DIAGNOSES, period.now, str(period.zone), period.now)))


async def _encounters(tx: Tx, period: Period) -> Counted:
    found = await tx.fetch(ENCOUNTERS, str(period.zone), period.since, period.until)
    rows, counts = await _by_institution(tx, found)
    return Counted(rows, [Line(str(month), f"{month}月") for month in period.months], counts)


async def _referrals(tx: Tx, period: Period) -> Counted:
    rows, counts = await _by_institution(tx, await tx.fetch(REFERRALS, period.since, period.until))
    return Counted(rows, DIRECTIONS, counts)


ALL = (
    Statistic("residents", "居民年龄与性别", "年龄", "性别", False, True, _residents),
    Statistic("diagnoses", "疾病分类与年龄", "疾病分类", "年龄", False, False, _diagnoses),
    Statistic("encounters", "各机构每月就诊", "就诊机构", "月份", True, True, _encounters),
    Statistic("referrals", "各机构转出", "转出机构", "转诊方向", True, True, _referrals),
)
_BY_URL = {statistic.url: statistic for statistic in ALL}


def of(url: str) -> Statistic:
    """The table with this canonical address (a version after | is none of ours). NotFound for any other."""
    if url not in _BY_URL:
        raise NotFound(
            f"There is no statistic {url[:200]!r}; there are {', '.join(_BY_URL)}.",
            zh="没有这项统计,请从统计页面选择。",
            expression="measure",
        )
    return _BY_URL[url]


def _counts(found: Iterable[asyncpg.Record]) -> Counts:
    return {(row["row"], row["column"]): row["many"] for row in found}


async def _by_institution(tx: Tx, found: Sequence[asyncpg.Record]) -> tuple[list[Line], Counts]:
    """Counts by Organization as those of the institutions these speak for; rows by name."""
    organizations = [row["row"] for row in found if row["row"] is not None]
    speaking = await access_institutions.speaks_for(tx, organizations)
    named = await institutions.by_rid(tx, set(speaking.values()))
    lines: dict[str, Line] = {}
    counts: dict[tuple[str, str], int] = {}
    for row in found:
        rid = speaking.get(row["row"])
        one = named.get(rid) if rid else None
        line = ELSEWHERE if one is None else Line(one.reference.removeprefix("Organization/"), one.name)
        lines[line.code] = line
        key = line.code, row["column"]
        counts[key] = counts.get(key, 0) + row["many"]
    return sorted(lines.values(), key=lambda line: (line is ELSEWHERE, line.zh)), counts
