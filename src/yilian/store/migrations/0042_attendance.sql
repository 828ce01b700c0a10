-- 0042 签到、爽约、候补: who has come and in which order, what was missed and what is said against that, and who waits for a place.

alter table appointment add column agent    text     collate "C" not null default '';       -- who booked it: "Patient/…", "Practitioner/…"
alter table appointment add column reminded smallint not null default 0;                    -- how many of the reminders of this time were given
create index appointment_coming on appointment (starts) where state = 'booked';             -- what is to be reminded of, and what was missed
create index appointment_of_day on appointment (schedule, day, starts);                     -- the list of a doctor's day
create index appointment_person on appointment (person, day);                               -- how many somebody has in a day and a week

create table queue_number (                               -- the last number of a queue: taken in the transaction of the check-in, so none is ever missing
    schedule bigint  not null references schedule,
    day      date    not null,
    session  text    collate "C" not null check (session in ('morning', 'afternoon', 'evening')),
    last     integer not null,
    primary key (schedule, day, session)
);

create table attendance (                                 -- 签到: one row for each appointment somebody came for; kept by yilian.scheduling.attendance
    appointment bigint      primary key references appointment,
    schedule    bigint      not null references schedule,
    day         date        not null,
    session     text        collate "C" not null check (session in ('morning', 'afternoon', 'evening')),
    number      integer     not null check (number > 0),                 -- 排队号
    rank        smallint    not null,                    -- 0 goes before 1
    why         text        not null default '',         -- what put somebody before the others
    turn        timestamptz not null,                    -- the time that was booked, or when somebody came who was late
    state       text        collate "C" not null check (state in ('waiting', 'called', 'passed', 'done', 'left')),
    came        timestamptz not null,
    called      timestamptz,                             -- the last time
    calls       smallint    not null default 0,
    ended       timestamptz,
    encounter   bigint      references resource,         -- the visit it began
    unique (schedule, day, session, number),
    check ((state in ('done', 'left')) = (ended is not null)),
    check (state not in ('called', 'passed') or called is not null)
);
create index attendance_queue on attendance (schedule, day, rank, turn, number) where state in ('waiting', 'called', 'passed');   -- who is next

create table absence (                                    -- what counts against somebody: one for an appointment at most; kept by yilian.scheduling.absences
    id          bigint      generated always as identity primary key,
    appointment bigint      not null unique references appointment,
    kind        text        collate "C" not null check (kind in ('no-show', 'late-cancel', 'cancel')),
    patient     bigint      not null references resource,
    institution bigint      not null references resource,                    -- where the appointment was
    at          timestamptz not null,
    lifted      timestamptz                              -- an appeal was granted: it counts no more
);
create index absence_patient on absence (patient, at);                                       -- what bars somebody from booking
create index absence_institution on absence (institution, at);                               -- the office's list

create table appeal (                                     -- 申诉: what is said against an absence; kept by yilian.scheduling.appeals
    id         text        collate "C" primary key,
    absence    bigint      not null references absence,
    state      text        collate "C" not null check (state in ('open', 'granted', 'refused', 'withdrawn')),
    reason     text        not null,
    asked      timestamptz not null,
    asked_by   text        collate "C" not null,         -- "Patient/…", "Practitioner/…"
    answer     text        not null default '',
    decided    timestamptz,
    decided_by text        collate "C" not null default '',
    check ((state = 'open') = (decided is null))
);
create unique index appeal_once on appeal (absence) where state <> 'withdrawn';               -- an absence is appealed against once
create index appeal_absence on appeal (absence);                                             -- what became of it

create table waiting (                                    -- 候补: kept by yilian.scheduling.waiting_list; its Appointment has the status waitlist
    rid         bigint      primary key references resource,
    patient     bigint      not null references resource,
    person      bigint      not null,                    -- as in `appointment`
    institution bigint      not null references resource,
    specialty   text        collate "C" not null,
    schedule    bigint      references schedule,         -- this doctor alone; null: anybody of the specialty there
    first_day   date        not null,
    last_day    date        not null check (last_day >= first_day),
    asked_by    bigint      references resource,         -- the institution that asked, as whom a place is taken; null: the patient
    channel     text        collate "C" not null,
    line        timestamptz not null,                    -- the place in line: when it was asked for, or when an offer was let go by
    state       text        collate "C" not null check (state in ('waiting', 'offered', 'booked', 'left', 'over')),
    offer       bigint      unique references appointment, -- the place that is held just now
    offers      smallint    not null default 0,
    check (state <> 'offered' or offer is not null)
);
create unique index waiting_once on waiting (person, institution, specialty, coalesce(schedule, 0)) where state in ('waiting', 'offered');  -- one place in each line
create index waiting_line on waiting (institution, specialty, line, rid) where state = 'waiting';                              -- who is first
create index waiting_patient on waiting (patient);                                                                            -- my waits
create index waiting_last_day on waiting (last_day) where state = 'waiting';                                                  -- which are over
