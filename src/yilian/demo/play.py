"""The demo region into a database: written through the store, its referrals played through the commands people use.

It goes on where it was interrupted. A marker resource (`Basic/demo-region`, seen by the platform alone) says on which day the region was
begun and what is done; it is written in the same transactions as what it speaks of, and everything has a stable id, so nothing is there
twice. Seed, size and day are those of the first run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from yilian import policy, referral
from yilian.access import accounts, clients
from yilian.aftercare import suspicions
from yilian.db import Database, Tx
from yilian.demo import bookings as demo_bookings
from yilian.demo import guardianship, privacy, ward_day
from yilian.demo import outside as demo_outside
from yilian.demo import region as demo_region
from yilian.demo import schedules as demo_schedules
from yilian.demo.accounts import CLIENT, CLIENT_SECRET, PASSWORD
from yilian.demo.geography import CITY_CODE
from yilian.demo.referrals import ZONE, Plan, Step
from yilian.demo.region import Region
from yilian.errors import Conflict, NotFound
from yilian.fhir import json, urls
from yilian.fhir.definitions import type_id
from yilian.identity import card, matching
from yilian.jobs import NewJob, enqueue_many
from yilian.scheduling import making
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import write

Resource = dict[str, Any]
Report = Callable[[str, int, int], None]
"""Told of progress: what is being done, how many of how many."""

MARKER = "demo-region"
CARD_HOLDER = "resident-0001"
OPEN_HOUSE = {
    "access.password_days": 0,
    "access.sessions_at_once": 0,
    "access.second_factor_roles": [],
}
"""Rules of sign-in the demo region does without: its accounts are for everybody who looks at it."""
DIRECTORY_BATCH = 600
BOOKINGS_BATCH = 10
PATIENTS_BATCH = 50
"""Residents in one transaction: some 3,300 resources, a second or two, so an interruption costs little."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the marker says: how the region was begun, and how far it has come."""

    today: date
    seed: int
    residents: int
    directory: int = 0  # resources
    charts: int = 0  # residents
    duplicates: bool = False
    accounts: bool = False
    schedules: int = 0
    bookings: int = 0  # acts
    referrals: tuple[tuple[str, str], ...] = field(default=())  # (plan, id of its ServiceRequest)
    complete: bool = False

    def resource(self) -> Resource:
        words = {
            "seed": str(self.seed),
            "residents": str(self.residents),
            "directory": str(self.directory),
            "charts": str(self.charts),
            "duplicates": "yes" if self.duplicates else "no",
            "accounts": "yes" if self.accounts else "no",
            "schedules": str(self.schedules),
            "bookings": str(self.bookings),
            "complete": "yes" if self.complete else "no",
        }
        entries = [*words.items(), *((f"referral {key}", id) for key, id in self.referrals)]
        return {
            "resourceType": "Basic",
            "id": MARKER,
            "extension": [
                {
                    "url": _PROGRESS,
                    "extension": [{"url": "name", "valueString": name}, {"url": "value", "valueString": value}],
                }
                for name, value in entries
            ],
            "code": {"text": "演示区域的建立进度"},
            "created": self.today.isoformat(),
        }


_PROGRESS = urls.BASE + "StructureDefinition/demo-progress"


def _read_progress(resource: Resource) -> Progress:
    entries = {e["extension"][0]["valueString"]: e["extension"][1]["valueString"] for e in resource["extension"]}
    return Progress(
        today=date.fromisoformat(resource["created"]),
        seed=int(entries["seed"]),
        residents=int(entries["residents"]),
        directory=int(entries["directory"]),
        charts=int(entries["charts"]),
        duplicates=entries.get("duplicates") == "yes",
        accounts=entries["accounts"] == "yes",
        schedules=int(entries.get("schedules", "0")),
        bookings=int(entries.get("bookings", "0")),
        complete=entries["complete"] == "yes",
        referrals=tuple((name.removeprefix("referral "), id) for name, id in entries.items() if name.startswith("referral ")),
    )


async def make(db: Database, report: Report, *, seed: int = 1, residents: int = 520) -> None:
    """Bring the demo region into `db`, which is open and wired as the server is; or go on where an earlier run stopped.

    Each batch is a transaction of its own. `report` is called with a Chinese label, what is done and the total. The day of the region is
    that of the clock of `db` in the region's zone (Asia/Shanghai) when it was begun. Once everything is there, nothing is done at all.
    Raises what the store and the commands raise.
    """
    progress = await _begin(db, seed, residents)
    if progress.complete:
        return
    region = await asyncio.to_thread(demo_region.build, progress.seed, progress.residents, progress.today)
    progress = await _directory(db, region, progress, report)
    progress = await _charts(db, region, progress, report)
    progress = await _duplicates(db, region, progress, report)
    progress = await _accounts(db, region, progress, report)
    progress = await _schedules(db, region, progress, report)
    progress = await _bookings(db, region, progress, report)
    await _referrals(db, region, progress, report)


async def is_complete(db: Database) -> bool:
    """Whether the region is there with everything, so that `make` would change nothing."""
    async with db.transaction() as tx:
        progress = await _found(tx)
    return progress is not None and progress.complete


async def _found(tx: Tx) -> Progress | None:
    try:
        stored = await read.by_id(tx, SYSTEM, "Basic", MARKER)
    except NotFound:
        return None
    return _read_progress(json.parse(stored.body))


async def _begin(db: Database, seed: int, residents: int) -> Progress:
    async with db.transaction() as tx:
        await tx.execute("select pg_advisory_xact_lock(hashtext('yilian demo'))")
        progress = await _found(tx)
        if progress is None:
            progress = Progress(tx.now.astimezone(ZONE).date(), seed, residents)
            await _mark(tx, progress)
            await policy.put(
                tx,
                "region.code",
                CITY_CODE,
                valid_from=policy.FROM_THE_START,
                source="云溪市(虚构)",
                evidence="example",
                note="Demo region.",
            )
        return progress


async def _mark(tx: Tx, progress: Progress) -> None:
    await write(tx, SYSTEM, [Change("PUT", "Basic", MARKER, progress.resource())])


async def _put(tx: Tx, resources: Sequence[Resource]) -> None:
    await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])


async def _directory(db: Database, region: Region, progress: Progress, report: Report) -> Progress:
    total = len(region.directory)
    report("机构与人员", progress.directory, total)
    while progress.directory < total:
        async with db.transaction() as tx:
            batch = region.directory[progress.directory : progress.directory + DIRECTORY_BATCH]
            await _put(tx, batch)
            after = replace(progress, directory=progress.directory + len(batch))
            await _mark(tx, after)
        progress = after
        report("机构与人员", progress.directory, total)
    return progress


async def _charts(db: Database, region: Region, progress: Progress, report: Report) -> Progress:
    bundles = region.bundles()
    report("居民健康档案", progress.charts, len(bundles))
    while progress.charts < len(bundles):
        async with db.transaction() as tx:
            batch = bundles[progress.charts : progress.charts + PATIENTS_BATCH]
            await _put(tx, [resource for bundle in batch for resource in bundle])
            after = replace(progress, charts=progress.charts + len(batch))
            await _mark(tx, after)
        progress = after
        report("居民健康档案", progress.charts, len(bundles))
    return progress


async def _duplicates(db: Database, region: Region, progress: Progress, report: Report) -> Progress:
    """Second records of some residents; they are looked up by the server's jobs, as if a desk had just registered them."""
    total = len(region.duplicates)
    report("重复登记", total if progress.duplicates else 0, total)
    if progress.duplicates:
        return progress
    async with db.transaction() as tx:
        written = await write(tx, SYSTEM, [Change("PUT", "Patient", one["id"], one) for one in region.duplicates])
        await enqueue_many(tx, [NewJob(matching.FIND, {"patient": one.rid}, key=str(one.rid)) for one in written])
        progress = replace(progress, duplicates=True)
        await _mark(tx, progress)
    report("重复登记", total, total)
    return progress


async def _accounts(db: Database, region: Region, progress: Progress, report: Report) -> Progress:
    """One transaction: all accounts and the system client, or none. A name somebody has taken meanwhile keeps its account."""
    everybody = (*region.accounts, *privacy.accounts(region))
    total = len(everybody) + 1
    report("演示账号", total if progress.accounts else 0, total)
    if progress.accounts:
        return progress
    async with db.transaction() as tx:
        await _put(tx, [*privacy.resources(region), *guardianship.resources(region)])
        for name, value in OPEN_HOUSE.items():
            await policy.put(
                tx, name, value, valid_from=progress.today, source="演示区域", evidence="house", note="Everybody knows the password."
            )
        known = {account.name for account in await accounts.every(tx)}
        for done, account in enumerate(everybody, 1):
            if account.name not in known:
                posts = [accounts.Post(role, account.institution) for role in account.roles]
                await accounts.add(
                    tx, account.name, PASSWORD, display=account.display, agent=account.agent, posts=posts, patient=account.patient
                )
            report("演示账号", done, total)
        await clients.add(tx, CLIENT, name="性能测试", secret=CLIENT_SECRET, scope="system/*.*", grant_types=["client_credentials"])
        await _card(tx)
        progress = replace(progress, accounts=True)
        await _mark(tx, progress)
    report("演示账号", total, total)
    return progress


async def _card(tx: Tx) -> None:
    """The health card of the resident who has an account, so that the page shows it at once."""
    await card.apply(tx, await _resident(tx), CARD_HOLDER)


async def _resident(tx: Tx) -> Scope:
    holder = await read.by_id(tx, SYSTEM, "Patient", CARD_HOLDER)
    return Scope("self", "resident", f"Patient/{CARD_HOLDER}", "", frozenset({"resident"}), patient_rid=holder.rid, purpose="PATRQT")


async def _schedules(db: Database, region: Region, progress: Progress, report: Report) -> Progress:
    """Each schedule with the slots of the coming weeks is one transaction; the server's nightly job makes those that follow."""
    planned = list(demo_schedules.schedules(region.staff, region.places))
    report("排班与号源", progress.schedules, len(planned))
    for one in planned[progress.schedules :]:
        async with db.transaction() as tx:
            if not progress.schedules:
                await policy.put(
                    tx, "booking.release", demo_schedules.RELEASE, valid_from=policy.FROM_THE_START, source="演示区域", evidence="house"
                )
            tx.new_id = _Ids(one.resource["id"]).next
            institution = await read.by_id(tx, SYSTEM, "Organization", one.institution)
            await write(tx, SYSTEM, [Change("PUT", "Schedule", one.resource["id"], one.resource, confined=institution.rid)])
            await making.apply(tx, SYSTEM, one.resource["id"])
            progress = replace(progress, schedules=progress.schedules + 1)
            await _mark(tx, progress)
        report("排班与号源", progress.schedules, len(planned))
    return progress


async def _bookings(db: Database, region: Region, progress: Progress, report: Report) -> Progress:
    """Some bookings at a time are one transaction; who may not book, or finds nothing open, does without."""
    planned = list(demo_bookings.acts())
    report("预约", progress.bookings, len(planned))
    while progress.bookings < len(planned):
        async with db.transaction() as tx:

            async def scoped(who: str, tx: Tx = tx) -> Scope:
                return await (_resident(tx) if who == "resident" else _scope(tx, region, who))

            done = progress.bookings
            for number, act in enumerate(planned[done : done + BOOKINGS_BATCH], done):
                tx.new_id = _Ids(f"booking-{number}").next
                await demo_bookings.play(tx, region, act, number, scoped)
                done = number + 1
            progress = replace(progress, bookings=done)
            await _mark(tx, progress)
        report("预约", progress.bookings, len(planned))
    return progress


SUSPECTED = timedelta(days=30)
"""What looks wrong among the referrals of so long stands before the office, as if its nightly job had always run."""
OLD_NEWS = """
insert into message_read (reader, agent, at)
select id, agent, due from message_reader where agent is not null and due < $1::timestamptz - $2::interval
union
select e.id, a.agent, e.due from message_reader e join resource o on o.rid = e.institution
join post p on p.role = e.role and p.institution = 'Organization/' || o.id join account a on a.name = p.account
where e.due < $1::timestamptz - $2::interval
on conflict do nothing
"""
"""What was told more than a day ago has been read by now, so that an inbox begins with what is new."""


async def _referrals(db: Database, region: Region, progress: Progress, report: Report) -> None:
    """Each referral with all its steps is one transaction; every step is taken by its person at its own time."""
    total, done = len(region.referrals), dict(progress.referrals)
    report("转诊", len(done), total)
    for plan in region.referrals:
        if plan.key in done:
            continue
        async with db.transaction() as tx:
            done[plan.key] = await play(tx, region, plan, done.get(plan.based_on, ""))
            progress = replace(progress, referrals=tuple(done.items()))
            await _mark(tx, progress)
        report("转诊", len(done), total)
    async with db.transaction() as tx:
        tx.new_id = _Ids(demo_outside.ID).next
        await demo_outside.play(tx, region, partial(_scope, tx, region))
        await tx.execute(OLD_NEWS, tx.now, timedelta(days=1))
        tx.new_id = _Ids("wards").next
        await ward_day.play(tx, await _scope(tx, region, ward_day.WHO))
        await suspicions.look(tx, tx.now - SUSPECTED)
        await _mark(tx, replace(progress, complete=True))


async def play(tx: Tx, region: Region, plan: Plan, first: str = "") -> str:
    """Write one referral and take its steps, in `tx`; returns the id of its ServiceRequest. `first` is that of the referral it answers.

    The clock of `tx` is set to the time of each step (never back, never beyond the present) and is left at the last one's; ids are stable.
    """
    await tx.settle()  # from here on the clock of `tx` is ours
    present, given = tx.now, _Ids(plan.key)
    tx.new_id = given.next
    try:
        tx.now = plan.made.instant(region.today, present)
        request, task = await referral.refer(tx, await _scope(tx, region, plan.referrer), _refer(region, plan, first))
        for step in plan.steps:
            tx.now = min(max(step.when.instant(region.today, present), tx.now + timedelta(minutes=1)), present)
            version = int(task["meta"]["versionId"])
            task = await referral.act(tx, await _scope(tx, region, step.who), task["id"], version, _act(step))
    finally:
        tx.now = present
    state = next(c["code"] for c in task["businessStatus"]["coding"] if c["system"] == urls.REFERRAL_STATE)
    if state != plan.ends:
        raise Conflict(f"The demo referral {plan.key!r} ends {state!r}, not {plan.ends!r}: its plan no longer fits the state table.")
    return str(request["id"])


@dataclass(slots=True)
class _Ids:
    """Ids that come out the same when a referral is played again."""

    key: str
    count: int = 0

    def next(self) -> str:
        self.count += 1
        return str(uuid5(NAMESPACE_URL, f"{urls.BASE}demo/{self.key}/{self.count}"))


async def _scope(tx: Tx, region: Region, who: str) -> Scope:
    """The scope this person would have after signing in at their institution."""
    person = region.staff.by_id[who]
    account = next((one for one in region.accounts if one.name == who), None)
    roles = account.roles if account is not None else person.posts
    place = region.places[person.institution]
    rid = await tx.fetchval("select rid from resource where type = $1 and id = $2", type_id("Organization"), place.id)
    if rid is None:
        raise NotFound(f"Organization/{place.id} is not there; the directory has not been written.")
    return Scope(
        reach="grounds",
        user=who,
        agent=f"Practitioner/{who}",
        name=person.name.text,
        roles=frozenset(roles),
        institution=f"Organization/{place.id}",
        institution_rid=rid,
        institution_name=place.name,
        client="yilian-web",
    )


def _refer(region: Region, plan: Plan, first: str) -> Resource:
    place = region.places[plan.receiver]
    request: Resource = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "category": [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": plan.direction}]}],
        "priority": plan.priority,
        "subject": {"reference": f"Patient/{plan.patient}"},
        "performer": [place.reference],
        "locationCode": [{"coding": [{"system": urls.SPECIALTY, "code": plan.specialty}]}],
        "reasonCode": [
            {"coding": [{"system": urls.REFERRAL_REASON, "code": plan.reason}]},
            *({"coding": [{"system": urls.ICD10, "code": code, "display": text}], "text": text} for code, text in plan.diagnoses),
        ],
    }
    if first:
        request["basedOn"] = [{"reference": f"ServiceRequest/{first}"}]
    if plan.evidence:
        request["supportingInfo"] = list(plan.evidence)
    if plan.instruction:
        request["patientInstruction"] = plan.instruction
    parameter: list[Resource] = [
        {"name": "request", "resource": request},
        {"name": "note", "valueString": plan.note},
        {"name": "submit", "valueBoolean": plan.submit},
    ]
    if plan.consent:
        parameter.append({"name": "consent", "valueCode": plan.consent})
    return {"resourceType": "Parameters", "parameter": parameter}


_KINDS = {
    "reason": "valueCodeableConcept",
    "diagnosis": "valueCodeableConcept",
    "to": "valueReference",
    "practitioner": "valueReference",
    "attachment": "valueReference",
    "start": "valueDateTime",
    "plan": "resource",
}
"""The types of `$act`'s parameters; all others are texts."""


def _act(step: Step) -> Resource:
    parameter: list[Resource] = [{"name": "action", "valueCode": step.action}]
    for name, value in step.gives.items():
        values = value if isinstance(value, tuple) else (value,)
        parameter += [{"name": name, _KINDS.get(name, "valueString"): one} for one in values]
    return {"resourceType": "Parameters", "parameter": parameter}
