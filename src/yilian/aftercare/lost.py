"""失联患者: who was referred, did not arrive, and was seen nowhere since. The institution that referred looks after them.

Seen nowhere means: no Encounter the referrer may know of. One it may not know of leaves the patient on its list, so that the list tells
nothing beyond the record.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from yilian import notifications, policy
from yilian.fhir import json
from yilian.fhir.definitions import type_id
from yilian.notifications import Message, Reader
from yilian.referral.resources import person_name
from yilian.sealing.keyring import opened
from yilian.search.persons import records_of
from yilian.store.page import Page
from yilian.store.read import COLUMNS, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

WAITING = ("submitted", "received", "need-info", "accepted", "no-show", "booked", "declined")
"""deferred and held wait for a place with somebody's knowledge; booked counts once the time of the booking has passed."""
MOST = 200


def _which(scope: Scope) -> str:
    """`referral f` that counts as lost for this asker; $5: sent before then."""
    seen = scope.condition("e", ("Encounter",))
    records = records_of("f.patient")
    return f"""
        f.submitted_at is not null and f.submitted_at < $5::timestamptz and f.state = any('{{{",".join(WAITING)}}}'::text[])
        and not (f.state = 'declined' and f.acknowledged_at is not null)
        and not exists (select from referral later where later.patient = f.patient and later.submitted_at > f.submitted_at)
        and not exists (select from appointment a where a.patient = any(array({records})) and a.institution = f.to_org
                        and a.state in ('held', 'booked', 'checked-in') and a.ends > $5::timestamptz)
        and not exists (select from index_clinical c join resource e on e.rid = c.rid
                        where c.patient = any(array({records})) and c.type = {type_id("Encounter")} and c.nth = 0
                          and c.hi >= f.submitted_at and not e.deleted and {seen})"""


async def lost(tx: Tx, scope: Scope) -> Page:
    """Referrals of the asker's institution whose patients are lost, the oldest first: Tasks, beside them the Patients. At most `MOST`;
    `total` counts all."""
    if scope.reach != "grounds" or not scope.institution_rid:
        return Page([], [], total=0)
    days = int(await policy.value(tx, "referral.lost_after_days", tx.now, scope.institution_rid))
    seen = scope.finely(readable("r", 1))
    base = (
        f"referral f join resource r on r.rid = f.task_rid where f.from_org = {int(scope.institution_rid)} and not r.deleted and {seen}"
        f" and {_which(scope)}"
    )
    args = [*scope.keys(), tx.now - timedelta(days=days)]
    total = await tx.fetchval(f"select count(*) from {base}", *args)
    rows = await tx.fetch(f"select {COLUMNS}, f.patient as whom from {base} order by f.submitted_at limit {MOST}", *args)
    beside = await tx.fetch(
        f"select {COLUMNS} from resource r where r.rid = any($5::bigint[]) and not r.deleted and {seen}",
        *scope.keys(),
        [row["whom"] for row in rows],
    )
    return Page([stored(row) for row in rows], [stored(row) for row in beside], total)


async def tell(tx: Tx) -> int:
    """Tell each referrer, once, of a patient who got lost, in `tx`; how many were told of. For the nightly job."""
    institutions = await tx.fetch(
        "select distinct from_org from referral where closed_at is null or (state = 'declined' and acknowledged_at is null)"
    )
    many = 0
    for one in institutions:
        many += await _tell(tx, one["from_org"])
    return many


async def _tell(tx: Tx, institution: int) -> int:
    here = Scope("grounds", "yilian", "Device/yilian", "Yilian", institution_rid=institution)
    page, many = await lost(tx, here), 0
    for task in page.matches:
        told = await tx.fetchval(
            "insert into referral_lost (task_rid, told_at) values ($1, $2) on conflict do nothing returning task_rid", task.rid, tx.now
        )
        if told is None:
            continue
        row = await tx.fetchrow(
            "select f.number, f.referrer, f.patient, f.submitted_at, r.body from referral f join resource r on r.rid = f.patient"
            " where f.task_rid = $1",
            task.rid,
        )
        assert row is not None  # it is in the list
        values = {
            "patient": person_name(json.parse(opened(row["patient"], row["body"]).encode())),
            "number": row["number"],
            "count": str((tx.now - row["submitted_at"]).days),
        }
        to = [Reader.post(institution, "coordinator")]
        if row["referrer"].startswith("Practitioner/"):
            to.insert(0, Reader.account(row["referrer"]))
        await notifications.tell(tx, Message("referral.lost", tuple(to), f"Task/{task.id}", row["patient"], values, key=f"lost:{task.rid}"))
        many += 1
    return many
