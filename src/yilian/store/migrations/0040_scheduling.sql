-- 号源: slots as columns, their places, and who has them. A slot has as many places as it has capacity; each is one row, is reserved for a pool until a
-- moment that was worked out when it was made, and is free, held or taken. Nothing counts, so nothing can be counted wrong: a place has one holder.

create table schedule (                                   -- what a Schedule says, in columns; kept by yilian.scheduling.slots
    rid         bigint      primary key references resource,
    institution bigint      not null references resource,                    -- whose it is
    kind        text        collate "C" not null check (kind in ('clinic', 'expert', 'examination', 'equipment', 'day-surgery', 'bed')),
    specialty   text        collate "C" not null,        -- 诊疗科目, '' where it has none
    actor       bigint      not null references resource, -- the doctor, device, place or service it is of
    active      boolean     not null
);

create table slot (                                       -- what a Slot says, in columns; kept by yilian.scheduling.slots
    rid         bigint      primary key references resource,
    schedule    bigint      not null references schedule,
    institution bigint      not null references resource,                    -- whose it is
    kind        text        collate "C" not null,        -- these three as the schedule has them
    specialty   text        collate "C" not null,
    actor       bigint      not null references resource,
    day         date        not null,                    -- on which it begins, in the region's zone
    starts      timestamptz not null,
    ends        timestamptz not null check (ends > starts),
    capacity    smallint    not null check (capacity between 1 and 500),
    stopped     boolean     not null default false,      -- 停诊: nothing can be taken any more
    exclude using gist (int8range(schedule, schedule, '[]') with &&, tstzrange(starts, ends) with &&)   -- a schedule has no two slots at one time
);
create index slot_find on slot (specialty, kind, starts) include (ends, schedule, institution, actor) where not stopped;      -- $find by specialty
create index slot_schedule on slot (schedule, starts);                                                                       -- $find by schedule, pools by day
create index slot_actor on slot (actor, starts) where not stopped;                                                           -- $find by doctor or device
create index slot_institution on slot (institution, starts);                                                                 -- the pool report of an institution

create table appointment (                                -- one row a booking: what an Appointment of ours says, in columns
    rid        bigint      primary key references resource,
    ver        integer     not null,                     -- the one version of the Appointment that may be current
    patient    bigint      not null references resource,
    person     bigint      not null,                     -- the Person the patient belongs to, or else the patient: who comes
    schedule   bigint      not null references resource, -- of the first slot
    day        date        not null,                     -- on which it begins, in the region's zone
    starts     timestamptz not null,
    ends       timestamptz not null,
    institution bigint     not null references resource, -- where
    specialty  text        collate "C" not null,
    state      text        collate "C" not null check (state in ('held', 'booked', 'checked-in', 'fulfilled', 'no-show', 'cancelled', 'expired')),
    held_until timestamptz,                              -- a hold: until then; null: none
    channel    text        collate "C" not null check (channel in ('web', 'phone', 'self-service', 'on-site', 'referral', 'system')),
    pool       text        collate "C" not null,         -- as whom it was taken
    booked_by  bigint      references resource,          -- the institution that booked it; null: the patient, or a system of the region
    created    timestamptz not null,
    ended      timestamptz,                              -- cancelled, expired, missed or fulfilled
    check ((state = 'held') = (held_until is not null)),
    check ((state in ('held', 'booked', 'checked-in')) = (ended is null))
);
create unique index appointment_once on appointment (person, schedule, day) where state in ('held', 'booked', 'checked-in');  -- 同一人同日同医师限一号
create index appointment_patient on appointment (patient, starts);                                                           -- my appointments
create index appointment_day on appointment (institution, day, starts);                                                      -- the desk's list of a day

create table place (
    slot        bigint      not null references slot on delete cascade,
    nth         smallint    not null,
    pool        text        collate "C" not null check (pool in ('public', 'grassroots', 'family-doctor', 'follow-up', 'on-site', 'emergency')),
    opens       timestamptz not null,                    -- nobody can take it before
    public_from timestamptz not null,                    -- until then for its pool alone; the same as opens: public from the start
    appointment bigint      references appointment,      -- who has it
    held_until  timestamptz,                             -- only held, until then; null with an appointment: taken
    primary key (slot, nth),
    check (held_until is null or appointment is not null),
    check (public_from >= opens)
);
create index place_free on place (slot) include (pool, opens, public_from, held_until) where appointment is null or held_until is not null;  -- what $find counts
create index place_appointment on place (appointment) where appointment is not null;                                         -- giving back
