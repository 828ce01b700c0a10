"""A member that fails its duties is told to rectify until a day (限期整改, GOV-4): a Task of the consortium for the member.

    requester   the consortium; owner: the member; focus: the membership
    description what is to be mended; restriction.period.end: until when; reasonReference: the resolution, where there is one
    status      requested; completed: found mended, with a note; failed: the membership ended for it

Nothing follows by itself when the day has passed: the office is told, and the committee decides.
FHIR R4: http://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.consortium import papers, standing
from yilian.consortium.codes import STEPS, coded
from yilian.consortium.standing import Consortium, RoomScope
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.notifications import Message, Reader, tell
from yilian.search.parameters import parameters_of
from yilian.store import read
from yilian.store.change import Change, Written, independent
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

MEMBERSHIP = """
select m.rid, m.consortium, m.member, m.period @> $3::date as holds from resource r join membership m using (rid)
where r.type = $1 and r.id = $2 and not r.deleted
"""
LEADS = "select member from membership where consortium = $1 and lead and period @> $2::date"
OPEN = """
select r.id, p.target as consortium from resource r join index_reference p on p.rid = r.rid and p.param = $2
join resource o on o.rid = p.target and o.type = $3
where r.type = $1 and not r.deleted and r.patient is null and r.confined is null
"""
TOLD_AT_MEMBER = ("office", "coordinator", "president")


@dataclass(frozen=True, slots=True)
class Membership:
    """affiliation: the OrganizationAffiliation as it is; member: key of the institution; holds: whether it holds today."""

    rid: int
    affiliation: Stored
    resource: Json
    consortium: Consortium
    member: int
    holds: bool

    @property
    def reference(self) -> str:
        return f"OrganizationAffiliation/{self.affiliation.id}"

    @property
    def name(self) -> str:
        return str(self.resource["participatingOrganization"].get("display", ""))


async def membership(tx: Tx, id: str) -> Membership:
    """The membership OrganizationAffiliation/`id`. NotFound where there is none, or of no consortium."""
    row = await tx.fetchrow(MEMBERSHIP, type_id("OrganizationAffiliation"), id, standing.today(tx))
    consortium = await standing.by_key(tx, row["consortium"]) if row is not None else None
    if row is None or consortium is None:
        raise NotFound(f"There is no membership OrganizationAffiliation/{id[:64]}.", zh="没有这项成员关系。")
    found = await read.by_id(tx, SYSTEM, "OrganizationAffiliation", id)
    return Membership(row["rid"], found, parse(found.body), consortium, row["member"], row["holds"])


async def ask(tx: Tx, scope: Scope, id: str, reason: str, until: date | None, resolution: str) -> Written:
    """Tell the member of this membership to rectify, in `tx`. until: of the region; None: as many days from today as the policy
    `consortium.rectification_days` says. resolution: reference of the one it rests on, or "".

    Forbidden, NotFound; Conflict for who is no member today, or has been told already; BadRequest for a reason or day that cannot be.
    """
    one = await membership(tx, id)
    await standing.require_keeper(tx, scope, one.consortium.rid)
    today = standing.today(tx)
    if until is None:
        until = today + timedelta(days=int(await policy.value(tx, "consortium.rectification_days", tx.now)))
    if not reason.strip():
        raise BadRequest("reason is missing: what is to be mended.", expression="reason", zh="请填写整改事由。")
    if until <= today:
        raise BadRequest("until is a day to come.", expression="until", zh="整改期限须晚于今天。")
    if not one.holds:
        raise Conflict("This membership does not hold today.", zh="该成员关系目前无效,不能发整改通知。")
    if await open_of(tx, one):
        raise Conflict("The member has been told to rectify already; close that first.", zh="该成员已有未办结的整改通知。")
    given = await papers.require_resolution(tx, one.consortium, resolution) if resolution else None
    task: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": coded(urls.CONSORTIUM_STEP, "rectification", STEPS),
        "description": reason.strip(),
        "focus": {"reference": one.reference, "display": one.name},
        "authoredOn": tx.now.isoformat(timespec="seconds"),
        "lastModified": tx.now.isoformat(timespec="seconds"),
        "requester": one.consortium.reference,
        "owner": one.resource["participatingOrganization"],
        "restriction": {"period": {"end": until.isoformat()}},
    } | ({"reasonReference": given} if given else {})
    [written] = await write(tx, lent(scope, RoomScope, "everything"), [Change("POST", "Task", None, task)])
    values = {"consortium": one.consortium.name, "text": reason.strip()[:500], "until": until.isoformat()}
    await tell(tx, Message("consortium.rectify", at_member(one), f"Organization/{one.consortium.id}", values=values))
    return written


async def close(tx: Tx, scope: Scope, id: str, note: str) -> Written:
    """Say that the member of this membership has mended what it was told to, in `tx`. Forbidden, NotFound; BadRequest without a note."""
    one = await membership(tx, id)
    await standing.require_keeper(tx, scope, one.consortium.rid)
    if not note.strip():
        raise BadRequest("note is missing: what was found mended.", expression="note", zh="请填写整改验收情况。")
    found = await open_of(tx, one)
    if not found:
        raise NotFound("The member has no notice to rectify that is open.", zh="该成员没有未办结的整改通知。")
    [written] = await write(tx, lent(scope, RoomScope, "everything"), [done(tx, scope, found[0], "completed", note)])
    values = {"consortium": one.consortium.name}
    await tell(tx, Message("consortium.rectified", at_member(one), f"Organization/{one.consortium.id}", values=values))
    return written


def done(tx: Tx, scope: Scope, found: Stored, status: str, note: str) -> Change:
    """The notice, closed."""
    task: Json = independent(parse(found.body))
    task["status"] = status
    task["lastModified"] = tx.now.isoformat(timespec="seconds")
    task["note"] = [{"authorString": scope.name, "time": task["lastModified"], "text": note.strip()}]
    return Change("PUT", "Task", found.id, task, if_match=found.version)


async def listed(tx: Tx, scope: Scope, id: str) -> list[Stored]:
    """The notices of the consortium Organization/`id`, the newest first. Who keeps its papers gets all, a member its own. Forbidden."""
    consortium = await standing.consortium(tx, id)
    await standing.require_reader(tx, scope, consortium.rid)
    found = [one for one in await papers.of(tx, "Task", "requester", consortium.rid) if is_notice(parse(one.body))]
    if not await standing.keeps(tx, scope, consortium.rid):
        found = [one for one in found if parse(one.body)["owner"].get("reference") == scope.institution]
    return sorted(found, key=lambda one: -one.rid)


async def open_of(tx: Tx, one: Membership) -> list[Stored]:
    """The notices to this member that are not closed: one at most."""
    tasks = await papers.of(tx, "Task", "focus", one.rid)
    return [task for task in tasks if is_notice(said := parse(task.body)) and said["status"] == "requested"]


def is_notice(task: Json) -> bool:
    """Whether this Task is a notice to rectify."""
    codings = (task.get("code") or {}).get("coding", ())
    return any(c.get("system") == urls.CONSORTIUM_STEP and c.get("code") == "rectification" for c in codings)


def at_member(one: Membership) -> tuple[Reader, ...]:
    """Who is told at a member."""
    return tuple(Reader.post(one.member, role) for role in TOLD_AT_MEMBER)


async def warn(tx: Tx) -> int:
    """Tell the office of the lead, once each, of notices whose day has passed, in `tx`; how many were told of."""
    today, told = standing.today(tx), 0
    rows = await tx.fetch(OPEN, type_id("Task"), parameters_of("Task")["requester"].id, type_id("Organization"))
    bodies = await read.many(tx, SYSTEM, [("Task", row["id"]) for row in rows])
    for row in rows:
        one = bodies[("Task", row["id"])]
        task = parse(one.body)
        if not is_notice(task) or task["status"] != "requested" or task["restriction"]["period"]["end"] >= today.isoformat():
            continue
        consortium = await standing.by_key(tx, row["consortium"])
        leads = await tx.fetch(LEADS, row["consortium"], today)
        if consortium is None or not leads:
            continue
        values = {
            "consortium": consortium.name,
            "institution": task["owner"].get("display", ""),
            "until": task["restriction"]["period"]["end"],
        }
        readers = tuple(Reader.post(lead["member"], "office") for lead in leads)
        key = f"consortium.rectify-overdue:{one.rid}"
        await tell(tx, Message("consortium.rectify-overdue", readers, f"Organization/{consortium.id}", values=values, key=key))
        told += 1
    return told
