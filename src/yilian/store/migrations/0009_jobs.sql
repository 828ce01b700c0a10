-- Jobs: what must still be done after a transaction, written in that transaction and carried out by workers (yilian.jobs); and what bulk
-- exports and imports (yilian.exchange.bulk) remember between the steps of theirs.

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
