-- 0020 Persons: which records are of one person, whose identifiers are whose alone, and the pairs somebody is to look at.

create table person_member (                                 -- Person.link.target, one row a Patient; kept by yilian.identity.persons
    patient bigint primary key references resource on delete cascade,  -- a Patient belongs to one Person at most: every search by a patient
    person  bigint not null references resource on delete cascade
);
create index person_member_person on person_member (person);  -- the other records of a person

create table identifier_claim (                              -- identifiers that are somebody's alone; kept by yilian.identity.claims
    key     bytea       primary key,                         -- keyed hash of the kind, who gave it and the number: refuses a second claim
    kind    text        collate "C" not null,                -- 'resident', 'inpatient' …, see yilian.identity.identifiers
    patient bigint      not null references resource on delete cascade,  -- who came with it first
    since   timestamptz not null
);
create index identifier_claim_patient on identifier_claim (patient);  -- what a Patient has claimed, when it changes

create table identifier_contest (                            -- further records that came with an identifier somebody has claimed
    key     bytea       not null,
    patient bigint      not null references resource on delete cascade,
    kind    text        collate "C" not null,
    differs text[]      not null,                            -- 'name', 'birthDate': what tells the two apart; {}: nothing does
    since   timestamptz not null,
    primary key (key, patient)                               -- who is next when a claim is given up
);
create index identifier_contest_patient on identifier_contest (patient);  -- what a Patient came with, when it changes

create table match_task (                                    -- 主索引核对: pairs somebody is to look at, and what was decided
    id      bigint           generated always as identity primary key,
    first   bigint           not null references resource on delete cascade,
    second  bigint           not null references resource on delete cascade,
    why     text             not null check (why in ('alike', 'contested', 'asked')),  -- weighed; came with one identifier; somebody linked or parted them
    kinds   text[]           not null default '{}',          -- contested: the kinds of identifiers they came with
    differs text[]           not null default '{}',          -- contested: what tells them apart
    score   double precision not null default 0,             -- probability that they are one person, by the model that weighed them last
    state   text             not null default 'open' check (state in ('open', 'same', 'different', 'later')),
    opened  timestamptz      not null,
    decided timestamptz,                                     -- by a person; null: never looked at
    account text,                                            -- who decided last, and as what
    name    text,
    reason  text,
    unique (first, second),
    check (first < second)
);
create index match_task_state on match_task (state, score desc, id);  -- the worklist
create index match_task_second on match_task (second);                -- the pairs of one patient (the other half by the unique key)

alter table access_ground add column derived_from bigint;    -- the member of the same person the ground was given for; null: this patient
create index access_ground_patient on access_ground (patient);  -- the grounds of the records of one person

-- What an institution may read of one record it may read of the whole person. These rows are made from the others whenever a ground or a link
-- comes or goes, by whatever road, in the same transaction. The rows they are made from are locked meanwhile, and so are the patients when they
-- are linked (yilian.identity.persons): a ground that is being given at that moment is waited for, and one that is given later sees the link.
create function derive_grounds(persons bigint[]) returns void language plpgsql as $$
begin
    perform from access_ground g join person_member m on m.patient = g.patient
    where m.person = any(persons) order by g.institution, g.patient, g.kind, g.source for update of g;
    with wanted as (
        select distinct on (g.institution, o.patient, g.kind, g.source)
               g.institution, o.patient, g.kind, g.source, g.since, g.until, g.patient as derived_from
        from person_member m
        join access_ground g on g.patient = m.patient and g.derived_from is null
        join person_member o on o.person = m.person and o.patient <> m.patient
        where m.person = any(persons)
        order by g.institution, o.patient, g.kind, g.source, g.until desc nulls first, g.patient
    ), gone as (
        delete from access_ground d using person_member m
        where m.person = any(persons) and d.patient = m.patient and d.derived_from is not null
          and not exists (select from wanted w where w.institution = d.institution and w.patient = d.patient and w.kind = d.kind and w.source = d.source)
    )
    insert into access_ground as g (institution, patient, kind, source, since, until, derived_from)
    select institution, patient, kind, source, since, until, derived_from from wanted
    on conflict (institution, patient, kind, source) do update
        set since = excluded.since, until = excluded.until, derived_from = excluded.derived_from
        where g.derived_from is not null and (g.since, g.until, g.derived_from) is distinct from (excluded.since, excluded.until, excluded.derived_from);
end
$$;

create function grounds_have_changed() returns trigger language plpgsql as $$
declare persons bigint[];
begin
    select array_agg(distinct m.person) into persons
    from changed c join person_member m on m.patient = c.patient where c.derived_from is null;
    if persons is not null then
        perform derive_grounds(persons);
    end if;
    return null;
end
$$;
create trigger access_ground_given after insert on access_ground referencing new table as changed
    for each statement execute function grounds_have_changed();
create trigger access_ground_moved after update on access_ground referencing new table as changed
    for each statement execute function grounds_have_changed();
create trigger access_ground_taken after delete on access_ground referencing old table as changed
    for each statement execute function grounds_have_changed();

create function members_have_come() returns trigger language plpgsql as $$
begin
    perform derive_grounds(array(select distinct person from changed));
    return null;
end
$$;
create function members_have_gone() returns trigger language plpgsql as $$
begin
    delete from access_ground where derived_from is not null and patient in (select patient from changed);
    perform derive_grounds(array(select distinct person from changed));
    return null;
end
$$;
create trigger person_member_come after insert on person_member referencing new table as changed
    for each statement execute function members_have_come();
create trigger person_member_gone after delete on person_member referencing old table as changed
    for each statement execute function members_have_gone();
