-- +goose Up
-- A transfer from the credit account to the debit account. Append only: the stack's role
-- has INSERT and SELECT. debit_id and credit_id name a customer's own account (a bucket,
-- a billing account, a subscription), null for general-ledger accounts.
create table ledger_transfer (
    period       date           not null,
    id           uuid           not null,
    at           timestamptz    not null,
    debit        text           not null check (debit in (
        'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash',
        'deposit', 'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'unit_bucket', 'unit_issued', 'unit_consumed')),
    debit_id     uuid,
    credit       text           not null check (credit in (
        'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash',
        'deposit', 'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'unit_bucket', 'unit_issued', 'unit_consumed')),
    credit_id    uuid,
    amount       numeric(29, 9) not null check (amount > 0),
    unit         text           not null check (unit ~ '^([A-Z]{3}|second|byte|event|point)$'),
    event        text           not null check (event in (
        'usage', 'fee', 'topup', 'adjustment', 'grant', 'expiry', 'bill', 'statement', 'recognition', 'payment', 'allocation', 'refund')),
    event_id     uuid           not null,
    account_id   uuid,
    legal_entity uuid           not null,
    branch       uuid           not null,
    primary key (period, id),
    check (debit <> credit or debit_id is distinct from credit_id),
    check ((debit  in ('prepaid', 'receivable', 'unbilled', 'customer_credit', 'deferred', 'unit_bucket')) = (debit_id  is not null)),
    check ((credit in ('prepaid', 'receivable', 'unbilled', 'customer_credit', 'deferred', 'unit_bucket')) = (credit_id is not null))
);
create index ledger_transfer_account on ledger_transfer (account_id, at) where account_id is not null;
-- a repeated top-up or adjustment is found by its id
create index ledger_transfer_command on ledger_transfer (event_id) where event in ('topup', 'adjustment');

-- What one usage or fee cost, and why. Insert only. cycle_start says in which cycle it is billed.
create table charge (
    period       date           not null,
    id           uuid           not null,
    kind         text           not null check (kind in ('usage', 'recurring', 'one_time')),
    usage_id     uuid,
    account_id   uuid           not null,
    subscription_id uuid        not null,
    service_id   uuid,
    offering_id  uuid           not null,
    cycle_start  date           not null,
    at           timestamptz    not null,
    rated_at     timestamptz    not null,
    line_code    text           not null,
    quantity     numeric(29, 9) not null,
    unit         text           not null,
    allowance    numeric(29, 9) not null default 0,
    -- as the offering writes it (with or without tax), before tax
    price        numeric(29, 9) not null,
    net          numeric(29, 9) not null,
    tax          numeric(29, 9) not null default 0,
    currency     text           not null,
    tax_category text           not null,
    paid_from_balance numeric(29, 9) not null default 0,
    why          jsonb          not null default '[]',
    primary key (period, id)
);
create index charge_cycle on charge (account_id, cycle_start);

-- A balance: money, seconds, bytes or events. value is the ledger's running total.
-- A prepaid account's main money bucket may go below zero by usage that has already happened.
create table bucket (
    id              uuid           primary key,
    account_id      uuid           not null references billing_account (id),
    subscription_id uuid           references subscription (id),
    code            text           not null,
    unit            text           not null check (unit ~ '^([A-Z]{3}|second|byte|event|point)$'),
    origin          text           not null check (origin in ('main', 'bought', 'allowance', 'promotion')),
    initial         numeric(29, 9) not null,
    value           numeric(29, 9) not null,
    priority        integer        not null check (priority > 0),
    valid_from      timestamptz    not null,
    expires_at      timestamptz    check (expires_at > valid_from),
    filter          jsonb          not null default '{}',
    version         bigint         not null default 1,
    created_at      timestamptz    not null,
    check (origin = 'main' or value >= 0)
) with (fillfactor = 70);
create index bucket_account on bucket (account_id);
create index bucket_expiry on bucket (expires_at) where expires_at is not null;
create unique index bucket_one_main on bucket (account_id, unit) where origin = 'main';

-- Tier counters of the period, per subscription and rule set.
create table usage_counter (
    subscription_id uuid           not null references subscription (id),
    code            text           not null,
    cycle_start     date           not null,
    quantity        numeric(29, 9) not null,
    primary key (subscription_id, code, cycle_start)
);
