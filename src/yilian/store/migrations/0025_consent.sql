-- 0025 Whose a resource is and how sensitive; what patients granted and refused; emergency access and its review.

-- Both are null and 0 of what is there already: it counts as written by the region's systems. The reindex asked for below works out how sensitive it is,
-- all versions together; until it is done, what was readable stays so.
alter table resource add column origin bigint;                               -- the institution that wrote it first; null: a system of the region
alter table resource add column sensitive smallint not null default 0;       -- bits of access/sensitivity.toml, the union over its versions; 0: ordinary
alter table history add column origin bigint;
alter table history add column sensitive smallint not null default 0;

alter table access_ground add column purpose smallint;                       -- what it may be used for: 1 care, 2 running the institution; null: both
alter table access_ground add column sensitive boolean not null default false;   -- an emergency access that asked for sensitive kinds too

create table consent_rule (                              -- what the Consents that are in force say, see access/consent.py
    patient     bigint      not null references resource,
    source      bigint      not null references resource, -- the Consent
    institution bigint      references resource,         -- whom it is about; null: every institution
    purpose     smallint    check (purpose in (1, 2, 3)), -- 1 care, 2 running the institution, 3 emergency; null: 1 and 2
    mask        smallint    not null default 0 check (mask >= 0), -- the sensitive kinds it is about; 0: of a refusal everything, of a grant what is ordinary
    permit      boolean     not null,
    since       timestamptz not null,
    until       timestamptz,                              -- null: until it is withdrawn
    check (purpose is distinct from 3 or not permit),
    unique nulls not distinct (source, institution, purpose)
);
create index consent_rule_refused on consent_rule (patient) where not permit;         -- every scoped read: whether this patient has refused anybody anything
create index consent_rule_granted on consent_rule (patient) where permit and mask <> 0;   -- reads of what is sensitive

create function readable_specially(row_rid bigint, whose bigint, row_origin bigint, kinds smallint, here bigint, asks_for smallint)
returns boolean language plpgsql stable parallel safe as $$
-- Whether an institution may read a row, for care (1) or to run itself (2). See yilian.store.scope, which asks it where a row is sensitive, where its
-- patient refused somebody something, and where it is seldom asked.
begin
    return exists (
        select from access_ground g
        where g.institution = here and g.patient = whose and (g.until is null or g.until > now()) and (g.purpose is null or g.purpose = asks_for)
          and (row_origin = here                                              -- one's own writing
               or (not exists (
                       select from consent_rule d
                       where d.patient = whose and not d.permit and (d.institution is null or d.institution = here)
                         and (d.until is null or d.until > now()) and (d.mask = 0 or (d.mask & kinds) <> 0)
                         and case when g.kind = 'emergency' then d.purpose = 3 else coalesce(d.purpose, asks_for) = asks_for end)
                   and (kinds = 0 or g.sensitive                              -- an emergency access that asked for it
                        or (kinds & ~coalesce((                               -- or every kind of it is granted
                            select bit_or(p.mask) from consent_rule p
                            where p.patient = whose and p.permit and p.mask <> 0 and (p.institution is null or p.institution = here)
                              and (p.until is null or p.until > now()) and coalesce(p.purpose, asks_for) = asks_for), 0::smallint)) = 0
                        or (g.kind = 'referral'                               -- or it is the letter: the Task of a referral and what it names
                            and (row_rid in (g.source, g.patient)
                                 or exists (select from index_reference i where i.rid = g.source and i.target = row_rid)))))));
end $$;

create table emergency_road (                            -- the (from, to) pairs of access/review.py; a test compares them
    from_state text collate "C" not null,
    to_state   text collate "C" not null,
    primary key (from_state, to_state)
);
insert into emergency_road (from_state, to_state) values ('open', 'justified'), ('open', 'unjustified');

create table emergency_access (                          -- 紧急查阅: one row each, reviewed by the privacy officer of the institution
    task_rid    bigint      primary key references resource,                  -- the Task of the review
    institution bigint      not null references resource,
    patient     bigint      not null references resource,
    account     text        collate "C" not null,
    agent       text        collate "C" not null,        -- "Practitioner/…": who opened it
    name        text        not null,
    code        text        collate "C" not null,        -- a code of access/break_glass.py
    reason      text        not null check (length(reason) >= 10),
    sensitive   boolean     not null,
    opened      timestamptz not null,
    until       timestamptz not null check (until > opened),
    state       text        collate "C" not null default 'open' check (state in ('open', 'justified', 'unjustified')),
    reviewer    text        collate "C",
    verdict     text        check (length(verdict) >= 5),
    reviewed    timestamptz,
    check ((state = 'open') = (reviewed is null) and (state = 'open') = (verdict is null) and (state = 'open') = (reviewer is null))
);
create index emergency_access_review on emergency_access (institution, opened desc, task_rid desc);  -- Task/$emergency-worklist of a privacy officer
create index emergency_access_patient on emergency_access (patient, institution, until);             -- Patient/$ground: whether one runs just now

create function emergency_access_keeps_to_its_road() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'an emergency access is never forgotten';
    end if;
    if (new.task_rid, new.institution, new.patient, new.account, new.agent, new.code, new.reason, new.sensitive, new.opened, new.until)
       is distinct from (old.task_rid, old.institution, old.patient, old.account, old.agent, old.code, old.reason, old.sensitive, old.opened, old.until) then
        raise exception 'what was opened, by whom and why is not changed afterwards';
    end if;
    if not exists (select from emergency_road r where r.from_state = old.state and r.to_state = new.state) then
        raise exception 'there is no road from % to %', old.state, new.state;
    end if;
    return new;
end $$;

create trigger emergency_access_keeps_to_its_road before update or delete on emergency_access
    for each row execute function emergency_access_keeps_to_its_road();

with due as (
    update reindex_run set why = why || ' Sensitive kinds are found.'
    where id = (select min(id) from reindex_run where state = 'due' and types is null)
    returning id
)
insert into reindex_run (why)
select 'Sensitive kinds are found.'
where exists (select from resource) and not exists (select from due);
