"""主索引核对: the pairs somebody is to look at, page by page, and one of them side by side.

Who reviews sees what tells people apart and nothing clinical: name, sex, date of birth, where registered, the county; of numbers the last
four characters. Whether two numbers or addresses are the same is found out here, by the whole of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from yilian.errors import BadRequest, NotFound
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.identity import identifiers, links, matching, persons
from yilian.identity.matching import features
from yilian.identity.matching.online import Explanation
from yilian.identity.matching.shown import masked, recognisable
from yilian.store import cursor as cursors
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]
Agreement = Literal["same", "different", "one", "none"]

STATES = ("open", "later", "same", "different")
STATUS = {"open": "requested", "later": "on-hold", "same": "completed", "different": "rejected"}
"""Task.status, http://hl7.org/fhir/R4/valueset-task-status.html"""
WHY_ZH = {"alike": "相似", "contested": "证件相同而姓名或出生日期不同", "asked": "人工关联"}
DECISION_ZH = {"open": "待核对", "later": "稍后再核", "same": "是同一人", "different": "不是同一人"}

_ROW = "t.id, t.first, t.second, t.why, t.kinds, t.differs, t.score, t.state, t.opened, t.decided, t.name, t.reason"

PAGE = f"""
select {_ROW} from match_task t
where t.state = $1 and ($2::double precision is null or (t.score, -t.id) < ($2::double precision, -$3::bigint))
order by t.score desc, t.id limit $4
"""
ONE = f"select {_ROW} from match_task t where t.id = $1"
COUNT = "select state, count(*) as many from match_task group by state"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the comparison. `first`, `second`: as it is shown, "" where there is none."""

    code: str
    zh: str
    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair with both records as they are stored; `others`: how many more records each is linked to."""

    row: Any
    first: Stored
    second: Stored
    others: tuple[int, int]
    fields: tuple[Field, ...]
    why: Explanation | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of pairs: Tasks, whom they show, how many there are in all, and where the next page begins."""

    tasks: list[Json]
    shown: list[Stored]
    total: int
    next: str | None


async def page(tx: Tx, state: str, *, count: int, cursor: str | None) -> Listed:
    """The pairs in this state, the likeliest first. Raises BadRequest for a state there is none of, and a strange cursor."""
    if state not in STATES:
        raise BadRequest(f"state is one of {', '.join(STATES)}, not {state[:20]!r}.", expression="state", zh="没有这种核对状态。")
    place, after = cursors.unpack(cursor, 2) if cursor else (None, 0)
    rows = await tx.fetch(PAGE, state, None if place is None else _score(place), after, count + 1)
    here = rows[:count]
    patients = await _patients(tx, [rid for row in here for rid in (row["first"], row["second"])])
    tasks = [
        _task(row, patients[row["first"]], patients[row["second"]]) for row in here if {row["first"], row["second"]} <= patients.keys()
    ]
    many = {row["state"]: row["many"] for row in await tx.fetch(COUNT)}
    following = cursors.pack(_bits(here[-1]["score"]), here[-1]["id"]) if len(rows) > count else None
    return Listed(tasks, list(patients.values()), many.get(state, 0), following)


async def counts(tx: Tx) -> dict[str, int]:
    """How many pairs there are in each state."""
    many = {row["state"]: int(row["many"]) for row in await tx.fetch(COUNT)}
    return {state: many.get(state, 0) for state in STATES}


async def pair(tx: Tx, id: int) -> Pair:
    """One pair side by side. Raises NotFound."""
    row = await tx.fetchrow(ONE, id)
    if row is None:
        raise NotFound(f"There is no pair {id} on the worklist.", zh="该核对任务不存在或已撤销。")
    patients = await _patients(tx, [row["first"], row["second"]])
    if len(patients) != 2:
        raise NotFound(f"A record of pair {id} was deleted.", zh="其中一份登记已删除。")
    first, second = patients[row["first"]], patients[row["second"]]
    a, b = parse(first.body), parse(second.body)
    names = await _organizations(tx, [_managing(a), _managing(b)])
    fields = tuple(_fields(a, b, names))
    others = [len(await links.members(tx, one)) - 1 for one in (first.rid, second.rid)]
    return Pair(row, first, second, (others[0], others[1]), fields, await matching.explain(tx, first.rid, second.rid))


def task_of(one: Pair) -> Json:
    """The pair as a Task that is not stored."""
    return _task(one.row, one.first, one.second)


async def of_pair(tx: Tx, id: int) -> Any:
    """The row of `match_task`, once nobody else links. Raises NotFound."""
    await persons.hold(tx)
    row = await tx.fetchrow(ONE, id)
    if row is None:
        raise NotFound(f"There is no pair {id} on the worklist.", zh="该核对任务不存在或已撤销。")
    return row


# --- shown


def _task(row: Any, first: Stored, second: Stored) -> Json:
    patients = [{**recognisable(parse(one.body)), "id": name} for name, one in (("first", first), ("second", second))]
    for one in patients:
        one.pop("meta", None)
    inputs: list[Json] = [
        {"type": {"text": "score"}, "valueDecimal": round(row["score"], 6)},
        {"type": {"text": "why"}, "valueCode": row["why"]},
    ]
    inputs += [{"type": {"text": "kind"}, "valueCode": kind} for kind in row["kinds"]]
    inputs += [{"type": {"text": "differs"}, "valueCode": differs} for differs in row["differs"]]
    task: Json = {
        "resourceType": "Task",
        "id": str(row["id"]),
        "contained": patients,
        "status": STATUS[row["state"]],
        "businessStatus": {"coding": [{"system": urls.MATCH_STATE, "code": row["state"], "display": DECISION_ZH[row["state"]]}]},
        "intent": "proposal",
        "description": WHY_ZH[row["why"]],
        "focus": {"reference": "#first"},
        "for": {"reference": "#second"},
        "authoredOn": row["opened"].isoformat(timespec="seconds"),
        "input": inputs,
    }
    if row["reason"]:
        task["statusReason"] = {"text": row["reason"]}
    if row["decided"]:
        task["lastModified"] = row["decided"].isoformat(timespec="seconds")
    if row["name"]:
        task["owner"] = {"display": row["name"]}
    return task


def _fields(a: Json, b: Json, organizations: dict[str, str]) -> Iterator[Field]:
    one, other = features.of(a), features.of(b)
    yield _field("name", "姓名", _name(a), _name(b), one.name, other.name)
    yield _field("gender", "性别", _sex(a), _sex(b), one.sex, other.sex)
    yield _field("birthDate", "出生日期", a.get("birthDate", ""), b.get("birthDate", ""), a.get("birthDate"), b.get("birthDate"))
    mine, its = _numbers(a), _numbers(b)
    for kind in dict.fromkeys((*mine, *its)):
        zh = identifiers.KINDS[kind].zh
        yield _field(kind, zh, masked(mine.get(kind, "")), masked(its.get(kind, "")), mine.get(kind), its.get(kind))
    yield _field("phone", "电话", masked(one.phone or "", 3), masked(other.phone or "", 3), one.phone, other.phone)
    place, its_place = _place_of(a), _place_of(b)
    yield _field("address", "住址(仅显示到区县)", place, its_place, _line(one), _line(other))
    here, there = organizations.get(_managing(a), ""), organizations.get(_managing(b), "")
    yield _field("organization", "登记机构", here, there, None, None)


def _field(code: str, zh: str, first: str, second: str, whole: str | None, its_whole: str | None) -> Field:
    if whole is None and its_whole is None:
        return Field(code, zh, first, second, "none")
    if whole is None or its_whole is None:
        return Field(code, zh, first, second, "one")
    return Field(code, zh, first, second, "same" if whole == its_whole else "different")


def _numbers(patient: Json) -> dict[str, str]:
    """The person's own numbers by kind, the first of each."""
    found: dict[str, str] = {}
    for number in identifiers.numbers_of(patient):
        if number.kind.alone == "person":
            found.setdefault(number.kind.code, number.plain)
    return found


def _name(patient: Json) -> str:
    names = [one for one in patient.get("name", ()) if one.get("use") not in ("old", "nickname")]
    if not names:
        return ""
    one = names[0]
    return str(one.get("text") or "".join([one.get("family", ""), *one.get("given", ())]))


def _sex(patient: Json) -> str:
    return {"male": "男", "female": "女", "other": "其他", "unknown": "未知"}.get(str(patient.get("gender", "")), "")


def _place_of(patient: Json) -> str:
    for one in patient.get("address", ()):
        found = "".join(dict.fromkeys(str(one[key]) for key in ("state", "city", "district") if key in one))
        if found:
            return found
    return ""


def _line(one: features.Features) -> str | None:
    if one.line is None and one.town is None:
        return None
    return f"{one.county or ''}|{one.town or ''}|{one.line or ''}"


def _managing(patient: Json) -> str:
    return str((patient.get("managingOrganization") or {}).get("reference", ""))


async def _organizations(tx: Tx, references: Sequence[str]) -> dict[str, str]:
    wanted = [("Organization", text.removeprefix("Organization/")) for text in references if text.startswith("Organization/")]
    found = await read.many(tx, SYSTEM, wanted) if wanted else {}
    return {f"Organization/{one.id}": str(parse(one.body).get("name", one.id)) for one in found.values()}


async def _patients(tx: Tx, rids: Sequence[int]) -> dict[int, Stored]:
    if not rids:
        return {}
    rows = await tx.fetch("select id from resource where rid = any($1::bigint[]) and not deleted", list(rids))
    return {one.rid: one for one in (await read.many(tx, SYSTEM, [("Patient", row["id"]) for row in rows])).values()}


def _bits(score: float) -> int:
    """A score between 0 and 1 as a whole number, exactly: the bits of the double."""
    (bits,) = struct.unpack(">q", struct.pack(">d", score))
    return int(bits)


def _score(bits: int) -> float:
    """Raises BadRequest for what is no score."""
    (score,) = struct.unpack(">d", struct.pack(">q", bits))
    if not 0 <= score <= 1:
        raise BadRequest("_cursor is not from a link of this server; start again from the first page.", zh="分页参数无效,请回到第一页。")
    return float(score)
