create schema {raw};
create table {raw}.bucket (like {like}.bucket including all);
create table {raw}.entry (
    period      date           not null,
    id          uuid           not null,
    source_id   uuid           not null,
    key         bytea          not null,
    account_id  uuid           not null,
    ended_at    timestamptz    not null,
    cycle_start date           not null,
    at          timestamptz    not null,
    amount      numeric(29, 9) not null check (amount > 0),
    rest        text           not null,
    primary key (period, id)
);
create unique index entry_key on {raw}.entry (source_id, key);
create unique index entry_charge on {raw}.entry (period, id) include (amount);
create unique index entry_transfer on {raw}.entry (id, period);
create index entry_use on {raw}.entry (account_id, ended_at);
create index entry_cycle on {raw}.entry (account_id, cycle_start);
create index entry_at on {raw}.entry (account_id, at);
