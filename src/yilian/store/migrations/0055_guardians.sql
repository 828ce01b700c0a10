-- 0055 监护人消息: who waits for somebody is told of it, as who booked is.

alter table waiting add column agent text collate "C" not null default '';   -- who asked to wait: "Patient/…", "Practitioner/…"; books what is offered
