-- What the migrations add up to: the whole database, section by section, in the order of the rooms. A test compares the two.
-- Whoever adds a migration adds its tables here, in the section of its room, as they stand afterwards.

-- ===================================================================================================================== store/
-- The store: one row a resource, its older versions, and one index table for each kind of search parameter.
-- Layout E of the measurements: hashed tokens, and one clinical side table keyed by patient, code and date.

create sequence resource_rid increment by 1000;          -- a server takes numbers in blocks of 1,000

create table resource (
    rid      bigint      primary key,                    -- short key inside the database; never leaves it
    type     smallint    not null,                       -- yilian.fhir.definitions.type_id
    id       text        collate "C" not null,
    ver      integer     not null,                       -- meta.versionId
    updated  timestamptz not null,                       -- meta.lastUpdated
    method   text        not null check (method in ('POST', 'PUT', 'PATCH', 'DELETE')),
    deleted  boolean     not null default false,
    shared   boolean     not null default false,         -- directory and definitions: readable by everyone who is signed in
    patient  bigint,                                     -- whom it is about; a Patient: itself; -1: several people (systems only); null: nobody
    confined bigint,                                     -- the one institution that may read it yet (a referral before approval); null: no such limit
    origin   bigint,                                     -- the institution that wrote it first; null: a system of the region
    sensitive smallint   not null default 0,             -- bits of access/sensitivity.toml, the union over its versions; 0: ordinary
    body     text        not null,                       -- what is returned, to the byte; '' once deleted
    check (not deleted or body = '')
);
create unique index resource_type_id on resource (type, id);                  -- read by id, targets of references, _id
create index resource_type_updated on resource (type, updated, rid);          -- _lastUpdated, type history
create index resource_updated on resource (updated, rid);                     -- system history
create index resource_patient on resource (patient, type, rid) where patient is not null;  -- $everything, compartments

create table history (
    rid      bigint      not null references resource,
    ver      integer     not null,
    type     smallint    not null,
    id       text        collate "C" not null,
    updated  timestamptz not null,
    method   text        not null,
    deleted  boolean     not null,
    shared   boolean     not null,
    patient  bigint,
    confined bigint,
    origin   bigint,
    sensitive smallint   not null default 0,
    body     text        not null,
    primary key (rid, ver)                                                    -- vread, instance history
);
create index history_type_updated on history (type, updated, rid);            -- type history

create table namespace (                                                      -- identifier systems, interned
    id  integer generated always as identity primary key,
    uri text collate "C" not null unique
);

create table concept (                                                        -- what a token hash stands for
    h      bigint   primary key,                                              -- a collision is refused here at write time, never answered
    param  smallint not null,
    system text     collate "C" not null,
    code   text     collate "C" not null
);
create index concept_param_code on concept (param, code);                     -- a code without its system becomes a list of hashes

-- Index rows carry no foreign key to resource: no row of resource is ever removed, the rows are derived from its body in the same statement that writes
-- it, and checking them one by one took 30 of 70 microseconds a resource.

create table index_token (
    h   bigint not null,
    rid bigint not null,
    primary key (h, rid)                                                      -- every coded parameter
);
create index index_token_rid on index_token (rid);                            -- rewriting, :missing

create table index_identifier (                                               -- identifiers and contact points: exact values, too many to hash
    param  smallint not null,
    value  text     collate "C" not null,
    system integer,                                                           -- namespace.id; null where the value has no system
    rid    bigint   not null
);
create index index_identifier_value on index_identifier (param, value, rid) include (system);   -- Patient?identifier=, ?phone=
create index index_identifier_rid on index_identifier (rid);

create table index_reference (                                                -- every reference but those index_clinical holds
    param  smallint not null,                                                 -- 0: a reference no search parameter covers
    target bigint   not null,
    rid    bigint   not null,
    primary key (target, param, rid)                                          -- ?performer=, _revinclude, "who still points here"
);
create index index_reference_rid on index_reference (rid, param) include (target);              -- _include, chains

create table index_clinical (                                                 -- the hot shapes: one row for each coding of a resource about a patient
    rid     bigint      not null,
    nth     smallint    not null,
    type    smallint    not null,
    patient bigint      not null,                                             -- 0: about nobody of this server
    code    bigint      not null,                                             -- token hash of the type's code parameter, 0 = none
    lo      timestamptz not null,                                             -- '-infinity' with hi '-infinity': has no date
    hi      timestamptz not null,                                             -- 'infinity': still going on
    primary key (rid, nth)
);
create index index_clinical_patient_code on index_clinical (patient, code, lo desc, rid desc) include (hi);            -- ?patient&code&_sort=-date
create index index_clinical_timeline on index_clinical (patient, type, lo desc, rid desc) include (hi) where nth = 0;  -- timeline, Encounter?patient=, _revinclude
create index index_clinical_code on index_clinical (code, lo desc, rid desc) include (patient, hi);                    -- ?code&date, _has
create index index_clinical_type on index_clinical (type, lo desc, rid desc) include (hi) where nth = 0;               -- ?date= and _sort=-date over all patients

create table index_date (                                                     -- dates that are not a type's main one
    param smallint    not null,
    lo    timestamptz not null,
    hi    timestamptz not null,
    rid   bigint      not null
);
create index index_date_lo on index_date (param, lo, rid) include (hi);       -- ?birthdate=, ?authored=
create index index_date_rid on index_date (rid, param) include (lo, hi);      -- _sort

create table index_string (
    param smallint not null,
    value text     collate "C" not null,                                      -- folded: case, width, accents; also pinyin and initials of Chinese
    exact text     collate "C",                                               -- as it was given; null on pinyin rows
    rid   bigint   not null
);
create index index_string_value on index_string (param, value, rid);          -- ?family= by prefix
create index index_string_rid on index_string (rid, param) include (value);   -- _sort, rewriting

create table index_number (
    param smallint not null,
    value numeric  not null,
    rid   bigint   not null
);
create index index_number_value on index_number (param, value, rid);
create index index_number_rid on index_number (rid, param);

create table index_quantity (
    param        smallint not null,
    nth          smallint not null,                                           -- which coding of what was measured; -1 - nth: the row of a stated unit
    side         smallint not null,                                           -- 0: one amount; -1, 1: lower, upper end of an interval; -2, 2: end excluded
    code         bigint   not null,                                           -- what was measured, as in index_clinical; 0: no code
    unit         bigint   not null,                                           -- hash of the dimension it is comparable in, or of the unit as written
    amount       numeric  not null,                                           -- in base units, or as written
    value        numeric  not null,                                           -- as written
    other_amount numeric,                                                     -- the other end of the interval
    other_value  numeric,
    system       text     collate "C",                                        -- of the unit; null: none, or one of UCUM that is kept in base units
    written      text     collate "C",                                        -- the coded unit, or else the unit as stated
    rid          bigint   not null
);
create index index_quantity_code on index_quantity (param, code, unit, amount, rid) include (side) where code <> 0;    -- ?code=&value-quantity=gt6|…|mmol/L
create index index_quantity_code_value on index_quantity (param, code, value, rid) include (side)
    where code <> 0 and nth >= 0;                                                                                      -- ?code=&value-quantity=gt6
create index index_quantity_unit on index_quantity (param, unit, amount, rid) where nth in (0, -1);                    -- ?value-quantity=gt6|…|mmol/L
create index index_quantity_value on index_quantity (param, value, rid) where nth = 0;                                 -- ?value-quantity=gt6
create index index_quantity_rid on index_quantity (rid, param);                                                        -- rewriting, _sort, probes

create table index_uri (                                                      -- uri parameters, canonicals, and references to elsewhere
    param smallint not null,
    value text     collate "C" not null,
    rid   bigint   not null
);
create index index_uri_value on index_uri (param, value, rid);
create index index_uri_rid on index_uri (rid);

create table index_pair (                                                     -- composite parameters whose element comes several times
    h     bigint not null,                                                    -- hash of the first part; concept.param is the composite
    other bigint,                                                             -- second part: hash of a code, or rid of what a reference points to
    low   numeric,                                                            -- or two numbers: the ends of a stretch of a sequence
    high  numeric,
    rid   bigint not null
);
create index index_pair_h on index_pair (h, other, rid);                      -- ?component-code-value-concept=, ?relationship=, ?characteristic-value=
create index index_pair_rid on index_pair (rid);                              -- rewriting, :missing, probes

create table index_position (
    latitude  double precision not null,                                      -- degrees, WGS 84
    longitude double precision not null,
    rid       bigint           not null
);
create index index_position_latitude on index_position (latitude, longitude, rid);  -- Location?near=
create index index_position_rid on index_position (rid);                      -- rewriting, probes

-- Searches read these tables from their indexes alone where a page is known to be visible to everyone, and only vacuum makes it known. What is asked for
-- most is newest: with a sixth of the rows new, a _has over a common code took twice the time. Such a vacuum looks at new pages only (110,000 rows: 10 ms).
alter table index_token set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_identifier set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_reference set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_clinical set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_date set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_string set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_number set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_quantity set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_uri set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table index_pair set (autovacuum_vacuum_insert_scale_factor = 0.02);

-- Sealing: the data keys, and what is still to be sealed (anew)

create table sealing_key (                               -- data keys, wrapped with the master key that lies beside the database
    id      text        collate "C" primary key,         -- at random; stands in everything it seals
    suite   text        collate "C" not null check (suite in ('aes', 'sm')),
    purpose text        collate "C" not null check (purpose in ('values', 'index', 'trail')),  -- seals; blinds what is searched; what the trail keeps of numbers
    state   text        collate "C" not null check (state in ('coming', 'active', 'retiring', 'retired')),
    wrapped bytea       not null,                        -- nonce, key, tag; see yilian.sealing.master
    created timestamptz not null,
    retired timestamptz                                  -- nothing is sealed with it any more
);
create unique index sealing_key_active on sealing_key (purpose) where state = 'active';  -- one is in use
create unique index sealing_key_coming on sealing_key (purpose) where state = 'coming';  -- one rotation at a time

create table sealing_run (                               -- going through everything that is to be sealed, or sealed anew
    id        bigint      generated always as identity primary key,
    plain     boolean     not null,                      -- there may be values that were never sealed
    state     text        collate "C" not null default 'due' check (state in ('due', 'settling', 'running', 'done')),
    pass      integer     not null default 1,            -- it is done after one that found nothing to do
    last_rid  bigint      not null default -1,           -- how far this pass came
    done      bigint      not null default 0,            -- resources looked at in this pass
    total     bigint,
    changed   bigint      not null default 0,            -- put right in this pass
    requested timestamptz not null,
    switched  timestamptz,                               -- since when the new keys are written with
    finished  timestamptz
);
create unique index sealing_run_open on sealing_run ((true)) where state <> 'done';      -- one at a time

create table access_ground (                                                  -- why an institution may read a patient's record
    institution bigint      not null references resource,
    patient     bigint      not null references resource on delete cascade,
    kind        text        not null check (kind in ('registered', 'encounter', 'visit', 'contract', 'referral', 'consultation', 'consent', 'public-health', 'emergency')),
    source      bigint      not null,                                         -- rid of what the ground rests on (the Encounter, the Task …)
    since       timestamptz not null default now(),
    until       timestamptz,                                                  -- null: as long as the source stands
    purpose     smallint,                                                     -- what it may be used for: 1 care, 2 running the institution; null: both
    sensitive   boolean     not null default false,                           -- an emergency access that asked for sensitive kinds too
    primary key (institution, patient, kind, source)                          -- the probe in every scoped read
);
create index access_ground_source on access_ground (source);                  -- ending a ground when its source ends
create index access_ground_emergency on access_ground (until) include (patient) where kind = 'emergency';  -- every read: whose record stands open in an emergency

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
    derived_from bigint,                                  -- the member of the same person the Consent is about; null: this patient
    constraint consent_rule_once unique nulls not distinct (source, patient, institution, purpose, permit, mask)
);
create index consent_rule_refused on consent_rule (patient) where not permit;         -- every scoped read: whether this patient has refused anybody anything
create index consent_rule_granted on consent_rule (patient) where permit and mask <> 0;   -- reads of what is sensitive

-- 0029 What a person granted or refused holds for all of that person's records. Whoever links holds the rows of the patients, and a rule that is being
-- written holds its patient's (the foreign key): they wait for each other.
create function derive_rules(persons bigint[]) returns void language plpgsql as $$
begin
    delete from consent_rule d using person_member m where m.person = any(persons) and d.patient = m.patient and d.derived_from is not null;
    insert into consent_rule (patient, source, institution, purpose, mask, permit, since, until, derived_from)
    select o.patient, r.source, r.institution, r.purpose, r.mask, r.permit, r.since, r.until, r.patient
    from person_member m
    join consent_rule r on r.patient = m.patient and r.derived_from is null
    join person_member o on o.person = m.person and o.patient <> m.patient
    where m.person = any(persons);
end
$$;

create function rules_have_come() returns trigger language plpgsql as $$
declare persons bigint[];
begin
    select array_agg(distinct m.person) into persons
    from changed c join person_member m on m.patient = c.patient where c.derived_from is null;
    if persons is not null then
        perform derive_rules(persons);
    end if;
    return null;
end
$$;
create trigger consent_rule_come after insert on consent_rule referencing new table as changed
    for each statement execute function rules_have_come();

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

create table reindex_run (                                                    -- index rows of stored resources, made anew; see yilian.store.reindex
    id        integer     generated always as identity primary key,
    types     text[],                                                         -- resource types; null: all
    withheld  text[]      not null default '{}',                              -- what nobody may search by until it is done: a type of parameter, "quantity"
    why       text        not null,
    settles   boolean     not null default false,                             -- begins when all who may not know of its cause have ended
    seen      timestamptz,                                                    -- when it was first looked at, for that
    state     text        not null default 'due' check (state in ('due', 'running', 'done', 'cancelled')),
    last_rid  bigint      not null default 0,                                 -- done up to here; a run that was stopped goes on from here
    done      bigint      not null default 0,                                 -- resources looked at
    changed   bigint      not null default 0,                                 -- of them, those whose rows were not as they should be
    failed    bigint      not null default 0,                                 -- of them, those whose rows cannot be made and were left alone
    total     bigint,                                                         -- resources there were when it began
    requested timestamptz not null default now(),
    started   timestamptz,
    finished  timestamptz,
    check ((state in ('done', 'cancelled')) = (finished is not null))
);
create index reindex_run_open on reindex_run (id) where state in ('due', 'running');    -- what is still to be done

create table custom_parameter (                                               -- search parameters of the region itself; see yilian.store.custom_parameters
    id         smallint    not null check (id >= 10000),
    base       text        collate "C" not null,
    code       text        collate "C" not null,
    resource   bigint      not null,                                          -- rid of the SearchParameter that defines it
    definition text        not null,                                          -- its JSON as it is in force
    run        integer     references reindex_run,                            -- what takes up the resources that were there before
    retired    timestamptz,                                                   -- not searched by any more; its number is not used again
    primary key (id)
);
create unique index custom_parameter_code on custom_parameter (base, code) where retired is null;
create index custom_parameter_resource on custom_parameter (resource);        -- what a SearchParameter defines

create table parameter_generation (                                           -- one row: counts the changes of custom_parameter and reindex_run
    only_one   boolean primary key default true check (only_one),
    generation bigint  not null
);
insert into parameter_generation (generation) values (1);

-- 0010 Expunge and history: what an administrator has removed for good, and the ways into history that narrow askers and the whole system need.

create table expunged (                                  -- that something was removed, by whom and why: all that is left of it
    seq        bigint      generated always as identity primary key,
    at         timestamptz not null,
    rid        bigint      not null references resource,
    type       smallint    not null,
    id         text        collate "C" not null,
    whole      boolean     not null,                     -- nothing is left; false: the versions below, the others stand
    versions   integer[]   not null,                     -- meta.versionId of what was removed
    hashes     bytea[]     not null,                     -- SHA-256 of each body, in the same order: a copy that turns up can be told
    reason     text        not null check (length(reason) > 4),
    account    text        collate "C" not null,
    agent      text        collate "C" not null,
    name       text        not null,
    client     text        collate "C" not null,
    request_id text        collate "C" not null,
    check (cardinality(versions) = cardinality(hashes))
);
create index expunged_resource on expunged (rid);        -- what was removed of this resource

create function expunged_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'expunged is append-only: % is refused', tg_op;
end $$;

create trigger expunged_is_append_only before update or delete or truncate on expunged
    for each statement execute function expunged_is_append_only();

create index history_updated on history (updated, rid);                       -- GET /_history
create index history_patient on history (patient, type, rid) where patient is not null;                                 -- history in a scope of few patients; $expunge of a Patient
create index resource_confined on resource (confined, updated, rid) where patient is null and confined is not null;     -- history: what is about nobody and one institution's
create index history_confined on history (confined, updated, rid) where patient is null and confined is not null;
create index resource_shared on resource (updated, rid) where patient is null and shared;                               -- GET /_history in a scope of few patients: directory and definitions
create index history_shared on history (updated, rid) where patient is null and shared;

create function body_has(body text, path jsonpath) returns boolean language plpgsql immutable as $$
-- Whether a JSON path finds something in a resource. A deletion has no body, and so nothing; nor has what PostgreSQL cannot read as JSON
-- (half of a surrogate pair). Not for parallel plans: it begins a subtransaction.
begin
    return body <> '' and coalesce(jsonb_path_exists(body::jsonb, path, '{}', true), false);
exception when data_exception then
    return false;
end $$;

create function changed_meanwhile() returns boolean language plpgsql as $$
-- A write looks without locking, and its one statement locks and checks what it saw (yilian.store.rows, yilian.db). `YL001` ends that statement; nothing of it is kept.
begin
    raise exception 'what this statement relied on was changed meanwhile' using errcode = 'YL001';
end $$;

-- ===================================================================================================================== access/
-- 0002 Access: who may sign in, at which post and through which application; sessions, codes, tokens, and the keys that sign them.
-- Nothing that could be used to sign in is kept in the clear: passwords and secrets as argon2id, cookies, codes and refresh tokens as SHA-256.

create table account (
    name         text        collate "C" primary key check (name = lower(name) and length(name) between 1 and 64),
    password     text,                                   -- argon2id (PHC string); null: no sign-in by password
    display      text        not null,                   -- 张伟: how the person is called on screen and paper
    agent        text        collate "C" not null,       -- 'Practitioner/gp', 'Patient/resident-0001': who acts
    patient      text        collate "C",                -- 'Patient/…': whose own record this person may read
    disabled     timestamptz,                            -- since when; null: may sign in
    attempts     smallint    not null default 0,         -- sign-ins tried since the last good one
    attempted    timestamptz,                            -- when the last one was tried
    locked_until timestamptz,
    created      timestamptz not null,
    changed      timestamptz not null,
    password_changed timestamptz,                           -- since when it is this password
    must_change      boolean     not null default false,    -- somebody else gave it: to be changed at the next sign-in
    locks            smallint    not null default 0,        -- times locked in a row; each lasts twice as long as the one before
    expires          timestamptz,                           -- from then on nobody signs in; null: never
    signed_in        timestamptz,                           -- last good sign-in
    handle           uuid        not null default gen_random_uuid()    -- what authenticators know the account by (WebAuthn user.id)
);
create unique index account_handle on account (handle);                -- sign-in by passkey
create index account_agent on account (agent);                         -- whether somebody holds two offices by two accounts

create table post (                                      -- 岗位: one person may hold several, in several institutions
    account     text     collate "C" not null references account on delete cascade,
    nth         smallint not null,                       -- the first is the one a session starts with
    institution text     collate "C" not null default '',-- 'Organization/…'; '' for a post that speaks for none (administrator, resident)
    role        text     collate "C" not null,           -- a code of urls.ROLE, see access/policy.toml
    primary key (account, nth),                          -- the posts of an account, in order
    unique (account, institution, role)
);

create table client (                                    -- an application that may ask for tokens
    id            text        collate "C" primary key,
    name          text        not null,
    secret        text,                                  -- argon2id; null: public, it can keep no secret
    redirect_uris text[]      not null default '{}',     -- compared to the letter; '/path' is at this server's own origin
    grant_types   text[]      not null,
    scope         text        not null,                  -- the most it may ever be granted
    agent         text        collate "C" not null default '',  -- 'Device/…': who acts when it asks for itself
    institution   text        collate "C" not null default '',  -- the one it speaks for; '': the whole region
    disabled      timestamptz,
    created       timestamptz not null default now(),
    jwks          text,                                  -- JWK Set: its public keys (private_key_jwt); null: none
    introspects   boolean     not null default false,    -- may ask about tokens of other applications (RFC 7662)
    jwks_uri      text,                                  -- where its public keys lie, in place of jwks
    launches      text[]      not null default '{}',     -- addresses at which pages open it (SMART EHR launch)
    launch_roles  text[]                                 -- posts that may open it; null: every post that sees patients
);

-- 0024 A signed proof is good once. RFC 7523 3, SMART Backend Services: jti.
create table client_assertion (
    client  text        collate "C" not null references client on delete cascade,
    jti     text        collate "C" not null,
    expires timestamptz not null,
    primary key (client, jti)
);
create index client_assertion_expires on client_assertion (expires);    -- what is over is cleared away

create table session (                                   -- one browser that is signed in
    id          uuid        primary key,
    cookie      bytea       not null unique,             -- SHA-256 of the cookie: finding the session of a request
    account     text        collate "C" not null references account on delete cascade,
    institution text        collate "C" not null,        -- of the post picked at sign-in
    started     timestamptz not null,
    seen        timestamptz not null,
    expires     timestamptz not null,
    ended       timestamptz,
    address     text        not null,
    browser     text        not null,
    step        text        not null default '' constraint session_step_check check (step in ('', 'second-factor', 'password', 'enrol')),
    factors     text[]      not null default '{pwd}',    -- RFC 8176 amr: pwd, otp, hwk, mfa
    provider    text        collate "C"                  -- by which provider this browser signed in; null: here
);
create index session_account on session (account) where ended is null;     -- ending all sessions of an account
create index session_expires on session (expires);                         -- clearing away what is long over

create table token_grant (                               -- what somebody granted an application: every token of it stands and falls with this row
    id      uuid        primary key,
    client  text        collate "C" not null references client,
    account text        collate "C" references account on delete cascade,   -- null: the application asks for itself
    session uuid        references session on delete cascade,
    scope   text        not null,
    started timestamptz not null,
    expires timestamptz not null,
    ended   timestamptz,
    reason  text,                                        -- signed-out, revoked, code-reused, refresh-token-reused, disabled
    patient text        collate "C", encounter text collate "C", about text[], intent text collate "C"  -- in what context it was launched
);
create index token_grant_session on token_grant (session) where session is not null;   -- sign-out
create index token_grant_account on token_grant (account) where ended is null;         -- disabling an account
create index token_grant_expires on token_grant (expires);                             -- clearing away

create table authorization_code (
    hash         bytea       primary key,                -- SHA-256
    client       text        collate "C" not null references client,
    session      uuid        not null references session on delete cascade,
    redirect_uri text        not null,
    scope        text        not null,
    challenge    text        not null,                   -- PKCE, S256
    nonce        text,
    issued       timestamptz not null,
    expires      timestamptz not null,
    used         timestamptz,
    token_grant  uuid        references token_grant on delete set null, -- what was issued for it: ended when the code comes a second time
    patient      text        collate "C", encounter text collate "C", about text[], intent text collate "C"  -- of its launch
);
create index authorization_code_expires on authorization_code (expires);   -- clearing away
create index authorization_code_session on authorization_code (session);   -- with its session
create index authorization_code_grant on authorization_code (token_grant); -- with its grant

create table refresh_token (
    hash        bytea       primary key,                 -- SHA-256
    token_grant uuid        not null references token_grant on delete cascade,
    issued      timestamptz not null,
    used        timestamptz                              -- each is good once; a second use ends the grant
);
create index refresh_token_grant on refresh_token (token_grant);           -- with its grant

-- 0030 Launch from a page, and sign-in by an institution's own OpenID provider.
create table launch (                                                  -- SMART EHR launch: what an application that a page opened is told
    hash      bytea       primary key,                                 -- SHA-256 of the value in the address: looked up when it comes back
    client    text        collate "C" not null references client on delete cascade,
    session   uuid        not null references session on delete cascade,   -- whose page it was, and at which post
    patient   text        collate "C" not null,                        -- "Patient/…"
    encounter text        collate "C",                                 -- "Encounter/…"
    about     text[]      not null default '{}',                       -- further references (fhirContext), such as a referral's
    intent    text        collate "C",
    issued    timestamptz not null,
    expires   timestamptz not null,
    used      timestamptz                                              -- good once
);
create index launch_expires on launch (expires);                       -- clearing away
create index launch_session on launch (session);                       -- with its session
create index launch_client on launch (client);                         -- with its application

create table identity_provider (                                       -- OpenID providers of institutions, by which their people sign in here
    id            text        collate "C" primary key,
    name          text        not null,                                -- as the sign-in page calls it
    issuer        text        collate "C" not null unique,             -- ID tokens say it, and discovery begins there
    client_id     text        collate "C" not null,                    -- how it knows us
    secret        bytea,                                               -- sealed; null: we prove ourselves by PKCE alone
    institution   text        collate "C" not null,                    -- "Organization/…": whose people it vouches for
    claim         text        collate "C" not null default 'sub',      -- which claim of the ID token a link names
    first_time    boolean     not null default false,                  -- who is not linked yet may link by the local password, once
    trusts_factor boolean     not null default false,                  -- its word (amr, acr) that a second factor was given counts
    created       timestamptz not null,
    disabled      timestamptz
);

create table account_link (                                            -- who at the provider is which account here
    provider text        collate "C" not null references identity_provider on delete cascade,
    subject  text        collate "C" not null,                         -- value of the provider's claim
    account  text        collate "C" not null references account on delete cascade,
    linked   timestamptz not null,
    linked_by text       collate "C" not null,                         -- who said so: an account, or yilian-cli
    used     timestamptz,
    primary key (provider, subject),                                   -- sign-in: the account of a subject
    unique (provider, account)                                         -- nobody is two people there
);
create index account_link_account on account_link (account);           -- with its account

create table provider_sign_in (                                        -- a browser on its way to a provider and back
    hash     bytea       primary key,                                  -- SHA-256 of state: looked up when it comes back, once
    provider text        collate "C" not null references identity_provider on delete cascade,
    browser  bytea       not null,                                     -- SHA-256 of a cookie of this browser alone
    nonce    text        collate "C" not null,
    verifier text        collate "C" not null,                         -- PKCE
    next     text        not null,                                     -- the query of /oauth2/authorize that is gone on with
    expires  timestamptz not null,
    subject  text        collate "C"                                   -- who came back and is not linked yet: waits for the local password
);
create index provider_sign_in_expires on provider_sign_in (expires);   -- clearing away
create index provider_sign_in_provider on provider_sign_in (provider); -- with its provider

create table signing_key (
    kid     text        collate "C" primary key,         -- RFC 7638 thumbprint
    private text        not null,                        -- JWK, ES256
    created timestamptz not null,
    retired timestamptz,                                 -- signs no more from then on; its tokens are still good until they expire
    begins  timestamptz not null                         -- published from the start, signs from then on
);
create unique index signing_key_current on signing_key ((true)) where retired is null;  -- one key signs; two servers that start at once make one

insert into client (id, name, redirect_uris, grant_types, scope) values
    ('yilian-web', 'Yilian pages', '{/signed-in}', '{authorization_code,refresh_token}', 'openid fhirUser profile online_access user/*.* patient/*.read'),
    ('yilian-cli', 'yilian token', '{}', '{}', 'user/*.*');

-- 0023 Accounts: passwords that age, a second factor, addresses that failures come from, and officers who are not one person.

create table old_password (                                            -- not to be used again
    account  text        collate "C" not null references account on delete cascade,
    replaced timestamptz not null,
    password text        not null,                                     -- argon2id
    primary key (account, replaced)                                    -- the last few of an account
);

create table totp (                                                    -- RFC 6238: an authenticator app
    account   text        collate "C" primary key references account on delete cascade,
    secret    bytea       not null,                                    -- sealed, see access/factors/sealing.py
    created   timestamptz not null,
    confirmed timestamptz,                                             -- a first code was right; null: does not count yet
    last_step bigint      not null default 0                           -- time step of the last code taken: none is good twice
);

create table passkey (                                                 -- WebAuthn credentials
    id         bytea       primary key,                                -- credential id: sign-in by passkey
    account    text        collate "C" not null references account on delete cascade,
    public_key bytea       not null,                                   -- COSE
    sign_count bigint      not null,
    transports text[]      not null,
    label      text        not null,                                   -- as its owner calls it
    created    timestamptz not null,
    used       timestamptz
);
create index passkey_account on passkey (account, created);            -- those of an account

create table recovery_code (                                           -- for who has lost the second factor; each good once
    account text        collate "C" not null references account on delete cascade,
    hash    bytea       not null,                                      -- SHA-256 of account and code
    used    timestamptz,
    primary key (account, hash)                                        -- a code that is tried; those that are left
);

create table passkey_challenge (
    hash    bytea       primary key,                                   -- SHA-256 of the challenge: each is answered once
    purpose text        not null check (purpose in ('sign-in', 'enrol')),
    session uuid        references session on delete cascade,          -- whose; null: nobody has said who they are yet
    expires timestamptz not null
);
create index passkey_challenge_expires on passkey_challenge (expires); -- clearing away
create index passkey_challenge_session on passkey_challenge (session); -- with its session

create table refused_address (                                         -- network addresses that sign-ins failed from
    address  text        collate "C" primary key,                      -- of IPv6 the first 64 bits
    failures integer     not null,
    since    timestamptz not null,                                     -- when they began to be counted
    blocks   smallint    not null default 0,
    until    timestamptz                                               -- nothing is looked at before
);
create index refused_address_since on refused_address (since);         -- clearing away

create table access_change (                                           -- one row: how often something that was signed in was ended from outside
    number bigint not null
);
insert into access_change values (0);

create function officers_are_apart() returns trigger language plpgsql as $$
-- 三员分立: who administers the system, who administers security and who audits are three people, whatever accounts they have.
declare
    who text;
begin
    if new.role not in ('admin', 'security', 'privacy') then
        return new;
    end if;
    select agent into who from account where name = new.account;
    perform pg_advisory_xact_lock(hashtext('officer ' || who));
    if exists (
        select from post p join account a on a.name = p.account
        where a.agent = who and p.role in ('admin', 'security', 'privacy') and p.role <> new.role
    ) then
        raise exception 'admin, security and privacy are not held by one person' using errcode = 'YL002';
    end if;
    return new;
end $$;
create trigger post_officers_are_apart after insert or update on post for each row execute function officers_are_apart();

-- ===================================================================================================================== audit/
-- 0003 Audit: who did what to whose data, when, and on what ground. Rows are added and never changed.

create sequence audit_seq;

create table audit_event (
    seq           bigint      not null default nextval('audit_seq'),       -- AuditEvent.id; order of recording
    recorded      timestamptz not null,
    type          text        collate "C" not null,        -- 'rest', or a DICOM event: 110114 user authentication, 110113 security alert
    subtype       text        collate "C" not null,        -- read, vread, history-instance, history-type, search-type, create, update, delete, operation, 110122 …
    operation     text        collate "C" not null,        -- 'everything', 'slip' where the subtype is operation; else ''
    action        text        collate "C" not null constraint audit_event_action_check check (action in ('C', 'R', 'U', 'D', 'E')),
    outcome       text        collate "C" not null constraint audit_event_outcome_check check (outcome in ('0', '4', '8', '12')),
    outcome_text  text        not null,
    account       text        collate "C" not null,        -- account name, or client id for a system
    agent         text        collate "C" not null,        -- 'Practitioner/gp', 'Device/…'
    name          text        not null,                    -- as the agent was called then
    client        text        collate "C" not null,        -- the application used
    roles         text        collate "C" not null,        -- codes of urls.ROLE, with a space between
    institution   text        collate "C" not null,        -- 'Organization/…' spoken for
    purpose       text        collate "C" not null,        -- v3-ActReason
    ground        text        collate "C" not null,        -- access_ground.kind, 'self', 'region'; '' where no patient is concerned
    ground_source bigint,                                  -- resource.rid of the Encounter, Task … the ground rests on
    patient       bigint,                                  -- resource.rid of the patient concerned; null: nobody's data
    entities      text[]      collate "C" not null,        -- 'Observation/1/_history/2'; what was read or written of this patient
    query         text        not null,                    -- the search as it was asked, percent-encoded
    request_id    text        collate "C" not null,
    address       text        collate "C" not null,        -- network address the request came from
    primary key (seq, recorded)                                                                                -- AuditEvent by id; what is to be sealed
) partition by range (recorded);
create index audit_event_patient on audit_event (patient, recorded desc, seq desc) where patient is not null;  -- who read me: AuditEvent?patient=
create index audit_event_agent on audit_event (agent, recorded desc, seq desc);                                -- what did this person do: AuditEvent?agent=
create index audit_event_recorded on audit_event (recorded desc, seq desc);                                    -- AuditEvent?date=
create index audit_event_institution on audit_event (institution, recorded desc, seq desc) where institution <> '';  -- 0028: what was done for this house, to its privacy officer

create table audit_event_other partition of audit_event default;   -- what no month was made for yet

create function audit_event_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_event is append-only: % is refused', tg_op;
end $$;

-- Each month refuses changes by itself too: a statement that names it does not come by the table above.
create trigger audit_event_is_append_only before update or delete or truncate on audit_event
    for each statement execute function audit_event_is_append_only();
create trigger audit_event_is_append_only before update or delete or truncate on audit_event_other
    for each statement execute function audit_event_is_append_only();

-- A row's number is drawn after its transaction has a number of its own, so once all transactions of a moment have ended no row with a number of
-- before is still to come, and what there is can be sealed.
create function audit_event_has_a_transaction() returns trigger language plpgsql as $$
begin
    perform pg_current_xact_id();
    return null;
end $$;
create trigger audit_event_has_a_transaction before insert on audit_event
    for each statement execute function audit_event_has_a_transaction();

create function audit_event_digest(e audit_event) returns bytea language sql stable as $$
    select sha256(convert_to(jsonb_build_array(
        e.seq, (extract(epoch from e.recorded) * 1000000)::bigint, e.type, e.subtype, e.operation, e.action, e.outcome, e.outcome_text, e.account,
        e.agent, e.name, e.client, e.roles, e.institution, e.purpose, e.ground, e.ground_source, e.patient, to_jsonb(e.entities), e.query,
        e.request_id, e.address)::text, 'UTF8'))
$$;

create table audit_block (                                 -- rows that were sealed together, and with all before them
    nr     bigint      primary key,                        -- from 1, without gaps
    seqs   bigint[]    not null,                           -- the rows, in order
    marks  bigint[]    not null,                           -- the first eight bytes of each row's digest: tells which row it was
    months date[]      not null,                           -- the months (UTC) they were recorded in
    digest bytea       not null,                           -- SHA-256 of their digests, one after the other
    hash   bytea       not null,                           -- SHA-256 of the hash before, and of all the above; see yilian.audit.chain
    sealed timestamptz not null,
    check (cardinality(seqs) = cardinality(marks) and cardinality(seqs) > 0)
);

create table audit_retired (                               -- months that were taken out because they were old enough
    month   date        primary key,
    rows    bigint      not null,
    retired timestamptz not null,
    archive text        not null                           -- where they were written to before; '' for nowhere
);

create function audit_chain_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % is refused', tg_table_name, tg_op;
end $$;
create trigger audit_block_is_append_only before update or delete or truncate on audit_block
    for each statement execute function audit_chain_is_append_only();
create trigger audit_retired_is_append_only before update or delete or truncate on audit_retired
    for each statement execute function audit_chain_is_append_only();

-- ===================================================================================================================== policy, referral/
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
    state           text        collate "C" not null check (state in ('draft', 'in-approval', 'submitted', 'received', 'need-info', 'in-place', 'accepted', 'held',
                                    'booked', 'deferred', 'no-show', 'arrived', 'completed', 'declined', 'referred-onward', 'cancelled', 'against-advice')),
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
    moved_at       timestamptz,                -- when it came to the state it is in; the columns below follow from it (trigger)
    answered_at    timestamptz,                -- the receiver's first answer: accepted, booked, declined, asked or sent on
    accepted_at    timestamptz,
    booked_at      timestamptz,                -- the first booking
    arrived_at     timestamptz,
    missed         smallint not null default 0,  -- how often the patient did not come
    diagnosis      text collate "C",           -- ICD-10 of the first diagnosis the request names; null: none is coded
    diagnosis_text text,                       -- what it is called there
    missed_from     timestamptz,                         -- booked: from then on the patient may be recorded as not having come
    ending          text        collate "C" check (ending in ('deceased', 'admitted')),  -- what made it void while it was open
    ending_rid      bigint      references resource,     -- the Patient or Encounter that says so
    first_visit_due date,                                -- a down-referral: by when the patient is visited first; set at acceptance from the discharge
    green           text        collate "C" check (green in ('asked', 'open')),              -- 绿色通道, as on the request
    urgency         smallint    not null generated always as (case priority when 'stat' then 0 when 'asap' then 1 when 'urgent' then 2 else 3 end) stored,
    due_order       timestamptz not null generated always as (coalesce(due_at, '9999-01-01 00:00:00+00'::timestamptz)) stored,
    check (from_org <> to_org),
    check (state in ('draft', 'cancelled') or (to_org is not null and specialty is not null)),
    check ((closed_at is not null) = (state in ('completed', 'declined', 'referred-onward', 'cancelled', 'against-advice'))),
    check ((approval_rid is not null) = (state = 'in-approval')),
    check ((approval_rid is null) = (approval_ver is null)),
    check (submitted_at is not null or state in ('draft', 'in-approval', 'cancelled'))
);
create unique index referral_live on referral (patient, specialty)            -- one live referral for one problem
    where state in ('in-approval', 'submitted', 'received', 'need-info', 'in-place', 'accepted', 'held', 'booked', 'deferred', 'no-show', 'arrived');
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
create index referral_sent_in on referral (from_org, submitted_at);           -- Task/$referral-statistics?side=sent, Task/$register
create index referral_received_in on referral (to_org, submitted_at);         -- Task/$referral-statistics?side=received, Task/$register
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

create function referral_passes() returns trigger language plpgsql as $$
-- At once: what is known of a referral by the state it comes to.
begin
    if tg_op = 'UPDATE' and new.state = old.state then
        return new;
    end if;
    if new.answered_at is null and new.state in ('accepted', 'held', 'booked', 'deferred', 'declined', 'need-info', 'referred-onward') then
        new.answered_at := new.moved_at;
    end if;
    if new.accepted_at is null and new.state in ('accepted', 'held', 'booked', 'deferred', 'arrived') then
        new.accepted_at := new.moved_at;
    end if;
    if new.booked_at is null and new.state = 'booked' then
        new.booked_at := new.moved_at;
    end if;
    if new.arrived_at is null and new.state = 'arrived' then
        new.arrived_at := new.moved_at;
    end if;
    if tg_op = 'UPDATE' and new.state = 'no-show' then
        new.missed := old.missed + 1;
    end if;
    return new;
end $$;

create trigger referral_passes before insert or update of state on referral for each row execute function referral_passes();

create trigger referral_keeps_to_its_road before insert or update or delete on referral for each row execute function referral_keeps_to_its_road();

-- 0043 Booking within a referral, its clocks, who is asked next, and later approval.

insert into referral_road (from_state, to_state) values
    ('accepted', 'held'), ('accepted', 'booked'), ('accepted', 'deferred'),
    ('deferred', 'held'), ('deferred', 'booked'), ('deferred', 'deferred'), ('deferred', 'arrived'),
    ('held', 'held'), ('held', 'booked'), ('held', 'accepted'), ('held', 'arrived'),
    ('booked', 'booked'), ('booked', 'accepted'), ('booked', 'no-show'), ('booked', 'arrived'),
    ('submitted', 'submitted'), ('received', 'received'), ('need-info', 'need-info'), ('no-show', 'no-show'),     -- what is recorded later
    ('completed', 'completed'), ('referred-onward', 'referred-onward'),
    ('no-show', 'held'), ('no-show', 'booked'), ('no-show', 'deferred'), ('no-show', 'arrived');

alter table referral
    add appointment_id text        collate "C",          -- the Appointment that has its places, "…" of Appointment/…
    add bed_hold       text        collate "C",          -- what keeps its bed (yilian.beds.holds)
    add held_until     timestamptz,                      -- a hold: until then, by the database's clock
    add alternatives   text[]      not null default '{}',                    -- "Organization/…": whom the sender would ask next, in this order
    add automatic      boolean     not null default false,                   -- the sender agreed that the next one is asked by itself when one declines
    add wished         text[]      not null default '{}',                    -- "Slot/…", "Location/…": what the sender would like to have booked
    add offered_at     timestamptz,                      -- deferred: when the receiver was last told of free places
    add retro_post     text        collate "C",          -- an emergency went without approval: the post that records it afterwards
    add retro_due_at   timestamptz,                      -- until when it should have
    add retro_at       timestamptz,                      -- when it did
    add check ((state = 'held') = (held_until is not null)),
    add check (state not in ('held', 'booked') or appointment_id is not null or bed_hold is not null),
    add check (state not in ('accepted', 'deferred', 'no-show', 'declined', 'referred-onward') or (appointment_id is null and bed_hold is null)),
    add check ((retro_post is null) = (retro_due_at is null)),
    add check (retro_at is null or retro_post is not null),
    add check ((ending is null) = (ending_rid is null));

create unique index referral_appointment on referral (appointment_id) where appointment_id is not null;                      -- an Appointment changed at a desk
create index referral_deferred on referral (to_org, specialty, urgency, task_rid) where state = 'deferred';                  -- places as they come
create index referral_retro on referral (from_org, urgency, due_order, task_rid) where retro_post is not null and retro_at is null; -- $worklist?list=retro
create index referral_late_here on referral (to_org, urgency, due_order, task_rid) where due_at is not null and closed_at is null; -- ?list=overdue
create index referral_late_sent on referral (from_org, urgency, due_order, task_rid) where due_at is not null and closed_at is null; -- ?list=overdue

insert into referral_road (from_state, to_state) values
    ('submitted', 'in-place'), ('received', 'in-place'), ('accepted', 'in-place'), ('held', 'in-place'), ('booked', 'in-place'),
    ('deferred', 'in-place'), ('no-show', 'in-place'), ('in-place', 'in-place'), ('in-place', 'submitted'), ('in-place', 'cancelled'),
    ('in-place', 'against-advice'), ('submitted', 'against-advice'), ('received', 'against-advice'), ('need-info', 'against-advice'),
    ('accepted', 'against-advice'), ('held', 'against-advice'), ('booked', 'against-advice'), ('deferred', 'against-advice'),
    ('no-show', 'against-advice'), ('arrived', 'against-advice'), ('against-advice', 'against-advice');

create index referral_in_place_sent on referral (from_org, urgency, due_order, task_rid) where state = 'in-place';  -- $worklist?list=in-place
create index referral_in_place_here on referral (to_org, urgency, due_order, task_rid) where state = 'in-place';    -- $worklist?list=in-place
create index referral_ending on referral (ending_rid) where ending_rid is not null and closed_at is null;           -- a death or stay that is no more

create index referral_first_visit on referral (first_visit_due) where first_visit_due is not null;                   -- the nightly look for missed ones

create table referral_alarm (                            -- what was told because a clock ran; it moves nothing
    task_rid bigint      not null references referral,
    due_at   timestamptz not null,                       -- of the clock it was: another end, another alarm
    kind     text        collate "C" not null check (kind in ('warn', 'overdue', 'duty', 'office')),
    at       timestamptz not null,
    told     text[]      not null default '{}',          -- to whom, as people read it: institution and post, or a name
    primary key (task_rid, due_at, kind)
);

-- ===================================================================================================================== terminology/
-- What code systems, value sets and concept maps say, taken apart so that one row answers one question.
-- All of it is derived: from the resources in the store, in the transaction that writes them, and from the definitions that come with the server.

create table code_system (
    cs             integer generated always as identity primary key,
    url            text    collate "C" not null,
    version        text    collate "C" not null,             -- '' where it names none
    rid            bigint,                                   -- the CodeSystem resource it was taken from; null: came with the server
    content        text    not null,                         -- complete, fragment, example, not-present, supplement
    supplements    text    collate "C",                      -- the canonical a supplement adds to, without its version
    case_sensitive boolean not null,
    answers        boolean not null default false,           -- the one meant where no version is asked for
    size           integer not null,                         -- concepts here
    head           text    not null                          -- the resource as JSON without its concepts and narrative
);
create index code_system_url on code_system (url, version);                   -- every operation: which one is meant
create unique index code_system_rid on code_system (rid);                     -- replacing what a resource gave
create index code_system_supplements on code_system (supplements) where supplements is not null;  -- $lookup, $expand: what adds to it
create unique index code_system_answers on code_system (url) where answers;   -- at most one is meant

-- Rows below a definition carry no foreign key to it: they are only ever written and removed with it, and checking a hundred thousand takes seconds.

create table code_system_concept (
    cs       integer not null,
    nth      integer not null,                               -- its place in the definition, from 0, parents before children
    code     text    collate "C" not null,
    display  text,
    inactive boolean not null,                               -- retired, deprecated long ago: not to be chosen any more
    abstract boolean not null,                               -- groups others, not chosen itself
    detail   text,                                           -- JSON: definition, designation, property, extension; null where there is none
    primary key (cs, code)                                                    -- $lookup, $validate-code
);
create unique index code_system_concept_nth on code_system_concept (cs, nth); -- $expand in the order of the definition, page by page
create index code_system_concept_lower on code_system_concept (cs, lower(code));  -- $validate-code where case does not count

create table code_system_parent (
    cs     integer not null,
    parent text    collate "C" not null,
    code   text    collate "C" not null,
    primary key (cs, parent, code)                                            -- is-a, descendent-of: downwards
);
create index code_system_parent_up on code_system_parent (cs, code, parent);  -- $subsumes, generalizes, membership: upwards

create table code_system_property (
    cs       integer not null,
    property text    collate "C" not null,
    value    text    collate "C" not null,                   -- as text; a Coding by its code
    code     text    collate "C" not null,
    primary key (cs, property, value, code)                                   -- filters =, in, not-in, exists, regex
);
create index code_system_property_code on code_system_property (cs, code);    -- membership of one code under such a filter

create table code_system_text (
    cs    integer not null,
    code  text    collate "C" not null,
    value text    collate "C" not null,                      -- folded, a line each: code, display, designations, pinyin and initials of Chinese
    primary key (cs, code)                                                    -- $expand?filter=: read along one system
);

create table code_ancestor (
    system   text collate "C" not null,
    code     text collate "C" not null,
    ancestor text collate "C" not null,                      -- transitive, and the code itself
    primary key (system, ancestor, code)                                      -- ?code:below=
);
create index code_ancestor_code on code_ancestor (system, code, ancestor);    -- ?code:above=

create table value_set (
    vs      integer generated always as identity primary key,
    url     text    collate "C" not null,
    version text    collate "C" not null,                    -- '' where it names none
    rid     bigint,                                          -- the ValueSet resource; null: came with the server
    answers boolean not null default false,                  -- the one meant where no version is asked for
    body    text    not null                                 -- the resource as JSON without its narrative
);
create index value_set_url on value_set (url, version);                       -- every operation: which one is meant
create unique index value_set_rid on value_set (rid);                         -- replacing what a resource gave
create unique index value_set_answers on value_set (url) where answers;       -- at most one is meant

create table value_set_use (
    vs   integer not null,
    uses text    collate "C" not null,                       -- canonical, without version, of a code system or value set it is made of
    primary key (uses, vs)                                                    -- what to expand again when that changes
);
create index value_set_use_vs on value_set_use (vs);                          -- replacing what a value set uses

create table value_set_code (
    value_set text collate "C" not null,                     -- canonical, without version
    system    text collate "C" not null,
    code      text collate "C" not null,
    primary key (value_set, system, code)                                     -- ?code:in=, memberOf
);

create table value_set_state (
    value_set text    collate "C" primary key,               -- no row: unknown here                                ?code:in= of such a set
    complete  boolean not null,                              -- false: cannot be listed here; `:in` with it is refused with the reason
    reason    text,
    check (complete or reason is not null)
);

create table concept_map (
    cm      integer generated always as identity primary key,
    url     text    collate "C" not null,
    version text    collate "C" not null,
    rid     bigint,                                          -- the ConceptMap resource; null: came with the server
    answers boolean not null default false,
    source  text    collate "C",                             -- value set or system it maps from, without version
    target  text    collate "C",
    head    text    not null                                 -- the resource as JSON without its groups' elements
);
create index concept_map_url on concept_map (url, version);                   -- $translate?url=
create unique index concept_map_rid on concept_map (rid);                     -- replacing what a resource gave
create unique index concept_map_answers on concept_map (url) where answers;   -- at most one is meant

create table concept_map_target (
    cm            integer not null,
    nth           integer not null,                          -- its place in the map
    source_system text    collate "C" not null,              -- '' where the group names none
    source_code   text    collate "C" not null,
    target_system text    collate "C" not null,
    target_code   text    collate "C" not null,              -- '' for unmatched
    equivalence   text    not null,
    detail        text,                                      -- JSON: displays, comment, dependsOn, product
    primary key (cm, nth)
);
create index concept_map_target_source on concept_map_target (source_system, source_code);   -- $translate
create index concept_map_target_target on concept_map_target (target_system, target_code);   -- $translate backwards

create table terminology_shipped (
    only_one boolean primary key default true check (only_one),
    digest   text        not null,                           -- SHA-256 of the file that came with the server and was loaded last
    at       timestamptz not null default now()
);

-- ===================================================================================================================== exchange/
-- What has been loaded from files, so that an interrupted load goes on where it stopped.

create table load_progress (
    source  text        not null,                        -- SHA-256 of the file's bytes, the member inside it, and the institution it was loaded for
    line    bigint      not null,                        -- first line of the batch, from 1
    lines   bigint      not null,                        -- how many lines it has
    stored  bigint      not null,                        -- resources written
    refused jsonb       not null default '[]',           -- [{line, reasons: [...]}]
    at      timestamptz not null default now(),
    primary key (source, line)                           -- "is this batch done?"
);

create table bulk (                                      -- an export or import that somebody asked for
    id       text        collate "C" primary key,        -- random; in the addresses of its status and files
    kind     text        collate "C" not null check (kind in ('export', 'import')),
    job      bigint,                                     -- the job that carries it out; null: done by the command itself
    state    text        collate "C" not null default 'accepted' check (state in ('accepted', 'done', 'failed', 'cancelled')),
    owner    text        collate "C" not null,           -- account or client id of who asked, and alone may look
    asker    jsonb       not null,                       -- how that one asked: the scope is made anew from it, never wider
    request  text        not null,                       -- the address as it was asked
    ask      jsonb       not null,                       -- what was asked, understood
    at       timestamptz,                                -- transactionTime: what stood at this instant is exported
    created  timestamptz not null,
    finished timestamptz,
    expires  timestamptz,                                -- files are deleted then
    error    text,
    check ((state = 'accepted') = (finished is null))
);
create index bulk_owner on bulk (owner) where state = 'accepted';                                           -- how many somebody has under way
create index bulk_expires on bulk (expires) where expires is not null;                                      -- clearing away

create table bulk_file (                                 -- the parts that are finished
    bulk    text        collate "C" not null references bulk on delete cascade,
    nth     integer     not null,                        -- from 1
    section text        collate "C" not null check (section in ('output', 'deleted', 'error', 'view')),
    type    text        collate "C" not null,            -- what is in it
    name    text        collate "C" not null,
    count   bigint      not null,                        -- lines
    bytes   bigint      not null,
    source  text        not null default '',             -- import: the address the lines came from
    updated timestamptz,                                 -- export: the next part of this type begins after this version …
    rid     bigint,                                      -- … and this resource
    last    boolean     not null default true,           -- the last part of its type
    primary key (bulk, nth),
    unique (bulk, name)
);

create table bulk_key (                                  -- resources an export is about, by rid
    bulk text     collate "C" not null references bulk on delete cascade,
    what smallint not null,                              -- a type: its matches of _typeFilter; 0: patients asked for; -1: patients something was exported of
    rid  bigint   not null,
    primary key (bulk, what, rid)
);

-- Subscriptions (yilian.exchange.subscriptions): what is asked for, and the outbox of events written together with what caused them.

create table subscription_generation (                   -- one row; counts up whenever what is asked for changes, for every process to see
    generation bigint not null
);
insert into subscription_generation values (1);

create table subscription (                              -- a Subscription that somebody's application wrote; deleted with it
    rid           bigint      primary key,               -- resource.rid of the Subscription
    id            text        collate "C" not null,
    version       integer     not null,                  -- of the resource, when it was last asked for
    state         text        collate "C" not null check (state in ('requested', 'active', 'error', 'off')),
    definition    jsonb       not null,                  -- understood: yilian.exchange.subscriptions.definition
    asker         jsonb       not null,                  -- who asked: the scope is made anew from it for every delivery
    ends          timestamptz,
    events        bigint      not null default 0,        -- the last number that was given
    delivered     bigint      not null default 0,        -- rest-hook: the last number the receiver took
    audited       bigint      not null default 0,        -- rest-hook: the last number whose disclosure stands in the trail
    failures      integer     not null default 0,        -- in a row
    failing_since timestamptz,
    retry_at      timestamptz,                           -- not before
    last_sent     timestamptz,
    error         text
);
create index subscription_id on subscription (id);                                                          -- header values of a deleted one are given up

create table subscription_header (                       -- channel.header with its secrets, which no resource and no history holds
    id      text        collate "C" primary key,         -- of the Subscription
    owner   text        not null,                        -- who wrote them: nobody else may have them sent
    headers jsonb       not null
);

create table subscription_event (                        -- the outbox
    id           bigint      generated always as identity primary key,  -- in the order they were written
    subscription bigint      not null,                   -- no foreign key: writers of the record and of subscriptions do not wait for each other
    number       bigint,                                 -- given after the commit, without gaps; null until then
    at           timestamptz not null,                   -- when it happened
    interaction  text        collate "C" not null check (interaction in ('create', 'update', 'delete')),
    rid          bigint      not null,                   -- the resource, and the version it is about
    ver          integer     not null
);
create unique index subscription_event_number on subscription_event (subscription, number) where number is not null;  -- delivery, $events
create index subscription_event_new on subscription_event (subscription, id) where number is null;          -- what must still be numbered
create index subscription_event_at on subscription_event (at);                                              -- clearing away

-- ===================================================================================================================== jobs/
-- What must still be done after a transaction, written in that transaction and carried out by workers.

create table job (
    id        bigint      generated always as identity primary key,
    kind      text        collate "C" not null,          -- which handler: a name registered in yilian.app
    payload   jsonb       not null,
    subject   text        collate "C",                   -- jobs of one subject run one at a time, in the order they were enqueued; null: in any order
    key       text        collate "C",                   -- at most one of this kind and key waits; null: as many as are enqueued
    priority  smallint    not null default 0,            -- higher goes first
    state     text        collate "C" not null check (state in ('waiting', 'later', 'behind', 'running', 'done', 'failed', 'cancelled')),
                                                         -- later: waits for run_at; behind: waits for an earlier one of its subject
    run_at    timestamptz not null,                      -- not before
    enqueued  timestamptz not null default now(),
    started   timestamptz,                               -- of the last attempt
    finished  timestamptz,
    attempt   integer     not null default 0,            -- how often it was begun
    worker    text        collate "C",                   -- who runs it
    lease     timestamptz,                               -- unless prolonged, it may be taken up by others from then on
    cancel    boolean     not null default false,        -- asked to stop while it runs
    done      bigint      not null default 0,            -- progress: done of total
    total     bigint,
    memo      jsonb,                                     -- what a handler wants to find again when it is begun anew
    result    jsonb,
    error     text,                                      -- why the last attempt did not succeed
    check ((state = 'running') = (worker is not null and lease is not null)),
    check ((state in ('done', 'failed', 'cancelled')) = (finished is not null))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create index job_next on job (priority desc, id) where state = 'waiting';                                   -- a worker takes the next ones
create index job_later on job (run_at) where state = 'later';                                               -- whose time has come
create index job_lease on job (lease) where state = 'running';                                              -- prolonging a lease, taking up what a dead worker left
create index job_subject on job (subject, id) where subject is not null and state in ('waiting', 'later', 'behind', 'running');  -- who is next in a line
create unique index job_one_of_a_subject on job (subject) where state = 'running';                          -- one at a time
create unique index job_key on job (kind, key) where key is not null and state in ('waiting', 'later', 'behind');  -- one of a key waits
create index job_finished on job (finished) where state in ('done', 'failed', 'cancelled');                 -- clearing away, `yilian jobs`
create index job_failed on job (kind) where state = 'failed';                                               -- /metrics

create table job_schedule (                              -- what is done again and again
    name    text        collate "C" primary key,
    next_at timestamptz not null
);


-- 0014 Profiles: where the StructureDefinitions of the region are, by canonical, and when what resources are held against has changed.

create table profile_definition (
    rid     bigint primary key,                              -- the StructureDefinition resource it was taken from
    url     text   collate "C" not null,
    version text   collate "C" not null                      -- '' where it names none
);
create index profile_definition_url on profile_definition (url);  -- validation: the definition a resource names in meta.profile, an extension in url

create sequence definition_generations;                      -- never gives a number twice, also not after a rollback
create table definition_generation (generation bigint not null);  -- one row; another number with every change of a definition or of terminology
insert into definition_generation (generation) values (nextval('definition_generations'));

-- ===================================================================================================================== identity/matching/
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
               g.institution, o.patient, g.kind, g.source, g.since, g.until, g.purpose, g.sensitive, g.patient as derived_from
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
    insert into access_ground as g (institution, patient, kind, source, since, until, purpose, sensitive, derived_from)
    select institution, patient, kind, source, since, until, purpose, sensitive, derived_from from wanted
    on conflict (institution, patient, kind, source) do update
        set since = excluded.since, until = excluded.until, purpose = excluded.purpose, sensitive = excluded.sensitive,
            derived_from = excluded.derived_from
        where g.derived_from is not null and (g.since, g.until, g.purpose, g.sensitive, g.derived_from)
            is distinct from (excluded.since, excluded.until, excluded.purpose, excluded.sensitive, excluded.derived_from);
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
    perform derive_rules(array(select distinct person from changed));
    return null;
end
$$;
create function members_have_gone() returns trigger language plpgsql as $$
begin
    delete from access_ground where derived_from is not null and patient in (select patient from changed);
    delete from consent_rule where derived_from is not null and patient in (select patient from changed);
    perform derive_grounds(array(select distinct person from changed));
    perform derive_rules(array(select distinct person from changed));
    return null;
end
$$;
create trigger person_member_come after insert on person_member referencing new table as changed
    for each statement execute function members_have_come();
create trigger person_member_gone after delete on person_member referencing old table as changed
    for each statement execute function members_have_gone();

-- 0021 Matching: who may be the same person. What of each patient is compared, by what keys it is found, the models that weigh it, and the pairs.

create table match_feature (                                 -- one row a patient: what is compared, ready to be compared; see yilian.identity.matching.features
    patient      bigint   primary key references resource on delete cascade,
    made         smallint not null,                          -- features.FORM it was made by: another is made anew
    keys         bigint[] not null,                          -- its rows of match_key
    name         text     collate "C",                       -- characters, folded, without spaces and points
    pinyin       text     collate "C",                       -- syllables with a space between: 'shan xiong xin'
    other_pinyin text     collate "C",                       -- the same where the family reads its surname another way
    sound        text     collate "C",                       -- pinyin with sounds that are often confused made one
    bag          text     collate "C",                       -- syllables of the sound in alphabetical order
    family       text     collate "C",                       -- sound of the surname
    given_first  text     collate "C",                       -- first and last character (or word) of the given name
    given_last   text     collate "C",
    born         text     collate "C",                       -- yyyymmdd; null where the day is not known
    sex          text     collate "C",                       -- male, female; null for any other
    city         text     collate "C",
    county       text     collate "C",
    town         text     collate "C",
    line         text     collate "C",                       -- the address below the town, folded
    numbers      bytea    not null                           -- identifiers and telephone numbers, see features.Numbers
);
create index match_feature_made on match_feature (made, patient);  -- what is still to be made anew

create table match_key (                                     -- patients who share one of these are compared; see yilian.identity.matching.keys
    key     bigint not null,                                 -- keyed hash: of an identifier, of the sound of the name and the year of birth …
    patient bigint not null references resource on delete cascade,
    primary key (key, patient)                               -- Patient/$match
);

create table match_state (                                   -- one row
    only_one boolean  primary key default true check (only_one),
    secret   bytea    not null,                              -- what keys are hashed with
    form     smallint not null                               -- every patient has features of this form; 0: not yet
);
insert into match_state (secret, form)
values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 0);

create table match_model (
    version  integer          generated always as identity primary key,
    trained  timestamptz      not null,
    by       text             not null,                      -- account, or 'shipped' for the one that comes with Yilian
    note     text             not null default '',
    prior    double precision not null check (prior > 0 and prior < 1),  -- probability that two random patients are the same person
    settings jsonb            not null,                      -- comparisons with their levels as SQL, blocking rules, how it was trained
    weights  jsonb            not null,                      -- comparison → level → { m, u }
    counts   jsonb            not null,                      -- patients, pairs compared, share of each field that is filled
    active   boolean          not null default false
);
create unique index match_model_active on match_model (active) where active;  -- one is in use

create table match_term (                                    -- how common values are that weigh less when they are: names, dates of birth
    model   integer          not null references match_model on delete cascade,
    feature text             collate "C" not null,           -- 'name', 'born'
    value   text             collate "C" not null,
    share   double precision not null,                       -- of the patients who have one
    primary key (model, feature, value)
);

create table match_candidate (                               -- pairs that may be one person: to be linked, or to be looked at
    first   bigint           not null references resource on delete cascade,
    second  bigint           not null references resource on delete cascade,
    score   double precision not null,                       -- probability that they are one person
    weight  double precision not null,                       -- the same in bits, log2 of the odds: tells pairs near 1 apart
    levels  jsonb            not null,                       -- comparison → the level the pair reached
    model   integer          not null references match_model,
    auto    boolean          not null,                       -- sure enough to be linked without asking: policy match.*, never on name alone
    state   text             not null default 'new' check (state in ('new', 'linked', 'different', 'undecided')),
    found   timestamptz      not null default now(),
    weighed timestamptz      not null default now(),         -- by the last run that met it; a new pair the next run does not meet goes
    decided timestamptz,
    primary key (first, second),
    check (first < second)
);
create index match_candidate_state on match_candidate (state, score desc, first, second);  -- the worklist; what is to be linked
create index match_candidate_second on match_candidate (second);                           -- the pairs of one patient (the other half by the primary key)

-- Health card and desk

create table card_key (                                  -- what the codes of the health card are signed with; no other token is
    kid       text        collate "C" primary key,       -- first 8 characters of the RFC 7638 thumbprint: it stands in every code
    algorithm text        collate "C" not null check (algorithm in ('ES256', 'Ed25519')),
    private   text        not null,                      -- JWK
    created   timestamptz not null,
    retired   timestamptz                                -- signs no more; its codes are good until they end
);
create unique index card_key_current on card_key ((true)) where retired is null;       -- one key signs; two servers that start at once make one

create table health_card (                               -- 虚拟健康卡
    number    text        collate "C" primary key,       -- 16 digits at random; stands in every code in place of the person
    patient   bigint      not null references resource on delete cascade,
    issued    timestamptz not null,
    withdrawn timestamptz                                -- 停用: since when no code of it opens anything
);
create unique index health_card_current on health_card (patient) where withdrawn is null;  -- Patient/$card: one card at a time
create index health_card_patient on health_card (patient);                             -- with its patient

create table card_scan (                                 -- a code opens something once
    nonce       text        collate "C" primary key,     -- what refuses the second time, whoever comes at the same moment
    card        text        collate "C" not null references health_card on delete cascade,
    institution bigint      not null references resource on delete cascade,
    scanned     timestamptz not null,
    expires     timestamptz not null                     -- of the code; some time later it need not be remembered
);
create index card_scan_card on card_scan (card);                                       -- with its card
create index card_scan_expires on card_scan (expires);                                 -- clearing away

create table visit_number (                              -- the last 门诊号 or 住院号 an institution gave out in a year
    institution bigint      not null references resource on delete cascade,
    kind        text        collate "C" not null check (kind in ('outpatient', 'inpatient')),
    year        smallint    not null,                    -- in the region's zone
    last        integer     not null,
    primary key (institution, kind, year)
);

create table upload (                                    -- contents that were sent to us (Binary.data, Attachment.data), each once, by what they are
    sha256    bytea       primary key check (length(sha256) = 32),
    type      text        collate "C" not null,          -- as it was declared, and found to be
    bytes     bigint      not null,
    state     text        collate "C" not null check (state in ('waiting', 'clean', 'infected', 'not-scanned')),
    since     timestamptz not null,                      -- when it came to be in this state
    engine    text,                                      -- what scanned it, with its signatures: "ClamAV 1.4.3/27500/…"
    signature text,                                      -- what was found in it
    check ((state = 'infected') = (signature is not null))
);
create index upload_waiting on upload (since) where state = 'waiting';   -- what nobody scanned yet, for the job that asks again

create table upload_held (                               -- the contents themselves until they are scanned; in no resource, so nothing can give them out
    sha256  bytea primary key references upload on delete cascade,
    content bytea not null
);
alter table upload_held alter column content set storage external;       -- PDF and pictures are packed already

create table upload_use (                                -- where a content was sent in, and by whom
    sha256      bytea       not null references upload on delete cascade,
    type        text        collate "C" not null,
    id          text        collate "C" not null,
    account     text        collate "C" not null,
    agent       text        collate "C" not null,        -- "Practitioner/…"
    institution bigint,                                  -- rid of the institution spoken for; null: a system of the region
    sent        timestamptz not null,
    primary key (sha256, type, id)
);

-- 0040 号源: slots as columns, their places, and who has them. A slot has as many places as it has capacity; each is one row, is reserved for a pool until a
-- moment that was worked out when it was made, and is free, held or taken. Nothing counts, so nothing can be counted wrong: a place has one holder.

create table schedule (                                   -- what a Schedule says, in columns; kept by yilian.scheduling.slots
    rid         bigint      primary key references resource,
    institution bigint      not null references resource,                    -- whose it is
    kind        text        collate "C" not null check (kind in ('clinic', 'expert', 'examination', 'equipment', 'day-surgery', 'bed')),
    specialty   text        collate "C" not null,        -- 诊疗科目, '' where it has none
    actor       bigint      not null references resource, -- the doctor, device, place or service it is of
    active      boolean     not null,
    shares      jsonb                                     -- the schedule's own shares of the pools, {pool: share}; null: as the region's rules say
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
    planned     boolean     not null default false,      -- made from the schedule's template, which may take it back while nobody has a place
    exclude using gist (int8range(schedule, schedule, '[]') with &&, tstzrange(starts, ends) with &&)   -- a schedule has no two slots at one time
);
create index slot_find on slot (specialty, starts, rid) where not stopped;                                                   -- $find by specialty, in the order of time
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
    series     uuid,                                     -- 疗程: the visits that were booked together; null: it stands alone
    agent      text        collate "C" not null default '',                   -- who booked it: "Patient/…", "Practitioner/…"
    reminded   smallint    not null default 0,           -- how many of the reminders of this time were given
    check ((state = 'held') = (held_until is not null)),
    check ((state in ('held', 'booked', 'checked-in')) = (ended is null))
);
create unique index appointment_once on appointment (person, schedule, day) where state in ('held', 'booked', 'checked-in');  -- 同一人同日同医师限一号
create index appointment_patient on appointment (patient, starts);                                                           -- my appointments
create index appointment_day on appointment (institution, day, starts);                                                      -- the desk's list of a day
create index appointment_coming on appointment (starts) where state = 'booked';             -- what is to be reminded of, and what was missed
create index appointment_of_day on appointment (schedule, day, starts);                     -- the list of a doctor's day
create index appointment_person on appointment (person, day);                               -- how many somebody has in a day and a week

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

-- 0047 消息: what somebody is told, who reads it, what has been read and seen to, and what goes outside by mail, SMS and the like.
-- Telling is part of the transaction it tells of; sending is a job. Kept by yilian.notifications.

create table message (                                    -- one thing told
    id        bigint      generated always as identity primary key,
    event     text        collate "C" not null,           -- a template of notifications/templates.toml
    key       text        collate "C" not null default '',-- told once only; '' for no such limit
    about     text        collate "C" not null,           -- 'Task/…': what opens when it is pressed
    patient   bigint      references resource on delete cascade,   -- whom it is about; who has no ground for them is told no names
    says      jsonb       not null,                       -- the values of the template
    urgent    boolean     not null,
    created   timestamptz not null,
    due       timestamptz not null                        -- not before
);
create unique index message_key on message (key) where key <> '';                     -- telling once
create index message_created on message (created);                                    -- clearing away
create index message_patient on message (patient) where patient is not null;          -- with a patient who is expunged

create table message_reader (                             -- one reader of it: an entry of an inbox, or an address outside
    id          bigint      generated always as identity primary key,
    message     bigint      not null references message on delete cascade,
    event       text        collate "C" not null,         -- these three as the message has them
    about       text        collate "C" not null,
    due         timestamptz not null,
    agent       text        collate "C",                  -- 'Practitioner/…': this person, at any post
    institution bigint      references resource on delete cascade,   -- with role: whoever holds that post there
    role        text        collate "C",
    patient     bigint      references resource on delete cascade,   -- the patient, by any record that is linked
    channel     text        collate "C" check (channel in ('email', 'sms', 'wechat')),   -- with address: somebody who is not on the platform
    address     bytea,                                    -- sealed
    times       integer     not null default 1,           -- how often it was told while nobody looked
    handled     timestamptz,                              -- seen to: by whom, so that the others of the post need not
    handled_by  text        collate "C",
    check (num_nonnulls(agent, institution, patient, address) = 1),
    check ((institution is null) = (role is null) and (channel is null) = (address is null)),
    check ((handled is null) = (handled_by is null))
);
create index message_reader_agent on message_reader (agent, due desc, id desc) where agent is not null;                  -- the inbox of a person
create index message_reader_post on message_reader (institution, role, due desc, id desc) where institution is not null; -- of a post
create index message_reader_patient on message_reader (patient, due desc, id desc) where patient is not null;            -- of a resident
create index message_reader_open on message_reader (about, event) where handled is null;                                 -- told again while nobody looked
create index message_reader_message on message_reader (message);                                                         -- with its message

create table message_read (                               -- who has read an entry
    reader bigint      not null references message_reader on delete cascade,
    agent  text        collate "C" not null,
    at     timestamptz not null,
    primary key (reader, agent)                           -- whether I have
);

create table message_delivery (                           -- one message on its way outside
    id       uuid        primary key,                     -- the key receivers know a repetition by
    reader   bigint      not null references message_reader on delete cascade,
    message  bigint      not null references message on delete cascade,
    account  text        collate "C" not null default '', -- whose address it is; '' for one the message itself came with, or of a record
    channel  text        collate "C" not null check (channel in ('email', 'sms', 'wechat')),
    shown    text        not null,                        -- the address as it may be shown: 138****0000
    state    text        collate "C" not null check (state in ('waiting', 'sent', 'failed', 'bounced', 'withheld', 'gathered', 'digested')),
    job      bigint,                                      -- that delivers it
    attempts smallint    not null default 0,
    created  timestamptz not null,
    changed  timestamptz not null,
    answer   text        not null default '',             -- what the gateway called it
    error    text        not null default '',
    why      text        not null default '',             -- the error in Chinese
    again    smallint    not null default 0,              -- how often somebody had it sent anew after it was taken; part of its key
    unique (message, reader, account, channel)            -- once for each, however often the job is done
);
create index message_delivery_newest on message_delivery (created desc, id);                                             -- 发送记录
create index message_delivery_state on message_delivery (state, created desc, id);                                       -- those that failed
create index message_delivery_answer on message_delivery (answer) where answer <> '';                                    -- what came back
create index message_delivery_reader on message_delivery (reader);                                                       -- with its reader
create index message_delivery_account on message_delivery (account, created) where account <> '';                        -- how many somebody has had of late
create index message_delivery_gathered on message_delivery (account, channel) where state = 'gathered';                  -- what a digest tells

create table message_address (                            -- where an account wants to be reached
    id      uuid        primary key,
    account text        collate "C" not null references account on delete cascade,
    channel text        collate "C" not null check (channel in ('email', 'sms', 'wechat')),
    address bytea       not null,                         -- sealed
    changed timestamptz not null,
    verified timestamptz,                                 -- since then known to be the account's; null: nothing is sent there but the code
    unique (account, channel)                             -- the one of a channel
);

create table message_code (                               -- codes by which an account shows that an address is its own
    id       uuid        primary key,
    account  text        collate "C" not null references account on delete cascade,
    address  uuid        not null,                        -- of message_address when it was sent; a later address is not proven by it
    receiver bytea       not null,                        -- a keyed hash of the address, so that nobody is flooded from several accounts
    hash     bytea       not null,                        -- a keyed hash of the code
    tries    smallint    not null default 0,
    sent     timestamptz not null,
    until    timestamptz not null
);
create index message_code_account on message_code (account, sent desc);                                                  -- the newest, and how many of late
create index message_code_receiver on message_code (receiver, sent);                                                     -- how many one address was sent of late
create index message_code_sent on message_code (sent);                                                                   -- clearing away

create table message_secret (                             -- values of a message that open something for who has them: codes, links
    message bigint primary key references message on delete cascade,
    says    bytea  not null                               -- sealed
);

create table message_digest (                             -- when an account is told what is not urgent, collected; where not as the region has it
    account text        collate "C" primary key references account on delete cascade,
    at      time                                          -- in the region's zone; null: each by itself
);

create table message_preference (                         -- what an account wants told by which way, where that is not as the template has it
    account text        collate "C" not null references account on delete cascade,
    kind    text        collate "C" not null,             -- of templates: referral, booking …
    channel text        collate "C" not null check (channel in ('email', 'sms', 'wechat')),
    wanted  boolean     not null,
    primary key (account, kind, channel)                  -- those of an account
);

create table message_quiet (                              -- hours in which an account is told nothing outside, where not as the region has it
    account text        collate "C" primary key references account on delete cascade,
    begins  time,                                         -- in the region's zone; null with ends: never quiet
    ends    time,
    check ((begins is null) = (ends is null))
);

-- 沟通: what is said on a referral is a Communication each; here in columns, for what is unread. Kept by yilian.referral.conversation.

create table conversation_line (
    rid         bigint      primary key references resource on delete cascade,    -- the Communication
    task        bigint      not null references referral (task_rid) on delete cascade,
    institution bigint      references resource,          -- who said it, as a side; null: the patient
    agent       text        collate "C" not null,         -- who said it, as a person
    kind        text        collate "C" not null check (kind in ('question', 'answer', 'remark', 'file')),
    answers     bigint      references conversation_line on delete set null,   -- the question
    at          timestamptz not null
);
create index conversation_line_task on conversation_line (task, at, rid);                                                -- the conversation, and what is unread in it
create index conversation_line_answers on conversation_line (answers) where answers is not null;                         -- which questions are answered

create table conversation_read (                          -- up to when somebody has read a conversation
    task  bigint      not null references referral (task_rid) on delete cascade,
    agent text        collate "C" not null,
    at    timestamptz not null,
    primary key (task, agent)                             -- what is unread for me
);

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
create index attendance_visit on attendance (encounter) where encounter is not null;   -- $fulfil: whether somebody else has still to see the patient in this visit

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
    agent       text        collate "C" not null default '',   -- who asked to wait: "Patient/…", "Practitioner/…"; books what is offered
    check (state <> 'offered' or offer is not null)
);
create unique index waiting_once on waiting (person, institution, specialty, coalesce(schedule, 0)) where state in ('waiting', 'offered');  -- one place in each line
create index waiting_line on waiting (institution, specialty, line, rid) where state = 'waiting';                              -- who is first
create index waiting_patient on waiting (patient);                                                                            -- my waits
create index waiting_last_day on waiting (last_day) where state = 'waiting';                                                  -- which are over
create index appointment_series on appointment (series) where series is not null;                            -- what is left of a series, $cancel-series
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
-- 0053 Who changed the rules of the pools, and from when they hold. What holds is in `policy`; this is how it came about.

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

-- 0045 床位: wards and beds as columns, who lies in them, and for whom one is kept. Nobody types the state of a bed: it follows from Encounters and holds (bed_now).

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
-- 0044 directory

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

-- Criteria for referral: which PlanDefinitions are ones and from when, what was made of those that were shown, and the cards other systems were given.

create table criterion (                                  -- what a PlanDefinition that is a criterion says, in columns; kept by yilian.criteria.keeping
    rid         bigint      primary key references resource,
    url         text        collate "C" not null,        -- several rows of one url: the platform's own and what the region put in its place
    since       date        not null,                    -- effectivePeriod, in the region's zone
    until       date,                                    -- the last day; null: no end
    shipped     boolean     not null                     -- comes with the platform
);

create table criterion_answer (                           -- what the referrer made of a criterion, read from the ServiceRequest; kept by yilian.criteria.answers
    request     bigint      not null references resource, -- the ServiceRequest
    url         text        collate "C" not null,
    version     text        collate "C" not null,
    answer      text        collate "C" not null check (answer in ('followed', 'overridden', 'shown')),
    state       text        collate "C" not null,        -- how the criterion stood: met, nearly …
    institution bigint      references resource,         -- the sender; null where the request names none
    at          timestamptz not null,
    primary key (request, url)
);
create index criterion_answer_url on criterion_answer (url, at);                  -- followed and overridden, by criterion (PlanDefinition/$answers)

create table cds_card (                                   -- a card of CDS Hooks that was handed out, so that feedback can be told from invention
    id          uuid        primary key,
    client      text        collate "C" not null,        -- which system asked
    service     text        collate "C" not null,
    institution bigint      references resource,
    url         text        collate "C" not null,        -- the criterion; '' for a card about none
    version     text        collate "C" not null,
    at          timestamptz not null,
    patient     bigint      references resource on delete cascade   -- whom the card was about, where known here: what its link opens
);
create index cds_card_at on cds_card (at);                                        -- what is older than the policy says is cleared
create index cds_card_patient on cds_card (patient) where patient is not null;          -- with a patient who is expunged

create table cds_feedback (
    card        uuid        not null references cds_card on delete cascade,
    nth         integer     not null,                    -- a card that was passed over may be acted upon later
    outcome     text        collate "C" not null check (outcome in ('accepted', 'overridden')),
    suggestions uuid[]      not null,
    reason      text        collate "C" not null,        -- code of the reason it was overridden for, '' for none
    comment     text        not null,
    at          timestamptz not null,                    -- when the user did it, as the client says
    received    timestamptz not null,
    primary key (card, nth)
);

create table handover_document (                          -- a document of a referral, frozen: what the receiver reads is what was sent
    rid      bigint      primary key references resource,                     -- its DocumentReference
    task_rid bigint      not null references resource,   -- the Task of the referral
    kind     text        collate "C" not null check (kind in ('transfer', 'out', 'in', 'return')),
    sha256   bytea       not null check (length(sha256) = 32),                -- of content, as UTF-8
    content  text        not null,                       -- the document Bundle as JSON; without numbers of persons
    made_at  timestamptz not null
);
create index handover_document_task on handover_document (task_rid);          -- Task/{id}/$handover: the documents of a referral

create function handover_document_stays() returns trigger language plpgsql as $$
-- Nobody changes what was sent; it goes only with its DocumentReference, when that is expunged.
begin
    raise exception 'a document of a referral is not changed';
end $$;
create trigger handover_document_stays before update on handover_document for each row execute function handover_document_stays();

create function handover_document_is_expunged() returns trigger language plpgsql as $$
begin
    delete from handover_document where rid = new.rid;
    return null;
end $$;
create trigger handover_document_is_expunged after insert on expunged for each row when (new.whole) execute function handover_document_is_expunged();

create table follow_up (                                  -- one row each visit after a down-referral; kept by yilian.aftercare
    task_rid    bigint      primary key references resource,                  -- the Task of the visit
    referral    bigint      not null references resource,                     -- the Task of the down-referral
    patient     bigint      not null references resource,
    institution bigint      not null references resource,                     -- whose doctors visit
    sender      bigint      not null references resource,                     -- the hospital that sent the patient down, which is told
    nth         smallint    not null check (nth > 0),
    due_on      date        not null,                    -- in the region's zone
    state       text        collate "C" not null check (state in ('due', 'done', 'stopped')),
    done_on     date,
    alarm       boolean     not null default false,      -- a value that asks for referral was found
    check ((state = 'done') = (done_on is not null)),
    unique (referral, nth)
);
create index follow_up_due on follow_up (institution, due_on, task_rid) where state = 'due';         -- $follow-ups?list=due, overdue
create index follow_up_done on follow_up (institution, done_on desc, task_rid desc) where state = 'done';  -- ?list=done
create index follow_up_sent on follow_up (sender, due_on, task_rid);                                 -- ?list=sent

create table referral_lost (                              -- who was referred and was seen nowhere: told once to the referrer
    task_rid bigint      primary key references resource,
    told_at  timestamptz not null
);

create table referral_rating (                            -- 患者评价: once for each referral
    task_rid    bigint      primary key references resource,
    institution bigint      not null references resource,                     -- who is rated: the receiver
    response    bigint      not null references resource,                     -- the QuestionnaireResponse
    level       smallint    not null check (level between 1 and 5),           -- 诊疗水平
    attitude    smallint    not null check (attitude between 1 and 5),        -- 服务态度
    cost        smallint    not null check (cost between 1 and 5),            -- 费用合理
    guardian    boolean     not null default false,      -- given by a guardian
    rated_at    timestamptz not null
);
create index referral_rating_institution on referral_rating (institution, rated_at);                 -- $ratings

create table referral_suspicion (                         -- 异常转诊: a rule that found something, and what the office decided
    rid        bigint      primary key references resource,                   -- the DetectedIssue
    task_rid   bigint      not null references resource,
    rule       text        collate "C" not null check (rule in ('repeated', 'no-contact', 'closed-loop', 'month-end')),
    office     bigint      not null references resource, -- the institution whose office decides
    from_org   bigint      not null references resource,
    to_org     bigint      not null references resource,
    found_at   timestamptz not null,
    why        text        not null,                     -- what was found, without names of persons
    state      text        collate "C" not null default 'open' check (state in ('open', 'justified', 'not-justified')),
    decided_at timestamptz,
    decided_by text        collate "C",
    note       text,
    check ((state = 'open') = (decided_at is null)),
    unique (task_rid, rule)
);
create index referral_suspicion_office on referral_suspicion (office, state, found_at desc, rid desc);  -- $suspicions

create table bridge_message (                             -- messages of other platforms, each taken once
    source     text        collate "C" not null,         -- MessageHeader.source.endpoint
    id         text        collate "C" not null,         -- Bundle.identifier or MessageHeader.id
    client     text        collate "C" not null,         -- who delivered it
    sha256     bytea       not null,                     -- of what was said: the same id with other words is refused
    step       text        collate "C" not null check (step in ('apply', 'answer', 'arrival', 'record')),
    task_rid   bigint      not null references resource,
    taken_at   timestamptz not null,
    primary key (client, source, id)
);
create index bridge_message_task on bridge_message (task_rid);                -- which messages moved a referral

-- 平台外机构

create table outside_window (                             -- where the referral window (转诊窗口) of such an institution is reached
    institution bigint      primary key references resource on delete cascade,
    email       bytea,                                    -- sealed
    sms         bytea,                                    -- sealed
    changed     timestamptz not null,
    changed_by  text        collate "C" not null,
    check (email is not null or sms is not null)
);

create table outside_link (                               -- one link to one referral; sending anew makes another one
    id          uuid        primary key,
    task_rid    bigint      not null references referral (task_rid) on delete cascade,
    institution bigint      not null references resource on delete cascade,   -- whom it is for
    seed        bytea       not null,                     -- sealed
    digest      bytea       not null unique,              -- SHA-256 of the link's secret: whose link this is
    code_number smallint    not null default 1,           -- the code that is good now is made from the seed and this
    code_used   timestamptz,                              -- it opened the referral; another one has to be asked for
    tries       smallint    not null default 0,           -- wrong ones since the last right one
    made        timestamptz not null,
    made_by     text        collate "C" not null,         -- agent
    expires     timestamptz not null,
    opened      timestamptz,                              -- for the first time
    opened_by   text        not null default '',          -- the name that was typed last
    ended       timestamptz,
    ended_why   text        collate "C" check (ended_why in ('closed', 'anew', 'locked', 'taken-back')),
    check ((ended is null) = (ended_why is null))
);
create unique index outside_link_alive on outside_link (task_rid) where ended is null;           -- one at a time
create index outside_link_task on outside_link (task_rid, made desc);                            -- what the sender sees
create index outside_link_institution on outside_link (institution);                             -- with its institution

create table outside_session (                            -- a browser that gave the right code
    cookie bytea       primary key,                       -- SHA-256
    link   uuid        not null references outside_link on delete cascade,
    name   text        not null,                          -- who says to be answering
    began  timestamptz not null,
    seen   timestamptz not null,
    ended  timestamptz
);
create index outside_session_link on outside_session (link);                                     -- with its link
