-- 0031 The trail before the answer; contents that were sent to us, and whether they were looked at for malware.

create index access_ground_emergency on access_ground (until) include (patient) where kind = 'emergency';  -- every read: whose record stands open in an emergency

create table upload (                                    -- contents that were sent to us (Binary.data, Attachment.data), each once, by what they are
    sha256    bytea       primary key check (length(sha256) = 32),
    type      text        collate "C" not null,          -- as it was declared, and found to be
    bytes     bigint      not null,
    state     text        collate "C" not null check (state in ('waiting', 'clean', 'infected', 'not-scanned')),
    since     timestamptz not null,                      -- when it came to be in this state
    engine    text,                                      -- what scanned it, with its signatures: "ClamAV 1.4.3/27500/…"
    signature text,                                      -- what was found in it
    check ((state = 'infected') = (signature is not null))
);
create index upload_waiting on upload (since) where state = 'waiting';   -- what nobody scanned yet, for the job that asks again

create table upload_held (                               -- the contents themselves until they are scanned; in no resource, so nothing can give them out
    sha256  bytea primary key references upload on delete cascade,
    content bytea not null
);
alter table upload_held alter column content set storage external;       -- PDF and pictures are packed already

create table upload_use (                                -- where a content was sent in, and by whom
    sha256      bytea       not null references upload on delete cascade,
    type        text        collate "C" not null,
    id          text        collate "C" not null,
    account     text        collate "C" not null,
    agent       text        collate "C" not null,        -- "Practitioner/…"
    institution bigint,                                  -- rid of the institution spoken for; null: a system of the region
    sent        timestamptz not null,
    primary key (sha256, type, id)
);
