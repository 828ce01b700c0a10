-- What the migrations add up to: the whole database, section by section, in the order of the rooms. A test compares the two.
-- Whoever adds a migration adds its tables here, in the section of its room, as they stand afterwards.

-- ===================================================================================================================== store/
-- 0001 The store: one row a resource, its older versions, and one index table for each kind of search parameter.
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

create table index_token (
    h   bigint not null,
    rid bigint not null references resource on delete cascade,
    primary key (h, rid)                                                      -- every coded parameter
);
create index index_token_rid on index_token (rid);                            -- rewriting, :missing

create table index_identifier (                                               -- identifiers and contact points: exact values, too many to hash
    param  smallint not null,
    value  text     collate "C" not null,
    system integer,                                                           -- namespace.id; null where the value has no system
    rid    bigint   not null references resource on delete cascade
);
create index index_identifier_value on index_identifier (param, value, rid) include (system);   -- Patient?identifier=, ?phone=
create index index_identifier_rid on index_identifier (rid);

create table index_reference (                                                -- every reference but those index_clinical holds
    param  smallint not null,
    target bigint   not null,
    rid    bigint   not null references resource on delete cascade,
    primary key (target, param, rid)                                          -- ?performer=, _revinclude, "who still points here"
);
create index index_reference_rid on index_reference (rid, param) include (target);              -- _include, chains

create table index_clinical (                                                 -- the hot shapes: one row for each coding of a resource about a patient
    rid     bigint      not null references resource on delete cascade,
    nth     smallint    not null,
    type    smallint    not null,
    patient bigint      not null,
    code    bigint      not null,                                             -- token hash of the type's code parameter, 0 = none
    lo      timestamptz not null,                                             -- '-infinity' with hi '-infinity': has no date
    hi      timestamptz not null,                                             -- 'infinity': still going on
    primary key (rid, nth)
);
create index index_clinical_patient_code on index_clinical (patient, code, lo desc, rid desc) include (hi);            -- ?patient&code&_sort=-date
create index index_clinical_timeline on index_clinical (patient, type, lo desc, rid desc) include (hi) where nth = 0;  -- timeline, Encounter?patient=, _revinclude
create index index_clinical_code on index_clinical (code, lo desc, rid desc) include (patient, hi);                    -- ?code&date, _has

create table index_date (                                                     -- dates that are not a type's main one
    param smallint    not null,
    lo    timestamptz not null,
    hi    timestamptz not null,
    rid   bigint      not null references resource on delete cascade
);
create index index_date_lo on index_date (param, lo, rid) include (hi);       -- ?birthdate=, ?authored=
create index index_date_rid on index_date (rid, param) include (lo, hi);      -- _sort

create table index_string (
    param smallint not null,
    value text     collate "C" not null,                                      -- folded: case, width, accents; also pinyin and initials of Chinese
    exact text     collate "C",                                               -- as it was given; null on pinyin rows
    rid   bigint   not null references resource on delete cascade
);
create index index_string_value on index_string (param, value, rid);          -- ?family= by prefix
create index index_string_rid on index_string (rid, param) include (value);   -- _sort, rewriting

create table index_number (
    param smallint not null,
    value numeric  not null,
    rid   bigint   not null references resource on delete cascade
);
create index index_number_value on index_number (param, value, rid);
create index index_number_rid on index_number (rid, param);

create table index_quantity (
    param  smallint not null,
    system text     collate "C",                                              -- null where the quantity names none
    code   text     collate "C",                                              -- the coded unit, or else the unit as written
    value  numeric  not null,
    rid    bigint   not null references resource on delete cascade
);
create index index_quantity_value on index_quantity (param, code, value, rid);   -- ?value-quantity=gt6|…|mmol/L
create index index_quantity_bare on index_quantity (param, value, rid);          -- ?value-quantity=gt6
create index index_quantity_rid on index_quantity (rid, param);

create table index_uri (                                                      -- uri parameters, canonicals, and references to elsewhere
    param smallint not null,
    value text     collate "C" not null,
    rid   bigint   not null references resource on delete cascade
);
create index index_uri_value on index_uri (param, value, rid);
create index index_uri_rid on index_uri (rid);

create table access_ground (                                                  -- why an institution may read a patient's record
    institution bigint      not null references resource,
    patient     bigint      not null references resource on delete cascade,
    kind        text        not null check (kind in ('registered', 'encounter', 'contract', 'referral', 'consultation', 'consent', 'public-health', 'emergency')),
    source      bigint      not null,                                         -- rid of what the ground rests on (the Encounter, the Task …)
    since       timestamptz not null default now(),
    until       timestamptz,                                                  -- null: as long as the source stands
    primary key (institution, patient, kind, source)                          -- the probe in every scoped read
);
create index access_ground_source on access_ground (source);                  -- ending a ground when its source ends

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
    changed      timestamptz not null
);

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
    created       timestamptz not null default now()
);

create table session (                                   -- one browser that is signed in
    id          uuid        primary key,
    cookie      bytea       not null unique,             -- SHA-256 of the cookie: finding the session of a request
    account     text        collate "C" not null references account on delete cascade,
    institution text        collate "C" not null,        -- the post picked for this session
    started     timestamptz not null,
    seen        timestamptz not null,
    expires     timestamptz not null,
    ended       timestamptz,
    address     text        not null,
    browser     text        not null
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
    reason  text                                         -- signed-out, revoked, code-reused, refresh-token-reused, disabled
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
    token_grant  uuid        references token_grant on delete set null  -- what was issued for it: ended when the code comes a second time
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

create table signing_key (
    kid     text        collate "C" primary key,         -- RFC 7638 thumbprint
    private text        not null,                        -- JWK, ES256
    created timestamptz not null,
    retired timestamptz                                  -- signs no more; its tokens are still good until they expire
);
create unique index signing_key_current on signing_key ((true)) where retired is null;  -- one key signs; two servers that start at once make one

insert into client (id, name, redirect_uris, grant_types, scope) values
    ('yilian-web', 'Yilian pages', '{/signed-in}', '{authorization_code,refresh_token}', 'openid fhirUser profile online_access user/*.* patient/*.read'),
    ('yilian-cli', 'yilian token', '{}', '{}', 'user/*.*');

-- ===================================================================================================================== audit/
-- 0003 Audit: who did what to whose data, when, and on what ground. Rows are added and never changed.

create table audit_event (
    seq           bigint      generated always as identity primary key,    -- AuditEvent.id; order of recording, for the chain to come
    recorded      timestamptz not null,
    type          text        collate "C" not null,        -- 'rest', or a DICOM event: 110114 user authentication, 110113 security alert
    subtype       text        collate "C" not null,        -- read, vread, history-instance, history-type, search-type, create, update, delete, operation, 110122 …
    operation     text        collate "C" not null,        -- 'everything', 'slip' where the subtype is operation; else ''
    action        text        collate "C" not null check (action in ('C', 'R', 'U', 'D', 'E')),
    outcome       text        collate "C" not null check (outcome in ('0', '4', '8', '12')),
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
    address       text        collate "C" not null         -- network address the request came from
);
create index audit_event_patient on audit_event (patient, recorded desc, seq desc) where patient is not null;  -- who read me: AuditEvent?patient=
create index audit_event_agent on audit_event (agent, recorded desc, seq desc);                                -- what did this person do: AuditEvent?agent=
create index audit_event_recorded on audit_event (recorded desc, seq desc);                                    -- AuditEvent?date=

create function audit_event_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_event is append-only: % is refused', tg_op;
end $$;

create trigger audit_event_is_append_only before update or delete or truncate on audit_event
    for each statement execute function audit_event_is_append_only();
