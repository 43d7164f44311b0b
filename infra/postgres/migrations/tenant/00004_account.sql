-- +goose Up
create table party (
    id           uuid        primary key,
    kind         text        not null check (kind in ('individual', 'organization')),
    name         text        not null check (name <> ''),
    email        text        not null default '',
    phone        text        not null default '',
    birth_date   date,
    id_document  text        not null default '',
    tax_id       text        not null default '',
    language     text        not null default 'en' check (language in ('en', 'id', 'ru')),
    address      jsonb       not null default '{}',
    created_at   timestamptz not null
);
create index party_name on party (lower(name) text_pattern_ops);
create index party_phone on party (phone) where phone <> '';
create index party_email on party (lower(email)) where email <> '';

-- A billing account: who owes. unbilled, receivable and credit are the ledger's running totals.
create table billing_account (
    id            uuid           primary key,
    number        text           not null unique,
    party_id      uuid           not null references party (id),
    parent_id     uuid           references billing_account (id),
    kind          text           not null check (kind in ('prepaid', 'postpaid')),
    currency      text           not null check (currency ~ '^[A-Z]{3}$'),
    -- agreed and shown; usage beyond it is not refused
    credit_limit  numeric(29, 9) check (credit_limit >= 0),
    state         text           not null check (state in ('active', 'closed')),
    anchor        date           not null,
    cycle_months  integer        not null default 1 check (cycle_months in (1, 3, 12)),
    cycle_start   date           not null,
    cycle_end     date           not null check (cycle_end > cycle_start),
    -- cycles before this date have begun: allowances are granted, prepaid fees taken or waited for
    begun_through date,
    unbilled      numeric(29, 9) not null default 0,
    receivable    numeric(29, 9) not null default 0,
    credit        numeric(29, 9) not null default 0 check (credit >= 0),
    undocumented_tax numeric(29, 9) not null default 0,
    legal_entity  uuid           not null references legal_entity (id),
    branch        uuid           not null references branch (id),
    created_at    timestamptz    not null
) with (fillfactor = 70);
create index billing_account_party on billing_account (party_id);
-- the bill run takes the due accounts of a day in id order
create index billing_account_due on billing_account (cycle_end, id) where state = 'active';

create table subscription (
    id              uuid           primary key,
    account_id      uuid           not null references billing_account (id),
    offering_id     uuid           not null references offering_version (id),
    state           text           not null check (state in ('pending', 'active', 'suspended', 'terminated')),
    activated_at    timestamptz,
    terminated_at   timestamptz,
    -- recurring fees are charged for local days before this date
    charged_through date,
    setup_charged   boolean        not null default false,
    -- fees taken in advance for a period that has not passed yet: the ledger's running total
    deferred        numeric(29, 9) not null default 0 check (deferred >= 0),
    created_at      timestamptz    not null,
    check (state = 'pending' or activated_at is not null)
);
create index subscription_account on subscription (account_id);

create table service (
    id              uuid        primary key,
    subscription_id uuid        not null references subscription (id),
    kind            text        not null check (kind in ('internet', 'iptv', 'voice', 'mobile', 'hosting')),
    state           text        not null check (state in ('pending', 'active', 'suspended', 'terminated')),
    facts           jsonb       not null default '{}',
    created_at      timestamptz not null
);
create index service_subscription on service (subscription_id);

-- By what usage finds its service: one identity belongs to one service at a time.
create table service_identity (
    kind       text        not null check (kind in ('msisdn', 'login', 'line', 'imsi', 'stb', 'host', 'account')),
    value      text        not null check (value <> ''),
    valid_from timestamptz not null,
    valid_to   timestamptz check (valid_to >= valid_from),
    service_id uuid        not null references service (id),
    primary key (kind, value, valid_from)
);
create unique index service_identity_current on service_identity (kind, value) where valid_to is null;
create index service_identity_service on service_identity (service_id);

-- Bumped whenever subscriptions, services or identities change: caches follow it.
create table account_epoch (
    id    smallint primary key check (id = 1),
    epoch bigint   not null
);

-- An order to connect a subscriber; its facts are gathered until the gate lets it through.
create table product_order (
    id              uuid        primary key,
    offering_id     uuid        not null references offering_version (id),
    state           text        not null check (state in ('acknowledged', 'completed', 'cancelled')),
    facts           jsonb       not null default '{}',
    account_id      uuid        references billing_account (id),
    subscription_id uuid        references subscription (id),
    created_by      text        not null,
    created_at      timestamptz not null,
    completed_at    timestamptz,
    check ((state = 'completed') = (subscription_id is not null))
);
create index product_order_created on product_order (created_at desc, id desc);
