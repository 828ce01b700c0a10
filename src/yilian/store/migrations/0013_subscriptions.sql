-- 0013 Subscriptions (yilian.exchange.subscriptions): what is asked for, and the outbox of events written together with what caused them.

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
