-- 机构外转诊: institutions that are not on the platform get a link and a one-time code, and answer by a page without an account.
-- No link and no code stands anywhere: a link row holds the seed both are made from, sealed, and the digest a link is found by.
-- Kept by yilian.referral.outside.

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
