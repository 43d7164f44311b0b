-- +goose Up
create table payment_intent (
    id              uuid           primary key,
    account_id      uuid           not null references billing_account (id),
    purpose         text           not null check (purpose in ('bill', 'topup')),
    open_item_id    uuid           references open_item (id),
    amount          numeric(29, 9) not null check (amount > 0),
    currency        text           not null,
    state           text           not null check (state in ('created', 'processing', 'succeeded', 'failed', 'canceled')),
    provider        text           not null,
    provider_ref    text           not null default '',
    checkout_url    text           not null default '',
    idempotency_key text           not null unique,
    failure         text           not null default '',
    created_at      timestamptz    not null,
    updated_at      timestamptz    not null
);
create index payment_intent_account on payment_intent (account_id, created_at desc);
create index payment_intent_ref on payment_intent (provider, provider_ref) where provider_ref <> '';

create table payment (
    id           uuid           primary key,
    account_id   uuid           not null references billing_account (id),
    intent_id    uuid           unique references payment_intent (id),
    purpose      text           not null check (purpose in ('bill', 'topup')),
    method       text           not null check (method in ('card', 'bank', 'cash')),
    amount       numeric(29, 9) not null check (amount > 0),
    unapplied    numeric(29, 9) not null default 0 check (unapplied >= 0),
    refunded     numeric(29, 9) not null default 0 check (refunded >= 0),
    currency     text           not null,
    reference    text           not null default '',
    received_at  timestamptz    not null,
    created_by   text           not null,
    bucket_id    uuid           references bucket (id),
    legal_entity uuid           not null references legal_entity (id),
    branch       uuid           not null references branch (id),
    check (unapplied + refunded <= amount)
);
create index payment_account on payment (account_id, received_at desc);
create index payment_unapplied on payment (account_id, received_at, id) where unapplied > 0;

create table payment_allocation (
    id           uuid           primary key,
    payment_id   uuid           not null references payment (id),
    open_item_id uuid           not null references open_item (id),
    amount       numeric(29, 9) not null check (amount > 0),
    reversed     numeric(29, 9) not null default 0 check (reversed >= 0 and reversed <= amount),
    at           timestamptz    not null
);
create index payment_allocation_payment on payment_allocation (payment_id);
create index payment_allocation_item on payment_allocation (open_item_id);

create table refund (
    id              uuid           primary key,
    payment_id      uuid           not null references payment (id),
    amount          numeric(29, 9) not null check (amount > 0),
    reason          text           not null,
    state           text           not null check (state in ('requested', 'succeeded', 'failed')),
    idempotency_key text           not null unique,
    provider_ref    text           not null default '',
    created_by      text           not null,
    created_at      timestamptz    not null
);
create index refund_payment on refund (payment_id);

-- Verified webhooks, stored before they are answered, worked off by a job, once.
create table webhook_in (
    provider     text        not null,
    event_id     text        not null,
    type         text        not null,
    created      timestamptz not null,
    intent_id    uuid,
    payload      jsonb       not null,
    state        text        not null check (state in ('received', 'done', 'ignored', 'parked')),
    reason       text        not null default '',
    received_at  timestamptz not null,
    worked_at    timestamptz,
    primary key (provider, event_id)
);
create index webhook_in_waiting on webhook_in (received_at) where state in ('received', 'parked');
