-- 0026 The trail in months and in a chain: what is old enough goes a month at a time, and what was changed or taken out shows.
-- The rows there were become the partition for whatever no month has been made for; they are cut into months at the next start.

drop trigger audit_event_is_append_only on audit_event;
alter table audit_event rename to audit_event_other;
alter table audit_event_other alter column seq drop identity;
alter table audit_event_other drop constraint audit_event_pkey;
drop index audit_event_patient;
drop index audit_event_agent;
drop index audit_event_recorded;

create sequence audit_seq;
select setval('audit_seq', coalesce((select max(seq) from audit_event_other), 0) + 1, false);

create table audit_event (
    seq           bigint      not null default nextval('audit_seq'),       -- AuditEvent.id; order of recording
    recorded      timestamptz not null,
    type          text        collate "C" not null,        -- 'rest', or a DICOM event: 110114 user authentication, 110113 security alert
    subtype       text        collate "C" not null,        -- read, vread, history-instance, history-type, search-type, create, update, delete, operation, 110122 …
    operation     text        collate "C" not null,        -- 'everything', 'slip' where the subtype is operation; else ''
    action        text        collate "C" not null constraint audit_event_action_check check (action in ('C', 'R', 'U', 'D', 'E')),
    outcome       text        collate "C" not null constraint audit_event_outcome_check check (outcome in ('0', '4', '8', '12')),
    outcome_text  text        not null,
    account       text        collate "C" not null,        -- account name, or client id for a system
    agent         text        collate "C" not null,        -- 'Practitioner/gp', 'Device/…'
    name          text        not null,                    -- as the agent was called then
    client        text        collate "C" not null,        -- the application used
    roles         text        collate "C" not null,        -- codes of urls.ROLE, with a space between
    institution   text        collate "C" not null,        -- 'Organization/…' spoken for
    purpose       text        collate "C" not null,        -- v3-ActReason
    ground        text        collate "C" not null,        -- access_ground.kind, 'self', 'region'; '' where no patient is concerned
    ground_source bigint,                                  -- resource.rid of the Encounter, Task … the ground rests on
    patient       bigint,                                  -- resource.rid of the patient concerned; null: nobody's data
    entities      text[]      collate "C" not null,        -- 'Observation/1/_history/2'; what was read or written of this patient
    query         text        not null,                    -- the search as it was asked, percent-encoded
    request_id    text        collate "C" not null,
    address       text        collate "C" not null,        -- network address the request came from
    primary key (seq, recorded)                                                                                -- AuditEvent by id; what is to be sealed
) partition by range (recorded);
create index audit_event_patient on audit_event (patient, recorded desc, seq desc) where patient is not null;  -- who read me: AuditEvent?patient=
create index audit_event_agent on audit_event (agent, recorded desc, seq desc);                                -- what did this person do: AuditEvent?agent=
create index audit_event_recorded on audit_event (recorded desc, seq desc);                                    -- AuditEvent?date=

alter table audit_event_other alter column seq set default nextval('audit_seq');
alter table audit_event attach partition audit_event_other default;

-- Each month refuses changes by itself too: a statement that names it does not come by the table above.
create trigger audit_event_is_append_only before update or delete or truncate on audit_event
    for each statement execute function audit_event_is_append_only();
create trigger audit_event_is_append_only before update or delete or truncate on audit_event_other
    for each statement execute function audit_event_is_append_only();

-- A row's number is drawn after its transaction has a number of its own, so once all transactions of a moment have ended no row with a number of
-- before is still to come, and what there is can be sealed.
create function audit_event_has_a_transaction() returns trigger language plpgsql as $$
begin
    perform pg_current_xact_id();
    return null;
end $$;
create trigger audit_event_has_a_transaction before insert on audit_event
    for each statement execute function audit_event_has_a_transaction();

create function audit_event_digest(e audit_event) returns bytea language sql stable as $$
    select sha256(convert_to(jsonb_build_array(
        e.seq, (extract(epoch from e.recorded) * 1000000)::bigint, e.type, e.subtype, e.operation, e.action, e.outcome, e.outcome_text, e.account,
        e.agent, e.name, e.client, e.roles, e.institution, e.purpose, e.ground, e.ground_source, e.patient, to_jsonb(e.entities), e.query,
        e.request_id, e.address)::text, 'UTF8'))
$$;

create table audit_block (                                 -- rows that were sealed together, and with all before them
    nr     bigint      primary key,                        -- from 1, without gaps
    seqs   bigint[]    not null,                           -- the rows, in order
    marks  bigint[]    not null,                           -- the first eight bytes of each row's digest: tells which row it was
    months date[]      not null,                           -- the months (UTC) they were recorded in
    digest bytea       not null,                           -- SHA-256 of their digests, one after the other
    hash   bytea       not null,                           -- SHA-256 of the hash before, and of all the above; see yilian.audit.chain
    sealed timestamptz not null,
    check (cardinality(seqs) = cardinality(marks) and cardinality(seqs) > 0)
);

create table audit_retired (                               -- months that were taken out because they were old enough
    month   date        primary key,
    rows    bigint      not null,
    retired timestamptz not null,
    archive text        not null                           -- where they were written to before; '' for nowhere
);

create function audit_chain_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % is refused', tg_table_name, tg_op;
end $$;
create trigger audit_block_is_append_only before update or delete or truncate on audit_block
    for each statement execute function audit_chain_is_append_only();
create trigger audit_retired_is_append_only before update or delete or truncate on audit_retired
    for each statement execute function audit_chain_is_append_only();
