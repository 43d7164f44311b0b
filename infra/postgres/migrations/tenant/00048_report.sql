-- +goose Up
-- Snapshots of the ledger, summed up from rows that no running transaction can add to any more. ledger_mark says up to which
-- transfer of each period; what came since is added while reading.
create table ledger_mark (
    period  date primary key,
    through uuid not null
);

-- What a local day debited to and credited to each line of the chart of accounts, by what happened.
create table ledger_day (
    day          date           not null,
    kind         text           not null,
    event        text           not null,
    unit         text           not null,
    legal_entity uuid           not null,
    branch       uuid           not null,
    debit        numeric(38, 9) not null,
    credit       numeric(38, 9) not null,
    primary key (day, kind, event, unit, legal_entity, branch)
);

-- Debits less credits of each account. id is all zeros for the general ledger's.
create table ledger_total (
    kind   text           not null,
    id     uuid           not null,
    unit   text           not null,
    amount numeric(38, 9) not null,
    primary key (kind, id, unit)
) with (fillfactor = 80);

-- A business day that a person has signed off: the sums of each account as they were then, what the control sums said, and up
-- to which transfer. What is posted for the day later shows against it.
create table day_close (
    day        date        primary key,
    sums       jsonb       not null,
    checks     jsonb       not null,
    through    uuid        not null,
    note       text        not null default '',
    signed_by  text        not null check (signed_by <> ''),
    signed_at  timestamptz not null
);

-- The operator's own numbers of the chart of accounts.
alter table operator add column chart_of_accounts jsonb not null default '{}';

-- A report that goes out by mail. log holds the latest runs.
create table report_schedule (
    id         uuid        primary key,
    name       text        not null check (name <> ''),
    report     text        not null check (report <> ''),
    terms      jsonb       not null,
    format     text        not null check (format in ('csv', 'xlsx')),
    every      text        not null check (every in ('day', 'week', 'month')),
    on_day     integer     not null check (on_day between 0 and 31),
    at_hour    integer     not null check (at_hour between 0 and 23),
    recipients uuid[]      not null check (cardinality(recipients) between 1 and 20),
    state      text        not null check (state in ('active', 'off')),
    due_at     timestamptz not null,
    log        jsonb       not null default '[]',
    created_by text        not null check (created_by <> ''),
    created_at timestamptz not null,
    changed_at timestamptz not null
);
