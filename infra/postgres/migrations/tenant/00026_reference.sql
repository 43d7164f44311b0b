-- +goose Up
-- A prefix table: which zone a number belongs to. Offerings name it by its code.
create table deck (
    code       text        primary key check (code ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    names      jsonb       not null default '{}',
    created_at timestamptz not null
);

-- A version of a deck, as one file brought it. Its entries are one packed value,
-- which never changes: they are only ever read as a whole. The version that is
-- live at an instant is the one that became so last.
create table deck_version (
    id              uuid        primary key,
    deck            text        not null references deck (code),
    version         integer     not null check (version > 0),
    state           text        not null check (state in ('draft', 'checked', 'live', 'discarded')),
    file_name       text        not null default '',
    prefixes        integer     not null check (prefixes > 0),
    zones           text[]      not null check (cardinality(zones) > 0),
    zone_names      jsonb       not null default '{}',
    body            bytea       not null,
    restores        integer     check (restores < version),
    checked_at      timestamptz,
    checked_against uuid        references deck_version (id),
    live_from       timestamptz,
    switch_no       integer     check (switch_no > 0),
    created_by      text        not null,
    created_at      timestamptz not null,
    unique (deck, version),
    unique (deck, switch_no),
    check ((state = 'live') = (live_from is not null and switch_no is not null)),
    check (state = 'draft' or state = 'discarded' or checked_at is not null),
    check ((state = 'discarded') = (body = ''))
);
alter table deck_version alter column body set storage external;

-- A calendar of holidays. Days that come back every year stand in yearly, others
-- in holiday.
create table holiday_calendar (
    code       text        primary key check (code ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    names      jsonb       not null default '{}',
    yearly     jsonb       not null default '[]' check (jsonb_typeof(yearly) = 'array'),
    created_at timestamptz not null
);
insert into holiday_calendar (code, created_at) select distinct calendar, now() from holiday;
alter table holiday add constraint holiday_calendar_fkey foreign key (calendar) references holiday_calendar (code);
alter table holiday add column names jsonb not null default '{}';
alter table holiday drop column name;

-- One unit of one currency in another, from a day on until the next rate of the two.
create table exchange_rate (
    from_currency text    not null check (from_currency ~ '^[A-Z]{3}$'),
    to_currency   text    not null check (to_currency ~ '^[A-Z]{3}$'),
    day           date    not null,
    value         numeric not null check (value > 0 and value < 1000000000000 and scale(value) <= 12),
    both_ways     boolean not null default false,
    source        text    not null default '',
    primary key (from_currency, to_currency, day),
    check (from_currency <> to_currency)
);
