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
    institution text        collate "C" not null,        -- of the post picked at sign-in
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
