-- The directory as columns: what Organizations, Locations, HealthcareServices, OrganizationAffiliations, PractitionerRoles and Devices say, kept by
-- yilian.directory.columns in the transaction that writes them, and how long people really waited, counted at night.

create table institution (                                -- Organizations that have a tier
    rid       bigint   primary key references resource on delete cascade,
    tier      text     collate "C" not null check (tier in ('village', 'township', 'county', 'city', 'province', 'national')),
    active    boolean  not null
);
create index institution_tier on institution (tier) where active;                          -- the list of institutions by tier

create table institution_site (                           -- Locations with a position that stand by themselves: where an institution is
    rid          bigint           primary key references resource on delete cascade,
    organization bigint           not null references resource on delete cascade,
    latitude     double precision not null check (latitude between -90 and 90),       -- WGS 84, degrees
    longitude    double precision not null check (longitude between -180 and 180)
);
create index institution_site_organization on institution_site (organization, rid);        -- $candidates, the map: where is it

create table service_offer (                              -- HealthcareServices of institutions
    rid            bigint  primary key references resource on delete cascade,
    institution    bigint  not null references resource on delete cascade,  -- the one its provider speaks for
    provider       bigint  not null references resource on delete cascade,  -- the institution itself, a department or a post of it
    active         boolean not null,
    specialties    text[]  collate "C" not null,          -- 诊疗科目
    accepts        text[]  collate "C" not null,          -- of up, down, lateral: from where it takes referrals
    needs_approval boolean not null,                      -- referrals to it go through the sender's approval chain, whatever the sender's rule
    direct_booking boolean not null,                      -- the referrer takes a place itself
    attachments    text[]  collate "C" not null           -- what a referral to it must bring along
);
create index service_offer_specialty on service_offer using gin (specialties) where active;                 -- $candidates
create index service_offer_institution on service_offer (institution) where active;                         -- the settings of a receiver

create table membership (                                 -- OrganizationAffiliations: who belongs to which consortium, from when to when
    rid        bigint  primary key references resource on delete cascade,
    consortium bigint  not null references resource on delete cascade,
    member     bigint  not null references resource on delete cascade,
    lead       boolean not null,
    period     daterange not null check (not isempty(period)),                -- days of the region
    constraint membership_once exclude using gist
        (int8range(consortium, consortium, '[]') with &&, int8range(member, member, '[]') with &&, period with &&),    -- nobody is a member twice at a time
    constraint membership_one_lead exclude using gist (int8range(consortium, consortium, '[]') with &&, period with &&) where (lead)
);
create index membership_member on membership (member);                                     -- $candidates, an institution's consortia

create table position (                                   -- PractitionerRoles: who works where, from when to when
    rid          bigint    primary key references resource on delete cascade,
    practitioner bigint    not null references resource on delete cascade,
    organization bigint    not null references resource on delete cascade,
    main         boolean   not null,                      -- 主要执业机构, where that is said
    period       daterange not null check (not isempty(period)),
    constraint position_one_main exclude using gist (int8range(practitioner, practitioner, '[]') with &&, period with &&) where (main)
);
create index position_practitioner on position (practitioner);                             -- the posts of somebody
create index position_organization on position (organization);                             -- who works here

create table equipment (                                  -- Devices that are an institution's and about no patient: the shared catalogue
    rid          bigint  primary key references resource on delete cascade,
    institution  bigint  not null references resource on delete cascade,
    kind         text    collate "C" not null,            -- a code of urls.EQUIPMENT_KIND, '' for another one
    name         text    not null,
    maker        text    not null,
    model        text    not null,
    asset        text    collate "C" not null,            -- 资产编号, '' where it has none
    shared       boolean not null,                        -- open to referrals of others
    working      boolean not null
);
create index equipment_kind on equipment (kind, institution);                              -- $equipment by kind
create index equipment_institution on equipment (institution);                             -- what an institution has

create table care_wait (                                  -- how long people waited, from what happened; made anew each night
    day         date     not null,                        -- the night after which it was counted, in the region's zone
    measure     text     collate "C" not null check (measure in ('answer', 'arrival', 'booking')),
    institution bigint   not null references resource on delete cascade,
    specialty   text     collate "C" not null,
    cases       integer  not null check (cases > 0),
    median_h    real     not null check (median_h >= 0),
    most_h      real     not null check (most_h >= median_h),                              -- nine in ten waited no longer
    primary key (institution, specialty, measure, day)
);

create table care_arrival (                               -- when the Task of a referral first said that the patient is there
    task bigint      primary key references resource on delete cascade,
    at   timestamptz not null
);
create index care_arrival_at on care_arrival (at);                                         -- arrivals of the days that are counted

create index slot_of_house on slot (institution, specialty, starts) where not stopped;      -- $candidates: the next free place at each institution
