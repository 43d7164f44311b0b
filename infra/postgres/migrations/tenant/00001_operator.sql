-- +goose Up
-- Who this stack bills for: one row.
create table operator (
    id                 smallint    primary key check (id = 1),
    name               text        not null check (name <> ''),
    country            text        not null check (country ~ '^[A-Z]{2}$'),
    zone               text        not null check (zone <> ''),
    currency           text        not null check (currency ~ '^[A-Z]{3}$'),
    language           text        not null check (language in ('en', 'id', 'ru')),
    prices_include_tax boolean     not null,
    anchor_policy      text        not null default 'clamp' check (anchor_policy in ('clamp', 'sticky_28')),
    payment_term_days  integer     not null default 14 check (payment_term_days between 0 and 365),
    brand_colour       text        not null default '#3b4cca' check (brand_colour ~ '^#[0-9a-f]{6}$'),
    support_contact    text        not null default '',
    created_at         timestamptz not null
);

-- A sandbox's business time. A live stack has no row and follows wall time.
create table clock (
    id smallint    primary key check (id = 1),
    at timestamptz not null
);

-- Secrets sealed by the master key (infra/secrets); never in clear.
create table secret (
    name       text        primary key,
    sealed     bytea       not null,
    created_at timestamptz not null
);

create table legal_entity (
    id          uuid        primary key,
    name        text        not null check (name <> ''),
    address     jsonb       not null,
    country     text        not null check (country ~ '^[A-Z]{2}$'),
    tax_id      text        not null default '',
    register_id text        not null default '',
    bank_name   text        not null default '',
    bank_iban   text        not null default '',
    bank_bic    text        not null default '',
    is_default  boolean     not null default false,
    created_at  timestamptz not null
);
create unique index legal_entity_one_default on legal_entity (is_default) where is_default;

create table branch (
    id           uuid        primary key,
    legal_entity uuid        not null references legal_entity (id),
    name         text        not null check (name <> ''),
    is_default   boolean     not null default false,
    created_at   timestamptz not null
);
create unique index branch_one_default on branch (is_default) where is_default;

create table tax_rate (
    id         uuid          primary key,
    category   text          not null check (category <> ''),
    name       text          not null,
    percent    numeric(9, 6) not null check (percent >= 0 and percent <= 100),
    valid_from date          not null,
    valid_to   date          check (valid_to > valid_from),
    unique (category, valid_from)
);
