-- +goose Up
-- The host's stock of schemas; a slot is made ahead and never renamed.
create table slot (
    name    text        primary key check (name ~ '^[a-z0-9]{4,24}$'),
    state   text        not null check (state in ('stock', 'placed', 'retired')),
    made_at timestamptz not null
);
create index slot_stock on slot (made_at) where state = 'stock';

-- Which tenant stands in which slot here. A request or job with an older epoch is refused.
create table placement (
    tenant    uuid        primary key,
    name      text        not null unique check (name ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
    slot      text        not null unique references slot (name),
    epoch     bigint      not null check (epoch > 0),
    sandbox   boolean     not null,
    state     text        not null check (state in ('ready', 'leaving', 'gone')),
    placed_at timestamptz not null
);

-- When each tenant has work next; moved earlier by its own transactions.
create table wake (
    tenant uuid        primary key,
    due_at timestamptz not null
);
create index wake_due on wake (due_at);
