-- 0004 Referral and policy: what must never be wrong about a referral, beside the Task and ServiceRequest that carry it.
-- The row and the resources are written in one transaction by yilian.referral.commands; the triggers below refuse a commit in which they disagree,
-- so that neither a plain write nor SQL by hand can move a referral off its road.

create table policy (                                    -- numbers and rules the region decides; defaults come from yilian/policy.toml
    name        text    collate "C" not null,            -- "referral.approval_hours"
    institution bigint  references resource,             -- for this institution alone; null: for the region
    value       jsonb   not null,
    valid_from  date    not null,
    source      text    not null,                        -- document, year, paragraph
    evidence    text    not null check (evidence in ('S', 'S2', 'example', 'house')),
    note        text    not null default '',
    shipped     boolean not null default false,          -- a default of this version, brought up to date at start
    unique nulls not distinct (name, institution, valid_from)
);

create table referral_road (                             -- the (from, to) pairs of yilian.referral.states.ROWS; a test compares them
    from_state text collate "C" not null,
    to_state   text collate "C" not null,
    primary key (from_state, to_state)
);
insert into referral_road (from_state, to_state) values
    ('draft', 'draft'), ('draft', 'in-approval'), ('draft', 'submitted'), ('draft', 'cancelled'),
    ('in-approval', 'in-approval'), ('in-approval', 'submitted'), ('in-approval', 'draft'), ('in-approval', 'cancelled'),
    ('submitted', 'received'), ('submitted', 'accepted'), ('submitted', 'need-info'), ('submitted', 'declined'), ('submitted', 'referred-onward'),
    ('submitted', 'cancelled'),
    ('received', 'accepted'), ('received', 'need-info'), ('received', 'declined'), ('received', 'referred-onward'), ('received', 'cancelled'),
    ('need-info', 'received'), ('need-info', 'cancelled'),
    ('accepted', 'accepted'), ('accepted', 'arrived'), ('accepted', 'cancelled'),
    ('held', 'cancelled'), ('booked', 'cancelled'), ('deferred', 'cancelled'), ('no-show', 'cancelled'),
    ('arrived', 'arrived'), ('arrived', 'completed'), ('arrived', 'cancelled'),
    ('declined', 'declined');

create table referral_number (                           -- the last 转诊单号 given out on a day
    region text    collate "C" not null,                 -- GB/T 2260 code
    day    date    not null,                             -- in the region's zone
    last   integer not null,
    primary key (region, day)
);

create table referral (                                  -- one row a referral: what its Task and ServiceRequest say, in columns
    task_rid        bigint      primary key references resource,
    task_id         text        collate "C" not null,
    task_ver        integer     not null,                -- the one version of the Task that may be current
    request_rid     bigint      not null unique references resource,
    request_id      text        collate "C" not null,
    request_ver     integer     not null,
    number          text        collate "C" not null unique,                  -- 转诊单号
    patient         bigint      not null references resource,
    direction       text        collate "C" not null check (direction in ('up', 'down', 'lateral')),
    specialty       text        collate "C",             -- 诊疗科目; a draft may have none yet
    priority        text        collate "C" not null check (priority in ('routine', 'urgent', 'asap', 'stat')),
    state           text        collate "C" not null check (state in ('draft', 'in-approval', 'submitted', 'received', 'need-info', 'accepted', 'held',
                                    'booked', 'deferred', 'no-show', 'arrived', 'completed', 'declined', 'referred-onward', 'cancelled')),
    from_org        bigint      not null references resource,
    to_org          bigint      references resource,     -- a draft may have none yet
    referrer        text        collate "C" not null,    -- "Practitioner/…"
    chain           text[]      not null default '{}',   -- posts that approve, one after the other
    step            smallint    not null default 0,      -- whose turn it is in the chain, from 0
    approval_rid    bigint      unique references resource,                   -- the Task of the approval that is asked for now
    approval_ver    integer,
    created_at      timestamptz not null,
    applied_at      timestamptz,                         -- when the referrer pressed submit
    submitted_at    timestamptz,                         -- when the receiver got it: at once, or after the last approval
    due_at          timestamptz,                         -- end of the clock that runs now; null: none does
    clock_left      interval,                            -- what was left of the reception clock when it was stopped to wait for an answer
    arranged_at     timestamptz,                         -- when it was said who will see the patient and when
    planned_at      timestamptz,                         -- when the follow-up plan of a down-referral was written
    acknowledged_at timestamptz,                         -- when the sender took note of a declined referral
    closed_at       timestamptz,
    basis_task      bigint      references referral,     -- the referral a down-referral answers
    replaces_task   bigint      references referral,     -- the referral this one was forwarded from, or sent anew after
    urgency         smallint    not null generated always as (case priority when 'stat' then 0 when 'asap' then 1 when 'urgent' then 2 else 3 end) stored,
    due_order       timestamptz not null generated always as (coalesce(due_at, '9999-01-01 00:00:00+00'::timestamptz)) stored,
    check (from_org <> to_org),
    check (state in ('draft', 'cancelled') or (to_org is not null and specialty is not null)),
    check ((closed_at is not null) = (state in ('completed', 'declined', 'referred-onward', 'cancelled'))),
    check ((approval_rid is not null) = (state = 'in-approval')),
    check ((approval_rid is null) = (approval_ver is null)),
    check (submitted_at is not null or state in ('draft', 'in-approval', 'cancelled'))
);
create unique index referral_live on referral (patient, specialty)            -- one live referral for one problem
    where state in ('in-approval', 'submitted', 'received', 'need-info', 'accepted', 'held', 'booked', 'deferred', 'no-show', 'arrived');
create index referral_inbox on referral (to_org, urgency, due_order, task_rid) where state in ('submitted', 'received');                 -- $worklist?list=inbox
create index referral_expected on referral (to_org, urgency, due_order, task_rid)
    where state in ('accepted', 'held', 'booked', 'deferred', 'no-show');                                                                -- $worklist?list=expected
create index referral_here on referral (to_org, urgency, due_order, task_rid) where state = 'arrived';                                   -- $worklist?list=here
create index referral_returned on referral (to_org, urgency, due_order, task_rid)
    where direction = 'down' and closed_at is null and submitted_at is not null;                                                         -- $worklist?list=returned
create index referral_sent on referral (from_org, urgency, due_order, task_rid) where closed_at is null and state <> 'draft';            -- $worklist?list=sent
create index referral_ours on referral (from_org, state, urgency, due_order, task_rid)
    where state in ('draft', 'in-approval', 'need-info');                                                                                -- ?list=drafts, approval, answer
create index referral_declined on referral (from_org, closed_at desc, task_rid desc) where state = 'declined' and acknowledged_at is null;  -- ?list=declined
create index referral_closed_from on referral (from_org, closed_at desc, task_rid desc) include (patient) where closed_at is not null;          -- ?list=closed
create index referral_closed_to on referral (to_org, closed_at desc, task_rid desc) include (patient)
    where closed_at is not null and submitted_at is not null;                                                                           -- ?list=closed
create index referral_patient on referral (patient, created_at desc);         -- a resident's own lists
create index referral_basis on referral (basis_task) where basis_task is not null;                                                       -- which down-referrals answer this one

create table referral_slip (                             -- every slip that was printed, so that its code can be verified
    code       text        collate "C" primary key,      -- as printed
    task_rid   bigint      not null references referral,
    task_ver   integer     not null,                     -- the version it shows
    kind       text        not null check (kind in ('referral', 'return')),
    content    bytea       not null,                     -- SHA-256 of what it says
    printed_at timestamptz not null,
    printed_by text        not null
);
create index referral_slip_task on referral_slip (task_rid);                  -- which slips exist of a referral

-- Type numbers are those of yilian.fhir.definitions: 124 ServiceRequest, 140 Task.

create function referral_is_known() returns trigger language plpgsql as $$
-- At commit: the current version of a Task or ServiceRequest that belongs to a referral is the one its row knows; and none belongs to a referral without a row.
declare
    here  record;
    known record;
begin
    select ver, deleted, body into here from resource where rid = new.rid;
    select state, case new.rid when task_rid then task_ver when request_rid then request_ver else approval_ver end as ver, new.rid = task_rid as is_task
        into known from referral where task_rid = new.rid or request_rid = new.rid or approval_rid = new.rid;
    if found then
        if here.deleted or known.ver <> here.ver then
            raise exception 'version % of this referral was not written by a step of the referral', here.ver;
        end if;
        if known.is_task and (here.body::jsonb #>> '{businessStatus,coding,0,code}') is distinct from known.state then
            raise exception 'the Task does not say that this referral is %', known.state;
        end if;
    elsif not here.deleted and new.type = 140 and here.body like '%/CodeSystem/referral-%' and (
        here.body::jsonb @? '$.businessStatus.coding[*] ? (@.system == "https://yilian.example/fhir/CodeSystem/referral-state")'
        or here.body::jsonb @? '$.code.coding[*] ? (@.system == "https://yilian.example/fhir/CodeSystem/referral-task" && @.code == "referral")') then
        raise exception 'a referral Task without a referral';
    elsif not here.deleted and new.type = 124 and here.body like '%/CodeSystem/referral-direction%'
        and here.body::jsonb @? '$.category[*].coding[*] ? (@.system == "https://yilian.example/fhir/CodeSystem/referral-direction")' then
        raise exception 'a referral request without a referral';
    end if;
    return null;
end $$;

create constraint trigger referral_is_known after insert or update of ver, deleted, body on resource deferrable initially deferred
    for each row when (new.type in (124, 140)) execute function referral_is_known();

create function referral_is_told() returns trigger language plpgsql as $$
-- At commit: what the row says is what the resources say.
declare
    row referral;
begin
    select * into row from referral where task_rid = new.task_rid;
    if not exists (select from resource where rid = row.task_rid and ver = row.task_ver and not deleted and id = row.task_id
                   and body::jsonb #>> '{businessStatus,coding,0,code}' = row.state) then
        raise exception 'the Task does not say what the referral says';
    end if;
    if not exists (select from resource where rid = row.request_rid and ver = row.request_ver and not deleted and id = row.request_id) then
        raise exception 'the ServiceRequest is not the one the referral knows';
    end if;
    if row.approval_rid is not null and not exists (select from resource where rid = row.approval_rid and ver = row.approval_ver and not deleted) then
        raise exception 'the approval is not the one the referral knows';
    end if;
    return null;
end $$;

create constraint trigger referral_is_told after insert or update on referral deferrable initially deferred
    for each row execute function referral_is_told();

create function referral_keeps_to_its_road() returns trigger language plpgsql as $$
-- At once: a referral starts as a draft or on its way, moves along referral_road only, and is never deleted. Whose it is never changes.
begin
    if tg_op = 'DELETE' then
        raise exception 'a referral is not deleted';
    elsif tg_op = 'INSERT' then
        if new.state not in ('draft', 'in-approval', 'submitted') then
            raise exception 'a referral does not start as %', new.state;
        end if;
    else
        if not exists (select from referral_road where from_state = old.state and to_state = new.state) then
            raise exception 'there is no way from % to %', old.state, new.state;
        end if;
        if (new.patient, new.from_org, new.task_rid, new.request_rid, new.number) is distinct from (old.patient, old.from_org, old.task_rid, old.request_rid, old.number) then
            raise exception 'a referral keeps its patient, its sender and its number';
        end if;
    end if;
    return new;
end $$;

create trigger referral_keeps_to_its_road before insert or update or delete on referral for each row execute function referral_keeps_to_its_road();
