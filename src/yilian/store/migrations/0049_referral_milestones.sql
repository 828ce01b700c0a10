-- 0049 Milestones of a referral: when it was answered, accepted, booked, arrived at, how often it was missed, and for which disease; what the
-- statistics of referrals are counted from, so that no count reads the history.

alter table referral
    add column moved_at       timestamptz,                -- when it came to the state it is in; the columns below follow from it (trigger)
    add column answered_at    timestamptz,                -- the receiver's first answer: accepted, booked, declined, asked or sent on
    add column accepted_at    timestamptz,
    add column booked_at      timestamptz,                -- the first booking
    add column arrived_at     timestamptz,
    add column missed         smallint not null default 0,  -- how often the patient did not come
    add column diagnosis      text collate "C",           -- ICD-10 of the first diagnosis the request names; null: none is coded
    add column diagnosis_text text;                       -- what it is called there

create function referral_passes() returns trigger language plpgsql as $$
-- At once: what is known of a referral by the state it comes to.
begin
    if tg_op = 'UPDATE' and new.state = old.state then
        return new;
    end if;
    if new.answered_at is null and new.state in ('accepted', 'held', 'booked', 'deferred', 'declined', 'need-info', 'referred-onward') then
        new.answered_at := new.moved_at;
    end if;
    if new.accepted_at is null and new.state in ('accepted', 'held', 'booked', 'deferred', 'arrived') then
        new.accepted_at := new.moved_at;
    end if;
    if new.booked_at is null and new.state = 'booked' then
        new.booked_at := new.moved_at;
    end if;
    if new.arrived_at is null and new.state = 'arrived' then
        new.arrived_at := new.moved_at;
    end if;
    if tg_op = 'UPDATE' and new.state = 'no-show' then
        new.missed := old.missed + 1;
    end if;
    return new;
end $$;

create trigger referral_passes before insert or update of state on referral for each row execute function referral_passes();

-- What was there before, past the guards of the road, which know steps alone: the milestones by the versions of the Task, the diagnosis by the request.
alter table referral disable trigger user;
with passed as (
    select f.task_rid, h.updated, h.body::jsonb #>> '{businessStatus,coding,0,code}' as state
    from referral f join history h on h.rid = f.task_rid and not h.deleted
    union all
    select f.task_rid, r.updated, f.state from referral f join resource r on r.rid = f.task_rid
), milestone as (
    select task_rid,
        min(updated) filter (where state in ('accepted', 'held', 'booked', 'deferred', 'declined', 'need-info', 'referred-onward')) as answered,
        min(updated) filter (where state in ('accepted', 'held', 'booked', 'deferred', 'arrived')) as accepted,
        min(updated) filter (where state = 'booked') as booked,
        min(updated) filter (where state = 'arrived') as arrived,
        max(updated) as moved
    from passed group by task_rid
)
update referral f set answered_at = m.answered, accepted_at = m.accepted, booked_at = m.booked, arrived_at = m.arrived, moved_at = m.moved
from milestone m where m.task_rid = f.task_rid;

update referral f set diagnosis = d.code, diagnosis_text = d.display
from (
    select distinct on (q.rid) q.rid, c.one ->> 'code' as code, coalesce(c.one ->> 'display', r.one ->> 'text') as display
    from resource q
    cross join lateral jsonb_array_elements(q.body::jsonb -> 'reasonCode') with ordinality r (one, nth)
    cross join lateral jsonb_array_elements(r.one -> 'coding') c (one)
    where q.rid in (select request_rid from referral) and c.one ->> 'system' = 'http://hl7.org/fhir/sid/icd-10'
    order by q.rid, r.nth
) d where d.rid = f.request_rid;

alter table referral enable trigger user;

create index referral_sent_in on referral (from_org, submitted_at);           -- Task/$referral-statistics?side=sent, Task/$register
create index referral_received_in on referral (to_org, submitted_at);         -- Task/$referral-statistics?side=received, Task/$register
