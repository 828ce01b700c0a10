-- 0005 What has been loaded from files, so that an interrupted load goes on where it stopped.

create table load_progress (
    source  text        not null,                        -- SHA-256 of the file's bytes, the member inside it, and the institution it was loaded for
    line    bigint      not null,                        -- first line of the batch, from 1
    lines   bigint      not null,                        -- how many lines it has
    stored  bigint      not null,                        -- resources written
    refused jsonb       not null default '[]',           -- [{line, reasons: [...]}]
    at      timestamptz not null default now(),
    primary key (source, line)                           -- "is this batch done?"
);
