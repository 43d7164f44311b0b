-- +goose Up
-- What follows when bills stay unpaid: the whole of it, a row for each version. The newest holds.
create table dunning_policy (
    version    integer     primary key check (version > 0),
    document   jsonb       not null,
    changed_by text        not null check (changed_by <> ''),
    changed_at timestamptz not null
);

-- An account that is followed for what is overdue, from the first day to the last.
create table dunning_case (
    id           uuid           primary key,
    account_id   uuid           not null references billing_account (id) on delete cascade,
    state        text           not null check (state in ('open', 'closed')),
    ladder       text           not null,
    currency     text           not null check (currency ~ '^[A-Z]{3}$'),
    overdue      numeric(29, 9) not null check (overdue >= 0),
    oldest_due   date           not null,
    level        text           not null default 'allowed' check (level in ('allowed', 'slowed', 'walled', 'cut')),
    -- the last step taken, and what comes next if nothing is paid
    step         text           not null default '',
    step_on      date,
    next_step    text           not null default '',
    next_on      date,
    -- what keeps the next step back
    held         text           not null default '' check (held in ('', 'hold', 'promise', 'debit', 'small')),
    -- services stand suspended by this case since then; a new id each time
    cut_id       uuid,
    cut_on       date,
    handed_over  date,
    opened_at    timestamptz    not null,
    reviewed_at  timestamptz    not null,
    closed_at    timestamptz,
    closed_why   text           not null default '',
    check ((state = 'open') = (closed_at is null)),
    check ((cut_id is null) = (cut_on is null)),
    check (state = 'open' or (level = 'allowed' or cut_id is null))
);
create unique index dunning_case_open on dunning_case (account_id) where state = 'open';
create index dunning_case_account on dunning_case (account_id, opened_at desc);
-- the day's review takes those of which something is due
create index dunning_case_next on dunning_case (next_on, account_id) where state = 'open';

-- A step taken for something that is owed: once, however often that is reopened.
create table dunning_step (
    id         uuid        primary key,
    case_id    uuid        not null references dunning_case (id) on delete cascade,
    account_id uuid        not null references billing_account (id) on delete cascade,
    item_id    uuid        not null references open_item (id) on delete cascade,
    step       text        not null check (step <> ''),
    action     text        not null check (action in ('remind', 'fee', 'slow', 'wall', 'suspend', 'terminate', 'agency')),
    planned_on date        not null,
    done_on    date        not null,
    done_at    timestamptz not null,
    version    integer     not null references dunning_policy (version),
    detail     jsonb       not null default '{}',
    unique (item_id, step)
);
create index dunning_step_account on dunning_step (account_id, done_at desc);
create index dunning_step_done on dunning_step (done_on, action);

-- What was agreed or laid down about what an account owes: a promise to pay, a plan of instalments, a hold of the
-- whole account, a bill in dispute.
create table dunning_arrangement (
    id           uuid           primary key,
    account_id   uuid           not null references billing_account (id) on delete cascade,
    kind         text           not null check (kind in ('promise', 'plan', 'hold', 'dispute')),
    state        text           not null check (state in ('active', 'kept', 'broken', 'ended')),
    amount       numeric(29, 9) check (amount > 0),
    until_on     date,
    -- what it is about, and what was open of that when it was made
    items        uuid[]         not null default '{}',
    base         numeric(29, 9) not null default 0 check (base >= 0),
    instalments  jsonb          not null default '[]',
    reason       text           not null default '',
    created_by   text           not null check (created_by <> ''),
    created_at   timestamptz    not null,
    ended_at     timestamptz,
    ended_by     text           not null default '',
    check ((state = 'active') = (ended_at is null)),
    check ((ended_at is null) = (ended_by = '')),
    check (kind <> 'promise' or (amount is not null and until_on is not null)),
    check (kind not in ('hold', 'dispute') or reason <> ''),
    check (kind <> 'dispute' or cardinality(items) = 1)
);
create unique index dunning_arrangement_one on dunning_arrangement (account_id, kind) where state = 'active' and kind <> 'dispute';
create unique index dunning_arrangement_dispute on dunning_arrangement (account_id, items) where state = 'active' and kind = 'dispute';
create index dunning_arrangement_account on dunning_arrangement (account_id, created_at desc);

-- By what customers are told apart.
alter table billing_account add column tags text[] not null default '{}';
alter table billing_account add column risk text not null default 'normal' check (risk in ('low', 'normal', 'high'));

-- An operator's own words for a kind of message; without a row ours are used.
create table notice_template (
    kind       text        not null check (kind <> ''),
    channel    text        not null check (channel in ('mail', 'sms', 'portal', 'letter')),
    language   text        not null check (language in ('en', 'id', 'ru')),
    version    integer     not null check (version > 0),
    subject    text        not null default '',
    body       text        not null default '', -- empty: back to ours
    changed_by text        not null check (changed_by <> ''),
    changed_at timestamptz not null,
    primary key (kind, channel, language, version)
);

-- An address or number that messages do not reach.
create table bad_contact (
    channel    text        not null check (channel in ('mail', 'sms')),
    address    text        not null check (address <> ''),
    reason     text        not null,
    notice_id  uuid        references notice (id) on delete set null,
    since      timestamptz not null,
    cleared_at timestamptz,
    cleared_by text        not null default '',
    primary key (channel, address),
    check ((cleared_at is null) = (cleared_by = ''))
);

alter table notice drop constraint notice_channel_check;
alter table notice add constraint notice_channel_check check (channel in ('mail', 'sms', 'portal', 'letter'));
alter table notice drop constraint notice_state_check;
alter table notice add constraint notice_state_check check (state in ('recorded', 'waiting', 'sent', 'failed', 'delivered', 'bounced'));
-- what is attached: made when it is sent
alter table notice add column attachments jsonb not null default '[]';
-- the gateway's own name of an SMS, and how many parts it was
alter table notice add column reference text not null default '';
alter table notice add column segments integer not null default 0 check (segments >= 0);
alter table notice add column attempts integer not null default 0 check (attempts >= 0);
alter table notice add column told_at timestamptz; -- of its delivery or return
create index notice_reference on notice (reference) where reference <> '';
create index notice_letters on notice (created_at, id) where channel = 'letter' and state = 'waiting';

-- SMS gateway, quiet hours and looks of messages: the operator's choice. Secrets are sealed apart.
alter table operator add column messages jsonb not null default '{}';
alter table party add column no_marketing boolean not null default false;
