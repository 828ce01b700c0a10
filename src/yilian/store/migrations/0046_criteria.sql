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
    at          timestamptz not null
);
create index cds_card_at on cds_card (at);                                        -- what is older than the policy says is cleared

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
