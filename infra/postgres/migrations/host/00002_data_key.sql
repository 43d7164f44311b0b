-- +goose Up
-- One data key a tenant seals its secrets, wrapped by the master key. It stands outside the
-- tenant's schema, so that a dump of the tenant has no key; destroyed keys leave their row.
create table data_key (
    tenant       uuid        not null,
    version      integer     not null check (version > 0),
    wrapped      bytea,
    state        text        not null check (state in ('current', 'retiring', 'destroyed')),
    created_at   timestamptz not null,
    retired_at   timestamptz,
    primary key (tenant, version),
    check ((state = 'destroyed') = (wrapped is null)),
    check ((state = 'current') = (retired_at is null))
);
-- one key of a tenant seals at a time, however many processes make one at once
create unique index data_key_current on data_key (tenant) where state = 'current';
