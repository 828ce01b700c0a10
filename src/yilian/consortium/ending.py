"""A membership ends by a resolution of the consortium that is named, and in no other way (GOV-4).

`end` sets the period of the OrganizationAffiliation and writes a Provenance of it: who, when, why, and the resolution it rests on. `follow`
refuses what would end one by another road: an earlier end, `active: false`, another member or consortium in its place, a deletion. Systems
of the region, which bring what was decided elsewhere, are trusted with it. A membership that was written with its end from the start (for
a term) ends by that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yilian.consortium import papers, rectifying, standing
from yilian.consortium.codes import STEPS, coded
from yilian.consortium.standing import RoomScope
from yilian.errors import BadRequest, Conflict
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.notifications import Message, tell
from yilian.search.parameters import parameters_of
from yilian.store import read
from yilian.store.change import Change, Written, independent
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
NEVER = "9999-12-31"
RESTS_ON = """
select distinct r.id, r.rid from index_reference p join resource r using (rid)
where p.param = $1 and p.target = $2 and not r.deleted and r.patient is null and r.confined is null
"""


async def end(tx: Tx, scope: Scope, id: str, last: date, resolution: str, reason: str, if_match: int | None) -> Written:
    """End the membership OrganizationAffiliation/`id` with the day `last` of the region, in `tx`; a notice to rectify is closed as failed.

    Forbidden, NotFound, VersionStale; InvalidResource where no resolution in force is named; BadRequest without a reason; Conflict where it
    has ended by then already.
    """
    one = await rectifying.membership(tx, id)
    await standing.require_keeper(tx, scope, one.consortium.rid)
    if not reason.strip():
        raise BadRequest("reason is missing.", expression="reason", zh="请填写终止事由。")
    period = one.resource.get("period") or {}
    if last.isoformat() < str(period.get("start", ""))[:10]:
        raise BadRequest("A membership ends after it starts.", expression="end", zh="结束日期须不早于加入日期。")
    if str(period.get("end", NEVER))[:10] <= last.isoformat():
        raise Conflict("This membership has ended by then already.", zh="该成员关系届时已经结束。")
    rests_on = await papers.require_resolution(tx, one.consortium, resolution)
    after = independent(one.resource) | {"active": last >= standing.today(tx), "period": {**period, "end": last.isoformat()}}
    room = lent(scope, RoomScope, "everything")
    changes = [Change("PUT", "OrganizationAffiliation", id, after, if_match=if_match or one.affiliation.version)]
    changes += [rectifying.done(tx, scope, notice, "failed", reason) for notice in await rectifying.open_of(tx, one)]
    ended = (await write(tx, room, changes))[0]
    await write(tx, room, [Change("POST", "Provenance", None, _provenance(tx, scope, ended, reason.strip(), rests_on))])
    values = {"consortium": one.consortium.name, "day": last.isoformat(), "text": str(rests_on["display"])[:500]}
    readers = rectifying.at_member(one)
    await tell(tx, Message("consortium.membership-ended", readers, f"Organization/{one.consortium.id}", values=values))
    return ended


def _provenance(tx: Tx, scope: Scope, ended: Written, reason: str, resolution: Json) -> Json:
    agent: Json = {"type": {"coding": [{"system": PARTICIPANT, "code": "author"}]}, "who": standing.who(scope)}
    if scope.institution:
        agent["onBehalfOf"] = {"reference": scope.institution, "display": scope.institution_name}
    return {
        "resourceType": "Provenance",
        "target": [{"reference": f"OrganizationAffiliation/{ended.id}/_history/{ended.version}"}],
        "occurredDateTime": tx.now.isoformat(timespec="seconds"),
        "recorded": tx.now.isoformat(timespec="milliseconds"),
        "reason": [{"text": reason}],
        "activity": coded(urls.CONSORTIUM_STEP, "membership-ended", STEPS),
        "agent": [agent],
        "entity": [{"role": "source", "what": resolution}],
    }


async def endings(tx: Tx, scope: Scope, id: str) -> list[Stored]:
    """On what each membership of the consortium Organization/`id` that was ended here rests: Provenances, the newest first. Forbidden."""
    consortium = await standing.consortium(tx, id)
    await standing.require_reader(tx, scope, consortium.rid)
    found: dict[str, int] = {}
    for paper in await papers.of(tx, "DocumentReference", "related", consortium.rid):
        if papers.kind_of(parse(paper.body)) == "resolution":
            found |= {row["id"]: row["rid"] for row in await tx.fetch(RESTS_ON, parameters_of("Provenance")["entity"].id, paper.rid)}
    bodies = await read.many(tx, SYSTEM, [("Provenance", one) for one in found])
    return sorted(bodies.values(), key=lambda one: -one.rid)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store. Raises Conflict for what ends a membership of a consortium without a resolution."""
    if scope.reach == "everything":
        return
    for one in written:
        if one.type != "OrganizationAffiliation" or one.unchanged or not one.previous:
            continue
        before = parse(one.previous)
        if _shortened(before, one.resource) and await _is_of_a_consortium(tx, before):
            raise Conflict(
                "A membership of a consortium ends by a resolution that is named: OrganizationAffiliation/{id}/$end-membership.",
                zh="终止医联体成员资格须以医联体决议为依据,请在医联体页面办理。",
                code="business-rule",
            )


def _shortened(before: Json, after: Mapping[str, Any] | None) -> bool:
    until = _until(before)
    if until is None:
        return False
    now = _until(after) if after is not None else None
    if after is None or now is None or now < until or _since(after) > _since(before):
        return True
    return any(_whom(before, name) != _whom(after, name) for name in ("organization", "participatingOrganization"))


def _until(affiliation: Mapping[str, Any]) -> str | None:
    """Its last day; None where it never held (directory/columns.py)."""
    last = (affiliation.get("period") or {}).get("end")
    if last is None and affiliation.get("active", True) is False:
        return None
    return str(last or NEVER)[:10]


def _since(affiliation: Mapping[str, Any]) -> str:
    return str((affiliation.get("period") or {}).get("start", ""))


def _whom(affiliation: Mapping[str, Any], name: str) -> object:
    return (affiliation.get(name) or {}).get("reference")


async def _is_of_a_consortium(tx: Tx, affiliation: Json) -> bool:
    kind, _, id = str(_whom(affiliation, "organization") or "").partition("/")
    return kind == "Organization" and await standing.is_consortium(tx, id)
