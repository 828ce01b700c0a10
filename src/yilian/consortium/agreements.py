"""Agreements of a consortium with its members (GOV-2), as Contracts.

    authority   the consortium; subject: the members it is made with
    applies     the period; without an end it holds until it is terminated
    status      negotiable: being drawn up; executed: in force; terminated: ended before its time, with an end; entered-in-error
    identifier  its number; title; issued: when it was signed
    topicCodeableConcept.text   what about; term.offer.text: what was agreed, in words
    legallyBindingReference     the signed paper, a DocumentReference of the consortium (papers.py)

So many days (policy `consortium.agreement_notice_days`) before one in force ends, the office of the consortium and its members are told.
FHIR R4: http://hl7.org/fhir/R4/contract.html
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.consortium import papers, standing
from yilian.consortium.standing import Consortium, RoomScope
from yilian.directory import institutions
from yilian.errors import BadRequest, InvalidResource, NotFound
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.notifications import Message, Reader, tell
from yilian.search.parameters import parameters_of
from yilian.store.change import Change, Written
from yilian.store.read import Stored
from yilian.store.scope import Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

STATES = ("negotiable", "executed", "terminated", "entered-in-error")
SAID = frozenset(
    "resourceType id meta status identifier title issued applies subject topicCodeableConcept term legallyBindingReference".split()
)
OURS = frozenset({"authority", "author"})
TERM = frozenset({"offer"})

MEMBERS = """
select m.member, m.lead from membership m where m.consortium = $1 and m.period @> $2::date order by m.lead desc, m.member
"""
EVER = """
select r.id from membership m join resource r on r.rid = m.member where m.consortium = $1 and r.type = $2 and r.id = any($3::text[])
"""


async def keep(tx: Tx, scope: Scope, id: str, agreement: Json, if_match: int | None) -> Written:
    """Store an agreement of the consortium Organization/`id`, in `tx`: a new one without an id, else the next version.

    Forbidden, NotFound, VersionStale; InvalidResource for what is no such agreement or says more.
    """
    consortium = await standing.consortium(tx, id)
    await standing.require_keeper(tx, scope, consortium.rid)
    standing.require_sound(agreement)
    is_new = not agreement.get("id")
    if not is_new and not await papers.of(tx, "Contract", "authority", consortium.rid, agreement["id"]):
        raise NotFound(f"The consortium has no agreement Contract/{agreement['id']}.", zh="该医联体没有这份协议。")
    made = _checked(agreement)
    made["subject"] = await _members(tx, consortium, agreement.get("subject") or [])
    made["authority"] = [consortium.reference]
    signed = (agreement.get("legallyBindingReference") or {}).get("reference", "")
    if signed:
        kind, _, key = signed.partition("/")
        paper = parse((await papers.one(tx, consortium, key if kind == "DocumentReference" else "")).body)
        made["legallyBindingReference"] = {"reference": f"DocumentReference/{key}", "display": paper["description"]}
    change = Change("POST", "Contract", None, made) if is_new else Change("PUT", "Contract", agreement["id"], made, if_match=if_match)
    [written] = await write(tx, lent(scope, RoomScope, "everything"), [change])
    return written


def _checked(agreement: Json) -> Json:
    for name in sorted(agreement.keys() - SAID - OURS):
        raise _refused(name, f"An agreement has no {name} here; it has {', '.join(sorted(SAID))}.", "协议登记中含有不支持的内容。")
    if agreement.get("status") not in STATES:
        raise _refused("status", f"status is one of {', '.join(STATES)}.", "协议状态不正确。")
    title = agreement.get("title", "").strip()
    if not title:
        raise _refused("title", "An agreement needs a title.", "请填写协议名称。")
    applies = agreement.get("applies") or {}
    start, end = applies.get("start", "")[:10], applies.get("end", "")[:10]
    if len(start) != 10 or len(end) not in (0, 10):
        raise _refused("applies", "Say from which day to which it holds.", "请填写协议起止日期。")
    if end and end < start:
        raise _refused("applies", "An agreement ends after it starts.", "结束日期须不早于开始日期。")
    if agreement["status"] == "terminated" and not end:
        raise _refused("applies", "An agreement that is terminated has a last day.", "提前终止的协议须填写结束日期。")
    made: Json = {
        "resourceType": "Contract",
        "status": agreement["status"],
        "title": title,
        "applies": {"start": start} | ({"end": end} if end else {}),
    }
    if agreement.get("id"):
        made["id"] = agreement["id"]
    if agreement.get("issued"):
        made["issued"] = agreement["issued"]
    if numbers := [one["value"].strip() for one in agreement.get("identifier", ()) if one.get("value", "").strip()]:
        made["identifier"] = [{"value": one} for one in numbers]
    if about := (agreement.get("topicCodeableConcept") or {}).get("text", "").strip():
        made["topicCodeableConcept"] = {"text": about}
    for term in agreement.get("term", ()):
        if term.keys() - TERM or term["offer"].keys() - {"text"}:
            raise _refused("term", "A term is said in words, term.offer.text.", "协议条款请以文字填写。")
    if words := [one["offer"]["text"].strip() for one in agreement.get("term", ()) if one["offer"].get("text", "").strip()]:
        made["term"] = [{"offer": {"text": one}} for one in words]
    return made


async def _members(tx: Tx, consortium: Consortium, subjects: list[Json]) -> list[Json]:
    """Those the agreement is made with, each once; InvalidResource for nobody, and for who is not and was not a member."""
    wanted = list(dict.fromkeys(one.get("reference", "") for one in subjects))
    ids = [one.removeprefix("Organization/") for one in wanted if one.startswith("Organization/")]
    found = {row["id"] for row in await tx.fetch(EVER, consortium.rid, type_id("Organization"), ids)}
    if not wanted or len(found) != len(wanted):
        raise _refused("subject", "An agreement is made with members of the consortium.", "请选择签约的成员单位。")
    names = {one["reference"]: one.get("display", "") for one in subjects}
    return [{"reference": one} | ({"display": names[one]} if names[one] else {}) for one in wanted]


async def listed(
    tx: Tx, scope: Scope, id: str, *, state: str = "", member: str = "", offset: int = 0, count: int = 30
) -> tuple[list[Stored], int]:
    """A page of the agreements of the consortium Organization/`id`, by when they end, those in force first; and how many there are.

    state: in-force, ended, draft or "" for all; member: logical id of a member, or "". What was entered in error is left out.
    Forbidden, NotFound; BadRequest for a state there is not.
    """
    if state not in ("", "in-force", "ended", "draft"):
        raise BadRequest("state is in-force, ended or draft.", zh="筛选条件不正确。")
    consortium = await standing.consortium(tx, id)
    await standing.require_reader(tx, scope, consortium.rid)
    today, order = standing.today(tx), ("in-force", "draft", "ended")
    found = []
    for one in await papers.of(tx, "Contract", "authority", consortium.rid):
        said = parse(one.body)
        if said["status"] == "entered-in-error" or state not in ("", state_of(said, today)):
            continue
        if not member or f"Organization/{member}" in (subject.get("reference") for subject in said.get("subject", ())):
            found.append((order.index(state_of(said, today)), (said.get("applies") or {}).get("end", "9999"), one.rid, one))
    found.sort(key=lambda each: each[:3])
    return [one for *_, one in found[offset : offset + count]], len(found)


def state_of(agreement: Json, today: date) -> str:
    """in-force, ended or draft, on this day of the region. Its last day belongs to it; what starts later is in force from the day it is
    signed, as far as anybody has to be told."""
    if agreement["status"] == "negotiable":
        return "draft"
    end = (agreement.get("applies") or {}).get("end", "")
    return "ended" if end and end[:10] < today.isoformat() else "in-force"


ALL = "select distinct p.target from index_reference p join resource r using (rid) where p.param = $1 and r.type = $2 and not r.deleted"


async def warn(tx: Tx) -> int:
    """Tell of agreements in force that end within the notice, each once for one end, in `tx`; how many were told of."""
    days = int(await policy.value(tx, "consortium.agreement_notice_days", tx.now))
    today, told = standing.today(tx), 0
    for row in await tx.fetch(ALL, parameters_of("Contract")["authority"].id, type_id("Contract")):
        consortium = await standing.by_key(tx, row["target"])
        if consortium is None:
            continue
        for one in await papers.of(tx, "Contract", "authority", consortium.rid):
            said = parse(one.body)
            end = (said.get("applies") or {}).get("end", "")
            if said["status"] != "executed" or not end or not today <= date.fromisoformat(end[:10]) <= today + timedelta(days=days):
                continue
            readers = await _readers(tx, consortium, {subject.get("reference", "") for subject in said.get("subject", ())})
            if readers:
                values = {"consortium": consortium.name, "title": said["title"], "day": end[:10]}
                key = f"consortium.agreement-ends:{one.rid}:{end[:10]}"
                await tell(tx, Message("consortium.agreement-ends", readers, f"Organization/{consortium.id}", values=values, key=key))
                told += 1
    return told


async def _readers(tx: Tx, consortium: Consortium, subjects: set[str]) -> tuple[Reader, ...]:
    """The office of the lead, and the office and 转诊办 of the members it is made with."""
    rows = await tx.fetch(MEMBERS, consortium.rid, standing.today(tx))
    known = await institutions.by_rid(tx, {row["member"] for row in rows})
    found = [Reader.post(row["member"], "office") for row in rows if row["lead"]]
    for row in rows:
        if known[row["member"]].reference in subjects:
            found += [Reader.post(row["member"], role) for role in ("office", "coordinator")]
    return tuple(dict.fromkeys(found))[:50]


def _refused(element: str, text: str, zh: str) -> InvalidResource:
    return InvalidResource(text, expression=f"Contract.{element}", zh=zh)
