-- 0051 Endings, marks and next offers of a referral.

alter table referral add missed_from timestamptz;        -- booked: from then on the patient may be recorded as not having come
update referral f set missed_from = a.starts from appointment a join resource r using (rid)
    where r.type = 5 and r.id = f.appointment_id and f.state = 'booked';

insert into referral_road (from_state, to_state) values
    ('submitted', 'in-place'), ('received', 'in-place'), ('accepted', 'in-place'), ('held', 'in-place'), ('booked', 'in-place'),
    ('deferred', 'in-place'), ('no-show', 'in-place'), ('in-place', 'in-place'), ('in-place', 'submitted'), ('in-place', 'cancelled'),
    ('in-place', 'against-advice'), ('submitted', 'against-advice'), ('received', 'against-advice'), ('need-info', 'against-advice'),
    ('accepted', 'against-advice'), ('held', 'against-advice'), ('booked', 'against-advice'), ('deferred', 'against-advice'),
    ('no-show', 'against-advice'), ('arrived', 'against-advice'), ('against-advice', 'against-advice');

alter table referral
    drop constraint referral_state_check,
    drop constraint referral_check2,
    add constraint referral_state_check check (state in ('draft', 'in-approval', 'submitted', 'received', 'need-info', 'in-place', 'accepted', 'held',
                                    'booked', 'deferred', 'no-show', 'arrived', 'completed', 'declined', 'referred-onward', 'cancelled', 'against-advice')),
    add constraint referral_check2 check ((closed_at is not null) = (state in ('completed', 'declined', 'referred-onward', 'cancelled', 'against-advice'))),
    add ending     text   collate "C" check (ending in ('deceased', 'admitted')),  -- what made it void while it was open
    add ending_rid bigint references resource,           -- the Patient or Encounter that says so
    add check ((ending is null) = (ending_rid is null));

drop index referral_live;
create unique index referral_live on referral (patient, specialty)            -- one live referral for one problem
    where state in ('in-approval', 'submitted', 'received', 'need-info', 'in-place', 'accepted', 'held', 'booked', 'deferred', 'no-show', 'arrived');
create index referral_in_place_sent on referral (from_org, urgency, due_order, task_rid) where state = 'in-place';  -- $worklist?list=in-place
create index referral_in_place_here on referral (to_org, urgency, due_order, task_rid) where state = 'in-place';    -- $worklist?list=in-place
create index referral_ending on referral (ending_rid) where ending_rid is not null and closed_at is null;           -- a death or stay that is no more

alter table referral add first_visit_due date;           -- a down-referral: by when the patient is visited first; set at acceptance from the discharge
create index referral_first_visit on referral (first_visit_due) where first_visit_due is not null;                   -- the nightly look for missed ones

alter table referral add green text collate "C" check (green in ('asked', 'open'));      -- 绿色通道, as on the request

alter table referral_alarm add told text[] not null default '{}';             -- to whom, as people read it: institution and post, or a name
