"""A small region with what matters to a referral: townships with and without approval, a county hospital, two city hospitals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from yilian import referral, validation
from yilian.access import grounds
from yilian.audit.record import follow_writes
from yilian.db import Database
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.referral import reservation
from yilian.scheduling import bookings, slots
from yilian.store import read
from yilian.store.change import Change
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import write

Resource = dict[str, Any]

HOOKS = Hooks(
    validate=validation.issues,
    guards=(referral.guard, bookings.guard),
    reactions=(grounds.follow, follow_writes, slots.follow, reservation.follow),
)

ORGANIZATIONS = {
    # id           name                tier        asks for approval
    "qingshi": ("青石镇卫生院", "township", True),
    "liuhe": ("柳河镇卫生院", "township", False),
    "county": ("云溪县人民医院", "county", False),
    "first": ("云溪市第一人民医院", "city", False),
    "second": ("云溪市第二人民医院", "city", False),
}

PEOPLE = {
    # id                name     institution  role
    "gp": ("张伟", "qingshi", "gp"),
    "gp-colleague": ("刘敏", "qingshi", "gp"),
    "head": ("陈静", "qingshi", "head"),
    "gp2": ("王芳", "liuhe", "gp"),
    "county": ("赵强", "county", "physician"),
    "coordinator": ("孙丽", "first", "coordinator"),
    "expert": ("周明", "first", "consultant"),
    "expert2": ("吴刚", "second", "consultant"),
    "pharmacist": ("郑洁", "first", "pharmacist"),
    "office": ("冯涛", "first", "office"),
}

PATIENTS = {
    # id           name      sex       birth        registered at
    "p1": ("李秀英", "female", "1956-03-12", "qingshi"),
    "p2": ("欧阳建国", "male", "1949-11-02", "qingshi"),
    "p3": ("单雄", "male", "2024-05-01", "liuhe"),
    "dead": ("何大山", "male", "1930-01-01", "qingshi"),
}

MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = MORNING

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass
class Region:
    """The database, its clock, everybody's scope, and short words for what the tests do."""

    db: Database
    clock: Clock
    rids: dict[str, int]
    scopes: dict[str, Scope] = field(default_factory=dict)
    made: dict[str, Resource] = field(default_factory=dict)
    """What a test keeps between the examples of a property."""

    def scope(self, who: str) -> Scope:
        return self.scopes[who]

    async def refer(self, who: str, request: Resource | None = None, **more: Any) -> tuple[Resource, Resource]:
        async with self.db.transaction() as tx:
            return await referral.refer(tx, self.scope(who), refer_parameters(request or up("p1"), **more))

    async def act(self, who: str, task: Resource, action: str, **more: Any) -> Resource:
        """Take a step with the version of `task`."""
        async with self.db.transaction() as tx:
            return await referral.act(tx, self.scope(who), task["id"], version_of(task), act_parameters(action, **more))

    async def actions(self, who: str, task: Resource) -> list[str]:
        async with self.db.reading() as tx:
            return [one.code for one in (await referral.actions(tx, self.scope(who), task["id"])).actions]

    async def changes(self, who: str, task: Resource) -> dict[str, str] | None:
        """When time alone changes what somebody may do, and from when that is seen; as `$actions` tells it."""
        async with self.db.reading() as tx:
            told = referral.actions_answer(await referral.actions(tx, self.scope(who), task["id"])).get("parameter", [])
        return {part["name"]: part["valueInstant"] for one in told if one["name"] == "changes" for part in one["part"]} or None

    async def read(self, who: str, reference: str) -> Resource:
        """A resource as somebody sees it; "system" sees everything."""
        kind, id = reference.split("/")[:2]
        async with self.db.reading() as tx:
            return parse((await read.by_id(tx, SYSTEM if who == "system" else self.scope(who), kind, id)).body)

    async def write(self, *resources: Resource) -> None:
        """Put resources in as the platform."""
        async with self.db.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])

    async def row(self, task: Resource) -> dict[str, Any]:
        async with self.db.reading() as tx:
            return dict(await tx.fetchrow("select * from referral where task_id = $1", task["id"]) or {})


@asynccontextmanager
async def opened(dsn: str, hooks: Hooks) -> AsyncIterator[Region]:
    """The region on this database, which is wired with these hooks, and a clock the test moves."""
    clock = Clock()
    database = Database(dsn, hooks, clock=clock)
    await database.open()
    try:
        yield await build(database, clock)
    finally:
        await database.close()


async def build(db: Database, clock: Clock) -> Region:
    """Write the region."""
    resources: list[Resource] = [organization(id, *rest) for id, rest in ORGANIZATIONS.items()]
    phone = [{"system": "phone", "value": "0516-88001234"}]
    for id, (name, _, _) in PEOPLE.items():
        resources.append({"resourceType": "Practitioner", "id": id, "name": [{"text": name}], "telecom": phone})
    resources += [patient(id, *rest) for id, rest in PATIENTS.items()]
    async with db.transaction() as tx:
        written = await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])
    rids = {f"{one.type}/{one.id}": one.rid for one in written}
    region = Region(db, clock, rids)
    for id, (name, where, role) in PEOPLE.items():
        region.scopes[id] = Scope(
            reach="grounds",
            user=id,
            agent=f"Practitioner/{id}",
            name=name,
            roles=frozenset({role}),
            institution=f"Organization/{where}",
            institution_rid=rids[f"Organization/{where}"],
            institution_name=ORGANIZATIONS[where][0],
        )
    for id, (name, *_) in PATIENTS.items():
        rid = rids[f"Patient/{id}"]
        region.scopes[id] = Scope("self", id, f"Patient/{id}", name, frozenset({"resident"}), patient_rid=rid, purpose="PATRQT")
    region.scopes["admin"] = Scope("nothing", "admin", "Practitioner/gp", "管理员", frozenset({"admin"}), purpose="HSYSADMIN")
    return region


def organization(id: str, name: str, tier: str, approval: bool) -> Resource:
    return {
        "resourceType": "Organization",
        "id": id,
        "extension": [
            {"url": urls.TIER, "valueCoding": {"system": urls.INSTITUTION_TIER, "code": tier}},
            {"url": urls.NEEDS_APPROVAL, "valueBoolean": approval},
        ],
        "active": True,
        "name": name,
        "telecom": [{"system": "phone", "value": "0516-88000000"}],
    }


def patient(id: str, name: str, sex: str, born: str, at: str) -> Resource:
    resource: Resource = {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": urls.HEALTH_FILE, "value": f"516621100101{ord(id[-1]):05d}"}],
        "name": [{"text": name}],
        "gender": sex,
        "birthDate": born,
        "telecom": [{"system": "phone", "value": "13900001234"}],
        "address": [{"text": "云溪县青石镇石桥村 12 号"}],
        "managingOrganization": {"reference": f"Organization/{at}"},
    }
    if id == "dead":
        resource["deceasedDateTime"] = "2026-01-05"
    return resource


def up(
    patient: str = "p1",
    to: str = "first",
    *,
    specialty: str = "03.04",
    direction: str = "up",
    reason: str = "needs-higher-test",
    priority: str = "routine",
    **more: Any,
) -> Resource:
    """A sound request; a direction or reason of "" is left out."""
    request: Resource = {
        "resourceType": "ServiceRequest",
        "subject": {"reference": f"Patient/{patient}"},
        "priority": priority,
        "reasonCode": [{"coding": [{"system": urls.ICD10, "code": "I20.0"}], "text": "不稳定型心绞痛?"}],
    }
    if direction:
        request["category"] = [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": direction}]}]
    if specialty:
        request["locationCode"] = [{"coding": [{"system": urls.SPECIALTY, "code": specialty}]}]
    if to:
        request["performer"] = [{"reference": f"Organization/{to}"}]
    if reason:
        request["reasonCode"].insert(0, {"coding": [{"system": urls.REFERRAL_REASON, "code": reason}]})
    return request | more


def down(patient: str, to: str, based_on: Resource | None = None, **more: Any) -> Resource:
    request = up(patient, to, direction="down", reason="stable-after-acute", **more)
    if based_on is not None:
        request["basedOn"] = [{"reference": f"ServiceRequest/{based_on['id']}"}]
    return request


def refer_parameters(request: Resource, **more: Any) -> Resource:
    return {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": request}, *_named(more)]}


def act_parameters(action: str, **more: Any) -> Resource:
    return {"resourceType": "Parameters", "parameter": [{"name": "action", "valueCode": action}, *_named(more)]}


REFERENCES = ("to", "attachment", "practitioner", "slot", "bed", "alternatives")


def _named(more: dict[str, Any]) -> list[Resource]:
    out: list[Resource] = []
    for name, value in more.items():
        for item in value if isinstance(value, list) else [value]:
            out.append({"name": name, **_value(name, item)})
    return out


def _value(name: str, item: Any) -> Resource:
    if isinstance(item, bool):
        return {"valueBoolean": item}
    if name == "nextVisit":
        return {"valueDate": item}
    if name == "start":
        return {"valueDateTime": item}
    if isinstance(item, str):
        return {"valueReference": {"reference": item}} if name in REFERENCES else {"valueString": item}
    if "resourceType" in item:
        return {"resource": item}
    return {"valueReference": item} if "reference" in item else {"valueCodeableConcept": item}


def decline_reason(code: str = "no-capacity") -> Resource:
    return {"coding": [{"system": urls.REFERRAL_DECLINE_REASON, "code": code}]}


def leave_reason(code: str = "refused") -> Resource:
    return {"coding": [{"system": urls.REFERRAL_LEAVE_REASON, "code": code}]}


OUTCOME = {
    "diagnosis": {"coding": [{"system": urls.ICD10, "code": "I25.1"}], "text": "冠状动脉粥样硬化性心脏病"},
    "treatment": "行冠脉造影并植入支架一枚。",
    "advice": "双抗一年,两周后复诊。",
}


def a_plan() -> Resource:
    return {"resourceType": "CarePlan", "title": "PCI 术后随访", "description": "两周内首次随访,之后每月一次。"}


def version_of(resource: Resource) -> int:
    return int(resource["meta"]["versionId"])


def state_of(task: Resource) -> str:
    return str(task["businessStatus"]["coding"][0]["code"])
