-- 0007 Terminology: what code systems, value sets and concept maps say, taken apart so that one row answers one question.
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
