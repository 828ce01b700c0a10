-- 0030 Applications that are allowed a part of a type, that are launched from a page, whose keys lie at an address of theirs; and sign-in by
-- an institution's own OpenID provider.

create function body_has(body text, path jsonpath) returns boolean language plpgsql immutable as $$
-- Whether a JSON path finds something in a resource. A deletion has no body, and so nothing; nor has what PostgreSQL cannot read as JSON
-- (half of a surrogate pair). Not for parallel plans: it begins a subtransaction.
begin
    return body <> '' and coalesce(jsonb_path_exists(body::jsonb, path, '{}', true), false);
exception when data_exception then
    return false;
end $$;

alter table client
    add column jwks_uri text,                                          -- where its public keys lie, in place of jwks
    add column launches text[] not null default '{}',                  -- addresses at which pages open it (SMART EHR launch)
    add column launch_roles text[];                                    -- posts that may open it; null: every post that sees patients

create table launch (                                                  -- SMART EHR launch: what an application that a page opened is told
    hash      bytea       primary key,                                 -- SHA-256 of the value in the address: looked up when it comes back
    client    text        collate "C" not null references client on delete cascade,
    session   uuid        not null references session on delete cascade,   -- whose page it was, and at which post
    patient   text        collate "C" not null,                        -- "Patient/…"
    encounter text        collate "C",                                 -- "Encounter/…"
    about     text[]      not null default '{}',                       -- further references (fhirContext), such as a referral's
    intent    text        collate "C",
    issued    timestamptz not null,
    expires   timestamptz not null,
    used      timestamptz                                              -- good once
);
create index launch_expires on launch (expires);                       -- clearing away
create index launch_session on launch (session);                       -- with its session
create index launch_client on launch (client);                         -- with its application

alter table authorization_code
    add column patient text collate "C", add column encounter text collate "C", add column about text[], add column intent text collate "C";
alter table token_grant                                                -- in what context an application was launched; null: in none
    add column patient text collate "C", add column encounter text collate "C", add column about text[], add column intent text collate "C";

create table identity_provider (                                       -- OpenID providers of institutions, by which their people sign in here
    id            text        collate "C" primary key,
    name          text        not null,                                -- as the sign-in page calls it
    issuer        text        collate "C" not null unique,             -- ID tokens say it, and discovery begins there
    client_id     text        collate "C" not null,                    -- how it knows us
    secret        bytea,                                               -- sealed; null: we prove ourselves by PKCE alone
    institution   text        collate "C" not null,                    -- "Organization/…": whose people it vouches for
    claim         text        collate "C" not null default 'sub',      -- which claim of the ID token a link names
    first_time    boolean     not null default false,                  -- who is not linked yet may link by the local password, once
    trusts_factor boolean     not null default false,                  -- its word (amr, acr) that a second factor was given counts
    created       timestamptz not null,
    disabled      timestamptz
);

create table account_link (                                            -- who at the provider is which account here
    provider text        collate "C" not null references identity_provider on delete cascade,
    subject  text        collate "C" not null,                         -- value of the provider's claim
    account  text        collate "C" not null references account on delete cascade,
    linked   timestamptz not null,
    linked_by text       collate "C" not null,                         -- who said so: an account, or yilian-cli
    used     timestamptz,
    primary key (provider, subject),                                   -- sign-in: the account of a subject
    unique (provider, account)                                         -- nobody is two people there
);
create index account_link_account on account_link (account);           -- with its account

create table provider_sign_in (                                        -- a browser on its way to a provider and back
    hash     bytea       primary key,                                  -- SHA-256 of state: looked up when it comes back, once
    provider text        collate "C" not null references identity_provider on delete cascade,
    browser  bytea       not null,                                     -- SHA-256 of a cookie of this browser alone
    nonce    text        collate "C" not null,
    verifier text        collate "C" not null,                         -- PKCE
    next     text        not null,                                     -- the query of /oauth2/authorize that is gone on with
    expires  timestamptz not null,
    subject  text        collate "C"                                   -- who came back and is not linked yet: waits for the local password
);
create index provider_sign_in_expires on provider_sign_in (expires);   -- clearing away
create index provider_sign_in_provider on provider_sign_in (provider); -- with its provider

alter table session add column provider text collate "C";              -- by which provider this browser signed in; null: here
