"""Every list is read from the index that was made for it, on a register of realistic size."""

from __future__ import annotations

import pytest

from tests.referral.region import MORNING, Region
from yilian.referral import LISTS
from yilian.referral.worklists import _sides

MANY = 6000

FILL = """
with task as (
    insert into resource (rid, type, id, ver, updated, method, patient, body)
    select 20000000 + i, 140, 'bulk-' || i, 1, now(), 'PUT', $1, '{}' from generate_series(1, $5::integer) i
), request as (
    insert into resource (rid, type, id, ver, updated, method, patient, body)
    select 30000000 + i, 124, 'bulk-' || i, 1, now(), 'PUT', $1, '{}' from generate_series(1, $5::integer) i
)
insert into referral (
    task_rid, task_id, task_ver, request_rid, request_id, request_ver, number, patient, direction, specialty, priority, state,
    from_org, to_org, referrer, chain, approval_rid, approval_ver, created_at, submitted_at, due_at, closed_at)
select 20000000 + i, 'bulk-' || i, 1, 30000000 + i, 'bulk-' || i, 1, 'n' || i, $1,
       (array['up', 'up', 'down'])[1 + i % 3], 's' || i, 'routine', s,
       case when i % 4 = 0 then $2::bigint else $4::bigint end, case when i % 4 = 0 then $4::bigint else $3::bigint end,
       'Practitioner/x', '{head}', case s when 'in-approval' then 20000000 + i end, case s when 'in-approval' then 1 end,
       now(), case when s not in ('draft', 'in-approval') then now() end, now(),
       case when s in ('completed', 'declined', 'cancelled') then now() end
from (
    select i, (array['draft', 'in-approval', 'submitted', 'received', 'need-info', 'in-place', 'accepted', 'arrived', 'declined']
               || array_fill('completed'::text, '{60}') || array_fill('cancelled'::text, '{4}'))[1 + i % 73] as s
    from generate_series(1, $5::integer) i
) steps
"""

SERVED = {
    "approval": {"referral_ours"},
    "inbox": {"referral_inbox"},
    "answer": {"referral_ours"},
    "declined": {"referral_declined"},
    "in-place": {"referral_in_place_sent", "referral_in_place_here"},
    "expected": {"referral_expected"},
    "here": {"referral_here"},
    "sent": {"referral_sent"},
    "returned": {"referral_returned"},
    "closed": {"referral_closed_from", "referral_closed_to"},
    "drafts": {"referral_ours"},
    "trouble": {"referral_expected"},
    "overdue": {"referral_late_here", "referral_late_sent"},
    "retro": {"referral_retro"},
    "away": {"referral_sent"},
}


@pytest.fixture
async def busy(region: Region) -> Region:
    """A register with thousands of referrals between the institutions, most of them closed."""
    township, city, county = (region.rids[f"Organization/{id}"] for id in ("qingshi", "first", "county"))
    async with region.db.transaction() as tx:
        for table in ("referral", "resource"):  # what the rows say is not what is tested here
            await tx.execute(f"alter table {table} disable trigger user")
        await tx.execute(FILL, region.rids["Patient/p1"], township, city, county, MANY)
    async with region.db.reading() as tx:
        await tx.execute("analyze referral, resource, access_ground")
    return region


async def test_each_list_is_read_from_its_own_index(busy: Region) -> None:
    async with busy.db.reading() as tx:
        for name, one in LISTS.items():
            if name == "today":
                continue  # read from the appointments of the day (appointment_day), of which there are none here
            ours = any(side.ours for side in one.sides)
            for who in ("head", "coordinator") if name in ("closed", "overdue") else ("head",) if ours else ("coordinator",):
                args: list[object] = []
                used = set()
                order = "f.closed_at desc, f.task_rid desc" if one.ended else "f.urgency, f.due_order, f.task_rid"
                for side in _sides(busy.scope(who), one, args, MORNING, busy.scope(who).roles, f" order by {order}"):
                    rows = await tx.fetch(f"explain select f.task_rid from {side} order by {order} limit 51", *args)
                    plan = "\n".join(row[0] for row in rows)
                    used |= {index for index in SERVED[name] if index in plan}
                assert used == SERVED[name], (name, who)
