-- +goose Up
-- A charge's own cycle, whose tiers and allowances it goes by, where it is billed in a later one: late usage
-- and corrections. A correction or refund names the charge it corrects, and why.
alter table charge add column own_cycle date check (own_cycle < cycle_start);
alter table charge add column corrects_period date;
alter table charge add column corrects_id uuid;
alter table charge add column reason text not null default '';
alter table charge add constraint charge_corrects_check check (
    (kind in ('correction', 'refund')) = (corrects_id is not null) and (corrects_id is null) = (corrects_period is null));
create index charge_corrects on charge (corrects_id) where corrects_id is not null;

-- How many days after a cycle has ended usage of it is still taken and charged; later it waits for a person.
alter table operator add column correction_days integer not null default 90 check (correction_days between 0 and 366);

alter table bill_line drop constraint bill_line_kind_check;
alter table bill_line add constraint bill_line_kind_check check (kind in ('one_time', 'recurring', 'usage', 'allowance', 'discount', 'correction'));

-- A tariff tried on real past usage. document is the offering as it was tried: a draft may change afterwards.
create table tariff_trial (
    id             uuid        primary key,
    offering_id    uuid        not null references offering_version (id) on delete cascade,
    document       jsonb       not null,
    period_from    date        not null,
    period_to      date        not null check (period_to > period_from),
    segment        jsonb       not null default '{}',
    state          text        not null check (state in ('asked', 'running', 'done', 'failed', 'cancelled')),
    accounts_total bigint      not null default 0 check (accounts_total >= 0),
    accounts_done  bigint      not null default 0 check (accounts_done between 0 and accounts_total),
    records        bigint      not null default 0 check (records >= 0),
    -- accounts up to this one are done; sums is what they came to, and at the end the result
    through        uuid,
    sums           jsonb       not null default '{}',
    error          text        not null default '',
    asked_by       text        not null,
    asked_at       timestamptz not null,
    began_at       timestamptz,
    ended_at       timestamptz,
    check ((state in ('done', 'failed', 'cancelled')) = (ended_at is not null)),
    check ((state = 'failed') = (error <> ''))
);
create index tariff_trial_asked on tariff_trial (asked_at desc, id desc);
create index tariff_trial_offering on tariff_trial (offering_id, asked_at desc);

-- A proposal to price charges again, to take usage back, or to undo an earlier one, and what became of it.
create table rerating (
    id             uuid        primary key,
    action         text        not null check (action in ('price_again', 'take_back', 'undo')),
    state          text        not null check (state in ('asked', 'running', 'ready', 'applying', 'applied', 'failed', 'cancelled')),
    choice         jsonb       not null default '{}',
    -- priced under this version; null: under the version that each charge went by
    offering_id    uuid        references offering_version (id),
    undoes         uuid        unique references rerating (id),
    reason         text        not null default '',
    accounts_total bigint      not null default 0 check (accounts_total >= 0),
    accounts_done  bigint      not null default 0 check (accounts_done between 0 and accounts_total),
    charges        bigint      not null default 0 check (charges >= 0),
    through        uuid,
    error          text        not null default '',
    asked_by       text        not null,
    asked_at       timestamptz not null,
    ready_at       timestamptz,
    applied_by     text        not null default '',
    applied_at     timestamptz,
    ended_at       timestamptz,
    check ((action = 'undo') = (undoes is not null)),
    check (state not in ('applying', 'applied') or (applied_at is not null and reason <> '')),
    check ((state in ('applied', 'failed', 'cancelled')) = (ended_at is not null)),
    check ((state = 'failed') = (error <> ''))
);
create index rerating_asked on rerating (asked_at desc, id desc);

-- One account's part of a proposal. facts is the hash of what it was reckoned from: it is applied only while that stands.
create table rerating_account (
    rerating_id uuid           not null references rerating (id),
    account_id  uuid           not null references billing_account (id),
    state       text           not null check (state in ('proposed', 'applied', 'refused')),
    facts       bytea          not null,
    problem     text           not null default '',
    counters    jsonb          not null default '[]',
    charges     bigint         not null check (charges >= 0),
    currency    text           not null check (currency ~ '^[A-Z]{3}$'),
    net         numeric(29, 9) not null,
    tax         numeric(29, 9) not null,
    primary key (rerating_id, account_id),
    check ((state = 'refused') = (problem <> ''))
);
create index rerating_account_change on rerating_account (rerating_id, abs(net) desc, account_id);

-- One charge that would change, or that cannot be priced again (problem). chosen: not only because another one changes.
create table rerating_change (
    rerating_id   uuid           not null,
    account_id    uuid           not null,
    charge_id     uuid           not null,
    charge_period date           not null,
    chosen        boolean        not null,
    at            timestamptz    not null,
    line_code     text           not null,
    currency      text           not null check (currency ~ '^[A-Z]{3}$'),
    old_price     numeric(29, 9) not null,
    old_net       numeric(29, 9) not null,
    old_tax       numeric(29, 9) not null,
    new_price     numeric(29, 9) not null,
    new_net       numeric(29, 9) not null,
    new_tax       numeric(29, 9) not null,
    -- what the charge is to be: quantity, what buckets cover, counters, steps
    target        jsonb          not null,
    problem       text           not null default '',
    correction_id uuid,
    primary key (rerating_id, account_id, charge_id),
    foreign key (rerating_id, account_id) references rerating_account (rerating_id, account_id)
);
create index rerating_change_charge on rerating_change (charge_id);

-- Usage that was taken back, wholly or in part, by a re-rating, until another one ends that.
create table usage_void (
    usage_id    uuid        not null,
    rerating_id uuid        not null references rerating (id),
    period      date        not null,
    account_id  uuid        not null references billing_account (id),
    quantity    bigint      not null check (quantity > 0),
    at          timestamptz not null,
    ended_by    uuid        references rerating (id),
    primary key (usage_id, rerating_id)
);
create index usage_void_account on usage_void (account_id);
