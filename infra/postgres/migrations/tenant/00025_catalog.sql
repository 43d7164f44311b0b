-- +goose Up
-- A draft is checked, then tried on real usage; a change takes it back.
alter table offering_version drop constraint offering_version_state_check;
alter table offering_version add constraint offering_version_state_check check (state in ('draft', 'checked', 'tried', 'published', 'retired'));
alter table offering_version drop constraint offering_version_check;
alter table offering_version add constraint offering_version_check
    check (state in ('draft', 'checked', 'tried') or (available_from is not null and published_at is not null));
create unique index offering_version_open on offering_version (code) where state in ('draft', 'checked', 'tried');
-- whether a draft has to be tried before it is published
alter table operator add column trial_required boolean not null default false;

-- What a thing is, whatever it is sold for.
create table product_specification (
    code       text        primary key check (code <> ''),
    document   jsonb       not null,
    updated_at timestamptz not null
);

-- Whose services are sold and who has a share.
create table partner (
    code       text        primary key check (code <> ''),
    name       text        not null check (name <> ''),
    active     boolean     not null default true,
    created_at timestamptz not null
);

-- What a partner got of a charge, or gave back of a credit: below zero.
create table partner_share (
    id              uuid           primary key,
    partner         text           not null references partner (code),
    subscription_id uuid           not null references subscription (id),
    offering_id     uuid           not null references offering_version (id),
    -- the charge or the bill that it is of, and the line there
    source          uuid           not null,
    line            text           not null,
    net             numeric(29, 9) not null,
    share           numeric(29, 9) not null check (share <> 0),
    currency        text           not null check (currency ~ '^[A-Z]{3}$'),
    at              timestamptz    not null,
    unique (source, line)
);
create index partner_share_partner on partner_share (partner, at desc, id desc);

-- A component of a bundle, or an option on top, is a subscription of its own
-- that ends with the one that it is part of.
alter table subscription add column part_of uuid references subscription (id);
alter table subscription add column part text check (part in ('component', 'option'));
alter table subscription add constraint subscription_part_whole check ((part is null) = (part_of is null) and part_of <> id);
-- false where the bundle's price pays for it
alter table subscription add column pays_fees boolean not null default true;
-- it ends by itself where this day begins
alter table subscription add column ends_on date;
create index subscription_part_of on subscription (part_of) where part_of is not null;
create index subscription_ends on subscription (ends_on) where ends_on is not null and state <> 'terminated';
create index subscription_charged on subscription (charged_through, account_id) where state = 'active';

-- What an order is on top of, which parts of a bundle it takes, and the day
-- that it waits for.
alter table product_order add column part_of uuid references subscription (id);
alter table product_order add column parts text[] not null default '{}';
alter table product_order add column starts_on date;
alter table product_order add column waiting_for text not null default '';
create index product_order_starts on product_order (starts_on, id) where state = 'acknowledged' and starts_on is not null;

-- Sold versions that are to become a newer one.
create table offering_migration (
    id           uuid        primary key,
    to_offering  uuid        not null references offering_version (id),
    from_offerings uuid[]    not null check (cardinality(from_offerings) > 0),
    starts_on    date        not null,
    notice_days  integer     not null check (notice_days between 0 and 365),
    state        text        not null check (state in ('planned', 'told', 'running', 'done', 'cancelled')),
    reason       text        not null default '',
    created_by   text        not null,
    created_at   timestamptz not null,
    ended_at     timestamptz,
    check ((state in ('done', 'cancelled')) = (ended_at is not null))
);
create index offering_migration_open on offering_migration (starts_on) where state in ('planned', 'told', 'running');

-- What became of each subscription: one that opted out stays as it is.
create table offering_migration_member (
    migration_id    uuid        not null references offering_migration (id),
    subscription_id uuid        not null references subscription (id),
    state           text        not null check (state in ('told', 'opted_out', 'scheduled', 'skipped')),
    reason          text        not null default '',
    plan_change_id  uuid        references plan_change (id),
    at              timestamptz not null,
    primary key (migration_id, subscription_id),
    check ((state = 'scheduled') = (plan_change_id is not null))
);
create index offering_migration_member_subscription on offering_migration_member (subscription_id);
