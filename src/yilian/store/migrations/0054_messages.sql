-- 0054 Messages: addresses that were proven, the daily digest, secrets that do not stand in the clear. Kept by yilian.notifications.

alter table message_address add column verified timestamptz;   -- since then known to be the account's; null: nothing is sent there but the code

create table message_code (                               -- codes by which an account shows that an address is its own
    id       uuid        primary key,
    account  text        collate "C" not null references account on delete cascade,
    address  uuid        not null,                        -- of message_address when it was sent; a later address is not proven by it
    receiver bytea       not null,                        -- a keyed hash of the address, so that nobody is flooded from several accounts
    hash     bytea       not null,                        -- a keyed hash of the code
    tries    smallint    not null default 0,
    sent     timestamptz not null,
    until    timestamptz not null
);
create index message_code_account on message_code (account, sent desc);                                                  -- the newest, and how many of late
create index message_code_receiver on message_code (receiver, sent);                                                     -- how many one address was sent of late
create index message_code_sent on message_code (sent);                                                                   -- clearing away

create table message_secret (                             -- values of a message that open something for who has them: codes, links
    message bigint primary key references message on delete cascade,
    says    bytea  not null                               -- sealed
);

create table message_digest (                             -- when an account is told what is not urgent, collected; where not as the region has it
    account text        collate "C" primary key references account on delete cascade,
    at      time                                          -- in the region's zone; null: each by itself
);

alter table message_delivery add column why text not null default '';   -- the error in Chinese
alter table message_delivery add column again smallint not null default 0;   -- how often somebody had it sent anew after it was taken; part of its key
alter table message_delivery drop constraint message_delivery_state_check;
alter table message_delivery add constraint message_delivery_state_check
    check (state in ('waiting', 'sent', 'failed', 'bounced', 'withheld', 'gathered', 'digested'));
create index message_delivery_gathered on message_delivery (account, channel) where state = 'gathered';                  -- what a digest tells

alter table cds_card add column patient bigint references resource on delete cascade;   -- whom the card was about, where known here: what its link opens
create index cds_card_patient on cds_card (patient) where patient is not null;          -- with a patient who is expunged
