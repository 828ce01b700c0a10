-- 0043 Booking within a referral, its clocks, who is asked next, and later approval.

insert into referral_road (from_state, to_state) values
    ('accepted', 'held'), ('accepted', 'booked'), ('accepted', 'deferred'),
    ('deferred', 'held'), ('deferred', 'booked'), ('deferred', 'deferred'), ('deferred', 'arrived'),
    ('held', 'held'), ('held', 'booked'), ('held', 'accepted'), ('held', 'arrived'),
    ('booked', 'booked'), ('booked', 'accepted'), ('booked', 'no-show'), ('booked', 'arrived'),
    ('submitted', 'submitted'), ('received', 'received'), ('need-info', 'need-info'), ('no-show', 'no-show'),     -- what is recorded later
    ('completed', 'completed'), ('referred-onward', 'referred-onward'),
    ('no-show', 'held'), ('no-show', 'booked'), ('no-show', 'deferred'), ('no-show', 'arrived');

alter table referral
    add appointment_id text        collate "C",          -- the Appointment that has its places, "…" of Appointment/…
    add bed_hold       text        collate "C",          -- what keeps its bed (yilian.beds.holds)
    add held_until     timestamptz,                      -- a hold: until then, by the database's clock
    add alternatives   text[]      not null default '{}',                    -- "Organization/…": whom the sender would ask next, in this order
    add automatic      boolean     not null default false,                   -- the sender agreed that the next one is asked by itself when one declines
    add wished         text[]      not null default '{}',                    -- "Slot/…", "Location/…": what the sender would like to have booked
    add offered_at     timestamptz,                      -- deferred: when the receiver was last told of free places
    add retro_post     text        collate "C",          -- an emergency went without approval: the post that records it afterwards
    add retro_due_at   timestamptz,                      -- until when it should have
    add retro_at       timestamptz,                      -- when it did
    add check ((state = 'held') = (held_until is not null)),
    add check (state not in ('held', 'booked') or appointment_id is not null or bed_hold is not null),
    add check (state not in ('accepted', 'deferred', 'no-show', 'declined', 'referred-onward') or (appointment_id is null and bed_hold is null)),
    add check ((retro_post is null) = (retro_due_at is null)),
    add check (retro_at is null or retro_post is not null);

create unique index referral_appointment on referral (appointment_id) where appointment_id is not null;                      -- an Appointment changed at a desk
create index referral_deferred on referral (to_org, specialty, urgency, task_rid) where state = 'deferred';                  -- places as they come
create index referral_retro on referral (from_org, urgency, due_order, task_rid) where retro_post is not null and retro_at is null; -- $worklist?list=retro
create index referral_late_here on referral (to_org, urgency, due_order, task_rid) where due_at is not null and closed_at is null; -- ?list=overdue
create index referral_late_sent on referral (from_org, urgency, due_order, task_rid) where due_at is not null and closed_at is null; -- ?list=overdue

create table referral_alarm (                            -- what was told because a clock ran; it moves nothing
    task_rid bigint      not null references referral,
    due_at   timestamptz not null,                       -- of the clock it was: another end, another alarm
    kind     text        collate "C" not null check (kind in ('warn', 'overdue', 'duty', 'office')),
    at       timestamptz not null,
    primary key (task_rid, due_at, kind)
);
