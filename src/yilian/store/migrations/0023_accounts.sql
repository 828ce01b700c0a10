-- 0023 Accounts: passwords that age, a second factor, sign-ins that take several steps, and officers who are not one person.
-- GB/T 22239-2019 8.1.4.1 身份鉴别, 8.1.4.2 访问控制 d) 管理用户权限分离.

alter table account
    add column password_changed timestamptz,                           -- since when it is this password
    add column must_change      boolean     not null default false,    -- somebody else gave it: to be changed at the next sign-in
    add column locks            smallint    not null default 0,        -- times locked in a row; each lasts twice as long as the one before
    add column expires          timestamptz,                           -- from then on nobody signs in; null: never
    add column signed_in        timestamptz,                           -- last good sign-in
    add column handle           uuid        not null default gen_random_uuid();   -- what authenticators know the account by (WebAuthn user.id)
update account set password_changed = now() where password is not null;
create unique index account_handle on account (handle);                -- sign-in by passkey
create index account_agent on account (agent);                         -- whether somebody holds two offices by two accounts

create table old_password (                                            -- not to be used again
    account  text        collate "C" not null references account on delete cascade,
    replaced timestamptz not null,
    password text        not null,                                     -- argon2id
    primary key (account, replaced)                                    -- the last few of an account
);

create table totp (                                                    -- RFC 6238: an authenticator app
    account   text        collate "C" primary key references account on delete cascade,
    secret    bytea       not null,                                    -- sealed, see access/factors/sealing.py
    created   timestamptz not null,
    confirmed timestamptz,                                             -- a first code was right; null: does not count yet
    last_step bigint      not null default 0                           -- time step of the last code taken: none is good twice
);

create table passkey (                                                 -- WebAuthn credentials
    id         bytea       primary key,                                -- credential id: sign-in by passkey
    account    text        collate "C" not null references account on delete cascade,
    public_key bytea       not null,                                   -- COSE
    sign_count bigint      not null,
    transports text[]      not null,
    label      text        not null,                                   -- as its owner calls it
    created    timestamptz not null,
    used       timestamptz
);
create index passkey_account on passkey (account, created);            -- those of an account

create table recovery_code (                                           -- for who has lost the second factor; each good once
    account text        collate "C" not null references account on delete cascade,
    hash    bytea       not null,                                      -- SHA-256 of account and code
    used    timestamptz,
    primary key (account, hash)                                        -- a code that is tried; those that are left
);

create table passkey_challenge (
    hash    bytea       primary key,                                   -- SHA-256 of the challenge: each is answered once
    purpose text        not null check (purpose in ('sign-in', 'enrol')),
    session uuid        references session on delete cascade,          -- whose; null: nobody has said who they are yet
    expires timestamptz not null
);
create index passkey_challenge_expires on passkey_challenge (expires); -- clearing away
create index passkey_challenge_session on passkey_challenge (session); -- with its session

create table refused_address (                                         -- network addresses that sign-ins failed from
    address  text        collate "C" primary key,                      -- of IPv6 the first 64 bits
    failures integer     not null,
    since    timestamptz not null,                                     -- when they began to be counted
    blocks   smallint    not null default 0,
    until    timestamptz                                               -- nothing is looked at before
);
create index refused_address_since on refused_address (since);         -- clearing away

create table access_change (                                           -- one row: how often something that was signed in was ended from outside
    number bigint not null
);
insert into access_change values (0);

alter table session
    add column step    text   not null default '' constraint session_step_check check (step in ('', 'second-factor', 'password', 'enrol')),
    add column factors text[] not null default '{pwd}';                -- RFC 8176 amr: pwd, otp, hwk, mfa

create function officers_are_apart() returns trigger language plpgsql as $$
-- 三员分立: who administers the system, who administers security and who audits are three people, whatever accounts they have.
declare
    who text;
begin
    if new.role not in ('admin', 'security', 'privacy') then
        return new;
    end if;
    select agent into who from account where name = new.account;
    perform pg_advisory_xact_lock(hashtext('officer ' || who));
    if exists (
        select from post p join account a on a.name = p.account
        where a.agent = who and p.role in ('admin', 'security', 'privacy') and p.role <> new.role
    ) then
        raise exception 'admin, security and privacy are not held by one person' using errcode = 'YL002';
    end if;
    return new;
end $$;
create trigger post_officers_are_apart after insert or update on post for each row execute function officers_are_apart();
