-- +goose Up
-- What the operator allows to be done with balances, and what follows by itself: one document a kind.
create table balance_policy (
    kind       text        primary key check (kind in ('adjustment', 'transfer', 'points', 'alert', 'reminder')),
    rules      jsonb       not null,
    changed_by text        not null check (changed_by <> ''),
    changed_at timestamptz not null
);

-- Vouchers are made in batches. sealed_pins holds the list of PINs until it is fetched, once.
create table voucher_batch (
    id           uuid           primary key,
    code         text           not null unique check (code ~ '^[A-Z0-9]{2,12}$'),
    value        numeric(29, 9) not null check (value > 0),
    currency     text           not null check (currency ~ '^[A-Z]{3}$'),
    count        integer        not null check (count between 1 and 50000),
    -- what whoever sells them on pays for each
    price        numeric(29, 9) not null check (price >= 0 and price <= value),
    channel      text           not null default '',
    dealer       text           not null default '',
    expires_at   timestamptz    not null check (expires_at > created_at),
    sealed_pins  bytea,
    fetched_at   timestamptz,
    fetched_by   text           not null default '',
    legal_entity uuid           not null references legal_entity (id),
    branch       uuid           not null references branch (id),
    created_by   text           not null check (created_by <> ''),
    created_at   timestamptz    not null,
    check ((sealed_pins is null) = (fetched_at is not null)),
    check ((fetched_at is null) = (fetched_by = ''))
);

-- One voucher. Its PIN is kept as a keyed hash only. A sold one is owed to whoever holds it.
create table voucher (
    id         uuid        primary key,
    batch_id   uuid        not null references voucher_batch (id),
    serial     integer     not null check (serial > 0),
    pin_hash   bytea       not null unique check (length(pin_hash) = 32),
    state      text        not null check (state in ('made', 'active', 'redeemed', 'expired', 'blocked')),
    sold_at    timestamptz,
    ended_at   timestamptz,
    account_id uuid        references billing_account (id),
    payment_id uuid        unique references payment (id),
    unique (batch_id, serial),
    check (state not in ('active', 'redeemed') or sold_at is not null),
    check (state <> 'made' or sold_at is null),
    check ((state = 'redeemed') = (account_id is not null)),
    check ((state = 'redeemed') = (payment_id is not null)),
    check ((state in ('redeemed', 'expired')) = (ended_at is not null))
);
create index voucher_open on voucher (batch_id, id) where state in ('made', 'active', 'blocked');
create index voucher_account on voucher (account_id) where account_id is not null;

-- Wrong PINs in a row, and until when no more are looked at (wall time).
alter table billing_account add column voucher_tries integer not null default 0 check (voucher_tries >= 0);
alter table billing_account add column voucher_wait timestamptz;

alter table payment drop constraint payment_method_check;
alter table payment add constraint payment_method_check check (method in ('card', 'bank', 'cash', 'goodwill', 'voucher'));

-- What a person did with balances by decision: adjustments, and transfers between subscribers.
create table balance_act (
    id            uuid           primary key,
    kind          text           not null check (kind in ('adjustment', 'transfer', 'burn')),
    account_id    uuid           not null references billing_account (id) on delete cascade,
    other_account uuid           references billing_account (id) on delete cascade,
    bucket_id     uuid,
    amount        numeric(29, 9) not null check (amount <> 0),
    fee           numeric(29, 9) not null default 0 check (fee >= 0),
    unit          text           not null,
    reason        text           not null default '',
    note          text           not null default '',
    actor         text           not null check (actor <> ''),
    at            timestamptz    not null,
    check ((kind = 'transfer') = (other_account is not null)),
    check (other_account <> account_id)
);
create index balance_act_account on balance_act (account_id, at desc);
create index balance_act_other on balance_act (other_account, at desc) where other_account is not null;
create index balance_act_actor on balance_act (actor, at) where kind = 'adjustment';

-- Below it somebody wants to know, in the transaction that takes the value there.
alter table bucket add column alert_below numeric(29, 9);

-- A card payment may be taken from a stored method, without a page.
alter table payment_intent add column method_id uuid references payment_method (id);

-- How an account tops itself up from a stored method: below a value, or on a day of each month.
create table auto_topup (
    account_id uuid           primary key references billing_account (id) on delete cascade,
    method_id  uuid           not null references payment_method (id),
    amount     numeric(29, 9) not null check (amount > 0),
    currency   text           not null check (currency ~ '^[A-Z]{3}$'),
    below      numeric(29, 9) check (below >= 0),
    month_day  integer        check (month_day between 1 and 31),
    day_limit  numeric(29, 9) not null check (day_limit >= amount),
    state      text           not null check (state in ('active', 'stopped', 'off')),
    -- the order under way; its id is the key that the provider is asked under
    intent_id  uuid           references payment_intent (id),
    failures   integer        not null default 0 check (failures >= 0),
    failure    text           not null default '',
    changed_by text           not null check (changed_by <> ''),
    changed_at timestamptz    not null,
    check (below is not null or month_day is not null)
);

-- A threshold that was crossed, or is counted towards. subject is the bucket, cycle or day of which this is the one crossing.
create table alert (
    id              uuid           primary key,
    rule            text           not null check (rule <> ''),
    account_id      uuid           not null references billing_account (id) on delete cascade,
    subscription_id uuid           references subscription (id) on delete cascade,
    subject         text           not null check (subject <> ''),
    action          text           not null check (action in ('notify', 'slow', 'cut', 'offer')),
    state           text           not null check (state in ('counting', 'raised', 'told', 'held', 'ended')),
    reached         numeric(29, 9) not null,
    threshold       numeric(29, 9) not null,
    unit            text           not null,
    terms           jsonb          not null default '{}',
    at              timestamptz    not null,
    ended_at        timestamptz,
    ended_by        text           not null default '',
    unique (account_id, rule, subject),
    check ((state = 'ended') = (ended_at is not null)),
    check ((ended_at is null) = (ended_by = ''))
);
create index alert_account on alert (account_id, at desc);
create index alert_held on alert (subscription_id) where state = 'held';
