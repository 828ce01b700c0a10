-- Which appointments are of one visit.

create index attendance_visit on attendance (encounter) where encounter is not null;   -- $fulfil: whether somebody else has still to see the patient in this visit

-- Who changed the rules of the pools, and from when they hold. What holds is in `policy`; this is how it came about.

create table policy_change (                             -- kept by yilian.scheduling.pool_rules; rows are never changed
    id          bigint      primary key generated always as identity,
    name        text        collate "C" not null,        -- of the policy
    institution bigint      references resource,         -- for this institution alone; null: for the region
    value       jsonb       not null,
    valid_from  date        not null,
    source      text        not null,                    -- why: document, resolution
    agent       text        collate "C" not null,        -- "Practitioner/…"
    agent_name  text        not null,
    at          timestamptz not null default now()
);

create index policy_change_of on policy_change (institution, id desc);   -- $pool-rules: the last changes of an institution
