-- 0022 Health card and desk: keys that sign the codes, whose card is whose, codes that were used, numbers of visits; a ground for who shows a card.

create table card_key (                                  -- what the codes of the health card are signed with; no other token is
    kid       text        collate "C" primary key,       -- first 8 characters of the RFC 7638 thumbprint: it stands in every code
    algorithm text        collate "C" not null check (algorithm in ('ES256', 'Ed25519')),
    private   text        not null,                      -- JWK
    created   timestamptz not null,
    retired   timestamptz                                -- signs no more; its codes are good until they end
);
create unique index card_key_current on card_key ((true)) where retired is null;       -- one key signs; two servers that start at once make one

create table health_card (                               -- 虚拟健康卡
    number    text        collate "C" primary key,       -- 16 digits at random; stands in every code in place of the person
    patient   bigint      not null references resource on delete cascade,
    issued    timestamptz not null,
    withdrawn timestamptz                                -- 停用: since when no code of it opens anything
);
create unique index health_card_current on health_card (patient) where withdrawn is null;  -- Patient/$card: one card at a time
create index health_card_patient on health_card (patient);                             -- with its patient

create table card_scan (                                 -- a code opens something once
    nonce       text        collate "C" primary key,     -- what refuses the second time, whoever comes at the same moment
    card        text        collate "C" not null references health_card on delete cascade,
    institution bigint      not null references resource on delete cascade,
    scanned     timestamptz not null,
    expires     timestamptz not null                     -- of the code; some time later it need not be remembered
);
create index card_scan_card on card_scan (card);                                       -- with its card
create index card_scan_expires on card_scan (expires);                                 -- clearing away

create table visit_number (                              -- the last 门诊号 or 住院号 an institution gave out in a year
    institution bigint      not null references resource on delete cascade,
    kind        text        collate "C" not null check (kind in ('outpatient', 'inpatient')),
    year        smallint    not null,                    -- in the region's zone
    last        integer     not null,
    primary key (institution, kind, year)
);

alter table access_ground drop constraint access_ground_kind_check;
alter table access_ground add constraint access_ground_kind_check                      -- visit: the patient showed the health card at the desk
    check (kind in ('registered', 'encounter', 'visit', 'contract', 'referral', 'consultation', 'consent', 'public-health', 'emergency'));
