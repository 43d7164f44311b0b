-- +goose Up
-- What an outside engine answered for what a document of an account would ask for, by a key of all that was asked:
-- the closing finds it there, and what was asked otherwise is asked again. The document keeps its own copy.
create table tax_quote (
    id         uuid        primary key,
    account_id uuid        not null references billing_account (id) on delete cascade,
    answer     jsonb       not null,
    asked_at   timestamptz not null
);
create index tax_quote_account on tax_quote (account_id);

-- What an authority's register said of an account's tax id, and when: evidence of why a sale was taxed as it was.
-- unreachable: it gave no answer.
create table tax_id_check (
    id         uuid        primary key,
    account_id uuid        not null references billing_account (id) on delete cascade,
    country    text        not null check (country ~ '^[A-Z]{2}$'),
    tax_id     text        not null check (tax_id <> ''),
    result     text        not null check (result in ('valid', 'invalid', 'unreachable')),
    name       text        not null default '',
    address    text        not null default '',
    reference  text        not null default '',
    reason     text        not null default '' check ((reason <> '') = (result = 'unreachable')),
    answered_at timestamptz check ((answered_at is null) = (result = 'unreachable')),
    asked_at   timestamptz not null,
    asked_by   text        not null check (asked_by <> '')
);
create index tax_id_check_account on tax_id_check (account_id, asked_at desc, id desc);
