-- +goose Up
-- Several taxes in one category, on a part of the price, or on earlier taxes.
alter table tax_rate
    add column levy text not null default '' check (levy ~ '^[a-z0-9_-]{0,40}$'),
    add column position smallint not null default 1 check (position between 1 and 9),
    add column factor_num integer not null default 1 check (factor_num > 0),
    add column factor_den integer not null default 1 check (factor_den >= factor_num),
    add column on_earlier boolean not null default false,
    add column other boolean not null default false;
alter table tax_rate drop constraint tax_rate_category_valid_from_key;
alter table tax_rate add constraint tax_rate_levy_from unique (category, levy, valid_from);

-- What a category is to the tax office (EN 16931, BT-151) and to rules.
create table tax_category (
    key         text not null primary key check (key ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    name        text not null check (name <> ''),
    code        text not null check (code in ('S', 'Z', 'E', 'AE', 'K', 'G', 'O', 'L', 'M')),
    reason_code text not null default '',
    reason      text not null default '',
    service     text not null default 'telecom' check (service in ('telecom', 'electronic', 'goods', 'other'))
);

-- How a sale over a border is taxed. Tried in order.
create table tax_rule (
    id          uuid     primary key,
    position    smallint not null check (position between 1 and 999),
    seller      text     not null check (seller ~ '^([A-Z]{2}|\*)$'),
    buyer       text     not null check (buyer ~ '^([A-Z]{2}|\*|other)$'),
    kind        text     not null check (kind in ('any', 'business', 'taxable', 'private')),
    service     text     not null default '' check (service in ('', 'telecom', 'electronic', 'goods', 'other')),
    treatment   text     not null check (treatment in ('charge', 'category', 'reverse_charge', 'intra_eu', 'export', 'not_subject', 'exempt', 'zero')),
    category    text     not null default '',
    reason_code text     not null default '',
    reason      text     not null default '',
    check ((treatment = 'category') = (category <> '')),
    constraint tax_rule_order unique (position) deferrable initially deferred
);

-- A customer that is exempt, for a time, by a certificate. Ended, never removed: documents were made by it.
create table tax_exemption (
    id          uuid        primary key,
    account_id  uuid        not null references billing_account (id) on delete cascade,
    category    text        not null default '',
    code        text        not null check (code in ('Z', 'E', 'AE', 'K', 'G', 'O')),
    reason_code text        not null default '',
    reason      text        not null check (reason <> ''),
    certificate text        not null default '',
    valid_from  date        not null,
    valid_to    date        check (valid_to > valid_from),
    created_by  text        not null check (created_by <> ''),
    created_at  timestamptz not null
);
create index tax_exemption_account on tax_exemption (account_id, valid_from);

alter table operator
    add column tax_settings jsonb not null default '{}',
    add column document_settings jsonb not null default '{}';

-- tax_status: null for an ordinary customer of the seller's own country; else what tax needs to know of it.
-- withholding: the tax that the customer keeps back from what it pays; papers: how it wants its documents.
alter table billing_account
    add column tax_status jsonb,
    add column withholding jsonb,
    add column papers jsonb not null default '{}';

-- What the promised prices differ by from net and strictly reckoned tax (BT-114).
alter table bill add column rounding numeric(29, 9) not null default 0;
alter table bill drop constraint bill_check1;
alter table bill add constraint bill_sums check (net + tax + rounding = total);

alter table bill_line add column tax_group smallint not null default 0;

alter table bill_tax
    add column position smallint not null default 0,
    add column tax_group smallint not null default 0,
    add column code text not null default '' check (code in ('', 'S', 'Z', 'E', 'AE', 'K', 'G', 'O', 'L', 'M')),
    add column reason_code text not null default '',
    add column reason text not null default '',
    add column levy text not null default '',
    add column factor_num integer not null default 1 check (factor_num > 0),
    add column factor_den integer not null default 1 check (factor_den >= factor_num),
    add column on_earlier boolean not null default false,
    add column other boolean not null default false;
alter table bill_tax drop constraint bill_tax_pkey;
alter table bill_tax add constraint bill_tax_pkey primary key (bill_id, category, percent, levy, code, tax_group, position);
