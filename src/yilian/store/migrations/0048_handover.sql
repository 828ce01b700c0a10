-- 交接与转诊后管理: documents as they were sent, visits after a down-referral, ratings, patients who got lost, referrals that look wrong, messages of
-- other platforms. Rows of rooms; the resources beside them are written in the same transaction.

create table handover_document (                          -- a document of a referral, frozen: what the receiver reads is what was sent
    rid      bigint      primary key references resource,                     -- its DocumentReference
    task_rid bigint      not null references resource,   -- the Task of the referral
    kind     text        collate "C" not null check (kind in ('transfer', 'out', 'in', 'return')),
    sha256   bytea       not null check (length(sha256) = 32),                -- of content, as UTF-8
    content  text        not null,                       -- the document Bundle as JSON; without numbers of persons
    made_at  timestamptz not null
);
create index handover_document_task on handover_document (task_rid);          -- Task/{id}/$handover: the documents of a referral

create function handover_document_stays() returns trigger language plpgsql as $$
-- Nobody changes what was sent; it goes only with its DocumentReference, when that is expunged.
begin
    raise exception 'a document of a referral is not changed';
end $$;
create trigger handover_document_stays before update on handover_document for each row execute function handover_document_stays();

create function handover_document_is_expunged() returns trigger language plpgsql as $$
begin
    delete from handover_document where rid = new.rid;
    return null;
end $$;
create trigger handover_document_is_expunged after insert on expunged for each row when (new.whole) execute function handover_document_is_expunged();

create table follow_up (                                  -- one row each visit after a down-referral; kept by yilian.aftercare
    task_rid    bigint      primary key references resource,                  -- the Task of the visit
    referral    bigint      not null references resource,                     -- the Task of the down-referral
    patient     bigint      not null references resource,
    institution bigint      not null references resource,                     -- whose doctors visit
    sender      bigint      not null references resource,                     -- the hospital that sent the patient down, which is told
    nth         smallint    not null check (nth > 0),
    due_on      date        not null,                    -- in the region's zone
    state       text        collate "C" not null check (state in ('due', 'done', 'stopped')),
    done_on     date,
    alarm       boolean     not null default false,      -- a value that asks for referral was found
    check ((state = 'done') = (done_on is not null)),
    unique (referral, nth)
);
create index follow_up_due on follow_up (institution, due_on, task_rid) where state = 'due';         -- $follow-ups?list=due, overdue
create index follow_up_done on follow_up (institution, done_on desc, task_rid desc) where state = 'done';  -- ?list=done
create index follow_up_sent on follow_up (sender, due_on, task_rid);                                 -- ?list=sent

create table referral_lost (                              -- who was referred and was seen nowhere: told once to the referrer
    task_rid bigint      primary key references resource,
    told_at  timestamptz not null
);

create table referral_rating (                            -- 患者评价: once for each referral
    task_rid    bigint      primary key references resource,
    institution bigint      not null references resource,                     -- who is rated: the receiver
    response    bigint      not null references resource,                     -- the QuestionnaireResponse
    level       smallint    not null check (level between 1 and 5),           -- 诊疗水平
    attitude    smallint    not null check (attitude between 1 and 5),        -- 服务态度
    cost        smallint    not null check (cost between 1 and 5),            -- 费用合理
    guardian    boolean     not null default false,      -- given by a guardian
    rated_at    timestamptz not null
);
create index referral_rating_institution on referral_rating (institution, rated_at);                 -- $ratings

create table referral_suspicion (                         -- 异常转诊: a rule that found something, and what the office decided
    rid        bigint      primary key references resource,                   -- the DetectedIssue
    task_rid   bigint      not null references resource,
    rule       text        collate "C" not null check (rule in ('repeated', 'no-contact', 'closed-loop', 'month-end')),
    office     bigint      not null references resource, -- the institution whose office decides
    from_org   bigint      not null references resource,
    to_org     bigint      not null references resource,
    found_at   timestamptz not null,
    why        text        not null,                     -- what was found, without names of persons
    state      text        collate "C" not null default 'open' check (state in ('open', 'justified', 'not-justified')),
    decided_at timestamptz,
    decided_by text        collate "C",
    note       text,
    check ((state = 'open') = (decided_at is null)),
    unique (task_rid, rule)
);
create index referral_suspicion_office on referral_suspicion (office, state, found_at desc, rid desc);  -- $suspicions

create table bridge_message (                             -- messages of other platforms, each taken once
    source     text        collate "C" not null,         -- MessageHeader.source.endpoint
    id         text        collate "C" not null,         -- Bundle.identifier or MessageHeader.id
    client     text        collate "C" not null,         -- who delivered it
    sha256     bytea       not null,                     -- of what was said: the same id with other words is refused
    step       text        collate "C" not null check (step in ('apply', 'answer', 'arrival', 'record')),
    task_rid   bigint      not null references resource,
    taken_at   timestamptz not null,
    primary key (client, source, id)
);
create index bridge_message_task on bridge_message (task_rid);                -- which messages moved a referral
