-- 床位: wards and beds as columns, who lies in them, and for whom one is kept. Nobody types the state of a bed: it follows from Encounters and holds (bed_now).

create table ward (                                       -- what a Location (wa) says, in columns; kept by yilian.beds.wards
    rid         bigint      primary key references resource,
    institution bigint      not null references resource,                    -- whose it is
    department  bigint      not null references resource, -- Location.managingOrganization: the department, or the institution where it names none
    specialty   text        collate "C" not null,        -- 诊疗科目, '' where it has none
    kind        text        collate "C" not null,        -- of its beds that say none of their own
    sex         text        collate "C" not null,
    active      boolean     not null
);

create table bed (                                        -- what a Location (bd) within a ward says, in columns
    rid         bigint      primary key references resource,
    ward        bigint      not null references ward,
    institution bigint      not null references resource,                    -- these two as the ward has them
    department  bigint      not null references resource,
    specialty   text        collate "C" not null,        -- its own, or the ward's
    kind        text        collate "C" not null check (kind in ('general', 'child', 'newborn', 'isolation', 'intensive', 'day')),
    sex         text        collate "C" not null check (sex in ('', 'male', 'female')),   -- '': for anybody
    room        bigint      references resource,          -- the Location (ro) between bed and ward
    active      boolean     not null,                    -- false: removed, in no count
    stopped     boolean     not null,                    -- out of service: Location.status, Location.operationalStatus
    clean_at    timestamptz                              -- made ready after the last patient by then
);
create index bed_ward on bed (ward) where active;                                                       -- the board of a ward, any bed of a ward
create index bed_institution on bed (institution, department) where active;                             -- free beds of some institutions, of a department

create table bed_claim (                                  -- an Encounter's stay in a bed: one row for each entry of Encounter.location; kept by yilian.beds.occupation
    encounter bigint      not null references resource,
    nth       smallint    not null,
    bed       bigint      not null references bed,
    patient   bigint      references resource,            -- null: nobody knows yet who it is
    starts    timestamptz not null,
    ends      timestamptz,                               -- null: still there
    expected  timestamptz,                               -- when the bed is expected to be left
    stands    boolean     not null,                      -- false: contradicts what stands already (two Encounters, one bed)
    primary key (encounter, nth),
    check (ends > starts),
    exclude using gist (int8range(bed, bed, '[]') with &&, tstzrange(starts, ends) with &&) where (stands)  -- one bed, one patient at a time
);
create unique index bed_claim_now on bed_claim (bed) include (encounter, patient, starts, expected) where stands and ends is null;  -- who lies there
create index bed_claim_bed on bed_claim (bed, starts);                                                  -- the days a bed was occupied, contradictions of a bed
create index bed_claim_patient on bed_claim (patient) where ends is null;                               -- in which bed somebody lies
create index bed_claim_against on bed_claim (bed) where not stands;                                     -- the list of contradictions

create table bed_hold (                                   -- 占床: a bed kept for somebody until then
    id          text        collate "C" primary key,
    bed         bigint      not null references bed,
    institution bigint      not null references resource, -- whose bed it is
    patient     bigint      not null references resource,
    until       timestamptz not null,
    state       text        collate "C" not null check (state in ('held', 'kept', 'admitted', 'released', 'expired')),
    made_by     bigint      references resource,          -- the institution that asked; null: a system of the region
    made_as     text        not null,                    -- the name of who asked
    created     timestamptz not null,
    ended       timestamptz,
    check ((state in ('held', 'kept')) = (ended is null))
);
create unique index bed_hold_bed on bed_hold (bed) include (patient, until, state) where ended is null;         -- one bed, one hold
create unique index bed_hold_patient on bed_hold (patient, institution) where ended is null;                    -- one person keeps one bed of an institution

create table bed_day (                                    -- what was open and occupied at the end of a day, written once the day is over
    day         date        not null,                    -- of the region's zone
    ward        bigint      not null references ward,
    kind        text        collate "C" not null,
    institution bigint      not null references resource,
    specialty   text        collate "C" not null,
    beds        integer     not null,                    -- 开放床日: beds in service at midnight
    occupied    integer     not null,                    -- 占用床日: of these and others, occupied at midnight
    primary key (day, ward, kind)
);
create index bed_day_institution on bed_day (institution, day);                                         -- 床位使用率 of an institution

create view bed_now as                                    -- the state of every bed, as everybody reads it
select b.rid, b.ward, b.institution, b.department, b.specialty, b.kind, b.sex, b.room, b.clean_at,
       c.encounter, c.patient, c.starts as since, c.expected, h.id as hold, h.patient as held_for, h.until as held_until,
       case when c.bed is not null then 'occupied' when b.stopped then 'stopped' when h.bed is not null then 'held'
            when b.clean_at > now() then 'cleaning' else 'free' end as state
from bed b
left join bed_claim c on c.bed = b.rid and c.stands and c.ends is null
left join bed_hold h on h.bed = b.rid and h.ended is null and h.until > now()
where b.active;
