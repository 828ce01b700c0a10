-- 排班: which schedules are made from a template and how far, the region's days of work and rest, and series of visits.

alter table schedule add column shares jsonb;                -- the schedule's own shares of the pools, {pool: share}; null: as the region's rules say
alter table slot add column planned boolean not null default false;      -- made from the schedule's template, which may take it back while nobody has a place
alter table appointment add column series uuid;              -- 疗程: the visits that were booked together; null: it stands alone
create index appointment_series on appointment (series) where series is not null;                            -- what is left of a series, $cancel-series
drop index slot_find;
create index slot_find on slot (specialty, starts, rid) where not stopped;                                   -- $find by specialty, in the order of time
create index slot_stopped on slot (institution, starts) where stopped;                                       -- who has to be moved, Slot/$stopped

create table schedule_plan (                                 -- schedules with a template; kept by yilian.scheduling.making
    schedule   bigint  primary key references schedule,
    made_until date    not null,                             -- slots are made up to and without this day of the region
    is_stale   boolean not null default false                -- the template was changed since slots were made of it
);
create index schedule_plan_due on schedule_plan (made_until);                                                -- the nightly job: what is not made far enough

create table calendar_day (                                  -- days on which the region works or rests other than by the week; an administrator's to keep
    day        date     primary key,
    works      boolean  not null,                            -- false: a holiday; true: 调休上班
    name       text     not null,
    as_weekday smallint check (as_weekday between 1 and 7),  -- a working day at a weekend follows the template of this weekday (1 Monday); null: its own
    source     text     not null,
    shipped    boolean  not null default false,              -- as it came with the platform; what a region has set itself is not touched
    check (works or as_weekday is null)
);

create table calendar_year (                                 -- how much is known of a year
    year       smallint primary key,
    announced  boolean  not null,                            -- the 国务院's arrangement is in `calendar_day`; false: the statutory days alone
    source     text     not null,
    shipped    boolean  not null default false
);
