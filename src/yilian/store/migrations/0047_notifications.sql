-- 消息: what somebody is told, who reads it, what has been read and seen to, and what goes outside by mail, SMS and the like.
-- Telling is part of the transaction it tells of; sending is a job. Kept by yilian.notifications.

create table message (                                    -- one thing told
    id        bigint      generated always as identity primary key,
    event     text        collate "C" not null,           -- a template of notifications/templates.toml
    key       text        collate "C" not null default '',-- told once only; '' for no such limit
    about     text        collate "C" not null,           -- 'Task/…': what opens when it is pressed
    patient   bigint      references resource on delete cascade,   -- whom it is about; who has no ground for them is told no names
    says      jsonb       not null,                       -- the values of the template
    urgent    boolean     not null,
    created   timestamptz not null,
    due       timestamptz not null                        -- not before
);
create unique index message_key on message (key) where key <> '';                     -- telling once
create index message_created on message (created);                                    -- clearing away
create index message_patient on message (patient) where patient is not null;          -- with a patient who is expunged

create table message_reader (                             -- one reader of it: an entry of an inbox, or an address outside
    id          bigint      generated always as identity primary key,
    message     bigint      not null references message on delete cascade,
    event       text        collate "C" not null,         -- these three as the message has them
    about       text        collate "C" not null,
    due         timestamptz not null,
    agent       text        collate "C",                  -- 'Practitioner/…': this person, at any post
    institution bigint      references resource on delete cascade,   -- with role: whoever holds that post there
    role        text        collate "C",
    patient     bigint      references resource on delete cascade,   -- the patient, by any record that is linked
    channel     text        collate "C" check (channel in ('email', 'sms', 'wechat')),   -- with address: somebody who is not on the platform
    address     bytea,                                    -- sealed
    times       integer     not null default 1,           -- how often it was told while nobody looked
    handled     timestamptz,                              -- seen to: by whom, so that the others of the post need not
    handled_by  text        collate "C",
    check (num_nonnulls(agent, institution, patient, address) = 1),
    check ((institution is null) = (role is null) and (channel is null) = (address is null)),
    check ((handled is null) = (handled_by is null))
);
create index message_reader_agent on message_reader (agent, due desc, id desc) where agent is not null;                  -- the inbox of a person
create index message_reader_post on message_reader (institution, role, due desc, id desc) where institution is not null; -- of a post
create index message_reader_patient on message_reader (patient, due desc, id desc) where patient is not null;            -- of a resident
create index message_reader_open on message_reader (about, event) where handled is null;                                 -- told again while nobody looked
create index message_reader_message on message_reader (message);                                                         -- with its message

create table message_read (                               -- who has read an entry
    reader bigint      not null references message_reader on delete cascade,
    agent  text        collate "C" not null,
    at     timestamptz not null,
    primary key (reader, agent)                           -- whether I have
);

create table message_delivery (                           -- one message on its way outside
    id       uuid        primary key,                     -- the key receivers know a repetition by
    reader   bigint      not null references message_reader on delete cascade,
    message  bigint      not null references message on delete cascade,
    account  text        collate "C" not null default '', -- whose address it is; '' for one the message itself came with, or of a record
    channel  text        collate "C" not null check (channel in ('email', 'sms', 'wechat')),
    shown    text        not null,                        -- the address as it may be shown: 138****0000
    state    text        collate "C" not null check (state in ('waiting', 'sent', 'failed', 'bounced', 'withheld')),
    job      bigint,                                      -- that delivers it
    attempts smallint    not null default 0,
    created  timestamptz not null,
    changed  timestamptz not null,
    answer   text        not null default '',             -- what the gateway called it
    error    text        not null default '',
    unique (message, reader, account, channel)            -- once for each, however often the job is done
);
create index message_delivery_newest on message_delivery (created desc, id);                                             -- 发送记录
create index message_delivery_state on message_delivery (state, created desc, id);                                       -- those that failed
create index message_delivery_answer on message_delivery (answer) where answer <> '';                                    -- what came back
create index message_delivery_reader on message_delivery (reader);                                                       -- with its reader
create index message_delivery_account on message_delivery (account, created) where account <> '';                        -- how many somebody has had of late

create table message_address (                            -- where an account wants to be reached
    id      uuid        primary key,
    account text        collate "C" not null references account on delete cascade,
    channel text        collate "C" not null check (channel in ('email', 'sms', 'wechat')),
    address bytea       not null,                         -- sealed
    changed timestamptz not null,
    unique (account, channel)                             -- the one of a channel
);

create table message_preference (                         -- what an account wants told by which way, where that is not as the template has it
    account text        collate "C" not null references account on delete cascade,
    kind    text        collate "C" not null,             -- of templates: referral, booking …
    channel text        collate "C" not null check (channel in ('email', 'sms', 'wechat')),
    wanted  boolean     not null,
    primary key (account, kind, channel)                  -- those of an account
);

create table message_quiet (                              -- hours in which an account is told nothing outside, where not as the region has it
    account text        collate "C" primary key references account on delete cascade,
    begins  time,                                         -- in the region's zone; null with ends: never quiet
    ends    time,
    check ((begins is null) = (ends is null))
);

-- 沟通: what is said on a referral is a Communication each; here in columns, for what is unread. Kept by yilian.referral.conversation.

create table conversation_line (
    rid         bigint      primary key references resource on delete cascade,    -- the Communication
    task        bigint      not null references referral (task_rid) on delete cascade,
    institution bigint      references resource,          -- who said it, as a side; null: the patient
    agent       text        collate "C" not null,         -- who said it, as a person
    kind        text        collate "C" not null check (kind in ('question', 'answer', 'remark', 'file')),
    answers     bigint      references conversation_line on delete set null,   -- the question
    at          timestamptz not null
);
create index conversation_line_task on conversation_line (task, at, rid);                                                -- the conversation, and what is unread in it
create index conversation_line_answers on conversation_line (answers) where answers is not null;                         -- which questions are answered

create table conversation_read (                          -- up to when somebody has read a conversation
    task  bigint      not null references referral (task_rid) on delete cascade,
    agent text        collate "C" not null,
    at    timestamptz not null,
    primary key (task, agent)                             -- what is unread for me
);
