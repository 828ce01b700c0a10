-- 0006 Quantities in base units beside what was measured; parameters a region defines itself; index rows made anew while everyone works.

-- Amounts used to be compared as written. What a unit measures cannot be worked out in SQL, so the table begins empty and is filled by a reindex,
-- which is due at once where there are resources; until it is done nobody is answered by quantity.
drop table index_quantity;

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

insert into reindex_run (withheld, why)
select '{quantity}', 'Quantities are kept in base units.' where exists (select from resource);
