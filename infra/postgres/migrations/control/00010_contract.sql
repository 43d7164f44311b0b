-- +goose Up
-- What operators have agreed with us. until_on is the day after the last one; of a buy-out, its day.
create table contract (
    id          uuid        primary key,
    operator_id uuid        not null references operator (id),
    model       text        not null check (model in ('rent', 'lease', 'revenue_share', 'own_licence')),
    place       text        not null check (place in ('pooled', 'dedicated', 'colocation', 'appliance', 'customer')),
    currency    text        not null check (currency ~ '^[A-Z]{3}$'),
    terms       jsonb       not null,
    state       text        not null check (state in ('draft', 'active', 'ended', 'bought_out', 'withdrawn')),
    from_on     date        not null,
    until_on    date,
    reference   text        not null default '',
    reason      text        not null default '',
    created_by  text        not null,
    created_at  timestamptz not null,
    check (until_on is null or until_on >= from_on),
    check (state not in ('ended', 'bought_out') or until_on is not null),
    check (state <> 'bought_out' or model = 'lease')
);
create index contract_operator on contract (operator_id, from_on);

-- What an operator collected on a day of its own calendar, as its stack signed it. Insert only.
create table daily_total (
    operator_id uuid           not null references operator (id),
    day         date           not null,
    currency    text           not null check (currency ~ '^[A-Z]{3}$'),
    collected   numeric(29, 9) not null,
    head_seq    bigint         not null check (head_seq >= 0),
    head_hash   bytea          not null,
    statement   text           not null check (statement <> ''),
    received_at timestamptz    not null,
    primary key (operator_id, day)
);

-- A month of a contract that was charged; whole: every day of its base was there.
create table contract_month (
    contract_id uuid           not null references contract (id),
    month       date           not null check (extract(day from month) = 1),
    share       numeric(29, 9) not null default 0, -- charged so far as a share of revenue
    whole       boolean        not null,
    closed_at   timestamptz    not null,
    primary key (contract_id, month)
);
create index contract_month_open on contract_month (contract_id, month) where not whole;

-- Charges on their way into the house's books, by permanent keys.
create table house_charge (
    id          uuid           primary key,
    contract_id uuid           not null references contract (id),
    operator_id uuid           not null references operator (id),
    code        text           not null check (code <> ''),
    words       jsonb          not null,
    period_from date           not null,
    period_to   date           not null check (period_to > period_from),
    amount      numeric(29, 9) not null check (amount > 0),
    currency    text           not null check (currency ~ '^[A-Z]{3}$'),
    detail      jsonb          not null default '{}',
    made_at     timestamptz    not null,
    carried_at  timestamptz,
    tries       integer        not null default 0 check (tries >= 0),
    next_at     timestamptz    not null,
    reason      text           not null default ''
);
create index house_charge_waiting on house_charge (next_at, id) where carried_at is null;
create index house_charge_operator on house_charge (operator_id, period_from desc, id);
