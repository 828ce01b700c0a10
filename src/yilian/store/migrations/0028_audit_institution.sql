-- The trail of one institution, for its privacy officer: AuditEvent?date= without going through those of all others.

create index audit_event_institution on audit_event (institution, recorded desc, seq desc) where institution <> '';
