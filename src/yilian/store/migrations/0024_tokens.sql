-- Applications that prove themselves with a key of their own, that may ask about tokens, and keys of ours that are known before they sign.

alter table client add column jwks text;                                -- JWK Set: its public keys (private_key_jwt); null: none
alter table client add column introspects boolean not null default false;   -- may ask about tokens of other applications (RFC 7662)

-- A signed proof is good once. RFC 7523 3, SMART Backend Services: jti.
create table client_assertion (
    client  text        collate "C" not null references client on delete cascade,
    jti     text        collate "C" not null,
    expires timestamptz not null,
    primary key (client, jti)
);
create index client_assertion_expires on client_assertion (expires);    -- what is over is cleared away

alter table signing_key add column begins timestamptz;                  -- published from the start, signs from then on
update signing_key set begins = created;
alter table signing_key alter column begins set not null;
