-- 0003 Audit: who did what to whose data, when, and on what ground. Rows are added and never changed.

create table audit_event (
    seq           bigint      generated always as identity primary key,    -- AuditEvent.id; order of recording, for the chain to come
    recorded      timestamptz not null,
    type          text        collate "C" not null,        -- 'rest', or a DICOM event: 110114 user authentication, 110113 security alert
    subtype       text        collate "C" not null,        -- read, vread, history-instance, history-type, search-type, create, update, delete, operation, 110122 …
    operation     text        collate "C" not null,        -- 'everything', 'slip' where the subtype is operation; else ''
    action        text        collate "C" not null check (action in ('C', 'R', 'U', 'D', 'E')),
    outcome       text        collate "C" not null check (outcome in ('0', '4', '8', '12')),
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
    address       text        collate "C" not null         -- network address the request came from
);
create index audit_event_patient on audit_event (patient, recorded desc, seq desc) where patient is not null;  -- who read me: AuditEvent?patient=
create index audit_event_agent on audit_event (agent, recorded desc, seq desc);                                -- what did this person do: AuditEvent?agent=
create index audit_event_recorded on audit_event (recorded desc, seq desc);                                    -- AuditEvent?date=

create function audit_event_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_event is append-only: % is refused', tg_op;
end $$;

create trigger audit_event_is_append_only before update or delete or truncate on audit_event
    for each statement execute function audit_event_is_append_only();
