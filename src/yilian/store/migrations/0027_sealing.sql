-- Values sealed at rest: the keys they are sealed with, and what is still to be sealed (anew).

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
