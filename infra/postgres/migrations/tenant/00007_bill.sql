-- +goose Up
create table number_series (
    legal_entity uuid   not null references legal_entity (id),
    document     text   not null check (document in ('bill', 'statement', 'credit_note')),
    year         integer not null,
    next         bigint not null check (next > 0),
    last_issue   date   not null,
    primary key (legal_entity, document, year)
);

create table bill_run (
    id          uuid        primary key,
    cycle_end   date        not null unique,
    state       text        not null check (state in ('running', 'done')),
    total       integer     not null default 0,
    done        integer     not null default 0,
    failed      integer     not null default 0,
    started_at  timestamptz not null,
    finished_at timestamptz
);

create table bill_run_failure (
    run_id     uuid        not null references bill_run (id),
    account_id uuid        not null references billing_account (id),
    reason     text        not null,
    at         timestamptz not null,
    resolved_at timestamptz,
    primary key (run_id, account_id)
);

create table bill (
    id           uuid           primary key,
    run_id       uuid           references bill_run (id),
    account_id   uuid           not null references billing_account (id),
    kind         text           not null check (kind in ('bill', 'statement')),
    state        text           not null check (state in ('draft', 'final', 'void')),
    series_year  integer,
    series_no    bigint,
    number       text           unique,
    cycle_start  date           not null,
    cycle_end    date           not null check (cycle_end > cycle_start),
    issue_date   date,
    due_date     date,
    currency     text           not null,
    net          numeric(29, 9) not null,
    tax          numeric(29, 9) not null,
    total        numeric(29, 9) not null,
    paid_before  numeric(29, 9) not null default 0,
    due          numeric(29, 9) not null,
    facts        jsonb          not null,
    legal_entity uuid           not null references legal_entity (id),
    branch       uuid           not null references branch (id),
    closed_at    timestamptz    not null,
    unique (account_id, cycle_start),
    unique (legal_entity, kind, series_year, series_no),
    check (net + tax = total),
    check (state = 'draft' or (number is not null and issue_date is not null and due_date is not null))
);
create index bill_account on bill (account_id, cycle_start desc);
create index bill_closed on bill (closed_at desc, id desc);

create table bill_line (
    bill_id      uuid           not null references bill (id),
    no           integer        not null,
    kind         text           not null check (kind in ('one_time', 'recurring', 'usage', 'allowance', 'discount')),
    code         text           not null,
    description  text           not null,
    subscription_id uuid,
    period_from  date,
    period_to    date,
    quantity     numeric(29, 9) not null,
    unit         text           not null,
    events       bigint         not null default 0,
    price        numeric(29, 9) not null,
    net          numeric(29, 9) not null,
    tax          numeric(29, 9) not null,
    tax_category text           not null default '',
    tax_percent  numeric(9, 6)  not null default 0,
    primary key (bill_id, no)
);

create table bill_tax (
    bill_id  uuid           not null references bill (id),
    category text           not null,
    percent  numeric(9, 6)  not null,
    name     text           not null,
    base     numeric(29, 9) not null,
    tax      numeric(29, 9) not null,
    primary key (bill_id, category, percent)
);

-- What is owed on a bill: the sum of open is the receivable.
create table open_item (
    id         uuid           primary key,
    account_id uuid           not null references billing_account (id),
    bill_id    uuid           not null unique references bill (id),
    currency   text           not null,
    amount     numeric(29, 9) not null check (amount > 0),
    open       numeric(29, 9) not null check (open >= 0 and open <= amount),
    due_date   date           not null,
    created_at timestamptz    not null
);
create index open_item_open on open_item (account_id, due_date, id) where open > 0;
create index open_item_account on open_item (account_id);
