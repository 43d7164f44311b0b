-- +goose Up
create table catalog_epoch (
    id    smallint primary key check (id = 1),
    epoch bigint   not null
);

-- A version of an offering. The document is immutable once published.
create table offering_version (
    id             uuid        primary key,
    code           text        not null check (code <> ''),
    version        integer     not null check (version > 0),
    state          text        not null check (state in ('draft', 'published', 'retired')),
    document       jsonb       not null,
    currency       text        not null check (currency ~ '^[A-Z]{3}$'),
    available_from timestamptz,
    created_at     timestamptz not null,
    published_at   timestamptz,
    unique (code, version),
    check (state = 'draft' or (available_from is not null and published_at is not null))
);
create index offering_version_current on offering_version (code, available_from desc) where state = 'published';

create table holiday (
    calendar text not null,
    day      date not null,
    name     text not null default '',
    primary key (calendar, day)
);
