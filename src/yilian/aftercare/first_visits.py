"""首访逾期: down-referrals whose patient was not visited in time, plan or no plan; both sides are told once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from yilian import notifications
from yilian.directory.institutions import by_rid
from yilian.fhir import json
from yilian.fhir.dates import region_zone
from yilian.notifications import Message, Reader
from yilian.referral.informing import desk
from yilian.referral.resources import person_name
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Tx

LOOK_BACK = timedelta(days=60)
"""What was missed longer ago was told."""

MISSED = """
select f.task_rid, f.task_id, f.number, f.patient, f.from_org, f.to_org, f.referrer, f.first_visit_due, r.body
from referral f join resource r on r.rid = f.patient
where f.first_visit_due < $1 and f.first_visit_due >= $2 and f.ending is null
    and f.state in ('accepted', 'held', 'booked', 'deferred', 'no-show', 'arrived', 'completed')
    and not exists (select from follow_up v where v.referral = f.task_rid and v.state = 'done')
    and (not exists (select from follow_up v where v.referral = f.task_rid)
         or exists (select from follow_up v where v.referral = f.task_rid and v.state = 'due'))
order by f.first_visit_due, f.task_rid limit 1000
"""


async def remind(tx: Tx) -> int:
    """Tell the receiver and the hospital that sent the patient down, once for each referral, in `tx`; how many there are. For the nightly
    job."""
    today = tx.now.astimezone(region_zone()).date()
    rows = await tx.fetch(MISSED, today, today - LOOK_BACK)
    for row in rows:
        known = await by_rid(tx, [row["to_org"]])
        values = {
            "patient": person_name(json.parse(opened(row["patient"], row["body"]).encode())),
            "number": row["number"],
            "day": row["first_visit_due"].isoformat(),
            "institution": known[row["to_org"]].name if row["to_org"] in known else "-",
        }
        to = [await desk(tx, row["to_org"]), await desk(tx, row["from_org"])]
        if row["referrer"].startswith("Practitioner/"):
            to.append(Reader.account(row["referrer"]))
        key = f"first-visit:{row['task_rid']}:{row['first_visit_due']}"
        await notifications.tell(
            tx, Message("follow-up.first-missed", tuple(to), f"Task/{row['task_id']}", row["patient"], values, urgent=True, key=key)
        )
    return len(rows)
