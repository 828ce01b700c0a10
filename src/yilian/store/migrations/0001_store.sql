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
    param  smallint not null,
    system text     collate "C",                                              -- null where the quantity names none
    code   text     collate "C",                                              -- the coded unit, or else the unit as written
    value  numeric  not null,
    rid    bigint   not null
);
create index index_quantity_value on index_quantity (param, code, value, rid);   -- ?value-quantity=gt6|…|mmol/L
create index index_quantity_bare on index_quantity (param, value, rid);          -- ?value-quantity=gt6
create index index_quantity_rid on index_quantity (rid, param);

create table index_uri (                                                      -- uri parameters, canonicals, and references to elsewhere
    param smallint not null,
    value text     collate "C" not null,
    rid   bigint   not null
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
