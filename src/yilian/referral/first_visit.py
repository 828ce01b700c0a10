"""两周内首访: by when a patient who was sent down has to be visited first, counted from the discharge.

Policy `follow_up.first_within_days` (国家基本公共卫生服务规范(第三版): within two weeks). The visits themselves are `aftercare`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from yilian import policy
from yilian.access import institutions
from yilian.fhir import json
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.definitions import type_id
from yilian.referral import marks
from yilian.referral.codes import INPATIENT
from yilian.sealing.keyring import opened
from yilian.search.persons import records_of

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.step import Step

STAYS = f"""
select r.rid, r.body from index_clinical c join resource r on r.rid = c.rid and not r.deleted
where c.patient = any(array({records_of("$1")})) and c.type = {type_id("Encounter")} and c.nth = 0 and c.hi <> 'infinity'
order by c.lo desc limit 20
"""


async def set_due(step: Step) -> None:
    """Said when a down-referral is accepted: on its row and on its Task, for both sides."""
    after = step.after
    if after.direction != "down" or after.submitted_at is None or after.to_org is None:
        return
    discharged = await discharged_on(step.tx, after.patient, after.from_org, after.submitted_at, after.to_org)
    due = discharged + timedelta(days=await within_days(step.tx, after.to_org))
    step.change(first_visit_due=due)
    marks.set_first_visit(step.task, due, discharged)


async def within_days(tx: Tx, receiver: int) -> int:
    return int(await policy.value(tx, "follow_up.first_within_days", tx.now, receiver))


async def discharged_on(tx: Tx, patient: int, sender: int, sent_at: datetime, receiver: int) -> date:
    """The day from which the first visit is counted: the discharge from the sender's ward this referral follows, else the day it was sent.

    A stay that ended longer ago than the first visit may take is another story.
    """
    sent_on, now = _day(sent_at), _day(tx.now)
    oldest = sent_on - timedelta(days=await within_days(tx, receiver))
    for row in await tx.fetch(STAYS, patient):
        stay = json.parse(opened(row["rid"], row["body"]).encode())
        end = stay.get("period", {}).get("end")
        if stay.get("status") != "finished" or stay.get("class", {}).get("code") not in INPATIENT or not end:
            continue
        day = _day(interval(end, region_zone())[0])
        if oldest <= day <= now:
            provider = await institutions.by_reference(tx, str(stay.get("serviceProvider", {}).get("reference", "")))
            if provider is not None and provider.rid == sender:
                return day
    return sent_on


def _day(moment: datetime) -> date:
    return moment.astimezone(region_zone()).date()


__all__ = ["discharged_on", "set_due", "within_days"]
