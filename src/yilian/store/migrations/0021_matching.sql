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
