-- 0010 Expunge and history: what an administrator has removed for good, and the ways into history that narrow askers and the whole system need.

create table expunged (                                  -- that something was removed, by whom and why: all that is left of it
    seq        bigint      generated always as identity primary key,
    at         timestamptz not null,
    rid        bigint      not null references resource,
    type       smallint    not null,
    id         text        collate "C" not null,
    whole      boolean     not null,                     -- nothing is left; false: the versions below, the others stand
    versions   integer[]   not null,                     -- meta.versionId of what was removed
    hashes     bytea[]     not null,                     -- SHA-256 of each body, in the same order: a copy that turns up can be told
    reason     text        not null check (length(reason) > 4),
    account    text        collate "C" not null,
    agent      text        collate "C" not null,
    name       text        not null,
    client     text        collate "C" not null,
    request_id text        collate "C" not null,
    check (cardinality(versions) = cardinality(hashes))
);
create index expunged_resource on expunged (rid);        -- what was removed of this resource

create function expunged_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'expunged is append-only: % is refused', tg_op;
end $$;

create trigger expunged_is_append_only before update or delete or truncate on expunged
    for each statement execute function expunged_is_append_only();

create index history_updated on history (updated, rid);                       -- GET /_history
create index history_patient on history (patient, type, rid) where patient is not null;                                 -- history in a scope of few patients; $expunge of a Patient
create index resource_confined on resource (confined, updated, rid) where patient is null and confined is not null;     -- history: what is about nobody and one institution's
create index history_confined on history (confined, updated, rid) where patient is null and confined is not null;
create index resource_shared on resource (updated, rid) where patient is null and shared;                               -- GET /_history in a scope of few patients: directory and definitions
create index history_shared on history (updated, rid) where patient is null and shared;
