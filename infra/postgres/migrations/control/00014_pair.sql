-- +goose Up
-- The primary of a site with a synchronous standby. A decision is one update that names the term
-- it was taken in: of two control planes one wins. What was decided is then carried out, by whoever
-- looks next. fence counts the looks, so that one that comes back late writes nothing.
create table pair (
    site_id      uuid        primary key references site (id),
    term         bigint      not null check (term > 0),
    primary_node text        not null check (primary_node in ('a', 'b')),
    mode         text        not null check (mode in ('forming', 'synchronous', 'alone', 'promoting')),
    reason       text        not null default '',
    suspect_at   timestamptz,
    steps        jsonb       not null default '[]',
    changed_at   timestamptz not null,
    seen_at      timestamptz,
    fence        bigint      not null default 0,
    next_look_at timestamptz not null
);
create index pair_look on pair (next_look_at);
